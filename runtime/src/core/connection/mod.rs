//! A connection, from the first byte after TLS to the last: the handshake in either role, the session, and the course of its
//! end. Specification: `connection.md`.
//!
//! Whoever embeds it has a stream, a clock, and an [`Endpoint`](super::Endpoint), which makes connections and decides which
//! of them are sessions. For each connection it calls, in this order:
//!
//! | when | call |
//! |---|---|
//! | TLS is there | [`Connection::secured`], once |
//! | bytes may have come | [`Connection::is_read`] says whether to read them now; then [`Inbound::receive`] |
//! | the connection has become the session | [`Inbound::receive`] without bytes, once NODEUP is out, and nothing of the connection between the two: some may have come before |
//! | the stream has ended, or cannot be read | [`Connection::stream_ended`] |
//! | the stream takes bytes, and after each of the other calls | [`Connection::transmit`]; write what it gives; [`Connection::taken`] when the stream has taken all of it |
//! | [`Connection::deadline`] has come | read what has arrived, then [`Connection::handle_timeout`] |
//! | after each of these | hand what [`Connection::poll_event`] gives to [`Endpoint::handle_event`](super::Endpoint::handle_event), and look whether there is an [`Connection::ending`] |
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
//!       session -- Close --> closing in order               |
//!               |              |                            |
//!               v              v                            v
//!              [             an ending: three steps, then it is over             ]
//! ```
//!
//! # The end
//! However a connection ends, [`Connection::ending`] says why, and the same three steps follow:
//! 1. write what [`Connection::transmit`] still gives, as far as the stream takes it without waiting, and drop the stream;
//! 2. [`Endpoint::over`](super::Endpoint::over); if that says that it was a session, take it out of whatever leads processes to
//!    it, bring its end to its processes by [`Connection::end`], and then say [`Endpoint::told`](super::Endpoint::told);
//! 3. log the ending.
//!
//! What a peer is told of each is in the table of [`Ending`].
//!
//! # Deadlines
//! [`Connection::deadline`] gives the next one and what is waited for: see [`Waits`]. All of them stand under
//! [`Patience`]: time in which this node did not run counts against nobody.
//!
//! # Locks
//! A host with several threads keeps a connection under a lock, and the [`Inbound`] of it with the thread that reads, outside:
//! [`Inbound::receive`] takes the lock through [`Access`], for each frame that is more than a message. What a process does is
//! decided when its call returns.
//!
//! Messages go to their processes without the lock, so nobody but the thread that reads can say when the last of them has gone.
//! A host calls [`Connection::end`] when no [`Inbound::receive`] of that connection is under way: in the thread that reads, or
//! after it has ended. Otherwise the rest of what it has read reaches processes behind the exit signals of their links, or behind
//! NODEDOWN. A [`Inbound::receive`] that begins once there is an ending brings nothing.

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

use super::handshake::{Channel, Local};
use super::limits::DRAIN_DEADLINE;
use super::session::{self, Config, Counts, Leave, Timing, Traffic};
use super::{Patience, Processes, Session};

/// Random bytes for one connection, from a cryptographic source: never the same for two.
//= spec/handshake.md#hs-sen-002
//= type=implication
//= reason=the source is the operating system, or bytes of it that others are drawn from: a test could only see that bytes differ
//# A node MUST take the bytes of a challenge before the sentinel from a cryptographic random source, anew
//# for each challenge.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Randomness {
    pub(super) challenge: [u8; 24],
    pub(super) ping: [u8; 8],
    pub(super) seed: [u8; 32],
}

impl Randomness {
    /// How many bytes it takes.
    pub const BYTES: usize = 64;

    /// Of these bytes.
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

/// What [`Connection::transmit`] has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Bytes to be written, in this order and behind all that was given before.
    Bytes {
        /// They must have left every buffer, TLS's own included, before more is asked for.
        flush: bool,
        /// They are a message of the handshake, and no frames of a session.
        is_handshake: bool,
    },
    /// Nothing, until something changes.
    Nothing,
    /// Nothing, and nothing more will come: TLS's close_notify is to be sent. What the peer sends is still read, until there is
    /// an ending.
    //= spec/connection.md#con-cls-009
    //# A node SHOULD send close_notify after its last frame.
    Close,
}

/// One connection with another node. See the [module](self) for how it is driven.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    stage: Stage,
    reads: Reads,
    /// In a session: what waits to be handed to TLS in one piece, in version 1.
    pieces: Pieces,
    /// The stream has not taken all that it was given, since then.
    untaken: Option<Patience>,
    /// Why nothing more can be written.
    broken: Option<Arc<str>>,
    /// close_notify was given.
    said_all: bool,
    /// The session is being ended in order, and how long that may take.
    closing: Option<Patience>,
    ending: Option<Ending>,
    /// Its end has been delivered.
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
    /// A connection that begins now. The endpoint makes them.
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

    /// A session without a handshake: for tests of what comes after one, and for hosts that have made sure of each other in
    /// another way.
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

    // What the stream brings.

    /// TLS is there, and this is the channel that the proofs of the handshake are bound to. An initiator has NAME to write from
    /// now on.
    pub fn secured(&mut self, channel: Channel) {
        self.in_opening(|opening| opening.secured(channel));
    }

    /// A whole message of the handshake has come.
    fn handle_message(&mut self, payload: &[u8]) {
        self.in_opening(|opening| opening.handle_message(payload));
    }

    /// Bytes of the session have come.
    fn heard(&mut self, now: Duration) {
        if let Stage::Session(session) = &mut self.stage
            && session.handle_received(now)
        {
            self.events.push_back(EndpointEvent::Alive(super::peers::Sign::Life));
        }
    }

    /// A frame of the session that is more than a message. False if there is no session any more.
    fn handle_frame(&mut self, frame: &Frame<'_>, processes: &mut impl Processes) -> bool {
        let goes_on = self.in_session(|session| session.handle_frame(frame, processes)).is_some();
        if let Frame::PeerList(_) = frame {
            self.look_at_lists();
        }
        goes_on
    }

    /// The payload of the frame that is whole with this piece, if one is; nothing at all as in
    /// [`Connection::handle_frame`].
    fn handle_fragment(
        &mut self,
        fragment: &Fragment<'_>,
        processes: &mut impl Processes,
    ) -> Option<Option<Vec<u8>>> {
        self.in_session(|session| session.handle_fragment(fragment, processes))
    }

    /// A message has come to its end that was dropped while it came: see [`Session::handle_dropped`].
    fn handle_dropped(&mut self, begun: &[u8], processes: &mut impl Processes) {
        self.in_session(|session| session.handle_dropped(begun, processes));
    }

    /// The stream has ended, or failed: `why` says how. Nothing more is read. What has arrived before must have been handled.
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

    /// The stream cannot be written any more. What has come is still to be read: its end, or an error of reading, ends the
    /// connection, or the drain deadline does.
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

    // What goes into it.

    /// Appends what is to be written next to `out`: about `bytes_wanted`, more only by a message or a signal that is longer. A
    /// host that keeps less than [`SIGNAL_DELAY_BYTES_MAX`](super::limits::SIGNAL_DELAY_BYTES_MAX) between this and the wire
    /// keeps the promise that a signal does not wait long.
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

    /// Nothing is to be written any more: close_notify, if the peer is to know that.
    fn say_nothing_more(&mut self) -> Transmit {
        self.said_all = match &self.ending {
            Some(ending) => ending.notifies(),
            None => self.closing.is_some(),
        };
        if self.said_all { Transmit::Close } else { Transmit::Nothing }
    }

    /// The stream has taken all that it was given; close_notify counts for nothing.
    pub fn taken(&mut self, now: Duration) {
        if self.broken.is_none() {
            self.untaken = None;
        }
        if let Stage::Session(session) = &mut self.stage {
            session.handle_taken(now);
        }
    }

    /// The stream has taken some of what it was given, and not all. Only what takes long needs this, as the whole has
    /// [`DRAIN_DEADLINE`] otherwise.
    pub fn taken_in_part(&mut self, now: Duration) {
        if self.broken.is_none()
            && let Some(untaken) = &mut self.untaken
        {
            *untaken = Patience::new(DRAIN_DEADLINE, now);
        }
    }

    /// Whether something is to be written.
    #[must_use]
    pub fn has_output(&self) -> bool {
        match &self.stage {
            Stage::Opening(opening) => opening.has_output(),
            Stage::Session(session) => session.has_output() || self.pieces.has_output(),
        }
    }

    /// Whether bytes are to be read of the stream: not while those that came behind REPLY or ACK wait for the verdict.
    #[must_use]
    pub fn is_read(&self, inbound: &Inbound) -> bool {
        inbound.is_empty() || !matches!(&self.stage, Stage::Opening(opening) if opening.waits_for_verdict())
    }

    // Time.

    /// When [`Connection::handle_timeout`] is to be called, and what is waited for; nothing once there is an ending.
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

    /// The time is `now`. What had arrived by then must have been handled before. Calling it early changes nothing.
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
        //# A node that ends a session because it stops or its program asks for it MUST write what is queued
        //# before CLOSE, as far as `shutdown_patience` allows.
        //= spec/connection.md#con-cls-008
        //# A node that has written CLOSE with code 0 MUST go on reading until the stream ends or
        //# `shutdown_patience` has passed since it began to end the session.
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

    // What the endpoint says to it, and it to the endpoint.

    /// The endpoint has decided something: see [`Endpoint::poll_output`](super::Endpoint::poll_output).
    pub fn handle_event(&mut self, event: ConnectionEvent, now: Duration) {
        if self.ending.is_some() {
            return;
        }
        match (event, &mut self.stage) {
            (ConnectionEvent::Reply, Stage::Opening(opening)) => opening.reply(now),
            (ConnectionEvent::Up(facts), Stage::Opening(opening)) if opening.can_come_up() => {
                let (config, ack) = (&facts.config, opening.accept());
                self.reads = Reads::of(config);
                self.pieces = Pieces::of(self.reads.version_1, ack);
                self.stage = Stage::Session(Session::new(config, now));
                self.events = VecDeque::new();
            }
            (ConnectionEvent::Refuse(refusal), Stage::Opening(opening)) => {
                let ending = opening.refuse(refusal);
                self.fail(ending);
            }
            (ConnectionEvent::GiveWay(why), Stage::Opening(_)) => self.fail(Ending::GaveWay(why)),
            (ConnectionEvent::HearLists, Stage::Session(session)) => session.hear_lists(),
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

    /// What the endpoint has to know.
    pub fn poll_event(&mut self) -> Option<EndpointEvent> {
        self.events.pop_front()
    }

    // The session.

    /// The session, until its end is delivered by [`Connection::end`]: what a process ends before has ended. What it does is
    /// decided at once, and gives the next [`Connection::transmit`] something to write.
    #[inline]
    pub const fn session(&mut self) -> Option<&mut Session> {
        match &mut self.stage {
            Stage::Session(session) if !self.has_ended => Some(session),
            _ => None,
        }
    }

    /// The same, for messages, links, monitors and exit signals: nothing, if the session is being ended.
    #[inline]
    pub const fn open_session(&mut self) -> Option<&mut Session> {
        //= spec/connection.md#con-cls-007
        //# A node MUST NOT queue a message in a session that it has begun to end.
        if self.closing.is_some() || self.ending.is_some() { None } else { self.session() }
    }

    /// Returns what has gone through the session so far, also when it has ended.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        match &self.stage {
            Stage::Session(session) => session.traffic(),
            Stage::Opening(_) => Traffic::default(),
        }
    }

    /// Frames of the session have come.
    const fn count_in(&mut self, frames: usize, bytes: usize) {
        if let Stage::Session(session) = &mut self.stage {
            session.count_in(frames, bytes);
        }
    }

    /// What has been passed over in the session so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        match &self.stage {
            Stage::Session(session) => *session.counts(),
            Stage::Opening(_) => Counts::default(),
        }
    }

    /// Whether it is a session, or was one when it ended.
    #[must_use]
    pub const fn is_session(&self) -> bool {
        matches!(self.stage, Stage::Session(_))
    }

    /// Whether there is something for [`Connection::poll_event`], or an [`Connection::ending`].
    #[must_use]
    #[inline]
    pub fn has_news(&self) -> bool {
        !self.events.is_empty() || self.ending.is_some()
    }

    /// Why it has ended; nothing as long as it has not.
    #[must_use]
    pub const fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// Ends it: for what a host finds itself, as that processes do not take the peer's signals.
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

    /// Everything across the session ends: its exit signals and DOWNs come to their processes. Once, after
    /// [`Endpoint::over`](super::Endpoint::over), and while nothing of the connection is being received: see the
    /// [module](self), "Locks". It changes nothing for a connection that was no session.
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

    /// Nothing if the session has ended, or ends by this.
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

    /// What a list of the peer has brought.
    fn look_at_lists(&mut self) {
        let Stage::Session(session) = &mut self.stage else { return };
        let names = session.take_listed();
        if !names.is_empty() {
            self.events.push_back(EndpointEvent::Listed(names));
        }
    }

    /// What frames of a version 1 peer have brought beside signals.
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
