//! How nodes find each other: sources of names that come and go.
//!
//! A [`Discovery`] says which nodes there are. A node that was given one
//! ([`NodeBuilder::discover`](crate::NodeBuilder::discover), [`Node::discover`](crate::Node::discover)) looks again and again,
//! and compares what it is told with what it was told before: it keeps sessions with nodes that are new
//! ([`Node::keep`](crate::Node::keep)), and lets go of those that have vanished ([`Node::let_go`](crate::Node::let_go)). A node
//! that is lost and still named is dialled again until it is back.
//!
//! | source | names come from | looks, by default |
//! |---|---|---|
//! | [`List`] | the program | every second |
//! | [`File`] | the lines of a file | every second |
#![cfg_attr(feature = "dns", doc = "| [`Dns`] | SRV records, or addresses of a host | every 5 s |")]
#![cfg_attr(
    not(feature = "dns"),
    doc = "| `Dns`, with the feature `dns` | SRV records, or addresses of a host | every 5 s |"
)]
//! | your own [`Discovery`] | anything else: a cloud's interface, a store, a multicast | as it says |
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use snow_dist_runtime::Node;
//! use snow_dist_runtime::discovery::File;
//!
//! let node = Node::builder("a@10.0.0.1:4000")
//!     .cookie_file("/etc/snow/cookie")
//!     .discover(File::new("/etc/snow/nodes"))
//!     .start()
//!     .await?;
//! # Ok(()) }
//! ```
//!
//! # What a look can do
//! - A look that fails, panics, or takes longer than [`DISCOVERY_LOOK_DEADLINE`] changes nothing. It is counted, and the log
//!   tells of it.
//! - A look that finds nobody is no failure: all nodes are let go of. Sessions with them stay, and are not made again when
//!   they are lost.
//! - The node's own name is passed over, so that all nodes can have the same source. So is what is no name that can be dialled;
//!   the log tells of that.
//! - Of more than [`DISCOVERED_NAMES_MAX`] names the first are taken, in the order of names, so that it is the same ones at each
//!   look.
//! - A name that the program keeps itself, or that another discovery has found as well, stays until all have let go of it.
//! - A name under which a node of *another* name answers is no session: the handshake refuses it, and
//!   [`Node::kept`](crate::Node::kept) and the log say which name that node has. So two names for one node are one session at
//!   most, and one error.
//!
//! # When a full mesh is no longer the right shape
//! A discovery that names all nodes to all nodes makes n (n - 1) / 2 sessions, each with a heartbeat and some 13 KiB of memory at
//! either end. Up to some 200 nodes that is the simplest thing that works. Beyond, let a discovery name to each node those
//! that it needs: nothing else is dialled.
//!
//! [`DISCOVERY_LOOK_DEADLINE`]: crate::core::limits::DISCOVERY_LOOK_DEADLINE
//! [`DISCOVERED_NAMES_MAX`]: crate::core::limits::DISCOVERED_NAMES_MAX

mod file;
mod handle;
mod holds;
mod list;
mod looking;

#[cfg(feature = "dns")]
mod dns;

use std::error::Error;
use std::future::Future;
use std::time::Duration;

#[cfg(feature = "dns")]
pub use dns::{Dns, DnsError};
pub use file::File;
pub use handle::{DiscoverError, Discovering, DiscoveryStatus};
pub use list::List;

pub(crate) use handle::{Discoveries, Planned};
pub(crate) use holds::{Holder, Holds, Keep};

use crate::core::limits::DISCOVERY_INTERVAL;

/// Why a look has failed: any error, for the log.
pub type LookError = Box<dyn Error + Send + Sync>;

/// Finds the nodes that there are.
///
/// All of it may use the node, and may panic: then the look has failed.
///
/// ```
/// use snow_dist_runtime::discovery::{Discovery, LookError};
///
/// /// Names in an environment variable, with commas between them.
/// struct Variable;
///
/// impl Discovery for Variable {
///     async fn look(&mut self) -> Result<Vec<String>, LookError> {
///         Ok(std::env::var("NODES")?.split(',').map(str::to_owned).collect())
///     }
/// }
/// ```
pub trait Discovery: Send + 'static {
    /// Looks which nodes there are now. Returns all their names, in any order, with or without the name of the node that looks.
    ///
    /// The node drops this future if it takes longer than
    /// [`DISCOVERY_LOOK_DEADLINE`](crate::core::limits::DISCOVERY_LOOK_DEADLINE), and looks anew later. It is polled on the node's
    /// runtime. It must not wait for [`Node::shutdown`](crate::Node::shutdown), which waits for it in turn.
    ///
    /// # Errors
    /// It cannot be said now which nodes there are. That changes nothing.
    fn look(&mut self) -> impl Future<Output = Result<Vec<String>, LookError>> + Send;

    /// How long the node waits between two looks, give or take a tenth: so the looks of many nodes spread. It is asked once. From
    /// 100 ms to 24 hours.
    fn interval(&self) -> Duration {
        DISCOVERY_INTERVAL
    }

    /// What the log and [`DiscoveryStatus::source`] call it. It is asked once.
    fn source(&self) -> String {
        std::any::type_name::<Self>().to_owned()
    }
}
