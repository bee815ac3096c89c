//! The rules one by one, at the node `m`, whose name stands between its peers' names. How two nodes go together is
//! explored in the package `snow-dist-tests`.

use super::*;
use crate::core::limits::VERSION_1_CLEANUP;

mod version_1;

const SMALLER: &str = "a@h:9000";
const LARGER: &str = "z@h:9000";
const OWN: &str = "m@h:9000";

const DIAL: ConnectionId = ConnectionId(1);
const FIRST: ConnectionId = ConnectionId(2);
const SECOND: ConnectionId = ConnectionId(3);
const THIRD: ConnectionId = ConnectionId(4);

const V1: Option<NonZeroU64> = None;

fn start(number: u64) -> Option<NonZeroU64> {
    Some(NonZeroU64::new(number).unwrap())
}

/// A node that has been there for long enough.
fn node() -> Peers {
    let mut peers = Peers::new(OWN, 2);
    peers.tell_time(VERSION_1_CLEANUP);
    peers
}

fn actions(peers: &mut Peers) -> Vec<Action> {
    std::iter::from_fn(|| peers.poll_action()).collect()
}

/// A node whose own dial to `name` has sent REPLY.
fn dialled(name: &str) -> Peers {
    let mut peers = node();
    assert_eq!(peers.dial(name, DIAL), DialDecision::Start);
    assert_eq!(peers.may_reply(name, DIAL, false), ReplyDecision::Send);
    peers
}

/// A node with a session that `name` dialled, on [`FIRST`].
fn connected(name: &str, incarnation: Option<NonZeroU64>) -> Peers {
    let mut peers = node();
    peers.verified(name, FIRST, incarnation);
    assert_eq!(actions(&mut peers), [Action::Up(FIRST)]);
    peers
}

fn duplicate(connection: ConnectionId) -> Action {
    Action::Reject(connection, Refusal::Duplicate)
}

#[test]
fn a_dial_that_is_acknowledged_is_the_session() {
    let mut peers = dialled(LARGER);
    assert_eq!(peers.session(LARGER), None);
    peers.acked(LARGER, DIAL, start(1));
    assert_eq!(actions(&mut peers), [Action::Up(DIAL)]);
    assert_eq!(peers.session(LARGER), Some(DIAL));
}

#[test]
fn what_is_said_twice_was_said_before() {
    let mut peers = dialled(SMALLER);
    peers.verified(SMALLER, FIRST, start(1));
    assert_eq!(actions(&mut peers), [Action::Up(FIRST)]);
    // It waits for the session to end, and whether it may reply has been answered.
    peers.acked(SMALLER, DIAL, start(1));
    assert_eq!(actions(&mut peers), [Action::End(FIRST)]);
    let before = peers.clone();
    for version_1 in [false, true] {
        assert_eq!(peers.may_reply(SMALLER, DIAL, version_1), ReplyDecision::Send);
    }
    peers.acked(SMALLER, DIAL, start(1));
    peers.verified(SMALLER, FIRST, start(1));
    assert_eq!(peers, before);
    peers.ended(SMALLER, FIRST);
    assert_eq!(actions(&mut peers), [Action::Up(DIAL)]);
    // One that waits is not one too many for itself.
    peers.verified(SMALLER, SECOND, start(2));
    assert_eq!(actions(&mut peers), [Action::End(DIAL)]);
    peers.verified(SMALLER, SECOND, start(2));
    assert_eq!(actions(&mut peers), []);
}

//= spec/connection.md#con-dia-002
//= type=test
//# A node MUST NOT have two dials to one node name at the same time.
//= spec/connection.md#con-dia-003
//= type=test
//# A node MUST NOT dial a name with which it has a session that is up.
#[test]
fn a_name_has_at_most_one_own_dial_and_none_beside_a_session() {
    let mut peers = node();
    assert_eq!(peers.dial(LARGER, DIAL), DialDecision::Start);
    assert_eq!(peers.dial(LARGER, FIRST), DialDecision::Underway);
    assert_eq!(peers.may_reply(LARGER, FIRST, false), ReplyDecision::Close);
    assert_eq!(peers.may_reply(LARGER, DIAL, false), ReplyDecision::Send);
    assert_eq!(peers.dial(LARGER, FIRST), DialDecision::Underway);
    peers.acked(LARGER, DIAL, start(1));
    assert_eq!(peers.dial(LARGER, FIRST), DialDecision::Up(DIAL));
}

//= spec/connection.md#con-dia-001
//= type=test
//# A node MUST NOT dial its own name.
#[test]
fn a_node_neither_dials_nor_accepts_itself() {
    let mut peers = node();
    assert_eq!(peers.dial(OWN, DIAL), DialDecision::OwnName);
    peers.verified(OWN, FIRST, start(1));
    assert_eq!(actions(&mut peers), [Action::Reject(FIRST, Refusal::OwnName)]);
    assert!(peers.is_empty());
}

#[test]
fn a_dial_that_failed_leaves_nothing_behind() {
    let mut peers = dialled(LARGER);
    peers.ended(LARGER, DIAL);
    assert!(peers.is_empty());
    assert_eq!(peers.dial(LARGER, FIRST), DialDecision::Start);
}

#[test]
fn whoever_dials_at_a_nodedown_is_not_told_that_the_session_is_up() {
    let mut peers = connected(LARGER, start(1));
    peers.ending(LARGER, FIRST);
    assert_eq!(peers.session(LARGER), None);
    assert_eq!(peers.dial(LARGER, SECOND), DialDecision::Start);
}

#[test]
fn whoever_dials_while_a_session_is_closed_in_order_waits_for_its_end() {
    let mut peers = connected(LARGER, start(1));
    peers.closing(LARGER, FIRST);
    assert_eq!(peers.dial(LARGER, SECOND), DialDecision::Closing(FIRST));
    assert!(peers.is_underway(LARGER));
    // Nothing can be sent in it, but another connection does not take its place unasked.
    assert_eq!(peers.session(LARGER), None);
    peers.verified(LARGER, THIRD, start(1));
    assert_eq!(actions(&mut peers), [Action::Probe(FIRST, Sign::Life)]);
    peers.alive(LARGER, FIRST, Sign::Life);
    assert_eq!(actions(&mut peers), [duplicate(THIRD)]);
    assert_eq!(peers.dial(LARGER, SECOND), DialDecision::Closing(FIRST));
    peers.ended(LARGER, FIRST);
    assert!(!peers.is_underway(LARGER));
    assert_eq!(peers.dial(LARGER, SECOND), DialDecision::Start);
}

#[test]
fn what_closes_is_the_session_and_not_another_connection() {
    let mut peers = connected(LARGER, start(1));
    peers.closing(LARGER, SECOND);
    peers.closing(SMALLER, FIRST);
    assert_eq!(peers.session(LARGER), Some(FIRST));
    assert_eq!(peers.dial(LARGER, SECOND), DialDecision::Up(FIRST));
}

//= spec/connection.md#con-dia-004
//= type=test
//# A node MUST NOT dial a name from which a connection waits.
#[test]
fn rule_1_another_incarnation_ends_the_session_and_comes_up_after_it() {
    let mut peers = connected(LARGER, start(1));
    peers.verified(LARGER, SECOND, start(2));
    assert_eq!(actions(&mut peers), [Action::End(FIRST)]);
    assert_eq!(peers.dial(LARGER, THIRD), DialDecision::Underway);
    peers.ending(LARGER, FIRST);
    assert_eq!(actions(&mut peers), []);
    peers.ended(LARGER, FIRST);
    assert_eq!(actions(&mut peers), [Action::Up(SECOND)]);
}

//= spec/connection.md#con-elc-018
//= type=test
//# If the connection of a session with another incarnation of the peer began later than the connection that
//# waits, an acceptor MUST refuse the one that waits as duplicate.
#[test]
fn a_reply_of_a_dead_start_that_comes_late_does_not_end_the_session_of_the_next() {
    // Accepted after the first, and up before it.
    let mut peers = connected(LARGER, start(2));
    peers.verified(LARGER, DIAL, start(1));
    assert_eq!(actions(&mut peers), [duplicate(DIAL)]);
    assert_eq!(peers.session(LARGER), Some(FIRST));
    // The same where that session is over, and not all of it is delivered: nobody is behind the late one.
    peers.ending(LARGER, FIRST);
    peers.verified(LARGER, DIAL, start(1));
    assert_eq!(actions(&mut peers), [duplicate(DIAL)]);
    // Of the same start, the one there is may be dead all the same.
    let mut peers = connected(LARGER, start(1));
    peers.verified(LARGER, DIAL, start(1));
    assert_eq!(actions(&mut peers), [Action::Probe(FIRST, Sign::Life)]);
}

#[test]
fn rule_1_holds_for_a_session_that_is_being_probed() {
    let mut peers = connected(LARGER, start(1));
    peers.verified(LARGER, SECOND, start(1));
    peers.verified(LARGER, THIRD, start(2));
    assert_eq!(
        actions(&mut peers),
        [Action::Probe(FIRST, Sign::Life), duplicate(SECOND), Action::End(FIRST)]
    );
    peers.alive(LARGER, FIRST, Sign::Life);
    assert_eq!(actions(&mut peers), []);
    peers.ended(LARGER, FIRST);
    assert_eq!(actions(&mut peers), [Action::Up(THIRD)]);
}

#[test]
fn rule_2_a_session_that_answers_its_probe_stays() {
    let mut peers = connected(LARGER, start(1));
    for again in [SECOND, THIRD] {
        peers.verified(LARGER, again, start(1));
        assert_eq!(actions(&mut peers), [Action::Probe(FIRST, Sign::Life)]);
        peers.alive(LARGER, FIRST, Sign::Life);
        assert_eq!(actions(&mut peers), [duplicate(again)]);
    }
    assert_eq!(peers.session(LARGER), Some(FIRST));
}

#[test]
fn rule_2_a_session_that_does_not_answer_gives_way() {
    let mut peers = connected(LARGER, start(1));
    peers.verified(LARGER, SECOND, start(1));
    assert_eq!(actions(&mut peers), [Action::Probe(FIRST, Sign::Life)]);
    peers.ending(LARGER, FIRST);
    peers.alive(LARGER, FIRST, Sign::Life);
    assert_eq!(actions(&mut peers), []);
    peers.ended(LARGER, FIRST);
    assert_eq!(actions(&mut peers), [Action::Up(SECOND)]);
}

#[test]
fn rule_2_holds_for_a_session_that_this_node_dialled() {
    let mut peers = dialled(LARGER);
    peers.acked(LARGER, DIAL, start(1));
    peers.verified(LARGER, FIRST, start(1));
    assert_eq!(actions(&mut peers), [Action::Up(DIAL), Action::Probe(DIAL, Sign::Life)]);
}

#[test]
fn rule_2_asks_nothing_of_a_session_that_is_ending() {
    let mut peers = connected(LARGER, start(1));
    peers.ending(LARGER, FIRST);
    peers.verified(LARGER, SECOND, start(1));
    assert_eq!(actions(&mut peers), []);
    peers.ended(LARGER, FIRST);
    assert_eq!(actions(&mut peers), [Action::Up(SECOND)]);
}

#[test]
fn a_probe_is_over_when_the_one_that_waited_is_gone() {
    let mut peers = connected(LARGER, start(1));
    peers.verified(LARGER, SECOND, start(1));
    peers.ended(LARGER, SECOND);
    peers.alive(LARGER, FIRST, Sign::Life);
    assert_eq!(actions(&mut peers), [Action::Probe(FIRST, Sign::Life)]);
    assert_eq!(peers, connected(LARGER, start(1)));
}

//= spec/connection.md#con-elc-008
//= type=test
//# A node MUST close a dial on which it has not sent REPLY when another connection becomes the session with
//# that peer.
//= spec/connection.md#con-elc-007
//= type=test
//# If there is neither a session with the peer nor a dial to it on which REPLY was sent, an acceptor MUST
//# send ACK.
#[test]
fn rule_3_a_dial_that_has_not_sent_reply_gives_way() {
    for name in [SMALLER, LARGER] {
        for incarnation in [start(1), V1] {
            let mut peers = node();
            assert_eq!(peers.dial(name, DIAL), DialDecision::Start);
            peers.verified(name, FIRST, incarnation);
            assert_eq!(actions(&mut peers), [Action::Close(DIAL), Action::Up(FIRST)]);
            assert_eq!(peers.may_reply(name, DIAL, false), ReplyDecision::Close);
        }
    }
}

//= spec/connection.md#con-elc-009
//= type=test
//# If there is no session with the peer but a dial to it on which REPLY was sent, an acceptor whose own name
//# is the larger one MUST send ACK to a peer of version 2.
#[test]
fn rule_4_the_larger_name_acknowledges_and_leaves_its_dial_to_the_other_side() {
    let mut peers = dialled(SMALLER);
    peers.verified(SMALLER, FIRST, start(1));
    assert_eq!(actions(&mut peers), [Action::Up(FIRST)]);
    peers.ended(SMALLER, DIAL);
    assert_eq!((actions(&mut peers), peers.session(SMALLER)), (vec![], Some(FIRST)));
    assert_eq!(peers.dial(SMALLER, SECOND), DialDecision::Up(FIRST));
}

//= spec/connection.md#con-elc-011
//= type=test
//# A node that verifies ACK on its dial MUST refuse the connection of that peer that waits as duplicate.
#[test]
fn rule_4_the_smaller_name_withholds_ack_and_refuses_when_its_dial_is_acknowledged() {
    let mut peers = dialled(LARGER);
    peers.verified(LARGER, FIRST, start(1));
    assert_eq!(actions(&mut peers), []);
    peers.acked(LARGER, DIAL, start(1));
    assert_eq!(actions(&mut peers), [duplicate(FIRST), Action::Up(DIAL)]);
}

//= spec/connection.md#con-elc-010
//= type=test
//# If there is no session with the peer but a dial to it on which REPLY was sent, an acceptor whose own name
//# is the smaller one MUST withhold ACK until that dial has received ACK or has ended.
#[test]
fn rule_4_the_smaller_name_acknowledges_when_its_dial_ends_in_another_way() {
    let mut peers = dialled(LARGER);
    peers.verified(LARGER, FIRST, start(1));
    peers.ended(LARGER, DIAL);
    assert_eq!(actions(&mut peers), [Action::Up(FIRST)]);
}

#[test]
fn rule_4_the_newest_of_several_is_kept_in_whichever_order_they_are_verified() {
    for order in [[FIRST, SECOND], [SECOND, FIRST]] {
        let mut peers = dialled(LARGER);
        for connection in order {
            peers.verified(LARGER, connection, start(1));
        }
        assert_eq!(actions(&mut peers), [duplicate(FIRST)]);
        peers.ended(LARGER, DIAL);
        assert_eq!(actions(&mut peers), [Action::Up(SECOND)]);
    }
}

#[test]
fn rule_4_one_that_is_closed_while_it_waits_is_forgotten() {
    let mut peers = dialled(LARGER);
    peers.verified(LARGER, FIRST, start(1));
    peers.ended(LARGER, FIRST);
    peers.ended(LARGER, DIAL);
    assert_eq!(actions(&mut peers), []);
    assert!(peers.is_empty());
}

//= spec/connection.md#con-elc-013
//= type=test
//# An initiator that verifies ACK while it has another session with that peer MUST end that session before it
//# uses the new one.
#[test]
fn an_acknowledged_dial_ends_the_session_there_is_and_comes_up_after_it() {
    let mut peers = dialled(SMALLER);
    peers.verified(SMALLER, FIRST, start(1));
    peers.acked(SMALLER, DIAL, start(1));
    assert_eq!(actions(&mut peers), [Action::Up(FIRST), Action::End(FIRST)]);
    peers.ended(SMALLER, FIRST);
    assert_eq!(actions(&mut peers), [Action::Up(DIAL)]);
}

#[test]
fn an_acknowledged_dial_that_breaks_before_it_is_the_session_leaves_none() {
    let mut peers = dialled(SMALLER);
    peers.verified(SMALLER, FIRST, start(1));
    peers.acked(SMALLER, DIAL, start(1));
    peers.ended(SMALLER, DIAL);
    peers.ended(SMALLER, FIRST);
    assert_eq!(actions(&mut peers), [Action::Up(FIRST), Action::End(FIRST)]);
    assert!(peers.is_empty());
}

#[test]
fn one_that_comes_after_ack_is_measured_against_the_dial_that_was_acknowledged() {
    let mut peers = dialled(SMALLER);
    peers.verified(SMALLER, FIRST, start(1));
    peers.acked(SMALLER, DIAL, start(1));
    peers.verified(SMALLER, SECOND, start(1));
    assert_eq!(actions(&mut peers), [Action::Up(FIRST), Action::End(FIRST)]);
    peers.ended(SMALLER, FIRST);
    assert_eq!(actions(&mut peers), [Action::Up(DIAL), Action::Probe(DIAL, Sign::Life)]);
}

//= spec/version1.md#v1-elc-001
//= type=test
//# An acceptor MUST withhold ACK from a version 1 peer while it has a dial to it on which REPLY was sent,
//# whatever the names are.
#[test]
fn ack_is_withheld_from_version_1_whichever_name_is_larger() {
    for name in [SMALLER, LARGER] {
        let mut peers = dialled(name);
        peers.verified(name, FIRST, V1);
        assert_eq!(actions(&mut peers), []);
        peers.acked(name, DIAL, V1);
        assert_eq!(actions(&mut peers), [duplicate(FIRST), Action::Up(DIAL)]);
    }
}

#[test]
fn a_peer_without_incarnation_on_either_connection_is_probed() {
    for (before, after) in [(V1, V1), (V1, start(1)), (start(1), V1)] {
        let mut peers = connected(LARGER, before);
        peers.verified(LARGER, SECOND, after);
        // Who may have lost sight of the session must show that it uses it.
        let sign = if before == V1 { Sign::Use } else { Sign::Life };
        assert_eq!(actions(&mut peers), [Action::Probe(FIRST, sign)]);
    }
}

#[test]
fn peers_are_capped_with_their_dials_and_known_ones_are_not_refused() {
    let mut peers = connected(LARGER, start(1));
    assert_eq!(peers.dial(SMALLER, DIAL), DialDecision::Start);
    assert!(peers.is_full());
    assert_eq!(peers.dial("other@h:9000", THIRD), DialDecision::Busy);
    peers.verified("other@h:9000", THIRD, start(1));
    peers.verified(LARGER, SECOND, start(2));
    peers.verified(SMALLER, SECOND, start(1));
    assert_eq!(
        actions(&mut peers),
        [Action::Reject(THIRD, Refusal::Busy), Action::End(FIRST), Action::Close(DIAL), Action::Up(SECOND)]
    );
    peers.ended(SMALLER, SECOND);
    assert!(!peers.is_full());
}

#[test]
fn peers_do_not_touch_each_other() {
    let mut peers = connected(LARGER, start(1));
    peers.verified(SMALLER, SECOND, start(2));
    peers.ended(SMALLER, FIRST);
    assert_eq!(actions(&mut peers), [Action::Up(SECOND)]);
    assert_eq!((peers.session(LARGER), peers.session(SMALLER)), (Some(FIRST), Some(SECOND)));
}

#[test]
fn what_is_said_of_a_connection_that_is_something_else_changes_nothing() {
    let mut peers = dialled(SMALLER);
    peers.verified(SMALLER, FIRST, start(1));
    assert_eq!(actions(&mut peers), [Action::Up(FIRST)]);
    let before = peers.clone();
    peers.acked(SMALLER, FIRST, start(1));
    peers.alive(SMALLER, FIRST, Sign::Life);
    peers.ending(SMALLER, DIAL);
    assert_eq!(peers.may_reply(SMALLER, FIRST, false), ReplyDecision::Close);
    for name in [SMALLER, LARGER] {
        peers.acked(name, THIRD, start(1));
        peers.ending(name, THIRD);
        peers.ended(name, THIRD);
    }
    assert_eq!(peers, before);
}

//= spec/dist.md#dist-nam-004
//= type=test
//# Completed node names MUST be compared and ordered byte by byte.
#[test]
fn names_that_differ_in_any_byte_are_of_two_nodes() {
    let mut peers = Peers::new(OWN, 4);
    let own_in_capitals = OWN.to_uppercase();
    let names = ["a@[::1]:9000", "A@[::1]:9000", "a@[0:0:0:0:0:0:0:1]:9000", &own_in_capitals];
    for (name, connection) in names.into_iter().zip([DIAL, FIRST, SECOND, THIRD]) {
        peers.verified(name, connection, start(1));
        assert_eq!(actions(&mut peers), [Action::Up(connection)], "{name}");
    }
    // Capitals come before small letters: the own name is the larger one, and so acknowledges.
    let mut peers = dialled(&own_in_capitals);
    peers.verified(&own_in_capitals, FIRST, start(1));
    assert_eq!(actions(&mut peers), [Action::Up(FIRST)]);
}
