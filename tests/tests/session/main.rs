//! What two sessions of the core do to each other on a simulated wire, one topic in each file.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod calls;
mod captured;
mod close;
mod delay;
mod fragments;
mod globals;
mod groups;
mod heartbeat;
mod links;
mod many_calls;
mod monitors;
mod names;
mod node_table;
mod order;
mod properties;
mod queue;
mod reasons;
mod remote_exit;
mod spawns;
mod strangers;
mod subsets;
mod terms;
mod third_nodes;
mod version_1;

use snow_dist_runtime::core::Reason;
use snow_dist_tests::simnet::Side::{self, A, B};
use snow_dist_tests::simnet::{Pair, Seen};

/// What a process sees when the other node's process ends.
fn exit(side: Side, remote: u64, reason: Reason) -> Seen {
    Seen::Exit(Pair::theirs(side, remote), reason)
}

/// What a monitor brings.
fn down(side: Side, reference: u64, remote: u64, reason: Reason) -> Seen {
    Seen::Down(reference, Pair::theirs(side, remote), reason)
}

/// A pair whose processes 3 are linked; both trap exits. A asked.
fn linked() -> Pair {
    let mut pair = Pair::new();
    pair[A].session.link(3, 3).unwrap();
    pair.settle();
    assert_eq!((links(&pair, A), links(&pair, B)), (1, 1));
    pair
}

fn links(pair: &Pair, side: Side) -> usize {
    pair[side].session.table_sizes().0
}

/// Nobody's table holds anything.
#[track_caller]
fn assert_tables_empty(pair: &Pair) {
    for side in Side::BOTH {
        assert_eq!(pair[side].session.table_sizes(), (0, 0, 0), "{side:?}");
    }
}
