//! NAME with an extension block: the codec's cursor, beside nom.

use std::hint::black_box;
use std::num::NonZeroU64;

use nom::bytes::complete::tag;
use nom::combinator::{all_consuming, consumed, fail, opt, value, verify};
use nom::multi::{fold_many_m_n, fold_many0, length_data};
use nom::number::complete::{le_u8, le_u16, le_u32, le_u64};
use nom::sequence::preceded;
use nom::{IResult, Parser};
use snow_dist_codec::handshake::{Capabilities, ExtensionBuf, MAGIC, Name};
use snow_dist_codec::limits::{EXTENSION_BYTES_MAX, NODE_NAME_BYTES_MAX, VERSIONS_MAX};
use snow_dist_codec::{Handshake, Reading, Text};

/// How many times a pass reads the message.
const COUNT: usize = 1_000;

/// A NAME as a node of version 2 sends it: every extension of the specification.
#[must_use]
pub fn message() -> Vec<u8> {
    let mut block = ExtensionBuf::default();
    block.push_versions(&[2, 3]).unwrap();
    block.push_capabilities(Capabilities::FRAGMENTS.union(Capabilities::NODE_TABLE)).unwrap();
    block.push_incarnation(NonZeroU64::MAX).unwrap();
    block.push_frame_bytes_max(1 << 20).unwrap();
    block.push_reassembly_bytes_max(64 << 20).unwrap();
    block.push_fragmented_messages_max(64).unwrap();
    block.push_node_table_entries_max(1_024).unwrap();
    block.push_links_and_monitors_max(1_000_000).unwrap();
    let extension = Some(block.as_extension());
    let mut message = Vec::new();
    Handshake::from(Name { name: "alice@10.0.3.17:9000".into(), creation: 7, extension })
        .encode(&mut message)
        .unwrap();
    message
}

/// Reads the message again and again.
#[inline(never)]
pub fn by_codec(message: &[u8]) {
    for _ in 0..COUNT {
        black_box(&Handshake::decode(black_box(message), Reading::Strict).unwrap());
    }
}

/// Reads the message again and again.
#[inline(never)]
pub fn by_nom(message: &[u8]) {
    for _ in 0..COUNT {
        black_box(&name(black_box(message)).unwrap());
    }
}

/// A name, a creation, and a block that was proven.
type Parts<'a> = (Text<'a>, u8, Option<&'a [u8]>);

/// Proves what the codec proves, and says less of what is wrong.
fn name(input: &[u8]) -> IResult<&[u8], Parts<'_>> {
    let text = length_data(le_u16).map_res(Text::from_utf8);
    let parts = preceded(tag(&[1][..]), (text, le_u8, opt(block)));
    let may_announce = |text: &Text<'_>| text.len() <= NODE_NAME_BYTES_MAX && !text.has_control();
    all_consuming(verify(parts, |(text, _, block)| block.is_none() || may_announce(text))).parse(input)
}

fn block(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let (input, (block, tlvs)) = consumed(preceded(tag(&MAGIC[..]), length_data(le_u16))).parse(input)?;
    let kinds =
        fold_many0(tlv, || (true, None), |(ascend, last), kind| (ascend && last < Some(kind), Some(kind)));
    let (_, (ascend, _)) = all_consuming(kinds).parse(tlvs)?;
    if ascend && block.len() <= EXTENSION_BYTES_MAX { Ok((input, block)) } else { fail().parse(input) }
}

/// An extension's type; its value must be one that this type allows.
fn tlv(input: &[u8]) -> IResult<&[u8], u16> {
    let (input, (kind, bytes)) = (le_u16, length_data(le_u16)).parse(input)?;
    let (_, ()) = match kind {
        1 => value((), verify(all_consuming(versions), |(ascend, _)| *ascend)).parse(bytes)?,
        2 | 5 => value((), all_consuming(le_u64)).parse(bytes)?,
        3 => value((), verify(all_consuming(le_u64), |incarnation| *incarnation != 0)).parse(bytes)?,
        4 | 6 | 7 | 8 => value((), all_consuming(le_u32)).parse(bytes)?,
        0x8000.. => fail().parse(bytes)?,
        _ => (bytes, ()),
    };
    Ok((input, kind))
}

/// Whether the versions ascend from 2 on, and the last one.
fn versions(input: &[u8]) -> IResult<&[u8], (bool, u16)> {
    let ascend = |(ascend, last), version| (ascend && last < version, version);
    fold_many_m_n(1, VERSIONS_MAX, le_u16, || (true, 1), ascend).parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte of the message in turn takes every value: both refuse the same ones.
    #[test]
    fn both_agree() {
        let mut bytes = message();
        let mut refused = 0;
        for at in 0..bytes.len() {
            let byte = bytes[at];
            for other in 0..=u8::MAX {
                bytes[at] = other;
                let by_codec = match Handshake::decode(&bytes, Reading::Strict) {
                    Ok(Handshake::Name(Name { name, creation, extension })) => {
                        Some((name, creation, extension.map(|block| block.as_bytes())))
                    }
                    _ => None,
                };
                refused += u32::from(by_codec.is_none());
                assert_eq!(name(&bytes).ok().map(|(_, parts)| parts), by_codec, "byte {at} is {other}");
            }
            bytes[at] = byte;
        }
        assert!(refused > 0);
    }
}
