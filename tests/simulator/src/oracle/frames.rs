//! What the reference reads out of frames.

use snow_dist_codec::{Frame, Frames, Pid as WirePid, Reading, stf};
use snow_dist_runtime::core::groups::SERVER;

use super::joint::{Ends, Joint};
use super::{Checked, SERVERS, Who, server_message};
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
        Frame::Call(it) => (it.from, it.to),
        Frame::CallName(it) => (it.from, WirePid::default()),
        Frame::CallReply(it) => (it.from, it.to),
        Frame::MonitorName(it) => (it.from, WirePid::default()),
        _ => return (0, 0),
    };
    (to.local() as u32, from.local() as u32)
}

/// The number of a term of ours: the version, a tuple of two, and an integer come first.
pub(crate) fn number_of_term(term: &[u8]) -> u32 {
    term.get(4..).map_or(u32::MAX, number_of)
}

/// The pid in a term of ours, if it has one.
pub(crate) fn pid_of(term: &[u8]) -> Option<WirePid> {
    let mut found = None;
    stf::for_each_pid(term, Reading::Strict, |_, pid| found = Some(pid)).ok()?;
    found
}

/// The number of a name.
pub(crate) fn name_of(name: &str) -> Option<u32> {
    if name == SERVER {
        return Some(SERVERS);
    }
    name.strip_prefix("name ")?.parse().ok()
}

/// The number of the message in a frame, whole or its beginning.
pub(super) fn message_of(frame: &Frame<'_>) -> Option<u32> {
    Some(match frame {
        Frame::Send(it) => number_of(it.message),
        Frame::RegSend(it) => number_of(it.message),
        Frame::SendTerm(it) => number_of_term(it.message),
        Frame::SendNameTerm(it) if it.name.as_str() == SERVER => server_message(it.message)?.1,
        Frame::SendNameTerm(it) => number_of_term(it.message),
        Frame::Call(it) => number_of_term(it.message),
        Frame::CallName(it) => number_of_term(it.message),
        Frame::CallReply(it) => number_of_term(it.message),
        _ => return None,
    })
}

/// Who has sent the message in a frame: a server of groups says so itself.
pub(super) fn sender_of(frame: &Frame<'_>, senders: impl Fn(u32) -> Option<Who>) -> Option<u32> {
    match frame {
        Frame::SendNameTerm(it) if it.name.as_str() == SERVER => Some(server_message(it.message)?.0),
        frame => Some(senders(message_of(frame)?)?.local),
    }
}

/// What the bytes of a message begin with.
pub(crate) fn number_of(message: &[u8]) -> u32 {
    message.first_chunk().map_or(u32::MAX, |number| u32::from_le_bytes(*number))
}
