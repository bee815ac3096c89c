//! Commands about names.

use snow_dist_runtime::{OnConflict, Pid};

use super::Command;
use crate::node::shell::{Shell, nobody};
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
    Command {
        name: "register-global",
        takes: "NAME [PROCESS]",
        about: "Give a process of this node a name on all nodes; self if none is said.",
        more: "If it turns out that another node has the name as well, one of the two processes loses it and gets an exit \
               signal; self is told instead.",
        run: |shell, words| Box::pin(register_global(shell, words)),
    },
    Command {
        name: "unregister-global",
        takes: "NAME",
        about: "Take a global name of this node back.",
        more: "",
        run: |shell, words| Box::pin(unregister_global(shell, words)),
    },
    Command {
        name: "whereis-global",
        takes: "NAME",
        about: "Show who has a global name, as far as this node knows.",
        more: "",
        run: |shell, words| Box::pin(whereis_global(shell, words)),
    },
    Command {
        name: "global-names",
        takes: "",
        about: "List the global names that this node knows.",
        more: "",
        run: |shell, words| Box::pin(global_names(shell, words)),
    },
];

async fn register_global(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let name = words.need("NAME")?;
    let pid = shell.process_or_me(&mut words)?;
    let on_conflict = if pid == shell.own().pid() { OnConflict::Tell } else { OnConflict::Exit };
    Ok(shell.node.register_global(&name, pid, on_conflict)?)
}

async fn unregister_global(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let name = words.need("NAME")?;
    words.end()?;
    match shell.node.unregister_global(&name) {
        Some(_) => Ok(()),
        None => Err(Failure::new(format_args!("no process of this node has the global name {name:?}"))),
    }
}

async fn whereis_global(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let name = words.need("NAME")?;
    words.end()?;
    match shell.node.whereis_global(&name) {
        Some(pid) => say_found(shell, pid),
        None => shell.say("nobody"),
    }
    Ok(())
}

async fn global_names(shell: &mut Shell, words: Words<'_>) -> Result<(), Failure> {
    words.end()?;
    for (name, pid) in shell.node.global_names() {
        shell.say(format!("{name}: {}", shell.console.shown(pid)));
    }
    Ok(())
}

/// A process with a number is shown by it, and here by its pid as well, which would be seen nowhere.
fn say_found(shell: &Shell, pid: Pid) {
    let (shown, pid) = (shell.console.found(pid), pid.to_string());
    shell.say(if shown.contains(&pid) { shown } else { format!("{shown} {pid}") });
}

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
        None => Err(nobody(&name, shell.node.name())),
    }
}

async fn whereis(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let name = words.need("NAME")?;
    let node = words.on_node()?;
    words.end()?;
    let node = node.as_deref().unwrap_or_else(|| shell.node.name());
    match shell.whereis(&name, node).await? {
        Some(pid) => say_found(shell, pid),
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
