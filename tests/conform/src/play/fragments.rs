//! Messages that the subject sends in fragments: each piece is held against the specification, and they are put
//! together.

use std::collections::{HashMap, HashSet};

use snow_dist_codec::frame::Fragment;
use snow_dist_codec::{Frame, Reading};

use crate::cases::Capability;
use crate::verdict::Trouble;

/// Bytes of the payload of a FRAGMENT, and of a message that is not sent in fragments.
const FRAGMENT_BYTES_MAX: usize = 65_536;

/// Bytes of a message that is sent in fragments.
const TOTAL_MAX: u32 = 67_108_864;

/// What a node that announces no bounds takes: unfinished messages, and their bytes together.
const UNFINISHED_MAX: usize = 64;
const UNFINISHED_BYTES_MAX: u64 = 134_217_728;

/// What has come in fragments of one session.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    numbers: HashSet<u64>,
    unfinished: HashMap<u64, (u32, Vec<u8>)>,
}

impl Assembly {
    /// A payload as it counts: nothing if it is a piece and not the last one.
    pub(super) fn take(&mut self, payload: Vec<u8>, capabilities: u64) -> Result<Option<Vec<u8>>, Trouble> {
        if capabilities & Capability::Fragments.bit() == 0 {
            return Ok(Some(payload));
        }
        let length = payload.len();
        match Frame::decode(&payload, Reading::Compatible) {
            Ok(Frame::Fragment(fragment)) => self.piece(&fragment, length),
            Ok(frame) if length > FRAGMENT_BYTES_MAX && is_message(&frame) => {
                Err(Trouble::wrong(format!("a message of {length} bytes came in one frame")))
            }
            _ => Ok(Some(payload)),
        }
    }

    fn piece(&mut self, fragment: &Fragment<'_>, length: usize) -> Result<Option<Vec<u8>>, Trouble> {
        let number = fragment.number;
        let wrong = |what: &str| Err(Trouble::wrong(format!("a FRAGMENT of number {number}: {what}")));
        if length > FRAGMENT_BYTES_MAX {
            return wrong("it is too long");
        }
        if fragment.payload.is_empty() {
            return wrong("it has no byte");
        }
        if let Some(total) = fragment.total {
            if !self.numbers.insert(number) {
                return wrong("the number was used before");
            }
            if total > TOTAL_MAX {
                return wrong("the total is too large");
            }
            if !fragment.begins_message() {
                return wrong("what it begins is no message");
            }
            self.unfinished.insert(number, (total, Vec::new()));
            let bytes: u64 = self.unfinished.values().map(|(total, _)| u64::from(*total)).sum();
            if self.unfinished.len() > UNFINISHED_MAX || bytes > UNFINISHED_BYTES_MAX {
                return wrong("more is unfinished than the runner has announced");
            }
        }
        let Some((total, pieces)) = self.unfinished.get_mut(&number) else {
            return wrong("it is not the first, and none was before");
        };
        pieces.extend_from_slice(fragment.payload);
        let is_whole = pieces.len() == usize::try_from(*total).unwrap_or(usize::MAX);
        match (is_whole, fragment.last) {
            (true, true) => Ok(self.unfinished.remove(&number).map(|(_, whole)| whole)),
            (false, false) => Ok(None),
            _ => wrong("the total is not reached with the last piece"),
        }
    }
}

/// Whether a frame that is long goes out in fragments.
const fn is_message(frame: &Frame<'_>) -> bool {
    matches!(
        frame,
        Frame::Send(_)
            | Frame::RegSend(_)
            | Frame::SendTerm(_)
            | Frame::SendNameTerm(_)
            | Frame::Call(_)
            | Frame::CallName(_)
            | Frame::CallReply(_)
    )
}
