//! The numbers that other nodes have here.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use super::NodeNumber;
use super::limits::NODES_KNOWN_MAX;

/// One number for each start of a node. A node that comes back with the same incarnation has the number it had, so
/// that the pids a program holds stay good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Numbers {
    last: u32,
    known: BTreeMap<Arc<str>, (Option<NonZeroU64>, NodeNumber)>,
}

impl Numbers {
    /// The number of the node `name` in this start of it; a version 1 node, which does not say its incarnation, has
    /// another one each time.
    pub(super) fn of(&mut self, name: &Arc<str>, incarnation: Option<NonZeroU64>) -> NodeNumber {
        if let Some((known, number)) = self.known.get(name)
            //= spec/version1.md#v1-elc-002
            //# A node MUST take a process of a version 1 peer that it has learned of in an earlier session
            //# for dead.
            && known.is_some()
            && *known == incarnation
        {
            //= spec/session.md#ses-pid-017
            //# A node MUST take a pid that it has learned in an earlier session for that of the same process
            //# if the present session is with the same node name and the same incarnation, unless it has
            //# forgotten that node by `nodes_known_max`.
            return *number;
        }
        if self.known.len() >= NODES_KNOWN_MAX {
            // Whoever of them comes back gets a new number: its old pids are dead then, not wrong.
            self.known.clear();
        }
        //= spec/session.md#ses-pid-018
        //# A node MUST NOT take a pid that it has learned in a session with another incarnation of the peer
        //# for that of a process of the peer's present start.
        let number = self.next();
        self.known.insert(name.clone(), (incarnation, number));
        number
    }

    /// The next number that means a node. Numbers come round only after 2^32 starts of other nodes.
    fn next(&mut self) -> NodeNumber {
        loop {
            self.last = self.last.wrapping_add(1);
            if let Some(number) = NodeNumber::other(self.last) {
                return number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restarted_node_has_another_number() {
        let mut numbers = Numbers::default();
        let (a, one, two) = (Arc::from("a@h:1"), NonZeroU64::new(1), NonZeroU64::new(2));
        let first = numbers.of(&a, one);
        assert_eq!(numbers.of(&a, one), first);
        let second = numbers.of(&a, two);
        assert_ne!(second, first);
        assert_ne!(numbers.of(&Arc::from("b@h:1"), one), second);
    }

    //= spec/version1.md#v1-elc-002
    //= type=test
    //# A node MUST take a process of a version 1 peer that it has learned of in an earlier session for dead.
    #[test]
    fn every_start_of_a_node_without_incarnation_counts_as_a_new_one() {
        let mut numbers = Numbers::default();
        let a = Arc::from("a@h:1");
        assert_ne!(numbers.of(&a, None), numbers.of(&a, None));
    }

    #[test]
    fn nodes_that_were_seen_are_not_kept_without_end() {
        let mut numbers = Numbers::default();
        for port in 0..=NODES_KNOWN_MAX {
            numbers.of(&format!("a@h:{port}").into(), NonZeroU64::new(1));
            assert!(numbers.known.len() <= NODES_KNOWN_MAX);
        }
    }
}
