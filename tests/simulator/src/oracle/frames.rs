//! What the reference reads out of frames.

use snow_dist_codec::{Frame, Frames, Pid as WirePid, Reading, stf};

use super::joint::{Ends, Joint};
use super::{Checked, Who};
use crate::coverage::Coverage;

impl Joint {
    /// These frames have been written by `side`.
    pub(crate) fn all_written(
        &mut self,
        side: usize,
        frames: &[u8],
        senders: impl Fn(u32) -> Option<Who>,
        coverage: &mut Coverage,
    ) -> Checked {
        for payload in Frames::new(frames, u32::MAX).flatten() {
            if let Ok(frame) = Frame::decode(payload, Reading::Strict) {
                self.written(side, &frame, payload.len() + 4, &senders, coverage)?;
            }
        }
        Ok(())
    }
}

/// The processes of a frame, as its reader sees them.
pub(super) fn ends_of(frame: &Frame<'_>) -> Ends {
    let (from, to) = match frame {
        Frame::Link(it) => (it.from, it.to),
        Frame::UnlinkId(it) => (it.from, it.to),
        Frame::UnlinkAck(it) => (it.from, it.to),
        Frame::Exit(it) => (it.from, it.to),
        Frame::Exit2(it) => (it.from, it.to),
        Frame::Monitor(it) => (it.from, it.to),
        Frame::Demonitor(it) => (it.from, it.to),
        Frame::MonitorExit(it) => (it.monitored, it.monitoring),
        Frame::Send(it) => (it.to, it.to),
        Frame::SendTerm(it) => (it.to, it.to),
        _ => return (0, 0),
    };
    (to.local() as u32, from.local() as u32)
}

/// The number and the pid in a term.
pub(crate) fn parts_of(term: &[u8]) -> Option<(u32, WirePid)> {
    let (stf::Value::Tuple(values), _) = stf::decode(term, Reading::Strict).ok()? else { return None };
    let mut values = values.iter();
    match (values.next(), values.next()) {
        (Some(stf::Value::Int(number)), Some(stf::Value::Pid(pid))) => {
            Some((u32::try_from(number).ok()?, pid))
        }
        _ => None,
    }
}

/// What the bytes of a message begin with.
pub(crate) fn number_of(message: &[u8]) -> u32 {
    message.first_chunk().map_or(u32::MAX, |number| u32::from_le_bytes(*number))
}
