//! Connections: the listener, dials, and what becomes of them.

mod accept_error;
mod ahead;
mod channel;
mod clock;
mod connection;
mod driver;
mod error;
mod network;
mod registry;
mod rivals;
mod routes;
mod sessions;
mod slots;
mod tap;
mod tcp;
mod tls;

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::{Arc, Weak};
use std::time::Duration;

use snow_dist_codec::NodeName;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use crate::core::handshake::Local;
use crate::core::limits::{
    ACK_DEADLINE, HANDSHAKE_DEADLINE, HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX, SESSIONS_MAX,
    SESSIONS_PER_ADDRESS_MAX, SHUTDOWN_PATIENCE, VERSION_1_CLEANUP,
};
use crate::core::peers::ConnectionId;
use crate::core::session::Timing;
use crate::foreign::{Kept, apart, event};
use crate::notices::{Limiter, Notices};
use crate::process::remote::Remote;
use crate::process::sync::{Mutex, MutexGuard};
use crate::process::table::ProcessTable;
use crate::random::random;
use crate::tls::TlsError;
pub(crate) use clock::Clock;
use network::{Dialler, Listening};
use registry::{Begun, Dial, Registry};
use rivals::Rivals;
use routes::Routes;
use slots::Slots;
use tls::Tls;

pub use error::{ConnectError, Stage};
pub use network::{Connection, Listener, Network};
pub(crate) use registry::Takeover;
pub(crate) use sessions::Sessions;
pub(crate) use tap::Tap;
pub use tap::{Direction, Seen};
pub use tcp::{Tcp, TcpListeners};

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
    rivals: Mutex<Rivals>,
    notices: Arc<Notices>,
}

/// How many connections and sessions a node has at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    /// Accepted connections that are not verified.
    pub(crate) handshakes_max: usize,
    /// Those among them from one address.
    pub(crate) handshakes_per_address_max: usize,
    /// Sessions, and dials on the way to one.
    pub(crate) sessions_max: usize,
    /// Sessions that were accepted from one address.
    pub(crate) sessions_per_address_max: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            handshakes_max: HANDSHAKES_MAX,
            handshakes_per_address_max: HANDSHAKES_PER_ADDRESS_MAX,
            sessions_max: SESSIONS_MAX,
            sessions_per_address_max: SESSIONS_PER_ADDRESS_MAX,
        }
    }
}

/// By which node id a version 1 node will know this one, by its name.
pub(crate) type NodeIds = BTreeMap<Arc<str>, NonZeroU16>;

/// How often a dial is made again that lost to another connection.
const ELECTIONS_MAX: u32 = 5;

/// How long after the first dial one that was closed early is still followed by another.
const REDIAL_PERIOD: Duration = HANDSHAKE_DEADLINE;

/// Tries after which the pause before the next one grows no more.
const JITTER_TRIES_MAX: u32 = 16;

/// How long a caller waits for a connection that somebody else is making, and for the end of the session before it.
const UNDERWAY_DEADLINE: Duration = SHUTDOWN_PATIENCE
    .saturating_add(VERSION_1_CLEANUP)
    .saturating_add(HANDSHAKE_DEADLINE)
    .saturating_add(ACK_DEADLINE);

/// How long the listener rests when the system has no place for another connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

impl Net {
    /// The connections of a node, which has none yet. To be called in the runtime on which they are to run.
    pub(crate) fn new(
        local: Arc<Local>,
        network: impl Network,
        table: &Arc<ProcessTable>,
        timing: Timing,
        limits: ConnectionLimits,
        key_log: bool,
        tap: Option<Tap>,
    ) -> Result<Self, TlsError> {
        let clock = Clock::start();
        let routes = Arc::new(Routes::new(Arc::downgrade(table)));
        table.connect(routes.clone() as Arc<dyn Remote>);
        let notices = Arc::new(Notices::new());
        let start = local.start().clone();
        let registry =
            Registry::new(start, limits, Arc::downgrade(table), routes.clone(), notices.clone(), clock);
        Ok(Self {
            network: Box::new(Kept::new(network)),
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
            slots: Mutex::new(Slots::new(limits.handshakes_max, limits.handshakes_per_address_max)),
            rivals: Mutex::default(),
            notices,
        })
    }

    /// The same, with what has been said of version 1 nodes.
    pub(crate) fn knowing(self, node_ids: NodeIds) -> Self {
        *self.node_ids.lock() = node_ids;
        self
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
        //= spec/dist.md#dist-nam-002
        //# A node MUST NOT dial anything but a name to dial.
        let name = NodeName::parse(name)?;
        if name.port() == 0 {
            return Err(ConnectError::PortUnknown);
        }
        if is_unspecified(name.host()) {
            return Err(ConnectError::HostUnspecified { host: name.host().to_owned() });
        }
        //= spec/dist.md#dist-nam-003
        //# A node MUST complete a node name that matches `node-name` and has no port with `:9000` before it
        //# announces, dials, compares or orders it.
        let name: Arc<str> = name.completed().into();
        let (mut first, mut tries) = (None, 0);
        loop {
            self.give_way_to_rivals(&name).await?;
            match self.registry.dial(&name) {
                Dial::Up => return Ok(()),
                Dial::OwnName => return Err(ConnectError::OwnName),
                Dial::Busy => return Err(ConnectError::Busy),
                Dial::Stopped => return Err(ConnectError::Stopped),
                Dial::Underway => self.settled(name.clone()).await?,
                Dial::Start(begun) => {
                    let began = *first.get_or_insert_with(|| self.clock.now());
                    match self.dial(name.clone(), begun).await {
                        // However it failed: another connection may have become the session meanwhile.
                        Err(_) if self.registry.is_up(&name) => return Ok(()),
                        // Or it waits, as it does for a version 1 peer to forget its last session.
                        Err(_) if tries < ELECTIONS_MAX && self.registry.is_underway(&name) => tries += 1,
                        Err(error) if error.is_worth_another_try(tries, self.clock.now() - began) => {
                            tries += 1;
                            //= spec/connection.md#con-dia-005
                            //= type=implication
                            //= reason=that times are random cannot be shown by a test
                            //# A node that dials a name again after a dial to it has ended without a session
                            //# SHOULD wait for a random time before.
                            self.on_runtime(sleep_for(jitter(tries))).await?;
                        }
                        done => return done,
                    }
                }
            }
        }
    }

    /// Waits, if a peer has just given this node's place to another node of its name.
    //= spec/connection.md#con-dia-006
    //# A node whose session, which it has dialled, is ended by CLOSE with code 3 soon after it has begun SHOULD wait
    //# before it dials that name again, and longer each time.
    async fn give_way_to_rivals(self: &Arc<Self>, name: &Arc<str>) -> Result<(), ConnectError> {
        let Some(at) = self.rivals.lock().dial_at(name, self.clock.now()) else { return Ok(()) };
        let (registry, name) = (self.registry.clone(), name.clone());
        self.on_runtime(async move { registry.up_before(&name, at).await }).await
    }

    /// A session that this node dialled has been ended by its peer for another connection: it is not dialled again at
    /// once. Returns how often that has happened by now, one time soon after the other.
    fn lost_to_rival(&self, name: &Arc<str>, began: Duration) -> u32 {
        let now = self.clock.now();
        // Without random bytes there is no handshake either.
        let [random] = random().unwrap_or_default();
        self.rivals.lock().lost(name, now, now.saturating_sub(began), random)
    }

    /// Dials in a task of its own: the election waits for a dial that has begun, so that it must go on even if
    /// whoever asked for it does not.
    async fn dial(self: &Arc<Self>, name: Arc<str>, begun: Begun) -> Result<(), ConnectError> {
        apart(self.runtime.spawn(connection::dial(self.clone(), name, begun))).await?
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
            Some(done) => Ok(done?),
            None => Err(ConnectError::RuntimeGone),
        }
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

/// Whether a host stands for every address of a machine. The system takes `0` for `0.0.0.0`.
pub(crate) fn is_unspecified(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_zero = bare.contains('0') && bare.chars().all(|character| matches!(character, '0' | '.'));
    is_zero || bare.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_unspecified())
}

async fn sleep_for(time: Duration) {
    sleep(time).await;
}

/// Two nodes that lost to each other must not dial again in step, nor must many that one acceptor has no place for.
fn jitter(tries: u32) -> Duration {
    // Without random bytes there is no handshake either.
    let [random] = random().unwrap_or_default();
    Duration::from_millis(u64::from(random)) * tries.min(JITTER_TRIES_MAX) / 4
}
