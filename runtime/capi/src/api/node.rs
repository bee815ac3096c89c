//! The functions for nodes.

use std::ffi::c_char;

use snow_dist_codec::Pid as WirePid;
use snow_dist_runtime::Pid;

use crate::boundary::{Out, guard, text};
use crate::failure::Failure;
use crate::held;
use crate::node::{Running, no_such_process};
use crate::types::{snow_bytes, snow_node, snow_pid, snow_status};
use crate::wait::Timeout;

/// Shuts a node down: ends all its sessions gracefully, then all its processes, and then its threads. Data that is
/// queued for other nodes is still sent, for at most 5 s. When this function returns, the port of the node is free,
/// and each of its processes has `SNOW_EVENT_ENDED` in its queue.
///
/// Every later call that needs the node returns `SNOW_ERROR_STOPPED`. This includes a second call of this function,
/// which first waits until the node is down. Free the handle of the node with `snow_node_free`.
#[unsafe(no_mangle)]
pub extern "C" fn snow_shutdown(node: snow_node) -> snow_status {
    guard(|| node.get()?.shut_down())
}

/// Frees a node and all its processes that were not freed. Shuts the node down first if it runs.
#[unsafe(no_mangle)]
pub extern "C" fn snow_node_free(node: snow_node) -> snow_status {
    guard(|| Running::free(node.id))
}

/// Writes the name of the node, with its port, to `name`. Free the name with `snow_bytes_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_node_name(node: snow_node, name: *mut snow_bytes) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(name, "name") }?;
        out.put(held::bytes(node.get()?.node()?.name().as_bytes())?);
        Ok(())
    })
}

/// Reads the files of cookies and certificates again, and uses their content in each handshake that begins from now
/// on. Sessions are not affected. If one of the files cannot be used, nothing changes, and the result is
/// `SNOW_ERROR_UNUSABLE`. The call blocks its thread until the files are read.
#[unsafe(no_mangle)]
pub extern "C" fn snow_reload(node: snow_node) -> snow_status {
    guard(|| Ok(node.get()?.node()?.reload()?))
}

/// Establishes a session with a node, and returns when the session exists. If there is a session already, returns at
/// once. Waits for at most `timeout` milliseconds, or without a limit if `timeout` is negative. A dial that has begun
/// continues after the timeout. Without a port in the name, port 9000 is assumed. Returns `SNOW_ERROR_CONNECT` if no
/// session could be established.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_connect(node: snow_node, name: *const c_char, timeout: i64) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let name = unsafe { text(name, "name") }?;
        node.get()?.connect(name, Timeout::of_millis(timeout))
    })
}

/// Starts to end the session with a node, and returns at once. Queued data is still sent, for at most 5 s. Returns
/// `SNOW_ERROR_CONNECT` if there is no session with the node.
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

/// Writes the names of all nodes with which there is a session to `names`, in alphabetical order, each followed by a
/// line feed. Free the names with `snow_bytes_free`.
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

/// Writes the pid of the process with the number `number` on a node to `pid`. The number is the lower 40 bits of
/// `snow_pid.process`. Returns `SNOW_ERROR_CONNECT` if there is no session with the node. The process need not exist:
/// only the other node knows whether it does.
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

/// Writes the name of the node on which a process runs to `name`. Free the name with `snow_bytes_free`. Returns
/// `SNOW_ERROR_CONNECT` if that is another node, and there is no session with it.
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

/// Registers a process of this node under a name, until the process ends or the name is removed (`snow_unregister`).
/// Returns `SNOW_ERROR_NAME_TAKEN` if a process has the name already, and `SNOW_ERROR_NO_PROCESS` if the process does
/// not exist on this node.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_register(node: snow_node, name: *const c_char, pid: snow_pid) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let name = unsafe { text(name, "name") }?;
        Ok(node.get()?.node()?.register(name, pid.into())?)
    })
}

/// Removes a name on this node from the process that has it. Returns `SNOW_ERROR_NO_PROCESS` if no process has the
/// name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_unregister(node: snow_node, name: *const c_char) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let name = unsafe { text(name, "name") }?;
        node.get()?.node()?.unregister(name).map(drop).ok_or_else(|| nobody(name))
    })
}

/// Writes the pid of the process that is registered under a name on this node to `pid`. Returns
/// `SNOW_ERROR_NO_PROCESS` if no process has the name.
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

/// Kills a process of this node. The process cannot trap this. Processes that are linked with it receive an exit
/// signal with `SNOW_REASON_KILLED`. Killing a process that has ended has no effect. Returns `SNOW_ERROR_NO_PROCESS`
/// if the process runs on another node.
#[unsafe(no_mangle)]
pub extern "C" fn snow_kill(node: snow_node, pid: snow_pid) -> snow_status {
    guard(|| node.get()?.kill(pid.into()))
}

/// Returns `SNOW_OK` if the process is a live process of this node, and `SNOW_ERROR_NO_PROCESS` otherwise.
#[unsafe(no_mangle)]
pub extern "C" fn snow_is_alive(node: snow_node, pid: snow_pid) -> snow_status {
    guard(|| {
        let pid = Pid::from(pid);
        if node.get()?.node()?.is_alive(pid) { Ok(()) } else { Err(no_such_process(pid)) }
    })
}
