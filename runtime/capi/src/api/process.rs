//! The functions for processes and their actions.

use std::ffi::c_char;

use snow_dist_runtime::core::Term;
use snow_dist_runtime::{Mailbox, Pid, WhenFull};

use crate::boundary::{self, Out, bytes, guard, text};
use crate::failure::{Failure, Outcome};
use crate::process::Process;
use crate::types::{snow_node, snow_pid, snow_process, snow_queue, snow_reason, snow_status, snow_when_full};
use crate::wait::Timeout;

/// Starts a process. The items that it receives arrive as events in `queue`, from which the program takes them.
/// Several processes can share a queue. While a queue is full, all of them wait, so give a process whose events the
/// program may leave unread its own queue. Free the process with `snow_process_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_spawn(
    node: snow_node,
    queue: snow_queue,
    process: *mut snow_process,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(process, "process") }?;
        spawn(node, queue, Mailbox::unbounded(), out)
    })
}

/// Starts a process as `snow_spawn` does, with a mailbox that holds at most `messages_max` messages, 1 or more.
/// Messages that are already in the queue do not count. When the mailbox is full, senders on the same node wait, and
/// `when_full`, one of `snow_when_full`, applies to messages from other nodes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_spawn_bounded(
    node: snow_node,
    queue: snow_queue,
    messages_max: u64,
    when_full: u32,
    process: *mut snow_process,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(process, "process") }?;
        spawn(node, queue, mailbox(messages_max, when_full)?, out)
    })
}

fn spawn(node: snow_node, queue: snow_queue, mailbox: Mailbox, out: Out<snow_process>) -> Outcome<()> {
    out.put(snow_process { id: node.get()?.spawn(&queue.get()?, mailbox)?.id });
    Ok(())
}

fn mailbox(messages_max: u64, when_full: u32) -> Outcome<Mailbox> {
    const DROP: u32 = snow_when_full::SNOW_WHEN_FULL_DROP as u32;
    const END: u32 = snow_when_full::SNOW_WHEN_FULL_END as u32;
    let policy = match when_full {
        DROP => WhenFull::Drop,
        END => WhenFull::EndProcess,
        other => return Err(Failure::argument(format!("there is no policy {other} of a full mailbox"))),
    };
    match usize::try_from(messages_max) {
        Ok(0) => Err(Failure::argument("a mailbox holds at least one message")),
        Ok(count) => Ok(Mailbox::bounded(count).when_full(policy)),
        Err(_) => Ok(Mailbox::unbounded()),
    }
}

/// Frees a process. If the process is alive, it ends with `SNOW_REASON_NORMAL`. Its unread events are discarded.
#[unsafe(no_mangle)]
pub extern "C" fn snow_process_free(process: snow_process) -> snow_status {
    guard(|| Process::free(process.id))
}

/// Writes the pid of a process to `pid`. Other processes need the pid to send to the process. This also works after
/// the end of the process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_self(process: snow_process, pid: *mut snow_pid) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(pid, "pid") }?;
        out.put(process.get()?.pid().into());
        Ok(())
    })
}

/// Sends a message from a process. A message to a process that does not exist, or to a node without a session, is
/// dropped.
///
/// While the queue of the session with the other node is full, or a bounded mailbox on this node is full, the function
/// waits, for at most `timeout` milliseconds, or without a limit if `timeout` is negative. `SNOW_TIMEOUT` means that
/// the message was not sent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_send(
    process: snow_process,
    to: snow_pid,
    data: *const u8,
    length: usize,
    timeout: i64,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let data = unsafe { bytes(data, length, "data") }?;
        process.get()?.send(to.into(), data, Timeout::of_millis(timeout))
    })
}

/// Sends a term as `snow_send` sends a message. The receiver learns that the message is a term, if the session can
/// carry this mark. In the bytes, the first pid must be 0, the next one 1, and so on. `pids` contains the processes
/// that they stand for. Returns `SNOW_ERROR_TERM` if the bytes are not exactly one term, or if the pids do not fit the
/// term.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_send_term(
    process: snow_process,
    to: snow_pid,
    term: *const u8,
    length: usize,
    pids: *const snow_pid,
    pid_count: usize,
    timeout: i64,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let term = unsafe { written(term, length, pids, pid_count) }?;
        process.get()?.send_term(to.into(), term, Timeout::of_millis(timeout))
    })
}

/// # Safety
/// As the module says.
unsafe fn written(term: *const u8, length: usize, pids: *const snow_pid, pid_count: usize) -> Outcome<Term> {
    // SAFETY: as the caller promises.
    let (term, pids) = unsafe { (bytes(term, length, "term"), boundary::pids(pids, pid_count, "pids")) };
    let pids: Vec<Pid> = pids?.iter().copied().map(Pid::from).collect();
    Ok(Term::new(term?.to_vec(), &pids)?)
}

/// Sends a message as `snow_send` does, to the process that is registered under `name` on the node `node`, which can
/// be the node of the sender or another one. If no process has the name, the message is dropped. If `node` has no
/// port, port 9000 is assumed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_send_named(
    process: snow_process,
    name: *const c_char,
    node: *const c_char,
    data: *const u8,
    length: usize,
    timeout: i64,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let (name, node) = unsafe { (text(name, "name"), text(node, "node")) };
        // SAFETY: as the module says.
        let data = unsafe { bytes(data, length, "data") }?;
        process.get()?.send_named(name?, node?, data, Timeout::of_millis(timeout))
    })
}

/// Sends a term as `snow_send_term` does, to the process that is registered under `name` on the node `node`. Returns
/// `SNOW_ERROR_REFUSED` if the term contains pids, and the session with that node lacks the capability `names`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_send_named_term(
    process: snow_process,
    name: *const c_char,
    node: *const c_char,
    term: *const u8,
    length: usize,
    pids: *const snow_pid,
    pid_count: usize,
    timeout: i64,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let (name, node) = unsafe { (text(name, "name"), text(node, "node")) };
        // SAFETY: as the module says.
        let term = unsafe { written(term, length, pids, pid_count) }?;
        process.get()?.send_named_term(name?, node?, term, Timeout::of_millis(timeout))
    })
}

/// Links a process with another one: when one of them ends, the other receives an exit signal. If the other process
/// does not exist, or if there is no session with its node, the exit signal comes at once. Waits as `snow_send` does.
#[unsafe(no_mangle)]
pub extern "C" fn snow_link(process: snow_process, to: snow_pid, timeout: i64) -> snow_status {
    guard(|| process.get()?.link(to.into(), Timeout::of_millis(timeout)))
}

/// Removes a link, if there is one. After this call, no exit signal of the link enters the mailbox. A signal that is
/// already in the mailbox or in the queue stays there.
#[unsafe(no_mangle)]
pub extern "C" fn snow_unlink(process: snow_process, from: snow_pid) -> snow_status {
    guard(|| process.get()?.unlink(from.into()))
}

/// Monitors a process, and writes the reference of the monitor to `reference`. When the other process ends, this
/// process receives one `SNOW_EVENT_DOWN` with this reference. If the other process does not exist, or if there is no
/// session with its node, the event comes at once. Waits as `snow_send` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_monitor(
    process: snow_process,
    of: snow_pid,
    timeout: i64,
    reference: *mut u64,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(reference, "reference") }?;
        out.put(process.get()?.monitor(of.into(), Timeout::of_millis(timeout))?);
        Ok(())
    })
}

/// Removes a monitor of the process, if it still exists. After this call, no `SNOW_EVENT_DOWN` of the monitor enters
/// the mailbox. An event that is already in the mailbox or in the queue stays there.
#[unsafe(no_mangle)]
pub extern "C" fn snow_demonitor(process: snow_process, reference: u64) -> snow_status {
    guard(|| process.get()?.demonitor(reference))
}

/// Starts watching a node: from now on the process receives `SNOW_EVENT_NODE_UP` when a session with the node begins,
/// and `SNOW_EVENT_NODE_DOWN` when the session ends. A session that already exists causes no `SNOW_EVENT_NODE_UP`.
/// Watching a node twice has the effect of watching it once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_monitor_node(process: snow_process, name: *const c_char) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let name = unsafe { text(name, "name") }?;
        process.get()?.monitor_node(name)
    })
}

/// Stops watching a node. Events that are already in the mailbox or in the queue stay there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_demonitor_node(process: snow_process, name: *const c_char) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let name = unsafe { text(name, "name") }?;
        process.get()?.demonitor_node(name)
    })
}

/// Sets whether a process traps exits. A process that traps exits receives each exit signal as an event. Any other
/// process receives only signals with `SNOW_REASON_NORMAL` and `SNOW_REASON_SHUTDOWN`, and is ended by all others.
#[unsafe(no_mangle)]
pub extern "C" fn snow_trap_exit(process: snow_process, trap: bool) -> snow_status {
    guard(|| process.get()?.trap_exit(trap))
}

/// Ends a process with a reason. If `reason` is null, the reason is `SNOW_REASON_NORMAL`. Processes that are linked
/// with the process, or that monitor it, receive the reason. The handle must still be freed with `snow_process_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_exit(process: snow_process, reason: *const snow_reason) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let reason = unsafe { boundary::reason(reason) }?;
        process.get()?.exit(reason)
    })
}

/// Sends an exit signal from a process to another one, whether the two are linked or not. The signal ends the
/// receiver, unless the receiver traps exits or the reason is `SNOW_REASON_NORMAL` or `SNOW_REASON_SHUTDOWN`. If
/// `reason` is null, the reason is `SNOW_REASON_NORMAL`. Returns `SNOW_ERROR_REFUSED` if one of the two nodes does not
/// let the other send exit signals. Waits as `snow_send` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_send_exit(
    process: snow_process,
    to: snow_pid,
    reason: *const snow_reason,
    timeout: i64,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let reason = unsafe { boundary::reason(reason) }?;
        process.get()?.send_exit(to.into(), reason, Timeout::of_millis(timeout))
    })
}
