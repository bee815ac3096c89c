//! How a node is started: what can be chosen.

mod starting;

use std::fmt;
use std::num::NonZeroU16;
use std::path::PathBuf;

use snow_dist_codec::handshake::Capabilities;

use crate::core::endpoint::Limits;
use crate::core::handshake::{Bounds, PeerLists, RemoteExit, Version1};
use crate::core::limits::{MAILBOX_REMOTE_BYTES_MAX, PROCESSES_OF_PEERS_MAX, PROCESSES_PER_PEER_MAX};
use crate::core::session::{CAPABILITIES, Timing};
use crate::discovery::{Discovery, Planned};
use crate::secret::Secret;
use crate::tap::{Seen, Tap};

/// A node to be started: see [`Node::builder`](crate::Node::builder).
#[must_use = "a node runs once it is started"]
pub struct NodeBuilder {
    name: String,
    cookies: Vec<Secret>,
    listen: Vec<String>,
    timing: Timing,
    capabilities: Capabilities,
    remote_exit: RemoteExit,
    version_1: Version1,
    version_1_node_ids: Vec<(String, NonZeroU16)>,
    bounds: Bounds,
    connections: Limits,
    mailbox_remote_bytes_max: usize,
    kept: Vec<String>,
    peer_lists: PeerLists,
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
            cookies: Vec::new(),
            listen: Vec::new(),
            timing: Timing::default(),
            capabilities: CAPABILITIES,
            remote_exit: RemoteExit::default(),
            version_1: Version1::default(),
            version_1_node_ids: Vec::new(),
            bounds: Bounds::default(),
            connections: Limits::default(),
            mailbox_remote_bytes_max: MAILBOX_REMOTE_BYTES_MAX,
            kept: Vec::new(),
            peer_lists: PeerLists::default(),
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

    /// The secret that all nodes of the system share; it must not be guessable (see `snow-dist cookie`). The first
    /// one given signs, and further ones are accepted as well. To replace a cookie: add the new one as accepted on
    /// every node, make it the first on every node, then remove the old one.
    pub fn cookie(mut self, cookie: impl Into<Vec<u8>>) -> Self {
        self.cookies.push(Secret::Here(cookie.into()));
        self
    }

    /// Adds a cookie as [`NodeBuilder::cookie`] does, from a file of at most 64 KiB. A line's end at the file's end is not
    /// part of it. The log warns of a file that others than its owner can read or write, and of a cookie that begins or
    /// ends in what nobody sees.
    pub fn cookie_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.cookies.push(Secret::File(path.into()));
        self
    }

    /// Listens at this address, `host:port`, instead of the one that the node's name says: behind an address
    /// translation, on another port, or on all interfaces (`0.0.0.0:4000`, `[::]:4000`). Others still dial what the name
    /// says. An IPv6 address stands in brackets, one of a single link with its interface: `[fe80::1%eth0]:4000`.
    ///
    /// Can be called again, up to 64 times in all: the node listens at each of these addresses. If the name says port 0, the
    /// node announces the port of the first.
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen.push(address.into());
        self
    }

    /// Sets how long a peer may be silent: a PING is sent after the interval, and the session ends after the timeout
    /// that follows it. Each is from 100 ms to 24 hours; 60 s and 15 s if this is not called. The heartbeat cannot be
    /// turned off.
    pub const fn heartbeat(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// What it announces that it can do beyond the musts of version 2: all of
    /// [`CAPABILITIES`] if this is not called. A session uses what both its nodes
    /// have announced. A node that announces less is met as one that lacks the rest.
    pub const fn capabilities(mut self, set: Capabilities) -> Self {
        self.capabilities = set;
        self
    }

    /// Which peers it lets send exit signals to its processes ([`Context::send_exit`](crate::Context::send_exit)): all
    /// if this is not called. Nor can its own processes send such signals to a peer that it does not let.
    pub fn remote_exit(mut self, allowed: RemoteExit) -> Self {
        self.remote_exit = allowed;
        self
    }

    /// With which peers it speaks version 1, if they speak nothing else: with none if this is not called.
    ///
    /// **Security.** A version 1 node that runs with the cookie computes the digest of any challenge for whoever it
    /// dials, is made to dial, or is dialled by: with that anybody enters every node of the same cookie that accepts
    /// version 1, this one too. Where this node dials version 1 it is such an oracle itself, towards version 1 nodes.
    /// What two nodes of version 2 prove to each other stays as it is. Allow it for the names of version 1 nodes only,
    /// by [`Version1::only`], and as long as there are such: see `security.md`, "With version 1 allowed".
    ///
    /// What works in such a session, and what cannot, is in the specification, `version1.md`. A process is linked with,
    /// or monitors, one of a version 1 node only when that node has said by which node id it knows this one: it does so
    /// with the first thing that it addresses to a process of this node by its pid.
    pub fn version_1(mut self, allowed: Version1) -> Self {
        self.version_1 = allowed;
        self
    }

    /// The node id by which a version 1 node will know this one in the first session of the two: for a version 1 node
    /// that has just started, and whose first handshake is the one with this node, that is 1. With it, links and
    /// monitors can be made at once. If the peer then writes another one, that session ends, and the log names both.
    pub fn version_1_node_id(mut self, peer: impl Into<String>, node_id: NonZeroU16) -> Self {
        self.version_1_node_ids.push((peer.into(), node_id));
        self
    }

    /// Bytes of the longest frame that it reads, 64 KiB to 16 MiB: 16 MiB if this is not called. Other nodes are told,
    /// and refuse to send a message that does not fit, unless they can send it in fragments
    /// ([`NodeBuilder::reassembly_bytes_max`]); one that sends a longer frame all the same has its session closed.
    //= spec/connection.md#con-lim-001
    //# A node MAY use another value than the default for a limit of its own.
    pub const fn frame_bytes_max(mut self, bytes: u32) -> Self {
        self.bounds.frame_bytes = bytes;
        self
    }

    /// Bytes of messages in fragments that each session holds until they are whole, at least 64 KiB: 128 MiB if this is
    /// not called, and never more than a quarter of [`mailbox_remote_bytes_max`](Self::mailbox_remote_bytes_max), under
    /// which what has come of them counts. Other nodes are told, and refuse to send a message that is longer, or longer
    /// than 64 MiB; with two of the longest at once no signal of theirs waits for a message of another process.
    pub const fn reassembly_bytes_max(mut self, bytes: u64) -> Self {
        self.bounds.reassembly_bytes = bytes;
        self
    }

    /// Messages in fragments that each session holds until they are whole, from 1 to 65 536: 64 if this is not called.
    /// Other nodes are told, and begin no more at once.
    pub const fn fragmented_messages_max(mut self, count: u32) -> Self {
        self.bounds.fragmented_messages = count;
        self
    }

    /// Links and monitors on processes of this node that each session carries at once: 1 000 000 if this is not
    /// called, none with 0. Other nodes are told, and refuse to make more; one too many is answered with the error
    /// `limit`.
    pub const fn links_and_monitors_max(mut self, count: u32) -> Self {
        self.bounds.links_and_monitors = count;
        self
    }

    /// Sets how many accepted connections there are at most that have not yet shown that they know the cookie, 1 to 4 096:
    /// 128 if this is not called. Each takes a socket and some 30 KiB of memory, for 7 s at most.
    ///
    /// A further one takes the place of another: from an address that has most of them, of the older half the one whose
    /// handshake has come least far. So connections that say nothing keep nobody out. If
    /// [`connection_counts`](crate::Node::connection_counts) shows many that `gave_way` while honest nodes start, raise this.
    pub const fn handshakes_max(mut self, count: usize) -> Self {
        self.connections.handshakes_max = count;
        self
    }

    /// Sets how many of these come from one address at most (an IPv4 address, or a /64 network of IPv6), 1 to 4 096: 32 if
    /// this is not called. A further one takes the place of another from that address.
    ///
    /// Raise it if more nodes than that start at once behind one address, such as on one host or behind an address
    /// translation. They all get in without that too, as dials are made again, but not at once.
    pub const fn handshakes_per_address_max(mut self, count: usize) -> Self {
        self.connections.handshakes_per_address_max = count;
        self
    }

    /// Sessions at once, 1 to 65 536: 4 096 if this is not called. A node that has as many refuses further ones.
    pub const fn sessions_max(mut self, count: usize) -> Self {
        self.connections.sessions_max = count;
        self
    }

    /// Sets how many sessions there are at most that were accepted from one address (an IPv4 address, or a /64 network of
    /// IPv6), 1 to 65 536: 1 024 if this is not called. A node from there that has none yet is refused as busy, and told
    /// this limit. Sessions that this node has dialled do not count.
    ///
    /// Raise it for a cluster of more nodes than that behind one address. Lower it so that a single host with the cookie
    /// cannot take as many of the [`sessions_max`](Self::sessions_max) as there are.
    pub const fn sessions_per_address_max(mut self, count: usize) -> Self {
        self.connections.sessions_per_address_max = count;
        self
    }

    /// Bytes that all mailboxes keep for other nodes, at least four times the longest message: 1 GiB if this is not called.
    /// What has come of messages that are not whole yet counts as well, but for 128 KiB of each session.
    /// Each message and each signal counts all that it keeps alive, and 144 bytes for its place. One peer has at most as
    /// much of it as is free, and so has one mailbox; a peer in one mailbox has an eighth of what is free, and all peers that dial
    /// from one address have three times what is free. A message beyond its peer's share is dropped, and a mailbox that has
    /// used up its own counts as full. An exit signal of a link, or a DOWN, is never dropped: signals of a peer may go beyond
    /// its share by a sixty-fourth of the bytes, and those of all peers beyond the bytes by a quarter of them; further ones
    /// end their session.
    pub const fn mailbox_remote_bytes_max(mut self, bytes: usize) -> Self {
        self.mailbox_remote_bytes_max = bytes;
        self
    }

    /// Keeps sessions with these nodes, from when it listens: as [`Node::keep`](crate::Node::keep) does for each of them. The node's own name is passed
    /// over, so that all nodes of a system can be given the same list.
    pub fn keep_connected(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.kept.extend(names.into_iter().map(Into::into));
        self
    }

    /// Makes the node a member of a mesh, in which every node has a session with every other: it tells its peers of each other
    /// ([`tell_peers`](Self::tell_peers)), and connects to all nodes of which they tell it
    /// ([`peer_lists`](Self::peer_lists) with [`PeerLists::All`]). One node that all others are kept connected with is enough for
    /// the mesh to form.
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
    /// A mesh of n nodes has n (n - 1) / 2 sessions. Past a few hundred nodes, choose whom to connect with.
    pub fn mesh(self) -> Self {
        self.tell_peers(true).peer_lists(PeerLists::All)
    }

    /// Whether it tells each peer with which other nodes it has sessions, when a session with that peer begins: not, if this is
    /// not called. Only nodes of version 2 are told, and told of.
    pub const fn tell_peers(mut self, tells: bool) -> Self {
        self.tells_peers = tells;
        self
    }

    /// Of which nodes a peer may tell it so that it connects to them: of none if this is not called. It keeps them connected as
    /// [`Node::keep`](crate::Node::keep) does, until such a node ends a session in order, or has not been reached for
    /// [`LEARNED_PATIENCE`](crate::core::limits::LEARNED_PATIENCE).
    ///
    /// **Security.** A list makes this node connect to whatever host and port stands in it. Every peer has shown that it knows
    /// the cookie, and what is dialled has to show that too; [`PeerLists::only`] bounds where a peer can lead this node.
    pub fn peer_lists(mut self, obeyed: PeerLists) -> Self {
        self.peer_lists = obeyed;
        self
    }

    /// Whether a send, a call, a spawn, a link, a monitor or an exit signal to a node without a session dials that node, as Erlang
    /// has it: not, if this is not called. Then the process waits until there is a session, or the dial has failed, which the log
    /// tells on level DEBUG; in that case it goes on as without this: messages are dropped, links and monitors end with
    /// Noconnection.
    ///
    /// It works for names of nodes, and for processes of nodes that this one has had a session with: of others a peer would choose
    /// where this node dials. A process of an earlier start of a node is not there any more, whoever dials. Each attempt to reach a
    /// node that is down takes as long as a [`connect`](crate::Node::connect) to it: [`keep`](crate::Node::keep) what is turned to often.
    pub const fn dial_when_needed(mut self, dials: bool) -> Self {
        self.dials_when_needed = dials;
        self
    }

    /// Names that are kept connected at most, 1 to 65 536: 4 096 if this is not called. Those that peers' lists have named count
    /// as well.
    pub const fn nodes_kept_max(mut self, count: usize) -> Self {
        self.connections.kept_max = count;
        self
    }

    /// Dials at once to nodes that are kept connected, 1 to 4 096: 16 if this is not called.
    pub const fn dials_at_once_max(mut self, count: usize) -> Self {
        self.connections.dials_at_once_max = count;
        self
    }

    /// Dials within a minute because of peers' lists, 1 to 65 536: 1 024 if this is not called. Further ones wait.
    pub const fn peer_list_dials_max(mut self, count: usize) -> Self {
        self.connections.peer_list_dials_max = count;
        self
    }

    /// Keeps the nodes connected that `discovery` finds, from the time when the node listens to its end: as
    /// [`Node::discover`](crate::Node::discover) does. Can be called for several.
    pub fn discover(mut self, discovery: impl Discovery) -> Self {
        self.discoveries.push(Planned::new(discovery));
        self
    }

    /// Sets how many processes of this node there are at most that one other node has had started
    /// ([`Node::register_function`](crate::Node::register_function)) and that have not ended, 0 to 16 777 216: 4 096 if this is not called. A further one is
    /// refused, and its requester told so.
    ///
    /// They are counted by the other node's name, over its sessions and starts.
    pub const fn processes_per_peer_max(mut self, count: usize) -> Self {
        self.processes_per_peer_max = count;
        self
    }

    /// Sets how many processes of this node there are at most that other nodes, all together, have had started and that have not
    /// ended, 0 to 16 777 216: 65 536 if this is not called. A further one is refused, whoever asks for it. Each node is bounded by
    /// [`processes_per_peer_max`](Self::processes_per_peer_max) as well.
    pub const fn processes_of_peers_max(mut self, count: usize) -> Self {
        self.processes_of_peers_max = count;
        self
    }

    /// Writes the keys of all channels to the file that the environment variable `SSLKEYLOGFILE` names. Whoever has
    /// that file can read everything: for looking for faults only.
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

    /// Starts a process that tells other nodes about this one, if they call it: `snow-dist cluster` does. It is registered as
    /// [`ABOUT_NAME`], called with [`ABOUT_REQUEST`], and replies with an [`AboutNode`]: the node's name and incarnation, how
    /// many processes it runs, its counters, and its sessions, with names, versions, capabilities and round-trip times. It
    /// tells nothing of messages, names or processes. `false` if this is not called.
    ///
    /// Whoever knows the cookie can ask. The process lasts as long as the node: it ends with
    /// [`shutdown`](crate::Node::shutdown), and a node that is dropped without that goes on.
    ///
    /// [`ABOUT_NAME`]: crate::ABOUT_NAME
    /// [`ABOUT_REQUEST`]: crate::ABOUT_REQUEST
    /// [`AboutNode`]: crate::AboutNode
    pub const fn answer_about(mut self, on: bool) -> Self {
        self.answers_about = on;
        self
    }

    /// Shows every message of every connection to a function. It is called where the message is handled, and holds
    /// it up. It may use the node; if it panics, the message is handled all the same.
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
