//! The stream to the server of another node: all memberships of this one, then what changes.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::Membership;
use super::changes::{Change, Changes};
use super::message::Batch;
use crate::core::{NodeNumber, Pid, Term};

/// What a server is told, and how far that has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Outgoing {
    /// Its number.
    stream: i64,
    /// The number of its next message.
    next: i64,
    walk: Walk,
    /// Of those memberships that were walked past.
    changes: Changes,
    /// The next message goes out even if there is nothing to tell.
    is_due: bool,
}

/// How many of this node's memberships the stream has named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
enum Walk {
    /// There is no stream.
    #[default]
    Off,
    /// None yet.
    Start,
    /// Those up to this one.
    Until(Membership),
    /// All.
    Done,
}

impl Outgoing {
    //= spec/groups.md#grp-str-002
    //# A server MUST give each stream that it begins a larger number than all those before, from 1 on.
    // In whichever session: what was polled in the one before can go out in this one.
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
    //# A server MUST send the next message of a stream at most `groups_interval_max` seconds after the one before it, even if
    //# there is nothing to tell.
    /// It is some time since a message went out. Returns whether there is more to tell.
    pub(super) fn fall_due(&mut self) -> bool {
        self.is_due = self.walk != Walk::Off;
        self.is_due
    }

    //= spec/groups.md#grp-str-007
    //# A server that reads an ask whose `stream` is 0 or the number of its present stream to that server MUST begin another
    //# stream to it.
    pub(super) fn asked(&mut self, stream: i64, last_stream: &mut i64) {
        if stream == 0 || stream == self.stream {
            self.begin(last_stream);
        }
    }

    /// A membership has changed. Returns whether there is more to tell.
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

    /// The next message, if there is something to tell.
    pub(super) fn next(&mut self, own: Pid, to: Pid, here: &BTreeSet<Membership>) -> Option<Term> {
        let has_more = matches!(self.walk, Walk::Start | Walk::Until(_)) || !self.changes.is_empty();
        if !has_more && !std::mem::take(&mut self.is_due) {
            return None;
        }
        self.is_due = false;
        //= spec/groups.md#grp-str-008
        //# A server MUST name in each of its streams, in `joined`, each membership of its node that the stream has not named, and
        //# in `left` each one that it has named and that is there no more.
        let mut batch = Batch::default();
        // What was walked past and has joined since is named before it is said that this is all.
        if self.take_changes(&mut batch) {
            self.walk_on(&mut batch, own, here);
        }
        //= spec/groups.md#grp-str-003
        //# A server MUST number the messages of a stream from 0 on, each with one more than the one before it.
        let number = self.next;
        self.next += 1;
        //= spec/groups.md#grp-str-009
        //# A server MUST write true into `complete` from the message on with which a stream has named all memberships of its
        //# node, and false before.
        batch.write(own, to, self.stream, number, self.walk == Walk::Done)
    }

    /// Whether there was room for all.
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
