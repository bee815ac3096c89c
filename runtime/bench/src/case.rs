//! What is measured, and the sizes of it.

use clap::{Args, ValueEnum};

/// One measurement. Most take two operating-system processes: a server, and a driver, which measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// Messages of 64 bytes, one way.
    #[value(name = "oneway-64")]
    Oneway64,
    /// Messages of 16 KiB, one way.
    #[value(name = "oneway-16k")]
    Oneway16k,
    /// A message of 64 bytes to and fro, both processes on one core.
    #[value(name = "pingpong-1core")]
    PingpongOneCore,
    /// The same on two cores.
    #[value(name = "pingpong-2cores")]
    PingpongTwoCores,
    /// A call and its reply, and beside it a term to and fro in two messages.
    Call,
    /// Linked pairs across the connection, ended one by one; their memory before that.
    Pairs,
    /// A disconnect tells as many processes that what each monitored is gone.
    Disconnect,
    /// A node is lost that some processes are linked to, without and with very many others.
    Loss,
    /// Exit signals while long messages of another process go out, whole and in fragments.
    Delay,
    /// Memory of a session that has nothing to do.
    Idle,
    /// Messages from one process to another of the same node.
    LocalOneway,
    /// A message to and fro within a node.
    LocalPingpong,
    /// Starts of processes.
    LocalSpawn,
    /// Memory of processes that wait.
    LocalIdle,
    /// Messages of several pairs in one session; the size is the number of threads on each side.
    Cores,
    /// Messages in so many sessions of one node, of several pairs in each.
    Sessions,
    /// So many processes that are linked to one of another node, and end one by one.
    FanIn,
    /// So many nodes that connect to one at once.
    Storm,
    /// So many sessions of one node that have nothing to do.
    IdleSessions,
    /// So many nodes that each know one of them, until each has a session with every other one.
    Mesh,
    /// Round trips beside messages of so many bytes, 1 GiB in all; none if there are none.
    Tail,
    /// An answer that is waited for beside so many messages that are not wanted.
    Selective,
    /// So many calls at once.
    Calls,
}

/// A measurement and its sizes.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Job {
    /// The measurement.
    pub(crate) case: Case,
    /// What its curve grows with, where it has one.
    #[arg(long, default_value_t = 1)]
    pub(crate) size: usize,
    /// Pairs of a sender and a receiver in each session, where there are several.
    #[arg(long, default_value_t = 1)]
    pub(crate) pairs: usize,
}

impl Job {
    /// How many sessions have such pairs.
    pub(crate) fn sessions(self) -> usize {
        if self.case == Case::Cores { 1 } else { self.size }
    }

    /// Returns the number of pairs in all sessions.
    pub(crate) fn all_pairs(self) -> usize {
        self.sessions() * self.pairs
    }
}

/// Messages of 64 bytes in one run.
pub(crate) const SMALL_MESSAGES: usize = 1_000_000;
/// Messages of 16 KiB in one run.
pub(crate) const LARGE_MESSAGES: usize = 50_000;
/// Bytes of a small message.
pub(crate) const SMALL_BYTES: usize = 64;
/// Bytes of a large message.
pub(crate) const LARGE_BYTES: usize = 16 << 10;
/// Round trips before measuring, and measured.
pub(crate) const WARM_UP_TRIPS: usize = 2_000;
/// See [`WARM_UP_TRIPS`].
pub(crate) const TRIPS: usize = 20_000;
/// Messages of a lap within a node, and bytes of each.
pub(crate) const LOCAL_MESSAGES: usize = 1_000_000;
/// See [`LOCAL_MESSAGES`].
pub(crate) const LOCAL_BYTES: usize = 32;
/// Round trips within a node: those that warm up are as many as elsewhere.
pub(crate) const LOCAL_TRIPS: usize = 200_000;
/// Processes that are started within a node, and idle there.
pub(crate) const LOCAL_PROCESSES: usize = 100_000;
/// Linked pairs, and monitors that a disconnect ends.
pub(crate) const PAIRS: usize = 100_000;
/// Links to the node that is lost.
pub(crate) const LOST_LINKS: usize = 1_000;
/// How often a node is lost, without and with the crowd; the median counts.
pub(crate) const LOSSES: usize = 11;
/// Processes that the loss does not concern.
pub(crate) const CROWD: usize = 1_000_000;
/// Long messages, 1 GiB in all, and bytes of each: with its head it is a frame of 16 MiB.
pub(crate) const DELAY_MESSAGES: usize = 64;
/// See [`DELAY_MESSAGES`].
pub(crate) const DELAY_MESSAGE_BYTES: usize = (16 << 20) - 9;
/// Processes that can end meanwhile.
pub(crate) const DELAY_ENDS: usize = 20_000;
/// Bytes of all long messages beside round trips.
pub(crate) const TAIL_BYTES: usize = 1 << 30;
/// Sessions that idle.
pub(crate) const IDLE_SESSIONS: usize = 200;
/// Large messages that a session takes before it idles, so that its buffers have been in use.
pub(crate) const IDLE_MESSAGES: usize = 16;

impl Case {
    /// True if it takes one process, which measures and needs no server.
    pub(crate) const fn is_alone(self) -> bool {
        matches!(
            self,
            Self::LocalOneway
                | Self::LocalPingpong
                | Self::LocalSpawn
                | Self::LocalIdle
                | Self::Mesh
                | Self::Selective
        )
    }
}
