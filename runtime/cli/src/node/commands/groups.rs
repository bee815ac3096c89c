//! Commands about groups.

use super::Command;
use crate::node::shell::Shell;
use crate::node::words::{Failure, Words};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "join",
        takes: "GROUP [PROCESS]",
        about: "Make a process of this node a member of a group; self if none is said.",
        more: "A group is there while it has members. Members that come and go are shown, of all nodes.",
        run: |shell, words| Box::pin(join(shell, words)),
    },
    Command {
        name: "leave",
        takes: "GROUP [PROCESS]",
        about: "Take a process of this node out of a group; self if none is said.",
        more: "",
        run: |shell, words| Box::pin(leave(shell, words)),
    },
    Command {
        name: "members",
        takes: "GROUP",
        about: "List the members of a group on all nodes.",
        more: "",
        run: |shell, words| Box::pin(members(shell, words)),
    },
    Command {
        name: "groups",
        takes: "",
        about: "List the groups that this node knows, with how many members each has.",
        more: "",
        run: |shell, words| Box::pin(groups(shell, words)),
    },
    Command {
        name: "send-group",
        takes: "GROUP TEXT",
        about: "Send text to all members of a group.",
        more: "",
        run: |shell, words| Box::pin(send_group(shell, words)),
    },
];

async fn join(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let group = words.need("GROUP")?;
    let pid = shell.process_or_me(&mut words)?;
    if shell.node.groups()?.join(&group, pid)? {
        return Ok(());
    }
    Err(Failure::new(format_args!("{} is a member of {group:?} already", shell.console.shown(pid))))
}

async fn leave(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let group = words.need("GROUP")?;
    let pid = shell.process_or_me(&mut words)?;
    if shell.node.groups()?.leave(&group, pid) {
        return Ok(());
    }
    Err(Failure::new(format_args!("{} is no member of {group:?}", shell.console.shown(pid))))
}

async fn members(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let group = words.need("GROUP")?;
    words.end()?;
    let members = shell.node.groups()?.members(&group);
    if members.is_empty() {
        shell.say("nobody");
    }
    members.into_iter().for_each(|pid| shell.say(shell.console.shown(pid)));
    Ok(())
}

async fn groups(shell: &mut Shell, words: Words<'_>) -> Result<(), Failure> {
    words.end()?;
    let groups = shell.node.groups()?;
    for name in groups.names() {
        shell.say(format!("{name}: {}", groups.members(&name).len()));
    }
    Ok(())
}

async fn send_group(shell: &mut Shell, mut words: Words<'_>) -> Result<(), Failure> {
    let group = words.need("GROUP")?;
    let text = words.text("TEXT")?.into_owned();
    let count = shell.node.groups()?.send_all(&group, text).await;
    shell.say(format!("sent to {count}"));
    Ok(())
}
