//! Stories of global names: `session.md`, "Names that hold for all nodes".

use snow_dist_runtime::core::Reason;

use super::frames::{
    CREATION, PEER_CREATION, global_register, global_sync, global_unregister, link, monitor, theirs,
};
use super::node::{Bounds, PEER};
use super::story::Story;
use crate::vectors::layout::Field;

/// A creation of the peer with which its incarnation is smaller than that of the node.
const EARLIER: u8 = CREATION - 2;

pub(super) fn all() -> Vec<Story> {
    [own(), learned(), conflicts()].into_iter().flatten().collect()
}

fn own() -> Vec<Story> {
    vec![
        Story::new(
            "global-names-at-first",
            "SES-GLB-015 SES-GLB-003",
            "a session begins when a process has a global name",
        )
        .owning(5, "desk")
        .receive(global_register("till", theirs(8), PEER), "GLOBAL_SYNC, with the own name and no other"),
        Story::new(
            "global-name-and-end",
            "SES-GLB-013 SES-GLB-014 SES-GLB-008",
            "a process is registered under a global name, and ends",
        )
        .register_global(5, "desk", "GLOBAL_REGISTER")
        .register_global(6, "desk", "5 has it: refused to 6")
        .receive_all(vec![link(8, 5), monitor(9, 5, 77)], "8 links with 5, 9 monitors it")
        .end(5, Reason::error("boom"), "GLOBAL_UNREGISTER goes before EXIT and MONITOR_EXIT")
        .register_global(6, "desk", "GLOBAL_REGISTER: the name is free"),
    ]
}

fn learned() -> Vec<Story> {
    vec![
        Story::new(
            "global-names-learned",
            "SES-GLB-001 SES-GLB-002 SES-GLB-006 SES-GLB-010",
            "what the peer says of its own names, and of others",
        )
        .knowing_globals()
        .receive(global_register("desk", theirs(8), PEER), "known")
        .register_global(5, "desk", "the peer's 8 has it: refused to 5")
        .receive(global_register("desk", theirs(9), PEER), "another process of the peer")
        .receive(global_register("hall", theirs(8), "c@h:1"), "a name of a third node: ignored")
        .receive(
            global_register("hall", Field::Pid(0, PEER_CREATION + 1, 8), PEER),
            "of another start: ignored",
        )
        .receive(global_register("hall", Field::Pid(1, PEER_CREATION, 8), PEER), "of another node: ignored")
        .receive(
            global_sync(vec![
                ("till", (0, PEER_CREATION, 8), "c@h:1"),
                ("desk", (1, PEER_CREATION, 3), PEER),
                ("shop", (0, PEER_CREATION, 3), PEER),
            ]),
            "each entry counts for itself: the third is known",
        )
        .receive(global_unregister("hall"), "was not learned: ignored")
        .receive(global_unregister("desk"), "taken back"),
        Story::new(
            "global-names-and-lost",
            "SES-GLB-004",
            "a session ends in which global names were learned",
        )
        .owning(5, "desk")
        .receive(
            global_sync(vec![("hall", (0, PEER_CREATION, 8), PEER), ("till", (0, PEER_CREATION, 9), PEER)]),
            "GLOBAL_SYNC of the own name; two are known more",
        )
        .lose("the own name is left"),
    ]
}

fn conflicts() -> Vec<Story> {
    let earlier = Bounds { peer_creation: EARLIER, ..Bounds::default() };
    vec![
        Story::new(
            "global-name-kept",
            "SES-GLB-011",
            "a peer with a larger incarnation claims a name of the node",
        )
        .register_global(5, "desk", "GLOBAL_REGISTER")
        .receive(global_register("desk", theirs(8), PEER), "the node keeps it, and writes nothing")
        .end(5, Reason::Normal, "GLOBAL_UNREGISTER; the claim of the peer counts now")
        .register_global(6, "desk", "the peer's 8 has it: refused to 6"),
        Story::bounded(
            "global-name-given-way",
            "SES-GLB-011 SES-GLB-014 SES-GLB-016",
            "a peer with a smaller incarnation claims a name of the node",
            earlier,
        )
        .register_global(7, "desk", "GLOBAL_REGISTER")
        .register_global(7, "hall", "GLOBAL_REGISTER")
        .receive(
            global_register("desk", Field::Pid(0, EARLIER, 8), PEER),
            "GLOBAL_UNREGISTER; 7 is told by the peer's 8, and keeps its other name",
        ),
        Story::bounded(
            "global-name-given-way-and-end",
            "SES-GLB-011 SES-GLB-014 SES-GLB-016",
            "the same in a GLOBAL_SYNC, for a process that does not trap exits",
            earlier,
        )
        .owning(5, "desk")
        .owning(5, "hall")
        .receive(link(9, 7), "GLOBAL_SYNC; of the link nothing is written")
        .receive(
            global_sync(vec![("desk", (0, EARLIER, 8), PEER)]),
            "5 is told by the peer's 8, and ends: both names are taken back",
        ),
    ]
}
