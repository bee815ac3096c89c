//! This codec.

use std::hint::black_box;

use snow_dist_codec::frame::{Exit, Link, Monitor, MonitorExit, Send};
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Frames, Pid, Reading, Root};

use crate::{ERROR_TEXT, Message, PAYLOAD, Shape};

PLACEHOLDER
    fn from(message: Message) -> Self {
        let pid = Pid::from_bits;
        let error = Root::Error(ERROR_TEXT.into()).into();
        match message {
            Message::Link { from, to } => Link { from: pid(from), to: pid(to) }.into(),
            Message::Monitor { from, to, reference } => {
                Monitor { from: pid(from), to: pid(to), reference }.into()
            }
            Message::ExitNormal { from, to } => {
                Exit { from: pid(from), to: pid(to), reason: Root::Normal.into() }.into()
            }
            Message::ExitError { from, to } => Exit { from: pid(from), to: pid(to), reason: error }.into(),
            Message::MonitorExitError { from, to, reference } => {
                MonitorExit { monitored: pid(from), monitoring: pid(to), reference, reason: error }.into()
            }
            Message::Send { to } => Send { to: pid(to), message: &PAYLOAD }.into(),
        }
    }
}

/// The frames of a shape.
#[must_use]
pub fn frames(shape: Shape) -> Vec<Frame<'static>> {
    shape.messages().map(Frame::from).collect()
}

/// The frames of a shape as they stand on the wire.
#[must_use]
pub fn stream(shape: Shape) -> Vec<u8> {
    let mut stream = Vec::new();
    encode(&frames(shape), &mut stream);
    stream
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
pub fn encode(frames: &[Frame<'_>], stream: &mut Vec<u8>) {
    stream.clear();
    for frame in frames {
        frame.encode_framed(FRAME_BYTES_MAX, stream).unwrap();
    }
}
