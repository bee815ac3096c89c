//! Another node: its server, what that has told, and what it is told.

use std::collections::BTreeMap;

use super::message::{Members, Unread};
use super::outgoing::Outgoing;
use super::{Counts, Known, Membership, is_name};
use crate::core::Pid;
use crate::core::limits::GROUP_MEMBERSHIPS_MAX;

/// A node with which there is a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Peer {
    /// Who was its server when that was last known.
    server: Option<Pid>,
    /// It is being asked who is.
    is_sought: bool,
    /// The host has not been told to ask yet.
    pub(super) to_seek: bool,
    /// Something that was said as its server was not taken, since it was not known who that is.
    has_missed: bool,
    /// Among that was an ask of the server that was known last.
    has_missed_ask: bool,
    /// Who has said the last of that since the node was asked.
    heard: Option<Pid>,
    /// The stream for which the server is to be asked for a new one.
    pub(super) ask: Option<i64>,
    incoming: Incoming,
    /// What the server has told, each with the stream that named it last.
    members: BTreeMap<Membership, i64>,
    pub(super) outgoing: Outgoing,
}

/// How far the server's stream has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Incoming {
    /// The stream that is read; 0 before the first one.
    stream: i64,
    /// The number of its next message.
    next: i64,
    /// All has been named.
    is_complete: bool,
    /// How many memberships it has named that still are.
    named: usize,
    /// Messages that did not fit since then.
    strays: u32,
}

/// Who is the server.
impl Peer {
    /// The server, if it is known now.
    pub(super) fn server(&self) -> Option<Pid> {
        self.server.filter(|_| !self.is_sought)
    }

    /// The node is to be asked who its server is.
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
            //# When NAMED names another process than the server of that node that was known last, a server MUST begin a stream to it.
            self.outgoing.begin(last_stream);
        }
        self.seek_who_was_heard(Some(server));
        if !self.is_sought {
            self.make_up(last_stream);
        }
    }

    /// The server is known, and what it has said before that was not taken.
    fn make_up(&mut self, last_stream: &mut i64) {
        //= spec/groups.md#grp-srv-004
        //# When the server of a node is known again, or another one, and a message of the node was ignored meanwhile, a server
        //# MUST send it an ask with the stream 0.
        if std::mem::take(&mut self.has_missed) {
            self.ask = Some(0);
        }
        //= spec/groups.md#grp-srv-008
        //# When the server of a node is known again, and an ask of it was ignored meanwhile, a server MUST begin another stream
        //# to it.
        if std::mem::take(&mut self.has_missed_ask) {
            self.outgoing.begin(last_stream);
        }
    }

    /// The node has said who its server is.
    fn seek_who_was_heard(&mut self, answer: Option<Pid>) {
        //= spec/groups.md#grp-srv-007
        //# When the answer to a monitor of the name `groups` is not the `from` of the message that was ignored last while it was
        //# waited for, a server MUST monitor that name once more.
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
            //# When the monitor of a server ends in a session that goes on, a server MUST monitor the name `groups` of the peer
            //# once more.
            self.seek();
        }
    }

    /// Forgets the server, and what it has told.
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

    /// Whether a message of this process is one of the node's server.
    pub(super) fn hear(&mut self, from: Pid, is_ask: bool) -> Result<(), Unread> {
        if self.server() == Some(from) {
            return Ok(());
        }
        //= spec/groups.md#grp-srv-003
        //# A server MUST ignore a message whose `from` is not the pid that NAMED has given for the latest monitor of the name
        //# `groups` of that node, and monitor that name anew, unless it waits for NAMED or MONITOR_EXIT of such a monitor.
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

/// What the server tells.
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
        //# A server MUST ignore, and go on behind, an entry of `joined` or `left` that is no entry, that names a group by what
        //# can be no name of one, or a process that is none of the node of `from` in its present start.
        members.left.for_each(|entry| ignored += u64::from(!self.on_entry(entry, known, Self::left)));
        members.joined.for_each(|entry| ignored += u64::from(!self.on_entry(entry, known, Self::joined)));
        counts.entries_ignored += ignored;
        if members.complete && !std::mem::replace(&mut self.incoming.is_complete, true) {
            self.sweep(known);
        }
        Ok(())
    }

    /// Whether a message is the next one of the stream.
    fn follow(
        &mut self,
        stream: i64,
        number: i64,
        known: &mut Known,
        counts: &mut Counts,
    ) -> Result<(), Unread> {
        if number == 0 && stream > self.incoming.stream {
            // Whoever begins streams and ends none leaves no more behind than what two of them can name.
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
        //# A server MUST ignore a message that is neither the next one of the stream that it reads nor the first one of a
        //# later stream.
        let is_old = stream < incoming.stream || stream == incoming.stream && number < incoming.next;
        if !is_old {
            //= spec/groups.md#grp-str-006
            //# When a server ignores a message because messages before it are missing, it MUST send an ask with the `stream` of
            //# that message, unless it has sent an ask since the last message that it did not ignore.
            //= spec/groups.md#grp-str-011
            //# When a server has ignored two, four, eight or any other power of two of messages before which messages are missing,
            //# since the last one that it did not ignore, it MUST send another ask, with the `stream` of the last of them.
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

    /// Takes out what the stream has not named.
    fn sweep(&mut self, known: &mut Known) {
        //= spec/groups.md#grp-str-004
        //# When a server has read a message in which `complete` is true, it MUST forget the memberships of that node that the
        //# stream has not named.
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

/// The process of this number on the node of a server.
const fn beside(server: Pid, local: u64) -> Pid {
    Pid::new(server.node(), server.creation(), local)
}
