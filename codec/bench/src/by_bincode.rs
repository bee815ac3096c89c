//! bincode 2, with its own derives, borrowed; each message behind its length, as frames are.

use std::hint::black_box;

use bincode::config::{self, Configuration, Fixint, LittleEndian};

use crate::{Message, Shape};

/// Numbers of fixed width, as in our frames: faster than those of variable width.
const CONFIG: Configuration<LittleEndian, Fixint> = config::legacy();

const PREFIX_BYTES: usize = size_of::<u32>();

/// The messages of a shape as they would stand on the wire.
#[must_use]
pub fn stream(shape: Shape) -> Vec<u8> {
    encoding(shape).1
}

/// The messages of a shape, and a buffer that has held them before.
#[must_use]
pub fn encoding(shape: Shape) -> (Vec<Message<'static>>, Vec<u8>) {
    let messages: Vec<_> = shape.messages().collect();
    let mut buffer = Vec::new();
    encode(&messages, &mut buffer);
    (messages, buffer)
}

/// Reads all messages.
#[inline(never)]
pub fn decode(stream: &[u8]) {
    walk(stream, |message| {
        black_box(&message);
    });
}

#[inline(always)]
fn walk<'a>(mut rest: &'a [u8], mut each: impl FnMut(Message<'a>)) {
    while let Some((prefix, after)) = rest.split_first_chunk::<PREFIX_BYTES>() {
        let (payload, after) = after.split_at(u32::from_le_bytes(*prefix) as usize);
        rest = after;
        each(bincode::borrow_decode_from_slice(payload, CONFIG).unwrap().0);
    }
}

/// Writes all messages into a buffer that is used again.
#[inline(never)]
pub fn encode(messages: &[Message<'_>], buffer: &mut Vec<u8>) {
    buffer.clear();
    for message in messages {
        let start = buffer.len() + PREFIX_BYTES;
        buffer.extend_from_slice(&[0; PREFIX_BYTES]);
        bincode::encode_into_std_write(message, buffer, CONFIG).unwrap();
        let length = u32::try_from(buffer.len() - start).unwrap();
        buffer[start - PREFIX_BYTES..start].copy_from_slice(&length.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back() {
        for shape in Shape::ALL {
            let (messages, stream) = encoding(shape);
            let mut read = Vec::new();
            walk(&stream, |message| read.push(message));
            assert_eq!(read, messages, "{shape}");
        }
    }
}
