//! The life of a connection on tokio: a stream of the network, TLS, then the driver in a task of its own. Whatever ends it, a
//! guard's drop says so to the registry.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use snow_dist_codec::NodeName;
use tokio::sync::oneshot;
use tokio::time::sleep_until;

use super::Net;
use super::driver::{Driver, Host};
use super::tls::{Stream, channel};
use crate::connect_error::{ConnectError, Stage};
use crate::core::Shown;
use crate::core::connection::{Ending, EndpointEvent, GiveWay};
use crate::foreign::{Span, span};
use crate::network::Connection;
use crate::notices::Cause;
use crate::process::Delivery;
use crate::random::randomness;
use crate::sessions::SessionHandle;

/// What has come of a connection that was opened.
pub(super) type Opened = Result<(), Box<Failed>>;

/// A connection has become no session.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) ending: Ending,
    /// The same for a program.
    pub(super) error: ConnectError,
}

/// A connection has been accepted. The operator is told if it becomes no session.
pub(super) async fn accept(net: Arc<Net>, stream: Connection, from: SocketAddr) {
    // Without random bytes there is no handshake.
    let Ok(random) = randomness() else { return };
    let Some(session) = net.registry.accept(from, random) else { return };
    let Err(failed) = accepted(Guard { net: net.clone(), session }, stream).await else { return };
    let Some(cause) = Cause::of(&failed.ending, &failed.error) else { return };
    let (notices, clock) = (net.registry.notices.clone(), net.registry.clock);
    drop(net);
    if let Some(due) = notices.refused(clock.now(), from, cause, &failed.ending) {
        sleep_until(clock.at(due)).await;
        notices.tell_refusals(clock.now());
    }
}

async fn accepted(guard: Guard, stream: Connection) -> Opened {
    let tls = guard.net.tls.clone();
    let (guard, stream) = guard.through(Stage::Tls, tls.accept(stream)).await?;
    guard.live(stream).await
}

/// Makes a connection to the node of this name. It is over when the future is dropped, even if that was never polled: a runtime
/// that has been shut down polls nothing.
pub(super) fn dial(
    net: Arc<Net>,
    name: Arc<str>,
    session: Arc<SessionHandle>,
) -> impl Future<Output = Opened> + Send {
    dialled(Guard { net, session }, name)
}

async fn dialled(guard: Guard, name: Arc<str>) -> Opened {
    let net = guard.net.clone();
    let (guard, stream) = guard.through(Stage::Connect, connect(&net, &name)).await?;
    let (guard, stream) = guard.through(Stage::Tls, net.tls.connect(stream)).await?;
    guard.live(stream).await
}

async fn connect(net: &Net, name: &str) -> Result<Connection, ConnectError> {
    let name = NodeName::parse(name)?;
    let address = format!("{}:{}", name.host(), name.port());
    let dialled = net.network.dial(&address).await.map_err(ConnectError::Panic)?;
    dialled.map_err(|error| ConnectError::Tcp { address, error })
}

/// Reports a connection's end, however it comes about: also when its task panics, or goes with its runtime.
struct Guard {
    net: Arc<Net>,
    session: Arc<SessionHandle>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.net.registry.finish(&self.session);
    }
}

impl Guard {
    /// Goes through a stage before the handshake of the protocol.
    async fn through<T>(
        self,
        stage: Stage,
        coming: impl Future<Output = Result<T, ConnectError>>,
    ) -> Result<(Self, T), Box<Failed>> {
        let error = match self.while_wanted(coming).await {
            Some(Ok(done)) => return Ok((self, done)),
            Some(Err(error)) => {
                self.session.stream_ended(&error.without_advice());
                Some(error)
            }
            None => None,
        };
        let ending = self.end();
        let error = error.unwrap_or_else(|| ConnectError::of_ending(&ending, stage, None));
        Err(Box::new(Failed { ending, error }))
    }

    /// Waits for something for as long as the connection has no ending: its deadline runs already, and another one may need its
    /// place.
    async fn while_wanted<T>(&self, coming: impl Future<Output = T>) -> Option<T> {
        let (clock, session) = (self.net.registry.clock, &self.session);
        let mut coming = pin!(coming);
        let mut timer = pin!(sleep_until(clock.at(clock.now())));
        poll_fn(|cx| {
            session.driven_by(Arc::new(cx.waker().clone()));
            loop {
                // What has come by the deadline counts: it is looked for once more when the timer has gone off.
                let is_due = timer.is_elapsed();
                if let Poll::Ready(done) = coming.as_mut().poll(cx) {
                    return Poll::Ready(Some(done));
                }
                if is_due {
                    session.timeout(clock.now(), false);
                }
                let Some(due) = session.deadline() else { return Poll::Ready(None) };
                timer.as_mut().reset(clock.at(due));
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// Goes on in a task of its own, which has no room for what TLS needs to come up. Waits until it is the session, or is over.
    async fn live(self, stream: Stream) -> Opened {
        let (outcome, awaited) = oneshot::channel();
        let runtime = self.net.runtime.clone();
        let is_dialled = self.session.source.is_none();
        let span = span!(sessions, DEBUG, "session", peer = tracing::field::Empty, is_dialled);
        runtime.spawn(live(Life { guard: self, outcome: Some(outcome), span }, stream));
        let gone = Failed { ending: Ending::GaveWay(GiveWay::Stop), error: ConnectError::RuntimeGone };
        awaited.await.unwrap_or_else(|_| Err(Box::new(gone)))
    }

    /// The connection is over, and why.
    fn end(self) -> Ending {
        let session = self.session.clone();
        drop(self);
        session.ending().unwrap_or(Ending::GaveWay(GiveWay::Stop))
    }
}

/// The whole life of a connection that has TLS. Its driver is made before the future, and moved into it once: an `async fn` has
/// room for all that it is given, and again for where it hands that on.
fn live(life: Life, stream: Stream) -> impl Future<Output = ()> + Send {
    let Guard { net, session } = &life.guard;
    let session = session.clone();
    match channel(&stream) {
        Some(channel) => session.secured(channel),
        None => session.stream_ended("the TLS connection exports no keying material"),
    }
    let (clock, tap) = (net.registry.clock, net.tap.clone());
    let span = life.span.again();
    let mut driver = Driver::new(stream, life, session, clock, tap);
    span.around(async move {
        driver.run().await;
        let (life, error) = driver.into_parts();
        is_over(life, error);
    })
}

/// Says what has come of a connection to those who want to know.
fn is_over(Life { guard, outcome, .. }: Life, error: Option<io::Error>) {
    let (net, session) = (guard.net.clone(), guard.session.clone());
    // At once, so that nobody takes it for a session while its end is logged.
    let ending = guard.end();
    match outcome {
        None => {
            let registry = &net.registry;
            let now = registry.clock.now();
            registry.notices.session_ended(now, &session.peer().name, &ending, session.counts());
        }
        // It may even have become the session, and have ended before that was seen here.
        Some(outcome) => {
            let error = ConnectError::of_ending(&ending, Stage::Handshake, error);
            // Whoever does not wait any more does not want to know.
            let _ = outcome.send(Err(Box::new(Failed { ending, error })));
        }
    }
}

/// A connection, as its driver has it.
struct Life {
    guard: Guard,
    /// Until it is known what has come of the connection.
    outcome: Option<oneshot::Sender<Opened>>,
    span: Span,
}

impl Host for Life {
    fn hear(&mut self, event: EndpointEvent) {
        self.guard.net.registry.hear(self.guard.session.id, event);
    }

    fn came_up(&mut self) -> Option<Delivery> {
        let Guard { net, session } = &self.guard;
        self.span.record("peer", Shown(&session.peer().name));
        // Whoever has brought it up may not have told all that comes before its first frame.
        net.registry.wait_for_change();
        net.registry.notices.session_began(net.registry.clock.now(), &session.peer().name);
        // Whoever does not wait any more learns it from the registry.
        let _ = self.outcome.take().map(|outcome| outcome.send(Ok(())));
        net.registry.delivery(session)
    }
}
