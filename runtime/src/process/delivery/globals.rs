//! The peer's statements about global names. They are noted under the session's lock. The table is told when that
//! lock is free, because it tells other sessions of the consequences.

use std::sync::Arc;

use super::Delivery;
use crate::core::peers::ConnectionId;
use crate::core::{GlobalNews, Pid, Shown};
use crate::foreign::event;

/// Statements that the table was not told yet.
#[derive(Debug)]
pub(super) struct GlobalsHeard {
    pub(super) id: ConnectionId,
    news: Vec<News>,
    /// The number of statements that were ignored.
    passed_over: u64,
}

#[derive(Debug)]
enum News {
    Registered { name: Box<str>, pid: Pid, node: Arc<str> },
    Unregistered { name: Box<str> },
}

impl Default for GlobalsHeard {
    fn default() -> Self {
        Self { id: ConnectionId(0), news: Vec::new(), passed_over: 0 }
    }
}

impl GlobalsHeard {
    pub(super) const fn is_empty(&self) -> bool {
        self.news.is_empty()
    }

    pub(super) fn note(&mut self, news: GlobalNews<'_>) {
        self.news.push(match news {
            GlobalNews::Registered { name, pid, node } => {
                // All names of a list are of the same node, so they share its name.
                let node = match self.news.last() {
                    Some(News::Registered { node: last, .. }) if **last == *node => last.clone(),
                    _ => node.into(),
                };
                News::Registered { name: name.into(), pid, node }
            }
            GlobalNews::Unregistered { name } => News::Unregistered { name: name.into() },
        });
    }
}

impl Delivery {
    /// Tells the table of the statements. Called with no lock held.
    pub(super) fn tell_of_globals(&mut self) {
        let id = self.globals.id;
        for news in std::mem::take(&mut self.globals.news) {
            let news = match &news {
                News::Registered { name, pid, node } => GlobalNews::Registered { name, pid: *pid, node },
                News::Unregistered { name } => GlobalNews::Unregistered { name },
            };
            if !self.table.heard_of_global(id, news) {
                self.pass_over_global();
            }
        }
    }

    fn pass_over_global(&mut self) {
        self.globals.passed_over += 1;
        let (peer, passed_over) = (Shown(&self.peer.name), self.globals.passed_over);
        // The first, second, fourth and so on have a line each.
        if passed_over.is_power_of_two() {
            event!(
                sessions,
                WARN,
                %peer,
                passed_over,
                "passed over what a peer says of a global name: it is not the peer's, too long, or one too many"
            );
        }
    }
}
