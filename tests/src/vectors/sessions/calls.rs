//! Stories of calls: `capabilities.md`, "Calls". The requirements of each stand in its second line.

use snow_dist_codec::handshake::Capabilities;
use snow_dist_runtime::core::Reason;

use super::capabilities::{tuple, with};
use super::frames::{
    Arrives, UNIT, call, call_name, call_name_of, call_of, call_reply, call_reply_of, close, demonitor,
    demonitor_of, error, fragment, link, monitor, monitor_exit, monitor_exit_of, monitor_name, ours, payload,
    send, spawn_of, theirs,
};
use super::node::{Bounds, Whose};
use super::story::Story;
use crate::vectors::layout::Field;

const BOTH: Capabilities = Capabilities::CALLS.union(Capabilities::NAMES);

pub(super) fn all() -> Vec<Story> {
    [calling(), what_comes_of_it(), places(), called(), over(), refused(), by_name(), in_fragments(), asked()]
        .into_iter()
        .flatten()
        .collect()
}

fn story(id: &'static str, requirements: &str, comment: &'static str) -> Story {
    Story::bounded(id, requirements, comment, with(Capabilities::CALLS))
}

fn boom() -> Reason {
    Reason::error("boom")
}

/// The story of a session that the last of these frames ends.
fn ends(id: &'static str, requirements: &str, comment: &'static str, frames: Vec<Arrives>) -> Story {
    Story::bounded(id, requirements, comment, with(BOTH))
        .receive_all(frames, "the session ends with the last of them")
}

/// Processes that are asked for by a number of the same series.
fn asked() -> Vec<Story> {
    vec![
        story(
            "spawn-monitored",
            "SES-SPN-001 SES-SPN-003",
            "a node that lets nobody start anything holds no monitor of it",
        )
        .receive(spawn_of(theirs(9), 7, 2), "SPAWN_REPLY with status 1")
        .receive(monitor(9, 5, 7), "the ref is not in use: 5 is monitored")
        .end(5, boom(), "MONITOR_EXIT"),
        story("spawn-ref-in-use", "SES-SPN-015", "a request for a monitored process has a ref of its own")
            .receive(monitor(9, 5, 7), "5 is monitored")
            .receive_all(
                vec![spawn_of(theirs(9), 7, 1), spawn_of(theirs(9), 7, 0), spawn_of(theirs(9), 7, 2)],
                "the first two have status 1, whatever their number is; the session ends with the last of them",
            ),
        Story::new(
            "spawn-monitored-without-calls",
            "SES-SPN-001 SES-SPN-003",
            "without the capability the flag asks for nothing",
        )
        .receive(monitor(9, 5, 7), "5 is monitored")
        .receive(spawn_of(theirs(9), 7, 2), "SPAWN_REPLY with status 1: the number is none of a monitor"),
    ]
}

fn calling() -> Vec<Story> {
    vec![
        story(
            "call-and-reply",
            "CAP-CAL-002 CAP-CAL-015 CAP-CAL-016",
            "a process calls, and is given the reply",
        )
        .call(5, 9, 1, &[], "CALL")
        .receive(call_reply(9, 5, 1), "the reply to call 1")
        .receive(call_reply(9, 5, 1), "the call is over: ignored")
        .receive(monitor_exit(9, 5, 1, error("boom")), "ignored")
        .end(5, Reason::Normal, "nothing is owed"),
        story(
            "call-with-pids",
            "CAP-STM-004 CAP-STM-005 SES-PID-010 SES-PID-011 SES-PID-012 SES-PID-015",
            "pids in a call and in its reply are translated, without send_term too",
        )
        .call(5, 9, 1, &[Whose::Node(5), Whose::Peer(9), Whose::Third(3, 4)], "CALL")
        .receive(
            call_reply_of(theirs(9), ours(5), 1, &tuple(&[(0, 18, 9), (0xFFFE, 7, 5), (0xFFFF, 4, 4)])),
            "of the peer, of this node, unknown",
        ),
        story("call-both-ways", "SES-MON-008", "each direction has numbers of its own")
            .call(5, 9, 1, &[], "CALL 1")
            .receive(call(9, 5, 1), "the same number of the peer: nobody minds")
            .receive(call_reply(9, 5, 1), "the reply to the own call")
            .reply(5, 9, 1, &[], "the reply to the other one"),
        Story::bounded("call-refs", "CAP-CAL-003", "calls and monitors have one series of refs", with(BOTH))
            .monitor(5, 9, 1, "MONITOR")
            .call(5, 9, 2, &[], "CALL, with another ref")
            .monitor_named(5, "db", 3, "MONITOR_NAME, with another")
            .call_named(5, "db", 4, "CALL_NAME, with another"),
        story("call-order", "SES-ORD-001 SES-ORD-002 CAP-CAL-005", "a call is a message of its caller")
            .block()
            .send(5, 9, b"before", "queued")
            .call(5, 9, 1, &[], "behind it")
            .send(5, 9, b"behind", "behind that")
            .demonitor(5, 1, "5 gives the call up: behind that")
            .unblock("all of it, in this order"),
        Story::new("call-refused", "CAP-CAL-001", "without the capability nobody is called")
            .call(5, 9, 1, &[], "refused to 5")
            .call_named(5, "db", 2, "refused to 5")
            .end(5, Reason::Normal, "nothing: there is no call"),
    ]
}

fn what_comes_of_it() -> Vec<Story> {
    let other_start = |local| Field::Pid(0, 8, local);
    vec![
        story("call-ended", "CAP-CAL-017 CAP-CAL-016 SES-MON-011", "a MONITOR_EXIT ends a call, with its reason")
            .call(5, 9, 1, &[], "CALL")
            .receive(monitor_exit(9, 5, 1, error("boom")), "the end of the call; no DOWN")
            .receive(monitor_exit(9, 5, 1, error("boom")), "the call is over: ignored")
            .receive(call_reply(9, 5, 1), "ignored")
            .call(5, 99, 2, &[], "CALL: whether 99 lives is not known")
            .receive(monitor_exit(99, 5, 2, error("noproc")), "it does not")
            .call(5, 9, 3, &[], "CALL")
            .receive(monitor_exit(9, 5, 3, error("full")), "its mailbox is full"),
        story(
            "call-reply-that-matches-nothing",
            "CAP-CAL-016",
            "a reply is that of one call: its ref, and both pids",
        )
        .call(5, 9, 1, &[], "CALL 1")
        .monitor(5, 9, 2, "MONITOR 2")
        .receive_all(
            vec![
                call_reply(8, 5, 1),
                call_reply(9, 6, 1),
                call_reply(0, 5, 1),
                call_reply(9, 5, 77),
                call_reply(9, 5, 2),
                call_reply_of(theirs(9), other_start(5), 1, UNIT),
                call_reply_of(Field::Pid(0, 19, 9), ours(5), 1, UNIT),
            ],
            "of another process, for another one, of local id 0, of no ref, of a monitor, for another start, of one: \
             ignored",
        )
        .receive(call_reply(9, 5, 1), "the call was still waiting")
        .receive(monitor_exit(9, 5, 2, error("boom")), "and the monitor is there"),
        story("call-given-up", "CAP-CAL-005 CAP-CAL-016 SES-MON-011", "a caller that does not wait any more")
            .call(5, 9, 1, &[], "CALL")
            .demonitor(5, 1, "DEMONITOR")
            .receive(call_reply(9, 5, 1), "it has crossed: ignored")
            .receive(monitor_exit(9, 5, 1, error("boom")), "ignored")
            .call(5, 9, 2, &[], "CALL, with a new ref"),
        story("call-given-up-after-the-reply", "CAP-CAL-005", "a call that is over is not given up")
            .call(5, 9, 1, &[], "CALL")
            .receive(call_reply(9, 5, 1), "the reply")
            .demonitor(5, 1, "nothing")
            .end(5, Reason::Normal, "nothing"),
        story("caller-ends", "CAP-CAL-005 CAP-CAL-016", "the caller ends while its calls wait")
            .call(5, 9, 1, &[], "CALL 1")
            .call(5, 8, 2, &[], "CALL 2")
            .end(5, boom(), "DEMONITOR for both")
            .any_order()
            .receive(call_reply(9, 5, 1), "ignored"),
        story("call-when-the-session-ends", "CAP-CAL-019 SES-END-003", "calls end with their session")
            .call(5, 9, 1, &[], "CALL 1")
            .call(5, 9, 2, &[], "CALL 2")
            .receive(call_reply(9, 5, 2), "the reply to 2")
            .call(6, 9, 3, &[], "CALL 3")
            .demonitor(6, 3, "6 gives it up")
            .monitor(6, 9, 4, "MONITOR 4")
            .lose("5 is told Noconnection for call 1; 6 has a DOWN, and nothing for its call"),
        story("call-reply-behind-close", "CAP-CAL-019 CON-CLS-003", "a reply that comes after the session")
            .call(5, 9, 1, &[], "CALL")
            .receive_all(vec![close(0, "bye"), call_reply(9, 5, 1)], "Noconnection, and no reply"),
    ]
}

fn places() -> Vec<Story> {
    let few = |of_node, of_peer| Bounds { links_and_monitors: [of_node, of_peer], ..with(BOTH) };
    let at_peer =
        |id, requirements: &str, comment| Story::bounded(id, requirements, comment, few(1_000_000, 1));
    let here = |id, requirements: &str, comment| Story::bounded(id, requirements, comment, few(1, 1_000_000));
    vec![
        at_peer("call-limit-of-peer", "CAP-CAL-004 SES-BND-001", "a call takes a place at the peer")
            .call(5, 9, 1, &[], "CALL")
            .call(5, 9, 2, &[], "refused to 5")
            .call_named(5, "db", 2, "refused to 5")
            .monitor_named(5, "db", 2, "refused to 5")
            .link(6, 9, "refused to 6")
            .receive(call_reply(9, 5, 1), "the place is free")
            .call(5, 9, 2, &[], "CALL")
            .receive(monitor_exit(9, 5, 2, error("unanswered")), "the place is free")
            .monitor_named(5, "db", 3, "MONITOR_NAME")
            .call(5, 9, 4, &[], "refused to 5"),
        at_peer(
            "call-place-of-demonitor",
            "CAP-CAL-004 CAP-CAL-005",
            "the peer has it until it reads DEMONITOR",
        )
        .call(5, 9, 1, &[], "CALL")
        .block()
        .demonitor(5, 1, "DEMONITOR waits")
        .call(5, 9, 2, &[], "refused to 5")
        .receive(call_reply(9, 5, 1), "ignored; the place stays taken")
        .call(5, 9, 2, &[], "refused to 5")
        .unblock("DEMONITOR: the place is free")
        .call(5, 9, 2, &[], "CALL"),
        here("called-limit", "CAP-CAL-008 CAP-CAL-007", "a call of the peer takes a place here")
            .receive(call(9, 5, 1), "called: it takes the place")
            .receive(call(9, 6, 2), "MONITOR_EXIT limit")
            .receive(call_name(9, "srv", 3), "MONITOR_EXIT limit, with local id 0")
            .receive(monitor_name(9, "srv", 4), "the same")
            .receive(monitor(9, 6, 5), "MONITOR_EXIT limit")
            .receive(link(9, 6), "EXIT limit")
            .receive(call(9, 99, 6), "for the dead the answer is noproc")
            .reply(5, 9, 1, &[], "the place is free")
            .receive(call(9, 6, 2), "called"),
        here("called-place-of-exit-owed", "CAP-CAL-013 CAP-CAL-008", "the peer holds it until it is told")
            .receive(call(9, 5, 1), "called")
            .block()
            .end(5, boom(), "MONITOR_EXIT waits")
            .receive(call(9, 6, 2), "no place is free here: MONITOR_EXIT limit waits")
            .unblock("both of them")
            .receive(call(9, 6, 3), "called: the place is free"),
        here("called-place-of-demonitor", "SES-MON-009 CAP-CAL-008", "a call that is given up gives it back")
            .receive(call(9, 5, 1), "called")
            .receive(demonitor(9, 5, 1), "given up")
            .receive(call(9, 6, 2), "called: the place is free"),
    ]
}

fn called() -> Vec<Story> {
    let no_term = || call_of(theirs(9), ours(5), 3, &[9, 9]);
    vec![
        story(
            "called-and-replies",
            "CAP-CAL-006 CAP-CAL-011 CAP-CAL-012",
            "a process is called, and replies: once",
        )
        .receive(call(9, 5, 1), "the message, who calls, and the ref")
        .reply(5, 9, 1, &[], "CALL_REPLY with the pids and the ref of the call")
        .reply(5, 9, 1, &[], "the call is over: refused to 5")
        .receive(demonitor(9, 5, 1), "it has crossed the reply: ignored")
        .receive(call(9, 5, 1), "the ref is not in use")
        .end(5, Reason::Normal, "MONITOR_EXIT for the second one"),
        story(
            "called-with-pids",
            "CAP-CAL-006 CAP-STM-004 CAP-STM-005 CAP-STM-006 DIST-CAL-001",
            "the message of a call is read as that of a SEND_TERM",
        )
        .receive(
            call_of(theirs(9), ours(5), 1, &tuple(&[(0, 18, 9), (0xFFFE, 7, 6), (1, 18, 9)])),
            "of the peer, of this node, without an entry",
        )
        .reply(5, 9, 1, &[Whose::Node(6), Whose::Peer(9), Whose::Third(3, 4)], "CALL_REPLY")
        .receive(no_term(), "no term: given all the same")
        .reply(5, 9, 3, &[], "CALL_REPLY"),
        story(
            "called-and-delegates",
            "CAP-CAL-011 CAP-CAL-013 CAP-CAL-012",
            "another process replies in its stead",
        )
        .receive_all(vec![call(9, 5, 1), call(9, 5, 2)], "5 is called twice, and hands both calls to 6")
        .reply(6, 9, 1, &[], "CALL_REPLY of 5")
        .end(5, boom(), "MONITOR_EXIT for call 2, though 6 lives and has it")
        .reply(6, 9, 2, &[], "the call is over: refused to 6"),
        story("callee-ends", "CAP-CAL-013 SES-MON-005", "a process ends that has calls and monitors")
            .receive_all(
                vec![call(9, 5, 1), call(8, 5, 2), monitor(9, 5, 3)],
                "5 is called twice, and monitored",
            )
            .reply(5, 9, 1, &[], "CALL_REPLY 1")
            .end(5, boom(), "MONITOR_EXIT for the other call and the monitor")
            .any_order(),
        story("called-order", "SES-ORD-001 SES-ORD-002 CAP-CAL-011", "a reply is a message of the callee")
            .receive_all(vec![call(9, 5, 1), call(9, 5, 2)], "5 is called twice, and hands call 1 to 6")
            .block()
            .send(5, 9, b"before", "queued")
            .reply(6, 9, 1, &[], "behind it, though 6 has replied")
            .send(5, 9, b"behind", "behind that")
            .end(5, boom(), "MONITOR_EXIT for call 2 is last")
            .unblock("all of it, in this order"),
        story("called-unanswered", "CAP-CAL-014 CAP-CAL-012", "nobody is left who could reply")
            .receive(call(9, 5, 1), "5 is called")
            .leave_unanswered(5, 9, 1, "5 drops it: MONITOR_EXIT unanswered")
            .reply(5, 9, 1, &[], "the call is over: refused to 5")
            .receive(call(9, 5, 1), "the ref is not in use")
            .acceptable(),
        Story::bounded(
            "called-reply-too-long",
            "CAP-CAL-014 CAP-CAL-012 DIST-FRM-004",
            "the peer takes no frame above 65 536 bytes",
            Bounds { frame_bytes: [16_777_216, 65_536], ..with(Capabilities::CALLS) },
        )
        .receive(call(9, 5, 1), "5 is called")
        .reply_long(5, 9, 1, 65_506, "a frame of 65 537 bytes: refused to 5, and the call is there as before")
        .leave_unanswered(5, 9, 1, "5 has no other reply: MONITOR_EXIT unanswered")
        .acceptable(),
    ]
}

fn over() -> Vec<Story> {
    vec![
        story("called-given-up", "CAP-CAL-012 SES-MON-009", "the caller does not wait any more")
            .receive(call(9, 5, 1), "5 is called")
            .receive(demonitor(9, 5, 1), "5 is not told")
            .reply(5, 9, 1, &[], "refused to 5")
            .end(5, boom(), "no MONITOR_EXIT"),
        story("called-given-up-while-reply-waits", "CAP-CAL-011", "a reply that is queued is written")
            .receive(call(9, 5, 1), "5 is called")
            .block()
            .reply(5, 9, 1, &[], "CALL_REPLY waits")
            .receive(demonitor(9, 5, 1), "there is no call: ignored")
            .unblock("CALL_REPLY"),
        story("called-given-up-while-exit-is-owed", "SES-MON-009 CAP-CAL-013", "an end that is owed no more")
            .receive(call(9, 5, 1), "5 is called")
            .block()
            .end(5, boom(), "MONITOR_EXIT waits")
            .receive(demonitor(9, 5, 1), "it is not owed any more")
            .unblock("nothing"),
        story(
            "called-other-demonitor",
            "SES-MON-010 CAP-CAL-011",
            "a call is given up by its ref and both pids",
        )
        .receive(call(9, 5, 1), "5 is called")
        .receive_all(
            vec![demonitor(8, 5, 1), demonitor(9, 6, 1), demonitor(9, 0, 1), demonitor(9, 5, 77)],
            "not the pids or not the ref of a call: ignored",
        )
        .reply(5, 9, 1, &[], "CALL_REPLY"),
        story("called-when-the-session-ends", "SES-END-004", "nobody is told at the callee's node")
            .receive(call(9, 5, 1), "5 is called")
            .lose("nothing"),
    ]
}

fn refused() -> Vec<Story> {
    let stale = || Field::Pid(0, 8, 5);
    let stranger = || Field::Pid(0, 19, 9);
    vec![
        story("called-noproc", "CAP-CAL-007 SES-PID-003 SES-PID-005", "calls of the dead")
            .receive(call(9, 99, 1), "99 has never been: MONITOR_EXIT noproc")
            .receive(
                call_of(theirs(9), stale(), 2, UNIT),
                "5 of another start: the same, the pids as they came",
            )
            .receive(call_name(9, "nobody", 3), "nobody has the name: the same, with local id 0")
            .receive_all(vec![call(9, 5, 1), call(9, 5, 2), call(9, 5, 3)], "none of the refs is in use"),
        story("called-full", "CAP-CAL-009", "a mailbox that takes no message")
            .and_full(4)
            .receive(call(9, 4, 1), "MONITOR_EXIT full")
            .receive(call(9, 4, 1), "the ref is not in use: the same")
            .end(4, boom(), "no MONITOR_EXIT: there is no call"),
        story("called-by-a-stranger", "SES-PID-006 CAP-CAL-010", "a peer speaks for its own processes only")
            .receive(call(9, 5, 1), "5 is called")
            .receive(call_of(stranger(), ours(6), 1, UNIT), "ignored, whatever its ref is")
            .receive(call_name_of(stranger(), "srv", 1), "ignored")
            .reply(5, 9, 1, &[], "CALL_REPLY"),
        ends(
            "called-on-another-node",
            "SES-PID-004",
            "a receiver on another node",
            vec![call_of(theirs(9), Field::Pid(1, 7, 5), 1, UNIT)],
        ),
        ends(
            "call-reply-on-another-node",
            "SES-PID-004",
            "a receiver on another node",
            vec![call_reply_of(theirs(9), Field::Pid(0xFFFE, 7, 5), 1, UNIT)],
        ),
        ends("call-ref-of-a-call", "CAP-CAL-010", "a ref that is in use", vec![call(9, 5, 1), call(8, 6, 1)]),
        ends(
            "call-ref-of-a-call-of-nobody",
            "CAP-CAL-010",
            "the ref is judged first",
            vec![call(9, 5, 1), call(9, 99, 1)],
        ),
        ends(
            "call-ref-of-a-monitor",
            "CAP-CAL-010",
            "a ref that is in use",
            vec![monitor(9, 5, 1), call(9, 5, 1)],
        ),
        ends(
            "monitor-ref-of-a-call",
            "SES-MON-007",
            "calls and monitors have one series of refs",
            vec![call(9, 5, 1), monitor(9, 5, 1)],
        ),
        ends(
            "call-name-ref-of-a-call",
            "CAP-CAL-010",
            "the ref is judged before the name",
            vec![call(9, 5, 1), call_name(9, "nobody", 1)],
        ),
        ends(
            "call-ref-of-a-call-name",
            "CAP-CAL-010",
            "a ref that is in use",
            vec![call_name(9, "srv", 1), call(9, 6, 1)],
        ),
    ]
}

fn by_name() -> Vec<Story> {
    let whoever = || theirs(0);
    vec![
        story(
            "call-name",
            "CAP-CAL-002 CAP-CAL-020 CAP-CAL-015 CAP-CAL-016 CAP-CAL-017",
            "a name is called: local id 0 stands for whoever has it",
        )
        .call_named(5, "db", 1, "CALL_NAME")
        .receive(call_reply(9, 5, 1), "of the process that has the name: ignored")
        .receive(call_reply(0, 5, 1), "the reply to call 1")
        .call_named(5, "db", 2, "CALL_NAME")
        .demonitor(5, 2, "DEMONITOR, to local id 0")
        .call_named(5, "db", 3, "CALL_NAME")
        .receive(monitor_exit(9, 5, 3, error("boom")), "ignored")
        .receive(monitor_exit_of(whoever(), ours(5), 3, error("noproc")), "the end of call 3")
        .call_named(5, "db", 4, "CALL_NAME")
        .end(5, boom(), "DEMONITOR, to local id 0"),
        story("called-by-name", "CAP-CAL-006 CAP-CAL-011 CAP-CAL-020", "whoever has the name is called")
            .receive(call_name(9, "srv", 1), "5 is called")
            .reply(5, 9, 1, &[], "CALL_REPLY of local id 0")
            .receive(call_name(9, "srv", 2), "5 is called")
            .receive(demonitor(9, 5, 2), "not the pids of the call: ignored")
            .receive(demonitor_of(theirs(9), ours(0), 2), "given up")
            .reply(5, 9, 2, &[], "refused to 5")
            .receive(call_name(9, "srv", 3), "5 is called")
            .end(5, boom(), "MONITOR_EXIT of local id 0")
            .receive(call_name(9, "srv", 3), "nobody has the name now: MONITOR_EXIT noproc"),
        story(
            "called-by-name-and-delegates",
            "CAP-CAL-011 CAP-CAL-020",
            "another process replies in its stead",
        )
        .receive(call_name(9, "srv", 1), "5 is called, and hands the call to 6")
        .reply(6, 9, 1, &[Whose::Node(5)], "CALL_REPLY of local id 0; the reply can say who it was"),
    ]
}

fn in_fragments() -> Vec<Story> {
    let long = |id, requirements: &str, comment| {
        let capabilities = Capabilities::CALLS.union(Capabilities::FRAGMENTS);
        Story::bounded(id, requirements, comment, with(capabilities))
    };
    let pieces = |whole: &Arrives| {
        let payload = payload(whole);
        let (first, last) = payload.split_at(11);
        (fragment(1, u32::try_from(payload.len()).ok(), false, first), fragment(1, None, true, last))
    };
    let (call_begins, call_ends) = pieces(&call(9, 5, 1));
    let (reply_begins, reply_ends) = pieces(&call_reply(9, 5, 1));
    let (late_begins, late_ends) = pieces(&call_reply(9, 5, 2));
    let (other_begins, other_ends) = pieces(&call(8, 6, 1));
    vec![
        long("called-in-fragments", "CAP-FRG-012 CAP-CAL-006", "a call arrives where its last piece does")
            .receive(call_begins, "nothing yet")
            .receive(send(5, b"whole"), "a message of another process comes between")
            .receive(call_ends, "5 is called")
            .reply_long(5, 9, 1, 65_506, "a payload of 65 537 bytes: two FRAGMENTs")
            .acceptable(),
        long("call-reply-in-fragments", "CAP-FRG-012 CAP-CAL-015 CAP-CAL-016", "so does a reply")
            .call(5, 9, 1, &[], "CALL 1")
            .call(5, 9, 2, &[], "CALL 2")
            .receive(reply_begins, "nothing yet")
            .receive(reply_ends, "the reply to 1")
            .receive(late_begins, "nothing yet")
            .demonitor(5, 2, "5 gives call 2 up")
            .receive(late_ends, "ignored: it is judged when it is whole"),
        long(
            "call-ref-of-a-call-in-fragments",
            "CAP-FRG-012 CAP-CAL-010",
            "a ref is judged when the call is whole",
        )
        .receive(other_begins, "8 calls 6, with ref 1")
        .receive(call(9, 5, 1), "the ref is not in use yet")
        .receive(other_ends, "now it is"),
    ]
}
