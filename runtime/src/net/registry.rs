//! All connections of a node: which of them are sessions, and who learns when one comes and goes.
//!
//! The decisions are [`Peers`]'; here they are carried out, under one lock. Lock order: the registry, then routes, then
//! a session, then a process.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::clock::Clock;
use super::driver::CODE_REPLACED;
use super::numbers::Numbers;
use super::routes::Routes;
use crate::core::Session;
use crate::core::limits::SESSIONS_MAX;
use crate::core::peers::{Action, ConnectionId, DialDecision, Peers, Refusal};
use crate::core::session::Config;
use crate::process::Delivery;
use crate::process::remote::Interested;
use crate::process::sync::Mutex;
use crate::process::table::ProcessTable;
use crate::session::{Peer, SessionHandle, Stop};

/// How long a session that gives way to another may take to write what is queued: its peer has moved on.
const REPLACED_PATIENCE: Duration = Duration::ZERO;

/// The connections of one node.
#[derive(Debug)]
pub(crate) struct Registry {
    table: Weak<ProcessTable>,
    clock: Clock,
    state: Mutex<State>,
    routes: Arc<Routes>,
    /// Something has come or gone.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    peers: Peers,
    connections: u64,
    /// How many of them are not over.
    open: usize,
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

/// A connection that has begun, and where its verdict will come.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) connection: ConnectionId,
    pub(crate) verdict: oneshot::Receiver<Verdict>,
}

/// What becomes of the wish to dial.
#[derive(Debug)]
pub(crate) enum Dial {
    /// It is to be done.
    Start(Begun),
    /// There is a session.
    Up,
    /// A connection is being made already.
    Underway,
    /// The name is this node's own.
    OwnName,
    /// There are as many sessions as there may be.
    Busy,
    /// The node stops.
    Stopped,
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
    pub(crate) fn new(own_name: &str, table: Weak<ProcessTable>, routes: Arc<Routes>, clock: Clock) -> Self {
        let state = State {
            peers: Peers::new(own_name, SESSIONS_MAX),
            connections: 0,
            open: 0,
            waiting: HashMap::new(),
            sessions: HashMap::new(),
            numbers: Numbers::default(),
            closed: false,
        };
        Self { table, clock, state: Mutex::new(state), routes, changed: Notify::new() }
    }

    /// A connection that has been accepted. It must be reported to [`Registry::finish`], as every connection.
    pub(crate) fn accept(&self) -> Begun {
        let mut state = self.state.lock();
        let connection = state.next_connection();
        state.begin(connection)
    }

    /// Whether to dial, and if so, as which connection.
    pub(crate) fn dial(&self, name: &str) -> Dial {
        let mut state = self.state.lock();
        if state.closed {
            return Dial::Stopped;
        }
        let connection = state.next_connection();
        match state.peers.dial(name, connection) {
            DialDecision::Start => Dial::Start(state.begin(connection)),
            DialDecision::Up(_) => Dial::Up,
            DialDecision::Underway => Dial::Underway,
            DialDecision::OwnName => Dial::OwnName,
            DialDecision::Busy => Dial::Busy,
        }
    }

    /// Waits until no connection with that node is being made any more.
    pub(crate) async fn settled(&self, name: &str) {
        loop {
            let changed = self.changed.notified();
            if !self.state.lock().peers.is_underway(name) {
                return;
            }
            changed.await;
        }
    }

    /// Waits until no connection is left, after [`Registry::close`].
    pub(crate) async fn idle(&self) {
        loop {
            let changed = self.changed.notified();
            if self.state.lock().open == 0 {
                return;
            }
            changed.await;
        }
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
                self.routes.ending(session);
            }
        });
        let table = self.table.upgrade();
        if let (Some(session), Some(table)) = (&session, &table) {
            session.end(&mut self.delivery(table, session));
        }
        self.change(|state| {
            if let Some(session) = &session {
                state.sessions.remove(&connection);
                self.routes.ended(session);
                if let Some(table) = &table {
                    table.node_down(name);
                }
            }
            state.peers.ended(name, connection);
            state.open -= 1;
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

    /// What delivers a session's signals and messages.
    pub(super) fn delivery(&self, table: &Arc<ProcessTable>, session: &Arc<SessionHandle>) -> Delivery {
        let session: Arc<dyn Interested> = session.clone();
        Delivery::new(table.clone(), Arc::downgrade(&session))
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
        self.routes.up(&session);
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

    /// Once the registry is closed, the verdict is that there will be none.
    fn begin(&mut self, connection: ConnectionId) -> Begun {
        let (verdict, awaited) = oneshot::channel();
        self.open += 1;
        if !self.closed {
            self.waiting.insert(connection, Waiting { verdict, facts: None });
        }
        Begun { connection, verdict: awaited }
    }

    fn tell(&mut self, connection: ConnectionId, verdict: Verdict) {
        if let Some(waiting) = self.waiting.remove(&connection) {
            let _ = waiting.verdict.send(verdict);
        }
    }
}

#[cfg(test)]
#[cfg(not(feature = "shuttle"))]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests run on the runtime they are in")]

    use std::time::Duration;

    use tokio::runtime::Handle;
    use tokio::task::yield_now;

    use super::*;
    use crate::core::session::Timing;
    use crate::core::{NodeNumber, Pid, Reason};
    use crate::net::driver::CODE_SHUTDOWN;
    use crate::process::remote::{Denied, Remote};
    use crate::process::sync::Executor;
    use crate::process::{Context, Received};

    /// A node that is the larger of two.
    const OWN: &str = "b@h:1";
    const PEER: &str = "a@h:1";

    struct Node {
        table: Arc<ProcessTable>,
        routes: Arc<Routes>,
        registry: Arc<Registry>,
    }

    fn node() -> Node {
        let table = ProcessTable::new(OWN, 1, Executor(Handle::current()));
        let routes = Arc::new(Routes::new(Arc::downgrade(&table)));
        table.connect(routes.clone());
        let registry = Registry::new(OWN, Arc::downgrade(&table), routes.clone(), Clock::start());
        Node { table, routes, registry: Arc::new(registry) }
    }

    fn facts(incarnation: u64) -> Facts {
        let config = Config {
            peer: NodeNumber::UNKNOWN,
            peer_creation: 1,
            creation: 1,
            frame_bytes_max: 1 << 20,
            links_and_monitors_max: 10,
            timing: Timing::default(),
            ping: [0; 8],
        };
        Facts { name: PEER.into(), incarnation: NonZeroU64::new(incarnation), config }
    }

    impl Node {
        /// A session that a peer in this start of it has dialled.
        fn taken(&self, incarnation: u64) -> (ConnectionId, Arc<SessionHandle>) {
            let Begun { connection, mut verdict } = self.registry.accept();
            self.registry.verified(connection, facts(incarnation));
            let Ok(Verdict::Up(session)) = verdict.try_recv() else { panic!("no session") };
            (connection, session)
        }

        fn dialled(&self) -> Begun {
            let Dial::Start(begun) = self.registry.dial(PEER) else { panic!("no dial") };
            begun
        }
    }

    #[tokio::test]
    async fn exits_then_downs_then_nodedown_then_the_next_nodeup() {
        let node = node();
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        let (tell, told) = tokio::sync::oneshot::channel();
        let (go_on, goes_on) = tokio::sync::oneshot::channel();
        crate::node::Node::of(node.table.clone())
            .spawn(async move |mut process: Context| {
                process.trap_exit(true);
                process.monitor_node(PEER);
                ready.send(()).unwrap();
                let remote: Pid = goes_on.await.unwrap();
                process.monitor(remote).await.unwrap();
                process.link(remote).await.unwrap();
                process.send(remote, "linked").await.unwrap();
                let mut all = Vec::new();
                while all.len() < 5 {
                    all.push(process.recv().await);
                }
                tell.send(all).unwrap();
            })
            .unwrap();
        is_ready.await.unwrap();

        let (first, session) = node.taken(1);
        let remote = Pid::new(session.peer.number, 1, 5);
        go_on.send(remote).unwrap();
        while session.refill(&mut Vec::new(), 1 << 20, std::task::Waker::noop())
            != crate::session::Refill::Bytes
        {
            yield_now().await;
        }
        // Another start of the peer waits, and comes up as soon as this one has ended.
        let Begun { connection, mut verdict } = node.registry.accept();
        node.registry.verified(connection, facts(2));
        assert!(verdict.try_recv().is_err());
        node.registry.finish(PEER, first);
        assert!(matches!(verdict.try_recv(), Ok(Verdict::Up(_))));

        let name: Arc<str> = PEER.into();
        let all = told.await.unwrap();
        assert_eq!(all[0], Received::NodeUp { name: name.clone() });
        assert_eq!(all[1], Received::Exit { from: remote, reason: Reason::Noconnection });
        assert!(matches!(&all[2], Received::Down { from, .. } if *from == remote));
        assert_eq!(all[3], Received::NodeDown { name: name.clone() });
        assert_eq!(all[4], Received::NodeUp { name });
    }

    #[tokio::test]
    async fn who_waits_for_a_dial_is_not_put_off_by_other_connections() {
        let node = node();
        let dial = node.dialled();
        assert!(matches!(node.registry.dial(PEER), Dial::Underway));
        let waiting = tokio::spawn({
            let registry = node.registry.clone();
            async move { registry.settled(PEER).await }
        });
        for _ in 0..10 {
            yield_now().await;
            let other = node.registry.accept();
            node.registry.finish("", other.connection);
        }
        yield_now().await;
        assert!(!waiting.is_finished());
        node.registry.finish(PEER, dial.connection);
        waiting.await.unwrap();
        assert!(matches!(node.registry.dial(PEER), Dial::Start(_)));
    }

    #[tokio::test]
    async fn a_node_that_stops_dials_no_more_and_waits_for_what_it_has() {
        let node = node();
        let (session, handle) = node.taken(1);
        let mut knocking = node.registry.accept();
        node.registry.close(CODE_SHUTDOWN, "stop", Stop { patience: Duration::ZERO });
        assert!(matches!(node.registry.dial("c@h:1"), Dial::Stopped));
        assert!(
            knocking.verdict.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed)
        );
        assert!(handle.deadlines(std::task::Waker::noop()).1.is_some());
        let idle = tokio::spawn({
            let registry = node.registry.clone();
            async move { registry.idle().await }
        });
        for (name, connection) in [("", knocking.connection), (PEER, session)] {
            yield_now().await;
            assert!(!idle.is_finished());
            node.registry.finish(name, connection);
        }
        idle.await.unwrap();
    }

    #[tokio::test]
    async fn a_session_that_ends_is_found_by_what_must_wait_for_its_last_signals() {
        let node = node();
        let cell = node.table.add(crate::process::Mailbox::default()).unwrap();
        let (connection, session) = node.taken(1);
        let (own, remote) = (cell.pid(), Pid::new(session.peer.number, 1, 5));
        node.routes.link(own, remote).unwrap();
        // As `finish` does, until the exits go out.
        node.routes.ending(&session);
        assert!(node.routes.nodes().is_empty());
        assert!(matches!(node.routes.send(own, remote, b"lost"), Err(Denied::NotConnected)));
        assert_eq!(node.routes.unsent(), 1);
        // The link that is there is not made twice, and no exit comes of one that is ended now.
        node.routes.link(own, remote).unwrap();
        node.routes.unlink(own, remote);
        node.registry.finish(PEER, connection);
        assert!(!cell.is_doomed());
        assert!(matches!(node.routes.link(own, remote), Err(Denied::NotConnected)));
    }

    #[tokio::test]
    async fn a_connection_that_is_dropped_while_it_comes_up_leaves_nothing() {
        let node = node();
        let begun = node.dialled();
        assert!(node.registry.may_reply(PEER, begun.connection));
        node.registry.acked(begun.connection, facts(1));
        assert!(node.routes.session_of(PEER).is_some());
        drop(begun.verdict);
        node.registry.finish(PEER, begun.connection);
        assert!(node.routes.session_of(PEER).is_none());
        let state = node.registry.state.lock();
        assert!(state.peers.is_empty() && state.sessions.is_empty() && state.waiting.is_empty());
        assert_eq!(state.open, 0);
    }
}
