//! Groups of processes that all nodes know. Specification: `groups.md`.
//!
//! [`Groups`] is what the server of a node keeps: the process that is registered as [`SERVER`]. Each server owns the
//! memberships of its own node's processes and tells them to the servers of other nodes; nothing here sends, monitors or
//! waits. The host says what has happened (the `handle` methods and [`Groups::join`], [`Groups::leave`]), and asks what is to
//! be done:
//!
//! - [`Groups::poll_watch`]: a process of this node to monitor; its end comes back by [`Groups::handle_process_ended`];
//! - [`Groups::poll_node`]: a node for which there is something to do, and for it [`Groups::poll_todo`] until there is
//!   nothing. The host asks when it can send: what has changed meanwhile is gathered, and a change that was taken back is none;
//! - [`Groups::poll_change`]: what a subscriber has not been told yet.

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

/// The name under which each node's server is registered.
pub const SERVER: &str = "groups";

/// The groups that a node knows, as its server keeps them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Groups {
    /// The server itself.
    own: Pid,
    /// The memberships of this node's processes, in the order in which they are told.
    here: BTreeSet<Membership>,
    /// The same by process. One that is in no group any more stays until it ends: it is watched.
    processes: BTreeMap<u64, BTreeSet<Arc<str>>>,
    to_watch: BTreeSet<Pid>,
    peers: BTreeMap<NodeNumber, Peer>,
    /// The nodes for which there may be something to do.
    ready: BTreeSet<NodeNumber>,
    /// The number of the stream that was begun last, to whichever node.
    last_stream: i64,
    known: Known,
    counts: Counts,
}

/// A group, and the number of a process that is in it.
type Membership = (Arc<str>, u64);

/// Something for the host to do for a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Todo {
    /// Monitor whoever is registered there as [`SERVER`] (MONITOR_NAME), and end the monitor of it that there is. What comes of
    /// it is one of [`Groups::handle_named`] and [`Groups::handle_nobody`]; after the first, when the monitor has ended,
    /// [`Groups::handle_server_ended`].
    Monitor,
    /// Send this term to whoever is registered there as [`SERVER`] (SEND_NAME_TERM).
    Send(Term),
}

/// A process has joined a group, or left it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupChange {
    /// `pid` is a member of `group` now.
    Joined {
        /// The group's name.
        group: Arc<str>,
        /// The new member.
        pid: Pid,
    },
    /// `pid` is no member of `group` any more: it has left or ended, or there is no way to its node.
    Left {
        /// The group's name.
        group: Arc<str>,
        /// Who was a member.
        pid: Pid,
    },
}

/// A process did not join a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotJoined {
    /// The name is empty or too long.
    #[error("the name of a group is from 1 to {GROUP_NAME_BYTES_MAX} bytes long, and not {length}")]
    Name {
        /// Length of the name, in bytes.
        length: usize,
    },
    /// Only processes of the server's own node join by it.
    #[error("{0} is not a process of this node")]
    NotHere(Pid),
    /// The processes of this node are in as many groups as they may be, each counted for each of its groups.
    #[error("the processes of this node have {GROUP_MEMBERSHIPS_MAX} memberships, and no more are allowed")]
    TooMany,
}

/// How often something came from other servers that was not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Counts {
    /// Messages that were ignored: no message of this protocol, of an unknown kind or version, not for this server, or not from
    /// the server that its node is known to have now.
    pub messages_ignored: u64,
    /// Entries of messages that were ignored: with a name that no group has, a process of another node than the server's, or
    /// beyond the bound of what is kept for one node.
    pub entries_ignored: u64,
    /// Times that a server was asked to tell all its memberships again.
    pub asked_again: u64,
}

/// What is known of all nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Known {
    groups: BTreeMap<Arc<str>, BTreeSet<Pid>>,
    subscribers: BTreeMap<u64, Changes>,
    last_subscriber: u64,
}

impl Known {
    /// A membership that was not known.
    fn joined(&mut self, group: &Arc<str>, pid: Pid) {
        self.groups.entry(Arc::clone(group)).or_default().insert(pid);
        self.subscribers.values_mut().for_each(|changes| changes.note(group, pid, Change::Joined));
    }

    /// A membership that was known.
    fn left(&mut self, group: &Arc<str>, pid: Pid) {
        if let Some(members) = self.groups.get_mut(group) {
            members.remove(&pid);
            if members.is_empty() {
                self.groups.remove(group);
            }
        }
        self.subscribers.values_mut().for_each(|changes| changes.note(group, pid, Change::Left));
    }

    /// The name as it is kept once for all.
    fn name(&self, group: &str) -> Arc<str> {
        self.groups.get_key_value(group).map_or_else(|| group.into(), |(name, _)| Arc::clone(name))
    }
}

/// Memberships.
impl Groups {
    /// The groups of a server that has just started: none.
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

    /// Makes a process of this node a member of a group. Returns `false` if it is one already.
    ///
    /// # Errors
    /// Returns [`NotJoined`] if the name can be none of a group, the process is another node's, or there are too many
    /// memberships.
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

    /// Takes a process of this node out of a group. Returns `false` if it is no member of it by this server.
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
    /// A process that was to be watched has ended.
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

    /// The groups of a process, which is watched from now on.
    fn watch(&mut self, pid: Pid) -> &mut BTreeSet<Arc<str>> {
        match self.processes.entry(pid.local()) {
            Entry::Occupied(watched) => watched.into_mut(),
            Entry::Vacant(new) => {
                self.to_watch.insert(pid);
                new.insert(BTreeSet::new())
            }
        }
    }

    /// A membership of this node has changed: every node that is told of them learns of it.
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

/// What is known.
impl Groups {
    /// The members of a group, of all nodes; those of this one come first.
    pub fn members(&self, group: &str) -> impl Iterator<Item = Pid> + '_ {
        self.known.groups.get(group).into_iter().flatten().copied()
    }

    /// The members of a group that are processes of this node.
    pub fn local_members(&self, group: &str) -> impl Iterator<Item = Pid> + '_ {
        self.members(group).take_while(|pid| pid.is_here())
    }

    /// The groups that have members, in the order of their names.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.known.groups.keys()
    }

    /// How often something came that was not taken.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Whoever has this number is told of all changes from now on, by [`poll_change`](Self::poll_change); the first ones are
    /// all members that are known now.
    pub fn subscribe(&mut self) -> u64 {
        let mut changes = Changes::default();
        for (group, members) in &self.known.groups {
            members.iter().for_each(|pid| changes.note(group, *pid, Change::Joined));
        }
        self.known.last_subscriber = self.known.last_subscriber.wrapping_add(1);
        self.known.subscribers.insert(self.known.last_subscriber, changes);
        self.known.last_subscriber
    }

    /// Nobody has this number any more.
    pub fn unsubscribe(&mut self, subscriber: u64) {
        self.known.subscribers.remove(&subscriber);
    }

    /// The next change that a subscriber has not been told. A process that has joined and left since is none; nor is one that
    /// has left and joined again. So what waits for a subscriber is bounded by what is known now and what it was told.
    pub fn poll_change(&mut self, subscriber: u64) -> Option<GroupChange> {
        let (group, pid, change) = self.known.subscribers.get_mut(&subscriber)?.take()?;
        Some(match change {
            Change::Joined => GroupChange::Joined { group, pid },
            Change::Left => GroupChange::Left { group, pid },
        })
    }
}

/// Other nodes.
impl Groups {
    /// There is a session with a node that has the capability `names`.
    pub fn handle_node_up(&mut self, node: NodeNumber) {
        //= spec/groups.md#grp-srv-002
        //# When a session begins that has the capability `names`, a server MUST monitor the name `groups` of the peer.
        if let Entry::Vacant(new) = self.peers.entry(node) {
            new.insert(Peer::default()).seek();
            self.ready.insert(node);
        }
    }

    /// The session with a node is over.
    pub fn handle_node_down(&mut self, node: NodeNumber) {
        //= spec/groups.md#grp-srv-005
        //# When a session has ended, or the server of the peer has, a server MUST forget all memberships that it has
        //# learned of that node.
        if let Some(mut peer) = self.peers.remove(&node) {
            peer.forget(&mut self.known);
        }
        self.ready.remove(&node);
    }

    /// The name is that of `server`, which is monitored now (NAMED).
    pub fn handle_named(&mut self, node: NodeNumber, server: Pid) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        if server.node() == node {
            peer.named(server, &mut self.last_stream, &mut self.known);
        } else {
            peer.nobody(&mut self.known);
        }
        self.ready.insert(node);
    }

    /// Nobody has the name there, or whoever has it cannot be monitored.
    pub fn handle_nobody(&mut self, node: NodeNumber) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        peer.nobody(&mut self.known);
        self.ready.insert(node);
    }

    /// The server of a node has ended, while there is a session with that.
    pub fn handle_server_ended(&mut self, node: NodeNumber) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        peer.ended(&mut self.known);
        self.ready.insert(node);
    }

    /// [`GROUPS_INTERVAL_MAX`](super::limits::GROUPS_INTERVAL_MAX) has passed since the host said this last of a node, or since
    /// it came up. Its server is sent a message even if there is nothing to tell, which shows it if one before that was lost.
    pub fn handle_interval(&mut self, node: NodeNumber) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        if peer.outgoing.fall_due() {
            self.ready.insert(node);
        }
    }

    /// A message has come for the server: what it is as a term, and whose the pids in it are.
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

/// What is to be done.
impl Groups {
    /// A process of this node that is to be monitored.
    pub fn poll_watch(&mut self) -> Option<Pid> {
        self.to_watch.pop_first()
    }

    /// A node for which there may be something to do: [`poll_todo`](Self::poll_todo) says what. Each is given once until
    /// something happens again.
    pub fn poll_node(&mut self) -> Option<NodeNumber> {
        self.ready.pop_first()
    }

    /// What is to be done next for a node, as soon as it can take it.
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

/// Whether a group can have this name.
pub(crate) const fn is_name(name: &str) -> bool {
    //= spec/groups.md#grp-mem-001
    //# The name of a group MUST be from 1 to `group_name_bytes_max` bytes long.
    !name.is_empty() && name.len() <= GROUP_NAME_BYTES_MAX
}
