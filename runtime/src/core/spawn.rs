//! Processes that one node asks another one for: what is asked, and what comes of it. Specification: `session.md`, "Asking for
//! a process".

use super::{Pid, TermPids};

/// How a process that another node is asked for is tied to the one that asks, before it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SpawnTie {
    /// Not at all.
    #[default]
    None,
    /// By a link.
    Link,
    /// The process that asks monitors the new one: the number of the request is that of the monitor.
    Monitor,
}

/// A process of another node that asks for a process here: what [`Processes::spawn`](super::Processes::spawn) is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpawnRequest<'a> {
    /// The process that asks.
    pub requester: Pid,
    /// The name under which the program has registered what to run.
    pub function: &'a str,
    /// What it is given: a term in a session with the capability `calls`, and bytes in any other.
    pub arguments: &'a [u8],
    /// Which processes the pids in the arguments are.
    pub pids: TermPids,
}

/// Why a process that another node was asked for does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnFailure {
    /// Nobody has registered the function there, or not for this node to have it started.
    #[error("there is no such function, or this node may not have it started")]
    NotOffered,
    /// It cannot be tied to the one that asks: one of the two nodes has as many links and monitors of the other as it may.
    #[error(
        "it cannot be linked or monitored: one of the two nodes has as many links and monitors as it may"
    )]
    NotTied,
    /// That node runs as many processes for this one as it lets one node have.
    #[error("the other node runs as many processes for this one as it lets one node have")]
    TooMany,
    /// That node starts no process any more.
    #[error("the other node starts no process any more")]
    Stopped,
    /// It says so by another status; 0 if it says that the process runs, and names none.
    #[error("the other node has not started it, and says so by status {status}")]
    Other {
        /// The status of its SPAWN_REPLY.
        status: u8,
    },
    /// There is no session with that node, or it ended before the answer came: then the process may run.
    #[error("there is no session with the other node, or it ended before the answer came")]
    Noconnection,
}

impl SpawnFailure {
    /// What a status that is not 0 says.
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

    /// The status that says it: never 0.
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
