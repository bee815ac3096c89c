//! A node among others: its connections, and what it knows of the nodes at their other ends.

use std::num::NonZeroU64;
use std::sync::Arc;

use snow_dist_codec::Pid as WirePid;

use super::Node;
use crate::connect_error::ConnectError;
use crate::core::Pid;
use crate::core::endpoint::{KeptNode, NotKept};
use crate::discovery::{DiscoverError, Discovering, Discovery, DiscoveryStatus, Planned};
use crate::notices::ConnectionCounts;
use crate::peer_info::PeerInfo;

/// Methods for other nodes, and for the connections with them.
impl Node {
    /// Returns the number of messages from other nodes to names that no process held, since the node was started.
    /// Such messages are dropped without an error at the sender. A sender that needs an error should
    /// [call](Self::call_named) the name instead.
    #[must_use]
    pub fn messages_to_nobody(&self) -> u64 {
        self.table.nameless()
    }

    /// Returns the incarnation of this node, a random number that differs between any two starts of a node. Returns
    /// `None` for a node without a network.
    #[must_use]
    pub fn incarnation(&self) -> Option<NonZeroU64> {
        self.table.connections().map(|connections| connections.incarnation())
    }

    /// Returns the creation of this node: the number, from 1 to 255, that each pid of its processes contains. It
    /// distinguishes the starts of a node, as far as 8 bits can.
    #[must_use]
    pub fn creation(&self) -> u8 {
        self.table.pid(0).creation()
    }

    /// Establishes a session with a node, and returns when the session exists. If there is a session already, returns
    /// at once. If `name` has no port, port 9000 is assumed.
    ///
    /// If this node is ending a session with that node, the call waits until that session has ended, and then dials.
    /// A dial that has begun is completed even if the future is dropped before it is ready. The future can be awaited
    /// on any runtime or executor: it uses the runtime on which the node was started.
    ///
    /// If another node has the same name as this one, the peer may have ended its session with this node in favour of
    /// a connection of that node. The dial then waits: for one second at first, and for up to one minute
    /// ([`RIVAL_PAUSE_MAX`](crate::core::limits::RIVAL_PAUSE_MAX)) if this happens repeatedly. A session that the
    /// peer dials in the meantime ends the wait.
    ///
    /// # Errors
    /// Returns [`ConnectError`] if no session could be established, for example because the peer does not answer,
    /// presents a wrong name, or does not know the cookie.
    pub async fn connect(&self, name: &str) -> Result<(), ConnectError> {
        match self.table.connections() {
            Some(connections) => connections.connect(name).await,
            None => Err(ConnectError::Alone),
        }
    }

    /// Starts to end the session with a node, and returns `true` at once. Queued messages are still sent, for at most
    /// 5 s. Returns `false` if there is no session with `name`, or if the session is already being ended. If `name`
    /// has no port, port 9000 is assumed.
    ///
    /// From now on nothing can be sent to that node, and [`nodes`](Self::nodes) does not list it. When the session
    /// has ended, processes that watch the node receive [`Received::NodeDown`](crate::Received::NodeDown). A
    /// [`connect`](Self::connect) to the node waits until then.
    pub fn disconnect(&self, name: &str) -> bool {
        let connections = self.table.connections();
        let name = self.table.completed(name);
        connections.zip(name.ok()).is_some_and(|(connections, name)| connections.disconnect(&name))
    }

    /// Keeps a session with a node: dials the node now, and again whenever there is no session, until
    /// [`let_go`](Self::let_go). Returns at once, and the node dials in the background without ever giving up. If
    /// `name` has no port, port 9000 is assumed.
    ///
    /// After each failed dial the pause before the next dial doubles, from 100 ms
    /// ([`KEEP_PAUSE_MIN`](crate::core::limits::KEEP_PAUSE_MIN)) to 30 s
    /// ([`KEEP_PAUSE_MAX`](crate::core::limits::KEEP_PAUSE_MAX)). The actual pause is shorter by a random part of up
    /// to one half. A session that lasts less than `KEEP_PAUSE_MAX` also makes the pause longer. Keeping a name that
    /// is kept already has no effect.
    ///
    /// Of the failed dials since the last session, only the first, the second, the fourth, the eighth, and so on are
    /// logged. The end of a session is logged as well. [`kept`](Self::kept) returns the current state.
    ///
    /// A session that [`disconnect`](Self::disconnect) ends is re-established, too. To end it for good, call
    /// [`let_go`](Self::let_go) before `disconnect`.
    ///
    /// ```no_run
    /// # fn example(node: snow_dist_runtime::Node) -> Result<(), Box<dyn std::error::Error>> {
    /// node.keep("b@10.0.0.2:4000")?;
    /// for node in node.kept() {
    ///     println!("{}: {:?}, {} dials", node.name, node.state, node.dials);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Returns [`NotKept`] if the name cannot be dialled or is this node's own, if the maximum number of nodes is
    /// kept already ([`NodeBuilder::nodes_kept_max`](crate::NodeBuilder::nodes_kept_max)), or if the node is shutting
    /// down or has no network.
    pub fn keep(&self, name: &str) -> Result<(), NotKept> {
        self.table.connections().ok_or(NotKept::Alone)?.keep(name)
    }

    /// Ends the effect of [`keep`](Self::keep) and [`NodeBuilder::keep_connected`](crate::NodeBuilder::keep_connected)
    /// for a node, and returns `true`. An existing session stays. The node is no longer dialled, unless a discovery
    /// ([`discover`](Self::discover)) or a peer list ([`NodeBuilder::peer_lists`](crate::NodeBuilder::peer_lists))
    /// keeps it as well.
    ///
    /// Returns `false` if the program does not keep the node. If `name` has no port, port 9000 is assumed.
    pub fn let_go(&self, name: &str) -> bool {
        self.table.connections().is_some_and(|connections| connections.let_go(name))
    }

    /// Returns the nodes that are kept connected and their states, ordered by name: those of [`keep`](Self::keep),
    /// those that discoveries have found ([`discover`](Self::discover)), and those from peer lists
    /// ([`NodeBuilder::peer_lists`](crate::NodeBuilder::peer_lists)).
    #[must_use]
    pub fn kept(&self) -> Vec<KeptNode> {
        self.table.connections().map(|connections| connections.kept()).unwrap_or_default()
    }

    /// Starts a discovery: from now on this node keeps sessions with the nodes that `discovery` finds. See
    /// [`discovery`](crate::discovery). Dropping the returned handle stops the discovery; call
    /// [`Discovering::detach`] to let it run on. If the node does not listen yet
    /// ([`NodeBuilder::prepare`](crate::NodeBuilder::prepare)), the discovery starts when the node listens.
    ///
    /// ```no_run
    /// # async fn example(node: snow_dist_runtime::Node) -> Result<(), snow_dist_runtime::discovery::DiscoverError> {
    /// use snow_dist_runtime::discovery::File;
    ///
    /// let discovering = node.discover(File::new("/etc/snow/nodes"))?;
    /// println!("{:?}", discovering.status());
    /// discovering.stop().await; // lets go of its nodes
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Returns [`DiscoverError`] if the interval between two looks is not from 100 ms to 24 hours, if the node has 64
    /// discoveries already ([`DISCOVERIES_MAX`](crate::core::limits::DISCOVERIES_MAX)), or if the node is shutting
    /// down or has no network.
    pub fn discover(&self, discovery: impl Discovery) -> Result<Discovering, DiscoverError> {
        self.table.connections().ok_or(DiscoverError::Alone)?.discover(Planned::new(discovery))
    }

    /// Returns the states of all running discoveries, in the order in which they were started. Those of
    /// [`NodeBuilder::discover`](crate::NodeBuilder::discover) come first.
    #[must_use]
    pub fn discoveries(&self) -> Vec<DiscoveryStatus> {
        self.table.connections().map(|connections| connections.discoveries()).unwrap_or_default()
    }

    /// Returns the names of all nodes that this node can send to, in alphabetical order. These are the nodes with a
    /// session that is not being ended.
    #[must_use]
    pub fn nodes(&self) -> Vec<Arc<str>> {
        self.table.connections().map(|connections| connections.nodes()).unwrap_or_default()
    }

    /// Returns information about each node that [`nodes`](Self::nodes) lists, in the same order.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerInfo> {
        self.table.connections().map(|connections| connections.peers()).unwrap_or_default()
    }

    /// Returns the pid of the process with the number `local` ([`Pid::local`]) on another node. Returns `None` if
    /// there is no session with the node, if `node` is this node, or if `local` is 2^40 or more. If `node` has no
    /// port, port 9000 is assumed. The process need not exist: only the other node knows whether it does.
    #[must_use]
    pub fn pid_on(&self, node: &str, local: u64) -> Option<Pid> {
        let connections = self.table.connections().filter(|_| local <= WirePid::LOCAL_MAX)?;
        connections.pid_on(&self.table.completed(node).ok()?, local)
    }

    /// Returns the name of the node on which a process runs. Returns `None` if that is neither this node nor a node
    /// with a session.
    #[must_use]
    pub fn node_of(&self, pid: Pid) -> Option<Arc<str>> {
        if pid.is_here() {
            return Some(self.name().into());
        }
        self.table.connections()?.node_of(pid)
    }

    /// Returns the number of messages to other nodes that were dropped since the node was started, because there was
    /// no session.
    #[must_use]
    pub fn messages_unsent(&self) -> u64 {
        self.table.unsent()
    }

    /// Returns counts of the connections of this node since it was started. They are for metrics, and show why a peer
    /// cannot connect. All counts are zero for a node without a network.
    ///
    /// Refused connections are also logged. When there are many, one line stands for several of them, at growing
    /// intervals.
    #[must_use]
    pub fn connection_counts(&self) -> ConnectionCounts {
        self.table.connections().map(|connections| connections.counts()).unwrap_or_default()
    }
}
