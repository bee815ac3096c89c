//! Calls and monitors by name in the reference.
//!
//! Whom a name stands for is known where the frame is handled: from then on what comes of it is in the line of that process.
//! On the wire it is local id 0.

use snow_dist_codec::Frame;

use super::frames::{ends_of, number_of_term};
use super::joint::{Ends, Joint, NAMES};
use super::line::{Here, What};
use super::{Brings, Checked, Reason, Who};

/// A monitor or a call of this end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Watching {
    /// The local process, and the other one as it stands on the wire.
    pub(super) ends: Ends,
    pub(super) kind: Kind,
}

/// One of the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watched {
    /// The local process, and the other one.
    pub(super) ends: Ends,
    pub(super) is_owed: bool,
    pub(super) is_call: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Watch,
    /// By a name, and whose that is, once it is known.
    Name(Option<u32>),
    Call,
}

impl Watching {
    /// What its end brings.
    pub(super) fn brings(self, reference: u64, there: u32, reason: Reason) -> Brings {
        let (local, remote) = self.ends;
        let remote = match self.kind {
            Kind::Call => return Brings::CallEnded(local, reference, reason),
            Kind::Name(Some(named)) => named,
            Kind::Watch | Kind::Name(None) => remote,
        };
        Brings::Down(local, reference, Who { start: there, local: remote }, reason)
    }
}

impl Joint {
    // What processes do.

    /// A call of a process, or of a name if `name` is one.
    pub(crate) fn call(
        &mut self,
        side: usize,
        (local, remote): Ends,
        name: Option<u32>,
        reference: u64,
        message: u32,
    ) {
        let remote = if name.is_some() { 0 } else { remote };
        self.sides[side].watching.insert(reference, Watching { ends: (local, remote), kind: Kind::Call });
        let line = name.map_or(remote, |name| NAMES | name);
        self.put(side, (local, line), What::Call(message, reference), false);
    }

    pub(crate) fn monitor_named(&mut self, side: usize, local: u32, name: u32, reference: u64) {
        self.sides[side].watching.insert(reference, Watching { ends: (local, 0), kind: Kind::Name(None) });
        self.put(side, (local, NAMES | name), What::MonitorName(reference), false);
    }

    /// Whether a reply to a call of the other end is taken.
    pub(crate) fn is_called(&self, side: usize, reference: u64) -> bool {
        self.sides[side].watched.get(&reference).is_some_and(|it| it.is_call && !it.is_owed)
    }

    /// Whether a call or a monitor of this end is not over.
    pub(crate) fn is_waiting(&self, side: usize, reference: u64) -> bool {
        self.sides[side].watching.contains_key(&reference)
    }

    /// Calls that wait for a reply of this end.
    pub(crate) fn calls(&self, side: usize) -> usize {
        self.sides[side].watched.values().filter(|it| it.is_call && !it.is_owed).count()
    }

    /// A reply to such a call.
    pub(crate) fn reply(&mut self, side: usize, reference: u64, message: u32) {
        if let Some(it) = self.sides[side].watched.remove(&reference) {
            self.put(side, it.ends, What::Reply(message, reference), false);
        }
    }

    /// Nobody replies to such a call any more.
    pub(crate) fn leave_unanswered(&mut self, side: usize, reference: u64) {
        if let Some(it) = self.sides[side].watched.get_mut(&reference) {
            it.is_owed = true;
            let ends = it.ends;
            self.put(side, ends, What::Down(reference, Reason::error("unanswered")), false);
        }
    }

    // What frames bring.

    /// The line of what comes of a call or a monitor by name: that of whoever was meant by it.
    pub(super) fn line_of(&self, side: usize, reference: u64, (local, remote): Ends) -> Ends {
        if local > 0 {
            return (local, remote);
        }
        (self.sides[side].named.get(&reference).map_or(0, |ends| ends.0), remote)
    }

    pub(super) fn on_call(
        &mut self,
        side: usize,
        frame: &Frame<'_>,
        here: &impl Here,
    ) -> Checked<Option<Brings>> {
        let (reference, message, name) = match frame {
            Frame::Call(call) => (call.reference, call.message, None),
            Frame::CallName(call) => (call.reference, call.message, Some(call.name.as_str())),
            _ => return Ok(None),
        };
        let ((to, remote), number) = (ends_of(frame), number_of_term(message));
        let line = name.map_or(to, |name| NAMES | here.holder(name).0);
        self.take(1 - side, (remote, line), &What::Call(number, reference))?;
        let callee = name.map_or(Some(to), |name| here.holder(name).1).filter(|local| here.is_alive(*local));
        let ends = (callee.unwrap_or(to), remote);
        if let Some(refusal) = Self::refusal(callee.is_some(), here.is_full())? {
            self.put(side, ends, What::Down(reference, refusal), false);
            return Ok(None);
        }
        if name.is_some() {
            self.sides[side].named.insert(reference, ends);
        }
        if here.takes_no_call(ends.0) {
            self.put(side, ends, What::Down(reference, Reason::error("full")), false);
            return Ok(None);
        }
        self.sides[side].watched.insert(reference, Watched { ends, is_owed: false, is_call: true });
        Ok(Some(Brings::Call(ends.0, reference, number)))
    }

    pub(super) fn on_reply(&mut self, side: usize, frame: &Frame<'_>) -> Checked<Option<Brings>> {
        let Frame::CallReply(reply) = frame else { return Ok(None) };
        let (reference, number) = (reply.reference, number_of_term(reply.message));
        let (local, remote) = ends_of(frame);
        let line = self.line_of(1 - side, reference, (remote, local));
        self.take(1 - side, line, &What::Reply(number, reference))?;
        let watching = self.sides[side].watching.remove(&reference);
        Ok(watching.map(|it| Brings::Reply(it.ends.0, reference, number)))
    }

    pub(super) fn on_monitor_name(&mut self, side: usize, frame: &Frame<'_>, here: &impl Here) -> Checked {
        let Frame::MonitorName(monitor) = frame else { return Ok(()) };
        let ((_, remote), reference) = (ends_of(frame), monitor.reference);
        let (name, holder) = here.holder(monitor.name.as_str());
        self.take(1 - side, (remote, NAMES | name), &What::MonitorName(reference))?;
        let holder = holder.filter(|local| here.is_alive(*local));
        let ends = (holder.unwrap_or_default(), remote);
        if let Some(refusal) = Self::refusal(holder.is_some(), here.is_full())? {
            self.put(side, ends, What::Down(reference, refusal), false);
            return Ok(());
        }
        self.sides[side].named.insert(reference, ends);
        self.sides[side].watched.insert(reference, Watched { ends, is_owed: false, is_call: false });
        self.put(side, ends, What::Named(reference), false);
        Ok(())
    }

    pub(super) fn on_named(&mut self, side: usize, frame: &Frame<'_>) -> Checked<Option<Brings>> {
        let Frame::Named(named) = frame else { return Ok(None) };
        let (far, reference) = (1 - side, named.reference);
        let line = self.sides[far].named.get(&reference).copied().unwrap_or_default();
        self.take(far, line, &What::Named(reference))?;
        let there = self.sides[far].start;
        let Some(it) = self.sides[side].watching.get_mut(&reference) else { return Ok(None) };
        it.kind = Kind::Name(Some(line.0));
        Ok(Some(Brings::Named(line.1, reference, Who { start: there, local: line.0 })))
    }
}
