//! The life of a connection on tokio: a stream of the network, then TLS, then the driver in its own task. A guard
//! reports the end of the connection to the registry when it is dropped, whatever the cause of the end is.

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
use super::tls::Secured;
use crate::connect_error::{ConnectError, Stage};
use crate::core::Shown;
use crate::core::connection::{Ending, EndpointEvent, GiveWay};
use crate::foreign::{Span, span};
use crate::network::Connection;
use crate::notices::Cause;
use crate::process::Delivery;
use crate::random::randomness;
use crate::sessions::SessionHandle;

/// The outcome of opening a connection.
pub(super) type Opened = Result<(), Box<Failed>>;

/// A connection that did not become a session.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) ending: Ending,
    /// The ending as an error for the program.
    pub(super) error: ConnectError,
}

/// Handles an accepted connection. If it does not become a session, the operator is told.
pub(super) async fn accept(net: Arc<Net>, stream: Connection, from: SocketAddr) {
    // A handshake needs random bytes.
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
    let tls = guard.net.identity.tls();
    let (guard, secured) = guard.through(Stage::Tls, tls.accept(stream)).await?;
    guard.live(secured).await
}

/// Makes a connection to the node with this name. Dropping the future ends the connection, even if the future was
/// never polled: a runtime that has been shut down polls nothing.
pub(super) fn dial(
    net: Arc<Net>,
    name: Arc<str>,
    session: Arc<SessionHandle>,
) -> impl Future<Output = Opened> + Send {
    dialled(Guard { net, session }, name)
}

async fn dialled(guard: Guard, name: Arc<str>) -> Opened {
    let net = guard.net.clone();
    // The dial uses the certificates that were current when it began, as it does with cookies.
    let tls = net.identity.tls();
    let (guard, stream) = guard.through(Stage::Connect, connect(&net, &name)).await?;
    let (guard, secured) = guard.through(Stage::Tls, tls.connect(stream)).await?;
    guard.live(secured).await
}

async fn connect(net: &Net, name: &str) -> Result<Connection, ConnectError> {
    let name = NodeName::parse(name)?;
    let address = format!("{}:{}", name.host(), name.port());
    let dialled = net.network.dial(&address).await.map_err(ConnectError::Panic)?;
    dialled.map_err(|error| ConnectError::Tcp { address, error })
}

/// Reports the end of a connection when it is dropped, even if the connection's task panics or its runtime is shut
/// down.
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
    /// Waits for a stage that precedes the handshake of the protocol.
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

    /// Waits for a future until the connection has an ending. The connection's deadline is already running, and
    /// another connection may need its slot.
    async fn while_wanted<T>(&self, coming: impl Future<Output = T>) -> Option<T> {
        let (clock, session) = (self.net.registry.clock, &self.session);
        let mut coming = pin!(coming);
        let mut timer = pin!(sleep_until(clock.at(clock.now())));
        poll_fn(|cx| {
            session.driven_by(Arc::new(cx.waker().clone()));
            loop {
                // A result that is ready at the deadline is accepted: when the timer has fired, the future is polled
                // once more.
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

    /// Continues in another task, whose memory need not contain what TLS needs for its handshake. Waits until the
    /// connection has become a session or has ended.
    async fn live(self, secured: Secured) -> Opened {
        let (outcome, awaited) = oneshot::channel();
        let runtime = self.net.runtime.clone();
        let is_dialled = self.session.source.is_none();
        let span = span!(sessions, DEBUG, "session", peer = tracing::field::Empty, is_dialled);
        runtime.spawn(live(Life { guard: self, outcome: Some(outcome), span }, secured));
        let gone = Failed { ending: Ending::GaveWay(GiveWay::Stop), error: ConnectError::RuntimeGone };
        awaited.await.unwrap_or_else(|_| Err(Box::new(gone)))
    }

    /// Ends the connection, and returns its ending.
    fn end(self) -> Ending {
        let session = self.session.clone();
        drop(self);
        session.ending().unwrap_or(Ending::GaveWay(GiveWay::Stop))
    }
}

/// Runs a connection that has TLS until it ends. The driver is created before the future and moved into it once: an
/// `async fn` would reserve memory for its arguments, and again where it passes them on.
fn live(life: Life, Secured { stream, channel }: Secured) -> impl Future<Output = ()> + Send {
    let Guard { net, session } = &life.guard;
    let session = session.clone();
    match channel {
        Some((channel, certified)) => session.secured(channel, certified),
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

/// Reports the ending of a connection to the log or to whoever waits for it.
fn is_over(Life { guard, outcome, .. }: Life, error: Option<io::Error>) {
    let (net, session) = (guard.net.clone(), guard.session.clone());
    // The connection is removed first, so that nobody takes it for a session while its end is logged.
    let ending = guard.end();
    match outcome {
        None => {
            let registry = &net.registry;
            let now = registry.clock.now();
            registry.notices.session_ended(now, &session.peer().name, &ending, session.counts());
        }
        // The connection may even have become a session, and ended before this task noticed.
        Some(outcome) => {
            let error = ConnectError::of_ending(&ending, Stage::Handshake, error);
            // The receiver may have stopped waiting.
            let _ = outcome.send(Err(Box::new(Failed { ending, error })));
        }
    }
}

/// A connection as its driver uses it.
struct Life {
    guard: Guard,
    /// The sender for the outcome. `None` once the outcome was sent.
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
        // The thread that brought up the session may still be delivering what precedes the session's first frame.
        net.registry.wait_for_change();
        net.registry.notices.session_began(net.registry.clock.now(), &session.peer().name);
        // A caller that has stopped waiting learns it from the registry.
        let _ = self.outcome.take().map(|outcome| outcome.send(Ok(())));
        net.registry.delivery(session)
    }
}
