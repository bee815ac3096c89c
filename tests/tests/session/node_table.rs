//! What two nodes say of third ones. Specification: `capabilities.md`, "Node table".

use std::num::NonZeroU64;

use snow_dist_codec::frame::{Exit, NodeTable, SendTerm};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Frame, Pid as WirePid, ReasonBuf, Root};
use snow_dist_runtime::core::session::CAPABILITIES;
use snow_dist_runtime::core::{NodeNumber, Numbering, Pid, Reason, Start};
use snow_dist_tests::simnet::Side::{self, A, B};
use snow_dist_tests::simnet::{Pair, Seen};

use super::exit;

/// Two nodes that have both announced it; each holds so many entries of the other. Their processes 3 are linked.
fn pair(entries: [u32; 2]) -> Pair {
    let mut pair = Pair::with(|side, config| {
        config.capabilities = CAPABILITIES;
        config.bounds.node_table_entries = entries[side as usize];
        config.peer_bounds.node_table_entries = entries[side.other() as usize];
    });
    pair[A].session.link(3, 3).unwrap();
    pair.settle();
    pair
}

fn third(incarnation: u64) -> Start {
    Start { name: "c@host:1".into(), incarnation: NonZeroU64::new(incarnation).unwrap() }
}

/// A process of a third node, as `side` sees it that has a session with that.
fn met(pair: &mut Pair, side: Side, start: &Start, local: u64) -> Pid {
    let number = pair[side].table.numbers.of(&start.name, Some(start.incarnation));
    Pid::new(number, start.creation(), local)
}

/// Tells the session of the node of a process, as the runtime does.
fn introduce(pair: &mut Pair, side: Side, pid: Pid) {
    let start = pair[side].table.numbers.start(pid.node()).cloned();
    pair[side].session.introduce(pid.node(), || start);
}

/// The hops of the only exit signal that a process has seen.
fn hops(pair: &Pair, side: Side, local: u64) -> Vec<Pid> {
    match pair.seen(side, local) {
        [Seen::Exit(_, Reason::Linked(chain))] => chain.hops.clone(),
        other => panic!("{other:?}"),
    }
}

//= spec/capabilities.md#cap-ntb-002
//# A node MUST write a NODE_TABLE before the first frame in which it writes its index.
//= spec/capabilities.md#cap-ntb-006
//# A node MUST write the index of an entry that it has made into each pid without an owner of a process of
//# that start.
#[test]
fn a_hop_of_a_third_node_arrives_as_the_process_that_it_is() {
    let mut pair = pair([4_096; 2]);
    let there = met(&mut pair, A, &third(3), 5);
    // Messages wait, and so does the EXIT behind them: the entry goes before all of it.
    pair[A].session.send(3, 3, b"first").unwrap();
    introduce(&mut pair, A, there);
    introduce(&mut pair, A, there);
    pair.end_process(A, 3, Reason::linked(there, &Reason::Killed));
    pair.settle();
    assert_eq!(pair[B].names(), ["LINK", "NODE_TABLE", "SEND", "EXIT"]);
    let frames = pair[B].frames();
    let (Frame::NodeTable(entry), Frame::Exit(exit)) = (frames[1], frames[3]) else { panic!("{frames:?}") };
    assert_eq!((entry.index, entry.incarnation, entry.name.as_str()), (1, 3, "c@host:1"));
    assert_eq!(exit.reason.hops().next(), WirePid::new(1, 4, 5));
    // When B has a session with that start, that is where the pid leads.
    let expected = met(&mut pair, B, &third(3), 5);
    let seen: Vec<_> = pair.seen(B, 3).to_vec();
    let reason = Reason::linked(expected, &Reason::Killed);
    assert_eq!(seen, [Seen::Message(b"first".to_vec()), super::exit(B, 3, reason)]);
    // Another start of that node is another node.
    assert_ne!(met(&mut pair, B, &third(3 + 255), 5), expected);
}

#[test]
fn an_entry_serves_every_frame_after_it() {
    let mut pair = pair([4_096; 2]);
    let there = met(&mut pair, A, &third(3), 5);
    for local in [1, 2, 4] {
        pair[A].session.link(local, local).unwrap();
        introduce(&mut pair, A, there);
        pair.end_process(A, local, Reason::linked(there, &Reason::Normal));
    }
    pair.settle();
    assert_eq!(pair[B].names().iter().filter(|name| **name == "NODE_TABLE").count(), 1);
    let expected = met(&mut pair, B, &third(3), 5);
    assert_eq!(hops(&pair, B, 4), [expected]);
}

//= spec/capabilities.md#cap-ntb-001
//# A node MUST NOT write NODE_TABLE in a session that does not have `node_table`.
//= spec/session.md#ses-pid-012
//# In an unowned pid a node MUST write node id 65535 for any other process, unless its node table in this
//# session has an index for that start.
#[test]
fn without_the_capability_third_nodes_are_unknown() {
    let mut pair = Pair::with(|_, config| {
        config.capabilities =
            CAPABILITIES.intersection(Capabilities::from_bits(!Capabilities::NODE_TABLE.to_bits()));
    });
    pair[A].session.link(3, 3).unwrap();
    let there = met(&mut pair, A, &third(3), 5);
    introduce(&mut pair, A, there);
    pair.end_process(A, 3, Reason::linked(there, &Reason::Killed));
    pair.settle();
    assert_eq!(pair[B].names(), ["LINK", "EXIT"]);
    assert_eq!(hops(&pair, B, 3), [Pid::new(NodeNumber::UNKNOWN, 4, 5)]);
    assert_eq!(pair[B].session.counts().hops_unknown, 0, "said to be unknown, and not lost here");
}

//= spec/capabilities.md#cap-ntb-004
//# A node MUST NOT write a NODE_TABLE that names its own present start or that of the peer.
//= spec/dist.md#dist-ntb-001
//# A node MUST NOT write the values 0, 65534 and 65535 into `index`.
#[test]
fn the_two_nodes_themselves_have_no_entries() {
    let mut pair = pair([4_096; 2]);
    for pid in [Pair::ours(A, 1), Pair::theirs(A, 1), Pid::new(NodeNumber::UNKNOWN, 1, 1)] {
        pair[A].session.introduce(pid.node(), || panic!("nothing is asked of it"));
    }
    // An earlier start of the peer is a third node.
    let earlier = Start { incarnation: NonZeroU64::new(77).unwrap(), ..B.start() };
    let earlier = met(&mut pair, A, &earlier, 9);
    introduce(&mut pair, A, earlier);
    pair.settle();
    assert_eq!(pair[B].names(), ["LINK", "NODE_TABLE"]);
    let frames = pair[B].frames();
    let Frame::NodeTable(entry) = frames[1] else { panic!() };
    assert_eq!((entry.index, entry.name.as_str(), entry.incarnation), (1, "b@host:1", 77));
}

//= spec/capabilities.md#cap-ntb-003
//# A node MUST NOT write two NODE_TABLEs with the same `index` in one session.
//= spec/capabilities.md#cap-ntb-005
//# A node MUST NOT write more entries in a session than the peer's node_table_entries_max.
#[test]
fn a_full_table_names_no_further_node_and_forgets_none() {
    for (announced, written) in [(0, 0), (1, 1), (3, 3), (4_096, 4_096), (u32::MAX, 4_096)] {
        let mut pair = pair([4_096, announced]);
        let pids: Vec<_> = (1..=written + 2).map(|start| met(&mut pair, A, &third(start), 5)).collect();
        pids.iter().for_each(|pid| introduce(&mut pair, A, *pid));
        let reason = Reason::linked(pids[0], &Reason::linked(pids[pids.len() - 2], &Reason::Killed));
        pair.end_process(A, 3, reason);
        pair.settle();
        let frames = pair[B].frames();
        let mut indexes: Vec<_> = frames
            .iter()
            .filter_map(|frame| if let Frame::NodeTable(entry) = frame { Some(entry.index) } else { None })
            .collect();
        assert_eq!(indexes.len() as u64, written, "{announced} are held");
        indexes.dedup();
        assert_eq!(indexes.len() as u64, written, "each index once");
        let hops = hops(&pair, B, 3);
        assert_eq!(hops[0] == met(&mut pair, B, &third(1), 5), written > 0);
        assert_eq!(hops[1].node(), NodeNumber::UNKNOWN);
        assert_eq!((pair[B].session.counts().entries_unusable, pair.ended(B)), (0, None));
    }
}

/// What B makes of an EXIT with this hop, after these entries; `None` if the session has ended.
fn read(entries: &[NodeTable<'_>], hop: WirePid, held: u32) -> Option<(Pid, Pair)> {
    let mut pair = pair([4_096, held]);
    entries.iter().for_each(|entry| pair.inject(B, *entry));
    let reason = ReasonBuf::new(std::iter::once(hop), &Root::Killed);
    pair.inject(B, Exit { from: Pair::wire(A, 3), to: Pair::wire(B, 3), reason: reason.as_reason() });
    pair.settle();
    if pair.ended(B).is_some() {
        return None;
    }
    Some((hops(&pair, B, 3)[0], pair))
}

fn entry(index: u16, incarnation: u64, name: &str) -> NodeTable<'_> {
    NodeTable { index, incarnation, name: name.into() }
}

fn hop(index: u16, creation: u8) -> WirePid {
    WirePid::new(index, creation, 5).unwrap()
}

//= spec/capabilities.md#cap-ntb-007
//# A node MUST end the session on a NODE_TABLE whose `index` is 0, 65534 or 65535, or has an entry already.
#[test]
fn an_entry_that_cannot_be_ends_the_session() {
    for index in [0, WirePid::NODE_READER, WirePid::NODE_UNKNOWN] {
        assert!(read(&[entry(index, 3, "c@host:1")], hop(1, 4), 4_096).is_none(), "{index}");
    }
    for second in
        [entry(1, 3, "c@host:1"), entry(1, 4, "c@host:1"), entry(1, 3, "d@host:1"), entry(1, 0, "no name")]
    {
        assert!(read(&[entry(1, 3, "c@host:1"), second], hop(1, 4), 4_096).is_none(), "{second:?}");
        // Nor one in the place of one that names nobody.
        assert!(read(&[entry(1, 0, "c@host:1"), second], hop(1, 4), 4_096).is_none(), "{second:?}");
    }
}

//= spec/capabilities.md#cap-ntb-008
//# A node MUST ignore a NODE_TABLE while it holds node_table_entries_max entries of the peer.
#[test]
fn an_entry_too_many_is_ignored() {
    let entries = [entry(7, 3, "c@host:1"), entry(8, 3, "d@host:1")];
    let (pid, pair) = read(&entries, hop(8, 4), 1).unwrap();
    assert_eq!(pid, Pid::new(NodeNumber::UNKNOWN, 4, 5));
    let counts = pair[B].session.counts();
    assert_eq!((counts.entries_unusable, counts.hops_unknown), (1, 1));
    let (pid, pair) = read(&entries, hop(7, 4), 1).unwrap();
    assert_ne!(pid.node(), NodeNumber::UNKNOWN);
    assert_eq!(pair[B].session.counts().hops_unknown, 0);
    let (pid, _) = read(&entries, hop(8, 4), 2).unwrap();
    assert_ne!(pid.node(), NodeNumber::UNKNOWN);
}

//= spec/capabilities.md#cap-ntb-009
//# A node MUST take the index of a NODE_TABLE whose `name` is no node name or whose `incarnation` is 0 for
//# one of an unknown node.
#[test]
fn an_entry_that_names_nobody_is_one_of_an_unknown_node() {
    let long = format!("{}@host:1", "c".repeat(300));
    for (incarnation, name) in [(0, "c@host:1"), (3, "no name"), (3, ""), (3, long.as_str())] {
        for creation in [0, 1, 4] {
            let (pid, pair) = read(&[entry(1, incarnation, name)], hop(1, creation), 4_096).unwrap();
            assert_eq!(pid, Pid::new(NodeNumber::UNKNOWN, creation, 5));
            assert_eq!(pair[B].session.counts().entries_unusable, 1);
        }
    }
    // A missing port is completed.
    let (pid, mut pair) = read(&[entry(1, 3, "c@host")], hop(1, 4), 4_096).unwrap();
    let start = Start { name: "c@host:9000".into(), ..third(3) };
    assert_eq!(pid, met(&mut pair, B, &start, 5));
}

//= spec/capabilities.md#cap-ntb-010
//# A node MUST take an unowned pid whose node id is an index of the peer for one of an unknown node, unless
//# its creation is 1 + (incarnation mod 255) of the entry.
//= spec/session.md#ses-pid-015
//# A node MUST take every other unowned pid for a process of an unknown node, unless its node id is an index
//# of the peer's node table.
#[test]
fn an_index_without_entry_and_a_creation_that_does_not_fit_are_counted_and_no_error() {
    let entries = [entry(1, 3, "c@host:1")];
    for lost in [hop(1, 3), hop(1, 5), hop(1, 0), hop(2, 4), hop(0xFFFD, 4), hop(WirePid::NODE_READER, 4)] {
        let (pid, pair) = read(&entries, lost, 4_096).unwrap();
        assert_eq!(pid, Pid::new(NodeNumber::UNKNOWN, lost.creation(), 5), "{lost}");
        assert_eq!(pair[B].session.counts().hops_unknown, 1, "{lost}");
    }
}

//= spec/capabilities.md#cap-ntb-011
//# A node MUST resolve an index to itself or to the peer of a session if, and only if, that node has the name
//# and the incarnation of the entry, unless it has forgotten that node by `nodes_heard_of_max` or
//# `nodes_known_max` since it read the entry.
#[test]
fn an_entry_for_one_of_the_two_nodes_is_that_node() {
    let [a, b] = [A, B].map(Side::start);
    let (pid, _) = read(&[entry(1, b.incarnation.get(), &b.name)], hop(1, B.creation()), 4_096).unwrap();
    assert_eq!(pid, Pair::ours(B, 5));
    let (pid, _) = read(&[entry(1, a.incarnation.get(), &a.name)], hop(1, A.creation()), 4_096).unwrap();
    assert_eq!(pid, Pair::theirs(B, 5));
    // Another start of either is neither.
    for start in [a, b] {
        let incarnation = start.incarnation.get() + 255;
        let (pid, _) = read(&[entry(1, incarnation, &start.name)], hop(1, start.creation()), 4_096).unwrap();
        assert!(![Pair::ours(B, 5).node(), Pair::theirs(B, 5).node()].contains(&pid.node()));
    }
}

#[test]
fn what_terms_name_goes_through_the_same_table() {
    let mut pair = pair([4_096; 2]);
    pair.inject(B, entry(9, 3, "c@host:1"));
    let mut message = vec![1, 30];
    message.extend(hop(9, 4).to_bits().to_le_bytes());
    pair.inject(B, SendTerm { to: Pair::wire(B, 3), message: &message });
    pair.settle();
    let expected = met(&mut pair, B, &third(3), 5);
    assert_eq!(pair.seen(B, 3), [Seen::Term(message, vec![expected])]);
    // It goes back to where it came from by the table of this direction.
    introduce(&mut pair, B, expected);
    pair[B].session.exit(3, 3, &Reason::linked(expected, &Reason::Shutdown)).unwrap();
    pair.settle();
    let there = met(&mut pair, A, &third(3), 5);
    assert_eq!(pair.seen(A, 3), [exit(A, 3, Reason::linked(there, &Reason::Shutdown))]);
}
