//! The frames that a busy session is made of, without a call for each.
//!
//! Every frame could be inlined where it is decoded, but each such place would take 30 KiB of code then, and the
//! common frames would have to share registers with the rare ones. So these few are inlined, and all others are
//! one call. Nothing is laid out here: that is each frame's own file, as for the others.

use bytes::BufMut;
use core::hint::cold_path;

use super::{Call, CallReply, Exit, Frame, Link, Monitor, MonitorExit, Send, SendTerm};
use crate::layout::{self, Layout, Reader};
use crate::{DecodeError, EncodeError, Reading};

macro_rules! fast {
    ($($tag:literal $Message:ident, at least $bytes_min:literal $(, with a $reason:ident)?;)*) => {
        impl<'a> Frame<'a> {
            #[inline(always)]
            pub(super) fn decode_fast(payload: &'a [u8], reading: Reading) -> Result<Self, DecodeError> {
                match payload.first() {
                    // One comparison of the length here makes most of those in the layout needless.
                    $(Some(&$tag) if payload.len() >= $bytes_min => {
                        let mut reader = Reader::new(payload, reading);
                        reader.tag();
                        let message = $Message::read(&mut reader)?;
                        reader.finish()?;
                        Ok(Self::$Message(message))
                    })*
                    _ => {
                        let Apart(result) = Self::decode_any(payload, reading);
                        result
                    }
                }
            }

            #[inline(always)]
            pub(super) fn encode_fast<B: BufMut>(&self, bytes_max: u32, dst: &mut B) -> Result<(), EncodeError> {
                match self {
                    // With a plain reason, offsets of all fields are known when this is compiled.
                    $(Self::$Message(message) $(if message.$reason.is_plain())? => {
                        layout::encode_framed(&layout::WithTag::<$tag, _>(message), bytes_max, dst)
                    })*
                    _ => {
                        // Rare beside these. Else each of them were held for rare, and not inlined as a whole.
                        cold_path();
                        self.encode_each(bytes_max, dst)
                    }
                }
            }
        }
    };
}

fast! {
    0x10 Send, at least 9;
    0x13 Link, at least 17;
    0x15 Exit, at least 18, with a reason;
    0x16 Monitor, at least 25;
    0x18 MonitorExit, at least 26, with a reason;
    0x86 SendTerm, at least 9;
    0x87 Call, at least 25;
    0x89 CallReply, at least 25;
}

/// What a call gives, in a place of its own.
///
/// The call is handed the address of the place it writes to. If that were where the inlined frames are made too,
/// they could not stay in registers, and each would be copied once more with loads that are wider than the stores
/// just before them: a stall that takes longer than all the rest.
pub(super) struct Apart<T>(pub(super) T);
