//! The orderly end of all processes of a node.

use std::collections::HashSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tracing::field::display;

use super::ProcessTable;
use crate::core::limits::KILLED_WITHIN;
use crate::core::{Pid, Reason, Shown};
use crate::foreign::{apart, event};
use crate::process::cell::Cell;
use crate::sync::Ordering;

/// The time between two counts of the remaining processes.
const COUNTED_EVERY: Duration = Duration::from_millis(20);

/// A process that [`Node::shutdown_within`](crate::Node::shutdown_within) has killed, because the process did not end
/// in time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Left {
    /// The pid of the process.
    pub pid: Pid,
    /// The names under which the process was registered on this node.
    pub names: Vec<Arc<str>>,
    /// The description of the process, as in [`ProcessInfo::description`](crate::ProcessInfo::description).
    pub description: Option<Box<str>>,
}

impl ProcessTable {
    /// Stops starting processes, and tells all of them to end. Kills those that are left after `patience`, and gives
    /// them a little time to end.
    pub(crate) async fn end_within(&self, patience: Duration) -> Vec<Left> {
        self.close();
        let mut told = HashSet::new();
        if self.have_ended(patience, || self.tell_to_end(&mut told) + self.ends_untold()).await {
            return Vec::new();
        }
        let left = self.kill_all();
        if let [Left { pid, names, description }, ..] = &left[..] {
            let (name, count) = (names.first().map(|name| display(Shown(name))), left.len());
            let description = description.as_deref().map(|text| display(Shown(text)));
            event!(
                processes,
                WARN, count, process = %pid, name, description,
                "processes that have not ended in time are killed"
            );
        }
        self.have_ended(KILLED_WITHIN, || self.count_of_program() + self.ends_untold()).await;
        left
    }

    /// Waits until no process is left, for at most this time. The remaining processes are counted after some have
    /// ended, but not after each end, because counting looks at all of them.
    async fn have_ended(&self, longest: Duration, mut left: impl FnMut() -> usize) -> bool {
        let mut ends = self.ends.subscribe();
        let all_have_ended = async {
            while left() > 0 {
                // This does not fail, because the table owns the sender.
                let _ = apart(ends.changed()).await;
                // Processes that end together with it have ended by then.
                self.executor.at_most(COUNTED_EVERY, pending::<()>()).await;
            }
        };
        self.executor.at_most(longest, all_have_ended).await.is_some()
    }

    /// Tells each process to end that was not told yet, except those with a supervisor, which stops them in its own
    /// order. Returns the number of processes.
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
            left.push(Left { pid: cell.pid(), names: cell.names(), description: cell.look().description });
            cell.doom(Reason::Killed).wake();
        });
        left
    }

    /// Returns the number of processes that were removed from the table and are still reporting their ends. Must be
    /// read after the processes in the table are counted, so that each process is seen in one of the two places.
    fn ends_untold(&self) -> usize {
        usize::try_from(self.ends_untold.load(Ordering::SeqCst)).unwrap_or(usize::MAX)
    }

    fn count_of_program(&self) -> usize {
        let mut count = 0;
        self.for_each_of_program(|_| count += 1);
        count
    }

    /// Calls a function with each process, except the node's own, which serve the others until the end, and those
    /// that represent calls of the program.
    fn for_each_of_program(&self, mut see: impl FnMut(&Cell)) {
        self.cells.for_each(|cell| {
            if !cell.is_of_node() {
                see(cell);
            }
        });
    }
}
