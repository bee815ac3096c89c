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
use crate::foreign::Kept;
use crate::process::{Context, term};
use crate::sync::Mutex;

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

/// What starts a child: the program's, and dropped wherever a child is.
pub(super) struct Begin(Kept<Arc<dyn Fn(Context, Started) -> Life + Send + Sync>>);

impl Begin {
    /// The life of a child. It is over at once if there is nothing that it could do, which is never.
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

/// A process that a supervisor starts, as often as needed. Permanent, with five seconds to stop, unless something else is said.
#[derive(Clone)]
#[must_use]
pub struct Child {
    pub(super) name: Arc<str>,
    pub(super) begin: Begin,
    /// It runs on another node.
    pub(super) is_remote: bool,
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
    /// its name. If it ends before, that is an end like any other; those after it wait until it has been started again. Whoever is not
    /// started yet must not wait for its supervisor, which waits for it.
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
    /// [`Node::keep`](crate::Node::keep) does. When the session ends, so does the child, with [`Reason::Noconnection`]: that counts
    /// as no restart, and it waits again. A node that refuses to start the process, because its program has not registered
    /// the function yet ([`NodeBuilder::prepare`](crate::NodeBuilder::prepare) avoids that), is an end like any other, a second after the
    /// answer.
    ///
    /// A process there that traps exits and stays when it is to stop cannot be killed from here: it runs on beside the next one. So may
    /// one that was started in a session which ended before that was known.
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
        let child = Self::starting(name, move |ctx, started| remote::stand_for(ctx, remote.clone(), started));
        Ok(Self { is_remote: true, ..child })
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

    /// How long it has to end when it is to stop: [`STOPS_WITHIN`] if this is not called. It is killed then, as soon as it yields; with
    /// zero it is killed at once, without a signal before. `Duration::MAX` is for ever.
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
pub struct Started {
    waits: Option<oneshot::Sender<()>>,
    shown: Arc<Mutex<Shown>>,
}

/// Which process is shown for a child.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Shown {
    /// That of this node.
    #[default]
    Own,
    /// None: it waits for a session.
    Nobody,
    /// One of another node.
    There(Pid),
}

impl Started {
    pub(super) const fn new(waits: oneshot::Sender<()>, shown: Arc<Mutex<Shown>>) -> Self {
        Self { waits: Some(waits), shown }
    }

    pub(super) fn nobody_waits() -> Self {
        Self { waits: None, shown: Arc::default() }
    }

    /// It is: the next child can be started.
    pub fn tell(mut self) {
        self.tell_as(Shown::Own);
    }

    /// It is, and from now on this is shown for it.
    pub(super) fn tell_as(&mut self, shown: Shown) {
        *self.shown.lock() = shown;
        // Nobody who waits any more wants to know.
        let _ = self.waits.take().map(|waits| waits.send(()));
    }
}
