//! The outbound queue. Specification: `connection.md`, "The outbound queue".

use snow_dist_codec::frame::{Demonitor, Exit, Link, Monitor, Unlink, UnlinkId};
use snow_dist_codec::{EncodeErrorKind, Frame, Root};
use snow_dist_runtime::core::Reason;
use snow_dist_runtime::core::limits::{
    SESSION_QUEUE_BYTES_MAX, SESSION_RESERVE_BYTES_MAX, UNLINKS_UNANSWERED_MAX,
};
use snow_dist_runtime::core::session::{Ending, NotSent};
use snow_dist_tests::simnet::Pair;
use snow_dist_tests::simnet::Side::{A, B};

use super::{assert_tables_empty, exit};

//= spec/connection.md#con-que-001
//# A node MUST NOT queue a message in a session in which `session_queue_bytes_max` bytes or more of messages
//# wait.
#[test]
fn a_full_queue_makes_senders_wait_until_it_is_written() {
    let mut pair = Pair::new();
    let message = vec![0; 1 << 20];
    while pair[A].session.has_room() {
        pair[A].session.send(1, 3, &message).unwrap();
    }
    assert!(pair[A].session.waiting_bytes() >= SESSION_QUEUE_BYTES_MAX);
    assert!(pair[A].session.waiting_bytes() < SESSION_QUEUE_BYTES_MAX + (2 << 20));
    pair.settle();
    assert!(pair[A].session.has_room());
    assert_eq!((pair[A].session.waiting_bytes(), pair.seen(B, 3).len()), (0, 8));
}

//= spec/connection.md#con-que-002
//# A node MUST queue a message that the peer can take if fewer bytes of messages wait, whatever its size.
#[test]
fn a_message_of_any_size_is_taken_while_there_is_room() {
    let mut pair = Pair::new();
    pair[A].session.send(1, 3, &vec![0; (16 << 20) - 9]).unwrap();
    assert!(!pair[A].session.has_room());
    pair.settle();
    assert_eq!(pair.seen(B, 3).len(), 1);
}

#[test]
fn a_message_over_the_peers_bound_is_refused() {
    let mut pair = Pair::with(|_, config| config.peer_bounds.frame_bytes = 100);
    pair[A].session.send(1, 3, &[0; 91]).unwrap();
    let refused = pair[A].session.send(1, 3, &[0; 92]).unwrap_err();
    let NotSent::TooLong(error) = refused else { panic!("{refused}") };
    assert_eq!(error.kind, EncodeErrorKind::TooLong { max: 100, actual: 101 });
    assert!(pair[A].session.send_named(1, "name", &[0; 94]).is_err());
    pair.settle();
    assert_eq!(pair[B].names(), ["SEND"]);
}

//= spec/connection.md#con-que-005
//# A node SHOULD make LINK, MONITOR, MONITOR_NAME and SPAWN wait for room as messages do.
#[test]
fn links_and_monitors_wait_like_messages() {
    let mut pair = Pair::new();
    let mut asked = 0;
    while pair[A].session.has_room() {
        asked += 1;
        pair[A].session.link(1, asked).unwrap();
        pair[A].session.monitor(2, asked, asked).unwrap();
    }
    assert!(asked > 100_000 && asked < 200_000, "{asked}");
    pair[A].session.unlink(1, 1);
    pair[A].session.demonitor(1);
    let mut out = Vec::new();
    pair[A].session.write(&mut out, usize::MAX);
    assert!(pair[A].session.has_room());
    assert_eq!(pair[A].session.waiting_bytes(), 0);
}

//= spec/connection.md#con-que-004
//# A node MUST NOT let an EXIT, a MONITOR_EXIT, an unlink or an end of a monitor wait for room in the queue.
#[test]
fn a_mass_exit_neither_fills_the_queue_nor_cuts_the_session() {
    let mut pair = Pair::new();
    let end = &mut pair[A];
    for remote in 1..=200_000 {
        let from = Pair::wire(B, remote);
        let link = Frame::from(Link { from, to: Pair::wire(A, 1) });
        end.session.handle_frame(&link, &mut end.table).unwrap();
        let monitor = Frame::from(Monitor { from, to: Pair::wire(A, 1), reference: remote });
        end.session.handle_frame(&monitor, &mut end.table).unwrap();
    }
    pair.end_process(A, 1, Reason::error("boom".repeat(1_000)));
    assert_eq!(pair[A].session.waiting_bytes(), 0);
    let mut out = Vec::new();
    while pair[A].session.has_output() {
        out.clear();
        pair[A].session.write(&mut out, 64 << 10);
        assert!(out.len() < 72 << 10);
    }
    assert_eq!(pair[A].session.table_sizes(), (0, 0, 0));
}

/// Each of many processes has something queued when it ends: none of them may pay for the others.
#[test]
fn a_mass_exit_of_processes_with_messages_costs_each_its_own() {
    let mut pair = Pair::new();
    for local in 10..50_010 {
        pair[A].table.start(local);
        pair[A].session.link(local, 3).unwrap();
    }
    pair.settle();
    for local in 10..50_010 {
        pair[A].session.send(local, 3, b"last words").unwrap();
    }
    for local in 10..50_010 {
        pair.end_process(A, local, Reason::Normal);
    }
    pair.settle();
    assert_eq!(pair.seen(B, 3).len(), 100_000);
    assert_eq!(pair.seen(B, 3)[1], exit(B, 10, Reason::Normal));
    assert_tables_empty(&pair);
}

//= spec/connection.md#con-que-006
//# A node MUST end a session in which answers of more than `session_reserve_bytes_max` wait.
#[test]
fn a_peer_that_asks_and_does_not_read_is_cut() {
    let nobody = Pair::wire(A, 77);
    let asks: [&dyn Fn(u64) -> Frame<'static>; 3] = [
        &|n| Frame::from(Link { from: Pair::wire(B, n), to: nobody }),
        &|n| Frame::from(Monitor { from: Pair::wire(B, n), to: nobody, reference: n }),
        &|n| Frame::from(UnlinkId { from: Pair::wire(B, n), to: nobody, id: n }),
    ];
    for ask in asks {
        let mut pair = Pair::new();
        let end = &mut pair[A];
        let refused = (1..).find_map(|n| Some((n, end.session.handle_frame(&ask(n), &mut end.table).err()?)));
        // Each answer counts 64 bytes.
        assert_eq!(refused, Some((SESSION_RESERVE_BYTES_MAX as u64 / 64 + 1, Ending::AnswersUnread)));
    }
}

/// Each process that ends owes the peer exits and DOWNs, which the peer makes void at once.
#[test]
fn a_peer_that_piles_up_void_signals_and_does_not_read_is_cut() {
    let (from, to) = (Pair::wire(B, 1), |local| Pair::wire(A, local));
    let rounds: [[&dyn Fn(u64) -> Frame<'static>; 2]; 3] = [
        [&|n| Frame::from(Link { from, to: to(n) }), &|n| {
            Frame::from(Exit { from, to: to(n), reason: Root::Killed.into() })
        }],
        [&|n| Frame::from(Link { from, to: to(n) }), &|n| Frame::from(Unlink { from, to: to(n) })],
        [&|n| Frame::from(Monitor { from, to: to(n), reference: n }), &|n| {
            Frame::from(Demonitor { from, to: to(n), reference: n })
        }],
    ];
    for [ask, void] in rounds {
        let mut pair = Pair::new();
        let end = &mut pair[A];
        let refused = (10..).find_map(|n| {
            end.table.start(n);
            end.session.handle_frame(&ask(n), &mut end.table).unwrap();
            end.session.process_ended(n, &Reason::Normal);
            let refused = end.session.handle_frame(&void(n), &mut end.table).err();
            // Whoever reads gives back what it held.
            if n == 100_000 {
                let mut out = Vec::new();
                end.session.write(&mut out, usize::MAX);
                assert!(out.is_empty() && !end.session.has_output());
            }
            Some((n, refused?))
        });
        let limit = 100_000 + SESSION_RESERVE_BYTES_MAX as u64 / 64 + 1;
        assert_eq!(refused, Some((limit, Ending::AnswersUnread)));
    }
}

#[test]
fn a_peer_that_reads_may_ask_for_ever() {
    let mut pair = Pair::new();
    for round in 0..4 {
        for asked in 1..=100_000 {
            pair.inject(A, Link { from: Pair::wire(B, round * 100_000 + asked), to: Pair::wire(A, 77) });
        }
        pair.settle();
    }
    assert_eq!((pair.ended(A), pair[B].arrived.len()), (None, 400_000));
}

/// Whose links are ended here and there at once has their places back before it acknowledges: it need not do so.
//= spec/session.md#ses-bnd-007
//# A node MUST end a session in which the links in state unlinking without a place are more than
//# `unlinks_unanswered_max` and more than its own links_and_monitors_max.
#[test]
fn a_peer_that_never_acknowledges_unlinks_is_cut() {
    let to = Pair::wire(A, 3);
    let frames: [&dyn Fn(u64) -> Frame<'static>; 2] =
        [&|n| Frame::from(Exit { from: Pair::wire(B, n), to, reason: Root::Killed.into() }), &|n| {
            Frame::from(UnlinkId { from: Pair::wire(B, n), to, id: n })
        }];
    for (ends, peer_asks) in frames.into_iter().zip([true, false]) {
        let mut pair = few_links();
        let end = &mut pair[A];
        let refused = (10..).find_map(|n| {
            if peer_asks {
                end.session
                    .handle_frame(&Link { from: Pair::wire(B, n), to }.into(), &mut end.table)
                    .unwrap();
            } else {
                end.session.link(3, n).unwrap();
            }
            end.session.unlink(3, n);
            let refused = end.session.handle_frame(&ends(n), &mut end.table).err();
            end.session.write(&mut Vec::new(), usize::MAX);
            assert!(refused.is_some() || end.session.places() == (0, 0), "its place bounds it");
            Some((n, refused?))
        });
        assert_eq!(refused, Some((10 + UNLINKS_UNANSWERED_MAX as u64, Ending::UnlinksUnanswered)));
    }
}

fn few_links() -> Pair {
    Pair::with(|_, config| {
        config.bounds.links_and_monitors = 1_000;
        config.peer_bounds.links_and_monitors = 1_000;
    })
}

/// All links that there may be are ended at both ends at once: nobody has broken a rule.
#[test]
fn unlinks_that_cross_end_no_session_however_many_links_there_may_be() {
    let links = UNLINKS_UNANSWERED_MAX as u64 + 10;
    let mut pair = Pair::with(|_, config| {
        config.bounds.links_and_monitors = u32::try_from(links).unwrap();
        config.peer_bounds.links_and_monitors = u32::try_from(links).unwrap();
    });
    let to = Pair::wire(A, 3);
    let end = &mut pair[A];
    for n in 10..10 + links {
        end.session.link(3, n).unwrap();
        end.session.write(&mut Vec::new(), usize::MAX);
        end.session.unlink(3, n);
        end.session.write(&mut Vec::new(), usize::MAX);
    }
    for n in 10..10 + links {
        let unlink = UnlinkId { from: Pair::wire(B, n), to, id: n };
        assert_eq!(end.session.handle_frame(&unlink.into(), &mut end.table), Ok(()), "{n}");
        end.session.write(&mut Vec::new(), usize::MAX);
    }
}
