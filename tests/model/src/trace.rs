//! What has happened, in words.

use snow_dist_codec::{Frame, Reading};

use crate::step::{Act, Step};
use crate::verdict::Broken;
use crate::world::{Item, World};

const NODES: [&str; 3] = ["a", "b", "c"];

/// A line for each step.
#[must_use]
pub fn lines(path: Vec<(World, Option<Step>)>) -> Vec<String> {
    let steps: Vec<_> = path.iter().map(|(_, step)| *step).collect();
    let worlds: Vec<_> = path.into_iter().map(|(world, _)| world).collect();
    worlds
        .windows(2)
        .zip(steps)
        .filter_map(|(worlds, step)| Some(line(&worlds[0], step?, &worlds[1])))
        .collect()
}

fn line(before: &World, step: Step, after: &World) -> String {
    let (Step::Write { connection, side }
    | Step::Deliver { connection, side }
    | Step::Notice { connection, side }
    | Step::Finish { connection, side }
    | Step::Tell { connection, side, .. }
    | Step::Demonitor { connection, side, .. }
    | Step::Inject { connection, side, .. }) = step
    else {
        return without_connection(before, step);
    };
    let it = &before.connections[before.index_of(connection).expect("it is there")];
    let (node, end) = (NODES[it.nodes[side]], &it.ends[side]);
    let what = match step {
        Step::Write { .. } => {
            let unread = it.ends[1 - side].inbox.len();
            let inbox = after.index_of(connection).map(|at| &after.connections[at].ends[1 - side].inbox);
            let written = inbox.into_iter().flatten().skip(unread).map(item).collect::<Vec<_>>();
            format!(
                "writes {}",
                if written.is_empty() { "what is lost or void".to_owned() } else { written.join(", ") }
            )
        }
        Step::Deliver { .. } => format!("reads {}", end.inbox.front().map(item).unwrap_or_default()),
        Step::Notice { .. } => "notices the cut".to_owned(),
        Step::Finish { .. } => "tells the end of the session".to_owned(),
        Step::Tell { own, .. } => format!("tells the session of the end of process {}", own + 1),
        Step::Demonitor { reference, .. } => format!("ends the monitor {reference}"),
        Step::Inject { foreign, .. } => format!("writes what it must not: {foreign:?}"),
        _ => String::new(),
    };
    format!("{node}, connection {connection}: {what}")
}

fn without_connection(before: &World, step: Step) -> String {
    match step {
        Step::Act { act, node, own, known, remote } => {
            let of = before.nodes[node].known[known];
            let verb = match act {
                Act::Link => "links with",
                Act::Unlink => "unlinks from",
                Act::Monitor => "monitors",
                Act::Send => "sends to",
                Act::Call => "calls",
                Act::CallName => "calls by the name, not",
                Act::MonitorName => "monitors by the name, not",
                Act::Spawn => "asks for a process, not for",
                Act::SpawnLinked => "asks for a linked process, not for",
                Act::SpawnMonitored => "asks for a monitored process, not for",
            };
            format!(
                "{}: process {} {verb} process {} of {} (start {})",
                NODES[node],
                own + 1,
                remote + 1,
                NODES[of.node],
                of.start
            )
        }
        Step::Reply { node, request } => {
            format!("{}: {}", NODES[node], hand(before, node, request, "replies to"))
        }
        Step::Delegate { node, request } => {
            format!("{}: {}", NODES[node], hand(before, node, request, "hands on"))
        }
        Step::Drop { node, request } => format!("{}: {}", NODES[node], hand(before, node, request, "drops")),
        Step::Rename { node, own } => format!("{}: process {} has the name now", NODES[node], own + 1),
        Step::Start { node, own } => format!("{}: process {} starts", NODES[node], own + 1),
        Step::Exit { node, own } => format!("{}: process {} ends", NODES[node], own + 1),
        Step::Dial { node, peer } => {
            format!("{}: dials {}, as connection {}", NODES[node], NODES[peer], before.next_connection)
        }
        Step::Cut { connection } => format!("connection {connection} is cut"),
        Step::Restart { node } => format!("{} is restarted", NODES[node]),
        Step::Look { broken } => {
            format!("all is at rest, and it does not hold that {}", Broken::name(broken))
        }
        _ => String::new(),
    }
}

/// What whoever has a call does with it.
fn hand(before: &World, node: usize, request: usize, does: &str) -> String {
    let request = &before.nodes[node].requests[request];
    let (connection, reference) = (request.connection, request.caller.reference);
    format!("process {} {does} the call {reference} of connection {connection}", request.holder + 1)
}

fn item(item: &Item) -> String {
    match item {
        Item::Frame(payload) | Item::Foreign(_, payload) => match Frame::decode(payload, Reading::Strict) {
            Ok(frame) => format!("{frame:?}"),
            Err(error) => format!("{error}"),
        },
        other => format!("{other:?}"),
    }
}
