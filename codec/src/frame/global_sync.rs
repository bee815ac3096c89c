//! `1D` GLOBAL_SYNC: the global names that the sender owns.

use crate::Entries;
use crate::layout::{Layout, Sink, Source};

/// The global names that the sender owns. Specification: `dist.md`, "GLOBAL_SYNC".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlobalSync<'a> {
    /// The global names, each with its process and its owner.
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
