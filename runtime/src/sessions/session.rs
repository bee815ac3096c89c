//! A connection as processes, its driver and the registry share it: the core's under a lock.
//!
//! A process acts on the core at once, so what it does keeps its order and is decided when the call returns. The
//! driver takes what waits to be written whenever the stream takes bytes. Lock order: a session, then a process.
//! Nobody is woken under the lock, nor under one that a caller may hold: that is what [`Stirred`] is for.

use std::num::NonZeroU64;
use std::sync::{Arc, LazyLock, OnceLock};
use std::task::Waker;
use std::time::Duration;

use snow_dist_codec::handshake::Capabilities;
use tokio::sync::Notify;

use crate::core::connection::{
    Access, Connection, ConnectionEvent, Ending, EndpointEvent, Inbound, Transmit,
};
use crate::core::epochs::Facts;
use crate::core::handshake::Channel;
use crate::core::limits::SESSION_QUEUE_BYTES_MAX;
use crate::core::peers::ConnectionId;
use crate::core::session::{Counts, Version};
use crate::core::{NodeNumber, Processes, Reason, Session, Source};
use crate::foreign;
use crate::numbers::SharedNumbers;
use crate::peer_info::PeerInfo;
use crate::process::remote::{Denied, Interested};
use crate::stats::PeerStats;
use crate::sync::Mutex;

mod acts;

/// Bytes that wait when a sender makes way for the driver, once for each time the driver has written: a task that
/// only sends would otherwise fill the whole queue before the first byte goes out.
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
    /// Since when it is up.
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

/// Of connections that are no sessions.
static NOBODY: LazyLock<Peer> = LazyLock::new(|| Peer {
    name: "".into(),
    number: NodeNumber::UNKNOWN,
    creation: 0,
    incarnation: None,
    version: 0,
    capabilities: Capabilities::NONE,
    since: Duration::ZERO,
});

/// A connection that is no session yet, one that is up, or has ended.
#[derive(Debug)]
pub(crate) struct SessionHandle {
    pub(crate) id: ConnectionId,
    /// Where it came from, if it was accepted.
    pub(crate) source: Option<Source>,
    /// Known from the moment on in which it is the session.
    peer: OnceLock<Peer>,
    /// Which nodes can be told of to the peer.
    numbers: SharedNumbers,
    state: Mutex<State>,
    /// Senders that wait for room.
    room: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    core: Connection,
    /// The driver, which sleeps or will see what is new before it does. Shared, since a waker is cloned and dropped
    /// with no lock held.
    driver: Option<Arc<Waker>>,
    /// The driver has nothing to write.
    idle: bool,
    /// Somebody waits for room.
    full: bool,
    /// How often somebody has had to wait for room.
    waits: u64,
    /// Somebody has made way since the driver wrote last.
    made_way: bool,
}

/// Who is called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Callee<'n> {
    Process(u64),
    /// Whoever has this name.
    Name(&'n str),
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
    /// The driver, to be woken when no lock is held; nobody waits for room because of what was done.
    pub(crate) fn into_driver(self) -> Option<Arc<Waker>> {
        self.driver
    }

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
pub(crate) struct Refill {
    pub(crate) given: Transmit,
    /// The connection has something to say, or has ended.
    pub(crate) has_news: bool,
    /// If nothing was given: when [`SessionHandle::timeout`] is due. Nothing if there is an ending.
    pub(crate) rests_until: Option<Duration>,
}

impl SessionHandle {
    pub(crate) fn new(
        id: ConnectionId,
        source: Option<Source>,
        core: Connection,
        numbers: SharedNumbers,
    ) -> Self {
        let state = State { core, driver: None, idle: false, full: false, waits: 0, made_way: false };
        let (peer, room) = (OnceLock::new(), Arc::new(Notify::new()));
        Self { id, source, peer, numbers, state: Mutex::new(state), room }
    }

    /// The node at the other end, once it is a session.
    pub(crate) fn peer(&self) -> &Peer {
        self.peer.get().unwrap_or_else(|| &NOBODY)
    }

    /// What the program is told of the node at the other end.
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

    /// What has gone through it, and how it stands.
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

    /// Whether it is, or was, a session.
    pub(crate) fn is_session(&self) -> bool {
        self.peer.get().is_some()
    }

    /// The endpoint has decided something.
    pub(crate) fn tell(&self, event: ConnectionEvent, now: Duration) -> Stirred {
        if let ConnectionEvent::Up(facts) = &event {
            // Given once: a connection comes up once.
            let _ = self.peer.set(Peer::new(facts, now));
        }
        // Who waits to send is told that nothing more is taken.
        let closes = matches!(event, ConnectionEvent::Close(_));
        let mut state = self.state.lock();
        state.core.handle_event(event, now);
        Stirred { driver: state.driver.clone(), room: closes.then(|| self.room.clone()) }
    }

    // What the driver calls.

    /// Says whom to wake when there is something to do. To be called before everything else, and when that changes.
    pub(crate) fn driven_by(&self, driver: Arc<Waker>) {
        let before = self.state.lock().driver.replace(driver);
        foreign::dispose(before);
    }

    /// TLS is there.
    pub(crate) fn secured(&self, channel: Channel) {
        self.state.lock().core.secured(channel);
    }

    /// The connection, for its driver to read; `has_news` becomes true if it has something to say then, or has ended.
    pub(crate) const fn reader<'s>(&'s self, has_news: &'s mut bool) -> Reader<'s> {
        Reader { session: self, has_news }
    }

    /// Whether bytes are to be read.
    pub(crate) fn is_read(&self, inbound: &Inbound) -> bool {
        self.state.lock().core.is_read(inbound)
    }

    pub(crate) fn stream_ended(&self, why: &str) {
        self.state.lock().core.stream_ended(why);
    }

    pub(crate) fn write_failed(&self, why: &str, now: Duration) {
        self.state.lock().core.write_failed(why, now);
    }

    /// What the endpoint has to know; and whether the connection has an ending.
    pub(crate) fn poll_event(&self) -> (Option<EndpointEvent>, bool) {
        let mut state = self.state.lock();
        (state.core.poll_event(), state.core.ending().is_some())
    }

    /// Why it has ended.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.state.lock().core.ending().cloned()
    }

    /// Appends what waits to `out`. If nothing does, the driver is woken when something comes. `taken`: the stream has taken
    /// all that was given before.
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
        state.made_way = false;
        let given = state.core.transmit(out, bytes_wanted, now);
        state.idle = given == Transmit::Nothing;
        let has_room = state.full && state.core.session().is_none_or(has_much_room);
        state.full &= !has_room;
        let has_news = state.core.has_news();
        let rests_until = if state.idle { deadline(&state.core) } else { None };
        drop(state);
        if has_room {
            self.room.notify_waiters();
        }
        Refill { given, has_news, rests_until }
    }

    /// When [`SessionHandle::timeout`] is due; nothing if there is an ending. The driver is woken if that changes.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        deadline(&self.state.lock().core)
    }

    /// The time has come. `taken_in_part`: the stream has taken something since it was asked last.
    pub(crate) fn timeout(&self, now: Duration, taken_in_part: bool) {
        let mut state = self.state.lock();
        if taken_in_part {
            state.core.taken_in_part(now);
        }
        state.core.handle_timeout(now);
    }

    /// Gives back memory that a busy time has left behind.
    pub(crate) fn give_back_space(&self) {
        self.in_session(Session::give_back_space);
    }

    /// What has been passed over so far.
    pub(crate) fn counts(&self) -> Counts {
        self.state.lock().core.counts()
    }

    /// Everything across the session ends. After this nothing is taken any more.
    pub(crate) fn end(&self, processes: &mut impl Processes) {
        self.state.lock().core.end(processes);
        self.room.notify_waiters();
    }

    /// Acts on the connection. The driver is to be woken if that gave it something to do.
    fn act<T>(&self, act: impl FnOnce(&mut State) -> Result<T, Denied>) -> Done<Result<T, Denied>> {
        let mut state = self.state.lock();
        let value = act(&mut state);
        let driver = if state.idle && state.core.has_output() { state.driver.clone() } else { None };
        state.idle &= driver.is_none();
        Done { value, stirred: Stirred { driver, room: None } }
    }
}

fn deadline(core: &Connection) -> Option<Duration> {
    let never = || core.ending().is_none().then_some(Duration::MAX);
    core.deadline().map(|(at, _)| at).or_else(never)
}

/// Whether so little waits that those who wait for room are woken.
fn has_much_room(session: &mut Session) -> bool {
    session.waiting_bytes() <= SESSION_QUEUE_BYTES_MAX / 2
}

/// The connection, as its driver reads it.
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
