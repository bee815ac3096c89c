//! Which messages there are, and in which order.

use std::fmt;

use crate::{Message, Reason};

/// The text of a reason: 32 bytes, as crashes say them.
const ERROR: Reason<'static> = Reason::Error("badmatch in handle_call line 041");

const PAYLOAD: &[u8] = &[b'x'; 64];

/// One kind of message many times, or all kinds mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// LINK.
    Link,
    /// MONITOR.
    Monitor,
    /// EXIT, of a process that had done its work.
    ExitNormal,
    /// EXIT, of a process that failed, with 32 bytes of text.
    ExitError,
    /// MONITOR_EXIT, likewise.
    MonitorExitError,
    /// SEND of 64 bytes.
    Send,
    /// SEND_TERM of 64 bytes.
    SendTerm,
    /// CALL of 64 bytes.
    Call,
    /// CALL_REPLY of 64 bytes.
    CallReply,
    /// Half SEND, a fifth LINK, a tenth of each EXIT and of MONITOR_EXIT, in an order that no branch predictor learns.
    Mix,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Self; 10] = [
        Self::Link,
        Self::Monitor,
        Self::ExitNormal,
        Self::ExitError,
        Self::MonitorExitError,
        Self::Send,
        Self::SendTerm,
        Self::Call,
        Self::CallReply,
        Self::Mix,
    ];

    /// How many messages a pass handles.
    #[must_use]
    pub const fn count(self) -> u64 {
        if matches!(self, Self::Mix) { 20_000 } else { 1_000 }
    }

    /// The messages of a pass.
    pub fn messages(self) -> impl Iterator<Item = Message<'static>> {
        (0..self.count()).map(move |index| self.message(index))
    }

    fn message(self, index: u64) -> Message<'static> {
        // Pids as they are packed: a node's number on top, a counter at the bottom.
        let from = 7 << 48 | index.wrapping_mul(2_654_435_761) & 0xFFFF_FFFF;
        let to = 3 << 48 | (index + 1_000);
        let reference = from ^ 7;
        match self {
            Self::Link => Message::Link { from, to },
            Self::Monitor => Message::Monitor { from, to, reference },
            Self::ExitNormal => Message::Exit { from, to, reason: Reason::Normal },
            Self::ExitError => Message::Exit { from, to, reason: ERROR },
            Self::MonitorExitError => Message::MonitorExit { from, to, reference, reason: ERROR },
            Self::Send => Message::Send { to, payload: PAYLOAD },
            Self::SendTerm => Message::SendTerm { to, payload: PAYLOAD },
            Self::Call => Message::Call { from, to, reference, payload: PAYLOAD },
            Self::CallReply => Message::CallReply { from, to, reference, payload: PAYLOAD },
            Self::Mix => Self::drawn(index).message(index),
        }
    }

    /// The shape that stands at `index` of the mix.
    const fn drawn(index: u64) -> Self {
        match scattered(index) % 10 {
            0..=4 => Self::Send,
            5 | 6 => Self::Link,
            7 => Self::ExitNormal,
            8 => Self::ExitError,
            _ => Self::MonitorExitError,
        }
    }
}

/// The shape's name in tables.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Link => "LINK",
            Self::Monitor => "MONITOR",
            Self::ExitNormal => "EXIT_NORMAL",
            Self::ExitError => "EXIT_ERR32",
            Self::MonitorExitError => "MEXIT_ERR32",
            Self::Send => "SEND64",
            Self::SendTerm => "STERM64",
            Self::Call => "CALL64",
            Self::CallReply => "REPLY64",
            Self::Mix => "MIX",
        })
    }
}

/// A number that does not show `index`, and is the same in every run.
const fn scattered(index: u64) -> u64 {
    let mut number = (index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    number ^= number >> 29;
    number = number.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    number ^ number >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_has_its_shares() {
        let count = |wanted: fn(&Message<'_>) -> bool| Shape::Mix.messages().filter(wanted).count();
        for (percent, found) in [
            (50, count(|message| matches!(message, Message::Send { .. }))),
            (20, count(|message| matches!(message, Message::Link { .. }))),
            (10, count(|message| matches!(message, Message::Exit { reason: Reason::Normal, .. }))),
            (10, count(|message| matches!(message, Message::Exit { reason: Reason::Error(_), .. }))),
            (10, count(|message| matches!(message, Message::MonitorExit { .. }))),
        ] {
            assert!(found.abs_diff(percent * 200) < 200, "{found} are not {percent} %");
        }
    }
}
