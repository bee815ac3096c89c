//! `1D` GLOBAL_SYNC: all global names that the sender knows.

use crate::Entries;
use crate::layout::{Layout, Sink, Source};

/// All global names that the sender knows. Specification: `dist.md`, "GLOBAL_SYNC".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlobalSync<'a> {
    /// The names, their processes and their owners.
    pub entries: Entries<'a>,
}

impl<'a> Layout<'a> for GlobalSync<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { entries: source.entries("entries")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.entries("entries", &self.entries)
    }
}
