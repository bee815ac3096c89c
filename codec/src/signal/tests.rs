//! Telling signals from other messages, and writing them.

use super::*;
use crate::{EncodeErrorKind, Pid, Root};
use alloc::vec::Vec;

#[test]
fn a_message_looks_like_a_signal_by_its_first_eight_bytes() {
    for &(tag, _) in Signal::TAGS {
        assert!(Signal::looks_like(&tag.to_le_bytes()));
        assert!(Signal::looks_like(&[&tag.to_le_bytes()[..], b"more"].concat()));
        assert!(!Signal::looks_like(&tag.to_le_bytes()[..7]));
    }
    assert!(!Signal::looks_like(b"") && !Signal::looks_like(&[0xFA, 255, 255, 255, 255, 255, 255, 255]));
    let error = Signal::decode(&[7; 8], Reading::Compatible).unwrap_err();
    assert_eq!((error.kind, error.at), (ErrorKind::NotASignal(0x0707_0707_0707_0707), 0));
}

#[test]
fn a_signal_is_written_whole_or_not_at_all() {
    let exit = Signal::from(Exit { from: Pid::from_bits(3), reason: Root::Killed.into() });
    assert_eq!((exit.name(), exit.tag(), exit.encoded_len()), ("EXIT", u64::MAX, Ok(17)));
    let error = exit.encode(&mut &mut [0_u8; 16][..]).unwrap_err();
    assert_eq!(error.kind, EncodeErrorKind::BufferFull { needed: 17, room: 16 });
    let mut written = Vec::new();
    exit.encode(&mut written).unwrap();
    assert_eq!(Signal::decode(&written, Reading::Strict), Ok((exit, &[][..])));
    written.push(9);
    assert!(Signal::decode(&written, Reading::Strict).is_err());
    assert_eq!(Signal::decode(&written, Reading::Compatible), Ok((exit, &[9][..])));
}
