//! Stories of messages in fragments. The requirements of each stand in its second line.

use snow_dist_codec::handshake::Capabilities;
use snow_dist_runtime::core::Reason;

use super::frames::{Arrives, fragment, link, payload, send};
use super::node::Bounds;
use super::story::Story;

/// Both nodes have announced the capability.
fn story(id: &'static str, requirements: &str, comment: &'static str) -> Story {
    let bounds = Bounds { capabilities: Capabilities::FRAGMENTS, ..Bounds::default() };
    Story::bounded(id, requirements, comment, bounds)
}

pub(super) fn fragments() -> Vec<Story> {
    let whole = payload(&send(5, b"in three pieces"));
    let (one, two, three) = (&whole[..10], &whole[10..20], &whole[20..]);
    let total = u32::try_from(whole.len()).ok();
    let first = || fragment(1, total, false, one);
    let ends = |id, requirement, comment, frames: Vec<Arrives>| {
        story(id, requirement, comment).receive_all(frames, "the session ends with the last of them")
    };
    vec![
        story("fragments-come", "CAP-FRG-012 DIST-FRG-002", "a message arrives where its last piece does")
            .receive(first(), "nothing is given yet")
            .receive(send(5, b"whole"), "a message of another process comes between")
            .receive(fragment(1, None, false, two), "nothing is given yet")
            .receive(fragment(1, None, true, three), "the message")
            .receive(fragment(1, total, true, &whole), "one piece is enough, and the number is free again"),
        story("fragments-go", "CAP-FRG-001 CAP-FRG-003 CAP-FRG-006 CAP-FRG-007", "a long message is cut")
            .send(5, 9, &[7; 65_527], "the longest that is sent whole")
            .send(
                5,
                9,
                &[7; 65_528],
                "two FRAGMENTs; where they are cut, and their number, is up to the node",
            )
            .acceptable(),
        story("fragments-and-exit", "CAP-FRG-008 SES-ORD-002", "the end of a process follows its message")
            .receive(link(9, 5), "9 links with 5")
            .send(5, 9, &[7; 65_528], "two FRAGMENTs")
            .end(5, Reason::Normal, "EXIT")
            .acceptable(),
        ends("fragments-begun-twice", "CAP-FRG-013", "a number that is in use", vec![first(), first()]),
        ends("fragments-not-begun", "CAP-FRG-014", "no first piece", vec![fragment(1, None, false, two)]),
        ends(
            "fragments-of-a-link",
            "CAP-FRG-015",
            "a frame that is no message",
            vec![fragment(1, Some(17), false, &payload(&link(9, 5))[..1])],
        ),
        ends(
            "fragments-of-fragments",
            "CAP-FRG-015",
            "a FRAGMENT in fragments",
            vec![fragment(1, Some(100), false, &payload(&first()))],
        ),
        ends(
            "fragments-too-long",
            "CAP-FRG-016",
            "a total above 64 MiB",
            vec![fragment(1, Some((64 << 20) + 1), false, one)],
        ),
        ends(
            "fragments-too-many",
            "CAP-FRG-017",
            "totals of 128 MiB and 1 byte",
            vec![
                fragment(1, Some(64 << 20), false, one),
                fragment(2, Some(64 << 20), false, one),
                fragment(3, Some(1), true, &one[..1]),
            ],
        ),
        ends(
            "fragments-beyond-total",
            "CAP-FRG-018",
            "more bytes than the total",
            vec![first(), fragment(1, None, true, &[two, three, b"more"].concat())],
        ),
        ends(
            "fragments-last-too-early",
            "CAP-FRG-018",
            "the last piece, and bytes are missing",
            vec![first(), fragment(1, None, true, two)],
        ),
        ends(
            "fragments-not-last",
            "CAP-FRG-018",
            "all bytes, and no last piece",
            vec![first(), fragment(1, None, false, &[two, three].concat())],
        ),
        ends(
            "fragments-empty-piece",
            "CAP-FRG-019",
            "a piece without a byte",
            vec![first(), fragment(1, None, false, b"")],
        ),
    ]
}
