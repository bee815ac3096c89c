//! The codec beside the naive decoder.

use snow_dist_codec::document::Shown;
use snow_dist_codec::{Frame, Handshake, Reading, Reason, Signal, stf};

use crate::naive;

/// The first byte says what the others are. Both must accept the same, and give the same.
pub fn differential(bytes: &[u8]) {
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    for (reading, strict) in [(Reading::Strict, true), (Reading::Compatible, false)] {
        match kind % 5 {
            0 => {
                let found = Frame::decode_with_surplus(bytes, reading).ok();
                let found = found.map(|(frame, surplus)| {
                    (frame.name().to_owned(), serde_json::to_value(Shown(&frame)).unwrap(), surplus.to_vec())
                });
                assert_eq!(found, naive::frame(bytes, strict), "{reading:?}");
            }
            1 => {
                let found = Handshake::decode_with_surplus(bytes, reading).ok();
                let found = found.map(|(message, surplus)| {
                    (
                        message.name().to_owned(),
                        serde_json::to_value(Shown(&message)).unwrap(),
                        surplus.to_vec(),
                    )
                });
                assert_eq!(found, naive::handshake(bytes, strict), "{reading:?}");
            }
            2 => {
                let found = Signal::decode(bytes, reading).ok();
                let found = found.map(|(signal, surplus)| {
                    (
                        signal.name().to_owned(),
                        serde_json::to_value(Shown(&signal)).unwrap(),
                        surplus.to_vec(),
                    )
                });
                assert_eq!(found, naive::signal(bytes, strict), "{reading:?}");
            }
            3 => {
                let found = Reason::decode(bytes, reading).ok();
                let found =
                    found.map(|(reason, surplus)| (serde_json::to_value(reason).unwrap(), surplus.to_vec()));
                assert_eq!(found, naive::bare_reason(bytes, strict), "{reading:?}");
            }
            _ => {
                let found = stf::decode(bytes, reading).ok().map(|(_, surplus)| surplus.len());
                assert_eq!(found, naive::term(bytes, strict), "{reading:?}");
            }
        }
    }
}
