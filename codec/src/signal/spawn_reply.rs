//! `u64::MAX - 4` SPAWN_REPLY: the answer to a request to spawn on another node.

use crate::layout::{Layout, Sink, Source};

/// The answer to a request to spawn on another node. Specification: `dist.md`, "Mailbox signals".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpawnReply {
    /// The number of the request.
    pub request: u64,
    /// The outcome, with the values of [`frame::SpawnReply::status`](crate::frame::SpawnReply::status).
    ///
    /// If the session ended without an answer, a node must write a value above 1, preferably 255. In this case the
    /// process may run all the same.
    pub status: u8,
    /// The local id of the new process on the requested node; 0 unless `status` is 0.
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
