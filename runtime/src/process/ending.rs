//! The end of a process: whom it concerns is told, one after the other, by the process's own task. Each linked
//! process then ends in its own task, so that no chain of links, however long, is a recursion.

use std::fmt;
use std::sync::{Arc, Weak};

use super::cell::{Asked, Cell, Doom, Remains};
use super::remote::Interested;
use super::small::IntoIter;
use super::table::ProcessTable;
use crate::core::{Pid, Reason};
use crate::foreign;

/// The end of a process, while it is being told.
pub(crate) struct Ending {
    table: Arc<ProcessTable>,
    pid: Pid,
    doom: Doom,
    links: IntoIter<()>,
    watchers: IntoIter<u64>,
    watching: IntoIter<Pid>,
    asked: IntoIter<Asked>,
    session: Option<Weak<dyn Interested>>,
    attached: std::vec::IntoIter<Weak<dyn Interested>>,
}

impl Ending {
    /// Marks the process dead and takes it out of the table. Its reason is `reason`, unless a signal has ended it.
    pub(crate) fn begin(cell: &Cell, reason: Reason) -> Self {
        let Remains { doom, links, session, ties, queue } = cell.die(reason);
        let table = Arc::clone(cell.table());
        // Whoever is told of the end finds neither the process nor its names.
        table.remove_names(cell.local(), &ties.names);
        if ties.has_global_names {
            table.remove_global_names(cell.local());
        }
        table.remove_node_monitors(cell.local(), &ties.nodes);
        table.end_begins();
        table.remove(cell.local());
        drop(queue);
        table.tell_of_end(cell.local(), &ties.names, &doom);
        Self {
            table,
            pid: cell.pid(),
            doom,
            links: links.into_iter(),
            watchers: ties.watchers.into_iter(),
            watching: ties.watching.into_iter(),
            asked: ties.asked.into_iter(),
            session,
            attached: ties.attached.into_iter(),
        }
    }

    /// Tells at most so many. False if there may be more.
    pub(crate) fn tell(&mut self, count_max: usize) -> bool {
        (0..count_max).any(|_| !self.tell_one())
    }

    /// The reason, made when somebody is to be told and then kept.
    fn reason(&mut self) -> &Reason {
        if let Doom::By { .. } = self.doom {
            self.doom = Doom::Of(self.doom.reason());
        }
        match &self.doom {
            // By now it is the former.
            Doom::Of(reason) | Doom::By { reason, .. } => reason,
        }
    }

    /// False if there is nobody left to tell.
    fn tell_one(&mut self) -> bool {
        if let Some((linked, ())) = self.links.next() {
            if let Some(cell) = self.table.get(linked) {
                cell.exit_of_link(self.pid, self.reason()).wake();
            }
        } else if let Some((reference, watcher)) = self.watchers.next() {
            if let Some(cell) = self.table.get(watcher) {
                cell.down(reference, self.pid, self.reason().clone()).wake();
            }
        } else if let Some((reference, of)) = self.watching.next() {
            // A monitor of a process of another node is its session's to end.
            if let Some(cell) = self.table.get_pid(of) {
                cell.remove_watcher(reference);
            }
        } else if let Some((reference, asked)) = self.asked.next() {
            // Likewise.
            if let Some(cell) = asked.here.and_then(|local| self.table.get(local)) {
                cell.remove_watcher(reference);
            }
            // Something has kept its context, and waits for the answer.
            asked.into_waker().into_iter().for_each(foreign::wake);
        } else if let Some(session) = self.session.take().or_else(|| self.attached.next()) {
            if let Some(session) = session.upgrade() {
                session.process_ended(self.pid.local(), self.reason());
            }
        } else {
            return false;
        }
        true
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.table.end_is_told();
    }
}

impl fmt::Debug for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ending").field("pid", &self.pid).field("doom", &self.doom).finish_non_exhaustive()
    }
}
