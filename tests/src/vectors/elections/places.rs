//! Stories beside a peer of version 2: `connection.md`, "One connection for two nodes". The requirements of each stand
//! in its second line.

use super::story::Does::{Acks, Begins, Closes, Ends, Pings, Reads, Refuses, Replies};
use super::story::{BUSY, CLOSE, DUPLICATE, FIRST, LARGER, OTHER, PING, REPLACED, SECOND, SMALLER, Story};

pub(super) fn all() -> Vec<Story> {
    [first(), claims(), restarts(), probes(), endings(), crossings(), late(), several(), dials()]
        .into_iter()
        .flatten()
        .collect()
}

/// A story of the node with the larger name, where it does not matter which one it has.
fn story(id: &str, requirements: &'static str, comment: &'static str) -> Story {
    Story::of(LARGER, id, requirements, comment)
}

/// The node holds a session, on connection 1, which the peer has dialled.
fn up(id: &str, requirements: &'static str, comment: &'static str) -> Story {
    story(id, requirements, comment).verified(1, FIRST, "it is the session", &[Acks(1)])
}

fn first() -> Vec<Story> {
    vec![
        story("accepted", "CON-ELC-007 CON-ELC-015", "nothing stands in the way of the first connection")
            .accept(1, "of the peer")
            .name(1, FIRST, "the node answers by CHALLENGE, and writes no frame")
            .reply(1, FIRST, "ACK: it is the session", &[Acks(1)]),
        story("dialled", "CON-ELC-015", "nor does anything in that of the first dial")
            .dials(1, FIRST, "REPLY; no frame is written before ACK has come")
            .ack(1, FIRST, "it is the session", &[Begins(1)]),
        story("behind-reply", "CON-ELC-016", "a frame comes with REPLY").accept(1, "of the peer").reply_and(
            1,
            PING,
            "ACK; the PING is the first frame of the session",
            &[Acks(1), Reads(1, PING)],
        ),
        up("behind-reply-that-waits", "CON-ELC-015 CON-ELC-016", "the frame waits with its connection")
            .accept(2, "of the peer")
            .reply_and(2, PING, "the session is probed; nothing is read, and nothing answered", &[Pings(1)])
            .gone(1, "the session breaks", &[])
            .told(1, "ACK; now the frame is read", &[Acks(2), Reads(2, PING)]),
    ]
}

fn claims() -> Vec<Story> {
    vec![
        up("claim-beside-session", "CON-ELC-002", "anybody can write any name into NAME")
            .accept(2, "of somebody")
            .name(2, FIRST, "it says that it is the peer: the session is not probed")
            .accept(3, "of somebody")
            .name(3, SECOND, "it says that it is another start of the peer: nor does it end")
            .gone(2, "nothing", &[])
            .gone(3, "nothing", &[]),
        story("claim-beside-dial", "CON-ELC-002", "nor does a claim hold up a dial")
            .dial(1, SMALLER, "dials", "a program wants a session")
            .accept(2, "of somebody")
            .name(2, FIRST, "the dial goes on")
            .challenge(1, FIRST, "REPLY", &[Replies(1)])
            .ack(1, FIRST, "it is the session", &[Begins(1)]),
    ]
}

fn restarts() -> Vec<Story> {
    vec![
        up("restart", "CON-ELC-001 CON-ELC-003", "the peer has been started again")
            .verified(
                2,
                SECOND,
                "the session ends at once; no ACK before all is told of it",
                &[Ends(1, REPLACED)],
            )
            .told(1, "ACK", &[Acks(2)]),
        up("restart-while-transport-is-full", "CON-ELC-003 CON-ELC-017", "nobody reads the session any more")
            .block(1, "a message is queued that the transport does not take")
            .verified(2, SECOND, "the session ends all the same, without the message", &[Ends(1, None)])
            .told(1, "ACK", &[Acks(2)]),
        up("restart-while-ending", "CON-ELC-001 CON-ELC-003", "the session has ended by itself")
            .gone(1, "its stream ends", &[])
            .verified(2, SECOND, "it waits until all is told", &[])
            .told(1, "ACK", &[Acks(2)]),
        up("restart-while-probed", "CON-ELC-003 CON-ELC-012", "two connections of two starts")
            .verified(2, FIRST, "the session is probed", &[Pings(1)])
            .verified(
                3,
                SECOND,
                "the session ends, and the older one is refused",
                &[Refuses(2, DUPLICATE), Ends(1, REPLACED)],
            )
            .told(1, "ACK", &[Acks(3)]),
    ]
}

fn probes() -> Vec<Story> {
    vec![
        up("probe-alive", "CON-ELC-004 CON-ELC-005", "the session lives")
            .verified(2, FIRST, "PING, and no ACK", &[Pings(1)])
            .wait(1999, "nothing", &[])
            .receive(1, "09", "one byte of a frame", &[Refuses(2, DUPLICATE)])
            .wait(2000, "the session is as it was", &[])
            .verified(3, FIRST, "it is probed again", &[Pings(1)]),
        up("probe-dead", "CON-ELC-004 CON-ELC-006 CON-ELC-007", "the session is dead")
            .verified(2, FIRST, "PING, and no ACK", &[Pings(1)])
            .wait(1999, "nothing", &[])
            .wait(1, "it ends, without CLOSE", &[Ends(1, None)])
            .told(1, "ACK", &[Acks(2)]),
        story(
            "probe-dialled",
            "CON-ELC-004 CON-ELC-005",
            "so it is with a session that the node has dialled",
        )
        .dials(1, FIRST, "REPLY")
        .ack(1, FIRST, "it is the session", &[Begins(1)])
        .verified(2, FIRST, "PING, and no ACK", &[Pings(1)])
        .receive(1, PING, "a PING of the peer, and no PONG", &[Refuses(2, DUPLICATE)]),
        up(
            "probe-of-the-later",
            "CON-ELC-004 CON-ELC-018",
            "of one start it does not matter which was begun first",
        )
        .gone(1, "its stream ends", &[])
        .told(1, "there is no session", &[])
        .accept(2, "of the peer")
        .accept(3, "of the peer")
        .reply(3, FIRST, "ACK", &[Acks(3)])
        .reply(2, FIRST, "PING, and no ACK", &[Pings(3)])
        .wait(2000, "it ends, without CLOSE", &[Ends(3, None)])
        .told(3, "ACK", &[Acks(2)]),
        up("probe-once", "CON-ELC-004 CON-ELC-012", "another one comes meanwhile")
            .verified(2, FIRST, "PING, and no ACK", &[Pings(1)])
            .wait(1000, "nothing", &[])
            .verified(3, FIRST, "no second PING; the earlier one is refused", &[Refuses(2, DUPLICATE)])
            .wait(1000, "the time counts from the PING", &[Ends(1, None)])
            .told(1, "ACK", &[Acks(3)]),
        up("probe-for-nobody", "CON-ELC-006", "the connection that waited is gone")
            .verified(2, FIRST, "PING, and no ACK", &[Pings(1)])
            .gone(2, "the probe goes on", &[])
            .wait(2000, "it ends, without CLOSE", &[Ends(1, None)])
            .told(1, "nobody waits", &[]),
    ]
}

fn endings() -> Vec<Story> {
    vec![
        up(
            "ending-is-not-probed",
            "CON-ELC-001 CON-ELC-004",
            "the session is over, and not all is told of it",
        )
        .gone(1, "its stream ends", &[])
        .verified(2, FIRST, "no PING; it waits", &[])
        .told(1, "ACK", &[Acks(2)]),
        up("closing-is-probed", "CON-ELC-004 CON-ELC-005", "the node ends the session in order")
            .close(1, "CLOSE is written, and what the peer has to say is read")
            .verified(2, FIRST, "it is probed, without a PING behind CLOSE", &[])
            .receive(1, "09", "one byte", &[Refuses(2, DUPLICATE)])
            .gone(1, "its stream ends", &[])
            .told(1, "nobody waits", &[]),
        up("closing-is-dead", "CON-ELC-004 CON-ELC-006", "the node ends the session in order")
            .close(1, "CLOSE is written, and what the peer has to say is read")
            .verified(2, FIRST, "it is probed, without a PING behind CLOSE", &[])
            .wait(2000, "it ends", &[Ends(1, None)])
            .told(1, "ACK", &[Acks(2)]),
        up("close-crosses-probe", "CON-ELC-005", "the byte is one of CLOSE")
            .verified(2, FIRST, "PING, and no ACK", &[Pings(1)])
            .receive(1, CLOSE, "neither connection is left", &[Refuses(2, DUPLICATE)])
            .told(1, "there is no session", &[]),
    ]
}

fn crossings() -> Vec<Story> {
    let replied =
        |own, id, requirements, comment| Story::of(own, id, requirements, comment).dials(1, FIRST, "REPLY");
    let (acks, waits) = ("the own name is the larger one: ACK", "the own name is the smaller one: it waits");
    vec![
        story("dial-connecting", "CON-ELC-007 CON-ELC-008", "the peer is faster")
            .dial(1, SMALLER, "dials", "a program wants a session")
            .verified(2, FIRST, "ACK, and the dial is closed without REPLY", &[Closes(1), Acks(2)]),
        Story::of(SMALLER, "dial-connecting-smaller", "CON-ELC-007 CON-ELC-008", "whatever the names are")
            .dial(1, LARGER, "dials", "a program wants a session")
            .verified(2, FIRST, "ACK, and the dial is closed without REPLY", &[Closes(1), Acks(2)]),
        replied(LARGER, "crossing-larger", "CON-ELC-009", "the peer refuses the dial")
            .verified(2, FIRST, acks, &[Acks(2)])
            .gone(1, "REJECT: the session is as it was", &[]),
        replied(
            LARGER,
            "crossing-larger-ack",
            "CON-ELC-009 CON-ELC-013",
            "the peer accepts the dial after all",
        )
        .verified(2, FIRST, acks, &[Acks(2)])
        .ack(1, FIRST, "the peer holds nothing else: the session ends", &[Ends(2, REPLACED)])
        .told(2, "the dial is the session", &[Begins(1)]),
        replied(
            LARGER,
            "crossing-larger-ack-behind",
            "CON-ELC-001 CON-ELC-013",
            "the session has ended already",
        )
        .verified(2, FIRST, acks, &[Acks(2)])
        .gone(2, "its stream ends", &[])
        .ack(1, FIRST, "it waits until all is told", &[])
        .told(2, "the dial is the session", &[Begins(1)]),
        replied(SMALLER, "crossing-smaller", "CON-ELC-010 CON-ELC-011", "ACK comes on the dial")
            .verified(2, FIRST, waits, &[])
            .ack(1, FIRST, "the dial is the session", &[Refuses(2, DUPLICATE), Begins(1)]),
        replied(SMALLER, "crossing-smaller-dial-ends", "CON-ELC-007 CON-ELC-010", "the dial ends otherwise")
            .verified(2, FIRST, waits, &[])
            .gone(1, "nothing stands in the way: ACK", &[Acks(2)]),
        replied(
            SMALLER,
            "crossing-smaller-alone",
            "CON-ELC-010",
            "the connection that waits is closed by its peer",
        )
        .verified(2, FIRST, waits, &[])
        .gone(2, "the dial goes on", &[])
        .ack(1, FIRST, "the dial is the session", &[Begins(1)]),
        replied(
            LARGER,
            "ack-of-another-start",
            "CON-ELC-001 CON-ELC-013",
            "the peer has started again since",
        )
        .verified(2, FIRST, acks, &[Acks(2)])
        .ack(1, SECOND, "the session with the start before ends", &[Ends(2, REPLACED)])
        .told(2, "the dial is the session", &[Begins(1)]),
    ]
}

fn late() -> Vec<Story> {
    let both = |id, comment| {
        story(id, "CON-ELC-018", comment).accept(1, "of the first start").accept(2, "of the second start")
    };
    vec![
        both("late-start", "the REPLY of a start that is over comes late")
            .reply(2, SECOND, "ACK", &[Acks(2)])
            .reply(1, FIRST, "it is refused: its connection was begun before", &[Refuses(1, DUPLICATE)]),
        both("late-start-while-ending", "so it is while the session is ending")
            .reply(2, SECOND, "ACK", &[Acks(2)])
            .gone(2, "its stream ends", &[])
            .reply(1, FIRST, "refused", &[Refuses(1, DUPLICATE)])
            .told(2, "nobody waits", &[]),
        story("late-start-beside-dial", "CON-ELC-018", "a dial is begun when the node dials")
            .accept(1, "of the first start")
            .dials(2, SECOND, "REPLY")
            .ack(2, SECOND, "it is the session", &[Begins(2)])
            .reply(1, FIRST, "refused", &[Refuses(1, DUPLICATE)]),
        story("late-session", "CON-ELC-003 CON-ELC-018", "when the session began does not matter")
            .dial(1, SMALLER, "dials", "a program wants a session")
            .accept(2, "of the second start")
            .challenge(1, FIRST, "REPLY", &[Replies(1)])
            .ack(1, FIRST, "it is the session, whose connection is the earlier one", &[Begins(1)])
            .reply(2, SECOND, "the session ends", &[Ends(1, REPLACED)])
            .told(1, "ACK", &[Acks(2)]),
    ]
}

fn several() -> Vec<Story> {
    let limited = |id, peers: u64, comment| story(id, "CON-ELC-014", comment).given("sessions_max", peers);
    vec![
        up("several-earlier-last", "CON-ELC-012", "the one that was accepted earlier is verified last")
            .accept(2, "of the peer")
            .accept(3, "of the peer")
            .reply(3, FIRST, "PING, and no ACK", &[Pings(1)])
            .reply(2, FIRST, "the peer has given it up: refused at once", &[Refuses(2, DUPLICATE)])
            .wait(2000, "the session is dead", &[Ends(1, None)])
            .told(1, "ACK", &[Acks(3)]),
        limited("busy", 1, "there is room for one peer")
            .verified(1, FIRST, "ACK", &[Acks(1)])
            .accept(2, "of another node")
            .reply_of_other(2, "one too many", &[Refuses(2, BUSY)])
            .verified(3, FIRST, "another one of the peer is none too many: PING", &[Pings(1)])
            .gone(1, "the session breaks", &[])
            .told(1, "ACK", &[Acks(3)]),
        limited("busy-by-dial", 1, "a peer with a dial counts")
            .dial(1, SMALLER, "dials", "a program wants a session")
            .accept(2, "of another node")
            .reply_of_other(2, "one too many", &[Refuses(2, BUSY)])
            .gone(1, "the dial has failed", &[])
            .accept(3, "of another node")
            .reply_of_other(3, "ACK: there is room again", &[Acks(3)]),
        limited("room-for-two", 2, "there is room for two peers")
            .verified(1, FIRST, "ACK", &[Acks(1)])
            .accept(2, "of another node")
            .reply_of_other(2, "ACK", &[Acks(2)]),
    ]
}

fn dials() -> Vec<Story> {
    vec![
        story("own-name", "CON-DIA-001", "a node does not dial itself").dial(
            1,
            LARGER,
            "own_name",
            "no connection is made",
        ),
        story("one-dial", "CON-DIA-002", "whoever else wants a session waits for that dial")
            .dial(1, SMALLER, "dials", "a program wants a session")
            .dial(2, SMALLER, "waits", "another one does")
            .dial(3, OTHER, "dials", "a dial to another node is one of its own")
            .challenge(1, FIRST, "REPLY", &[Replies(1)])
            .dial(4, SMALLER, "waits", "nothing has changed")
            .ack(1, FIRST, "it is the session", &[Begins(1)])
            .dial(5, SMALLER, "up", "there is one"),
        up("no-dial-beside-session", "CON-DIA-003", "there is a session")
            .dial(2, SMALLER, "up", "it is up")
            .verified(3, FIRST, "PING, and no ACK", &[Pings(1)])
            .dial(4, SMALLER, "up", "it is probed, and still one")
            .gone(3, "the peer has given up", &[])
            .gone(1, "its stream ends", &[])
            .dial(5, SMALLER, "dials", "a session that is ending does not keep a node from dialling"),
        up("no-dial-beside-closing", "CON-DIA-003", "the node ends the session in order")
            .close(1, "CLOSE is written, and what the peer has to say is read")
            .dial(2, SMALLER, "waits", "the session still counts as up, and nothing can be sent in it")
            .gone(1, "its stream ends", &[])
            .told(1, "there is no session", &[])
            .dial(3, SMALLER, "dials", "now a program can have one"),
        up("no-dial-beside-waiting", "CON-DIA-004", "a connection of the peer waits")
            .gone(1, "its stream ends", &[])
            .verified(2, FIRST, "it waits until all is told", &[])
            .dial(3, SMALLER, "waits", "it will be the session")
            .told(1, "ACK", &[Acks(2)]),
    ]
}
