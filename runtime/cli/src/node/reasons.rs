//! Exit reasons as they are typed.

use snow_dist_runtime::Reason;

use super::words::{Failure, Words};

/// The reasons that can be typed.
pub(super) const NAMES: [&str; 6] = ["normal", "shutdown", "killed", "noconnection", "error", "custom"];

/// The reason that is left of a line.
pub(super) fn reason(mut words: Words<'_>) -> Result<Reason, Failure> {
    let name = words.need("REASON")?;
    let reason = match &*name {
        "normal" => Reason::Normal,
        "shutdown" => Reason::Shutdown,
        "killed" => Reason::Killed,
        "noconnection" => Reason::Noconnection,
        "error" => Reason::error(words.text("the text of the error")?),
        "custom" => Reason::custom(words.text("the text of the reason")?),
        _ => {
            return Err(Failure::new(format_args!(
                "{name:?} is no reason: one is normal, shutdown, killed, noconnection, error TEXT or custom TEXT"
            )));
        }
    };
    words.end()?;
    Ok(reason)
}
