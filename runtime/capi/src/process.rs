//! A process whose mailbox the program reads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use snow_dist_runtime::core::Term;
use snow_dist_runtime::{Context, Delegate, MonitorRef, Pid, Reason, Received};

use crate::failure::{Failure, Outcome};
use crate::handles::{Handles, Kind};
use crate::limits::SNOW_PROCESSES_MAX;
use crate::node::Residents;
use crate::queue::Queue;
use crate::wait::{Timeout, wait};

pub(crate) static PROCESSES: Handles<Process> = Handles::new(Kind::Process, SNOW_PROCESSES_MAX);

pub(crate) struct Process {
    pub(crate) id: u64,
    pub(crate) queue: Arc<Queue>,
    residents: Weak<Residents>,
    /// Set when the process runs.
    started: OnceLock<Started>,
    /// Set under the queue's lock: the end is in the queue.
    has_ended: AtomicBool,
    is_freed: AtomicBool,
}

struct Started {
    pid: Pid,
    /// None of a process that ended at once.
    delegate: Option<Delegate>,
}

impl Process {
    pub(crate) const fn new(id: u64, queue: Arc<Queue>, residents: Weak<Residents>) -> Self {
        Self {
            id,
            queue,
            residents,
            started: OnceLock::new(),
            has_ended: AtomicBool::new(false),
            is_freed: AtomicBool::new(false),
        }
    }

    /// What the process does: it hands on what it receives, as far as there is room for it.
    pub(crate) async fn run(self: Arc<Self>, mut ctx: Context) -> Reason {
        loop {
            let received = ctx.recv().await;
            // A program in C takes no calls: each caller is told that nobody replies.
            if let Received::Call(_) = received {
                continue;
            }
            let Some(room) = self.queue.room(&received).await else { return Reason::Shutdown };
            self.queue.put(&self, received, room);
        }
    }

    pub(crate) fn has_started(&self, pid: Pid, delegate: Option<Delegate>) {
        let _ = self.started.set(Started { pid, delegate });
    }

    /// Another thread may have its handle, of an event, a moment before the thread that starts it has set this.
    pub(crate) fn pid(&self) -> Pid {
        self.started.wait().pid
    }

    /// What acts for the process while it lives.
    fn acting(&self) -> Outcome<&Delegate> {
        let delegate = self.started.wait().delegate.as_ref();
        delegate.filter(|_| !self.has_ended()).ok_or_else(Failure::ended)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    /// Gives whether it was marked before.
    pub(crate) fn mark_ended(&self) -> bool {
        self.has_ended.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn is_freed(&self) -> bool {
        self.is_freed.load(Ordering::Acquire)
    }

    /// Ends the process if it lives, and forgets its handle.
    pub(crate) fn free(id: u64) -> Outcome<()> {
        let process = PROCESSES.remove(id)?;
        process.let_go();
        if let Some(residents) = process.residents.upgrade() {
            residents.forget(&process);
        }
        Ok(())
    }

    /// Frees a process that its node does not keep any more, unless the program has.
    pub(crate) fn withdraw(&self) {
        if PROCESSES.remove(self.id).is_ok() {
            self.let_go();
        }
    }

    /// Ends a process whose handle has just been removed.
    fn let_go(&self) {
        self.is_freed.store(true, Ordering::Release);
        if let Ok(delegate) = self.acting() {
            delegate.exit(Reason::Normal);
        }
        self.queue.leave();
    }
}

/// What a process does for the program.
impl Process {
    pub(crate) fn send(&self, to: Pid, message: &[u8], timeout: Timeout) -> Outcome<()> {
        Ok(wait(self.acting()?.send(to, message), timeout, NOT_SENT)??)
    }

    pub(crate) fn send_term(&self, to: Pid, term: Term, timeout: Timeout) -> Outcome<()> {
        Ok(wait(self.acting()?.send_written_term(to, term), timeout, NOT_SENT)??)
    }

    pub(crate) fn send_named(&self, name: &str, node: &str, message: &[u8], timeout: Timeout) -> Outcome<()> {
        Ok(wait(self.acting()?.send_named(name, node, message), timeout, NOT_SENT)??)
    }

    pub(crate) fn send_named_term(
        &self,
        name: &str,
        node: &str,
        term: Term,
        timeout: Timeout,
    ) -> Outcome<()> {
        Ok(wait(self.acting()?.send_named_written_term(name, node, term), timeout, NOT_SENT)??)
    }

    pub(crate) fn send_exit(&self, to: Pid, reason: Reason, timeout: Timeout) -> Outcome<()> {
        Ok(wait(self.acting()?.send_exit(to, reason), timeout, NOT_SENT)??)
    }

    pub(crate) fn link(&self, to: Pid, timeout: Timeout) -> Outcome<()> {
        Ok(wait(self.acting()?.link(to), timeout, "the link was not made")??)
    }

    pub(crate) fn unlink(&self, from: Pid) -> Outcome<()> {
        self.acting()?.unlink(from);
        Ok(())
    }

    pub(crate) fn monitor(&self, of: Pid, timeout: Timeout) -> Outcome<u64> {
        let reference = wait(self.acting()?.monitor(of), timeout, "the monitor was not made")??;
        Ok(reference.number())
    }

    pub(crate) fn demonitor(&self, reference: u64) -> Outcome<()> {
        self.acting()?.demonitor(MonitorRef::new(reference));
        Ok(())
    }

    pub(crate) fn monitor_node(&self, name: &str) -> Outcome<()> {
        Ok(self.acting()?.monitor_node(name)?)
    }

    pub(crate) fn demonitor_node(&self, name: &str) -> Outcome<()> {
        self.acting()?.demonitor_node(name).map_err(|error| Failure::argument(error.to_string()))
    }

    pub(crate) fn trap_exit(&self, trap: bool) -> Outcome<()> {
        self.acting()?.trap_exit(trap);
        Ok(())
    }

    pub(crate) fn exit(&self, reason: Reason) -> Outcome<()> {
        self.acting()?.exit(reason);
        Ok(())
    }
}

const NOT_SENT: &str = "there was no room, and nothing was sent";
