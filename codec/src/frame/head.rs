//! The fixed fields of calls and replies, of which the message has not come, or was not kept.

use crate::layout::{Reader, Source};
use crate::{DecodeError, Pid, Reading};

/// The fields of a call or a reply before its name and its message: enough to answer one that was dropped while it came.
/// Specification: `capabilities.md`, CAP-CAL-009 and CAP-CAL-018.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallHead {
    /// Of a CALL.
    Call {
        /// The process that calls, on the sender's node.
        from: Pid,
        /// The process that is called, on the receiver's node.
        to: Pid,
        /// The call's number.
        reference: u64,
    },
    /// Of a CALL_NAME.
    CallName {
        /// The process that calls, on the sender's node.
        from: Pid,
        /// The call's number.
        reference: u64,
    },
    /// Of a CALL_REPLY.
    CallReply {
        /// The process that was called, on the sender's node.
        from: Pid,
        /// The process that called, on the receiver's node.
        to: Pid,
        /// The call's number.
        reference: u64,
    },
}

impl CallHead {
    /// Bytes of a payload in which the head of any call or reply ends.
    pub const BYTES_MAX: usize = 25;

    /// Reads the beginning of a payload. `None` if that is no call and no reply, or ends before the head does.
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
