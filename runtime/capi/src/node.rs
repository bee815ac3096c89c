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
    /// Held by whoever shuts the node down. Who else wants that has what it promises when this is free.
    stopping: Mutex<()>,
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
        let stopping = Mutex::default();
        Ok(NODES.keep(|id| Self { id, node, executor, guardian, residents, threads, stopping }))
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
                self.residents.settle(pid, &process).inspect_err(|_| process.withdraw())?;
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

    /// Ends all that the node does, then its threads. Each process has its end in its queue when this returns, also if
    /// another thread has done it.
    pub(crate) fn shut_down(&self) -> Outcome<()> {
        check_may_wait()?;
        let _stopping = self.stopping.lock().unwrap_or_else(PoisonError::into_inner);
        let threads = self.lock_threads().take().ok_or_else(Failure::stopped)?;
        let node = self.node.clone();
        let stopping = self.executor.spawn(async move { node.shutdown().await });
        let stopped = wait(stopping, Timeout::NONE, "the node did not stop")?;
        drop(threads);
        self.residents.end_all(Reason::Shutdown);
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
    /// How the node has ended all of them, and with that each that is entered afterwards.
    all_ended: Option<Reason>,
    /// The node is freed, and keeps no process any more.
    is_freed: bool,
}

impl Residents {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a process that was started. The node may have been shut down since, or freed.
    fn settle(&self, pid: Pid, process: &Arc<Process>) -> Outcome<()> {
        let mut table = self.lock();
        if table.is_freed {
            return Err(Failure::stopped());
        }
        if let Some(reason) = table.ended_early.remove(&pid).or_else(|| table.all_ended.clone()) {
            process.queue.put_end(process, reason);
        }
        table.processes.insert(pid, Arc::clone(process));
        Ok(())
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

    fn end_all(&self, reason: Reason) {
        let mut table = self.lock();
        for process in table.processes.values() {
            process.queue.put_end(process, reason.clone());
        }
        table.all_ended = Some(reason);
    }

    fn free_all(&self) {
        let mut table = self.lock();
        table.is_freed = true;
        let processes = std::mem::take(&mut table.processes);
        drop(table);
        for process in processes.into_values() {
            process.withdraw();
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::sync::mpsc;

    use super::*;
    use crate::queue::What;
    use crate::types::snow_pid;

    const ROUNDS: usize = 20;

    fn start() -> Arc<Running> {
        let builder = Node::builder("a@127.0.0.1:0").cookie("a cookie of thirty-two letters..");
        Running::start(builder, 1).unwrap()
    }

    fn status<T>(outcome: Outcome<T>) -> snow_status {
        outcome.map_or_else(|failure| failure.status, |_| snow_status::SNOW_OK)
    }

    /// The program waits for these without a time.
    fn has_end(queue: &Queue) -> bool {
        queue.next(Timeout::of_millis(0)).is_ok_and(|event| matches!(event.what, What::Ended(_)))
    }

    /// A process that was started by a node's last act, and so has a pid.
    fn started(queue: &Arc<Queue>, residents: &Arc<Residents>) -> Arc<Process> {
        queue.enter().unwrap();
        let process = PROCESSES.keep(|id| Process::new(id, Arc::clone(queue), Arc::downgrade(residents)));
        process.has_started(Pid::from(snow_pid { node: 0, process: process.id }), None);
        process
    }

    #[test]
    fn a_process_that_is_entered_after_the_end_of_all_has_its_end() {
        let (queue, residents) = (Queue::open(1).unwrap(), Arc::default());
        let process = started(&queue, &residents);
        residents.end_all(Reason::Shutdown);
        residents.settle(process.pid(), &process).unwrap();
        assert!(has_end(&queue));
        residents.free_all();
        Queue::free(queue.id).unwrap();
    }

    #[test]
    fn a_process_that_is_entered_after_its_node_was_freed_is_none() {
        let (queue, residents) = (Queue::open(1).unwrap(), Arc::default());
        let process = started(&queue, &residents);
        residents.free_all();
        assert_eq!(status(residents.settle(process.pid(), &process)), snow_status::SNOW_ERROR_STOPPED);
        process.withdraw();
        assert_eq!(status(PROCESSES.get(process.id)), snow_status::SNOW_ERROR_HANDLE);
        Queue::free(queue.id).unwrap();
    }

    #[test]
    fn every_process_has_its_end_when_it_is_started_while_the_node_stops() {
        for _ in 0..ROUNDS {
            let (node, queue) = (start(), Queue::open(0).unwrap());
            let (tell, told) = mpsc::channel();
            let spawning = {
                let (node, queue) = (Arc::clone(&node), Arc::clone(&queue));
                thread::spawn(move || {
                    let spawn = || node.spawn(&queue, Mailbox::unbounded()).ok();
                    std::iter::from_fn(spawn).inspect(|_| tell.send(()).unwrap_or_default()).count()
                })
            };
            told.recv().unwrap();
            node.shut_down().unwrap();
            for _ in 0..spawning.join().unwrap() {
                assert!(has_end(&queue));
            }
            Running::free(node.id).unwrap();
            Queue::free(queue.id).unwrap();
        }
    }

    #[test]
    fn whoever_asks_for_the_end_of_a_node_while_it_stops_waits_for_it() {
        for round in 0..ROUNDS {
            let (node, queue) = (start(), Queue::open(1).unwrap());
            node.spawn(&queue, Mailbox::unbounded()).unwrap();
            let name = node.node().unwrap().name().to_owned();
            let first = thread::spawn({
                let node = Arc::clone(&node);
                move || node.shut_down()
            });
            while node.node().is_ok() {
                thread::yield_now();
            }
            if round % 2 == 0 {
                assert_eq!(status(node.shut_down()), snow_status::SNOW_ERROR_STOPPED);
                assert!(has_end(&queue), "the node still stops");
            }
            Running::free(node.id).unwrap();
            let (_, address) = name.split_once('@').unwrap();
            std::net::TcpListener::bind(address).expect("the port is free");
            assert_eq!(status(first.join().unwrap()), snow_status::SNOW_OK);
            Queue::free(queue.id).unwrap();
        }
    }
}
