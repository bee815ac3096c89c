//! Processes that run registered functions: how they are started here, and requested from other nodes.

use std::fmt;
use std::sync::Arc;

use super::asking::{Asking, Whom, make_way};
use super::sending::term_here;
use super::{ProcessTable, Tie};
use crate::core::limits::{FRAME_BYTES_BOUND_MIN, FUNCTION_NAME_BYTES_MAX};
use crate::core::{Pid, Reason, SpawnFailure, SpawnTie, Term};
use crate::process::cell::{Answer, Cell};
use crate::process::functions::Functions;
use crate::process::remote::{Later, Sender, Towards};
use crate::process::task::Task;
use crate::process::{Mailbox, Message, MonitorRef, Refused, SpawnError, SpawnOnError};

/// A process of a registered function, which runs once its task is started.
pub(crate) struct Prepared {
    pub(crate) local: u64,
    pub(crate) task: Later<'static, ()>,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("local", &self.local).finish_non_exhaustive()
    }
}

impl ProcessTable {
    /// Returns the registered functions.
    pub(crate) const fn functions(&self) -> &Arc<Functions> {
        &self.functions
    }

    /// Creates a process for another node. No code of the program is called and no value of it is dropped, because
    /// this happens under the lock of a session.
    pub(crate) fn prepare(
        self: &Arc<Self>,
        peer: &Arc<str>,
        name: &str,
        arguments: Message,
    ) -> Result<Prepared, SpawnFailure> {
        let place = self.functions.place(peer).ok_or(SpawnFailure::TooMany)?;
        let cell = self.add(Mailbox::default()).map_err(|_| SpawnFailure::Stopped)?;
        let local = cell.local();
        let process: Later<'static, ()> = match self.functions.get(name) {
            Some(function) => {
                cell.describe(name);
                function.task(cell, arguments)
            }
            // The program has removed the function in this moment.
            None => Box::pin(Task::new(cell, async |_| Reason::noproc())),
        };
        let task = Box::pin(async move {
            process.await;
            drop(place);
        });
        Ok(Prepared { local, task })
    }

    /// Starts a process of this node that runs a registered function, whichever other nodes are allowed to start it.
    fn spawn_registered(
        self: &Arc<Self>,
        name: &str,
        tie: Tie<'_>,
        arguments: Term,
    ) -> Result<Pid, SpawnOnError> {
        let function = self.functions.get(name);
        let function = function.ok_or_else(|| not_started(SpawnFailure::NotOffered, name, self.node()))?;
        let cell = self.add(Mailbox::default()).map_err(SpawnOnError::NotHere)?;
        let pid = cell.pid();
        cell.describe(name);
        self.tie(tie, &cell);
        if self.executor.start(function.task(cell, term_here(arguments))) {
            Ok(pid)
        } else {
            Err(SpawnOnError::NotHere(SpawnError::RuntimeGone))
        }
    }

    /// Has a process started on a node, this one or another. The returned reference is that of the monitor, if there
    /// is one.
    pub(crate) async fn spawn_on(
        self: &Arc<Self>,
        own: &Cell,
        node: &str,
        name: &str,
        tie: SpawnTie,
        mut arguments: Term,
    ) -> Result<(Pid, MonitorRef), SpawnOnError> {
        let (length, length_max) = (name.len(), FUNCTION_NAME_BYTES_MAX);
        if length > length_max {
            return Err(SpawnOnError::NameTooLong { length, length_max });
        }
        let node = &*self.completed(node)?;
        if node == self.node() {
            Sender::process(own).check()?;
            let reference = self.new_reference();
            let tie = match tie {
                SpawnTie::None => Tie::None,
                SpawnTie::Link => Tie::Link(own),
                SpawnTie::Monitor => Tie::Monitor(own, reference),
            };
            return Ok((self.spawn_registered(name, tie, arguments)?, reference));
        }
        let asking = Asking::begin(self, own, Whom::On(node), tie == SpawnTie::Monitor)?;
        let reference = asking.reference;
        let ask = || self.remote()?.spawn(own.pid(), node, reference, tie, name, &mut arguments);
        match self
            .taken(Sender::process(own), Towards::Node(node), ask)
            .await
            .map_err(|why| not_asked(why, name))?
        {
            Some(sent) => make_way(sent).await,
            None => return Err(SpawnOnError::NotConnected { node: node.into() }),
        }
        match asking.answer().await? {
            Answer::Named(pid) => Ok((pid, MonitorRef::new(reference))),
            Answer::NotSpawned(why) => Err(not_started(why, name, node)),
            // No call was made, and no name asked for.
            Answer::Reply(_) | Answer::Lost | Answer::Unanswered | Answer::Ended(_) => {
                Err(SpawnOnError::ConnectionLost { node: node.into() })
            }
        }
    }
}

/// Returns the error for the reason why a session does not ask.
fn not_asked(why: Refused, name: &str) -> SpawnOnError {
    match why {
        // The other node may accept longer frames of other kinds.
        Refused::TooLong { length, .. } => {
            let length = length.saturating_sub(REQUEST_BYTES + name.len());
            let length_max = (FRAME_BYTES_BOUND_MIN as usize).saturating_sub(REQUEST_BYTES + name.len());
            SpawnOnError::TooLong { length, length_max }
        }
        other => SpawnOnError::Refused(other),
    }
}

/// The bytes of a request in addition to the function's name and the arguments.
const REQUEST_BYTES: usize = 20;

/// Returns the error for the reason why the node has not started the process.
fn not_started(why: SpawnFailure, function: &str, node: &str) -> SpawnOnError {
    let node = node.into();
    match why {
        SpawnFailure::NotOffered => SpawnOnError::NotOffered { function: function.into(), node },
        SpawnFailure::NotTied => SpawnOnError::NotTied { node },
        SpawnFailure::TooMany => SpawnOnError::TooMany { node },
        SpawnFailure::Stopped => SpawnOnError::Stopped { node },
        SpawnFailure::Noconnection => SpawnOnError::ConnectionLost { node },
        SpawnFailure::Other { status } => SpawnOnError::Status { status, node },
    }
}
