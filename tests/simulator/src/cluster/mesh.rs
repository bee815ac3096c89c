//! Nodes that keep each other connected: what a host does for it, and what must come of it.

use std::sync::Arc;

use snow_dist_runtime::core::Dial;
use snow_dist_runtime::core::connection::Randomness;

use super::{At, Cluster, Step};
use crate::coverage::Of;
use crate::oracle::{Checked, check};
use crate::plan::SECOND;
use crate::wire::{NEVER, Time};

/// How long TCP waits until it asks once more for a connection, while nothing comes back.
const ASKS_AGAIN: Time = SECOND;

impl Cluster<'_> {
    /// A node of a mesh has started: it keeps the first one connected, and learns of the others.
    pub(super) fn join(&mut self, node: usize) -> Checked {
        if !self.plan.is_mesh || node == 0 {
            return Ok(());
        }
        let clock = self.clock(node);
        let kept = self.nodes[node].endpoint.keep(&self.plan.nodes[0].name, clock);
        check(kept.is_ok(), "a name can be kept connected", || format!("node {node}: {kept:?}"))?;
        self.carry_out(node)
    }

    /// The endpoint wants this name to be dialled.
    pub(super) fn ask_for(&mut self, node: usize, name: &Arc<str>) {
        if let Some(peer) = self.plan.nodes.iter().position(|plan| plan.name == *name) {
            self.soon(node, Step::DialKept { node: node as u32, peer: peer as u32 });
        }
    }

    /// It is dialled. What has happened since then can have made that needless.
    pub(super) fn dial_kept(&mut self, node: usize, peer: usize) -> Checked {
        if !self.nodes[node].is_running {
            return Ok(());
        }
        let clock = self.clock(node);
        let here = &mut self.nodes[node];
        let random = Randomness::new(&here.random.bytes());
        let dial = here.endpoint.dial(&self.plan.nodes[peer].name, random, clock);
        check(
            !matches!(dial, Dial::OwnName | Dial::Stopped | Dial::Busy),
            "what is to be dialled can be dialled",
            || format!("node {node}, and node {peer}"),
        )?;
        if let Dial::Start(id, engine) = dial {
            self.coverage.count(Of::KeptDial);
            let at = self.begin_dial(node, peer, id, engine);
            if let Some(end) = self.end(at) {
                end.is_kept = true;
            }
        }
        self.carry_out(node)
    }

    /// A deadline of the node's endpoint has come.
    pub(super) fn due(&mut self, node: usize) -> Checked {
        let (now, clock) = (self.now, self.clock(node));
        let here = &mut self.nodes[node];
        here.due_at.take_if(|at| *at <= now);
        if !here.is_running {
            return Ok(());
        }
        if here.endpoint.deadline().is_some_and(|due| due <= clock) {
            here.endpoint.handle_timeout(clock);
            self.coverage.count(Of::Timer);
        }
        self.carry_out(node)
    }

    pub(super) fn set_timer(&mut self, node: usize) {
        let Some(due) = self.nodes[node].endpoint.deadline() else { return };
        let due = self.time_of(node, due).max(self.now + 1);
        let timer = &mut self.nodes[node].due_at;
        if due < timer.unwrap_or(NEVER) {
            *timer = Some(due);
            self.push(due, Step::Due { node: node as u32 });
        }
    }

    /// A dial goes into a partition: TCP asks again, until whoever dials has no patience left.
    pub(super) fn is_lost_between(&mut self, at: At) -> bool {
        let Some(it) = &self.connections[at.connection as usize] else { return false };
        let [here, there] = &it.ends;
        let is_lost = here.is_open() && self.is_apart(here.node, there.node);
        if is_lost {
            self.coverage.count(Of::Apart);
            self.after(ASKS_AGAIN, Step::Connect(at));
        }
        if is_lost && let Some(it) = &mut self.connections[at.connection as usize] {
            it.is_faulty = true;
        }
        is_lost
    }

    /// A session has begun at one end: with the last of them the mesh is complete.
    pub(super) fn look_at_mesh(&mut self) {
        if self.plan.is_mesh && self.complete_since.is_none() && self.missing().is_none() {
            self.complete_since = Some(self.now);
            self.coverage.count(Of::Complete);
        }
    }

    /// A node that has no session with another one.
    fn missing(&self) -> Option<(usize, usize)> {
        let nodes = 0..self.nodes.len();
        let mut pairs = nodes.clone().flat_map(|node| nodes.clone().map(move |peer| (node, peer)));
        pairs.find(|(node, peer)| node != peer && self.nodes[*node].watched[*peer].is_none())
    }

    /// Whoever keeps a name connected has a session with it.
    pub(super) fn is_complete(&self) -> Checked {
        let missing = self.missing().filter(|_| self.plan.is_mesh);
        check(missing.is_none(), "a mesh is complete again when nothing disturbs it", || {
            let Some((node, peer)) = missing else { return String::new() };
            let name = &self.plan.nodes[peer].name;
            let kept = self.nodes[node].endpoint.kept().find(|kept| kept.name == *name);
            format!("node {node} has no session with node {peer} at {}: {kept:?}", self.now)
        })
    }

    /// By now the mesh must be complete and agree on names and groups, and for how long it was not complete is noted.
    pub(super) fn must_be_complete(&mut self, since: Time) -> Checked {
        self.is_complete()?;
        self.names_agree()?;
        self.groups_agree()?;
        let complete = self.complete_since.unwrap_or(self.now);
        self.completed.push(complete.saturating_sub(since));
        Ok(())
    }
}
