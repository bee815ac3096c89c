//! Groups of processes that all nodes know: the interface for programs. Specification: `groups.md`.

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

/// A handle to the process groups of a node. [`Node::groups`](crate::Node::groups) returns it. Cloning is cheap.
///
/// A group is a name for processes on many nodes. A process that joins becomes a member on every node that takes part
/// in groups and has a session with the process's node. It stays a member until it leaves the group or ends. Another
/// node also removes the member when its session with the process's node ends. Groups need not be created: a group
/// exists while it has members.
///
/// Groups are eventually consistent. A change is visible on this node when the call returns, and on other nodes as
/// soon as the message about the change has arrived. When changes cease, all connected nodes see the same members.
///
/// When the groups server has ended, for example by a kill, this handle is of no more use: queries return empty
/// results, and [`join`](Self::join) returns [`JoinError::Ended`]. Call [`Node::groups`](crate::Node::groups) again.
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

/// An error that says why a node has no groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupsError {
    /// A process of the program holds the name that the groups server needs.
    #[error("the name `{SERVER}` is taken by {0}, which is not the server of groups")]
    NameTaken(Pid),
    /// The groups server could not be started, because the node can start no more processes.
    #[error(transparent)]
    NotStarted(#[from] SpawnError),
}

/// An error that says why a process did not join a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The name of the group or the process is not acceptable, or this node has the maximum number of memberships.
    #[error(transparent)]
    NotJoined(#[from] NotJoined),
    /// The groups server has ended, because it was killed or the node was shut down. All memberships have ended with
    /// it. [`Node::groups`](crate::Node::groups) starts a new server.
    #[error("the server of groups has ended")]
    Ended,
}

/// Returns the groups of a node whose server runs.
pub(crate) fn started(table: &Arc<ProcessTable>) -> Option<Groups> {
    running(table, table.groups().lock().as_ref())
}

fn running(table: &Arc<ProcessTable>, slot: Option<&Arc<Shared>>) -> Option<Groups> {
    let shared = slot.filter(|shared| !shared.is_over())?;
    Some(Groups { table: Arc::clone(table), shared: Arc::clone(shared) })
}

/// Returns the groups of a node. Starts their server if none runs.
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

/// Methods for memberships.
impl Groups {
    /// Makes a process of this node a member of a group, until the process leaves the group or ends, and returns
    /// `true`. Returns `false` if the process is a member already: a process is in a group at most once. A process
    /// that has already ended is removed again a moment later.
    ///
    /// # Errors
    /// Returns [`JoinError`] if
    ///
    /// - the name is empty or longer than [`GROUP_NAME_BYTES_MAX`](crate::core::limits::GROUP_NAME_BYTES_MAX);
    /// - the process belongs to another node;
    /// - this node has the maximum number of memberships
    ///   ([`GROUP_MEMBERSHIPS_MAX`](crate::core::limits::GROUP_MEMBERSHIPS_MAX)); or
    /// - the groups server has ended.
    pub fn join(&self, group: &str, pid: Pid) -> Result<bool, JoinError> {
        let joined = self.shared.act(|groups| groups.join(group, pid)).ok_or(JoinError::Ended)?;
        Ok(joined?)
    }

    /// Removes a process of this node from a group, and returns `true`. Returns `false` if the process is not a
    /// member of the group or belongs to another node.
    pub fn leave(&self, group: &str, pid: Pid) -> bool {
        self.shared.act(|groups| groups.leave(group, pid)).unwrap_or(false)
    }
}

/// Queries. They read the state of this node, and never wait for the groups server.
impl Groups {
    /// Returns the members of a group on all nodes, the processes of this node first. The result is empty if the
    /// group has no members.
    #[must_use]
    pub fn members(&self, group: &str) -> Vec<Pid> {
        self.shared.look(|groups| groups.members(group).collect())
    }

    /// Returns the members of a group that are processes of this node.
    #[must_use]
    pub fn local_members(&self, group: &str) -> Vec<Pid> {
        self.shared.look(|groups| groups.local_members(group).collect())
    }

    /// Returns the names of all groups that have members, in alphabetical order.
    #[must_use]
    pub fn names(&self) -> Vec<Arc<str>> {
        self.shared.look(|groups| groups.names().cloned().collect())
    }

    /// Returns the counts of input from the groups servers of other nodes that was ignored, by cause, for metrics.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.look(|groups| groups.counts())
    }

    /// Subscribes to the changes of all groups. The subscription first reports each member that exists already as a
    /// change, and then all later changes.
    #[must_use]
    pub fn changes(&self) -> GroupChanges {
        let subscriber = self.shared.act(|groups| groups.subscribe()).unwrap_or_default();
        GroupChanges { shared: Arc::clone(&self.shared), subscriber }
    }
}

/// Methods to send to all members of a group.
impl Groups {
    /// Sends a message to each current member of a group, as [`Node::send`](crate::Node::send) does, and returns the
    /// number of members to which it was sent.
    ///
    /// The members are served one after the other, so a full mailbox or queue of one member delays the next members.
    /// A member whose node does not accept the message is not counted, and the message is still sent to the others. A
    /// member that is counted has not necessarily received the message.
    pub async fn send_all(&self, group: &str, message: impl Payload) -> usize {
        let bytes = message.into_bytes();
        let mut count = 0;
        for pid in self.members(group) {
            let sent = self.table.send(Sender::program(self.table.pid(0)), pid, bytes.clone()).await;
            count += usize::from(sent.is_ok());
        }
        count
    }

    /// Sends a value as a term (STF) to each current member of a group, as
    /// [`Node::send_term`](crate::Node::send_term) does. This method otherwise behaves like
    /// [`send_all`](Self::send_all).
    ///
    /// # Errors
    /// Returns an error if the value cannot be written as a term. In this case nothing was sent.
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

/// A subscription to the changes of all groups. [`Groups::changes`] returns it; dropping it ends the subscription.
///
/// A subscriber that does not read for a while still receives all lasting changes: when it reads again, it receives
/// the difference. A process that has joined and left in the meantime is not reported, nor is a process that has left
/// and joined again. The backlog is therefore bounded by the number of members.
pub struct GroupChanges {
    shared: Arc<Shared>,
    subscriber: u64,
}

impl GroupChanges {
    /// Waits for the next change, and returns it. Returns `None` when the groups server has ended, which ends all
    /// memberships. Nothing is lost if the future is dropped before it is ready.
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
