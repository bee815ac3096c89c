//! What a connection brings of global names and to servers of groups.

use snow_dist_runtime::core::globals::Heard;
use snow_dist_runtime::core::{GlobalNews, Pid, Reason as CoreReason, TermPids};

use super::delivery::Delivery;
use crate::coverage::Of;
use crate::oracle::{Brings, GLOBALS, Who, check, global_name, server_message};

/// Messages for a server in a thousand that it has no room for.
const MISSED: u64 = 20;

const FINDS: &str = "who gets something of a process finds it by its global names";

impl Delivery<'_> {
    /// Whoever gets something of a process finds it by its global names, or one that goes before it.
    pub(super) fn finds_sender(&mut self, number: u32) {
        let Some((sender, names)) = self.truth.names_of_sender(number) else { return };
        for name in (0..GLOBALS).filter(|name| names >> name & 1 == 1) {
            let found = self.here.globals.whereis(&global_name(name)).and_then(|pid| self.here.in_truth(pid));
            let incarnation = |who: Who| self.starts[who.start as usize];
            let is_it = found.is_some_and(|who| who == sender || incarnation(who) < incarnation(sender));
            self.coverage.count(Of::SenderFound);
            self.keep(check(is_it, FINDS, || format!("{found:?} has name {name}, and {sender} has sent")));
        }
    }

    /// Nobody finds a process any more whose end it learns of.
    pub(super) fn finds_no_dead(&mut self, from: Pid, reason: &CoreReason) {
        let root = if let CoreReason::Linked(chain) = reason { &chain.root } else { reason };
        if *root == CoreReason::Noconnection {
            return;
        }
        let found = self.here.globals.names().find(|(_, pid)| *pid == from);
        // Whoever has asked for a process before it began, by a pid that was guessed, was told that it is not there. It may have
        // come to life and have a name when that arrives.
        let has_names = self.here.in_truth(from).is_some_and(|who| self.truth.claims.of(who) != 0);
        self.keep(check(
            found.is_none() || has_names,
            "who learns of a process's end finds its global names free",
            || format!("{found:?} at node {}", self.here.index),
        ));
    }

    /// The peer says something of a global name.
    pub(super) fn global(&mut self, news: GlobalNews<'_>) {
        self.coverage.count(match &news {
            GlobalNews::Registered { .. } => Of::NameHeard,
            GlobalNews::Unregistered { .. } => Of::NameHeardBack,
        });
        match self.here.globals.heard(self.id, news) {
            Heard::Known => {}
            Heard::Lost(conflict) => self.here.lost_names.push(conflict),
            Heard::PassedOver => self.keep(check(false, "our own nodes tell of their own names", || {
                format!("to node {} by node {}", self.here.index, self.peer)
            })),
        }
    }

    /// A message for the server of groups, which may have no room for it.
    pub(super) fn for_server(&mut self, term: &[u8], pids: &TermPids) {
        let local = self.here.table.server;
        if !self.here.table.is_alive(local) {
            return;
        }
        let number = server_message(term).map_or(u32::MAX, |(_, number)| number);
        self.given.push(Brings::Message(local, number));
        if self.misses && self.here.random.chance(MISSED) {
            self.coverage.count(Of::ServerMissed);
        } else if let Some(server) = self.here.server_at(local) {
            server.on_message(term, pids);
        }
    }
}
