//! A session as processes and its driver share it: the core under a lock.
//!
//! A process acts on the core at once, so what it does keeps its order and is decided when the call returns. The
//! driver takes what waits to be written whenever the connection takes bytes. Lock order: a session, then a process.
//! Nobody is woken under the lock, nor under one that a caller may hold: that is what [`Stirred`] is for.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use snow_dist_codec::frame::Fragment;
use snow_dist_codec::{EncodeError, EncodeErrorKind, Frame};
use tokio::sync::Notify;

use crate::core::limits::SESSION_QUEUE_BYTES_MAX;
use crate::core::peers::Sign;
use crate::core::session::{Counts, Ending, Lacking, Misrouted, NotMade, NotSent, Version};
use crate::core::{NodeNumber, Pid, Processes, Reason, Session, Source, Term};
use crate::foreign;
use crate::numbers::SharedNumbers;
use crate::process::Refused;
use crate::process::remote::{Denied, Interested, Sender, Sent};
use crate::process::sync::Mutex;

/// Bytes that wait when a sender makes way for the driver, once for each time the driver has written: a task that
/// only sends would otherwise fill the whole queue before the first byte goes out.
const CROWDED_BYTES: usize = 64 << 10;

/// Why a version 1 node cannot be sent a message.
const LOOKS_LIKE_SIGNAL: &str = "it speaks version 1, and would take this message, which begins with the type of a signal, for that signal";

/// Why a process of a version 1 node cannot be linked or monitored.
const NODE_ID_UNKNOWN: &str = "it speaks version 1, and by which node id it knows this node is not known yet: that \
    comes with what it first sends to a process of this node by its pid, or is said by \
    NodeBuilder::version_1_node_id";

/// The node at the other end of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) name: Arc<str>,
    pub(crate) number: NodeNumber,
    pub(crate) creation: u8,
    pub(crate) version: Version,
    /// Where its connection came from, if it has dialled.
    pub(crate) source: Option<Source>,
}

/// A session that is up, or has ended.
#[derive(Debug)]
pub(crate) struct SessionHandle {
    pub(crate) peer: Peer,
    /// Which nodes can be told of to the peer.
    numbers: SharedNumbers,
    state: Mutex<State>,
    /// Senders that wait for room.
    room: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    core: Session,
    open: bool,
    /// The driver, which sleeps or will see what is new before it does. Shared, since a waker is cloned and dropped
    /// with no lock held.
    driver: Option<Arc<Waker>>,
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

/// Whom a change of the session concerns, to be woken when no lock is held any more.
#[derive(Debug, Default)]
#[must_use = "a driver that is not woken does not see what has changed"]
pub(crate) struct Stirred {
    driver: Option<Arc<Waker>>,
    /// Senders that wait for room.
    room: Option<Arc<Notify>>,
}

impl Stirred {
    pub(crate) fn wake(self) {
        if let Some(driver) = self.driver {
            foreign::call(|| driver.wake_by_ref());
        }
        if let Some(room) = self.room {
            room.notify_waiters();
        }
    }
}

/// What an action has given, and whom it concerns.
#[derive(Debug)]
#[must_use = "a driver that is not woken does not see what has changed"]
pub(crate) struct Done<T> {
    value: T,
    stirred: Stirred,
}

impl<T> Done<T> {
    /// To be called when no lock is held.
    pub(crate) fn wake(self) -> T {
        self.stirred.wake();
        self.value
    }
}

/// What the driver finds when it asks for something to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refill {
    /// There are bytes. The session waits for the time at which a PING among them has been taken.
    Bytes { has_ping: bool },
    /// Nothing; the driver is woken when there is.
    Nothing,
    /// Nothing, and nothing will come: the session is to end.
    Stopping,
}

impl SessionHandle {
    pub(crate) fn new(peer: Peer, core: Session, numbers: SharedNumbers) -> Self {
        let state =
            State { core, open: true, driver: None, idle: false, full: false, made_way: false, stop: None };
        Self { peer, numbers, state: Mutex::new(state), room: Arc::new(Notify::new()) }
    }

    /// Sends a message, if there is room.
    pub(crate) fn send(&self, from: Sender<'_>, remote: u64, message: &[u8]) -> Done<Result<Sent, Denied>> {
        self.message(from, |core| core.send(from.local(), remote, message).map_err(not_sent))
    }

    /// Sends a term, if there is room.
    pub(crate) fn send_term(
        &self,
        from: Sender<'_>,
        remote: u64,
        term: &mut Term,
    ) -> Done<Result<Sent, Denied>> {
        self.message(from, |core| {
            term.pids().for_each(|pid| self.introduce(core, pid));
            core.send_term(from.local(), remote, term).map_err(not_sent)
        })
    }

    /// Sees to it that the peer will know a process's node.
    fn introduce(&self, core: &mut Session, pid: Pid) {
        core.introduce(pid.node(), || self.numbers.start(pid.node()));
    }

    fn introduce_all(&self, core: &mut Session, reason: &Reason) {
        if let Reason::Linked(chain) = reason {
            chain.hops.iter().for_each(|hop| self.introduce(core, *hop));
        }
    }

    /// Sends a message to a name, if there is room.
    pub(crate) fn send_named(
        &self,
        from: Sender<'_>,
        name: &str,
        message: &[u8],
    ) -> Done<Result<Sent, Denied>> {
        self.message(from, |core| core.send_named(from.local(), name, message).map_err(not_sent))
    }

    fn message(
        &self,
        from: Sender<'_>,
        send: impl FnOnce(&mut Session) -> Result<(), Denied>,
    ) -> Done<Result<Sent, Denied>> {
        self.act(|state| {
            //= spec/session.md#ses-ord-002
            //# A node MUST write EXIT, MONITOR_EXIT and DEMONITOR of a process that has ended after all messages
            //# of that process to the same process of the peer.
            from.check()?;
            self.find_room(state)?;
            send(&mut state.core)?;
            let crowded = !state.made_way && state.core.waiting_bytes() >= CROWDED_BYTES;
            state.made_way |= crowded;
            Ok(if crowded { Sent::MakeWay } else { Sent::GoOn })
        })
    }

    /// Links, if there is room. `attach` sees to it that the session is told of the local process's end, and is false
    /// if that has come already: then nothing is linked. It is asked under the session's lock, so that an end that
    /// comes later finds the link.
    pub(crate) fn link(&self, local: u64, remote: u64, attach: impl FnOnce() -> bool) -> Result<(), Denied> {
        let done = self.act(|state| {
            // A link that is there has its exit signal when the session ends, and no second one now.
            if state.stop.is_some() && state.core.is_linked(local, remote) {
                return Ok(());
            }
            self.find_room(state)?;
            if attach() { state.core.link(local, remote).map_err(not_made) } else { Ok(()) }
        });
        done.wake()
    }

    /// Sends an exit signal, if there is room.
    pub(crate) fn exit(&self, from: Sender<'_>, remote: u64, reason: &Reason) -> Result<(), Denied> {
        self.with_room(|state| {
            from.check()?;
            self.introduce_all(&mut state.core, reason);
            state.core.exit(from.local(), remote, reason).map_err(lacking)
        })
    }

    pub(crate) fn unlink(&self, local: u64, remote: u64) {
        // In a session that has ended, no link is left.
        let done = self.act(|state| {
            state.core.unlink(local, remote);
            Ok(())
        });
        let _ = done.wake();
    }

    /// Monitors, if there is room; `attach` as in [`SessionHandle::link`].
    pub(crate) fn monitor(
        &self,
        local: u64,
        remote: u64,
        reference: u64,
        attach: impl FnOnce() -> bool,
    ) -> Result<(), Denied> {
        self.with_room(|state| {
            if attach() { state.core.monitor(local, remote, reference).map_err(not_made) } else { Ok(()) }
        })
    }

    pub(crate) fn demonitor(&self, reference: u64) {
        // In a session that has ended, no monitor is left.
        let _ = self.act(|state| Ok(state.core.demonitor(reference))).wake();
    }

    /// Orders the session to end, saying why to the peer. Of two orders the one with less patience holds: a session that
    /// is closed in order gives way to another connection as any other.
    pub(crate) fn stop(&self, code: u16, text: &str, stop: Stop) -> Stirred {
        let stirred = self.command(|state| {
            if state.stop.is_none_or(|before| stop.patience < before.patience) {
                state.core.close(code, text);
                state.stop = Some(stop);
            }
        });
        // Who waits to send is told that nothing more is taken.
        Stirred { room: Some(self.room.clone()), ..stirred }
    }

    /// Asks the peer for a sign.
    pub(crate) fn probe(&self, now: Duration, sign: Sign) -> Stirred {
        self.command(|state| state.core.probe(now, sign))
    }

    /// Changes what the driver waits for: it is to be woken, even if it waits for the connection to take bytes.
    fn command(&self, change: impl FnOnce(&mut State)) -> Stirred {
        let mut state = self.state.lock();
        if !state.open {
            return Stirred::default();
        }
        change(&mut state);
        Stirred { driver: state.driver.clone(), room: None }
    }

    // What the driver calls.

    /// Says whom to wake when there is something to do. To be called before everything else, and when that changes.
    pub(crate) fn driven_by(&self, driver: Arc<Waker>) {
        let before = self.state.lock().driver.replace(driver);
        foreign::dispose(before);
    }

    /// Bytes have come. True if a probe waited for them.
    pub(crate) fn received(&self, now: Duration) -> bool {
        self.state.lock().core.handle_received(now)
    }

    pub(crate) fn frame(&self, frame: &Frame<'_>, processes: &mut impl Processes) -> Result<(), Ending> {
        self.act(|state| Ok(state.core.handle_frame(frame, processes))).wake().unwrap_or(Ok(()))
    }

    /// What frames of a version 1 peer have brought beside signals: true if they have shown that it uses this session,
    /// which a probe has asked; and the last of those that were for another node.
    pub(crate) fn brought(&self) -> (bool, Option<Misrouted>) {
        let mut state = self.state.lock();
        (state.core.take_use(), state.core.take_misrouted())
    }

    /// The payload of the frame that is whole with this piece.
    pub(crate) fn fragment(
        &self,
        fragment: &Fragment<'_>,
        processes: &mut impl Processes,
    ) -> Result<Option<Vec<u8>>, Ending> {
        self.act(|state| Ok(state.core.handle_fragment(fragment, processes))).wake().unwrap_or(Ok(None))
    }

    /// Appends what waits to `out`. If nothing does, the driver is woken when something comes. All that was given before
    /// has been taken by now.
    pub(crate) fn refill(&self, now: Duration, out: &mut Vec<u8>, bytes_wanted: usize) -> Refill {
        let mut state = self.state.lock();
        state.core.handle_taken(now);
        state.made_way = false;
        if !state.core.has_output() {
            if state.stop.is_some() {
                return Refill::Stopping;
            }
            state.idle = true;
            return Refill::Nothing;
        }
        state.idle = false;
        state.core.write(out, bytes_wanted);
        let room = state.full && state.core.waiting_bytes() <= SESSION_QUEUE_BYTES_MAX / 2;
        if room {
            state.full = false;
        }
        let has_ping = state.core.awaits_taking();
        drop(state);
        if room {
            self.room.notify_waiters();
        }
        Refill::Bytes { has_ping }
    }

    /// When [`SessionHandle::timeout`] is due, and the order to end, if there is one. The driver is woken if either
    /// changes.
    pub(crate) fn deadlines(&self) -> (Duration, Option<Stop>) {
        let state = self.state.lock();
        (state.core.deadline().0, state.stop)
    }

    pub(crate) fn timeout(&self, now: Duration) -> Result<(), Ending> {
        self.state.lock().core.handle_timeout(now)
    }

    /// Gives back memory that a busy time has left behind.
    pub(crate) fn give_back_space(&self) {
        self.state.lock().core.give_back_space();
    }

    /// What has been passed over so far.
    pub(crate) fn counts(&self) -> Counts {
        *self.state.lock().core.counts()
    }

    /// The connection is gone: everything across it ends. After this nothing is taken any more.
    pub(crate) fn end(&self, processes: &mut impl Processes) {
        let mut state = self.state.lock();
        state.open = false;
        state.core.end(processes);
        drop(state);
        self.room.notify_waiters();
    }

    /// Acts if there is room; otherwise gives what to wait for.
    fn with_room<T>(&self, act: impl FnOnce(&mut State) -> Result<T, Denied>) -> Result<T, Denied> {
        let done = self.act(|state| {
            self.find_room(state)?;
            act(state)
        });
        done.wake()
    }

    /// Whether there is room; otherwise gives what to wait for. There is none ever again in a session that has been
    /// ordered to end: what is queued goes out before it ends, and whoever sends without end must not hold that up.
    fn find_room(&self, state: &mut State) -> Result<(), Denied> {
        //= spec/connection.md#con-cls-007
        //# A node MUST NOT queue a message in a session that it has begun to end.
        if state.stop.is_some() {
            return Err(Denied::NotConnected);
        }
        if state.core.has_room() {
            return Ok(());
        }
        state.full = true;
        // Made under the lock, so that room made from here on is not missed.
        Err(Denied::Full(Box::pin(self.room.clone().notified_owned())))
    }

    /// Acts on the open session. The driver is to be woken if that gave it something to do.
    fn act<T>(&self, act: impl FnOnce(&mut State) -> Result<T, Denied>) -> Done<Result<T, Denied>> {
        let mut state = self.state.lock();
        if !state.open {
            return Done { value: Err(Denied::NotConnected), stirred: Stirred::default() };
        }
        let value = act(&mut state);
        let driver = if state.idle && state.core.has_output() { state.driver.clone() } else { None };
        state.idle &= driver.is_none();
        Done { value, stirred: Stirred { driver, room: None } }
    }
}

fn not_sent(why: NotSent) -> Denied {
    match why {
        NotSent::TooLong(error) => too_long(&error),
        NotSent::Lacking(why) => lacking(why),
        NotSent::LooksLikeSignal => Denied::Refused(Refused::NotInVersion(LOOKS_LIKE_SIGNAL)),
    }
}

fn too_long(error: &EncodeError) -> Denied {
    let (length, length_max) = match error.kind {
        EncodeErrorKind::TooLong { max, actual } => (actual, max),
        // A message has no other limit.
        _ => (u64::MAX, 0),
    };
    let count = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
    Denied::Refused(Refused::TooLong { length: count(length), length_max: count(length_max) })
}

fn not_made(why: NotMade) -> Denied {
    Denied::Refused(match why {
        NotMade::Full { count_max } => Refused::TooMany { count_max },
        NotMade::NodeIdUnknown => Refused::NotInVersion(NODE_ID_UNKNOWN),
    })
}

fn lacking(Lacking { capability }: Lacking) -> Denied {
    Denied::Refused(Refused::NotInSession { capability })
}

impl Interested for SessionHandle {
    fn process_ended(&self, local: u64, reason: &Reason) {
        let done = self.act(|state| {
            if state.core.is_tied(local) {
                self.introduce_all(&mut state.core, reason);
            }
            state.core.process_ended(local, reason);
            Ok(())
        });
        let _ = done.wake();
    }
}
