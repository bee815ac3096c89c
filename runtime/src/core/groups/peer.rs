//! Another node: its server, the memberships that the server has told, and those that it is told.

use std::collections::BTreeMap;

use super::message::{Members, Unread};
use super::outgoing::Outgoing;
use super::{Counts, Known, Membership, is_name};
use crate::core::Pid;
use crate::core::limits::GROUP_MEMBERSHIPS_MAX;

/// A node with which there is a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Peer {
    /// The server of the node when it was last known.
    server: Option<Pid>,
    /// Set while the node is being asked who its server is.
    is_sought: bool,
    /// Set if the host has not been told to ask yet.
    pub(super) to_seek: bool,
    /// Set if a message of a server was ignored, since it was not known who the server is.
    has_missed: bool,
    /// Set if such an ignored message was a request of the last known server for a new stream.
    has_missed_ask: bool,
    /// The sender of the last such message since the node was asked.
    heard: Option<Pid>,
    /// The stream in place of which the server is to be asked for a new one.
    pub(super) ask: Option<i64>,
    incoming: Incoming,
    /// The memberships that the server has told, each with the stream that named it last.
    members: BTreeMap<Membership, i64>,
    pub(super) outgoing: Outgoing,
}

/// The progress of the server's stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Incoming {
    /// The stream that is read; 0 before the first one.
    stream: i64,
    /// The number of its next message.
    next: i64,
    /// Set if all memberships have been named.
    is_complete: bool,
    /// The number of memberships that the stream has named and that still exist.
    named: usize,
    /// The number of messages since then that did not fit into the stream.
    strays: u32,
}

/// The identity of the server.
impl Peer {
    /// Returns the server, if it is known now.
    pub(super) fn server(&self) -> Option<Pid> {
        self.server.filter(|_| !self.is_sought)
    }

    /// Notes that the node is to be asked who its server is.
    pub(super) const fn seek(&mut self) {
        self.is_sought = true;
        self.to_seek = true;
        self.heard = None;
    }

    pub(super) fn named(&mut self, server: Pid, last_stream: &mut i64, known: &mut Known) {
        if !std::mem::take(&mut self.is_sought) {
            return;
        }
        if self.server != Some(server) {
            self.forget(known);
            self.server = Some(server);
            //= spec/groups.md#grp-str-001
            //# When NAMED names another process than `last`, a server MUST begin a stream to it.
            self.outgoing.begin(last_stream);
        }
        self.seek_who_was_heard(Some(server));
        if !self.is_sought {
            self.make_up(last_stream);
        }
    }

    /// Makes up for messages of the server that were ignored before it was known.
    fn make_up(&mut self, last_stream: &mut i64) {
        //= spec/groups.md#grp-srv-004
        //# When a server becomes known after a message of its node was ignored by GRP-SRV-003, a server MUST
        //# send it an ask with stream 0.
        if std::mem::take(&mut self.has_missed) {
            self.ask = Some(0);
        }
        //= spec/groups.md#grp-srv-008
        //# When a server becomes known again after an ask of it was ignored, a server MUST begin another
        //# stream to it.
        if std::mem::take(&mut self.has_missed_ask) {
            self.outgoing.begin(last_stream);
        }
    }

    /// Handles the node's answer about its server.
    fn seek_who_was_heard(&mut self, answer: Option<Pid>) {
        //= spec/groups.md#grp-srv-007
        //# When the answer to MONITOR_NAME is not the `from` of the last message ignored meanwhile, a server
        //# MUST monitor that name once more.
        if self.heard.is_some() && self.heard != answer {
            self.seek();
        }
        self.heard = None;
    }

    pub(super) fn nobody(&mut self, known: &mut Known) {
        if std::mem::take(&mut self.is_sought) {
            self.forget(known);
            self.seek_who_was_heard(None);
        }
    }

    pub(super) fn ended(&mut self, known: &mut Known) {
        if self.server().is_some() {
            self.forget(known);
            //= spec/groups.md#grp-srv-006
            //# When the monitor of a server ends before the session does, a server MUST monitor the name
            //# `groups` there once more.
            self.seek();
        }
    }

    /// Forgets the server, and the memberships that it has told.
    pub(super) fn forget(&mut self, known: &mut Known) {
        if let Some(server) = self.server.take() {
            let members = std::mem::take(&mut self.members);
            members.into_keys().for_each(|(group, local)| known.left(&group, beside(server, local)));
        }
        self.incoming = Incoming::default();
        self.outgoing.stop();
        self.ask = None;
        self.has_missed_ask = false;
    }

    /// Checks that a message of this process is one of the node's server.
    pub(super) fn hear(&mut self, from: Pid, is_ask: bool) -> Result<(), Unread> {
        if self.server() == Some(from) {
            return Ok(());
        }
        //= spec/groups.md#grp-srv-003
        //# A server MUST ignore a message whose `from` is not the known server of its node, and monitor the
        //# name `groups` there anew unless that is sought.
        self.has_missed = true;
        self.has_missed_ask |= is_ask && self.server == Some(from);
        if self.is_sought {
            self.heard = Some(from);
        } else {
            self.seek();
        }
        Err(Unread)
    }
}

/// The memberships that the server tells.
impl Peer {
    pub(super) fn take(
        &mut self,
        members: &Members<'_>,
        known: &mut Known,
        counts: &mut Counts,
    ) -> Result<(), Unread> {
        self.follow(members.stream, members.number, known, counts)?;
        let mut ignored = 0;
        //= spec/groups.md#grp-msg-006
        //# In `joined` and `left` a server MUST skip a value that is no entry, an entry without a name of a
        //# group, and in each other entry what is no pid of the node of `from` in its present start.
        members.left.for_each(|entry| ignored += u64::from(!self.on_entry(entry, known, Self::left)));
        members.joined.for_each(|entry| ignored += u64::from(!self.on_entry(entry, known, Self::joined)));
        counts.entries_ignored += ignored;
        if members.complete && !std::mem::replace(&mut self.incoming.is_complete, true) {
            self.sweep(known);
        }
        Ok(())
    }

    /// Checks that a message is the next one of the stream.
    fn follow(
        &mut self,
        stream: i64,
        number: i64,
        known: &mut Known,
        counts: &mut Counts,
    ) -> Result<(), Unread> {
        if number == 0 && stream > self.incoming.stream {
            // A server that begins streams and ends none leaves no more behind than two of them can name.
            if self.members.len() > GROUP_MEMBERSHIPS_MAX {
                self.sweep(known);
            }
            self.incoming = Incoming { stream, next: 1, ..Incoming::default() };
            return Ok(());
        }
        let incoming = &mut self.incoming;
        if stream == incoming.stream && number == incoming.next {
            incoming.next += 1;
            return Ok(());
        }
        //= spec/groups.md#grp-str-005
        //# A server MUST ignore a message that is neither the next of the stream that it reads nor the first
        //# of a later one.
        let is_old = stream < incoming.stream || stream == incoming.stream && number < incoming.next;
        if !is_old {
            //= spec/groups.md#grp-str-006
            //# When a server ignores a message because earlier ones are missing, for the first time while it
            //# reads one stream, it MUST send an ask with the `stream` of that message.
            //= spec/groups.md#grp-str-011
            //# When a server has ignored 2, 4, 8 or another power of two of messages as in GRP-STR-006 while
            //# it reads one stream, it MUST send another ask, with the `stream` of the last of them.
            incoming.strays = incoming.strays.saturating_add(1);
            if incoming.strays.is_power_of_two() {
                self.ask = Some(stream);
                counts.asked_again += 1;
            }
        }
        Err(Unread)
    }

    fn on_entry(
        &mut self,
        entry: Option<(&str, Pid)>,
        known: &mut Known,
        act: impl FnOnce(&mut Self, Membership, Pid, &mut Known) -> bool,
    ) -> bool {
        let Some((group, pid)) = entry else { return false };
        let is_of_peer = self.server.is_some_and(|server| pid == beside(server, pid.local()));
        if !is_of_peer || pid.local() == 0 || !is_name(group) {
            return false;
        }
        act(self, (known.name(group), pid.local()), pid, known)
    }

    fn joined(&mut self, membership: Membership, pid: Pid, known: &mut Known) -> bool {
        let stream = self.incoming.stream;
        let before = self.members.get(&membership).copied();
        if before == Some(stream) {
            return true;
        }
        //= spec/groups.md#grp-mem-004
        //# A server MUST NOT keep more than `group_memberships_max` memberships that one stream of a node has named.
        if self.incoming.named >= GROUP_MEMBERSHIPS_MAX {
            return false;
        }
        self.incoming.named += 1;
        if before.is_none() {
            known.joined(&membership.0, pid);
        }
        self.members.insert(membership, stream);
        true
    }

    fn left(&mut self, membership: Membership, pid: Pid, known: &mut Known) -> bool {
        let Some(stream) = self.members.remove(&membership) else { return true };
        if stream == self.incoming.stream {
            self.incoming.named -= 1;
        }
        known.left(&membership.0, pid);
        true
    }

    /// Removes the memberships that the stream has not named.
    fn sweep(&mut self, known: &mut Known) {
        //= spec/groups.md#grp-str-004
        //# On a message in which `complete` is true a server MUST forget the memberships of that node that
        //# the stream has not named.
        let Some(server) = self.server else { return };
        let stream = self.incoming.stream;
        self.members.retain(|(group, local), named_by| {
            let stays = *named_by == stream;
            if !stays {
                known.left(group, beside(server, *local));
            }
            stays
        });
    }
}

/// Returns the process with this number on the node of a server.
const fn beside(server: Pid, local: u64) -> Pid {
    Pid::new(server.node(), server.creation(), local)
}
