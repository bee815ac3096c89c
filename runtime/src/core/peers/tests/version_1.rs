//! Connections that wait for a version 1 peer to forget a session.

use super::*;

const MILLISECOND: Duration = Duration::from_millis(1);

/// Returns the time at which a clean-up that began now is over.
fn later(started: Duration) -> Duration {
    started + VERSION_1_CLEANUP
}

/// A node whose session with a version 1 peer has just ended, and when it has.
fn ended() -> (Peers, Duration) {
    let mut peers = connected(LARGER, V1);
    let now = Duration::from_secs(100);
    peers.tell_time(now);
    peers.ending(LARGER, FIRST);
    peers.ended(LARGER, FIRST);
    assert_eq!(actions(&mut peers), []);
    (peers, now)
}

//= spec/version1.md#v1-elc-003
//= type=test
//# A node MUST NOT send ACK to a version 1 peer, or REPLY on a dial to one, before `version_1_cleanup` has
//# passed since its own start, and since the ends of its last session with that peer and of its last dial to
//# it on which REPLY was sent.
#[test]
fn ack_waits_until_the_last_session_is_forgotten() {
    let (mut peers, now) = ended();
    peers.verified(LARGER, SECOND, V1);
    assert_eq!(peers.answer_at(LARGER), Some(later(now)));
    peers.tell_time(later(now) - MILLISECOND);
    assert_eq!(actions(&mut peers), []);
    peers.tell_time(later(now));
    assert_eq!(actions(&mut peers), [Action::Up(SECOND)]);
    assert_eq!(peers.answer_at(LARGER), None);
}

#[test]
fn reply_waits_as_well_and_a_dial_is_not_worth_beginning_before() {
    let (mut peers, now) = ended();
    assert_eq!(peers.dial_at(LARGER), Some(later(now)));
    assert_eq!(peers.dial(LARGER, SECOND), DialDecision::Start);
    assert_eq!(peers.may_reply(LARGER, SECOND, true), ReplyDecision::Wait(later(now)));
    peers.tell_time(later(now));
    assert_eq!(peers.dial_at(LARGER), None);
    assert_eq!(peers.may_reply(LARGER, SECOND, true), ReplyDecision::Send);
}

#[test]
fn reply_waits_for_the_end_of_a_session_that_is_ending() {
    let mut peers = connected(LARGER, V1);
    peers.ending(LARGER, FIRST);
    assert_eq!(peers.dial(LARGER, SECOND), DialDecision::Start);
    for seconds in [10, 20] {
        peers.tell_time(Duration::from_secs(seconds));
        let decision = peers.may_reply(LARGER, SECOND, true);
        assert_eq!(decision, ReplyDecision::Wait(later(Duration::from_secs(seconds))));
    }
    peers.ended(LARGER, FIRST);
    assert_eq!(peers.answer_at(LARGER), Some(later(Duration::from_secs(20))));
}

#[test]
fn a_dial_that_sent_reply_may_have_been_their_session() {
    for (version_1, waits) in [(true, true), (false, false)] {
        let mut peers = node();
        assert_eq!(peers.dial(LARGER, DIAL), DialDecision::Start);
        assert_eq!(peers.may_reply(LARGER, DIAL, version_1), ReplyDecision::Send);
        peers.verified(LARGER, FIRST, V1);
        peers.ended(LARGER, DIAL);
        assert_eq!((peers.answer_at(LARGER).is_some(), actions(&mut peers).is_empty()), (waits, waits));
        peers.tell_time(later(VERSION_1_CLEANUP));
        assert_eq!(actions(&mut peers).is_empty(), !waits);
        assert_eq!(peers.session(LARGER), Some(FIRST));
    }
    // One that has not cannot have been.
    let mut peers = node();
    assert_eq!(peers.dial(LARGER, DIAL), DialDecision::Start);
    peers.ended(LARGER, DIAL);
    assert_eq!(peers.answer_at(LARGER), None);
}

#[test]
fn nothing_is_known_of_an_earlier_start_of_this_node() {
    let mut peers = Peers::new(OWN, 4);
    assert_eq!((peers.dial_at(LARGER), peers.answer_at(LARGER)), (None, Some(VERSION_1_CLEANUP)));
    peers.verified(LARGER, FIRST, V1);
    peers.verified(SMALLER, SECOND, V1);
    peers.tell_time(VERSION_1_CLEANUP - MILLISECOND);
    assert_eq!(actions(&mut peers), []);
    peers.tell_time(VERSION_1_CLEANUP);
    let mut up = actions(&mut peers);
    up.sort_by_key(|action| format!("{action:?}"));
    assert_eq!(up, [Action::Up(FIRST), Action::Up(SECOND)]);
}

#[test]
fn version_2_waits_for_nothing() {
    let (mut peers, _) = ended();
    peers.verified(LARGER, SECOND, start(1));
    assert_eq!(actions(&mut peers), [Action::Up(SECOND)]);
    let mut peers = Peers::new(OWN, 4);
    peers.verified(LARGER, SECOND, start(1));
    assert_eq!(actions(&mut peers), [Action::Up(SECOND)]);
    // Nor does its end make anybody wait.
    peers.ended(LARGER, SECOND);
    assert_eq!(peers.dial_at(LARGER), None);
    assert_eq!(peers.dial(LARGER, DIAL), DialDecision::Start);
    assert_eq!(peers.may_reply(LARGER, DIAL, false), ReplyDecision::Send);
}

#[test]
fn an_own_dial_gives_way_to_the_connection_that_has_waited() {
    let (mut peers, now) = ended();
    assert_eq!(peers.dial(LARGER, THIRD), DialDecision::Start);
    peers.verified(LARGER, SECOND, V1);
    peers.tell_time(later(now));
    assert_eq!(actions(&mut peers), [Action::Close(THIRD), Action::Up(SECOND)]);
    assert_eq!(peers.may_reply(LARGER, THIRD, true), ReplyDecision::Close);
}

//= spec/version1.md#v1-elc-004
//= type=test
//# An acceptor MUST end a version 1 session that shows no sign of use for `probe_timeout` after it was probed
//# for a connection that was accepted after the session had begun.
#[test]
fn whoever_dialled_before_the_session_came_up_has_not_lost_it() {
    let mut peers = dialled(LARGER);
    peers.begun(FIRST);
    peers.acked(LARGER, DIAL, V1);
    assert_eq!(actions(&mut peers), [Action::Up(DIAL)]);
    peers.verified(LARGER, FIRST, V1);
    assert_eq!(actions(&mut peers), [Action::Probe(DIAL, Sign::Life)]);
    peers.alive(LARGER, DIAL, Sign::Life);
    assert_eq!(actions(&mut peers), [duplicate(FIRST)]);
    peers.begun(SECOND);
    peers.verified(LARGER, SECOND, V1);
    assert_eq!(actions(&mut peers), [Action::Probe(DIAL, Sign::Use)]);
}

//= spec/version1.md#v1-elc-007
//= type=test
//# If the connection that waits changes while a version 1 session is probed, an acceptor MUST probe anew,
//# with another PING, unless the sign that it needs now is the one that it asked for; if none waits any more,
//# that is any byte.
#[test]
fn the_sign_is_the_one_that_the_connection_which_waits_calls_for() {
    let mut peers = dialled(LARGER);
    peers.begun(FIRST);
    peers.acked(LARGER, DIAL, V1);
    peers.verified(LARGER, FIRST, V1);
    assert_eq!(actions(&mut peers), [Action::Up(DIAL), Action::Probe(DIAL, Sign::Life)]);
    // Another one takes its place, which was dialled in spite of the session: a byte does not refuse it.
    peers.begun(SECOND);
    peers.verified(LARGER, SECOND, V1);
    assert_eq!(actions(&mut peers), [duplicate(FIRST), Action::Probe(DIAL, Sign::Use)]);
    peers.alive(LARGER, DIAL, Sign::Life);
    assert_eq!(actions(&mut peers), []);
    // It goes away: nobody needs the session to be used.
    peers.ended(LARGER, SECOND);
    assert_eq!(actions(&mut peers), [Action::Probe(DIAL, Sign::Life)]);
    peers.alive(LARGER, DIAL, Sign::Use);
    assert_eq!(peers.dial(LARGER, SECOND), DialDecision::Up(DIAL));
    peers.alive(LARGER, DIAL, Sign::Life);
    // The same sign is asked for once.
    for connection in [SECOND, THIRD] {
        peers.begun(connection);
        peers.verified(LARGER, connection, V1);
    }
    assert_eq!(actions(&mut peers), [Action::Probe(DIAL, Sign::Use), duplicate(SECOND)]);
    peers.alive(LARGER, DIAL, Sign::Use);
    assert_eq!(actions(&mut peers), [duplicate(THIRD)]);
}

/// The memory of a peer without a connection is no peer.
#[test]
fn who_has_not_been_forgotten_is_no_peer() {
    let (mut peers, _) = ended();
    assert!(peers.is_empty());
    for name in ["one@h:1", "two@h:1"] {
        assert_eq!(peers.dial(name, DIAL), DialDecision::Start);
    }
    assert!(peers.is_full());
}
