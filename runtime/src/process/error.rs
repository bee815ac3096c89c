//! What can be refused to a process.

use std::sync::Arc;

use crate::core::{Pid, Reason, Shown};
use snow_dist_codec::{NodeNameError, stf};

/// No process was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// Every number that a process can have on the wire has been given, and none is given twice.
    #[error("this node has started as many processes as have numbers (2^40 - 1)")]
    Exhausted,
    /// The node's [`shutdown`](crate::Node::shutdown) has begun.
    #[error("this node has been stopped")]
    Stopped,
    /// The tokio runtime of the node has been shut down.
    #[error("the tokio runtime of this node has been shut down")]
    RuntimeGone,
    /// The process that asks has ended: its [`Context`](super::Context) outlives it. [`Node::spawn`](crate::Node::spawn) is
    /// for whoever goes on.
    #[error("the process that would start another has ended")]
    Ended,
}

/// A process of another node cannot be killed, and no call can be delegated to it: neither is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a process of this node")]
pub struct NotHere(pub Pid);

/// A name was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Another process, or the same, has the name.
    #[error("the name is taken by {0}")]
    Taken(Pid),
    /// Names are for living processes of this node.
    #[error("{0} is no living process of this node")]
    NoProcess(Pid),
    /// No frame carries the name: no other node could send to it.
    #[error("the name has {length} bytes: a name of a process has {length_max} at most")]
    TooLong {
        /// Length of the name, in bytes.
        length: usize,
        /// The most that a name may have, in bytes: [`PROCESS_NAME_BYTES_MAX`](crate::core::limits::PROCESS_NAME_BYTES_MAX).
        length_max: usize,
    },
}

/// A node is not monitored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MonitorNodeError {
    /// The name is not a node name.
    #[error("{0}")]
    Name(#[from] NodeNameError),
    /// The process that asks has ended: its [`Context`](super::Context) outlives it, and receives nothing.
    #[error("the process that would monitor a node has ended")]
    Ended,
}

/// The session with the other node does not take it, or the process that asks has ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The process that asks has ended: its [`Context`](super::Context) outlives it. Whoever has learned of the end gets
    /// nothing of that process any more. What goes on after a process sends by its [`Node`](crate::Node), or starts another
    /// process.
    #[error("the process that asks for it has ended")]
    Ended,
    /// Too long for the other node.
    #[error("{length} bytes are more than the other node takes ({length_max})")]
    TooLong {
        /// Length of what was to be sent, in bytes.
        length: usize,
        /// The most that the other node takes, in bytes.
        length_max: usize,
    },
    /// The other node carries no more links and monitors of ours.
    #[error("the other node carries no more than {count_max} links and monitors")]
    TooMany {
        /// How many it carries.
        count_max: u32,
    },
    /// The other node has not answered so many requests for processes of ours: it does not read, or is slow.
    #[error(
        "the other node has not answered {count_max} requests for processes, and no more may wait for it"
    )]
    Unanswered {
        /// How many may wait.
        count_max: usize,
    },
    /// The session with the other node lacks a capability, because one of the two nodes has not announced it.
    #[error("the session with {} does not have the capability `{capability}`", Shown(peer))]
    NotInSession {
        /// Its name in the specification.
        capability: &'static str,
        /// The other node.
        peer: Arc<str>,
    },
    /// The version of the protocol that is spoken with the other node has no way to say it.
    #[error("the other node cannot be told: {0}")]
    NotInVersion(&'static str),
}

/// A call has no reply, or none that is of use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// There was no reply in time. The callee may have received the call, and may still act on it.
    #[error("there was no reply in time")]
    TimedOut,
    /// The callee ended before it replied, or there is no such process, or nobody has the name ([`Reason::noproc`]).
    #[error("the callee has ended: {0}")]
    Ended(Reason),
    /// There is no session with the callee's node, or it ended before the reply came. The callee may have received the call.
    #[error("there is no session with the callee's node")]
    NotConnected,
    /// The callee, or whom it has delegated the call to, let go of it without a reply. A callee on another node that ends with
    /// the error `unanswered` is taken for this.
    #[error("the callee let go of the call without a reply")]
    Unanswered,
    /// The mailbox of a callee on another node takes no message now, or its node holds as many links, monitors and calls of
    /// this one as it may: the callee has not received the call. Its node says so by the errors `full` and `limit`; a callee
    /// that ends with one of these is taken for this, and has received it.
    #[error("the callee has no room for the call")]
    NoRoom,
    /// There was a reply, and no room for it in what this node keeps for others
    /// ([`NodeBuilder::mailbox_remote_bytes_max`](crate::NodeBuilder::mailbox_remote_bytes_max)).
    #[error("there was a reply, and no room to keep it")]
    ReplyLost,
    /// The session with the other node does not take the call, or the caller has ended.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name of the node is not a node name.
    #[error("{0}")]
    Node(#[from] NodeNameError),
    /// The request cannot be written as a term.
    #[error("the request is not a term: {0}")]
    Request(stf::Error),
    /// The reply is not a term of this type; where.
    #[error("the reply is not of the type that was asked for: {0}")]
    Reply(stf::Error),
    /// The program calls, and no process can be started for that any more.
    #[error(transparent)]
    NoCaller(#[from] SpawnError),
}

/// A reply was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// Nobody waits for it any more: there was a reply before, the caller has given up or ended, the callee has ended, or the
    /// session with the caller's node is over.
    #[error("nobody waits for the reply any more")]
    Over,
    /// The value cannot be written as a term.
    #[error("not a term: {0}")]
    Term(#[from] stf::Error),
    /// The session with the other node does not take it.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Whoever has a name on another node is not known, or not monitored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MonitorNamedError {
    /// Nobody has the name.
    #[error("nobody on that node has the name")]
    Nobody,
    /// There is no session with the node, or it ended before it answered.
    #[error("there is no session with the node")]
    NotConnected,
    /// The other node has refused the monitor, for this reason.
    #[error("the other node has refused the monitor: {0}")]
    NotMonitored(Reason),
    /// The session with the other node does not take it, or the process that asks has ended.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name of the node is not a node name.
    #[error("{0}")]
    Node(#[from] NodeNameError),
    /// The program asks, and no process can be started for that any more.
    #[error(transparent)]
    NoCaller(SpawnError),
}

/// No process was started on the node that was asked, or it is not known whether one was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnOnError {
    /// There is no session with the node: [`Node::connect`](crate::Node::connect) makes one. Nothing was started.
    #[error("there is no session with {}", Shown(node))]
    NotConnected {
        /// The node.
        node: Arc<str>,
    },
    /// The session with the node ended before its answer came: the process may run there. If it is linked, it has an exit
    /// signal.
    #[error("the session with {} ended before it answered: the process may run there", Shown(node))]
    ConnectionLost {
        /// The node.
        node: Arc<str>,
    },
    /// Nobody has registered the function on the node, or not for this node
    /// ([`Node::register_function`](crate::Node::register_function)).
    #[error("{} has no function \"{}\", or does not let this node start it", Shown(node), Shown(function))]
    NotOffered {
        /// The function.
        function: Arc<str>,
        /// The node.
        node: Arc<str>,
    },
    /// The process cannot be linked or monitored, since one of the two nodes has as many links and monitors of the other as it
    /// may ([`NodeBuilder::links_and_monitors_max`](crate::NodeBuilder::links_and_monitors_max)). Nothing was started.
    #[error(
        "the process cannot be linked or monitored: {} and this node have as many links and monitors as they may",
        Shown(node)
    )]
    NotTied {
        /// The node.
        node: Arc<str>,
    },
    /// The node runs as many processes for this one as it lets one node have
    /// ([`NodeBuilder::processes_per_peer_max`](crate::NodeBuilder::processes_per_peer_max)). Nothing was started.
    #[error("{} runs as many processes for this node as it lets one node have", Shown(node))]
    TooMany {
        /// The node.
        node: Arc<str>,
    },
    /// The node is being stopped. Nothing was started.
    #[error("{} starts no process any more", Shown(node))]
    Stopped {
        /// The node.
        node: Arc<str>,
    },
    /// The node has not started it for another reason, which this version does not know; or says that it has, and names no
    /// process (status 0).
    #[error("{} has not started it, and says so by status {status}", Shown(node))]
    Status {
        /// What it says.
        status: u8,
        /// The node.
        node: Arc<str>,
    },
    /// The arguments are too long: a request for a process is not sent in fragments. What is longer is sent to the process once
    /// it runs.
    #[error(
        "arguments of {length} bytes do not fit into a request, where they have at most {length_max}: send them to the process"
    )]
    TooLong {
        /// Bytes of the arguments as a term.
        length: usize,
        /// The most that they may have beside the name of this function.
        length_max: usize,
    },
    /// The function's name is too long.
    #[error("the name of a function has at most {length_max} bytes, and this one has {length}")]
    NameTooLong {
        /// Bytes of the name.
        length: usize,
        /// The most that it may have.
        length_max: usize,
    },
    /// The arguments cannot be written as a term.
    #[error("the arguments are not a term: {0}")]
    Arguments(stf::Error),
    /// The name of the node is not a node name.
    #[error("{0}")]
    Node(#[from] NodeNameError),
    /// The session with the node does not take the request, or the process that asks has ended.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// This node was asked and starts no process any more; or the program asks, which needs one for that.
    #[error(transparent)]
    NotHere(SpawnError),
}

/// A function was not registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterFunctionError {
    /// There is a function of this name: [`Node::unregister_function`](crate::Node::unregister_function) takes it back.
    #[error("there is a function \"{}\" already", Shown(name))]
    Taken {
        /// The name.
        name: Arc<str>,
    },
    /// The name is too long.
    #[error("the name of a function has at most {length_max} bytes, and this one has {length}")]
    NameTooLong {
        /// Bytes of the name.
        length: usize,
        /// The most that it may have.
        length_max: usize,
    },
}

/// A message was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The session with the other node does not take it, or the sending process has ended.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name of the node is not a node name.
    #[error("{0}")]
    Node(#[from] NodeNameError),
    /// The value cannot be written as a term.
    #[error("not a term: {0}")]
    Term(#[from] stf::Error),
}
