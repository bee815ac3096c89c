//! Stories of terms to names, and of monitors by name: `capabilities.md`, "Names".

use snow_dist_codec::handshake::Capabilities;
use snow_dist_runtime::core::Reason;

use super::capabilities::{tuple, with};
use super::frames::{
    Arrives, UNIT, call, demonitor, demonitor_of, error, monitor, monitor_exit, monitor_exit_of,
    monitor_name, monitor_name_of, named, named_of, ours, send_name_term, theirs,
};
use super::node::{Bounds, Whose};
use super::story::Story;
use crate::vectors::layout::Field;

pub(super) fn all() -> Vec<Story> {
    [terms(), monitoring(), monitored(), bounds()].into_iter().flatten().collect()
}

fn story(id: &'static str, requirements: &str, comment: &'static str) -> Story {
    Story::bounded(id, requirements, comment, with(Capabilities::NAMES))
}

/// A session with calls, too.
fn beside_calls(id: &'static str, requirements: &str, comment: &'static str) -> Story {
    Story::bounded(id, requirements, comment, with(Capabilities::NAMES.union(Capabilities::CALLS)))
}

fn boom() -> Reason {
    Reason::error("boom")
}

fn terms() -> Vec<Story> {
    vec![
        story(
            "send-name-term",
            "CAP-NAM-003 CAP-STM-005 CAP-STM-006 DIST-CAL-001 SES-MSG-004",
            "terms to a name, and what is none",
        )
        .receive(
            send_name_term("srv", &tuple(&[(0, 18, 9), (0xFFFE, 7, 6)])),
            "of the peer, and of this node",
        )
        .receive(send_name_term("srv", &tuple(&[(1, 18, 9), (0xFFFF, 18, 9)])), "both unknown")
        .receive(send_name_term("srv", UNIT), "a term without pids")
        .receive(send_name_term("srv", &[9, 9]), "no term: given all the same")
        .receive(send_name_term("nobody", UNIT), "dropped"),
        story(
            "sends-name-term",
            "CAP-NAM-002 CAP-STM-004 SES-PID-010 SES-PID-011 SES-PID-012",
            "what a process sends to a name, without send_term",
        )
        .send_named_term(5, "db", &[], "SEND_NAME_TERM")
        .send_named_term(
            5,
            "db",
            &[Whose::Node(5), Whose::Peer(9), Whose::Third(3, 4)],
            "without a node table the third is unknown",
        ),
        Story::bounded(
            "names-refused",
            "CAP-NAM-001 CAP-STM-003 CAP-STM-007",
            "without the capability, though the session has send_term and calls",
            with(Capabilities::SEND_TERM.union(Capabilities::CALLS)),
        )
        .send_named_term(5, "db", &[], "REG_SEND: a term is a message like any other")
        .send_named_term(5, "db", &[Whose::Node(5)], "nobody would know its pids: refused to 5")
        .monitor_named(5, "db", 1, "refused to 5"),
    ]
}

fn monitoring() -> Vec<Story> {
    let whoever = || theirs(0);
    vec![
        story(
            "monitor-name",
            "CAP-NAM-006 CAP-NAM-008",
            "a process monitors whoever has a name, and is told who",
        )
        .monitor_named(5, "db", 1, "MONITOR_NAME")
        .receive(named(1, 9), "it is 9")
        .receive(monitor_exit_of(whoever(), ours(5), 1, error("boom")), "DOWN of 9")
        .receive(monitor_exit_of(whoever(), ours(5), 1, error("boom")), "the monitor is over: ignored"),
        story("monitor-name-of-nobody", "CAP-NAM-006 SES-MON-012", "nobody has the name")
            .monitor_named(5, "db", 1, "MONITOR_NAME")
            .receive(monitor_exit_of(whoever(), ours(5), 1, error("noproc")), "DOWN of local id 0"),
        story(
            "monitor-name-and-demonitor",
            "CAP-NAM-008 CAP-NAM-007 SES-MON-003 SES-MON-011",
            "a process ends a monitor by name, before it is told whose it is, and after",
        )
        .monitor_named(5, "db", 1, "MONITOR_NAME")
        .demonitor(5, 1, "DEMONITOR, to local id 0")
        .receive(named(1, 9), "it has crossed: ignored")
        .receive(monitor_exit_of(whoever(), ours(5), 1, error("boom")), "ignored")
        .monitor_named(5, "db", 2, "MONITOR_NAME")
        .receive(named(2, 9), "it is 9")
        .demonitor(5, 2, "DEMONITOR, to local id 0")
        .monitor_named(5, "db", 3, "MONITOR_NAME")
        .receive(named(3, 9), "it is 9")
        .end(5, boom(), "DEMONITOR, to local id 0"),
        beside_calls(
            "named-that-matches-nothing",
            "CAP-NAM-007 SES-PID-006 SES-MON-011",
            "whom a NAMED is about",
        )
        .monitor_named(5, "db", 1, "MONITOR_NAME 1")
        .monitor(5, 9, 2, "MONITOR 2")
        .call(5, 9, 3, &[], "CALL 3")
        .receive_all(
            vec![named(2, 8), named(3, 8), named(77, 8), named_of(1, Field::Pid(0, 19, 8))],
            "of a monitor, of a call, of nothing, and of no process of the peer: ignored",
        )
        .receive(named(1, 9), "it is 9")
        .receive(named(1, 8), "once is enough: ignored")
        .receive(monitor_exit(9, 5, 1, error("boom")), "local id 0 stands for 9: ignored")
        .receive(monitor_exit_of(whoever(), ours(5), 1, error("boom")), "DOWN of 9")
        .receive(named(1, 8), "it is over: ignored")
        .receive(monitor_exit(9, 5, 2, error("boom")), "DOWN of 9, for monitor 2"),
        story(
            "monitor-name-when-the-session-ends",
            "SES-END-003 CAP-NAM-006",
            "a DOWN for each monitor by name",
        )
        .monitor_named(5, "db", 1, "MONITOR_NAME 1")
        .receive(named(1, 9), "it is 9")
        .monitor_named(5, "db", 2, "MONITOR_NAME 2")
        .lose("DOWN of 9, and of local id 0"),
    ]
}

fn monitored() -> Vec<Story> {
    vec![
        story("monitored-name", "CAP-NAM-005 CAP-NAM-008 SES-MON-005", "whoever has a name is monitored")
            .receive(monitor_name(9, "srv", 1), "NAMED: it is 5")
            .end(5, boom(), "MONITOR_EXIT of local id 0")
            .receive(
                monitor_name(9, "srv", 1),
                "the ref is not in use, and nobody has the name: MONITOR_EXIT noproc",
            ),
        story("monitored-name-of-nobody", "CAP-NAM-004", "nobody has the name")
            .receive(monitor_name(9, "nobody", 1), "MONITOR_EXIT noproc, and no NAMED")
            .receive(monitor_name(9, "srv", 1), "the ref is not in use: NAMED"),
        story(
            "monitored-name-and-demonitor",
            "SES-MON-009 SES-MON-010 CAP-NAM-008",
            "the peer ends its monitor",
        )
        .receive(monitor_name(9, "srv", 1), "NAMED")
        .receive(demonitor(9, 5, 1), "not the pids of the monitor: ignored")
        .receive(monitor_name(9, "srv", 2), "NAMED")
        .receive(demonitor_of(theirs(9), ours(0), 1), "monitor 1 is over")
        .end(5, boom(), "MONITOR_EXIT for monitor 2"),
        story(
            "monitored-name-order",
            "SES-ORD-003 CAP-NAM-005",
            "NAMED has its place among what the process does",
        )
        .block()
        .send(5, 9, b"before", "queued")
        .receive(monitor_name(9, "srv", 1), "NAMED waits")
        .send(5, 9, b"behind", "queued")
        .end(5, boom(), "MONITOR_EXIT waits")
        .unblock("SEND, NAMED, SEND, MONITOR_EXIT"),
        story("monitored-name-by-a-stranger", "SES-PID-006", "a peer speaks for its own processes only")
            .receive(monitor_name_of(Field::Pid(0, 19, 9), "srv", 1), "ignored")
            .receive(monitor_name(9, "srv", 1), "NAMED"),
        ends("monitor-name-ref-in-use", monitor_name(9, "srv", 1), monitor_name(9, "srv", 1)),
        ends("monitor-name-ref-of-a-monitor", monitor(9, 6, 1), monitor_name(9, "nobody", 1)),
        ends("monitor-name-ref-of-a-call", call(9, 6, 1), monitor_name(9, "srv", 1)),
        ends("call-ref-of-a-monitor-name", monitor_name(9, "srv", 1), call(9, 6, 1)),
    ]
}

fn ends(id: &'static str, first: Arrives, again: Arrives) -> Story {
    beside_calls(id, "CAP-CAL-010", "a ref that is in use")
        .receive(first, "the ref is in use")
        .receive(again, "the session ends")
}

fn bounds() -> Vec<Story> {
    let longest = "x".repeat(4_096);
    let longer = "x".repeat(4_097);
    let few =
        |of_node, of_peer| Bounds { links_and_monitors: [of_node, of_peer], ..with(Capabilities::NAMES) };
    vec![
        story("monitor-name-length", "CAP-NAM-009 CAP-NAM-004", "how long a name is that is monitored")
            .monitor_named(5, &longest, 1, "MONITOR_NAME")
            .monitor_named(5, &longer, 2, "refused to 5")
            .receive(monitor_name(9, &longer, 1), "a reader does not judge it: MONITOR_EXIT noproc"),
        Story::bounded(
            "monitor-name-limit",
            "CAP-CAL-004 SES-BND-001",
            "a monitor by name takes a place at the peer",
            few(1_000_000, 1),
        )
        .monitor_named(5, "db", 1, "MONITOR_NAME")
        .monitor_named(5, "db", 2, "refused to 5")
        .receive(named(1, 9), "it is 9")
        .monitor(5, 9, 2, "refused to 5")
        .block()
        .demonitor(5, 1, "DEMONITOR waits")
        .monitor_named(5, "db", 2, "refused to 5")
        .unblock("DEMONITOR: the place is free")
        .monitor_named(5, "db", 2, "MONITOR_NAME")
        .receive(monitor_exit_of(theirs(0), ours(5), 2, error("noproc")), "DOWN: the place is free")
        .monitor(5, 9, 3, "MONITOR"),
        Story::bounded(
            "monitored-name-limit",
            "CAP-CAL-008 CAP-NAM-005",
            "a monitor by name takes a place here",
            few(1, 1_000_000),
        )
        .receive(monitor_name(9, "srv", 1), "NAMED: it takes the place")
        .receive(monitor_name(9, "srv", 2), "MONITOR_EXIT limit, and no NAMED")
        .receive(monitor_name(9, "nobody", 2), "MONITOR_EXIT noproc")
        .receive(demonitor_of(theirs(9), ours(0), 1), "the place is free")
        .receive(monitor_name(9, "srv", 2), "NAMED"),
    ]
}
