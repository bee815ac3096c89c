//! Stories of sessions of version 1: `version1.md`. The requirements of each stand in its second line.

use std::num::NonZeroU16;

use snow_dist_runtime::core::Reason;
use snow_dist_runtime::core::session::Version;

use super::frames::{
    Arrives, CREATION, UNIT, call, call_name, call_reply, close, demonitor_of, error, exit_of, exit2_of,
    fragment, link_of, monitor_exit_of, monitor_name, monitor_of, named, node_table, ping, pong, refused,
    reg_send, root, send_name_term, send_term, send_to, spawn, unknown, unlink_ack, unlink_id_of, unlink_of,
};
use super::node::{Bounds, Whose};
use super::story::Story;
use crate::vectors::layout::{Field, Root};

pub(super) fn all() -> Vec<Story> {
    [links(), links_of_peer(), monitors(), node_ids(), pids(), reasons(), frames(), ends()]
        .into_iter()
        .flatten()
        .collect()
}

/// k: the node id of the node at its peer.
const K: u16 = 3;

fn of_version_1(
    id: &'static str,
    requirements: &str,
    comment: &'static str,
    node_id: Option<NonZeroU16>,
) -> Story {
    let version = Version::One { node_id, seed: [7; 32] };
    Story::bounded(id, requirements, comment, Bounds { version, ..Bounds::default() })
}

/// The operator has said k.
fn known(id: &'static str, requirements: &str, comment: &'static str) -> Story {
    of_version_1(id, requirements, comment, NonZeroU16::new(K))
}

/// Nobody has.
fn unknown_k(id: &'static str, requirements: &str, comment: &'static str) -> Story {
    of_version_1(id, requirements, comment, None)
}

/// A process of the node, as it writes it and they complete it.
const fn ours(local: u64) -> Field {
    Field::Pid(K, CREATION, local)
}

/// A process of the node, without k.
const fn bare(local: u64) -> Field {
    Field::Pid(0, 0, local)
}

/// A process of the peer, as both write it.
const fn theirs(remote: u64) -> Field {
    Field::Pid(0, 0, remote)
}

fn boom() -> Reason {
    Reason::error("boom")
}

fn exit(remote: u64, local: u64) -> Arrives {
    exit_of(theirs(remote), ours(local), error("boom"))
}

fn beside_exit(remote: u64, local: u64, reference: u64, text: &str) -> Arrives {
    monitor_exit_of(theirs(remote), ours(local), reference, error(text))
}

fn links() -> Vec<Story> {
    vec![
        known(
            "version-1-link-and-exit",
            "V1-LNK-001 V1-LNK-002 V1-PID-001 V1-PID-002",
            "a process links, and EXIT comes first",
        )
        .link(7, 9, "LINK, and a MONITOR of the same two")
        .link(7, 9, "nothing: it is linked")
        .receive(exit(9, 7), "7 traps exits: one exit signal; the monitor is over, too")
        .answer(|refs| beside_exit(9, 7, refs[0], "boom"), "the other of the two: ignored")
        .link(7, 9, "LINK and MONITOR, with another ref"),
        known("version-1-link-and-monitor-exit", "V1-LNK-001 V1-LNK-002", "MONITOR_EXIT comes first")
            .link(7, 9, "LINK and MONITOR")
            .answer(|refs| beside_exit(9, 7, refs[0], "boom"), "an exit signal, and no DOWN")
            .receive(exit(9, 7), "the other of the two: ignored"),
        known(
            "version-1-link-to-nobody",
            "V1-LNK-001 V1-LNK-002",
            "they ignore a LINK for nobody, and answer the MONITOR beside it",
        )
        .link(5, 99, "LINK and MONITOR")
        .answer(|refs| beside_exit(99, 5, refs[0], "noproc"), "5 ends; nothing is owed to 99"),
        known(
            "version-1-unlink",
            "V1-LNK-003 V1-PID-001 V1-PID-002 V1-TAG-001",
            "nobody acknowledges an unlink",
        )
        .link(5, 9, "LINK and MONITOR")
        .unlink(5, 9, "UNLINK and DEMONITOR")
        .any_order()
        .receive(exit(9, 5), "it has crossed the UNLINK: ignored")
        .answer(|refs| beside_exit(9, 5, refs[0], "boom"), "it has crossed the DEMONITOR: ignored")
        .unlink(5, 9, "nothing: there is no link")
        .link(5, 9, "a new link, at once: LINK, and MONITOR with another ref"),
        known("version-1-unlink-of-peer", "V1-LNK-004", "the other end unlinks")
            .link(7, 9, "LINK and MONITOR")
            .receive(unlink_of(theirs(9), ours(7)), "DEMONITOR; 7 is not told, and nothing is acknowledged")
            .receive(exit(9, 7), "there is no link: ignored")
            .end(7, boom(), "no EXIT"),
        known(
            "version-1-link-and-end",
            "V1-LNK-001 V1-PID-001 V1-PID-002 V1-PID-003",
            "a process ends that has made one link and holds another",
        )
        .link(5, 9, "LINK and MONITOR")
        .receive(link_of(theirs(8), Field::Pid(K, 1, 5)), "8 links with 5")
        .end(5, boom(), "EXIT and DEMONITOR to 9; EXIT to 8 with the pids of its LINK")
        .any_order(),
    ]
}

fn links_of_peer() -> Vec<Story> {
    let (from, to) = (|| Field::Pid(0, 1, 9), || Field::Pid(0, 1, 5));
    vec![
        unknown_k(
            "version-1-link-of-peer",
            "V1-PID-003 V1-LRN-005",
            "the pids of an EXIT are those of the LINK, and need no k",
        )
        .receive(link_of(from(), to()), "9 links with 5: nothing is written, a MONITOR neither")
        .receive(link_of(theirs(9), bare(5)), "the same two processes in another form: ignored")
        .end(5, boom(), "one EXIT, with the pids of the first LINK"),
        unknown_k(
            "version-1-link-of-peer-unlinked",
            "V1-PID-003 V1-LNK-003 V1-LNK-004 V1-TAG-001",
            "so are those of an UNLINK, and there is no monitor beside that link",
        )
        .receive(link_of(from(), to()), "9 links with 5")
        .unlink(5, 9, "UNLINK alone")
        .receive(link_of(from(), to()), "9 links again")
        .receive(unlink_of(theirs(9), bare(5)), "and unlinks: nothing is written")
        .end(5, boom(), "no EXIT"),
        unknown_k(
            "version-1-link-of-peer-to-nobody",
            "V1-PID-003 V1-LRN-005 V1-PID-006",
            "a LINK that cannot be",
        )
        .receive(link_of(from(), Field::Pid(0, 1, 99)), "99 has never been: EXIT noproc")
        .receive(link_of(from(), Field::Pid(0, 2, 5)), "5 of another creation: EXIT noproc"),
    ]
}

fn monitors() -> Vec<Story> {
    vec![
        known(
            "version-1-monitor",
            "V1-PID-001 V1-PID-002",
            "a process monitors: MONITOR and nothing beside it",
        )
        .monitor(6, 9, 1, "MONITOR, with a ref of 64 random bits")
        .answer(|refs| beside_exit(9, 6, refs[0], "boom"), "DOWN; 6 knows the monitor as 1")
        .monitor(6, 9, 2, "MONITOR, with another ref")
        .demonitor(6, 2, "DEMONITOR")
        .answer(|refs| beside_exit(9, 6, refs[1], "boom"), "it has crossed the DEMONITOR: ignored"),
        known(
            "version-1-link-and-monitor",
            "V1-LNK-001 V1-LNK-002",
            "the monitor beside a link is not that of a process",
        )
        .link(7, 9, "LINK and MONITOR")
        .monitor(7, 9, 1, "a MONITOR of its own")
        .answer(|refs| beside_exit(9, 7, refs[1], "boom"), "DOWN; the link stays")
        .answer(|refs| beside_exit(9, 7, refs[0], "boom"), "the exit signal"),
        unknown_k(
            "version-1-monitor-of-peer",
            "V1-PID-004 V1-PID-008 V1-LRN-005",
            "the pids of a MONITOR_EXIT are those of the MONITOR",
        )
        .receive(monitor_of(Field::Pid(0, 1, 9), Field::Pid(0, 7, 5), 1), "9 monitors 5")
        .receive(monitor_of(theirs(8), bare(6), 2), "8 monitors 6")
        .receive(
            demonitor_of(Field::Pid(0, 1, 8), Field::Pid(0, 1, 6), 2),
            "8 monitors no more: the same two processes, in another form",
        )
        .end(5, boom(), "MONITOR_EXIT")
        .end(6, boom(), "nothing")
        .receive(monitor_of(theirs(8), Field::Pid(0, 1, 6), 3), "6 is dead: MONITOR_EXIT noproc"),
    ]
}

fn node_ids() -> Vec<Story> {
    let hops = vec![(K, CREATION, 6)];
    let mut stories = vec![
        unknown_k(
            "version-1-node-id-learned",
            "V1-LRN-001 V1-LRN-002 V1-LRN-004 V1-PID-002 V1-PID-013",
            "nothing can be linked or monitored before k is known",
        )
        .link(5, 8, "refused to 5")
        .monitor(5, 8, 1, "refused to 5")
        .send(5, 8, b"text", "SEND needs no k")
        .receive(send_to(bare(5), b"text"), "node id 0 teaches nothing")
        .receive(link_of(theirs(9), bare(7)), "9 links with 7, as much without k")
        .receive(
            exit_of(theirs(9), bare(7), Field::Reason(hops, Root::Killed)),
            "hops teach nothing, and this one is of a node that the node cannot name",
        )
        .link(5, 8, "refused to 5, as before")
        .receive(send_to(ours(99), b"text"), "99 has never been; k is 3")
        .link(5, 8, "LINK and MONITOR, with k"),
    ];
    for (id, frame) in [
        ("version-1-node-id-in-link", link_of(Field::Pid(K, 0, 9), ours(5))),
        ("version-1-node-id-in-unlink", unlink_of(theirs(9), ours(5))),
        ("version-1-node-id-in-monitor", monitor_of(Field::Pid(0, 2, 9), ours(5), 1)),
        ("version-1-node-id-in-demonitor", demonitor_of(theirs(9), ours(5), 1)),
    ] {
        let story = unknown_k(id, "V1-LRN-001 V1-PID-002", "k comes in any frame that is addressed with it");
        stories.push(story.receive(frame, "nothing else comes of it; k is 3").monitor(
            5,
            8,
            1,
            "MONITOR, with k",
        ));
    }
    for (id, frame) in [
        ("version-1-node-id-in-exit", exit(9, 5)),
        ("version-1-node-id-in-monitor-exit", beside_exit(9, 5, 1, "boom")),
    ] {
        let story = unknown_k(id, "V1-LRN-002 V1-PID-012", "answers do not teach k");
        stories.push(
            story
                .receive(link_of(theirs(9), bare(5)), "9 links with 5")
                .receive(frame, "a third node has had it sent: no k is known, so 3 is none; ignored")
                .monitor(5, 8, 1, "refused to 5: k is still not known")
                .receive(exit_of(theirs(9), bare(5), error("boom")), "the link was there: 5 ends"),
        );
    }
    for (id, frame) in [
        ("version-1-node-id-said-wrongly", send_to(Field::Pid(K + 1, CREATION, 5), b"text")),
        ("version-1-node-id-said-wrongly-in-link", link_of(Field::Pid(0, 2, 9), Field::Pid(K + 1, 0, 99))),
    ] {
        stories.push(
            known(id, "V1-LRN-006 V1-TAG-001", "the operator has said 3, and the peer writes 4")
                .receive(send_to(bare(5), b"text"), "node id 0 says nothing")
                .receive(
                    exit_of(theirs(9), Field::Pid(K + 1, 0, 5), error("boom")),
                    "nor does an EXIT: ignored",
                )
                .link(7, 9, "LINK and MONITOR, with the wrong k")
                .receive(frame, "the session ends, without CLOSE; 7 is told that it has"),
        );
    }
    stories.push(
        known(
            "version-1-node-id-said-rightly",
            "V1-LRN-006 V1-PID-012",
            "once they have written k it is certain",
        )
        .receive(send_to(ours(5), b"text"), "k is 3, as the operator has said")
        .receive(send_to(Field::Pid(K + 1, 0, 5), b"text"), "for another node: ignored"),
    );
    stories
}

fn pids() -> Vec<Story> {
    let forms = [(0, 0), (0, 1), (0, CREATION), (K, 0), (K, 1), (K, CREATION)];
    let sends = forms.map(|(node, creation)| {
        send_to(Field::Pid(node, creation, 5), format!("{node} {creation}").as_bytes())
    });
    vec![
        unknown_k("version-1-pids-read", "V1-PID-005", "each form of a process of the node")
            .receive_all(sends.into(), "all are messages to 5"),
        known(
            "version-1-pid-of-another-creation",
            "V1-PID-006 V1-PID-003 V1-PID-004",
            "5 of another creation",
        )
        .receive(send_to(Field::Pid(K, 8, 5), b"old"), "dropped")
        .receive(link_of(theirs(9), Field::Pid(K, 8, 5)), "EXIT noproc, the pids as they came")
        .receive(monitor_of(theirs(9), Field::Pid(0, 255, 5), 1), "MONITOR_EXIT noproc, in the same way")
        .receive(link_of(theirs(9), ours(5)), "9 links with 5")
        .receive(exit_of(theirs(9), Field::Pid(K, 8, 5), error("boom")), "no link of that 5: ignored")
        .end(5, Reason::Normal, "EXIT: the link was there"),
        known(
            "version-1-pid-of-another-node",
            "V1-PID-012",
            "frames for a process of another node, which have come here by a third node's mistake",
        )
        .receive_all(vec![send_to(ours(6), b"k is 3"), link_of(theirs(8), ours(5))], "8 links with 5")
        .link(7, 9, "LINK and MONITOR")
        .receive_all(
            vec![
                send_to(Field::Pid(K + 1, 1, 5), b"not here"),
                link_of(theirs(9), Field::Pid(K + 1, 1, 5)),
                link_of(Field::Pid(0, 2, 9), Field::Pid(0xFFFE, 1, 5)),
                unlink_of(theirs(8), Field::Pid(K + 1, 1, 5)),
                exit_of(theirs(8), Field::Pid(K + 1, 1, 5), error("boom")),
                monitor_of(theirs(9), Field::Pid(0xFFFF, 1, 5), 1),
                demonitor_of(theirs(9), Field::Pid(1, 1, 5), 1),
            ],
            "all ignored: nothing is delivered, answered or held",
        )
        .answer(
            |refs| {
                let (monitored, monitoring) = (theirs(9), Field::Pid(K + 1, CREATION, 7));
                monitor_exit_of(monitored, monitoring, refs[0], error("boom"))
            },
            "ignored, though its ref is that of a monitor here",
        )
        .end(5, boom(), "EXIT to 8: its link is as it was")
        .answer(|refs| beside_exit(9, 7, refs[0], "boom"), "the exit signal: so is the one of 7"),
        known("version-1-pid-that-cannot-be", "V1-PID-008", "a peer speaks for its own processes only")
            .receive(link_of(Field::Pid(0, 2, 9), ours(5)), "another creation: ignored")
            .receive(link_of(Field::Pid(K, 0, 9), ours(5)), "another node id, though it is k: ignored")
            .receive(monitor_of(Field::Pid(0xFFFF, 0, 9), ours(5), 1), "not answered, not held")
            .receive(link_of(Field::Pid(0, 2, 9), ours(99)), "not answered")
            .receive(spawn(Field::Pid(0, 2, 9), 1), "not answered")
            .receive(spawn(theirs(9), 2), "SPAWN_REPLY: this one can be")
            .end(5, Reason::Normal, "nobody is linked to it or monitors it"),
    ]
}

fn reasons() -> Vec<Story> {
    let hops = vec![
        (0, 0, 8),
        (0, 1, 8),
        (K, CREATION, 6),
        (K, 0, 6),
        (K + 1, 1, 4),
        (0xFFFF, 2, 4),
        (K, CREATION + 1, 6),
        (0, 2, 8),
    ];
    let long: Vec<_> = (1..=256).map(|local| (0, 0, local)).collect();
    vec![
        known(
            "version-1-hops",
            "V1-PID-009 V1-PID-013",
            "hops are read as the peer counts nodes, and passed on in their form",
        )
        .receive_all(vec![link_of(theirs(9), ours(5)), link_of(theirs(8), ours(5))], "8 and 9 link with 5")
        .receive(
            exit_of(theirs(9), ours(5), Field::Reason(hops, Root::Killed)),
            "two of the peer, two of the node, and four that it cannot name: of other nodes, of an earlier start of this \
             node, and of nobody",
        ),
        unknown_k(
            "version-1-hops-without-node-id",
            "V1-PID-009",
            "an own process in a hop, while k is unknown",
        )
        .receive(link_of(theirs(9), bare(5)), "9 links with 5")
        .end_after(5, Whose::Node(6), "EXIT: nobody can name the hop, but it is there"),
        known("version-1-reason-of-many-hops", "V1-RSN-001 V1-PID-009", "257 hops kill their node")
            .receive_all(
                vec![link_of(theirs(9), ours(5)), link_of(theirs(8), ours(5))],
                "8 and 9 link with 5",
            )
            .receive(
                exit_of(theirs(9), ours(5), Field::Reason(long, Root::Killed)),
                "256 hops, and 9 before them: EXIT with the first 256 of these, and the root",
            ),
        known("version-1-reason-unknown", "V1-RSN-002", "a root that their reader does not know")
            .receive_all(
                vec![link_of(theirs(9), ours(5)), link_of(theirs(8), ours(5))],
                "8 and 9 link with 5",
            )
            .receive(
                exit_of(theirs(9), ours(5), root(Root::Unknown(7, vec![0xAA, 0xBB]))),
                "EXIT with the hop, and Error \"unknown\" as the root",
            ),
    ]
}

/// A message that begins with the type of a mailbox signal, and bytes behind it.
fn like_signal(last: u8) -> Vec<u8> {
    [&[last][..], &[0xFF; 7], b"more"].concat()
}

fn frames() -> Vec<Story> {
    let of_version_2 = vec![
        unlink_id_of(theirs(9), ours(5), 4),
        unlink_ack(9, 5, 4),
        node_table(1, 3, "c@h:9000"),
        fragment(1, None, true, b"piece"),
        close(0, "bye"),
        exit2_of(theirs(9), ours(5), root(Root::Killed)),
        send_term(5, &[1, 6]),
        call(9, 5, 1),
        call_name(9, "srv", 2),
        call_reply(9, 5, 3),
        send_name_term("srv", UNIT),
        monitor_name(9, "srv", 4),
        named(5, 9),
        unknown(0x9F),
    ];
    vec![
        known("version-1-tags-of-version-2", "V1-TAG-002 V1-TAG-001", "they are tags without a meaning here")
            .receive(link_of(theirs(9), ours(5)), "9 links with 5")
            .receive_all(of_version_2, "ignored, and nothing is acknowledged")
            .end(5, boom(), "EXIT: link and session are as they were"),
        known(
            "version-1-calls-and-names",
            "CAP-CAL-001 CAP-NAM-001 V1-TAG-001",
            "a session of version 1 has no capabilities",
        )
        .call(5, 9, 1, &[], "refused to 5")
        .call_named(5, "db", 2, "refused to 5")
        .monitor_named(5, "db", 3, "refused to 5")
        .send_named_term(5, "db", &[], "REG_SEND: a term is a message like any other")
        .send_named_term(5, "db", &[Whose::Node(5)], "nobody would know its pids: refused to 5")
        .end(5, boom(), "nothing"),
        known(
            "version-1-tag-of-version-2-damaged",
            "V1-TAG-001 DIST-FLD-011",
            "the layout counts all the same",
        )
        .receive(
            refused(&[0x84, 0, 0, 9], "truncated", "text", 3, "frame"),
            "a CLOSE without its text ends the session, as any frame that cannot be read",
        ),
        unknown_k("version-1-messages", "V1-PID-001 DIST-SIG-002", "messages need no k")
            .send(5, 9, b"text", "SEND, in their form")
            .send_named(5, "name", b"text", "REG_SEND")
            .receive(send_to(bare(5), b"text"), "a message")
            .receive(reg_send("srv", b"text"), "a message to the process of that name")
            .receive(reg_send("nobody", b"text"), "dropped")
            .receive(send_to(bare(5), &like_signal(0xFF)), "a message of theirs is none but a message"),
        known("version-1-messages-like-signals", "V1-MSG-001", "their node would take these for signals")
            .send(5, 9, &like_signal(0xFF), "EXIT: refused to 5")
            .send(5, 9, &like_signal(0xFE), "DOWN: refused")
            .send_named(5, "name", &like_signal(0xFD), "NODEDOWN: refused")
            .send_named(5, "name", &like_signal(0xFC), "NODEUP: refused")
            .send(5, 9, &like_signal(0xFB)[..8], "SPAWN_REPLY, and nothing behind its type: refused")
            .send(5, 9, &like_signal(0xFA), "no such type: SEND")
            .send(5, 9, &[0xFF; 7], "too short for a type: SEND"),
    ]
}

/// Only a node that has the session in its tables writes this.
fn probe_used(what: &str, frame: Arrives) -> Story {
    let id = match what {
        "send" => "version-1-probe-send",
        "reg-send" => "version-1-probe-reg-send",
        "unlink" => "version-1-probe-unlink",
        "exit" => "version-1-probe-exit",
        "monitor" => "version-1-probe-monitor",
        "demonitor" => "version-1-probe-demonitor",
        _ => "version-1-probe-spawn",
    };
    known(id, "V1-ELC-005", "the peer dials again, though it uses the session: that goes on")
        .probe("PING")
        .answer_ping("PONG")
        .receive(frame, "it has found the session in its tables: the one that waits is refused")
        .wait(10, "nothing")
}

fn ends() -> Vec<Story> {
    vec![
        known(
            "version-1-probe-not-used",
            "V1-ELC-004 V1-ELC-005 V1-TAG-001",
            "the peer dials again: threads of a session that it has lost sight of go on reading and answering",
        )
        .link(7, 9, "LINK and MONITOR")
        .probe("PING")
        .answer_ping("PONG: the connection lives, and nothing else is known")
        .receive(ping(1), "its own PING: PONG")
        .receive(link_of(theirs(8), ours(5)), "it can answer a SPAWN so")
        .answer(|refs| beside_exit(9, 7, refs[0], "noproc"), "and so a MONITOR")
        .receive(unknown(0x7F), "a frame that nobody knows")
        .wait(1, "nothing")
        .wait(1, "2 s: the session ends, without CLOSE"),
        known("version-1-probe-silent", "V1-ELC-004 V1-TAG-001", "the connection is dead")
            .probe("PING")
            .receive(send_to(ours(5), b"before"), "written before the PING was read, perhaps long before")
            .wait(2, "2 s: the session ends"),
        probe_used("send", send_to(ours(5), b"after")),
        probe_used("reg-send", reg_send("srv", b"after")),
        probe_used("unlink", unlink_of(theirs(9), ours(5))),
        probe_used("exit", exit_of(theirs(9), Field::Pid(K + 1, 0, 5), error("boom"))),
        probe_used("monitor", monitor_of(theirs(9), ours(5), 1)),
        probe_used("demonitor", demonitor_of(theirs(9), ours(5), 1)),
        probe_used("spawn", spawn(theirs(9), 1)),
        known("version-1-ping", "CON-HBT-004 CON-HBT-007", "as in version 2")
            .receive(ping(0x5A), "PONG with the same payload")
            .receive(pong(0x5B), "nobody has asked: nothing"),
        known("version-1-heartbeat", "CON-HBT-001 CON-HBT-010 CON-HBT-003 V1-TAG-001", "as in version 2")
            .link(5, 9, "LINK and MONITOR")
            .wait(60, "60 s without a byte: PING")
            .receive(send_to(ours(6), b"alive"), "any byte is a sign of life")
            .wait(60, "PING")
            .wait(15, "15 s more without a byte: the session ends, without CLOSE"),
        known(
            "version-1-connection-lost",
            "V1-LNK-002 SES-END-001 SES-END-003",
            "the end of their node is the end of the stream",
        )
        .link(7, 9, "LINK and MONITOR")
        .receive(link_of(theirs(8), ours(5)), "8 links with 5")
        .monitor(7, 9, 1, "MONITOR")
        .lose(
            "one exit signal for each link, one DOWN for the monitor of 7, and none for that beside the link",
        ),
        known(
            "version-1-close-of-node",
            "V1-TAG-001 CON-CLS-005",
            "a node that stops writes what is queued, and no CLOSE",
        )
        .link(7, 9, "LINK and MONITOR")
        .block()
        .send(5, 9, b"queued", "queued")
        .close("the node stops")
        .unblock("SEND, and then the stream can end")
        .lose("the stream ends"),
    ]
}
