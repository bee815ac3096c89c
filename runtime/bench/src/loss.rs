//! What losing a node comes to.

use std::time::Duration;

use crate::child::Values;
use crate::meter::{Stopwatch, median};

/// How long both sides rest before the node is lost.
pub(crate) const SETTLE: Duration = Duration::from_millis(20);

/// One loss: how long it took, and what it cost the process that lost the node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    wall: Duration,
    cpu: Duration,
}

impl From<Stopwatch> for Loss {
    fn from(watch: Stopwatch) -> Self {
        Self { cpu: watch.cpu(), wall: watch.wall() }
    }
}

/// Of losses without and with a crowd.
pub(crate) fn values(alone: &[Loss], crowded: &[Loss]) -> Values {
    let wall = |losses| millis(losses, |loss: &Loss| loss.wall);
    let cpu = |losses| millis(losses, |loss: &Loss| loss.cpu);
    vec![
        ("alone_ms", wall(alone)),
        ("crowded_ms", wall(crowded)),
        ("crowded_by_alone", wall(crowded) / wall(alone)),
        ("alone_cpu_ms", cpu(alone)),
        ("crowded_cpu_ms", cpu(crowded)),
        ("crowded_by_alone_cpu", cpu(crowded) / cpu(alone)),
    ]
}

fn millis(losses: &[Loss], of: impl Fn(&Loss) -> Duration) -> f64 {
    median(losses.iter().map(|loss| of(loss).as_secs_f64() * 1e3))
}
