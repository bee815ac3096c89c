//! Commands by which a process learns of the end of another, or brings it about.

use snow_dist_runtime::{MonitorNamedError, MonitorRef};

use super::Command;
use crate::node::reasons::reason;
use crate::node::shell::{Shell, Target, nobody};
use crate::node::words::{Failure, Words};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "link",
        takes: "TO",
        about: "Link self and another process: the end of one is an exit signal for the other.",
        more: "`as $1 link TO` links $1.",
        run: |shell, words| Box::pin(link(shell, words)),
    },
    Command {
        name: "unlink",
        takes: "TO",
        about: "Take a link back.",
        more: "",
        run: |shell, words| Box::pin(unlink(shell, words)),
    },
    Command {
        name: "monitor",
        takes: "TO",
        about: "Be told of a process's end, once: DOWN.",
        more: "",
        run: |shell, words| Box::pin(monitor(shell, words)),
    },
    Command {
        name: "demonitor",
        takes: "MONITOR",
        about: "Take a monitor back, by the number that `monitor` has shown.",
        more: "",
        run: |shell, words| Box::pin(demonitor(shell, words)),
    },
    Command {
        name: "exit",
        takes: "TO REASON",
        about: "Send a process an exit signal, linked or not, on any node.",
        more: "A process that does not trap exits ends, unless the reason is normal or shutdown. `quit` leaves the prompt.",
        run: |shell, words| Box::pin(exit(shell, words)),
    },
    Command {
        name: "trap",
        takes: "on|off",
        about: "Set whether exit signals become messages. Processes begin with off, self with on.",
        more: "`as $1 trap on` sets it for $1. Of self it stays on.",
        run: |shell, words| Box::pin(trap(shell, words)),
    },
];

async fn link(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let pid = shell.pid(&mut words).await?;
    words.end()?;
    Ok(shell.me().link(pid).await?)
}

async fn unlink(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let pid = shell.pid(&mut words).await?;
    words.end()?;
    shell.me().unlink(pid);
    Ok(())
}

async fn monitor(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let target = shell.target(&mut words)?;
    words.end()?;
    let (monitor, pid) = match target {
        Target::Process(pid) => (shell.me().monitor(pid).await?, pid),
        Target::Named { name, node } => {
            let monitored = shell.me().monitor_named(&name, &node).await;
            monitored.map_err(|error| match error {
                MonitorNamedError::Nobody => nobody(&name, &node),
                error => error.into(),
            })?
        }
    };
    shell.say(format!("monitor {} of {}", monitor.number(), shell.console.found(pid)));
    Ok(())
}

async fn demonitor(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let number = words.need("MONITOR")?;
    words.end()?;
    let number = number.parse().map_err(|_| {
        Failure::new(format_args!("{number:?} is no monitor: it has a number, which `monitor` shows"))
    })?;
    shell.me().demonitor(MonitorRef::new(number));
    Ok(())
}

async fn exit(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let pid = shell.pid(&mut words).await?;
    Ok(shell.me().send_exit(pid, reason(words)?).await?)
}

async fn trap(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let on = match &*words.need("on or off")? {
        "on" => true,
        "off" => false,
        other => return Err(Failure::new(format_args!("{other:?} is neither on nor off"))),
    };
    words.end()?;
    if shell.me().pid() == shell.own().pid() && !on {
        return Err(Failure::new(
            "self is the prompt, which would end with the next exit signal: it traps exits",
        ));
    }
    shell.me().trap_exit(on);
    Ok(())
}
