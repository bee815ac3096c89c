//! Stories of places: `session.md`, "Bounds of links and monitors", row by row. The requirements of each stand in its
//! second line.
//!
//! Whether a place is free shows when somebody wants it: at the peer a monitor of process 6, here a LINK of process 8.

use snow_dist_runtime::core::Reason;

use super::frames::{
    Arrives, demonitor, error, exit, link, monitor, monitor_exit, unlink, unlink_ack, unlink_id,
};
use super::node::Bounds;
use super::story::Story;

pub(super) fn all() -> Vec<Story> {
    [limits(), linking(), link_arrives(), ends(), exits(), unlinks(), reserved(), monitors(), monitored()]
        .into_iter()
        .flatten()
        .collect()
}

fn boom() -> Reason {
    Reason::error("boom")
}

/// The bounds that the node and its peer have announced.
fn bounds(here: u32, at_peer: u32) -> Bounds {
    Bounds { links_and_monitors: [here, at_peer], ..Bounds::default() }
}

const MANY: u32 = 1_000_000;

/// A story in which there is this much room here.
fn here(id: &'static str, requirements: &str, comment: &'static str, places: u32) -> Story {
    Story::bounded(id, requirements, comment, bounds(places, MANY))
}

/// A story in which there is room for one at the peer.
fn at_peer(id: &'static str, requirements: &str, comment: &'static str) -> Story {
    Story::bounded(id, requirements, comment, bounds(MANY, 1))
}

/// The same, and process 5 links with 9, which takes it.
fn linked(id: &'static str, requirements: &str, comment: &'static str) -> Story {
    at_peer(id, requirements, comment).link(5, 9, "LINK: it takes the place at the peer")
}

/// The same, and 5 has linked again before its unlink is acknowledged.
fn again(id: &'static str, requirements: &str, comment: &'static str) -> Story {
    linked(id, requirements, comment).unlink(5, 9, "UNLINK_ID").link(5, 9, "LINK: active again")
}

/// The same, and 9 has unlinked: the place is reserved.
fn kept(id: &'static str, requirements: &str, comment: &'static str) -> Story {
    again(id, requirements, comment).receive(unlink_id(9, 5, 4), "UNLINK_ACK; the place is reserved")
}

/// Steps that show whether the place at the peer is free.
trait AtPeer {
    fn full(self, reference: u64) -> Self;
    fn room(self, reference: u64) -> Self;
}

impl AtPeer for Story {
    fn full(self, reference: u64) -> Self {
        self.monitor(6, 8, reference, "refused: no place is free at the peer")
    }

    fn room(self, reference: u64) -> Self {
        self.monitor(6, 8, reference, "MONITOR: the place is free")
    }
}

/// Steps that show whether the place here is free.
trait Here {
    fn too_many(self) -> Self;
    fn taken(self) -> Self;
}

impl Here for Story {
    fn too_many(self) -> Self {
        self.receive(link(8, 6), "EXIT limit: no place is free here")
    }

    fn taken(self) -> Self {
        self.receive(link(8, 6), "active: the place is free")
    }
}

fn end_of(remote: u64, local: u64) -> Arrives {
    exit(remote, local, error("boom"))
}

fn limits() -> Vec<Story> {
    let of_node = |count| bounds(count, MANY);
    let of_peer = |count| bounds(MANY, count);
    vec![
        Story::bounded(
            "limit-of-node",
            "SES-BND-002 SES-BND-003 SES-BND-004",
            "the peer has as many links and monitors as the node holds for it",
            of_node(1),
        )
        .receive(link(9, 5), "the first")
        .receive(link(9, 6), "one too many: EXIT limit")
        .receive(monitor(9, 6, 1), "one too many: MONITOR_EXIT limit")
        .receive(link(9, 99), "for the dead the answer is noproc")
        .receive(link(9, 5), "the link is active already: ignored")
        .link(6, 9, "the node's own links count at the peer")
        .receive(unlink_id(9, 5, 1), "the first link is over")
        .receive(monitor(9, 6, 1), "there is a place again"),
        Story::bounded(
            "limit-0",
            "SES-BND-002 SES-BND-003",
            "a node that holds nothing for its peer",
            of_node(0),
        )
        .receive_all(vec![link(9, 5), monitor(9, 5, 1)], "EXIT limit, MONITOR_EXIT limit"),
        Story::bounded("limit-of-peer", "SES-BND-001", "the node keeps to what the peer holds", of_peer(1))
            .link(5, 9, "LINK")
            .link(6, 9, "refused to the process: nothing is written")
            .monitor(6, 9, 1, "the same")
            .receive(link(9, 6), "the peer's own links count at the node")
            .unlink(5, 9, "UNLINK_ID: the place is not free yet")
            .monitor(6, 8, 2, "refused")
            .receive(unlink_ack(9, 5, 1), "the place is free")
            .monitor(6, 8, 3, "MONITOR"),
        Story::bounded(
            "limit-and-link-again",
            "SES-BND-001 SES-LNK-003",
            "a link that the peer has made and the node makes again counts at the peer",
            of_peer(1),
        )
        .receive(link(9, 5), "9 links with 5")
        .unlink(5, 9, "UNLINK_ID")
        .link(5, 9, "LINK: it is the node's link now")
        .monitor(6, 9, 1, "refused: the place is taken"),
        Story::bounded(
            "limit-and-link-that-can-come-back",
            "SES-BND-001 SES-LNK-003 SES-LNK-022",
            "the place of a link that the last LINK may make again is kept until both unlinks are acknowledged",
            of_peer(1),
        )
        .link(5, 9, "LINK")
        .unlink(5, 9, "UNLINK_ID")
        .link(5, 9, "LINK: active again")
        .receive(unlink_id(9, 5, 4), "UNLINK_ACK; no link, unless 9 has linked again before it reads the LINK")
        .monitor(6, 8, 1, "refused: the place is kept")
        .receive(unlink_ack(9, 5, 1), "the place is free")
        .monitor(6, 8, 2, "MONITOR"),
        Story::bounded(
            "limit-and-link-that-comes-back",
            "SES-BND-001 SES-LNK-003 SES-LNK-012",
            "the same, and the other end has linked again: each node counts the link for its own",
            of_peer(1),
        )
        .link(5, 9, "LINK")
        .unlink(5, 9, "UNLINK_ID")
        .link(5, 9, "LINK: active again")
        .receive(unlink_id(9, 5, 4), "UNLINK_ACK; no link")
        .receive(link(9, 5), "it has crossed the LINK: active")
        .receive(unlink_ack(9, 5, 1), "ignored, the link stays")
        .monitor(6, 8, 1, "refused: the link has its place")
        .end(5, boom(), "EXIT")
        .monitor(6, 8, 2, "MONITOR"),
    ]
}

fn linking() -> Vec<Story> {
    vec![
        here(
            "place-of-link-again",
            "SES-BND-002 SES-LNK-003",
            "a link that is made again is the node's own",
            1,
        )
        .receive(link(9, 5), "9 links with 5")
        .unlink(5, 9, "UNLINK_ID")
        .too_many()
        .link(5, 9, "LINK: it takes a place at the peer, and the one here is free")
        .taken(),
        Story::bounded(
            "place-of-link-refused-again",
            "SES-BND-001 SES-BND-002 SES-LNK-003",
            "without a place at the peer all stays as it was",
            bounds(1, 0),
        )
        .receive(link(9, 5), "9 links with 5")
        .unlink(5, 9, "UNLINK_ID")
        .link(5, 9, "refused to the process")
        .too_many()
        .receive(unlink_ack(9, 5, 1), "no link: it was in state unlinking")
        .taken(),
    ]
}

fn link_arrives() -> Vec<Story> {
    let both = |id, comment| {
        Story::bounded(id, "SES-BND-001 SES-BND-002 SES-LNK-012", comment, bounds(1, 1))
            .link(5, 9, "LINK: it takes the place at the peer")
            .unlink(5, 9, "UNLINK_ID")
            .link(5, 9, "LINK: active again")
    };
    vec![
        both("place-reserved-and-link", "each end counts a link for its own whose LINKs cross")
            .receive(unlink_id(9, 5, 4), "UNLINK_ACK; the place is reserved")
            .receive(link(9, 5), "active: the place at the peer is the link's")
            .taken(),
        both("place-reserved-and-link-when-full", "so that it needs none here")
            .receive(link(8, 7), "8 links with 7: no place is free here")
            .receive(unlink_id(9, 5, 4), "UNLINK_ACK; the place is reserved")
            .receive(link(9, 5), "active"),
        both("place-reserved-and-new-link", "behind the acknowledgement it is a link of the peer")
            .block()
            .receive(unlink_id(9, 5, 4), "the place is reserved; UNLINK_ACK waits")
            .receive(unlink_ack(9, 5, 1), "the place waits for the UNLINK_ACK alone")
            .receive(link(9, 5), "active: it takes a place here, and the reserved one is free")
            .too_many()
            .monitor(6, 8, 1, "MONITOR: the place is free")
            .unblock("UNLINK_ACK, EXIT, MONITOR"),
        both("place-reserved-and-new-link-when-full", "for which there can be no place")
            .receive(link(8, 7), "8 links with 7: no place is free here")
            .block()
            .receive(unlink_id(9, 5, 4), "the place is reserved; UNLINK_ACK waits")
            .receive(unlink_ack(9, 5, 1), "the place waits for the UNLINK_ACK alone")
            .receive(link(9, 5), "EXIT limit; the place waits for that as well")
            .full(1)
            .unblock("UNLINK_ACK, EXIT")
            .room(2),
    ]
}

fn ends() -> Vec<Story> {
    vec![
        here(
            "place-of-exit-owed",
            "SES-BND-002 SES-LNK-008",
            "the peer holds a link until EXIT is written",
            1,
        )
        .receive(link(9, 5), "9 links with 5")
        .block()
        .end(5, boom(), "EXIT waits")
        .receive(link(8, 6), "no place is free here: EXIT limit waits")
        .unblock("both EXITs")
        .taken(),
        linked("place-of-exit-owed-at-peer", "SES-BND-001 SES-LNK-008", "so does the node")
            .block()
            .end(5, boom(), "EXIT waits")
            .full(1)
            .unblock("EXIT")
            .room(2),
        linked(
            "place-of-end-while-unlinking",
            "SES-BND-001 SES-LNK-009",
            "an end gives no place back by itself",
        )
        .unlink(5, 9, "UNLINK_ID")
        .end(5, boom(), "nothing")
        .full(1)
        .receive(unlink_ack(9, 5, 1), "now the peer holds no link")
        .room(2),
    ]
}

fn exits() -> Vec<Story> {
    vec![
        at_peer("place-of-exit", "SES-BND-001 SES-LNK-029", "a link of the node has ended")
            .link(7, 9, "LINK: it takes the place at the peer")
            .receive(end_of(9, 7), "an exit signal")
            .room(1),
        here("place-of-exit-here", "SES-BND-002 SES-LNK-029", "a link of the peer has ended", 1)
            .receive(link(9, 7), "9 links with 7")
            .receive(end_of(9, 7), "an exit signal")
            .taken(),
        linked(
            "place-of-crossing-exits",
            "SES-BND-001 SES-LNK-010",
            "an EXIT that is owed no more needs no place",
        )
        .block()
        .end(5, boom(), "EXIT waits")
        .receive(end_of(9, 5), "it is not owed any more")
        .room(1)
        .unblock("MONITOR alone"),
        linked("place-of-exit-while-unlinking", "SES-BND-001 SES-LNK-028", "the peer can hold a newer link")
            .unlink(5, 9, "UNLINK_ID")
            .receive(end_of(9, 5), "ignored")
            .full(1)
            .receive(unlink_ack(9, 5, 1), "now the peer holds no link")
            .room(2),
        here(
            "place-of-exit-while-unlinking-here",
            "SES-BND-002 SES-LNK-028",
            "but of its own it holds none",
            1,
        )
        .receive(link(9, 5), "9 links with 5")
        .unlink(5, 9, "UNLINK_ID")
        .receive(end_of(9, 5), "ignored, and the place is free")
        .taken(),
    ]
}

fn unlinks() -> Vec<Story> {
    vec![
        again("place-of-acknowledged-link", "SES-BND-001 SES-LNK-020", "a link that is active again")
            .receive(unlink_ack(9, 5, 1), "the link stays, and its place")
            .full(1)
            .end(5, boom(), "EXIT")
            .room(2),
        Story::bounded(
            "place-of-other-acknowledgements",
            "SES-BND-001 SES-BND-002 SES-LNK-020",
            "acknowledgements of other unlinks change nothing",
            bounds(1, 1),
        )
        .link(5, 9, "LINK: it takes the place at the peer")
        .receive(link(9, 7), "9 links with 7: it takes the place here")
        .unlink(5, 9, "UNLINK_ID")
        .unlink(7, 9, "UNLINK_ID")
        .receive_all(vec![unlink_ack(9, 5, 2), unlink_ack(9, 7, 1)], "both ignored")
        .full(1)
        .too_many()
        .receive_all(vec![unlink_ack(9, 5, 1), unlink_ack(9, 7, 2)], "neither is linked")
        .room(2)
        .taken(),
        linked(
            "place-of-unlink",
            "SES-BND-001 SES-LNK-022",
            "the peer unlinks, and holds the link until it is told",
        )
        .block()
        .receive(unlink_id(9, 5, 4), "no link; UNLINK_ACK waits")
        .full(1)
        .link(5, 9, "refused: the place is the UNLINK_ACK's")
        .unblock("UNLINK_ACK")
        .link(5, 9, "LINK: the place is free"),
        linked("place-of-crossing-unlinks", "SES-BND-001 SES-LNK-023", "both unlink")
            .unlink(5, 9, "UNLINK_ID")
            .block()
            .receive(unlink_id(9, 5, 4), "UNLINK_ACK waits")
            .full(1)
            .link(5, 9, "refused: the place is the UNLINK_ACK's")
            .unblock("UNLINK_ACK")
            .room(2),
        here(
            "place-of-crossing-unlinks-here",
            "SES-BND-002 SES-LNK-023",
            "both unlink a link of the peer",
            1,
        )
        .receive(link(9, 5), "9 links with 5")
        .unlink(5, 9, "UNLINK_ID")
        .receive(unlink_id(9, 5, 4), "UNLINK_ACK; the peer has yet to acknowledge the other one")
        .too_many()
        .receive(unlink_ack(9, 5, 1), "no link")
        .taken(),
        linked("place-of-plain-unlink", "SES-BND-001 SES-LNK-025", "UNLINK asks for no acknowledgement")
            .receive(unlink(9, 5), "no link")
            .room(1),
        linked("place-of-plain-unlink-while-unlinking", "SES-BND-001 SES-LNK-025", "it crosses an unlink")
            .unlink(5, 9, "UNLINK_ID")
            .receive(unlink(9, 5), "nothing")
            .full(1)
            .receive(unlink_ack(9, 5, 1), "no link")
            .room(2),
        here(
            "place-of-plain-unlink-while-unlinking-here",
            "SES-BND-002 SES-LNK-025",
            "it crosses an unlink of a link of the peer",
            1,
        )
        .receive(link(9, 5), "9 links with 5")
        .unlink(5, 9, "UNLINK_ID")
        .receive(unlink(9, 5), "nothing")
        .too_many()
        .receive(unlink_ack(9, 5, 1), "no link")
        .taken(),
    ]
}

fn reserved() -> Vec<Story> {
    vec![
        again("place-reserved-by-plain-unlink", "SES-BND-001 SES-LNK-025", "UNLINK can cross a LINK as well")
            .receive(unlink(9, 5), "no link; the place is reserved")
            .full(1)
            .receive(unlink_ack(9, 5, 1), "nothing is waited for any more")
            .room(2),
        again("place-reserved-until-answered", "SES-BND-001 SES-LNK-022", "the peer has to be told")
            .block()
            .receive(unlink_id(9, 5, 4), "the place is reserved; UNLINK_ACK waits")
            .receive(unlink_ack(9, 5, 1), "the place waits for the UNLINK_ACK alone")
            .full(1)
            .unblock("UNLINK_ACK")
            .room(2),
        kept("place-reserved-until-answered-again", "SES-BND-001 SES-LNK-021", "each answer is waited for")
            .block()
            .receive(unlink_id(9, 5, 5), "another UNLINK_ACK waits")
            .receive(unlink_ack(9, 5, 1), "the place waits for that alone")
            .full(1)
            .unblock("UNLINK_ACK")
            .room(2),
        kept("place-reserved-until-refused", "SES-BND-001 SES-LNK-015", "so is the EXIT that answers a LINK")
            .end(5, boom(), "nothing")
            .block()
            .receive(link(9, 5), "5 is dead: EXIT noproc waits")
            .receive(unlink_ack(9, 5, 1), "the place waits for the EXIT alone")
            .full(1)
            .unblock("EXIT")
            .room(2),
        kept("place-reserved-and-taken-over", "SES-BND-001 SES-LNK-001", "the process links once more")
            .link(5, 9, "LINK: the link takes the reserved place over")
            .receive(unlink_ack(9, 5, 1), "the link stays, and its place")
            .full(1)
            .end(5, boom(), "EXIT")
            .room(2),
        kept("place-reserved-and-exit", "SES-BND-001 SES-LNK-017", "no other frame gives it back")
            .receive(end_of(9, 5), "ignored")
            .full(1)
            .receive(unlink(9, 5), "ignored")
            .full(2)
            .receive(unlink_ack(9, 5, 1), "nothing is waited for any more")
            .room(3),
    ]
}

fn monitors() -> Vec<Story> {
    let monitoring = |id, requirements: &str, comment| {
        at_peer(id, requirements, comment).monitor(6, 9, 1, "MONITOR: it takes the place at the peer")
    };
    vec![
        monitoring("place-of-demonitor", "SES-BND-001 SES-MON-003", "the peer holds it until it is told")
            .block()
            .demonitor(6, 1, "DEMONITOR waits")
            .full(2)
            .unblock("DEMONITOR")
            .room(3),
        monitoring("place-of-end-of-monitoring", "SES-BND-001 SES-MON-004", "so it is when the process ends")
            .block()
            .end(6, boom(), "DEMONITOR waits")
            .monitor(5, 8, 2, "refused: no place is free at the peer")
            .unblock("DEMONITOR")
            .monitor(5, 8, 3, "MONITOR: the place is free"),
        monitoring("place-of-monitor-exit", "SES-BND-001 SES-MON-012", "the peer holds it no more")
            .receive(monitor_exit(9, 6, 1, error("boom")), "DOWN")
            .room(2),
        monitoring(
            "place-of-crossing-demonitor",
            "SES-BND-001 SES-MON-011",
            "a MONITOR_EXIT crosses DEMONITOR",
        )
        .block()
        .demonitor(6, 1, "DEMONITOR waits")
        .receive(monitor_exit(9, 6, 1, error("boom")), "ignored")
        .full(2)
        .unblock("DEMONITOR")
        .room(3),
        monitoring(
            "place-of-other-monitor-exit",
            "SES-BND-001 SES-MON-011",
            "the pids are those of another monitor",
        )
        .receive(monitor_exit(8, 6, 1, error("boom")), "ignored")
        .full(2),
    ]
}

fn monitored() -> Vec<Story> {
    let held = |id, requirements: &str, comment| {
        here(id, requirements, comment, 1).receive(monitor(9, 6, 1), "9 monitors 6: it takes the place here")
    };
    vec![
        held("place-of-monitor-here", "SES-BND-002 SES-BND-003", "a monitor of the peer")
            .receive(monitor(9, 6, 2), "MONITOR_EXIT limit")
            .receive(link(8, 6), "EXIT limit")
            .receive(monitor(9, 99, 3), "for the dead the answer is noproc"),
        here("place-of-monitor-of-the-dead", "SES-BND-003 SES-MON-006", "it takes none", 1)
            .receive(monitor(9, 99, 1), "MONITOR_EXIT noproc")
            .taken(),
        held("place-of-monitor-exit-owed", "SES-BND-003 SES-MON-005", "the peer holds it until it is told")
            .block()
            .end(6, boom(), "MONITOR_EXIT waits")
            .receive(monitor(9, 5, 2), "no place is free here: MONITOR_EXIT limit waits")
            .unblock("both of them")
            .receive(monitor(9, 5, 3), "monitored: the place is free"),
        held("place-of-demonitor-here", "SES-BND-003 SES-MON-009", "the peer gives it up")
            .receive(demonitor(9, 6, 1), "not monitored")
            .receive(monitor(9, 5, 2), "monitored: the place is free"),
        held(
            "place-of-demonitor-while-owed",
            "SES-BND-003 SES-MON-009",
            "a MONITOR_EXIT that is owed no more",
        )
        .block()
        .end(6, boom(), "MONITOR_EXIT waits")
        .receive(demonitor(9, 6, 1), "it is not owed any more")
        .receive(monitor(9, 5, 2), "monitored: the place is free")
        .unblock("nothing"),
        held("place-of-other-demonitor", "SES-BND-003 SES-MON-010", "the pids are those of another monitor")
            .receive(demonitor(8, 6, 1), "ignored")
            .receive(monitor(9, 5, 2), "MONITOR_EXIT limit"),
    ]
}
