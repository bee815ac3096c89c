//! The handle by which a program controls a running supervisor.

use std::sync::{Arc, OnceLock};

use thiserror::Error;
use tokio::sync::{SetOnce, mpsc, oneshot};

use super::{Child, Restart};
use crate::core::{Pid, Reason, Shown};
use crate::foreign::apart;

/// The maximum number of orders that wait for one supervisor.
pub(super) const ORDERS_MAX: usize = 16;

pub(super) enum Order {
    Start(Child, Answer<Pid>),
    Stop(Arc<str>, Answer<()>),
    Restart(Arc<str>, Answer<Pid>),
    List(oneshot::Sender<Vec<ChildStatus>>),
}

impl Order {
    /// Returns `true` if nobody waits for the answer any more.
    pub(super) fn is_given_up(&self) -> bool {
        match self {
            Self::Start(_, answer) | Self::Restart(_, answer) => answer.is_closed(),
            Self::Stop(_, answer) => answer.is_closed(),
            Self::List(answer) => answer.is_closed(),
        }
    }
}

/// The state of a supervisor that handles can read without asking it.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) pid: OnceLock<Pid>,
    /// Set when all children have been started once.
    pub(super) started: SetOnce<()>,
    /// Set when the supervisor should stop.
    pub(super) stop: SetOnce<()>,
    pub(super) ended: SetOnce<Reason>,
}

/// Reports that a supervisor has ended, even if it was killed or never started.
#[derive(Debug)]
pub(super) struct Ends(pub(super) Arc<Record>);

impl Ends {
    pub(super) fn because(self, reason: Reason) {
        // It is said once.
        let _ = self.0.ended.set(reason);
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.ended.set(Reason::Killed);
    }
}

pub(super) type Answer<T> = oneshot::Sender<Result<T, ChildError>>;

/// An error that says why a supervisor did not carry out a request.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChildError {
    /// The supervisor has ended, possibly before it could handle the request.
    #[error("the supervisor has ended")]
    Ended,
    /// The supervisor already has a child with that name, possibly one that has ended. Free the name by
    /// [`SupervisorHandle::stop_child`], or use [`SupervisorHandle::restart_child`].
    #[error("the supervisor has a child \"{}\"", Shown(name))]
    NameTaken {
        /// The name.
        name: Arc<str>,
    },
    /// The supervisor has no child with that name.
    #[error("the supervisor has no child \"{}\"", Shown(name))]
    Unknown {
        /// The name.
        name: Arc<str>,
    },
    /// The supervisor has the maximum number of children
    /// ([`Supervisor::children_max`](super::Supervisor::children_max)). The number includes children that have ended
    /// and are still listed.
    #[error("the supervisor has {max} children, and may not have more")]
    TooMany {
        /// The maximum number of children.
        max: usize,
    },
    /// The child ended before it counted as started: see [`Child::starting`]. A child that was killed because it did
    /// not report its start in time has a reason that names the limit ([`Child::starts_within`]).
    #[error("the child \"{}\" ended before it was started: {reason}", Shown(name))]
    NotStarted {
        /// The name.
        name: Arc<str>,
        /// The reason of the child's end.
        reason: Reason,
    },
}

/// The current state of a child. [`SupervisorHandle::children`] returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildStatus {
    /// The name of the child.
    pub name: Arc<str>,
    /// The pid of the child's process, on this node or, for a child of [`Child::on`], on the other node. `None` if the
    /// child is not running. Also `None` while a child of [`Child::on`] waits for a session or for the answer of the
    /// other node.
    pub pid: Option<Pid>,
    /// The reason of the child's last end, if the child has ended by itself. `None` if it has never ended by itself,
    /// or if the supervisor has stopped it since.
    pub last_end: Option<Reason>,
    /// The number of times that the child has ended by itself and was started again. All such ends are counted, also
    /// those that do not count towards the limit of [`Supervisor::restarts`](super::Supervisor::restarts). A child on
    /// another node ([`Child::on`]) counts as started again when that node has started it. Restarts because another
    /// child has ended are not counted.
    pub restarts: u64,
    /// The policy for a child that has ended by itself.
    pub restart: Restart,
}

/// A handle to a supervisor. Cloning is cheap, and the supervisor continues when all handles are dropped.
///
/// A request waits until the supervisor has finished its current work. A child that starts or stops slowly delays
/// requests, for at most its time to start ([`Child::starts_within`]) or to stop ([`Child::stops_within`]).
/// [`stop`](Self::stop) and [`end`](Self::end) do not wait for a child that is starting. If the future of a request is
/// dropped before the supervisor has begun to handle the request, the request has no effect. If the future is dropped
/// later, the request is still carried out.
///
/// A child must not await a request by which its own supervisor stops that child: it would wait for its own end, and
/// be killed when its time is up. Such a child should return instead, or call [`end`](Self::end), which does not
/// wait.
#[derive(Clone, Debug)]
pub struct SupervisorHandle {
    orders: mpsc::Sender<Order>,
    record: Arc<Record>,
}

impl SupervisorHandle {
    pub(super) fn new() -> (Self, mpsc::Receiver<Order>) {
        let (orders, taken) = mpsc::channel(ORDERS_MAX);
        (Self { orders, record: Arc::default() }, taken)
    }

    pub(super) const fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// Returns the pid of the supervisor, for example to monitor it. Returns `None` before the supervisor runs.
    /// After the supervisor has ended, its pid is still returned.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.record.pid.get().copied()
    }

    /// Waits until the children with which the supervisor was created are all started. If a child fails during its
    /// first start, this method waits until a restart succeeds.
    ///
    /// # Errors
    /// Returns the reason of the supervisor's end if the supervisor ended before that.
    pub async fn started(&self) -> Result<(), Reason> {
        let Record { started, ended, .. } = &*self.record;
        let either = async {
            tokio::select! {
                biased;
                () = async { started.wait().await; } => Ok(()),
                reason = ended.wait() => Err(reason.clone()),
            }
        };
        apart(either).await
    }

    /// Adds a child after all others, starts it, waits until it is started, and returns its pid. For a child of
    /// [`Child::on`] that still waits for a session, the result is the pid of the process of this node that represents
    /// the child.
    ///
    /// # Errors
    /// Returns [`ChildError`] if the child was not started. The supervisor then neither restarts nor lists the child,
    /// even if it is permanent.
    pub async fn start_child(&self, child: Child) -> Result<Pid, ChildError> {
        self.ask(|answer| Order::Start(child, answer)).await?
    }

    /// Stops a child, waits until it has ended, and removes it, so that its name is free. Also removes a child that
    /// has ended already.
    ///
    /// # Errors
    /// Returns [`ChildError::Unknown`] if there is no child with that name, and [`ChildError::Ended`] if the
    /// supervisor has ended.
    pub async fn stop_child(&self, name: impl Into<Arc<str>>) -> Result<(), ChildError> {
        self.ask(|answer| Order::Stop(name.into(), answer)).await?
    }

    /// Stops a child if it runs, starts it again, waits until it is started, and returns its pid as
    /// [`start_child`](Self::start_child) does. This does not count towards the limit of
    /// [`Supervisor::restarts`](super::Supervisor::restarts).
    ///
    /// # Errors
    /// Returns [`ChildError`] if there is no child with that name, if the supervisor has ended, or if the child ended
    /// before it counted as started. In the last case the supervisor treats it as a child that has ended by itself.
    pub async fn restart_child(&self, name: impl Into<Arc<str>>) -> Result<Pid, ChildError> {
        self.ask(|answer| Order::Restart(name.into(), answer)).await?
    }

    /// Returns the states of all children, in the order in which they were added.
    ///
    /// # Errors
    /// Returns [`ChildError::Ended`] if the supervisor has ended.
    pub async fn children(&self) -> Result<Vec<ChildStatus>, ChildError> {
        self.ask(Order::List).await
    }

    /// Tells the supervisor to stop all children, the last one first, and to end. Returns at once;
    /// [`ended`](Self::ended) waits for the end.
    pub fn end(&self) {
        // Once is enough.
        let _ = self.record.stop.set(());
    }

    /// Ends the supervisor as [`end`](Self::end) does, waits until it has ended, and returns its reason as
    /// [`ended`](Self::ended) does.
    pub async fn stop(&self) -> Reason {
        self.end();
        self.ended().await
    }

    /// Waits until the supervisor has ended for any cause, and returns the reason of its end. If the supervisor was
    /// dropped before it ran, returns [`Reason::Killed`].
    pub async fn ended(&self) -> Reason {
        apart(self.record.ended.wait()).await.clone()
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, ChildError> {
        let (answer, answered) = oneshot::channel();
        apart(self.orders.send(order(answer))).await.map_err(|_| ChildError::Ended)?;
        apart(answered).await.map_err(|_| ChildError::Ended)
    }
}
