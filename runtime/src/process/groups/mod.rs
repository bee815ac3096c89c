//! Groups of processes that all nodes know, as a program has them. Specification: `groups.md`.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use snow_dist_codec::stf;

use self::server::Over;
use self::shared::Shared;
use super::ending::Ending;
use super::remote::Sender;
use super::table::ProcessTable;
use super::task::Task;
use super::{Mailbox, Payload, RegisterError, SpawnError, term};
use crate::core::groups::{Counts, GroupChange, NotJoined, SERVER};
use crate::core::{Pid, Reason};
use crate::foreign::apart;

mod peer;
mod server;
pub(crate) mod shared;

/// The groups of a node, as [`Node::groups`](crate::Node::groups) gives them. Cheap to clone.
///
/// A group is a name under which processes of many nodes are found. A process that joins is a member on every node that takes
/// part in groups and has a session with its node, until it leaves or ends or that session does. There is nothing to create: a
/// group is there while it has members.
///
/// Groups are eventually consistent: a change is known on this node when the call returns, and on the others a little later.
/// When nothing changes any more, all nodes that are connected know the same members.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use snow_dist_runtime::{Context, Node};
///
/// let node = Node::alone(tokio::runtime::Handle::current());
/// let groups = node.groups()?;
/// let (done, is_done) = tokio::sync::oneshot::channel();
/// let pid = node.spawn(async |mut ctx: Context| drop(done.send(ctx.recv().await)))?;
/// groups.join("chat", pid)?;
/// assert_eq!(groups.members("chat"), [pid]);
/// assert_eq!(groups.send_all("chat", "hello").await, 1);
/// assert_eq!(is_done.await?.into_message().ok_or("a message")?.as_bytes(), b"hello");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Groups {
    table: Arc<ProcessTable>,
    shared: Arc<Shared>,
}

/// A node has no groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupsError {
    /// A process of the program has the name that the server of groups needs.
    #[error("the name `{SERVER}` is taken by {0}, which is not the server of groups")]
    NameTaken(Pid),
    /// The server is a process, and none can be started any more.
    #[error(transparent)]
    NotStarted(#[from] SpawnError),
}

/// A process did not join a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The group, or the process, cannot be joined or join.
    #[error(transparent)]
    NotJoined(#[from] NotJoined),
    /// The server of groups has ended, with all memberships: it was killed, or the node has been shut down.
    /// [`Node::groups`](crate::Node::groups) starts another one.
    #[error("the server of groups has ended")]
    Ended,
}

/// The groups of a node whose server runs.
pub(crate) fn started(table: &Arc<ProcessTable>) -> Option<Groups> {
    running(table, table.groups().lock().as_ref())
}

fn running(table: &Arc<ProcessTable>, slot: Option<&Arc<Shared>>) -> Option<Groups> {
    let shared = slot.filter(|shared| !shared.is_over())?;
    Some(Groups { table: Arc::clone(table), shared: Arc::clone(shared) })
}

/// The groups of a node; starts their server if none runs.
pub(crate) fn start(table: &Arc<ProcessTable>) -> Result<Groups, GroupsError> {
    let mut slot = table.groups().lock();
    if let Some(groups) = running(table, slot.as_ref()) {
        return Ok(groups);
    }
    // One that has ended may not have given its name back yet.
    if let Some(before) = slot.take()
        && table.whereis(SERVER) == Some(before.server())
    {
        table.take_name(SERVER);
    }
    let cell = table.add(Mailbox::unbounded())?;
    // Nobody ends it by a signal: before it can be found.
    cell.trap_exit(true);
    let pid = cell.pid();
    //= spec/groups.md#grp-srv-001
    //# A node that takes part in groups MUST have its server registered under the name `groups`.
    if let Err(error) = table.register(SERVER, pid) {
        drop(slot);
        Ending::begin(&cell, Reason::Normal).tell(usize::MAX);
        return Err(match error {
            RegisterError::Taken(other) => GroupsError::NameTaken(other),
            // The name of the server is short.
            RegisterError::NoProcess(_) | RegisterError::TooLong { .. } => {
                GroupsError::NotStarted(SpawnError::Stopped)
            }
        });
    }
    let shared = Arc::new(Shared::new(pid));
    *slot = Some(Arc::clone(&shared));
    drop(slot);
    let over = Over(Arc::clone(&shared));
    if !table.executor().start(Task::new(cell, move |ctx| server::run(ctx, over))) {
        return Err(GroupsError::NotStarted(SpawnError::RuntimeGone));
    }
    Ok(Groups { table: Arc::clone(table), shared })
}

/// Memberships.
impl Groups {
    /// Makes a process of this node a member of a group, until it leaves or ends. Returns `false` if it is one already: a process
    /// is in a group once.
    ///
    /// # Errors
    /// Returns [`JoinError`] if the name is empty or longer than
    /// [`GROUP_NAME_BYTES_MAX`](crate::core::limits::GROUP_NAME_BYTES_MAX), the process is another node's, this node has as many
    /// memberships as it may ([`GROUP_MEMBERSHIPS_MAX`](crate::core::limits::GROUP_MEMBERSHIPS_MAX)), or the server of groups has
    /// ended.
    pub fn join(&self, group: &str, pid: Pid) -> Result<bool, JoinError> {
        let joined = self.shared.act(|groups| groups.join(group, pid)).ok_or(JoinError::Ended)?;
        Ok(joined?)
    }

    /// Takes a process of this node out of a group. Returns `false` if it is no member of it, or is a process of another node.
    pub fn leave(&self, group: &str, pid: Pid) -> bool {
        self.shared.act(|groups| groups.leave(group, pid)).unwrap_or(false)
    }
}

/// What is known. None of this waits for the server.
impl Groups {
    /// Returns the members of a group on all nodes, those of this node first. None if nobody is in it.
    #[must_use]
    pub fn members(&self, group: &str) -> Vec<Pid> {
        self.shared.look(|groups| groups.members(group).collect())
    }

    /// Returns the members of a group that are processes of this node.
    #[must_use]
    pub fn local_members(&self, group: &str) -> Vec<Pid> {
        self.shared.look(|groups| groups.local_members(group).collect())
    }

    /// Returns the names of all groups that have members, in order.
    #[must_use]
    pub fn names(&self) -> Vec<Arc<str>> {
        self.shared.look(|groups| groups.names().cloned().collect())
    }

    /// Returns how often something came from servers of other nodes that was not taken: for metrics.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.look(|groups| groups.counts())
    }

    /// Returns all changes from now on, of all groups. The first ones are the members that there are already.
    #[must_use]
    pub fn changes(&self) -> GroupChanges {
        let subscriber = self.shared.act(|groups| groups.subscribe()).unwrap_or_default();
        GroupChanges { shared: Arc::clone(&self.shared), subscriber }
    }
}

/// Sending.
impl Groups {
    /// Sends a message to each member that is known now, as [`Node::send`](crate::Node::send) does; returns how many it was sent
    /// to. It waits where a send waits. One that a member's node does not take is not counted and stops nothing; whether a
    /// member receives it, nobody knows.
    pub async fn send_all(&self, group: &str, message: impl Payload) -> usize {
        let bytes = message.into_bytes();
        let mut count = 0;
        for pid in self.members(group) {
            let sent = self.table.send(Sender::program(self.table.pid(0)), pid, bytes.clone()).await;
            count += usize::from(sent.is_ok());
        }
        count
    }

    /// Sends a value as a term (STF) to each member that is known now, as [`Node::send_term`](crate::Node::send_term) does; else
    /// as [`send_all`](Self::send_all).
    ///
    /// # Errors
    /// Returns an error if the value cannot be written as a term; then it was sent to nobody.
    pub async fn send_term_all(
        &self,
        group: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<usize, stf::Error> {
        let term = term::write(value)?;
        let mut count = 0;
        for pid in self.members(group) {
            let sent = self.table.send_term(Sender::program(self.table.pid(0)), pid, term.clone()).await;
            count += usize::from(sent.is_ok());
        }
        Ok(count)
    }
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").field("server", &self.shared.server()).finish_non_exhaustive()
    }
}

/// The changes of all groups, as [`Groups::changes`] gives them.
///
/// Whoever does not read for long misses nothing that lasts: a process that has joined and left since then is not told of, nor
/// one that has left and joined again. So what waits here is bounded by the members that there are.
pub struct GroupChanges {
    shared: Arc<Shared>,
    subscriber: u64,
}

impl GroupChanges {
    /// Waits for the next change. Returns `None` when the server of groups has ended: all memberships are gone then. Nothing is
    /// lost if this is dropped before it is ready.
    pub async fn next(&mut self) -> Option<GroupChange> {
        loop {
            let changed = self.shared.changed();
            if let Some(change) = self.shared.poll_change(self.subscriber)? {
                return Some(change);
            }
            apart(changed).await;
        }
    }
}

impl Drop for GroupChanges {
    fn drop(&mut self) {
        self.shared.unsubscribe(self.subscriber);
    }
}

impl fmt::Debug for GroupChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupChanges").field("server", &self.shared.server()).finish_non_exhaustive()
    }
}
