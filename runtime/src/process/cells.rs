//! The cells of a node by number.
//!
//! Numbers are given in order and never twice, so cells that were made one after the other lie beside each other:
//! in pages, which are found by hash and given back when they are empty. A system of very many processes starts and
//! ends them in runs, and a run then touches few places of memory.

use std::fmt;
use std::sync::Arc;

use super::cell::Cell;
use super::small::NumberMap;
use crate::sync::Mutex;

/// Cells of one page: 512 bytes, which one process that stays can keep.
const PAGE_CELLS: usize = 64;

/// Parts of the table with a lock each; pages that follow each other lie in different ones.
const SHARDS: u64 = 64;

/// The cells, by number.
pub(super) struct Cells {
    shards: Box<[Mutex<NumberMap<Box<Page>>>]>,
}

struct Page {
    cells: [Option<Arc<Cell>>; PAGE_CELLS],
    count: usize,
}

impl Cells {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Adds a cell, under a number that has none.
    pub(super) fn insert(&self, cell: Arc<Cell>) {
        let (shard, page, place) = self.place(cell.local());
        let mut pages = shard.lock();
        let page = pages.entry(page).or_insert_with(|| Box::new(Page::new()));
        if let Some(place) = page.cells.get_mut(place) {
            *place = Some(cell);
            page.count += 1;
        }
    }

    /// The cell of this number.
    pub(super) fn get(&self, local: u64) -> Option<Arc<Cell>> {
        let (shard, page, place) = self.place(local);
        shard.lock().get(&page)?.cells.get(place)?.clone()
    }

    /// Takes the cell of this number out.
    pub(super) fn remove(&self, local: u64) -> Option<Arc<Cell>> {
        let (shard, number, place) = self.place(local);
        let mut pages = shard.lock();
        let page = pages.get_mut(&number)?;
        let cell = page.cells.get_mut(place)?.take()?;
        page.count -= 1;
        if page.count == 0 {
            pages.remove(&number);
        }
        Some(cell)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().values().map(|page| page.count).sum::<usize>()).sum()
    }

    /// Shows each to a function, with no lock held.
    pub(super) fn for_each(&self, mut see: impl FnMut(&Cell)) {
        for shard in &self.shards {
            let cells: Vec<_> =
                shard.lock().values().flat_map(|page| page.cells.iter().flatten().cloned()).collect();
            cells.iter().for_each(|cell| see(cell));
        }
    }

    /// The part, the page's number, and the place in the page.
    #[allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "both are remainders")]
    fn place(&self, local: u64) -> (&Mutex<NumberMap<Box<Page>>>, u64, usize) {
        let page = local / PAGE_CELLS as u64;
        (&self.shards[(page % SHARDS) as usize], page, (local % PAGE_CELLS as u64) as usize)
    }
}

impl Page {
    const fn new() -> Self {
        Self { cells: [const { None }; PAGE_CELLS], count: 0 }
    }
}

impl fmt::Debug for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cells").field("count", &self.count()).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::super::table::ProcessTable;
    use super::*;
    use crate::process::Mailbox;
    use crate::sync::Executor;

    #[tokio::test]
    async fn pages_come_and_go_with_their_cells() {
        let table = ProcessTable::new("", 1, Executor::current());
        let cells = Cells::new();
        let made: Vec<_> = (0..1_000).map(|_| table.add(Mailbox::default()).unwrap()).collect();
        made.iter().for_each(|cell| cells.insert(Arc::clone(cell)));
        assert_eq!(cells.count(), made.len());
        assert!(
            made.iter().all(|cell| cells.get(cell.local()).is_some_and(|found| Arc::ptr_eq(&found, cell)))
        );
        let mut seen = 0;
        cells.for_each(|_| seen += 1);
        assert_eq!(seen, made.len());
        assert!(cells.get(0).is_none() && cells.get(u64::MAX).is_none());
        for cell in &made {
            assert!(cells.remove(cell.local()).is_some() && cells.remove(cell.local()).is_none());
        }
        assert_eq!(cells.count(), 0);
        assert!(cells.shards.iter().all(|shard| shard.lock().is_empty()));
    }
}
