//! Everything that is told or undone when a process ends: links, monitors, sessions, names.

use std::sync::{Arc, Weak};

use tokio::sync::watch;

use super::{Cell, Given, Life, Linked, State, Ties, Wakes};
use crate::core::{Pid, Reason};
use crate::process::charge::Charge;
use crate::process::mailbox::Inbox;
use crate::process::remote::Interested;
use crate::process::shares::Room;
use crate::process::{MonitorRef, Received, Refused};
use crate::sync::{MutexGuard, Ordering};

/// Links.
impl Cell {
    /// Links two processes. Both sides change together, so that neither ever has the link alone.
    pub(crate) fn link(&self, other: &Self) -> Linked {
        let (mut own, mut others) = self.lock_with(other);
        if matches!(own.life, Life::Dead) {
            return Linked::SelfEnded;
        }
        // This holds even if the other process has ended: the exit signal of this link is then on its way.
        if own.links.contains(other.local) {
            return Linked::Yes;
        }
        if !others.is_alive() {
            return Linked::OtherEnded;
        }
        own.links.insert(other.local, ());
        others.links.insert(self.local, ());
        Linked::Yes
    }

    /// Removes the link with another process, if there is one.
    pub(crate) fn unlink(&self, other: &Self) {
        let (mut own, mut others) = self.lock_with(other);
        own.links.remove(other.local);
        others.links.remove(self.local);
    }

    /// Returns `true` if this process has a link with the other one.
    pub(crate) fn has_link(&self, other: u64) -> bool {
        self.lock().links.contains(other)
    }

    /// Forgets a link to a process that is no longer there.
    pub(crate) fn forget_link(&self, other: u64) {
        self.lock().links.remove(other);
    }

    fn lock_with<'c>(&'c self, other: &'c Self) -> (MutexGuard<'c, State>, MutexGuard<'c, State>) {
        if self.local < other.local {
            let own = self.lock();
            (own, other.lock())
        } else {
            let others = other.lock();
            (self.lock(), others)
        }
    }
}

/// Monitors.
impl Cell {
    /// Notes that this process monitors another one. From now on the first DOWN of the monitor is accepted.
    pub(crate) fn watch(&self, reference: u64, of: Pid) -> Result<(), Refused> {
        let mut state = self.lock();
        if matches!(state.life, Life::Dead) {
            return Err(Refused::Ended);
        }
        state.ties().watching.insert(reference, of);
        Ok(())
    }

    /// Removes a monitor that this process has. Returns the monitored process if the monitor still existed.
    pub(crate) fn unwatch(&self, reference: u64) -> Option<Pid> {
        self.lock().ties.as_mut()?.watching.remove(reference)
    }

    /// Notes that a process of this node monitors this one. Returns `false` if this one has ended.
    pub(crate) fn add_watcher(&self, reference: u64, watcher: u64) -> bool {
        let mut state = self.lock();
        let alive = state.is_alive();
        if alive {
            state.ties().watchers.insert(reference, watcher);
        }
        alive
    }

    /// Forgets that a process of this node monitors this one.
    pub(crate) fn remove_watcher(&self, reference: u64) {
        if let Some(ties) = &mut self.lock().ties {
            ties.watchers.remove(reference);
        }
    }

    /// Delivers the DOWN of a monitor, and removes the monitor. Does nothing if the monitor no longer exists.
    pub(crate) fn down(&self, reference: u64, from: Pid, reason: Reason) -> Wakes {
        self.down_from_afar(reference, from, reason, Charge::NONE, Room::default()).wakes
    }

    /// Delivers the DOWN of a process of another node. `room` is the room of that node.
    pub(crate) fn down_from_afar(
        &self,
        reference: u64,
        from: Pid,
        reason: Reason,
        charge: Charge,
        room: Room,
    ) -> Given {
        let mut state = self.lock();
        if state.asks(reference) {
            return state.end_of_asked(reference, reason, charge);
        }
        let watched = state.ties.as_mut().and_then(|ties| ties.watching.remove(reference));
        match watched {
            Some(_) => {
                let down = Received::Down { reference: MonitorRef::new(reference), from, reason };
                state.give(down, charge, room)
            }
            None => Given::default(),
        }
    }

    /// Removes the items for which `unwanted` returns `true` from both halves of the mailbox.
    pub(crate) fn remove_if(&self, inbox: &mut Inbox, unwanted: impl Fn(&Received) -> bool + Copy) {
        let mut removed = inbox.remove_if(unwanted);
        self.gathered.store(inbox.len(), Ordering::Relaxed);
        let mut state = self.lock();
        removed.extend(state.queue.remove_if(unwanted));
        removed.into_iter().for_each(|charge| self.release_one(&mut state, charge));
    }
}

/// The further actions at the end of a process.
impl Cell {
    /// Notes that the session must be told of the end. Returns `false` if the process has ended.
    pub(crate) fn attach(&self, session: &Weak<dyn Interested>) -> bool {
        let mut state = self.lock();
        let alive = state.is_alive();
        if alive {
            state.attach(session);
        }
        alive
    }

    /// Adds something that is undone when the process ends. Returns `false` if it has ended.
    pub(crate) fn tie(&self, add: impl FnOnce(&mut Ties)) -> bool {
        let mut state = self.lock();
        let alive = state.is_alive();
        if alive {
            add(state.ties());
        }
        alive
    }

    /// Returns the supervisor of the process, if it has one.
    pub(crate) fn supervisor(&self) -> Option<u64> {
        self.lock().ties.as_ref()?.supervisor
    }

    /// Returns the names of the process on this node.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.lock().ties.as_ref().map(|ties| ties.names.clone()).unwrap_or_default()
    }

    /// Returns a receiver that fails when the process ends. Returns `None` if it has ended.
    pub(crate) fn ended(&self) -> Option<watch::Receiver<()>> {
        let mut ended = None;
        self.tie(|ties| {
            ended = Some(ties.ended.get_or_insert_with(|| watch::channel(()).0).subscribe());
        });
        ended
    }

    /// Removes something that would be undone when the process ends.
    pub(crate) fn untie(&self, remove: impl FnOnce(&mut Ties)) {
        if let Some(ties) = &mut self.lock().ties {
            remove(ties);
        }
    }
}
