//! A connection, from the first byte after TLS to the last: the handshake in either role, the session, and the
//! closing. Specification: `connection.md`.
//!
//! An embedder of [`Connection`] has a stream, a clock, and an [`Endpoint`](super::Endpoint), which makes connections
//! and decides which of them are sessions. For each connection it makes these calls:
//!
//! | when | call |
//! |---|---|
//! | TLS is established | once: [`Connection::secured`], or [`Connection::certified`] if this node requires certificates |
//! | bytes may have arrived | [`Connection::is_read`] says whether to read them now; then [`Inbound::receive`] |
//! | the connection has become the session | deliver NODEUP, then call [`Inbound::receive`] without bytes, since bytes of the session may have arrived before; make no other call for the connection in between |
//! | the stream has ended, or cannot be read | [`Connection::stream_ended`] |
//! | the stream cannot be written any more | [`Connection::write_failed`] |
//! | the endpoint has an [`Output::Tell`](super::endpoint::Output::Tell) for the connection | [`Connection::handle_event`] |
//! | the stream accepts bytes, and after each of the other calls | [`Connection::transmit`]; write its output; call [`Connection::taken`] when the stream has accepted all of it |
//! | [`Connection::deadline`] has come | read what has arrived, then [`Connection::handle_timeout`] |
//! | after each of these | pass each event of [`Connection::poll_event`] to [`Endpoint::handle_event`](super::Endpoint::handle_event), and look at [`Connection::ending`] |
//!
//! # States
//! ```text
//!            TCP, TLS
//!               |  secured
//!               v
//!     NAME, CHALLENGE, REPLY ------------------------------.
//!               |  Verified / Acked, told to the endpoint   |
//!               v                                           |  a check fails, a deadline passes,
//!      waits for its verdict -------------------------------|  the stream ends, or the endpoint
//!               |  Up                                       |  wants it no more
//!               v                                           |
//!       session -- Close --> closing gracefully             |
//!               |              |                            |
//!               v              v                            v
//!              [             an ending: three steps, then it is over             ]
//! ```
//!
//! # The end
//! However a connection ends, [`Connection::ending`] says why, and the same three steps follow:
//! 1. Write what [`Connection::transmit`] still gives, as far as the stream accepts it without waiting, and drop the
//!    stream. [`Ending::tells_all`] says what to do with earlier output that is not written yet.
//! 2. Call [`Endpoint::over`](super::Endpoint::over). If the result is `true`, the connection was a session:
//!    remove the session from where processes find it, deliver its end to its processes by [`Connection::end`], and
//!    then call [`Endpoint::told`](super::Endpoint::told).
//! 3. Log the ending.
//!
//! The table of [`Ending`] says what the peer learns of each.
//!
//! # Deadlines
//! [`Connection::deadline`] returns the next deadline and the reason for it: see [`Waits`]. All deadlines that end a
//! connection are measured with [`Patience`]: time in which this node stalls does not count against its peers.
//!
//! # Locks
//! A host with several threads keeps a connection under a lock, and its [`Inbound`] outside the lock, with the thread
//! that reads. [`Inbound::receive`] takes the lock through [`Access`] for each frame that is not a message, and in
//! version 1 for every frame. When the call for an operation of a process returns, the operation is decided: what it
//! sends is queued, or it was refused.
//!
//! Messages go to their processes without the lock, so only the thread that reads knows when the last of them is
//! delivered. So a host must not call [`Connection::end`] while an [`Inbound::receive`] of that connection is running.
//! The host must call [`Connection::end`] in the thread that reads, or after that thread has ended. Otherwise processes
//! can receive messages of the session after the exit signals of their links, or after NODEDOWN. Once there is an
//! ending, an [`Inbound::receive`] that begins delivers nothing.

mod ending;
mod event;
mod inbound;
mod opening;
mod records;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::Frame;
use snow_dist_codec::frame::Fragment;

pub use ending::{Ending, Waits};
pub use event::{Close, ConnectionEvent, EndpointEvent, GiveWay, Shown};
use inbound::Reads;
pub use inbound::{Access, Inbound, Read};
use opening::Opening;
pub(super) use opening::Role;
use records::Pieces;

use super::handshake::{Certified, Channel, Local};
use super::limits::DRAIN_DEADLINE;
use super::session::{self, Config, Counts, Leave, Timing, Traffic};
use super::{Patience, Processes, Session};

/// The random bytes for one connection, from a cryptographic source. No two connections may use the same bytes.
//= spec/handshake.md#hs-sen-002
//= type=implication
//= reason=the source is the operating system, or bytes of it that others are drawn from: a test could only see that bytes differ
//# A node MUST take the other bytes of a challenge from a cryptographic random source, anew for each
//# challenge.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Randomness {
    pub(super) challenge: [u8; 24],
    pub(super) ping: [u8; 8],
    pub(super) seed: [u8; 32],
}

impl Randomness {
    /// The number of random bytes that one connection needs.
    pub const BYTES: usize = 64;

    /// Splits `bytes` into the parts that a connection needs.
    #[must_use]
    pub fn new(bytes: &[u8; Self::BYTES]) -> Self {
        let (mut challenge, mut ping, mut seed) = ([0; 24], [0; 8], [0; 32]);
        let parts = challenge.iter_mut().chain(&mut ping).chain(&mut seed);
        parts.zip(bytes).for_each(|(part, byte)| *part = *byte);
        Self { challenge, ping, seed }
    }
}

impl std::fmt::Debug for Randomness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Randomness")
    }
}

/// The result of [`Connection::transmit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Bytes have been appended. The host must write them after all earlier output.
    Bytes {
        /// Set if the bytes must have left every buffer, TLS's own included, before the host calls
        /// [`Connection::transmit`] again.
        flush: bool,
        /// Set if the bytes are a message of the handshake rather than frames of a session.
        is_handshake: bool,
    },
    /// There is nothing to write until something changes.
    Nothing,
    /// There is nothing to write, and there will be nothing more. The host must send TLS's close_notify, and go on
    /// reading until there is an ending.
    //= spec/connection.md#con-cls-009
    //# A node SHOULD send close_notify after its last frame.
    Close,
}

/// One connection with another node.
///
/// See the [module](self) for how to drive it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    stage: Stage,
    reads: Reads,
    /// In a session of version 1: the bytes that wait to be handed to TLS in one piece.
    pieces: Pieces,
    /// The wait of an output that the stream has not taken in full.
    untaken: Option<Patience>,
    /// The reason why nothing more can be written.
    broken: Option<Arc<str>>,
    /// Set when close_notify was given.
    said_all: bool,
    /// Set while the session is being ended gracefully, with the time that this may take.
    closing: Option<Patience>,
    ending: Option<Ending>,
    /// Set when the end of the session has been delivered.
    has_ended: bool,
    events: VecDeque<EndpointEvent>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::large_enum_variant, reason = "nearly all connections are sessions")]
enum Stage {
    Opening(Box<Opening>),
    Session(Session),
}

impl Connection {
    /// Creates a connection that begins now. Only the endpoint creates them.
    pub(super) fn new(
        local: Arc<Local>,
        timing: Timing,
        role: Role,
        random: Randomness,
        now: Duration,
    ) -> Self {
        let opening = Opening::new(local, timing, role, random, now);
        Self::at(Stage::Opening(Box::new(opening)))
    }

    /// Creates a connection that is a session without a handshake. This is for tests, and for hosts that have
    /// authenticated each other in another way.
    #[must_use]
    pub fn of_session(config: &Config, now: Duration) -> Self {
        let mut connection = Self::at(Stage::Session(Session::new(config, now)));
        connection.reads = Reads::of(config);
        connection.pieces = Pieces::of(connection.reads.version_1, Vec::new());
        connection
    }

    const fn at(stage: Stage) -> Self {
        Self {
            stage,
            reads: Reads { bytes_max: 0, creation: 0, version_1: false },
            pieces: Pieces::of(false, Vec::new()),
            untaken: None,
            broken: None,
            said_all: false,
            closing: None,
            ending: None,
            has_ended: false,
            events: VecDeque::new(),
        }
    }

    // Input of the stream.

    /// Records that TLS is established, with the channel to which the proofs of the handshake are bound. From now on,
    /// an initiator has NAME to write. A node that requires certificates must call [`Connection::certified`] instead.
    pub fn secured(&mut self, channel: Channel) {
        self.in_opening(|opening| opening.secured(channel, None));
    }

    /// Records that TLS is established on a node that requires certificates of its peers. TLS must have verified the
    /// certificate of the peer, and `certified` must hold the names for which it is valid. A peer with another name is
    /// refused.
    pub fn certified(&mut self, channel: Channel, certified: Certified) {
        self.in_opening(|opening| opening.secured(channel, Some(certified)));
    }

    /// Handles a whole message of the handshake.
    fn handle_message(&mut self, payload: &[u8]) {
        self.in_opening(|opening| opening.handle_message(payload));
    }

    /// Records that bytes of the session have arrived.
    fn heard(&mut self, now: Duration) {
        if let Stage::Session(session) = &mut self.stage
            && session.handle_received(now)
        {
            self.events.push_back(EndpointEvent::Alive(super::peers::Sign::Life));
        }
    }

    /// Handles a frame of the session other than a message. Returns `false` if there is no session any more.
    fn handle_frame(&mut self, frame: &Frame<'_>, processes: &mut impl Processes) -> bool {
        let goes_on = self.in_session(|session| session.handle_frame(frame, processes)).is_some();
        if let Frame::PeerList(_) = frame {
            self.look_at_lists();
        }
        self.look_at_forbidden();
        goes_on
    }

    /// Handles a fragment. Returns the payload of the frame that this fragment completes, if there is one. The outer
    /// `None` says that there is no session any more, as in [`Connection::handle_frame`].
    fn handle_fragment(
        &mut self,
        fragment: &Fragment<'_>,
        processes: &mut impl Processes,
    ) -> Option<Option<Vec<u8>>> {
        self.in_session(|session| session.handle_fragment(fragment, processes))
    }

    /// Handles the end of a message that was dropped while it arrived: see [`Session::handle_dropped`].
    fn handle_dropped(&mut self, begun: &[u8], processes: &mut impl Processes) {
        self.in_session(|session| session.handle_dropped(begun, processes));
    }

    /// Records that the stream has ended or failed, for the reason `why`. Before this call, handle everything that has
    /// arrived: nothing is handled afterwards.
    pub fn stream_ended(&mut self, why: &str) {
        //= spec/connection.md#con-cls-016
        //# A node MUST end the session when its stream ends or fails, as it does on a CLOSE.
        let ending = match (&self.stage, &self.broken) {
            (Stage::Opening(opening), _) => opening.lost(why),
            (Stage::Session(_), Some(broken)) => {
                session::Ending::Lost(format!("writing failed: {broken}")).into()
            }
            (Stage::Session(_), None) if self.said_all => session::Ending::Stopped.into(),
            (Stage::Session(_), None) => session::Ending::Lost(why.to_owned()).into(),
        };
        self.fail(ending);
    }

    /// Records that the stream cannot be written any more, for the reason `why`.
    ///
    /// In a session, the host must go on reading, since frames can still arrive. The session ends when the stream ends,
    /// when reading fails, or when [`DRAIN_DEADLINE`] has passed. That time counts from this call, or from an earlier
    /// output that the stream has not accepted. A connection that is not a session ends at once.
    //= spec/connection.md#con-rdw-004
    //# A node that cannot write in a session any more SHOULD handle the frames that still arrive until the
    //# stream ends, reading fails too, or `drain_deadline` has passed.
    pub fn write_failed(&mut self, why: &str, now: Duration) {
        if self.is_session() {
            self.untaken.get_or_insert_with(|| Patience::new(DRAIN_DEADLINE, now));
            self.broken = Some(why.into());
        } else {
            self.stream_ended(why);
        }
    }

    // Output for the stream.

    /// Appends the next output to `out`, and returns what the host must do with it. In a session, `out` then holds
    /// about `bytes_wanted` bytes, or more in the cases that [`Session::write`] describes.
    ///
    /// To keep the delay of signals short, the host must keep less than
    /// [`SIGNAL_DELAY_BYTES_MAX`](super::limits::SIGNAL_DELAY_BYTES_MAX) bytes between this call and the wire.
    pub fn transmit(&mut self, out: &mut Vec<u8>, bytes_wanted: usize, now: Duration) -> Transmit {
        if self.broken.is_some() || self.said_all {
            return Transmit::Nothing;
        }
        if self.ending.as_ref().is_some_and(|ending| !ending.tells_all()) {
            return self.say_nothing_more();
        }
        let start = out.len();
        let given = match &mut self.stage {
            Stage::Opening(opening) => opening.transmit(out),
            Stage::Session(session) => self.pieces.transmit(session, out, bytes_wanted),
        };
        if given != Transmit::Nothing {
            if out.len() > start {
                // There was nothing to take until now.
                self.untaken.get_or_insert_with(|| Patience::new(DRAIN_DEADLINE, now));
            }
            return given;
        }
        self.say_nothing_more()
    }

    /// Ends the output, with close_notify if the peer is to know that nothing follows.
    fn say_nothing_more(&mut self) -> Transmit {
        self.said_all = match &self.ending {
            Some(ending) => ending.notifies(),
            None => self.closing.is_some(),
        };
        if self.said_all { Transmit::Close } else { Transmit::Nothing }
    }

    /// Records that the stream has accepted all output of [`Connection::transmit`], and that these bytes have left
    /// every buffer, TLS's own included. A close_notify does not count.
    pub fn taken(&mut self, now: Duration) {
        if self.broken.is_none() {
            self.untaken = None;
        }
        if let Stage::Session(session) = &mut self.stage {
            session.handle_taken(now);
        }
    }

    /// Records that the stream has accepted some bytes of the output of [`Connection::transmit`].
    ///
    /// This call is needed only if writing an output takes long: without it, a session ends if the stream has not
    /// accepted the whole output within [`DRAIN_DEADLINE`].
    pub fn taken_in_part(&mut self, now: Duration) {
        if self.broken.is_none()
            && let Some(untaken) = &mut self.untaken
        {
            *untaken = Patience::new(DRAIN_DEADLINE, now);
        }
    }

    /// Returns `true` if bytes wait to be written. They can become void before [`Connection::transmit`] is called. A
    /// close_notify does not count.
    #[must_use]
    pub fn has_output(&self) -> bool {
        self.broken.is_none()
            && match &self.stage {
                Stage::Opening(opening) => opening.has_output(),
                Stage::Session(session) => session.has_output() || self.pieces.has_output(),
            }
    }

    /// Returns `true` if the host must read the stream now. Returns `false` while bytes in `inbound` must wait until
    /// the endpoint has decided on CHALLENGE, REPLY or ACK, which came before them.
    #[must_use]
    pub fn is_read(&self, inbound: &Inbound) -> bool {
        inbound.is_empty() || !matches!(&self.stage, Stage::Opening(opening) if opening.waits_for_verdict())
    }

    // Time.

    /// Returns the time at which [`Connection::handle_timeout`] must be called, and the reason. Returns `None` if there
    /// is no deadline: while the connection waits for the endpoint's verdict on REPLY or ACK, and once there is an
    /// ending.
    #[must_use]
    pub fn deadline(&self) -> Option<(Duration, Waits)> {
        if self.ending.is_some() {
            return None;
        }
        match &self.stage {
            Stage::Opening(opening) => opening.deadline(),
            Stage::Session(session) => {
                let closing = self.closing.map(|patience| (patience.look_at(), Waits::Closing));
                let untaken = self.untaken.map(|patience| (patience.look_at(), Waits::Drain));
                let heartbeat = Some(session.deadline());
                [heartbeat, untaken, closing].into_iter().flatten().min_by_key(|(at, _)| *at)
            }
        }
    }

    /// Acts on every deadline that has passed at `now`. If a PING is due ([`Waits::Ping`]), the PING is queued. Any
    /// other deadline ends the connection. Before this call, handle everything that has arrived by `now`. An early call
    /// does no harm.
    //= spec/connection.md#con-hbt-008
    //# A node MUST read all bytes that have arrived before it ends a session because none came.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.ending.is_some() {
            return;
        }
        let judged = match &mut self.stage {
            Stage::Opening(opening) => opening.handle_timeout(now),
            Stage::Session(_) => self.judge(now).map_err(Ending::from),
        };
        if let Err(ending) = judged {
            self.fail(ending);
        }
    }

    fn judge(&mut self, now: Duration) -> Result<(), session::Ending> {
        //= spec/connection.md#con-cls-005
        //# A node that ends a session in order MUST write what is queued before CLOSE, as far as
        //# `shutdown_patience` allows.
        //= spec/connection.md#con-cls-008
        //# A node that has written CLOSE with code 0 MUST go on reading until `shutdown_patience` has passed
        //# since it began to end the session, unless the session ends before.
        if self.closing.as_mut().is_some_and(|patience| patience.is_over(now)) {
            return Err(session::Ending::Stopped);
        }
        //= spec/connection.md#con-que-010
        //# A node MUST end a session in which something waits and the transport has taken no byte for
        //# `drain_deadline`.
        if self.untaken.as_mut().is_some_and(|patience| patience.is_over(now)) {
            return Err(match &self.broken {
                Some(why) => session::Ending::Lost(format!("writing failed: {why}")),
                None => session::Ending::Stuck,
            });
        }
        match &mut self.stage {
            Stage::Session(session) => session.handle_timeout(now),
            Stage::Opening(_) => Ok(()),
        }
    }

    // Events between the connection and the endpoint.

    /// Carries out a decision of the endpoint: see [`Output::Tell`](super::endpoint::Output::Tell). A decision that
    /// comes too late for the state of the connection has no effect.
    pub fn handle_event(&mut self, event: ConnectionEvent, now: Duration) {
        if self.ending.is_some() {
            return;
        }
        match (event, &mut self.stage) {
            (ConnectionEvent::Reply, Stage::Opening(opening)) => opening.reply(now),
            (ConnectionEvent::Up(facts, rights), Stage::Opening(opening)) if opening.can_come_up() => {
                let (config, ack) = (&facts.config, opening.accept());
                self.reads = Reads::of(config);
                self.pieces = Pieces::of(self.reads.version_1, ack);
                let mut session = Session::new(config, now);
                session.set_rights(rights);
                self.stage = Stage::Session(session);
                self.events = VecDeque::new();
            }
            (ConnectionEvent::Refuse(refusal), Stage::Opening(opening)) => {
                let ending = opening.refuse(refusal);
                self.fail(ending);
            }
            (ConnectionEvent::GiveWay(why), Stage::Opening(_)) => self.fail(Ending::GaveWay(why)),
            (ConnectionEvent::TellPeers(names), Stage::Session(session)) => session.tell_peers(&names),
            (ConnectionEvent::Probe(sign), Stage::Session(session)) => session.probe(now, sign),
            // A session that is closed in order gives way to another connection as any other.
            (ConnectionEvent::Close(close), Stage::Session(session))
                if self.closing.is_none() || close.patience.is_zero() =>
            {
                session.close(close.code, close.text);
                self.close(&close, now);
            }
            // It has moved on.
            _ => {}
        }
    }

    fn close(&mut self, close: &Close, now: Duration) {
        if close.patience.is_zero() {
            self.ending = Some(session::Ending::Stopped.told());
        } else {
            self.closing = Some(Patience::new(close.patience, now));
        }
    }

    /// Returns the next event for the endpoint, or `None` if there is none.
    pub fn poll_event(&mut self) -> Option<EndpointEvent> {
        self.events.pop_front()
    }

    // The session.

    /// Returns the session. Returns `None` if the connection is not a session, or after [`Connection::end`]. Calls on
    /// the session take effect at once, and the next [`Connection::transmit`] gives the output that they cause.
    ///
    /// Use this method to end what processes have begun, and [`Connection::open_session`] for anything new.
    #[inline]
    pub const fn session(&mut self) -> Option<&mut Session> {
        match &mut self.stage {
            Stage::Session(session) if !self.has_ended => Some(session),
            _ => None,
        }
    }

    /// Returns the session for new messages, links, monitors and exit signals. Returns `None` if there is no session,
    /// or if the session is being ended.
    #[inline]
    pub const fn open_session(&mut self) -> Option<&mut Session> {
        //= spec/connection.md#con-cls-007
        //# A node MUST NOT queue a message in a session that it has begun to end.
        if self.closing.is_some() || self.ending.is_some() { None } else { self.session() }
    }

    /// Returns the traffic of the session so far, also after the session has ended. It is all 0 if the connection is
    /// not a session.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        match &self.stage {
            Stage::Session(session) => session.traffic(),
            Stage::Opening(_) => Traffic::default(),
        }
    }

    /// Counts frames of the session that have arrived.
    const fn count_in(&mut self, frames: usize, bytes: usize) {
        if let Stage::Session(session) = &mut self.stage {
            session.count_in(frames, bytes);
        }
    }

    /// Returns the counts of what was passed over or refused in the session so far. They are all 0 if the connection
    /// is not a session.
    #[must_use]
    pub fn counts(&self) -> Counts {
        match &self.stage {
            Stage::Session(session) => *session.counts(),
            Stage::Opening(_) => Counts::default(),
        }
    }

    /// Returns `true` if the connection is a session, or was one when it ended.
    #[must_use]
    pub const fn is_session(&self) -> bool {
        matches!(self.stage, Stage::Session(_))
    }

    /// Returns `true` if [`Connection::poll_event`] has an event, or if [`Connection::ending`] has an ending.
    #[must_use]
    #[inline]
    pub fn has_news(&self) -> bool {
        !self.events.is_empty() || self.ending.is_some()
    }

    /// Returns the reason why the connection has ended, or `None` if it has not ended.
    #[must_use]
    pub const fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// Ends the connection for a reason that the host finds itself, for example because processes do not receive the
    /// peer's signals. If there is an ending already, this does nothing.
    pub fn fail(&mut self, ending: Ending) {
        if self.ending.is_some() {
            return;
        }
        if let (Ending::Session { why, .. }, Stage::Session(session)) = (&ending, &mut self.stage)
            && let Leave::Close { code, text } = why.leave()
        {
            session.close(code, text);
        }
        self.ending = Some(ending);
    }

    /// Ends every link, monitor and call across the session, and delivers the exit signals and DOWNs to their
    /// processes.
    ///
    /// The host must call this once, after [`Endpoint::over`](super::Endpoint::over), and not while an
    /// [`Inbound::receive`] of the connection is running: see the [module](self), "Locks". If the connection was not
    /// a session, nothing is delivered.
    pub fn end(&mut self, processes: &mut impl Processes) {
        self.fail(session::Ending::Stopped.into());
        if let Some(session) = self.session() {
            session.end(processes);
        }
        self.has_ended = true;
    }

    fn in_opening(&mut self, act: impl FnOnce(&mut Opening) -> Result<Option<EndpointEvent>, Ending>) {
        let (Stage::Opening(opening), None) = (&mut self.stage, &self.ending) else { return };
        match act(opening) {
            Ok(event) => self.events.extend(event),
            Err(ending) => self.fail(ending),
        }
    }

    /// Acts on the session. Returns `None` if the session has ended, or if the act has ended it.
    fn in_session<T>(&mut self, act: impl FnOnce(&mut Session) -> Result<T, session::Ending>) -> Option<T> {
        let (Stage::Session(session), None) = (&mut self.stage, &self.ending) else { return None };
        match act(session) {
            Ok(done) => Some(done),
            Err(ending) => {
                self.fail(ending.into());
                None
            }
        }
    }

    /// Reports names that the peer has listed.
    fn look_at_lists(&mut self) {
        let Stage::Session(session) = &mut self.stage else { return };
        let names = session.take_listed();
        if !names.is_empty() {
            self.events.push_back(EndpointEvent::Listed(names));
        }
    }

    /// Reports what the peer has asked for and was refused.
    fn look_at_forbidden(&mut self) {
        let Stage::Session(session) = &mut self.stage else { return };
        let told = session.take_forbidden().into_iter();
        self.events.extend(told.map(|(what, count)| EndpointEvent::Forbidden { what, count }));
    }

    /// Reports what frames of a version 1 peer have brought besides signals.
    fn look_at_version_1(&mut self) {
        let Stage::Session(session) = &mut self.stage else { return };
        if session.take_use() {
            self.events.push_back(EndpointEvent::Alive(super::peers::Sign::Use));
        }
        if let Some(misrouted) = session.take_misrouted() {
            let count = session.counts().misrouted;
            self.events.push_back(EndpointEvent::Misrouted { misrouted, count });
        }
    }
}
