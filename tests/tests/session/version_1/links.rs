//! Links, and the monitors beside them. Specification: `version1.md`, "Links and monitors".

use super::*;

//= spec/version1.md#v1-lnk-002
//# A node MUST give one exit signal for a link, by EXIT or by the MONITOR_EXIT of the monitor beside it, whichever
//# comes first.
#[test]
fn a_link_ends_once_by_whichever_comes_first() {
    let (pair, reference) = linked();
    let end = Exit { from: theirs(9), to: ours(3), reason: killed() };
    let reason = Root::Error("noproc".into()).into();
    let beside = MonitorExit { monitored: theirs(9), monitoring: ours(3), reference, reason };
    for exit_first in [true, false] {
        let mut pair = pair.clone();
        let first = if exit_first { Frame::from(end) } else { Frame::from(beside) };
        pair.inject(A, first);
        pair.settle();
        assert_eq!(links_and_monitors(&pair), (0, 0, 0));
        pair.inject(A, end);
        pair.inject(A, beside);
        pair.settle();
        let reason = if exit_first { Reason::Killed } else { Reason::noproc() };
        assert_eq!(pair.seen(A, 3), [exit(9, reason)]);
        assert_eq!((pair[A].session.counts().unmatched, pair[B].arrived.len()), (2, 0));
    }
}

//= spec/version1.md#v1-lnk-004
//# A node MUST end a link without a signal when it reads UNLINK for it.
#[test]
fn their_unlink_ends_the_link_and_the_monitor_beside_it() {
    let (mut pair, reference) = linked();
    let (from, to) = (ours(3), theirs(9));
    pair.inject(A, Unlink { from: theirs(9), to: ours(3) });
    pair.settle();
    assert_eq!(pair[B].frames(), [Demonitor { from, to, reference }.into()]);
    pair.inject(A, Exit { from: theirs(9), to: ours(3), reason: killed() });
    pair.settle();
    assert_eq!((links_and_monitors(&pair), pair.seen(A, 3)), ((0, 0, 0), &[][..]));
}

#[test]
fn an_unlink_is_the_end_and_what_crosses_is_ignored() {
    let (mut pair, reference) = linked();
    let reason = killed();
    pair[A].session.unlink(3, 9);
    pair.inject(A, Exit { from: theirs(9), to: ours(3), reason });
    pair.inject(A, MonitorExit { monitored: theirs(9), monitoring: ours(3), reference, reason });
    pair.settle();
    assert_eq!((pair[B].names(), pair.seen(A, 3)), (vec!["UNLINK", "DEMONITOR"], &[][..]));
    // A new link can be made at once, and has a monitor of its own.
    forget(&mut pair);
    pair[A].session.link(3, 9).unwrap();
    pair.settle();
    assert_eq!((links_and_monitors(&pair).0, pair[B].names()), (1, vec!["LINK", "MONITOR"]));
}

/// The one outcome that version 1 cannot mend: `version1.md`, "Links and monitors".
#[test]
fn an_unlink_that_crosses_an_unlink_and_a_link_leaves_one_end_linked() {
    let (mut pair, _) = linked();
    pair[A].session.unlink(3, 9);
    pair[A].session.link(3, 9).unwrap();
    pair.settle();
    assert_eq!(pair[B].names(), ["UNLINK", "DEMONITOR", "LINK", "MONITOR"]);
    // Theirs, which has unlinked before it has read the LINK, and is linked from then on.
    pair.inject(A, Unlink { from: theirs(9), to: ours(3) });
    pair.settle();
    assert_eq!(links_and_monitors(&pair), (0, 0, 0));
    pair.inject(A, Exit { from: theirs(9), to: ours(3), reason: killed() });
    pair.settle();
    assert_eq!(pair.seen(A, 3), []);
}

#[test]
fn a_link_takes_two_places_or_none() {
    let mut pair = Pair::with(|_, config| {
        config.version = version_1(Some(K));
        config.peer_bounds.links_and_monitors = 3;
    });
    let session = &mut pair[A].session;
    session.link(3, 9).unwrap();
    assert_eq!(session.link(3, 8), Err(NotMade::Full { count_max: 3 }));
    session.monitor(3, 8, 1).unwrap();
    assert_eq!(session.monitor(3, 7, 2), Err(NotMade::Full { count_max: 3 }));
    pair.settle();
    assert_eq!(pair[B].names(), ["LINK", "MONITOR", "MONITOR"]);
    // The places come free with what is written.
    pair[A].session.unlink(3, 9);
    assert_eq!(pair[A].session.link(3, 8), Err(NotMade::Full { count_max: 3 }));
    pair.settle();
    pair[A].session.link(3, 8).unwrap();
    // And with the end of the link.
    pair.settle();
    pair.inject(A, Exit { from: theirs(8), to: ours(3), reason: killed() });
    pair.settle();
    pair[A].session.link(3, 8).unwrap();
    pair.settle();
    let reference = reference(&pair);
    let reason = killed();
    pair.inject(A, MonitorExit { monitored: theirs(8), monitoring: ours(3), reference, reason });
    pair.settle();
    pair[A].session.link(3, 8).unwrap();
}

#[test]
fn the_end_of_the_session_is_one_signal_for_each_link_and_each_monitor() {
    let (mut pair, _) = linked();
    pair[A].session.monitor(3, 8, 77).unwrap();
    pair.inject(A, Link { from: theirs(7), to: ours(4) });
    pair.settle();
    pair.lose(0, 0);
    pair.settle();
    let down = Seen::Down(77, Pair::theirs(A, 8), Reason::Noconnection);
    assert_eq!(pair.seen(A, 3), [exit(9, Reason::Noconnection), down]);
    assert_eq!(pair.seen(A, 4), [exit(7, Reason::Noconnection)]);
}

#[test]
fn a_monitor_ends_under_the_reference_of_its_process() {
    let mut pair = beside(Some(K));
    pair[A].session.monitor(3, 9, 77).unwrap();
    pair.settle();
    let (monitored, monitoring, reference) = (theirs(9), ours(3), reference(&pair));
    // The number by which its process knows it is none on the wire.
    pair.inject(A, MonitorExit { monitored, monitoring, reference: 77, reason: killed() });
    pair.settle();
    assert_eq!(pair.seen(A, 3), []);
    pair.inject(A, MonitorExit { monitored, monitoring, reference, reason: killed() });
    pair.settle();
    assert_eq!(pair.seen(A, 3), [Seen::Down(77, Pair::theirs(A, 9), Reason::Killed)]);
    assert!(!pair[A].session.demonitor(77));
    assert_eq!(links_and_monitors(&pair), (0, 0, 0));
}
