//! Processes that start others, and start them again when they fail.
//!
//! A [`Supervisor`] is a process with *children*: processes that it starts in order, is linked to, and stops in reverse order.
//! When one of them ends and its [`Restart`] says so, the supervisor starts it again, and with it those that the [`Strategy`]
//! names. A child that fails again and again is no help: with more than [`restarts`](Supervisor::restarts) in their time the
//! supervisor stops all and ends itself, so that whoever supervises *it* starts a larger part anew. So supervisors form a
//! tree: [`Child::supervisor`]. Children can also run on other nodes: [`Child::on`].
//!
//! All of it stands on links and exit signals alone; children are processes like any others.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use snow_dist_runtime::supervisor::{Child, Strategy, Supervisor};
//! use snow_dist_runtime::{Context, Node, Reason, Received};
//!
//! /// Counts messages, and goes when it is told to.
//! async fn counter(mut ctx: Context) -> Reason {
//!     let mut count = 0_u64;
//!     loop {
//!         match ctx.recv().await {
//!             Received::Message(_) => count += 1,
//!             // The supervisor stops it.
//!             Received::Exit { reason, .. } => break reason,
//!             _ => {}
//!         }
//!     }
//! }
//!
//! let node = Node::alone(tokio::runtime::Handle::current());
//! let supervisor = Supervisor::new(Strategy::OneForOne)
//!     .restarts(5, Duration::from_secs(10))
//!     .child(Child::new("counter", counter).stops_within(Duration::from_secs(1)))
//!     .start(&node)?;
//! supervisor.started().await.map_err(|reason| reason.to_string())?;
//! let children = supervisor.children().await?;
//! assert_eq!(&*children[0].name, "counter");
//! supervisor.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # How a child is stopped
//! It is sent an exit signal with [`Reason::Shutdown`], and killed if it has not ended
//! [in time](Child::stops_within). That signal ends no process by itself: a child *receives* it as
//! [`Received::Exit`](crate::Received::Exit), whether it traps exits or not, and returns. One that never looks is killed when its time
//! is up.
//!
//! # When the supervisor ends
//! - [`SupervisorHandle::stop`], or an exit signal from anybody who is no child, unless its reason is Normal: all children are
//!   stopped, the last one first, and the supervisor ends with Shutdown or the signal's reason. An exit signal comes also of the end
//!   of whatever process has linked itself with the supervisor, and of the loss of its node: link with it only what it is to
//!   end with.
//! - More restarts than it may have: the same, and it ends with an error that names the child and why it ended last.
//! - It is killed: its children see that by their links, and end unless they trap exits.
//! - [`Node::shutdown_within`](crate::Node::shutdown_within) stops supervisors, which stop their children.
//!   [`Node::shutdown`](crate::Node::shutdown) ends all processes at once, supervisors and children alike.

mod child;
mod handle;
mod intensity;
mod remote;
mod running;
#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;

use std::future::Future;
use std::time::Duration;

pub use child::{Child, Restart, STARTS_WITHIN, STOPS_WITHIN, Started};
pub use handle::{ChildError, ChildStatus, SupervisorHandle};
use tokio::sync::mpsc;

use crate::core::Reason;
use crate::node::Node;
use crate::process::{Context, SpawnError};
use handle::{Ends, Order};
use intensity::Intensity;
use running::Running;

/// Children of one supervisor, unless [`Supervisor::children_max`] says otherwise.
pub const CHILDREN_MAX: usize = 65_536;

/// Restarts within [`RESTARTS_WITHIN`], unless [`Supervisor::restarts`] says otherwise.
pub const RESTARTS_MAX: u32 = 3;

/// The most that [`Supervisor::restarts`] takes.
pub const RESTARTS_BOUND_MAX: u32 = 65_536;

/// See [`RESTARTS_MAX`].
pub const RESTARTS_WITHIN: Duration = Duration::from_secs(5);

/// Who is started again beside the child that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// Nobody.
    OneForOne,
    /// All other children: they are stopped first, the last one first.
    OneForAll,
    /// Those that were started after it: they are stopped first, the last one first.
    RestForOne,
}

/// A supervisor that is not running yet. See the [module](self).
#[derive(Debug)]
#[must_use = "a supervisor does nothing before it is started"]
pub struct Supervisor {
    strategy: Strategy,
    intensity: Intensity,
    children_max: usize,
    children: Vec<Child>,
    handle: SupervisorHandle,
    orders: mpsc::Receiver<Order>,
    ends: Ends,
}

impl Supervisor {
    /// A supervisor without children.
    pub fn new(strategy: Strategy) -> Self {
        let (handle, orders) = SupervisorHandle::new();
        Self {
            strategy,
            intensity: Intensity::new(RESTARTS_MAX, RESTARTS_WITHIN),
            children_max: CHILDREN_MAX,
            children: Vec::new(),
            ends: Ends(handle.record().clone()),
            handle,
            orders,
        }
    }

    /// With more than `count` restarts `within` a time it gives up. Three in five seconds if this is not called; with a count of
    /// zero nothing is ever started again, and more than [`RESTARTS_BOUND_MAX`] are as many as that. A restart of several children
    /// because of one counts once.
    ///
    /// A child that fails more slowly than that is started again for ever: with these numbers one that takes two seconds to fail.
    pub fn restarts(mut self, count: u32, within: Duration) -> Self {
        self.intensity = Intensity::new(count, within);
        self
    }

    /// How many children it has at most, those that have ended and are still listed included: [`CHILDREN_MAX`] if this is not
    /// called. They are stopped one after the other, so many that do not look take as many times as long.
    pub const fn children_max(mut self, count: usize) -> Self {
        self.children_max = count;
        self
    }

    /// One more child, which is started after those before it.
    pub fn child(mut self, child: Child) -> Self {
        self.children.push(child);
        self
    }

    /// What a program has to do with it while it runs. Of use for a supervisor within another one; [`start`](Self::start) gives
    /// one anyway.
    pub fn handle(&self) -> SupervisorHandle {
        self.handle.clone()
    }

    /// Starts it as a process of its own, which nobody supervises. It goes on when the handle is dropped. Its children are started
    /// after this has returned, one after the other: [`SupervisorHandle::started`] waits for that.
    ///
    /// # Errors
    /// Returns [`SpawnError`] if no process can be started any more.
    pub fn start(self, node: &Node) -> Result<SupervisorHandle, SpawnError> {
        let handle = self.handle();
        let pid = node.spawn(|ctx| self.run(ctx))?;
        // It says the same itself.
        let _ = handle.record().pid.set(pid);
        Ok(handle)
    }

    /// Is the supervisor, in a process that is there already: `ctx.spawn_link(|ctx| supervisor.run(ctx))`. Returns with the reason
    /// of its end when all children have ended.
    ///
    /// Two children of one name, or more than [`children_max`](Self::children_max), end it with an error before any is started.
    pub fn run(self, ctx: Context) -> impl Future<Output = Reason> + Send {
        self.run_until_started(ctx, Started::nobody_waits())
    }

    async fn run_until_started(self, ctx: Context, started: Started) -> Reason {
        let Self { strategy, intensity, children_max, children, handle, orders, ends } = self;
        let _ = handle.record().pid.set(ctx.pid());
        let mut running =
            Running::new(ctx, strategy, intensity, children_max, orders, handle.record().clone());
        let reason = match running.adopt(children) {
            Ok(()) => running.run(started).await,
            Err(error) => Reason::error(error.to_string()),
        };
        drop(running);
        ends.because(reason.clone());
        reason
    }
}
