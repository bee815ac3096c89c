//! CLOSE. Specification: `connection.md`, "Closing".

use snow_dist_codec::Frame;
use snow_dist_codec::frame::{Close, Ping};
use snow_dist_runtime::core::Reason;
use snow_dist_tests::simnet::Pair;
use snow_dist_tests::simnet::Side::{A, B};

use super::{assert_tables_empty, down, exit, linked};

//= spec/connection.md#con-cls-005
//# A node that ends a session in order MUST write what is queued before CLOSE, as far as `shutdown_patience`
//# allows.
#[test]
fn close_goes_out_when_all_else_has() {
    let mut pair = linked();
    pair[A].session.close(0, "node stops");
    for _ in 0..30 {
        pair[A].session.send(1, 3, &[0; 10_000]).unwrap();
    }
    pair.end_process(A, 3, Reason::Killed);
    pair.settle();
    let names = pair[B].names();
    assert_eq!(names.iter().filter(|name| **name == "SEND").count(), 30);
    assert_eq!(pair[B].frames().last(), Some(&Frame::from(Close { code: 0, text: "node stops".into() })));
    assert_eq!(pair.ended(B), Some("the peer closed the session with code 0: \"node stops\""));
    assert!(pair.seen(B, 3).contains(&exit(B, 3, Reason::Killed)));
}

//= spec/session.md#ses-end-006
//# A node MUST do what this section says in the same way at every end of a session.
#[test]
fn close_ends_links_and_monitors_as_a_cut_does() {
    let mut pair = linked();
    pair[B].session.monitor(3, 1, 5).unwrap();
    pair.settle();
    pair[A].session.close(3, "replaced");
    pair.settle();
    let lost = Reason::Noconnection;
    assert_eq!(pair.seen(B, 3), [exit(B, 3, lost.clone()), down(B, 5, 1, lost.clone())]);
    assert_eq!(pair.seen(A, 3), [exit(A, 3, lost)]);
    assert_tables_empty(&pair);
}

//= spec/connection.md#con-cls-001
//# A node MUST NOT write a frame after CLOSE.
#[test]
fn nothing_follows_close() {
    let mut pair = Pair::new();
    pair[A].session.close(0, "node stops");
    let mut out = Vec::new();
    pair[A].session.write(&mut out, usize::MAX);
    let closed = out.len();
    pair[A].session.send(1, 3, b"too late").unwrap();
    pair[A].session.link(3, 3).unwrap();
    let end = &mut pair[A];
    end.session.handle_frame(&Frame::from(Ping { payload: &[0; 8] }), &mut end.table).unwrap();
    assert!(!pair[A].session.has_output());
    pair[A].session.write(&mut out, usize::MAX);
    assert_eq!(out.len(), closed);
}

//= spec/connection.md#con-cls-014
//# A node MUST NOT write more than `close_text_bytes_max` bytes into the `text` of a CLOSE.
#[test]
fn a_text_too_long_for_close_is_cut_between_characters() {
    let mut pair = Pair::new();
    pair[A].session.close(1, &"\u{e9}".repeat(40_000));
    pair.settle();
    let frames = pair[B].frames();
    let [Frame::Close(close)] = frames[..] else { panic!("{:?}", pair[B].names()) };
    assert!(close.text.as_str().chars().all(|char| char == '\u{e9}'));
    assert!(!close.text.is_empty());
}
