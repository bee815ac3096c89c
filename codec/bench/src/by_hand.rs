//! The limit of encoding: the same bytes written through raw pointers, with nothing judged.
//!
//! This is the only `unsafe` of the workspace. It is here to be measured against, and no other package knows it:
//! what the codec pays for its checked writes is the difference to this.
#![expect(unsafe_code, reason = "the limit is what one gets without checks")]

use crate::{Message, Reason, Shape};

/// The messages of a shape, and a buffer that has held them before.
#[must_use]
pub fn encoding(shape: Shape) -> (Vec<Message<'static>>, Vec<u8>) {
    let messages: Vec<_> = shape.messages().collect();
    let mut buffer = Vec::new();
    encode(&messages, &mut buffer);
    (messages, buffer)
}

/// Writes all messages into a buffer that is used again.
#[inline(never)]
pub fn encode(messages: &[Message<'_>], buffer: &mut Vec<u8>) {
    buffer.clear();
    for message in messages {
        append(message, buffer);
    }
}

#[inline(always)]
const fn payload_len(message: &Message<'_>) -> usize {
    match message {
        Message::Link { .. } => 17,
        Message::Monitor { .. } => 25,
        Message::Exit { reason, .. } => 17 + reason_len(reason),
        Message::MonitorExit { reason, .. } => 25 + reason_len(reason),
        Message::Send { payload, .. } | Message::SendTerm { payload, .. } => 9 + payload.len(),
        Message::Call { payload, .. } | Message::CallReply { payload, .. } => 25 + payload.len(),
    }
}

#[inline(always)]
const fn reason_len(reason: &Reason<'_>) -> usize {
    match reason {
        Reason::Error(text) | Reason::Custom(text) => 9 + text.len(),
        _ => 1,
    }
}

/// Writes one message: reserves once for its frame, then writes each field where it belongs.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the limit is what one gets without checks")]
pub fn append(message: &Message<'_>, buffer: &mut Vec<u8>) {
    let length = payload_len(message);
    buffer.reserve(4 + length);
    // SAFETY: there is room for `4 + length` bytes behind those that are in use. Every field below ends within
    // them, because `payload_len` adds up the same fields, and so all of them are written when they come into use.
    unsafe {
        let place = Place(buffer.as_mut_ptr().add(buffer.len()));
        place.u32(0, length as u32);
        match *message {
            Message::Link { from, to } => place.head(0x13, from, to),
            Message::Monitor { from, to, reference } => {
                place.head(0x16, from, to);
                place.u64(21, reference);
            }
            Message::Exit { from, to, reason } => {
                place.head(0x15, from, to);
                place.reason(21, reason);
            }
            Message::MonitorExit { from, to, reference, reason } => {
                place.head(0x18, from, to);
                place.u64(21, reference);
                place.reason(29, reason);
            }
            Message::Send { to, payload } => place.message(0x10, to, payload),
            Message::SendTerm { to, payload } => place.message(0x86, to, payload),
            Message::Call { from, to, reference, payload } => {
                place.head(0x87, from, to);
                place.u64(21, reference);
                place.bytes(29, payload);
            }
            Message::CallReply { from, to, reference, payload } => {
                place.head(0x89, from, to);
                place.u64(21, reference);
                place.bytes(29, payload);
            }
        }
        buffer.set_len(buffer.len() + 4 + length);
    }
}

/// Where a frame begins. To call any method is to promise that what it writes ends within the frame's bytes.
#[derive(Clone, Copy)]
struct Place(*mut u8);

#[expect(unsafe_op_in_unsafe_fn, reason = "one contract for all: see `Place`")]
impl Place {
    #[inline(always)]
    unsafe fn u8(self, at: usize, value: u8) {
        self.0.add(at).write(value);
    }

    #[inline(always)]
    unsafe fn u32(self, at: usize, value: u32) {
        self.0.add(at).cast::<u32>().write_unaligned(value.to_le());
    }

    #[inline(always)]
    unsafe fn u64(self, at: usize, value: u64) {
        self.0.add(at).cast::<u64>().write_unaligned(value.to_le());
    }

    #[inline(always)]
    unsafe fn bytes(self, at: usize, bytes: &[u8]) {
        self.0.add(at).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
    }

    #[inline(always)]
    unsafe fn head(self, tag: u8, from: u64, to: u64) {
        self.u8(4, tag);
        self.u64(5, from);
        self.u64(13, to);
    }

    #[inline(always)]
    unsafe fn message(self, tag: u8, to: u64, payload: &[u8]) {
        self.u8(4, tag);
        self.u64(5, to);
        self.bytes(13, payload);
    }

    #[inline(always)]
    unsafe fn reason(self, at: usize, reason: Reason<'_>) {
        match reason {
            Reason::Normal => self.u8(at, 0),
            Reason::Error(text) => self.text(at, 1, text),
            Reason::Killed => self.u8(at, 2),
            Reason::Shutdown => self.u8(at, 4),
            Reason::Custom(text) => self.text(at, 5, text),
            Reason::Noconnection => self.u8(at, 6),
        }
    }

    #[inline(always)]
    unsafe fn text(self, at: usize, tag: u8, text: &str) {
        self.u8(at, tag);
        self.u64(at + 1, text.len() as u64);
        self.bytes(at + 9, text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own;

    #[test]
    fn writes_what_the_codec_writes() {
        for shape in Shape::ALL {
            assert_eq!(encoding(shape).1, own::stream(shape), "{shape}");
        }
    }
}
