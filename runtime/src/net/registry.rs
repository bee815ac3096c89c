//! All connections of a node: which of them are sessions, and who learns when one comes and goes.
//!
//! The decisions are [`Peers`]'; here they are carried out, under one lock. Lock order: the registry, then a session,
//! then a process.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::clock::Clock;
use super::driver::CODE_REPLACED;
use crate::core::limits::{NODES_KNOWN_MAX, SESSIONS_MAX};
use crate::core::peers::{Action, ConnectionId, DialDecision, Peers, Refusal};
use crate::core::session::Config;
use crate::core::{NodeNumber, Pid, Session};
use crate::process::Delivery;
use crate::process::remote::{Denied, Interested};
use crate::process::sync::Mutex;
use crate::process::table::ProcessTable;
use crate::session::{Peer, SessionHandle, Stop};

/// How long a session that gives way to another may take to write what is queued: its peer has moved on.
const REPLACED_PATIENCE: Duration = Duration::ZERO;

/// The connections of one node.
#[derive(Debug)]
pub(crate) struct Registry {
    /// Which has this registry, to send through.
    table: Weak<ProcessTable>,
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
    pub(crate) fn new(own_name: &str, table: Weak<ProcessTable>, clock: Clock) -> Self {
        let state = State {
            peers: Peers::new(own_name, SESSIONS_MAX),
            connections: 0,
            waiting: HashMap::new(),
            sessions: HashMap::new(),
            numbers: Numbers::default(),
            closed: false,
        };
        Self { table, clock, state: Mutex::new(state), up: RwLock::default(), changed: Notify::new() }
    }

    /// The session with the node of this name, if one is up.
    pub(crate) fn session_of(&self, name: &str) -> Option<Arc<SessionHandle>> {
        let state = self.state.lock();
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
        let mut state = self.state.lock();
        let connection = state.next_connection();
        (connection, state.await_verdict(connection))
    }

    /// Whether to dial, and if so, as which connection.
    pub(crate) fn dial(
        &self,
        name: &str,
    ) -> (DialDecision, Option<(ConnectionId, oneshot::Receiver<Verdict>)>) {
        let mut state = self.state.lock();
        let connection = state.next_connection();
        let decision = state.peers.dial(name, connection);
        let started = decision == DialDecision::Start;
        (decision, started.then(|| (connection, state.await_verdict(connection))))
    }

    /// Whether a dial may send REPLY.
    pub(crate) fn may_reply(&self, name: &str, connection: ConnectionId) -> bool {
        self.state.lock().peers.may_reply(name, connection)
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
        self.state.lock().tell(connection, Verdict::Close);
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
        let table = self.table.upgrade();
        if let (Some(session), Some(table)) = (&session, &table) {
            session.end(&mut self.delivery(table, session));
        }
        self.change(|state| {
            let was_session = state.sessions.remove(&connection).is_some();
            if let Some(table) = table.as_ref().filter(|_| was_session) {
                table.node_down(name);
            }
            state.peers.ended(name, connection);
        });
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
        let state = self.state.lock();
        state.sessions.is_empty() && state.waiting.is_empty()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
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
        if let Some(table) = self.table.upgrade() {
            table.node_up(&facts.name);
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

impl Registry {
    /// What delivers a session's signals and messages.
    pub(super) fn delivery(&self, table: &Arc<ProcessTable>, session: &Arc<SessionHandle>) -> Delivery {
        let session: Arc<dyn Interested> = session.clone();
        Delivery::new(table.clone(), Arc::downgrade(&session))
    }

    /// Acts on the session with a process's node. A pid of another creation is that of a node that is gone.
    pub(super) fn with<T>(
        &self,
        pid: Pid,
        act: impl FnOnce(&Arc<SessionHandle>) -> Result<T, Denied>,
    ) -> Result<T, Denied> {
        let up = read(&self.up);
        let session = up.get(&pid.node()).filter(|session| session.peer.creation == pid.creation());
        session.ok_or(Denied::NotConnected).and_then(act)
    }

    /// The same, once the session will be told of the process's end.
    pub(super) fn with_attached(
        &self,
        from: Pid,
        to: Pid,
        act: impl FnOnce(&SessionHandle) -> Result<(), Denied>,
    ) -> Result<(), Denied> {
        self.with(to, |session| {
            let table = self.table.upgrade().ok_or(Denied::NotConnected)?;
            let interested: Arc<dyn Interested> = session.clone();
            match table.get(from.local()) {
                Some(cell) if cell.attach(&Arc::downgrade(&interested)) => act(session),
                // Whoever asks has been ended: nothing comes of it any more.
                _ => Ok(()),
            }
        })
    }
}

/// A lock is never poisoned here: nothing panics while it is held.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
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
