//! What must happen, known independently of the core.
//!
//! For each session the reference keeps both ends of each link and monitor in the states that `session.md` names,
//! and between each two processes the line of what one has done for the other and that one has not learned yet. What
//! a process does puts something at the end of a line; a frame that is handled must be at its head, and what it
//! brings is then known. So a reference state that is wrong, a frame too many, too few, twice, out of order or with
//! another content shows at the frame where it matters.

mod calls;
mod delays;
mod frames;
mod globals;
mod groups;
mod joint;
mod line;
mod reason;

use std::fmt;

pub(crate) use frames::{name_of, number_of, number_of_term, pid_of};
pub(crate) use globals::{GLOBALS, Owner, global_name, global_of};
pub(crate) use groups::{GROUPS, Members, SERVERS, group_name, group_of, server_message};
pub(crate) use joint::{Joint, LinkState};
pub(crate) use line::Here;
pub(crate) use reason::Reason;

/// A process in truth: which start of which node, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Who {
    /// The number of the node's start, counted over the whole cluster.
    pub(crate) start: u32,
    pub(crate) local: u32,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.start, self.local)
    }
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: &'static str,
    /// What was seen instead.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.detail)
    }
}

pub(crate) type Checked<T = ()> = Result<T, Box<Violation>>;

/// Fails with what `detail` says, unless it holds.
pub(crate) fn check(holds: bool, invariant: &'static str, detail: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Box::new(Violation { invariant, detail: detail() })) }
}

/// What a frame, or the end of a session, must bring a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Brings {
    /// The message of this number.
    Message(u32, u32),
    /// An exit signal.
    Exit(u32, Who, Reason),
    /// The DOWN of a monitor.
    Down(u32, u64, Who, Reason),
    /// The message of a call: of which number, and which message.
    Call(u32, u64, u32),
    /// The reply to a call, or why there is none.
    Reply(u32, u64, u32),
    CallEnded(u32, u64, Reason),
    /// Whom a monitor by name is of.
    Named(u32, u64, Who),
}

/// A message, from its sending to its end.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) from: Who,
    /// `None` if it went to a name.
    pub(crate) to: Option<Who>,
    pub(crate) bytes: u32,
    pub(crate) is_delivered: bool,
    /// Of a term: whose the pid in it is to be where it arrives.
    tells: Option<Option<Who>>,
    /// The global names that its sender had, a bit for each.
    names: u8,
}

/// What is kept of the whole cluster.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// By number, which is what their bytes begin with.
    pub(crate) messages: Vec<Message>,
    pub(crate) claims: globals::Claims,
    pub(crate) memberships: groups::Memberships,
}

impl Truth {
    pub(crate) fn message(&mut self, from: Who, to: Option<Who>, bytes: u32) -> u32 {
        let number = self.messages.len() as u32;
        let names = self.claims.of(from);
        self.messages.push(Message { from, to, bytes, is_delivered: false, tells: None, names });
        number
    }

    /// A message is a term with a pid.
    pub(crate) fn tells(&mut self, number: u32, of: Option<Who>) {
        if let Some(message) = self.messages.get_mut(number as usize) {
            message.tells = Some(of);
        }
    }

    /// A term has come, and its pid is taken for that of a process.
    pub(crate) fn is_told(&self, number: u32, of: Option<Who>) -> Checked {
        let due = self.messages.get(number as usize).and_then(|message| message.tells);
        check(due == Some(of), "a pid in a term arrives as the process that it is", || {
            format!("message {number} tells of {due:?} and is taken for {of:?}")
        })
    }

    pub(crate) fn sender(&self, number: u32) -> Option<Who> {
        self.messages.get(number as usize).map(|message| message.from)
    }

    /// The global names that the sender of a message has had since before it was sent, as far as they were not given back and
    /// given again.
    pub(crate) fn names_of_sender(&self, number: u32) -> Option<(Who, u8)> {
        let message = self.messages.get(number as usize).filter(|message| message.names != 0)?;
        let names = message.names & self.claims.of(message.from) & !self.claims.of_again(message.from);
        (names != 0).then_some((message.from, names))
    }

    /// A mailbox got the bytes of a message.
    pub(crate) fn delivered(&mut self, number: u32, to: Who, bytes: usize) -> Checked {
        let Some(message) = self.messages.get_mut(number as usize) else {
            return check(false, "a message is one that was sent", || format!("message {number}"));
        };
        let first = !std::mem::replace(&mut message.is_delivered, true);
        check(first, "no message arrives twice", || format!("message {number} at {to}"))?;
        check(message.to.is_none_or(|meant| meant == to), "no other process gets a message", || {
            format!("message {number} is for {:?} and came to {to}", message.to)
        })?;
        check(message.bytes as usize == bytes, "a message keeps its bytes", || {
            format!("message {number} of {} bytes came with {bytes}", message.bytes)
        })
    }
}
