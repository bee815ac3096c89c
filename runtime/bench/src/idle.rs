//! What idle sessions come to.

use std::time::Duration;

use crate::case::IDLE_SESSIONS;
use crate::child::Values;

/// After so long without a byte a session of ours sends a heartbeat, and gives back what room it has.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long the sessions idle.
pub(crate) const REST: Duration = Duration::from_secs(3);

/// The server's memory in bytes, before the sessions and at the end of their rest.
pub(crate) fn values(before: u64, after: u64) -> Values {
    let grown = after.saturating_sub(before) as f64;
    vec![("session_kib", grown / 1024.0 / IDLE_SESSIONS as f64)]
}
