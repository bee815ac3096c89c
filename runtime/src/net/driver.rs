//! The one loop of a connection: bytes between the transport and the session.
//!
//! Reading never waits for writing: each turn tries both and goes on with whichever can. What a process queues
//! wakes the loop only when it is idle. A turn is bounded, so that a busy connection does not starve its thread.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Frames, Reading};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::Sleep;

use super::clock::Clock;
use super::tap::{Direction, Tap};
use crate::core::limits::DRAIN_DEADLINE;
use crate::core::session::{Ending, Offered, deliver};
use crate::process::Delivery;
use crate::session::{Refill, SessionHandle, Stop};

/// Bytes of room that a read is given. Larger frames make the buffer grow as they arrive.
const READ_BYTES: usize = 32 << 10;

/// Bytes that are gathered for one write.
const WRITE_BYTES: usize = 64 << 10;

/// Reads and writes of one turn.
const STEPS_MAX: usize = 16;

/// A connection that has become a session.
pub(crate) struct Driver<S> {
    pub(crate) stream: S,
    pub(crate) session: Arc<SessionHandle>,
    pub(crate) creation: u8,
    pub(crate) processes: Delivery,
    pub(crate) clock: Clock,
    pub(crate) tap: Option<Tap>,
    /// Called when a probe has been answered.
    pub(crate) on_life: Box<dyn Fn() + Send>,
}

struct Running<S> {
    driver: Driver<S>,
    inbox: BytesMut,
    out: Vec<u8>,
    written: usize,
    unflushed: bool,
    /// The transport takes no more bytes; what has come is still read.
    broken: Option<io::Error>,
    /// When the transport last took a byte, or had none to take.
    taken: Duration,
    stop_at: Option<Duration>,
    timer: Pin<Box<Sleep>>,
    timer_at: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    /// Runs until the session must end. `arrived` is what came behind the handshake.
    pub(crate) async fn run(self, arrived: BytesMut) -> Ending {
        let now = self.clock.now();
        let mut running = Running {
            timer: Box::pin(tokio::time::sleep_until(self.clock.at(now))),
            timer_at: now,
            driver: self,
            inbox: arrived,
            out: Vec::new(),
            written: 0,
            unflushed: false,
            broken: None,
            taken: now,
            stop_at: None,
        };
        let ending = match running.handle_arrived() {
            Ok(()) => poll_fn(|cx| running.turn(cx)).await,
            Err(ending) => ending,
        };
        running.say_why(&ending).await;
        ending
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Running<S> {
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        for _ in 0..STEPS_MAX {
            let read = self.poll_read(cx);
            let written = self.poll_write(cx);
            let timed =
                if read.is_pending() && written.is_pending() { self.poll_timer(cx) } else { Poll::Pending };
            let steps = [read, written, timed];
            let progress = steps.iter().any(Poll::is_ready);
            for step in steps {
                if let Poll::Ready(Err(ending)) = step {
                    return Poll::Ready(ending);
                }
            }
            if !progress {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        self.inbox.reserve(READ_BYTES);
        let count = {
            let read = pin!(self.driver.stream.read_buf(&mut self.inbox));
            ready!(read.poll(cx))
        };
        match count {
            Ok(0) => Poll::Ready(Err(self.lost("the peer is gone"))),
            Ok(_) => Poll::Ready(self.handle_arrived()),
            Err(error) => Poll::Ready(Err(self.lost(&error.to_string()))),
        }
    }

    /// Handles all frames that are whole.
    fn handle_arrived(&mut self) -> Result<(), Ending> {
        if self.driver.session.received(self.driver.clock.now()) {
            (self.driver.on_life)();
        }
        let mut frames = Frames::new(&self.inbox, FRAME_BYTES_MAX);
        let refused = frames.by_ref().find_map(Result::err);
        let whole = self.inbox.len() - frames.remaining().len();
        if whole > 0 {
            let block = self.inbox.split_to(whole).freeze();
            self.driver.processes.arrived(block.clone());
            let handled =
                Frames::new(&block, FRAME_BYTES_MAX).flatten().try_for_each(|payload| self.handle(payload));
            self.driver.processes.flush();
            handled?;
        }
        match refused {
            Some(error) => Err(Ending::Protocol(error.to_string())),
            None => Ok(()),
        }
    }

    fn handle(&mut self, payload: &[u8]) -> Result<(), Ending> {
        let driver = &mut self.driver;
        if let Some(tap) = &driver.tap {
            tap.see(&driver.session.peer.name, Direction::In, payload);
        }
        let frame = Frame::decode(payload, Reading::Compatible)
            .map_err(|error| Ending::Protocol(error.to_string()))?;
        match deliver(&frame, driver.creation, &mut driver.processes)? {
            Offered::Taken => Ok(()),
            Offered::Stale | Offered::NoMessage => driver.session.frame(&frame, &mut driver.processes),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        if self.broken.is_some() {
            return Poll::Pending;
        }
        match self.try_write(cx) {
            // What has come is still read: the end of the stream, or a read error, ends the session.
            Poll::Ready(Err(error)) => {
                self.broken = Some(error);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Ok(Some(ending))) => Poll::Ready(Err(ending)),
            Poll::Ready(Ok(None)) => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }

    fn try_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Ending>>> {
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
            match self.driver.session.refill(&mut self.out, WRITE_BYTES, cx.waker()) {
                Refill::Bytes => self.show_written(),
                refill => {
                    let stream = Pin::new(&mut self.driver.stream);
                    if self.unflushed {
                        ready!(stream.poll_flush(cx))?;
                        self.unflushed = false;
                        self.taken = self.driver.clock.now();
                        return Poll::Ready(Ok(None));
                    }
                    if refill == Refill::Stopping {
                        // Whether close_notify still goes out changes nothing any more.
                        let _ = ready!(stream.poll_shutdown(cx));
                        return Poll::Ready(Ok(Some(Ending::Stopped)));
                    }
                    self.taken = self.driver.clock.now();
                    return Poll::Pending;
                }
            }
        }
        let bytes = self.out.get(self.written..).unwrap_or_default();
        let count = ready!(Pin::new(&mut self.driver.stream).poll_write(cx, bytes))?;
        self.written += count;
        self.unflushed = true;
        self.taken = self.driver.clock.now();
        Poll::Ready(Ok(None))
    }

    fn show_written(&self) {
        let Some(tap) = &self.driver.tap else { return };
        for payload in Frames::new(&self.out, FRAME_BYTES_MAX).flatten() {
            tap.see(&self.driver.session.peer.name, Direction::Out, payload);
        }
    }

    /// Judges the deadlines. Both halves have found nothing to do, so what has arrived has been read.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        let now = self.driver.clock.now();
        let (heartbeat, stop) = self.driver.session.deadlines(cx.waker());
        let stop_at = stop.map(|stop| *self.stop_at.get_or_insert(now + stop.patience));
        let queued = self.written < self.out.len() || self.unflushed || self.broken.is_some();
        let drained_at = queued.then(|| self.taken + DRAIN_DEADLINE);
        if stop_at.is_some_and(|stop_at| now >= stop_at) {
            return Poll::Ready(Err(Ending::Stopped));
        }
        if drained_at.is_some_and(|drained_at| now >= drained_at) {
            return Poll::Ready(Err(Ending::Stuck));
        }
        if now >= heartbeat {
            self.driver.session.timeout(now)?;
            self.give_back_room();
            return Poll::Ready(Ok(()));
        }
        self.sleep(heartbeat.min(stop_at.unwrap_or(heartbeat)).min(drained_at.unwrap_or(heartbeat)), cx)
    }

    /// Sleeps until `due` at the latest: a timer that is set early enough is left as it is, since deadlines move on
    /// with every byte that comes.
    fn sleep(&mut self, due: Duration, cx: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        if due < self.timer_at || self.timer.is_elapsed() {
            self.timer_at = due;
            self.timer.as_mut().reset(self.driver.clock.at(due));
        }
        self.timer.as_mut().poll(cx).map(Ok)
    }

    /// An idle connection keeps no buffers.
    fn give_back_room(&mut self) {
        if self.inbox.is_empty() {
            self.inbox = BytesMut::new();
        }
        if self.out.is_empty() {
            self.out = Vec::new();
        }
    }

    fn lost(&self, why: &str) -> Ending {
        match &self.broken {
            Some(error) => Ending::Lost(format!("writing failed: {error}")),
            None => Ending::Lost(why.to_owned()),
        }
    }

    /// Tells a peer that broke the protocol what it did, if the connection takes it at once.
    async fn say_why(&mut self, ending: &Ending) {
        let (code, text) = match ending {
            Ending::Protocol(text) => (CODE_PROTOCOL_ERROR, text.as_str()),
            Ending::AnswersUnread => (CODE_LIMIT, "answers are not read"),
            _ => return,
        };
        self.driver.session.stop(code, text, Stop { patience: Duration::ZERO });
        poll_fn(|cx| {
            for _ in 0..STEPS_MAX {
                if !matches!(self.try_write(cx), Poll::Ready(Ok(None))) {
                    break;
                }
            }
            Poll::Ready(())
        })
        .await;
    }
}

/// Codes of CLOSE: `dist.md`, "CLOSE".
pub(crate) const CODE_SHUTDOWN: u16 = 0;
/// See [`CODE_SHUTDOWN`].
pub(crate) const CODE_PROTOCOL_ERROR: u16 = 1;
/// See [`CODE_SHUTDOWN`].
pub(crate) const CODE_LIMIT: u16 = 2;
/// See [`CODE_SHUTDOWN`].
pub(crate) const CODE_REPLACED: u16 = 3;
