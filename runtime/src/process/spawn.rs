//! Starting processes.

use std::future::Future;
use std::sync::Arc;

use super::cell::Cell;
use super::mailbox::MailboxBound;
use super::task::Task;
use super::{Context, Exhausted, MonitorRef};
use crate::core::{Pid, Reason};
use crate::node::Node;

/// How a process is started.
///
/// ```no_run
/// # async fn example(node: snow_dist_runtime::Node) -> Result<(), Box<dyn std::error::Error>> {
/// use snow_dist_runtime::{MailboxBound, MailboxPolicy, Spawn};
///
/// let bound = MailboxBound { messages_max: 1_000, policy: MailboxPolicy::Drop };
/// let pid = node.spawn_with(Spawn::default().mailbox(bound), async |mut ctx| {
///     ctx.recv().await;
/// })?;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Spawn {
    mailbox: Option<MailboxBound>,
}

impl Spawn {
    /// Bounds the mailbox; without this it takes everything.
    #[must_use]
    pub const fn mailbox(mut self, bound: MailboxBound) -> Self {
        self.mailbox = Some(bound);
        self
    }
}

/// What a new process is tied to before it runs.
#[derive(Clone, Copy)]
pub(super) enum Tie<'p> {
    Nothing,
    LinkedTo(&'p Cell),
    /// By a monitor of this number.
    WatchedBy(&'p Cell, u64),
}

pub(crate) fn spawn<F, Fut>(node: &Node, how: Spawn, run: F) -> Result<Pid, Exhausted>
where
    F: FnOnce(Context) -> Fut,
    Fut: Future<Output: Into<Reason>> + Send + 'static,
{
    start(node, how, Tie::Nothing, run)
}

pub(super) fn start<F, Fut>(node: &Node, how: Spawn, tie: Tie<'_>, run: F) -> Result<Pid, Exhausted>
where
    F: FnOnce(Context) -> Fut,
    Fut: Future<Output: Into<Reason>> + Send + 'static,
{
    let table = node.table();
    let cell = table.add(how.mailbox)?;
    let pid = table.pid(cell.local);
    match tie {
        Tie::Nothing => {}
        Tie::LinkedTo(parent) => table.link(parent, cell.local),
        Tie::WatchedBy(parent, reference) => table.monitor(parent, MonitorRef { reference, pid }),
    }
    let future = run(Context::new(node.clone(), Arc::clone(&cell)));
    node.runtime().spawn(Task::new(future, cell, table.clone()));
    Ok(pid)
}
