//! Messages of the handshake that are refused, and extension blocks.

use super::*;
use crate::{EncodeErrorKind, Text};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroU64;

fn strict(bytes: &[u8]) -> Result<Handshake<'_>, DecodeError> {
    Handshake::decode(bytes, Reading::Strict)
}

/// NAME and CHALLENGE with this name, with a block or without.
fn announcing<'a>(name: Text<'a>, extension: Option<Extension<'a>>) -> [Handshake<'a>; 2] {
    let challenge = Challenge { name, creation: 1, challenge: &[9; 32], extension };
    [Name { name, creation: 1, extension }.into(), challenge.into()]
}

#[test]
fn a_name_beside_a_block_is_judged() {
    let block = ExtensionBuf::default();
    let longest = "x".repeat(255);
    for name in ["", "a@h", &*longest] {
        for message in announcing(name.into(), Some(block.as_extension())) {
            let mut bytes = Vec::new();
            message.encode(&mut bytes).unwrap();
            assert_eq!(strict(&bytes), Ok(message));
        }
    }
    let longer = "x".repeat(256);
    for name in ["a\0@h", "a@h\u{85}", &*longer] {
        for (with_block, without) in
            announcing(name.into(), Some(block.as_extension())).into_iter().zip(announcing(name.into(), None))
        {
            let mut bytes = Vec::new();
            let error = with_block.encode(&mut bytes).unwrap_err();
            assert_eq!(
                (error.kind, error.field.name),
                (EncodeErrorKind::Invalid(name::NAME_ALLOWED), "name")
            );
            assert!(bytes.is_empty());

            without.encode(&mut bytes).unwrap();
            assert_eq!(strict(&bytes), Ok(without), "without a block a name is any text");
            bytes.extend_from_slice(block.as_extension().as_bytes());
            let error = strict(&bytes).unwrap_err();
            assert_eq!(
                (error.kind, error.field.name, error.at),
                (ErrorKind::Invalid(name::NAME_ALLOWED), "name", 1)
            );
        }
    }
}

#[test]
fn the_text_of_a_reject_has_at_most_255_bytes() {
    let longer: String = "x".repeat(256);
    let text = Text::from(&longer[1..]);
    let longest = encoded_reject(text).unwrap();
    assert_eq!(strict(&longest), Ok(Reject { code: 7, text }.into()));

    let error = encoded_reject(Text::from(&*longer)).unwrap_err();
    assert!(matches!(error.kind, EncodeErrorKind::Invalid(_)) && error.field.name == "text", "{error}");
    let bytes = [&[5, 7, 0, 0, 1][..], longer.as_bytes()].concat();
    let error = strict(&bytes).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Invalid(_)), "{error}");
    assert_eq!((error.field.name, error.at), ("text", 3));
}

fn encoded_reject(text: Text<'_>) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    Handshake::from(Reject { code: 7, text }).encode(&mut bytes).map(|()| bytes)
}

#[test]
fn a_challenge_of_version_2_ends_in_the_sentinel() {
    let made = challenge(*b"abcdefghijklmnopqrstuvwx");
    assert_eq!(made, *b"abcdefghijklmnopqrstuvwx\xD1DIST-V2");
    assert!(has_sentinel(&made));
    assert!(!has_sentinel(&[0; 32]));
    let mut other = made;
    other[24] = 0;
    assert!(!has_sentinel(&other));
}

#[test]
fn a_message_knows_its_tag_and_its_name() {
    let known: Vec<_> = [
        Name { name: "".into(), creation: 0, extension: None }.into(),
        Challenge { name: "".into(), creation: 0, challenge: &[0; 32], extension: None }.into(),
        Reply { digest: &[0; 32], challenge: &[0; 32], proof: None }.into(),
        Ack { digest: &[0; 32], proof: None }.into(),
        Handshake::from(Reject { code: 0, text: "".into() }),
    ]
    .iter()
    .map(|message| (message.tag(), message.name()))
    .collect();
    assert_eq!(known, Handshake::TAGS);
}

#[test]
fn a_message_is_written_whole_or_not_at_all() {
    let ack = Handshake::from(Ack { digest: &[7; 32], proof: None });
    assert_eq!(ack.encoded_len(), Ok(33));
    let error = ack.encode(&mut &mut [0_u8; 32][..]).unwrap_err();
    assert_eq!(error.kind, EncodeErrorKind::BufferFull { needed: 33, room: 32 });
    ack.encode(&mut &mut [0_u8; 33][..]).unwrap();
    let error = ack.encode_framed(&mut &mut [0_u8; 36][..]).unwrap_err();
    assert_eq!(error.kind, EncodeErrorKind::BufferFull { needed: 37, room: 36 });
    let mut framed = Vec::new();
    ack.encode_framed(&mut framed).unwrap();
    assert_eq!(framed, [&[33, 0, 0, 0, 4][..], &[7; 32]].concat());
}

/// A block with every known extension and an unknown one.
fn full_block() -> ExtensionBuf {
    let mut block = ExtensionBuf::default();
    block.push_versions(&[2, 7]).unwrap();
    block.push_capabilities(Capabilities::FRAGMENTS).unwrap();
    block.push_incarnation(NonZeroU64::new(3).unwrap()).unwrap();
    block.push_frame_bytes_max(4).unwrap();
    block.push_reassembly_bytes_max(5).unwrap();
    block.push_fragmented_messages_max(6).unwrap();
    block.push_node_table_entries_max(7).unwrap();
    block.push_links_and_monitors_max(8).unwrap();
    block.push(0x7FFF, b"abc").unwrap();
    block
}

#[test]
fn every_extension_comes_back() {
    let block = full_block();
    let extension = block.as_extension();
    let tlvs: Vec<_> = extension.iter().collect();
    assert_eq!(
        tlvs[1..],
        [
            Tlv::Capabilities(Capabilities::FRAGMENTS),
            Tlv::Incarnation(NonZeroU64::new(3).unwrap()),
            Tlv::FrameBytesMax(4),
            Tlv::ReassemblyBytesMax(5),
            Tlv::FragmentedMessagesMax(6),
            Tlv::NodeTableEntriesMax(7),
            Tlv::LinksAndMonitorsMax(8),
            Tlv::Unknown { kind: 0x7FFF, value: b"abc" },
        ]
    );
    assert_eq!(extension.versions().unwrap().iter().collect::<Vec<_>>(), [2, 7]);
    assert_eq!(extension.capabilities(), Capabilities::FRAGMENTS);
    assert_eq!(extension.incarnation(), NonZeroU64::new(3));
    let kinds: Vec<_> = tlvs.iter().map(Tlv::kind).collect();
    assert_eq!(kinds, [1, 2, 3, 4, 5, 6, 7, 8, 0x7FFF]);
    let lengths: Vec<_> = tlvs.iter().map(Tlv::encoded_len).collect();
    assert_eq!(lengths, [8, 12, 12, 8, 12, 8, 8, 8, 7]);
    assert_eq!(10 + lengths.iter().sum::<usize>(), extension.as_bytes().len());

    let name = Handshake::from(Name { name: "a@h".into(), creation: 1, extension: Some(extension) });
    let mut bytes = Vec::new();
    name.encode(&mut bytes).unwrap();
    assert_eq!(strict(&bytes), Ok(name));
}

#[test]
fn an_empty_block_says_nothing() {
    let block = ExtensionBuf::default();
    let extension = block.as_extension();
    assert_eq!(extension.as_bytes(), [&MAGIC[..], &[0, 0]].concat());
    assert_eq!(extension.iter().count(), 0);
    assert_eq!((extension.versions(), extension.incarnation()), (None, None));
    assert_eq!(extension.capabilities(), Capabilities::NONE);
}

#[test]
fn a_block_is_shown_by_its_extensions() {
    let mut block = ExtensionBuf::default();
    block.push_versions(&[2, 3]).unwrap();
    block.push_frame_bytes_max(9).unwrap();
    let shown = "[Versions([2, 3]), FrameBytesMax(9)]";
    assert_eq!(alloc::format!("{block:?}"), shown);
    assert_eq!(alloc::format!("{:?}", block.as_extension()), shown);
}

#[test]
fn a_block_refuses_what_a_reader_would() {
    let before = full_block();
    let mut block = before.clone();
    for kind in [0, 8, 0x7FFF] {
        let error = block.push(kind, b"abc").unwrap_err();
        assert_eq!(error.kind, EncodeErrorKind::Invalid("types must ascend, and none may stand twice"));
    }
    let error = block.push(0x8000, b"").unwrap_err();
    assert_eq!(error.kind, EncodeErrorKind::Invalid("an unknown type from 8000 on would be refused"));
    assert_eq!(block, before);

    let sixteen: Vec<u16> = (2..18).collect();
    ExtensionBuf::default().push_versions(&sixteen).unwrap();
    let seventeen: Vec<u16> = (2..19).collect();
    for versions in [&[][..], &[1], &[1, 2], &[3, 2], &[2, 2], &seventeen] {
        let error = ExtensionBuf::default().push_versions(versions).unwrap_err();
        assert!(matches!(error.kind, EncodeErrorKind::Invalid(text) if text.contains("versions")), "{error}");
    }
    for (kind, length) in [(1, 3), (2, 7), (3, 9), (4, 3), (5, 4), (6, 5), (7, 0), (8, 8)] {
        let error = ExtensionBuf::default().push(kind, &vec![9; length]).unwrap_err();
        assert!(matches!(error.kind, EncodeErrorKind::Invalid(_)), "{kind}: {error}");
    }
    let error = ExtensionBuf::default().push(3, &[0; 8]).unwrap_err();
    assert_eq!(error.kind, EncodeErrorKind::Invalid("an incarnation is not 0"));
}

#[test]
fn a_block_has_at_most_2048_bytes() {
    let longest = vec![0xAA; 2_048 - 10 - 4];
    let mut block = ExtensionBuf::default();
    block.push(9, &longest).unwrap();
    let extension = block.as_extension();
    assert_eq!(extension.as_bytes().len(), 2_048);
    let name = Handshake::from(Name { name: "a@h".into(), creation: 1, extension: Some(extension) });
    let mut bytes = Vec::new();
    name.encode(&mut bytes).unwrap();
    assert_eq!(strict(&bytes), Ok(name));

    for length in [longest.len() + 1, 65_536] {
        let mut block = ExtensionBuf::default();
        let error = block.push(9, &vec![0; length]).unwrap_err();
        let actual = (10 + 4 + length) as u64;
        assert_eq!(error.kind, EncodeErrorKind::TooLong { max: 2_048, actual });
        assert_eq!(block, ExtensionBuf::default());
    }

    // 10 bytes of magic and count, and 2 039 that follow.
    let bytes = [&b"\x01\x03\0a@h\x01"[..], &MAGIC, &2_039_u16.to_le_bytes()].concat();
    let error = strict(&bytes).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLong { max: 2_048, actual: 2_049 });
    assert_eq!((error.field.name, error.at), ("extension.count", 15));
}

#[test]
fn capabilities_are_a_set() {
    let (one, other) = (Capabilities::NODE_TABLE, Capabilities::FRAGMENTS.union(Capabilities::SEND_TERM));
    let both = one.union(other);
    assert_eq!((one.to_bits(), other.to_bits(), both.to_bits()), (0b1, 0b1010, 0b1011));
    assert_eq!(both.union(other), both);
    assert_eq!(both.intersection(other), other);
    assert_eq!(one.intersection(other), Capabilities::NONE);
    assert!(both.contains(one) && both.contains(other) && both.contains(Capabilities::NONE));
    assert!(!one.contains(both) && !other.contains(one));
    assert_eq!(Capabilities::from_bits(1 << 63).to_bits(), 1 << 63);
    let all = both.union(Capabilities::REMOTE_EXIT);
    assert_eq!((Capabilities::REMOTE_EXIT.to_bits(), all.to_bits()), (0b100, 0b1111));
}
