//! What a program has to do with a supervisor that runs.

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::{Child, Restart};
use crate::core::{Pid, Reason, Shown};

/// Orders that wait for one supervisor.
pub(super) const ORDERS_MAX: usize = 16;

pub(super) enum Order {
    Start(Child, Answer<Pid>),
    Stop(Arc<str>, Answer<()>),
    Restart(Arc<str>, Answer<Pid>),
    List(oneshot::Sender<Vec<ChildStatus>>),
    End,
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
    /// The process, on whatever node it runs. None if it does not run, or waits for a session with its node.
    pub pid: Option<Pid>,
    /// Why it ended last, if it has ended by itself.
    pub last_end: Option<Reason>,
    /// How often it was started again.
    pub restarts: u64,
    /// What happens when it ends.
    pub restart: Restart,
}

/// A supervisor that runs. Cheap to clone; the supervisor goes on when all are dropped.
#[derive(Clone, Debug)]
pub struct SupervisorHandle {
    orders: mpsc::Sender<Order>,
}

impl SupervisorHandle {
    pub(super) const fn new(orders: mpsc::Sender<Order>) -> Self {
        Self { orders }
    }

    /// Starts one more child, after all others; gives its process. For a child on another node that is the process of this node
    /// that stands for it while there is no session.
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
    /// Returns [`ChildError`] if there is no such child, or it is not started; it then remains, and is treated as one that has ended.
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

    /// Stops all children, the last one first, and the supervisor. Returns when it has, or had, ended.
    pub async fn stop(&self) {
        // One that has ended takes no orders.
        let _ = self.orders.send(Order::End).await;
        self.ended().await;
    }

    /// Waits until the supervisor has ended, whatever the cause.
    pub async fn ended(&self) {
        self.orders.closed().await;
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, ChildError> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(order(answer)).await.map_err(|_| ChildError::Ended)?;
        answered.await.map_err(|_| ChildError::Ended)
    }
}
