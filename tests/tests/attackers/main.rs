//! Attackers, with and without the cookie, one topic in each file.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod claims;
mod floods;
mod in_between;
mod logs;
mod reflection;
mod slow;

use snow_dist_runtime::Node;
use snow_dist_tests::program::{assert_they_talk, connected};

/// Two nodes with a session that an attack must not disturb; the second is attacked.
struct Friends {
    friend: Node,
    node: Node,
}

impl Friends {
    async fn new() -> Self {
        let (friend, node) = connected().await;
        Self { friend, node }
    }

    /// Nobody got in, and the session carries messages.
    async fn assert_undisturbed(&self) {
        assert_eq!(self.node.nodes().iter().map(|name| &**name).collect::<Vec<_>>(), [self.friend.name()]);
        assert_they_talk(&self.friend, &self.node).await;
    }
}
