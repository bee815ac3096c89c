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

use super::denied::{lacking, not_made, not_requested, not_sent};
use crate::core::connection::{
    Access, Connection, ConnectionEvent, Ending, EndpointEvent, Inbound, Transmit,
};
use crate::core::epochs::Facts;
use crate::core::handshake::Channel;
use crate::core::limits::SESSION_QUEUE_BYTES_MAX;
use crate::core::peers::ConnectionId;
use crate::core::session::{Counts, NotCalled, NotMade, NotReplied, NotSent, Version};
use crate::core::{Caller, Globals, NodeNumber, Pid, Processes, Reason, Session, Source, SpawnTie, Term};
use crate::foreign;
use crate::numbers::SharedNumbers;
use crate::peer_info::PeerInfo;
use crate::process::Refused;
use crate::process::remote::{Denied, Interested, Sender, Sent};
use crate::sync::Mutex;

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
        let state = State { core, driver: None, idle: false, full: false, made_way: false };
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

    /// Sends a message, if there is room.
    pub(crate) fn send(&self, from: Sender<'_>, remote: u64, message: &[u8]) -> Done<Result<Sent, Denied>> {
        self.message(from, |core| core.send(from.local(), remote, message).map_err(|why| self.not_sent(why)))
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
            core.send_term(from.local(), remote, term).map_err(|why| self.not_sent(why))
        })
    }

    /// Sends a term to a name, if there is room.
    pub(crate) fn send_named_term(
        &self,
        from: Sender<'_>,
        name: &str,
        term: &mut Term,
    ) -> Done<Result<Sent, Denied>> {
        self.message(from, |core| {
            term.pids().for_each(|pid| self.introduce(core, pid));
            core.send_named_term(from.local(), name, term).map_err(|why| self.not_sent(why))
        })
    }

    /// Calls, if there is room; `attach` as in [`SessionHandle::link`].
    pub(crate) fn call(
        &self,
        local: u64,
        callee: Callee<'_>,
        reference: u64,
        term: &mut Term,
        attach: impl FnOnce() -> bool,
    ) -> Result<Sent, Denied> {
        let called = self.pass(|core| {
            if !attach() {
                return Err(Refused::Ended.into());
            }
            term.pids().for_each(|pid| self.introduce(core, pid));
            let called = match callee {
                Callee::Process(remote) => core.call(local, remote, reference, term),
                Callee::Name(name) => core.call_named(local, name, reference, term),
            };
            called.map_err(|why| match why {
                NotCalled::NotMade(why) => self.not_made(why),
                NotCalled::NotSent(why) => self.not_sent(why),
            })
        });
        called.wake()
    }

    /// Asks for a process, if there is room; `attach` as in [`SessionHandle::link`].
    pub(crate) fn spawn(
        &self,
        local: u64,
        request: u64,
        tie: SpawnTie,
        function: &str,
        arguments: &mut Term,
        attach: impl FnOnce() -> bool,
    ) -> Result<Sent, Denied> {
        let asked = self.pass(|core| {
            if !attach() {
                return Err(Refused::Ended.into());
            }
            arguments.pids().for_each(|pid| self.introduce(core, pid));
            let asked = core.spawn(local, request, tie, function, arguments);
            asked.map_err(|why| not_requested(why, &self.peer().name))
        });
        asked.wake()
    }

    /// Replies to a call, if there is room.
    pub(crate) fn reply(&self, caller: &Caller, term: &mut Term) -> Result<Sent, Denied> {
        let replied = self.act(|state| {
            // What is over waits for no room, and has no reply in which a third node could be named.
            if !state.core.open_session().is_some_and(|core| core.is_called(caller)) {
                return Err(Denied::NotConnected);
            }
            self.pass_in(state, |core| {
                term.pids().for_each(|pid| self.introduce(core, pid));
                core.reply(caller, term).map_err(|why| match why {
                    NotReplied::Over => Denied::NotConnected,
                    NotReplied::NotSent(why) => self.not_sent(why),
                })
            })
        });
        replied.wake()
    }

    /// Nobody is left who could reply to a call.
    pub(crate) fn leave_unanswered(&self, caller: &Caller) {
        self.in_session(|session| session.leave_unanswered(caller));
    }

    fn not_sent(&self, why: NotSent) -> Denied {
        not_sent(why, &self.peer().name)
    }

    fn not_made(&self, why: NotMade) -> Denied {
        not_made(why, &self.peer().name)
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
        self.message(from, |core| {
            core.send_named(from.local(), name, message).map_err(|why| self.not_sent(why))
        })
    }

    fn message(
        &self,
        from: Sender<'_>,
        send: impl FnOnce(&mut Session) -> Result<(), Denied>,
    ) -> Done<Result<Sent, Denied>> {
        self.pass(|session| {
            //= spec/session.md#ses-ord-002
            //# A node MUST write EXIT, MONITOR_EXIT and DEMONITOR of a process that has ended after all messages
            //# of that process to the same process of the peer.
            from.check()?;
            send(session)
        })
    }

    /// Hands the session something that waits for room like a message.
    fn pass(&self, send: impl FnOnce(&mut Session) -> Result<(), Denied>) -> Done<Result<Sent, Denied>> {
        self.act(|state| self.pass_in(state, send))
    }

    fn pass_in(
        &self,
        state: &mut State,
        send: impl FnOnce(&mut Session) -> Result<(), Denied>,
    ) -> Result<Sent, Denied> {
        let made_way = state.made_way;
        let session = self.find_room(state)?;
        send(session)?;
        let crowded = !made_way && session.waiting_bytes() >= CROWDED_BYTES;
        state.made_way |= crowded;
        Ok(if crowded { Sent::MakeWay } else { Sent::GoOn })
    }

    /// Links, if there is room. `attach` sees to it that the session is told of the local process's end, and is false
    /// if that has come already: then nothing is linked. It is asked under the session's lock, so that an end that
    /// comes later finds the link.
    pub(crate) fn link(&self, local: u64, remote: u64, attach: impl FnOnce() -> bool) -> Result<(), Denied> {
        let done = self.act(|state| {
            // A link that is there has its exit signal when the session ends, and no second one now.
            let is_linked = state.core.session().is_some_and(|session| session.is_linked(local, remote));
            if is_linked && state.core.open_session().is_none() {
                return Ok(());
            }
            let session = self.find_room(state)?;
            if attach() { session.link(local, remote).map_err(|why| self.not_made(why)) } else { Ok(()) }
        });
        done.wake()
    }

    /// Sends an exit signal, if there is room.
    pub(crate) fn exit(&self, from: Sender<'_>, remote: u64, reason: &Reason) -> Result<(), Denied> {
        self.with_room(|session| {
            from.check()?;
            self.introduce_all(session, reason);
            session.exit(from.local(), remote, reason).map_err(|why| lacking(why, &self.peer().name))
        })
    }

    pub(crate) fn unlink(&self, local: u64, remote: u64) {
        // In a session that has ended, no link is left.
        self.in_session(|session| session.unlink(local, remote));
    }

    /// Monitors, if there is room; `attach` as in [`SessionHandle::link`].
    pub(crate) fn monitor(
        &self,
        local: u64,
        remote: u64,
        reference: u64,
        attach: impl FnOnce() -> bool,
    ) -> Result<(), Denied> {
        self.with_room(|session| {
            if !attach() {
                return Ok(());
            }
            session.monitor(local, remote, reference).map_err(|why| self.not_made(why))
        })
    }

    /// Monitors whoever has a name, if there is room; `attach` as in [`SessionHandle::link`].
    pub(crate) fn monitor_named(
        &self,
        local: u64,
        name: &str,
        reference: u64,
        attach: impl FnOnce() -> bool,
    ) -> Result<(), Denied> {
        self.with_room(|session| {
            if !attach() {
                return Err(Refused::Ended.into());
            }
            session.monitor_named(local, name, reference).map_err(|why| self.not_made(why))
        })
    }

    /// Begins to tell the peer of the global names of this node, and of these at once. The driver, which is woken because the
    /// session has come up, finds them.
    pub(crate) fn tell_globals(&self, node: &Arc<str>, globals: &Globals) {
        if let Some(session) = self.state.lock().core.session() {
            session.tell_globals(node, globals.own());
        }
    }

    /// Tells the peer what has become of a global name of this node.
    pub(crate) fn tell_global(&self, name: &Arc<str>, local: Option<u64>) -> Stirred {
        let told = self.act(|state| {
            let session = state.core.open_session().ok_or(Denied::NotConnected)?;
            match local {
                Some(local) => session.register_global(name, local),
                None => session.unregister_global(name),
            }
            Ok(())
        });
        told.stirred
    }

    pub(crate) fn demonitor(&self, reference: u64) {
        // In a session that has ended, no monitor is left.
        self.in_session(|session| {
            session.demonitor(reference);
        });
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

    /// Acts if there is room; otherwise gives what to wait for.
    fn with_room<T>(&self, act: impl FnOnce(&mut Session) -> Result<T, Denied>) -> Result<T, Denied> {
        self.act(|state| act(self.find_room(state)?)).wake()
    }

    /// The session, if there is room; otherwise gives what to wait for. There is none ever again in a session that is being
    /// ended: what is queued goes out before it ends, and whoever sends without end must not hold that up.
    fn find_room<'s>(&self, state: &'s mut State) -> Result<&'s mut Session, Denied> {
        let Some(session) = state.core.open_session() else { return Err(Denied::NotConnected) };
        if session.has_room() {
            return Ok(session);
        }
        state.full = true;
        // Made under the lock, so that room made from here on is not missed.
        Err(Denied::Full(Box::pin(self.room.clone().notified_owned())))
    }

    /// Acts on the session, if it has not ended.
    fn in_session(&self, act: impl FnOnce(&mut Session)) {
        let done = self.act(|state| {
            state.core.session().map(act);
            Ok(())
        });
        // Nothing that acts here fails.
        let _ = done.wake();
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
