//! The end of all processes of a node, in order.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::ProcessTable;
use crate::core::limits::KILLED_WITHIN;
use crate::core::{Pid, Reason, Shown};
use crate::foreign::{apart, event};
use crate::process::cell::Cell;
use crate::sync::Ordering;

/// A process that had not ended when the patience of [`Node::shutdown_within`](crate::Node::shutdown_within) was over, and was killed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Left {
    /// The process.
    pub pid: Pid,
    /// The names that it had on this node.
    pub names: Vec<Arc<str>>,
}

impl ProcessTable {
    /// Starts no process any more and tells all to end; kills those that are left when the patience is over. They have a little time
    /// to be gone.
    pub(crate) async fn end_within(&self, patience: Duration) -> Vec<Left> {
        self.close();
        let mut told = HashSet::new();
        if self.have_ended(patience, || self.tell_to_end(&mut told) + self.ends_untold()).await {
            return Vec::new();
        }
        let left = self.kill_all();
        if let [Left { pid, names }, ..] = &left[..] {
            let (name, count) = (names.first().map_or("", |name| name), left.len());
            event!(processes, WARN, count, process = %pid, name = %Shown(name), "processes that have not ended in time are killed");
        }
        self.have_ended(KILLED_WITHIN, || self.count_of_program() + self.ends_untold()).await;
        left
    }

    /// Waits until none is left, for at most so long. Who is left is counted again whenever a process has ended.
    async fn have_ended(&self, longest: Duration, mut left: impl FnMut() -> usize) -> bool {
        let mut ends = self.ends.subscribe();
        let all_have_ended = async {
            while left() > 0 {
                // The table has what says so.
                let _ = apart(ends.changed()).await;
            }
        };
        self.executor.at_most(longest, all_have_ended).await.is_some()
    }

    /// Tells each process that has not been told, unless it has a supervisor, which does that in its own order. Returns how many there
    /// are.
    fn tell_to_end(&self, told: &mut HashSet<u64>) -> usize {
        let mut count = 0;
        self.for_each_of_program(|cell| {
            count += 1;
            let is_supervised = || cell.supervisor().is_some_and(|local| self.get(local).is_some());
            if !told.contains(&cell.local()) && !is_supervised() {
                told.insert(cell.local());
                cell.exit(self.pid(0), Reason::Shutdown).wake();
            }
        });
        count
    }

    fn kill_all(&self) -> Vec<Left> {
        let mut left = Vec::new();
        self.for_each_of_program(|cell| {
            left.push(Left { pid: cell.pid(), names: cell.names() });
            cell.doom(Reason::Killed).wake();
        });
        left
    }

    /// How many are no longer here, and still tell of their end. To be asked after who is here: it is one or the other.
    fn ends_untold(&self) -> usize {
        usize::try_from(self.ends_untold.load(Ordering::SeqCst)).unwrap_or(usize::MAX)
    }

    fn count_of_program(&self) -> usize {
        let mut count = 0;
        self.for_each_of_program(|_| count += 1);
        count
    }

    /// All but those of the node itself, which serve the others to the last, and those that stand for a call of the program.
    fn for_each_of_program(&self, mut see: impl FnMut(&Cell)) {
        self.cells.for_each(|cell| {
            if !cell.is_of_node() {
                see(cell);
            }
        });
    }
}
