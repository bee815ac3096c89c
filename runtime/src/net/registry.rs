//! All connections of a node: which of them are sessions, and who learns when one comes and goes.
//!
//! The decisions are [`Peers`]'; here they are carried out, under one lock. Lock order: the registry, then a session,
//! then a process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::clock::Clock;
use super::driver::CODE_REPLACED;
use crate::core::limits::{NODES_KNOWN_MAX, SESSIONS_MAX};
use crate::core::peers::{Action, ConnectionId, DialDecision, Peers, Refusal};
use crate::core::session::Config;
use crate::core::{NodeNumber, Reason, Session};
use crate::process::{Interested, Table};
use crate::session::{Peer, SessionHandle, Stop};
use crate::sync::{Mutex, RwLock, lock, read, write};

/// How long a session that gives way to another may take to write what is queued: its peer has moved on.
const REPLACED_PATIENCE: Duration = Duration::ZERO;

/// The connections of one node.
#[derive(Debug)]
pub(crate) struct Registry {
    table: Arc<Table>,
    clock: Clock,
    state: Mutex<State>,
    /// The sessions that are up, by the peer's number: what every message looks up.
    up: RwLock<HashMap<NodeNumber, Arc<SessionHandle>>>,
    /// Something has come or gone.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    peers: Peers,
    connections: u64,
    /// Connections that are not sessions yet, and wait for a verdict.
    waiting: HashMap<ConnectionId, Waiting>,
    sessions: HashMap<ConnectionId, Arc<SessionHandle>>,
    numbers: Numbers,
    monitors: BTreeMap<Arc<str>, BTreeSet<u64>>,
    closed: bool,
}

#[derive(Debug)]
struct Waiting {
    verdict: oneshot::Sender<Verdict>,
    /// What the session is made of, once the peer is known.
    facts: Option<Facts>,
}

/// What a handshake has shown of the peer.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) name: Arc<str>,
    pub(crate) incarnation: Option<NonZeroU64>,
    pub(crate) config: Config,
}

/// What becomes of a connection.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// It is the session.
    Up(Arc<SessionHandle>),
    /// It is refused.
    Reject(Refusal),
    /// It is not needed any more.
    Close,
}

impl Registry {
    pub(crate) fn new(own_name: &str, table: Arc<Table>, clock: Clock) -> Self {
        let state = State {
            peers: Peers::new(own_name, SESSIONS_MAX),
            connections: 0,
            waiting: HashMap::new(),
            sessions: HashMap::new(),
            numbers: Numbers::default(),
            monitors: BTreeMap::new(),
            closed: false,
        };
        Self { table, clock, state: Mutex::new(state), up: RwLock::default(), changed: Notify::new() }
    }

    /// The session with the node of this number, if one is up.
    pub(crate) fn session(&self, node: NodeNumber) -> Option<Arc<SessionHandle>> {
        read(&self.up).get(&node).cloned()
    }

    /// The session with the node of this name, if one is up.
    pub(crate) fn session_of(&self, name: &str) -> Option<Arc<SessionHandle>> {
        let state = lock(&self.state);
        state.peers.session(name).and_then(|connection| state.sessions.get(&connection).cloned())
    }

    /// The names of all nodes with which a session is up, in order.
    pub(crate) fn nodes(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = read(&self.up).values().map(|session| session.peer.name.clone()).collect();
        names.sort();
        names
    }

    /// Resolves when something has come or gone since it was called.
    pub(crate) fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.changed.notified()
    }

    /// A number for a connection that has been accepted, and where its verdict will come.
    pub(crate) fn accept(&self) -> (ConnectionId, oneshot::Receiver<Verdict>) {
        let mut state = lock(&self.state);
        let connection = state.next_connection();
        (connection, state.await_verdict(connection))
    }

    /// Whether to dial, and if so, as which connection.
    pub(crate) fn dial(
        &self,
        name: &str,
    ) -> (DialDecision, Option<(ConnectionId, oneshot::Receiver<Verdict>)>) {
        let mut state = lock(&self.state);
        let connection = state.next_connection();
        let decision = state.peers.dial(name, connection);
        let started = decision == DialDecision::Start;
        (decision, started.then(|| (connection, state.await_verdict(connection))))
    }

    /// Whether a dial may send REPLY.
    pub(crate) fn may_reply(&self, name: &str, connection: ConnectionId) -> bool {
        lock(&self.state).peers.may_reply(name, connection)
    }

    /// A dial has received ACK.
    pub(crate) fn acked(&self, connection: ConnectionId, facts: Facts) {
        self.shown(connection, facts, Peers::acked);
    }

    /// An accepted connection has sent a good REPLY.
    pub(crate) fn verified(&self, connection: ConnectionId, facts: Facts) {
        self.shown(connection, facts, Peers::verified);
    }

    fn shown(
        &self,
        connection: ConnectionId,
        facts: Facts,
        tell: fn(&mut Peers, &str, ConnectionId, Option<NonZeroU64>),
    ) {
        self.change(|state| {
            let (name, incarnation) = (facts.name.clone(), facts.incarnation);
            if let Some(waiting) = state.waiting.get_mut(&connection) {
                waiting.facts = Some(facts);
            }
            tell(&mut state.peers, &name, connection, incarnation);
        });
    }

    /// A probed session has shown that it lives.
    pub(crate) fn alive(&self, name: &str, connection: ConnectionId) {
        self.change(|state| state.peers.alive(name, connection));
    }

    /// A connection that has no verdict gives its place to another.
    pub(crate) fn give_way(&self, connection: ConnectionId) {
        lock(&self.state).tell(connection, Verdict::Close);
    }

    /// A connection is over. If it was a session, all across it ends: nobody finds it any more, then its exits and
    /// DOWNs go out, then nodedown. Only then can another be up.
    pub(crate) fn finish(&self, name: &str, connection: ConnectionId) {
        let mut session = None;
        self.change(|state| {
            state.waiting.remove(&connection);
            state.peers.ending(name, connection);
            session = state.sessions.get(&connection).cloned();
            if let Some(session) = &session {
                write(&self.up).remove(&session.peer.number);
            }
        });
        if let Some(session) = &session {
            session.end(&mut self.table.inbound(session.clone()));
        }
        self.change(|state| {
            if state.sessions.remove(&connection).is_some()
                && let Some((name, monitors)) = state.monitors.get_key_value(name)
            {
                monitors.iter().for_each(|local| self.table.node_down(*local, name));
            }
            state.peers.ended(name, connection);
        });
    }

    /// Tells a process of nodeup and nodedown of `name` from now on.
    pub(crate) fn monitor_node(&self, local: u64, name: &str) {
        lock(&self.state).monitors.entry(name.into()).or_default().insert(local);
    }

    /// Tells it no longer.
    pub(crate) fn demonitor_node(&self, local: u64, name: &str) {
        let mut state = lock(&self.state);
        if let Some(monitors) = state.monitors.get_mut(name) {
            monitors.remove(&local);
            if monitors.is_empty() {
                state.monitors.remove(name);
            }
        }
    }

    /// Refuses every further connection, and orders all sessions to end.
    pub(crate) fn close(&self, code: u16, text: &str, stop: Stop) {
        self.change(|state| {
            state.closed = true;
            state.waiting.clear();
            for session in state.sessions.values() {
                session.stop(code, text, stop);
            }
        });
    }

    /// Whether no session and no handshake is left.
    pub(crate) fn is_idle(&self) -> bool {
        let state = lock(&self.state);
        state.sessions.is_empty() && state.waiting.is_empty()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        change(&mut state);
        while let Some(action) = state.peers.poll_action() {
            self.carry_out(action, &mut state);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn carry_out(&self, action: Action, state: &mut State) {
        match action {
            Action::Up(connection) => self.bring_up(connection, state),
            Action::Reject(connection, refusal) => state.tell(connection, Verdict::Reject(refusal)),
            Action::Close(connection) => state.tell(connection, Verdict::Close),
            Action::Probe(connection) => {
                if let Some(session) = state.sessions.get(&connection) {
                    session.probe(self.clock.now());
                }
            }
            Action::End(connection) => {
                if let Some(session) = state.sessions.get(&connection) {
                    session.stop(
                        CODE_REPLACED,
                        "another connection takes over",
                        Stop { patience: REPLACED_PATIENCE },
                    );
                }
            }
        }
    }

    /// Makes a connection the session. Its nodeup is out before anything else of it can be.
    fn bring_up(&self, connection: ConnectionId, state: &mut State) {
        let Some(Waiting { verdict, facts: Some(facts) }) = state.waiting.remove(&connection) else {
            return;
        };
        let number = state.numbers.of(&facts.name, facts.incarnation);
        let config = Config { peer: number, ..facts.config };
        let peer = Peer { name: facts.name.clone(), number, creation: config.peer_creation };
        let session = Arc::new(SessionHandle::new(peer, Session::new(&config, self.clock.now())));
        state.sessions.insert(connection, session.clone());
        write(&self.up).insert(number, session.clone());
        for local in state.monitors.get(&facts.name).into_iter().flatten() {
            self.table.node_up(*local, &facts.name);
        }
        // If nobody waits any more, the connection's task has ended, and says so itself.
        let _ = verdict.send(Verdict::Up(session));
    }
}

impl State {
    fn next_connection(&mut self) -> ConnectionId {
        self.connections += 1;
        ConnectionId(self.connections)
    }

    fn await_verdict(&mut self, connection: ConnectionId) -> oneshot::Receiver<Verdict> {
        let (verdict, awaited) = oneshot::channel();
        if !self.closed {
            self.waiting.insert(connection, Waiting { verdict, facts: None });
        }
        awaited
    }

    fn tell(&mut self, connection: ConnectionId, verdict: Verdict) {
        if let Some(waiting) = self.waiting.remove(&connection) {
            let _ = waiting.verdict.send(verdict);
        }
    }
}

/// Processes that monitor nodes end.
impl Interested for Registry {
    fn is_over(&self) -> bool {
        false
    }

    fn process_ended(&self, local: u64, _: &Reason) {
        let mut state = lock(&self.state);
        state.monitors.retain(|_, monitors| {
            monitors.remove(&local);
            !monitors.is_empty()
        });
    }
}

/// The numbers that nodes have here: one for each start of a node. A node that comes back with the same incarnation
/// has the number it had, so that the pids a program holds stay good.
#[derive(Debug, Default)]
struct Numbers {
    last: u32,
    known: HashMap<Arc<str>, (Option<NonZeroU64>, NodeNumber)>,
}

impl Numbers {
    fn of(&mut self, name: &Arc<str>, incarnation: Option<NonZeroU64>) -> NodeNumber {
        if let Some((known, number)) = self.known.get(name)
            && known.is_some()
            && *known == incarnation
        {
            return *number;
        }
        if self.known.len() >= NODES_KNOWN_MAX {
            // Whoever of them comes back gets a new number: its old pids are dead then, not wrong.
            self.known.clear();
        }
        let number = self.next();
        self.known.insert(name.clone(), (incarnation, number));
        number
    }

    fn next(&mut self) -> NodeNumber {
        loop {
            self.last = self.last.wrapping_add(1);
            if let Some(number) = NodeNumber::other(self.last) {
                return number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restarted_node_has_another_number() {
        let mut numbers = Numbers::default();
        let (a, one, two) = (Arc::from("a@h:1"), NonZeroU64::new(1), NonZeroU64::new(2));
        let first = numbers.of(&a, one);
        assert_eq!(numbers.of(&a, one), first);
        let second = numbers.of(&a, two);
        assert_ne!(second, first);
        assert_ne!(numbers.of(&Arc::from("b@h:1"), one), second);
    }

    #[test]
    fn every_start_of_a_node_without_incarnation_counts_as_a_new_one() {
        let mut numbers = Numbers::default();
        let a = Arc::from("a@h:1");
        assert_ne!(numbers.of(&a, None), numbers.of(&a, None));
    }
}
