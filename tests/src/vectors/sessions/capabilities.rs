//! Stories of the node table, of exit signals that are sent, and of terms: `capabilities.md`.

use snow_dist_codec::handshake::Capabilities;
use snow_dist_runtime::core::Reason;

use super::frames::{error, exit, exit2, link, node_table, ours, root, send_term};
use super::node::{Bounds, THIRD, Whose};
use super::story::Story;
use crate::vectors::layout::{Field, Root};

pub(super) fn all() -> Vec<Story> {
    [remote_exit(), terms(), node_tables()].into_iter().flatten().collect()
}

pub(super) fn with(capabilities: Capabilities) -> Bounds {
    Bounds { capabilities, ..Bounds::default() }
}

/// A tuple of pids: node id, creation, local id.
pub(super) fn tuple(pids: &[(u16, u8, u64)]) -> Vec<u8> {
    let mut term = vec![1, 13, pids.len() as u8];
    for (node, creation, local) in pids {
        let bits = u64::from(*node) << 48 | u64::from(*creation) << 40 | local;
        term.push(30);
        term.extend(bits.to_le_bytes());
    }
    term
}

fn hop(node: u16, creation: u8, local: u64) -> Field {
    Field::Reason(vec![(node, creation, local)], Root::Error("boom".to_owned()))
}

fn remote_exit() -> Vec<Story> {
    let story = |id, requirements, comment| {
        Story::bounded(id, requirements, comment, with(Capabilities::REMOTE_EXIT))
    };
    vec![
        story(
            "exit2",
            "CAP-RXT-003 CAP-RXT-004 SES-EXI-001 SES-EXI-002 SES-EXI-003 SES-EXI-004",
            "exit signals that need no link",
        )
        .receive(exit2(ours(7), 9, root(Root::Killed)), "7 traps exits, Killed too")
        .receive(exit2(ours(5), 9, root(Root::Normal)), "Normal ends nobody")
        .receive(exit2(ours(5), 9, error("boom")), "5 does not trap exits")
        .receive(exit2(ours(5), 9, error("boom")), "it is dead, and does not answer")
        .receive(exit2(Field::Pid(0, 8, 7), 9, root(Root::Killed)), "7 of another start"),
        story("exit2-of-a-linked-process", "CAP-RXT-005 SES-LNK-026", "a link stays as it is")
            .receive(link(9, 7), "9 links with 7")
            .receive(exit2(ours(7), 9, root(Root::Killed)), "the link is active as before")
            .receive(exit(9, 7, error("boom")), "and its end is told"),
        story("exit2-ends-links", "CAP-RXT-003 SES-LNK-008", "whoever is ended so ends its links")
            .receive(link(8, 5), "8 links with 5")
            .receive(exit2(ours(5), 9, root(Root::Killed)), "EXIT to 8 says who ended it"),
        story("sends-exit2", "CAP-RXT-001 SES-ORD-001", "what a process sends")
            .send(5, 9, b"before", "SEND")
            .send_exit(5, 9, Reason::Killed, "EXIT2")
            .send_exit(5, 9, Reason::custom("again"), "and another"),
        Story::new("exit2-refused", "CAP-RXT-002", "without the capability nothing is written")
            .link(5, 9, "LINK")
            .send_exit(5, 9, Reason::Killed, "refused to 5, and the link stays"),
    ]
}

fn terms() -> Vec<Story> {
    let story =
        |id, requirements, comment| Story::bounded(id, requirements, comment, with(Capabilities::SEND_TERM));
    vec![
        story("send-term", "CAP-STM-002 CAP-STM-005 CAP-STM-006", "terms and what is none")
            .receive(send_term(5, &tuple(&[(0, 18, 9), (0xFFFE, 7, 6)])), "of the peer, and of this node")
            .receive(
                send_term(5, &tuple(&[(0, 17, 9), (0xFFFE, 8, 6), (1, 18, 9), (0xFFFF, 18, 9)])),
                "of other starts, without an entry, and unknown to the peer: all unknown",
            )
            .receive(send_term(5, &[1, 6]), "a term without pids")
            .receive(send_term(5, &[1, 30, 5]), "no term: given all the same")
            .receive(send_term(99, &[1, 6]), "to nobody: dropped"),
        story("sends-term", "CAP-STM-004 SES-PID-010 SES-PID-011 SES-PID-012", "what a process sends")
            .send_term(5, 9, &[], "SEND_TERM")
            .send_term(
                5,
                9,
                &[Whose::Node(5), Whose::Peer(9), Whose::Third(3, 4)],
                "without a node table the third is unknown",
            ),
        Story::new("term-without-the-mark", "CAP-STM-001 CAP-STM-003 CAP-STM-007", "without the capability")
            .send_term(5, 9, &[], "a term is a message like any other")
            .send_term(5, 9, &[Whose::Node(5)], "nobody would know its pids: refused to 5"),
    ]
}

fn node_tables() -> Vec<Story> {
    let both = Capabilities::NODE_TABLE.union(Capabilities::SEND_TERM);
    let story = |id, requirements, comment| Story::bounded(id, requirements, comment, with(both));
    let few = |of_node, of_peer| Bounds { node_table_entries: [of_node, of_peer], ..with(both) };
    vec![
        story(
            "node-table",
            "CAP-NTB-009 CAP-NTB-010 SES-PID-015",
            "an entry gives an index its meaning, for pids of that start",
        )
        .receive(link(9, 7), "9 links with 7")
        .receive(node_table(1, 3, THIRD), "a third node")
        .receive(node_table(9, 3 + 255, "c@h"), "another start of it, with the same creation")
        .receive(node_table(2, 0, THIRD), "no start at all")
        .receive(node_table(3, 3, "no name"), "no node")
        .receive(
            send_term(6, &tuple(&[(1, 4, 5), (9, 4, 5), (1, 5, 5), (2, 1, 5), (3, 4, 5), (4, 4, 5)])),
            "two that are known; a creation that does not fit; nobody; nobody; no entry",
        )
        .receive(exit(9, 7, hop(1, 4, 5)), "hops go by the same table"),
        story("node-table-of-the-two", "CAP-NTB-011", "entries for the nodes themselves")
            .receive(node_table(1, 6, "node@h:1"), "this node, in its present start")
            .receive(node_table(2, 17, "peer@h:1"), "the peer")
            .receive(send_term(6, &tuple(&[(1, 7, 5), (2, 18, 9)])), "they are those"),
        Story::bounded("node-table-too-many", "CAP-NTB-008", "one more than are held", few(1, 4_096))
            .receive(node_table(7, 3, THIRD), "held")
            .receive(node_table(8, 4, THIRD), "ignored")
            .receive(send_term(6, &tuple(&[(7, 4, 5), (8, 5, 5)])), "the second has no entry"),
        story("node-table-index-twice", "CAP-NTB-007", "an entry is never changed")
            .receive(node_table(1, 3, THIRD), "an entry")
            .receive(node_table(1, 3, THIRD), "even an equal one ends the session"),
        story("node-table-index-0", "CAP-NTB-007", "0 is the writer's own node")
            .receive(node_table(0, 3, THIRD), "the session ends"),
        story("node-table-index-65534", "CAP-NTB-007", "65534 is the reader's node")
            .receive(node_table(0xFFFE, 3, THIRD), "the session ends"),
        story("node-table-index-65535", "CAP-NTB-007", "65535 is an unknown node")
            .receive(node_table(0xFFFF, 3, THIRD), "the session ends"),
        story(
            "writes-node-table",
            "CAP-NTB-002 CAP-NTB-003 CAP-NTB-006 SES-RSN-007",
            "the entry comes before what needs it, once",
        )
        .link(5, 9, "LINK")
        .send_term(6, 9, &[Whose::Third(3, 4)], "NODE_TABLE, SEND_TERM")
        .send_term(6, 9, &[Whose::Third(3, 5), Whose::Third(258, 4)], "another start is another entry")
        .end_after(5, Whose::Third(3, 4), "EXIT with the index that there is"),
        Story::bounded(
            "writes-node-table-full",
            "CAP-NTB-005 SES-PID-012",
            "the peer holds one",
            few(4_096, 1),
        )
        .send_term(6, 9, &[Whose::Third(3, 4)], "the one")
        .send_term(6, 9, &[Whose::Third(258, 4), Whose::Third(3, 4)], "the other is unknown"),
        Story::bounded(
            "writes-no-node-table",
            "CAP-NTB-001 SES-PID-012",
            "without the capability third nodes are unknown",
            with(Capabilities::NONE),
        )
        .link(5, 9, "LINK")
        .end_after(5, Whose::Third(3, 4), "EXIT, and no NODE_TABLE"),
    ]
}
