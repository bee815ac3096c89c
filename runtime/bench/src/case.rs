//! What is measured, and the sizes of it.

use clap::ValueEnum;

/// One measurement: two operating-system processes, a server and a driver, which measures.
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
/// Sessions that idle.
pub(crate) const IDLE_SESSIONS: usize = 200;
/// Large messages that a session takes before it idles, so that its buffers have been in use.
pub(crate) const IDLE_MESSAGES: usize = 16;

impl Case {
    /// The core of the driver and that of the server.
    pub(crate) const fn cores(self) -> (usize, usize) {
        match self {
            Self::PingpongOneCore => (0, 0),
            _ => (0, 1),
        }
    }

    /// The name that selects it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}
