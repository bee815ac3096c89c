//! A child, as a supervisor is told of it.

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
use crate::core::{Pid, Reason};
use crate::process::{Context, term};

/// How long a child has to end, unless [`Child::stops_within`] says otherwise.
pub const STOPS_WITHIN: Duration = Duration::from_secs(5);

/// How long a child has until it says that it is started, unless [`Child::starts_within`] says otherwise.
pub const STARTS_WITHIN: Duration = Duration::from_secs(10);

/// What is to happen when a child has ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Restart {
    /// It is started again.
    Permanent,
    /// It is started again unless it has ended with Normal or Shutdown.
    Transient,
    /// It is not started again, and not listed any more.
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

type Life = Pin<Box<dyn Future<Output = Reason> + Send>>;

/// A process that a supervisor starts, as often as needed. Permanent, with five seconds to stop, unless something else is said.
#[derive(Clone)]
#[must_use]
pub struct Child {
    pub(super) name: Arc<str>,
    pub(super) begin: Arc<dyn Fn(Context, Started) -> Life + Send + Sync>,
    pub(super) restart: Restart,
    pub(super) starts_within: Duration,
    /// None: for ever.
    pub(super) stops_within: Option<Duration>,
}

impl Child {
    /// A child of a name that no other child of the same supervisor has. `run` is called for each start. It counts as started as
    /// soon as it runs.
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

    /// The same for a child that says itself when it is [`Started`]: whoever is started after it finds what it has prepared, such as
    /// its name. If it ends before, that is an end like any other.
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
    pub fn starting<F, Fut>(name: impl Into<Arc<str>>, run: F) -> Self
    where
        F: Fn(Context, Started) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        Self {
            name: name.into(),
            begin: Arc::new(move |ctx, started| {
                let life = run(ctx, started);
                Box::pin(async move { life.await.into() })
            }),
            restart: Restart::Permanent,
            starts_within: STARTS_WITHIN,
            stops_within: Some(STOPS_WITHIN),
        }
    }

    /// A supervisor within the supervisor. `make` is called for each start. It is started when all its children are, however long that
    /// takes, and stopped when they have ended: none of these times is bounded unless something else is said.
    pub fn supervisor<F>(name: impl Into<Arc<str>>, make: F) -> Self
    where
        F: Fn() -> Supervisor + Send + Sync + 'static,
    {
        let mut child = Self::starting(name, move |ctx, started| make().run_until_started(ctx, started));
        child.starts_within = Duration::MAX;
        child.stops_within = None;
        child
    }

    /// A process on another node that runs one of its functions ([`Node::register_function`](crate::Node::register_function)), with
    /// these arguments. A process of this node stands for it: that one is linked to the supervisor and to the process
    /// there, passes exit signals on, and ends as it does.
    ///
    /// Without a session with that node the child counts as started, and waits until there is one; it dials nobody, which
    /// [`Node::keep`](crate::Node::keep) does. When the session ends, so does the child, with
    /// [`Reason::Noconnection`], which is a restart, and it waits again. A process that traps exits and
    /// stays when it is to stop cannot be killed from here.
    ///
    /// # Errors
    /// The arguments cannot be written as a term.
    pub fn on(
        name: impl Into<Arc<str>>,
        node: impl Into<Arc<str>>,
        function: impl Into<Arc<str>>,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<Self, stf::Error> {
        let arguments = term::write(arguments)?;
        let remote = Arc::new(Remote { node: node.into(), function: function.into(), arguments });
        Ok(Self::starting(name, move |ctx, started| remote::stand_for(ctx, remote.clone(), started)))
    }

    /// What is to happen when it has ended by itself; [`Restart::Permanent`] if this is not called.
    pub const fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// How long it has until it is [`Started`]: [`STARTS_WITHIN`] if this is not called. It is killed then, which is an end like any
    /// other.
    pub const fn starts_within(mut self, longest: Duration) -> Self {
        self.starts_within = longest;
        self
    }

    /// How long it has to end when it is to stop: [`STOPS_WITHIN`] if this is not called. It is killed then, and with zero at
    /// once.
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

/// Says that a child is started. A child that drops it has failed to start: it is killed when its
/// [time to start](Child::starts_within) is up, if it has not ended by then.
#[derive(Debug)]
pub struct Started(Option<oneshot::Sender<Option<Pid>>>);

impl Started {
    pub(super) const fn to(waits: oneshot::Sender<Option<Pid>>) -> Self {
        Self(Some(waits))
    }

    pub(super) const fn nobody_waits() -> Self {
        Self(None)
    }

    /// It is: the next child can be started.
    pub fn tell(self) {
        self.tell_as(None);
    }

    /// It is, and this process is to be shown for it.
    pub(super) fn tell_as(self, process: Option<Pid>) {
        // Nobody who waits any more wants to know.
        let _ = self.0.map(|waits| waits.send(process));
    }
}
