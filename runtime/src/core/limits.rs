//! The limits of the core: fixed limits, the defaults of settings, and the bounds of settings, each with its unit and
//! its reason. Specification: `connection.md`, "Limits".
//!
//! The comment of a default says "default" and names the setting, which is a method of `NodeBuilder` unless the comment
//! names another place. All other limits are fixed.

use std::time::Duration;

/// The maximum encoded size, in bytes, of a reason that a node keeps and passes on. A longer reason is shortened. With
/// this limit, the reason of a chain of exits does not grow without end on its way from node to node.
pub const REASON_BYTES_MAX: usize = 4 << 10;

/// The maximum number of [hops](crate::core::Chain::hops) in a reason that is written to a version 1 node. Further hops
/// are left out. A version 1 node reads hops by recursion, and crashes at a few hundred more.
pub const VERSION_1_HOPS_MAX: usize = 256;

/// The longest time from the beginning of a connection to the REPLY of the handshake. The connection begins when the
/// initiator starts to dial, and for the acceptor when TCP has accepted it. A silent connection holds a handshake slot
/// ([`HANDSHAKES_MAX`]) for no longer than this.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(7);

/// The part of [`HANDSHAKE_DEADLINE`] within which a dial must find the addresses of a host and connect to one of them.
/// The rest is left for TLS and the handshake. The error of the dial can thus tell an address that does not answer from
/// a node that does not answer.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// The time after which a dial tries the next address of a host if the previous one has not answered. If the previous
/// one has failed, the dial does not wait. Otherwise the previous attempt continues meanwhile (RFC 8305, "Connection
/// Attempt Delay").
pub const CONNECT_ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The maximum number of addresses of one host that are dialled. Further addresses are left out. If no address answers,
/// no more than this can be tried within [`CONNECT_DEADLINE`].
pub const CONNECT_ADDRESSES_MAX: usize = 20;

/// The maximum number of addresses at which one node listens. Each address needs a task, and one or more sockets.
pub const LISTEN_ADDRESSES_MAX: usize = 64;

/// The default time between two looks of a discovery (`Discovery::interval`). In a look, a discovery asks its source
/// for the names of nodes. DNS records of a cluster usually stay in a cache for about as long as this.
pub const DISCOVERY_INTERVAL: Duration = Duration::from_secs(5);

/// The default time between two looks of a discovery whose source is on this machine, such as a file. Such a look costs
/// next to nothing.
pub const DISCOVERY_NEAR_INTERVAL: Duration = Duration::from_secs(1);

/// The shortest time between two looks that can be set for a discovery. With a shorter time a node would do little
/// else.
pub const DISCOVERY_INTERVAL_MIN: Duration = Duration::from_millis(100);

/// The longest time between two looks that can be set for a discovery.
pub const DISCOVERY_INTERVAL_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The divisor that gives the random variation of the time between two looks: with 10, the time is up to a tenth
/// shorter or longer than set. So nodes that were started together do not all ask their source at the same time.
pub const DISCOVERY_JITTER_PART: u32 = 10;

/// The longest time of one look. A look that takes longer has failed. Within this time, a name server can be asked more
/// than once.
pub const DISCOVERY_LOOK_DEADLINE: Duration = Duration::from_secs(15);

/// The time that a name server has to answer one query of a discovery.
pub const DNS_TIMEOUT: Duration = Duration::from_secs(3);

/// The number of times that a query to a name server is repeated. With [`DNS_TIMEOUT`] for each attempt, a look ends
/// within [`DISCOVERY_LOOK_DEADLINE`].
pub const DNS_RETRIES: usize = 2;

/// The maximum number of names from one look that are kept connected. If there are more, the first ones in ascending
/// order are kept. This limit is equal to the default number of sessions ([`SESSIONS_MAX`]).
pub const DISCOVERED_NAMES_MAX: usize = 4_096;

/// The maximum size, in bytes, of a file from which a discovery reads names. A look at a larger file fails.
/// [`DISCOVERED_NAMES_MAX`] names of the maximum length fit into it.
pub const DISCOVERY_FILE_BYTES_MAX: u64 = 1 << 20;

/// The maximum number of discoveries of one node. Each discovery needs a task.
pub const DISCOVERIES_MAX: usize = 64;

/// The number of failed looks of a discovery that have a line of the log each. Further ones are counted, and one line
/// reports several. The same number applies to looks that find names which cannot be kept. Most further looks fail in
/// the same way.
pub const DISCOVERY_TOLD_SINGLY_MAX: u32 = 4;

/// The longest time from the initiator's REPLY to the acceptor's ACK. Before it sends ACK, the acceptor may have to
/// wait for the outcome of its own dial to the initiator.
pub const ACK_DEADLINE: Duration = Duration::from_secs(7);

/// The default of the setting `handshakes_max`: the number of handshake slots. An accepted connection holds a slot
/// until its REPLY is verified. To keep an honest dial out, an attacker must open at least 64 connections (half the
/// number of slots) while the handshake of that dial runs.
pub const HANDSHAKES_MAX: usize = 128;

/// The default of the setting `handshakes_per_address_max`: the number of handshake slots that connections from one
/// address (an IPv4 address, or an IPv6 /64) may hold. With this number, a cluster behind one address can start at
/// once, and an attacker needs several addresses to fill all slots.
pub const HANDSHAKES_PER_ADDRESS_MAX: usize = 32;

/// The largest value of the settings `handshakes_max`, `handshakes_per_address_max` and `dials_at_once_max`. When no
/// handshake slot is left, each new connection is compared with all connections that hold one.
pub const HANDSHAKES_BOUND_MAX: usize = 4_096;

/// The limit, in bytes, on the messages that are queued in a session. While this many bytes or more are queued, senders
/// wait. Requests for links, monitors and processes count and wait like messages.
pub const SESSION_QUEUE_BYTES_MAX: usize = 8 << 20;

/// The limit, in bytes, on the answers to the peer that are queued in a session. When they exceed it, the session ends
/// with [`AnswersUnread`](crate::core::session::Ending::AnswersUnread), because the peer sends requests without reading
/// the answers.
pub const SESSION_RESERVE_BYTES_MAX: usize = 8 << 20;

/// The longest time for which the transport of a session may accept no byte while something waits to be written. After
/// that, the session ends with [`Stuck`](crate::core::session::Ending::Stuck).
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(30);

/// The longest time of the graceful end of a session. Within this time, this node writes what is queued, and reads
/// until the peer has closed its side. After that, the session ends in any case.
pub const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// The length, in bytes, below which a node warns of a short cookie. An attacker who has seen one REPLY can try
/// cookies offline.
pub const COOKIE_BYTES_ADVISED: usize = 16;

/// The maximum size, in bytes, of a file from which a cookie is read. A longer file is refused, since it is not a
/// cookie file.
pub const COOKIE_FILE_BYTES_MAX: u64 = 64 << 10;

/// The maximum size, in bytes, of a file from which certificates or a key are read. A longer file is refused. TLS
/// carries only shorter chains, and nobody needs more trust anchors than fit into such a file.
pub const CERTIFICATE_FILE_BYTES_MAX: u64 = 1 << 20;

/// The maximum number of names that are read from one certificate. Usually fewer fit into a TLS handshake. Further
/// names are ignored.
pub const CERTIFIED_NAMES_MAX: usize = 1_024;

/// The maximum number of names of a certificate that an error or a line of the log shows.
pub const CERTIFIED_NAMES_SHOWN_MAX: usize = 4;

/// The maximum length of a global name, in bytes. Many such names fit into one frame, and every peer accepts a frame
/// with one of them.
pub const GLOBAL_NAME_BYTES_MAX: usize = 4 << 10;

/// The maximum total size, in bytes, of the global names that one node owns. Each name counts with its length plus
/// [`GLOBAL_NAME_BYTES_COUNTED`]. The peers of the node keep these names, and keep no more than this for one peer. More
/// than sixty thousand short names fit.
pub const GLOBAL_NAMES_BYTES_MAX: usize = 16 << 20;

/// The maximum total size, in bytes, of the global names that a node keeps for all its peers together, counted as in
/// [`GLOBAL_NAMES_BYTES_MAX`]. Names that would exceed it are ignored. The names of sixteen peers fit, even if each has
/// as many as it may.
pub const GLOBAL_NAMES_OF_PEERS_BYTES_MAX: usize = 256 << 20;

/// The number of bytes that is added to the length of each global name when the size of names is limited. A peer
/// needs at least this much memory for the entries and allocations of a name.
pub const GLOBAL_NAME_BYTES_COUNTED: usize = 256;

/// The maximum length, in bytes, of a name under which a process is registered. No frame can carry a longer name.
pub const PROCESS_NAME_BYTES_MAX: usize = snow_dist_codec::limits::STR16_BYTES_MAX;

/// The maximum length, in bytes, of a process name that can be monitored on another node. The frame MONITOR_NAME is a
/// signal, so it must be short enough for every peer.
pub const MONITORED_NAME_BYTES_MAX: usize = 4 << 10;

/// The default of the setting `processes_per_peer_max`: the maximum number of live processes on this node that one
/// other node has started. Each process takes memory, and its function can keep up to 64 KiB of arguments.
pub const PROCESSES_PER_PEER_MAX: usize = 4_096;

/// The default of the setting `processes_of_peers_max`: the maximum number of live processes on this node that all
/// other nodes together have started. [`PROCESSES_PER_PEER_MAX`] alone would set no bound, because one program can
/// use the names of many nodes.
pub const PROCESSES_OF_PEERS_MAX: usize = 65_536;

/// The largest value of the settings `processes_per_peer_max` and `processes_of_peers_max`. No machine runs more
/// processes than this for other nodes.
pub const PROCESSES_PER_PEER_BOUND_MAX: usize = 16_777_216;

/// The maximum length, in bytes, of the name of a function that another node is asked to run. It is equal to
/// [`MONITORED_NAME_BYTES_MAX`].
pub const FUNCTION_NAME_BYTES_MAX: usize = 4 << 10;

/// The maximum number of spawn requests of one session that the peer has not answered. A further request fails with
/// [`TooMany`](crate::core::session::NotRequested::TooMany). Requests with a monitor do not count here, because each of
/// them counts under the peer's limit on links and monitors. A peer answers requests at once, so their number grows
/// only if the peer does not read.
pub const SPAWNS_UNANSWERED_MAX: usize = 65_536;

/// The maximum length, in bytes, of the name of a group. It is equal to that of a node name. The name is sent with
/// each membership.
pub const GROUP_NAME_BYTES_MAX: usize = 255;

/// The maximum number of memberships of the processes of one node, where a process counts once for each of its
/// groups. A node keeps up to this many memberships of its own processes, and up to this many for each other node.
pub const GROUP_MEMBERSHIPS_MAX: usize = 65_536;

/// The maximum size, in bytes, of a message between the groups servers of two nodes: see
/// [`groups`](crate::core::groups). In a session without *fragments* the message is sent as one frame, and at this size
/// it does not delay signals for long.
pub const GROUPS_MESSAGE_BYTES_MAX: usize = 60 << 10;

/// The longest time between two messages of a groups server to the groups server of another node. By the next message
/// the receiver notices the loss of an earlier one.
pub const GROUPS_INTERVAL_MAX: Duration = Duration::from_secs(60);

/// The smallest value, in bytes, of the setting `frame_bytes_max`: the limit on the payloads of the frames that a node
/// reads. Every peer therefore accepts a payload of this size. Every frame that is not a message fits, so signals can
/// always be written.
pub const FRAME_BYTES_BOUND_MIN: u32 = 64 << 10;

/// The maximum delay of a signal by messages from other processes, in bytes of these messages: about a second at 1
/// Mbit/s. Bytes that a host keeps between the session and the wire count as well. In a session without *fragments*,
/// the limit holds only if no message is longer than this.
pub const SIGNAL_DELAY_BYTES_MAX: usize = 128 << 10;

/// The maximum size, in bytes, of the payload of a FRAGMENT frame. In a session with *fragments*, a message goes out in
/// fragments if the payload of its frame is longer than this. A signal may have to wait for one fragment, or for one
/// frame of this size.
pub const FRAGMENT_BYTES_MAX: u32 = 64 << 10;

/// The maximum size, in bytes, of the payload of a frame that is sent in fragments. So one message does not use up the
/// receiver's limit on incomplete fragmented messages ([`REASSEMBLY_BYTES_MAX`]).
pub const FRAGMENTED_FRAME_BYTES_MAX: u32 = 64 << 20;

/// The default of the setting `reassembly_bytes_max`: the maximum total length, in bytes, of the fragmented messages in
/// one session that are not complete. Each message counts with the length that it will have when it is complete.
pub const REASSEMBLY_BYTES_MAX: u64 = 128 << 20;

/// The default of the setting `fragmented_messages_max`: the maximum number of fragmented messages in one session that
/// are not complete.
pub const FRAGMENTED_MESSAGES_MAX: u32 = 64;

/// The largest value of the setting `fragmented_messages_max`. Each message needs an entry in the session, even after
/// it was dropped and its bytes no longer count.
pub const FRAGMENTED_MESSAGES_BOUND_MAX: u32 = 65_536;

/// The divisor of the setting `mailbox_remote_bytes_max` that gives the upper limit of `reassembly_bytes_max`: a node
/// announces no more than this part, less [`MESSAGE_BYTES_COUNTED`], even if the setting is larger. This part of the
/// memory is still free when another peer uses as much as it may.
pub const REASSEMBLY_PART: u64 = 4;

/// The maximum number of entries in a node table, through which a node names third nodes to its peer. A session keeps
/// no more entries of the peer's table, and writes no more entries of its own.
pub const NODE_TABLE_ENTRIES_MAX: u32 = 4_096;

/// The default of the setting `links_and_monitors_max`: the maximum number of links and monitors that the peer may have
/// requested in one session.
pub const LINKS_AND_MONITORS_MAX: u32 = 1_000_000;

/// The maximum number of links in one session that this node has ended, that no longer count under
/// `links_and_monitors_max`, and whose end the peer has not acknowledged. If there are more, the session ends with
/// [`UnlinksUnanswered`](crate::core::session::Ending::UnlinksUnanswered). A peer that reads never leaves nearly as
/// many unacknowledged. If `links_and_monitors_max` is larger than this, it applies instead, because all of these links
/// can end at both ends at once.
pub const UNLINKS_UNANSWERED_MAX: usize = 262_144;

/// The default of the setting `sessions_max`: the maximum number of sessions of a node.
pub const SESSIONS_MAX: usize = 4_096;

/// The default of the setting `sessions_per_address_max`: the maximum number of sessions that were accepted from one
/// address (an IPv4 address, or an IPv6 /64). With this number, a cluster behind an address translation can connect,
/// and several addresses are needed to use up [`SESSIONS_MAX`].
pub const SESSIONS_PER_ADDRESS_MAX: usize = 1_024;

/// The default interval of the setting `heartbeat`: when no byte has come from the peer for this time, a PING is due.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(60);

/// The default timeout of the setting `heartbeat`: when no byte has come from the peer for this time after the
/// transport has accepted a PING, the peer is considered dead.
pub const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(15);

/// The shortest interval, and the shortest timeout, that can be set for the heartbeat. With shorter times a session
/// would consist mostly of PINGs, and a system that is busy for a moment would lose its peers.
pub const HEARTBEAT_TIME_MIN: Duration = Duration::from_millis(100);

/// The longest interval, and the longest timeout, that can be set for the heartbeat. With both, the loss of a peer is
/// found within two days.
pub const HEARTBEAT_TIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The number of parts into which a node divides each wait for another node. It checks the clock after each part. If a
/// check is late by more than one part, this node itself has stalled. There are few parts, because each check wakes the
/// node. There are enough of them that only a short stall goes unnoticed and counts as waiting.
pub const PATIENCE_PARTS: u32 = 8;

/// The maximum number of stalls of this node that do not count towards one wait for another node. Further stalls
/// count, so that the wait ends even if this node stalls all the time.
pub const HOLD_UPS_MAX: u32 = 8;

/// The time within which a session must show the [`Sign`](crate::core::peers::Sign) that it is probed for, when a
/// second connection with the same peer waits to replace this session.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The time after the end of a connection until a version 1 peer has certainly forgotten the session. The peer forgets
/// sessions by name, so it would also forget a session that begins within this time. This node therefore begins no
/// session with the peer within this time, nor within the same time after its own start. The peer notices the end
/// within half a second; this is doubled because its threads can be late.
pub const VERSION_1_CLEANUP: Duration = Duration::from_secs(1);

/// The period in which repeated replacements of a session show that two nodes have the same name. If a session replaces
/// one of another incarnation, and is itself replaced in the same way within this time, most likely two nodes have that
/// name. A machine that fails is seldom restarted twice within this time.
pub const NAMESAKE_PERIOD: Duration = Duration::from_secs(600);

/// The first pause before this node redials a peer that has ended their session for another connection, most likely of
/// another node with this node's name. The pause doubles with each further loss of this kind. The actual pause is a
/// random time from half of that value to all of it. Two nodes that take each other's sessions away thus do so rarely
/// enough for a log.
pub const RIVAL_PAUSE_MIN: Duration = Duration::from_secs(1);

/// The longest pause of the kind that [`RIVAL_PAUSE_MIN`] describes. When this node no longer shares its name with
/// another one, its session is back within a minute.
pub const RIVAL_PAUSE_MAX: Duration = Duration::from_secs(60);

/// The first pause before a node redials a name that it keeps connected. The pause doubles with each dial that fails,
/// and with each session that ends within [`KEEP_PAUSE_MAX`]. The actual pause is a random time from half of that value
/// to all of it.
pub const KEEP_PAUSE_MIN: Duration = Duration::from_millis(100);

/// The longest pause before a node redials a name that it keeps connected. A network that works again is therefore used
/// within half a minute. If a session that has lasted at least this long is lost, the pauses start again from
/// [`KEEP_PAUSE_MIN`].
pub const KEEP_PAUSE_MAX: Duration = Duration::from_secs(30);

/// The default of the setting `nodes_kept_max`: the maximum number of names that a node keeps connected, including
/// those from discoveries and peer lists. It is equal to the default number of sessions ([`SESSIONS_MAX`]).
pub const NODES_KEPT_MAX: usize = 4_096;

/// The largest value of the setting `nodes_kept_max`.
pub const NODES_KEPT_BOUND_MAX: usize = 65_536;

/// The default of the setting `dials_at_once_max`: the maximum number of simultaneous dials to names that are kept
/// connected. With this number, nodes that join a large cluster take few handshake slots of each of its nodes.
pub const DIALS_AT_ONCE_MAX: usize = 16;

/// The maximum number of names in one PEER_LIST. A node writes no more names into a list, and ignores further names in
/// a list that it reads. A full mesh has far fewer nodes.
pub const PEER_LIST_NAMES_MAX: usize = 1_024;

/// The default of the setting `peer_list_dials_max`: the maximum number of dials within [`PEER_LIST_PERIOD`] that
/// peer lists cause. With this number, a list cannot make a node flood other nodes, and a node that joins the largest
/// mesh can still dial all of it at once.
pub const PEER_LIST_DIALS_MAX: usize = 1_024;

/// The period to which the setting `peer_list_dials_max` applies ([`PEER_LIST_DIALS_MAX`]).
pub const PEER_LIST_PERIOD: Duration = Duration::from_secs(60);

/// The maximum size, in bytes, of the payload of a PEER_LIST that this node writes. Every peer accepts a frame of
/// this size.
pub const PEER_LIST_BYTES_MAX: usize = FRAME_BYTES_BOUND_MIN as usize;

/// The time after which a node that is known only from peer lists is no longer kept connected, if there has been no
/// session with it in all that time. So a node that was removed without notice is not dialled for ever.
pub const LEARNED_PATIENCE: Duration = Duration::from_secs(600);

/// The default of the setting `mailbox_remote_bytes_max`: the maximum memory, in bytes, that all mailboxes of a node
/// together use for items from other nodes. Messages that would exceed it are dropped.
pub const MAILBOX_REMOTE_BYTES_MAX: usize = 1 << 30;

/// The number of bytes of each session's receive buffer that do not count under [`MAILBOX_REMOTE_BYTES_MAX`]. Every
/// session may need this much just to read, and every signal of an honest peer is far shorter.
pub const UNFINISHED_BYTES_UNCOUNTED: usize = 128 << 10;

/// The divisor of the free bytes under [`MAILBOX_REMOTE_BYTES_MAX`] that gives the share of one peer in one mailbox.
/// In all mailboxes together, one peer may use as much as is free. In one mailbox, all peers together may use as much
/// as is free. So eight processes that do not receive cannot use up the share of a peer, and eight peers cannot use
/// up the share of a process.
pub const MAILBOX_PAIR_PART: usize = 8;

/// The factor by which the free bytes under [`MAILBOX_REMOTE_BYTES_MAX`] are multiplied to give the share of all
/// peers from one address. With 3, they may use up to three quarters of the limit. This is more than the share of one
/// peer, because a cluster can be behind one address, and less than the whole limit, because a member of the cluster
/// can use as many names as it likes.
pub const SOURCE_SHARE_TIMES: usize = 3;

/// The divisor of [`MAILBOX_REMOTE_BYTES_MAX`] that gives the number of bytes by which exit signals of links and DOWNs
/// of one peer may exceed its share. Such signals are never dropped: a signal that exceeds this as well ends the
/// session. When other peers have made the share of an honest peer small, its signals are thus still accepted: more
/// than a hundred thousand of them at 1 GiB.
pub const SIGNALS_BEYOND_PART: usize = 64;

/// The divisor of [`MAILBOX_REMOTE_BYTES_MAX`] that gives the number of bytes by which the signals of all peers
/// together may exceed that limit. A signal that exceeds this as well ends its session. With this part added, the limit
/// holds for any number of peers. To use this part up, sixteen peers at sixteen different addresses are needed.
pub const SIGNALS_RESERVE_PART: usize = 4;

/// The maximum number of peers and addresses whose messages and signals are counted separately. Peers whose sessions
/// have ended are included while a mailbox still holds something of theirs. All further ones have one share together.
pub const PEER_SHARES_MAX: usize = 65_536;

/// The number of bytes that is added, for each remote message or signal in a mailbox, to the memory that it keeps
/// alive. This covers the allocation of the item, and twice the size of its entry, because half of a queue may be
/// empty. So the number of messages without content is limited as well.
pub const MESSAGE_BYTES_COUNTED: usize = 144;

/// The maximum number of bytes that an allocation takes in addition to the requested bytes, for the allocator's own
/// data and for rounding.
pub const ALLOCATION_BYTES_COUNTED: usize = 32;

/// The maximum number of nodes whose numbers a node keeps after their sessions have ended. It is also the largest
/// value of the settings `sessions_max`, `sessions_per_address_max` and `peer_list_dials_max`.
pub const NODES_KNOWN_MAX: usize = 65_536;

/// The maximum number of nodes whose numbers a node keeps only because they are in node tables of peers. A peer can
/// name as many nodes as it likes.
pub const NODES_HEARD_OF_MAX: usize = 65_536;

/// The maximum length, in bytes, of the text of a CLOSE that this node writes: one line of a log.
pub const CLOSE_TEXT_BYTES_MAX: usize = 255;

/// The maximum length, in bytes, of text from another node that a log or an error shows. The longest node name fits,
/// because names must be readable.
pub const SHOWN_TEXT_BYTES_MAX: usize = 255;

/// The shortest average time between two log lines for events of one kind that other nodes cause.
pub const NOTICE_LINE_PERIOD: Duration = Duration::from_secs(1);

/// The longest time between two log lines that sum up events of one kind. So an operator learns of a lasting attack
/// within minutes.
pub const NOTICE_INTERVAL_MAX: Duration = Duration::from_secs(300);

/// The number of refused connections that have a line of the log each. Further ones are counted, and one line reports
/// several. The same number applies to refusals of some other kinds. It is enough to recognize a wrong setting, which
/// causes the same refusal again and again.
pub const REFUSALS_TOLD_SINGLY_MAX: u32 = 8;

/// The number of frames for other nodes ([`Misrouted`](crate::core::session::Misrouted)) that have a line of the log
/// each. Further ones are counted, and one line reports several, since they give no new information.
pub const MISROUTED_TOLD_SINGLY_MAX: u32 = 1;

/// The number of warnings about nodes with the same name that have a line of the log each. Further ones are counted,
/// and one line reports several, since they give no new information.
pub const NAMESAKES_TOLD_SINGLY_MAX: u32 = 1;

/// The number of beginnings and ends of sessions that have a line of the log each. Further ones are counted, and one
/// line reports several. The same number applies to unreachable nodes, and to changes that a discovery finds. When a
/// cluster of dozens of nodes starts, each node thus has a line.
pub const SESSIONS_TOLD_SINGLY_MAX: u32 = 128;

/// The number of failed processes that have a line of the log each. Further ones are counted, and one line reports
/// several. Processes that fail by themselves and processes that exit signals end are counted separately. The number is
/// large enough for failures that belong together.
pub const FAILURES_TOLD_SINGLY_MAX: u32 = 32;

/// The maximum length, in bytes, of a reason in a line of the log: enough for the first hops, and for a text that
/// describes the problem.
pub const REASON_BYTES_SHOWN_MAX: usize = 512;

/// The maximum length, in bytes, of the description that a process gives of itself: one line.
pub const DESCRIPTION_BYTES_MAX: usize = 255;

/// The time for which a node reuses its answer to a question about itself (`NodeBuilder::answer_about`). Within this
/// time, further questions cost no work.
pub const ABOUT_AGE_MAX: Duration = Duration::from_secs(1);

/// The maximum number of waiting calls that ask a node about itself. Further calls are refused.
pub const ABOUT_CALLS_MAX: usize = 64;

/// The time that a peer has to accept the answer to its question about this node. After that the peer gets no answer,
/// and the next question is answered.
pub const ABOUT_REPLY_TIME_MAX: Duration = Duration::from_secs(1);

/// The maximum number of peers that a node describes when it is asked about itself. This many fit into a message of 1
/// MiB.
pub const ABOUT_PEERS_MAX: usize = 1_024;

/// The maximum number of peers whose round-trip times a node measures at once when it is asked about itself.
pub const ABOUT_MEASURED_MAX: usize = 256;

/// The longest round-trip time that a node measures when it is asked about itself. For a slower peer it reports the
/// round trip of the heartbeat.
pub const ABOUT_ROUND_TRIP_TIME_MAX: Duration = Duration::from_secs(1);

/// The shortest interval of a repeating timer of a process. A shorter interval is lengthened to this. The timers of the
/// tokio runtime are not finer.
pub const TIMER_INTERVAL_MIN: Duration = Duration::from_millis(1);

/// The time that a node waits for processes to disappear after it has killed them because they did not end in time. A
/// process that blocks its thread continues to run.
pub const KILLED_WITHIN: Duration = Duration::from_secs(1);
