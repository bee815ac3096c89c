//! Inlined encoding and decoding of the most frequent frames.
//!
//! All frames could be inlined, but that would take 30 KiB of code at each place that decodes, and the frequent
//! frames would have to share registers with the rare ones. So only the frequent ones are inlined; all others go
//! through one call. The layouts are those of each frame's own file here, too.

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
                    // This comparison of the length makes most of those in the layout redundant.
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
                    // With a plain reason, the offsets of all fields are known at compile time.
                    $(Self::$Message(message) $(if message.$reason.is_plain())? => {
                        layout::encode_framed(&layout::WithTag::<$tag, _>(message), bytes_max, dst)
                    })*
                    _ => {
                        // Marks the other frames as rare. Otherwise each arm above would count as rare and not be
                        // inlined.
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

/// The result of a call, in a place of its own.
///
/// The call gets the address of the place that it writes to. If the inlined frames were made in the same place, they
/// could not stay in registers. Each would be copied once more, with loads wider than the stores just before them;
/// that store-forwarding stall takes longer than everything else.
pub(super) struct Apart<T>(pub(super) T);
