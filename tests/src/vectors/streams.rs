//! Streams: pieces that arrive, and the payloads they give.

use serde_json::{Value, json};

pub(super) fn file() -> Value {
    json!({
        "$schema": "schema/streams.schema.json",
        "about": "Streams in pieces: the payloads they give, and what is left or wrong.",
        "licence": "CC0-1.0",
        "vectors": vectors(),
    })
}

fn vectors() -> Vec<Value> {
    let link = format!("1300000013{}{}", "05".repeat(8), "07".repeat(8));
    let link = link.replacen("13000000", "11000000", 1);
    let ping = "09000000f00102030405060708";
    let vector = |id: &str,
                  requirements: &str,
                  bytes_max: u32,
                  chunks: Value,
                  payloads: Value,
                  rest: &str,
                  error: Value| {
        json!({
            "id": id, "requirements": requirements.split(' ').collect::<Vec<_>>(), "bytes_max": bytes_max,
            "chunks": chunks, "payloads": payloads, "remaining": rest, "error": error,
            "closes": error != Value::Null,
        })
    };
    let none = Value::Null;
    let too_long = |length: u32, max: u32| json!({"length": length, "max": max});
    vec![
        vector("stream-none", "DIST-FRM-009", 4096, json!([]), json!([]), "", none.clone()),
        vector(
            "stream-empty-frame",
            "DIST-FRM-006",
            4096,
            json!(["00000000"]),
            json!([""]),
            "",
            none.clone(),
        ),
        vector("stream-one", "DIST-FRM-001", 4096, json!([link]), json!([&link[8..]]), "", none.clone()),
        vector(
            "stream-split-length",
            "DIST-FRM-008",
            4096,
            json!([&ping[..2], &ping[2..6], &ping[6..]]),
            json!([&ping[8..]]),
            "",
            none.clone(),
        ),
        vector(
            "stream-two-in-one",
            "DIST-FRM-008",
            4096,
            json!([format!("{link}{ping}")]),
            json!([&link[8..], &ping[8..]]),
            "",
            none.clone(),
        ),
        vector(
            "stream-incomplete",
            "DIST-FRM-009",
            4096,
            json!([ping, &link[..20]]),
            json!([&ping[8..]]),
            &link[..20],
            none.clone(),
        ),
        vector("stream-incomplete-length", "DIST-FRM-009", 4096, json!(["1100"]), json!([]), "1100", none),
        vector(
            "stream-handshake-limit",
            "DIST-FRM-002 DIST-FLD-012",
            4096,
            json!([ping, "01100000"]),
            json!([&ping[8..]]),
            "01100000",
            too_long(4097, 4096),
        ),
        vector(
            "stream-session-limit",
            "DIST-FRM-002",
            16_777_216,
            json!(["01000001"]),
            json!([]),
            "01000001",
            too_long(16_777_217, 16_777_216),
        ),
        vector(
            "stream-most",
            "DIST-FRM-002",
            16_777_216,
            json!(["ffffffff", "00"]),
            json!([]),
            "ffffffff00",
            too_long(u32::MAX, 16_777_216),
        ),
        vector(
            "stream-lower-limit",
            "DIST-FRM-003",
            9,
            json!([ping, &link]),
            json!([&ping[8..]]),
            &link,
            too_long(17, 9),
        ),
    ]
}
