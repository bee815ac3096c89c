//! The stream to the server of another node: all memberships of this node, then the changes.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::Membership;
use super::changes::{Change, Changes};
use super::message::Batch;
use crate::core::{NodeNumber, Pid, Term};

/// The state of the stream to a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Outgoing {
    /// The number of the stream.
    stream: i64,
    /// The number of its next message.
    next: i64,
    walk: Walk,
    /// The changes of memberships that the walk has passed.
    changes: Changes,
    /// Set if the next message goes out even without anything to tell.
    is_due: bool,
}

/// The progress of the stream through this node's memberships.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
enum Walk {
    /// There is no stream.
    #[default]
    Off,
    /// No membership has been named yet.
    Start,
    /// The memberships up to this one have been named.
    Until(Membership),
    /// All memberships have been named.
    Done,
}

impl Outgoing {
    //= spec/groups.md#grp-str-002
    //# A server MUST give each stream that it begins, to any node, a larger number than all those before,
    //# from 1 on.
    // The number is unique across sessions: what was polled in one session can go out in the next.
    pub(super) fn begin(&mut self, last_stream: &mut i64) {
        *last_stream += 1;
        self.stream = *last_stream;
        self.next = 0;
        self.walk = Walk::Start;
        self.changes.clear();
        self.is_due = true;
    }

    pub(super) fn stop(&mut self) {
        self.walk = Walk::Off;
        self.changes.clear();
        self.is_due = false;
    }

    //= spec/groups.md#grp-str-010
    //# A server MUST send the next message of a stream at the latest when `groups_interval_max` seconds have
    //# passed since the one before it, even if there is nothing to tell, while its reader is known and the
    //# session's queue has room.
    /// Makes a message due, since some time has passed without one. Returns `true` if there is now something to send.
    pub(super) fn fall_due(&mut self) -> bool {
        self.is_due = self.walk != Walk::Off;
        self.is_due
    }

    //= spec/groups.md#grp-str-007
    //# On an ask whose `stream` is 0 or that of its present stream to the asking server, a server MUST begin
    //# another stream to it.
    pub(super) fn asked(&mut self, stream: i64, last_stream: &mut i64) {
        if stream == 0 || stream == self.stream {
            self.begin(last_stream);
        }
    }

    /// Notes a change of a membership. Returns `true` if there is now something to send.
    pub(super) fn note(&mut self, membership: &Membership, pid: Pid, change: Change) -> bool {
        let is_told = match &self.walk {
            Walk::Off | Walk::Start => false,
            Walk::Until(last) => membership <= last,
            Walk::Done => true,
        };
        if is_told {
            self.changes.note(&membership.0, pid, change);
        }
        is_told
    }

    /// Returns the next message, if there is something to tell.
    pub(super) fn next(&mut self, own: Pid, to: Pid, here: &BTreeSet<Membership>) -> Option<Term> {
        let has_more = matches!(self.walk, Walk::Start | Walk::Until(_)) || !self.changes.is_empty();
        if !has_more && !std::mem::take(&mut self.is_due) {
            return None;
        }
        self.is_due = false;
        //= spec/groups.md#grp-str-008
        //# In each stream a server MUST name in `joined` each membership of its node that the stream has not
        //# named, or named last in `left`, and in `left` each one that it named last in `joined` and that is
        //# gone.
        let mut batch = Batch::default();
        // Memberships that the walk has passed and that have been added since are named before the message that says
        // that this is all.
        if self.take_changes(&mut batch) {
            self.walk_on(&mut batch, own, here);
        }
        //= spec/groups.md#grp-str-003
        //# A server MUST number the messages of a stream 0, 1, 2 and so on.
        let number = self.next;
        self.next += 1;
        //= spec/groups.md#grp-str-009
        //# A server MUST write true into `complete` from the message on with which the stream has named all
        //# memberships of its node, and false before.
        batch.write(own, to, self.stream, number, self.walk == Walk::Done)
    }

    /// Moves changes into the batch. Returns `true` if there was room for all.
    fn take_changes(&mut self, batch: &mut Batch) -> bool {
        while let Some((group, pid, change)) = self.changes.peek() {
            if !batch.add(group, pid, change) {
                return false;
            }
            self.changes.take();
        }
        true
    }

    fn walk_on(&mut self, batch: &mut Batch, own: Pid, here: &BTreeSet<Membership>) {
        let from = match &self.walk {
            Walk::Off | Walk::Done => return,
            Walk::Start => Bound::Unbounded,
            Walk::Until(last) => Bound::Excluded(last.clone()),
        };
        for membership in here.range((from, Bound::Unbounded)) {
            let pid = Pid::new(NodeNumber::HERE, own.creation(), membership.1);
            if !batch.add(&membership.0, pid, Change::Joined) {
                return;
            }
            self.walk = Walk::Until(membership.clone());
        }
        self.walk = Walk::Done;
    }
}
