//! Each way to end: what the peer is told, and when it is over.

use std::num::NonZeroU64;
use std::time::Duration;

use snow_dist_codec::frame::{Close, Send};
use snow_dist_codec::handshake::Reject;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Frames, Handshake, NodeName, Pid, Reading};
use snow_dist_runtime::core::connection::{Ending, Transmit, Waits};
use snow_dist_runtime::core::endpoint::Limits;
use snow_dist_runtime::core::handshake::{Failure, Local};
use snow_dist_runtime::core::limits::{
    ACK_DEADLINE, DRAIN_DEADLINE, HANDSHAKE_DEADLINE, HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT,
    SHUTDOWN_PATIENCE,
};
use snow_dist_runtime::core::peers::Refusal;
use snow_dist_runtime::core::{Cookie, session};

use crate::node::Node;
use crate::streams::{Ends, dial, flow, one_way, session};

const MILLI: Duration = Duration::from_millis(1);

fn two() -> (Node, Node, Ends) {
    let (mut a, mut b) = (Node::new("a@h:1"), Node::new("b@h:1"));
    let ends = session(&mut a, &mut b);
    (a, b, ends)
}

/// The codes of the CLOSEs among what was written last.
fn closes(node: &mut Node, ends: Ends) -> Vec<u16> {
    let bytes = node.last_words(ends.0);
    let frames = Frames::new(&bytes, FRAME_BYTES_MAX)
        .map(|payload| Frame::decode(payload.unwrap(), Reading::Strict).unwrap());
    frames.filter_map(|frame| if let Frame::Close(close) = frame { Some(close.code) } else { None }).collect()
}

fn rejects(bytes: &[u8]) -> Option<u16> {
    let payload = Frames::new(bytes, FRAME_BYTES_MAX).next()?.unwrap();
    match Handshake::decode(payload, Reading::Strict) {
        Ok(Handshake::Reject(reject)) => Some(reject.code),
        _ => None,
    }
}

#[test]
fn who_does_not_know_the_cookie_is_rejected() {
    let (mut a, mut b) = (Node::started("a@h:1", 1, "another cookie, and long"), Node::new("b@h:1"));
    let ends = dial(&mut a, &mut b);
    flow(&mut a, &mut b, ends);
    assert!(matches!(b.endings[..], [Ending::Handshake(Failure::Proof { .. })]), "{:?}", b.endings);
    assert!(
        matches!(a.endings[..], [Ending::Handshake(Failure::Rejected { code: Reject::REFUSED, .. })]),
        "{:?}",
        a.endings
    );
    assert!(a.table.told.is_empty() && b.table.told.is_empty());
}

#[test]
fn an_acceptor_that_is_full_says_so() {
    let limits = Limits { sessions_max: 0, ..Limits::default() };
    let cookie = Cookie::new("the cookie of these tests").unwrap();
    let local = Local::new(NodeName::parse("b@h:1").unwrap(), NonZeroU64::MIN, cookie.into());
    let (mut a, mut b) = (Node::new("a@h:1"), Node::of(local, limits));
    let ends = dial(&mut a, &mut b);
    one_way(&mut a, ends.0, &mut b, ends.1);
    one_way(&mut b, ends.1, &mut a, ends.0);
    one_way(&mut a, ends.0, &mut b, ends.1);
    assert_eq!(b.endings, [Ending::Refused(Refusal::Busy)]);
    assert_eq!(rejects(&b.last_words(ends.1)), Some(Reject::BUSY));
}

#[test]
fn a_handshake_has_its_time_whatever_arrives() {
    let mut b = Node::new("b@h:1");
    let id = b.accept();
    b.secured(id, 1);
    for _ in 0..6 {
        b.pass(Duration::from_secs(1));
        b.receive(id, &[1]);
    }
    b.pass(HANDSHAKE_DEADLINE.checked_sub(Duration::from_secs(6)).unwrap().checked_sub(MILLI).unwrap());
    // A length that is not the beginning of a message has come meanwhile.
    assert!(matches!(b.endings[..], [] | [Ending::Framing(_)]));
    let mut b = Node::new("b@h:1");
    b.accept();
    b.pass(HANDSHAKE_DEADLINE.checked_sub(MILLI).unwrap());
    assert!(b.endings.is_empty());
    b.pass(2 * MILLI);
    assert_eq!(b.endings, [Ending::Late(Waits::Handshake)]);
    assert!(b.endpoint.is_empty());
}

#[test]
fn a_stream_that_ends_in_the_handshake_has_broken_it_off() {
    let mut b = Node::new("b@h:1");
    let unsecured = b.accept();
    b.stream_ended(unsecured);
    let secured = b.accept();
    b.secured(secured, 1);
    b.stream_ended(secured);
    let texts = ["the stream has ended", "the handshake was broken off: the stream has ended"];
    assert_eq!(b.endings, texts.map(|text| Ending::Lost(text.to_owned())));
}

#[test]
fn an_initiator_waits_for_ack_from_reply_on() {
    let (mut a, mut b) = (Node::new("a@h:1"), Node::new("b@h:1"));
    let ends = dial(&mut a, &mut b);
    a.pass(HANDSHAKE_DEADLINE.checked_sub(MILLI).unwrap());
    one_way(&mut a, ends.0, &mut b, ends.1);
    one_way(&mut b, ends.1, &mut a, ends.0);
    a.pass(ACK_DEADLINE.checked_sub(MILLI).unwrap());
    assert!(a.endings.is_empty());
    a.pass(2 * MILLI);
    assert_eq!(a.endings, [Ending::Late(Waits::Ack)]);
}

#[test]
fn who_breaks_the_protocol_is_told_by_code_1_behind_what_was_queued() {
    let (mut a, _, ends) = two();
    a.stream(ends.0).is_stuck = true;
    a.session(ends.0).open_session().unwrap().send(1, 2, b"queued").unwrap();
    a.stream(ends.0).is_stuck = false;
    a.receive(ends.0, &[1, 0, 0, 0, 0x13]);
    assert!(matches!(a.endings[..], [Ending::Session { why: session::Ending::Protocol(_), .. }]));
    let bytes = a.last_words(ends.0);
    let frames: Vec<_> = Frames::new(&bytes, FRAME_BYTES_MAX)
        .map(|payload| Frame::decode(payload.unwrap(), Reading::Strict).unwrap())
        .collect();
    assert!(matches!(&frames[..], [Frame::Send(_), Frame::Close(close)] if close.code == 1), "{frames:?}");
}

#[test]
fn a_close_is_not_answered() {
    let (mut a, _, ends) = two();
    let mut close = Vec::new();
    Frame::from(Close { code: 0, text: "bye".into() }).encode_framed(FRAME_BYTES_MAX, &mut close).unwrap();
    let to = Pid::new(0, 1, 1).unwrap();
    Frame::from(Send { to, message: b"behind" }).encode_framed(FRAME_BYTES_MAX, &mut close).unwrap();
    a.receive(ends.0, &close);
    assert!(matches!(a.endings[..], [Ending::Session { why: session::Ending::Closed { code: 0, .. }, .. }]));
    assert_eq!(closes(&mut a, ends), []);
    assert_eq!(a.table.told.len(), 2, "up and down: nothing behind CLOSE is handled");
}

/// Neither what is queued nor a CLOSE of its own goes out behind the peer's.
#[test]
fn a_close_is_not_answered_by_one_that_waits_either() {
    let (mut a, mut b, ends) = two();
    a.stream(ends.0).is_stuck = true;
    a.session(ends.0).open_session().unwrap().send(1, 2, b"queued").unwrap();
    a.endpoint.disconnect("b@h:1", a.now);
    a.look();
    b.endpoint.disconnect("a@h:1", b.now);
    b.look();
    a.stream(ends.0).is_stuck = false;
    let close = std::mem::take(&mut b.stream(ends.1).sent);
    a.stream(ends.0).is_stuck = true;
    let stream = a.streams.get_mut(&ends.0).unwrap();
    stream.inbound.receive(&close, &mut *stream.connection, &mut a.table, a.now);
    assert!(matches!(
        stream.connection.ending(),
        Some(Ending::Session { why: session::Ending::Closed { code: 0, .. }, .. })
    ));
    let mut out = Vec::new();
    assert_eq!(stream.connection.transmit(&mut out, 1 << 16, a.now), Transmit::Close);
    assert_eq!((out.len(), stream.connection.transmit(&mut out, 1 << 16, a.now)), (0, Transmit::Nothing));
}

#[test]
fn what_is_appended_is_appended_whatever_is_wanted() {
    let (mut a, _, ends) = two();
    let now = a.now;
    for length in [1, 65_000, 66_000, 200_000] {
        for wanted in [0, 1, 64 << 10, usize::MAX] {
            let message = vec![7; length];
            a.session(ends.0).open_session().unwrap().send(1, 2, &message).unwrap();
            let (mut out, mut given) = (vec![1, 2, 3], 0);
            while a.session(ends.0).transmit(&mut out, wanted, now) != Transmit::Nothing {
                a.session(ends.0).taken(now);
                given += 1;
            }
            assert!(given > 0 && out.starts_with(&[1, 2, 3]) && out.len() > length, "{length} {wanted}");
        }
    }
}

#[test]
fn a_silent_peer_is_asked_and_then_given_up() {
    let (mut a, _, ends) = two();
    a.pass(HEARTBEAT_INTERVAL);
    assert!(!a.stream(ends.0).sent.is_empty(), "a PING");
    a.pass(HEARTBEAT_TIMEOUT.checked_sub(MILLI).unwrap());
    assert!(a.endings.is_empty());
    a.pass(2 * MILLI);
    assert_eq!(a.endings, [session::Ending::Silent.into()]);
    assert_eq!(closes(&mut a, ends), []);
}

#[test]
fn a_stream_that_takes_nothing_is_given_up() {
    let (mut a, _, ends) = two();
    let mut out = Vec::new();
    let now = a.now;
    a.session(ends.0).open_session().unwrap().send(1, 2, b"never taken").unwrap();
    a.session(ends.0).transmit(&mut out, 1 << 10, now);
    a.stream(ends.0).is_stuck = true;
    a.pass(DRAIN_DEADLINE.checked_sub(MILLI).unwrap());
    let now = a.now;
    a.session(ends.0).taken_in_part(now);
    a.pass(DRAIN_DEADLINE.checked_sub(MILLI).unwrap());
    assert!(a.endings.is_empty(), "counted from the last byte");
    a.pass(2 * MILLI);
    assert_eq!(a.endings, [session::Ending::Stuck.into()]);
}

#[test]
fn what_comes_is_read_when_nothing_can_be_written() {
    let (mut a, mut b, ends) = two();
    let now = a.now;
    a.session(ends.0).write_failed("broken pipe", now);
    b.session(ends.1).open_session().unwrap().send(1, 2, b"still read").unwrap();
    b.look();
    one_way(&mut b, ends.1, &mut a, ends.0);
    assert_eq!(a.table.told.len(), 2);
    a.pass(DRAIN_DEADLINE.checked_sub(MILLI).unwrap());
    assert!(a.endings.is_empty());
    a.pass(2 * MILLI);
    let Some(Ending::Session { why: session::Ending::Lost(why), .. }) = a.endings.first() else {
        panic!("{:?}", a.endings)
    };
    assert!(why.contains("broken pipe"));
}

#[test]
fn a_peer_that_does_not_close_is_waited_for_for_a_time() {
    let (mut a, _, ends) = two();
    a.endpoint.stop(a.now);
    a.look();
    assert!(a.stream(ends.0).has_closed, "CLOSE, and then close_notify");
    a.pass(SHUTDOWN_PATIENCE.checked_sub(MILLI).unwrap());
    assert!(a.endings.is_empty());
    a.pass(2 * MILLI);
    assert_eq!(a.endings, [session::Ending::Stopped.into()]);
    assert!(a.endpoint.is_empty());
}

#[test]
fn a_newcomer_has_the_place_of_the_oldest_silent_one() {
    let limits = Limits { handshakes_max: 2, ..Limits::default() };
    let cookie = Cookie::new("the cookie of these tests").unwrap();
    let local = Local::new(NodeName::parse("b@h:1").unwrap(), NonZeroU64::MIN, cookie.into());
    let mut b = Node::of(local, limits);
    let first = b.accept();
    b.accept();
    let third = b.accept();
    assert!(!b.streams.contains_key(&first) && b.streams.contains_key(&third));
    assert!(matches!(b.endings[..], [Ending::GaveWay(_)]));
}
