//! The loop, in virtual time, over pipes and over transports that do what is said.

#![allow(clippy::disallowed_methods, reason = "tests run on the runtime they are in")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use snow_dist_codec::frame::{Close, Exit, Ping, Pong, Send};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Frame, Pid as WirePid, Reading, Root};
use tokio::io::{AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio::runtime::Handle;
use tokio::time::{advance, sleep, timeout};

use super::*;
use crate::core::connection::{Close as Order, Connection, ConnectionEvent};
use crate::core::epochs::Facts;
use crate::core::handshake::Bounds;
use crate::core::limits::DRAIN_DEADLINE;
use crate::core::peers::ConnectionId;
use crate::core::session::{Config, Ending, Rights, Timing, Version};
use crate::core::{NodeNumber, Pid, Reason};
use crate::node::Node;
use crate::numbers::SharedNumbers;
use crate::process::remote::{Denied, Interested, Sender};
use crate::process::table::ProcessTable;
use crate::process::{Context as Process, Received};
use crate::sync::{Executor, Mutex};

mod held_up;
mod turns;
mod version_1;

/// The creation of both nodes.
const CREATION: u8 = 1;

/// The process of this number.
fn by(local: u64) -> Sender<'static> {
    Sender::program(Pid::new(NodeNumber::HERE, CREATION, local))
}

/// What has no endpoint.
struct Alone(Option<Delivery>);

impl Host for Alone {
    fn hear(&mut self, _: EndpointEvent) {}

    fn came_up(&mut self) -> Option<Delivery> {
        self.0.take()
    }
}

/// One node, as far as its driver needs it.
struct End {
    table: Arc<ProcessTable>,
    session: Arc<SessionHandle>,
    clock: Clock,
}

impl End {
    fn new() -> Self {
        Self::speaking(Version::Two)
    }

    fn speaking(version: Version) -> Self {
        let clock = Clock::start();
        let number = NodeNumber::other(1).unwrap();
        let config = Config {
            version,
            peer: number,
            peer_creation: CREATION,
            creation: CREATION,
            capabilities: Capabilities::NONE,
            bounds: Bounds::default(),
            peer_bounds: Bounds::default(),
            timing: Timing::default(),
            ping: [0; 8],
        };
        let core = Connection::of_session(&config, clock.now());
        let session = SessionHandle::new(ConnectionId(1), None, core, SharedNumbers::default());
        let facts = Facts { name: "b@h:1".into(), incarnation: None, config };
        session.tell(ConnectionEvent::Up(Box::new(facts), Rights::default()), clock.now()).wake();
        let table = ProcessTable::new("a@h:1", CREATION, Executor(Handle::current()));
        Self { table, session: Arc::new(session), clock }
    }

    fn delivery(&self) -> Delivery {
        let session: Arc<dyn Interested> = self.session.clone();
        let (table, numbers) = (self.table.clone(), SharedNumbers::default());
        Delivery::new(table, Arc::downgrade(&session), "peer@h:1".into(), numbers)
    }

    fn driver<S: Transport>(&self, stream: S) -> Driver<S, Alone> {
        let host = Alone(Some(self.delivery()));
        Driver::new(stream, host, self.session.clone(), self.clock, None)
    }

    async fn run<S: Transport>(&self, stream: S) -> Ending {
        self.driver(stream).run().await;
        self.ending()
    }

    fn ending(&self) -> Ending {
        self.session.ending().unwrap().of_session().unwrap().clone()
    }

    /// Ends the session gracefully, with so much patience.
    fn stop(&self, code: u16, patience: Duration) {
        let order = Order { code, text: "stop", patience };
        self.session.tell(ConnectionEvent::Close(order), self.clock.now()).wake();
    }

    /// A process that gives the lengths of the first `count` messages it receives.
    fn receiver(&self, count: usize) -> (Pid, tokio::sync::oneshot::Receiver<Vec<usize>>) {
        let (tell, told) = tokio::sync::oneshot::channel();
        let pid = Node::of(self.table.clone()).spawn(async move |mut process: Process| {
            let mut lengths = Vec::new();
            while lengths.len() < count {
                let Received::Message(message) = process.recv().await else { panic!("no message") };
                lengths.push(message.as_bytes().len());
            }
            tell.send(lengths).unwrap();
        });
        (pid.unwrap(), told)
    }
}

/// A frame with a message of so many bytes to process 1.
fn message(length: usize) -> Vec<u8> {
    let (to, message) = (WirePid::new(0, CREATION, 1).unwrap(), vec![7; length]);
    let mut framed = Vec::new();
    Frame::from(Send { to, message: &message }).encode_framed(FRAME_BYTES_MAX, &mut framed).unwrap();
    framed
}

fn pong() -> Vec<u8> {
    let mut framed = Vec::new();
    Frame::from(Pong { payload: &[0; 8] }).encode_framed(FRAME_BYTES_MAX, &mut framed).unwrap();
    framed
}

/// To yield once lets the runtime look at its timers.
async fn let_time_pass(time: Duration) {
    advance(time).await;
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
}

/// One end of a pipe.
struct Pipe {
    end: DuplexStream,
    bytes_taken: u64,
    /// How often it was asked for bytes.
    reads: usize,
}

impl Pipe {
    const fn new(end: DuplexStream) -> Self {
        Self { end, bytes_taken: 0, reads: 0 }
    }
}

/// A peer's end, and that of a driver.
fn pipe(bytes: usize) -> (DuplexStream, Pipe) {
    let (peer, end) = duplex(bytes);
    (peer, Pipe::new(end))
}

impl Transport for Pipe {
    fn bytes_taken(&self) -> u64 {
        self.bytes_taken
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.reads += 1;
        Pin::new(&mut self.end).poll_read(cx, buf)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.end).poll_write(cx, bytes))?;
        self.bytes_taken += count as u64;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.end).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.end).poll_shutdown(cx)
    }
}

/// A transport that holds back all that it is given, as TLS does while its connection takes nothing, or little.
struct HoldsBack {
    /// How much the connection has taken of that.
    bytes_taken: Arc<AtomicU64>,
}

impl Transport for HoldsBack {
    fn bytes_taken(&self) -> u64 {
        self.bytes_taken.load(Ordering::SeqCst)
    }
}

impl AsyncRead for HoldsBack {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for HoldsBack {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

/// A transport that takes bytes or does not, and that always has something to be read or never has.
struct Stub {
    /// How often there is something to be read before the test has failed.
    reads_max: usize,
    taking: Arc<AtomicBool>,
    bytes_taken: u64,
}

impl Transport for Stub {
    fn bytes_taken(&self) -> u64 {
        self.bytes_taken
    }
}

impl AsyncRead for Stub {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.reads_max == 0 {
            return Poll::Pending;
        }
        self.reads_max -= 1;
        assert_ne!(self.reads_max, 0, "the driver reads without end");
        buf.put_slice(&pong());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stub {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.taking.load(Ordering::SeqCst) {
            return Poll::Pending;
        }
        self.bytes_taken += bytes.len() as u64;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A transport that gives what it has and then the end, and takes nothing.
struct Broken(DuplexStream);

impl Transport for Broken {
    fn bytes_taken(&self) -> u64 {
        0
    }
}

impl AsyncRead for Broken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Broken {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

//= spec/connection.md#con-rdw-001
//= type=test
//# A node MUST go on reading a session while the transport takes no byte.
#[tokio::test(start_paused = true)]
async fn both_ends_write_at_once_over_a_pipe_of_64_bytes() {
    let (a, b) = (End::new(), End::new());
    let (one, other) = duplex(64);
    let (one, other) = (Pipe::new(one), Pipe::new(other));
    let ends = [&a, &b].map(|end| end.receiver(100));
    for end in [&a, &b] {
        for length in 0..100 {
            end.session.send(&by(1), 1, &vec![7; 100 * length]).wake().unwrap();
        }
    }
    let told = async {
        for (_, told) in ends {
            assert_eq!(told.await.unwrap(), (0..100).map(|length| 100 * length).collect::<Vec<_>>());
        }
    };
    tokio::select! {
        ending = a.run(one) => panic!("{ending}"),
        ending = b.run(other) => panic!("{ending}"),
        () = told => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_floods_and_does_not_read_does_not_put_off_an_order_to_end() {
    let end = End::new();
    end.session.send(&by(1), 1, b"never taken").wake().unwrap();
    let stub = Stub { reads_max: 100_000, taking: Arc::default(), bytes_taken: 0 };
    end.stop(Close::SHUTDOWN, Duration::ZERO);
    assert_eq!(end.run(stub).await, Ending::Stopped);
}

//= spec/connection.md#con-que-010
//= type=test
//# A node MUST end a session in which something waits and the transport has taken no byte for
//# `drain_deadline`.
#[tokio::test(start_paused = true)]
async fn a_peer_that_floods_and_does_not_read_is_cut_at_the_drain_deadline() {
    let end = Arc::new(End::new());
    end.session.send(&by(1), 1, b"never taken").wake().unwrap();
    let stub = Stub { reads_max: 1_000_000, taking: Arc::default(), bytes_taken: 0 };
    let running = tokio::spawn({
        let end = end.clone();
        async move { end.run(stub).await }
    });
    // A task that always has something to read keeps the clock from going on by itself.
    while !running.is_finished() {
        let_time_pass(DRAIN_DEADLINE / 100).await;
    }
    assert_eq!(running.await.unwrap(), Ending::Stuck);
    let now = end.clock.now();
    assert!(now >= DRAIN_DEADLINE && now < DRAIN_DEADLINE * 5 / 4, "{now:?}");
}

#[tokio::test(start_paused = true)]
async fn the_drain_deadline_counts_from_when_there_was_something_to_take() {
    let end = Arc::new(End::new());
    let taking = Arc::new(AtomicBool::new(true));
    let stub = Stub { reads_max: 0, taking: taking.clone(), bytes_taken: 0 };
    let running = tokio::spawn({
        let end = end.clone();
        async move { end.run(stub).await }
    });
    sleep(DRAIN_DEADLINE + Duration::from_secs(1)).await;
    taking.store(false, Ordering::SeqCst);
    end.session.send(&by(1), 1, b"late").wake().unwrap();
    sleep(Duration::from_secs(10)).await;
    assert!(!running.is_finished());
    sleep(DRAIN_DEADLINE).await;
    assert_eq!(running.await.unwrap(), Ending::Stuck);
}

//= spec/connection.md#con-rdw-004
//= type=test
//# A node that cannot write in a session any more SHOULD handle the frames that still arrive until the stream
//# ends, reading fails too, or `drain_deadline` has passed.
#[tokio::test(start_paused = true)]
async fn messages_that_only_tls_takes_do_not_put_off_the_drain_deadline() {
    let end = Arc::new(End::new());
    let running = tokio::spawn({
        let end = end.clone();
        async move { end.run(HoldsBack { bytes_taken: Arc::default() }).await }
    });
    for _ in 0..3 {
        end.session.send(&by(1), 1, b"small").wake().unwrap();
        sleep(DRAIN_DEADLINE / 3).await;
    }
    assert_eq!(running.await.unwrap(), Ending::Stuck);
    assert!(end.clock.now() < DRAIN_DEADLINE + Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_takes_a_byte_now_and_then_is_not_stuck() {
    let end = Arc::new(End::new());
    let bytes_taken = Arc::new(AtomicU64::new(0));
    end.session.send(&by(1), 1, &[7; 1_000]).wake().unwrap();
    let mut running = end.driver(HoldsBack { bytes_taken: bytes_taken.clone() });
    for taken in 1..=4 {
        let turns = poll_fn(|cx| running.turn(cx));
        assert!(timeout(DRAIN_DEADLINE / 3, turns).await.is_err());
        bytes_taken.store(taken, Ordering::SeqCst);
    }
    let Over = poll_fn(|cx| running.turn(cx)).await;
    assert_eq!(end.ending(), Ending::Stuck);
    assert!(end.clock.now() >= 4 * (DRAIN_DEADLINE / 3) + DRAIN_DEADLINE, "counted from the last byte");
}

#[tokio::test(start_paused = true)]
async fn what_has_come_before_a_write_error_is_read_to_the_end() {
    let end = End::new();
    let (_, told) = end.receiver(2);
    let (mut peer, stream) = pipe(1 << 20);
    end.session.send(&by(1), 1, b"never taken").wake().unwrap();
    let talking = async {
        sleep(Duration::from_secs(1)).await;
        peer.write_all(&message(1)).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        peer.write_all(&message(2)).await.unwrap();
        drop(peer);
    };
    let (ending, ()) = tokio::join!(end.run(Broken(stream.end)), talking);
    assert!(matches!(&ending, Ending::Lost(why) if why.contains("broken pipe")), "{ending}");
    assert_eq!(told.await.unwrap(), [1, 2]);
}

//= spec/connection.md#con-cls-008
//= type=test
//# A node that has written CLOSE with code 0 MUST go on reading until `shutdown_patience` has passed since it
//# began to end the session, unless the session ends before.
#[tokio::test(start_paused = true)]
async fn a_session_that_is_stopped_reads_on_until_its_peer_closes() {
    let end = End::new();
    let (_, told) = end.receiver(1);
    let (mut peer, stream) = pipe(1 << 20);
    end.session.send(&by(1), 1, b"first").wake().unwrap();
    end.stop(Close::SHUTDOWN, Duration::from_secs(5));
    assert!(matches!(end.session.send(&by(1), 1, b"too late").wake(), Err(Denied::NotConnected)));
    let talking = async {
        let mut heard = Vec::new();
        peer.read_to_end(&mut heard).await.unwrap();
        peer.write_all(&message(3)).await.unwrap();
        drop(peer);
        heard
    };
    let (ending, heard) = tokio::join!(end.run(stream), talking);
    assert_eq!(ending, Ending::Stopped);
    assert_eq!(told.await.unwrap(), [3]);
    let heard: Vec<_> = Frames::new(&heard, FRAME_BYTES_MAX).flatten().map(read).collect();
    assert!(matches!(heard[..], [Frame::Send(_), Frame::Close(_)]), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_close_is_waited_for_as_long_as_was_said() {
    let end = End::new();
    let (_peer, stream) = pipe(1 << 20);
    end.stop(Close::SHUTDOWN, Duration::from_secs(5));
    let begun = end.clock.now();
    assert_eq!(end.run(stream).await, Ending::Stopped);
    assert_eq!((end.clock.now() - begun).as_secs(), 5);
}

//= spec/connection.md#con-elc-017
//= type=test
//# A node that ends a session for another connection MUST NOT wait until what is queued in that session has been written.
#[tokio::test(start_paused = true)]
async fn a_session_that_is_being_closed_gives_way_at_once() {
    let end = End::new();
    let (mut peer, stream) = pipe(1 << 20);
    end.stop(Close::SHUTDOWN, Duration::from_secs(5));
    let begun = end.clock.now();
    let taking_over = async {
        sleep(Duration::from_secs(1)).await;
        end.stop(Close::REPLACED, Duration::ZERO);
        // What asks for more patience comes too late.
        end.stop(Close::SHUTDOWN, Duration::from_secs(5));
    };
    let (ending, ()) = tokio::join!(end.run(stream), taking_over);
    assert_eq!((ending, (end.clock.now() - begun).as_secs()), (Ending::Stopped, 1));
    let mut heard = Vec::new();
    peer.read_to_end(&mut heard).await.unwrap();
    let heard: Vec<_> = Frames::new(&heard, FRAME_BYTES_MAX).flatten().map(read).collect();
    assert!(matches!(&heard[..], [Frame::Close(close)] if close.code == Close::SHUTDOWN), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_breaks_the_protocol_is_told() {
    let end = End::new();
    let (mut peer, stream) = pipe(1 << 20);
    peer.write_all(&[1, 0, 0, 0, 0x13]).await.unwrap();
    let ending = end.run(stream).await;
    assert!(matches!(ending, Ending::Protocol(_)), "{ending}");
    let mut heard = Vec::new();
    peer.read_to_end(&mut heard).await.unwrap();
    let heard: Vec<_> = Frames::new(&heard, FRAME_BYTES_MAX).flatten().map(read).collect();
    assert!(matches!(&heard[..], [Frame::Close(close)] if close.code == Close::PROTOCOL_ERROR), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn it_is_told_behind_all_that_is_queued_if_the_stream_takes_that() {
    // Two of them do not fit into one write.
    const BYTES: usize = 40 << 10;
    let end = End::new();
    let (mut peer, stream) = pipe(16 << 20);
    for _ in 0..200 {
        end.session.send(&by(1), 1, &[7; BYTES]).wake().unwrap();
    }
    peer.write_all(&[1, 0, 0, 0, 0x13]).await.unwrap();
    let ending = end.run(stream).await;
    assert!(matches!(ending, Ending::Protocol(_)), "{ending}");
    let mut heard = Vec::new();
    peer.read_to_end(&mut heard).await.unwrap();
    let heard: Vec<_> = Frames::new(&heard, FRAME_BYTES_MAX).flatten().collect();
    assert_eq!(heard.iter().filter(|payload| payload.len() > BYTES).count(), 200);
    assert!(
        matches!(read(heard.last().unwrap()), Frame::Close(close) if close.code == Close::PROTOCOL_ERROR)
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_keeps_little_memory_and_still_reads_large_frames() {
    const LARGE: usize = 1 << 20;
    let end = End::new();
    let (_, told) = end.receiver(2);
    let (mut peer, stream) = pipe(64 << 10);
    let mut running = end.driver(stream);
    end.session.send(&by(1), 1, &vec![7; LARGE]).wake().unwrap();
    let mut run_while = async |talking: &mut (dyn Future<Output = ()> + Unpin)| {
        tokio::select! {
            Over = poll_fn(|cx| running.turn(cx)) => panic!("{}", end.ending()),
            () = talking => {}
        }
        (running.inbound.buffer().capacity(), running.out.capacity())
    };

    let mut talking = Box::pin(async {
        peer.read_exact(&mut vec![0; message(LARGE).len()]).await.unwrap();
        peer.write_all(&message(LARGE)).await.unwrap();
    });
    let (inbox, _) = run_while(&mut talking).await;
    assert!(inbox > READ_BYTES_IDLE);
    drop(talking);
    let (inbox, _) = run_while(&mut Box::pin(sleep(Duration::from_secs(1)))).await;
    assert_eq!(inbox, 0, "all has been read");

    // Two heartbeats; each is answered.
    let mut idle = Box::pin(async {
        for _ in 0..2 {
            sleep(Timing::default().interval).await;
            peer.write_all(&pong()).await.unwrap();
        }
        sleep(Duration::from_secs(1)).await;
    });
    let (inbox, out) = run_while(&mut idle).await;
    assert!(inbox == 0 && out <= READ_BYTES_IDLE, "{inbox} and {out} bytes");
    drop(idle);

    let mut again = Box::pin(async {
        peer.write_all(&message(LARGE)).await.unwrap();
        assert_eq!(told.await.unwrap(), [LARGE, LARGE]);
    });
    let (inbox, _) = run_while(&mut again).await;
    assert!(inbox <= 4 * READ_BYTES, "{inbox} bytes are left of a large frame");
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_set_early_enough_is_left_as_it_is() {
    let end = End::new();
    let (mut peer, stream) = pipe(1 << 10);
    let mut running = end.driver(stream);
    let mut set = Vec::new();
    for _ in 0..10 {
        let turns = poll_fn(|cx| running.turn(cx));
        assert!(timeout(Duration::from_secs(1), turns).await.is_err());
        set.push(running.timer_at);
        peer.write_all(&pong()).await.unwrap();
    }
    set.dedup();
    assert_eq!(set, [Timing::default().interval]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_dead_and_its_links_end() {
    let end = End::new();
    let (_peer, stream) = pipe(1 << 10);
    let cell = end.table.add(crate::process::Mailbox::default()).unwrap();
    let session: Arc<dyn Interested> = end.session.clone();
    end.session.link(cell.local(), 9, || cell.attach(&Arc::downgrade(&session))).unwrap();
    assert_eq!(end.run(stream).await, Ending::Silent);
    end.session.end(&mut end.delivery());
    let Reason::Linked(chain) = cell.die(Reason::Normal).doom.reason() else { panic!("no exit signal") };
    assert_eq!(chain.root, Reason::Noconnection);
}

/// What waited to be written may be over when its turn comes: the two ends of a link have ended at once.
#[tokio::test(start_paused = true)]
async fn nothing_to_write_after_all_does_not_end_the_session() {
    let end = End::new();
    let (mut peer, stream) = pipe(1 << 10);
    let (own, theirs) = (WirePid::new(0, CREATION, 1).unwrap(), WirePid::new(0, CREATION, 9).unwrap());
    let _ = end.table.add(crate::process::Mailbox::default()).unwrap();
    end.session.link(1, 9, || true).unwrap();
    end.session.refill(end.clock.now(), true, &mut Vec::new(), 1 << 10);
    end.session.process_ended(1, &Reason::Normal);
    let mut arrived = Vec::new();
    let exit = Exit { from: theirs, to: own, reason: Root::Normal.into() };
    Frame::from(exit).encode_framed(FRAME_BYTES_MAX, &mut arrived).unwrap();
    Frame::from(Ping { payload: &[7; 8] }).encode_framed(FRAME_BYTES_MAX, &mut arrived).unwrap();
    let (first, second) = arrived.split_at(arrived.len() - 13);
    let talking = async {
        sleep(Duration::from_secs(1)).await;
        peer.write_all(second).await.unwrap();
        let mut heard = [0; 13];
        peer.read_exact(&mut heard).await.unwrap();
        drop(peer);
        heard
    };
    let mut running = end.driver(stream);
    running.inbound.buffer().extend_from_slice(first);
    let running = async {
        let Over = poll_fn(|cx| running.turn(cx)).await;
        end.ending()
    };
    let (ending, heard) = tokio::join!(running, talking);
    assert_eq!(
        (ending, read(&heard[4..])),
        (Ending::Lost("the peer is gone".to_owned()), Frame::from(Pong { payload: &[7; 8] }))
    );
}

#[tokio::test]
async fn who_has_ended_is_not_linked() {
    let end = End::new();
    end.session.link(1, 9, || false).unwrap();
    end.session.monitor(1, 9, 7, || false).unwrap();
    let refill = end.session.refill(end.clock.now(), true, &mut Vec::new(), 1);
    assert_eq!(refill.given, Transmit::Nothing);
}

fn read(payload: &[u8]) -> Frame<'_> {
    Frame::decode(payload, Reading::Compatible).unwrap()
}
