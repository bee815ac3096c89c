//! Process groups that all nodes know. Specification: `groups.md`.
//!
//! [`Groups`] is the state of a node's groups server: the process that is registered as [`SERVER`]. Each server owns
//! the memberships of its own node's processes, and reports them to the servers of the other nodes. This module does
//! not send, monitor or wait. The host must report each event by a `handle` method, by [`Groups::join`] or by
//! [`Groups::leave`], and then ask what to do next:
//!
//! - [`Groups::poll_watch`] returns a process of this node to monitor. When that process ends, the host must call
//!   [`Groups::handle_process_ended`].
//! - [`Groups::poll_node`] returns a node for which there may be something to do. For that node the host must call
//!   [`Groups::poll_todo`] until that method returns `None`. Before each call, the host must make sure that it can
//!   carry out the result. Changes are gathered until the host makes the call, and a change that is undone in the
//!   meantime is never sent.
//! - [`Groups::poll_change`] returns the next change that a subscriber has not been told yet.
//!
//! For each connected node the host must also call [`Groups::handle_interval`] at a fixed interval.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::limits::{GROUP_MEMBERSHIPS_MAX, GROUP_NAME_BYTES_MAX};
use super::{NodeNumber, Pid, Term, TermPids};
use changes::{Change, Changes};
use message::{Message, Unread};
use peer::Peer;

mod changes;
mod message;
mod outgoing;
mod peer;
#[cfg(test)]
mod tests;

/// The name under which the groups server of each node is registered.
pub const SERVER: &str = "groups";

/// The groups that a node knows, which are the state of its groups server.
///
/// See the [module](self) for how to drive it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Groups {
    /// The pid of the server itself.
    own: Pid,
    /// The memberships of this node's processes, in the order in which they are told.
    here: BTreeSet<Membership>,
    /// The same by process. A process that has left its last group stays here until it ends, since it is watched.
    processes: BTreeMap<u64, BTreeSet<Arc<str>>>,
    to_watch: BTreeSet<Pid>,
    peers: BTreeMap<NodeNumber, Peer>,
    /// The nodes for which there may be something to do.
    ready: BTreeSet<NodeNumber>,
    /// The number of the stream that was begun last, to any node.
    last_stream: i64,
    known: Known,
    counts: Counts,
}

/// A group, and the number of a process that is in it.
type Membership = (Arc<str>, u64);

/// An action that the host must carry out for a node: see [`Groups::poll_todo`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Todo {
    /// Monitor the process that is registered as [`SERVER`] on the node (MONITOR_NAME). If there is an earlier monitor
    /// of the node's server, end it.
    ///
    /// The host must report the outcome by [`Groups::handle_named`] or [`Groups::handle_nobody`]. After
    /// [`Groups::handle_named`], it must also report the end of the monitor, by [`Groups::handle_server_ended`].
    Monitor,
    /// Send this term to the process that is registered as [`SERVER`] on the node (SEND_NAME_TERM).
    Send(Term),
}

/// A change in the membership of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupChange {
    /// The process `pid` is now a member of `group`.
    Joined {
        /// The group's name.
        group: Arc<str>,
        /// The new member.
        pid: Pid,
    },
    /// The process `pid` is no longer a member of `group`. It has left the group or has ended, or the session with its
    /// node or the groups server of its node has ended.
    Left {
        /// The group's name.
        group: Arc<str>,
        /// The former member.
        pid: Pid,
    },
}

/// An error that says why a process did not join a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotJoined {
    /// The name of the group is empty, or longer than 255 bytes ([`GROUP_NAME_BYTES_MAX`]).
    #[error("the name of a group is from 1 to {GROUP_NAME_BYTES_MAX} bytes long, and not {length}")]
    Name {
        /// The length of the name, in bytes.
        length: usize,
    },
    /// The process belongs to another node. A groups server accepts only processes of its own node.
    #[error("{0} is not a process of this node")]
    NotHere(Pid),
    /// The processes of this node together have the maximum number of memberships, 65 536
    /// ([`GROUP_MEMBERSHIPS_MAX`]). A process counts once for each of its groups.
    #[error("the processes of this node have {GROUP_MEMBERSHIPS_MAX} memberships, and no more are allowed")]
    TooMany,
}

/// Counts of input from other servers that was ignored, and of the requests that missing messages have caused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Counts {
    /// The number of messages that were ignored. Such a message is not one of this protocol, has an unknown kind or
    /// version, is addressed to another process, was not sent by the known server of its node, or is not the next one
    /// of its stream.
    pub messages_ignored: u64,
    /// The number of memberships that were ignored in messages, and of entries that cannot be read. A membership is
    /// ignored if the name is not valid for a group, if the process is not one of the server's node, or if as many
    /// memberships are kept for that node as allowed ([`GROUP_MEMBERSHIPS_MAX`]).
    pub entries_ignored: u64,
    /// The number of times that this server has asked another server to send all its memberships again because messages
    /// of its stream were missing.
    pub asked_again: u64,
}

/// The memberships that are known of all nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Known {
    groups: BTreeMap<Arc<str>, BTreeSet<Pid>>,
    subscribers: BTreeMap<u64, Changes>,
    last_subscriber: u64,
}

impl Known {
    /// Adds a membership that was not known.
    fn joined(&mut self, group: &Arc<str>, pid: Pid) {
        self.groups.entry(Arc::clone(group)).or_default().insert(pid);
        self.subscribers.values_mut().for_each(|changes| changes.note(group, pid, Change::Joined));
    }

    /// Removes a membership that was known.
    fn left(&mut self, group: &Arc<str>, pid: Pid) {
        if let Some(members) = self.groups.get_mut(group) {
            members.remove(&pid);
            if members.is_empty() {
                self.groups.remove(group);
            }
        }
        self.subscribers.values_mut().for_each(|changes| changes.note(group, pid, Change::Left));
    }

    /// Returns the shared copy of a name, if there is one.
    fn name(&self, group: &str) -> Arc<str> {
        self.groups.get_key_value(group).map_or_else(|| group.into(), |(name, _)| Arc::clone(name))
    }
}

/// Methods for the memberships of this node's processes.
impl Groups {
    /// Creates the state of a server that has just started, and knows no groups. `server` is the pid of the server.
    #[must_use]
    pub fn new(server: Pid) -> Self {
        Self {
            own: server,
            here: BTreeSet::new(),
            processes: BTreeMap::new(),
            to_watch: BTreeSet::new(),
            peers: BTreeMap::new(),
            ready: BTreeSet::new(),
            last_stream: 0,
            known: Known::default(),
            counts: Counts::default(),
        }
    }

    /// Adds a process of this node to a group. Returns `false` if the process is already a member.
    ///
    /// # Errors
    /// Returns [`NotJoined`] if the name of the group is not valid, if the process belongs to another node, or if the
    /// processes of this node have too many memberships.
    pub fn join(&mut self, group: &str, pid: Pid) -> Result<bool, NotJoined> {
        if !is_name(group) {
            return Err(NotJoined::Name { length: group.len() });
        }
        if !self.is_here(pid) {
            return Err(NotJoined::NotHere(pid));
        }
        let membership = (self.known.name(group), pid.local());
        if self.here.contains(&membership) {
            return Ok(false);
        }
        //= spec/groups.md#grp-mem-003
        //# A node MUST NOT have more than `group_memberships_max` memberships of its own processes.
        if self.here.len() >= GROUP_MEMBERSHIPS_MAX {
            return Err(NotJoined::TooMany);
        }
        self.watch(pid).insert(Arc::clone(&membership.0));
        self.known.joined(&membership.0, pid);
        self.tell(&membership, Change::Joined);
        self.here.insert(membership);
        Ok(true)
    }

    /// Removes a process of this node from a group. Returns `false` if the process is not a member, or belongs to
    /// another node.
    pub fn leave(&mut self, group: &str, pid: Pid) -> bool {
        let membership = (self.known.name(group), pid.local());
        if !self.is_here(pid) || !self.here.remove(&membership) {
            return false;
        }
        if let Some(groups) = self.processes.get_mut(&membership.1) {
            groups.remove(&membership.0);
        }
        self.known.left(&membership.0, pid);
        self.tell(&membership, Change::Left);
        true
    }

    //= spec/groups.md#grp-mem-002
    //# When a member has ended, the server of its node MUST take it out of all its groups.
    /// Handles the end of a process that [`poll_watch`](Self::poll_watch) has returned: removes the process from all
    /// its groups.
    pub fn handle_process_ended(&mut self, pid: Pid) {
        if !self.is_here(pid) {
            return;
        }
        self.to_watch.remove(&pid);
        for group in self.processes.remove(&pid.local()).unwrap_or_default() {
            let membership = (group, pid.local());
            self.here.remove(&membership);
            self.known.left(&membership.0, pid);
            self.tell(&membership, Change::Left);
        }
    }

    /// Returns the groups of a process, which is watched from now on.
    fn watch(&mut self, pid: Pid) -> &mut BTreeSet<Arc<str>> {
        match self.processes.entry(pid.local()) {
            Entry::Occupied(watched) => watched.into_mut(),
            Entry::Vacant(new) => {
                self.to_watch.insert(pid);
                new.insert(BTreeSet::new())
            }
        }
    }

    /// Queues a change of a membership of this node for every node that is told of them.
    fn tell(&mut self, membership: &Membership, change: Change) {
        let pid = self.pid_here(membership.1);
        for (node, peer) in &mut self.peers {
            if peer.outgoing.note(membership, pid, change) {
                self.ready.insert(*node);
            }
        }
    }

    fn is_here(&self, pid: Pid) -> bool {
        pid.is_here() && pid.creation() == self.own.creation() && pid.local() != 0
    }

    const fn pid_here(&self, local: u64) -> Pid {
        Pid::new(NodeNumber::HERE, self.own.creation(), local)
    }
}

/// Methods for the memberships that this node knows.
impl Groups {
    /// Returns the members of a group on all nodes. Those of this node come first.
    pub fn members(&self, group: &str) -> impl Iterator<Item = Pid> + '_ {
        self.known.groups.get(group).into_iter().flatten().copied()
    }

    /// Returns the members of a group that are processes of this node.
    pub fn local_members(&self, group: &str) -> impl Iterator<Item = Pid> + '_ {
        self.members(group).take_while(|pid| pid.is_here())
    }

    /// Returns the names of all groups that have members, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.known.groups.keys()
    }

    /// Returns the counts since this state was created.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Creates a subscriber, and returns its number. From then on, [`poll_change`](Self::poll_change) returns all
    /// changes for this subscriber. The first changes are one [`GroupChange::Joined`] for each membership that is known
    /// now.
    pub fn subscribe(&mut self) -> u64 {
        let mut changes = Changes::default();
        for (group, members) in &self.known.groups {
            members.iter().for_each(|pid| changes.note(group, *pid, Change::Joined));
        }
        self.known.last_subscriber = self.known.last_subscriber.wrapping_add(1);
        self.known.subscribers.insert(self.known.last_subscriber, changes);
        self.known.last_subscriber
    }

    /// Removes a subscriber. Has no effect if there is no subscriber with this number.
    pub fn unsubscribe(&mut self, subscriber: u64) {
        self.known.subscribers.remove(&subscriber);
    }

    /// Returns the next change that a subscriber has not been told, or `None` if there is no further change or no
    /// such subscriber.
    ///
    /// Changes that cancel each other out before the subscriber is told are left out: a process that has joined and
    /// left, or has left and joined again, causes no change. The number of waiting changes is therefore limited to
    /// the memberships that are known now plus those that the subscriber was told.
    pub fn poll_change(&mut self, subscriber: u64) -> Option<GroupChange> {
        let (group, pid, change) = self.known.subscribers.get_mut(&subscriber)?.take()?;
        Some(match change {
            Change::Joined => GroupChange::Joined { group, pid },
            Change::Left => GroupChange::Left { group, pid },
        })
    }
}

/// Methods to report events of other nodes.
impl Groups {
    /// Handles the beginning of a session with a node. The host must call this only if the session has the capability
    /// `names`.
    pub fn handle_node_up(&mut self, node: NodeNumber) {
        //= spec/groups.md#grp-srv-002
        //# When a session with `names` begins, a server MUST monitor the name `groups` of the peer.
        if let Entry::Vacant(new) = self.peers.entry(node) {
            new.insert(Peer::default()).seek();
            self.ready.insert(node);
        }
    }

    /// Handles the end of the session with a node.
    pub fn handle_node_down(&mut self, node: NodeNumber) {
        //= spec/groups.md#grp-srv-005
        //# When a session or the server of the peer has ended, a server MUST forget all memberships that it
        //# has learned of that node.
        if let Some(mut peer) = self.peers.remove(&node) {
            peer.forget(&mut self.known);
        }
        self.ready.remove(&node);
    }

    /// Handles the answer (NAMED) that the process `server` is registered as [`SERVER`] on the node, and is now
    /// monitored.
    pub fn handle_named(&mut self, node: NodeNumber, server: Pid) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        if server.node() == node {
            peer.named(server, &mut self.last_stream, &mut self.known);
        } else {
            peer.nobody(&mut self.known);
        }
        self.ready.insert(node);
    }

    /// Handles the answer that no process is registered as [`SERVER`] on the node, or the failure to monitor that
    /// process.
    pub fn handle_nobody(&mut self, node: NodeNumber) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        peer.nobody(&mut self.known);
        self.ready.insert(node);
    }

    /// Handles the end of a node's groups server, when the session with that node continues.
    pub fn handle_server_ended(&mut self, node: NodeNumber) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        peer.ended(&mut self.known);
        self.ready.insert(node);
    }

    /// Handles the passing of an interval. The host must call this for each connected node whenever
    /// [`GROUPS_INTERVAL_MAX`](super::limits::GROUPS_INTERVAL_MAX) (60 s) has passed since the last call for that
    /// node, or since the session with it began.
    ///
    /// The server of the node is then sent a message even if nothing has changed, so that it notices the loss of an
    /// earlier message.
    pub fn handle_interval(&mut self, node: NodeNumber) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        if peer.outgoing.fall_due() {
            self.ready.insert(node);
        }
    }

    /// Handles a message for this server. `term` is the message as a term, and `pids` are the processes that the pids
    /// in the term stand for. A message that is not valid is ignored, and counted in [`Counts::messages_ignored`].
    pub fn handle_message(&mut self, term: &[u8], pids: &TermPids) {
        if self.take_message(term, pids).is_err() {
            self.counts.messages_ignored += 1;
        }
    }

    fn take_message(&mut self, term: &[u8], pids: &TermPids) -> Result<(), Unread> {
        let message = message::read(term, pids)?;
        //= spec/groups.md#grp-msg-004
        //# A server MUST ignore a message whose `to` is not its own pid.
        if message.to != self.own {
            return Err(Unread);
        }
        let node = message.from.node();
        let peer = self.peers.get_mut(&node).ok_or(Unread)?;
        self.ready.insert(node);
        peer.hear(message.from, matches!(message.body, Message::Ask { .. }))?;
        match message.body {
            Message::Ask { stream } => {
                peer.outgoing.asked(stream, &mut self.last_stream);
                Ok(())
            }
            Message::Members(members) => peer.take(&members, &mut self.known, &mut self.counts),
        }
    }
}

/// Methods that return actions for the host.
impl Groups {
    /// Returns the next process of this node that the host has to monitor, or `None` if there is none.
    pub fn poll_watch(&mut self) -> Option<Pid> {
        self.to_watch.pop_first()
    }

    /// Returns the next node for which there may be something to do, or `None` if there is none. The host must then
    /// call [`poll_todo`](Self::poll_todo) for that node. After this method has returned a node, it returns the node
    /// again only after a new event.
    pub fn poll_node(&mut self) -> Option<NodeNumber> {
        self.ready.pop_first()
    }

    /// Returns the next action for a node, or `None` if there is nothing to do. Each action is returned once, so the
    /// host must call this only when it can carry out the action.
    pub fn poll_todo(&mut self, node: NodeNumber) -> Option<Todo> {
        let peer = self.peers.get_mut(&node)?;
        if std::mem::take(&mut peer.to_seek) {
            return Some(Todo::Monitor);
        }
        let to = peer.server()?;
        let body = match peer.ask.take() {
            Some(stream) => message::ask(self.own, to, stream),
            None => peer.outgoing.next(self.own, to, &self.here),
        };
        body.map(Todo::Send)
    }
}

/// Returns `true` if `name` is valid for a group.
pub(crate) const fn is_name(name: &str) -> bool {
    //= spec/groups.md#grp-mem-001
    //# The name of a group MUST be from 1 to `group_name_bytes_max` bytes long.
    !name.is_empty() && name.len() <= GROUP_NAME_BYTES_MAX
}
