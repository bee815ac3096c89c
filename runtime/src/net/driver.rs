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
        // Who always has something to say puts off neither an order to end nor the drain deadline.
        if let Err(ending) = self.judge(self.driver.clock.now(), cx) {
            return Poll::Ready(ending);
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
        let (heartbeat, due) = self.judge(now, cx)?;
        if now >= heartbeat {
            self.driver.session.timeout(now)?;
            self.give_back_room();
            return Poll::Ready(Ok(()));
        }
        self.sleep(due, cx)
    }

    /// Judges the deadlines that nothing the peer says can move: an order's to end, and the drain deadline. Gives
    /// when the heartbeat is due, and when anything is.
    fn judge(&mut self, now: Duration, cx: &Context<'_>) -> Result<(Duration, Duration), Ending> {
        let (heartbeat, stop) = self.driver.session.deadlines(cx.waker());
        let stop_at = stop.map(|stop| *self.stop_at.get_or_insert(now + stop.patience));
        let queued = self.written < self.out.len() || self.unflushed || self.broken.is_some();
        let drained_at = queued.then(|| self.taken + DRAIN_DEADLINE);
        if stop_at.is_some_and(|stop_at| now >= stop_at) {
            return Err(Ending::Stopped);
        }
        if drained_at.is_some_and(|drained_at| now >= drained_at) {
            return Err(Ending::Stuck);
        }
        Ok((heartbeat, heartbeat.min(stop_at.unwrap_or(heartbeat)).min(drained_at.unwrap_or(heartbeat))))
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

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use std::sync::Mutex;

    use tokio::io::{DuplexStream, ReadBuf};
    use tokio::sync::oneshot;

    use super::*;
    use crate::core::limits::{HEARTBEAT_INTERVAL, LINKS_AND_MONITORS_MAX, SESSION_QUEUE_BYTES_MAX};
    use crate::core::session::{Config, Timing};
    use crate::core::{NodeNumber, Session};
    use crate::process::sync::Executor;
    use crate::process::table::{ProcessTable, Tie};
    use crate::process::{Context as Process, Mailbox};
    use crate::session::Peer;

    const CREATION: u8 = 3;
    const PATIENCE: Duration = Duration::from_secs(5);

    /// One end of a session. Its first process has the number 1.
    struct End {
        table: Arc<ProcessTable>,
        session: Arc<SessionHandle>,
        clock: Clock,
    }

    impl End {
        fn new() -> Self {
            let (clock, number) = (Clock::start(), NodeNumber::other(1).unwrap());
            let config = Config {
                peer: number,
                peer_creation: CREATION,
                creation: CREATION,
                frame_bytes_max: FRAME_BYTES_MAX,
                links_and_monitors_max: LINKS_AND_MONITORS_MAX,
                timing: Timing::default(),
                ping: [0; 8],
            };
            let peer = Peer { name: "peer@h:1".into(), number, creation: CREATION };
            let session = Arc::new(SessionHandle::new(peer, Session::new(&config, clock.now())));
            Self { table: ProcessTable::new("", CREATION, Executor::current()), session, clock }
        }

        fn driver<S>(&self, stream: S) -> Driver<S> {
            let interested: Arc<dyn crate::process::remote::Interested> = self.session.clone();
            Driver {
                stream,
                session: self.session.clone(),
                creation: CREATION,
                processes: Delivery::new(self.table.clone(), Arc::downgrade(&interested)),
                clock: self.clock,
                tap: None,
                on_life: Box::new(|| ()),
            }
        }

        /// Starts a process that takes so many messages; gives their lengths.
        fn taking(&self, count: usize) -> oneshot::Receiver<Vec<usize>> {
            let (tell, told) = oneshot::channel();
            let take = async move |mut process: Process| {
                let mut lengths = Vec::new();
                while lengths.len() < count {
                    lengths.push(process.recv().await.into_message().unwrap().as_bytes().len());
                }
                tell.send(lengths).unwrap();
            };
            self.table.spawn(Mailbox::default(), Tie::None, take).unwrap();
            told
        }

        fn queue(&self, lengths: &[usize]) {
            for length in lengths {
                self.session.send(1, 1, &vec![7; *length]).unwrap();
            }
        }

        fn stop(&self, patience: Duration) {
            self.session.stop(CODE_SHUTDOWN, "enough", Stop { patience });
        }
    }

    /// A transport that a test makes of two functions, one for each direction.
    struct Transport<R, W> {
        read: R,
        write: W,
    }

    impl<R, W> AsyncRead for Transport<R, W>
    where
        R: FnMut(&mut ReadBuf<'_>) -> Poll<io::Result<()>> + Unpin,
        W: Unpin,
    {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            (self.get_mut().read)(buffer)
        }
    }

    impl<R, W> AsyncWrite for Transport<R, W>
    where
        R: Unpin,
        W: FnMut(&[u8]) -> Poll<io::Result<usize>> + Unpin,
    {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            (self.get_mut().write)(bytes)
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// A PING, as it comes.
    const PING: [u8; 13] = *b"\x09\0\0\0\xF012345678";

    /// Every read brings something.
    fn flood(buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        buffer.put_slice(&PING);
        Poll::Ready(Ok(()))
    }

    fn deaf(_: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    #[tokio::test]
    async fn both_ends_write_at_once_over_a_pipe_of_64_bytes() {
        let (one, other): (DuplexStream, DuplexStream) = tokio::io::duplex(64);
        let ends = [End::new(), End::new()];
        let lengths: Vec<_> = (0..200).map(|number| number * 31 % 3_000).collect();
        let told = ends.each_ref().map(|end| end.taking(lengths.len()));
        ends.iter().for_each(|end| end.queue(&lengths));
        let drivers = [tokio::spawn(ends[0].driver(one).run(BytesMut::new())), {
            tokio::spawn(ends[1].driver(other).run(BytesMut::new()))
        }];
        for told in told {
            assert_eq!(told.await.unwrap(), lengths);
        }
        ends[0].stop(PATIENCE);
        let [stopped, told] = drivers;
        assert_eq!(stopped.await.unwrap(), Ending::Stopped);
        let closed = Ending::Closed { code: CODE_SHUTDOWN, text: "enough".into() };
        assert_eq!(told.await.unwrap(), closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_transport_that_takes_no_byte_is_given_up_after_the_drain_deadline() {
        let end = End::new();
        end.queue(&[100]);
        let quiet = Transport { read: |_: &mut ReadBuf<'_>| Poll::Pending, write: deaf };
        assert_eq!(end.driver(quiet).run(BytesMut::new()).await, Ending::Stuck);
        assert_eq!(end.clock.now(), DRAIN_DEADLINE);
        assert!(DRAIN_DEADLINE < HEARTBEAT_INTERVAL);
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_to_end_waits_no_longer_than_its_patience() {
        let end = End::new();
        end.queue(&[100]);
        end.stop(PATIENCE);
        let quiet = Transport { read: |_: &mut ReadBuf<'_>| Poll::Pending, write: deaf };
        assert_eq!(end.driver(quiet).run(BytesMut::new()).await, Ending::Stopped);
        assert_eq!(end.clock.now(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn who_floods_and_does_not_read_cannot_put_off_an_order_to_end() {
        let end = End::new();
        end.queue(&[100]);
        end.stop(Duration::ZERO);
        let driver = end.driver(Transport { read: flood, write: deaf }).run(BytesMut::new());
        let ended = tokio::time::timeout(Duration::from_secs(1), driver);
        let ticking = async {
            loop {
                tokio::time::advance(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            ended = ended => assert_eq!(ended, Ok(Ending::Stopped)),
            () = ticking => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_floods_and_does_not_read_cannot_put_off_the_drain_deadline() {
        let end = End::new();
        end.queue(&[100]);
        let driver = end.driver(Transport { read: flood, write: deaf }).run(BytesMut::new());
        let ended = tokio::time::timeout(2 * DRAIN_DEADLINE, driver);
        let ticking = async {
            loop {
                tokio::time::advance(Duration::from_secs(1)).await;
            }
        };
        tokio::select! {
            ended = ended => assert_eq!(ended, Ok(Ending::Stuck)),
            () = ticking => {}
        }
    }

    #[tokio::test]
    async fn after_a_write_error_what_has_come_is_still_read() {
        let end = End::new();
        let told = end.taking(3);
        end.queue(&[100]);
        let message = [&[13, 0, 0, 0, 0x10, 1, 0, 0, 0, 0, CREATION, 0, 0][..], b"four"].concat();
        let mut left = 3;
        let read = move |buffer: &mut ReadBuf<'_>| {
            if left > 0 {
                buffer.put_slice(&message);
                left -= 1;
            }
            Poll::Ready(Ok(()))
        };
        let fails = |_: &[u8]| Poll::Ready(Err(io::Error::other("broken pipe")));
        let ending = end.driver(Transport { read, write: fails }).run(BytesMut::new()).await;
        assert_eq!(ending, Ending::Lost("writing failed: broken pipe".into()));
        assert_eq!(told.await.unwrap(), [4, 4, 4]);
    }

    #[tokio::test]
    async fn writes_of_any_size_keep_the_stream_whole() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let end = End::new();
        let lengths: Vec<_> = (0..100).map(|number| number * 97 % 5_000).collect();
        end.queue(&lengths);
        end.stop(PATIENCE);
        let (out, mut turn) = (written.clone(), 0);
        let write = move |bytes: &[u8]| {
            turn = turn % 7 + 1;
            let taken = bytes.len().min(turn * 11);
            out.lock().unwrap().extend_from_slice(&bytes[..taken]);
            Poll::Ready(Ok(taken))
        };
        let quiet = Transport { read: |_: &mut ReadBuf<'_>| Poll::Pending, write };
        assert_eq!(end.driver(quiet).run(BytesMut::new()).await, Ending::Stopped);
        let written = written.lock().unwrap();
        let mut sent: Vec<_> =
            Frames::new(&written, FRAME_BYTES_MAX).map(|payload| payload.unwrap().len()).collect();
        let close = sent.pop().unwrap();
        assert!(close < 100 && sent == lengths.iter().map(|length| length + 9).collect::<Vec<_>>());
        assert!(written.len() < SESSION_QUEUE_BYTES_MAX);
    }
}
