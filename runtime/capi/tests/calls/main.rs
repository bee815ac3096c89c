//! Calls in any order and with any handle: the corpus of the fuzz target `capi`, and scripts from numbers.

#![allow(unsafe_code, reason = "it is the interface for C that is called")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod script;

use std::path::Path;

const SCRIPTS: u64 = 60;
const SCRIPT_BYTES: usize = 600;

#[test]
fn the_corpus_of_calls_is_answered_as_the_account_says() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/capi");
    let mut files: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 10, "{} seeds", files.len());
    for file in files {
        script::run(&std::fs::read(file).unwrap());
    }
}

#[test]
fn calls_by_chance_are_answered_as_the_account_says() {
    let mut state = 0x5EED_u64;
    let mut next = || {
        // Knuth's generator: any will do.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    for _ in 0..SCRIPTS {
        // It begins with what the rest needs: two nodes, that are connected, and a queue.
        let mut bytes = vec![0, 2, 0, 0, 2, 1, 3, 1, 14, 0, 2, 1];
        bytes.extend(std::iter::repeat_with(&mut next).take(SCRIPT_BYTES));
        script::run(&bytes);
    }
}
