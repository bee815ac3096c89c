//! Streams: pieces that arrive, and the payloads they give.

use serde_json::{Value, json};

pub(super) fn file() -> Value {
    let about = "Streams in pieces: the payloads they give, and what is left or wrong.";
    super::file("streams", about, [whole(), cut(), too_long()].concat())
}

const PING: &str = "09000000f00102030405060708";

fn link() -> String {
    format!("1100000013{}{}", "05".repeat(8), "07".repeat(8))
}

/// A payload behind its length.
fn payload(frame: &str) -> &str {
    &frame[8..]
}

/// What comes out of a stream.
struct Given<'g> {
    payloads: Vec<&'g str>,
    remaining: &'g str,
    /// A length over the limit.
    too_long: Option<u32>,
}

fn vector(
    id: &str,
    requirements: &[&str],
    comment: &str,
    bytes_max: u32,
    chunks: &[&str],
    given: &Given<'_>,
) -> Value {
    let error = given
        .too_long
        .map(|length| json!({"kind": "too_long", "layer": "framing", "length": length, "max": bytes_max}));
    json!({
        "id": format!("stream-{id}"), "comment": comment, "requirements": requirements,
        "result": if error.is_some() { "invalid" } else { "valid" },
        "bytes_max": bytes_max, "chunks": chunks, "payloads": given.payloads, "remaining": given.remaining,
        "error": error, "closes": error.is_some(),
    })
}

fn whole() -> Vec<Value> {
    let link = link();
    let bytewise: Vec<String> =
        PING.as_bytes().chunks(2).map(|byte| String::from_utf8_lossy(byte).into()).collect();
    let bytewise: Vec<&str> = bytewise.iter().map(String::as_str).collect();
    let all =
        |payloads: &[&'static str]| Given { payloads: payloads.to_vec(), remaining: "", too_long: None };
    let ping = payload(PING);
    let (two, three) = (format!("{link}{PING}"), format!("{PING}00000000{PING}"));
    let both = Given { payloads: vec![payload(&link), ping], remaining: "", too_long: None };
    let one = Given { payloads: vec![payload(&link)], remaining: "", too_long: None };
    vec![
        vector("none", &["DIST-FRM-009"], "no byte", 4096, &[], &all(&[])),
        vector("empty-frame", &["DIST-FRM-006"], "a length of 0", 4096, &["00000000"], &all(&[""])),
        vector("one", &["DIST-FRM-001"], "one frame in one piece", 4096, &[&link], &one),
        vector(
            "split-length",
            &["DIST-FRM-008"],
            "pieces that end inside a length and inside a payload",
            4096,
            &[&PING[..2], &PING[2..6], &PING[6..]],
            &all(&[ping]),
        ),
        vector("two-in-one", &["DIST-FRM-008"], "two frames in one piece", 4096, &[&two], &both),
        vector("byte-by-byte", &["DIST-FRM-008"], "pieces of one byte", 4096, &bytewise, &all(&[ping])),
        vector(
            "across",
            &["DIST-FRM-008"],
            "a piece that holds the end of one frame and the beginning of the next",
            4096,
            &[&two[..10], &two[10..48], &two[48..]],
            &both,
        ),
        vector(
            "empty-between",
            &["DIST-FRM-006", "DIST-FRM-008"],
            "an empty frame between two others",
            4096,
            &[&three],
            &all(&[ping, "", ping]),
        ),
        vector(
            "shortest",
            &["DIST-FRM-003"],
            "payloads of one byte",
            4096,
            &["01000000ab01000000cd"],
            &all(&["ab", "cd"]),
        ),
        vector("limit", &["DIST-FRM-003"], "a payload as long as the limit", 9, &[PING], &all(&[ping])),
    ]
}

fn cut() -> Vec<Value> {
    let link = link();
    let left = |payloads: &[&'static str], remaining| Given {
        payloads: payloads.to_vec(),
        remaining,
        too_long: None,
    };
    vec![
        vector(
            "incomplete",
            &["DIST-FRM-009"],
            "it ends inside a payload",
            4096,
            &[PING, &link[..20]],
            &Given { payloads: vec![payload(PING)], remaining: &link[..20], too_long: None },
        ),
        vector(
            "incomplete-length",
            &["DIST-FRM-009"],
            "it ends inside a length",
            4096,
            &["1100"],
            &left(&[], "1100"),
        ),
        vector(
            "incomplete-first",
            &["DIST-FRM-009"],
            "it ends behind a length",
            4096,
            &["09000000"],
            &left(&[], "09000000"),
        ),
        vector(
            "incomplete-last",
            &["DIST-FRM-009"],
            "the last byte is missing, and nothing is judged before it is there",
            4096,
            &["03000000ffff"],
            &left(&[], "03000000ffff"),
        ),
    ]
}

fn too_long() -> Vec<Value> {
    const SESSION: u32 = 16_777_216;
    let link = link();
    let wrong = |payloads: &[&'static str], remaining, length| Given {
        payloads: payloads.to_vec(),
        remaining,
        too_long: Some(length),
    };
    let ping = payload(PING);
    vec![
        vector(
            "handshake-limit",
            &["DIST-FRM-002", "DIST-FLD-012"],
            "4 097 bytes before the session",
            4096,
            &[PING, "01100000"],
            &wrong(&[ping], "01100000", 4097),
        ),
        vector(
            "session-limit",
            &["DIST-FRM-002"],
            "16 MiB and one byte",
            SESSION,
            &["01000001"],
            &wrong(&[], "01000001", SESSION + 1),
        ),
        vector(
            "most",
            &["DIST-FRM-002"],
            "4 GiB less one byte",
            SESSION,
            &["ffffffff", "00"],
            &wrong(&[], "ffffffff00", u32::MAX),
        ),
        vector(
            "lower-limit",
            &["DIST-FRM-003"],
            "a reader that announced less",
            9,
            &[PING, &link],
            &Given { payloads: vec![ping], remaining: &link, too_long: Some(17) },
        ),
        vector(
            "length-in-pieces",
            &["DIST-FRM-002", "DIST-FRM-008"],
            "nothing is refused before the last byte of the length",
            4096,
            &["01", "10", "00", "00"],
            &wrong(&[], "01100000", 4097),
        ),
        vector(
            "nothing-after",
            &["DIST-FRM-002"],
            "a whole frame behind a length over the limit is not given",
            4096,
            &["0110000009000000f00102030405060708"],
            &wrong(&[], "0110000009000000f00102030405060708", 4097),
        ),
    ]
}
