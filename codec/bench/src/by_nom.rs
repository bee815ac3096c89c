//! Frames with nom: what a parser library makes of fields of fixed and prefixed size.
//!
//! It reads the tags of the shapes and no chains of Linked, refuses all else, and says less of an error than the
//! codec.

use std::hint::black_box;
use std::str;

use nom::bytes::complete::take;
use nom::combinator::{all_consuming, fail, map, map_res, rest};
use nom::multi::length_data;
use nom::number::complete::{le_u8, le_u32, le_u64};
use nom::{IResult, Parser};

use crate::{Message, Reason};

/// Reads all frames.
#[inline(never)]
pub fn decode(mut stream: &[u8]) {
    while !stream.is_empty() {
        let (rest, message) = frame(stream).unwrap();
        black_box(&message);
        stream = rest;
    }
}

fn frame(input: &[u8]) -> IResult<&[u8], Message<'_>> {
    let (input, payload) = length_data(le_u32).parse(input)?;
    let (_, message) = all_consuming(message).parse(payload)?;
    Ok((input, message))
}

fn message(input: &[u8]) -> IResult<&[u8], Message<'_>> {
    let (input, tag) = le_u8(input)?;
    match tag {
        0x10 => map((le_u64, rest), |(to, payload)| Message::Send { to, payload }).parse(input),
        0x13 => map((le_u64, le_u64), |(from, to)| Message::Link { from, to }).parse(input),
        0x15 => map((le_u64, le_u64, reason), |(from, to, reason)| Message::Exit { from, to, reason })
            .parse(input),
        0x16 => {
            map((le_u64, le_u64, le_u64), |(from, to, reference)| Message::Monitor { from, to, reference })
                .parse(input)
        }
        0x18 => map((le_u64, le_u64, le_u64, reason), |(from, to, reference, reason)| Message::MonitorExit {
            from,
            to,
            reference,
            reason,
        })
        .parse(input),
        0x86 => map((le_u64, rest), |(to, payload)| Message::SendTerm { to, payload }).parse(input),
        0x87 => map((le_u64, le_u64, le_u64, rest), |(from, to, reference, payload)| Message::Call {
            from,
            to,
            reference,
            payload,
        })
        .parse(input),
        0x89 => map((le_u64, le_u64, le_u64, rest), |(from, to, reference, payload)| Message::CallReply {
            from,
            to,
            reference,
            payload,
        })
        .parse(input),
        _ => fail().parse(input),
    }
}

fn reason(input: &[u8]) -> IResult<&[u8], Reason<'_>> {
    let (input, tag) = le_u8(input)?;
    match tag {
        0 => Ok((input, Reason::Normal)),
        1 => map(text, Reason::Error).parse(input),
        2 => Ok((input, Reason::Killed)),
        4 => Ok((input, Reason::Shutdown)),
        5 => map(text, Reason::Custom).parse(input),
        6 => Ok((input, Reason::Noconnection)),
        _ => fail().parse(input),
    }
}

fn text(input: &[u8]) -> IResult<&[u8], &str> {
    let (input, length) = le_u64(input)?;
    map_res(take(length), str::from_utf8).parse(input)
}

#[cfg(test)]
mod tests {
    use nom::multi::many0;

    use super::*;
    use crate::{Shape, own};

    #[test]
    fn reads_what_the_codec_writes() {
        for shape in Shape::ALL {
            let stream = own::stream(shape);
            let (_, messages) = all_consuming(many0(frame)).parse(&stream).unwrap();
            assert_eq!(messages, shape.messages().collect::<Vec<_>>(), "{shape}");
        }
    }
}
