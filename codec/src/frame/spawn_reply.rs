//! `1A` SPAWN_REPLY: the answer to a SPAWN.

use crate::layout::{Layout, Sink, Source};

/// The answer to a SPAWN. Specification: `dist.md`, "SPAWN_REPLY".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpawnReply {
    /// The number of the request, as in SPAWN.
    pub request: u64,
    /// The outcome. Any value but 0 says why the process does not run.
    ///
    /// - 0: The process runs.
    /// - 1: There is no such function, or the requester's node may not start it.
    /// - 2: There is no room for the link or the monitor.
    /// - 3: There is no room for another process of the requester's node.
    /// - 4: There is no room for another process.
    /// - Other values: another reason.
    pub status: u8,
    /// The local id of the new process on the sender's node; 0 unless `status` is 0.
    pub local: u64,
}

impl<'a> Layout<'a> for SpawnReply {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self {
            request: source.u64("request")?,
            status: source.u8("status")?,
            local: source.u64("local")?,
        })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.u64("request", self.request)?;
        sink.u8("status", self.status)?;
        sink.u64("local", self.local)
    }
}
