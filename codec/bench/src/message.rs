//! Messages without a format of ours: what bincode derives its own for, and what is written by hand.

use bincode::{BorrowDecode, Encode};

/// A message of one of the shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
#[expect(missing_docs, reason = "the fields are those of the frames")]
pub enum Message<'a> {
    Link { from: u64, to: u64 },
    Monitor { from: u64, to: u64, reference: u64 },
    Exit { from: u64, to: u64, reason: Reason<'a> },
    MonitorExit { from: u64, to: u64, reference: u64, reason: Reason<'a> },
    Send { to: u64, payload: &'a [u8] },
    SendTerm { to: u64, payload: &'a [u8] },
    Call { from: u64, to: u64, reference: u64, payload: &'a [u8] },
    CallReply { from: u64, to: u64, reference: u64, payload: &'a [u8] },
}

/// A reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
#[expect(missing_docs, reason = "the names are those of the reasons")]
pub enum Reason<'a> {
    Normal,
    Error(&'a str),
    Killed,
    Shutdown,
    Custom(&'a str),
    Noconnection,
}
