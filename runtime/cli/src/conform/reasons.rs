//! Exit reasons as the adapter's lines have them.

use std::sync::Arc;

use serde_json::{Value, json};
use snow_dist_runtime::{Node, Pid, Reason};

use super::field;

/// A reason in JSON, its hops by node and process.
pub(super) fn to_json(reason: &Reason, node: &Node) -> Value {
    match reason {
        Reason::Normal => json!({"kind": "normal"}),
        Reason::Error(text) => json!({"kind": "error", "text": &**text}),
        Reason::Killed => json!({"kind": "killed"}),
        Reason::Shutdown => json!({"kind": "shutdown"}),
        Reason::Custom(text) => json!({"kind": "custom", "text": &**text}),
        Reason::Noconnection => json!({"kind": "noconnection"}),
        Reason::Unknown(bytes) => {
            let code = bytes.first().copied().unwrap_or_default();
            json!({"kind": "unknown", "code": code, "payload": hex::encode(bytes.get(1..).unwrap_or_default())})
        }
        Reason::Linked(chain) => {
            let hops: Vec<_> = chain.hops.iter().map(|hop| process(*hop, node)).collect();
            json!({"kind": "linked", "hops": hops, "root": to_json(&chain.root, node)})
        }
    }
}

/// A process by the name of its node and its number there.
pub(super) fn process(pid: Pid, node: &Node) -> Value {
    let name: Option<Arc<str>> = node.node_of(pid);
    json!({"node": name.as_deref(), "process": pid.local()})
}

/// The reason that a command names.
pub(super) fn of_json(value: &Value) -> Result<Reason, String> {
    let text = || field(value, "text").as_str().ok_or_else(|| "this reason needs a text".to_owned());
    match field(value, "kind").as_str() {
        Some("normal") => Ok(Reason::Normal),
        Some("error") => text().map(Reason::error),
        Some("killed") => Ok(Reason::Killed),
        Some("shutdown") => Ok(Reason::Shutdown),
        Some("custom") => text().map(Reason::custom),
        _ => Err(format!("no reason to end with: {value}")),
    }
}
