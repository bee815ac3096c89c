//! Requests of one node for a process on another one, and their outcomes. Specification: `session.md`, "Asking for a
//! process".

use super::{Pid, TermPids};

/// The tie between a requested process and its requester. The tie is made before the new process runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SpawnTie {
    /// No tie.
    #[default]
    None,
    /// A link.
    Link,
    /// A monitor of the requester on the new process. Its reference is the number of the request.
    Monitor,
}

/// A request of another node for a process here, as [`Processes::spawn`](super::Processes::spawn) receives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpawnRequest<'a> {
    /// The process that has made the request.
    pub requester: Pid,
    /// The name under which the program has registered the function to run.
    pub function: &'a str,
    /// The arguments of the function. In a session with the capability `calls` they are a term, and in any other
    /// session they are bytes.
    pub arguments: &'a [u8],
    /// The processes that the pids in the arguments stand for.
    pub pids: TermPids,
}

/// The reason why a request for a process of another node has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnFailure {
    /// The other node has no function registered under that name, or this node may not start it.
    #[error("there is no such function, or this node may not have it started")]
    NotOffered,
    /// The new process cannot be tied to the requester: one of the two nodes has as many links and monitors with the
    /// other as allowed.
    #[error(
        "it cannot be linked or monitored: one of the two nodes has as many links and monitors as it may"
    )]
    NotTied,
    /// The other node already runs as many processes for this node, or for all other nodes together, as it allows.
    #[error("the other node runs as many processes for this one as it lets one node have")]
    TooMany,
    /// The other node does not start processes any more, because it is stopping.
    #[error("the other node starts no process any more")]
    Stopped,
    /// The other node has refused with a status that this node does not know. The status is 0 if the answer reports
    /// success without naming a process.
    #[error("the other node has not started it, and says so by status {status}")]
    Other {
        /// The status of the SPAWN_REPLY.
        status: u8,
    },
    /// There is no session with the other node, or the session ended before the answer came. In the second case the
    /// process may be running.
    #[error("there is no session with the other node, or it ended before the answer came")]
    Noconnection,
}

impl SpawnFailure {
    /// Returns the failure that the status of a SPAWN_REPLY stands for. The status 0, which reports success, gives
    /// [`Other`](Self::Other).
    #[must_use]
    pub const fn of_status(status: u8) -> Self {
        match status {
            1 => Self::NotOffered,
            2 => Self::NotTied,
            3 => Self::TooMany,
            4 => Self::Stopped,
            status => Self::Other { status },
        }
    }

    /// Returns the status of a SPAWN_REPLY that stands for the failure. It is never 0: a failure without a status of
    /// its own gives 255.
    #[must_use]
    pub const fn status(self) -> u8 {
        match self {
            Self::NotOffered => 1,
            Self::NotTied => 2,
            Self::TooMany => 3,
            Self::Stopped => 4,
            Self::Other { status: 0 } | Self::Noconnection => u8::MAX,
            Self::Other { status } => status,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_by_the_status_that_says_it_and_never_by_that_of_success() {
        for status in 1..=u8::MAX {
            assert_eq!(SpawnFailure::of_status(status).status(), status);
        }
        assert_eq!(SpawnFailure::Other { status: 0 }.status(), u8::MAX);
        assert_eq!(SpawnFailure::Noconnection.status(), u8::MAX);
    }
}
