//! What does as the lines say, whoever writes them.

use std::borrow::Cow;

use snow_dist_runtime::core::Term;
use snow_dist_runtime::{Delegate, Node, Pid};

use super::commands::{self, Command};
use super::console::Console;
use super::screen::Screen;
use super::terms;
use super::trace::Trace;
use super::words::{Failure, Words};

/// What does as the lines say.
pub(super) struct Shell {
    pub(super) node: Node,
    pub(super) console: Console,
    pub(super) trace: Trace,
    /// The process of the prompt itself.
    own: Delegate,
    /// The process that the present command acts for, if that is another.
    acting: Option<Delegate>,
    /// `quit` was said.
    pub(super) is_over: bool,
}

/// Whom something is for.
pub(super) enum Target<'l> {
    Process(Pid),
    Named { name: Cow<'l, str>, node: Cow<'l, str> },
}

impl Shell {
    pub(super) const fn new(node: Node, console: Console, trace: Trace, own: Delegate) -> Self {
        Self { node, console, trace, own, acting: None, is_over: false }
    }

    pub(super) fn screen(&self) -> &Screen {
        self.console.screen()
    }

    /// Says what has come of a command.
    pub(super) fn say(&self, text: impl AsRef<str>) {
        self.screen().say(text.as_ref());
    }

    /// Does as one line says. One without a word, or that begins with `#`, says nothing.
    pub(super) async fn obey(&mut self, line: &str) -> Result<(), Failure> {
        // The last command may have been given up while it acted for another process.
        self.acting = None;
        self.act(line).await
    }

    async fn act(&mut self, line: &str) -> Result<(), Failure> {
        if line.trim_start().starts_with('#') {
            return Ok(());
        }
        let mut words = Words::new(line);
        let Some(name) = words.take()? else { return Ok(()) };
        let command: &Command = commands::find(&name)?;
        let done = (command.run)(self, words).await;
        done.map_err(|failure| match failure.is_usage {
            true => Failure::new(format_args!("{failure}: {}", command.usage())),
            false => failure,
        })
    }

    /// Does as the words say, for another process of this node than the prompt's own.
    pub(super) async fn obey_as(&mut self, who: &str, line: &str) -> Result<(), Failure> {
        // One within another one would be done within it, to whatever depth somebody writes.
        if self.acting.is_some() {
            return Err(Failure::new("`as` stands once in a line"));
        }
        let pid = self.process_here(who)?;
        let delegate =
            self.node.delegate(pid).ok_or_else(|| Failure::new(format_args!("{who} has ended")))?;
        self.acting = Some(delegate);
        self.act(line).await
    }

    /// The process that the present command acts for.
    pub(super) fn me(&self) -> &Delegate {
        self.acting.as_ref().unwrap_or(&self.own)
    }

    /// The process of the prompt itself.
    pub(super) const fn own(&self) -> &Delegate {
        &self.own
    }

    /// Takes the words that say whom something is for: a process, a name with `on NODE` behind it or without, or a global name.
    pub(super) fn target<'l>(&self, words: &mut Words<'l>) -> Result<Target<'l>, Failure> {
        let name = words.need("TO")?;
        if let Some(pid) = self.console.named(&name)? {
            return Ok(Target::Process(pid));
        }
        if let Some(node) = words.on_node()? {
            return Ok(Target::Named { name, node });
        }
        // A name of this node comes before a global one.
        match self.node.whereis_global(&name).filter(|_| self.node.whereis(&name).is_none()) {
            Some(pid) => Ok(Target::Process(pid)),
            None => Ok(Target::Named { name, node: self.node.name().to_owned().into() }),
        }
    }

    /// As [`target`](Self::target), and asks who has the name.
    pub(super) async fn pid(&self, words: &mut Words<'_>) -> Result<Pid, Failure> {
        match self.target(words)? {
            Target::Process(pid) => Ok(pid),
            Target::Named { name, node } => {
                let pid = self.whereis(&name, &node).await?.ok_or_else(|| nobody(&name, &node))?;
                self.console.found(pid);
                Ok(pid)
            }
        }
    }

    /// The term that JSON says, whose pids are processes as the prompt names them.
    pub(super) fn term(&self, text: &str) -> Result<Term, Failure> {
        terms::term(text, |name| match self.console.named(name)? {
            Some(pid) => Ok(pid),
            None => self.process_here(name),
        })
    }

    /// Who has a name on a node.
    pub(super) async fn whereis(&self, name: &str, node: &str) -> Result<Option<Pid>, Failure> {
        Ok(self.me().whereis_on(name, node).await?)
    }

    /// The process of this node that the last word names; without one, the one that acts.
    pub(super) fn process_or_me(&self, words: &mut Words<'_>) -> Result<Pid, Failure> {
        let pid = match words.take()? {
            Some(who) => self.process_here(&who)?,
            None => self.me().pid(),
        };
        words.end()?;
        Ok(pid)
    }

    /// The process of this node that somebody names.
    pub(super) fn process_here(&self, name: &str) -> Result<Pid, Failure> {
        let pid = match self.console.named(name)? {
            Some(pid) => pid,
            None => self.node.whereis(name).ok_or_else(|| nobody(name, self.node.name()))?,
        };
        if pid.is_here() { Ok(pid) } else { Err(Failure::new(format_args!("{pid} runs on another node"))) }
    }
}

/// Nobody has this name, and the node knows.
pub(super) fn nobody(name: &str, node: &str) -> Failure {
    Failure::new(format_args!("nobody is registered as {name:?} on {node}"))
}
