//! The limits of this library. Those of the protocol and of a node are the runtime's.

/// Nodes that one program has at once. Each has threads and sockets; a program of more is a test of thousands.
pub const SNOW_NODES_MAX: u64 = 1_024;

/// Settings of nodes that are not started yet, at once.
pub const SNOW_BUILDERS_MAX: u64 = 1_024;

/// Queues at once. Each has two descriptors once it is asked for one, and a system gives a program about so many.
pub const SNOW_QUEUES_MAX: u64 = 65_536;

/// Processes at once, of all nodes, ended ones that were not freed among them. Each takes about a kilobyte.
pub const SNOW_PROCESSES_MAX: u64 = 4_194_304;

/// Events and texts that were handed out and not freed, at once. A program that frees what it has read has one for each of
/// its threads: one that reaches this has forgotten to.
pub const SNOW_HELD_MAX: u64 = 65_536;

/// Events in a queue, at most and by default. What does not fit stays in the mailboxes of the processes.
pub const SNOW_QUEUE_EVENTS_MAX: u64 = 1_048_576;
/// See [`SNOW_QUEUE_EVENTS_MAX`]: enough that a reader is woken once for many, few enough that order among processes stays
/// close to that in which things came.
pub const SNOW_QUEUE_EVENTS_DEFAULT: u64 = 1_024;

/// Bytes of the messages in a queue: when they are more, no further message enters it. One message always does.
pub const SNOW_QUEUE_BYTES_MAX: u64 = 67_108_864;

/// Bytes of JSON that is made a term. A message has at most 64 MiB.
pub const SNOW_JSON_BYTES_MAX: u64 = 67_108_864;

/// Threads of one node.
pub const SNOW_THREADS_MAX: u64 = 256;

/// Bytes of a text that is given to the library: a name, a path, a reason. Longer ones are refused; of a reason, 4 078 are
/// told to other nodes.
pub const SNOW_TEXT_BYTES_MAX: u64 = 65_536;

/// Processes through which an end was passed on, in a reason that is given to the library. More are refused; about 450 are
/// told to other nodes.
pub const SNOW_REASON_PIDS_MAX: u64 = 1_024;
