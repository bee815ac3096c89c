//! A node, and the threads that run it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use snow_dist_runtime::{Delegate, Mailbox, Node, NodeBuilder, Pid, Reason, Received};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use crate::failure::{Failure, Outcome};
use crate::handles::{Handles, Kind};
use crate::limits::SNOW_NODES_MAX;
use crate::process::{PROCESSES, Process};
use crate::queue::Queue;
use crate::types::snow_status;
use crate::wait::{Timeout, check_may_wait, mark_thread, wait};

pub(crate) static NODES: Handles<Running> = Handles::new(Kind::Node, SNOW_NODES_MAX);

/// How long a node's threads have to end once all that it does has ended: what they may still do is look up a host.
const THREADS_END: Duration = Duration::from_secs(5);

pub(crate) struct Running {
    pub(crate) id: u64,
    node: Node,
    executor: Handle,
    guardian: Delegate,
    residents: Arc<Residents>,
    /// Taken when the node is shut down.
    threads: Mutex<Option<Threads>>,
}

impl Running {
    pub(crate) fn start(builder: NodeBuilder, threads: usize) -> Outcome<Arc<Self>> {
        check_may_wait()?;
        NODES.check_room()?;
        let (threads, executor) = Threads::start(threads)?;
        let starting = wait(executor.spawn(builder.start()), Timeout::NONE, "the node did not start")?;
        let node =
            starting.map_err(|error| Failure::new(snow_status::SNOW_ERROR_PANIC, error.to_string()))??;
        let residents = Arc::new(Residents::default());
        let guardian = guard(&node, Arc::clone(&residents))?;
        let threads = Mutex::new(Some(threads));
        Ok(NODES.keep(|id| Self { id, node, executor, guardian, residents, threads }))
    }

    /// The node, for what it does without waiting and without processes.
    pub(crate) fn node(&self) -> Outcome<&Node> {
        if self.lock_threads().is_some() { Ok(&self.node) } else { Err(Failure::stopped()) }
    }

    fn lock_threads(&self) -> MutexGuard<'_, Option<Threads>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn spawn(&self, queue: &Arc<Queue>, mailbox: Mailbox) -> Outcome<Arc<Process>> {
        PROCESSES.check_room()?;
        queue.enter()?;
        let residents = Arc::downgrade(&self.residents);
        let process = PROCESSES.keep(|id| Process::new(id, Arc::clone(queue), residents));
        let body = Arc::clone(&process);
        match self.guardian.spawn_monitor_with(mailbox, move |ctx| body.run(ctx)) {
            Ok((pid, _)) => {
                process.has_started(pid, self.node.delegate(pid));
                self.residents.settle(pid, &process);
                Ok(process)
            }
            Err(error) => {
                queue.leave();
                PROCESSES.remove(process.id)?;
                Err(error.into())
            }
        }
    }

    pub(crate) fn connect(&self, name: &str, timeout: Timeout) -> Outcome<()> {
        Ok(wait(self.node.connect(name), timeout, "no session was established")??)
    }

    /// Kills a process of the program. The guardian is none.
    pub(crate) fn kill(&self, pid: Pid) -> Outcome<()> {
        if pid == self.guardian.pid() {
            return Err(no_such_process(pid));
        }
        Ok(self.node()?.kill(pid)?)
    }

    /// Ends all that the node does, then its threads. Each process has its end in its queue when this returns.
    pub(crate) fn shut_down(&self) -> Outcome<()> {
        check_may_wait()?;
        let threads = self.lock_threads().take().ok_or_else(Failure::stopped)?;
        let node = self.node.clone();
        let stopping = self.executor.spawn(async move { node.shutdown().await });
        let stopped = wait(stopping, Timeout::NONE, "the node did not stop")?;
        drop(threads);
        self.residents.end_all(&Reason::Shutdown);
        stopped.map_err(|error| Failure::new(snow_status::SNOW_ERROR_PANIC, error.to_string()))
    }

    /// Shuts the node down if it runs, and forgets its handle and those of its processes.
    pub(crate) fn free(id: u64) -> Outcome<()> {
        check_may_wait()?;
        let running = NODES.remove(id)?;
        // One that has been shut down is no error here.
        let stopped = running.shut_down();
        running.residents.free_all();
        match stopped {
            Err(failure) if failure.status == snow_status::SNOW_ERROR_PANIC => Err(failure),
            _ => Ok(()),
        }
    }
}

pub(crate) fn no_such_process(pid: Pid) -> Failure {
    Failure::new(snow_status::SNOW_ERROR_NO_PROCESS, format!("{pid} is no living process of this node"))
}

/// The process that starts all others and monitors them: it learns why each has ended, which a process itself does not.
fn guard(node: &Node, residents: Arc<Residents>) -> Outcome<Delegate> {
    // What others send it is dropped.
    let pid = node.spawn_with(Mailbox::bounded(1), async move |mut ctx| -> Reason {
        loop {
            if let Received::Down { from, reason, .. } = ctx.recv().await {
                residents.ended(from, reason);
            }
        }
    })?;
    let guardian = node.delegate(pid).ok_or_else(Failure::stopped)?;
    guardian.trap_exit(true);
    Ok(guardian)
}

/// The processes of a node that the program reads.
#[derive(Default)]
pub(crate) struct Residents {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// From their start until they are freed and have ended.
    processes: HashMap<Pid, Arc<Process>>,
    /// Those that ended before they were entered here.
    ended_early: HashMap<Pid, Reason>,
}

impl Residents {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a process that was started.
    fn settle(&self, pid: Pid, process: &Arc<Process>) {
        let mut table = self.lock();
        if let Some(reason) = table.ended_early.remove(&pid) {
            process.queue.put_end(process, reason);
        }
        table.processes.insert(pid, Arc::clone(process));
    }

    fn ended(&self, pid: Pid, reason: Reason) {
        let mut table = self.lock();
        let Some(process) = table.processes.get(&pid) else {
            table.ended_early.insert(pid, reason);
            return;
        };
        process.queue.put_end(process, reason);
        if process.is_freed() {
            table.processes.remove(&pid);
        }
    }

    /// Lets go of a process that was freed, now or when it has ended.
    pub(crate) fn forget(&self, process: &Process) {
        let mut table = self.lock();
        if process.has_ended() {
            table.processes.remove(&process.pid());
        }
    }

    fn end_all(&self, reason: &Reason) {
        for process in self.lock().processes.values() {
            process.queue.put_end(process, reason.clone());
        }
    }

    fn free_all(&self) {
        let processes = std::mem::take(&mut self.lock().processes);
        for process in processes.into_values() {
            if PROCESSES.remove(process.id).is_ok() {
                process.let_go();
            }
        }
    }
}

/// The threads that run a node. They end when this is dropped.
struct Threads {
    /// Never told: that it is gone is the sign.
    quit: Option<oneshot::Sender<()>>,
    main: Option<JoinHandle<()>>,
}

impl Threads {
    fn start(count: usize) -> Outcome<(Self, Handle)> {
        let no_threads = |error| {
            Failure::new(
                snow_status::SNOW_ERROR_SYSTEM,
                format!("the threads of the node do not start: {error}"),
            )
        };
        let runtime = executor(count).map_err(no_threads)?;
        let handle = runtime.handle().clone();
        let (quit, quitting) = oneshot::channel::<()>();
        let run = move || {
            mark_thread();
            let _ = runtime.block_on(quitting);
            runtime.shutdown_timeout(THREADS_END);
        };
        let main = thread::Builder::new().name("snow-node".into()).spawn(run).map_err(no_threads)?;
        Ok((Self { quit: Some(quit), main: Some(main) }, handle))
    }
}

/// One thread alone runs the node in its main thread; several are beside it.
fn executor(threads: usize) -> std::io::Result<Runtime> {
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.worker_threads(threads).thread_name("snow-node").on_thread_start(mark_thread).enable_all().build()
}

impl Drop for Threads {
    fn drop(&mut self) {
        drop(self.quit.take());
        // It does not panic: what it runs are tasks, and a panic of one is its own.
        let _ = self.main.take().map(JoinHandle::join);
    }
}
