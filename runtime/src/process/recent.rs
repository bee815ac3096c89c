//! The process of the same node to which a process has sent last.

use std::ops::Deref;
use std::sync::Arc;

use atomic_refcell::{AtomicRefCell, AtomicRefMut};

use super::cell::Cell;
use super::table::ProcessTable;
use crate::core::Pid;

/// The receiver of the last message that a process has sent within its node. The next message to the same receiver
/// needs no look into the process table and no count of owners: three of six atomic read-modify-write operations are
/// left. Of a receiver that ends while this process waits, about 240 bytes are kept until this process waits again or
/// sends.
#[derive(Debug, Default)]
pub(crate) struct Recent(AtomicRefCell<Option<Arc<Cell>>>);

/// A process that was found, which is kept here or is the finder's own.
pub(crate) enum Found<'r> {
    Kept(AtomicRefMut<'r, Arc<Cell>>),
    Own(Arc<Cell>),
}

impl Deref for Found<'_> {
    type Target = Arc<Cell>;

    #[inline]
    fn deref(&self) -> &Arc<Cell> {
        match self {
            Self::Kept(cell) => cell,
            Self::Own(cell) => cell,
        }
    }
}

impl Recent {
    /// Returns a process of this node, if there is one, and keeps it.
    #[inline(always)]
    pub(crate) fn find(&self, table: &ProcessTable, to: Pid) -> Option<Found<'_>> {
        // Another task may be using the same context. Nobody waits here.
        let Ok(mut kept) = self.0.try_borrow_mut() else { return table.get_pid(to).map(Found::Own) };
        if !kept.as_ref().is_some_and(|cell| cell.pid() == to && !cell.is_doomed()) {
            *kept = table.get_pid(to);
        }
        AtomicRefMut::filter_map(kept, Option::as_mut).map(Found::Kept)
    }

    /// Forgets a receiver that has ended.
    pub(crate) fn forget_ended(&mut self) {
        self.0.get_mut().take_if(|cell| cell.is_doomed());
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use crate::core::Reason;
    use crate::process::Mailbox;
    use crate::sync::Executor;

    #[tokio::test]
    async fn it_finds_what_the_table_finds_whatever_it_has_kept() {
        let table = ProcessTable::new("", 1, Executor::current());
        let add = || table.add(Mailbox::default()).unwrap();
        let (first, second) = (add(), add());
        let recent = Recent::default();
        let find = |pid| recent.find(&table, pid).map(|cell| cell.pid());
        let kept = || recent.0.borrow().as_ref().map(|cell| cell.pid());
        for cell in [&first, &first, &second, &first] {
            assert_eq!((find(cell.pid()), kept()), (Some(cell.pid()), Some(cell.pid())));
        }
        // The same number of an earlier start of the node.
        let earlier = ProcessTable::new("", 2, Executor::current()).pid(first.local());
        assert_eq!((find(earlier), kept()), (None, None));

        // One that is doomed is looked for again. Once it is gone it is no longer kept.
        find(first.pid());
        drop(first.doom(Reason::Killed));
        assert_eq!(find(first.pid()), Some(first.pid()));
        table.remove(first.local());
        assert_eq!((find(first.pid()), kept()), (None, None));

        let (third, mut recent) = (add(), recent);
        drop(recent.find(&table, third.pid()));
        recent.forget_ended();
        assert!(recent.0.get_mut().is_some());
        drop(third.doom(Reason::Killed));
        recent.forget_ended();
        assert!(recent.0.get_mut().is_none());
    }

    #[tokio::test]
    async fn two_tasks_may_use_one_context() {
        let table = ProcessTable::new("", 1, Executor::current());
        let second = table.add(Mailbox::default()).unwrap();
        let recent = Recent::default();
        let find = |pid| recent.find(&table, pid).map(|cell| cell.pid());
        let first = recent.find(&table, second.pid());
        // The other one looks into the table.
        assert_eq!(find(second.pid()), Some(second.pid()));
        drop(first);
    }
}
