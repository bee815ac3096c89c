//! The fixed fields of calls and replies whose message has not arrived or was not kept.

use crate::layout::{Reader, Source};
use crate::{DecodeError, Pid, Reading};

/// The fields of a call or a reply that precede its name and its message.
///
/// A node needs no more of a payload to answer a call that it dropped while the call arrived in pieces. Specification:
/// `capabilities.md`, CAP-CAL-009 and CAP-CAL-018.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallHead {
    /// The head of a CALL.
    Call {
        /// The calling process, on the sender's node.
        from: Pid,
        /// The called process, on the receiver's node.
        to: Pid,
        /// The number of the call.
        reference: u64,
    },
    /// The head of a CALL_NAME.
    CallName {
        /// The calling process, on the sender's node.
        from: Pid,
        /// The number of the call.
        reference: u64,
    },
    /// The head of a CALL_REPLY.
    CallReply {
        /// The called process, on the sender's node. Its local id is 0 if the call was by name (CALL_NAME).
        from: Pid,
        /// The calling process, on the receiver's node.
        to: Pid,
        /// The number of the call.
        reference: u64,
    },
}

impl CallHead {
    /// The maximum size of a head in bytes, including the tag. [`CallHead::read`] needs no more than this many bytes
    /// of a payload.
    pub const BYTES_MAX: usize = 25;

    /// Reads the head from `begun`, the first bytes of a payload.
    ///
    /// Returns `None` if the payload is not a call or a reply, or if `begun` ends before the head does.
    #[must_use]
    pub fn read(begun: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(begun, Reading::Compatible);
        let tag = reader.tag()?;
        Self::read_fields(tag, &mut reader).ok()?
    }

    fn read_fields(tag: u8, reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match tag {
            0x87 => {
                Self::Call { from: reader.pid("from")?, to: reader.pid("to")?, reference: reader.u64("ref")? }
            }
            0x88 => Self::CallName { from: reader.pid("from")?, reference: reader.u64("ref")? },
            0x89 => Self::CallReply {
                from: reader.pid("from")?,
                to: reader.pid("to")?,
                reference: reader.u64("ref")?,
            },
            _ => return Ok(None),
        }))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::Frame;
    use crate::frame::{Call, CallName, CallReply, Link};

    #[test]
    fn a_head_is_read_as_soon_as_it_has_come_and_not_before() {
        let (from, to, reference) = (Pid::from_bits(5), Pid::from_bits(9), 7);
        let (name, message) = ("a long name".into(), &b"much more"[..]);
        for (frame, head, bytes) in [
            (Frame::from(Call { from, to, reference, message }), CallHead::Call { from, to, reference }, 25),
            (CallName { from, reference, name, message }.into(), CallHead::CallName { from, reference }, 17),
            (
                CallReply { from, to, reference, message }.into(),
                CallHead::CallReply { from, to, reference },
                25,
            ),
        ] {
            let mut payload = Vec::new();
            frame.encode(&mut payload).unwrap();
            for length in 0..payload.len() {
                let begun = &payload[..length];
                assert_eq!(
                    CallHead::read(begun),
                    (length >= bytes).then_some(head),
                    "{length} bytes of {frame:?}"
                );
            }
            assert!(bytes <= CallHead::BYTES_MAX);
        }
        let mut payload = Vec::new();
        Frame::from(Link { from, to }).encode(&mut payload).unwrap();
        assert_eq!(CallHead::read(&payload), None);
    }
}
