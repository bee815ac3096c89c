//! `1C` GLOBAL_UNREGISTER: releases a global name.

use crate::Text;
use crate::layout::{Layout, Sink, Source};

/// The release of a global name. Specification: `dist.md`, "GLOBAL_UNREGISTER".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlobalUnregister<'a> {
    /// The global name.
    pub name: Text<'a>,
}

impl<'a> Layout<'a> for GlobalUnregister<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { name: source.str16("name")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.str16("name", self.name)
    }
}
