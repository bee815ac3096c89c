//! Commands about nodes.

use super::Command;
use crate::node::shell::Shell;
use crate::node::words::{Failure, Words};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "connect",
        takes: "NODE",
        about: "Connect with a node: NAME@HOST:PORT, port 9000 if none is said.",
        more: "Nothing else makes a connection: sends, links and monitors need one that is there.",
        run: |shell, words| Box::pin(connect(shell, words)),
    },
    Command {
        name: "disconnect",
        takes: "NODE",
        about: "End the session with a node in order.",
        more: "",
        run: |shell, words| Box::pin(disconnect(shell, words)),
    },
    Command {
        name: "nodes",
        takes: "",
        about: "List the nodes that this one is connected with.",
        more: "The round-trip time is that of the last PING of the heartbeat, if there was one.",
        run: |shell, words| Box::pin(nodes(shell, words)),
    },
    Command {
        name: "info",
        takes: "",
        about: "Show this node: its name, incarnation, and counters.",
        more: "",
        run: |shell, words| Box::pin(info(shell, words)),
    },
];

async fn connect(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let node = words.need("NODE")?;
    words.end()?;
    shell.node.connect(&node).await?;
    shell.say(format!("connected with {node}"));
    Ok(())
}

async fn disconnect(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let node = words.need("NODE")?;
    words.end()?;
    if shell.node.disconnect(&node) {
        Ok(())
    } else {
        Err(Failure::new(format_args!("there is no session with {node}: `nodes` lists those that there are")))
    }
}

async fn nodes(shell: &mut Shell, words: Words<'_>) -> Result<(), Failure> {
    words.end()?;
    let peers = shell.node.peers();
    if peers.is_empty() {
        shell.say("connected with no node");
    }
    for peer in peers {
        let way = if peer.is_dialled { "dialled" } else { "accepted" };
        let round_trip = peer.round_trip.map(|time| format!(", round trip {time:.1?}")).unwrap_or_default();
        let up_for = peer.up_for.as_secs();
        shell.say(format!("{}: version {}, {way}, up for {up_for} s{round_trip}", peer.name, peer.version));
    }
    Ok(())
}

async fn info(shell: &mut Shell, words: Words<'_>) -> Result<(), Failure> {
    words.end()?;
    let node = &shell.node;
    let counts = node.connection_counts();
    let refused = counts.refused.to_string();
    let mut lines = vec![
        format!("node                  {}", node.name()),
        format!("incarnation           {:016x}", node.incarnation().map_or(0, std::num::NonZero::get)),
        format!("creation              {}", node.creation()),
        format!("sessions              {}", node.nodes().len()),
        format!("processes             {}", node.process_count()),
        format!("processes failed      {}", node.processes_failed()),
        format!("messages dropped      {}", node.messages_dropped()),
        format!("messages to nobody    {}", node.messages_to_nobody()),
        format!("messages unsent       {}", node.messages_unsent()),
        format!("sessions taken over   {}", counts.taken_over),
        format!("sessions lost         {}", counts.lost_to_rivals),
    ];
    lines.push(format!("connections refused   {}", if refused.is_empty() { "0" } else { &refused }));
    lines.iter().for_each(|line| shell.say(line));
    Ok(())
}
