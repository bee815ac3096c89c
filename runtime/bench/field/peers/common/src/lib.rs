//! Shared parts of the side programs: arguments, measurements, and their output.

mod countdown;
mod job;
mod laps;
mod meter;
mod trips;

pub use countdown::{Countdown, Counted};
pub use job::{Case, Job, Lacks, Values, announce, run};
pub use laps::Laps;
pub use meter::{Stopwatch, cpu_ns, resident_bytes};
pub use trips::Trips;

use std::time::Duration;

/// Bytes of a small message.
pub const SMALL_BYTES: usize = 64;
/// Bytes of a large message.
pub const LARGE_BYTES: usize = 16 << 10;
/// Bytes of a message within a node.
pub const LOCAL_BYTES: usize = 32;
/// Messages of a lap within a node.
pub const LOCAL_MESSAGES: usize = 1_000_000;
/// Round trips within a node.
pub const LOCAL_TRIPS: usize = 200_000;
/// Processes that are started within a node, and idle there.
pub const LOCAL_PROCESSES: usize = 100_000;
/// Links and monitors that are measured.
pub const PAIRS: usize = 100_000;
/// Bytes of all long messages beside round trips.
pub const TAIL_BYTES: usize = 1 << 30;
/// Both sides rest for so long before memory is read and the first process ends.
pub const SETTLE: Duration = Duration::from_millis(200);
