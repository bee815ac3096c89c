//! The life of connections: dials, what the election orders, ends and restarts.
//!
//! A connection's driver is the little of the real one that matters: it reads what has come in order, obeys what
//! [`Epochs`](snow_dist_runtime::core::epochs::Epochs) orders at once, and reports its end.

use std::collections::VecDeque;
use std::sync::Arc;

use snow_dist_runtime::core::Session;
use snow_dist_runtime::core::epochs::Event;
use snow_dist_runtime::core::peers::{ConnectionId, DialDecision, ReplyDecision, Sign};

use crate::turn::Turn;
use crate::verdict::{Broken, Situation};
use crate::witness::Witness;
use crate::world::{Connection, End, Grid, Item, Known, NAMES, NOW, Node, Phase, facts};

impl Turn<'_> {
    /// Dials, up to REPLY: what can come between is explored in `tests/tests/election.rs`.
    pub fn dial(&mut self, node: usize, peer: usize) -> bool {
        let id = self.world.next_connection;
        let epochs = &mut self.world.node(node).epochs;
        let connection = ConnectionId(id.into());
        if epochs.dial(NAMES[peer], connection) != DialDecision::Start
            || epochs.may_reply(NAMES[peer], connection, false) != ReplyDecision::Send
        {
            return false;
        }
        self.world.left.dials -= 1;
        self.world.next_connection += 1;
        let mut accepted = End::new(Phase::Accepted);
        accepted.inbox.push_back(Item::Reply);
        self.world.connections.push(Connection {
            id,
            nodes: [node, peer],
            starts: [node, peer].map(|node| self.world.nodes[node].start),
            is_cut: false,
            ends: [Arc::new(End::new(Phase::Replied)), Arc::new(accepted)],
        });
        true
    }

    pub fn verified(&mut self, connection: usize, side: usize) {
        self.world.end(connection, side).phase = Phase::Waiting;
        let (node, id, facts) = self.shown(connection, side);
        self.world.node(node).epochs.verified(id, facts);
        self.obey(node);
    }

    pub fn acked(&mut self, connection: usize, side: usize) {
        self.world.end(connection, side).phase = Phase::Acked;
        let (node, id, facts) = self.shown(connection, side);
        self.world.node(node).epochs.acked(id, facts);
        self.obey(node);
    }

    fn shown(
        &self,
        connection: usize,
        side: usize,
    ) -> (usize, ConnectionId, snow_dist_runtime::core::epochs::Facts) {
        let it = &self.world.connections[connection];
        (it.nodes[side], ConnectionId(it.id.into()), facts(self.bounds, it, side))
    }

    pub fn alive(&mut self, connection: usize, side: usize) {
        let it = &self.world.connections[connection];
        let (node, peer, id) = (it.nodes[side], it.nodes[1 - side], ConnectionId(it.id.into()));
        self.world.node(node).epochs.alive(NAMES[peer], id, Sign::Life);
        self.obey(node);
    }

    pub fn notice(&mut self, connection: usize, side: usize) {
        let it = &self.world.connections[connection];
        let (mine, theirs) = (&it.ends[side], &it.ends[1 - side]);
        let some_arrived = mine.received.iter().chain(&theirs.received).flatten().any(|count| *count > 0)
            || mine.ties != Grid::default();
        self.notes.note_if(!mine.inbox.is_empty() && some_arrived, Situation::CutLosesFrames);
        self.notes.note_if(loses_exit(mine), Situation::ExitLostByCut);
        self.over(connection, side);
    }

    /// The connection is over at this end: its driver says so.
    pub fn over(&mut self, connection: usize, side: usize) {
        let it = &self.world.connections[connection];
        let (node, peer, id) = (it.nodes[side], it.nodes[1 - side], it.id);
        let over = self.world.node(node).epochs.over(NAMES[peer], ConnectionId(id.into()));
        let end = self.world.end(connection, side);
        end.inbox = VecDeque::new();
        match over {
            None => self.close(connection, side),
            Some(ConnectionId(session)) => {
                end.phase = Phase::Ending;
                if !self.bounds.late {
                    self.finish(connection, side, session as u8);
                }
            }
        }
        self.obey(node);
    }

    /// The session on the connection `session` ends at this node, because this connection is over.
    pub fn finish(&mut self, connection: usize, side: usize, session: u8) {
        let it = &self.world.connections[connection];
        let (node, peer, id) = (it.nodes[side], it.nodes[1 - side], it.id);
        if let Some(ending) = self.world.index_of(session) {
            let side = self.world.connections[ending].side_of(node).unwrap_or(side);
            self.end_session(ending, side);
        }
        self.close(connection, side);
        self.world.node(node).epochs.told(NAMES[peer], ConnectionId(id.into()));
        self.obey(node);
    }

    fn end_session(&mut self, connection: usize, side: usize) {
        let end = self.world.end(connection, side);
        let Some(mut session) = end.session.take() else { return };
        let outstanding = end.ties.iter().flatten().any(|tie| matches!(tie, crate::world::Tie::Unlinking(_)));
        self.notes.note_if(outstanding, Situation::AckOutstandingAtEnd);
        let mut witness = Witness::of(self, connection, side, false);
        session.end(&mut witness);
        let seen = witness.done_with_session();
        let end = self.world.end(connection, side);
        (end.session, end.has_ended) = (Some(session), true);
        self.calls_are_over(connection, side);
        if let Some(broken) = seen.broken {
            self.breaks(broken);
        }
        let node = self.world.connections[connection].nodes[side];
        for (own, reason) in seen.deaths {
            self.ended(node, own, &reason);
        }
    }

    /// Nothing is left of this end.
    fn close(&mut self, connection: usize, side: usize) {
        self.put(connection, side, Item::Fin);
        *self.world.end(connection, side) = End::new(Phase::Closed);
    }

    /// Carries out what the node's records order.
    fn obey(&mut self, node: usize) {
        while let Some(event) = self.world.node(node).epochs.poll_event() {
            match event {
                Event::Up(ConnectionId(id), facts) => self.up(node, id as u8, &facts.config),
                Event::Down(ConnectionId(id), name) => {
                    let peer = NAMES.iter().position(|of| **of == *name).expect("a node of ours");
                    let up = self.world.node(node).up[peer].take();
                    self.breaks_if(up != Some(id as u8), Broken::Overlap);
                }
                Event::Reject(ConnectionId(id), _) => {
                    self.notes.note(Situation::Refused);
                    self.with(node, id, |turn, connection, side| {
                        turn.put(connection, side, Item::Reject);
                        turn.over(connection, side);
                    });
                }
                Event::Close(ConnectionId(id)) => self.with(node, id, Self::over),
                Event::Probe(ConnectionId(id), sign) => self.with(node, id, |turn, connection, side| {
                    turn.notes.note(Situation::Probed);
                    if let Some(session) = &mut turn.world.end(connection, side).session {
                        session.probe(NOW, sign);
                    }
                }),
                Event::End(ConnectionId(id)) => self.with(node, id, |turn, connection, side| {
                    turn.notes.note(Situation::Replaced);
                    turn.over(connection, side);
                }),
            }
        }
    }

    fn with(&mut self, node: usize, id: u64, act: impl FnOnce(&mut Self, usize, usize)) {
        let Some(connection) = self.world.index_of(id as u8) else { return };
        let Some(side) = self.world.connections[connection].side_of(node) else { return };
        let phase = self.world.connections[connection].ends[side].phase;
        if !matches!(phase, Phase::Ending | Phase::Closed) {
            act(self, connection, side);
        }
    }

    /// Nodeup: a connection is the session.
    fn up(&mut self, node: usize, id: u8, config: &snow_dist_runtime::core::session::Config) {
        let Some(connection) = self.world.index_of(id) else { return };
        let it = &self.world.connections[connection];
        let Some(side) = it.side_of(node) else { return };
        let peer = it.nodes[1 - side];
        let known = Known {
            node: peer,
            start: it.starts[1 - side],
            number: config.peer,
            creation: config.peer_creation,
        };
        self.note_epochs(connection, node, peer);
        let acceptor = self.world.connections[connection].ends[side].phase == Phase::Waiting;
        let end = self.world.end(connection, side);
        (end.phase, end.peer) = (Phase::Session, Some(known));
        end.session = Some(Session::new(config, NOW));
        if acceptor {
            self.put(connection, side, Item::Ack);
        }
        let before = self.world.node(node).up[peer].replace(id);
        self.breaks_if(before.is_some(), Broken::Overlap);
        self.know(node, known);
    }

    /// The same start has the same number, and each start its own.
    fn know(&mut self, node: usize, known: Known) {
        let before = &self.world.nodes[node].known;
        let others = before.iter().filter(|it| it.node == known.node);
        let is_wrong = others.clone().any(|it| (it.start == known.start) != (it.number == known.number));
        self.notes.note_if(others.clone().next().is_some(), Situation::NextEpoch);
        self.notes.note_if(others.clone().any(|it| it.start == known.start), Situation::SameStart);
        let is_new = !before.contains(&known);
        self.breaks_if(is_wrong, Broken::Stale);
        if is_new {
            self.world.node(node).known.push(known);
        }
    }

    fn note_epochs(&self, connection: usize, node: usize, peer: usize) {
        let id = self.world.connections[connection].id;
        let theirs = self.world.nodes[peer].up[node];
        self.notes.note_if(theirs.is_some_and(|theirs| theirs != id), Situation::TwoSessions);
    }

    /// The node is started anew: its processes and all that it knew are gone, and its connections are cut.
    pub fn restart(&mut self, node: usize) {
        self.world.left.restarts -= 1;
        for connection in 0..self.world.connections.len() {
            let Some(side) = self.world.connections[connection].side_of(node) else { continue };
            if self.world.connections[connection].ends[side].phase != Phase::Closed {
                self.world.connections[connection].is_cut = true;
                *self.world.end(connection, side) = End::new(Phase::Closed);
            }
        }
        let start = self.world.nodes[node].start + 1;
        *self.world.node(node) = Node::new(self.bounds, node, start);
    }
}

/// Whether an EXIT for a link is among what will not be read.
fn loses_exit(end: &End) -> bool {
    use snow_dist_codec::{Frame, Reading};
    let is_exit = |item: &Item| match item {
        Item::Frame(payload) => matches!(Frame::decode(payload, Reading::Strict), Ok(Frame::Exit(_))),
        _ => false,
    };
    let is_linked = end.ties.iter().flatten().any(|tie| *tie == crate::world::Tie::Active);
    is_linked && end.inbox.iter().any(is_exit)
}
