//! Stories beside a peer of version 1: `version1.md`, "Connections". The requirements of each stand in its second line.

use super::story::Does::{Acks, Begins, Closes, Ends, Pings, Refuses, Replies};
use super::story::{LARGER, SEND, SMALLER, Story, UNKNOWN};

pub(super) fn all() -> Vec<Story> {
    [crossings(), clean_ups(), orphans()].into_iter().flatten().collect()
}

/// A story of the node with the larger name, which would not wait for its dial beside a peer of version 2.
fn story(id: &str, requirements: &'static str, comment: &'static str) -> Story {
    Story::of(LARGER, &format!("version-1-{id}"), requirements, comment).given("version_1_allowed", true)
}

/// The node holds a session, on connection 1, which the peer has dialled.
fn up(id: &str, requirements: &'static str, comment: &'static str) -> Story {
    story(id, requirements, comment).verified(1, UNKNOWN, "it is the session", &[Acks(1)])
}

fn crossings() -> Vec<Story> {
    vec![
        story("crossing", "V1-ELC-001 CON-ELC-011", "a second ACK would corrupt it, whatever the names are")
            .dials(1, UNKNOWN, "REPLY")
            .verified(2, UNKNOWN, "it waits", &[])
            .ack(1, UNKNOWN, "the dial is the session; it knows no REJECT", &[Refuses(2, None), Begins(1)]),
        story("crossing-dial-ends", "V1-ELC-001 V1-ELC-003", "the dial ends otherwise")
            .dials(1, UNKNOWN, "REPLY")
            .verified(2, UNKNOWN, "it waits", &[])
            .gone(1, "it waits: the peer can have had a session on it", &[])
            .wait(999, "it may not have forgotten that", &[])
            .wait(1, "ACK", &[Acks(2)]),
        story("dial-connecting", "CON-ELC-008", "no REPLY was sent, so it holds nothing")
            .dial(1, SMALLER, "dials", "a program wants a session")
            .verified(2, UNKNOWN, "ACK, and the dial is closed", &[Closes(1), Acks(2)]),
    ]
}

fn clean_ups() -> Vec<Story> {
    vec![
        up("session-before", "V1-ELC-003", "it dials as soon as it has lost a session")
            .gone(1, "its stream ends", &[])
            .told(1, "there is no session", &[])
            .verified(2, UNKNOWN, "it waits: it would forget this one with the last", &[])
            .wait(999, "it may not have forgotten that", &[])
            .wait(1, "ACK", &[Acks(2)]),
        up("no-dial-beside-waiting", "CON-DIA-004 V1-ELC-003", "a program wants a session meanwhile")
            .gone(1, "its stream ends", &[])
            .told(1, "there is no session", &[])
            .verified(2, UNKNOWN, "it waits", &[])
            .dial(3, SMALLER, "waits", "it will be the session")
            .wait(1000, "ACK", &[Acks(2)]),
        up("session-ending", "V1-ELC-003", "the time begins when the session has ended")
            .gone(1, "its stream ends", &[])
            .verified(2, UNKNOWN, "it waits", &[])
            .wait(1000, "all is not yet told", &[])
            .told(1, "it waits", &[])
            .wait(1000, "ACK", &[Acks(2)]),
        story("node-started", "V1-ELC-003", "of the sessions before its own start the node knows nothing")
            .given("up_ms", 0)
            .verified(1, UNKNOWN, "it waits", &[])
            .wait(999, "nothing", &[])
            .wait(1, "ACK", &[Acks(1)]),
        story("node-started-and-dials", "V1-ELC-003", "so it is with REPLY")
            .given("up_ms", 0)
            .dial(1, SMALLER, "dials", "a program wants a session")
            .challenge(1, UNKNOWN, "no REPLY", &[])
            .wait(999, "nothing", &[])
            .wait(1, "REPLY", &[Replies(1)])
            .ack(1, UNKNOWN, "it is the session", &[Begins(1)]),
        story("peer-of-version-2", "CON-ELC-007", "a peer of version 2 is not waited for")
            .given("up_ms", 0)
            .verified(1, Some(7), "ACK", &[Acks(1)]),
    ]
}

fn orphans() -> Vec<Story> {
    vec![
        up(
            "orphan",
            "V1-ELC-004 V1-ELC-005 V1-ELC-003",
            "it has lost sight of a session that its threads still serve",
        )
        .verified(2, UNKNOWN, "PING, and no ACK", &[Pings(1)])
        .pong(1, "its reader answers by itself: no sign that it uses the session", &[])
        .wait(2000, "it ends", &[Ends(1, None)])
        .told(1, "it waits", &[])
        .wait(1000, "ACK", &[Acks(2)]),
        up("session-in-use", "V1-ELC-004 V1-ELC-005", "it uses the session")
            .verified(2, UNKNOWN, "PING, and no ACK", &[Pings(1)])
            .receive(1, SEND, "it can have been written before it dialled", &[])
            .pong(1, "what comes behind this was not", &[])
            .receive(1, SEND, "only a node writes it that finds the session", &[Refuses(2, None)]),
        story("accepted-before-session", "CON-ELC-004 CON-ELC-005 V1-ELC-004", "both have dialled at once")
            .accept(1, "of the peer")
            .dials(2, UNKNOWN, "REPLY")
            .ack(2, UNKNOWN, "it is the session", &[Begins(2)])
            .reply(1, UNKNOWN, "PING, and no ACK", &[Pings(2)])
            .pong(2, "the peer had no session when it dialled, so any byte is a sign", &[Refuses(1, None)]),
        story(
            "sign-changes",
            "V1-ELC-004 V1-ELC-007",
            "both have dialled at once, and it has lost the session",
        )
        .accept(1, "of the peer")
        .dials(2, UNKNOWN, "REPLY")
        .ack(2, UNKNOWN, "it is the session", &[Begins(2)])
        .reply(1, UNKNOWN, "PING: any byte is a sign", &[Pings(2)])
        .verified(3, UNKNOWN, "PING anew: now it has to use the session", &[Refuses(1, None), Pings(2)])
        .pong(2, "its reader answers by itself", &[])
        .wait(2000, "it ends", &[Ends(2, None)]),
        up("waiting-goes-away", "V1-ELC-007", "nobody needs the session to be used any more")
            .verified(2, UNKNOWN, "PING, and no ACK", &[Pings(1)])
            .gone(2, "PING anew: any byte is a sign", &[Pings(1)])
            .pong(1, "the session goes on", &[])
            .wait(2000, "it goes on", &[]),
    ]
}
