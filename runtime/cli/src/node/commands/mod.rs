//! The commands of the prompt: a row for each, in the file of its subject. Help, completion and errors come from the rows.

mod connections;
mod groups;
pub(super) mod help;
mod messages;
mod names;
mod processes;
mod prompt;
mod ties;

use std::future::Future;
use std::pin::Pin;

use super::shell::Shell;
use super::words::{Failure, Words};

/// A command.
pub(super) struct Command {
    pub(super) name: &'static str,
    /// The words that it takes, as help shows them. Completion goes by them.
    pub(super) takes: &'static str,
    /// What it does, in a line.
    pub(super) about: &'static str,
    /// What else there is to say; may be empty.
    pub(super) more: &'static str,
    pub(super) run: Run,
}

/// What a command does.
pub(super) type Run = for<'a> fn(&'a mut Shell, Words<'a>) -> Running<'a>;
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>>;

/// All commands, by subject.
pub(super) const SUBJECTS: [(&str, &[Command]); 7] = [
    ("Nodes", connections::COMMANDS),
    ("Processes", processes::COMMANDS),
    ("Messages", messages::COMMANDS),
    ("Links, monitors and exits", ties::COMMANDS),
    ("Names", names::COMMANDS),
    ("Groups", groups::COMMANDS),
    ("The prompt", prompt::COMMANDS),
];

impl Command {
    /// How it is written.
    pub(super) fn usage(&self) -> String {
        format!("{} {}", self.name, self.takes).trim_end().to_owned()
    }
}

/// All commands.
pub(super) fn all() -> impl Iterator<Item = &'static Command> {
    SUBJECTS.iter().flat_map(|(_, commands)| commands.iter())
}

/// How alike a word and a command must be for the one to be taken for the other, from 0 to 1.
const ALIKE_MIN: f64 = 0.75;

/// The command of this name.
pub(super) fn find(name: &str) -> Result<&'static Command, Failure> {
    all().find(|command| command.name == name).ok_or_else(|| {
        let alike = |command: &&Command| strsim::jaro_winkler(command.name, name);
        let nearest = all().max_by(|one, other| alike(one).total_cmp(&alike(other)));
        match nearest.filter(|command| alike(command) >= ALIKE_MIN) {
            Some(command) => {
                Failure::new(format_args!("there is no command {name:?}: do you mean `{}`?", command.name))
            }
            None => Failure::new(format_args!("there is no command {name:?}: `help` lists them")),
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_commands_have_one_name() {
        let names: BTreeSet<_> = all().map(|command| command.name).collect();
        assert_eq!(names.len(), all().count());
    }

    #[test]
    fn what_is_nearly_a_command_is_told_which() {
        let told = |name| find(name).err().unwrap().to_string();
        assert!(told("conect").ends_with("do you mean `connect`?"));
        assert!(told("xyz").ends_with("`help` lists them"));
    }
}
