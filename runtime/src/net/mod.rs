//! Connections on tokio: sockets, TLS, tasks, wakers and the clock. All that the specification decides is in `core`.

mod ahead;
mod connection;
mod driver;
mod front;
mod tcp;
mod tls;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use crate::clock::Clock;
use crate::connect_error::{ConnectError, Stage};
use crate::core::endpoint::{Attempts, Endpoint, Limits};
use crate::core::handshake::Local;
use crate::core::limits::{ACK_DEADLINE, HANDSHAKE_DEADLINE, SHUTDOWN_PATIENCE, VERSION_1_CLEANUP};
use crate::core::name_to_dial;
use crate::core::session::Timing;
use crate::foreign::{Kept, apart, event};
use crate::network::{Dialler, Listener, Listening, Network};
use crate::notices::{Limiter, Notices};
use crate::numbers::SharedNumbers;
use crate::process::remote::Remote;
use crate::process::table::ProcessTable;
use crate::random::{random, randomness};
use crate::sessions::{Registry, Routes, SessionHandle, Wish};
use crate::tap::Tap;
use crate::tls::TlsError;
use connection::{Failed, Opened};
use tls::Tls;

pub(crate) use front::Front;
pub use tcp::{Tcp, TcpListeners};

/// Everything of a node that has to do with other nodes.
pub(crate) struct Net {
    local: Arc<Local>,
    network: Box<dyn Dialler>,
    tls: Tls,
    registry: Arc<Registry>,
    routes: Arc<Routes>,
    clock: Clock,
    tap: Option<Tap>,
    /// On which all connections run, whoever asks for them.
    runtime: Handle,
    notices: Arc<Notices>,
}

/// How long a caller waits for a connection that somebody else is making, and for the end of the session before it.
const UNDERWAY_DEADLINE: Duration = SHUTDOWN_PATIENCE
    .saturating_add(VERSION_1_CLEANUP)
    .saturating_add(HANDSHAKE_DEADLINE)
    .saturating_add(ACK_DEADLINE);

/// How long the listener rests when the system has no place for another connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// What connections are to be like.
pub(crate) struct Settings {
    pub(crate) timing: Timing,
    pub(crate) limits: Limits,
    /// Writes the keys of all channels to a file.
    pub(crate) key_log: bool,
    pub(crate) tap: Option<Tap>,
}

impl Net {
    /// The connections of a node, which has none yet. To be called in the runtime on which they are to run.
    pub(crate) fn new(
        local: Arc<Local>,
        network: impl Network,
        table: &Arc<ProcessTable>,
        settings: Settings,
    ) -> Result<Self, TlsError> {
        let clock = Clock::start();
        let Settings { timing, limits, key_log, tap } = settings;
        let routes = Arc::new(Routes::new(Arc::downgrade(table)));
        table.connect(routes.clone() as Arc<dyn Remote>);
        let notices = Arc::new(Notices::new());
        let numbers = SharedNumbers::new(local.start().clone());
        // Without random bytes there is no handshake either.
        let dice = random().unwrap_or_default();
        let endpoint = Endpoint::with_numbers(local.clone(), timing, limits, dice, numbers.clone());
        let table = Arc::downgrade(table);
        let registry = Registry::new(endpoint, numbers, table, routes.clone(), notices.clone(), clock);
        Ok(Self {
            network: Box::new(Kept::new(network)),
            tls: Tls::new(key_log)?,
            registry,
            routes,
            local,
            clock,
            tap,
            runtime: Handle::current(),
            notices,
        })
    }

    /// Says something to the endpoint, before there are connections.
    pub(crate) fn with_endpoint(&self, say: impl FnOnce(&mut Endpoint<SharedNumbers>)) {
        self.registry.with_endpoint(say);
    }

    /// Takes connections, a task for each, until it is aborted.
    pub(crate) fn listen(self: Arc<Self>, listener: impl Listener) -> JoinHandle<()> {
        let (runtime, mut listener) = (self.runtime.clone(), Listening::new(listener));
        let mut failures = Limiter::new(1);
        runtime.spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, from)) => {
                        //= spec/connection.md#con-plc-006
                        //# An acceptor MUST NOT let the handshake on one connection wait for what another
                        //# connection sends.
                        //= spec/connection.md#con-err-002
                        //# A node MUST NOT end or delay a session because of an error in another one.
                        self.runtime.spawn(connection::accept(self.clone(), stream, from));
                    }
                    // Of that one connection, which is gone.
                    Err(error) if is_of_one(&error) => {}
                    // Out of descriptors, most likely: the connections there are go on, and some of them end.
                    Err(error) => {
                        if let Some(times) = failures.count(self.clock.now()) {
                            event!(WARN, %error, times, "no connection can be accepted");
                        }
                        sleep(EXHAUSTED_PAUSE).await;
                    }
                }
            }
        })
    }

    /// Makes sure that there is a session with the node `name`, if that can be.
    pub(crate) async fn connect(self: &Arc<Self>, name: &str) -> Result<(), ConnectError> {
        let name = name_to_dial(name)?;
        let mut attempts = Attempts::default();
        loop {
            match self.registry.wish(&name, randomness()?) {
                Wish::Up => return Ok(()),
                Wish::OwnName => return Err(ConnectError::OwnName),
                Wish::Busy => return Err(ConnectError::Busy),
                Wish::Stopped => return Err(ConnectError::Stopped),
                Wish::Underway => self.settled(name.clone()).await?,
                Wish::Later(at) => self.up_before(name.clone(), at).await?,
                Wish::Dial(session) => {
                    attempts.begin(self.clock.now());
                    match self.dial(name.clone(), session).await? {
                        Ok(()) => return Ok(()),
                        Err(failed) => self.bear(&name, failed, &mut attempts).await?,
                    }
                }
            }
        }
    }

    /// After a dial that failed: an error if there is to be no other.
    async fn bear(
        self: &Arc<Self>,
        name: &str,
        failed: Box<Failed>,
        attempts: &mut Attempts,
    ) -> Result<(), ConnectError> {
        // However it failed: another connection may have become the session meanwhile, or be on its way.
        if self.registry.is_up(name) || self.registry.is_underway(name) && attempts.wait_for_other() {
            return Ok(());
        }
        let closed_early = matches!(failed.error, ConnectError::ClosedEarly(_));
        match self.registry.again(attempts, &failed.ending, closed_early) {
            Some(pause) => self.on_runtime(sleep_for(pause)).await,
            None => Err(failed.error),
        }
    }

    /// Dials in a task of its own: the election waits for a dial that has begun, so that it must go on even if
    /// whoever asked for it does not.
    async fn dial(
        self: &Arc<Self>,
        name: Arc<str>,
        session: Arc<SessionHandle>,
    ) -> Result<Opened, ConnectError> {
        let dialled = apart(self.runtime.spawn(connection::dial(self.clone(), name, session))).await;
        dialled.map_err(ConnectError::of_task)
    }

    /// Waits until that time, unless there is a session with that node before.
    async fn up_before(self: &Arc<Self>, name: Arc<str>, at: Duration) -> Result<(), ConnectError> {
        let registry = self.registry.clone();
        self.on_runtime(async move { registry.up_before(&name, at).await }).await
    }

    /// Waits until no other connection with that node is being made or closed.
    async fn settled(self: &Arc<Self>, name: Arc<str>) -> Result<(), ConnectError> {
        let registry = self.registry.clone();
        let clock = self.clock;
        let settled = async move { clock.wait_for(UNDERWAY_DEADLINE, registry.settled(&name)).await };
        self.on_runtime(settled).await?.ok_or(ConnectError::Deadline(Stage::Turn))
    }

    /// Runs what needs timers on the node's own runtime, and ends it when this is dropped: whoever asks may run on
    /// another runtime, or on none.
    async fn on_runtime<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ConnectError> {
        let mut tasks = JoinSet::new();
        tasks.spawn_on(task, &self.runtime);
        match apart(tasks.join_next()).await {
            Some(done) => done.map_err(ConnectError::of_task),
            None => Err(ConnectError::RuntimeGone),
        }
    }
}

/// Whether an error of `accept` is one of the connection, and not of the listener.
fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionReset)
}

async fn sleep_for(time: Duration) {
    sleep(time).await;
}
