//! Commands about the prompt itself.

use std::time::Duration;

use snow_dist_runtime::NodeName;
use tokio::time::timeout;

use super::{Command, find, help};
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
        takes: "[COMMAND|WORD]",
        about: "List the commands, or say more of one, or of a word that they take: TO, TERM, REASON.",
        more: "",
        run: |shell, words| Box::pin(help(shell, words)),
    },
    Command {
        name: "quit",
        takes: "",
        about: "Stop the node gracefully, and leave.",
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
        None => shell.say(help::overview()),
        Some(name) => match help::of_word(&name) {
            Some(about) => shell.say(about),
            None => shell.say(help::of_command(find(&name)?)),
        },
    }
    Ok(())
}

async fn quit(shell: &mut Shell, words: Words<'_>) -> Result<(), Failure> {
    words.end()?;
    shell.is_over = true;
    Ok(())
}
