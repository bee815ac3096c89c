//! Some seeds, and what the simulator promises of itself.

#![allow(missing_docs)]

use snow_dist_simulator::{Coverage, NODES_MAX, NODES_MIN, Shape, replay, run};

/// Seeds that once broke a promise, or seemed to, with what it was.
const ONCE_BROKEN: &[(u64, &str)] = &[
    (0, "LINK refused within the bound: both ends had linked, unlinked and linked again at once"),
    (54, "LINK refused within the bound: an EXIT had crossed UNLINK_ID"),
    (191, "LINK refused within the bound: it had overtaken the acknowledgement that makes room for it"),
    (1_795_549_542_114, "an EXIT that refused one link ended the next, at one end alone"),
];

#[test]
fn no_promise_is_broken_and_nearly_everything_is_come_through() {
    let mut sum = Coverage::default();
    for seed in 0..16 {
        let outcome = run(seed, None);
        assert_eq!(outcome.violation, None, "seed {seed}");
        sum.add(&outcome.coverage);
    }
    let never = sum.never();
    assert!(never.len() <= 12, "{never:?}");
}

#[test]
fn what_was_once_broken_is_kept() {
    for (seed, what) in ONCE_BROKEN {
        assert_eq!(run(*seed, None).violation, None, "{what}");
    }
}

#[test]
fn a_seed_stands_for_one_run() {
    for seed in 100..103 {
        let (one, other) = (run(seed, None), run(seed, None));
        assert_eq!(one, other);
        assert_ne!(one.trace_hash, run(seed + 1, None).trace_hash);
    }
    assert_eq!(replay(103, Some(3)).unwrap(), replay(103, Some(3)).unwrap());
}

#[test]
fn a_mesh_forms_and_is_complete_again_after_a_cut_and_restarts() {
    let outcome = run(0, Shape::Mesh(6));
    assert_eq!((outcome.nodes, outcome.violation, outcome.completed.len()), (6, None, 3));
}

#[test]
fn a_cluster_has_as_many_nodes_as_are_asked_for() {
    for nodes in [NODES_MIN, NODES_MAX] {
        let outcome = run(5, Some(nodes));
        assert_eq!((outcome.nodes, outcome.violation), (nodes, None));
    }
}
