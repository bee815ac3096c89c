//! Frames that are read and written.

use std::hint::black_box;

use anyhow::Result;
use snow_dist_codec::frame::{Exit, Link, MonitorExit, Send};
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Frames, Pid, Reading, Root};

const TEXT: &str = "a reason of thirty-two letters..";

/// Ten frames, as they come in a session.
fn frames() -> Vec<Frame<'static>> {
    let pid = |number: u64| Pid::from_bits(number << 8);
    let send = |number| Frame::from(Send { to: pid(number), message: &[7; 64] });
    let link = |number| Frame::from(Link { from: pid(number), to: pid(number + 1) });
    let exit = |reason: Root<'static>| Frame::from(Exit { from: pid(1), to: pid(2), reason: reason.into() });
    let down = MonitorExit {
        monitored: pid(1),
        monitoring: pid(2),
        reference: 3,
        reason: Root::Error(TEXT.into()).into(),
    };
    vec![
        send(1),
        link(1),
        send(2),
        exit(Root::Normal),
        send(3),
        link(2),
        send(4),
        exit(Root::Error(TEXT.into())),
        send(5),
        down.into(),
    ]
}

pub(crate) fn decode(times: usize) -> Result<()> {
    let frames = frames();
    let mut stream = Vec::new();
    for frame in &frames {
        frame.encode_framed(FRAME_BYTES_MAX, &mut stream)?;
    }
    for _ in 0..times / frames.len() {
        for payload in Frames::new(&stream, FRAME_BYTES_MAX) {
            black_box(Frame::decode(payload?, Reading::Compatible)?);
        }
    }
    Ok(())
}

pub(crate) fn encode(times: usize) -> Result<()> {
    let frames = frames();
    let mut stream = Vec::new();
    for _ in 0..times / frames.len() {
        stream.clear();
        for frame in &frames {
            black_box(frame).encode_framed(FRAME_BYTES_MAX, &mut stream)?;
        }
        black_box(&stream);
    }
    Ok(())
}
