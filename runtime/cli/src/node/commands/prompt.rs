//! Commands about the prompt itself.

use std::time::Duration;

use snow_dist_runtime::NodeName;
use tokio::time::timeout;

use super::{Command, SUBJECTS, find};
use crate::node::shell::Shell;
use crate::node::trace::Traced;
use crate::node::words::{Failure, Words};

/// How long `wait` waits if nothing else is said.
const WAIT_TIME: Duration = Duration::from_secs(10);

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "wait",
        takes: "[--within TIME] WORDS",
        about: "Wait until something has happened whose line has these words. It fails after 10 s if no TIME is said.",
        more: "What happens is shown in lines that begin with `*`. What has happened before counts, and each line is found \
               once: `wait up b@`, `wait $1 got`, `wait has ended`.",
        run: |shell, words| Box::pin(wait(shell, words)),
    },
    Command {
        name: "trace",
        takes: "on|off|NODE|TO",
        about: "Show frames as `snow-dist decode` does: all, those of one node, or those that name one process.",
        more: "A process is known by its number and its node's creation, so in rare cases frames of another one are shown too.",
        run: |shell, words| Box::pin(trace(shell, words)),
    },
    Command {
        name: "help",
        takes: "[COMMAND]",
        about: "List the commands, or say more of one.",
        more: "",
        run: |shell, words| Box::pin(help(shell, words)),
    },
    Command {
        name: "quit",
        takes: "",
        about: "Stop the node in order, and leave.",
        more: "The end of the input does the same.",
        run: |shell, words| Box::pin(quit(shell, words)),
    },
];

async fn wait(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let longest = words.within(WAIT_TIME)?;
    let text = words.text("WORDS")?;
    timeout(longest, shell.console.wait(&text))
        .await
        .map_err(|_| Failure::new(format_args!("nothing with {text:?} has happened within {longest:?}")))
}

async fn trace(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let mut process = words;
    let what = words.need("what to trace")?;
    let traced = match &*what {
        "on" => Traced::Everything,
        "off" => Traced::Nothing,
        node if node.contains('@') => Traced::Node(NodeName::parse(node)?.completed()),
        _ => {
            let pid = shell.pid(&mut process).await?;
            words = process;
            Traced::Process(pid)
        }
    };
    words.end()?;
    shell.trace.set(traced);
    Ok(())
}

async fn help(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let name = words.take()?;
    words.end()?;
    match name {
        None => shell.say(overview()),
        Some(name) => {
            let command = find(&name)?;
            shell.say(format!("{}\n{}", command.usage(), command.about));
            if !command.more.is_empty() {
                shell.say(command.more);
            }
        }
    }
    Ok(())
}

/// All commands with a line for each.
pub(in crate::node) fn overview() -> String {
    let commands = SUBJECTS.iter().flat_map(|(_, commands)| commands.iter());
    let width = commands.map(|command| command.usage().len()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for (subject, commands) in SUBJECTS {
        lines.push(format!("{subject}:"));
        for command in commands {
            lines.push(format!("  {:width$}  {}", command.usage(), command.about));
        }
    }
    lines.join("\n")
}

async fn quit(shell: &mut Shell, words: Words<'_>) -> Result<(), Failure> {
    words.end()?;
    shell.is_over = true;
    Ok(())
}
