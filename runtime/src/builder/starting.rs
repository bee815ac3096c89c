//! Starting a node from its settings.

use std::num::{NonZeroU16, NonZeroU64};
use std::ops::RangeInclusive;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::NodeName;
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use tokio::runtime::Handle;

use super::NodeBuilder;
use crate::about;
use crate::core::endpoint::is_unspecified;
use crate::core::handshake::{Bounds, Local};
use crate::core::limits::{
    FRAGMENTED_FRAME_BYTES_MAX, FRAGMENTED_MESSAGES_BOUND_MAX, FRAME_BYTES_BOUND_MIN, HANDSHAKES_BOUND_MAX,
    HEARTBEAT_TIME_MAX, HEARTBEAT_TIME_MIN, LISTEN_ADDRESSES_MAX, MESSAGE_BYTES_COUNTED,
    NODES_KEPT_BOUND_MAX, NODES_KNOWN_MAX, PROCESSES_PER_PEER_BOUND_MAX, REASSEMBLY_PART,
};
use crate::core::name_to_dial;
use crate::core::session::CAPABILITIES;
use crate::discovery::{DiscoverError, Planned};
use crate::error::StartError;
use crate::net::{self, Habits, Identity, Tcp};
use crate::network::{Listener, Listening, Network};
use crate::node::Node;
use crate::prepared::PreparedNode;
use crate::process::table::{ProcessTable, TableLimits};
use crate::random::random;
use crate::secret::Doubt;
use crate::sessions::Registry;
use crate::sync::Executor;

impl NodeBuilder {
    /// Starts the node, and returns it. When this method returns, the node listens at each address of
    /// [`listen`](Self::listen) or, if none was given, at every address that the host in its name has on this
    /// machine.
    ///
    /// The node and its processes run on the tokio runtime in which this method is awaited. The runtime must have
    /// timers and I/O enabled.
    ///
    /// Peers can connect at once, before the program has started a process. If processes or names must exist for the
    /// first peer, use [`prepare`](Self::prepare) instead.
    ///
    /// # Errors
    /// Returns [`StartError`] if the name of this node or of a peer is not valid, no cookie is given, a cookie or
    /// certificate cannot be used, a name cannot be kept connected, a discovery cannot begin, a limit or time is
    /// outside its allowed range, a chosen capability does not exist in this implementation, an address cannot be
    /// bound, the operating system provides no random bytes, or the call is made outside of a tokio runtime with
    /// timers. The error names the setting.
    pub async fn start(self) -> Result<Node, StartError> {
        self.start_on(Tcp).await
    }

    /// Starts the node as [`start`](Self::start) does, on the given network instead of TCP.
    ///
    /// # Errors
    /// Returns [`StartError`] as [`start`](Self::start) does.
    pub async fn start_on(self, network: impl Network) -> Result<Node, StartError> {
        Ok(self.prepare_on(network).await?.listen())
    }

    /// Prepares the node: does everything that [`start`](Self::start) does, except that the node accepts no
    /// connections until [`PreparedNode::listen`] is called. The node has its name and its ports already. Processes
    /// and names that the program adds before that call exist for the first peer.
    ///
    /// ```
    /// # use snow_dist_runtime::{Context, Node};
    /// # async fn serve(_: Context) {}
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let builder = Node::builder("a@127.0.0.1:0").cookie("only for this example: `snow-dist cookie` makes better ones");
    /// let prepared = builder.prepare().await?;
    /// let server = prepared.node().spawn(serve)?;
    /// prepared.node().register("server", server)?;
    /// let node = prepared.listen();
    /// # node.shutdown().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Returns [`StartError`] as [`start`](Self::start) does.
    pub async fn prepare(self) -> Result<PreparedNode, StartError> {
        self.prepare_on(Tcp).await
    }

    /// Prepares the node as [`prepare`](Self::prepare) does, on the given network instead of TCP.
    ///
    /// # Errors
    /// Returns [`StartError`] as [`start`](Self::start) does.
    pub async fn prepare_on(self, network: impl Network) -> Result<PreparedNode, StartError> {
        check_runtime()?;
        self.check_limits()?;
        //= spec/dist.md#dist-nam-001
        //# The name that a node announces for itself MUST be a node name.
        let name = NodeName::parse(&self.name)?;
        if is_unspecified(name.host()) {
            return Err(StartError::HostUnspecified { host: name.host().to_owned() });
        }
        let mut doubts = Vec::new();
        let cookies = self.secrets.cookies(&mut doubts);
        doubts.iter().for_each(Doubt::tell);
        let cookies = cookies?;
        let node_ids = node_ids(&self.version_1_node_ids)?;
        let Bound { listeners, ports, announced } = bind(&network, self.listen, name).await?;
        let identity = Identity::new(self.secrets, &announced, self.key_log)?;
        let kept = names_to_keep(self.kept)?;
        let mut local = Local::new(NodeName::parse(&announced)?, incarnation()?, cookies);
        local.peer_lists = self.peer_lists;
        local.tells_peers = self.tells_peers;
        local.bounds = announced_bounds(self.bounds, self.mailbox_remote_bytes_max);
        local.capabilities = self.capabilities;
        local.remote_exit = self.remote_exit;
        local.remote_spawn = self.remote_spawn;
        local.global_names = self.global_names;
        local.version_1 = self.version_1;
        let limits = TableLimits {
            mailbox_remote_bytes: self.mailbox_remote_bytes_max,
            processes_per_peer: self.processes_per_peer_max,
            processes_of_peers: self.processes_of_peers_max,
        };
        let table = ProcessTable::of_start(local.start(), Executor::current(), limits);
        let registry = Registry::new(Arc::new(local), &table, self.timing, self.connections);
        registry.with_endpoint(|endpoint| {
            node_ids.into_iter().for_each(|(name, node_id)| endpoint.known_by(name, node_id));
        });
        let habits = Habits { identity, tap: self.tap, dials_when_needed: self.dials_when_needed };
        let connections = net::start(registry, network, listeners, habits);
        table.set_connections(connections);
        let node = Node::of(table);
        if let Err(error) = begin(&node, self.answers_about, &kept, self.discoveries) {
            // Nobody else would: what it has begun keeps the node, and the node its ports.
            node.shutdown().await;
            return Err(error);
        }
        Ok(PreparedNode::new(node, ports))
    }

    fn check_limits(&self) -> Result<(), StartError> {
        //= spec/session.md#ses-cap-001
        //# A node MUST NOT announce a capability unless it does all that this specification says of its
        //# frames.
        //= spec/handshake.md#hs-tlv-004
        //# A node MUST write 0 for each bit of capabilities that has no name.
        if !CAPABILITIES.contains(self.capabilities) {
            return Err(StartError::Capabilities { given: self.capabilities });
        }
        let frame_bytes = u64::from(self.bounds.frame_bytes);
        let reassembly_bytes = self.bounds.reassembly_bytes;
        let in_fragments = if self.capabilities.contains(Capabilities::FRAGMENTS) {
            reassembly_bytes.min(FRAGMENTED_FRAME_BYTES_MAX.into())
        } else {
            0
        };
        // Beside a peer that hoards half, the longest message finds room.
        let mailbox_bytes_min =
            REASSEMBLY_PART * (frame_bytes.max(in_fragments) + MESSAGE_BYTES_COUNTED as u64);
        check("listen", self.listen.len() as u64, 0..=LISTEN_ADDRESSES_MAX as u64)?;
        check("frame_bytes_max", frame_bytes, FRAME_BYTES_BOUND_MIN.into()..=FRAME_BYTES_MAX.into())?;
        check("reassembly_bytes_max", reassembly_bytes, FRAME_BYTES_BOUND_MIN.into()..=u64::MAX)?;
        let fragmented_messages = 1..=FRAGMENTED_MESSAGES_BOUND_MAX.into();
        check("fragmented_messages_max", self.bounds.fragmented_messages.into(), fragmented_messages)?;
        check_time("heartbeat interval", self.timing.interval, HEARTBEAT_TIME_MIN..=HEARTBEAT_TIME_MAX)?;
        check_time("heartbeat timeout", self.timing.timeout, HEARTBEAT_TIME_MIN..=HEARTBEAT_TIME_MAX)?;
        let handshakes = 1..=HANDSHAKES_BOUND_MAX as u64;
        check("handshakes_max", self.connections.handshakes_max as u64, handshakes.clone())?;
        check("handshakes_per_address_max", self.connections.handshakes_per_address_max as u64, handshakes)?;
        let sessions = 1..=NODES_KNOWN_MAX as u64;
        check("sessions_max", self.connections.sessions_max as u64, sessions.clone())?;
        check("nodes_kept_max", self.connections.kept_max as u64, 1..=NODES_KEPT_BOUND_MAX as u64)?;
        check("peer_list_dials_max", self.connections.peer_list_dials_max as u64, sessions.clone())?;
        check(
            "dials_at_once_max",
            self.connections.dials_at_once_max as u64,
            1..=HANDSHAKES_BOUND_MAX as u64,
        )?;
        check("sessions_per_address_max", self.connections.sessions_per_address_max as u64, sessions)?;
        let processes = 0..=PROCESSES_PER_PEER_BOUND_MAX as u64;
        check("processes_per_peer_max", self.processes_per_peer_max as u64, processes.clone())?;
        check("processes_of_peers_max", self.processes_of_peers_max as u64, processes)?;
        check(
            "mailbox_remote_bytes_max",
            self.mailbox_remote_bytes_max as u64,
            mailbox_bytes_min..=i64::MAX.unsigned_abs(),
        )
    }
}

/// The listeners of a node.
struct Bound<L> {
    listeners: Vec<Listening<L>>,
    /// The port of each listener, if it has one.
    ports: Vec<Option<u16>>,
    /// The node's name, with a port that other nodes can dial.
    announced: String,
}

/// Listens at these addresses, or at the address in the node's name if there are none.
async fn bind<N: Network>(
    network: &N,
    mut addresses: Vec<String>,
    name: NodeName<'_>,
) -> Result<Bound<N::Listener>, StartError> {
    if addresses.is_empty() {
        addresses.push(format!("{}:{}", name.host(), name.port()));
    }
    let mut bound = Bound { listeners: Vec::new(), ports: Vec::new(), announced: name.to_string() };
    for address in addresses {
        let not_there = |error| StartError::Listen { address: address.clone(), error };
        let listener = network.listen(&address).await.map_err(not_there)?;
        let port = listener.port();
        bound.listeners.push(Listening::new(listener));
        bound.ports.push(port.as_ref().ok().copied());
        if name.port() == 0 && bound.listeners.len() == 1 {
            bound.announced = format!("{}@{}:{}", name.name(), name.host(), port.map_err(not_there)?);
        }
    }
    Ok(bound)
}

/// Returns the limits, with the memory for fragmented messages reduced so that it fits beside a peer that hoards.
fn announced_bounds(bounds: Bounds, held_max: usize) -> Bounds {
    let bytes_max = (held_max as u64 / REASSEMBLY_PART).saturating_sub(MESSAGE_BYTES_COUNTED as u64);
    Bounds { reassembly_bytes: bounds.reassembly_bytes.min(bytes_max), ..bounds }
}

/// Returns an error if this is not called in a runtime that can run a node. Missing timers only show as a panic
/// when a timer is made; that panic is caught after the program's panic hook has seen it. Missing I/O shows when a
/// network makes its listener.
fn check_runtime() -> Result<(), StartError> {
    if Handle::try_current().is_err() {
        return Err(StartError::Runtime("start the node inside of one"));
    }
    let timer = catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO)));
    timer.map_err(|_| StartError::Runtime("turn them on by `enable_time` or `enable_all` of its builder"))
}

fn check(limit: &'static str, given: u64, allowed: RangeInclusive<u64>) -> Result<(), StartError> {
    let (least, most) = (*allowed.start(), *allowed.end());
    if allowed.contains(&given) { Ok(()) } else { Err(StartError::Limit { limit, given, least, most }) }
}

fn check_time(
    setting: &'static str,
    given: Duration,
    allowed: RangeInclusive<Duration>,
) -> Result<(), StartError> {
    let (least, most) = (*allowed.start(), *allowed.end());
    if allowed.contains(&given) { Ok(()) } else { Err(StartError::Time { setting, given, least, most }) }
}

/// Returns the node ids at version 1 nodes, by the completed names of these nodes.
fn node_ids(said: &[(String, NonZeroU16)]) -> Result<Vec<(Arc<str>, NonZeroU16)>, StartError> {
    let completed = |(name, node_id): &(String, NonZeroU16)| match NodeName::parse(name) {
        Ok(parsed) => Ok((parsed.completed().into(), *node_id)),
        Err(error) => Err(StartError::PeerName { setting: "version_1_node_id", peer: name.clone(), error }),
    };
    said.iter().map(completed).collect()
}

/// Returns the names to keep connected, completed.
fn names_to_keep(names: Vec<String>) -> Result<Vec<Arc<str>>, StartError> {
    let completed =
        |name: String| name_to_dial(&name).map_err(|error| StartError::Keep { name, error: error.into() });
    names.into_iter().map(completed).collect()
}

/// Starts what the node does by itself.
fn begin(
    node: &Node,
    answers_about: bool,
    kept: &[Arc<str>],
    discoveries: Vec<Planned>,
) -> Result<(), StartError> {
    if answers_about {
        about::start(node).map_err(|_| StartError::Runtime("it has been shut down"))?;
    }
    keep(node, kept)?;
    for planned in discoveries {
        let connections = node.table().connections().ok_or(DiscoverError::Alone)?;
        connections.discover(planned)?.detach();
    }
    Ok(())
}

/// Keeps these nodes connected, except for the node itself.
fn keep(node: &Node, names: &[Arc<str>]) -> Result<(), StartError> {
    for name in names.iter().filter(|name| &***name != node.name()) {
        node.keep(name).map_err(|error| StartError::Keep { name: name.to_string(), error })?;
    }
    Ok(())
}

//= spec/handshake.md#hs-tlv-008
//= type=implication
//= reason=the source is the operating system's: a test could only see that numbers differ
//# A node MUST take its incarnation from a cryptographic random source, anew at each start.
fn incarnation() -> Result<NonZeroU64, StartError> {
    loop {
        let bytes = random().map_err(|error| StartError::Random(error.to_string()))?;
        if let Some(incarnation) = NonZeroU64::new(u64::from_ne_bytes(bytes)) {
            return Ok(incarnation);
        }
    }
}
