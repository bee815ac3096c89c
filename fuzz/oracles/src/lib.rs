//! What the fuzz targets prove: one function each, which panics if a promise is broken.
//!
//! The targets under `fuzz/fuzz_targets` call these, and a test replays all corpora through them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::missing_panics_doc,
    reason = "an oracle speaks by panicking"
)]

mod differential;
mod disorder;
mod engine;
mod handshake_roles;
pub mod naive;
#[path = "../../../runtime/tests/engine/node.rs"]
mod node;
mod session;
mod structured;
mod terms;

pub use differential::differential;
pub use disorder::{SESSION, disorder};
pub use engine::engine;
pub use handshake_roles::handshake_roles;
pub use session::session;
pub use structured::structured;
pub use terms::{terms, terms_serde};

use snow_dist_codec::document::Document;
use snow_dist_codec::layout::{self, Sink};
use snow_dist_codec::{
    DecodeError, Frame, Framer, Frames, FramingError, Handshake, Reading, Reason, ReasonBuf, Signal,
};

/// An oracle, by the name of its target.
pub type Oracle = (&'static str, fn(&[u8]));

/// Every target.
pub const ORACLES: [Oracle; 14] = [
    ("frames", frames),
    ("handshake", handshake),
    ("signals", signals),
    ("reasons", reasons),
    ("framing", framing),
    ("extension", extension),
    ("terms", terms),
    ("terms_serde", terms_serde),
    ("structured", structured),
    ("differential", differential),
    ("session", session),
    ("handshake_roles", handshake_roles),
    ("engine", engine),
    ("disorder", disorder),
];

/// What decoding gave, without what it borrows: the value shown, the bytes it is written in, the surplus.
type Judged = Result<(String, Vec<u8>, usize), DecodeError>;

/// Holds for every decoder: strict accepts only what compatible accepts alike, and what is accepted is written
/// in the same bytes, but for surplus.
fn judge(bytes: &[u8], decode: impl Fn(&[u8], Reading) -> Judged) {
    let [strict, compatible] = [Reading::Strict, Reading::Compatible].map(|reading| decode(bytes, reading));
    for error in [&strict, &compatible].into_iter().filter_map(|judged| judged.as_ref().err()) {
        assert!(error.at <= bytes.len(), "{error}");
        assert!(!error.to_string().is_empty());
    }
    if let Ok((shown, written, surplus)) = &strict {
        assert_eq!(*surplus, 0);
        assert_eq!(written, bytes, "strict bytes are written as they were");
        let (same, _, surplus) = compatible.as_ref().expect("strict accepts, so compatible does");
        assert_eq!((same, *surplus), (shown, 0));
    }
    if let Ok((shown, written, surplus)) = compatible {
        assert_eq!(written, &bytes[..bytes.len() - surplus], "written as it was, without surplus");
        let (again, _, none) = decode(&written, Reading::Compatible).expect("what is written can be read");
        assert_eq!((again, none), (shown, 0));
    }
}

/// Bytes as a frame.
pub fn frames(bytes: &[u8]) {
    judge(bytes, |bytes, reading| {
        let decoded = Frame::decode_with_surplus(bytes, reading);
        assert_eq!(Frame::decode(bytes, reading), decoded.map(|(frame, _)| frame), "both ways agree");
        let (frame, surplus) = decoded?;
        let mut written = Vec::new();
        frame.encode(&mut written).unwrap();
        assert_eq!(frame.encoded_len(), Ok(written.len()));
        let mut framed = vec![0xAA];
        frame.encode_framed(u32::MAX, &mut framed).unwrap();
        assert_eq!(framed[5..], written, "both ways agree");
        if let Some(less) = (written.len() as u32).checked_sub(1) {
            assert!(frame.encode_framed(less, &mut framed).is_err());
            assert_eq!(framed.len(), written.len() + 5, "a failed encode writes nothing");
        }
        if bytes.len() < 4_096 {
            let json = serde_json::to_string(&frame).unwrap();
            let document: Document = serde_json::from_str(&json).unwrap();
            assert_eq!(document.frame().unwrap(), frame, "{json}");
        }
        Ok((format!("{frame:?}"), written, surplus.len()))
    });
}

/// Bytes as a message of the handshake.
pub fn handshake(bytes: &[u8]) {
    judge(bytes, |bytes, reading| {
        let (message, surplus) = Handshake::decode_with_surplus(bytes, reading)?;
        let mut written = Vec::new();
        message.encode(&mut written).unwrap();
        assert_eq!(message.encoded_len(), Ok(written.len()));
        let mut framed = Vec::new();
        assert_eq!(message.encode_framed(&mut framed).is_ok(), written.len() <= 4_096);
        if bytes.len() < 4_096 {
            let json = serde_json::to_string(&message).unwrap();
            let document: Document = serde_json::from_str(&json).unwrap();
            assert_eq!(document.handshake().unwrap(), message, "{json}");
        }
        Ok((format!("{message:?}"), written, surplus.len()))
    });
}

/// Bytes as an extension block behind a NAME, and behind a REPLY with a proof.
pub fn extension(bytes: &[u8]) {
    let magic = snow_dist_codec::handshake::MAGIC;
    let name = [&b"\x01\x05\0a@h:1\x01"[..], &magic, bytes].concat();
    let reply = [&[3][..], &[0; 64], &magic, bytes, &[0xEE; 32]].concat();
    for message in [&name, &reply] {
        handshake(message);
        if let Ok(Handshake::Name(name)) = Handshake::decode(message, Reading::Strict) {
            let kinds: Vec<_> = name.extension.unwrap().iter().map(|tlv| tlv.kind()).collect();
            assert!(kinds.is_sorted_by(|one, next| one < next), "{kinds:?}");
        }
    }
}

/// Bytes as a signal in a mailbox.
pub fn signals(bytes: &[u8]) {
    judge(bytes, |bytes, reading| {
        let (signal, surplus) = Signal::decode(bytes, reading)?;
        assert!(Signal::looks_like(bytes));
        let mut written = Vec::new();
        signal.encode(&mut written).unwrap();
        assert_eq!(signal.encoded_len(), Ok(written.len()));
        Ok((format!("{signal:?}"), written, surplus.len()))
    });
}

/// Bytes as an exit reason.
pub fn reasons(bytes: &[u8]) {
    judge(bytes, |bytes, reading| {
        let (reason, surplus) = Reason::decode(bytes, reading)?;
        let mut written = Vec::new();
        layout::append(&mut written, |sink| sink.reason("reason", &reason));
        assert_eq!(reason.encoded_len(), written.len());
        assert_eq!(ReasonBuf::from(&reason).as_reason(), reason);
        assert_eq!(ReasonBuf::new(reason.hops(), &reason.root).as_reason(), reason);
        let linked = ReasonBuf::linked(snow_dist_codec::Pid::from_bits(7), &reason);
        assert_eq!(linked.as_reason().hops().len(), reason.hops().len() + 1);
        assert_eq!(linked.as_reason().root, reason.root);
        Ok((format!("{reason:?}"), written, surplus.len()))
    });
}

/// Bytes as a stream, in pieces whose sizes are bytes of it, too.
pub fn framing(bytes: &[u8]) {
    let Some((&limit, stream)) = bytes.split_first() else { return };
    let bytes_max = u32::from(limit) * 16;
    let mut frames = Frames::new(stream, bytes_max);
    let mut payloads = Vec::new();
    let mut failed = None;
    for frame in frames.by_ref() {
        match frame {
            Ok(payload) => payloads.push(payload.to_vec()),
            Err(error) => failed = Some(error),
        }
    }
    let whole = (payloads, failed, frames.remaining().to_vec());
    let mut sizes = stream.iter().cycle().map(|size| usize::from(*size) + 1);
    let chunks = std::iter::from_fn({
        let mut rest = stream;
        move || {
            let size = sizes.next()?.min(rest.len());
            let (chunk, after) = rest.split_at(size);
            rest = after;
            (!chunk.is_empty()).then_some(chunk)
        }
    });
    assert_eq!(through_a_framer(bytes_max, chunks), whole);
    assert_eq!(through_a_framer(bytes_max, stream.chunks(1)), whole);
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
