//! The one loop of a connection: bytes between the transport and the session.
//!
//! Reading never waits for writing: each turn tries both and goes on with whichever can. What a process queues
//! wakes the loop only when it is idle. A turn is bounded, so that a busy connection does not starve its thread.
//! Deadlines are judged when the timer has gone off and what has arrived since has been read, busy or not.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Frames, Reading};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::Sleep;

use super::clock::Clock;
use super::tap::{Direction, Tap};
use super::tls::in_words;
use crate::core::Patience;
use crate::core::limits::{DRAIN_DEADLINE, UNFINISHED_BYTES_UNCOUNTED};
use crate::core::peers::Sign;
use crate::core::session::{Ending, Leave, Offered, Version, deliver};
use crate::notices::Notices;
use crate::process::Delivery;
use crate::session::{Refill, SessionHandle, Stop};

mod arrived;
mod records;
#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;

/// Bytes of room that a read is given. Larger frames make the buffer grow as they arrive.
const READ_BYTES: usize = 32 << 10;

/// The same when nothing was there to be read: enough for a heartbeat or a small message.
const READ_BYTES_IDLE: usize = 256;

/// Bytes of a receive buffer that is used again: one that a large frame made grow goes with that frame, and counts until then.
const INBOX_BYTES_KEPT: usize = UNFINISHED_BYTES_UNCOUNTED;

/// Bytes that are gathered for one write.
const WRITE_BYTES: usize = 64 << 10;

/// Reads and writes of one turn.
const STEPS_MAX: usize = 16;

/// What carries a session's bytes.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin {
    /// Bytes that have left it so far. TLS holds some back while the connection takes none: what is written is not yet
    /// on its way.
    fn bytes_taken(&self) -> u64;
}

/// A connection that has become a session.
pub(crate) struct Driver<S> {
    pub(crate) stream: S,
    pub(crate) session: Arc<SessionHandle>,
    pub(crate) creation: u8,
    /// Bytes of the longest frame that is read, as this node has announced.
    pub(crate) frame_bytes_max: u32,
    pub(crate) processes: Delivery,
    pub(crate) clock: Clock,
    pub(crate) tap: Option<Tap>,
    pub(crate) notices: Arc<Notices>,
    /// Called when a probe has been answered.
    pub(crate) on_life: Box<dyn Fn(Sign) + Send>,
}

struct Running<S> {
    driver: Driver<S>,
    inbox: Vec<u8>,
    /// Bytes that are still to come of a message that was dropped before it was whole.
    passed_over: usize,
    /// Room that the next read is given.
    read_bytes: usize,
    out: Vec<u8>,
    written: usize,
    /// Where what is handed over at once ends.
    piece_end: usize,
    unflushed: bool,
    /// A PING is in `out`, or in TLS, and its time begins when the transport has taken it.
    has_ping: bool,
    /// The transport takes no more bytes; what has come is still read.
    broken: Option<io::Error>,
    /// All has been said, close_notify included; what the peer has sent meanwhile is still read.
    said_all: bool,
    /// How long the connection may take no byte, since it last took one or had none to take.
    drain: Patience,
    bytes_taken: u64,
    /// How long the end may take that was ordered.
    stop: Option<Patience>,
    timer: Pin<Box<Sleep>>,
    timer_at: Duration,
    /// What the session knows to wake this loop by.
    waker: Option<Arc<Waker>>,
}

impl<S: Transport> Driver<S> {
    /// Runs until the session must end. `arrived` is what came behind the handshake.
    pub(crate) async fn run(self, arrived: BytesMut) -> Ending {
        let mut running = self.running(arrived);
        let ending = match running.handle_arrived() {
            Ok(()) => poll_fn(|cx| running.turn(cx)).await,
            Err(ending) => ending,
        };
        running.take_leave(&ending).await;
        ending
    }

    fn running(self, arrived: BytesMut) -> Running<S> {
        Running {
            timer: Box::pin(tokio::time::sleep_until(self.clock.at(Duration::MAX))),
            timer_at: Duration::MAX,
            drain: Patience::new(DRAIN_DEADLINE, self.clock.now()),
            bytes_taken: 0,
            driver: self,
            inbox: arrived.into(),
            passed_over: 0,
            read_bytes: READ_BYTES_IDLE,
            out: Vec::new(),
            written: 0,
            piece_end: 0,
            unflushed: false,
            has_ping: false,
            broken: None,
            said_all: false,
            stop: None,
            waker: None,
        }
    }
}

impl<S: Transport> Running<S> {
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        self.show_waker(cx.waker());
        match self.take_steps(cx) {
            Ok(()) => Poll::Pending,
            Err(ending) => Poll::Ready(ending),
        }
    }

    /// Tells the session by whom to wake this loop, if it does not know.
    fn show_waker(&mut self, waker: &Waker) {
        if self.waker.as_ref().is_none_or(|known| !known.will_wake(waker)) {
            let waker = Arc::new(waker.clone());
            self.driver.session.driven_by(waker.clone());
            self.waker = Some(waker);
        }
    }

    /// Goes on until nothing is to be done, or the turn is over. Whatever can change that wakes the task.
    fn take_steps(&mut self, cx: &mut Context<'_>) -> Result<(), Ending> {
        for _ in 0..STEPS_MAX {
            // The runtime has looked for what has arrived before a timer goes off. What is read now was there by then.
            let is_due = self.timer.is_elapsed();
            //= spec/connection.md#con-rdw-001
            //# A node MUST go on reading a session while the transport takes no byte.
            //= spec/connection.md#con-rdw-002
            //# A node MUST go on writing in a session while no byte arrives.
            let (read, written) = (self.poll_read(cx)?, self.poll_write(cx)?);
            if is_due {
                //= spec/connection.md#con-hbt-008
                //# A node MUST read all bytes that have arrived before it ends a session because none came.
                self.judge(self.driver.clock.now())?;
            }
            if is_due || read.is_pending() && written.is_pending() {
                let waits = self.poll_timer(cx)?.is_pending();
                // A PING may be due.
                if waits && !is_due {
                    return Ok(());
                }
            }
        }
        let _ = self.poll_timer(cx)?;
        cx.waker().wake_by_ref();
        Ok(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        self.make_room()?;
        let count = {
            let read = pin!(self.driver.stream.read_buf(&mut self.inbox));
            read.poll(cx)
        };
        let Poll::Ready(count) = count else {
            if self.inbox.is_empty() {
                // A connection that waits keeps no buffer: there can be very many.
                self.inbox = Vec::new();
                self.read_bytes = READ_BYTES_IDLE;
            }
            return Poll::Pending;
        };
        match count {
            Ok(0) => Poll::Ready(Err(self.lost("the peer is gone"))),
            Ok(count) => {
                if count >= self.read_bytes {
                    self.read_bytes = READ_BYTES;
                }
                Poll::Ready(self.handle_arrived())
            }
            Err(error) => Poll::Ready(Err(self.lost(&in_words(error).to_string()))),
        }
    }

    /// Makes room for the next read. A frame that makes the buffer grow counts; a message for which there is no room is
    /// dropped, and what has come of it with it.
    fn make_room(&mut self) -> Result<(), Ending> {
        let missing = arrived::make_room(&mut self.inbox, self.read_bytes);
        let (Some(missing), processes) = (missing, &mut self.driver.processes) else { return Ok(()) };
        //= spec/session.md#ses-msg-017
        //# A node MUST drop a message whose frame is not whole yet if what has come of it finds no room by
        //# SES-MSG-010, SES-MSG-011 or SES-MSG-015.
        if !processes.keep_buffer(self.inbox.capacity(), arrived::is_message(&self.inbox)) {
            self.passed_over = missing;
            self.inbox = Vec::with_capacity(self.read_bytes);
            processes.flush();
        }
        if processes.is_over() { Err(Ending::SignalsUntaken) } else { Ok(()) }
    }

    /// Passes over what has come of a message that was dropped.
    fn pass_over(&mut self) {
        //= spec/session.md#ses-msg-018
        //# A node that has dropped a message by SES-MSG-017 MUST take what still comes of its frame as if it
        //# had not, and keep nothing of it.
        let count = self.passed_over.min(self.inbox.len());
        self.inbox.drain(..count);
        self.passed_over -= count;
    }

    /// Handles all frames that are whole.
    fn handle_arrived(&mut self) -> Result<(), Ending> {
        if self.driver.session.received(self.driver.clock.now()) {
            (self.driver.on_life)(Sign::Life);
        }
        self.pass_over();
        let frame_bytes_max = self.driver.frame_bytes_max;
        let mut frames = Frames::new(&self.inbox, frame_bytes_max);
        let refused = frames.by_ref().find_map(Result::err);
        let whole = self.inbox.len() - frames.remaining().len();
        if whole > 0 {
            self.driver.processes.release_buffer();
            let handled = match arrived::take_block(&mut self.inbox, whole) {
                Some(block) => {
                    self.driver.processes.arrived(block.clone());
                    self.handle_frames(&block)
                }
                None => self.handle_inbox(whole),
            };
            self.driver.processes.flush();
            self.look_at_version_1();
            handled?;
            //= spec/session.md#ses-bnd-006
            //# A node MUST end the session when exit signals of links and DOWNs of the peer go beyond its
            //# share, in one mailbox or in all, by more than a sixty-fourth of `mailbox_remote_bytes_max`.
            //= spec/session.md#ses-bnd-008
            //# A node MUST end the session when an exit signal of a link or a DOWN of the peer goes beyond
            //# its share while mailboxes keep five quarters of `mailbox_remote_bytes_max` for other nodes.
            if self.driver.processes.is_over() {
                return Err(Ending::SignalsUntaken);
            }
        }
        match refused {
            Some(error) => Err(Ending::Protocol(error.to_string())),
            None => Ok(()),
        }
    }

    /// Handles the frames at the beginning of the inbox, and takes them out.
    fn handle_inbox(&mut self, whole: usize) -> Result<(), Ending> {
        let mut inbox = std::mem::take(&mut self.inbox);
        let handled = self.handle_frames(inbox.get(..whole).unwrap_or_default());
        inbox.drain(..whole);
        if inbox.capacity() > INBOX_BYTES_KEPT {
            inbox.shrink_to(READ_BYTES);
        }
        self.inbox = inbox;
        handled
    }

    fn handle_frames(&mut self, frames: &[u8]) -> Result<(), Ending> {
        let frame_bytes_max = self.driver.frame_bytes_max;
        //= spec/session.md#ses-ord-004
        //# A node MUST bring to each process what the frames of one session bring it in the order in
        //# which they arrived.
        //= spec/dist.md#dist-fld-012
        //# A reader MUST give the frames that are complete before a refused one in the stream just as
        //# if the refused one were not there.
        Frames::new(frames, frame_bytes_max).flatten().try_for_each(|payload| {
            let handled = self.handle(payload);
            self.driver.processes.wake_others();
            handled
        })
    }

    /// What frames of a version 1 peer have brought beside signals.
    fn look_at_version_1(&mut self) {
        let session = &self.driver.session;
        if session.peer.version == Version::Two {
            return;
        }
        let (used, misrouted) = session.brought();
        if used {
            (self.driver.on_life)(Sign::Use);
        }
        if let Some(misrouted) = misrouted {
            let count = session.counts().misrouted;
            self.driver.notices.misrouted(self.driver.clock.now(), &session.peer.name, misrouted, count);
        }
    }

    fn handle(&mut self, payload: &[u8]) -> Result<(), Ending> {
        let driver = &mut self.driver;
        if let Some(tap) = &driver.tap {
            tap.see(&driver.session.peer.name, Direction::In, payload);
        }
        //= spec/dist.md#dist-rdg-004
        //# A node MUST read what its peers send in the Compatible reading, unless its operator asks for the
        //# Strict one.
        //= spec/dist.md#dist-fld-011
        //# A node whose reader refuses a frame or a message MUST close the connection on which it arrived.
        match read(payload)? {
            Frame::Fragment(fragment) => match driver.session.fragment(&fragment, &mut driver.processes)? {
                Some(whole) => self.handle_whole(whole.into()),
                None => Ok(()),
            },
            frame => offer(&frame, &driver.session, driver.creation, &mut driver.processes),
        }
    }

    /// Handles a frame that came in fragments: its message is kept as it is, not copied once more.
    fn handle_whole(&mut self, whole: Bytes) -> Result<(), Ending> {
        let Driver { session, creation, processes, .. } = &mut self.driver;
        let frame = read(&whole)?;
        processes.in_block(whole.clone(), |processes| offer(&frame, session, *creation, processes))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        if self.broken.is_some() || self.said_all {
            return Poll::Pending;
        }
        if let Err(error) = ready!(self.try_write(cx)) {
            // What has come is still read: the end of the stream, or a read error, ends the session.
            //= spec/connection.md#con-rdw-004
            //# A node that cannot write in a session any more SHOULD handle the frames that still arrive
            //# until the stream ends, reading fails too, or `drain_deadline` has passed.
            self.broken = Some(error);
        }
        Poll::Ready(Ok(()))
    }

    fn try_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.written == self.out.len() {
            if self.has_ping && self.unflushed {
                ready!(self.flush(cx))?;
            }
            self.out.clear();
            (self.written, self.piece_end, self.has_ping) = (0, 0, false);
            let now = self.driver.clock.now();
            match self.driver.session.refill(now, &mut self.out, WRITE_BYTES) {
                Refill::Bytes { has_ping } => {
                    self.has_ping = has_ping;
                    self.begin_write(now);
                }
                _ if self.unflushed => return self.flush(cx),
                Refill::Nothing => return Poll::Pending,
                Refill::Stopping => return self.finish_writing(cx),
            }
        }
        if self.out.is_empty() {
            // All that waited was over when its turn came.
            return Poll::Ready(Ok(()));
        }
        if self.written == self.piece_end {
            ready!(self.begin_piece(cx))?;
        }
        let bytes = self.out.get(self.written..self.piece_end).unwrap_or_default();
        let count = ready!(Pin::new(&mut self.driver.stream).poll_write(cx, bytes))?;
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.written += count;
        self.unflushed = true;
        Poll::Ready(Ok(()))
    }

    fn begin_write(&mut self, now: Duration) {
        if !self.unflushed {
            // There was nothing to take until now.
            self.drain = Patience::new(DRAIN_DEADLINE, now);
        }
        self.show_written();
    }

    /// In version 2 all there is goes at once. TLS cuts it into records, wherever that falls.
    fn begin_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.driver.session.peer.version == Version::Two {
            self.piece_end = self.out.len();
            return Poll::Ready(Ok(()));
        }
        if self.unflushed {
            // TLS that holds nothing back takes a piece whole.
            ready!(self.flush(cx))?;
        }
        self.piece_end += records::piece(self.out.get(self.written..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.driver.stream).poll_flush(cx))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    /// Says to the peer that nothing more comes. Whether it still hears that changes nothing.
    fn finish_writing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        //= spec/connection.md#con-cls-009
        //# A node SHOULD send close_notify after its last frame.
        let _ = ready!(Pin::new(&mut self.driver.stream).poll_shutdown(cx));
        self.said_all = true;
        Poll::Ready(Ok(()))
    }

    fn show_written(&self) {
        let Some(tap) = &self.driver.tap else { return };
        for payload in Frames::new(&self.out, FRAME_BYTES_MAX).flatten() {
            tap.see(&self.driver.session.peer.name, Direction::Out, payload);
        }
    }

    /// Sleeps until a deadline is to be judged. An order to end that has no patience is no deadline.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        let (heartbeat, ordered) = self.driver.session.deadlines();
        if let Some(order) = ordered {
            if order.patience.is_zero() {
                return Poll::Ready(Err(Ending::Stopped));
            }
            let now = self.driver.clock.now();
            self.stop.get_or_insert_with(|| Patience::new(order.patience, now));
        }
        let drain = self.waits_for_taking().then_some(self.drain);
        let patiences = [self.stop, drain].into_iter().flatten();
        let due = patiences.map(|patience| patience.look_at()).fold(heartbeat, Duration::min);
        self.poll_sleep(due, cx).map(Ok)
    }

    fn waits_for_taking(&self) -> bool {
        self.written < self.out.len() || self.unflushed || self.broken.is_some()
    }

    /// Judges the deadlines.
    fn judge(&mut self, now: Duration) -> Result<(), Ending> {
        //= spec/connection.md#con-cls-005
        //# A node that ends a session because it stops or its program asks for it MUST write what is queued
        //# before CLOSE, as far as `shutdown_patience` allows.
        //= spec/connection.md#con-cls-008
        //# A node that has written CLOSE with code 0 MUST go on reading until the stream ends or
        //# `shutdown_patience` has passed since it began to end the session.
        if self.stop.as_mut().is_some_and(|stop| stop.is_over(now)) {
            return Err(Ending::Stopped);
        }
        self.note_taken(now);
        //= spec/connection.md#con-que-010
        //# A node MUST end a session in which something waits and the transport has taken no byte for
        //# `drain_deadline`.
        if self.waits_for_taking() && self.drain.is_over(now) {
            return Err(if self.broken.is_some() { self.lost("") } else { Ending::Stuck });
        }
        self.driver.session.timeout(now)
    }

    fn note_taken(&mut self, now: Duration) {
        let bytes_taken = self.driver.stream.bytes_taken();
        if bytes_taken != self.bytes_taken {
            self.bytes_taken = bytes_taken;
            self.drain = Patience::new(DRAIN_DEADLINE, now);
        }
    }

    /// Sleeps until `due` at the latest: a timer that is set early enough is left as it is, since deadlines move on
    /// with every byte that comes.
    fn poll_sleep(&mut self, due: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let elapsed = self.timer.is_elapsed();
        if elapsed {
            self.give_back_space();
        }
        if due < self.timer_at || elapsed {
            self.timer_at = due;
            self.timer.as_mut().reset(self.driver.clock.at(due));
        }
        self.timer.as_mut().poll(cx)
    }

    /// A connection that has nothing to do keeps little memory. This is done whenever the timer has gone off: that is
    /// often enough for one that is idle, and too seldom to cost one that is busy anything.
    fn give_back_space(&mut self) {
        if self.out.is_empty() {
            self.out = Vec::new();
        }
        self.driver.session.give_back_space();
    }

    fn lost(&self, why: &str) -> Ending {
        match &self.broken {
            Some(error) => Ending::Lost(format!("writing failed: {error}")),
            None if self.said_all => Ending::Stopped,
            None => Ending::Lost(why.to_owned()),
        }
    }

    /// Takes leave of a peer that is still there, if the connection takes that at once.
    async fn take_leave(&mut self, ending: &Ending) {
        poll_fn(|cx| {
            match ending.leave() {
                Leave::Close { code, text } => self.say_why(code, text, cx),
                Leave::CloseNotify => drop(self.finish_writing(cx)),
                Leave::Nothing => {}
            }
            Poll::Ready(())
        })
        .await;
    }

    fn say_why(&mut self, code: u16, text: &str, cx: &mut Context<'_>) {
        // This loop is the driver, and needs no waker any more.
        let _ = self.driver.session.stop(code, text, Stop { patience: Duration::ZERO });
        for _ in 0..STEPS_MAX {
            if self.said_all || !matches!(self.try_write(cx), Poll::Ready(Ok(()))) {
                break;
            }
        }
    }
}

fn read(payload: &[u8]) -> Result<Frame<'_>, Ending> {
    Frame::decode(payload, Reading::Compatible).map_err(|error| Ending::Protocol(error.to_string()))
}

/// Handles a frame: a message without the session.
fn offer(
    frame: &Frame<'_>,
    session: &SessionHandle,
    creation: u8,
    processes: &mut Delivery,
) -> Result<(), Ending> {
    // In version 1 a message can teach the session something.
    let goes_round = session.peer.version == Version::Two;
    if goes_round && deliver(frame, creation, processes)? == Offered::Taken {
        return Ok(());
    }
    session.frame(frame, processes)
}
