//! Frames without a layout, and values that cannot be encoded.

use super::*;
use crate::{EncodeErrorKind, Pid, Text};
use alloc::vec;
use alloc::vec::Vec;

#[test]
fn an_unknown_tag_is_kept_with_its_bytes() {
    assert_eq!(Unknown::new(0x13, b"ab"), None);
    let unknown = Unknown::new(0x7F, b"ab").unwrap();
    assert_eq!((unknown.tag(), unknown.payload()), (0x7F, &b"ab"[..]));
    let frame = Frame::Unknown(unknown);
    assert_eq!(Frame::decode(b"\x7Fab", Reading::Compatible), Ok(frame));
    assert_eq!((frame.tag(), frame.name(), frame.encoded_len()), (Some(0x7F), "UNKNOWN", Ok(3)));
    let error = Frame::decode(b"\x7Fab", Reading::Strict).unwrap_err();
    assert_eq!((error.kind, error.at), (ErrorKind::UnknownTag(0x7F), 0));
}

#[test]
fn an_empty_frame_has_no_tag() {
    assert_eq!(Frame::decode(b"", Reading::Compatible), Ok(Frame::Empty));
    assert_eq!(Frame::decode(b"", Reading::Strict).unwrap_err().kind, ErrorKind::Empty);
    assert_eq!((Frame::Empty.tag(), Frame::Empty.name(), Frame::Empty.encoded_len()), (None, "EMPTY", Ok(0)));
    let mut framed = Vec::new();
    Frame::Empty.encode_framed(0, &mut framed).unwrap();
    assert_eq!(framed, [0; 4]);
}

#[test]
fn a_fragment_knows_whether_it_begins_a_message() {
    let begins = |frame: Frame<'_>| {
        let mut whole = Vec::new();
        frame.encode(&mut whole).unwrap();
        Fragment { number: 1, total: Some(9), last: false, payload: &whole }.begins_message()
    };
    let (to, message) = (Pid::from_bits(9), &b"abc"[..]);
    assert!(begins(Send { to, message }.into()));
    assert!(begins(RegSend { name: Text::from("name"), message }.into()));
    assert!(begins(SendTerm { to, message }.into()));
    assert!(!begins(Link { from: to, to }.into()));
    let nested = Fragment { number: 2, total: None, last: true, payload: message };
    assert!(!begins(nested.into()) && !begins(Frame::Empty));
}

/// A frame that is written inline, and one that is not.
fn fast_and_other(message: &[u8]) -> [Frame<'_>; 2] {
    let to = Pid::from_bits(9);
    [Send { to, message }.into(), SendTerm { to, message }.into()]
}

#[test]
fn a_frame_is_written_whole_or_not_at_all() {
    for frame in fast_and_other(b"abc") {
        assert_eq!(frame.encoded_len(), Ok(12));
        let mut buffer = [0xEE_u8; 15];
        let error = frame.encode(&mut &mut buffer[..11]).unwrap_err();
        assert_eq!(error.kind, EncodeErrorKind::BufferFull { needed: 12, room: 11 });
        let error = frame.encode_framed(12, &mut &mut buffer[..]).unwrap_err();
        assert_eq!(error.kind, EncodeErrorKind::BufferFull { needed: 16, room: 15 });
        let error = frame.encode_framed(11, &mut vec![]).unwrap_err();
        assert_eq!(error.kind, EncodeErrorKind::TooLong { max: 11, actual: 12 });
        assert_eq!(buffer, [0xEE; 15], "nothing was written");

        let (mut exact, mut framed) = ([0; 12], [0; 16]);
        frame.encode(&mut &mut exact[..]).unwrap();
        frame.encode_framed(12, &mut &mut framed[..]).unwrap();
        assert_eq!(framed, *[&[12, 0, 0, 0][..], &exact].concat());
        assert_eq!(Frame::decode(&exact, Reading::Strict), Ok(frame));
    }
}

#[test]
fn a_text_over_its_length_is_refused() {
    let longer = "x".repeat(65_536);
    for (length, fits) in [(65_535, true), (65_536, false)] {
        let name = Text::from(&longer[..length]);
        let frame = Frame::from(RegSend { name, message: b"m" });
        let mut bytes = Vec::new();
        assert_eq!(frame.encode(&mut bytes).is_ok(), fits);
        assert_eq!(frame.encode_framed(u32::MAX, &mut bytes).is_ok(), fits);
        if fits {
            assert_eq!(frame.encoded_len(), Ok(1 + 2 + length + 1));
        } else {
            let error = frame.encoded_len().unwrap_err();
            assert_eq!(error.kind, EncodeErrorKind::TooLong { max: 65_535, actual: 65_536 });
            assert_eq!((error.field.name, &bytes[..]), ("name", &[][..]));
        }
    }
    // A 32-bit length has room for it.
    let frame = Frame::from(RoomBroadcast { room: "r".into(), text: Text::from(&*longer) });
    assert_eq!(frame.encoded_len(), Ok(1 + 3 + 4 + 65_536));
}

#[test]
fn a_fragment_says_whether_it_is_the_first_or_the_last() {
    let number = 5_u64.to_le_bytes();
    for (flags, total, last) in
        [(0, None, false), (1, Some(0x0102_0304), false), (2, None, true), (3, Some(0x0102_0304), true)]
    {
        let frame = Frame::from(Fragment { number: 5, total, last, payload: b"piece" });
        let total = if total.is_some() { &[4, 3, 2, 1][..] } else { &[] };
        let bytes = [&[0x83][..], &number, &[flags], total, b"piece"].concat();
        let mut written = Vec::new();
        frame.encode(&mut written).unwrap();
        assert_eq!(written, bytes);
        assert_eq!(Frame::decode(&bytes, Reading::Strict), Ok(frame));
    }
    for flags in [4, 5, 0x80] {
        let bytes = [&[0x83][..], &number, &[flags, 4, 3, 2, 1]].concat();
        let error = Frame::decode(&bytes, Reading::Compatible).unwrap_err();
        assert_eq!((error.field.name, error.at), ("flags", 9));
    }
}
