//! The numbers by which this node knows other nodes.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use super::NodeNumber;
use super::limits::{NODES_HEARD_OF_MAX, NODES_KNOWN_MAX};

/// One run of a node, identified by the node's name and incarnation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Start {
    /// The node's name, with its port.
    pub name: Arc<str>,
    /// The incarnation: a number that the node has drawn at random for this run.
    pub incarnation: NonZeroU64,
}

impl Start {
    /// Returns the creation in the pids of the node's processes in this run, from 1 to 255. It follows from the
    /// incarnation.
    #[must_use]
    pub const fn creation(&self) -> u8 {
        //= spec/handshake.md#hs-cre-001
        //# A node of version 2 MUST write 1 + (incarnation mod 255) into `creation`.
        // A remainder of 255 is at most 254.
        #[allow(clippy::cast_possible_truncation)]
        let remainder = (self.incarnation.get() % 255) as u8;
        1 + remainder
    }
}

/// A source of node numbers: [`Numbers`], or a type that shares one [`Numbers`].
///
/// An implementation must neither block nor panic, since its methods are called in the middle of a change.
pub trait Numbering {
    /// Returns the number of the node `name` in the run with this incarnation. This method is called when a session
    /// with the node comes up. `name` includes the port.
    ///
    /// For a version 1 node, which does not announce its incarnation, `incarnation` is `None`. Such a node gets a new
    /// number for each session.
    fn of(&mut self, name: &Arc<str>, incarnation: Option<NonZeroU64>) -> NodeNumber;

    /// Records that the session with the node of this number is over. Until this call, an implementation must not
    /// forget the number.
    fn over(&mut self, number: NodeNumber);
}

/// The numbers of nodes: one for each start of a node. No number is given twice.
///
/// If a node comes back with the same incarnation, it keeps its number, so the pids that a program holds stay valid.
/// If peers have named a node before the first session with it, the node keeps that number too.
///
/// A node with which there is a session is never forgotten. After the session, the numbers of at most
/// [`NODES_KNOWN_MAX`] such nodes are kept: the node whose session ended first is forgotten first. The numbers of at
/// most [`NODES_HEARD_OF_MAX`] nodes that only peers have named are kept: the node that was named first is forgotten
/// first. If a forgotten node comes back, it gets a new number. A version 1 node is forgotten at the end of its
/// session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Numbers {
    own: Option<Start>,
    last: u64,
    by_start: BTreeMap<Start, NodeNumber>,
    /// The nodes with which there is a session. They are never forgotten.
    up: BTreeMap<NodeNumber, Start>,
    /// The nodes with which there was a session, each with the turn in which it is forgotten.
    left: BTreeMap<NodeNumber, (u64, Start)>,
    turns: BTreeMap<u64, NodeNumber>,
    /// The nodes that are known only because node tables of peers have named them.
    heard_of: BTreeMap<NodeNumber, Start>,
}

impl Numbers {
    /// Creates the numbers of a node that has met no others. `own` is its own start.
    #[must_use]
    pub fn new(own: Start) -> Self {
        Self { own: Some(own), ..Self::default() }
    }

    /// Returns the number of a start that a peer's node table names. A start without a number gets one.
    ///
    /// For this node's own start, returns [`NodeNumber::HERE`].
    pub fn heard_of(&mut self, start: Start) -> NodeNumber {
        if self.own.as_ref() == Some(&start) {
            return NodeNumber::HERE;
        }
        if let Some(number) = self.by_start.get(&start) {
            return *number;
        }
        //= spec/capabilities.md#cap-ntb-012
        //# A node MUST bound the number of nodes that it keeps only because node tables have named them to
        //# `nodes_heard_of_max`.
        if self.heard_of.len() >= NODES_HEARD_OF_MAX
            && let Some((_, oldest)) = self.heard_of.pop_first()
        {
            self.by_start.remove(&oldest);
        }
        let number = self.next();
        self.by_start.insert(start.clone(), number);
        self.heard_of.insert(number, start);
        number
    }

    /// Returns the start of the node that has this number.
    ///
    /// Returns `None` for this node, for nodes that have been forgotten, and for version 1 nodes, which have no
    /// incarnation by which others could identify them.
    #[must_use]
    pub fn start(&self, number: NodeNumber) -> Option<&Start> {
        let left = || self.left.get(&number).map(|(_, start)| start);
        self.up.get(&number).or_else(left).or_else(|| self.heard_of.get(&number))
    }

    /// Returns the start of the node that has this number, if there is or was a session with that node. It returns
    /// `None` for nodes that only peers have named. Apart from that, this method behaves like [`start`](Self::start).
    #[must_use]
    pub fn met(&self, number: NodeNumber) -> Option<&Start> {
        self.start(number).filter(|_| !self.heard_of.contains_key(&number))
    }

    fn meet(&mut self, start: Start) -> NodeNumber {
        //= spec/session.md#ses-pid-017
        //# A node MUST take a pid from an earlier session with the present start of the peer for the same
        //# process as then, unless it has forgotten that node by `nodes_known_max`.
        //= spec/capabilities.md#cap-ntb-011
        //# A node MUST resolve an index to itself or to the peer of a session if, and only if, that node has
        //# the name and the incarnation of the entry, unless it has forgotten that node by
        //# `nodes_heard_of_max` or `nodes_known_max` since it read the entry.
        let known = self.by_start.get(&start).copied();
        //= spec/session.md#ses-pid-018
        //# A node MUST NOT take a pid from a session with another incarnation of the peer for a process of
        //# the peer's present start.
        let number = known.unwrap_or_else(|| self.next());
        self.heard_of.remove(&number);
        if let Some((turn, _)) = self.left.remove(&number) {
            self.turns.remove(&turn);
        }
        self.by_start.insert(start.clone(), number);
        self.up.insert(number, start);
        number
    }

    /// Returns the next number that stands for another node. There are more of them than a node can meet.
    fn next(&mut self) -> NodeNumber {
        loop {
            self.last = self.last.wrapping_add(1);
            if let Some(number) = NodeNumber::other(self.last) {
                return number;
            }
        }
    }
}

impl Numbering for Numbers {
    fn of(&mut self, name: &Arc<str>, incarnation: Option<NonZeroU64>) -> NodeNumber {
        match incarnation {
            Some(incarnation) => self.meet(Start { name: name.clone(), incarnation }),
            //= spec/version1.md#v1-elc-002
            //# A node MUST take a process of a version 1 peer that it has learned of in an earlier session
            //# for dead.
            None => self.next(),
        }
    }

    fn over(&mut self, number: NodeNumber) {
        // A node of version 1 is not kept.
        let Some(start) = self.up.remove(&number) else { return };
        // A forgotten node that comes back gets a new number: its old pids are then dead, not wrong.
        if self.left.len() >= NODES_KNOWN_MAX
            && let Some((_, first)) = self.turns.pop_first()
            && let Some((_, forgotten)) = self.left.remove(&first)
        {
            self.by_start.remove(&forgotten);
        }
        let turn = self.turns.last_key_value().map_or(0, |(last, _)| last.saturating_add(1));
        self.turns.insert(turn, number);
        self.left.insert(number, (turn, start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(name: &str, incarnation: u64) -> Start {
        Start { name: name.into(), incarnation: NonZeroU64::new(incarnation).unwrap() }
    }

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
        let first = numbers.of(&a, None);
        assert_ne!(numbers.of(&a, None), first);
        assert_eq!(numbers.start(first), None);
    }

    #[test]
    fn nodes_that_were_seen_are_not_kept_without_end() {
        let mut numbers = Numbers::default();
        for port in 0..=NODES_KNOWN_MAX {
            let number = numbers.of(&format!("a@h:{port}").into(), NonZeroU64::new(1));
            numbers.over(number);
            assert!(numbers.left.len() <= NODES_KNOWN_MAX && numbers.by_start.len() == numbers.left.len());
        }
        assert_eq!(numbers.turns.len(), NODES_KNOWN_MAX);
    }

    #[test]
    fn whoever_left_first_is_forgotten_first_and_whoever_is_there_never() {
        let mut numbers = Numbers::default();
        let one = NonZeroU64::new(1);
        let here = numbers.of(&"here@h:1".into(), one);
        // Numbered early, and gone last.
        let told = numbers.heard_of(start("last@h:1", 1));
        let first = numbers.of(&"first@h:1".into(), one);
        numbers.over(first);
        for incarnation in 2..=NODES_KNOWN_MAX as u64 {
            let number = numbers.of(&"a@h:1".into(), NonZeroU64::new(incarnation));
            numbers.over(number);
        }
        assert_eq!(numbers.start(first), Some(&start("first@h:1", 1)));
        assert_eq!(numbers.of(&"last@h:1".into(), one), told);
        numbers.over(told);
        assert_eq!(numbers.start(first), None);
        assert_eq!(numbers.start(told), Some(&start("last@h:1", 1)));
        assert_eq!(numbers.heard_of(start("here@h:1", 1)), here);
    }

    //= spec/capabilities.md#cap-ntb-011
    //= type=test
    //# A node MUST resolve an index to itself or to the peer of a session if, and only if, that node has the
    //# name and the incarnation of the entry, unless it has forgotten that node by `nodes_heard_of_max` or
    //# `nodes_known_max` since it read the entry.
    #[test]
    fn a_node_that_was_told_of_keeps_its_number_when_it_comes_and_no_other_start_has_it() {
        let mut numbers = Numbers::new(start("own@h:1", 9));
        let told = numbers.heard_of(start("a@h:1", 1));
        assert_eq!((numbers.start(told), numbers.met(told)), (Some(&start("a@h:1", 1)), None));
        assert_eq!(numbers.of(&"a@h:1".into(), NonZeroU64::new(1)), told);
        assert_eq!(numbers.met(told), Some(&start("a@h:1", 1)));
        let restarted = numbers.of(&"a@h:1".into(), NonZeroU64::new(2));
        assert_ne!(restarted, told);
        assert_eq!(numbers.heard_of(start("a@h:1", 1)), told);
        assert_eq!(numbers.heard_of(start("a@h:1", 2)), restarted);
        assert_eq!(numbers.start(told), Some(&start("a@h:1", 1)));
        assert_eq!(numbers.heard_of(start("own@h:1", 9)), NodeNumber::HERE);
        assert_ne!(numbers.heard_of(start("own@h:1", 8)), NodeNumber::HERE);
    }

    //= spec/capabilities.md#cap-ntb-012
    //= type=test
    //# A node MUST bound the number of nodes that it keeps only because node tables have named them to
    //# `nodes_heard_of_max`.
    #[test]
    fn whoever_names_many_nodes_makes_others_forgotten_and_never_mistaken() {
        let mut numbers = Numbers::default();
        let met = numbers.of(&"met@h:1".into(), NonZeroU64::new(1));
        let first = numbers.heard_of(start("a@h:1", 1));
        for incarnation in 2..=NODES_HEARD_OF_MAX as u64 + 1 {
            assert_ne!(numbers.heard_of(start("a@h:1", incarnation)), first);
        }
        assert_eq!(numbers.heard_of.len(), NODES_HEARD_OF_MAX);
        assert_eq!(numbers.start(first), None);
        // It is another number when it is named again: whoever holds the old pid has one of a node that is gone.
        assert!(numbers.heard_of(start("a@h:1", 1)) > first);
        assert_eq!(numbers.of(&"met@h:1".into(), NonZeroU64::new(1)), met);
    }
}
