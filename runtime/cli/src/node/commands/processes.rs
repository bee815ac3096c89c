//! Commands about processes of this node.

use snow_dist_runtime::core::SpawnTie;
use snow_dist_runtime::{Context, MonitorRef, Pid, Reason};

use super::Command;
use crate::node::processes::{ECHO, FUNCTIONS, PRINTER, echo, print};
use crate::node::reasons::reason;
use crate::node::shell::Shell;
use crate::node::words::{Failure, Words};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "spawn",
        takes: "[--link|--monitor] [FUNCTION] [on NODE [TERM]]",
        about: "Start a process, here or on another node: $1, then $2, and so on.",
        more: "FUNCTION is `printer`, which shows what it receives and is taken if none is said, or `echo`, which also answers \
               each call with what it was called with; on another node it is any that is registered there. TERM is its \
               argument; unit if none is said. With --link or --monitor, self is tied to it.",
        run: |shell, words| Box::pin(spawn(shell, words)),
    },
    Command {
        name: "processes",
        takes: "",
        about: "List self and the processes that have a number, with their names here, and which have ended.",
        more: "Of one on another node it is known what a DOWN or an EXIT of it has told, so it has to be monitored or linked.",
        run: |shell, words| Box::pin(processes(shell, words)),
    },
    Command {
        name: "as",
        takes: "PROCESS COMMAND",
        about: "Do something as another process of this node: `as $1 link $2`.",
        more: "Without this, `self` sends, links, monitors and calls: the prompt's own process, which traps exits.",
        run: |shell, words| Box::pin(act_as(shell, words)),
    },
    Command {
        name: "end",
        takes: "PROCESS [REASON]",
        about: "Let a process of this node end by itself, with a reason; normal if none is said.",
        more: "",
        run: |shell, words| Box::pin(end(shell, words)),
    },
    Command {
        name: "kill",
        takes: "PROCESS",
        about: "Kill a process of this node: it cannot trap that.",
        more: "",
        run: |shell, words| Box::pin(kill(shell, words)),
    },
];

async fn spawn(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let tie = tie(&mut words)?;
    let mut node = words.on_node()?;
    let function = if node.is_some() { None } else { words.take()? };
    let function = function.unwrap_or_else(|| PRINTER.into());
    if node.is_none() {
        node = words.on_node()?;
    }
    let (pid, monitor) = match node {
        None => {
            words.end()?;
            spawn_here(shell, &function, tie).await?
        }
        Some(node) => {
            let arguments =
                shell.term(Some(words.rest()).filter(|term| !term.is_empty()).unwrap_or("null"))?;
            shell.me().spawn_written_on(&node, &function, tie, arguments).await?
        }
    };
    let number = shell.console.add(pid);
    let node = shell.node.node_of(pid).filter(|_| !pid.is_here());
    let node = node.map(|node| format!(" on {node}")).unwrap_or_default();
    let monitor =
        if tie == SpawnTie::Monitor { format!(", monitor {}", monitor.number()) } else { String::new() };
    shell.say(format!("${number} is {pid}{node}{monitor}"));
    Ok(())
}

/// A process of this node, whose end is told.
async fn spawn_here(shell: &Shell, function: &str, tie: SpawnTie) -> Result<(Pid, MonitorRef), Failure> {
    let (console, own) = (shell.console.clone(), shell.own());
    let (pid, watch) = match function {
        PRINTER => own.spawn_monitor(async move |ctx: Context| print(ctx, console).await)?,
        ECHO => own.spawn_monitor(async move |ctx: Context| echo(ctx, console).await)?,
        _ => {
            let known = FUNCTIONS.join(" and ");
            return Err(Failure::new(format_args!(
                "there is no function {function:?} here: there are {known}"
            )));
        }
    };
    shell.console.watch(watch, shell.console.add(pid));
    match tie {
        SpawnTie::Link => shell.me().link(pid).await?,
        SpawnTie::Monitor => return Ok((pid, shell.me().monitor(pid).await?)),
        SpawnTie::None => {}
    }
    Ok((pid, watch))
}

/// Takes the options that say how the one who starts a process is tied to it.
fn tie(words: &mut Words<'_>) -> Result<SpawnTie, Failure> {
    let one = |words: &mut Words<'_>| match (words.is_next("--link"), words.is_next("--monitor")) {
        (true, false) => Ok(SpawnTie::Link),
        (false, true) => Ok(SpawnTie::Monitor),
        (false, false) => Ok(SpawnTie::None),
        (true, true) => Err(two_ties()),
    };
    let first = one(words)?;
    if one(words)? != SpawnTie::None {
        return Err(two_ties());
    }
    let mut ahead = *words;
    match ahead.take()? {
        Some(other) if other.starts_with("--") => {
            Err(Failure::usage(format_args!("there is no option {other:?}")))
        }
        _ => Ok(first),
    }
}

fn two_ties() -> Failure {
    Failure::usage("one of --link and --monitor can be said, and once")
}

async fn processes(shell: &mut Shell, words: Words<'_>) -> Result<(), Failure> {
    words.end()?;
    let own = shell.own().pid();
    shell.say(format!("self is {own}{}", names_of(shell, own)));
    for (number, pid) in shell.console.processes() {
        let state = if pid.is_here() { state_here(shell, pid) } else { state_elsewhere(shell, number, pid) };
        shell.say(format!("${number} is {pid}{state}"));
    }
    Ok(())
}

fn state_here(shell: &Shell, pid: Pid) -> String {
    // Its names are taken from it a moment after its end.
    if shell.node.is_alive(pid) { names_of(shell, pid) } else { ", which has ended".into() }
}

fn state_elsewhere(shell: &Shell, number: usize, pid: Pid) -> String {
    let node = shell.node.node_of(pid);
    let place = node.as_deref().unwrap_or("a node that this one is not connected with");
    let told = shell.console.told(number).map(|told| format!(", {told}"));
    format!(" on {place}{}", told.unwrap_or_default())
}

fn names_of(shell: &Shell, pid: Pid) -> String {
    let registered = shell.node.registered();
    let names = registered.iter().filter(|(_, known)| *known == pid);
    names.map(|(name, _)| format!(", registered as {name:?}")).collect()
}

async fn act_as(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let who = words.need("PROCESS")?;
    let mut ahead = words;
    ahead.need("COMMAND")?;
    shell.obey_as(&who, words.rest()).await
}

async fn end(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let pid = shell.process_here(&words.need("PROCESS")?)?;
    let reason = if words.end().is_ok() { Reason::Normal } else { reason(words)? };
    not_own(shell, pid)?;
    match shell.node.delegate(pid) {
        Some(delegate) => {
            delegate.exit(reason);
            Ok(())
        }
        None => Err(Failure::new(format_args!("{} has ended", shell.console.shown(pid)))),
    }
}

async fn kill(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let pid = shell.process_here(&words.need("PROCESS")?)?;
    words.end()?;
    not_own(shell, pid)?;
    Ok(shell.node.kill(pid)?)
}

fn not_own(shell: &Shell, pid: Pid) -> Result<(), Failure> {
    if pid == shell.own().pid() {
        return Err(Failure::new("self is the prompt: `quit` leaves it"));
    }
    Ok(())
}
