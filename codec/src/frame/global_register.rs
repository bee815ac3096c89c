//! `1B` GLOBAL_REGISTER: registers a global name.

use crate::layout::{Layout, Sink, Source};
use crate::{Pid, Text};

/// The registration of a global name, which all nodes are to know. Specification: `dist.md`, "GLOBAL_REGISTER".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlobalRegister<'a> {
    /// The global name.
    pub name: Text<'a>,
    /// The process with this name, by the sender's numbering of nodes.
    pub pid: Pid,
    /// The name of the node that owns the global name.
    pub node: Text<'a>,
}

impl<'a> Layout<'a> for GlobalRegister<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { name: source.str16("name")?, pid: source.pid("pid")?, node: source.str16("node")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.str16("name", self.name)?;
        sink.pid("pid", self.pid)?;
        sink.str16("node", self.node)
    }
}
