//! A session as processes and its driver share it: the core under a lock.
//!
//! A process acts on the core at once, so what it does keeps its order and is decided when the call returns. The
//! driver takes what waits to be written whenever the connection takes bytes. Lock order: a session, then a process.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use snow_dist_codec::{EncodeError, Frame};
use tokio::sync::Notify;

use crate::core::limits::SESSION_QUEUE_BYTES_MAX;
use crate::core::session::{Ending, Full};
use crate::core::{NodeNumber, Processes, Reason, Session};
use crate::process::Interested;
use crate::sync::{Mutex, lock};

/// Bytes that wait when a sender makes way for the driver, once for each time the driver has written: a task that
/// only sends would otherwise fill the whole queue before the first byte goes out.
const CROWDED_BYTES: usize = 64 << 10;

/// The node at the other end of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) name: Arc<str>,
    pub(crate) number: NodeNumber,
    pub(crate) creation: u8,
}

/// A session that is up, or has ended.
#[derive(Debug)]
pub(crate) struct SessionHandle {
    pub(crate) peer: Peer,
    state: Mutex<State>,
    /// Senders that wait for room.
    room: Notify,
}

#[derive(Debug)]
struct State {
    core: Session,
    open: bool,
    /// The driver, which sleeps or will see what is new before it does.
    driver: Option<Waker>,
    /// The driver has nothing to write.
    idle: bool,
    /// Somebody waits for room.
    full: bool,
    /// Somebody has made way since the driver wrote last.
    made_way: bool,
    stop: Option<Stop>,
}

/// An order to end the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// How long what is queued may take to be written.
    pub(crate) patience: Duration,
}

/// The session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SendRefused {
    Closed,
    TooLong(EncodeError),
}

/// What the driver finds when it asks for something to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refill {
    /// There are bytes.
    Bytes,
    /// Nothing; the driver is woken when there is.
    Nothing,
    /// Nothing, and nothing will come: the session is to end.
    Stopping,
}

impl SessionHandle {
    pub(crate) fn new(peer: Peer, core: Session) -> Self {
        let state =
            State { core, open: true, driver: None, idle: false, full: false, made_way: false, stop: None };
        Self { peer, state: Mutex::new(state), room: Notify::new() }
    }

    /// Sends a message, when there is room.
    pub(crate) async fn send(&self, local: u64, remote: u64, message: &[u8]) -> Result<(), SendRefused> {
        self.message(|core| core.send(local, remote, message)).await
    }

    /// Sends a message to a name, when there is room.
    pub(crate) async fn send_named(&self, local: u64, name: &str, message: &[u8]) -> Result<(), SendRefused> {
        self.message(|core| core.send_named(local, name, message)).await
    }

    async fn message(
        &self,
        mut send: impl FnMut(&mut Session) -> Result<(), EncodeError>,
    ) -> Result<(), SendRefused> {
        let sent = self.when_room(|state| {
            let sent = send(&mut state.core);
            let crowded = !state.made_way && state.core.waiting_bytes() >= CROWDED_BYTES;
            state.made_way |= crowded;
            sent.map(|()| crowded)
        });
        match sent.await {
            Ok(Ok(false)) => Ok(()),
            Ok(Ok(true)) => {
                tokio::task::yield_now().await;
                Ok(())
            }
            Ok(Err(error)) => Err(SendRefused::TooLong(error)),
            Err(Closed) => Err(SendRefused::Closed),
        }
    }

    /// Links, when there is room. The local process must have attached the session.
    pub(crate) async fn link(&self, local: u64, remote: u64) -> Result<Result<(), Full>, Closed> {
        self.when_room(|state| state.core.link(local, remote)).await
    }

    pub(crate) fn unlink(&self, local: u64, remote: u64) -> Result<(), Closed> {
        self.act(|state| state.core.unlink(local, remote))
    }

    /// Monitors, when there is room. The local process must have attached the session.
    pub(crate) async fn monitor(
        &self,
        local: u64,
        remote: u64,
        reference: u64,
    ) -> Result<Result<(), Full>, Closed> {
        self.when_room(|state| state.core.monitor(local, remote, reference)).await
    }

    /// False if there is no such monitor.
    pub(crate) fn demonitor(&self, reference: u64) -> Result<bool, Closed> {
        self.act(|state| state.core.demonitor(reference))
    }

    /// Orders the session to end, saying why to the peer.
    pub(crate) fn stop(&self, code: u16, text: &str, stop: Stop) {
        self.command(|state| {
            if state.stop.is_none() {
                state.core.close(code, text);
                state.stop = Some(stop);
            }
        });
    }

    /// Asks the peer for a sign of life.
    pub(crate) fn probe(&self, now: Duration) {
        self.command(|state| state.core.probe(now));
    }

    /// Changes what the driver waits for: it is woken, even if it waits for the connection to take bytes.
    fn command(&self, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        if state.open {
            change(&mut state);
            let driver = state.driver.clone();
            drop(state);
            driver.into_iter().for_each(Waker::wake);
        }
    }

    // What the driver calls.

    /// Bytes have come. True if a probe waited for them.
    pub(crate) fn received(&self, now: Duration) -> bool {
        lock(&self.state).core.handle_received(now)
    }

    pub(crate) fn frame(&self, frame: &Frame<'_>, processes: &mut impl Processes) -> Result<(), Ending> {
        self.act(|state| state.core.handle_frame(frame, processes)).unwrap_or(Ok(()))
    }

    /// Appends what waits to `out`, or remembers whom to wake when something does.
    pub(crate) fn refill(&self, out: &mut Vec<u8>, bytes_wanted: usize, driver: &Waker) -> Refill {
        let mut state = lock(&self.state);
        state.made_way = false;
        if !state.core.has_output() {
            if state.stop.is_some() {
                return Refill::Stopping;
            }
            state.idle = true;
            state.remember(driver);
            return Refill::Nothing;
        }
        state.idle = false;
        state.core.write(out, bytes_wanted);
        let room = state.full && state.core.waiting_bytes() <= SESSION_QUEUE_BYTES_MAX / 2;
        if room {
            state.full = false;
        }
        drop(state);
        if room {
            self.room.notify_waiters();
        }
        Refill::Bytes
    }

    /// When [`SessionHandle::timeout`] is due, and the order to end, if there is one. The driver is woken if either
    /// changes.
    pub(crate) fn deadlines(&self, driver: &Waker) -> (Duration, Option<Stop>) {
        let mut state = lock(&self.state);
        state.remember(driver);
        (state.core.deadline().0, state.stop)
    }

    pub(crate) fn timeout(&self, now: Duration) -> Result<(), Ending> {
        lock(&self.state).core.handle_timeout(now)
    }

    /// The connection is gone: everything across it ends. After this every call is [`Closed`].
    pub(crate) fn end(&self, processes: &mut impl Processes) {
        let mut state = lock(&self.state);
        state.open = false;
        state.core.end(processes);
        drop(state);
        self.room.notify_waiters();
    }

    async fn when_room<T>(&self, mut act: impl FnMut(&mut State) -> T) -> Result<T, Closed> {
        loop {
            // Made before the look, so that room made in between is not missed.
            let room = self.room.notified();
            let done = self.act(|state| {
                let free = state.core.has_room();
                state.full |= !free;
                free.then(|| act(state))
            })?;
            match done {
                Some(done) => return Ok(done),
                None => room.await,
            }
        }
    }

    /// Acts on the open session, and wakes the driver if that gave it something to do.
    fn act<T>(&self, act: impl FnOnce(&mut State) -> T) -> Result<T, Closed> {
        let mut state = lock(&self.state);
        if !state.open {
            return Err(Closed);
        }
        let done = act(&mut state);
        let driver = if state.idle && state.core.has_output() { state.driver.clone() } else { None };
        state.idle &= driver.is_none();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        Ok(done)
    }
}

impl State {
    fn remember(&mut self, driver: &Waker) {
        match &mut self.driver {
            Some(known) => known.clone_from(driver),
            none => *none = Some(driver.clone()),
        }
    }
}

impl Interested for SessionHandle {
    fn is_over(&self) -> bool {
        !lock(&self.state).open
    }

    fn process_ended(&self, local: u64, reason: &Reason) {
        let _ = self.act(|state| state.core.process_ended(local, reason));
    }
}
