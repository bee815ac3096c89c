//! `spec/example.md`: a whole session in bytes, made of the values of a handshake in the vectors and of what two
//! sessions of the core write to each other.

mod rows;
mod session;

use serde_json::Value;
use snow_dist_codec::{Handshake, Reading};

use crate::run;
use rows::{Rows, block};

/// The handshake in `proofs.json` that the text shows.
pub const HANDSHAKE: &str = "handshake-version-2-session";

/// The text.
#[must_use]
pub fn text() -> String {
    let vectors = crate::vectors::proofs();
    let handshake =
        vectors["vectors"].as_array().unwrap().iter().find(|vector| vector["id"] == HANDSHAKE).unwrap();
    [INTRODUCTION, &channel(handshake), &messages(handshake), &session::text(), END].concat()
}

const INTRODUCTION: &str = "\
# Snow DIST: a session in bytes

Two nodes of version 2, from the first byte behind TCP to the last. Every byte that one of them writes into TLS stands
here, and every value that it computes on the way. This file is made by code: `cargo run -p snow-dist-tests --bin
vectors` writes it, and a test fails if it is not what is made. It adds no rule.

| | node `a`, the initiator | node `b`, the acceptor |
|---|---|---|
| name | `a@127.0.0.1:9001` | `b@127.0.0.1:9002` |
| incarnation | hexadecimal 1122334455667788 | hexadecimal 99AABBCCDDEEFF01 |
| creation, 1 + (incarnation mod 255) | 103 (`67`) | 155 (`9B`) |
| capabilities | none | none |
| processes | 5, which traps exits; 6 | 8, registered as `srv`; 9 |

Both have the cookie `cookie-S3cret`. The random bytes of this session are no random bytes: they count up. Each line
shows bytes and what they are; what belongs to a field that began in a line above is indented.
";

/// The extensions of TLS's ClientHello that this protocol asks for, and what the exporter gives.
fn channel(handshake: &Value) -> String {
    let extension = |kind: u16, head: &[u8], text: &str| {
        let entry = [head, text.as_bytes()].concat();
        let list = [&(entry.len() as u16).to_be_bytes()[..], &entry].concat();
        [&kind.to_be_bytes()[..], &(list.len() as u16).to_be_bytes(), &list].concat()
    };
    let sni = extension(0, &[0, 0, 9], "snow-node");
    let alpn = extension(16, &[11], "snow-dist/1");
    let exporter = value(handshake, "exporter");
    format!(
        "
## The channel

`a` connects to port 9002 of 127.0.0.1 and begins TLS 1.3. Two extensions of its ClientHello belong to this protocol;
numbers of TLS have their most significant byte first:

```
{}```

`b` shows a certificate of its own, which proves nothing, and selects `snow-dist/1`. Nobody asks for a certificate of
`a`; no ticket is issued. From here on bytes are those that TLS carries. Each end asks its TLS for 32 bytes under the
label `EXPORTER-Channel-Binding`, with a context that is present and empty. A real exporter gives others for each
connection; this one is made up:

```
{}```
",
        [block(16, &sni, "server_name: snow-node"), block(16, &alpn, "ALPN: snow-dist/1")].concat(),
        block(16, &exporter, "exporter"),
    )
}

fn value(handshake: &Value, name: &str) -> Vec<u8> {
    hex::decode(handshake[name].as_str().unwrap()).unwrap()
}

fn messages(handshake: &Value) -> String {
    let value = |name: &str| value(handshake, name);
    let message = |name: &str| {
        let payload = value(name);
        let message = Handshake::decode(&payload, Reading::Strict).unwrap();
        let mut rows = Rows::new(16, &payload, message.name());
        let Ok(()) = message.write_fields(&mut rows);
        rows.finish()
    };
    let shown = |values: &[(&str, &str)]| -> String {
        values.iter().map(|(name, what)| block(16, &value(name), what)).collect()
    };
    format!(
        "
## The handshake

`a` begins:

```
{}```

The versions have 2 in common, and neither incarnation nor creation is 0. `b` answers, and ends its challenge in the
sentinel:

```
{}```

Both can now compute what the proofs are made with:

```
{}```

`a` sees that the name is the one that it has dialled, that there is a sentinel, and that the bounds are enough. It
computes its proof of REPLY as far as that goes, and sends it:

```
{}{}```

`b` has computed the same proof over the bytes that have come, and compares. The name is a node name and not its own,
and the bounds are enough. There is no other connection with `a`, so it answers with its own proof. For `b` the session
has begun:

```
{}{}```

`a` compares this proof too. For `a` the session has begun.
",
        message("name"),
        message("challenge"),
        shown(&[
            ("cookie", "cookie: \"cookie-S3cret\""),
            ("pseudorandom_key", "HKDF-Extract: HMAC(32 zero bytes, cookie)"),
            ("key", "k2, by HKDF-Expand of that"),
            ("transcript", "length and payload of NAME, then of CHALLENGE"),
            ("transcript_hash", "th: SHA-256 of these"),
        ]),
        shown(&[
            ("mac_initiator", "labelI, exporter, th, REPLY without its proof"),
            ("proof_initiator", "proofI: HMAC(k2, these)"),
        ]),
        message("reply"),
        shown(&[
            ("reply_hash", "SHA-256(REPLY), its proof included"),
            ("mac_acceptor", "labelA, exporter, th, SHA-256(REPLY), ACK without its proof"),
            ("proof_acceptor", "proofA: HMAC(k2, these)"),
        ]),
        message("ack"),
    )
}

const END: &str = "
`a` sends close_notify, and `b`, which has read CLOSE, does the same. Had a link or a monitor been left, its process
would have been told Noconnection. To those who watch the other node, NODEDOWN is given.
";

/// Whether the cargo of a message can be shown as text.
fn printable(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

/// The payload of a frame, field by field.
fn frame(payload: &[u8]) -> String {
    let frame = snow_dist_codec::Frame::decode(payload, Reading::Strict).unwrap();
    let mut rows = Rows::new(8, payload, frame.name());
    let Ok(()) = frame.write_fields(&mut rows);
    let shown = rows.finish();
    assert_eq!(run::decode("frame", payload, Reading::Strict).unwrap()["tag"], frame.name());
    shown
}
