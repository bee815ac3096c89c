//! `u64::MAX - 4` SPAWN_REPLY: what became of a request to spawn on another node.

use crate::layout::{Layout, Sink, Source};

/// What became of a request to spawn on another node. Specification: `dist.md`, "Mailbox signals".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpawnReply {
    /// The request's number.
    pub request: u64,
    /// 0: the process runs; 1: there is no such function.
    pub status: u8,
    /// The new process's local id on the node that was asked; 0 unless `status` is 0.
    pub local: u64,
}

impl<'a> Layout<'a> for SpawnReply {
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self {
            request: source.u64("request")?,
            status: source.u8("status")?,
            local: source.u64("local")?,
        })
    }

    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.u64("request", self.request)?;
        sink.u8("status", self.status)?;
        sink.u64("local", self.local)
    }
}
