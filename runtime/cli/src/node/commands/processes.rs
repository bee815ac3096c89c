//! Commands about processes of this node.

use snow_dist_runtime::{Context, Reason};

use super::Command;
use crate::node::processes::{ECHO, FUNCTIONS, PRINTER, echo, print};
use crate::node::reasons::reason;
use crate::node::shell::Shell;
use crate::node::words::{Failure, Words};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "spawn",
        takes: "[FUNCTION]",
        about: "Start a process: $1, then $2, and so on.",
        more: "FUNCTION is `printer`, which shows what it receives, or `echo`, which also answers each call with what it was \
               called with. Without one it is a printer.",
        run: |shell, words| Box::pin(spawn(shell, words)),
    },
    Command {
        name: "processes",
        takes: "",
        about: "List the processes that have a number, and whether they live.",
        more: "",
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
        more: "REASON is normal, shutdown, killed, noconnection, error TEXT or custom TEXT.",
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
    let function = words.take()?.unwrap_or_else(|| PRINTER.into());
    words.end()?;
    let console = shell.console.clone();
    let own = shell.own();
    let (pid, watch) = match &*function {
        PRINTER => own.spawn_monitor(async move |ctx: Context| print(ctx, console).await)?,
        ECHO => own.spawn_monitor(async move |ctx: Context| echo(ctx, console).await)?,
        _ => {
            let known = FUNCTIONS.map(|(name, does)| format!("`{name}` {does}")).join(". ");
            return Err(Failure::new(format_args!("there is no function {function:?}. {known}.")));
        }
    };
    let number = shell.console.add(pid);
    shell.console.watch(watch, number);
    shell.say(format!("${number} is {pid}"));
    Ok(())
}

async fn processes(shell: &mut Shell, words: Words<'_>) -> Result<(), Failure> {
    words.end()?;
    shell.say(format!("self is {}", shell.own().pid()));
    let registered = shell.node.registered();
    for (at, pid) in shell.console.processes().into_iter().enumerate() {
        let state = match shell.node.node_of(pid) {
            Some(node) if !pid.is_here() => format!(" on {node}"),
            _ if !pid.is_here() => " on a node that this one is not connected with".into(),
            _ if shell.node.is_alive(pid) => String::new(),
            _ => ", which has ended".into(),
        };
        let names = registered.iter().filter(|(_, known)| *known == pid);
        let names: Vec<_> = names.map(|(name, _)| format!(", registered as {name}")).collect();
        shell.say(format!("${} is {pid}{state}{}", at + 1, names.concat()));
    }
    Ok(())
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

fn not_own(shell: &Shell, pid: snow_dist_runtime::Pid) -> Result<(), Failure> {
    if pid == shell.own().pid() {
        return Err(Failure::new("self is the prompt: `quit` leaves it"));
    }
    Ok(())
}
