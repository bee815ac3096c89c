//! Every limit of the core, with its unit and its reason. Specification: `connection.md`, "Limits".

use std::time::Duration;

/// Bytes of a reason that is kept and passed on: a chain of exits must not grow from node to node without end.
pub const REASON_BYTES_MAX: usize = 4 << 10;

/// Hops of a reason that is written to a version 1 node: it reads them by recursion, and some hundred more end it.
pub const VERSION_1_HOPS_MAX: usize = 256;

/// From TCP's connect to REPLY: a connection that says nothing holds a place no longer.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(7);

/// The part of [`HANDSHAKE_DEADLINE`] that finding a host's addresses and connecting to one of them may take: TLS and the
/// handshake have the rest, and an address that does not answer is told from a node that does not.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// How long a dial waits for an address of a host before it tries the next one beside it (RFC 8305, "Connection Attempt
/// Delay").
pub const CONNECT_ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Addresses of one host that are dialled at most: more cannot be begun within [`CONNECT_DEADLINE`] if none answers.
pub const CONNECT_ADDRESSES_MAX: usize = 20;

/// Addresses at which one node listens: each takes a task, and a socket or more.
pub const LISTEN_ADDRESSES_MAX: usize = 64;

/// How long a node waits between two looks of a discovery that does not say otherwise: as long as the records of a cluster
/// live in a cache, most often.
pub const DISCOVERY_INTERVAL: Duration = Duration::from_secs(5);

/// The same for what is near: a look at it costs next to nothing.
pub const DISCOVERY_NEAR_INTERVAL: Duration = Duration::from_secs(1);

/// The shortest time between two looks that a discovery can ask for: below it a node does little else.
pub const DISCOVERY_INTERVAL_MIN: Duration = Duration::from_millis(100);

/// The longest time between two looks that a discovery can ask for.
pub const DISCOVERY_INTERVAL_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// By one of so many parts an interval is shorter or longer, by chance: nodes that were started at once do not all ask at once.
pub const DISCOVERY_JITTER_PART: u32 = 10;

/// How long a look may take: a name server has been asked more than once by then.
pub const DISCOVERY_LOOK_DEADLINE: Duration = Duration::from_secs(15);

/// How long a name server has for an answer to a discovery.
pub const DNS_TIMEOUT: Duration = Duration::from_secs(3);

/// How often it is asked again: with that, a look ends within [`DISCOVERY_LOOK_DEADLINE`].
pub const DNS_RETRIES: usize = 2;

/// Names of one look that are kept connected: as many as a node keeps sessions with ([`SESSIONS_MAX`]).
pub const DISCOVERED_NAMES_MAX: usize = 4_096;

/// Bytes of a file that names are read from: as many of the longest names as one look may find fit.
pub const DISCOVERY_FILE_BYTES_MAX: u64 = 1 << 20;

/// Discoveries of one node at once: each takes a task.
pub const DISCOVERIES_MAX: usize = 64;

/// Looks that fail, and looks that find what is no name, that have a line of the log each before they are told in sum: most are
/// wrong in the same way again.
pub const DISCOVERY_TOLD_SINGLY_MAX: u32 = 4;

/// How much longer an initiator waits for ACK: the acceptor may have a dial of its own to settle first.
pub const ACK_DEADLINE: Duration = Duration::from_secs(7);

/// Accepted connections at once that are not verified: whoever wants to keep an honest dial out has to make half as many
/// new ones within the time of its handshake.
pub const HANDSHAKES_MAX: usize = 128;

/// Those among them from one address (an IPv4 address, or an IPv6 /64): a cluster behind one address can start at once,
/// and it takes several addresses to fill all places.
pub const HANDSHAKES_PER_ADDRESS_MAX: usize = 32;

/// The most that either of the two can be set to: when no place is left, each new connection is compared with all others.
pub const HANDSHAKES_BOUND_MAX: usize = 4_096;

/// Bytes of queued messages above which senders wait.
pub const SESSION_QUEUE_BYTES_MAX: usize = 8 << 20;

/// Bytes of answers to the peer above which a session is cut: it asks, and does not read.
pub const SESSION_RESERVE_BYTES_MAX: usize = 8 << 20;

/// Something is queued and the transport has taken no byte for so long: the session is cut.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(30);

/// How long a session that is closed in order may take to write what is queued, and to be read to its end.
pub const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of a cookie under which a node warns: who has seen one REPLY can try cookies at leisure.
pub const COOKIE_BYTES_ADVISED: usize = 16;

/// Bytes of a file that a cookie is read from: what is longer is another file, or none.
pub const COOKIE_FILE_BYTES_MAX: u64 = 64 << 10;

/// Bytes of a global name: many fit into one frame, and every peer takes it.
pub const GLOBAL_NAME_BYTES_MAX: usize = 4 << 10;

/// Bytes of the global names that one node owns, as each counts with [`GLOBAL_NAME_BYTES_COUNTED`] more. All other nodes keep
/// them, and keep no more of one peer. More than sixty thousand short names fit.
pub const GLOBAL_NAMES_BYTES_MAX: usize = 16 << 20;

/// Bytes of the global names that a node keeps of all peers together, counted like those of one: sixteen peers may tell all that
/// one may own. Names beyond are passed over.
pub const GLOBAL_NAMES_OF_PEERS_BYTES_MAX: usize = 256 << 20;

/// Bytes that a global name counts beside its own: no less than its entries and allocations take at a peer.
pub const GLOBAL_NAME_BYTES_COUNTED: usize = 256;

/// Bytes of a name under which a process is registered: no frame carries a longer one.
pub const PROCESS_NAME_BYTES_MAX: usize = snow_dist_codec::limits::STR16_BYTES_MAX;

/// Bytes of a name that is monitored: MONITOR_NAME is a signal, and every peer must take it.
pub const MONITORED_NAME_BYTES_MAX: usize = 4 << 10;

/// Processes of a node that one other node has had started there and that have not ended: each takes memory, and what its
/// function keeps of up to 64 KiB of arguments.
pub const PROCESSES_PER_PEER_MAX: usize = 4_096;

/// The same of all other nodes together: a peer can come under many names.
pub const PROCESSES_OF_PEERS_MAX: usize = 65_536;

/// The most that [`PROCESSES_PER_PEER_MAX`] and [`PROCESSES_OF_PEERS_MAX`] can be set to: more processes than that no machine runs
/// for others.
pub const PROCESSES_PER_PEER_BOUND_MAX: usize = 16_777_216;

/// Bytes of the name of a function that another node is asked to run: as much as that of a name that is monitored.
pub const FUNCTION_NAME_BYTES_MAX: usize = 4 << 10;

/// Requests for processes of one session that the peer has not answered, those aside that ask for a monitor, which takes a
/// place of [`LINKS_AND_MONITORS_MAX`]: a peer answers at once, so that only one that does not read lets them grow.
pub const SPAWNS_UNANSWERED_MAX: usize = 65_536;

/// Bytes of the name of a group: as much as the longest name of a node. Each membership that is told costs it.
pub const GROUP_NAME_BYTES_MAX: usize = 255;

/// Memberships of the processes of one node, each counted for each of its groups: a node keeps so many of its own, and of each
/// other one.
pub const GROUP_MEMBERSHIPS_MAX: usize = 65_536;

/// Bytes of one message between servers of groups: its frame goes out whole, so that a node without *fragments* holds nothing up
/// by it.
pub const GROUPS_MESSAGE_BYTES_MAX: usize = 60 << 10;

/// Time between two messages of a server of groups to that of another node, so that the loss of one is noticed.
pub const GROUPS_INTERVAL_MAX: Duration = Duration::from_secs(60);

/// Bytes of the longest frame that a peer must take: every frame that is no message fits, so that a signal that is
/// owed can always be written.
pub const FRAME_BYTES_BOUND_MIN: u32 = 64 << 10;

/// Bytes of other processes' messages that stand before a signal at most, where no message is longer or the session has
/// *fragments*: about a second at one megabit each second. What a host keeps between the session and the wire counts.
pub const SIGNAL_DELAY_BYTES_MAX: usize = 128 << 10;

/// Bytes of a FRAGMENT's payload, and of the frame of the longest message that is not cut into such: what a signal may
/// have to wait for.
pub const FRAGMENT_BYTES_MAX: u32 = 64 << 10;

/// Bytes of the longest frame that is sent in fragments: one message must not take all that a session holds.
pub const FRAGMENTED_FRAME_BYTES_MAX: u32 = 64 << 20;

/// Bytes of fragmented messages that a session holds at once.
pub const REASSEMBLY_BYTES_MAX: u64 = 128 << 20;

/// Fragmented messages that a session holds at once.
pub const FRAGMENTED_MESSAGES_MAX: u32 = 64;

/// The most that [`FRAGMENTED_MESSAGES_MAX`] can be set to: each takes its place in the session, also when its message was
/// dropped and counts no more.
pub const FRAGMENTED_MESSAGES_BOUND_MAX: u32 = 65_536;

/// Part of [`MAILBOX_REMOTE_BYTES_MAX`] that a session holds of fragmented messages at most: so much finds room beside a peer
/// that hoards.
pub const REASSEMBLY_PART: u64 = 4;

/// Entries of a peer's node table that a session holds, and of its own that it writes.
pub const NODE_TABLE_ENTRIES_MAX: u32 = 4_096;

/// Links and monitors of one session that one side has asked for.
pub const LINKS_AND_MONITORS_MAX: u32 = 1_000_000;

/// Unlinks that a peer has not acknowledged, of links whose places it has already been given back: far more than are under
/// way at any time to a peer that reads; or as many as the links and monitors that a session holds, if these are more, since
/// all of them can end at both ends at once.
pub const UNLINKS_UNANSWERED_MAX: usize = 262_144;

/// Sessions at once.
pub const SESSIONS_MAX: usize = 4_096;

/// Sessions that were accepted from one address: a cluster behind an address translation fits, and it takes several
/// addresses to use up [`SESSIONS_MAX`].
pub const SESSIONS_PER_ADDRESS_MAX: usize = 1_024;

/// No byte has come for so long: a PING is due.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(60);

/// No byte has come since the transport took the PING: the peer is dead.
pub const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(15);

/// The shortest heartbeat interval, and the shortest heartbeat timeout, that a node may be given: below it a session is
/// mostly PINGs, and a system that is busy for a moment loses its peers.
pub const HEARTBEAT_TIME_MIN: Duration = Duration::from_millis(100);

/// The longest heartbeat interval, and the longest heartbeat timeout, that a node may be given: a peer that is gone is
/// found within two days.
pub const HEARTBEAT_TIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How often a node looks at the clock while it waits for another one: a look that comes late by more than one of so many
/// parts of the time shows that the node was held up itself. Few, since each wakes the node; enough that only short hold-ups
/// pass for waiting.
pub const PATIENCE_PARTS: u32 = 8;

/// So many hold-ups do not count in one time for which another node is waited for. A node that never runs for long is
/// held up all the time, and must come to an end as well.
pub const HOLD_UPS_MAX: u32 = 8;

/// How long a session may be silent when a second connection asks whether it still lives.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a version 1 node may take to notice the end of a connection (half a second) and to forget its session, by
/// name: whatever becomes its session earlier is forgotten with that. Twice as long, since its threads can be late.
pub const VERSION_1_CLEANUP: Duration = Duration::from_secs(1);

/// Two sessions of one node name that were replaced by other starts of that node within this time are a sign that two
/// nodes have that name: a machine that fails is seldom started again twice so soon.
pub const NAMESAKE_PERIOD: Duration = Duration::from_secs(600);

/// How long a node waits before it dials a peer again that has given its place to another node of the same name; it
/// doubles each time. Two who take each other's session away must not do so more often than a log can tell.
pub const RIVAL_PAUSE_MIN: Duration = Duration::from_secs(1);

/// The longest such time: whoever has the name alone again is back within a minute.
pub const RIVAL_PAUSE_MAX: Duration = Duration::from_secs(60);

/// How long a node waits before it dials a name again that it keeps connected, the first time: half of it to all of it. It
/// doubles with each dial that fails.
pub const KEEP_PAUSE_MIN: Duration = Duration::from_millis(100);

/// The longest such time: a network that works again is used again within half a minute. A session that has lasted as long is
/// dialled again soon when it is lost.
pub const KEEP_PAUSE_MAX: Duration = Duration::from_secs(30);

/// Names that a node keeps connected, those included that peer lists have told it: as many as it can have sessions.
pub const NODES_KEPT_MAX: usize = 4_096;

/// The most that [`NODES_KEPT_MAX`] can be set to.
pub const NODES_KEPT_BOUND_MAX: usize = 65_536;

/// Dials at once to names that are kept connected: a node that joins a large cluster takes few of the places that each of its
/// nodes has for handshakes.
pub const DIALS_AT_ONCE_MAX: usize = 16;

/// Names of one PEER_LIST that are used: far more than a full mesh has.
pub const PEER_LIST_NAMES_MAX: usize = 1_024;

/// Dials within [`PEER_LIST_PERIOD`] because of peer lists: a list must not make a node flood others, and whoever joins the
/// largest mesh dials all of it at once.
pub const PEER_LIST_DIALS_MAX: usize = 1_024;

/// The time in which [`PEER_LIST_DIALS_MAX`] are counted.
pub const PEER_LIST_PERIOD: Duration = Duration::from_secs(60);

/// Bytes of a PEER_LIST's payload that this node writes: what every peer reads.
pub const PEER_LIST_BYTES_MAX: usize = FRAME_BYTES_BOUND_MIN as usize;

/// How long a name that only peer lists have told is kept without a session: a node that was taken away without a word is not
/// dialled for ever.
pub const LEARNED_PATIENCE: Duration = Duration::from_secs(600);

/// Bytes that all mailboxes of a node keep for other nodes; beyond it a message is dropped.
pub const MAILBOX_REMOTE_BYTES_MAX: usize = 1 << 30;

/// Bytes of a session's receive buffer that do not count under [`MAILBOX_REMOTE_BYTES_MAX`]: what every session may need to read
/// at all, and far more than a signal that an honest peer writes.
pub const UNFINISHED_BYTES_UNCOUNTED: usize = 128 << 10;

/// One peer may have at most this part of what is free under [`MAILBOX_REMOTE_BYTES_MAX`] in one mailbox; all of it in all
/// mailboxes, as one mailbox may of all peers. So eight processes that take nothing do not use up what a peer may have,
/// nor eight peers what a process may.
pub const MAILBOX_PAIR_PART: usize = 8;

/// All peers that have dialled from one address may have this many times what is free under [`MAILBOX_REMOTE_BYTES_MAX`], so three
/// quarters of it: more than one of them, since a cluster can be behind one address; and not all, since a member can make
/// up as many names as it likes.
pub const SOURCE_SHARE_TIMES: usize = 3;

/// The exit signals of links and the DOWNs of a peer, which are not dropped, may go beyond its share by this part of
/// [`MAILBOX_REMOTE_BYTES_MAX`]: an honest peer, whose share others have made small, has its signals taken, at 1 GiB more than
/// a hundred thousand of them.
pub const SIGNALS_BEYOND_PART: usize = 64;

/// The signals of all peers together may go beyond [`MAILBOX_REMOTE_BYTES_MAX`] by this part of it: so it holds, with that, however
/// many peers there are, and it takes sixteen of them to use it up, from as many addresses.
pub const SIGNALS_RESERVE_PART: usize = 4;

/// Peers whose messages and signals are counted apart, those included whose sessions have ended and of which something is
/// in a mailbox still; all others have one share.
pub const PEER_SHARES_MAX: usize = 65_536;

/// Bytes that a remote message or signal in a mailbox counts beside those that it keeps alive: its entry, twice, since
/// half of a queue may be empty, and its allocation. So messages without bytes are bounded as well.
pub const MESSAGE_BYTES_COUNTED: usize = 144;

/// Bytes that an allocation takes at most beside those that were asked for: what the allocator notes, and rounding.
pub const ALLOCATION_BYTES_COUNTED: usize = 32;

/// Nodes whose numbers are kept after their sessions have ended.
pub const NODES_KNOWN_MAX: usize = 65_536;

/// Nodes whose numbers are kept because node tables of peers have named them: a peer can name as many as it likes.
pub const NODES_HEARD_OF_MAX: usize = 65_536;

/// Bytes of the text of a CLOSE that this node writes: it is one line of a log.
pub const CLOSE_TEXT_BYTES_MAX: usize = 255;

/// Bytes of a text of another node that a log or an error shows: as much as the longest name, which has to be read.
pub const SHOWN_TEXT_BYTES_MAX: usize = 255;

/// Of events of one kind that others cause, a node's log has at most one line for each of these, on average.
pub const NOTICE_LINE_PERIOD: Duration = Duration::from_secs(1);

/// The longest time between two lines that tell of events of one kind in sum: an operator learns of an attack that lasts
/// within minutes.
pub const NOTICE_INTERVAL_MAX: Duration = Duration::from_secs(300);

/// Refused connections that have a line of the log each before they are told in sum: enough for a wrong setting, which
/// fails again and again in the same way.
pub const REFUSALS_TOLD_SINGLY_MAX: u32 = 8;

/// Frames for other nodes that have a line of the log each before they are told in sum: the first one says all.
pub const MISROUTED_TOLD_SINGLY_MAX: u32 = 1;

/// Warnings of nodes with one name that have a line of the log each before they are told in sum: there is nothing new in
/// the second one.
pub const NAMESAKES_TOLD_SINGLY_MAX: u32 = 1;

/// Beginnings and ends of sessions that have a line of the log each before they are told in sum: a cluster of dozens
/// starts with a line for each node.
pub const SESSIONS_TOLD_SINGLY_MAX: u32 = 128;

/// Processes that fail and have a line of the log each before they are told in sum, of those that fail by themselves and
/// of those that exit signals end: enough for what belongs together.
pub const FAILURES_TOLD_SINGLY_MAX: u32 = 32;

/// Bytes of a reason that a line of the log shows: the first hops, and a text that says what is wrong.
pub const REASON_BYTES_SHOWN_MAX: usize = 512;

/// Bytes of what a process says of itself: a line.
pub const DESCRIPTION_BYTES_MAX: usize = 255;

/// Calls that wait for a node to tell about itself: further ones find no room.
pub const ABOUT_CALLS_MAX: usize = 64;

/// How long a node waits until a peer takes such an answer: then that peer has none, and the next call is answered.
pub const ABOUT_REPLY_TIME_MAX: Duration = Duration::from_secs(1);

/// Nodes of which a node tells when it tells about itself: what it says of so many fits into a message of 1 MiB.
pub const ABOUT_PEERS_MAX: usize = 1_024;

/// Nodes whose round trips are measured for one such call, at once.
pub const ABOUT_MEASURED_MAX: usize = 256;

/// The longest round trip that is measured for one such call.
pub const ABOUT_ROUND_TRIP_TIME_MAX: Duration = Duration::from_secs(1);

/// The shortest interval in which a timer of a process sends again and again: the timers of the runtime are no finer.
pub const TIMER_INTERVAL_MIN: Duration = Duration::from_millis(1);

/// The time that a node gives processes to be gone which it kills because they have not ended in time. One that holds its thread
/// stays.
pub const KILLED_WITHIN: Duration = Duration::from_secs(1);
