//! Discovery: sources of node names that change over time, by which nodes find each other.
//!
//! A [`Discovery`] returns the names of the nodes that exist. A node with a discovery
//! ([`NodeBuilder::discover`](crate::NodeBuilder::discover), [`Node::discover`](crate::Node::discover)) calls it
//! repeatedly, and compares each result with the previous one. Each call is a *look*. The node keeps sessions with
//! the nodes whose names are new ([`Node::keep`](crate::Node::keep)), and releases those whose names are gone
//! ([`Node::let_go`](crate::Node::let_go)). If a session is lost while the discovery still returns the name, the node
//! dials until there is a session again.
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
//! | your own [`Discovery`] | any other source, such as the API of a cloud | every 5 s, or [`Discovery::interval`] |
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
//! # Effects of a look
//! - A look that fails, panics, or takes longer than [`DISCOVERY_LOOK_DEADLINE`] (15 s) changes nothing. The failure
//!   is counted and logged, and the next look follows after the interval.
//! - A look that returns no names is not a failure: the node releases all nodes of this discovery. Their sessions
//!   stay, but are not re-established when they are lost.
//! - The node's own name is ignored, so that all nodes can share one source. Names that cannot be dialled are
//!   ignored and logged.
//! - If a look returns more than [`DISCOVERED_NAMES_MAX`] (4 096) names, the node keeps the first ones in alphabetical
//!   order, so that each look has the same result. The others are ignored and logged.
//! - A name can be kept by the program ([`Node::keep`](crate::Node::keep)) and by several discoveries. It is kept
//!   until all of them have released it.
//! - If the node that answers a dial has a *different* name, the handshake fails. [`Node::kept`](crate::Node::kept)
//!   and the log show the actual name. Two names for one node therefore cause at most one session, and one error.
//!
//! # When a full mesh is no longer the right shape
//! A discovery that returns all names to each of n nodes leads to n (n - 1) / 2 sessions, each with a heartbeat and
//! some 13 KiB of memory on either side. This is the simplest solution for up to some 200 nodes. For more nodes, a
//! discovery should return to each node only the names that it needs, because a node dials no others.
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

/// The error of a look. A [`Discovery`] can return any error; the text of the error is logged.
pub type LookError = Box<dyn Error + Send + Sync>;

/// A source of the names of nodes.
///
/// An implementation may use the node in all methods. A look that panics has failed.
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
    /// Looks for the nodes that exist now, and returns all their names (`name@host:port`) in any order. The name of
    /// the node that looks may be among them.
    ///
    /// The node drops this future if it is not ready within 15 s
    /// ([`DISCOVERY_LOOK_DEADLINE`](crate::core::limits::DISCOVERY_LOOK_DEADLINE)), and looks again after the
    /// interval. The future runs on the node's runtime. It must not wait for
    /// [`Node::shutdown`](crate::Node::shutdown), because the shutdown waits for the future.
    ///
    /// # Errors
    /// Returns an error if the names cannot be determined now. The node then keeps the nodes of the previous look.
    fn look(&mut self) -> impl Future<Output = Result<Vec<String>, LookError>> + Send;

    /// Returns the time between two looks. If it is not from 100 ms to 24 hours, the discovery is not started
    /// ([`DiscoverError::Interval`]). The default is 5 s. The node varies the time by up to a tenth, so that the looks
    /// of many nodes spread out. The node calls this method once, before the first look.
    fn interval(&self) -> Duration {
        DISCOVERY_INTERVAL
    }

    /// Returns the name of the source in the log and in [`DiscoveryStatus::source`]. The default is the name of the
    /// type. The node calls this method once, before the first look.
    fn source(&self) -> String {
        std::any::type_name::<Self>().to_owned()
    }
}
