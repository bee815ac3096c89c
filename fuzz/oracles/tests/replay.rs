//! Every file of every corpus through its oracle, with memory counted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::alloc::System;
use std::path::Path;

use snow_dist_codec::{Frame, Handshake, Reading, Reason, Signal, stf};
use snow_dist_oracles::ORACLES;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// One test, so that nobody else's memory is counted.
#[test]
fn corpora_are_replayed_and_decoding_allocates_nothing() {
    for (target, oracle) in ORACLES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target);
        let mut files = 0;
        for file in std::fs::read_dir(&folder).expect("make it: cargo run -p snow-dist-oracles --bin corpus")
        {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            oracle(&bytes);
            allocates_nothing(&bytes);
            files += 1;
        }
        assert!(files >= 10, "{target} has {files} seeds");
    }
}

fn allocates_nothing(bytes: &[u8]) {
    let region = Region::new(MEMORY);
    for reading in [Reading::Strict, Reading::Compatible] {
        let _judged = Frame::decode(bytes, reading);
        let _judged = Handshake::decode(bytes, reading);
        let _judged = Signal::decode(bytes, reading);
        let _judged = Reason::decode(bytes, reading);
        let _judged = stf::decode(bytes, reading);
    }
    assert_eq!(region.change().allocations, 0, "{bytes:02x?}");
}
