//! Whether the runner itself was there while it judged.
//!
//! What a subject does depends on what it is answered, and when. A runner that does not run, since the machine is busy
//! or asleep, answers too late, and its subject is right to give up. So each case knows for how long it was held up.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

/// A case looks at the clock as often as this.
const TICK: Duration = Duration::from_millis(100);

/// Runs something to its end. Returns with it the longest time, beyond the usual, for which it did not run.
pub(crate) async fn attentively<T>(doing: impl Future<Output = T>) -> (T, Duration) {
    let mut doing = pin!(doing);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut looked, mut held_up) = (Instant::now(), Duration::ZERO);
    let done = poll_fn(|context| {
        while ticks.poll_tick(context).is_ready() {}
        let done = doing.as_mut().poll(context);
        held_up = held_up.max(looked.elapsed().saturating_sub(TICK));
        looked = Instant::now();
        done
    });
    let done = done.await;
    (done, held_up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_not_held_up_and_who_blocks_is() {
        let ((), held_up) = attentively(tokio::time::sleep(Duration::from_secs(60))).await;
        assert!(held_up <= TICK, "{held_up:?}");
        let ((), held_up) = attentively(tokio::time::advance(Duration::from_secs(60))).await;
        assert!(held_up >= Duration::from_secs(59), "{held_up:?}");
    }
}
