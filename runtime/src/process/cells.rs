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

/// The number of cells in a page. A page takes 512 bytes, which a single long-lived process can keep.
const PAGE_CELLS: usize = 64;

/// The number of parts of the table, each with its own lock. Consecutive pages are in different parts.
const SHARDS: u64 = 64;

/// The cells, by number.
pub(super) struct Cells {
    shards: Box<[Mutex<NumberMap<Box<Page>>>]>,
}

struct Page {
    cells: [Option<Arc<Cell>>; PAGE_CELLS],
    count: usize,
    /// The number of places whose cells are yet to come. Until then an empty page stays: processes that are started
    /// and end one after the other would otherwise make a page each.
    unused: usize,
}

impl Cells {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Adds a cell, whose number is not in use.
    pub(super) fn insert(&self, cell: Arc<Cell>) {
        let (shard, page, place) = self.place(cell.local());
        let mut pages = shard.lock();
        let page = pages.entry(page).or_insert_with(|| Box::new(Page::new()));
        if let Some(place) = page.cells.get_mut(place) {
            *place = Some(cell);
            page.count += 1;
            page.unused -= 1;
        }
    }

    /// Returns the cell with this number.
    pub(super) fn get(&self, local: u64) -> Option<Arc<Cell>> {
        let (shard, page, place) = self.place(local);
        shard.lock().get(&page)?.cells.get(place)?.clone()
    }

    /// Removes and returns the cell with this number.
    pub(super) fn remove(&self, local: u64) -> Option<Arc<Cell>> {
        let (shard, number, place) = self.place(local);
        let mut pages = shard.lock();
        let page = pages.get_mut(&number)?;
        let cell = page.cells.get_mut(place)?.take()?;
        page.count -= 1;
        if page.count == 0 && page.unused == 0 {
            pages.remove(&number);
        }
        Some(cell)
    }

    /// Returns the number of processes.
    pub(super) fn count(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().values().map(|page| page.count).sum::<usize>()).sum()
    }

    /// Calls a function with each cell, in the order of their numbers and with no lock held. The cells are collected
    /// page by page: holding a lock while thousands of cells are collected would delay everybody who looks for one of
    /// them.
    pub(super) fn for_each(&self, mut see: impl FnMut(&Cell)) {
        let mut pages = Vec::new();
        for shard in &self.shards {
            pages.extend(shard.lock().keys().copied());
        }
        pages.sort_unstable();
        for number in pages {
            let (shard, ..) = self.place(number * PAGE_CELLS as u64);
            // A page that has become empty meanwhile has been removed.
            let cells = shard.lock().get(&number).map(|page| page.cells.clone());
            cells.iter().flatten().flatten().for_each(|cell| see(cell));
        }
    }

    /// Returns the part of the table, the number of the page, and the place in the page.
    #[allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "both are remainders")]
    fn place(&self, local: u64) -> (&Mutex<NumberMap<Box<Page>>>, u64, usize) {
        let page = local / PAGE_CELLS as u64;
        (&self.shards[(page % SHARDS) as usize], page, (local % PAGE_CELLS as u64) as usize)
    }
}

impl Page {
    const fn new() -> Self {
        Self { cells: [const { None }; PAGE_CELLS], count: 0, unused: PAGE_CELLS }
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
        // The number 0 is not given.
        let made: Vec<_> = (1..1_024).map(|_| table.add(Mailbox::default()).unwrap()).collect();
        made.iter().for_each(|cell| cells.insert(Arc::clone(cell)));
        assert_eq!(cells.count(), made.len());
        assert!(
            made.iter().all(|cell| cells.get(cell.local()).is_some_and(|found| Arc::ptr_eq(&found, cell)))
        );
        let mut seen = Vec::new();
        cells.for_each(|cell| seen.push(cell.local()));
        assert!(seen.is_sorted() && seen.len() == made.len());
        assert!(cells.get(0).is_none() && cells.get(u64::MAX).is_none());
        for cell in &made {
            assert!(cells.remove(cell.local()).is_some() && cells.remove(cell.local()).is_none());
        }
        assert_eq!(cells.count(), 0);
        let left: Vec<_> =
            cells.shards.iter().flat_map(|shard| shard.lock().keys().copied().collect::<Vec<_>>()).collect();
        assert_eq!(left, [0], "a page stays until each of its numbers was in use");
    }
}
