//! The types of the interface: handles, pids, reasons, events, and the enums whose values are passed as numbers.

#![allow(non_camel_case_types, reason = "they are named as in C")]

use std::ffi::{c_char, c_void};
use std::ptr;

/// The result of a call: `SNOW_OK`, or the reason why the call has failed. `snow_last_error` describes the reason in
/// words.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snow_status {
    /// The call has succeeded.
    SNOW_OK = 0,
    /// The action was not possible within the given time, and was not carried out. Try again, or give more time.
    SNOW_TIMEOUT = -1,
    /// A handle is zero, was freed, or belongs to an object of another kind.
    SNOW_ERROR_HANDLE = -2,
    /// An argument is not valid: a pointer is null, a text is not UTF-8 or is too long, a name is not a node name, or
    /// a number is out of range.
    SNOW_ERROR_ARGUMENT = -3,
    /// The node has been shut down.
    SNOW_ERROR_STOPPED = -4,
    /// The process for which the call was made has ended.
    SNOW_ERROR_ENDED = -5,
    /// The other node does not accept the action: a message is too long, there are too many links and monitors, or the
    /// session lacks a capability that the action needs.
    SNOW_ERROR_REFUSED = -6,
    /// The node cannot start: its name, a cookie, a certificate or a setting is not valid, or the node cannot listen
    /// at an address.
    SNOW_ERROR_START = -7,
    /// There is no session with the other node, or none could be established.
    SNOW_ERROR_CONNECT = -8,
    /// A process has the name already, possibly the process that was to be registered.
    SNOW_ERROR_NAME_TAKEN = -9,
    /// The process does not exist on this node, or no process has the name.
    SNOW_ERROR_NO_PROCESS = -10,
    /// The bytes are not a term, the pids do not fit the term, or the JSON does not describe a term.
    SNOW_ERROR_TERM = -11,
    /// A limit of this library is reached. `snow_last_error` names the limit.
    SNOW_ERROR_LIMIT = -12,
    /// Processes still deliver events to the queue. Free these processes first.
    SNOW_ERROR_IN_USE = -13,
    /// The call can wait, and was made on a thread of a node, by a function that the library had called
    /// (`snow_set_log`). Make the call on another thread.
    SNOW_ERROR_CALLBACK = -14,
    /// The program has forked since it first used the library. The child has no nodes.
    SNOW_ERROR_FORKED = -15,
    /// The function is not available on this system or in this program.
    SNOW_ERROR_UNSUPPORTED = -16,
    /// The operating system does not provide a resource, such as a thread or a descriptor.
    SNOW_ERROR_SYSTEM = -17,
    /// The library has a defect. Please report the text of `snow_last_error`.
    SNOW_ERROR_PANIC = -18,
    /// A cookie or a certificate cannot be used. The node keeps its previous cookies and certificates.
    SNOW_ERROR_UNUSABLE = -19,
}

/// A handle to the settings of a node that is not started yet. An `id` of 0 is not a handle.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct snow_builder {
    /// The number of the handle. No two handles have the same number.
    pub id: u64,
}

/// A handle to a node. An `id` of 0 is not a handle.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct snow_node {
    /// The number of the handle. No two handles have the same number.
    pub id: u64,
}

/// A handle to a queue of events. An `id` of 0 is not a handle.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct snow_queue {
    /// The number of the handle. No two handles have the same number.
    pub id: u64,
}

/// A handle to a process of a node of this program. The program reads the events of the process from a queue. An `id`
/// of 0 is not a handle.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct snow_process {
    /// The number of the handle. No two handles have the same number.
    pub id: u64,
}

/// A handle to memory of the library that the program reads. An `id` of 0 stands for no memory.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct snow_memory {
    /// The number of the handle. No two handles have the same number.
    pub id: u64,
}

/// The id of a process on any node. A pid is a value and not a handle: it can be copied, is never freed, and is
/// compared by both numbers. It is valid only at the node that returned it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct snow_pid {
    /// The number of the node of the process: 0 stands for the node that returned the pid, and the largest number for
    /// an unknown node.
    pub node: u64,
    /// The number of the process on its node, in the lower 40 bits, and the creation of that node in the 8 bits above.
    pub process: u64,
}

/// The kind of a reason why a process has ended.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snow_reason_kind {
    /// The process has finished its work.
    SNOW_REASON_NORMAL = 0,
    /// The process has failed. The text describes the error.
    SNOW_REASON_ERROR = 1,
    /// The process was killed.
    SNOW_REASON_KILLED = 2,
    /// The process was asked to stop.
    SNOW_REASON_SHUTDOWN = 4,
    /// A reason that the program has defined. The text contains it.
    SNOW_REASON_CUSTOM = 5,
    /// The session with the node of the process has ended.
    SNOW_REASON_NOCONNECTION = 6,
    /// A reason from a later version of the protocol. The text contains the tag of the reason and the bytes after the
    /// tag.
    SNOW_REASON_UNKNOWN = 255,
}

/// A reason why a process has ended: a kind, for some kinds a text, and the processes whose links have passed the end
/// on.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct snow_reason {
    /// One of `snow_reason_kind`.
    pub kind: u32,
    /// The text, or null if there is none. It is UTF-8, except for an unknown reason. In a reason from the library, a
    /// zero byte follows the text.
    pub text: *const c_char,
    /// The length of the text, in bytes, without the zero byte.
    pub text_length: usize,
    /// The processes whose links have passed the end on, the last one first, or null if there are none.
    pub pids: *const snow_pid,
    /// The number of pids.
    pub pid_count: usize,
}

impl Default for snow_reason {
    fn default() -> Self {
        Self { kind: 0, text: ptr::null(), text_length: 0, pids: ptr::null(), pid_count: 0 }
    }
}

/// The kind of an event.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snow_event_kind {
    /// A message. The fields `data`, `length`, `is_term`, `pids` and `pid_count` are set.
    SNOW_EVENT_MESSAGE = 1,
    /// An exit signal: a linked process has ended, or a process has sent the signal (`snow_send_exit`). The fields
    /// `from` and `reason` are set. A process that traps exits (`snow_trap_exit`) receives all exit signals. Any other
    /// process receives only those that do not end it.
    SNOW_EVENT_EXIT = 2,
    /// A monitored process has ended, or the session with its node has ended (`SNOW_REASON_NOCONNECTION`). The fields
    /// `from`, `reason` and `reference` are set.
    SNOW_EVENT_DOWN = 3,
    /// A session with a watched node has begun. The fields `data` and `length` contain the name of the node.
    SNOW_EVENT_NODE_UP = 4,
    /// The session with a watched node has ended. The fields `data` and `length` contain the name of the node.
    SNOW_EVENT_NODE_DOWN = 5,
    /// The process itself has ended. The field `reason` is set. This is the last event of the process. It comes once,
    /// unless the process is freed before.
    SNOW_EVENT_ENDED = 6,
}

/// An event of a process. The pointers are valid until `snow_event_free`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct snow_event {
    /// One of `snow_event_kind`. Programs should ignore events of any other kind.
    pub kind: u32,
    /// True if the sender has marked the message as a term, and the bytes are a term of a kind that the session can
    /// carry.
    pub is_term: bool,
    /// The process that has received the event.
    pub process: snow_process,
    /// The process that has ended, or that has sent the exit signal.
    pub from: snow_pid,
    /// The reference of the monitor, as `snow_monitor` returned it. The monitor no longer exists.
    pub reference: u64,
    /// The bytes of a message, or the name of a node followed by a zero byte. Null if there are no bytes.
    pub data: *const u8,
    /// The number of bytes, without the zero byte.
    pub length: usize,
    /// The processes that the pids in a term stand for. In the bytes, the first pid is 0, the next one is 1, and so
    /// on. `snow_send_term` accepts the same bytes and pids. Null if there are none.
    pub pids: *const snow_pid,
    /// The number of pids.
    pub pid_count: usize,
    /// The reason why a process has ended.
    pub reason: snow_reason,
    /// The memory that `snow_event_free` frees.
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

/// Bytes from the library: a term or a text. They are valid until `snow_bytes_free`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct snow_bytes {
    /// The bytes, followed by a zero byte.
    pub data: *const u8,
    /// The number of bytes, without the zero byte.
    pub length: usize,
    /// The memory that `snow_bytes_free` frees.
    pub memory: snow_memory,
}

impl Default for snow_bytes {
    fn default() -> Self {
        Self { data: ptr::null(), length: 0, memory: snow_memory::default() }
    }
}

/// A setting of a node, for `snow_builder_set`. Times are in milliseconds, and sizes in bytes.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snow_setting {
    /// The number of threads that run the node, from 1 to 256. The default is 1.
    SNOW_SETTING_THREADS = 1,
    /// The interval of the heartbeat, from 100 to 86 400 000. When nothing has come from a peer for this time, the
    /// node sends a PING. The default is 60 000.
    SNOW_SETTING_HEARTBEAT_INTERVAL = 2,
    /// The timeout of the heartbeat, from 100 to 86 400 000. If nothing comes from the peer for this time after a
    /// PING, the session ends. The default is 15 000.
    SNOW_SETTING_HEARTBEAT_TIMEOUT = 3,
    /// The maximum length of a frame that the node reads, from 65 536 to 16 777 216, which is the default.
    SNOW_SETTING_FRAME_BYTES_MAX = 4,
    /// The maximum memory per session for fragmented messages that are not complete, at least 65 536. The default is
    /// 134 217 728.
    SNOW_SETTING_REASSEMBLY_BYTES_MAX = 5,
    /// The maximum number of fragmented messages per session that are not complete, from 1 to 65 536. The default is
    /// 64.
    SNOW_SETTING_FRAGMENTED_MESSAGES_MAX = 6,
    /// The maximum number of links, monitors and calls that each peer may have with processes of this node. The
    /// default is 1 000 000.
    SNOW_SETTING_LINKS_AND_MONITORS_MAX = 7,
    /// The maximum number of accepted connections that have not yet proven that they know the cookie, from 1 to 4 096.
    /// The default is 128.
    SNOW_SETTING_HANDSHAKES_MAX = 8,
    /// The maximum number of such connections from one address, from 1 to 4 096. The default is 32.
    SNOW_SETTING_HANDSHAKES_PER_ADDRESS_MAX = 9,
    /// The maximum number of sessions, from 1 to 65 536. The default is 4 096.
    SNOW_SETTING_SESSIONS_MAX = 10,
    /// The maximum number of sessions that were accepted from one address, from 1 to 65 536. The default is 1 024.
    SNOW_SETTING_SESSIONS_PER_ADDRESS_MAX = 11,
    /// The maximum memory that all mailboxes together use for items from other nodes. The default is 1 073 741 824.
    SNOW_SETTING_MAILBOX_REMOTE_BYTES_MAX = 12,
    /// 1 if other nodes may send exit signals to processes of this node (`snow_send_exit`), which is the default, or
    /// 0. This setting removes the names that `snow_builder_remote_exit` has added.
    SNOW_SETTING_REMOTE_EXIT = 13,
    /// 1 to write the keys of all TLS channels to the file that the environment variable `SSLKEYLOGFILE` names, or 0,
    /// which is the default. Anybody who has the file can decrypt all traffic: use this for debugging only.
    SNOW_SETTING_KEY_LOG = 14,
}

/// The policy for a message from another node that does not fit into the mailbox.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snow_when_full {
    /// The message is dropped, and a warning is logged.
    SNOW_WHEN_FULL_DROP = 0,
    /// The process ends with the error "mailbox full".
    SNOW_WHEN_FULL_END = 1,
}

/// The level of a log message.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum snow_log_level {
    /// A part of the program has stopped working.
    SNOW_LOG_ERROR = 1,
    /// A problem that the operator should know of, such as a doubtful cookie, or a process that has failed.
    SNOW_LOG_WARN = 2,
    /// A normal event, such as the beginning or the end of a session, or a refused connection.
    SNOW_LOG_INFO = 3,
    /// A detail that helps to investigate a problem.
    SNOW_LOG_DEBUG = 4,
    /// A finer detail that helps to investigate a problem.
    SNOW_LOG_TRACE = 5,
}

/// A function of the program that receives log messages. Its arguments are the `user` pointer of `snow_set_log`, a
/// level of `snow_log_level`, and a text that is valid only during the call.
pub type snow_log = Option<extern "C" fn(user: *mut c_void, level: u32, text: *const c_char)>;
