//! A whole cluster in one test: nodes on a simulated network, in time that passes only while everybody waits.
//!
//! Nodes are what they are in production: their sessions, TLS and handshake run as ever. What is simulated is the network
//! between them, a [`SimulatedNetwork`], which a test can cut, stall and delay, and on which hosts crash. With tokio's paused
//! time a test of minutes takes milliseconds, and deadlines come when they are due, however slow the machine is.
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
//! // The cable is mended: whoever keeps the other connected dials again.
//! network.join("north", "south");
//! until("a session", || !shop.nodes().is_empty()).await;
//! # Ok(()) }
//! # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(test()).unwrap();
//! ```
//!
//! # Time
//! Under `#[tokio::test(start_paused = true)]` the clock stands while any task can go on, and jumps to the next deadline when none
//! can. It must therefore be left to tokio: a test that blocks a thread, or waits for one that it has started, stops it. Wait by
//! [`until`] or by `tokio::time`, not by `std::thread::sleep`.
//!
//! # A restart
//! [`SimulatedNetwork::crash`] does to others what `kill -9` does. The old node then reaches nobody; call
//! [`Node::shutdown`](crate::Node::shutdown) on it, and start another with the same name on
//! [`network.host(..)`](SimulatedNetwork::host) of the same host.

mod network;
mod pipe;
mod state;
#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;

use std::time::Duration;

pub use network::{SimulatedHost, SimulatedListener, SimulatedNetwork};

/// How long [`until`] waits: longer than any deadline and any pause between dials of a node.
pub const UNTIL_MAX: Duration = Duration::from_secs(10 * 60);

/// How often [`until`] looks.
const LOOKS_EVERY: Duration = Duration::from_millis(10);

/// Waits until something is so, which is looked at every 10 ms. In paused time that takes no time of the test's.
///
/// # Panics
/// If it is not so within [`UNTIL_MAX`], with what was waited for.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..UNTIL_MAX.as_millis() / LOOKS_EVERY.as_millis() {
        if is_so() {
            return;
        }
        tokio::time::sleep(LOOKS_EVERY).await;
    }
    assert!(is_so(), "{what}: not within {} s", UNTIL_MAX.as_secs());
}
