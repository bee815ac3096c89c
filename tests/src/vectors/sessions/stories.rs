//! What happens in each story. The requirements of each stand in its second line.

use serde_json::Value;
use snow_dist_runtime::core::Reason;

use super::fragments::fragments;
use super::frames::{
    Arrives, close, demonitor, empty, error, exit, exit_to, in_two, link, link_of, link_with_surplus, lists,
    monitor, monitor_exit, monitor_exit_to, monitor_of, of_capabilities, ours, ping, pong, refused, reg_send,
    root, send, send_to, spawn, theirs, too_long, unknown, unlink, unlink_ack, unlink_id, unlink_id_of,
};
use super::node::Bounds;
use super::story::Story;
use crate::vectors::layout::{Field, Root};

pub(super) fn all() -> Vec<Value> {
    [
        links(),
        unlinks(),
        exits(),
        monitors(),
        messages(),
        pids(),
        reasons(),
        odd_frames(),
        ends(),
        order(),
        super::capabilities::all(),
        super::calls::all(),
        super::names::all(),
        super::globals::all(),
        super::terms::all(),
        super::places::all(),
        fragments(),
        super::version_1::all(),
    ]
    .into_iter()
    .flatten()
    .map(Story::vector)
    .collect()
}

fn boom() -> Reason {
    Reason::error("boom")
}

fn links() -> Vec<Story> {
    vec![
        Story::new(
            "link-and-exit",
            "SES-LNK-001 SES-LNK-027 SES-LNK-029 SES-EXI-003 SES-EXI-004 SES-LNK-010",
            "a process links, and the other one ends",
        )
        .link(5, 9, "process 5 links: LINK")
        .receive(exit(9, 5, error("boom")), "9 has ended, so 5 does; nothing is owed to 9"),
        Story::new(
            "link-and-end",
            "SES-LNK-012 SES-LNK-008 SES-PID-001 SES-PID-002",
            "a process is linked, and ends",
        )
        .receive(link(9, 5), "9 links with 5: nothing is written, and 5 is not told")
        .end(5, boom(), "EXIT, with the reason of the end"),
        Story::new(
            "link-chain",
            "SES-EXI-004 SES-PID-011 SES-RSN-007 SES-LNK-008",
            "an end runs through a process",
        )
        .receive_all(vec![link(8, 5), link(9, 5)], "8 and 9 link with 5")
        .receive(
            exit(9, 5, error("boom")),
            "9 has ended, then 5: the hop before the root is a process of the reader",
        ),
        Story::new("link-twice", "SES-LNK-002 SES-LNK-013", "a link is one, however often it is asked for")
            .link(5, 9, "LINK")
            .link(5, 9, "nothing")
            .receive(link(9, 5), "the LINK of the other end, which has crossed: ignored")
            .end(5, Reason::Normal, "one EXIT"),
        Story::new("link-many", "SES-LNK-008 SES-LNK-012", "a process with several links ends")
            .receive_all(vec![link(8, 5), link(9, 5)], "8 and 9 link with 5")
            .link(5, 3, "LINK")
            .end(5, Reason::Killed, "an EXIT for each link")
            .any_order(),
        Story::new("link-to-nobody", "SES-LNK-015 SES-PID-003", "LINKs for the dead")
            .receive(link(9, 99), "99 has never been: EXIT noproc, the pids as they came")
            .end(6, Reason::Normal, "6 ends, and is linked to nobody")
            .receive(link(9, 6), "6 is dead: the same"),
        Story::new(
            "link-answered-noproc",
            "SES-LNK-001 SES-LNK-027 SES-LNK-029 SES-EXI-003",
            "the other end is dead",
        )
        .link(7, 99, "LINK: whether 99 lives is not known")
        .receive(exit(99, 7, error("noproc")), "an exit signal like any other"),
    ]
}

fn unlinks() -> Vec<Story> {
    vec![
        Story::new("unlink-twice", "SES-LNK-014 SES-LNK-020", "only the last unlink is waited for")
            .link(5, 9, "LINK")
            .unlink(5, 9, "UNLINK_ID")
            .link(5, 9, "LINK: active again")
            .unlink(5, 9, "UNLINK_ID with another id")
            .receive(unlink_ack(9, 5, 1), "the first one: ignored, and the link is unlinking")
            .receive(link(9, 5), "it was to cross the second one: ignored")
            .end(5, boom(), "nothing: there is no link"),
        Story::new("unlink-twice-and-exit", "SES-LNK-020 SES-LNK-028", "an EXIT before the last acknowledgement")
            .link(7, 9, "LINK")
            .unlink(7, 9, "UNLINK_ID")
            .link(7, 9, "LINK: active again")
            .unlink(7, 9, "UNLINK_ID with another id")
            .link(7, 9, "LINK: active again")
            .receive(unlink_ack(9, 7, 1), "the first one: ignored")
            .receive(exit(9, 7, error("boom")), "it is of a link before: ignored")
            .receive(unlink_ack(9, 7, 2), "the last one; the link stays")
            .receive(exit(9, 7, error("boom")), "it is of this link: an exit signal"),
        Story::new("unlink-and-ack", "SES-LNK-004 SES-LNK-019 SES-LNK-005", "a link is ended")
            .link(5, 9, "LINK")
            .unlink(5, 9, "UNLINK_ID")
            .unlink(5, 9, "nothing: it is unlinking already")
            .receive(unlink_ack(9, 5, 1), "the link is over")
            .unlink(5, 9, "nothing: there is no link")
            .link(5, 9, "a new link")
            .unlink(5, 9, "UNLINK_ID with another id"),
        Story::new("unlink-of-peer", "SES-LNK-021 SES-LNK-022 SES-LNK-010", "the other end unlinks")
            .receive(link(9, 5), "9 links with 5")
            .receive(unlink_id(9, 5, 4), "UNLINK_ACK with the same id; 5 is not told")
            .end(5, boom(), "no EXIT: the link is over"),
        Story::new("unlink-of-unknown", "SES-LNK-021 DIST-ULA-001", "every UNLINK_ID is acknowledged")
            .receive(unlink_id(9, 5, 4), "there is no link")
            .receive(unlink_id(9, 99, u64::MAX), "there is no process"),
        Story::new(
            "unlink-crosses-exit",
            "SES-LNK-028 SES-LNK-019",
            "the other process ends before it hears of the unlink",
        )
        .link(5, 9, "LINK")
        .unlink(5, 9, "UNLINK_ID")
        .receive(exit(9, 5, error("boom")), "5 has given the link up: ignored")
        .receive(unlink_ack(9, 5, 1), "acknowledged although 9 is dead"),
        Story::new(
            "exit-crosses-unlink-and-link",
            "SES-LNK-028 SES-LNK-003 SES-LNK-020 SES-LNK-029",
            "the figure of \"Exit that crosses unlink and link\", at a: an EXIT before the acknowledgement is of the \
             link before",
        )
        .link(5, 9, "LINK")
        .unlink(5, 9, "UNLINK_ID 1")
        .link(5, 9, "LINK: active again")
        .receive(exit(9, 5, error("noproc")), "the answer to the first LINK: ignored")
        .receive(unlink_ack(9, 5, 1), "no state changes; none is outstanding any more")
        .receive(exit(9, 5, error("boom")), "9 has been started since, was linked, and has ended: 5 ends"),
        Story::new(
            "exit-crosses-unlink-and-link-and-end",
            "SES-LNK-028 SES-LNK-008",
            "a process that has linked again ends, and an EXIT of the link before comes while its own is owed",
        )
        .link(5, 9, "LINK")
        .unlink(5, 9, "UNLINK_ID 1")
        .link(5, 9, "LINK: active again")
        .block()
        .end(5, boom(), "an EXIT is owed")
        .receive(exit(9, 5, error("noproc")), "the answer to the first LINK: ignored")
        .unblock("EXIT"),
        Story::new(
            "unlink-and-link-cross-unlink",
            "SES-LNK-003 SES-LNK-022 SES-LNK-021 SES-LNK-020",
            "the first figure of \"Crossing unlink and link\", at a: both end without a link",
        )
        .link(5, 9, "LINK")
        .unlink(5, 9, "UNLINK_ID 1")
        .link(5, 9, "LINK: active again")
        .receive(unlink_id(9, 5, 4), "9 had unlinked before it read any of that: UNLINK_ACK 4, no link")
        .receive(unlink_ack(9, 5, 1), "an old acknowledgement: ignored")
        .end(5, boom(), "no EXIT: there is no link"),
        Story::new(
            "unlink-crosses-unlink-and-link",
            "SES-LNK-014 SES-LNK-023 SES-LNK-021 SES-LNK-019",
            "the first figure of \"Crossing unlink and link\", at b",
        )
        .link(5, 9, "LINK")
        .unlink(5, 9, "UNLINK_ID")
        .receive(unlink_id(9, 5, 1), "UNLINK_ACK 1; still unlinking")
        .receive(link(9, 5), "9 linked before it read the UNLINK_ID: ignored")
        .receive(unlink_ack(9, 5, 1), "the link is over")
        .end(5, boom(), "no EXIT: there is no link"),
        Story::new(
            "unlinks-cross-then-link",
            "SES-LNK-023 SES-LNK-003 SES-LNK-020",
            "the second figure of \"Crossing unlink and link\", at a: both are linked in the end",
        )
        .link(5, 9, "LINK")
        .unlink(5, 9, "UNLINK_ID 1")
        .receive(unlink_id(9, 5, 4), "UNLINK_ACK 4; still unlinking")
        .link(5, 9, "LINK, behind the UNLINK_ACK: active")
        .receive(unlink_ack(9, 5, 1), "an old acknowledgement: ignored, the link stays")
        .end(5, boom(), "EXIT"),
        Story::new(
            "unlinks-cross-then-linked",
            "SES-LNK-023 SES-LNK-019 SES-LNK-012",
            "the second figure of \"Crossing unlink and link\", at b",
        )
        .link(5, 9, "LINK")
        .unlink(5, 9, "UNLINK_ID")
        .receive(unlink_id(9, 5, 1), "UNLINK_ACK 1; still unlinking")
        .receive(unlink_ack(9, 5, 1), "the link is over")
        .receive(link(9, 5), "behind the acknowledgement, so it is a new one")
        .end(5, boom(), "EXIT"),
        Story::new(
            "unlink-then-end",
            "SES-LNK-009 SES-LNK-019",
            "a process ends while its unlink is outstanding",
        )
        .link(5, 9, "LINK")
        .unlink(5, 9, "UNLINK_ID")
        .end(5, boom(), "no EXIT")
        .receive(unlink_ack(9, 5, 1), "nothing"),
        Story::new("unlink-old-ack", "SES-LNK-020", "acknowledgements that answer nothing")
            .receive(unlink_ack(9, 5, 1), "nothing was unlinked: ignored")
            .link(5, 9, "LINK")
            .receive(unlink_ack(9, 5, 1), "ignored, the link stays")
            .unlink(5, 9, "UNLINK_ID")
            .receive(unlink_ack(9, 5, 77), "another id: ignored")
            .receive(exit(9, 5, error("boom")), "still unlinking: ignored"),
        Story::new(
            "unlink-plain",
            "SES-LNK-025 SES-LNK-010 SES-LNK-007",
            "UNLINK ends a link without an acknowledgement",
        )
        .receive(link(9, 5), "9 links with 5")
        .receive(unlink(9, 5), "nothing is written")
        .end(5, boom(), "no EXIT: there is no link"),
        Story::new(
            "unlink-while-exit-is-owed",
            "SES-LNK-010 SES-LNK-022 SES-LNK-021",
            "an EXIT that is not written yet is not written any more",
        )
        .receive(link(9, 5), "9 links with 5")
        .block()
        .end(5, boom(), "an EXIT is owed")
        .receive(unlink_id(9, 5, 4), "the other end has no link any more")
        .unblock("UNLINK_ACK, and no EXIT"),
        Story::new("link-while-exit-is-owed", "SES-LNK-014 SES-LNK-008", "a LINK that crosses an EXIT")
            .link(5, 9, "LINK")
            .block()
            .end(5, boom(), "an EXIT is owed")
            .receive(link(9, 5), "written before 9 hears of the end: ignored, no answer of its own")
            .unblock("EXIT, once"),
    ]
}

fn exits() -> Vec<Story> {
    vec![
        Story::new("exit-normal", "SES-EXI-001 SES-EXI-005 SES-LNK-029", "Normal and Shutdown end nobody")
            .receive_all(vec![link(8, 5), link(9, 5)], "8 and 9 link with 5")
            .receive(exit(8, 5, root(Root::Normal)), "5 is told, and goes on")
            .receive(exit(9, 5, root(Root::Shutdown)), "the same")
            .end(5, Reason::Normal, "both links are over: no EXIT"),
        Story::new(
            "exit-normal-behind-hops",
            "SES-EXI-003 SES-EXI-004",
            "Normal behind a hop ends a process",
        )
        .receive(link(9, 5), "9 links with 5")
        .receive(
            exit(9, 5, Field::Reason(vec![(0, 18, 8)], Root::Normal)),
            "9 ended because 8 did, so 5 ends: the hop is a process of the writer",
        ),
        Story::new(
            "exit-trapped",
            "SES-EXI-002 SES-EXI-005",
            "a process that traps exits is told and goes on",
        )
        .receive_all(vec![link(8, 7), link(9, 7)], "8 and 9 link with 7")
        .receive(exit(9, 7, root(Root::Killed)), "not even Killed ends it")
        .receive(exit(8, 7, root(Root::Noconnection)), "that 8 lost a connection is a reason like any other")
        .receive(send(7, b"still here"), "it lives"),
        Story::new("exit-without-a-link", "SES-LNK-017 SES-LNK-026", "an EXIT without a link is ignored")
            .receive(exit(9, 5, root(Root::Killed)), "no link: 5 goes on")
            .receive(link(9, 7), "9 links with 7")
            .receive(exit(9, 7, error("once")), "the link ends")
            .receive(exit(9, 7, error("twice")), "no link any more: ignored")
            .receive(exit(9, 99, root(Root::Killed)), "no process: ignored"),
        Story::new("exit-behind-exit", "SES-EXI-007 SES-ORD-005 SES-LNK-008", "the first end counts")
            .receive_all(vec![link(8, 5), link(9, 5), link(3, 5)], "three processes link with 5")
            .receive_all(
                vec![exit(8, 5, error("first")), send(5, b"late"), exit(9, 5, error("second"))],
                "the first EXIT ends 5: no message and no second signal reach it",
            ),
    ]
}

fn monitors() -> Vec<Story> {
    vec![
        Story::new(
            "monitor-and-down",
            "SES-MON-001 SES-MON-012 SES-MON-011",
            "a process monitors another one, which ends",
        )
        .monitor(5, 9, 1, "MONITOR")
        .receive(monitor_exit(9, 5, 1, error("boom")), "DOWN, which ends nobody")
        .receive(monitor_exit(9, 5, 1, error("again")), "the monitor is over: ignored"),
        Story::new("monitor-of-own", "SES-MON-005 SES-MON-001", "a process is monitored twice, and ends")
            .receive_all(vec![monitor(9, 5, 1), monitor(9, 5, 2)], "two monitors of one process by one other")
            .end(5, boom(), "a MONITOR_EXIT for each")
            .any_order(),
        Story::new("monitor-of-nobody", "SES-MON-006 SES-PID-003", "MONITORs of the dead")
            .receive(monitor(9, 99, 1), "MONITOR_EXIT noproc")
            .receive(monitor(9, 5, 1), "the number is not in use: monitored")
            .end(5, Reason::Normal, "MONITOR_EXIT"),
        Story::new(
            "monitor-number-in-use",
            "SES-MON-007 CON-CLS-010",
            "a number that is in use ends the session",
        )
        .receive(monitor(9, 5, 1), "monitored")
        .receive(monitor(8, 6, 1), "the same number, of other processes"),
        Story::new(
            "monitor-number-in-use-of-nobody",
            "SES-MON-007",
            "so does one for a process that is dead",
        )
        .receive(monitor(9, 5, 1), "monitored")
        .receive(monitor(9, 99, 1), "the number is judged first"),
        Story::new("monitor-both-ways", "SES-MON-008", "each direction has numbers of its own")
            .monitor(5, 9, 1, "MONITOR 1")
            .receive(monitor(8, 5, 1), "the same number of the peer: nobody minds")
            .receive(monitor_exit(9, 5, 1, error("boom")), "DOWN for the own one")
            .end(5, Reason::Normal, "MONITOR_EXIT for the other one"),
        Story::new("demonitor", "SES-MON-003 SES-MON-011 SES-MON-002", "a process ends a monitor")
            .monitor(5, 9, 1, "MONITOR 1")
            .demonitor(5, 1, "DEMONITOR 1")
            .receive(monitor_exit(9, 5, 1, error("boom")), "it has crossed: ignored")
            .monitor(5, 9, 2, "MONITOR, with a new number"),
        Story::new("demonitor-of-peer", "SES-MON-009 SES-MON-010", "the other end ends its monitors")
            .receive_all(vec![monitor(9, 5, 1), monitor(9, 5, 2), monitor(9, 5, 3)], "three monitors")
            .receive(demonitor(9, 5, 1), "one less")
            .receive_all(
                vec![demonitor(8, 5, 2), demonitor(9, 6, 2), demonitor(9, 5, 77)],
                "not the pids or not the number of a monitor: ignored",
            )
            .end(5, boom(), "MONITOR_EXIT for the other two")
            .any_order(),
        Story::new("monitor-exit-of-others", "SES-MON-011", "a MONITOR_EXIT with other pids is ignored")
            .monitor(5, 9, 1, "MONITOR")
            .receive_all(
                vec![monitor_exit(8, 5, 1, error("x")), monitor_exit(9, 6, 1, error("x"))],
                "the number is right, a pid is not: ignored",
            )
            .receive(
                monitor_exit_to(Field::Pid(0, 8, 5), 9, 1, error("x")),
                "for a process of another start of the node: ignored",
            )
            .receive(monitor_exit(9, 5, 1, root(Root::Normal)), "DOWN"),
        Story::new("monitor-by-the-dead", "SES-MON-004", "monitors end with their process")
            .monitor(5, 9, 1, "MONITOR")
            .end(5, Reason::Normal, "DEMONITOR")
            .receive(monitor_exit(9, 5, 1, root(Root::Normal)), "it has crossed: ignored"),
        Story::new(
            "demonitor-while-exit-is-owed",
            "SES-MON-009",
            "a MONITOR_EXIT that is not written yet is not written any more",
        )
        .receive(monitor(9, 5, 1), "monitored")
        .block()
        .end(5, boom(), "a MONITOR_EXIT is owed")
        .receive(demonitor(9, 5, 1), "9 does not want to know any more")
        .unblock("nothing"),
        Story::new(
            "monitor-number-while-owed",
            "SES-MON-007",
            "a number is in use until MONITOR_EXIT is written",
        )
        .receive(monitor(9, 5, 1), "monitored")
        .block()
        .end(5, boom(), "a MONITOR_EXIT is owed")
        .receive(monitor(9, 6, 1), "the peer cannot know yet that the first one is over"),
    ]
}

fn messages() -> Vec<Story> {
    vec![
        Story::new("send", "SES-MSG-001 SES-MSG-002 SES-MSG-005", "messages to processes")
            .receive(send(5, b"hello"), "given as it is")
            .receive(send(5, b""), "an empty message is one")
            .receive(send(99, b"hello"), "to nobody: dropped, and not answered")
            .end(5, Reason::Normal, "5 ends")
            .receive(send(5, b"hello"), "to the dead: dropped"),
        Story::new("send-named", "SES-MSG-003 SES-MSG-004", "messages to names")
            .receive(reg_send("srv", b"hello"), "5 is registered so")
            .receive(reg_send("nobody", b"hello"), "nobody is: dropped, and not answered")
            .receive(reg_send("", b"hello"), "the empty name is a name, and nobody's here")
            .receive(reg_send("SRV", b"hello"), "another name")
            .end(5, Reason::Normal, "5 ends, and its name is free")
            .receive(reg_send("srv", b"hello"), "dropped"),
        Story::new(
            "send-like-a-signal",
            "DIST-SIG-002 SES-MSG-005",
            "a message that begins like a signal is a message",
        )
        .receive(send(5, &[&[0xFF; 8][..], &[0; 9]].concat()), "given as it is"),
        Story::new("sends", "SES-PID-002 SES-ORD-001", "what processes send")
            .send(5, 9, b"hello", "SEND")
            .send_named(5, "srv", b"to-named", "REG_SEND")
            .send(5, 99, b"", "whether 99 lives is not known"),
        Story::bounded(
            "send-too-long",
            "DIST-FRM-004",
            "a peer that announced less takes no longer frame",
            Bounds { frame_bytes: [16_777_216, 65_536], ..Bounds::default() },
        )
        .send(5, 9, &[b'x'; 65_527], "65 536 bytes of frame: the longest that it takes")
        .send(5, 9, &[b'x'; 65_528], "one more is refused to its sender, and nothing is written"),
        Story::bounded(
            "receive-too-long",
            "DIST-FRM-002 DIST-FRM-003",
            "a node that announced less reads no longer frame",
            Bounds { frame_bytes: [65_536, 16_777_216], ..Bounds::default() },
        )
        .receive(send(5, &[b'x'; 65_527]), "65 536 bytes of frame: the longest that it reads")
        .receive(too_long(65_537, 65_536), "one more"),
    ]
}

fn pids() -> Vec<Story> {
    let other_start = |local| Field::Pid(0, 8, local);
    vec![
        Story::new(
            "pid-of-another-start",
            "SES-PID-005 SES-PID-003 DIST-ULA-001",
            "processes of another start of the node are dead, whatever their local id",
        )
        .receive(link_of(theirs(9), other_start(5)), "EXIT noproc, with the pid that was asked for")
        .receive(monitor_of(theirs(9), other_start(5), 1), "MONITOR_EXIT noproc, in the same way")
        .receive(unlink_id_of(theirs(9), other_start(5), 4), "UNLINK_ACK, in the same way")
        .receive(send_to(other_start(5), b"old"), "dropped")
        .receive(link(9, 5), "9 links with 5")
        .receive(exit_to(other_start(5), 9, root(Root::Killed)), "ignored: the link is with another pid")
        .end(5, Reason::Normal, "EXIT: the link was there"),
        Story::new("pid-that-cannot-be", "SES-PID-006", "a peer speaks for its own processes only")
            .receive(link_of(Field::Pid(0, 19, 9), ours(5)), "a creation that it has not announced: ignored")
            .receive(link_of(Field::Pid(3, 18, 9), ours(5)), "another node: ignored")
            .receive(monitor_of(Field::Pid(0, 19, 9), ours(5), 1), "not answered, not held")
            .receive(unlink_id_of(Field::Pid(0xFFFE, 18, 9), ours(5), 4), "not acknowledged")
            .receive(spawn(Field::Pid(0, 19, 9), 1), "not answered")
            .end(5, Reason::Normal, "nobody is linked to it or monitors it"),
        Story::new(
            "pid-of-another-node",
            "SES-PID-004 CON-CLS-010",
            "a receiver on another node ends the session",
        )
        .receive(send_to(Field::Pid(1, 7, 5), b"lost"), "only node id 0 can stand there"),
        Story::new("pid-of-another-node-in-link", "SES-PID-004 SES-PID-007", "the receiver is judged first")
            .receive(
                link_of(Field::Pid(0, 19, 9), Field::Pid(0xFFFE, 7, 5)),
                "the sender cannot be, and the receiver is of another node",
            ),
    ]
}

fn reasons() -> Vec<Story> {
    let hops = vec![(0, 18, 8), (0xFFFE, 7, 6), (0xFFFF, 3, 4), (0, 19, 8), (0xFFFE, 8, 6), (2, 18, 1)];
    let long = format!("{}\u{e9}{}", "x".repeat(4_077), "x".repeat(900));
    let kept = "x".repeat(4_078);
    vec![
        Story::new(
            "reason-hops",
            "SES-PID-010 SES-PID-011 SES-PID-012 SES-PID-013 SES-PID-014 SES-PID-015 SES-RSN-007",
            "hops are read as the writer counts nodes, and passed on as the node does",
        )
        .receive_all(vec![link(9, 5), link(3, 5)], "3 and 9 link with 5")
        .receive(
            exit(9, 5, Field::Reason(hops, Root::Killed)),
            "of the writer, of the reader, of no known node, of another start of each, an index without an entry",
        ),
        Story::new(
            "reason-long-text",
            "SES-RSN-002 SES-RSN-004 SES-RSN-005",
            "a text that is too long is cut where it is passed on; what 5 itself is told may be longer",
        )
        .receive_all(vec![link(9, 5), link(8, 5)], "8 and 9 link with 5")
        .receive(
            exit(9, 5, error(&long)),
            "4 978 characters, of which the 4 078th has two bytes: 4 077 stay behind the hop",
        ),
        Story::new("reason-longest-text", "SES-RSN-005", "a text of 4 078 bytes is not cut")
            .receive(link(9, 5), "9 links with 5")
            .end(5, Reason::Error(kept.into()), "EXIT with all of it"),
        Story::new("reason-of-a-program", "SES-RSN-002 SES-RSN-004", "a text of a program is cut as well")
            .receive(link(9, 5), "9 links with 5")
            .end(5, Reason::Custom("y".repeat(5_000).into()), "EXIT with 4 078 of 5 000"),
        Story::new("reason-unknown", "SES-RSN-001 SES-RSN-006 SES-EXI-003", "a later version's reason")
            .receive_all(vec![link(9, 5), link(8, 5), link(9, 7)], "8 and 9 link with 5, 9 with 7")
            .receive(exit(9, 7, root(Root::Unknown(7, vec![0xAA]))), "7 traps exits: the signal is given")
            .receive(
                exit(9, 5, root(Root::Unknown(7, vec![0xAA, 0xBB]))),
                "5 ends. The root is passed on as it came; Error \"unknown\" instead of it conforms too",
            )
            .acceptable(),
    ]
}

fn odd_frames() -> Vec<Story> {
    let cut = |payload: &[u8]| refused(payload, "truncated", "to", 9, "frame");
    let mut stories = vec![
        Story::new(
            "frames-ignored",
            "DIST-TAG-001 DIST-FRM-006 DIST-RDG-001 DIST-RDG-004",
            "what later versions can bring",
        )
        .receive(unknown(0x9F), "an unknown tag")
        .receive(unknown(0x02), "a tag of the handshake")
        .receive(empty(), "an empty frame")
        .receive(link_with_surplus(9, 5), "surplus: the LINK counts")
        .end(5, Reason::Normal, "EXIT"),
        Story::new(
            "frames-of-lists",
            "SES-LST-001",
            "a node need not know peer lists, global names and rooms",
        )
        .receive_all(lists(), "ignored")
        .acceptable(),
        Story::new("spawn", "SES-SPN-001 SES-SPN-003", "a node that lets nobody start anything")
            .receive(spawn(theirs(9), 77), "SPAWN_REPLY with status 1, and no LINK"),
        Story::new(
            "frame-malformed",
            "DIST-FLD-011 DIST-FLD-003 DIST-FLD-012 CON-CLS-010 SES-END-006",
            "a frame that cannot be read ends the session; those before it count",
        )
        .link(7, 9, "LINK")
        .receive_all(
            vec![send(5, b"before"), cut(&[0x13; 15]), send(5, b"behind")],
            "the message before the LINK that is cut is given, the one behind it is not",
        ),
        Story::new("frame-utf8", "DIST-FLD-011 DIST-FLD-007", "text that is not UTF-8 ends the session")
            .receive(refused(&[0x11, 1, 0, 0xFF], "utf8", "name", 3, "frame"), "a REG_SEND"),
        Story::new(
            "frame-reason-cut",
            "DIST-FLD-011 DIST-FLD-003",
            "an EXIT without a reason ends the session",
        )
        .receive(
            refused(&[&[0x15][..], &[0; 16]].concat(), "truncated", "reason.root", 17, "reason"),
            "an EXIT",
        ),
        Story::new(
            "frame-too-long",
            "DIST-FRM-002 DIST-FLD-011",
            "a length over the limit ends the session at once",
        )
        .receive_all(
            vec![send(5, b"before"), too_long(16_777_217, 16_777_216)],
            "the message is given; nothing is waited for",
        ),
    ];
    let ids = [
        "capability-node-table",
        "capability-fragment",
        "capability-exit2",
        "capability-send-term",
        "capability-call",
        "capability-call-name",
        "capability-call-reply",
        "capability-send-name-term",
        "capability-monitor-name",
        "capability-named",
    ];
    for (id, (name, frame)) in ids.into_iter().zip(of_capabilities()) {
        assert!(id.ends_with(name));
        let comment = "a frame of a capability that the session does not have ends it";
        stories.push(Story::new(id, "CON-ERR-001", comment).receive(frame, "neither end has announced it"));
    }
    stories
}

fn ends() -> Vec<Story> {
    // A link that is active, one that is being unlinked, a monitor of each direction.
    let tied = |id, requirements, comment| {
        Story::new(id, requirements, comment)
            .link(7, 9, "LINK")
            .receive(link(8, 5), "8 links with 5")
            .link(7, 8, "LINK")
            .unlink(7, 8, "UNLINK_ID")
            .monitor(7, 9, 1, "MONITOR")
            .receive(monitor(9, 6, 1), "6 is monitored")
    };
    vec![
        tied(
            "connection-lost",
            "SES-END-001 SES-END-002 SES-END-003 SES-END-004 SES-UPD-004 CON-CLS-016",
            "the stream ends without a word",
        )
        .lose("exits of the links that are active, then DOWN; nothing of the one that was unlinked"),
        tied(
            "close-of-peer",
            "CON-CLS-002 CON-CLS-003 CON-CLS-004 SES-END-006",
            "CLOSE ends the session as the end of the stream does",
        )
        .receive_all(
            vec![send(6, b"before"), close(0, "bye"), send(6, b"behind")],
            "the message before it is given, nothing behind it; it is not answered",
        ),
        Story::new("close-with-unknown-code", "CON-CLS-002 DIST-CLS-001", "every code has the same effect")
            .link(5, 9, "LINK")
            .receive(close(65_535, ""), "5 ends with Noconnection"),
        Story::new("close-of-node", "CON-CLS-001 CON-CLS-005 CON-CLS-006 CON-CLS-008", "a node that stops")
            .link(7, 9, "LINK")
            .block()
            .send(5, 9, b"queued", "queued")
            .close("the node stops")
            .unblock("what was queued, then CLOSE 0")
            .receive_all(vec![ping(1), send(5, b"late")], "the message is given; PING is not answered")
            .lose("the stream ends"),
        Story::new("ping", "CON-HBT-004 CON-HBT-007", "PING and PONG of the peer")
            .receive(ping(0x5A), "PONG with the same payload")
            .receive(pong(0x5B), "nobody has asked: nothing"),
        Story::new(
            "heartbeat",
            "CON-HBT-001 CON-HBT-010 CON-HBT-003 SES-END-006",
            "a peer that falls silent",
        )
        .link(5, 9, "LINK")
        .wait(59, "nothing")
        .wait(1, "60 s without a byte: PING")
        .wait(14, "nothing: one PING for each silence")
        .receive(pong(0), "a byte: the peer lives, whatever the payload of its PONG")
        .wait(60, "60 s without a byte: the next PING")
        .wait(15, "15 s more without a byte: the session ends, without CLOSE"),
        Story::new("heartbeat-held-up", "CON-HBT-010 CON-TIM-001", "a node that does not run for a while")
            .link(5, 9, "LINK")
            .hold_up(3_600, "the peer was not asked: PING")
            .hold_up(3_600, "an hour in which the node did not run: nothing")
            .wait(12, "nothing")
            .hold_up(3_600, "the same again")
            .receive(pong(0), "a byte: the peer lives")
            .wait(60, "60 s without a byte: PING")
            .wait(14, "nothing")
            .wait(1, "15 s in which the node ran: the session ends"),
        Story::new(
            "heartbeat-not-taken",
            "CON-HBT-010",
            "a PING that the transport does not take for a while",
        )
        .block()
        .wait(60, "PING waits")
        .wait(20, "nothing: the peer has not been asked")
        .unblock("PING")
        .wait(14, "nothing")
        .wait(1, "15 s since the transport took it: the session ends"),
        Story::new(
            "heartbeat-behind-close",
            "CON-HBT-010 CON-CLS-001",
            "no PING can be written behind CLOSE",
        )
        .close("CLOSE 0")
        .wait(74, "nothing")
        .wait(1, "15 s since a PING would have been due: the session ends"),
        Story::new("heartbeat-part-of-a-frame", "CON-HBT-003 DIST-FRM-009", "any byte is a sign of life")
            .wait(50, "nothing")
            .receive_part(in_two(send(5, b"slowly"), 10), "10 bytes of a frame: the time counts from here")
            .probe("the peer is asked: PING")
            .receive(ping(1), "PONG"),
        Story::new(
            "probe-unanswered",
            "CON-ELC-004 CON-ELC-006",
            "the session is probed, as another connection waits",
        )
        .probe("PING")
        .wait(1, "nothing")
        .wait(1, "2 s without a byte: the session ends"),
        Story::new("probe-held-up", "CON-ELC-006 CON-TIM-001", "a node that does not run after a probe")
            .probe("PING")
            .hold_up(60, "nothing: the node could read no answer")
            .receive(pong(0), "the session lives")
            .wait(59, "nothing"),
        Story::new("probe-answered", "CON-ELC-004 CON-ELC-005", "the session is probed, and lives")
            .probe("PING")
            .wait(1, "nothing")
            .receive(send(5, b"alive"), "any byte will do")
            .wait(58, "nothing"),
    ]
}

fn order() -> Vec<Story> {
    vec![
        Story::new("order-of-a-pair", "SES-ORD-001 SES-ORD-002", "what a process does keeps its order")
            .block()
            .send(5, 9, b"1", "queued")
            .link(5, 9, "behind it")
            .send(5, 9, b"2", "behind that")
            .unlink(5, 9, "behind that")
            .link(5, 9, "behind that")
            .send_named(5, "srv", b"3", "behind that")
            .end(5, boom(), "and EXIT is last")
            .unblock("all of it, in this order"),
        Story::new(
            "order-of-answers",
            "SES-ORD-003 SES-LNK-015",
            "an answer does not overtake what the dead had sent",
        )
        .block()
        .send(5, 9, b"last words", "queued")
        .end(5, Reason::Normal, "5 ends, and is linked to nobody")
        .receive(link(9, 5), "9 links too late")
        .unblock("the message, then EXIT noproc"),
        Story::new(
            "order-of-acknowledgements",
            "SES-LNK-024 SES-LNK-021",
            "UNLINK_ACK comes before a new LINK",
        )
        .receive(link(9, 5), "9 links with 5")
        .block()
        .receive(unlink_id(9, 5, 4), "UNLINK_ACK is owed")
        .link(5, 9, "5 links anew")
        .unblock("UNLINK_ACK, then LINK"),
        Story::new("order-of-signals", "CON-QUE-007", "signals overtake the messages of other processes")
            .receive(link(9, 6), "9 links with 6")
            .block()
            .send(5, 9, b"waits", "a message of 5")
            .end(6, Reason::Normal, "an EXIT of 6")
            .unblock("EXIT, then SEND; a node with one queue writes SEND first")
            .acceptable(),
        Story::new(
            "order-of-heartbeats",
            "CON-HBT-004 CON-HBT-005 CON-HBT-006 CON-QUE-007",
            "one PONG waits, and goes first",
        )
        .block()
        .send(5, 9, b"waits", "a message")
        .link(6, 9, "a signal")
        .receive(ping(1), "PONG is due")
        .receive(ping(2), "a PONG for this one, in place of the other")
        .unblock("PONG first; a node with one queue then writes SEND before LINK")
        .acceptable(),
        Story::new("order-of-the-reader", "SES-ORD-004 DIST-FRM-008", "frames are handled as they arrive")
            .receive_all(
                vec![
                    link(9, 7),
                    send(7, b"1"),
                    exit(9, 7, error("x")),
                    send(7, b"2"),
                    link(9, 7),
                    exit(9, 7, error("y")),
                ],
                "all in one piece",
            ),
    ]
}

impl Story {
    /// A frame of which the first part arrives, and the rest in a second step.
    fn receive_part(self, [first, last]: [Arrives; 2], comment: &str) -> Self {
        self.receive(first, comment)
            .wait(59, "nothing: no 60 s have passed since")
            .receive(last, "the rest: the frame counts now")
    }
}
