//! Commands about names.

use super::Command;
use crate::node::shell::Shell;
use crate::node::words::{Failure, Words};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "register",
        takes: "NAME [PROCESS]",
        about: "Give a process of this node a name; self if none is said.",
        more: "",
        run: |shell, words| Box::pin(register(shell, words)),
    },
    Command {
        name: "unregister",
        takes: "NAME",
        about: "Take a name back.",
        more: "",
        run: |shell, words| Box::pin(unregister(shell, words)),
    },
    Command {
        name: "whereis",
        takes: "NAME [on NODE]",
        about: "Show who has a name, here or on another node.",
        more: "",
        run: |shell, words| Box::pin(whereis(shell, words)),
    },
    Command {
        name: "names",
        takes: "",
        about: "List the names that are registered on this node.",
        more: "",
        run: |shell, words| Box::pin(names(shell, words)),
    },
];

async fn register(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let name = words.need("NAME")?;
    let pid = shell.process_or_me(&mut words)?;
    Ok(shell.node.register(&name, pid)?)
}

async fn unregister(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let name = words.need("NAME")?;
    words.end()?;
    match shell.node.unregister(&name) {
        Some(_) => Ok(()),
        None => Err(Failure::new(format_args!("nobody here is registered as {name:?}"))),
    }
}

async fn whereis(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let name = words.need("NAME")?;
    let node = words.on_node()?;
    words.end()?;
    let node = node.as_deref().unwrap_or_else(|| shell.node.name());
    match shell.whereis(&name, node).await? {
        Some(pid) => {
            // A process with a number is shown by it, so that its pid would be seen nowhere.
            let shown = shell.console.found(pid);
            let pid = pid.to_string();
            shell.say(if shown.contains(&pid) { shown } else { format!("{shown} {pid}") });
        }
        None => shell.say("nobody"),
    }
    Ok(())
}

async fn names(shell: &mut Shell, words: Words<'_>) -> Result<(), Failure> {
    words.end()?;
    for (name, pid) in shell.node.registered() {
        shell.say(format!("{name}: {}", shell.console.shown(pid)));
    }
    Ok(())
}
