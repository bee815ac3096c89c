//! What a program has to do with a supervisor that runs.

use std::sync::{Arc, OnceLock};

use thiserror::Error;
use tokio::sync::{SetOnce, mpsc, oneshot};

use super::{Child, Restart};
use crate::core::{Pid, Reason, Shown};
use crate::foreign::apart;

/// Orders that wait for one supervisor.
pub(super) const ORDERS_MAX: usize = 16;

pub(super) enum Order {
    Start(Child, Answer<Pid>),
    Stop(Arc<str>, Answer<()>),
    Restart(Arc<str>, Answer<Pid>),
    List(oneshot::Sender<Vec<ChildStatus>>),
}

impl Order {
    /// Nobody waits for it any more.
    pub(super) fn is_given_up(&self) -> bool {
        match self {
            Self::Start(_, answer) | Self::Restart(_, answer) => answer.is_closed(),
            Self::Stop(_, answer) => answer.is_closed(),
            Self::List(answer) => answer.is_closed(),
        }
    }
}

/// What handles know of a supervisor without asking it.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) pid: OnceLock<Pid>,
    /// All children have been started once.
    pub(super) started: SetOnce<()>,
    /// It is to stop.
    pub(super) stop: SetOnce<()>,
    pub(super) ended: SetOnce<Reason>,
}

/// Says that a supervisor has ended, also if it is killed or has never been started.
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

/// Why a supervisor has not done what it was asked for.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChildError {
    /// The supervisor has ended, or ends before it comes to this.
    #[error("the supervisor has ended")]
    Ended,
    /// It has a child of that name, perhaps one that has ended: stop that first, or start it again.
    #[error("the supervisor has a child \"{}\"", Shown(name))]
    NameTaken {
        /// The name.
        name: Arc<str>,
    },
    /// It has no child of that name.
    #[error("the supervisor has no child \"{}\"", Shown(name))]
    Unknown {
        /// The name.
        name: Arc<str>,
    },
    /// It has as many children as it may ([`Supervisor::children_max`](super::Supervisor::children_max)).
    #[error("the supervisor has {max} children, and may not have more")]
    TooMany {
        /// As many as it may have.
        max: usize,
    },
    /// The child ended before it was started.
    #[error("the child \"{}\" ended before it was started: {reason}", Shown(name))]
    NotStarted {
        /// The name.
        name: Arc<str>,
        /// Why it ended.
        reason: Reason,
    },
}

/// A child, as it is at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildStatus {
    /// Its name.
    pub name: Arc<str>,
    /// The process, on whatever node it runs. None if it does not run, is not [started](super::Started) yet and runs on another
    /// node, or waits for a session with its node.
    pub pid: Option<Pid>,
    /// Why it ended last, if it has ended by itself.
    pub last_end: Option<Reason>,
    /// How often it has ended and was started again. That it was started again because of another one is not counted.
    pub restarts: u64,
    /// What happens when it ends.
    pub restart: Restart,
}

/// A supervisor, as a program has it. Cheap to clone; the supervisor goes on when all are dropped.
///
/// What is asked of a supervisor waits until it has done what it does: a child that starts or stops slowly puts it off for as long
/// as that [may take](Child::starts_within). [`stop`](Self::stop) and [`end`](Self::end) wait for no start. What was asked for
/// by a future that is dropped is not done if the supervisor has not begun with it.
///
/// A child that asks its own supervisor to stop it waits for its own end, and is killed when its time is up: it had better return, or
/// call [`end`](Self::end).
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

    /// The supervisor's process: to be linked, monitored, or sent an exit signal. None before it runs.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.record.pid.get().copied()
    }

    /// Waits until all children that were there from the beginning are started, those that had to be started again included.
    ///
    /// # Errors
    /// Returns the reason for which the supervisor has ended instead.
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

    /// Starts one more child, after all others, and waits until it is started; gives its process. For a child that waits for a session
    /// with its node, that is the process of this node that stands for it.
    ///
    /// # Errors
    /// Returns [`ChildError`] if it is not started. The supervisor then has no such child, whatever its [`Restart`] is.
    pub async fn start_child(&self, child: Child) -> Result<Pid, ChildError> {
        self.ask(|answer| Order::Start(child, answer)).await?
    }

    /// Stops a child, and forgets it: its name is free.
    ///
    /// # Errors
    /// Returns [`ChildError::Unknown`] if there is no such child.
    pub async fn stop_child(&self, name: impl Into<Arc<str>>) -> Result<(), ChildError> {
        self.ask(|answer| Order::Stop(name.into(), answer)).await?
    }

    /// Stops a child if it runs, and starts it again. That does not count as a restart. Gives its process, as
    /// [`start_child`](Self::start_child) does.
    ///
    /// # Errors
    /// Returns [`ChildError`] if there is no such child, or it is not started; it is then treated as one that has ended.
    pub async fn restart_child(&self, name: impl Into<Arc<str>>) -> Result<Pid, ChildError> {
        self.ask(|answer| Order::Restart(name.into(), answer)).await?
    }

    /// All children, in the order in which they were started first.
    ///
    /// # Errors
    /// Returns [`ChildError::Ended`] if the supervisor has ended.
    pub async fn children(&self) -> Result<Vec<ChildStatus>, ChildError> {
        self.ask(Order::List).await
    }

    /// Tells the supervisor to stop all children, the last one first, and to end.
    pub fn end(&self) {
        // Once is enough.
        let _ = self.record.stop.set(());
    }

    /// [`end`](Self::end), and waits until the supervisor [has ended](Self::ended).
    pub async fn stop(&self) -> Reason {
        self.end();
        self.ended().await
    }

    /// Waits until the supervisor has ended, whatever the cause; gives the reason. [`Reason::Killed`] also of one that was dropped
    /// before it ran.
    pub async fn ended(&self) -> Reason {
        apart(self.record.ended.wait()).await.clone()
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, ChildError> {
        let (answer, answered) = oneshot::channel();
        apart(self.orders.send(order(answer))).await.map_err(|_| ChildError::Ended)?;
        apart(answered).await.map_err(|_| ChildError::Ended)
    }
}
