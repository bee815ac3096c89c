//! Makes the corpora's seeds of the vectors: `cargo run -p snow-dist-oracles --bin corpus`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "run by hand")]

use std::path::Path;

use serde_json::Value;

/// A vector over this size teaches a fuzzer nothing that a small one does not.
const SEED_BYTES_MAX: usize = 4_096;

fn main() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let seed = |target: &str, id: &str, bytes: &[u8]| {
        let folder = fuzz.join("corpus").join(target);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(id), bytes).unwrap();
    };
    for (id, script) in SCRIPTS {
        seed("session", id, script);
    }
    for (id, script) in ENGINE_SCRIPTS {
        seed("engine", id, script);
    }
    // A session, and what can be done wrong with it, one step for each seed.
    for step in 10..32_u8 {
        let wrong = [step, 1, 3, 0, 4, step, 1, 3, 0, 4, 21, 1, 23, 1, 0, 4, 132];
        seed("disorder", &format!("session-{step}"), &[&snow_dist_oracles::SESSION[..], &wrong].concat());
        seed("disorder", &format!("version-1-{step}"), &[&[19, 16, 1, 20, 4, 16, 1, 1][..], &wrong].concat());
    }
    // Every configuration with nobody between, and with one message damaged.
    for bits in 0..64_u8 {
        seed("handshake_roles", &format!("nobody-between-{bits:02}"), &[bits]);
    }
    for place in 0..4_usize {
        for (id, change) in
            [("cut", &[1, 40][..]), ("bit", &[2, 30, 1]), ("again", &[4, 0]), ("more", &[5, 60, 1, 9])]
        {
            seed("handshake_roles", &format!("{id}-{place}"), &[&[0], &vec![0; place][..], change].concat());
        }
    }
    for file in ["frames", "handshake", "signals", "reasons", "stf"] {
        for vector in &vectors(file) {
            let id = vector["id"].as_str().unwrap();
            let Some(bytes) = bytes(vector) else { continue };
            let (target, differential) = match vector["kind"].as_str().unwrap() {
                "frame" => ("frames", 0),
                "handshake" => ("handshake", 1),
                "signal" => ("signals", 2),
                "reason" => ("reasons", 3),
                "term" => ("terms", 4),
                _ => ("terms", 5),
            };
            seed(target, id, &bytes);
            seed("differential", id, &[&[differential][..], &bytes].concat());
            seed("structured", id, &bytes);
            if target == "terms" {
                seed("terms_serde", id, &bytes);
            }
            let magic = b"\xD1SNOW2\r\n";
            if let Some(at) = bytes.windows(magic.len()).position(|window| window == magic) {
                seed("extension", id, &bytes[at + magic.len()..]);
            }
            let framed = [&[255][..], &u32::try_from(bytes.len()).unwrap().to_le_bytes(), &bytes].concat();
            if target == "frames" {
                seed("framing", id, &framed.repeat(2));
                if let Ok(length) = u8::try_from(framed.len() - 1) {
                    // No bound, step 0, in pieces of 3 bytes.
                    seed("session", id, &[&[7, 0, 3, length][..], &framed[1..]].concat());
                }
            }
        }
    }
    for vector in vectors("streams") {
        let chunks = vector["chunks"].as_array().unwrap().iter();
        let stream: Vec<u8> =
            chunks.flat_map(|chunk| hex::decode(chunk.as_str().unwrap()).unwrap()).collect();
        seed("framing", vector["id"].as_str().unwrap(), &[&[255][..], &stream].concat());
    }
}

fn vectors(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../spec/vectors/{file}.json"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

/// Scripts of sessions: the first byte configures, then steps as `session/script.rs` reads them.
const SCRIPTS: [(&str, &[u8]); 28] = [
    ("link-and-exit", &[7, 2, 1, 2, 9, 255, 1, 0, 3, 2, 1, 0, 2, 9, 255]),
    ("link-and-end", &[7, 1, 5, 0, 2, 1, 0, 0, 8, 1, 2, 9, 255]),
    ("link-to-nobody", &[7, 1, 0, 0, 2, 5, 0, 0, 9, 1]),
    (
        "unlink-and-link-again",
        &[7, 2, 1, 2, 3, 1, 2, 2, 1, 2, 9, 255, 1, 0, 2, 2, 1, 1, 0, 1, 0, 3, 2, 1, 0, 4],
    ),
    ("unlinks-cross", &[7, 2, 1, 2, 3, 1, 2, 1, 1, 1, 2, 1, 9, 0, 9, 255, 1, 0, 2, 2, 1, 1, 0]),
    ("owed-and-unlinked", &[7, 2, 1, 2, 8, 1, 0, 1, 0, 1, 2, 1, 9, 0, 9, 255]),
    ("monitors-both-ways", &[7, 4, 1, 2, 1, 0, 4, 2, 1, 5, 0, 8, 1, 2, 1, 0, 6, 2, 1, 0, 1, 9, 255]),
    ("demonitor-at-the-bound", &[1, 4, 1, 2, 6, 1, 2, 1, 65, 5, 0, 4, 2, 2, 9, 1, 4, 2, 2]),
    ("heartbeat", &[7, 10, 60, 9, 1, 10, 10, 1, 0, 9, 0, 0, 0, 0, 11, 9, 255, 10, 2]),
    (
        "pieces-come",
        &[
            23, 13, 0, 1, 1, 0, 7, 13, 3, 2, 1, 0, 30, 13, 0, 1, 0, 7, 3, 13, 0, 2, 6, 0, 1, 13, 0, 1, 2, 10,
            9,
        ],
    ),
    ("pieces-of-a-link", &[23, 13, 0, 1, 9, 0, 7]),
    (
        "pieces-go-in-turn",
        &[
            31, 6, 1, 2, 150, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84,
            85, 86, 87, 88, 89, 90, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82,
            83, 84, 85, 86, 87, 88, 89, 90, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80,
            81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78,
            79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76,
            77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74,
            75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 2, 1, 2, 6, 2, 3, 1, 65, 9, 1, 2, 3, 3, 9, 1, 8, 1, 2, 9,
            255,
        ],
    ),
    ("pieces-beyond-what-is-held", &[55, 13, 0, 1, 1, 0, 7, 13, 0, 2, 1, 0, 7, 13, 0, 0, 1, 0, 7]),
    ("a-table-comes-and-is-used", &[71, 1, 0, 12, 2, 1, 0, 0, 1, 0, 13, 2, 1, 0, 0, 14, 2, 9, 255]),
    ("terms-go-with-pids-of-third-nodes", &[71, 14, 1, 2, 3, 19, 26, 33, 9, 255]),
    ("exit-signals-go-and-come", &[71, 15, 1, 2, 7, 19, 0, 1, 0, 11, 2, 1, 0, 4, 9, 255]),
    ("terms-without-the-mark", &[7, 14, 1, 2, 0, 14, 1, 2, 1, 19, 15, 1, 2, 2, 9, 255]),
    ("call-and-reply", &[71, 16, 1, 2, 0, 9, 255, 24, 0, 2, 2, 1, 0, 0, 1]),
    (
        "calls-come-and-are-answered",
        &[
            71, 24, 0, 0, 2, 1, 7, 0, 1, 18, 0, 1, 19, 9, 255, 24, 0, 0, 2, 1, 8, 0, 1, 19, 1, 9, 255, 18, 1,
            0,
        ],
    ),
    (
        "calls-by-name",
        &[71, 17, 1, 0, 0, 9, 255, 24, 0, 2, 0, 1, 0, 0, 1, 24, 0, 1, 2, 1, 7, 0, 1, 18, 0, 0, 9, 255],
    ),
    ("called-and-ended", &[71, 24, 0, 0, 2, 1, 7, 0, 1, 8, 1, 2, 9, 255, 18, 0, 0]),
    ("call-of-a-full-mailbox", &[71, 23, 1, 24, 0, 0, 2, 1, 7, 0, 1, 9, 255]),
    ("call-given-up-while-it-is-answered", &[71, 16, 1, 2, 0, 5, 0, 9, 255, 24, 0, 2, 2, 1, 0, 0, 1]),
    ("unanswered-and-given-up", &[71, 24, 0, 0, 2, 1, 7, 0, 1, 19, 0, 24, 0, 6, 2, 1, 7, 0, 1, 9, 255]),
    (
        "monitors-by-name",
        &[
            71, 21, 1, 0, 9, 255, 24, 0, 5, 2, 1, 0, 0, 1, 24, 0, 7, 0, 1, 0, 0, 1, 24, 0, 4, 2, 1, 7, 0, 1,
            8, 1, 2, 9, 255,
        ],
    ),
    ("terms-to-names", &[71, 20, 1, 0, 2, 19, 26, 24, 0, 3, 2, 1, 0, 0, 1, 22, 1, 1, 9, 255]),
    (
        "calls-in-pieces-without-room",
        &[
            119, 13, 0, 33, 0, 15, 13, 1, 33, 0, 15, 13, 1, 34, 15, 18, 13, 0, 34, 15, 18, 9, 255, 16, 1, 2,
            0, 13, 1, 65, 0, 15, 13, 0, 97, 0, 15, 13, 0, 98, 15, 18, 9, 255,
        ],
    ),
    ("close-after-all", &[7, 6, 1, 2, 2, 65, 66, 12, 3, 98, 121, 101, 9, 1, 9, 255, 6, 1, 2, 1, 65]),
];

/// A vector's bytes, if they are few.
fn bytes(vector: &Value) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for segment in vector["hex"].as_array().unwrap() {
        match segment.as_str() {
            Some(text) => bytes.extend(hex::decode(text).unwrap()),
            None => {
                let times = usize::try_from(segment["times"].as_u64().unwrap()).unwrap();
                let unit = hex::decode(segment["hex"].as_str().unwrap()).unwrap();
                if unit.len() * times > SEED_BYTES_MAX {
                    return None;
                }
                bytes.extend(unit.repeat(times));
            }
        }
    }
    (bytes.len() <= SEED_BYTES_MAX).then_some(bytes)
}

/// Scripts of two nodes, as `engine.rs` reads them: a step for each byte whose number is below 19, of the second node with 128
/// more, with what the step chooses behind it.
const ENGINE_SCRIPTS: [(&str, &[u8]); 13] = [
    ("session-link-monitor", &[0, 1, 1, 0, 129, 0, 1, 0, 129, 0, 9, 5, 10, 6, 1, 0, 129, 0]),
    (
        "session-call-reply",
        &[0, 1, 1, 0, 129, 0, 1, 0, 129, 0, 16, 5, 16, 6, 17, 1, 1, 0, 18, 0, 129, 0, 129, 0, 7, 0, 135, 0],
    ),
    ("disconnect", &[0, 1, 1, 0, 129, 0, 1, 0, 129, 0, 9, 5, 11, 1, 0, 129, 0]),
    ("disconnected", &[0, 1, 1, 0, 129, 0, 1, 0, 129, 0, 9, 5, 139, 129, 0, 1, 0]),
    ("both-dial", &[0, 1, 128, 2, 1, 0, 129, 1, 129, 0, 1, 1, 1, 0, 129, 1, 129, 0, 1, 1, 9, 1]),
    ("cut-while-linked", &[0, 1, 1, 0, 129, 0, 1, 0, 129, 0, 9, 5, 10, 6, 7, 0, 135, 0]),
    ("somebody-between", &[0, 16, 1, 0, 129, 0, 1, 0, 129, 0]),
    ("byte-by-byte", &[0, 1, 5, 0, 40, 5, 0, 60, 1, 0, 133, 0, 30, 129, 0, 1, 0, 129, 0, 9, 1]),
    ("raw-bytes", &[0, 1, 1, 0, 129, 0, 1, 0, 129, 0, 9, 5, 6, 0, 5, 1, 0, 0, 0, 0x13]),
    ("time-passes", &[0, 1, 1, 0, 129, 0, 1, 0, 129, 0, 9, 5, 8, 16, 8, 16, 8, 14]),
    ("late", &[0, 1, 8, 13, 136, 13, 0, 3, 1, 1, 8, 13]),
    (
        "mistakes",
        &[0, 1, 13, 1, 0, 12, 1, 4, 14, 1, 0, 1, 0, 129, 0, 1, 0, 129, 0, 9, 1, 13, 1, 4, 14, 1, 4, 15, 1],
    ),
    ("again-after-a-cut", &[0, 1, 1, 0, 129, 0, 7, 0, 135, 0, 0, 2, 1, 1, 129, 1, 1, 1, 129, 1, 9, 4]),
];
