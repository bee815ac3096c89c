//! Reasons as they are in truth: which processes an end went through, whatever each node calls them.

use std::sync::Arc;

use snow_dist_runtime::core::Reason as CoreReason;

use super::Who;

/// Why a process ended, in truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// The processes, the last one first. `None` is one that could not be named on the way.
    pub(crate) hops: Option<Arc<[Option<Who>]>>,
    /// What ended the first of them; never a chain.
    pub(crate) root: CoreReason,
}

impl Reason {
    pub(crate) const fn of(root: CoreReason) -> Self {
        Self { hops: None, root }
    }

    pub(crate) fn noproc() -> Self {
        Self::error("noproc")
    }

    pub(crate) fn error(text: &'static str) -> Self {
        Self::of(CoreReason::error(text))
    }

    /// What ends a process that an exit signal of `from` with this reason ends.
    pub(crate) fn linked(&self, from: Who) -> Self {
        let hops = std::iter::once(Some(from)).chain(self.hops().iter().copied()).collect();
        Self { hops: Some(hops), root: self.root.clone() }
    }

    pub(crate) fn hops(&self) -> &[Option<Who>] {
        self.hops.as_deref().unwrap_or_default()
    }

    /// The reason as it is known behind a session between these two starts of nodes.
    pub(crate) fn across(&self, from: u32, to: u32, third_nodes_too: bool) -> Self {
        let is_named = |who: &Who| third_nodes_too || who.start == from || who.start == to;
        let hops = self.hops.as_ref().map(|hops| hops.iter().map(|hop| hop.filter(is_named)).collect());
        Self { hops, root: self.root.clone() }
    }
}
