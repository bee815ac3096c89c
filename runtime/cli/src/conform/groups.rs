//! Groups, as the adapter's commands have them. The node takes part in them from the first of these on.

use serde_json::{Value, json};
use snow_dist_runtime::{Groups, Node, Pid};

use super::field;
use super::reasons::process;

/// A process joins a group, or leaves it.
pub(super) fn change(node: &Node, pid: Pid, command: &Value) -> Result<Value, String> {
    if !node.is_alive(pid) {
        return Err(format!("process {} has ended", pid.local()));
    }
    let (groups, group) = (of(node)?, name(command)?);
    if *field(command, "do") == json!("leave_group") {
        return Ok(json!({"left": groups.leave(group, pid)}));
    }
    let joined = groups.join(group, pid).map_err(|error| error.to_string())?;
    Ok(json!({"joined": joined}))
}

/// The members of a group on all nodes.
pub(super) fn members(node: &Node, command: &Value) -> Result<Value, String> {
    let members = of(node)?.members(name(command)?);
    Ok(json!({"members": members.into_iter().map(|pid| process(pid, node)).collect::<Vec<_>>()}))
}

/// Sends a message to all members of a group.
pub(super) async fn send(node: &Node, command: &Value) -> Result<Value, String> {
    let (groups, group) = (of(node)?, name(command)?);
    let message = hex::decode(field(command, "message").as_str().unwrap_or_default());
    let message = message.map_err(|error| error.to_string())?;
    groups.send_all(group, message).await;
    Ok(json!({}))
}

fn of(node: &Node) -> Result<Groups, String> {
    node.groups().map_err(|error| error.to_string())
}

fn name(command: &Value) -> Result<&str, String> {
    field(command, "group").as_str().ok_or_else(|| "no group".to_owned())
}
