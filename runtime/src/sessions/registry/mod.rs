//! All connections of a node, and the endpoint that decides on them, under one lock.
//!
//! Lock order: the registry, then routes, then a connection, then a process or the numbers of nodes. Whoever is to be woken
//! by what the endpoint says is woken when no lock is held ([`Afterwards`]).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::routes::Routes;
use super::session::{SessionHandle, Stirred};
use crate::clock::Clock;
use crate::core::connection::{ConnectionEvent, Ending, EndpointEvent, Randomness};
use crate::core::endpoint::{Attempts, Dial, Endpoint, Notice, Output};
use crate::core::peers::ConnectionId;
use crate::foreign::{self, apart};
use crate::notices::Notices;
use crate::numbers::SharedNumbers;
use crate::process::remote::Interested;
use crate::process::sync::Mutex;
use crate::process::table::ProcessTable;
use crate::process::{Delivery, Owner};

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;

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
    runtime: Handle,
    own: Weak<Self>,
}

#[derive(Debug)]
struct State {
    endpoint: Endpoint<SharedNumbers>,
    connections: HashMap<ConnectionId, Arc<SessionHandle>>,
    /// For when the endpoint's timer is set.
    timer_at: Option<Duration>,
    afterwards: Afterwards,
}

/// What is done as soon as the lock is free.
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

/// What becomes of the wish for a session.
#[derive(Debug)]
pub(crate) enum Wish {
    /// The node is to be dialled, on this connection.
    Dial(Arc<SessionHandle>),
    /// See [`Dial`].
    Up,
    Underway,
    Later(Duration),
    OwnName,
    Busy,
    Stopped,
}

impl Registry {
    /// No connections yet. To be called in the runtime on which they are to run.
    pub(crate) fn new(
        endpoint: Endpoint<SharedNumbers>,
        numbers: SharedNumbers,
        table: Weak<ProcessTable>,
        routes: Arc<Routes>,
        notices: Arc<Notices>,
        clock: Clock,
    ) -> Arc<Self> {
        let afterwards = Afterwards::default();
        let state = State { endpoint, connections: HashMap::new(), timer_at: None, afterwards };
        Arc::new_cyclic(|own| Self {
            table,
            clock,
            numbers,
            state: Mutex::new(state),
            routes,
            notices,
            changed: Notify::new(),
            runtime: Handle::current(),
            own: own.clone(),
        })
    }

    /// Acts on the endpoint before there are connections.
    pub(crate) fn with_endpoint(&self, act: impl FnOnce(&mut Endpoint<SharedNumbers>)) {
        act(&mut self.state.lock().endpoint);
    }

    /// A connection has been accepted; nothing if the node stops. Its end must be reported to [`Registry::finish`].
    pub(crate) fn accept(&self, from: SocketAddr, random: Randomness) -> Option<Arc<SessionHandle>> {
        self.change(|state| {
            let (id, core) = state.endpoint.accept(from, random, self.clock.now())?;
            let handle = SessionHandle::new(id, Some(from.ip().into()), *core, self.numbers.clone());
            Some(state.add(handle))
        })
    }

    /// Somebody wants a session with a node. The end of a connection must be reported to [`Registry::finish`].
    pub(crate) fn wish(&self, name: &Arc<str>, random: Randomness) -> Wish {
        self.change(|state| match state.endpoint.dial(name, random, self.clock.now()) {
            Dial::Start(id, core) => {
                Wish::Dial(state.add(SessionHandle::new(id, None, *core, self.numbers.clone())))
            }
            Dial::Up => Wish::Up,
            Dial::Underway => Wish::Underway,
            Dial::Later(at) => Wish::Later(at),
            Dial::OwnName => Wish::OwnName,
            Dial::Busy => Wish::Busy,
            Dial::Stopped => Wish::Stopped,
        })
    }

    /// After a dial that has ended: how long to wait before the next one, if there is to be one.
    pub(crate) fn again(
        &self,
        attempts: &mut Attempts,
        ending: &Ending,
        closed_early: bool,
    ) -> Option<Duration> {
        attempts.again(ending, closed_early, &mut self.state.lock().endpoint, self.clock.now())
    }

    /// Whether there is a session with that node that is not ending.
    pub(crate) fn is_up(&self, name: &str) -> bool {
        self.state.lock().endpoint.is_up(name)
    }

    /// Whether another connection with that node is being made, or a session with it closed.
    pub(crate) fn is_underway(&self, name: &str) -> bool {
        self.state.lock().endpoint.is_underway(name)
    }

    /// Waits until no connection with that node is being made any more, and no session closed.
    pub(crate) async fn settled(&self, name: &str) {
        self.when(|endpoint| !endpoint.is_underway(name)).await;
    }

    /// Waits until this time, or until there is a session with that node before, or this one stops.
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

    /// Waits until a change that somebody is carrying out is told.
    pub(crate) fn wait_for_change(&self) {
        drop(self.state.lock());
    }

    /// A connection says something.
    pub(crate) fn hear(&self, connection: ConnectionId, event: EndpointEvent) {
        self.change(|state| state.endpoint.handle_event(connection, event, self.clock.now()));
    }

    /// A connection is over. If it was a session, all across it ends: nobody finds it any more, then its exits and
    /// DOWNs go out, then nodedown. Only then can another be up.
    pub(crate) fn finish(&self, connection: &Arc<SessionHandle>) {
        let ending = connection.ending();
        let was_session = self.change(|state| {
            let was_session = state.endpoint.over(connection.id, ending.as_ref(), self.clock.now());
            if was_session {
                self.routes.ending(connection);
            }
            state.connections.remove(&connection.id);
            was_session
        });
        if !was_session {
            return;
        }
        if let Some(mut delivery) = self.delivery(connection) {
            connection.end(&mut delivery);
        }
        self.change(|state| {
            state.endpoint.told(connection.id, self.clock.now());
            self.routes.ended(connection);
        });
    }

    /// Ends the session with a node in order. False if there is none in which something can be sent.
    pub(crate) fn disconnect(&self, name: &str) -> bool {
        self.change(|state| state.endpoint.disconnect(name, self.clock.now()))
    }

    /// Refuses every further connection, and ends all there are.
    pub(crate) fn stop(&self) {
        self.change(|state| state.endpoint.stop(self.clock.now()));
    }

    /// What delivers a session's signals and messages; nothing if the node is gone.
    pub(crate) fn delivery(&self, session: &Arc<SessionHandle>) -> Option<Delivery> {
        let interested: Arc<dyn Interested> = session.clone();
        let peer = Owner { name: session.peer().name.clone(), source: session.source };
        let table = self.table.upgrade()?;
        Some(Delivery::new(table, Arc::downgrade(&interested), peer, self.numbers.clone()))
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
                let closes = matches!(event, ConnectionEvent::Close(_));
                let comes_up = matches!(event, ConnectionEvent::Up(_));
                if closes {
                    // Whoever would send finds it no more.
                    self.routes.ending(connection);
                }
                state.afterwards.connections.push(connection.tell(event, self.clock.now()));
                if comes_up {
                    self.routes.up(connection);
                }
            }
            Output::NodeUp(_, name) => {
                state.afterwards.processes.extend(table.into_iter().flat_map(|table| table.node_up(&name)));
            }
            Output::NodeDown(_, name) => {
                let processes = table.into_iter().flat_map(|table| table.node_down(&name));
                state.afterwards.processes.extend(processes);
            }
            Output::Notice(notice) => state.afterwards.notices.push(notice),
        }
    }
}

/// Tells the endpoint the time when it has asked for that.
async fn tick(registry: Weak<Registry>, clock: Clock, at: Duration) {
    sleep_until(clock.at(at)).await;
    if let Some(registry) = registry.upgrade() {
        registry.change(|state| {
            state.timer_at = None;
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

    /// For when a timer is to be set, if none is that goes off before.
    fn set_timer(&mut self) -> Option<Duration> {
        let at = self.endpoint.deadline()?;
        if self.timer_at.is_some_and(|set| set <= at) {
            return None;
        }
        self.timer_at = Some(at);
        Some(at)
    }
}
