//! Many memberships: messages are cut, and what is kept is bounded.

use super::world::{carried, here, number, on};
use crate::core::groups::message::{Addressed, Message, read};
use crate::core::groups::{Groups, NotJoined, Todo};
use crate::core::limits::{GROUP_MEMBERSHIPS_MAX, GROUPS_MESSAGE_BYTES_MAX};

/// The messages of the server of node 0 to that of node 1, and their effect on node 1.
fn tell(from: &mut Groups, to: &mut Groups) -> Vec<usize> {
    let mut lengths = Vec::new();
    while let Some(todo) = from.poll_todo(number(1)) {
        if let Todo::Send(term) = todo {
            let (bytes, pids) = carried(term, 0, 1);
            lengths.push(bytes.len());
            to.handle_message(&bytes, &pids);
        }
    }
    lengths
}

fn acquainted() -> (Groups, Groups) {
    let (mut one, mut two) = (Groups::new(here(1)), Groups::new(here(1)));
    for (groups, other) in [(&mut one, 1), (&mut two, 0)] {
        groups.handle_node_up(number(other));
        assert_eq!(groups.poll_todo(number(other)), Some(Todo::Monitor));
        groups.handle_named(number(other), on(other, 1));
    }
    (one, two)
}

//= spec/groups.md#grp-msg-005
//= type=test
//# A server MUST NOT send a message of more than `groups_message_bytes_max` bytes.
//= spec/groups.md#grp-mem-003
//= type=test
//# A node MUST NOT have more than `group_memberships_max` memberships of its own processes.
#[test]
fn all_memberships_that_a_node_can_have_are_told_in_messages_of_bounded_length() {
    let (mut one, mut two) = acquainted();
    for local in 0..GROUP_MEMBERSHIPS_MAX as u64 {
        let length = usize::try_from(local % 200).unwrap();
        let group = format!("{}-{}", "n".repeat(length), local % 5_000);
        one.join(&group, here(local + 2)).unwrap();
    }
    assert_eq!(one.join("one more", here(2)), Err(NotJoined::TooMany));
    let lengths = tell(&mut one, &mut two);
    assert!(lengths.iter().all(|length| *length <= GROUPS_MESSAGE_BYTES_MAX));
    let nearly_full = GROUPS_MESSAGE_BYTES_MAX - 300;
    assert!(
        lengths.iter().rev().skip(1).all(|length| *length > nearly_full),
        "no more than needed: {lengths:?}"
    );
    assert_eq!(two.counts(), Default::default());
    let of = |groups: &Groups| groups.names().map(|name| groups.members(name).count()).sum::<usize>();
    assert_eq!((of(&one), of(&two)), (GROUP_MEMBERSHIPS_MAX, GROUP_MEMBERSHIPS_MAX));
}

//= spec/groups.md#grp-mem-004
//= type=test
//# A server MUST NOT keep more than `group_memberships_max` memberships that one stream of a node has named.
#[test]
fn what_a_node_tells_beyond_the_bound_is_ignored() {
    let (mut one, mut two) = acquainted();
    // A server that leaves its memberships behind without a word: others join in their place.
    for local in 0..GROUP_MEMBERSHIPS_MAX as u64 {
        one.join("g", here(local + 2)).unwrap();
    }
    tell(&mut one, &mut two);
    one.here.clear();
    one.join("h", here(2)).unwrap();
    tell(&mut one, &mut two);
    assert_eq!((two.names().count(), two.counts().entries_ignored), (1, 1));
    // In a stream that names what there is now it has its place again.
    one.peers.get_mut(&number(1)).unwrap().outgoing.asked(0, &mut one.last_stream);
    tell(&mut one, &mut two);
    assert_eq!(two.names().map(|name| &**name).collect::<Vec<_>>(), ["h"]);
    assert_eq!(two.counts().entries_ignored, 1);
}

//= spec/groups.md#grp-str-008
//= type=test
//# In each stream a server MUST name in `joined` each membership of its node that the stream has not named,
//# or named last in `left`, and in `left` each one that it named last in `joined` and that is gone.
#[test]
fn a_full_node_tells_what_has_left_before_what_has_joined() {
    let (mut one, mut two) = acquainted();
    for local in 0..GROUP_MEMBERSHIPS_MAX as u64 {
        one.join("then", here(local + 2)).unwrap();
    }
    tell(&mut one, &mut two);
    // More than one message can tell: those that join are in a group that comes first in the order of names.
    for local in 0..20_000 {
        assert!(one.leave("then", here(local + 2)));
        one.join("now", here(local + 2)).unwrap();
    }
    assert!(tell(&mut one, &mut two).len() > 1);
    assert_eq!((two.members("now").count(), two.counts().entries_ignored), (20_000, 0));
}

#[test]
fn streams_that_never_end_leave_behind_what_two_of_them_can_name() {
    let (mut one, mut two) = acquainted();
    let max = GROUP_MEMBERSHIPS_MAX as u64;
    for (round, count) in (0..).zip([max, max, 10_000]) {
        one.here.clear();
        for local in 0..count {
            one.join(&round.to_string(), here(round * max + local + 2)).unwrap();
        }
        one.peers.get_mut(&number(1)).unwrap().outgoing.asked(0, &mut one.last_stream);
        // All but the last message of the stream: it is not complete.
        let mut messages = Vec::new();
        while let Some(todo) = one.poll_todo(number(1)) {
            if let Todo::Send(term) = todo {
                messages.push(carried(term, 0, 1));
            }
        }
        messages.pop();
        messages.iter().for_each(|(bytes, pids)| two.handle_message(bytes, pids));
    }
    // When the third began, two were kept, and the first of them was forgotten.
    assert_eq!(two.names().map(|name| &**name).collect::<Vec<_>>(), ["1", "2"]);
    assert!(two.names().map(|name| two.members(name).count()).sum::<usize>() <= 2 * GROUP_MEMBERSHIPS_MAX);
}

//= spec/groups.md#grp-str-009
//= type=test
//# A server MUST write true into `complete` from the message on with which the stream has named all
//# memberships of its node, and false before.
#[test]
fn all_is_named_only_when_that_is_which_has_joined_behind_the_walk() {
    let (mut one, _) = acquainted();
    let first = 2..20_000;
    for local in first.clone() {
        one.join("g", here(local)).unwrap();
    }
    let is_complete = |one: &mut Groups| {
        let Some(Todo::Send(term)) = one.poll_todo(number(1)) else { panic!("a message") };
        let (bytes, pids) = carried(term, 0, 1);
        let Ok(Addressed { body: Message::Members(members), .. }) = read(&bytes, &pids) else { panic!() };
        members.complete
    };
    assert!(!is_complete(&mut one));
    // Nothing is left to walk to, and more than a message of what stands before the place.
    for local in first {
        one.leave("g", here(local));
        one.join("a", here(local)).unwrap();
    }
    let rest: Vec<_> = (0..4).map(|_| is_complete(&mut one)).collect();
    assert_eq!(rest, [false, false, false, true]);
}

//= spec/groups.md#grp-str-001
//= type=test
//# When NAMED names another process than `last`, a server MUST begin a stream to it.
//= spec/groups.md#grp-str-002
//= type=test
//# A server MUST give each stream that it begins, to any node, a larger number than all those before, from 1
//# on.
//= spec/groups.md#grp-str-003
//= type=test
//# A server MUST number the messages of a stream 0, 1, 2 and so on.
#[test]
fn what_changes_while_all_is_told_is_told_as_well() {
    let (mut one, mut two) = acquainted();
    for local in 2..20_000 {
        one.join(&format!("g{}", local % 10), here(local)).unwrap();
    }
    let Some(Todo::Send(first)) = one.poll_todo(number(1)) else { panic!() };
    let (bytes, pids) = carried(first, 0, 1);
    two.handle_message(&bytes, &pids);
    assert!(two.names().count() < 10, "one of several messages");
    // Behind the place that was reached, and before it.
    one.leave("g0", here(10));
    one.join("a", here(10)).unwrap();
    one.leave("g9", here(19));
    one.join("z", here(10)).unwrap();
    tell(&mut one, &mut two);
    assert_eq!(two.counts(), Default::default());
    for name in one.names() {
        assert!(one.members(name).map(|pid| on(0, pid.local())).eq(two.members(name)), "{name}");
    }
    assert!(one.names().eq(two.names()));
}
