//! `trace`: the frames of this node, as `snow-dist decode` shows them.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use snow_dist_codec::layout::Sink;
use snow_dist_codec::{Entries, Extension, Frame, Handshake, Names, Pid as WirePid, Reading, Reason, Text};
use snow_dist_runtime::{Direction, Pid, Seen};

use super::screen::Screen;
use crate::dump::{self, Rows};

/// Which frames are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Traced {
    Nothing,
    Everything,
    /// Those of the sessions with this node.
    Node(String),
    /// Those that name this process, by its number and creation.
    Process(Pid),
}

/// What is traced at present. Cheap to clone.
#[derive(Clone)]
pub(super) struct Trace(Arc<Mutex<Traced>>);

impl Trace {
    pub(super) fn new(traced: Traced) -> Self {
        Self(Arc::new(Mutex::new(traced)))
    }

    pub(super) fn set(&self, traced: Traced) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = traced;
    }

    fn is_shown(&self, seen: &Seen<'_>, pids: &[WirePid]) -> bool {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Traced::Nothing => false,
            Traced::Everything => true,
            Traced::Node(node) => *node == seen.peer,
            Traced::Process(pid) => {
                pids.iter().any(|wire| (wire.local(), wire.creation()) == (pid.local(), pid.creation()))
            }
        }
    }

    fn is_on(&self) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) != Traced::Nothing
    }

    /// Sees a message of a connection.
    pub(super) fn see(&self, seen: &Seen<'_>, screen: &Screen) {
        if self.is_on()
            && let Some(text) = self.text(seen)
        {
            screen.tell(&text);
        }
    }

    fn text(&self, seen: &Seen<'_>) -> Option<String> {
        let length = u32::try_from(seen.payload.len()).unwrap_or(u32::MAX).to_le_bytes();
        let mut rows = Rows::new(seen.payload, length.len(), 0);
        rows.length(&length);
        let (name, section) = if seen.handshake {
            let message = Handshake::decode(seen.payload, Reading::Compatible).ok()?;
            if !self.is_shown(seen, &[]) {
                return None;
            }
            rows.handshake(&message, &[]);
            (message.name(), dump::section("handshake.md", message.name()))
        } else {
            let frame = Frame::decode(seen.payload, Reading::Compatible).ok()?;
            if !self.is_shown(seen, &pids(&frame)) {
                return None;
            }
            rows.frame(&frame, &[]);
            (frame.name(), dump::frame_section(&frame))
        };
        let arrow = if seen.direction == Direction::Out { "->" } else { "<-" };
        // In a handshake the tap is not told who it is.
        let peer = if seen.peer.is_empty() { "handshake" } else { seen.peer };
        let mut text = Vec::new();
        rows.print(&format!("{arrow} {peer}  {name}"), &section, &mut text).ok()?;
        Some(String::from_utf8_lossy(&text).trim_end().to_owned())
    }
}

/// The pids in the fields of a frame.
fn pids(frame: &Frame<'_>) -> Vec<WirePid> {
    let mut pids = Pids(Vec::new());
    let Ok(()) = frame.write_fields(&mut pids);
    pids.0
}

struct Pids(Vec<WirePid>);

/// Fields that hold no pid.
macro_rules! nothing {
    ($($name:ident($type:ty);)*) => {
        $(fn $name(&mut self, _: &'static str, _: $type) -> Result<(), Infallible> {
            Ok(())
        })*
    };
}

impl Sink for Pids {
    type Error = Infallible;

    nothing! {
        u8(u8);
        u16(u16);
        u32(u32);
        u64(u64);
        str16(Text<'_>);
        str32(Text<'_>);
        rest(&[u8]);
        text(Text<'_>);
        names(&Names<'_>);
        extension(Option<&Extension<'_>>);
        invalid(&'static str);
    }

    fn array<const N: usize>(&mut self, _: &'static str, _: &[u8; N]) -> Result<(), Infallible> {
        Ok(())
    }

    fn pid(&mut self, _: &'static str, value: WirePid) -> Result<(), Infallible> {
        self.0.push(value);
        Ok(())
    }

    fn reason(&mut self, _: &'static str, value: &Reason<'_>) -> Result<(), Infallible> {
        self.0.extend(value.hops());
        Ok(())
    }

    fn entries(&mut self, _: &'static str, value: &Entries<'_>) -> Result<(), Infallible> {
        self.0.extend(value.iter().map(|entry| entry.pid));
        Ok(())
    }
}
