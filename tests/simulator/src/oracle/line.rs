//! What is under way between two processes, and what is known where it arrives.

use super::{Reason, Who};

/// What one process has done for another, and that one has not learned yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Message(u32),
    /// The number of the message, and that of the call.
    Call(u32, u64),
    Reply(u32, u64),
    MonitorName(u64),
    /// Whoever has the name is told of the monitor of this number.
    Named(u64),
    Link,
    UnlinkId(u64),
    UnlinkAck(u64),
    Exit(Reason),
    Monitor(u64),
    Demonitor(u64),
    Down(u64, Reason),
    Exit2(Reason),
}

impl What {
    /// Whether it waits and is written like a message.
    pub(super) const fn is_message(&self) -> bool {
        matches!(self, Self::Message(_) | Self::Call(..) | Self::Reply(..))
    }
}

#[derive(Debug)]
pub(super) struct Item {
    pub(super) what: What,
    /// In the order of what one process does.
    pub(super) number: u64,
    /// Of one process's end: what it brings about comes in any order.
    pub(super) of_end: bool,
    /// The other end has made it void before it was written.
    pub(super) is_void: bool,
    pub(super) is_written: bool,
    /// Bytes of other processes' messages that had gone before it was owed.
    pub(super) gone: u64,
}

impl Item {
    /// Whether the other end can make it void: what a process's end has brought about, and the end of a call or monitor.
    pub(super) const fn can_be_void(&self) -> bool {
        self.of_end || matches!(self.what, What::Down(..))
    }
}

/// What is known where a frame is handled.
pub(crate) trait Here {
    fn is_alive(&self, local: u32) -> bool;

    /// Who has sent the message of this number.
    fn sender(&self, number: u32) -> Option<Who>;

    /// The number of a name, and who has it.
    fn holder(&self, name: &str) -> (u32, Option<u32>);

    /// Whether a process's mailbox takes no more calls.
    fn takes_no_call(&self, local: u32) -> bool;

    /// Whether the peer has as many links and monitors here as it may have.
    fn is_full(&self) -> bool;
}
