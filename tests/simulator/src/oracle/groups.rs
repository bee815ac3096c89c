//! Groups as they are in truth: who has joined which, and has neither left it nor ended. And how a message between two servers
//! of groups is told from others.

use std::collections::BTreeSet;
use std::hash::Hasher;

use rustc_hash::{FxHashMap, FxHasher};
use snow_dist_codec::{Pid as WirePid, Reading, stf};

use super::Who;

/// Groups that processes join.
pub(crate) const GROUPS: u8 = 3;

/// The number of the name that servers have, beside those of `name_of`.
pub(crate) const SERVERS: u32 = 99;

/// Processes of a start of a node, each with a group that it is in.
pub(crate) type Members = BTreeSet<(u8, Who)>;

#[derive(Debug, Default)]
pub(crate) struct Memberships {
    /// By the start of a node.
    members: FxHashMap<u32, Members>,
}

impl Memberships {
    /// True if it was no member.
    pub(crate) fn join(&mut self, group: u8, who: Who) -> bool {
        self.members.entry(who.start).or_default().insert((group, who))
    }

    /// True if it was a member.
    pub(crate) fn leave(&mut self, group: u8, who: Who) -> bool {
        self.members.entry(who.start).or_default().remove(&(group, who))
    }

    /// A process has ended. Gives how many groups it was in.
    pub(crate) fn ended(&mut self, who: Who) -> usize {
        let members = self.members.entry(who.start).or_default();
        let before = members.len();
        members.retain(|(_, member)| *member != who);
        before - members.len()
    }

    /// The server of a start is gone, and all that was its own.
    pub(crate) fn gone(&mut self, start: u32) {
        self.members.remove(&start);
    }

    pub(crate) fn of(&self, start: u32) -> impl Iterator<Item = (u8, Who)> + '_ {
        self.members.get(&start).into_iter().flatten().copied()
    }
}

/// The name of a number.
pub(crate) fn group_name(number: u8) -> String {
    format!("group {number}")
}

/// The number of a name.
pub(crate) fn group_of(name: &str) -> Option<u8> {
    name.strip_prefix("group ")?.parse().ok()
}

/// A message of a server: by which process it says it is, and a number that stands for what it says. It is the same
/// wherever the message is looked at, whatever node ids its pids have there; messages that are numbered have no such one.
pub(crate) fn server_message(term: &[u8]) -> Option<(u32, u32)> {
    let (mut from, mut plain) = (None, term.to_vec());
    stf::for_each_pid(term, Reading::Strict, |at, pid| {
        from = from.or_else(|| Some(pid.local() as u32));
        let _ = stf::replace_pid(&mut plain, at, WirePid::from_bits(pid.local()));
    })
    .ok()?;
    let mut hasher = FxHasher::default();
    hasher.write(&plain);
    let number = hasher.finish();
    Some((from?, 1 << 31 | (number ^ number >> 32) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_those_who_joined() {
        let (one, other) = (Who { start: 3, local: 1 }, Who { start: 3, local: 2 });
        let mut memberships = Memberships::default();
        assert!(memberships.join(0, one) && memberships.join(1, one) && memberships.join(1, other));
        assert!(!memberships.join(1, other) && !memberships.leave(0, other));
        assert_eq!(memberships.ended(one), 2);
        assert!(memberships.of(3).eq([(1, other)]));
        assert!(memberships.leave(1, other));
        assert_eq!(memberships.of(3).count(), 0);
    }
}
