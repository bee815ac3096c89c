//! Supervisors: processes that start other processes, and restart them when they fail.
//!
//! A [`Supervisor`] is a process with *children*: processes that it starts in order, is linked with, and stops in
//! reverse order. When a child ends by itself, its [`Restart`] policy decides whether the supervisor starts it again.
//! The [`Strategy`] of the supervisor decides which other children are restarted with it.
//!
//! Restarting a child that keeps failing does not help. When more restarts are needed within a period than
//! [`Supervisor::restarts`] allows, the supervisor stops all children and ends itself. Its own supervisor then
//! restarts a larger part of the program. Supervisors thus form a tree ([`Child::supervisor`]). Children can also run
//! on other nodes ([`Child::on`]).
//!
//! Supervision uses links, monitors and exit signals only. Children are ordinary processes.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use snow_dist_runtime::supervisor::{Child, Strategy, Supervisor};
//! use snow_dist_runtime::{Context, Node, Reason, Received};
//!
//! /// Counts messages, and returns when it receives an exit signal.
//! async fn counter(mut ctx: Context) -> Reason {
//!     let mut count = 0_u64;
//!     loop {
//!         match ctx.recv().await {
//!             Received::Message(_) => count += 1,
//!             // The supervisor stops this child.
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
//! The supervisor sends the child an exit signal with [`Reason::Shutdown`], and kills it if it has not ended [in
//! time](Child::stops_within). This signal does not end a process by itself: the child *receives* it as
//! [`Received::Exit`](crate::Received::Exit), whether it traps exits or not, and should return. A child that never
//! receives is therefore killed when its time is up.
//!
//! # When the supervisor ends
//! - By [`SupervisorHandle::stop`] or [`SupervisorHandle::end`]: all children are stopped, the last one first, and
//!   the supervisor ends with Shutdown.
//! - By an exit signal from a process that is not a child, unless its reason is Normal: all children are stopped, the
//!   last one first, and the supervisor ends with the reason of the signal. A process that is linked with the
//!   supervisor causes such a signal when it ends or when the session with its node ends. Link the supervisor only
//!   with processes whose end should also end the supervisor.
//! - By too many restarts: all children are stopped, the last one first, and the supervisor ends with an error that
//!   contains the name of the child and the reason of its last end.
//! - By a kill: the links of the children bring them exit signals with [`Reason::Killed`], and the children end unless
//!   they trap exits.
//! - By [`Node::shutdown_within`](crate::Node::shutdown_within): each supervisor stops its children and ends.
//!   [`Node::shutdown`](crate::Node::shutdown), in contrast, ends supervisors and children all at once.

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

pub use child::{Child, NotRemote, Restart, STARTS_WITHIN, STOPS_WITHIN, Started};
pub use handle::{ChildError, ChildStatus, SupervisorHandle};
use tokio::sync::mpsc;

use crate::core::Reason;
use crate::node::Node;
use crate::process::{Context, SpawnError};
use handle::{Ends, Order};
use intensity::Intensity;
use running::Running;

/// The default maximum number of children of a supervisor: see [`Supervisor::children_max`].
pub const CHILDREN_MAX: usize = 65_536;

/// The default maximum number of restarts within the period [`RESTARTS_WITHIN`]. See [`Supervisor::restarts`].
pub const RESTARTS_MAX: u32 = 3;

/// The largest number of restarts within a period that can be set. [`Supervisor::restarts`] reduces a larger number
/// to this one.
pub const RESTARTS_BOUND_MAX: u32 = 65_536;

/// The default period within which [`RESTARTS_MAX`] restarts are allowed: five seconds. See [`Supervisor::restarts`].
pub const RESTARTS_WITHIN: Duration = Duration::from_secs(5);

/// The policy that selects the children to restart when one child has ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// Only the child that has ended is restarted.
    OneForOne,
    /// All children are restarted, except for temporary ones, which are removed. Those that still run are stopped
    /// before that, in reverse order.
    OneForAll,
    /// The child that has ended and all children after it are restarted, except for temporary ones, which are
    /// removed. Those that still run are stopped before that, in reverse order.
    RestForOne,
}

/// The settings and children of a supervisor that is not running yet. See the [module](self).
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
    /// Creates a supervisor with this strategy and without children.
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

    /// Sets how many restarts the supervisor makes within a period: when more than `count` restarts are needed in a
    /// period of length `within`, it stops all children and ends. The default is three restarts ([`RESTARTS_MAX`]) in
    /// five seconds ([`RESTARTS_WITHIN`]).
    ///
    /// With a count of zero, the first end of a child that its policy would restart ends the supervisor. A count
    /// above [`RESTARTS_BOUND_MAX`] is reduced to that number. Restarting several children because one has ended
    /// counts once. A child on another node that ends because the session with its node has ended does not count.
    ///
    /// A child that fails less often than the limit allows is restarted for ever. With the default, this is for
    /// example a child that fails every two seconds.
    pub fn restarts(mut self, count: u32, within: Duration) -> Self {
        self.intensity = Intensity::new(count, within);
        self
    }

    /// Sets the maximum number of children, including those that have ended and are still listed by
    /// [`SupervisorHandle::children`]. The default is [`CHILDREN_MAX`]. Beyond it, [`SupervisorHandle::start_child`]
    /// returns [`ChildError::TooMany`].
    ///
    /// Children are stopped one after the other. If many of them do not react, their times to stop
    /// ([`Child::stops_within`]) add up.
    pub const fn children_max(mut self, count: usize) -> Self {
        self.children_max = count;
        self
    }

    /// Adds a child, which is started after the children added before. Its name must differ from those of the other
    /// children: otherwise the supervisor ends with an error as soon as it is started.
    pub fn child(mut self, child: Child) -> Self {
        self.children.push(child);
        self
    }

    /// Returns a handle to control the supervisor while it runs. Use this method for a supervisor that is passed to
    /// [`run`](Self::run) or [`Child::supervisor`]; [`start`](Self::start) returns a handle itself.
    pub fn handle(&self) -> SupervisorHandle {
        self.handle.clone()
    }

    /// Starts the supervisor as a process that nothing supervises, and returns its handle. The supervisor
    /// continues when the handle is dropped.
    ///
    /// The supervisor starts its children one after the other in the background; [`SupervisorHandle::started`] waits
    /// until all of them are started.
    ///
    /// When this supervisor gives up, its children have ended. The program should then end as well:
    ///
    /// ```no_run
    /// # #[cfg(feature = "signals")]
    /// # async fn example(node: snow_dist_runtime::Node) -> Result<(), Box<dyn std::error::Error>> {
    /// use snow_dist_runtime::signals::until_told_to_stop;
    /// use snow_dist_runtime::supervisor::{Strategy, Supervisor};
    ///
    /// let supervisor = Supervisor::new(Strategy::OneForOne).start(&node)?;
    /// tokio::select! {
    ///     told = until_told_to_stop() => told?,
    ///     reason = supervisor.ended() => return Err(reason.to_string().into()),
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Returns [`SpawnError`] if no more processes can be started, for example because the node is shutting down.
    pub fn start(self, node: &Node) -> Result<SupervisorHandle, SpawnError> {
        let handle = self.handle();
        let pid = node.spawn(|ctx| self.run(ctx))?;
        // It says the same itself.
        let _ = handle.record().pid.set(pid);
        Ok(handle)
    }

    /// Runs the supervisor in the process of this context, as in `ctx.spawn_link(|ctx| supervisor.run(ctx))`. When
    /// the supervisor ends, it first stops all children; this method then returns the reason of its end.
    ///
    /// If two children have the same name, or there are more than [`children_max`](Self::children_max), the
    /// supervisor ends with an error before it starts any child.
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
