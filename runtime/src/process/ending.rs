//! The end of a process: whom it concerns is told, one after the other, by the process's own task. Each linked
//! process then ends in its own task, so that no chain of links, however long, is a recursion.

use std::fmt;
use std::sync::{Arc, Weak};

use super::cell::{Asked, Cell, Doom, Remains, Ties};
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
    /// Boxed, since few processes have any and an ending is moved about.
    tied: Option<Box<Tied>>,
    session: Option<Weak<dyn Interested>>,
}

/// Those whom the end concerns of a process that has [`Ties`].
struct Tied {
    watchers: IntoIter<u64>,
    watching: IntoIter<Pid>,
    asked: IntoIter<Asked>,
    attached: std::vec::IntoIter<Weak<dyn Interested>>,
}

impl Tied {
    fn of(ties: Ties) -> Self {
        Self {
            watchers: ties.watchers.into_iter(),
            watching: ties.watching.into_iter(),
            asked: ties.asked.into_iter(),
            attached: ties.attached.into_iter(),
        }
    }
}

impl Ending {
    /// Marks the process dead and takes it out of the table. Its reason is `reason`, unless a signal has ended it.
    pub(crate) fn begin(cell: &Cell, reason: Reason) -> Self {
        let Remains { doom, links, session, ties, queue } = cell.die(reason);
        let table = Arc::clone(cell.table());
        // Whoever is told of the end finds neither the process nor its names.
        if let Some(ties) = &ties {
            table.remove_names(cell.local(), &ties.names);
            if ties.has_global_names {
                table.remove_global_names(cell.local());
            }
            table.remove_node_monitors(cell.local(), &ties.nodes);
        }
        table.end_begins();
        table.remove(cell.local());
        drop(queue);
        if cell.is_guest() {
            table.guest_went();
        } else {
            let names = ties.as_ref().map_or(&[][..], |ties| ties.names.as_slice());
            table.tell_of_end(cell.local(), names, &doom);
        }
        Self {
            table,
            pid: cell.pid(),
            doom,
            links: links.into_iter(),
            tied: ties.map(|ties| Box::new(Tied::of(*ties))),
            session,
        }
    }

    /// Tells at most this number of concerned parties. Returns `false` if there may be more.
    pub(crate) fn tell(&mut self, count_max: usize) -> bool {
        (0..count_max).any(|_| !self.tell_one())
    }

    /// Returns the reason. It is made when somebody is told for the first time, and then kept.
    fn reason(&mut self) -> &Reason {
        if let Doom::By { .. } = self.doom {
            self.doom = Doom::Of(self.doom.reason());
        }
        match &self.doom {
            // By now it is the former.
            Doom::Of(reason) | Doom::By { reason, .. } => reason,
        }
    }

    /// The next of some of the tied, if there are any.
    fn next<T>(&mut self, of: impl FnOnce(&mut Tied) -> Option<T>) -> Option<T> {
        self.tied.as_deref_mut().and_then(of)
    }

    /// False if there is nobody left to tell.
    fn tell_one(&mut self) -> bool {
        if let Some((linked, ())) = self.links.next() {
            if let Some(cell) = self.table.get(linked) {
                cell.exit_of_link(self.pid, self.reason()).wake();
            }
        } else if let Some((reference, watcher)) = self.next(|tied| tied.watchers.next()) {
            if let Some(cell) = self.table.get(watcher) {
                cell.down(reference, self.pid, self.reason().clone()).wake();
            }
        } else if let Some((reference, of)) = self.next(|tied| tied.watching.next()) {
            // A monitor of a process of another node is its session's to end.
            if let Some(cell) = self.table.get_pid(of) {
                cell.remove_watcher(reference);
            }
        } else if let Some((reference, asked)) = self.next(|tied| tied.asked.next()) {
            // Likewise.
            if let Some(cell) = asked.here.and_then(|local| self.table.get(local)) {
                cell.remove_watcher(reference);
            }
            // Something has kept its context, and waits for the answer.
            asked.into_waker().into_iter().for_each(foreign::wake);
        } else if let Some(session) = self.session.take().or_else(|| self.next(|tied| tied.attached.next())) {
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
