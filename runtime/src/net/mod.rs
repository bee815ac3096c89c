//! Connections: the listener, dials, and what becomes of them.

mod channel;
mod clock;
mod connection;
mod driver;
mod registry;
mod sessions;
mod slots;
mod tap;
mod tls;

use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use snow_dist_codec::{NodeName, NodeNameError};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::core::handshake::{Failure, Local};
use crate::core::limits::{ACK_DEADLINE, HANDSHAKE_DEADLINE, HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX};
use crate::core::peers::{ConnectionId, DialDecision, Refusal};
use crate::core::session::Timing;
use crate::process::sync::{Mutex, MutexGuard};
use crate::process::table::ProcessTable;
use channel::Broken;
use clock::Clock;
use registry::{Registry, Verdict};
use slots::Slots;
use tls::Tls;

pub(crate) use driver::CODE_SHUTDOWN;
pub(crate) use sessions::Sessions;
pub(crate) use tap::Tap;
pub use tap::{Direction, Seen};
pub use tls::TlsError;

/// Everything of a node that has to do with other nodes.
pub(crate) struct Net {
    local: Arc<Local>,
    tls: Tls,
    /// Which has these sessions, to send through.
    table: Weak<ProcessTable>,
    registry: Arc<Registry>,
    clock: Clock,
    timing: Timing,
    tap: Option<Tap>,
    slots: Mutex<Slots<ConnectionId>>,
}

/// Why there is no session with a node.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name is not a node's.
    #[error("{0}")]
    Name(#[from] NodeNameError),
    /// The node is alone: it was not started with a name and a cookie.
    #[error("this node is alone: only one that was started by its builder has sessions")]
    Alone,
    /// The name is this node's own.
    #[error("a node does not connect to itself")]
    OwnName,
    /// There are as many sessions as there may be.
    #[error("this node has as many sessions as it may have")]
    Busy,
    /// Nobody takes a connection there.
    #[error("no connection to {address}: {error}")]
    Tcp {
        /// Host and port.
        address: String,
        /// What the system says.
        error: io::Error,
    },
    /// The channel did not come up.
    #[error("TLS failed: {0}; does a Snow node listen there?")]
    Tls(io::Error),
    /// The connection broke before it was a session.
    #[error("{0}")]
    Broken(io::Error),
    /// A check of the handshake failed.
    #[error("handshake: {0}")]
    Handshake(Failure),
    /// The other end was too slow.
    #[error("the handshake was not over in time")]
    Deadline,
    /// Another connection with that node is the session, or is becoming it.
    #[error("another connection with that node was chosen: {0:?}")]
    Election(Refusal),
    /// The connection was closed to make room for another, or because the node stops.
    #[error("the connection gave way to another, or the node stops")]
    GaveWay,
    /// The operating system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
}

impl From<Broken> for ConnectError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Io(error) => Self::Broken(error),
            other => Self::Broken(io::Error::other(other.to_string())),
        }
    }
}

/// How often a dial that lost to another connection looks again before it gives up.
const ELECTIONS_MAX: u32 = 5;

/// How long a caller waits for a connection that somebody else is making.
const UNDERWAY_DEADLINE: Duration = HANDSHAKE_DEADLINE.saturating_add(ACK_DEADLINE);

impl Net {
    pub(crate) fn new(
        local: Arc<Local>,
        table: &Arc<ProcessTable>,
        timing: Timing,
        key_log: bool,
        tap: Option<Tap>,
    ) -> Result<Self, TlsError> {
        let clock = Clock::start();
        let registry = Arc::new(Registry::new(local.name(), Arc::downgrade(table), clock));
        Ok(Self {
            tls: Tls::new(key_log)?,
            registry,
            local,
            table: Arc::downgrade(table),
            clock,
            timing,
            tap,
            slots: Mutex::new(Slots::new(HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX)),
        })
    }

    /// Takes connections, a task for each, until it is dropped.
    pub(crate) async fn listen(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((socket, from)) => {
                    tokio::spawn(connection::accept(self.clone(), socket, from));
                }
                // Out of descriptors, most likely: the connections there are go on, and some of them end.
                Err(error) => {
                    tracing::warn!(%error, "no connection can be accepted");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Makes sure that there is a session with the node `name`, if that can be.
    pub(crate) async fn connect(self: &Arc<Self>, name: &str) -> Result<(), ConnectError> {
        let name = NodeName::parse(name)?;
        let completed = name.completed();
        let mut last = ConnectError::Deadline;
        for attempt in 0..ELECTIONS_MAX {
            let turn = timeout(UNDERWAY_DEADLINE, self.turn_to_dial(&completed));
            let Some((connection, verdict)) = turn.await.map_err(|_| ConnectError::Deadline)?? else {
                return Ok(());
            };
            match connection::dial(self, name, connection, verdict).await {
                Ok(()) => return Ok(()),
                Err(lost @ (ConnectError::Election(_) | ConnectError::GaveWay)) => {
                    last = lost;
                    sleep(self.jitter(attempt)).await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Waits for a connection with the node that somebody else is making. Then there is a session, and it gives
    /// nothing; or there is none, and the dial is the caller's.
    async fn turn_to_dial(
        &self,
        name: &str,
    ) -> Result<Option<(ConnectionId, oneshot::Receiver<Verdict>)>, ConnectError> {
        loop {
            let changed = self.registry.changed();
            match self.registry.dial(name) {
                (DialDecision::Up(_), _) => return Ok(None),
                (DialDecision::OwnName, _) => return Err(ConnectError::OwnName),
                (DialDecision::Busy, _) => return Err(ConnectError::Busy),
                // What has changed may concern other nodes.
                (DialDecision::Underway, _) => changed.await,
                (DialDecision::Start, None) => return Err(ConnectError::GaveWay),
                (DialDecision::Start, dial) => return Ok(dial),
            }
        }
    }

    fn slots(&self) -> MutexGuard<'_, Slots<ConnectionId>> {
        self.slots.lock()
    }

    /// Two nodes that lost to each other must not dial again in step.
    fn jitter(&self, attempt: u32) -> Duration {
        let mut random = [0; 1];
        let _ = getrandom::fill(&mut random);
        let [random] = random;
        Duration::from_millis(u64::from(random)) * attempt / 4
    }
}
