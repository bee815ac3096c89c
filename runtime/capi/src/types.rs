//! What crosses the boundary: handles, pids, reasons, events, and the names of numbers.

#![allow(non_camel_case_types, reason = "they are named as in C")]

use std::ffi::{c_char, c_void};
use std::ptr;

/// What every function returns: `SNOW_OK`, or why it did nothing. `snow_last_error` says it in words.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snow_status {
    /// It is done.
    SNOW_OK = 0,
    /// It could not be done in the time that was given, and has not been done. Try again, or give more time.
    SNOW_TIMEOUT = -1,
    /// A handle is zero, has been freed, or is one of another kind of thing.
    SNOW_ERROR_HANDLE = -2,
    /// An argument is unfit: a pointer is null, a text is not UTF-8 or too long, a name is not a node's, a number is out of
    /// range.
    SNOW_ERROR_ARGUMENT = -3,
    /// The node has been shut down.
    SNOW_ERROR_STOPPED = -4,
    /// The process that should do it has ended.
    SNOW_ERROR_ENDED = -5,
    /// The other node does not take it: it is too long for it, there are too many links and monitors, or the session with
    /// it has no way to say it.
    SNOW_ERROR_REFUSED = -6,
    /// The node does not start: its name, a cookie, a certificate or a setting is unfit, or nothing can listen at its address.
    SNOW_ERROR_START = -7,
    /// No session could be established.
    SNOW_ERROR_CONNECT = -8,
    /// The name is taken by another process, or the same.
    SNOW_ERROR_NAME_TAKEN = -9,
    /// There is no such process, or it is not one of this node.
    SNOW_ERROR_NO_PROCESS = -10,
    /// The bytes are not a term, or not one with these pids.
    SNOW_ERROR_TERM = -11,
    /// A limit of this library is reached: the words say which.
    SNOW_ERROR_LIMIT = -12,
    /// Something else uses the queue still: free the processes that deliver to it first.
    SNOW_ERROR_IN_USE = -13,
    /// The call would wait, and was made on a thread of a node: from a function that the library calls.
    SNOW_ERROR_CALLBACK = -14,
    /// The program has forked since it used the library first. Nodes do not live on in the child.
    SNOW_ERROR_FORKED = -15,
    /// This system has no such thing.
    SNOW_ERROR_UNSUPPORTED = -16,
    /// The operating system does not give what is needed: a thread, a descriptor.
    SNOW_ERROR_SYSTEM = -17,
    /// The library has a fault. Please report the words.
    SNOW_ERROR_PANIC = -18,
    /// A cookie or a certificate cannot be used. The node keeps those that it has.
    SNOW_ERROR_UNUSABLE = -19,
}

/// The settings of a node that is not started yet. Zero is none.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct snow_builder {
    /// Never the same for two.
    pub id: u64,
}

/// A node. Zero is none.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct snow_node {
    /// Never the same for two.
    pub id: u64,
}

/// A queue of events. Zero is none.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct snow_queue {
    /// Never the same for two.
    pub id: u64,
}

/// A process of a node of this program, whose mailbox the program reads from a queue. Zero is none.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct snow_process {
    /// Never the same for two.
    pub id: u64,
}

/// Memory of the library that the program reads. Zero is none.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct snow_memory {
    /// Never the same for two.
    pub id: u64,
}

/// A process of any node. A value, not a handle: it is copied freely, never freed, and compared by both numbers. It means
/// something at the node that gave it alone.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct snow_pid {
    /// The number of its node, at the node that gave it: 0 is that node itself, the largest number one that could not be
    /// named.
    pub node: u64,
    /// Its number on its node: 40 bits, and above them the 8 bits of its node's creation.
    pub process: u64,
}

/// Why a process ended.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snow_reason_kind {
    /// It had done its work.
    SNOW_REASON_NORMAL = 0,
    /// It failed: the text says how.
    SNOW_REASON_ERROR = 1,
    /// It was killed.
    SNOW_REASON_KILLED = 2,
    /// It was asked to stop.
    SNOW_REASON_SHUTDOWN = 4,
    /// A reason of the program's own: the text.
    SNOW_REASON_CUSTOM = 5,
    /// The connection to its node was lost.
    SNOW_REASON_NOCONNECTION = 6,
    /// A reason of a later version of the protocol: the text is its tag and the bytes after it.
    SNOW_REASON_UNKNOWN = 255,
}

/// Why a process ended: a kind, a text for some of them, and the processes through which the end was passed on.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct snow_reason {
    /// One of `snow_reason_kind`.
    pub kind: u32,
    /// The text, in UTF-8 except for unknown reasons; null if it has none. In what the library gives a zero byte follows it.
    pub text: *const c_char,
    /// Bytes of the text.
    pub text_length: usize,
    /// The processes through which the end was passed on, the last one first; null if it came from the process itself.
    pub pids: *const snow_pid,
    /// How many they are.
    pub pid_count: usize,
}

impl Default for snow_reason {
    fn default() -> Self {
        Self { kind: 0, text: ptr::null(), text_length: 0, pids: ptr::null(), pid_count: 0 }
    }
}

/// What an event is.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snow_event_kind {
    /// A message: `data`, `length`, `is_term`, `pids`, `pid_count`.
    SNOW_EVENT_MESSAGE = 1,
    /// A linked process has ended, or one has sent an exit signal: `from`, `reason`. Comes if the process traps exits, or if
    /// the reason does not end it.
    SNOW_EVENT_EXIT = 2,
    /// A monitored process has ended: `from`, `reason`, `reference`.
    SNOW_EVENT_DOWN = 3,
    /// A session with a monitored node has begun: `data` and `length` are its name.
    SNOW_EVENT_NODE_UP = 4,
    /// The session with a monitored node is over: `data` and `length` are its name.
    SNOW_EVENT_NODE_DOWN = 5,
    /// The process itself has ended: `reason`. It is the last event of the process, and comes once, unless the process is
    /// freed before.
    SNOW_EVENT_ENDED = 6,
}

/// What has come for a process. What it points to is there until `snow_event_free`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct snow_event {
    /// One of `snow_event_kind`.
    pub kind: u32,
    /// Whether the sender has marked the message as a term, and its bytes are one of the kind that the session has.
    pub is_term: bool,
    /// Whose event it is.
    pub process: snow_process,
    /// Who has ended.
    pub from: snow_pid,
    /// The monitor that is over, as `snow_monitor` gave it.
    pub reference: u64,
    /// The bytes of the message, or a name, which a zero byte follows; null if there are none.
    pub data: *const u8,
    /// How many bytes they are.
    pub length: usize,
    /// The processes that the pids in a term stand for: in the bytes, the first pid is 0, the next is 1, and so on. A term
    /// of the same bytes and pids can be sent with `snow_send_term`.
    pub pids: *const snow_pid,
    /// How many they are.
    pub pid_count: usize,
    /// Why the process ended.
    pub reason: snow_reason,
    /// What `snow_event_free` frees.
    pub memory: snow_memory,
}

impl Default for snow_event {
    fn default() -> Self {
        Self {
            kind: 0,
            is_term: false,
            process: snow_process::default(),
            from: snow_pid::default(),
            reference: 0,
            data: ptr::null(),
            length: 0,
            pids: ptr::null(),
            pid_count: 0,
            reason: snow_reason::default(),
            memory: snow_memory::default(),
        }
    }
}

/// Bytes that the library gives: a term, or a text. They are there until `snow_bytes_free`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct snow_bytes {
    /// The bytes. A zero byte that does not count follows them.
    pub data: *const u8,
    /// How many they are.
    pub length: usize,
    /// What `snow_bytes_free` frees.
    pub memory: snow_memory,
}

impl Default for snow_bytes {
    fn default() -> Self {
        Self { data: ptr::null(), length: 0, memory: snow_memory::default() }
    }
}

/// What a setting of a node is about, for `snow_builder_set`. Times are in milliseconds, sizes in bytes.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snow_setting {
    /// Threads that run the node, 1 to 256: 1 if it is not set.
    SNOW_SETTING_THREADS = 1,
    /// After how long a silent peer is asked for a sign of life, 100 to 86 400 000: 60 000 if it is not set.
    SNOW_SETTING_HEARTBEAT_INTERVAL = 2,
    /// How long it then has to give one, 100 to 86 400 000: 15 000 if it is not set.
    SNOW_SETTING_HEARTBEAT_TIMEOUT = 3,
    /// The longest frame that the node reads, 65 536 to 16 777 216, which is the value if it is not set.
    SNOW_SETTING_FRAME_BYTES_MAX = 4,
    /// Bytes of unfinished long messages that each session holds, at least 65 536: 134 217 728 if it is not set.
    SNOW_SETTING_REASSEMBLY_BYTES_MAX = 5,
    /// Unfinished long messages that each session holds, at least 1: 64 if it is not set.
    SNOW_SETTING_FRAGMENTED_MESSAGES_MAX = 6,
    /// Links and monitors on processes of this node that each session carries: 1 000 000 if it is not set.
    SNOW_SETTING_LINKS_AND_MONITORS_MAX = 7,
    /// Connections at once that have not shown that they know the cookie, 1 to 4 096: 128 if it is not set.
    SNOW_SETTING_HANDSHAKES_MAX = 8,
    /// The same of one address: 32 if it is not set.
    SNOW_SETTING_HANDSHAKES_PER_ADDRESS_MAX = 9,
    /// Sessions at once, 1 to 65 536: 4 096 if it is not set.
    SNOW_SETTING_SESSIONS_MAX = 10,
    /// Sessions at once that were accepted from one address, 1 to 65 536: 1 024 if it is not set.
    SNOW_SETTING_SESSIONS_PER_ADDRESS_MAX = 11,
    /// Bytes that all mailboxes keep for other nodes: 1 073 741 824 if it is not set.
    SNOW_SETTING_MAILBOX_REMOTE_BYTES_MAX = 12,
    /// Whether other nodes may send exit signals to processes that are not linked to the sender, 0 or 1: 1 if it is not set.
    /// Setting it forgets the names that `snow_builder_remote_exit` has added.
    SNOW_SETTING_REMOTE_EXIT = 13,
    /// Whether the keys of all channels are written to the file that the environment variable `SSLKEYLOGFILE` names, 0 or 1:
    /// 0 if it is not set. For looking for faults only.
    SNOW_SETTING_KEY_LOG = 14,
}

/// What a message from another node does to a full mailbox.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snow_when_full {
    /// It is dropped and counted.
    SNOW_WHEN_FULL_DROP = 0,
    /// It ends the process with the error "mailbox full".
    SNOW_WHEN_FULL_END = 1,
}

/// How much what is logged matters.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snow_log_level {
    /// Something does not work.
    SNOW_LOG_ERROR = 1,
    /// The operator should know: a doubtful cookie, connections that were refused, processes that failed.
    SNOW_LOG_WARN = 2,
    /// What happens: nodes that come and go.
    SNOW_LOG_INFO = 3,
    /// For looking for faults.
    SNOW_LOG_DEBUG = 4,
    /// For looking for faults, in detail.
    SNOW_LOG_TRACE = 5,
}

/// A function of the program that is told what a node logs: a level of `snow_log_level`, and a text that is there during the
/// call.
pub type snow_log = Option<extern "C" fn(user: *mut c_void, level: u32, text: *const c_char)>;
