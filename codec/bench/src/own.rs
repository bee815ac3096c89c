//! This codec.

use std::hint::black_box;

use snow_dist_codec::frame::{Call, CallReply, Exit, Link, Monitor, MonitorExit, Send, SendTerm};
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Frames, Pid, Reading, Root};

use crate::{Message, Reason, Shape};

/// The message as a frame.
#[must_use]
pub fn frame(message: Message<'_>) -> Frame<'_> {
    let pid = Pid::from_bits;
    match message {
        Message::Link { from, to } => Link { from: pid(from), to: pid(to) }.into(),
        Message::Monitor { from, to, reference } => {
            Monitor { from: pid(from), to: pid(to), reference }.into()
        }
        Message::Exit { from, to, reason } => {
            Exit { from: pid(from), to: pid(to), reason: root(reason).into() }.into()
        }
        Message::MonitorExit { from, to, reference, reason } => {
            let reason = root(reason).into();
            MonitorExit { monitored: pid(from), monitoring: pid(to), reference, reason }.into()
        }
        Message::Send { to, payload } => Send { to: pid(to), message: payload }.into(),
        Message::SendTerm { to, payload } => SendTerm { to: pid(to), message: payload }.into(),
        Message::Call { from, to, reference, payload } => {
            Call { from: pid(from), to: pid(to), reference, message: payload }.into()
        }
        Message::CallReply { from, to, reference, payload } => {
            CallReply { from: pid(from), to: pid(to), reference, message: payload }.into()
        }
    }
}

fn root(reason: Reason<'_>) -> Root<'_> {
    match reason {
        Reason::Normal => Root::Normal,
        Reason::Error(text) => Root::Error(text.into()),
        Reason::Killed => Root::Killed,
        Reason::Shutdown => Root::Shutdown,
        Reason::Custom(text) => Root::Custom(text.into()),
        Reason::Noconnection => Root::Noconnection,
    }
}

/// The frames of a shape as they stand on the wire.
#[must_use]
pub fn stream(shape: Shape) -> Vec<u8> {
    encoding(shape).1
}

/// The frames of a shape, and a buffer that has held them before.
#[must_use]
pub fn encoding(shape: Shape) -> (Vec<Frame<'static>>, Vec<u8>) {
    let frames: Vec<_> = shape.messages().map(frame).collect();
    let mut buffer = Vec::new();
    encode(&frames, &mut buffer);
    (frames, buffer)
}

/// Reads all frames.
#[inline(never)]
pub fn decode(stream: &[u8]) {
    for payload in Frames::new(stream, FRAME_BYTES_MAX) {
        let frame = Frame::decode(payload.unwrap(), Reading::Compatible).unwrap();
        black_box(&frame);
    }
}

/// Writes all frames into a buffer that is used again.
#[inline(never)]
pub fn encode(frames: &[Frame<'_>], buffer: &mut Vec<u8>) {
    buffer.clear();
    for frame in frames {
        frame.encode_framed(FRAME_BYTES_MAX, buffer).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back() {
        for shape in Shape::ALL {
            let (frames, stream) = encoding(shape);
            let read: Vec<_> = Frames::new(&stream, FRAME_BYTES_MAX)
                .map(|payload| Frame::decode(payload.unwrap(), Reading::Strict).unwrap())
                .collect();
            assert_eq!(read, frames, "{shape}");
        }
    }
}
