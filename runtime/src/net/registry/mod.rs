//! All connections of a node: which of them are sessions, and who learns when one comes and goes.
//!
//! The decisions, and the order in which they are told, are [`Epochs`]'; here they are carried out, under one lock. Lock
//! order: the registry, then routes, then a session, then a process or the numbers of nodes. Whoever is to be woken by
//! that is woken when no lock is held ([`Afterwards`]).

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use snow_dist_codec::frame::Close;
use tokio::sync::{Notify, oneshot};
use tokio::time::sleep_until;

use super::ConnectionLimits;
use super::clock::Clock;
use super::routes::Routes;
use crate::core::epochs::{Epochs, Event, Facts};
use crate::core::peers::{ConnectionId, DialDecision, Refusal, ReplyDecision, Sign};
use crate::core::{Session, Source, Start};
use crate::foreign::{self, apart};
use crate::notices::Notices;
use crate::numbers::SharedNumbers;
use crate::process::remote::Interested;
use crate::process::sync::Mutex;
use crate::process::table::ProcessTable;
use crate::process::{Delivery, Owner};
use crate::session::{Peer, SessionHandle, Stirred, Stop};

mod takeovers;
#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;

pub(crate) use takeovers::Takeover;
use takeovers::Takeovers;

/// How long a session that gives way to another may take to write what is queued: its peer has moved on.
const REPLACED_PATIENCE: Duration = Duration::ZERO;

/// The connections of one node.
#[derive(Debug)]
pub(crate) struct Registry {
    table: Weak<ProcessTable>,
    clock: Clock,
    numbers: SharedNumbers,
    state: Mutex<State>,
    routes: Arc<Routes>,
    notices: Arc<Notices>,
    /// Something has come or gone.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    epochs: Epochs<SharedNumbers>,
    connections: u64,
    /// How many of them are not over.
    open: usize,
    /// Connections that are not sessions yet, and wait for a verdict.
    waiting: HashMap<ConnectionId, oneshot::Sender<Verdict>>,
    sessions: HashMap<ConnectionId, Arc<SessionHandle>>,
    takeovers: Takeovers,
    closed: bool,
    afterwards: Afterwards,
}

/// What is done as soon as the lock is free.
#[derive(Debug, Default)]
struct Afterwards {
    /// Nothing is told to those that are not needed any more: they find that nothing comes.
    verdicts: Vec<(oneshot::Sender<Verdict>, Option<Verdict>)>,
    sessions: Vec<Stirred>,
    processes: Vec<Waker>,
    takeovers: Vec<Takeover>,
}

impl Afterwards {
    fn carry_out(self, notices: &Notices, now: Duration) {
        for (waiting, verdict) in self.verdicts {
            // Whoever waits no more has ended, and says so itself.
            let _ = verdict.map(|verdict| waiting.send(verdict));
        }
        self.sessions.into_iter().for_each(Stirred::wake);
        self.processes.into_iter().for_each(foreign::wake);
        self.takeovers.iter().for_each(|takeover| notices.taken_over(now, takeover));
    }
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
    /// A connection is being made already, or the session there is is being closed: wait, and ask again.
    Underway,
    /// The name is this node's own.
    OwnName,
    /// There are as many sessions as there may be.
    Busy,
    /// The node stops.
    Stopped,
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
    /// No connections yet, and never more sessions than these limits say.
    pub(crate) fn new(
        own: Start,
        limits: ConnectionLimits,
        table: Weak<ProcessTable>,
        routes: Arc<Routes>,
        notices: Arc<Notices>,
        clock: Clock,
    ) -> Self {
        let name = own.name.clone();
        let numbers = SharedNumbers::new(own);
        let state = State {
            epochs: Epochs::with_numbers(&name, limits.sessions_max, numbers.clone())
                .with_sessions_per_address_max(limits.sessions_per_address_max),
            connections: 0,
            open: 0,
            waiting: HashMap::new(),
            sessions: HashMap::new(),
            takeovers: Takeovers::default(),
            closed: false,
            afterwards: Afterwards::default(),
        };
        Self { table, clock, numbers, state: Mutex::new(state), routes, notices, changed: Notify::new() }
    }

    /// A connection that has been accepted. It must be reported to [`Registry::finish`], as every connection.
    pub(crate) fn accept(&self) -> Begun {
        let (verdict, awaited) = oneshot::channel();
        let mut state = self.state.lock();
        let connection = state.next_connection();
        state.epochs.begun(connection);
        let unwanted = state.begin(connection, verdict);
        drop(state);
        drop(unwanted);
        Begun { connection, verdict: awaited }
    }

    /// Whether to dial, and if so, as which connection.
    pub(crate) fn dial(&self, name: &str) -> Dial {
        let (verdict, awaited) = oneshot::channel();
        let mut state = self.state.lock();
        if state.closed {
            return Dial::Stopped;
        }
        let connection = state.next_connection();
        match state.epochs.dial(name, connection) {
            DialDecision::Start => {
                state.begin(connection, verdict);
                Dial::Start(Begun { connection, verdict: awaited })
            }
            DialDecision::Up(_) => Dial::Up,
            DialDecision::Underway | DialDecision::Closing(_) => Dial::Underway,
            DialDecision::OwnName => Dial::OwnName,
            DialDecision::Busy => Dial::Busy,
        }
    }

    /// Whether there is a session with that node that is not ending.
    pub(crate) fn is_up(&self, name: &str) -> bool {
        self.state.lock().epochs.session(name).is_some()
    }

    /// Whether another connection with that node is being made, or a session with it closed.
    pub(crate) fn is_underway(&self, name: &str) -> bool {
        self.state.lock().epochs.is_underway(name)
    }

    /// Waits until no connection with that node is being made any more, and no session closed.
    pub(crate) async fn settled(&self, name: &str) {
        loop {
            let changed = self.changed.notified();
            if !self.state.lock().epochs.is_underway(name) {
                return;
            }
            apart(changed).await;
        }
    }

    /// Waits until this time, or until there is a session with that node before, or this one stops.
    pub(crate) async fn up_before(&self, name: &str, at: Duration) {
        loop {
            let changed = self.changed.notified();
            if self.is_up(name) || self.state.lock().closed {
                return;
            }
            tokio::select! {
                () = apart(changed) => {}
                () = sleep_until(self.clock.at(at)) => return,
            }
        }
    }

    /// Waits until no connection is left, after [`Registry::close`].
    pub(crate) async fn idle(&self) {
        loop {
            let changed = self.changed.notified();
            if self.state.lock().open == 0 {
                return;
            }
            apart(changed).await;
        }
    }

    /// Whether a dial may send REPLY, to a peer that speaks version 1 or not.
    pub(crate) fn may_reply(&self, name: &str, connection: ConnectionId, version_1: bool) -> ReplyDecision {
        self.change(|state| state.epochs.may_reply(name, connection, version_1))
    }

    /// Waits until a dial to that node is worth beginning.
    pub(crate) async fn worth_dialling(&self, name: &str) {
        while let Some(due) = self.change(|state| state.epochs.dial_at(name)) {
            sleep_until(self.clock.at(due)).await;
        }
    }

    /// Runs until it is dropped, and moves the core's clock on whenever the version 1 node `name` has had the time to
    /// forget its last session: what waits for that is judged then.
    pub(crate) async fn tell_time(&self, name: &str) -> Infallible {
        loop {
            let changed = self.changed.notified();
            let due = self.state.lock().epochs.answer_at(name);
            tokio::select! {
                () = apart(changed) => {}
                () = sleep_until(self.clock.at(due.unwrap_or(Duration::MAX))), if due.is_some() => {
                    self.change(|_| ());
                }
            }
        }
    }

    /// A dial has received ACK.
    pub(crate) fn acked(&self, connection: ConnectionId, facts: Facts) {
        self.change(|state| {
            if state.waiting.contains_key(&connection) {
                state.epochs.acked(connection, facts);
            }
        });
    }

    /// An accepted connection has sent a good REPLY.
    pub(crate) fn verified(&self, from: SocketAddr, connection: ConnectionId, facts: Facts) {
        self.change(|state| {
            // One that has given way to another handshake meanwhile is over, and will say so.
            if state.waiting.contains_key(&connection) {
                state.takeovers.verified(connection, from);
                state.epochs.verified_from(Source::from(from.ip()), connection, facts);
            }
        });
    }

    /// A probed session has shown this sign.
    pub(crate) fn alive(&self, name: &str, connection: ConnectionId, sign: Sign) {
        self.change(|state| state.epochs.alive(name, connection, sign));
    }

    /// A connection that has no verdict gives its place to another.
    pub(crate) fn give_way(&self, connection: ConnectionId) {
        self.change(|state| state.tell(connection, Verdict::Close));
    }

    /// A connection is over. If it was a session, all across it ends: nobody finds it any more, then its exits and
    /// DOWNs go out, then nodedown. Only then can another be up.
    //= spec/session.md#ses-end-006
    //# A node MUST do what this section asks for in the same way whatever has ended the session.
    //= spec/connection.md#con-cls-016
    //# A node MUST end the session when its stream ends or fails, as it does on a CLOSE.
    pub(crate) fn finish(&self, name: &str, connection: ConnectionId) {
        let session = self.change(|state| {
            state.forget(connection);
            let session = state.sessions.get(&state.epochs.over(name, connection)?).cloned();
            if let Some(session) = &session {
                self.routes.ending(session);
            }
            session
        });
        if let (Some(session), Some(table)) = (&session, self.table.upgrade()) {
            session.end(&mut self.delivery(&table, session));
        }
        self.change(|state| {
            if session.is_some() {
                state.epochs.told(name, connection);
            }
            state.open -= 1;
        });
    }

    /// Ends the session with a node in order. False if there is none in which something can be sent.
    pub(crate) fn disconnect(&self, name: &str, code: u16, text: &str, stop: Stop) -> bool {
        self.change(|state| {
            let Some(connection) = state.epochs.session(name) else { return false };
            state.epochs.closing(name, connection);
            let session = state.sessions.get(&connection);
            state
                .afterwards
                .sessions
                .extend(session.map(|session| self.order_end(session, code, text, stop)));
            true
        })
    }

    /// Orders a session to end: whoever would send finds it no more.
    fn order_end(&self, session: &Arc<SessionHandle>, code: u16, text: &str, stop: Stop) -> Stirred {
        self.routes.ending(session);
        session.stop(code, text, stop)
    }

    /// Refuses every further connection, and orders all sessions to end.
    pub(crate) fn close(&self, code: u16, text: &str, stop: Stop) {
        self.change(|state| {
            state.closed = true;
            //= spec/connection.md#con-cls-017
            //# A node that stops MUST close every connection that is not a session.
            state.afterwards.verdicts.extend(state.waiting.drain().map(|(_, waiting)| (waiting, None)));
            state.epochs.close();
            let sessions = state.sessions.values();
            state
                .afterwards
                .sessions
                .extend(sessions.map(|session| self.order_end(session, code, text, stop)));
        });
    }

    /// What delivers a session's signals and messages.
    pub(super) fn delivery(&self, table: &Arc<ProcessTable>, session: &Arc<SessionHandle>) -> Delivery {
        let interested: Arc<dyn Interested> = session.clone();
        let peer = Owner { name: session.peer.name.clone(), source: session.peer.source };
        Delivery::new(table.clone(), Arc::downgrade(&interested), peer, self.numbers.clone())
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // If this is its last owner, it is dropped after the lock.
        let table = self.table.upgrade();
        let mut state = self.state.lock();
        // Time can make a connection the session, and what is changed next may be about just that one.
        state.epochs.tell_time(self.clock.now());
        self.carry_out_all(&mut state, table.as_deref());
        let done = change(&mut state);
        self.carry_out_all(&mut state, table.as_deref());
        let afterwards = std::mem::take(&mut state.afterwards);
        drop(state);
        self.changed.notify_waiters();
        afterwards.carry_out(&self.notices, self.clock.now());
        done
    }

    fn carry_out_all(&self, state: &mut State, table: Option<&ProcessTable>) {
        while let Some(event) = state.epochs.poll_event() {
            self.carry_out(event, state, table);
        }
    }

    fn carry_out(&self, event: Event, state: &mut State, table: Option<&ProcessTable>) {
        match event {
            Event::Up(connection, facts) => self.bring_up(connection, &facts, state, table),
            Event::Down(connection, name) => self.bring_down(connection, &name, state, table),
            Event::Reject(connection, refusal) => state.tell(connection, Verdict::Reject(refusal)),
            Event::Close(connection) => state.tell(connection, Verdict::Close),
            Event::Probe(connection, sign) => {
                let session = state.sessions.get(&connection);
                state
                    .afterwards
                    .sessions
                    .extend(session.map(|session| session.probe(self.clock.now(), sign)));
            }
            Event::End(connection) => {
                //= spec/connection.md#con-cls-012
                //# A node that ends a session for another connection SHOULD write CLOSE with code 3.
                //= spec/connection.md#con-elc-017
                //# A node that ends a session for another connection MUST NOT wait until what is
                //# queued in that session has been written.
                state.takeovers.replaced(connection);
                let (code, stop) = (Close::REPLACED, Stop { patience: REPLACED_PATIENCE });
                let session = state.sessions.get(&connection);
                let stirred = session
                    .map(|session| self.order_end(session, code, "another connection takes over", stop));
                state.afterwards.sessions.extend(stirred);
            }
        }
    }

    /// Makes a connection the session. Its nodeup is out before anything else of it can be.
    fn bring_up(
        &self,
        connection: ConnectionId,
        facts: &Facts,
        state: &mut State,
        table: Option<&ProcessTable>,
    ) {
        let Facts { name, incarnation, config } = facts;
        let (creation, version) = (config.peer_creation, config.version);
        let source = state.takeovers.source(connection);
        let peer = Peer { name: name.clone(), number: config.peer, creation, version, source };
        let core = Session::new(config, self.clock.now());
        let session = Arc::new(SessionHandle::new(peer, core, self.numbers.clone()));
        state.sessions.insert(connection, session.clone());
        let takeover = state.takeovers.up(connection, name, *incarnation, self.clock.now());
        state.afterwards.takeovers.extend(takeover);
        self.routes.up(&session);
        if let Some(table) = table {
            //= spec/session.md#ses-upd-001
            //# When a session begins, a node MUST give each process that watches the peer one signal NODEUP.
            //= spec/session.md#ses-upd-002
            //# A node MUST give a process the NODEUP of a session before everything else that the session
            //# brings it.
            state.afterwards.processes.extend(table.node_up(name));
        }
        // If nobody waits any more, the connection's task has ended, and says so itself.
        state.tell(connection, Verdict::Up(session));
    }

    /// The end of a session has been told.
    fn bring_down(
        &self,
        connection: ConnectionId,
        name: &str,
        state: &mut State,
        table: Option<&ProcessTable>,
    ) {
        state.takeovers.down(connection, name);
        if let Some(session) = state.sessions.remove(&connection) {
            self.routes.ended(&session);
        }
        if let Some(table) = table {
            //= spec/session.md#ses-upd-003
            //# When a session ends, a node MUST give each process that watches the peer one signal NODEDOWN.
            state.afterwards.processes.extend(table.node_down(name));
        }
    }
}

impl State {
    fn next_connection(&mut self) -> ConnectionId {
        self.connections += 1;
        ConnectionId(self.connections)
    }

    /// Once the registry is closed, the verdict is that there will be none: it is given back.
    fn begin(
        &mut self,
        connection: ConnectionId,
        verdict: oneshot::Sender<Verdict>,
    ) -> Option<oneshot::Sender<Verdict>> {
        self.open += 1;
        if self.closed { Some(verdict) } else { self.waiting.insert(connection, verdict) }
    }

    fn tell(&mut self, connection: ConnectionId, verdict: Verdict) {
        let waiting = self.waiting.remove(&connection);
        self.afterwards.verdicts.extend(waiting.map(|waiting| (waiting, Some(verdict))));
    }

    fn forget(&mut self, connection: ConnectionId) {
        self.takeovers.forget(connection);
        let waiting = self.waiting.remove(&connection);
        self.afterwards.verdicts.extend(waiting.map(|waiting| (waiting, None)));
    }
}
