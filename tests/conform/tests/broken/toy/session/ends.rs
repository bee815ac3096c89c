//! What ends: processes, sessions, monitors and calls.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use snow_dist_codec::frame::{Demonitor, Exit};

use super::super::connection::frame;
use super::super::outbound::{Kind, Tie};
use super::super::reason::Reason;
use super::super::{Other, Owed, State, Toy, noconnection};
use super::{LinkState, Made, MadeKind};
use crate::defects::Defect;

/// Ends.
impl Toy {
    /// An exit signal for a process that lives.
    pub(in super::super) fn exit_signal(
        &self,
        state: &mut State,
        own: u64,
        of: Other,
        reason: &Reason,
        owed: &mut Owed,
    ) {
        let traps = state.processes.get(&own).is_some_and(|process| process.traps);
        let ends = reason.ends() || self.has(Defect::NormalEnds);
        if ends && (!traps || self.has(Defect::KilledUntrapped) && *reason == killed()) {
            self.end(state, own, Reason::linked(of, reason), owed);
        } else {
            let from = json!({"node": of.node, "process": of.local});
            state.give(own, json!({"exit": from, "reason": reason.to_json()}));
        }
    }

    /// A process ends, and what crosses a session is owed there.
    pub(in super::super) fn end(&self, state: &mut State, own: u64, reason: Reason, owed: &mut Owed) {
        let Some(process) = state.processes.get_mut(&own).filter(|process| !process.ended) else { return };
        process.ended = true;
        state.names.retain(|_, named| *named != own);
        if !self.has(Defect::GlobalNameOutlivesItsProcess) {
            self.take_back_all(state, own);
        }
        let of_others = state.calls.iter().filter(|(_, call)| call.holder != own);
        let calls_of_others: BTreeSet<_> = of_others.map(|(number, _)| *number).collect();
        for (peer, now) in &mut state.peers {
            let Some(session) = &mut now.session else { continue };
            let wire = reason.to_wire(self, &session.peer);
            let from = self.own(own);
            let mut write = |kind, payload| owed.push((peer.clone(), own, kind, payload));
            for (link, state) in std::mem::take(&mut session.links) {
                let outstanding = matches!(state, LinkState::Unlinking(_));
                if link.0 != own {
                    session.links.insert(link, state);
                } else if !outstanding || self.has(Defect::ExitWhileUnlinking) {
                    let to = session.theirs(link.1);
                    let kind = Kind::Owed(Tie { own: from, theirs: to, reference: None });
                    write(kind, frame(Exit { from, to, reason: wire.as_reason() }));
                }
            }
            for (reference, held) in std::mem::take(&mut session.held) {
                let is_delegated = held.call.is_some_and(|number| calls_of_others.contains(&number));
                let is_untold = held.call.is_some() && self.has(Defect::CalleeEndsUntold)
                    || is_delegated && self.has(Defect::DelegatedOutlivesTheCallee);
                if held.of == own && !is_untold {
                    let (tie, exit) = held.exit(reference, wire.as_reason());
                    write(Kind::Owed(tie), exit);
                } else {
                    session.held.insert(reference, held);
                }
            }
            for (reference, made) in std::mem::take(&mut session.made) {
                if made.own == own && made.kind == MadeKind::Call && self.has(Defect::CallerEndsUntold) {
                    continue;
                } else if made.own == own {
                    let to = session.theirs(made.other);
                    write(Kind::Signal, frame(Demonitor { from, to, reference }));
                } else {
                    session.made.insert(reference, made);
                }
            }
        }
        self.let_go_of_all(state, own, owed);
        self.groups_ended(state, own);
    }

    pub(in super::super) fn pay(&self, state: &State, owed: Owed) {
        for (peer, of, kind, payload) in owed {
            if let Some(session) = state.peers.get(&peer).and_then(|now| now.session.as_ref()) {
                session.out.push(of, kind, payload);
            }
        }
    }

    /// A session is over: exits first, then DOWNs.
    pub(in super::super) fn forget(&self, state: &mut State, peer: &str) {
        let Some(mut session) = state.peers.get_mut(peer).and_then(|now| now.session.take()) else { return };
        self.groups_down(state, peer);
        if self.has(Defect::PiecesOutliveTheSession) {
            state.left.insert(peer.to_owned(), std::mem::take(&mut session.assembly));
        }
        if self.has(Defect::CutUntold) {
            return;
        }
        if self.has(Defect::NodedownFirst) {
            state.tell_watchers(peer, "nodedown");
        }
        let mut owed = Owed::new();
        for ((own, other), link) in &session.links {
            let told = *link != LinkState::Unlinking(0) && matches!(link, LinkState::Active { .. });
            if told || self.has(Defect::ExitWhileUnlinking) {
                self.exit_signal(state, *own, session.other(*other), &noconnection(), &mut owed);
            }
        }
        for (reference, made) in &session.made {
            if made.kind == MadeKind::Call && self.has(Defect::CallOutlivesTheSession) {
                continue;
            }
            state.over(peer, *reference, *made, &noconnection().to_json());
        }
        for (request, own) in session.asked.iter().filter(|_| !self.has(Defect::RequestForgotten)) {
            state.give(*own, json!({"spawned": null, "request": request, "status": "noconnection"}));
        }
        self.pay(state, owed);
        self.forget_names(state, peer);
        if !self.has(Defect::NodedownFirst) && !self.has(Defect::NodedownUnsaid) {
            state.tell_watchers(peer, "nodedown");
        }
    }
}

/// Mailboxes.
impl Toy {
    /// A message for a process that lives: its mailbox can be full. Returns `false` if it is dropped for that.
    pub(super) fn receive(&self, state: &mut State, local: u64, sight: Value, owed: &mut Owed) -> bool {
        let Some(process) = state.processes.get(&local) else { return true };
        let is_message =
            |sight: &&Value| ["message", "term", "called"].iter().any(|kind| sight.get(kind).is_some());
        let messages = process.mailbox.iter().filter(is_message).count();
        if process.bound.is_none_or(|bound| messages < bound) {
            state.give(local, sight);
            return true;
        }
        if process.ends_when_full {
            let text = if self.has(Defect::FullByAnotherName) { "full" } else { "mailbox full" };
            self.end(state, local, Reason::error(text), owed);
            return true;
        }
        false
    }
}

impl State {
    /// Those who watch a node are told of it.
    pub(in super::super) fn tell_watchers(&mut self, node: &str, what: &str) {
        let watches = |process: &&mut super::super::Process| process.watches.contains(node);
        let watching: BTreeSet<_> = self
            .processes
            .iter_mut()
            .filter_map(|(local, process)| watches(&process).then_some(*local))
            .collect();
        for local in watching {
            self.give(local, json!({what: node}));
        }
    }

    /// An own monitor or call is over, but for a reply.
    pub(super) fn over(&mut self, peer: &str, reference: u64, made: Made, reason: &Value) {
        let down = |of: u64| {
            let of = json!({"node": peer, "process": of});
            json!({"down": of, "monitor": reference, "reason": reason})
        };
        self.give(
            made.own,
            match made.kind {
                MadeKind::Monitor => down(made.other),
                MadeKind::Name(named) => down(named.unwrap_or(made.other)),
                MadeKind::Spawn(Some(child)) => down(child),
                MadeKind::Spawn(None) => {
                    json!({"spawned": null, "request": reference, "status": "noconnection"})
                }
                MadeKind::Call => json!({"call_ended": reason, "call": reference}),
            },
        );
    }

    /// A peer that takes no place is none.
    pub(in super::super) fn forget_empty(&mut self, peer: &str) {
        if self.peers.get(peer).is_some_and(super::super::PeerState::is_empty) {
            self.peers.remove(peer);
        }
    }
}

pub(in super::super) fn killed() -> Reason {
    Reason { hops: Vec::new(), root: super::super::reason::Root::Killed }
}
