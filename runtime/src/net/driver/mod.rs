//! The loop of a connection, which moves bytes between the stream and the core.
//!
//! Reading never waits for writing: each step tries both, and continues with whichever is possible. Data that a
//! process queues wakes the loop only when it is idle. A turn is bounded, so that a busy connection does not
//! starve its thread. Deadlines are checked when the timer has expired and everything that has arrived since has
//! been read, whether the connection is busy or not.
//!
//! The connection's lock is taken once for all received messages, and once each time there may be something to
//! write. If there is nothing to write, that also tells how long the loop may sleep.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use snow_dist_codec::Frames;
use snow_dist_codec::limits::{FRAME_BYTES_MAX, LENGTH_PREFIX_BYTES};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::task::{unconstrained, yield_now};
use tokio::time::{Sleep, sleep_until};

use super::tls::in_words;
use crate::clock::Clock;
use crate::core::connection::{EndpointEvent, Inbound, Read, Transmit};
use crate::process::Delivery;
use crate::sessions::{Refill, SessionHandle};
use crate::tap::{Direction, Tap};

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;

/// The buffer space for a read, twice the maximum of a TLS record. Larger frames make the buffer grow as they
/// arrive.
const READ_BYTES: usize = 32 << 10;

/// The buffer space for a read when nothing was available before: enough for a heartbeat or a small message.
const READ_BYTES_IDLE: usize = 256;

/// The bytes that are gathered for one write.
const WRITE_BYTES: usize = 64 << 10;

/// The reads and writes of one turn.
const STEPS_MAX: usize = 16;

/// The average frames of one turn: as many messages as tokio lets a process receive in its turn. Otherwise the
/// mailbox of a process that keeps up would fill because of the order in which tasks run.
const FRAMES_MAX: usize = 128;

/// The transport of a connection.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin {
    /// Returns the bytes that have left the transport so far. TLS holds some back while the connection takes none,
    /// so written data is not necessarily sent.
    fn bytes_taken(&self) -> u64;
}

/// The owner of a connection.
pub(crate) trait Host: Send {
    /// Passes an event to the endpoint.
    fn hear(&mut self, event: EndpointEvent);

    /// Called when the connection is the session. Returns the object that delivers for it, or `None` if the node
    /// is gone.
    fn came_up(&mut self) -> Option<Delivery>;
}

/// A connection with TLS.
pub(crate) struct Driver<S, H> {
    stream: S,
    host: H,
    session: Arc<SessionHandle>,
    clock: Clock,
    tap: Option<Tap>,
    inbound: Inbound,
    /// The deliveries, once the connection is the session.
    processes: Option<Delivery>,
    /// The frames that were handled, minus those that turns have paid for.
    handled: usize,
    /// The buffer space for the next read.
    read_bytes: usize,
    out: Vec<u8>,
    written: usize,
    /// `true` if written data must leave TLS before more is written.
    flush_first: bool,
    unflushed: bool,
    /// `true` if close_notify is due, or being sent.
    closes: bool,
    /// `true` if nothing more is written.
    is_mute: bool,
    /// The time before which nothing has to be written and no deadline checked, unless something changes.
    rests_until: Option<Duration>,
    /// `true` if the connection may have an event or an ending.
    has_news: bool,
    /// The error of the stream.
    error: Option<io::Error>,
    bytes_taken: u64,
    timer: Pin<Box<Sleep>>,
    timer_at: Duration,
    /// The waker by which the connection wakes this loop.
    waker: Option<Arc<Waker>>,
}

/// A marker: the connection has an ending.
#[derive(Debug)]
struct Over;

impl<S: Transport, H: Host> Driver<S, H> {
    pub(crate) fn new(
        stream: S,
        host: H,
        session: Arc<SessionHandle>,
        clock: Clock,
        tap: Option<Tap>,
    ) -> Self {
        Self {
            stream,
            host,
            session,
            clock,
            tap,
            inbound: Inbound::default(),
            processes: None,
            handled: 0,
            read_bytes: READ_BYTES_IDLE,
            out: Vec::new(),
            written: 0,
            flush_first: false,
            unflushed: false,
            closes: false,
            is_mute: false,
            rests_until: None,
            has_news: false,
            error: None,
            bytes_taken: 0,
            timer: Box::pin(sleep_until(clock.at(Duration::MAX))),
            timer_at: Duration::MAX,
            waker: None,
        }
    }

    /// Runs until the connection has an [ending](SessionHandle::ending), and then closes the stream.
    pub(crate) async fn run(&mut self) {
        let Over = poll_fn(|cx| self.turn(cx)).await;
        // Pending means that the stream would wait, and not that this task has had its turn.
        unconstrained(poll_fn(|cx| self.take_leave(cx))).await;
    }

    /// Returns the owner, and the error of the stream, if it has failed.
    pub(crate) fn into_parts(self) -> (H, Option<io::Error>) {
        (self.host, self.error)
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        self.show_waker(cx.waker());
        // Whoever has woken this loop may have changed something.
        self.rests_until = None;
        match self.take_steps(cx) {
            Ok(()) => Poll::Pending,
            Err(over) => Poll::Ready(over),
        }
    }

    /// Tells the connection which task to wake, if it does not know.
    fn show_waker(&mut self, waker: &Waker) {
        if self.waker.as_ref().is_none_or(|known| !known.will_wake(waker)) {
            let waker = Arc::new(waker.clone());
            self.session.driven_by(waker.clone());
            self.waker = Some(waker);
        }
    }

    /// Continues until nothing is left to do, or the turn is over. Every event that can change this wakes the
    /// task.
    fn take_steps(&mut self, cx: &mut Context<'_>) -> Result<(), Over> {
        self.handled = self.handled.saturating_sub(FRAMES_MAX);
        let mut all_is_read = false;
        for _ in 0..STEPS_MAX {
            self.look_whether_up()?;
            // The runtime has looked for what has arrived before a timer goes off. What is read now was there by then.
            let is_due = self.timer.is_elapsed();
            //= spec/connection.md#con-rdw-001
            //# A node MUST go on reading a session while the transport takes no byte.
            //= spec/connection.md#con-rdw-002
            //# A node MUST go on writing in a session while no byte arrives.
            if is_due || !all_is_read && self.handled < FRAMES_MAX {
                all_is_read = self.poll_read(cx).is_pending();
                self.hear()?;
            }
            let has_written = self.poll_write(cx).is_ready();
            if is_due {
                self.judge();
            }
            self.hear()?;
            if is_due || all_is_read && !has_written {
                let waits = self.poll_timer(cx)?.is_pending();
                // A PING may be due.
                if waits && !is_due {
                    return Ok(());
                }
            }
            if self.handled >= FRAMES_MAX {
                break;
            }
        }
        let _ = self.poll_timer(cx)?;
        give_way(cx);
        Ok(())
    }

    /// From when on it is the session, frames are handled: some may have come before.
    fn look_whether_up(&mut self) -> Result<(), Over> {
        if self.processes.is_some() || !self.session.is_session() {
            return Ok(());
        }
        self.processes = self.host.came_up();
        if self.processes.is_none() {
            self.stream_ended("the node is gone");
        } else if !self.inbound.is_empty() {
            self.handle_arrived();
        }
        self.hear()
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.processes.is_none() && !self.session.is_read(&self.inbound) {
            return Poll::Pending;
        }
        self.make_room();
        let read = pin!(self.stream.read_buf(self.inbound.buffer()));
        match read.poll(cx) {
            Poll::Pending => {
                if self.inbound.is_empty() {
                    // A connection that waits keeps no buffer: there can be very many.
                    self.inbound.give_back_space();
                    self.read_bytes = READ_BYTES_IDLE;
                }
                return Poll::Pending;
            }
            Poll::Ready(Ok(0)) => self.stream_ended("the peer is gone"),
            Poll::Ready(Ok(_)) => {
                let inbox = self.inbound.buffer();
                if inbox.len() == inbox.capacity() {
                    // There may be more than it has room for.
                    self.read_bytes = READ_BYTES;
                }
                self.handle_arrived();
            }
            Poll::Ready(Err(error)) => {
                let error = in_words(error);
                self.stream_ended(&error.to_string());
                self.error.get_or_insert(error);
            }
        }
        Poll::Ready(())
    }

    fn stream_ended(&mut self, why: &str) {
        self.session.stream_ended(why);
        self.has_news = true;
    }

    fn make_room(&mut self) {
        let Some(processes) = &mut self.processes else {
            return self.inbound.buffer().reserve(self.read_bytes);
        };
        let mut reader = self.session.reader(&mut self.has_news);
        self.inbound.make_room(self.read_bytes, &mut reader, processes);
    }

    /// Handles all complete frames.
    fn handle_arrived(&mut self) {
        let Self { session, tap, inbound, .. } = self;
        let mut reader = session.reader(&mut self.has_news);
        let watch = |read: Read<'_>| {
            let Some(tap) = tap else { return };
            match read {
                Read::Message(payload) => tap.see_handshake("", Direction::In, payload),
                Read::Frame(payload) => tap.see(&session.peer().name, Direction::In, payload),
            }
        };
        match &mut self.processes {
            Some(processes) => {
                self.handled += inbound.receive_frames(&mut reader, processes, watch, self.clock.now());
            }
            None => inbound.receive_handshake(&mut reader, watch),
        }
        self.rests_until = None;
    }

    /// Passes the connection's events to the endpoint, and checks for an ending.
    fn hear(&mut self) -> Result<(), Over> {
        while std::mem::take(&mut self.has_news) {
            match self.session.poll_event() {
                (Some(event), _) => {
                    self.host.hear(event);
                    (self.has_news, self.rests_until) = (true, None);
                }
                (None, true) => return Err(Over),
                (None, false) => {}
            }
        }
        Ok(())
    }

    /// Returns pending if nothing can be written now, or nothing has to be.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_mute || self.rests_until.is_some() {
            return Poll::Pending;
        }
        let written = ready!(self.poll_write_next(cx));
        if let Err(error) = written {
            // What has come is still read: the end of the stream, or a read error, ends the session.
            self.session.write_failed(&error.to_string(), self.clock.now());
            (self.is_mute, self.has_news) = (true, true);
            self.error = Some(error);
        }
        Poll::Ready(())
    }

    fn poll_write_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.written == self.out.len() && !self.closes {
            if self.unflushed && self.poll_flush(cx)?.is_pending() && self.flush_first {
                return Poll::Pending;
            }
            match self.refill() {
                Transmit::Bytes { flush, is_handshake } => {
                    self.flush_first = flush;
                    self.show_written(is_handshake);
                }
                Transmit::Nothing => return Poll::Pending,
                Transmit::Close => self.closes = true,
            }
        }
        if self.closes { self.poll_close(cx) } else { self.poll_write_some(cx) }
    }

    fn refill(&mut self) -> Transmit {
        self.out.clear();
        self.written = 0;
        let now = self.clock.now();
        let Refill { given, has_news, rests_until } =
            self.session.refill(now, !self.unflushed, &mut self.out, WRITE_BYTES);
        self.has_news |= has_news;
        self.rests_until = rests_until;
        given
    }

    fn poll_write_some(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let bytes = self.out.get(self.written..).unwrap_or_default();
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.written += count;
        self.unflushed = true;
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    /// Tells the peer that nothing more comes. It does not matter whether the peer receives this.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = ready!(Pin::new(&mut self.stream).poll_shutdown(cx));
        (self.is_mute, self.unflushed) = (true, false);
        Poll::Ready(Ok(()))
    }

    fn show_written(&self, is_handshake: bool) {
        let Some(tap) = &self.tap else { return };
        if is_handshake {
            let payload = self.out.get(LENGTH_PREFIX_BYTES..).unwrap_or_default();
            return tap.see_handshake("", Direction::Out, payload);
        }
        for payload in Frames::new(&self.out, FRAME_BYTES_MAX).flatten() {
            tap.see(&self.session.peer().name, Direction::Out, payload);
        }
    }

    /// Checks the deadlines.
    fn judge(&mut self) {
        let bytes_taken = self.stream.bytes_taken();
        let taken_in_part = std::mem::replace(&mut self.bytes_taken, bytes_taken) != bytes_taken;
        self.session.timeout(self.clock.now(), taken_in_part);
        (self.has_news, self.rests_until) = (true, None);
    }

    /// Sleeps until the next deadline, or less: a timer that is set early enough is left as it is, since deadlines
    /// move with every received byte.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Over> {
        let due = self.rests_until.or_else(|| self.session.deadline()).ok_or(Over)?;
        let has_elapsed = self.timer.is_elapsed();
        if has_elapsed {
            self.give_back_space();
        }
        if due < self.timer_at || has_elapsed {
            self.timer_at = due;
            self.timer.as_mut().reset(self.clock.at(due));
        }
        Ok(self.timer.as_mut().poll(cx))
    }

    /// Releases the memory of a connection that is idle. This is done whenever the timer has expired: often enough
    /// for an idle connection, and too rarely to cost a busy one anything.
    fn give_back_space(&mut self) {
        if self.out.is_empty() {
            self.out = Vec::new();
        }
        self.session.give_back_space();
    }

    /// Sends pending data to the peer, as far as the stream takes it at once. No message is added to that data any more.
    fn take_leave(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.session.ending().is_some_and(|ending| ending.tells_all()) {
            self.out.clear();
            self.written = 0;
        }
        for _ in 0..STEPS_MAX {
            if self.is_mute || !matches!(self.poll_write_next(cx), Poll::Ready(Ok(()))) {
                return Poll::Ready(());
            }
        }
        give_way(cx);
        Poll::Pending
    }
}

/// Has the task polled again after all other tasks that are ready. Tokio queues a process that has used up its
/// turn behind tasks that wake themselves, so a session that did so would have dozens of turns for each turn of
/// the process.
fn give_way(cx: &mut Context<'_>) {
    let _ = pin!(yield_now()).poll(cx);
}
