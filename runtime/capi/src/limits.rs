//! The limits of this library. The runtime has further limits, those of the protocol and of a node.

/// The maximum number of nodes that a program can have at the same time. Each node has its own threads and sockets.
pub const SNOW_NODES_MAX: u64 = 1_024;

/// The maximum number of builders at the same time. A builder holds the settings of a node that is not started yet.
pub const SNOW_BUILDERS_MAX: u64 = 1_024;

/// The maximum number of queues at the same time. A queue uses two descriptors of the program once its descriptor has
/// been requested.
pub const SNOW_QUEUES_MAX: u64 = 65_536;

/// The maximum number of processes of all nodes at the same time, including processes that have ended and were not
/// freed. Each process takes about one kilobyte.
pub const SNOW_PROCESSES_MAX: u64 = 4_194_304;

/// The maximum number of events and bytes (`snow_event`, `snow_bytes`) that the library has returned and the program
/// has not freed. A program that frees what it has read needs one for each of its threads.
pub const SNOW_HELD_MAX: u64 = 65_536;

/// The largest number of events that can be set for a queue. Events that do not fit stay in the mailboxes of the
/// processes. The last event of a process, `SNOW_EVENT_ENDED`, always fits.
pub const SNOW_QUEUE_EVENTS_MAX: u64 = 1_048_576;
/// The default number of events in a queue. With this number a reader is woken once for many events, and events of
/// different processes are still read nearly in the order in which they arrived.
pub const SNOW_QUEUE_EVENTS_DEFAULT: u64 = 1_024;

/// The maximum number of bytes of all messages in a queue. A message that does not fit stays in the mailbox of its
/// process until the program has taken enough other events.
pub const SNOW_QUEUE_BYTES_MAX: u64 = 67_108_864;

/// The maximum length of the JSON that `snow_term_from_json` accepts, in bytes.
pub const SNOW_JSON_BYTES_MAX: u64 = 67_108_864;

/// The maximum number of threads of one node (`SNOW_SETTING_THREADS`).
pub const SNOW_THREADS_MAX: u64 = 256;

/// The maximum length of a text that is passed to the library, in bytes: a name, a path, or the text of a reason. A
/// longer text is refused with `SNOW_ERROR_ARGUMENT`. Other nodes receive at most 4 078 bytes of the text of a reason.
pub const SNOW_TEXT_BYTES_MAX: u64 = 65_536;

/// The maximum number of pids in a reason that is passed to the library. More pids are refused with
/// `SNOW_ERROR_ARGUMENT`. Other nodes receive about 450 of them.
pub const SNOW_REASON_PIDS_MAX: u64 = 1_024;
