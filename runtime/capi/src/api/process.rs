//! Processes, and what they do.

use std::ffi::c_char;

use snow_dist_runtime::core::Term;
use snow_dist_runtime::{Mailbox, Pid, WhenFull};

use crate::boundary::{self, Out, bytes, guard, text};
use crate::failure::{Failure, Outcome};
use crate::process::Process;
use crate::types::{snow_node, snow_pid, snow_process, snow_queue, snow_reason, snow_status, snow_when_full};
use crate::wait::Timeout;

/// Starts a process whose mailbox the program reads: what it receives comes to `queue`. Processes can share a queue. One whose
/// events the program does not read fills it and so holds up the others: give it a queue of its own. `snow_process_free`
/// frees the process.
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

/// Starts a process as `snow_spawn` does, whose mailbox holds at most `messages_max` messages, 1 or more, beside those that are
/// in its queue. `when_full`, one of `snow_when_full`, says what one from another node then does; senders of the same node
/// wait.
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

/// Frees a process. One that lives ends with `SNOW_REASON_NORMAL`. Events of it that were not read do not come any more.
#[unsafe(no_mangle)]
pub extern "C" fn snow_process_free(process: snow_process) -> snow_status {
    guard(|| Process::free(process.id))
}

/// Gives the pid of a process, by which others send to it. It has one still when it has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_self(process: snow_process, pid: *mut snow_pid) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(pid, "pid") }?;
        out.put(process.get()?.pid().into());
        Ok(())
    })
}

/// Sends a message from a process. A message to a process that is not there is dropped. While the other node's queue, or a
/// bounded mailbox of this node, is full it waits for room: at most `timeout` milliseconds, and then `SNOW_TIMEOUT` says
/// that it is not sent; negative: as long as it takes. The library copies the bytes.
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

/// Sends a term as `snow_send` sends a message; the receiver is told that it is one, if the session can say so. In the bytes,
/// the first pid is 0, the next is 1, and so on: `pids` says which processes they are. `SNOW_ERROR_TERM` if the bytes are not
/// one whole term, or have other pids.
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

/// Sends a message as `snow_send` does, to whoever is registered under `name` on a node, which can be the own one.
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

/// Sends a term as `snow_send_term` does, to whoever is registered under `name` on a node. A term with pids is
/// `SNOW_ERROR_REFUSED` if the session with that node lacks the capability `names`.
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

/// Links a process and another: the end of one is an exit signal for the other. If there is no such process, or no session
/// with its node, that signal comes at once. It waits as `snow_send` does.
#[unsafe(no_mangle)]
pub extern "C" fn snow_link(process: snow_process, to: snow_pid, timeout: i64) -> snow_status {
    guard(|| process.get()?.link(to.into(), Timeout::of_millis(timeout)))
}

/// Ends a link, if there is one. No exit signal of it comes to the mailbox any more; one that is there, or in the queue,
/// stays.
#[unsafe(no_mangle)]
pub extern "C" fn snow_unlink(process: snow_process, from: snow_pid) -> snow_status {
    guard(|| process.get()?.unlink(from.into()))
}

/// Monitors a process: its end becomes one `SNOW_EVENT_DOWN` with this `reference`. If there is no such process, or no
/// session with its node, that comes at once. It waits as `snow_send` does.
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

/// Ends a monitor, if it is one of this process and not over. Its `SNOW_EVENT_DOWN` does not come to the mailbox any more;
/// one that is there, or in the queue, stays.
#[unsafe(no_mangle)]
pub extern "C" fn snow_demonitor(process: snow_process, reference: u64) -> snow_status {
    guard(|| process.get()?.demonitor(reference))
}

/// Monitors a node: when a session with it begins and ends, `SNOW_EVENT_NODE_UP` and `SNOW_EVENT_NODE_DOWN` come. Twice is
/// once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_monitor_node(process: snow_process, name: *const c_char) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let name = unsafe { text(name, "name") }?;
        process.get()?.monitor_node(name)
    })
}

/// Stops monitoring a node.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_demonitor_node(process: snow_process, name: *const c_char) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let name = unsafe { text(name, "name") }?;
        process.get()?.demonitor_node(name)
    })
}

/// Sets whether exit signals become events, whatever their reason. Otherwise one with another reason than
/// `SNOW_REASON_NORMAL` and `SNOW_REASON_SHUTDOWN` ends the process.
#[unsafe(no_mangle)]
pub extern "C" fn snow_trap_exit(process: snow_process, trap: bool) -> snow_status {
    guard(|| process.get()?.trap_exit(trap))
}

/// Ends a process with a reason; `SNOW_REASON_NORMAL` if it is null. Whoever is linked to it or monitors it learns of it. The
/// handle is still to be freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_exit(process: snow_process, reason: *const snow_reason) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let reason = unsafe { boundary::reason(reason) }?;
        process.get()?.exit(reason)
    })
}

/// Sends another process an exit signal, linked or not. It ends that process unless that traps exits, or the reason is
/// `SNOW_REASON_NORMAL` or `SNOW_REASON_SHUTDOWN`. `SNOW_ERROR_REFUSED` if one of the two nodes does not allow it. It waits as
/// `snow_send` does.
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
