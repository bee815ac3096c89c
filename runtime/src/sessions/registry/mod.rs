//! All connections of a node, and the endpoint that decides on them, with one lock.
//!
//! Lock order: the registry, then global names, then routes, then a connection, then a process or the numbers of
//! nodes. Tasks that the endpoint's decisions concern are woken when no lock is held ([`Afterwards`]).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::routes::Routes;
use super::session::{SessionHandle, Stirred};
use crate::clock::Clock;
use crate::core::Pid;
use crate::core::connection::{ConnectionEvent, Ending, EndpointEvent, Randomness};
use crate::core::endpoint::{Attempts, Dial, Endpoint, KeptNode, KeptState, Limits, NotKept, Notice, Output};
use crate::core::epochs::Facts;
use crate::core::handshake::Local;
use crate::core::peers::ConnectionId;
use crate::core::session::{Rights, Timing};
use crate::core::{Globals, Start};
use crate::foreign::{self, apart};
use crate::notices::Notices;
use crate::numbers::SharedNumbers;
use crate::process::remote::Interested;
use crate::process::table::ProcessTable;
use crate::process::{Delivery, Owner};
use crate::random::random;
use crate::stats::{PeerStats, SessionTotals};
use crate::sync::Mutex;

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;

/// The connections of one node.
#[derive(Debug)]
pub(crate) struct Registry {
    /// The incarnation of this node.
    pub(crate) incarnation: NonZeroU64,
    /// The name of the node.
    pub(crate) name: Arc<str>,
    pub(crate) clock: Clock,
    pub(crate) routes: Arc<Routes>,
    pub(crate) notices: Arc<Notices>,
    table: Weak<ProcessTable>,
    numbers: SharedNumbers,
    state: Mutex<State>,
    /// Notified when a connection has come or gone.
    changed: Notify,
    /// Notified when the endpoint has requested a dial.
    dials: Notify,
    runtime: Handle,
    own: Weak<Self>,
}

#[derive(Debug)]
struct State {
    endpoint: Endpoint<SharedNumbers>,
    connections: HashMap<ConnectionId, Arc<SessionHandle>>,
    /// The names that the endpoint has requested to dial, each once.
    asked: Vec<Arc<str>>,
    /// The totals of sessions that are over.
    over: SessionTotals,
    /// The time for which the endpoint's timer is set.
    timer_at: Option<Duration>,
    afterwards: Afterwards,
}

/// The work to do as soon as the lock is released.
#[derive(Debug, Default)]
struct Afterwards {
    connections: Vec<Stirred>,
    processes: Vec<Waker>,
    notices: Vec<Notice>,
}

impl Afterwards {
    fn carry_out(self, notices: &Notices, now: Duration) {
        self.connections.into_iter().for_each(Stirred::wake);
        self.processes.into_iter().for_each(foreign::wake);
        self.notices.iter().for_each(|notice| notices.tell(now, notice));
    }
}

impl Registry {
    /// Creates the connections of the node of these processes. It has none yet. Must be called in the runtime on
    /// which they will run.
    pub(crate) fn new(
        local: Arc<Local>,
        table: &Arc<ProcessTable>,
        timing: Timing,
        limits: Limits,
    ) -> Arc<Self> {
        let routes = Arc::new(Routes::new(Arc::downgrade(table)));
        table.connect(routes.clone());
        let (incarnation, numbers) = (local.incarnation(), SharedNumbers::new(local.start().clone()));
        let name = local.start().name.clone();
        // Without random bytes there is no handshake either.
        let dice = random().unwrap_or_default();
        let endpoint = Endpoint::with_numbers(local, timing, limits, dice, numbers.clone());
        let afterwards = Afterwards::default();
        let (connections, over) = (HashMap::new(), SessionTotals::default());
        let state = State { endpoint, connections, asked: Vec::new(), over, timer_at: None, afterwards };
        Arc::new_cyclic(|own| Self {
            incarnation,
            name,
            clock: Clock::start(),
            routes,
            notices: Arc::new(Notices::new()),
            table: Arc::downgrade(table),
            numbers,
            state: Mutex::new(state),
            changed: Notify::new(),
            dials: Notify::new(),
            runtime: Handle::current(),
            own: own.clone(),
        })
    }

    /// Acts on the endpoint where it has nothing to carry out: before there are connections, and to replace
    /// cookies.
    pub(crate) fn with_endpoint(&self, act: impl FnOnce(&mut Endpoint<SharedNumbers>)) {
        act(&mut self.state.lock().endpoint);
    }

    /// Adds an accepted connection. Returns `None` if the node is shutting down. The end of the connection must be
    /// reported to [`Registry::finish`].
    pub(crate) fn accept(&self, from: SocketAddr, random: Randomness) -> Option<Arc<SessionHandle>> {
        self.change(|state| {
            let (id, core) = state.endpoint.accept(from, random, self.clock.now())?;
            let handle = SessionHandle::new(id, Some(from.ip().into()), *core, self.numbers.clone());
            Some(state.add(handle))
        })
    }

    /// Requests a session with a node. The end of a connection must be reported to [`Registry::finish`].
    pub(crate) fn dial(&self, name: &Arc<str>, random: Randomness) -> Dial<Arc<SessionHandle>> {
        self.change(|state| {
            let dial = state.endpoint.dial(name, random, self.clock.now());
            dial.map(|id, core| state.add(SessionHandle::new(id, None, *core, self.numbers.clone())))
        })
    }

    /// Keeps a session with a node: see [`Endpoint::keep`].
    pub(crate) fn keep(&self, name: &Arc<str>) -> Result<(), NotKept> {
        self.change(|state| state.endpoint.keep(name, self.clock.now()))
    }

    /// Stops keeping a session with a node: see [`Endpoint::let_go`].
    pub(crate) fn let_go(&self, name: &str) -> bool {
        self.change(|state| {
            state.asked.retain(|asked| **asked != *name);
            state.endpoint.let_go(name, self.clock.now())
        })
    }

    /// Returns the nodes that are kept connected. Those that wait contain the remaining time.
    pub(crate) fn kept(&self) -> Vec<KeptNode> {
        let mut kept: Vec<_> = self.state.lock().endpoint.kept().collect();
        let now = self.clock.now();
        for node in &mut kept {
            if let KeptState::Waiting(at) = &mut node.state {
                *at = at.saturating_sub(now);
            }
        }
        kept
    }

    /// Returns the node on which a process runs, or ran, if there is or was a session with it. Returns `None` if
    /// that is no longer known. Nodes that only peers have named are not included, because peers could then choose
    /// where this node dials.
    pub(crate) fn name_of(&self, pid: Pid) -> Option<Arc<str>> {
        Some(self.numbers.met(pid.node())?.name)
    }

    /// Waits for names that the endpoint requests to dial. For each, [`Registry::dial`] or
    /// [`Registry::cannot_dial`] must follow.
    pub(crate) async fn asked(&self) -> Vec<Arc<str>> {
        loop {
            let more = self.dials.notified();
            let asked = std::mem::take(&mut self.state.lock().asked);
            if !asked.is_empty() {
                return asked;
            }
            apart(more).await;
        }
    }

    /// Reports that a requested name cannot be dialled now.
    pub(crate) fn cannot_dial(&self, name: &str, why: &dyn std::fmt::Display) {
        self.change(|state| state.endpoint.cannot_dial(name, why, self.clock.now()));
    }

    /// Decides what follows a dial that has ended: see [`Attempts::again`].
    pub(crate) fn again(
        &self,
        attempts: &mut Attempts,
        name: &str,
        ending: &Ending,
        closed_early: bool,
    ) -> Option<Duration> {
        attempts.again(name, ending, closed_early, &mut self.state.lock().endpoint, self.clock.now())
    }

    /// Waits until no connection with that node is being made, and no session with it is being closed.
    pub(crate) async fn settled(&self, name: &str) {
        self.when(|endpoint| !endpoint.is_underway(name)).await;
    }

    /// Waits until this time, or until there is a session with that node, or this node stops.
    pub(crate) async fn up_before(&self, name: &str, at: Duration) {
        tokio::select! {
            () = self.when(|endpoint| endpoint.is_up(name) || endpoint.is_stopped()) => {}
            () = sleep_until(self.clock.at(at)) => {}
        }
    }

    /// Waits until no connection is left, after [`Registry::stop`].
    pub(crate) async fn idle(&self) {
        self.when(Endpoint::is_empty).await;
    }

    async fn when(&self, holds: impl Fn(&Endpoint<SharedNumbers>) -> bool) {
        loop {
            let changed = self.changed.notified();
            if holds(&self.state.lock().endpoint) {
                return;
            }
            apart(changed).await;
        }
    }

    /// Returns the state of each session, ordered by the names of the peers and including those that are being
    /// ended, and the totals over all sessions so far.
    pub(crate) fn session_stats(&self) -> (Vec<PeerStats>, SessionTotals) {
        let state = self.state.lock();
        let mut totals = state.over;
        let sessions: Vec<_> = state.connections.values().filter(|it| it.is_session()).cloned().collect();
        drop(state);
        let now = self.clock.now();
        let mut peers: Vec<_> = sessions.iter().map(|session| session.stats(now)).collect();
        peers.iter().for_each(|peer| totals.add(peer));
        peers.sort_by(|one, other| one.name.cmp(&other.name));
        (peers, totals)
    }

    /// Waits until a change that is being carried out has been reported.
    pub(crate) fn wait_for_change(&self) {
        drop(self.state.lock());
    }

    /// Passes an event of a connection to the endpoint.
    pub(crate) fn hear(&self, connection: ConnectionId, event: EndpointEvent) {
        self.change(|state| state.endpoint.handle_event(connection, event, self.clock.now()));
    }

    /// Removes a connection that is over. If it was a session, everything that crosses it ends: first it can no
    /// longer be found, then its exits and DOWNs are delivered, then nodedown. Only then can another session be
    /// established.
    pub(crate) fn finish(&self, connection: &Arc<SessionHandle>) {
        let ending = connection.ending();
        let was_session = self.change(|state| {
            let was_session = state.endpoint.over(connection.id, ending.as_ref(), self.clock.now());
            if was_session {
                self.routes.ending(connection);
                state.over.add(&connection.stats(Duration::ZERO));
            }
            state.connections.remove(&connection.id);
            was_session
        });
        if !was_session {
            return;
        }
        if let Some(table) = self.table.upgrade() {
            table.global_names_down(connection.id);
        }
        if let Some(mut delivery) = self.delivery(connection) {
            connection.end(&mut delivery);
        }
        self.change(|state| {
            state.endpoint.told(connection.id, self.clock.now());
            self.routes.ended(connection);
        });
    }

    /// Ends the session with a node gracefully. Returns `false` if there is none that accepts data.
    pub(crate) fn disconnect(&self, name: &str) -> bool {
        self.change(|state| state.endpoint.disconnect(name, self.clock.now()))
    }

    /// Refuses all further connections, and ends all existing ones.
    pub(crate) fn stop(&self) {
        self.change(|state| state.endpoint.stop(self.clock.now()));
    }

    /// Returns the object that delivers a session's signals and messages, or `None` if the node is gone.
    pub(crate) fn delivery(&self, session: &Arc<SessionHandle>) -> Option<Delivery> {
        let interested: Arc<dyn Interested> = session.clone();
        let peer = Owner { name: session.peer().name.clone(), source: session.source };
        let table = self.table.upgrade()?;
        Some(Delivery::new(table, Arc::downgrade(&interested), peer, self.numbers.clone()).on(session.id))
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // If this is its last owner, it is dropped after the lock.
        let table = self.table.upgrade();
        let mut state = self.state.lock();
        let done = change(&mut state);
        while let Some(output) = state.endpoint.poll_output() {
            self.carry_out(output, &mut state, table.as_deref());
        }
        let timer_at = state.set_timer();
        let afterwards = std::mem::take(&mut state.afterwards);
        drop(state);
        self.changed.notify_waiters();
        afterwards.carry_out(&self.notices, self.clock.now());
        if let Some(at) = timer_at {
            self.runtime.spawn(tick(self.own.clone(), self.clock, at));
        }
        done
    }

    fn carry_out(&self, output: Output, state: &mut State, table: Option<&ProcessTable>) {
        match output {
            Output::Tell(id, event) => {
                // One that is not there has ended, and has not said so yet.
                let Some(connection) = state.connections.get(&id) else { return };
                if matches!(event, ConnectionEvent::Close(_)) {
                    // Whoever would send finds it no more.
                    self.routes.ending(connection);
                }
                let stirred = match event {
                    ConnectionEvent::Up(facts, rights) => self.come_up(connection, facts, rights, table),
                    event => connection.tell(event, self.clock.now()),
                };
                state.afterwards.connections.push(stirred);
            }
            Output::NodeUp(_, name) => {
                state.afterwards.processes.extend(table.into_iter().flat_map(|table| table.node_up(&name)));
            }
            Output::NodeDown(_, name) => {
                let processes = table.into_iter().flat_map(|table| table.node_down(&name));
                state.afterwards.processes.extend(processes);
            }
            Output::Dial(name) => {
                state.asked.push(name);
                self.dials.notify_one();
            }
            Output::Notice(notice) => state.afterwards.notices.push(notice),
        }
    }

    /// Makes a connection the session. Global names do not change in the meantime: the session is told of every
    /// later change, and the peer's statements about its own names find the session known.
    fn come_up(
        &self,
        connection: &Arc<SessionHandle>,
        facts: Box<Facts>,
        rights: Rights,
        table: Option<&ProcessTable>,
    ) -> Stirred {
        let start = facts.incarnation.map(|incarnation| Start { name: facts.name.clone(), incarnation });
        let begin = |globals: Option<&Globals>| {
            let stirred = connection.tell(ConnectionEvent::Up(facts, rights), self.clock.now());
            self.routes.up(connection);
            if let Some(globals) = globals {
                connection.tell_globals(&self.name, globals);
            }
            stirred
        };
        match table {
            Some(table) => {
                table.global_names_up(connection.id, start.as_ref(), |globals| begin(Some(globals)))
            }
            None => begin(None),
        }
    }
}

/// Tells the endpoint the time that it has asked for.
async fn tick(registry: Weak<Registry>, clock: Clock, at: Duration) {
    sleep_until(clock.at(at)).await;
    if let Some(registry) = registry.upgrade() {
        registry.change(|state| {
            // Another one may have been set since for an earlier time: that one sets the next.
            if state.timer_at == Some(at) {
                state.timer_at = None;
            }
            state.endpoint.handle_timeout(clock.now());
        });
    }
}

impl State {
    fn add(&mut self, handle: SessionHandle) -> Arc<SessionHandle> {
        let handle = Arc::new(handle);
        self.connections.insert(handle.id, handle.clone());
        handle
    }

    /// Returns the time for which to set a timer, unless an earlier one is set.
    fn set_timer(&mut self) -> Option<Duration> {
        let at = self.endpoint.deadline()?;
        if self.timer_at.is_some_and(|set| set <= at) {
            return None;
        }
        self.timer_at = Some(at);
        Some(at)
    }
}
