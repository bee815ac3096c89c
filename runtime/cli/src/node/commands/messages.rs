//! Commands that send.

use std::time::Duration;

use snow_dist_runtime::{CallError, Reason};

use super::Command;
use crate::node::shell::{Shell, Target, nobody};
use crate::node::terms;
use crate::node::words::{Failure, Words};

/// How long a call waits for its reply if nothing else is said.
const CALL_TIME: Duration = Duration::from_secs(5);

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "send",
        takes: "TO TEXT",
        about: "Send text: all that is left of the line, in quotes or without.",
        more: "Text that begins with the word `on` stands in quotes, as `on` behind a name says a node: `send king 'on my \
               way'`. Who sends to a name on another node is not told if nobody has it: `whereis NAME on NODE` asks.",
        run: |shell, words| Box::pin(send(shell, words)),
    },
    Command {
        name: "send-term",
        takes: "TO TERM",
        about: "Send a term.",
        more: "Who sends to a name on another node is not told if nobody has it: `whereis NAME on NODE` asks.",
        run: |shell, words| Box::pin(send_term(shell, words)),
    },
    Command {
        name: "call",
        takes: "[--within TIME] TO TERM",
        about: "Call a process with a term, and show its reply. It has 5 s if no TIME is said.",
        more: "",
        run: |shell, words| Box::pin(call(shell, words)),
    },
    Command {
        name: "reply",
        takes: "CALL TERM",
        about: "Reply to a call that a process here got, by the number that was shown with it.",
        more: "",
        run: |shell, words| Box::pin(reply(shell, words)),
    },
];

async fn send(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let to = shell.target(&mut words)?;
    let text = words.text("TEXT")?.into_owned();
    match to {
        Target::Process(pid) => shell.me().send(pid, text).await?,
        Target::Named { name, node } => {
            reaches(shell, &name, &node)?;
            shell.me().send_named(&name, &node, text).await?;
        }
    }
    Ok(())
}

async fn send_term(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let to = shell.target(&mut words)?;
    let term = shell.term(words.need_rest("TERM")?)?;
    match to {
        Target::Process(pid) => shell.me().send_written_term(pid, term).await?,
        Target::Named { name, node } => {
            reaches(shell, &name, &node)?;
            shell.me().send_named_written_term(&name, &node, term).await?;
        }
    }
    Ok(())
}

async fn call(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let longest = words.within(CALL_TIME)?;
    let to = shell.target(&mut words)?;
    let term = shell.term(words.need_rest("TERM")?)?;
    let reply = match to {
        Target::Process(pid) => shell.me().call_written(pid, term, longest).await?,
        Target::Named { name, node } => {
            let reply = shell.me().call_named_written(&name, &node, term, longest).await;
            reply.map_err(|error| match error {
                CallError::Ended(reason) if reason == Reason::noproc() => nobody(&name, &node),
                error => error.into(),
            })?
        }
    };
    shell.say(terms::shown(&reply));
    Ok(())
}

async fn reply(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let number = words.need("CALL")?;
    let term = shell.term(words.need_rest("TERM")?)?;
    let call = shell.console.take_call(&number)?;
    Ok(call.into_replier().reply_written(term).await?)
}

/// What is sent to a name that nobody has, or where there is no session, goes nowhere, and nobody is told: here somebody is,
/// as far as this node knows.
fn reaches(shell: &Shell, name: &str, node: &str) -> Result<(), Failure> {
    if node == shell.node.name() {
        return shell.process_here(name).map(drop);
    }
    if shell.node.pid_on(node, 0).is_some() {
        return Ok(());
    }
    Err(Failure::new(format_args!("there is no session with {node}: `connect {node}` makes one")))
}
