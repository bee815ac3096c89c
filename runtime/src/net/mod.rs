//! Connections: the listener, dials, and what becomes of them.

mod accept_error;
mod ahead;
mod channel;
mod clock;
mod connection;
mod driver;
mod network;
mod registry;
mod routes;
mod sessions;
mod slots;
mod tap;
mod tcp;
mod tls;

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU16;
use std::sync::{Arc, Weak};
use std::time::Duration;

use snow_dist_codec::{NodeName, NodeNameError};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::core::handshake::{Failure, Local};
use crate::core::limits::{ACK_DEADLINE, HANDSHAKE_DEADLINE, HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX};
use crate::core::peers::{ConnectionId, Refusal};
use crate::core::session::Timing;
use crate::foreign::event;
use crate::notices::Notices;
use crate::process::remote::Remote;
use crate::process::sync::{Mutex, MutexGuard};
use crate::process::table::ProcessTable;
use crate::random::random;
use channel::Broken;
use clock::Clock;
use network::Dialler;
use registry::{Begun, Dial, Registry};
use routes::Routes;
use slots::Slots;
use tls::Tls;

use driver::CODE_SHUTDOWN;
pub use network::{Connection, Listener, Network};
pub(crate) use sessions::Sessions;
pub(crate) use tap::Tap;
pub use tap::{Direction, Seen};
pub use tcp::Tcp;
pub use tls::TlsError;

/// Everything of a node that has to do with other nodes.
pub(crate) struct Net {
    local: Arc<Local>,
    network: Box<dyn Dialler>,
    tls: Tls,
    /// Which has these connections.
    table: Weak<ProcessTable>,
    registry: Arc<Registry>,
    routes: Arc<Routes>,
    clock: Clock,
    timing: Timing,
    /// Those that the next session with a version 1 node has.
    node_ids: Mutex<NodeIds>,
    tap: Option<Tap>,
    /// On which all connections run, whoever asks for them.
    runtime: Handle,
    slots: Mutex<Slots<ConnectionId>>,
    notices: Arc<Notices>,
}

/// By which node id a version 1 node will know this one, by its name.
pub(crate) type NodeIds = BTreeMap<Arc<str>, NonZeroU16>;

/// Why there is no session with a node.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name is not a node's.
    #[error("{0}")]
    Name(#[from] NodeNameError),
    /// The name has port 0: where the node listens is not known.
    #[error("the name has port 0: where that node listens is not known")]
    PortUnknown,
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
    /// The peer closed the connection before the handshake was over, without a word, and did so again at each further try.
    #[error(
        "the peer closes connections before their handshake is over ({0}): it may have no place left for those that \
         have not shown a cookie (`handshakes_max` and `handshakes_per_address_max` of its builder), be stopping, or \
         be no Snow node"
    )]
    ClosedEarly(io::Error),
    /// A check of the handshake failed.
    #[error("handshake: {0}")]
    Handshake(Failure),
    /// The other end was too slow.
    #[error("the handshake was not over in time")]
    Deadline,
    /// Another connection with that node is the session, or is becoming it.
    #[error("another connection with that node was chosen: {0}")]
    Election(Refusal),
    /// The connection was closed to make room for another, or because the node stops.
    #[error("the connection gave way to another, or the node stops")]
    GaveWay,
    /// This node has been stopped.
    #[error("this node has been stopped")]
    Stopped,
    /// The operating system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
}

impl From<Broken> for ConnectError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Io(error) => Self::Broken(error),
            Broken::Closed => Self::Broken(io::Error::new(io::ErrorKind::UnexpectedEof, broken.to_string())),
            other => Self::Broken(io::Error::other(other.to_string())),
        }
    }
}

impl ConnectError {
    /// The error of a dial that the acceptor would have refused with a word if it had judged it. If the connection has
    /// just ended, a further try can succeed: an acceptor closes the oldest of those that it has not verified when it has
    /// too many.
    fn unjudged(self) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        match self {
            Self::Tls(error) | Self::Broken(error)
                if matches!(
                    error.kind(),
                    BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
                ) =>
            {
                Self::ClosedEarly(error)
            }
            other => other,
        }
    }

    /// Whether a dial that ended so may be made again after `tries` others, `elapsed` after the first was begun.
    const fn is_worth_another_try(&self, tries: u32, elapsed: Duration) -> bool {
        match self {
            Self::Election(_) | Self::GaveWay => tries < ELECTIONS_MAX,
            Self::ClosedEarly(_) => elapsed.as_millis() < REDIAL_PERIOD.as_millis(),
            _ => false,
        }
    }
}

/// How often a dial is made again that lost to another connection.
const ELECTIONS_MAX: u32 = 5;

/// How long after the first dial one that was closed early is still followed by another.
const REDIAL_PERIOD: Duration = HANDSHAKE_DEADLINE;

/// Tries after which the pause before the next one grows no more.
const JITTER_TRIES_MAX: u32 = 16;

/// How long a caller waits for a connection that somebody else is making.
const UNDERWAY_DEADLINE: Duration = HANDSHAKE_DEADLINE.saturating_add(ACK_DEADLINE);

/// How long the listener rests when the system has no place for another connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

impl Net {
    /// The connections of a node, which has none yet. To be called in the runtime on which they are to run.
    pub(crate) fn new(
        local: Arc<Local>,
        network: impl Network,
        table: &Arc<ProcessTable>,
        timing: Timing,
        sessions_max: usize,
        key_log: bool,
        tap: Option<Tap>,
    ) -> Result<Self, TlsError> {
        let clock = Clock::start();
        let routes = Arc::new(Routes::new(Arc::downgrade(table)));
        table.connect(routes.clone() as Arc<dyn Remote>);
        let registry =
            Registry::new(local.start().clone(), sessions_max, Arc::downgrade(table), routes.clone(), clock);
        Ok(Self {
            network: Box::new(network),
            tls: Tls::new(key_log)?,
            registry: Arc::new(registry),
            routes,
            local,
            table: Arc::downgrade(table),
            clock,
            timing,
            node_ids: Mutex::default(),
            tap,
            runtime: Handle::current(),
            slots: Mutex::new(Slots::new(HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX)),
            notices: Arc::new(Notices::new()),
        })
    }

    /// The same, with what has been said of version 1 nodes.
    pub(crate) fn knowing(self, node_ids: NodeIds) -> Self {
        *self.node_ids.lock() = node_ids;
        self
    }

    /// Takes connections, a task for each, until it is aborted.
    pub(crate) fn listen(self: Arc<Self>, mut listener: impl Listener) -> JoinHandle<()> {
        let runtime = self.runtime.clone();
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
                        event!(WARN, %error, "no connection can be accepted");
                        sleep(EXHAUSTED_PAUSE).await;
                    }
                }
            }
        })
    }

    /// Makes sure that there is a session with the node `name`, if that can be.
    pub(crate) async fn connect(self: &Arc<Self>, name: &str) -> Result<(), ConnectError> {
        //= spec/dist.md#dist-nam-002
        //# A node MUST NOT dial anything but a name to dial.
        let name = NodeName::parse(name)?;
        if name.port() == 0 {
            return Err(ConnectError::PortUnknown);
        }
        //= spec/dist.md#dist-nam-003
        //# A node MUST complete a node name that matches `node-name` and has no port with `:9000` before it
        //# announces, dials, compares or orders it.
        let name: Arc<str> = name.completed().into();
        let began = self.clock.now();
        let mut tries = 0;
        loop {
            match self.registry.dial(&name) {
                Dial::Up => return Ok(()),
                Dial::OwnName => return Err(ConnectError::OwnName),
                Dial::Busy => return Err(ConnectError::Busy),
                Dial::Stopped => return Err(ConnectError::Stopped),
                Dial::Underway => timeout(UNDERWAY_DEADLINE, self.registry.settled(&name))
                    .await
                    .map_err(|_| ConnectError::Deadline)?,
                Dial::Start(begun) => match self.dial(name.clone(), begun).await {
                    // However it failed: another connection may have become the session meanwhile.
                    Err(_) if self.registry.is_up(&name) => return Ok(()),
                    Err(error) if error.is_worth_another_try(tries, self.clock.now() - began) => {
                        tries += 1;
                        //= spec/connection.md#con-dia-005
                        //= type=implication
                        //= reason=that times are random cannot be shown by a test
                        //# A node that dials a name again after a dial to it has ended without a session
                        //# SHOULD wait for a random time before.
                        sleep(jitter(tries)).await;
                    }
                    done => return done,
                },
            }
        }
    }

    /// Dials in a task of its own: the election waits for a dial that has begun, so that it must go on even if
    /// whoever asked for it does not.
    async fn dial(self: &Arc<Self>, name: Arc<str>, begun: Begun) -> Result<(), ConnectError> {
        let dialled = self.runtime.spawn(connection::dial(self.clone(), name, begun));
        // It is only cancelled with the runtime.
        dialled.await.unwrap_or(Err(ConnectError::Stopped))
    }

    fn slots(&self) -> MutexGuard<'_, Slots<ConnectionId>> {
        self.slots.lock()
    }
}

/// Whether an error of `accept` is one of the connection, and not of the listener.
fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionReset)
}

/// Two nodes that lost to each other must not dial again in step, nor must many that one acceptor has no place for.
fn jitter(tries: u32) -> Duration {
    // Without random bytes there is no handshake either.
    let [random] = random().unwrap_or_default();
    Duration::from_millis(u64::from(random)) * tries.min(JITTER_TRIES_MAX) / 4
}
