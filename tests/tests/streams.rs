//! Streams in pieces of every size.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use serde_json::Value;
use snow_dist_codec::{Framer, Frames, FramingError};
use snow_dist_tests::run;

struct Stream {
    id: String,
    bytes_max: u32,
    chunks: Vec<Vec<u8>>,
    payloads: Vec<Vec<u8>>,
    remaining: Vec<u8>,
    error: Option<FramingError>,
    closes: bool,
}

fn streams() -> Vec<Stream> {
    let number = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
    let all = |value: &Value| -> Vec<Vec<u8>> {
        value.as_array().unwrap().iter().map(|hex| hex::decode(hex.as_str().unwrap()).unwrap()).collect()
    };
    run::read("streams.json")
        .iter()
        .map(|vector| Stream {
            id: vector["id"].to_string(),
            bytes_max: number(&vector["bytes_max"]),
            chunks: all(&vector["chunks"]),
            payloads: all(&vector["payloads"]),
            remaining: hex::decode(vector["remaining"].as_str().unwrap()).unwrap(),
            error: vector["error"]
                .as_object()
                .map(|error| FramingError { length: number(&error["length"]), max: number(&error["max"]) }),
            closes: vector["closes"].as_bool().unwrap(),
        })
        .collect()
}

fn through_a_framer<'c>(
    bytes_max: u32,
    chunks: impl Iterator<Item = &'c [u8]>,
) -> (Vec<Vec<u8>>, Option<FramingError>, Vec<u8>) {
    let mut framer = Framer::default();
    framer.handshake_done(bytes_max);
    let (mut payloads, mut failed) = (Vec::new(), None);
    for chunk in chunks {
        framer.push(chunk);
        loop {
            match framer.next_payload() {
                Ok(Some(payload)) => payloads.push(payload.to_vec()),
                Ok(None) => break,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
    }
    (payloads, failed, framer.buffered().to_vec())
}

#[test]
fn any_split_gives_the_same() {
    for stream in streams() {
        assert_eq!(stream.closes, stream.error.is_some(), "{}", stream.id);
        let expected = (stream.payloads.clone(), stream.error, stream.remaining.clone());
        let as_stated = through_a_framer(stream.bytes_max, stream.chunks.iter().map(Vec::as_slice));
        assert_eq!(as_stated, expected, "{}", stream.id);
        let bytes = stream.chunks.concat();
        for size in 1..=bytes.len() {
            assert_eq!(
                through_a_framer(stream.bytes_max, bytes.chunks(size)),
                expected,
                "{}: {size}",
                stream.id
            );
        }
        for at in 0..bytes.len() {
            let (one, two) = bytes.split_at(at);
            let found = through_a_framer(stream.bytes_max, [one, two].into_iter());
            assert_eq!(found, expected, "{} split at {at}", stream.id);
        }
        let mut frames = Frames::new(&bytes, stream.bytes_max);
        let payloads: Vec<_> = frames.by_ref().map_while(Result::ok).map(<[u8]>::to_vec).collect();
        assert_eq!((payloads, frames.remaining()), (stream.payloads, &stream.remaining[..]), "{}", stream.id);
    }
}
