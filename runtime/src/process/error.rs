//! The errors of a process's actions.

use std::sync::Arc;

use crate::core::{Pid, Reason, Shown};
use snow_dist_codec::{NodeNameError, stf};

/// An error that says why no process was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The node has used up all 2^40 - 1 process numbers. No number is used twice, so only a new start of the node
    /// helps.
    #[error("this node has started as many processes as have numbers (2^40 - 1)")]
    Exhausted,
    /// The node is shutting down ([`Node::shutdown`](crate::Node::shutdown)).
    #[error("this node has been stopped")]
    Stopped,
    /// The tokio runtime of the node has been shut down.
    #[error("the tokio runtime of this node has been shut down")]
    RuntimeGone,
    /// The calling process has ended, and its [`Context`](super::Context) has outlived it. Use
    /// [`Node::spawn`](crate::Node::spawn) to start processes independently of a process.
    #[error("the process that would start another has ended")]
    Ended,
}

/// An error that says that the given process is on another node, where only a process of this node can be used. The
/// protocol has no frame to kill a process of another node, or to delegate a call to such a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a process of this node")]
pub struct NotHere(pub Pid);

/// An error that says why a name was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// A process holds the name already, possibly the process that was to be registered.
    #[error("the name is taken by {0}")]
    Taken(Pid),
    /// The process has ended or belongs to another node.
    #[error("{0} is no living process of this node")]
    NoProcess(Pid),
    /// The name is longer than a frame can carry, so that no other node could send to it.
    #[error("the name has {length} bytes: a name of a process has {length_max} at most")]
    TooLong {
        /// The length of the name, in bytes.
        length: usize,
        /// The maximum length of a name, in bytes:
        /// [`PROCESS_NAME_BYTES_MAX`](crate::core::limits::PROCESS_NAME_BYTES_MAX).
        length_max: usize,
    },
}

/// An error that says why a process does not watch a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MonitorNodeError {
    /// The name is not a node name.
    #[error("{0}")]
    Name(#[from] NodeNameError),
    /// The calling process has ended, and its [`Context`](super::Context) has outlived it. The process cannot receive
    /// events any more.
    #[error("the process that would monitor a node has ended")]
    Ended,
}

/// An error that says why an action of a process was refused: the session with the other node cannot carry it, or the
/// process itself has ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The calling process has ended, and its [`Context`](super::Context) has outlived it. A process sends nothing
    /// after its end, so a receiver that has learned of the end gets no more messages from it. Code that outlives the
    /// process must send through its [`Node`](crate::Node), or start another process.
    #[error("the process that asks for it has ended")]
    Ended,
    /// The message is longer than the other node accepts. Send it in parts, or raise the limits of the other node
    /// ([`NodeBuilder::frame_bytes_max`](crate::NodeBuilder::frame_bytes_max),
    /// [`NodeBuilder::reassembly_bytes_max`](crate::NodeBuilder::reassembly_bytes_max)). This is also the error if a
    /// name to be monitored or resolved on another node is longer than
    /// [`MONITORED_NAME_BYTES_MAX`](crate::core::limits::MONITORED_NAME_BYTES_MAX).
    #[error("{length} bytes are more than the other node takes ({length_max})")]
    TooLong {
        /// The length of the message or the name, in bytes.
        length: usize,
        /// The maximum length that is allowed, in bytes.
        length_max: usize,
    },
    /// The other node accepts no more links, monitors and calls of this node. Its limit is the setting
    /// [`NodeBuilder::links_and_monitors_max`](crate::NodeBuilder::links_and_monitors_max).
    #[error("the other node carries no more than {count_max} links and monitors")]
    TooMany {
        /// The maximum number of links, monitors and calls that the other node accepts in this session.
        count_max: u32,
    },
    /// The number of spawn requests that the other node has not answered has reached its maximum
    /// ([`SPAWNS_UNANSWERED_MAX`](crate::core::limits::SPAWNS_UNANSWERED_MAX)). The other node is slow, or does not
    /// read from the connection. Try again later.
    #[error(
        "the other node has not answered {count_max} requests for processes, and no more may wait for it"
    )]
    Unanswered {
        /// The maximum number of unanswered requests.
        count_max: usize,
    },
    /// The session lacks a capability that the action needs. One of the two nodes has not announced the capability, or
    /// does not allow it to the other node.
    #[error("the session with {} does not have the capability `{capability}`", Shown(peer))]
    NotInSession {
        /// The name of the capability in the specification.
        capability: &'static str,
        /// The other node.
        peer: Arc<str>,
    },
    /// The action is not possible in a session of this protocol version. The text says why.
    #[error("the other node cannot be told: {0}")]
    NotInVersion(&'static str),
}

/// An error that says why a call has no usable reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No reply came in time. The callee may have received the call, and may still act on it.
    #[error("there was no reply in time")]
    TimedOut,
    /// The callee ended before it replied, for the given reason. With [`Reason::noproc`] the callee does not exist, or
    /// no process holds the name.
    #[error("the callee has ended: {0}")]
    Ended(Reason),
    /// There is no session with the callee's node, or the session ended before the reply came. The callee may have
    /// received the call.
    ///
    /// This is also the error for a process of an earlier incarnation of its node, although a session with that node
    /// exists again. Look up the new pid by its name.
    #[error("there is no session with the callee's node")]
    NotConnected,
    /// The callee, or the process to which it has delegated the call, dropped the call without a reply. If a callee
    /// on another node ends with the error `unanswered`, the result is this error, too.
    #[error("the callee let go of the call without a reply")]
    Unanswered,
    /// The callee on another node has not received the call: its mailbox is full, or its node accepts no more links,
    /// monitors and calls of this node.
    ///
    /// The other node reports these cases with the errors `full` and `limit`. If a callee has received the call, and
    /// then ends with one of these two errors, the result is this error, too.
    #[error("the callee has no room for the call")]
    NoRoom,
    /// A reply came, but was dropped because it did not fit into the memory that this node has for items from other
    /// nodes ([`NodeBuilder::mailbox_remote_bytes_max`](crate::NodeBuilder::mailbox_remote_bytes_max)).
    #[error("there was a reply, and no room to keep it")]
    ReplyLost,
    /// The session with the other node cannot carry the call, or the caller has ended. With [`Refused::Ended`] the
    /// callee may have received the call. In all other cases it has not.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name of the node is not a node name.
    #[error("{0}")]
    Node(#[from] NodeNameError),
    /// The request cannot be written as a term.
    #[error("the request is not a term: {0}")]
    Request(stf::Error),
    /// The reply is not a term of the expected type. The error contains the position at which decoding failed.
    #[error("the reply is not of the type that was asked for: {0}")]
    Reply(stf::Error),
    /// The program made the call, and this node could not create the process that represents the program as the
    /// caller.
    #[error(transparent)]
    NoCaller(#[from] SpawnError),
}

/// An error that says why a reply was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// No caller waits for the reply any more. The call was answered before, the caller has given up or ended, the
    /// callee has ended, or the session with the caller's node has ended.
    #[error("nobody waits for the reply any more")]
    Over,
    /// The value cannot be written as a term. The error says why.
    #[error("not a term: {0}")]
    Term(#[from] stf::Error),
    /// The session with the caller's node cannot carry the reply.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// An error that says why a name on another node was not resolved or monitored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MonitorNamedError {
    /// No process on that node holds the name.
    #[error("nobody on that node has the name")]
    Nobody,
    /// There is no session with the node, or the session ended before the node answered. Nothing is monitored.
    #[error("there is no session with the node")]
    NotConnected,
    /// The other node has refused the monitor, for example with the error `limit`. The value is the reason that the
    /// other node has given.
    #[error("the other node has refused the monitor: {0}")]
    NotMonitored(Reason),
    /// The session with the other node cannot carry the request, or the calling process has ended.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name of the node is not a node name.
    #[error("{0}")]
    Node(#[from] NodeNameError),
    /// The program made the request, and this node could not create the process that represents the program.
    #[error(transparent)]
    NoCaller(SpawnError),
}

/// An error that says why no process was started on a node, or that it is not known whether a process was started
/// ([`ConnectionLost`](Self::ConnectionLost)).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnOnError {
    /// There is no session with the node, and nothing was started. [`Node::connect`](crate::Node::connect)
    /// establishes one.
    #[error("there is no session with {}", Shown(node))]
    NotConnected {
        /// The name of the node.
        node: Arc<str>,
    },
    /// The session ended before the node's answer came. The process may be running on the node. If a link with the
    /// process was requested, the process receives an exit signal with Noconnection, as at the end of any session.
    #[error("the session with {} ended before it answered: the process may run there", Shown(node))]
    ConnectionLost {
        /// The name of the node.
        node: Arc<str>,
    },
    /// The function is not registered on the node, or that node does not allow this node to start it
    /// ([`Node::register_function`](crate::Node::register_function),
    /// [`NodeBuilder::remote_spawn`](crate::NodeBuilder::remote_spawn)). The answer of the node does not distinguish
    /// the two cases.
    #[error("{} has no function \"{}\", or does not let this node start it", Shown(node), Shown(function))]
    NotOffered {
        /// The name of the function.
        function: Arc<str>,
        /// The name of the node.
        node: Arc<str>,
    },
    /// The process cannot be linked or monitored, because one of the two nodes already has the maximum number of
    /// links and monitors with the other
    /// ([`NodeBuilder::links_and_monitors_max`](crate::NodeBuilder::links_and_monitors_max)). Nothing was started.
    #[error(
        "the process cannot be linked or monitored: {} and this node have as many links and monitors as they may",
        Shown(node)
    )]
    NotTied {
        /// The name of the node.
        node: Arc<str>,
    },
    /// The node already runs the maximum number of processes that this node
    /// ([`NodeBuilder::processes_per_peer_max`](crate::NodeBuilder::processes_per_peer_max)), or that all its peers
    /// together ([`NodeBuilder::processes_of_peers_max`](crate::NodeBuilder::processes_of_peers_max)), may have
    /// started. Nothing was started.
    #[error("{} runs as many processes for this node as it lets one node have", Shown(node))]
    TooMany {
        /// The name of the node.
        node: Arc<str>,
    },
    /// The node is shutting down. Nothing was started.
    #[error("{} starts no process any more", Shown(node))]
    Stopped {
        /// The name of the node.
        node: Arc<str>,
    },
    /// The node has refused with a status that this version does not know, or has reported success (status 0) without
    /// naming a process.
    #[error("{} has not started it, and says so by status {status}", Shown(node))]
    Status {
        /// The status that the node has reported.
        status: u8,
        /// The name of the node.
        node: Arc<str>,
    },
    /// The arguments do not fit into one spawn request, which is never sent in fragments. Send longer data to the
    /// process once it runs.
    #[error(
        "arguments of {length} bytes do not fit into a request, where they have at most {length_max}: send them to the process"
    )]
    TooLong {
        /// The length of the arguments as a term, in bytes.
        length: usize,
        /// The maximum length of the arguments with this function name, in bytes.
        length_max: usize,
    },
    /// The function's name is longer than [`FUNCTION_NAME_BYTES_MAX`](crate::core::limits::FUNCTION_NAME_BYTES_MAX).
    #[error("the name of a function has at most {length_max} bytes, and this one has {length}")]
    NameTooLong {
        /// The length of the name, in bytes.
        length: usize,
        /// The maximum length of a name, in bytes.
        length_max: usize,
    },
    /// The arguments cannot be written as a term.
    #[error("the arguments are not a term: {0}")]
    Arguments(stf::Error),
    /// The name of the node is not a node name.
    #[error("{0}")]
    Node(#[from] NodeNameError),
    /// The session with the node cannot carry the request, or the calling process has ended. With [`Refused::Ended`]
    /// the process may have been started. In all other cases nothing was started.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// This node could not create a process: either the requested process itself, or the process that represents the
    /// program in the request.
    #[error(transparent)]
    NotHere(SpawnError),
}

/// An error that says why a function was not registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterFunctionError {
    /// Another function has the name. [`Node::unregister_function`](crate::Node::unregister_function) removes that
    /// function.
    #[error("there is a function \"{}\" already", Shown(name))]
    Taken {
        /// The name.
        name: Arc<str>,
    },
    /// The name is longer than [`FUNCTION_NAME_BYTES_MAX`](crate::core::limits::FUNCTION_NAME_BYTES_MAX).
    #[error("the name of a function has at most {length_max} bytes, and this one has {length}")]
    NameTooLong {
        /// The length of the name, in bytes.
        length: usize,
        /// The maximum length of a name, in bytes.
        length_max: usize,
    },
}

/// An error that says why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The session with the other node cannot carry the message, or the sending process has ended.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name of the node is not a node name.
    #[error("{0}")]
    Node(#[from] NodeNameError),
    /// The value cannot be written as a term. The error says why.
    #[error("not a term: {0}")]
    Term(#[from] stf::Error),
}
