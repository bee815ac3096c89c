//! Links, monitors and exit signals, between processes of this node and with those of others.

use super::ProcessTable;
use crate::core::{Pid, Reason};
use crate::process::cell::{Cell, Linked};
use crate::process::remote::{Denied, Sender, Towards};
use crate::process::{MonitorRef, NotHere, Refused};
use crate::sync::Ordering;

impl ProcessTable {
    //= spec/session.md#ses-exi-006
    //# A process that is killed by its own node MUST end with the reason Killed, without hops.
    pub(crate) fn kill(&self, pid: Pid) -> Result<(), NotHere> {
        if !pid.is_here() {
            return Err(NotHere(pid));
        }
        if let Some(cell) = self.get_pid(pid) {
            cell.doom(Reason::Killed).wake();
        }
        Ok(())
    }

    pub(crate) async fn send_exit(&self, own: &Cell, to: Pid, reason: Reason) -> Result<(), Refused> {
        let from = Sender::process(own);
        from.check()?;
        if to.is_here() {
            if let Some(cell) = self.get_pid(to) {
                cell.exit_from(from, reason)?.wake();
            }
            return Ok(());
        }
        self.taken(from, Towards::Process(to), || self.remote()?.exit(from, to, &reason)).await.map(drop)
    }

    /// Links a process with another one. Not an async function, which would keep its arguments twice: most processes
    /// that wait for anything have this in their own futures.
    #[expect(clippy::manual_async_fn, reason = "see above")]
    pub(crate) fn link(own: &Cell, to: Pid) -> impl Future<Output = Result<(), Refused>> {
        async move {
            if to.is_here() {
                own.table().link_here(own, to);
            } else {
                let attempt = move || own.table().remote()?.link(own.pid(), to);
                if own.table().attempted(Sender::process(own), Towards::Process(to), attempt).await?.is_none()
                {
                    own.exit(to, Reason::Noconnection).wake();
                }
            }
            // If this process has ended, nothing is linked: the session, or the other process, has checked whether
            // this process lives.
            Sender::process(own).check()
        }
    }

    fn link_here(&self, own: &Cell, to: Pid) {
        if to == own.pid() {
            return;
        }
        let linked = match self.get_pid(to) {
            Some(other) => own.link(&other),
            // The other process has ended. If there is a link, its exit signal is on its way.
            None if to == self.pid(to.local()) && own.has_link(to.local()) => Linked::Yes,
            None => Linked::OtherEnded,
        };
        if linked == Linked::OtherEnded {
            own.exit(to, Reason::noproc()).wake();
        }
    }

    pub(crate) fn unlink(&self, own: &Cell, to: Pid) {
        if !to.is_here() {
            if let Ok(remote) = self.remote() {
                remote.unlink(own.pid(), to);
            }
        } else if to != own.pid() && to == self.pid(to.local()) {
            match self.get(to.local()) {
                Some(other) => own.unlink(&other),
                // The other process has ended, and its exit signal may be on its way.
                None => own.forget_link(to.local()),
            }
        }
    }

    pub(crate) fn new_reference(&self) -> MonitorRef {
        MonitorRef::new(self.references_given.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Monitors a process. Not an async function, as for [`link`](Self::link).
    #[expect(clippy::manual_async_fn, reason = "see `link`")]
    pub(crate) fn monitor(own: &Cell, of: Pid) -> impl Future<Output = Result<MonitorRef, Refused>> {
        async move {
            let reference = own.table().new_reference();
            let number = reference.number();
            Sender::process(own).check()?;
            // A process cannot receive the DOWN of its own end.
            if of == own.pid() {
                return Ok(reference);
            }
            if of.is_here() {
                own.table().monitor_here(own, of, number)?;
                return Ok(reference);
            }
            let attempt = move || own.table().try_monitor(own, of, number);
            if own.table().attempted(Sender::process(own), Towards::Process(of), attempt).await?.is_none() {
                own.watch(number, of)?;
                own.down(number, of, Reason::Noconnection).wake();
            }
            // If this process has ended meanwhile, it monitors nothing.
            Sender::process(own).check().map(|()| reference)
        }
    }

    pub(super) fn monitor_here(&self, own: &Cell, of: Pid, reference: u64) -> Result<(), Refused> {
        own.watch(reference, of)?;
        let Some(cell) = self.get_pid(of).filter(|cell| cell.add_watcher(reference, own.local())) else {
            own.down(reference, of, Reason::noproc()).wake();
            return Ok(());
        };
        // This process may have ended between the two steps, when there was no watcher to remove yet.
        Sender::process(own).check().inspect_err(|_| cell.remove_watcher(reference))
    }

    /// Attempts to monitor a process of another node. The DOWN may arrive before this returns, so the monitor is
    /// noted before. If the attempt has to wait for room, the monitor is removed again, since the caller may stop
    /// waiting.
    fn try_monitor(&self, own: &Cell, of: Pid, reference: u64) -> Result<(), Denied> {
        own.watch(reference, of)?;
        self.remote()?.monitor(own.pid(), of, reference).inspect_err(|_| {
            own.unwatch(reference);
        })
    }

    pub(crate) fn demonitor(&self, own: &Cell, reference: MonitorRef) {
        let number = reference.number();
        let Some(of) = own.unwatch(number) else { return };
        if !of.is_here() {
            if let Ok(remote) = self.remote() {
                remote.demonitor(own.pid(), of, number);
            }
        } else if let Some(cell) = self.get_pid(of) {
            cell.remove_watcher(number);
        }
    }
}
