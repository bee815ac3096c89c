//! A connection as processes, its driver and the registry share it: the core's connection with a lock.
//!
//! A process acts on the core directly, so its actions keep their order and are decided when the call returns. The
//! driver takes queued data whenever the stream takes bytes. Lock order: a session, then a process. Nothing is
//! woken under this lock, or under one that a caller may hold; [`Stirred`] defers that.

use std::num::NonZeroU64;
use std::sync::{Arc, LazyLock, OnceLock};
use std::task::Waker;
use std::time::Duration;

use snow_dist_codec::handshake::Capabilities;

use crate::core::connection::{
    Access, Connection, ConnectionEvent, Ending, EndpointEvent, Inbound, Transmit,
};
use crate::core::epochs::Facts;
use crate::core::handshake::{Certified, Channel};
use crate::core::limits::SESSION_QUEUE_BYTES_MAX;
use crate::core::peers::ConnectionId;
use crate::core::session::{Counts, Version};
use crate::core::{NodeNumber, Processes, Reason, Session, Source};
use crate::foreign;
use crate::numbers::SharedNumbers;
use crate::peer_info::PeerInfo;
use crate::process::remote::{Denied, Interested};
use crate::process::room::Entrance;
use crate::stats::PeerStats;
use crate::sync::Mutex;

mod acts;

/// The number of queued bytes at which a sender yields to the driver and to other senders, and the number of bytes
/// after which the next one does. Otherwise a task that only sends would fill the whole queue before the first byte is
/// written, or before another process has its turn.
const CROWDED_BYTES: usize = 64 << 10;

/// The node at the other end of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) name: Arc<str>,
    pub(crate) number: NodeNumber,
    pub(crate) creation: u8,
    incarnation: Option<NonZeroU64>,
    version: u16,
    capabilities: Capabilities,
    /// The time at which the session was established.
    since: Duration,
}

impl Peer {
    fn new(Facts { name, incarnation, config }: &Facts, since: Duration) -> Self {
        Self {
            name: name.clone(),
            number: config.peer,
            creation: config.peer_creation,
            incarnation: *incarnation,
            version: if config.version == Version::Two { 2 } else { 1 },
            capabilities: config.session_capabilities(),
            since,
        }
    }
}

/// The peer of connections that are not sessions.
static NOBODY: LazyLock<Peer> = LazyLock::new(|| Peer {
    name: "".into(),
    number: NodeNumber::UNKNOWN,
    creation: 0,
    incarnation: None,
    version: 0,
    capabilities: Capabilities::NONE,
    since: Duration::ZERO,
});

/// A connection that is not a session yet, is one, or has ended.
#[derive(Debug)]
pub(crate) struct SessionHandle {
    pub(crate) id: ConnectionId,
    /// The source of the connection, if it was accepted.
    pub(crate) source: Option<Source>,
    /// The peer, known from the moment in which the connection becomes the session.
    peer: OnceLock<Peer>,
    /// The numbers of the nodes that the peer can be told of.
    numbers: SharedNumbers,
    state: Mutex<State>,
    /// Where senders wait for room in the queue.
    entrance: Entrance,
}

#[derive(Debug)]
struct State {
    core: Connection,
    /// The driver, which is asleep, or will see changes before it sleeps. It is shared because a waker is cloned
    /// and dropped with no lock held.
    driver: Option<Arc<Waker>>,
    /// `true` if the driver has nothing to write.
    idle: bool,
    /// `true` if somebody waits for room.
    full: bool,
    /// The number of times that somebody has had to wait for room.
    waits: u64,
    /// The number of queued bytes at which the next sender yields.
    crowded_at: usize,
}

/// The callee of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Callee<'n> {
    Process(u64),
    /// The process that holds this name.
    Name(&'n str),
}

/// The tasks that a change of the session concerns, to be woken when no lock is held.
#[derive(Debug, Default)]
#[must_use = "a driver that is not woken does not see what has changed"]
pub(crate) struct Stirred {
    driver: Option<Arc<Waker>>,
    /// Where senders wait, if the session accepts nothing more.
    closed: Option<Entrance>,
}

impl Stirred {
    /// Returns the driver, to be woken when no lock is held. The change must not have made room for senders.
    pub(crate) fn into_driver(self) -> Option<Arc<Waker>> {
        self.driver
    }

    pub(crate) fn wake(self) {
        if let Some(driver) = self.driver {
            wake(&driver);
        }
        if let Some(entrance) = self.closed {
            entrance.close();
        }
    }
}

fn wake(driver: &Waker) {
    foreign::call(|| driver.wake_by_ref());
}

/// The result of an action, with the driver if it has to do something for it.
#[derive(Debug)]
#[must_use = "a driver that is not woken does not see what has changed"]
pub(crate) struct Done<T> {
    value: T,
    driver: Option<Arc<Waker>>,
}

impl<T> Done<T> {
    /// Wakes the driver and returns the result. Must be called with no lock held.
    #[inline]
    pub(crate) fn wake(self) -> T {
        if let Some(driver) = self.driver {
            wake(&driver);
        }
        self.value
    }
}

/// The answer to the driver's request for data to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refill {
    pub(crate) given: Transmit,
    /// `true` if the connection has an event, or has ended.
    pub(crate) has_news: bool,
    /// If there is no data: the time at which [`SessionHandle::timeout`] is due. `None` if there is an ending.
    pub(crate) rests_until: Option<Duration>,
}

impl SessionHandle {
    pub(crate) fn new(
        id: ConnectionId,
        source: Option<Source>,
        core: Connection,
        numbers: SharedNumbers,
    ) -> Self {
        let state =
            State { core, driver: None, idle: false, full: false, waits: 0, crowded_at: CROWDED_BYTES };
        let (peer, entrance) = (OnceLock::new(), Entrance::default());
        Self { id, source, peer, numbers, state: Mutex::new(state), entrance }
    }

    /// Returns the peer, once the connection is a session.
    pub(crate) fn peer(&self) -> &Peer {
        self.peer.get().unwrap_or_else(|| &NOBODY)
    }

    /// Returns the information about the peer for the program.
    pub(crate) fn peer_info(&self, now: Duration) -> PeerInfo {
        let Peer { name, incarnation, version, capabilities, since, .. } = self.peer();
        let round_trip = self.state.lock().core.session().and_then(|session| session.round_trip());
        PeerInfo {
            name: name.clone(),
            version: *version,
            capabilities: *capabilities,
            incarnation: *incarnation,
            is_dialled: self.source.is_none(),
            up_for: now.saturating_sub(*since),
            round_trip,
        }
    }

    /// Returns the counters and the state of the session.
    pub(crate) fn stats(&self, now: Duration) -> PeerStats {
        let Peer { name, since, .. } = self.peer();
        let mut state = self.state.lock();
        let mut stats = PeerStats {
            up_for: now.saturating_sub(*since),
            traffic: state.core.traffic(),
            passed_over: state.core.counts(),
            waits: state.waits,
            ..PeerStats::new(name.clone())
        };
        if let Some(session) = state.core.session() {
            stats.look_at(session);
        }
        stats
    }

    /// Returns `true` if this is, or was, a session.
    pub(crate) fn is_session(&self) -> bool {
        self.peer.get().is_some()
    }

    /// Applies a decision of the endpoint.
    pub(crate) fn tell(&self, event: ConnectionEvent, now: Duration) -> Stirred {
        if let ConnectionEvent::Up(facts, _) = &event {
            // Given once: a connection comes up once.
            let _ = self.peer.set(Peer::new(facts, now));
        }
        // Who waits to send is told that nothing more is taken.
        let closes = matches!(event, ConnectionEvent::Close(_));
        let mut state = self.state.lock();
        state.core.handle_event(event, now);
        Stirred { driver: state.driver.clone(), closed: closes.then(|| self.entrance.clone()) }
    }

    // What the driver calls.

    /// Sets the driver to wake when there is something to do. Must be called before everything else, and when the
    /// driver changes.
    pub(crate) fn driven_by(&self, driver: Arc<Waker>) {
        let before = self.state.lock().driver.replace(driver);
        foreign::dispose(before);
    }

    /// Reports that TLS is established. `certified` contains the names that the peer's certificate covers, on a
    /// node that requires one.
    pub(crate) fn secured(&self, channel: Channel, certified: Option<Certified>) {
        let core = &mut self.state.lock().core;
        match certified {
            Some(certified) => core.certified(channel, certified),
            None => core.secured(channel),
        }
    }

    /// Returns the connection for its driver to read. Sets `has_news` if the connection then has an event, or has
    /// ended.
    pub(crate) const fn reader<'s>(&'s self, has_news: &'s mut bool) -> Reader<'s> {
        Reader { session: self, has_news }
    }

    /// Returns `true` if bytes should be read.
    pub(crate) fn is_read(&self, inbound: &Inbound) -> bool {
        self.state.lock().core.is_read(inbound)
    }

    pub(crate) fn stream_ended(&self, why: &str) {
        self.state.lock().core.stream_ended(why);
    }

    pub(crate) fn write_failed(&self, why: &str, now: Duration) {
        self.state.lock().core.write_failed(why, now);
    }

    /// Returns the next event for the endpoint, and `true` if the connection has an ending.
    pub(crate) fn poll_event(&self) -> (Option<EndpointEvent>, bool) {
        let mut state = self.state.lock();
        (state.core.poll_event(), state.core.ending().is_some())
    }

    /// Returns the reason of the connection's end.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.state.lock().core.ending().cloned()
    }

    /// Appends queued data to `out`. If there is none, the driver is woken when there is. `taken` says that the
    /// stream has taken all earlier data.
    pub(crate) fn refill(
        &self,
        now: Duration,
        taken: bool,
        out: &mut Vec<u8>,
        bytes_wanted: usize,
    ) -> Refill {
        let mut state = self.state.lock();
        if taken {
            state.core.taken(now);
        }
        state.crowded_at = CROWDED_BYTES;
        let given = state.core.transmit(out, bytes_wanted, now);
        state.idle = given == Transmit::Nothing;
        let has_room = state.full && state.core.session().is_none_or(has_much_room);
        state.full &= !has_room;
        let has_news = state.core.has_news();
        let rests_until = if state.idle { deadline(&state.core) } else { None };
        drop(state);
        if has_room {
            self.entrance.open();
        }
        Refill { given, has_news, rests_until }
    }

    /// Returns the time at which [`SessionHandle::timeout`] is due, or `None` if there is an ending. The driver is
    /// woken if the time changes.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        deadline(&self.state.lock().core)
    }

    /// Handles a deadline. `taken_in_part` says that the stream has taken some bytes since the last call.
    pub(crate) fn timeout(&self, now: Duration, taken_in_part: bool) {
        let mut state = self.state.lock();
        if taken_in_part {
            state.core.taken_in_part(now);
        }
        state.core.handle_timeout(now);
    }

    /// Releases memory that a busy period has left behind.
    pub(crate) fn give_back_space(&self) {
        self.in_session(Session::give_back_space);
    }

    /// Returns the counts of ignored frames so far.
    pub(crate) fn counts(&self) -> Counts {
        self.state.lock().core.counts()
    }

    /// Ends everything that crosses the session. Nothing is accepted afterwards.
    pub(crate) fn end(&self, processes: &mut impl Processes) {
        self.state.lock().core.end(processes);
        self.entrance.close();
    }

    /// Acts on the connection. The result says whether to wake the driver.
    fn act<T>(&self, act: impl FnOnce(&mut State) -> Result<T, Denied>) -> Done<Result<T, Denied>> {
        let mut state = self.state.lock();
        let value = act(&mut state);
        let driver = if state.idle && state.core.has_output() { state.driver.clone() } else { None };
        state.idle &= driver.is_none();
        Done { value, driver }
    }
}

fn deadline(core: &Connection) -> Option<Duration> {
    let never = || core.ending().is_none().then_some(Duration::MAX);
    core.deadline().map(|(at, _)| at).or_else(never)
}

/// Returns `true` if the queue is short enough to wake the senders that wait for room.
fn has_much_room(session: &mut Session) -> bool {
    session.waiting_bytes() <= SESSION_QUEUE_BYTES_MAX / 2
}

/// A connection, as its driver reads it.
pub(crate) struct Reader<'s> {
    session: &'s SessionHandle,
    has_news: &'s mut bool,
}

impl Access for Reader<'_> {
    #[inline]
    fn with<T>(&mut self, act: impl FnOnce(&mut Connection) -> T) -> T {
        let mut state = self.session.state.lock();
        let done = act(&mut state.core);
        *self.has_news |= state.core.has_news();
        done
    }
}

impl Interested for SessionHandle {
    fn process_ended(&self, local: u64, reason: &Reason) {
        self.in_session(|session| {
            if session.is_tied(local) {
                self.introduce_all(session, reason);
            }
            session.process_ended(local, reason);
        });
    }
}
