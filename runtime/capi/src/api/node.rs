//! Nodes.

use std::ffi::c_char;

use snow_dist_codec::Pid as WirePid;
use snow_dist_runtime::Pid;

use crate::boundary::{Out, guard, text};
use crate::failure::Failure;
use crate::held;
use crate::node::{Running, no_such_process};
use crate::types::{snow_bytes, snow_node, snow_pid, snow_status};
use crate::wait::Timeout;

/// Ends all sessions of a node gracefully, then all its processes, then its threads. What is queued for other nodes
/// is still sent, for at most 5 s. When this returns, its port is free, and each of its processes has
/// `SNOW_EVENT_ENDED` in its queue. The node's handle is still to be freed. Every call that needs the node returns
/// `SNOW_ERROR_STOPPED` from now on, this one too; when it does, the node is down: it waits for another thread that
/// shuts it down.
#[unsafe(no_mangle)]
pub extern "C" fn snow_shutdown(node: snow_node) -> snow_status {
    guard(|| node.get()?.shut_down())
}

/// Frees a node, and all its processes that were not freed; shuts it down first if it runs.
#[unsafe(no_mangle)]
pub extern "C" fn snow_node_free(node: snow_node) -> snow_status {
    guard(|| Running::free(node.id))
}

/// Gives the name by which other nodes know this one, with its port. `snow_bytes_free` frees it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_node_name(node: snow_node, name: *mut snow_bytes) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(name, "name") }?;
        out.put(held::bytes(node.get()?.node()?.name().as_bytes())?);
        Ok(())
    })
}

/// Reads the files of cookies and certificates again, for each handshake that begins from now on. Sessions are not affected. If
/// one of the files cannot be used, nothing changes, and it is `SNOW_ERROR_UNUSABLE`. The calling thread reads the files.
#[unsafe(no_mangle)]
pub extern "C" fn snow_reload(node: snow_node) -> snow_status {
    guard(|| Ok(node.get()?.node()?.reload()?))
}

/// Makes sure that there is a session with a node, within `timeout` milliseconds; negative: as long as it takes. A dial that
/// has begun is seen through even if the time is over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_connect(node: snow_node, name: *const c_char, timeout: i64) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let name = unsafe { text(name, "name") }?;
        node.get()?.connect(name, Timeout::of_millis(timeout))
    })
}

/// Begins to end the session with a node: what is queued is still sent, for at most 5 s. If there is none, it is
/// `SNOW_ERROR_CONNECT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_disconnect(node: snow_node, name: *const c_char) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let name = unsafe { text(name, "name") }?;
        if node.get()?.node()?.disconnect(name) { Ok(()) } else { Err(no_session(name)) }
    })
}

fn no_session(name: &str) -> Failure {
    Failure::new(snow_status::SNOW_ERROR_CONNECT, format!("there is no session with {name}"))
}

/// Gives the names of all nodes with which there is a session, in alphabetical order, each followed by a line feed.
/// `snow_bytes_free` frees them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_nodes(node: snow_node, names: *mut snow_bytes) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(names, "names") }?;
        let nodes = node.get()?.node()?.nodes();
        let lines: String = nodes.iter().flat_map(|name| [name, "\n"]).collect();
        out.put(held::bytes(lines.as_bytes())?);
        Ok(())
    })
}

/// Gives the pid of the process that is numbered `number` on a node, if there is a session with it: `SNOW_ERROR_CONNECT` if
/// there is none. The number has 40 bits, those of `snow_pid.process` without the creation above them. Whether there is such a
/// process, only that node knows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_pid_on(
    node: snow_node,
    name: *const c_char,
    number: u64,
    pid: *mut snow_pid,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let (name, out) = unsafe { (text(name, "name"), Out::new(pid, "pid")) };
        let (name, out) = (name?, out?);
        if number > WirePid::LOCAL_MAX {
            return Err(Failure::argument(format!("the number is {number}: it has at most 40 bits")));
        }
        let found = node.get()?.node()?.pid_on(name, number);
        out.put(found.ok_or_else(|| no_session(name))?.into());
        Ok(())
    })
}

/// Gives the name of the node that a process runs on: `SNOW_ERROR_CONNECT` if it is another one, and there is no session with
/// it. `snow_bytes_free` frees it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_node_of(node: snow_node, pid: snow_pid, name: *mut snow_bytes) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(name, "name") }?;
        let pid = Pid::from(pid);
        let found = node.get()?.node()?.node_of(pid);
        let found = found.ok_or_else(|| no_session(&format!("the node of {pid}")))?;
        out.put(held::bytes(found.as_bytes())?);
        Ok(())
    })
}

/// Registers a process of this node under a name, until it ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_register(node: snow_node, name: *const c_char, pid: snow_pid) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let name = unsafe { text(name, "name") }?;
        Ok(node.get()?.node()?.register(name, pid.into())?)
    })
}

/// Takes a name away from whoever has it: `SNOW_ERROR_NO_PROCESS` if nobody does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_unregister(node: snow_node, name: *const c_char) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let name = unsafe { text(name, "name") }?;
        node.get()?.node()?.unregister(name).map(drop).ok_or_else(|| nobody(name))
    })
}

/// Gives who is registered under a name on this node: `SNOW_ERROR_NO_PROCESS` if nobody is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_whereis(
    node: snow_node,
    name: *const c_char,
    pid: *mut snow_pid,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let (name, out) = unsafe { (text(name, "name"), Out::new(pid, "pid")) };
        let (name, out) = (name?, out?);
        out.put(node.get()?.node()?.whereis(name).ok_or_else(|| nobody(name))?.into());
        Ok(())
    })
}

fn nobody(name: &str) -> Failure {
    Failure::new(snow_status::SNOW_ERROR_NO_PROCESS, format!("nobody is registered under {name:?}"))
}

/// Kills a process of this node, if it is there. It cannot trap that; what is linked to it gets `SNOW_REASON_KILLED`.
/// `SNOW_ERROR_NO_PROCESS` if it is one of another node.
#[unsafe(no_mangle)]
pub extern "C" fn snow_kill(node: snow_node, pid: snow_pid) -> snow_status {
    guard(|| node.get()?.kill(pid.into()))
}

/// `SNOW_OK` if the process is a living one of this node, `SNOW_ERROR_NO_PROCESS` if not.
#[unsafe(no_mangle)]
pub extern "C" fn snow_is_alive(node: snow_node, pid: snow_pid) -> snow_status {
    guard(|| {
        let pid = Pid::from(pid);
        if node.get()?.node()?.is_alive(pid) { Ok(()) } else { Err(no_such_process(pid)) }
    })
}
