//! Simulated clusters for tests: nodes on a simulated network, in simulated time.
//!
//! The nodes are the same as in production, including their sessions, TLS and handshakes. Only the network between
//! them is simulated: a [`SimulatedNetwork`], which a test can cut, stall and delay, and whose hosts can crash. With
//! tokio's paused time, a test that covers minutes takes milliseconds, and deadlines expire exactly on time, even on
//! a slow machine.
//!
//! ```
//! use std::time::Duration;
//! use snow_dist_runtime::testing::{SimulatedNetwork, until};
//! use snow_dist_runtime::{Node, Reason, Received};
//!
//! # async fn test() -> Result<(), Box<dyn std::error::Error>> {
//! // In a test: #[tokio::test(start_paused = true)]
//! let network = SimulatedNetwork::new();
//! let cookie = "only for this example: `snow-dist cookie` makes better ones";
//! let shop = Node::builder("shop@north:1").cookie(cookie).keep_connected(["till@south:1"]);
//! let shop = shop.start_on(network.host("north")).await?;
//! let till = Node::builder("till@south:1").cookie(cookie).start_on(network.host("south")).await?;
//! let clerk = till.spawn(async |mut ctx| while !matches!(ctx.recv().await, Received::Exit { .. }) {})?;
//! until("a session", || !shop.nodes().is_empty()).await;
//!
//! // Somebody in the north watches the clerk in the south, and the cable between them breaks.
//! let clerk = shop.pid_on("till@south:1", clerk.local()).ok_or("no session")?;
//! let (told, was_told) = tokio::sync::oneshot::channel();
//! shop.spawn(async move |mut ctx| {
//!     if ctx.monitor(clerk).await.is_ok() && let Received::Down { reason, .. } = ctx.recv().await {
//!         let _ = told.send(reason);
//!     }
//! })?;
//! tokio::time::sleep(Duration::from_secs(1)).await;
//! network.cut("north", "south");
//! assert_eq!(was_told.await?, Reason::Noconnection);
//!
//! // The cable is mended, and the node that keeps the other one connected dials again.
//! network.join("north", "south");
//! until("a session", || !shop.nodes().is_empty()).await;
//! # Ok(()) }
//! # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(test()).unwrap();
//! ```
//!
//! # Time
//! Under `#[tokio::test(start_paused = true)]` the clock stands still while any task can run, and jumps to the next
//! deadline when no task can. A test must therefore not block its thread or wait for another thread, because the
//! clock stands still meanwhile. Wait with [`until`] or `tokio::time`, not with `std::thread::sleep`.
//!
//! # Restarting a node
//! To restart a node as after a crash, take three steps. First call [`SimulatedNetwork::crash`]: for the other nodes
//! this has the effect of `kill -9`. Then call [`Node::shutdown`](crate::Node::shutdown) on the old node, which
//! reaches no other node any more. Then start another node with the same name on [`SimulatedNetwork::host`] of the
//! same host.

mod network;
mod pipe;
mod state;
#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;

use std::time::Duration;

pub use network::{SimulatedHost, SimulatedListener, SimulatedNetwork};

/// The maximum time that [`until`] waits: ten minutes. This is longer than the default deadlines of a node and the
/// pauses between its dials.
pub const UNTIL_MAX: Duration = Duration::from_secs(10 * 60);

/// The time between two checks of [`until`].
const LOOKS_EVERY: Duration = Duration::from_millis(10);

/// Calls `is_so` every 10 ms until it returns `true`. With paused time this takes no real time.
///
/// # Panics
/// Panics if `is_so` has not returned `true` within [`UNTIL_MAX`], with a message that contains `what`.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..UNTIL_MAX.as_millis() / LOOKS_EVERY.as_millis() {
        if is_so() {
            return;
        }
        tokio::time::sleep(LOOKS_EVERY).await;
    }
    assert!(is_so(), "{what}: not within {} s", UNTIL_MAX.as_secs());
}
