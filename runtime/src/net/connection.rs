//! The life of a connection on tokio: TCP or another network, TLS, then the driver; whatever ends it, a guard's drop says so to
//! the registry.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use snow_dist_codec::NodeName;
use tokio::sync::oneshot;
use tokio::time::sleep_until;
use tokio_rustls::TlsStream;

use super::Net;
use super::ahead::ReadAhead;
use super::driver::{Driver, Host, Transport};
use super::tls::in_words;
use crate::connect_error::{ConnectError, Stage};
use crate::core::Shown;
use crate::core::connection::{Ending, EndpointEvent, GiveWay, Waits};
use crate::core::handshake::{Channel, Failure};
use crate::core::peers::Refusal;
use crate::foreign::event;
use crate::network::Connection;
use crate::notices::Cause;
use crate::process::Delivery;
use crate::random::randomness;
use crate::sessions::SessionHandle;
use crate::tls::exporter;

/// Bytes that TLS may hold for a socket that takes none. These, and what the driver has gathered, stand before every
/// signal that comes later, so both together stay below `signal_delay_bytes_max`.
const TLS_UNSENT_BYTES: usize = 56 << 10;

/// The transport of a session.
type Stream = TlsStream<ReadAhead>;

impl Transport for Stream {
    fn bytes_taken(&self) -> u64 {
        self.get_ref().0.bytes_taken()
    }
}

/// Reports a connection's end, however it comes about: also when its task panics, or goes with its runtime.
pub(super) struct Guard {
    net: Arc<Net>,
    session: Arc<SessionHandle>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.net.registry.finish(&self.session);
    }
}

/// Where a dial's outcome is awaited.
type Outcome = oneshot::Sender<Result<(), Box<Failed>>>;

/// A dial has not become a session.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) ending: Ending,
    /// The same for the program.
    pub(super) error: ConnectError,
    /// The stream had just ended, without a word.
    pub(super) closed_early: bool,
}

/// Who has dialled, and hears of it if the connection becomes no session.
enum Wanted {
    /// This node; until it is known what has come of it.
    Here(Option<Outcome>),
    /// A peer, from there: the operator is told.
    By(SocketAddr),
}

/// A connection, as its driver has it.
struct Life {
    guard: Guard,
    wanted: Wanted,
}

impl Host for Life {
    fn hear(&mut self, event: EndpointEvent) {
        self.guard.net.registry.hear(self.guard.session.id, event);
    }

    fn came_up(&mut self) -> Option<Delivery> {
        let Guard { net, session } = &self.guard;
        // Whoever has brought it up may not have told all that comes before its first frame.
        net.registry.wait_for_change();
        tell_of_session(net, session, |peer| {
            event!(INFO, %peer, "session up");
        });
        // Whoever does not wait any more learns it from the registry.
        if let Wanted::Here(outcome) = &mut self.wanted
            && let Some(outcome) = outcome.take()
        {
            let _ = outcome.send(Ok(()));
        }
        net.registry.delivery(session)
    }
}

/// A connection has ended that was no session.
struct NoSession {
    ending: Ending,
    /// How its stream failed, if that is why.
    error: Option<io::Error>,
}

/// Brings up a connection that has been accepted.
pub(super) async fn accept(net: Arc<Net>, stream: Connection, from: SocketAddr) {
    // Without random bytes there is no handshake.
    let Ok(random) = randomness() else { return };
    let Some(session) = net.registry.accept(from, random) else { return };
    let guard = Guard { net: net.clone(), session };
    match before_ending(&guard, net.tls.acceptor.accept(ReadAhead::new(stream))).await {
        // In a task of its own, which has no room for TLS's handshake.
        Some(Ok(stream)) => {
            drop(net.runtime.spawn(live(guard, TlsStream::Server(stream), Wanted::By(from))));
        }
        Some(Err(error)) => {
            drop(guard);
            let cause = if has_ended(&error) { Cause::Broken } else { Cause::Tls };
            let why = format!("TLS did not come up: {}", in_words(error));
            refused(net, from, &why, Some(cause)).await;
        }
        None => {
            let ending = ending_of(guard);
            refused(net, from, &ending, cause(&ending)).await;
        }
    }
}

/// Tells the operator, now or a little later.
async fn refused(net: Arc<Net>, from: SocketAddr, why: &impl std::fmt::Display, cause: Option<Cause>) {
    let Some(cause) = cause else { return };
    let (notices, clock) = (net.notices.clone(), net.clock);
    drop(net);
    if let Some(due) = notices.refused(clock.now(), from, cause, why) {
        sleep_until(clock.at(due)).await;
        notices.tell_refusals(clock.now());
    }
}

/// What the end of an accepted connection counts as; nothing, if the cause is this node itself.
fn cause(ending: &Ending) -> Option<Cause> {
    Some(match ending {
        Ending::Late(_) => Cause::Silent,
        Ending::GaveWay(GiveWay::Stop) => return None,
        Ending::GaveWay(_) => Cause::GaveWay,
        Ending::Handshake(Failure::Proof { .. }) => Cause::Cookie,
        Ending::Handshake(Failure::Version1 | Failure::Versions(_) | Failure::Tls) => Cause::Version,
        Ending::Framing(_) | Ending::Handshake(_) | Ending::Refused(Refusal::OwnName) => Cause::Malformed,
        Ending::Refused(Refusal::Duplicate) => Cause::Duplicate,
        Ending::Refused(Refusal::Busy) => Cause::Busy,
        Ending::Refused(Refusal::BusyAddress) => Cause::BusyAddress,
        _ => Cause::Broken,
    })
}

/// Makes a connection to the node of this name, and brings it up. The connection is over when the future is dropped, even if
/// it was never polled: a runtime that has been shut down polls nothing.
pub(super) fn dial(
    net: Arc<Net>,
    name: Arc<str>,
    session: Arc<SessionHandle>,
) -> impl Future<Output = Result<(), Box<Failed>>> + Send {
    dialled(Guard { net, session }, name)
}

async fn dialled(guard: Guard, name: Arc<str>) -> Result<(), Box<Failed>> {
    let net = guard.net.clone();
    let stream = match before_ending(&guard, connect(&net, &name)).await {
        Some(Ok(stream)) => stream,
        Some(Err(error)) => return Err(Failed::by(error)),
        None => return Err(Failed::before_tls(ending_of(guard), Stage::Connect)),
    };
    let secured = match before_ending(&guard, secure(&net, stream)).await {
        Some(Ok(stream)) => stream,
        Some(Err(error)) => return Err(Failed::by(ConnectError::Tls(error))),
        None => return Err(Failed::before_tls(ending_of(guard), Stage::Tls)),
    };
    let (outcome, awaited) = oneshot::channel();
    net.runtime.spawn(live(guard, secured, Wanted::Here(Some(outcome))));
    awaited.await.unwrap_or_else(|_| Err(Failed::by(ConnectError::RuntimeGone)))
}

async fn connect(net: &Net, name: &str) -> Result<Connection, ConnectError> {
    let name = NodeName::parse(name)?;
    let address = format!("{}:{}", name.host(), name.port());
    let dialled = net.network.dial(&address).await.map_err(ConnectError::Panic)?;
    dialled.map_err(|error| ConnectError::Tcp { address, error })
}

async fn secure(net: &Net, stream: Connection) -> io::Result<Stream> {
    let secured = net.tls.connector.connect(net.tls.server_name.clone(), ReadAhead::new(stream));
    secured.await.map(TlsStream::Client)
}

/// Runs something before the handshake of the protocol, for as long as the connection has no ending: its deadline runs already,
/// and another one may need its place.
async fn before_ending<T>(guard: &Guard, coming: impl Future<Output = T>) -> Option<T> {
    let Guard { net, session } = guard;
    let mut coming = pin!(coming);
    let mut timer = pin!(sleep_until(net.clock.at(net.clock.now())));
    poll_fn(|cx| {
        session.driven_by(Arc::new(cx.waker().clone()));
        loop {
            // What has come by the deadline counts: it is looked for once more when the timer has gone off.
            let is_due = timer.is_elapsed();
            if let Poll::Ready(done) = coming.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            if is_due {
                session.timeout(net.clock.now(), false);
            }
            let Some(due) = session.deadline() else { return Poll::Ready(None) };
            timer.as_mut().reset(net.clock.at(due));
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// The whole life of a connection that has TLS.
async fn live(guard: Guard, mut stream: Stream, wanted: Wanted) {
    let (net, session) = (guard.net.clone(), guard.session.clone());
    match channel(&mut stream) {
        Some(channel) => session.secured(channel),
        None => session.stream_ended("the TLS connection exports no keying material"),
    }
    let host = Life { guard, wanted };
    let (clock, tap) = (net.clock, net.tap.clone());
    let (life, error) = Driver { stream, host, session: session.clone(), clock, tap }.run().await;
    let Life { guard, wanted } = life;
    // At once, so that nobody takes it for a session while its end is logged.
    let ending = ending_of(guard);
    match wanted {
        _ if session.is_session() => tell_of_end(&net, &session, &ending),
        Wanted::By(from) => refused(net, from, &ending, cause(&ending)).await,
        Wanted::Here(outcome) => {
            let failed = Failed::from(NoSession { ending, error });
            // Whoever does not wait any more does not want to know.
            let _ = outcome.map(|outcome| outcome.send(Err(Box::new(failed))));
        }
    }
}

/// What the proofs are bound to.
fn channel(stream: &mut Stream) -> Option<Channel> {
    let exporter = match stream {
        TlsStream::Client(stream) => {
            stream.get_mut().1.set_buffer_limit(Some(TLS_UNSENT_BYTES));
            exporter(stream.get_ref().1)
        }
        TlsStream::Server(stream) => {
            stream.get_mut().1.set_buffer_limit(Some(TLS_UNSENT_BYTES));
            exporter(stream.get_ref().1)
        }
    };
    exporter.ok().map(|exporter| Channel::Tls13 { exporter })
}

/// The connection is over, and why.
fn ending_of(guard: Guard) -> Ending {
    let session = guard.session.clone();
    drop(guard);
    session.ending().unwrap_or(Ending::GaveWay(GiveWay::Stop))
}

fn tell_of_end(net: &Net, session: &SessionHandle, ending: &Ending) {
    tell_of_session(net, session, |peer| {
        event!(INFO, %peer, %ending, "session ended");
    });
    let counts = session.counts();
    if counts.has_unexpected()
        && let Some(sessions) = net.notices.overlooked_line(net.clock.now())
    {
        let peer = Shown(&session.peer().name);
        event!(WARN, %peer, ?counts, sessions, "frames of this session were passed over");
    }
}

/// Tells that a session has begun or ended, or how many have when there are too many for a line each.
fn tell_of_session(net: &Net, session: &SessionHandle, tell: impl FnOnce(Shown<'_>)) {
    match net.notices.session_line(net.clock.now()) {
        Some(1) => tell(Shown(&session.peer().name)),
        Some(count) => {
            event!(INFO, "sessions have begun or ended {count} times");
        }
        None => {}
    }
}

impl Failed {
    /// A dial for whose end the connection is not to blame.
    fn by(error: ConnectError) -> Box<Self> {
        let closed_early = matches!(&error, ConnectError::Tls(error) if has_ended(error));
        let error = match error {
            ConnectError::Tls(error) if closed_early => ConnectError::ClosedEarly(in_words(error)),
            other => other,
        };
        Box::new(Self { ending: Ending::Lost(error.to_string()), error, closed_early })
    }

    fn before_tls(ending: Ending, stage: Stage) -> Box<Self> {
        let error = match &ending {
            Ending::Late(_) => ConnectError::Deadline(stage),
            Ending::GaveWay(GiveWay::Stop) => ConnectError::Stopped,
            _ => ConnectError::GaveWay,
        };
        Box::new(Self { ending, error, closed_early: false })
    }
}

impl From<NoSession> for Failed {
    fn from(NoSession { ending, error }: NoSession) -> Self {
        let closed = || io::Error::new(io::ErrorKind::UnexpectedEof, "the peer has closed the connection");
        let mut closed_early = false;
        let error = match &ending {
            Ending::Handshake(failure) => failure.clone().into(),
            Ending::Refused(refusal) => ConnectError::Election(*refusal),
            Ending::GaveWay(GiveWay::Stop) => ConnectError::Stopped,
            Ending::GaveWay(_) => ConnectError::GaveWay,
            Ending::Late(Waits::Ack) => ConnectError::Deadline(Stage::Ack),
            Ending::Late(_) => ConnectError::Deadline(Stage::Handshake),
            Ending::Lost(_) | Ending::Unanswered(_) => {
                let error = error.unwrap_or_else(closed);
                let has_ended = has_ended(&error);
                closed_early = has_ended && matches!(ending, Ending::Lost(_));
                match ending {
                    Ending::Unanswered(_) if has_ended => ConnectError::Unanswered,
                    _ if has_ended => ConnectError::ClosedEarly(in_words(error)),
                    _ => ConnectError::Broken(error),
                }
            }
            other => ConnectError::Broken(io::Error::other(other.to_string())),
        };
        Self { ending, error, closed_early }
    }
}

/// Whether a connection has just ended.
fn has_ended(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}
