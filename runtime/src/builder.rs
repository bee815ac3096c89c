//! The settings of a node, and its start.

mod starting;

use std::fmt;
use std::num::NonZeroU16;
use std::path::PathBuf;

use snow_dist_codec::handshake::Capabilities;
use zeroize::Zeroizing;

use crate::core::Allowed;
use crate::core::endpoint::Limits;
use crate::core::handshake::Bounds;
use crate::core::limits::{MAILBOX_REMOTE_BYTES_MAX, PROCESSES_OF_PEERS_MAX, PROCESSES_PER_PEER_MAX};
use crate::core::session::{CAPABILITIES, Timing};
use crate::discovery::{Discovery, Planned};
use crate::secret::{Secret, Secrets};
use crate::tap::{Seen, Tap};
use crate::tls::Certificates;

/// The settings of a node that is to be started: see [`Node::builder`](crate::Node::builder).
///
/// A value outside the range of its setting is reported by [`start`](Self::start), with an error that names the
/// setting.
#[must_use = "a node runs once it is started"]
pub struct NodeBuilder {
    name: String,
    secrets: Secrets,
    listen: Vec<String>,
    timing: Timing,
    capabilities: Capabilities,
    remote_exit: Allowed,
    remote_spawn: Allowed,
    global_names: Allowed,
    version_1: Allowed,
    version_1_node_ids: Vec<(String, NonZeroU16)>,
    bounds: Bounds,
    connections: Limits,
    mailbox_remote_bytes_max: usize,
    kept: Vec<String>,
    peer_lists: Allowed,
    tells_peers: bool,
    discoveries: Vec<Planned>,
    processes_per_peer_max: usize,
    processes_of_peers_max: usize,
    dials_when_needed: bool,
    key_log: bool,
    answers_about: bool,
    tap: Option<Tap>,
}

impl NodeBuilder {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            secrets: Secrets::default(),
            listen: Vec::new(),
            timing: Timing::default(),
            capabilities: CAPABILITIES,
            remote_exit: Allowed::Everyone,
            remote_spawn: Allowed::Everyone,
            global_names: Allowed::Everyone,
            version_1: Allowed::Nobody,
            version_1_node_ids: Vec::new(),
            bounds: Bounds::default(),
            connections: Limits::default(),
            mailbox_remote_bytes_max: MAILBOX_REMOTE_BYTES_MAX,
            kept: Vec::new(),
            peer_lists: Allowed::Nobody,
            tells_peers: false,
            discoveries: Vec::new(),
            processes_per_peer_max: PROCESSES_PER_PEER_MAX,
            processes_of_peers_max: PROCESSES_OF_PEERS_MAX,
            dials_when_needed: false,
            key_log: false,
            answers_about: false,
            tap: None,
        }
    }

    /// Adds a cookie, the secret that all nodes of the system share. A cookie must not be guessable: `snow-dist
    /// cookie` makes a good one.
    ///
    /// This method can be called several times. The node signs with the first cookie, and accepts all of them. To
    /// replace a cookie without an interruption, take three steps on all nodes, one after the other: add the new
    /// cookie after the old one, move it before the old one, and remove the old one.
    /// [`Node::reload`](crate::Node::reload) and [`Node::set_cookies`](crate::Node::set_cookies) change cookies while
    /// the node runs.
    pub fn cookie(mut self, cookie: impl Into<Vec<u8>>) -> Self {
        self.secrets.cookies.push(Secret::Here(Zeroizing::new(cookie.into())));
        self
    }

    /// Adds the content of a file of at most 64 KiB as a cookie, as [`NodeBuilder::cookie`] does. The node reads the
    /// file when it starts, and again on [`Node::reload`](crate::Node::reload).
    ///
    /// A line ending at the end of the file is not part of the cookie. The log warns about a file that users other
    /// than its owner can read or write, and about a cookie that begins or ends with invisible characters.
    pub fn cookie_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.secrets.cookies.push(Secret::File(path.into()));
        self
    }

    /// Gives the node its own certificate, and makes it require a certificate from every peer.
    ///
    /// A peer then needs a certificate for its name in addition to the cookie. Without this setting, anybody with
    /// the cookie can use any name that is free.
    ///
    /// The certificate must cover this node's name with its port, so the name should not have port 0. The readme,
    /// "Certificates", explains how to create certificates and how to introduce them into a running system. Version 1
    /// nodes have no certificates, and are refused.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), snow_dist_runtime::StartError> {
    /// use snow_dist_runtime::{Node, tls::Certificates};
    ///
    /// let certificates = Certificates::files("a.pem", "a.key", "ca.pem");
    /// let node = Node::builder("a@10.0.0.1:4000").cookie_file("cookie").certificates(certificates).start().await?;
    /// # Ok(()) }
    /// ```
    pub fn certificates(mut self, certificates: Certificates) -> Self {
        self.secrets.certificates = Some(certificates);
        self
    }

    /// Sets an address, `host:port`, at which the node listens instead of the address in its name. Use this behind an
    /// address translation, to listen at another port, or to listen on all interfaces (`0.0.0.0:4000`, `[::]:4000`).
    ///
    /// Other nodes still dial the address in the name. An IPv6 address is written in brackets, and a link-local
    /// address with its interface: `[fe80::1%eth0]:4000`.
    ///
    /// This method can be called up to 64 times. The node listens at each of the addresses. If the name has port 0,
    /// the node announces the port of the first address.
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen.push(address.into());
        self
    }

    /// Sets the heartbeat, which limits how long a peer may be silent. When nothing has come from the peer for the
    /// interval, the node sends a PING. If then nothing comes for the timeout, the session ends.
    ///
    /// Both times must be from 100 ms to 24 hours. The default interval is 60 s, and the default timeout is 15 s. The
    /// heartbeat cannot be turned off.
    pub const fn heartbeat(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// Sets the capabilities that the node announces, which are optional features beyond version 2. The default is
    /// all of [`CAPABILITIES`].
    ///
    /// A session has the capabilities that both nodes have announced. Peers use no capability that this node does not
    /// announce. A set with a capability that is not in [`CAPABILITIES`] makes the start fail.
    pub const fn capabilities(mut self, set: Capabilities) -> Self {
        self.capabilities = set;
        self
    }

    /// Sets the peers that may send exit signals to processes of this node
    /// ([`Context::send_exit`](crate::Context::send_exit)). The default is all peers.
    ///
    /// The setting works in both directions: this node also sends no exit signals to a peer that is not allowed. At
    /// both nodes `send_exit` returns [`Refused::NotInSession`](crate::Refused::NotInSession), whose text is "the
    /// session with .. does not have the capability `remote_exit`".
    ///
    /// The setting covers `send_exit` only. Any peer can still link one of its processes with a process here, and end
    /// the process here by ending its own. Protect a process from that by
    /// [`Context::trap_exit`](crate::Context::trap_exit).
    pub fn remote_exit(mut self, allowed: Allowed) -> Self {
        self.remote_exit = allowed;
        self
    }

    /// Sets the peers that may start processes on this node, with the functions that the program has registered
    /// ([`Node::register_function`](crate::Node::register_function)). The default is all peers.
    ///
    /// All other peers get the answer that the function does not exist. Each such request is logged, and counted by
    /// [`Counts::spawns_refused`](crate::Counts::spawns_refused).
    pub fn remote_spawn(mut self, allowed: Allowed) -> Self {
        self.remote_spawn = allowed;
        self
    }

    /// Sets the peers whose global names this node accepts
    /// ([`Node::register_global`](crate::Node::register_global)). The default is all peers.
    ///
    /// This node ignores the global names of all other peers: it finds no process by these names, and its own
    /// processes can register the same names. Each ignored name is logged, and counted by
    /// [`Counts::global_names_refused`](crate::Counts::global_names_refused).
    ///
    /// The peer does not learn that its names are ignored. If both nodes have registered the same name, both may keep
    /// it: other nodes then find the process of the node whose names they accept. All nodes of a cluster should
    /// therefore have the same setting.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use snow_dist_runtime::{Allowed, Node};
    ///
    /// let registry = Allowed::only(["registry@10.0.0.1:4000"])?;
    /// let node = Node::builder("a@10.0.0.7:4000").cookie_file("cookie").global_names(registry).start().await?;
    /// # Ok(()) }
    /// ```
    pub fn global_names(mut self, allowed: Allowed) -> Self {
        self.global_names = allowed;
        self
    }

    /// Sets the peers with which this node may speak version 1. A session has version 1 only if the peer speaks no
    /// higher version. The default is no peer.
    ///
    /// **Security.** A version 1 node with the cookie computes the digest of any challenge for every program that has
    /// a connection with it, whichever side has dialled. With such digests, anybody can enter every node with the same
    /// cookie that accepts version 1, including this one. This node, too, computes digests for version 1 nodes that it
    /// dials with version 1. The proofs between two version 2 nodes are not affected. Allow version 1 only for the
    /// names of version 1 nodes, by [`Allowed::only`], and only as long as such nodes exist: see `security.md`, "With
    /// version 1 allowed".
    ///
    /// The specification, `version1.md`, lists the features that work in such a session and those that do not. A
    /// process can be linked with, or monitor, a process of a version 1 node only after that node has revealed the
    /// node id by which it knows this node. The version 1 node reveals the id by the first frame that it addresses to
    /// the pid of a process of this node.
    pub fn version_1(mut self, allowed: Allowed) -> Self {
        self.version_1 = allowed;
        self
    }

    /// Sets the node id by which a version 1 node will know this node in their first session. For a version 1 node
    /// that has just started, and whose first handshake is with this node, the id is 1.
    ///
    /// With this setting, links and monitors can be made as soon as the session begins. If the peer then uses another
    /// id, the session ends, and the log names both ids. If `peer` is not a node name, the start fails.
    pub fn version_1_node_id(mut self, peer: impl Into<String>, node_id: NonZeroU16) -> Self {
        self.version_1_node_ids.push((peer.into(), node_id));
        self
    }

    /// Sets the maximum length of a frame that the node reads, in bytes, from 64 KiB to 16 MiB. The default is 16
    /// MiB.
    ///
    /// Peers learn this limit in the handshake. They refuse to send a message that does not fit into one frame,
    /// unless they can send it in fragments ([`NodeBuilder::reassembly_bytes_max`]). If a peer sends a longer frame
    /// nevertheless, this node ends the session.
    //= spec/connection.md#con-lim-001
    //# A node MAY use another value than the default for a limit of its own.
    pub const fn frame_bytes_max(mut self, bytes: u32) -> Self {
        self.bounds.frame_bytes = bytes;
        self
    }

    /// Sets the maximum memory per session for fragmented messages that are not complete, in bytes, at least 64 KiB.
    /// The default is 128 MiB. The node never uses more than a quarter of
    /// [`mailbox_remote_bytes_max`](Self::mailbox_remote_bytes_max) for this, even if this setting allows more. The
    /// fragments that have arrived count as memory of mailboxes, too.
    ///
    /// Peers learn this limit in the handshake. They refuse to send a message that is longer than the limit or longer
    /// than 64 MiB. Choose at least twice the length of the longest message. Then a signal that a peer sends never
    /// waits behind a long message of another process.
    pub const fn reassembly_bytes_max(mut self, bytes: u64) -> Self {
        self.bounds.reassembly_bytes = bytes;
        self
    }

    /// Sets the maximum number of fragmented messages per session that are not complete, from 1 to 65 536. The
    /// default is 64. Peers learn this limit in the handshake, and let further fragmented messages wait.
    pub const fn fragmented_messages_max(mut self, count: u32) -> Self {
        self.bounds.fragmented_messages = count;
        self
    }

    /// Sets the maximum number of links and monitors that each peer may have with processes of this node, per session.
    /// Calls that wait for a reply count as well. The default is 1 000 000; 0 allows none.
    ///
    /// Peers learn this limit in the handshake, and refuse to make further links, monitors and calls. This node
    /// answers a request beyond the limit with the error `limit`.
    pub const fn links_and_monitors_max(mut self, count: u32) -> Self {
        self.bounds.links_and_monitors = count;
        self
    }

    /// Sets the maximum number of accepted connections that have not yet proven that they know the cookie (handshake
    /// slots), from 1 to 4 096. The default is 128. Each such connection takes a socket and some 30 KiB of memory,
    /// for at most 7 s.
    ///
    /// When all slots are taken, a further connection replaces another one. Among the older half of the connections
    /// from the address that has the most slots, the node closes the one whose handshake has made the least progress.
    /// Connections that send nothing therefore cannot keep others out. Raise this limit if
    /// [`RefusedConnections::gave_way`](crate::RefusedConnections::gave_way) grows fast while honest nodes start.
    pub const fn handshakes_max(mut self, count: usize) -> Self {
        self.connections.handshakes_max = count;
        self
    }

    /// Sets the maximum number of handshake slots for one address (an IPv4 address, or a /64 network of IPv6), from 1
    /// to 4 096. The default is 32. When all slots of an address are taken, a further connection from that address
    /// replaces an earlier one from the same address.
    ///
    /// Raise this limit if more nodes than this start at once behind one address, for example on one host or behind
    /// an address translation. With a limit that is too low, all of them still connect, because dials are repeated,
    /// but it takes longer.
    pub const fn handshakes_per_address_max(mut self, count: usize) -> Self {
        self.connections.handshakes_per_address_max = count;
        self
    }

    /// Sets the maximum number of sessions, from 1 to 65 536. The default is 4 096. The node refuses further
    /// connections as busy, and dials no further nodes.
    pub const fn sessions_max(mut self, count: usize) -> Self {
        self.connections.sessions_max = count;
        self
    }

    /// Sets the maximum number of sessions that were accepted from one address (an IPv4 address, or a /64 network
    /// of IPv6), from 1 to 65 536. The default is 1 024. Sessions that this node has dialled do not count.
    ///
    /// The node refuses a further connection from that address as busy, and the refusal names this limit. Raise the
    /// limit for a cluster with more nodes behind one address. Lower it so that a single host with the cookie cannot
    /// use up all of [`sessions_max`](Self::sessions_max).
    pub const fn sessions_per_address_max(mut self, count: usize) -> Self {
        self.connections.sessions_per_address_max = count;
        self
    }

    /// Sets the maximum memory that all mailboxes together use for items from other nodes, in bytes. The minimum is
    /// four times the longest message that this node accepts. The default is 1 GiB.
    ///
    /// Each message and each signal counts with all memory that it keeps alive, plus 144 bytes for its entry.
    /// Fragments of incomplete messages count as well, except for the first 128 KiB of each session.
    ///
    /// The memory is divided into shares. A share is a part of the memory that is *free*, which is the part of the
    /// maximum that is left once the new message is stored. No peer and no mailbox can therefore use up the memory
    /// alone. A single peer, for example, may use only as much as it leaves free, which is half of the maximum.
    ///
    /// | who | share | beyond it |
    /// |---|---|---|
    /// | one peer in all mailboxes | all that is free | the message is dropped |
    /// | all peers that have dialled from one address | three times what is free | the message is dropped |
    /// | one mailbox | all that is free | the mailbox is full: see [`WhenFull`](crate::WhenFull) |
    /// | one peer in one mailbox | an eighth of what is free, or one message | the mailbox is full for this peer |
    ///
    /// Exit signals of links, and DOWNs, are never dropped. The signals of one peer may exceed its share by a
    /// sixty-fourth of the maximum, and the signals of all peers together may exceed the maximum by a quarter. A
    /// signal beyond that ends the session on which it came.
    pub const fn mailbox_remote_bytes_max(mut self, bytes: usize) -> Self {
        self.mailbox_remote_bytes_max = bytes;
        self
    }

    /// Adds nodes with which the node keeps sessions, as [`Node::keep`](crate::Node::keep) does. The node begins to
    /// dial them when it listens. The node's own name is ignored, so that all nodes of a system can have the same
    /// list. Any other name that cannot be kept makes the start fail.
    pub fn keep_connected(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.kept.extend(names.into_iter().map(Into::into));
        self
    }

    /// Makes the node a member of a mesh, in which every node has a session with every other node.
    ///
    /// The node tells its peers of each other ([`tell_peers`](Self::tell_peers)), and connects to all nodes of which
    /// they tell it ([`peer_lists`](Self::peer_lists) with [`Allowed::Everyone`]). For the mesh to form, it is enough
    /// that all nodes keep a session with the same one node ([`keep_connected`](Self::keep_connected)).
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), snow_dist_runtime::StartError> {
    /// use snow_dist_runtime::Node;
    ///
    /// let seeds = ["seed@10.0.0.1:4000", "seed@10.0.0.2:4000"];
    /// let node = Node::builder("a@10.0.0.7:4000").cookie_file("cookie").keep_connected(seeds).mesh().start().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// A mesh of n nodes has n (n - 1) / 2 sessions. Beyond a few hundred nodes, choose the connections
    /// individually.
    pub fn mesh(self) -> Self {
        self.tell_peers(true).peer_lists(Allowed::Everyone)
    }

    /// Sets whether the node sends a peer list at the beginning of each session: the names of the nodes that it has
    /// sessions with. The default is `false`. Only nodes of version 2 receive such lists and appear in them.
    pub const fn tell_peers(mut self, tells: bool) -> Self {
        self.tells_peers = tells;
        self
    }

    /// Sets the nodes that this node connects to when it finds them in a peer list
    /// ([`tell_peers`](Self::tell_peers)). The default is no node.
    ///
    /// The node keeps these nodes connected as [`Node::keep`](crate::Node::keep) does. This node stops keeping such a
    /// node when either of the two ends their session gracefully, or when the other node has not been reached for ten
    /// minutes ([`LEARNED_PATIENCE`](crate::core::limits::LEARNED_PATIENCE)).
    ///
    /// **Security.** A peer list makes this node connect to the hosts and ports that the list contains. The peer that
    /// sends the list has proven that it knows the cookie, and every node that is dialled has to prove that too.
    /// [`Allowed::only`] limits where a peer can direct this node.
    pub fn peer_lists(mut self, obeyed: Allowed) -> Self {
        self.peer_lists = obeyed;
        self
    }

    /// Sets whether an action towards a node without a session dials that node, as in Erlang. Such actions are a
    /// send, a call, a spawn, a link, a monitor and an exit signal. The default is `false`.
    ///
    /// The process then waits until there is a session or the dial has failed. A failed dial is logged at level
    /// DEBUG. The action then has the result that it has without this setting: messages are dropped, and links and
    /// monitors end with Noconnection.
    ///
    /// An action that gives the name of a node dials that node. An action that gives a pid dials the node of the
    /// process only if this node has had a session with it. Other pids cause no dial: they come from peers, which
    /// could otherwise choose where this node dials. A pid of an earlier incarnation of a node causes no dial either,
    /// because that process no longer exists. Each attempt to reach a node that is down takes as long as a
    /// [`connect`](crate::Node::connect) to it, so use [`keep`](crate::Node::keep) for nodes that are needed often.
    pub const fn dial_when_needed(mut self, dials: bool) -> Self {
        self.dials_when_needed = dials;
        self
    }

    /// Sets the maximum number of nodes that are kept connected, from 1 to 65 536, including those from discoveries
    /// and peer lists. The default is 4 096. Beyond it, [`Node::keep`](crate::Node::keep) returns an error, and names
    /// from discoveries and peer lists are ignored and logged.
    pub const fn nodes_kept_max(mut self, count: usize) -> Self {
        self.connections.kept_max = count;
        self
    }

    /// Sets the maximum number of simultaneous dials to nodes that are kept connected, from 1 to 4 096. The default
    /// is 16. Further dials wait.
    pub const fn dials_at_once_max(mut self, count: usize) -> Self {
        self.connections.dials_at_once_max = count;
        self
    }

    /// Sets the maximum number of dials per minute that peer lists cause, from 1 to 65 536. The default is 1 024.
    /// Further dials wait.
    pub const fn peer_list_dials_max(mut self, count: usize) -> Self {
        self.connections.peer_list_dials_max = count;
        self
    }

    /// Adds a discovery, as [`Node::discover`](crate::Node::discover) does. The discovery runs from the time when
    /// this node listens until the node is shut down. This method can be called up to 64 times
    /// ([`DISCOVERIES_MAX`](crate::core::limits::DISCOVERIES_MAX)).
    pub fn discover(mut self, discovery: impl Discovery) -> Self {
        self.discoveries.push(Planned::new(discovery));
        self
    }

    /// Sets the maximum number of running processes on this node that one other node has started
    /// ([`Node::register_function`](crate::Node::register_function)), from 0 to 16 777 216. The default is 4 096. A
    /// further request is refused, and the process that made it receives
    /// [`SpawnOnError::TooMany`](crate::SpawnOnError::TooMany).
    ///
    /// Processes are counted by the name of the node that has started them, across the sessions and incarnations of
    /// that node.
    pub const fn processes_per_peer_max(mut self, count: usize) -> Self {
        self.processes_per_peer_max = count;
        self
    }

    /// Sets the maximum number of running processes on this node that all other nodes together have started, from 0
    /// to 16 777 216. The default is 65 536. A further request is refused, whichever node it comes from. Each node is
    /// limited by [`processes_per_peer_max`](Self::processes_per_peer_max) as well.
    pub const fn processes_of_peers_max(mut self, count: usize) -> Self {
        self.processes_of_peers_max = count;
        self
    }

    /// Sets whether the keys of all TLS channels are written to the file that the environment variable
    /// `SSLKEYLOGFILE` names. The default is `false`. Without that variable nothing is written.
    ///
    /// **Security.** Anybody who has the file can decrypt all traffic, so use this setting for debugging only.
    //= spec/connection.md#con-sec-002
    //= type=implication
    //= reason=nothing else has these secrets; that nothing is written without the order cannot be shown by a
    //= reason=test
    //# A node MUST NOT write the secrets of its TLS connections anywhere unless its operator has asked for
    //# that.
    pub const fn key_log(mut self, on: bool) -> Self {
        self.key_log = on;
        self
    }

    /// Sets whether the node runs a process that answers calls of other nodes with information about this node.
    /// The default is `false`. `snow-dist cluster` uses this.
    ///
    /// The process is registered as [`ABOUT_NAME`], called with [`ABOUT_REQUEST`], and replies with an
    /// [`AboutNode`]: the node's name and incarnation, the number of its processes, its counters, and its sessions
    /// with names, versions, capabilities and round-trip times. The reply contains no messages, and no names or
    /// pids of processes.
    ///
    /// Any node that knows the cookie can ask. The process keeps the node alive until
    /// [`shutdown`](crate::Node::shutdown): the node continues to run when the program drops all handles to it.
    ///
    /// [`ABOUT_NAME`]: crate::ABOUT_NAME
    /// [`ABOUT_REQUEST`]: crate::ABOUT_REQUEST
    /// [`AboutNode`]: crate::AboutNode
    pub const fn answer_about(mut self, on: bool) -> Self {
        self.answers_about = on;
        self
    }

    /// Sets a function that is called with every message that the node sends or receives on any connection
    /// ([`Seen`]). The default is no function. The function may use the node. The function is called while the node
    /// handles the message, so the message waits until the function returns. If the function panics, the message is
    /// handled nevertheless.
    pub fn tap(mut self, see: impl Fn(Seen<'_>) + Send + Sync + 'static) -> Self {
        self.tap = Some(Tap::new(see));
        self
    }
}

impl fmt::Debug for NodeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}
