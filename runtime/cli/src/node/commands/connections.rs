//! Commands about nodes.

use snow_dist_runtime::{KeptFor, KeptState, NodeName};

use super::Command;
use crate::node::shell::Shell;
use crate::node::words::{Failure, Words};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "connect",
        takes: "NODE",
        about: "Connect with a node: NAME@HOST:PORT, port 9000 if none is said.",
        more: "Besides this, `keep` connects, and with --mesh what peers tell; sends, links and monitors do not.",
        run: |shell, words| Box::pin(connect(shell, words)),
    },
    Command {
        name: "disconnect",
        takes: "NODE",
        about: "End the session with a node gracefully.",
        more: "",
        run: |shell, words| Box::pin(disconnect(shell, words)),
    },
    Command {
        name: "keep",
        takes: "NODE",
        about: "Keep connected with a node: dial it now, and again whenever the session is lost.",
        more: "The pauses between dials grow up to half a minute.",
        run: |shell, words| Box::pin(keep(shell, words)),
    },
    Command {
        name: "let-go",
        takes: "NODE",
        about: "Do not dial a node any more. The session with it stays.",
        more: "",
        run: |shell, words| Box::pin(let_go(shell, words)),
    },
    Command {
        name: "kept",
        takes: "",
        about: "List the nodes that are kept connected, and how it goes with each.",
        more: "",
        run: |shell, words| Box::pin(kept(shell, words)),
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

async fn keep(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let node = words.need("NODE")?;
    words.end()?;
    if NodeName::parse(&node).is_ok_and(|node| node.completed() == shell.node.name()) {
        return Err(Failure::new(format_args!("{node} is this node itself")));
    }
    Ok(shell.node.keep(&node)?)
}

async fn let_go(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let node = words.need("NODE")?;
    words.end()?;
    if shell.node.let_go(&node) {
        return Ok(());
    }
    Err(Failure::new(format_args!("{node} is not kept connected: `kept` lists the nodes that are")))
}

async fn kept(shell: &mut Shell, words: Words<'_>) -> Result<(), Failure> {
    words.end()?;
    let kept = shell.node.kept();
    if kept.is_empty() {
        shell.say("no node is kept connected");
    }
    for one in kept {
        let state = match one.state {
            KeptState::Up => "up".into(),
            KeptState::UnderWay => "being dialled".into(),
            KeptState::Waiting(time) => format!("dialled again in {time:.1?}"),
            _ => String::new(),
        };
        let by = if one.kept_for == KeptFor::PeerList { ", told of by a peer" } else { "" };
        let failure = one.last_failure.filter(|_| one.failures_in_a_row > 0);
        let failure = failure.map(|why| format!(", last: {why}")).unwrap_or_default();
        shell.say(format!(
            "{}: {state}{by}, sessions: {}, dials: {}{failure}",
            one.name, one.sessions, one.dials
        ));
    }
    Ok(())
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
