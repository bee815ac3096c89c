//! Memory that the program reads until it frees it.

use std::sync::Arc;

use bytes::Bytes;
use snow_dist_codec::{Pid as WirePid, Reading, stf};
use snow_dist_runtime::{Message, NodeNumber, Pid, Reason, Received};

use crate::failure::{Failure, Outcome};
use crate::handles::{Handles, Kind};
use crate::limits::SNOW_HELD_MAX;
use crate::queue::{Event, What};
use crate::types::{
    snow_bytes, snow_event, snow_event_kind, snow_memory, snow_pid, snow_process, snow_reason,
    snow_reason_kind,
};

pub(crate) static HELD: Handles<Held> = Handles::new(Kind::Memory, SNOW_HELD_MAX);

/// What the pointers of an event, or of bytes, point to.
#[derive(Default)]
pub(crate) struct Held {
    id: u64,
    data: Bytes,
    pids: Vec<snow_pid>,
}

impl Held {
    fn keep(data: Bytes, pids: Vec<snow_pid>) -> Arc<Self> {
        HELD.keep(|id| Self { id, data, pids })
    }

    const fn memory(&self) -> snow_memory {
        snow_memory { id: self.id }
    }

    /// Null if there is nothing to point to.
    fn data(&self) -> *const u8 {
        if self.data.is_empty() { std::ptr::null() } else { self.data.as_ptr() }
    }

    fn pids(&self) -> *const snow_pid {
        if self.pids.is_empty() { std::ptr::null() } else { self.pids.as_ptr() }
    }
}

/// A text with a zero byte behind it.
fn with_zero(text: &[u8]) -> Bytes {
    [text, &[0]].concat().into()
}

/// Bytes for the program.
pub(crate) fn bytes(content: &[u8]) -> Outcome<snow_bytes> {
    HELD.check_room()?;
    let held = Held::keep(with_zero(content), Vec::new());
    Ok(snow_bytes { data: held.data(), length: content.len(), memory: held.memory() })
}

/// An event as the program sees it. That there is room to hold one more has been seen before it was taken.
pub(crate) fn event(event: Event) -> snow_event {
    let process = snow_process { id: event.process.id };
    let shown = match event.what {
        What::Ended(reason) => of_reason(snow_event_kind::SNOW_EVENT_ENDED, &reason),
        What::Received(Received::Message(message)) => of_message(message),
        What::Received(Received::Exit { from, reason }) => {
            snow_event { from: from.into(), ..of_reason(snow_event_kind::SNOW_EVENT_EXIT, &reason) }
        }
        What::Received(Received::Down { reference, from, reason }) => snow_event {
            from: from.into(),
            reference: reference.number(),
            ..of_reason(snow_event_kind::SNOW_EVENT_DOWN, &reason)
        },
        What::Received(Received::NodeUp { name }) => of_name(snow_event_kind::SNOW_EVENT_NODE_UP, &name),
        What::Received(Received::NodeDown { name }) => of_name(snow_event_kind::SNOW_EVENT_NODE_DOWN, &name),
        // A later runtime tells of more: an event of no kind.
        What::Received(_) => of_held(0, &Held::keep(Bytes::new(), Vec::new())),
    };
    snow_event { process, ..shown }
}

fn of_held(kind: u32, held: &Held) -> snow_event {
    snow_event { kind, memory: held.memory(), ..snow_event::default() }
}

fn of_name(kind: snow_event_kind, name: &str) -> snow_event {
    let held = Held::keep(with_zero(name.as_bytes()), Vec::new());
    snow_event { data: held.data(), length: name.len(), ..of_held(kind as u32, &held) }
}

fn of_message(message: Message) -> snow_event {
    let term = if message.is_term() { numbered(&message) } else { None };
    let is_term = term.is_some();
    let (data, pids) = term.unwrap_or_else(|| (message.into_bytes(), Vec::new()));
    let held = Held::keep(data, pids);
    snow_event {
        is_term,
        data: held.data(),
        length: held.data.len(),
        pids: held.pids(),
        pid_count: held.pids.len(),
        ..of_held(snow_event_kind::SNOW_EVENT_MESSAGE as u32, &held)
    }
}

/// A term whose pids are numbered from 0 on, and the processes that they stand for. `None` if the bytes are no term of the kind
/// that the session has: whoever has the event does not know which that is.
fn numbered(message: &Message) -> Option<(Bytes, Vec<snow_pid>)> {
    let meaning = message.term_pids();
    let mut places = Vec::new();
    let proven = meaning.terms().for_each_pid(message.as_bytes(), Reading::Compatible, |at, pid| {
        places.push((at, pid));
    });
    proven.ok()?;
    if places.is_empty() {
        return Some((message.clone().into_bytes(), Vec::new()));
    }
    let mut term = message.as_bytes().to_vec();
    for (number, (at, _)) in (0..).zip(&places) {
        // A pid stands there: it was just found.
        let _ = stf::replace_pid(&mut term, *at, WirePid::from_bits(number));
    }
    Some((term.into(), places.into_iter().map(|(_, wire)| meaning.pid(wire).into()).collect()))
}

fn of_reason(kind: snow_event_kind, reason: &Reason) -> snow_event {
    let (pids, root) = match reason {
        Reason::Linked(chain) => (chain.hops.iter().copied().map(snow_pid::from).collect(), &chain.root),
        root => (Vec::new(), root),
    };
    let text = text_of(root);
    let held = Held::keep(text.map(with_zero).unwrap_or_default(), pids);
    let reason = snow_reason {
        kind: kind_of(root) as u32,
        text: held.data().cast(),
        text_length: text.map_or(0, <[u8]>::len),
        pids: held.pids(),
        pid_count: held.pids.len(),
    };
    snow_event { reason, ..of_held(kind as u32, &held) }
}

fn text_of(root: &Reason) -> Option<&[u8]> {
    match root {
        Reason::Error(text) | Reason::Custom(text) => Some(text.as_bytes()),
        Reason::Unknown(bytes) => Some(bytes),
        _ => None,
    }
}

const fn kind_of(root: &Reason) -> snow_reason_kind {
    match root {
        Reason::Normal => snow_reason_kind::SNOW_REASON_NORMAL,
        Reason::Error(_) => snow_reason_kind::SNOW_REASON_ERROR,
        Reason::Killed => snow_reason_kind::SNOW_REASON_KILLED,
        Reason::Shutdown => snow_reason_kind::SNOW_REASON_SHUTDOWN,
        Reason::Custom(_) => snow_reason_kind::SNOW_REASON_CUSTOM,
        Reason::Noconnection => snow_reason_kind::SNOW_REASON_NOCONNECTION,
        // The root of a chain is never one.
        Reason::Unknown(_) | Reason::Linked(_) => snow_reason_kind::SNOW_REASON_UNKNOWN,
    }
}

/// The reason of these parts: the text is that of kinds that have one.
pub(crate) fn reason(kind: u32, text: &[u8], pids: &[snow_pid]) -> Outcome<Reason> {
    use snow_reason_kind::*;
    const KINDS: [snow_reason_kind; 7] = [
        SNOW_REASON_NORMAL,
        SNOW_REASON_ERROR,
        SNOW_REASON_KILLED,
        SNOW_REASON_SHUTDOWN,
        SNOW_REASON_CUSTOM,
        SNOW_REASON_NOCONNECTION,
        SNOW_REASON_UNKNOWN,
    ];
    let known = KINDS.into_iter().find(|known| *known as u32 == kind);
    let kind = known.ok_or_else(|| Failure::argument(format!("there is no reason of the kind {kind}")))?;
    let words =
        || std::str::from_utf8(text).map_err(|_| Failure::argument("the text of the reason is not UTF-8"));
    let root = match kind {
        SNOW_REASON_NORMAL => Reason::Normal,
        SNOW_REASON_ERROR => Reason::error(words()?),
        SNOW_REASON_KILLED => Reason::Killed,
        SNOW_REASON_SHUTDOWN => Reason::Shutdown,
        SNOW_REASON_CUSTOM => Reason::custom(words()?),
        SNOW_REASON_NOCONNECTION => Reason::Noconnection,
        SNOW_REASON_UNKNOWN if text.is_empty() => {
            return Err(Failure::argument("the text of an unknown reason begins with its tag"));
        }
        SNOW_REASON_UNKNOWN => Reason::Unknown(text.into()),
    };
    // The last process is put before the root first.
    Ok(pids.iter().rev().fold(root, |reason, pid| Reason::linked((*pid).into(), &reason)))
}

impl From<Pid> for snow_pid {
    fn from(pid: Pid) -> Self {
        let process =
            WirePid::new(0, pid.creation(), pid.local()).map_or_else(|| pid.local(), WirePid::to_bits);
        Self { node: pid.node().get(), process }
    }
}

impl From<snow_pid> for Pid {
    fn from(pid: snow_pid) -> Self {
        let node = match pid.node {
            0 => NodeNumber::HERE,
            number => NodeNumber::other(number).unwrap_or(NodeNumber::UNKNOWN),
        };
        let wire = WirePid::from_bits(pid.process);
        Self::new(node, wire.creation(), wire.local())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pids_come_back() {
        for node in [NodeNumber::HERE, NodeNumber::other(70_000).unwrap(), NodeNumber::UNKNOWN] {
            let pid = Pid::new(node, 7, 42);
            assert_eq!(Pid::from(snow_pid::from(pid)), pid);
        }
    }

    #[test]
    fn reasons_come_back() {
        let one = snow_pid { node: 0, process: 1 << 40 | 2 };
        let other = snow_pid { node: 3, process: 4 };
        let texts: [&[u8]; 2] = [b"", "nöt \0 fine".as_bytes()];
        for (kind, text) in
            [(0, texts[0]), (1, texts[1]), (2, texts[0]), (4, texts[0]), (5, texts[1]), (6, texts[0])]
        {
            for pids in [&[][..], &[one], &[one, other]] {
                let reason = reason(kind, text, pids).unwrap();
                let shown = of_reason(snow_event_kind::SNOW_EVENT_ENDED, &reason);
                let held = HELD.remove(shown.memory.id).unwrap();
                assert_eq!((shown.reason.kind, shown.reason.text_length), (kind, text.len()));
                assert_eq!(&held.data[..held.data.len().saturating_sub(1)], text);
                assert_eq!(held.pids, pids);
            }
        }
        assert!(reason(3, b"", &[]).is_err(), "Linked is said by pids");
        assert!(reason(1, b"\xFF", &[]).is_err());
        assert!(reason(255, b"", &[]).is_err());
        assert_eq!(reason(255, b"\x09rest", &[]).unwrap(), Reason::Unknown(b"\x09rest"[..].into()));
    }
}
