//! Global names: what a host does for them, in the order in which the runtime does it, and what must come of it.

use std::sync::Arc;

use snow_dist_runtime::core::globals::{Conflict, NAME_CONFLICT, NotRegistered, OnConflict};
use snow_dist_runtime::core::{NodeNumber, Pid, Reason as CoreReason};

use super::{At, Cluster, Node};
use crate::coverage::Of;
use crate::oracle::{Checked, GLOBALS, Owner, Reason, Who, check, global_name, global_of};
use crate::script::{OfName, Slot};

const AGREE: &str =
    "at rest each node finds the one that keeps a global name, of all that it has a session with";
const OWNS: &str = "a node owns a global name as long as its process has it";

impl Cluster<'_> {
    /// A program registers, takes back or looks up a name.
    pub(super) fn act_on_name(&mut self, who: Slot, does: OfName, name: u8, dice: u64) -> Checked {
        let node = usize::from(who.node);
        self.coverage.count(Of::Operation);
        match does {
            OfName::Register => self.register(node, who.place, name, dice),
            OfName::TakeBack => self.take_back(node, name),
            OfName::LookUp => self.look_up(node, name),
        }
    }

    fn register(&mut self, node: usize, place: u16, name: u8, dice: u64) -> Checked {
        let local = self.process_at(node, place, dice);
        let on_conflict = if dice >> 8 & 1 == 1 { OnConflict::Tell } else { OnConflict::Exit };
        let here = &mut self.nodes[node];
        let who = Who { start: here.start, local };
        match here.globals.register(&global_name(name), u64::from(local), on_conflict) {
            Ok(text) => {
                self.coverage.count(Of::NameGiven);
                self.trace.note(self.now, || format!("node {node} process {who} has global name {name}"));
                self.truth.claims.registered(who, name, on_conflict)?;
                self.tell_global(node, &text, Some(u64::from(local)));
                Ok(())
            }
            Err(NotRegistered::Taken { pid, .. }) => {
                self.coverage.count(Of::NameTaken);
                self.truth.claims.refused(who.start, name, here.in_truth(pid))
            }
            Err(other) => check(false, OWNS, || other.to_string()),
        }
    }

    fn take_back(&mut self, node: usize, name: u8) -> Checked {
        let here = &mut self.nodes[node];
        let text: Arc<str> = global_name(name).into();
        let (had, owner) = (here.globals.unregister(&text), self.truth.claims.taken_back(here.start, name));
        check(had == owner.map(|owner| u64::from(owner.local)), OWNS, || {
            format!("{had:?} of node {node} had name {name}, in truth {owner:?}")
        })?;
        if owner.is_some() {
            self.coverage.count(Of::NameTakenBack);
            self.trace.note(self.now, || format!("node {node} takes global name {name} back"));
            self.tell_global(node, &text, None);
        }
        Ok(())
    }

    /// Whoever is found was given the name; if it is a process of the node itself, it has it.
    fn look_up(&mut self, node: usize, name: u8) -> Checked {
        let here = &self.nodes[node];
        let Some(pid) = here.globals.whereis(&global_name(name)) else {
            self.coverage.count(Of::NameNotFound);
            return Ok(());
        };
        self.coverage.count(if pid.is_here() { Of::NameFoundHere } else { Of::NameFound });
        self.truth.claims.refused(here.start, name, here.in_truth(pid))
    }

    /// Every session of the node is told what has become of an own name.
    fn tell_global(&mut self, node: usize, name: &Arc<str>, local: Option<u64>) {
        let mut sessions: Vec<At> = self.nodes[node].sessions.values().copied().collect();
        sessions.sort_unstable();
        for at in sessions {
            let Some(engine) = self.end(at).and_then(|end| end.engine.as_mut()) else { continue };
            let session = if local.is_some() { engine.open_session() } else { engine.session() };
            let Some(session) = session else { continue };
            match local {
                Some(local) => session.register_global(name, local),
                None => session.unregister_global(name),
            }
            self.wake(at);
        }
    }

    /// A process has ended: its names are taken back before anybody learns of its end.
    pub(crate) fn names_ended(&mut self, node: usize, local: u32) {
        let here = &mut self.nodes[node];
        let names = here.globals.process_ended(u64::from(local));
        let count = self.truth.claims.ended(Who { start: here.start, local });
        (0..count).for_each(|_| self.coverage.count(Of::NameOfDead));
        names.iter().for_each(|name| self.tell_global(node, name, None));
    }

    /// The node has lost names to others: their processes are told.
    pub(crate) fn lose_names(&mut self, node: usize) -> Checked {
        for conflict in std::mem::take(&mut self.nodes[node].lost_names) {
            self.lose_name(node, &conflict)?;
        }
        Ok(())
    }

    fn lose_name(&mut self, node: usize, conflict: &Conflict) -> Checked {
        let Conflict { name, local, winner, on_conflict, .. } = conflict;
        self.tell_global(node, name, None);
        let here = &mut self.nodes[node];
        let loser = Owner { local: *local as u32, on_conflict: *on_conflict };
        let (Some(won), Some(number)) = (here.in_truth(*winner), global_of(name)) else {
            return check(false, AGREE, || format!("{conflict:?} of node {node}"));
        };
        self.trace.note(self.now, || format!("node {node} loses global name {name} to {won}"));
        self.truth.claims.lost((here.start, number), loser, won, &self.starts)?;
        let Some(process) = here.table.living(loser.local) else { return Ok(()) };
        match on_conflict {
            OnConflict::Tell => self.coverage.count(Of::ConflictTold),
            OnConflict::Exit if process.traps => self.coverage.count(Of::ConflictTrapped),
            OnConflict::Exit => {
                let reason = CoreReason::custom(NAME_CONFLICT);
                let (as_seen, truth) =
                    (CoreReason::linked(*winner, &reason), Reason::of(reason.clone()).linked(won));
                here.table.end(loser.local, as_seen, truth);
                self.coverage.count(Of::ConflictEnds);
            }
        }
        Ok(())
    }

    /// A session begins: the peer is told of all own names, and what it says of its own is taken.
    pub(super) fn names_come_up(&mut self, node: usize, at: At) {
        let own_name = self.plan.nodes[node].name.clone();
        let Some(it) = &mut self.connections[at.connection as usize] else { return };
        let end = &mut it.ends[at.end()];
        if let Some(session) = end.engine.as_mut().and_then(|engine| engine.session()) {
            session.tell_globals(&own_name, self.nodes[node].globals.own());
        }
        self.wake(at);
    }

    /// Each node finds whom it must, and nobody else.
    pub(super) fn names_agree(&self) -> Checked {
        self.nodes.iter().try_for_each(|node| self.agrees_on_names(node))
    }

    fn agrees_on_names(&self, here: &Node) -> Checked {
        let (claims, known) = (&self.truth.claims, self.known_starts(here));
        let found: Vec<_> = here
            .globals
            .names()
            .map(|(name, pid)| (global_of(&name).unwrap_or(GLOBALS), here.in_truth(pid)))
            .collect();
        let due: Vec<_> = (0..GLOBALS)
            .filter_map(|name| claims.holder(name, &known, &self.starts).map(|who| (name, Some(who))))
            .collect();
        check(found == due, AGREE, || format!("node {} finds {found:?}, and {due:?} is due", here.index))?;
        for name in 0..GLOBALS {
            let owner = claims.owner(here.start, name);
            let is_alive = owner.is_none_or(|owner| here.table.is_alive(owner.local));
            let is_alone = owner.is_none() || claims.owners(name, &known) == 1;
            check(
                is_alive && is_alone,
                "at rest of two nodes in a session one owns a global name at most",
                || format!("name {name} of node {}, which knows {known:?}: {owner:?}", here.index),
            )?;
        }
        let own = here.globals.own().filter_map(|(name, local)| Some((global_of(name)?, local as u32)));
        let owned = (0..GLOBALS).filter_map(|name| Some((name, claims.owner(here.start, name)?.local)));
        check(own.eq(owned), OWNS, || format!("node {} at rest", here.index))
    }

    /// The node's own start, and those of all nodes that it has a session with.
    pub(super) fn known_starts(&self, here: &Node) -> Vec<u32> {
        let peers = here.watched.iter().enumerate().filter(|(_, at)| at.is_some());
        peers.map(|(peer, _)| self.nodes[peer].start).chain([here.start]).collect()
    }
}

impl Node {
    /// A process of this node.
    pub(crate) fn own_pid(&self, local: u32) -> Pid {
        Pid::new(NodeNumber::HERE, self.creation, u64::from(local))
    }
}
