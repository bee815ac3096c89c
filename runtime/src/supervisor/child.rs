//! The specification of a child.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use snow_dist_codec::stf;
use tokio::sync::oneshot;

use super::remote::Remote;
use super::{Supervisor, remote};
use crate::core::{NotDialled, Pid, Reason, Shown as Escaped, name_to_dial};
use crate::foreign::{Kept, event};
use crate::process::{Context, Supervision, shown, term};
use crate::sync::Mutex;

/// The default time that a child has to end when it is stopped: five seconds. See [`Child::stops_within`].
pub const STOPS_WITHIN: Duration = Duration::from_secs(5);

/// The default time that a child has to report that it is started: ten seconds. See [`Child::starts_within`].
pub const STARTS_WITHIN: Duration = Duration::from_secs(10);

/// The policy for a child that has ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Restart {
    /// The child is always restarted. This is the default.
    Permanent,
    /// The child is restarted unless it ended with Normal or Shutdown. A child that ended with one of these reasons
    /// stays listed, and can be restarted by
    /// [`SupervisorHandle::restart_child`](super::SupervisorHandle::restart_child).
    Transient,
    /// The child is never restarted. After its end it is no longer listed, and its name is free.
    Temporary,
}

impl Restart {
    pub(super) const fn wants(self, reason: &Reason) -> bool {
        match self {
            Self::Permanent => true,
            Self::Transient => !matches!(reason, Reason::Normal | Reason::Shutdown),
            Self::Temporary => false,
        }
    }
}

/// An error that says why a child on another node cannot be specified: see [`Child::on`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotRemote {
    /// The name is not a node name, or is one that cannot be dialled, for example because its port is 0.
    #[error("{0}")]
    Node(NotDialled),
    /// The arguments cannot be written as a term.
    #[error("the arguments are not a term: {0}")]
    Arguments(stf::Error),
}

type Life = Pin<Box<dyn Future<Output = Reason> + Send>>;

/// The function that starts a child. It belongs to the program, and is dropped wherever the child is.
pub(super) struct Begin(Kept<Arc<dyn Fn(Context, Started) -> Life + Send + Sync>>);

impl Begin {
    /// Returns the future of a child. If the function is gone, which never happens, the future is ready at once.
    pub(super) fn life(&self, ctx: Context, started: Started) -> Life {
        match self.0.get() {
            Some(begin) => begin(ctx, started),
            None => Box::pin(async { Reason::Normal }),
        }
    }
}

impl Clone for Begin {
    fn clone(&self) -> Self {
        Self(self.0.get().map_or_else(Kept::default, |begin| Kept::new(begin.clone())))
    }
}

/// The specification of a process that a supervisor starts and restarts. By default the child is
/// [permanent](Restart::Permanent), and has five seconds to stop.
#[derive(Clone)]
#[must_use]
pub struct Child {
    pub(super) name: Arc<str>,
    pub(super) begin: Begin,
    /// `true` if the child runs on another node.
    pub(super) is_remote: bool,
    pub(super) restart: Restart,
    pub(super) starts_within: Duration,
    /// The time to stop; `None` is unlimited.
    pub(super) stops_within: Option<Duration>,
}

impl Child {
    /// Creates a child with a name that must be unique among the children of its supervisor. `run` is called for each
    /// start, in a new process. The child counts as started as soon as its process exists.
    ///
    /// An `async move` closure that moves captured values into its future can be called only once. Clone the captured
    /// values for each start:
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use snow_dist_runtime::Context;
    /// use snow_dist_runtime::supervisor::Child;
    ///
    /// async fn clerk(mut ctx: Context, prices: Arc<Vec<u32>>) {
    ///     let received = ctx.recv().await;
    ///     println!("{received:?}: {prices:?}");
    /// }
    ///
    /// let prices = Arc::new(vec![3, 4]);
    /// let shared = prices.clone();
    /// let by_function = Child::new("clerk", move |ctx| clerk(ctx, shared.clone()));
    /// let in_place = Child::new("other clerk", move |mut ctx: Context| {
    ///     let prices = prices.clone();
    ///     async move {
    ///         let received = ctx.recv().await;
    ///         println!("{received:?}: {prices:?}");
    ///     }
    /// });
    /// ```
    pub fn new<F, Fut>(name: impl Into<Arc<str>>, run: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        Self::starting(name, move |ctx, started: Started| {
            started.tell();
            run(ctx)
        })
    }

    /// Creates a child that counts as started only when it reports this through the handle [`Started`] that `run`
    /// receives. Until the report, the supervisor does not start the next child. The children after this one can
    /// therefore rely on the things that this child has prepared, such as its registered name.
    ///
    /// A child that ends before it has reported is treated like any child that has ended by itself, and the children
    /// after it wait until it is started again. Before its report, the child must not wait for its supervisor,
    /// because the supervisor waits for the child.
    ///
    /// ```
    /// use snow_dist_runtime::supervisor::{Child, Started};
    /// use snow_dist_runtime::{Context, RegisterError};
    ///
    /// let child = Child::starting("queue", async |mut ctx: Context, started: Started| {
    ///     ctx.register("queue")?;
    ///     started.tell();
    ///     let _ = ctx.recv().await;
    ///     Ok::<_, RegisterError>(())
    /// });
    /// ```
    ///
    /// An `async move` closure that moves captured values into its future can be called only once. Clone the captured
    /// values for each start:
    ///
    /// ```
    /// # use snow_dist_runtime::supervisor::{Child, Started};
    /// # use snow_dist_runtime::{Context, RegisterError};
    /// let name = String::from("queue");
    /// let child = Child::starting("queue", move |mut ctx: Context, started: Started| {
    ///     let name = name.clone();
    ///     async move {
    ///         ctx.register(&name)?;
    ///         started.tell();
    ///         let _ = ctx.recv().await;
    ///         Ok::<_, RegisterError>(())
    ///     }
    /// });
    /// ```
    pub fn starting<F, Fut>(name: impl Into<Arc<str>>, run: F) -> Self
    where
        F: Fn(Context, Started) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        Self {
            name: name.into(),
            begin: Begin(Kept::new(Arc::new(move |ctx, started| {
                let life = run(ctx, started);
                Box::pin(async move { life.await.into() })
            }))),
            is_remote: false,
            restart: Restart::Permanent,
            starts_within: STARTS_WITHIN,
            stops_within: Some(STOPS_WITHIN),
        }
    }

    /// Creates a supervisor as a child. `make` is called for each start, and returns the inner supervisor. The inner
    /// supervisor counts as started when all its children are started. When it is stopped, it first stops all its
    /// children. By default neither the time to start nor the time to stop is limited.
    pub fn supervisor<F>(name: impl Into<Arc<str>>, make: F) -> Self
    where
        F: Fn() -> Supervisor + Send + Sync + 'static,
    {
        let mut child = Self::starting(name, move |ctx, started| make().run_until_started(ctx, started));
        child.starts_within = Duration::MAX;
        child.stops_within = None;
        child
    }

    /// Creates a child that runs on another node. Its process runs the function that is registered there under the
    /// given name ([`Node::register_function`](crate::Node::register_function)), with the given arguments. On this
    /// node, another process represents the child. This representative is linked with the supervisor and with the
    /// remote process. It passes exit signals of the supervisor on to the remote process, and ends when the remote
    /// process ends.
    ///
    /// While there is no session with the node, the child counts as started, and waits for a session. A child never
    /// dials the node; use [`Node::keep`](crate::Node::keep) for that. When the session ends, the child ends: its
    /// [`last_end`](super::ChildStatus::last_end) is [`Reason::Noconnection`], its representative ends with
    /// [`Reason::Shutdown`], and a new representative waits for the next session, unless the child is
    /// [temporary](Restart::Temporary). The [`Strategy`](super::Strategy) applies as to the end of any child. The end
    /// of a session does not count towards the limit of [`Supervisor::restarts`]. If, however, the process ends with
    /// [`Reason::Noconnection`] while the session lasts, for example because the session with a third node has ended,
    /// this counts as an ordinary failure.
    ///
    /// A restart is counted in [`ChildStatus::restarts`](super::ChildStatus::restarts) and logged at the time when
    /// the node has started the process.
    ///
    /// If the node refuses to start the process, or does not answer within [`STARTS_WITHIN`], then one second later
    /// the child is treated as if it had ended by itself. A typical cause is that the other program has not
    /// registered the function yet; [`NodeBuilder::prepare`](crate::NodeBuilder::prepare) avoids that.
    ///
    /// A remote process that traps exits and ignores the request to stop cannot be killed from this node, and
    /// continues to run beside its replacement. A process that the node started, but whose start was not confirmed
    /// before the session ended, can also continue to run beside its replacement.
    ///
    /// # Errors
    /// Returns [`NotRemote`] if `node` is not the name of a node that can be dialled, or if the arguments cannot
    /// be written as a term.
    pub fn on(
        name: impl Into<Arc<str>>,
        node: impl Into<Arc<str>>,
        function: impl Into<Arc<str>>,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<Self, NotRemote> {
        let node = name_to_dial(&node.into()).map_err(NotRemote::Node)?;
        let arguments = term::write(arguments).map_err(NotRemote::Arguments)?;
        let remote = Arc::new(Remote { node, function: function.into(), arguments });
        let child = Self::starting(name, move |ctx, started| remote::stand_for(ctx, remote.clone(), started));
        Ok(Self { is_remote: true, ..child })
    }

    /// Sets the policy for a child that has ended by itself. The default is [`Restart::Permanent`].
    pub const fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// Sets the time that the child has to report that it is [`Started`]. A child that takes longer is killed, and
    /// treated as one that has ended by itself. The reason in [`ChildStatus::last_end`](super::ChildStatus::last_end)
    /// and [`ChildError::NotStarted`](super::ChildError) is then an error that names the limit. The default is
    /// [`STARTS_WITHIN`]; for a [supervisor](Self::supervisor) it is `Duration::MAX`, which stands for no limit.
    pub const fn starts_within(mut self, longest: Duration) -> Self {
        self.starts_within = longest;
        self
    }

    /// Sets the time that the child has to end when it is stopped. A child that takes longer is killed, and ends at
    /// its next `await` that has to wait. With zero, the child is killed at once, without an exit signal before that.
    /// The default is [`STOPS_WITHIN`]; for a [supervisor](Self::supervisor) it is `Duration::MAX`, which stands for
    /// no limit.
    pub const fn stops_within(mut self, longest: Duration) -> Self {
        self.stops_within = Some(longest);
        self
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("name", &self.name)
            .field("restart", &self.restart)
            .field("starts_within", &self.starts_within)
            .field("stops_within", &self.stops_within)
            .finish_non_exhaustive()
    }
}

/// A handle by which a child of [`Child::starting`] reports that it is started. If the handle is dropped without a
/// report, the start has failed. A child that continues to run nevertheless is killed when its [time to
/// start](Child::starts_within) is up.
#[derive(Debug)]
pub struct Started {
    waits: Option<oneshot::Sender<()>>,
    shown: Arc<Mutex<Shown>>,
}

/// The state of a child that its process knows better than its supervisor, if the child runs on another node.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) process: Process,
    /// The number of times that the child has ended and was started again.
    pub(super) restarts: u64,
    /// The start again that happens as soon as the other node has started the child.
    pub(super) due: Option<Again>,
}

impl Shown {
    /// Sets the process. Returns the start again that has happened by this, which is to be counted and logged.
    fn set(&mut self, process: Process) -> Option<Again> {
        self.process = process;
        let Process::There(_) = process else { return None };
        self.restarts += u64::from(self.due.is_some());
        self.due.take()
    }
}

/// The process that is shown for a child.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Process {
    /// The process of this node.
    #[default]
    Own,
    /// No process: the child waits for a session.
    Nobody,
    /// A process of another node.
    There(Pid),
    /// No process: the session with its node was lost.
    Lost,
}

/// A start again of a child that has ended.
#[derive(Debug)]
pub(super) struct Again {
    pub(super) supervisor: Pid,
    pub(super) child: Arc<str>,
    /// The reason of the child's end.
    pub(super) reason: Reason,
    /// The counters of the supervisor's node.
    pub(super) counters: Arc<Supervision>,
}

impl Again {
    /// Counts the start again for the node, and logs it.
    pub(super) fn tell(&self) {
        let Self { supervisor, child, reason, counters } = self;
        counters.started_again();
        event!(processes, INFO, %supervisor, child = %Escaped(child), reason = %shown(reason), "a child is started again");
    }
}

impl Started {
    pub(super) const fn new(waits: oneshot::Sender<()>, shown: Arc<Mutex<Shown>>) -> Self {
        Self { waits: Some(waits), shown }
    }

    pub(super) fn nobody_waits() -> Self {
        Self { waits: None, shown: Arc::default() }
    }

    /// Reports that the child is started. The supervisor then starts the next child.
    pub fn tell(mut self) {
        self.tell_as(Process::Own);
    }

    /// Reports that the child is started, and sets the process that is shown for it from now on.
    pub(super) fn tell_as(&mut self, process: Process) {
        let again = self.shown.lock().set(process);
        again.iter().for_each(Again::tell);
        // Nobody who waits any more wants to know.
        let _ = self.waits.take().map(|waits| waits.send(()));
    }
}
