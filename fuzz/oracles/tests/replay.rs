//! Every file of every corpus through its oracle, with memory counted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::alloc::System;
use std::collections::HashMap;
use std::path::Path;

use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Framer, Handshake, Reading, Reason, ReasonBuf, Signal, stf};
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
            allocates_little(&bytes);
            files += 1;
        }
        assert!(files >= 10, "{target} has {files} seeds");
    }
    for bytes in promises() {
        allocates_little(&bytes);
    }
}

/// Bytes that promise as much as they can, and hold little of it.
fn promises() -> Vec<Vec<u8>> {
    let units = |head: &[u8], count: usize| [head, &vec![6; count]].concat();
    vec![
        16_777_216_u32.to_le_bytes().to_vec(),
        u32::MAX.to_le_bytes().to_vec(),
        [&16_000_000_u32.to_le_bytes()[..], &[0x1D, 0xFF, 0xFF, 0xFF, 0xFF]].concat(),
        units(&[1, 10, 0x40, 0x42, 0x0F, 0], 10),
        units(&[1, 10, 0xFF, 0xFF, 0, 0], 65_535),
        units(&[1, 10, 0xFF, 0xFF, 0, 0], 65_534),
        // A list of as many lists, each of which says the same of the bytes behind it.
        [&[1][..], &[10, 0, 16, 0, 0].repeat(30), &[6; 8_000]].concat(),
        units(&[1, 11, 1, 0xFF, 0x7F, 0, 0], 65_535),
        [&[1, 5][..], &16_777_216_u32.to_le_bytes(), b"abc"].concat(),
    ]
}

/// What keeps bytes or makes owned values takes memory by the bytes that are there, not by what they promise.
/// A byte of a term can become a value of 32 bytes, in a vector that grows by doubling.
fn allocates_little(bytes: &[u8]) {
    let bound = 4_096 + 128 * bytes.len();
    let check = |what: &str, use_them: &dyn Fn()| {
        let region = Region::new(MEMORY);
        use_them();
        let taken = region.change().bytes_allocated;
        assert!(taken <= bound, "{what}: {taken} bytes for {}, {bytes:02x?}", bytes.len());
    };
    check("framer", &|| {
        let mut framer = Framer::default();
        framer.handshake_done(FRAME_BYTES_MAX);
        for piece in bytes.chunks(7) {
            framer.push(piece);
            while let Ok(Some(payload)) = framer.next_payload() {
                drop(payload);
            }
        }
    });
    check("owned reason", &|| {
        drop(Reason::decode(bytes, Reading::Compatible).map(|(reason, _)| ReasonBuf::from(&reason)));
    });
    check("list", &|| drop(stf::from_slice::<Vec<(i64, String)>>(bytes)));
    check("lists", &|| drop(stf::from_slice::<Vec<Vec<Vec<i64>>>>(bytes)));
    check("map", &|| drop(stf::from_slice::<HashMap<String, i64>>(bytes)));
    check("any value", &|| drop(stf::from_slice::<serde_json::Value>(bytes)));
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
