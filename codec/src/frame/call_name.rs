//! `88` CALL_NAME: a call of the process that is registered under a name.

use crate::layout::{Layout, Sink, Source};
use crate::{Pid, Text};

/// A call of the process that is registered under a name. Specification: `dist.md`, "CALL_NAME".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallName<'a> {
    /// The calling process, on the sender's node.
    pub from: Pid,
    /// The number of the call, chosen by the sender. A node must not give two calls or monitors of a
    /// session the same number.
    pub reference: u64,
    /// The name under which the called process is registered on the receiver's node.
    pub name: Text<'a>,
    /// The message: a term (STF), which the frame decoder does not validate.
    pub message: &'a [u8],
}

impl<'a> Layout<'a> for CallName<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        //= spec/dist.md#dist-cal-001
        //# A reader MUST NOT refuse a CALL, CALL_NAME, CALL_REPLY or SEND_NAME_TERM because of the bytes in its
        //# `message`.
        Ok(Self {
            from: source.pid("from")?,
            reference: source.u64("ref")?,
            name: source.str16("name")?,
            message: source.rest("message")?,
        })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.pid("from", self.from)?;
        sink.u64("ref", self.reference)?;
        sink.str16("name", self.name)?;
        sink.rest("message", self.message)
    }
}
