//! The reference of one session: both its ends, and the lines between their processes.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use snow_dist_codec::frame::{Fragment, Send, SendTerm};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Frame, Reading};

use super::calls::{Kind, Watched, Watching};
use super::delays::Delays;
use super::frames::{ends_of, message_of, name_of, number_of, number_of_term, sender_of};
use super::line::{Here, Item, What};
use super::{Brings, Checked, Reason, Who, check};
use crate::coverage::{Coverage, LinkEvent};

/// A process at one end and one at the other: of this end, of the other.
pub(super) type Ends = (u32, u32);

/// Bytes of processes without a signal that stand before one, where the session has fragments.
const BEFORE_SIGNAL_MAX: u64 = 128 << 10;

/// What stands for a name where a process's number would be.
pub(super) const NAMES: u32 = 1 << 31;

/// One side of a link, as `session.md` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    None,
    Active,
    Unlinking(u64),
    Ending,
}

/// One end of a session.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) start: u32,
    is_up: bool,
    is_over: bool,
    links: FxHashMap<Ends, LinkState>,
    /// Monitors and calls of this end, by number.
    pub(super) watching: FxHashMap<u64, Watching>,
    /// Those of the other end.
    pub(super) watched: FxHashMap<u64, Watched>,
    /// Those of the other end that were for a name: who had it, and of whom they are.
    pub(super) named: FxHashMap<u64, Ends>,
    /// The last number of a monitor or a call of this end.
    reference: u64,
    unlink_id: u64,
    /// The last unlink of each two processes, until it is acknowledged.
    outstanding: FxHashMap<Ends, u64>,
    /// What its queue has written.
    delays: Delays,
    /// Frames of the other end that have come in part.
    pieces: FxHashMap<u64, Vec<u8>>,
    /// Of each process of the *other* end: the number of the last thing it has done that was handled here, and
    /// that of the last one for a name.
    handled: FxHashMap<u32, (u64, u64)>,
}

/// From which end, from whom, to whom.
type Line = (u8, u32, u32);

/// A session, as both ends must see it.
#[derive(Debug)]
pub(crate) struct Joint {
    pub(super) sides: [Side; 2],
    lines: FxHashMap<Line, VecDeque<Item>>,
    numbers: u64,
    /// What both ends have.
    capabilities: Capabilities,
}

const AGREED: &str = "both ends agree at rest";

impl Joint {
    pub(crate) fn new(starts: [u32; 2], capabilities: Capabilities) -> Self {
        let sides = starts.map(|start| Side { start, ..Side::default() });
        Self { sides, lines: FxHashMap::default(), numbers: 0, capabilities }
    }

    pub(crate) fn may_exit(&self) -> bool {
        self.capabilities.contains(Capabilities::REMOTE_EXIT)
    }

    pub(crate) fn may_send_terms(&self) -> bool {
        self.capabilities.contains(Capabilities::SEND_TERM)
    }

    pub(crate) fn may_call(&self) -> bool {
        self.capabilities.contains(Capabilities::CALLS)
    }

    pub(crate) fn may_name(&self) -> bool {
        self.capabilities.contains(Capabilities::NAMES)
    }

    /// A number for a monitor or a call of this end: the first ones are the same in each session.
    pub(crate) fn next_reference(&mut self, side: usize) -> u64 {
        self.sides[side].reference += 1;
        self.sides[side].reference
    }

    /// A process, as it is known at the other end where one end names it.
    pub(crate) fn known(&self, who: Who) -> Option<Who> {
        let is_of_them = self.sides.iter().any(|side| side.start == who.start);
        (is_of_them || self.names_all()).then_some(who)
    }

    /// Whether hops of third nodes are named.
    fn names_all(&self) -> bool {
        self.capabilities.contains(Capabilities::NODE_TABLE)
    }

    pub(crate) fn come_up(&mut self, side: usize) {
        self.sides[side].is_up = true;
    }

    /// So many bytes are written, and the transport has not taken them.
    pub(crate) fn unsent(&mut self, side: usize, bytes: usize) {
        self.sides[side].delays.unsent = bytes as u64;
    }

    fn is_running(&self, side: usize) -> bool {
        self.sides[side].is_up && !self.sides[side].is_over
    }

    pub(crate) fn link_state(&self, side: usize, ends: Ends) -> LinkState {
        self.sides[side].links.get(&ends).copied().unwrap_or(LinkState::None)
    }

    fn set(&mut self, side: usize, ends: Ends, state: LinkState) {
        if state == LinkState::None {
            self.sides[side].links.remove(&ends);
        } else {
            self.sides[side].links.insert(ends, state);
        }
    }

    pub(super) fn put(&mut self, side: usize, (local, remote): Ends, what: What, of_end: bool) {
        self.numbers += 1;
        let delays = &mut self.sides[side].delays;
        let gone = if what.is_message() {
            delays.sent(local);
            0
        } else {
            delays.owe(local)
        };
        let item = Item { what, number: self.numbers, of_end, is_void: false, is_written: false, gone };
        self.lines.entry((side as u8, local, remote)).or_default().push_back(item);
    }

    // What processes do.

    pub(crate) fn send(&mut self, side: usize, ends: Ends, message: u32) {
        self.put(side, ends, What::Message(message), false);
    }

    pub(crate) fn send_named(&mut self, side: usize, local: u32, name: u32, message: u32) {
        self.put(side, (local, NAMES | name), What::Message(message), false);
    }

    pub(crate) fn exit(&mut self, side: usize, ends: Ends, reason: Reason) {
        self.put(side, ends, What::Exit2(reason), false);
    }

    pub(crate) fn link(&mut self, side: usize, ends: Ends, coverage: &mut Coverage) {
        let state = self.link_state(side, ends);
        coverage.link(state, LinkEvent::Link);
        if matches!(state, LinkState::None | LinkState::Unlinking(_)) {
            self.set(side, ends, LinkState::Active);
            self.put(side, ends, What::Link, false);
        }
    }

    pub(crate) fn unlink(&mut self, side: usize, ends: Ends, coverage: &mut Coverage) {
        let state = self.link_state(side, ends);
        coverage.link(state, LinkEvent::Unlink);
        if state == LinkState::Active {
            self.sides[side].unlink_id += 1;
            let id = self.sides[side].unlink_id;
            self.set(side, ends, LinkState::Unlinking(id));
            self.sides[side].outstanding.insert(ends, id);
            self.put(side, ends, What::UnlinkId(id), false);
        }
    }

    pub(crate) fn monitor(&mut self, side: usize, ends: Ends, reference: u64) {
        self.sides[side].watching.insert(reference, Watching { ends, kind: Kind::Watch });
        self.put(side, ends, What::Monitor(reference), false);
    }

    pub(crate) fn demonitor(&mut self, side: usize, reference: u64) -> bool {
        let watching = self.sides[side].watching.remove(&reference);
        if let Some(Watching { ends, .. }) = watching {
            self.put(side, ends, What::Demonitor(reference), false);
        }
        watching.is_some()
    }

    /// A process has ended, and the session is told.
    pub(crate) fn ended(&mut self, side: usize, local: u32, reason: &Reason, coverage: &mut Coverage) {
        let here = &mut self.sides[side];
        let mut watching: Vec<_> = here.watching.extract_if(|_, it| it.ends.0 == local).collect();
        watching.sort_unstable();
        let mut links: Vec<_> =
            here.links.iter().filter(|(ends, _)| ends.0 == local).map(|(e, s)| (*e, *s)).collect();
        links.sort_unstable_by_key(|(ends, _)| *ends);
        let mut downs = Vec::new();
        for (reference, it) in &mut here.watched {
            if it.ends.0 == local && !std::mem::replace(&mut it.is_owed, true) {
                downs.push((*reference, it.ends));
            }
        }
        downs.sort_unstable();
        for (reference, Watching { ends, .. }) in watching {
            self.put(side, ends, What::Demonitor(reference), true);
        }
        for (ends, state) in links {
            coverage.link(state, LinkEvent::End);
            if state == LinkState::Active {
                self.set(side, ends, LinkState::Ending);
                self.put(side, ends, What::Exit(reason.clone()), true);
            }
        }
        for (reference, ends) in downs {
            self.put(side, ends, What::Down(reference, reason.clone()), true);
        }
    }

    /// A frame has been written by `side`, of so many bytes.
    pub(super) fn written(
        &mut self,
        side: usize,
        frame: &Frame<'_>,
        bytes: usize,
        senders: impl Fn(u32) -> Option<Who>,
        coverage: &mut Coverage,
    ) -> Checked {
        // As its reader sees it: the other way round.
        let (remote, local) = ends_of(frame);
        let ends = (local, remote);
        match frame {
            Frame::Fragment(piece) => {
                // The first piece is the beginning of its frame, and that reads like a shorter message.
                let begun = Frame::decode(piece.payload, Reading::Compatible).ok();
                let begun = begun.filter(|_| piece.total.is_some());
                let from = begun.and_then(|frame| senders(message_of(&frame)?)).map(|from| from.local);
                self.sides[side].delays.wrote_piece(piece, from, bytes);
                Ok(())
            }
            Frame::Exit(_) => {
                let is_exit = |what: &What| matches!(what, What::Exit(_));
                let of_end = self.write_first(side, ends, is_exit, coverage)?;
                if of_end && self.link_state(side, ends) == LinkState::Ending {
                    coverage.link(LinkState::Ending, LinkEvent::Written);
                    self.set(side, ends, LinkState::None);
                }
                Ok(())
            }
            Frame::MonitorExit(exit) => {
                let reference = exit.reference;
                let is_down = |what: &What| matches!(what, What::Down(of, _) if *of == reference);
                self.write_first(side, self.line_of(side, reference, ends), is_down, coverage)?;
                if self.sides[side].watched.get(&reference).is_some_and(|it| it.is_owed) {
                    self.sides[side].watched.remove(&reference);
                }
                Ok(())
            }
            Frame::MonitorName(monitor) => {
                let is_it = |what: &What| *what == What::MonitorName(monitor.reference);
                let Some(name) = name_of(monitor.name.as_str()) else { return Ok(()) };
                self.write_first(side, (local, NAMES | name), is_it, coverage).map(|_| ())
            }
            Frame::Named(named) => {
                let ends = self.sides[side].named.get(&named.reference).copied().unwrap_or_default();
                self.write_it(side, ends, &What::Named(named.reference), coverage)
            }
            Frame::Exit2(_) => {
                let is_exit = |what: &What| matches!(what, What::Exit2(_));
                self.write_first(side, ends, is_exit, coverage).map(|_| ())
            }
            Frame::Link(_) => self.write_it(side, ends, &What::Link, coverage),
            Frame::UnlinkId(it) => self.write_it(side, ends, &What::UnlinkId(it.id), coverage),
            Frame::UnlinkAck(it) => self.write_it(side, ends, &What::UnlinkAck(it.id), coverage),
            Frame::Monitor(it) => self.write_it(side, ends, &What::Monitor(it.reference), coverage),
            Frame::Demonitor(it) => self.write_it(side, ends, &What::Demonitor(it.reference), coverage),
            frame => {
                if message_of(frame).is_some() {
                    let from = sender_of(frame, senders).unwrap_or_default();
                    self.sides[side].delays.wrote(from, bytes);
                }
                Ok(())
            }
        }
    }

    fn write_it(&mut self, side: usize, ends: Ends, what: &What, coverage: &mut Coverage) -> Checked {
        self.write_first(side, ends, |other| other == what, coverage).map(|_| ())
    }

    /// Marks the first such thing that is owed and not written; true if it is of a process's end.
    fn write_first(
        &mut self,
        side: usize,
        ends: Ends,
        is_it: impl Fn(&What) -> bool,
        coverage: &mut Coverage,
    ) -> Checked<bool> {
        const OWED: &str = "nothing is written that is not owed";
        let line = self.lines.get_mut(&(side as u8, ends.0, ends.1));
        let found = line.and_then(|line| {
            line.iter_mut().find(|item| !item.is_written && !item.is_void && is_it(&item.what))
        });
        let Some(item) = found else {
            check(false, OWED, || format!("a frame of {} for {}", ends.0, ends.1))?;
            return Ok(false);
        };
        item.is_written = true;
        let (gone, of_end) = (item.gone, item.of_end);
        let before = self.sides[side].delays.pay(ends.0, gone);
        if self.capabilities.contains(Capabilities::FRAGMENTS) {
            coverage.before_signal_max = coverage.before_signal_max.max(before);
            check(before <= BEFORE_SIGNAL_MAX, "few bytes of other processes stand before a signal", || {
                format!("{before} bytes before a signal of {}", ends.0)
            })?;
        } else {
            coverage.before_signal_whole_max = coverage.before_signal_whole_max.max(before);
        }
        Ok(of_end)
    }

    /// A frame is handled by `side`. Gives what it must bring.
    pub(crate) fn handled(
        &mut self,
        side: usize,
        frame: &Frame<'_>,
        here: &impl Here,
        coverage: &mut Coverage,
    ) -> Checked<Option<Brings>> {
        let far = 1 - side;
        check(self.is_running(side), "a session brings nothing before its NODEUP or after its end", || {
            format!("{} at end {side}", frame.name())
        })?;
        let there = self.sides[far].start;
        let from_there = |remote: u32| Who { start: there, local: remote };
        let (local, remote) = ends_of(frame);
        let ends = (local, remote);
        match frame {
            Frame::Send(Send { message, .. }) | Frame::SendTerm(SendTerm { message, .. }) => {
                let is_term = matches!(frame, Frame::SendTerm(_));
                let number = if is_term { number_of_term(message) } else { number_of(message) };
                let from = here.sender(number).filter(|from| from.start == there);
                let from = from.map_or(0, |from| from.local);
                self.take(far, (from, local), &What::Message(number))?;
                return Ok(here.is_alive(local).then_some(Brings::Message(local, number)));
            }
            Frame::RegSend(_) | Frame::SendNameTerm(_) => {
                let name = match frame {
                    Frame::RegSend(send) => send.name.as_str(),
                    Frame::SendNameTerm(send) => send.name.as_str(),
                    _ => return Ok(None),
                };
                let number = message_of(frame).unwrap_or(u32::MAX);
                let from = sender_of(frame, |number| here.sender(number)).unwrap_or_default();
                let (name, holder) = here.holder(name);
                self.take(far, (from, NAMES | name), &What::Message(number))?;
                return Ok(holder
                    .filter(|holder| here.is_alive(*holder))
                    .map(|local| Brings::Message(local, number)));
            }
            Frame::Link(_) => {
                self.take(far, (remote, local), &What::Link)?;
                let state = self.link_state(side, ends);
                coverage.link(
                    state,
                    if here.is_alive(local) { LinkEvent::OnLink } else { LinkEvent::OnLinkDead },
                );
                if state == LinkState::None {
                    match Self::refusal(here.is_alive(local), here.is_full())? {
                        None => self.set(side, ends, LinkState::Active),
                        Some(refusal) => self.put(side, ends, What::Exit(refusal), false),
                    }
                }
            }
            Frame::UnlinkId(unlink) => {
                self.take(far, (remote, local), &What::UnlinkId(unlink.id))?;
                let state = self.link_state(side, ends);
                coverage.link(state, LinkEvent::OnUnlinkId);
                self.end_link(side, ends, state);
                self.put(side, ends, What::UnlinkAck(unlink.id), false);
            }
            Frame::UnlinkAck(ack) => {
                self.take(far, (remote, local), &What::UnlinkAck(ack.id))?;
                let state = self.link_state(side, ends);
                let is_of_it = state == LinkState::Unlinking(ack.id);
                coverage.link(state, if is_of_it { LinkEvent::OnAck } else { LinkEvent::OnOtherAck });
                if is_of_it {
                    self.set(side, ends, LinkState::None);
                }
                if self.sides[side].outstanding.get(&ends) == Some(&ack.id) {
                    self.sides[side].outstanding.remove(&ends);
                }
            }
            Frame::Exit(_) => {
                let Some(What::Exit(reason)) =
                    self.take_by(far, (remote, local), |what| matches!(what, What::Exit(_)))?
                else {
                    return Ok(None);
                };
                let state = self.link_state(side, ends);
                if self.sides[side].outstanding.contains_key(&ends) {
                    coverage.link(state, LinkEvent::OnOldExit);
                    return Ok(None);
                }
                coverage.link(state, LinkEvent::OnExit);
                self.end_link(side, ends, state);
                if state == LinkState::Active {
                    let reason = reason.across(there, self.sides[side].start, self.names_all());
                    return Ok(Some(Brings::Exit(local, from_there(remote), reason)));
                }
            }
            Frame::Exit2(_) => {
                let taken = self.take_by(far, (remote, local), |what| matches!(what, What::Exit2(_)))?;
                if let Some(What::Exit2(reason)) = taken
                    && here.is_alive(local)
                {
                    let reason = reason.across(there, self.sides[side].start, self.names_all());
                    return Ok(Some(Brings::Exit(local, from_there(remote), reason)));
                }
            }
            Frame::Monitor(monitor) => {
                let reference = monitor.reference;
                self.take(far, (remote, local), &What::Monitor(reference))?;
                match Self::refusal(here.is_alive(local), here.is_full())? {
                    None => {
                        let watched = Watched { ends, is_owed: false, is_call: false };
                        self.sides[side].watched.insert(reference, watched);
                    }
                    Some(refusal) => self.put(side, ends, What::Down(reference, refusal), false),
                }
            }
            Frame::Demonitor(demonitor) => {
                let reference = demonitor.reference;
                self.take(far, (remote, local), &What::Demonitor(reference))?;
                if let Some(Watched { ends, is_owed: true, .. }) = self.sides[side].watched.remove(&reference)
                {
                    self.make_void(side, ends, |what| matches!(what, What::Down(of, _) if *of == reference));
                }
            }
            Frame::MonitorExit(exit) => {
                let reference = exit.reference;
                let line = self.line_of(far, reference, (remote, local));
                let is_down = |what: &What| matches!(what, What::Down(of, _) if *of == reference);
                let taken = self.take_by(far, line, is_down)?;
                let watching =
                    self.sides[side].watching.get(&reference).filter(|it| it.ends == ends).copied();
                if let (Some(What::Down(_, reason)), Some(it)) = (taken, watching) {
                    self.sides[side].watching.remove(&reference);
                    let reason = reason.across(there, self.sides[side].start, self.names_all());
                    return Ok(Some(it.brings(reference, there, reason)));
                }
            }
            Frame::Call(_) | Frame::CallName(_) => return self.on_call(side, frame, here),
            Frame::CallReply(_) => return self.on_reply(side, frame),
            Frame::MonitorName(_) => self.on_monitor_name(side, frame, here)?,
            Frame::Named(_) => return self.on_named(side, frame),
            _ => {}
        }
        Ok(None)
    }

    /// Why a LINK or MONITOR is refused. `is_full`: the other end has as many as it may have, and knows that.
    pub(super) fn refusal(is_alive: bool, is_full: bool) -> Checked<Option<Reason>> {
        check(!is_alive || !is_full, "who keeps to the bound is not refused", || {
            "a place is missing".into()
        })?;
        Ok((!is_alive).then(Reason::noproc))
    }

    /// A piece of a frame has come: the whole frame, if it was the last.
    pub(crate) fn piece(&mut self, side: usize, piece: &Fragment<'_>) -> Checked<Option<Vec<u8>>> {
        const PIECES: &str = "each long message comes in pieces, from its first to its last";
        let pieces = &mut self.sides[side].pieces;
        let is_first = piece.total.is_some();
        check(is_first != pieces.contains_key(&piece.number), PIECES, || format!("frame {}", piece.number))?;
        pieces.entry(piece.number).or_default().extend_from_slice(piece.payload);
        check(self.capabilities.contains(Capabilities::FRAGMENTS), PIECES, || "it has no fragments".into())?;
        Ok(if piece.last { pieces.remove(&piece.number) } else { None })
    }

    /// EXIT or UNLINK_ID has come.
    fn end_link(&mut self, side: usize, ends: Ends, state: LinkState) {
        match state {
            LinkState::Active => self.set(side, ends, LinkState::None),
            LinkState::Ending => {
                self.set(side, ends, LinkState::None);
                self.make_void(side, ends, |what| matches!(what, What::Exit(_)));
            }
            LinkState::Unlinking(_) | LinkState::None => {}
        }
    }

    /// What is owed and not written yet will not be.
    fn make_void(&mut self, side: usize, ends: Ends, is_it: impl Fn(&What) -> bool) {
        let line = self.lines.get_mut(&(side as u8, ends.0, ends.1));
        let found = line.and_then(|line| {
            line.iter_mut()
                .find(|item| item.can_be_void() && !item.is_written && !item.is_void && is_it(&item.what))
        });
        if let Some(item) = found {
            item.is_void = true;
            self.sides[side].delays.make_void(ends.0);
        }
    }

    pub(super) fn take(&mut self, far: usize, ends: Ends, what: &What) -> Checked<Option<What>> {
        self.take_by(far, ends, |other| other == what)
    }

    /// Takes what a frame tells from the head of its line.
    fn take_by(&mut self, far: usize, ends: Ends, is_it: impl Fn(&What) -> bool) -> Checked<Option<What>> {
        const ORDER: &str = "what a process does for another arrives once, in its order";
        let Some(line) = self.lines.get_mut(&(far as u8, ends.0, ends.1)) else {
            check(false, ORDER, || format!("nothing is under way from {} to {}", ends.0, ends.1))?;
            return Ok(None);
        };
        let mut place = 0;
        while let Some(item) = line.get(place) {
            if !item.is_void && is_it(&item.what) {
                break;
            }
            let skipped = item.is_void || item.of_end;
            check(skipped, ORDER, || format!("{:?} was next from {} to {}", item.what, ends.0, ends.1))?;
            place += 1;
        }
        let Some(item) = line.remove(place) else {
            check(false, ORDER, || format!("nothing such is under way from {} to {}", ends.0, ends.1))?;
            return Ok(None);
        };
        check(place == 0 || item.of_end || line.iter().take(place).all(|item| item.is_void), ORDER, || {
            format!("{:?} came before {:?}", item.what, line.front())
        })?;
        if line.is_empty() {
            self.lines.remove(&(far as u8, ends.0, ends.1));
        }
        self.note_named_order(far, ends, item.number, item.of_end)?;
        Ok(Some(item.what))
    }

    /// A message to a name keeps its place among all that its process does.
    fn note_named_order(&mut self, far: usize, ends: Ends, number: u64, of_end: bool) -> Checked {
        const ORDER: &str = "a message to a name keeps its place";
        let (last, last_named) = self.sides[1 - far].handled.entry(ends.0).or_default();
        check(number > *last_named || of_end, ORDER, || format!("process {} to {}", ends.0, ends.1))?;
        if ends.1 & NAMES != 0 {
            check(number > *last, ORDER, || format!("process {} to a name", ends.0))?;
            *last_named = number;
        }
        *last = number.max(*last);
        Ok(())
    }

    /// The session is over at `side`: what that brings its processes, exits first.
    pub(crate) fn over(&mut self, side: usize, coverage: &mut Coverage) -> Vec<Brings> {
        let there = self.sides[1 - side].start;
        let here = &mut self.sides[side];
        here.is_over = true;
        let mut links: Vec<_> = std::mem::take(&mut here.links).into_iter().collect();
        links.sort_unstable_by_key(|(ends, _)| *ends);
        let mut watching: Vec<_> = std::mem::take(&mut here.watching).into_iter().collect();
        watching.sort_unstable();
        here.watched.clear();
        let lost = Reason::of(snow_dist_runtime::core::Reason::Noconnection);
        let mut brings = Vec::new();
        for ((local, remote), state) in links {
            coverage.link(state, LinkEvent::SessionEnds);
            if state == LinkState::Active {
                brings.push(Brings::Exit(local, Who { start: there, local: remote }, lost.clone()));
            }
        }
        for (reference, it) in watching {
            brings.push(it.brings(reference, there, lost.clone()));
        }
        brings
    }

    /// Nothing is under way: what both ends hold is the same.
    pub(crate) fn agrees(&self) -> Checked {
        for (line, items) in &self.lines {
            let left = items.iter().find(|item| !item.is_void);
            check(left.is_none(), AGREED, || format!("{left:?} of {line:?} has not arrived"))?;
        }
        for (side, far) in [(0, 1), (1, 0)] {
            let (here, there) = (&self.sides[side], &self.sides[far]);
            for ((local, remote), state) in &here.links {
                let other = self.link_state(far, (*remote, *local));
                check(*state == LinkState::Active && other == LinkState::Active, AGREED, || {
                    format!("{local} of end {side} is {state:?} to {remote}, which is {other:?}")
                })?;
            }
            for (reference, it) in &here.watching {
                let other = there.watched.get(reference);
                let is_it = other.is_some_and(|other| {
                    let (callee, caller) = other.ends;
                    let named = there.named.get(reference).map(|ends| ends.0);
                    let is_meant = match it.kind {
                        Kind::Name(known) => known.is_some() && known == named,
                        Kind::Watch | Kind::Call => {
                            it.ends.1 == callee || (it.ends.1 == 0 && named == Some(callee))
                        }
                    };
                    let is_call = it.kind == Kind::Call;
                    is_meant && (caller, other.is_call, other.is_owed) == (it.ends.0, is_call, false)
                });
                check(is_it, AGREED, || {
                    format!("{it:?} with number {reference} at end {side} is {other:?} at the other")
                })?;
            }
            check(here.watching.len() == there.watched.len(), AGREED, || {
                format!(
                    "{} monitors at end {side}, {} at the other",
                    here.watching.len(),
                    there.watched.len()
                )
            })?;
        }
        Ok(())
    }

    /// Links, monitors of this end's processes, and monitors of them.
    pub(crate) fn sizes(&self, side: usize) -> (usize, usize, usize) {
        let here = &self.sides[side];
        (here.links.len(), here.watching.len(), here.watched.len())
    }
}
