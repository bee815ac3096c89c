//! Two nodes that dial each other, explored exhaustively: every order in which dials, messages, cuts, deadlines and
//! restarts can happen, up to a bound, over the code that runs in a node.
//!
//! A connection has two ends, each with an inbox in order and a driver: the little of the real one that matters here.
//! What the machine orders reaches a driver later, as it does between tasks. A cut stops both directions; what was in
//! flight still arrives, or is lost when the end notices. Cuts, restarts, and deadlines or closes by a node of its own
//! accord are *faults*, and come out of a budget. Time needs no model: a deadline may pass at any moment, and the
//! checks at rest hold without one. Every run is finite, so what holds at rest is what every run comes to.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::time::Instant;

use snow_dist_runtime::core::peers::{
    Action as Order, ConnectionId, DialDecision, Peers, Refusal, ReplyDecision, Sign,
};
use stateright::{Checker, HasDiscoveries, Model, Property};

/// The names of the two nodes: the first is the bytewise smaller one.
const NAMES: [&str; 2] = ["a@h:9000", "b@h:9000"];

/// What can happen, and how often.
#[derive(Clone, Debug)]
struct Bounds {
    dials: [u8; 2],
    faults: u8,
    /// Which of the nodes, if any, is a node of version 1.
    v1: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Net {
    nodes: [Node; 2],
    connections: Vec<Connection>,
    faults_left: u8,
    /// A dial began when all was at rest, and nothing has gone wrong since.
    must_come_up: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node {
    brain: Brain,
    incarnation: u64,
    dials_left: u8,
    /// The connection whose nodeup was the last event that the node's processes saw.
    up: Option<usize>,
    /// A nodeup came before the nodedown of the session before it.
    overlapped: bool,
    probes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Brain {
    Ours(Peers),
    V1(V1),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Connection {
    initiator: usize,
    is_cut: bool,
    ends: [End; 2],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct End {
    state: EndState,
    inbox: VecDeque<Message>,
    orders: VecDeque<Order>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum EndState {
    /// The initiator's, before REPLY.
    Dialling,
    /// The initiator's, from REPLY to ACK.
    Replied,
    /// The initiator's, from ACK until it is the session. It reads nothing.
    Acked,
    /// The acceptor's, before REPLY.
    Accepted,
    /// The acceptor's, from REPLY to its verdict.
    Waiting,
    Session,
    /// The session is over and not all of it is delivered.
    Ending,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Message {
    Reply { incarnation: u64 },
    Ack { incarnation: u64 },
    Reject,
    Ping,
    Pong,
    Fin,
}

/// One step. Connections are numbered in the order of their dials, `node` says which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    Dial {
        node: usize,
    },
    SendReply {
        connection: usize,
    },
    Deliver {
        connection: usize,
        node: usize,
    },
    Obey {
        connection: usize,
        node: usize,
    },
    /// A session's last signals and its nodedown are delivered.
    Finish {
        connection: usize,
        node: usize,
    },
    NoticeCut {
        connection: usize,
        node: usize,
    },
    Cut {
        connection: usize,
    },
    /// A deadline, or a close of the node's own accord.
    GiveUp {
        connection: usize,
        node: usize,
    },
    Restart {
        node: usize,
    },
}

/// What a node of version 1 does: it answers every REPLY with ACK unless it holds a session, and registers whatever
/// is acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct V1 {
    registered: Option<ConnectionId>,
    dial: Option<ConnectionId>,
    /// It registered a second session over a first one.
    corrupted: bool,
    orders: VecDeque<Order>,
}

impl V1 {
    fn dial(&mut self, connection: ConnectionId) -> bool {
        let starts = self.registered.is_none() && self.dial.is_none();
        if starts {
            self.dial = Some(connection);
        }
        starts
    }

    fn acked(&mut self, connection: ConnectionId) {
        self.dial = None;
        self.corrupted |= self.registered.is_some();
        self.registered = Some(connection);
        self.orders.push_back(Order::Up(connection));
    }

    fn verified(&mut self, connection: ConnectionId) {
        if self.registered.is_some() {
            return self.orders.push_back(Order::Reject(connection, Refusal::Duplicate));
        }
        self.registered = Some(connection);
        self.orders.push_back(Order::Up(connection));
    }

    fn ended(&mut self, connection: ConnectionId) {
        self.registered.take_if(|registered| *registered == connection);
        self.dial.take_if(|dial| *dial == connection);
    }
}

impl Brain {
    fn new(node: usize, bounds: &Bounds) -> Self {
        if bounds.v1 == Some(node) { Self::V1(V1::default()) } else { Self::Ours(Peers::new(NAMES[node], 1)) }
    }

    fn dial(&mut self, peer: usize, connection: ConnectionId) -> bool {
        match self {
            Self::Ours(peers) => peers.dial(NAMES[peer], connection) == DialDecision::Start,
            Self::V1(v1) => v1.dial(connection),
        }
    }

    fn may_reply(&mut self, peer: usize, connection: ConnectionId, version_1: bool) -> ReplyDecision {
        match self {
            Self::Ours(peers) => peers.may_reply(NAMES[peer], connection, version_1),
            Self::V1(_) => ReplyDecision::Send,
        }
    }

    fn acked(&mut self, peer: usize, connection: ConnectionId, incarnation: u64) {
        match self {
            Self::Ours(peers) => peers.acked(NAMES[peer], connection, NonZeroU64::new(incarnation)),
            Self::V1(v1) => v1.acked(connection),
        }
    }

    fn verified(&mut self, peer: usize, connection: ConnectionId, incarnation: u64) {
        match self {
            Self::Ours(peers) => peers.verified(NAMES[peer], connection, NonZeroU64::new(incarnation)),
            Self::V1(v1) => v1.verified(connection),
        }
    }

    fn alive(&mut self, peer: usize, connection: ConnectionId) {
        // Whoever answers here uses the session as well.
        if let Self::Ours(peers) = self {
            for sign in [Sign::Life, Sign::Use] {
                peers.alive(NAMES[peer], connection, sign);
            }
        }
    }

    fn ending(&mut self, peer: usize, connection: ConnectionId) {
        if let Self::Ours(peers) = self {
            peers.ending(NAMES[peer], connection);
        }
    }

    /// A node of version 1 forgets at once here: how long that takes in truth is explored in `snow-dist-model`.
    fn let_time_pass(&mut self, peer: usize) {
        if let Self::Ours(peers) = self
            && let Some(due) = peers.answer_at(NAMES[peer])
        {
            peers.tell_time(due);
        }
    }

    fn ended(&mut self, peer: usize, connection: ConnectionId) {
        match self {
            Self::Ours(peers) => peers.ended(NAMES[peer], connection),
            Self::V1(v1) => v1.ended(connection),
        }
    }

    fn poll_order(&mut self) -> Option<Order> {
        match self {
            Self::Ours(peers) => peers.poll_action(),
            Self::V1(v1) => v1.orders.pop_front(),
        }
    }

    /// The session as the node's own records have it; `Err` if they still hold something else.
    fn session_at_rest(&self, peer: usize) -> Result<Option<ConnectionId>, ()> {
        match self {
            Self::Ours(peers) => match peers.session(NAMES[peer]) {
                None if !peers.is_empty() => Err(()),
                session => Ok(session),
            },
            Self::V1(v1) => Ok(v1.registered),
        }
    }
}

fn id(connection: usize) -> ConnectionId {
    ConnectionId(connection as u64 + 1)
}

impl Net {
    fn end(&mut self, connection: usize, node: usize) -> &mut End {
        &mut self.connections[connection].ends[node]
    }

    fn send(&mut self, connection: usize, from: usize, message: Message) {
        let connection = &mut self.connections[connection];
        let to = &mut connection.ends[1 - from];
        if !connection.is_cut && to.state != EndState::Closed {
            to.inbox.push_back(message);
        }
    }

    /// An input of a node's brain, and where what it orders is sent.
    fn tell(&mut self, node: usize, input: impl FnOnce(&mut Brain)) {
        input(&mut self.nodes[node].brain);
        self.nodes[node].brain.let_time_pass(1 - node);
        while let Some(order) = self.nodes[node].brain.poll_order() {
            let (Order::Up(ConnectionId(connection))
            | Order::Reject(ConnectionId(connection), _)
            | Order::Close(ConnectionId(connection))
            | Order::Probe(ConnectionId(connection), _)
            | Order::End(ConnectionId(connection))) = order;
            let end = self.end(usize::try_from(connection - 1).unwrap(), node);
            if end.state != EndState::Closed {
                end.orders.push_back(order);
            }
        }
    }

    fn dial(&mut self, node: usize) -> bool {
        let connection = self.connections.len();
        if self.nodes[node].dials_left == 0 || !self.nodes[node].brain.dial(1 - node, id(connection)) {
            return false;
        }
        self.nodes[node].dials_left -= 1;
        if let Brain::Ours(peers) = &mut self.nodes[1 - node].brain {
            peers.begun(id(connection));
        }
        self.must_come_up |= self.is_at_rest();
        let end = |of| End {
            state: if of == node { EndState::Dialling } else { EndState::Accepted },
            inbox: VecDeque::new(),
            orders: VecDeque::new(),
        };
        self.connections.push(Connection { initiator: node, is_cut: false, ends: [end(0), end(1)] });
        true
    }

    /// Possible unless the session before it has to end first.
    fn send_reply(&mut self, connection: usize) -> bool {
        let node = self.connections[connection].initiator;
        let version_1 = matches!(self.nodes[1 - node].brain, Brain::V1(_));
        self.nodes[node].brain.let_time_pass(1 - node);
        match self.nodes[node].brain.may_reply(1 - node, id(connection), version_1) {
            ReplyDecision::Wait(_) => return false,
            ReplyDecision::Close => self.close(connection, node),
            ReplyDecision::Send => {
                self.end(connection, node).state = EndState::Replied;
                let incarnation = self.nodes[node].incarnation;
                self.send(connection, node, Message::Reply { incarnation });
            }
        }
        true
    }

    fn deliver(&mut self, connection: usize, node: usize) {
        let message = self.end(connection, node).inbox.pop_front().unwrap();
        let state = self.end(connection, node).state;
        match (state, message) {
            (EndState::Accepted, Message::Reply { incarnation }) => {
                self.end(connection, node).state = EndState::Waiting;
                self.tell(node, |brain| brain.verified(1 - node, id(connection), incarnation));
            }
            (EndState::Replied, Message::Ack { incarnation }) => {
                self.end(connection, node).state = EndState::Acked;
                self.tell(node, |brain| brain.acked(1 - node, id(connection), incarnation));
            }
            (EndState::Session, Message::Ping | Message::Pong) => {
                if message == Message::Ping {
                    self.send(connection, node, Message::Pong);
                }
                self.tell(node, |brain| brain.alive(1 - node, id(connection)));
            }
            (EndState::Ending, _) => {}
            (_, Message::Fin | Message::Reject) => self.over(connection, node),
            _ => panic!("{message:?} reached {state:?}"),
        }
    }

    fn obey(&mut self, connection: usize, node: usize) {
        let order = self.end(connection, node).orders.pop_front().unwrap();
        let state = self.end(connection, node).state;
        match (state, order) {
            (EndState::Waiting | EndState::Acked, Order::Up(_)) => {
                if state == EndState::Waiting {
                    let incarnation = self.nodes[node].incarnation;
                    self.send(connection, node, Message::Ack { incarnation });
                }
                self.end(connection, node).state = EndState::Session;
                let node = &mut self.nodes[node];
                node.overlapped |= node.up.replace(connection).is_some();
            }
            (EndState::Waiting, Order::Reject(..)) => {
                self.send(connection, node, Message::Reject);
                self.close(connection, node);
            }
            (EndState::Dialling, Order::Close(_)) => self.close(connection, node),
            // Whoever has no session any more cannot show that it uses this one.
            (EndState::Session, Order::Probe(_, Sign::Use)) => self.over(connection, node),
            (EndState::Session, Order::Probe(_, Sign::Life)) => {
                self.nodes[node].probes += 1;
                self.send(connection, node, Message::Ping);
            }
            (EndState::Session, Order::End(_)) => self.over(connection, node),
            (EndState::Ending, Order::Probe(..) | Order::End(_)) => {}
            _ => panic!("{order:?} reached {state:?}"),
        }
    }

    /// The transport has ended, or this end ends it.
    fn over(&mut self, connection: usize, node: usize) {
        if self.end(connection, node).state == EndState::Session {
            self.end(connection, node).state = EndState::Ending;
            self.send(connection, node, Message::Fin);
            self.tell(node, |brain| brain.ending(1 - node, id(connection)));
        } else {
            let tell = self.end(connection, node).state != EndState::Accepted;
            self.close(connection, node);
            if tell {
                self.tell(node, |brain| brain.ended(1 - node, id(connection)));
            }
        }
    }

    fn finish(&mut self, connection: usize, node: usize) {
        self.close(connection, node);
        self.nodes[node].up.take_if(|up| *up == connection);
        self.tell(node, |brain| brain.ended(1 - node, id(connection)));
    }

    fn close(&mut self, connection: usize, node: usize) {
        self.send(connection, node, Message::Fin);
        let end = self.end(connection, node);
        (end.state, end.inbox, end.orders) = (EndState::Closed, VecDeque::new(), VecDeque::new());
    }

    fn restart(&mut self, node: usize, bounds: &Bounds) {
        for connection in &mut self.connections {
            if connection.ends[node].state != EndState::Closed {
                connection.is_cut = true;
                let end = &mut connection.ends[node];
                (end.state, end.inbox, end.orders) = (EndState::Closed, VecDeque::new(), VecDeque::new());
            }
        }
        let node_before = &mut self.nodes[node];
        node_before.brain = Brain::new(node, bounds);
        node_before.up = None;
        node_before.incarnation += u64::from(bounds.v1 != Some(node));
    }

    /// What happens by itself, sooner or later.
    fn steps(&self, steps: &mut Vec<Step>) {
        for (connection, it) in self.connections.iter().enumerate() {
            for (node, end) in it.ends.iter().enumerate() {
                if end.state == EndState::Dialling {
                    steps.push(Step::SendReply { connection });
                }
                // A session that is ending reads no more: its Finish says all.
                if !end.inbox.is_empty() && !matches!(end.state, EndState::Acked | EndState::Ending) {
                    steps.push(Step::Deliver { connection, node });
                }
                if !end.orders.is_empty() {
                    steps.push(Step::Obey { connection, node });
                }
                if end.state == EndState::Ending {
                    steps.push(Step::Finish { connection, node });
                } else if it.is_cut && end.state != EndState::Closed {
                    steps.push(Step::NoticeCut { connection, node });
                }
            }
        }
    }

    fn faults(&self, steps: &mut Vec<Step>) {
        for (connection, it) in self.connections.iter().enumerate() {
            if !it.is_cut && it.ends.iter().any(|end| end.state != EndState::Closed) {
                steps.push(Step::Cut { connection });
            }
            for (node, end) in it.ends.iter().enumerate() {
                if matches!(end.state, EndState::Dialling | EndState::Replied | EndState::Session) {
                    steps.push(Step::GiveUp { connection, node });
                }
            }
        }
        if !self.connections.is_empty() {
            steps.extend([Step::Restart { node: 0 }, Step::Restart { node: 1 }]);
        }
    }

    fn is_at_rest(&self) -> bool {
        let mut steps = Vec::new();
        self.steps(&mut steps);
        steps.is_empty()
    }

    /// The connections on which a node runs a session.
    fn sessions(&self, node: usize) -> impl Iterator<Item = usize> {
        self.connections.iter().enumerate().filter_map(move |(connection, it)| {
            matches!(it.ends[node].state, EndState::Session | EndState::Ending).then_some(connection)
        })
    }

    /// A node of version 1 that holds two sessions is beyond help.
    fn is_corrupted(&self) -> bool {
        self.nodes.iter().any(|node| matches!(&node.brain, Brain::V1(V1 { corrupted: true, .. })))
    }
}

impl Model for Bounds {
    type State = Net;
    type Action = Step;

    fn init_states(&self) -> Vec<Net> {
        let node = |node: usize| Node {
            brain: Brain::new(node, self),
            incarnation: if self.v1 == Some(node) { 0 } else { 1 },
            dials_left: self.dials[node],
            up: None,
            overlapped: false,
            probes: 0,
        };
        vec![Net {
            nodes: [node(0), node(1)],
            connections: Vec::new(),
            faults_left: self.faults,
            must_come_up: false,
        }]
    }

    fn actions(&self, net: &Net, steps: &mut Vec<Step>) {
        net.steps(steps);
        steps.extend([Step::Dial { node: 0 }, Step::Dial { node: 1 }]);
        if net.faults_left > 0 {
            net.faults(steps);
        }
    }

    fn next_state(&self, before: &Net, step: Step) -> Option<Net> {
        let mut net = before.clone();
        if matches!(step, Step::Cut { .. } | Step::GiveUp { .. } | Step::Restart { .. }) {
            net.faults_left -= 1;
            net.must_come_up = false;
        }
        match step {
            Step::Dial { node } => return net.dial(node).then_some(net),
            Step::SendReply { connection } => return net.send_reply(connection).then_some(net),
            Step::Deliver { connection, node } => net.deliver(connection, node),
            Step::Obey { connection, node } => net.obey(connection, node),
            Step::Finish { connection, node } => net.finish(connection, node),
            Step::NoticeCut { connection, node } | Step::GiveUp { connection, node } => {
                net.over(connection, node);
            }
            Step::Cut { connection } => net.connections[connection].is_cut = true,
            Step::Restart { node } => net.restart(node, self),
        }
        Some(net)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            //= spec/connection.md#con-elc-001
            //# A node MUST NOT have two sessions with one node name at the same time.
            Property::always("never two sessions on a node", |_, net: &Net| {
                net.is_corrupted() || (0..2).all(|node| net.sessions(node).count() <= 1)
            }),
            Property::always("nodedown precedes the next nodeup", |_, net: &Net| {
                net.is_corrupted() || net.nodes.iter().all(|node| !node.overlapped)
            }),
            // Everything else a node does it does once per connection, so every run comes to rest.
            Property::always("no more probes than connections", |_, net: &Net| {
                net.nodes.iter().all(|node| node.probes <= net.connections.len())
            }),
            Property::always("nothing is withheld for ever", |_, net: &Net| {
                let settled = |end: &End| matches!(end.state, EndState::Session | EndState::Closed);
                net.connections.iter().all(|it| it.ends.iter().all(settled)) || !net.is_at_rest()
            }),
            Property::always("at rest both ends and their records agree on the session", |_, net: &Net| {
                let agreed = |node: usize| {
                    let runs = net.sessions(node).next();
                    (net.nodes[node].brain.session_at_rest(1 - node) == Ok(runs.map(id))).then_some(runs)
                };
                agreed(0).is_some() && agreed(0) == agreed(1) || net.is_corrupted() || !net.is_at_rest()
            }),
            Property::always("dials are not all lost without a fault", |_, net: &Net| {
                let is_up = net.sessions(0).next().is_some();
                !net.must_come_up || is_up || net.is_corrupted() || !net.is_at_rest()
            }),
            Property::always("without a fault no node of version 1 is corrupted", |bounds, net: &Net| {
                net.faults_left < bounds.faults || !net.is_corrupted()
            }),
            Property::sometimes("both dials meet and one is the session", |_, net: &Net| {
                net.is_at_rest() && net.connections.len() == 2 && net.sessions(1).next().is_some()
            }),
        ]
    }
}

fn explore(what: &str, bounds: &Bounds) {
    let started = Instant::now();
    let checker =
        bounds.clone().checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    println!(
        "{what}: {} states, {} steps, depth {}, {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        started.elapsed().as_secs_f32()
    );
    checker.assert_properties();
}

#[test]
fn two_nodes_that_dial_each_other_end_with_one_session() {
    explore("one dial each, four faults", &Bounds { dials: [1, 1], faults: 4, v1: None });
}

#[test]
fn nodes_that_dial_again_end_with_one_session() {
    explore("two dials each, one fault", &Bounds { dials: [2, 2], faults: 1, v1: None });
    explore("two dials by the smaller name, two faults", &Bounds { dials: [2, 1], faults: 2, v1: None });
    explore("two dials by the larger name, two faults", &Bounds { dials: [1, 2], faults: 2, v1: None });
}

#[test]
fn a_node_of_version_1_is_not_given_two_sessions() {
    for v1 in [0, 1] {
        explore(
            "two dials each, one of version 1, one fault",
            &Bounds { dials: [2, 2], faults: 1, v1: Some(v1) },
        );
    }
}

/// In minutes: `cargo test --release --test election -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes; the others explore parts of it"]
fn nodes_that_dial_again_and_again_end_with_one_session() {
    explore("two dials each, two faults", &Bounds { dials: [2, 2], faults: 2, v1: None });
    explore("three dials each, one fault", &Bounds { dials: [3, 3], faults: 1, v1: None });
}
