//! The messages between servers, as terms. Specification: `groups.md`, "Messages".

use std::sync::Arc;

use snow_dist_codec::stf::{Encoder, Value, Values};
use snow_dist_codec::{EncodeError, Pid as WirePid, Reading, Text};

use super::changes::Change;
use crate::core::limits::GROUPS_MESSAGE_BYTES_MAX;
use crate::core::{Pid, Term, TermPids};

const ASK: &str = "ask";
const MEMBERS: &str = "members";
/// The version of this protocol that a reader has to support.
const VERSION: i64 = 1;

/// An error for bytes that are no message of this protocol, or a message that is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unread;

/// A message of one server to another.
pub(super) struct Addressed<'a> {
    pub(super) from: Pid,
    pub(super) to: Pid,
    pub(super) body: Message<'a>,
}

pub(super) enum Message<'a> {
    /// A request to begin another stream: the one with this number, or what came before the first, is not understood.
    Ask { stream: i64 },
    /// A part of a stream.
    Members(Members<'a>),
}

pub(super) struct Members<'a> {
    pub(super) stream: i64,
    pub(super) number: i64,
    pub(super) complete: bool,
    pub(super) joined: Entries<'a>,
    pub(super) left: Entries<'a>,
}

/// Entries of a message: groups, each with processes.
pub(super) struct Entries<'a> {
    groups: Values<'a>,
    pids: &'a TermPids,
}

impl Entries<'_> {
    /// Calls `on_entry` with each process and its group, and with `None` for each value that is no entry.
    pub(super) fn for_each(&self, mut on_entry: impl FnMut(Option<(&str, Pid)>)) {
        for value in self.groups.iter() {
            let Some((group, members)) = entry(value) else {
                on_entry(None);
                continue;
            };
            for member in members.iter() {
                let pid = if let Value::Pid(pid) = member { Some(self.pids.pid(pid)) } else { None };
                on_entry(pid.map(|pid| (group.as_str(), pid)));
            }
        }
    }
}

fn entry(value: Value<'_>) -> Option<(Text<'_>, Values<'_>)> {
    let Value::Tuple(fields) = value else { return None };
    let mut fields = fields.iter();
    match (fields.next()?, fields.next()?) {
        (Value::Str(group), Value::List(members)) => Some((group, members)),
        _ => None,
    }
}

/// Reads a message.
pub(super) fn read<'a>(term: &'a [u8], pids: &'a TermPids) -> Result<Addressed<'a>, Unread> {
    parse(term, pids).ok_or(Unread)
}

fn parse<'a>(term: &'a [u8], pids: &'a TermPids) -> Option<Addressed<'a>> {
    let (value, _) = pids.terms().decode(term, Reading::Compatible).ok()?;
    let Value::Tuple(fields) = value else { return None };
    let mut fields = Fields { values: fields.iter(), pids };
    let kind = fields.text()?;
    //= spec/groups.md#grp-msg-003
    //# A server MUST ignore what is not a term, does not have the form of a message, or has an unknown kind
    //# or version.
    if fields.int()? != VERSION {
        return None;
    }
    let (from, to, stream) = (fields.pid()?, fields.pid()?, fields.int()?);
    let body = match kind.as_str() {
        ASK => Message::Ask { stream },
        MEMBERS => Message::Members(Members {
            stream,
            number: fields.int()?,
            complete: fields.truth()?,
            joined: fields.entries()?,
            left: fields.entries()?,
        }),
        _ => return None,
    };
    //= spec/groups.md#grp-msg-002
    //# A server MUST ignore fields behind those that this text lists, in a message and in an entry.
    Some(Addressed { from, to, body })
}

/// The fields of a message, in order.
struct Fields<'a, I> {
    values: I,
    pids: &'a TermPids,
}

impl<'a, I: Iterator<Item = Value<'a>>> Fields<'a, I> {
    fn text(&mut self) -> Option<Text<'a>> {
        if let Value::Str(text) = self.values.next()? { Some(text) } else { None }
    }

    fn int(&mut self) -> Option<i64> {
        if let Value::Int(number) = self.values.next()?
            && number >= 0
        {
            Some(number)
        } else {
            None
        }
    }

    fn truth(&mut self) -> Option<bool> {
        if let Value::Bool(truth) = self.values.next()? { Some(truth) } else { None }
    }

    fn pid(&mut self) -> Option<Pid> {
        if let Value::Pid(pid) = self.values.next()? { Some(self.pids.pid(pid)) } else { None }
    }

    fn entries(&mut self) -> Option<Entries<'a>> {
        let Value::List(groups) = self.values.next()? else { return None };
        Some(Entries { groups, pids: self.pids })
    }
}

/// Returns the message that asks for another stream.
pub(super) fn ask(own: Pid, to: Pid, stream: i64) -> Option<Term> {
    Writer::write(own, to, |writer| writer.head(ASK, 5, stream))
}

/// The memberships that go into one message.
#[derive(Debug, Default)]
pub(super) struct Batch {
    joined: List,
    left: List,
}

#[derive(Debug, Default)]
struct List {
    groups: Vec<(Arc<str>, Vec<Pid>)>,
    bytes: usize,
}

/// The bytes of a message without entries.
const HEAD_BYTES: usize = 1 + 2 + (5 + MEMBERS.len()) + 2 * 9 + 3 * 9 + 1 + 2 * 5;
/// The bytes of an entry without its name and its processes.
const ENTRY_BYTES: usize = 2 + 5 + 5;
/// The bytes of a pid in a term.
const PID_BYTES: usize = 9;

impl Batch {
    /// Adds a membership, next to the one of the same group that was added last. Returns `false` if there is no room.
    pub(super) fn add(&mut self, group: &Arc<str>, pid: Pid, change: Change) -> bool {
        let others = HEAD_BYTES + self.joined.bytes + self.left.bytes;
        let list = match change {
            Change::Joined => &mut self.joined,
            Change::Left => &mut self.left,
        };
        let last = list.groups.last_mut().filter(|(last, _)| last == group);
        let bytes = PID_BYTES + if last.is_some() { 0 } else { ENTRY_BYTES + group.len() };
        //= spec/groups.md#grp-msg-005
        //# A server MUST NOT send a message of more than `groups_message_bytes_max` bytes.
        if others + bytes > GROUPS_MESSAGE_BYTES_MAX {
            return false;
        }
        list.bytes += bytes;
        match last {
            Some((_, members)) => members.push(pid),
            None => list.groups.push((Arc::clone(group), vec![pid])),
        }
        true
    }

    /// Returns the message with all these memberships.
    pub(super) fn write(&self, own: Pid, to: Pid, stream: i64, number: i64, complete: bool) -> Option<Term> {
        Writer::write(own, to, |writer| {
            writer.head(MEMBERS, 9, stream)?;
            writer.encoder.int(number);
            writer.encoder.bool(complete);
            writer.list(&self.joined)?;
            writer.list(&self.left)
        })
    }
}

/// A writer of a term in which each pid is the number of a process that is listed beside it.
struct Writer<'b> {
    encoder: Encoder<'b>,
    pids: Vec<Pid>,
    own: Pid,
    to: Pid,
}

impl Writer<'_> {
    /// Writes a term. The result is never `None`: lengths and counts are far below the limits of a term.
    fn write(
        own: Pid,
        to: Pid,
        act: impl FnOnce(&mut Writer<'_>) -> Result<(), EncodeError>,
    ) -> Option<Term> {
        let mut bytes = Vec::new();
        let mut writer = Writer { encoder: Encoder::new(&mut bytes), pids: Vec::new(), own, to };
        act(&mut writer).ok()?;
        let Writer { encoder, pids, .. } = writer;
        encoder.finish().ok()?;
        Term::new(bytes, &pids).ok()
    }

    //= spec/groups.md#grp-msg-001
    //# A server MUST send its messages as terms of the first kind, by SEND_NAME_TERM, to the name `groups`.
    fn head(&mut self, kind: &str, arity: usize, stream: i64) -> Result<(), EncodeError> {
        self.encoder.tuple(arity)?;
        self.encoder.str(kind.into())?;
        self.encoder.int(VERSION);
        self.pid(self.own);
        self.pid(self.to);
        self.encoder.int(stream);
        Ok(())
    }

    fn list(&mut self, list: &List) -> Result<(), EncodeError> {
        self.encoder.list(list.groups.len())?;
        for (group, members) in &list.groups {
            self.encoder.tuple(2)?;
            self.encoder.str((&**group).into())?;
            self.encoder.list(members.len())?;
            members.iter().for_each(|pid| self.pid(*pid));
        }
        Ok(())
    }

    fn pid(&mut self, pid: Pid) {
        self.encoder.pid(WirePid::from_bits(self.pids.len() as u64));
        self.pids.push(pid);
    }
}
