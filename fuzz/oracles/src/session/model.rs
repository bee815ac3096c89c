//! A naive second session, written from the design: sets, and a list of the frames that must be written.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use snow_dist_codec::frame::{
    Close, Demonitor, Exit, Exit2, Fragment, Link, Monitor, RegSend, Send, SendTerm, SpawnReply, UnlinkAck,
    UnlinkId,
};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::stf::Terms;
use snow_dist_codec::{Frame, Pid as WirePid, Reading, Reason as WireReason, Root};
use snow_dist_runtime::core::session::Config;
use snow_dist_runtime::core::{NodeNumber, Pid, Reason};

use super::calls::{Held, Kind};
use super::nodes::{Nodes, term};
use super::pieces::Pieces;
use super::reasons::{check_kept, written};
use super::{Local, Signal, room};

/// The creations of the two nodes, and the number of the peer here.
pub(super) const OURS: u8 = 7;
pub(super) const THEIRS: u8 = 9;
pub(super) const PEER: u64 = 1;

/// A local process and one of the peer's.
pub(super) type Ends = (u64, u64);

/// What a frame must bring to a process.
pub(super) enum Expected<'a> {
    Signal(Signal),
    Exit(u64, u64, WireReason<'a>),
    Down(u64, u64, u64, WireReason<'a>),
    CallEnded(u64, u64, WireReason<'a>),
}

impl Expected<'_> {
    pub(super) fn check(&self, came: &Signal, nodes: &Nodes) {
        match (self, came) {
            (Self::Signal(expected), came) => assert_eq!(came, expected),
            (Self::Exit(local, remote, reason), Signal::Exit(to, from, kept)) => {
                assert_eq!((*to, *from), (*local, theirs_here(*remote)));
                check_kept(reason, kept, nodes);
            }
            (Self::Down(local, reference, remote, reason), Signal::Down(to, number, from, kept)) => {
                assert_eq!((*to, *number, *from), (*local, *reference, theirs_here(*remote)));
                check_kept(reason, kept, nodes);
            }
            (Self::CallEnded(local, reference, reason), Signal::CallEnded(to, number, kept)) => {
                assert_eq!((to, number), (local, reference));
                check_kept(reason, kept, nodes);
            }
            (_, came) => panic!("{came:?} came"),
        }
    }
}

/// A frame that must be written.
struct Due {
    /// Whose order it keeps.
    local: u64,
    what: What,
    payload: Vec<u8>,
}

#[derive(PartialEq, Eq)]
pub(super) enum What {
    Waiting,
    Exit(Ends),
    Down(u64),
    Other,
}

#[derive(Default)]
pub(super) struct Model {
    /// Bytes of the longest frame that is written whole, and of the longest that is written.
    whole_max: u32,
    pub(super) bytes_max: u32,
    /// Messages in fragments that come, and those that go, if the session has them.
    coming: Option<Pieces>,
    going: Option<Pieces>,
    pub(super) capabilities: Capabilities,
    pub(super) nodes: Nodes,
    /// Whose frames were written, in their order, and where in it each number of fragments begins.
    wrote: Vec<u64>,
    began: BTreeMap<u64, usize>,
    held_max: usize,
    active: BTreeSet<Ends>,
    unlinking: BTreeMap<Ends, u64>,
    /// The last unlink of each two, until it is acknowledged.
    outstanding: BTreeMap<Ends, u64>,
    owed: BTreeSet<Ends>,
    /// Monitors and calls of this node, and those of the peer.
    pub(super) watching: BTreeMap<u64, Held>,
    pub(super) watched: BTreeMap<u64, Held>,
    unlinks: u64,
    due: Vec<Due>,
    heard: Duration,
    /// It was asked in this silence; and since when it has been able to answer.
    asked: bool,
    taken: Option<Duration>,
    probe: Option<Duration>,
    ping_due: bool,
    pong: Option<[u8; 8]>,
    close: Option<Vec<u8>>,
    closed: bool,
}

impl Model {
    pub(super) fn new(config: &Config) -> Self {
        let cuts = config.capabilities.contains(Capabilities::FRAGMENTS);
        let peer = config.peer_bounds;
        let whole_max = if cuts { peer.frame_bytes.min(65_536) } else { peer.frame_bytes };
        let held = u32::try_from(peer.reassembly_bytes.min(64 << 20)).unwrap();
        Self {
            whole_max,
            bytes_max: if cuts { held.max(whole_max) } else { whole_max },
            coming: cuts.then(|| Pieces::new(config.bounds, room(&config.bounds))),
            going: cuts.then(|| Pieces::new(peer, usize::MAX)),
            capabilities: config.capabilities,
            nodes: Nodes::new(config),
            held_max: config.peer_bounds.links_and_monitors as usize,
            ..Self::default()
        }
    }

    pub(super) fn must_write<'f>(&mut self, local: u64, what: What, frame: impl Into<Frame<'f>>) {
        let mut payload = Vec::new();
        frame.into().encode(&mut payload).unwrap();
        self.due.push(Due { local, what, payload });
    }

    /// A refusal is right only where as many are held as may be, DEMONITORs that are not written included.
    pub(super) fn check_refused(&self) {
        let (links, watching, _) = self.table_sizes();
        assert!(links + watching + self.due.len() >= self.held_max, "refused with places left");
    }

    pub(super) fn link(&mut self, local: u64, remote: u64, taken: bool) {
        let ends = (local, remote);
        if !taken {
            assert!(!self.active.contains(&ends));
            return self.check_refused();
        }
        self.unlinking.remove(&ends);
        if self.active.insert(ends) {
            self.must_write(local, What::Waiting, Link { from: ours(local), to: theirs(remote) });
        }
    }

    pub(super) fn unlink(&mut self, local: u64, remote: u64) {
        if self.active.remove(&(local, remote)) {
            self.unlinks += 1;
            self.unlinking.insert((local, remote), self.unlinks);
            self.outstanding.insert((local, remote), self.unlinks);
            let unlink = UnlinkId { from: ours(local), to: theirs(remote), id: self.unlinks };
            self.must_write(local, What::Other, unlink);
        }
    }

    pub(super) fn monitor(&mut self, reference: u64, local: u64, remote: u64, taken: bool) {
        if !taken {
            return self.check_refused();
        }
        self.watching.insert(reference, Held::new(local, (local, remote), Kind::Watch));
        let monitor = Monitor { from: ours(local), to: theirs(remote), reference };
        self.must_write(local, What::Waiting, monitor);
    }

    pub(super) fn demonitor(&mut self, reference: u64) -> bool {
        let Some(held) = self.watching.remove(&reference) else { return false };
        let (from, to) = held.pids();
        self.must_write(held.process, What::Other, Demonitor { from, to, reference });
        true
    }

    pub(super) fn send(&mut self, local: u64, remote: u64, message: &[u8], taken: bool) {
        assert_eq!(taken, message.len() + 9 <= self.bytes_max as usize);
        if taken {
            self.must_write(local, What::Waiting, Send { to: theirs(remote), message });
        }
    }

    pub(super) fn send_term(&mut self, local: u64, remote: u64, pids: &[Pid], taken: bool) {
        let has = self.capabilities.contains(Capabilities::SEND_TERM);
        let message = term(local, pids, |_, pid| self.nodes.there(pid));
        assert_eq!(taken, message.len() + 9 <= self.bytes_max as usize && (has || pids.is_empty()));
        let (to, message) = (theirs(remote), &*message);
        match taken {
            true if has => self.must_write(local, What::Waiting, SendTerm { to, message }),
            true => self.must_write(local, What::Waiting, Send { to, message }),
            false => {}
        }
    }

    pub(super) fn exit(&mut self, local: u64, remote: u64, reason: &Reason, taken: bool) {
        assert_eq!(taken, self.capabilities.contains(Capabilities::REMOTE_EXIT));
        if taken {
            let reason = written(reason, &self.nodes);
            let exit = Exit2 { from: ours(local), to: theirs(remote), reason: reason.as_reason() };
            self.must_write(local, What::Waiting, exit);
        }
    }

    pub(super) fn send_named(&mut self, local: u64, name: &str, message: &[u8], taken: bool) {
        assert_eq!(taken, name.len() + message.len() + 3 <= self.bytes_max as usize);
        if taken {
            self.must_write(local, What::Waiting, RegSend { name: name.into(), message });
        }
    }

    pub(super) fn process_ended(&mut self, local: u64, reason: &Reason) {
        let watching: Vec<_> =
            self.watching.iter().filter(|(_, it)| it.process == local).map(|(number, _)| *number).collect();
        for reference in watching {
            self.demonitor(reference);
        }
        let reason = written(reason, &self.nodes);
        let links: Vec<_> = self.active.iter().filter(|ends| ends.0 == local).copied().collect();
        for ends in links {
            self.active.remove(&ends);
            self.owed.insert(ends);
            let exit = Exit { from: ours(local), to: theirs(ends.1), reason: reason.as_reason() };
            self.must_write(local, What::Exit(ends), exit);
        }
        let is_to_end = |it: &Held| it.process == local && !it.is_owed;
        let watched = self.watched.iter().filter(|(_, it)| is_to_end(it));
        for reference in watched.map(|(reference, _)| *reference).collect::<Vec<_>>() {
            self.owe(reference, reason.as_reason());
        }
    }

    pub(super) fn close(&mut self, text: &str) {
        let text = &text[..text.floor_char_boundary(255)];
        let mut payload = Vec::new();
        Frame::from(Close { code: 0, text: text.into() }).encode(&mut payload).unwrap();
        self.close = Some(payload);
    }

    /// Which processes the pids of a term are.
    pub(super) fn pids(&self, term: &[u8]) -> Vec<Pid> {
        let has_second = self.capabilities.contains(Capabilities::TERMS_2);
        self.nodes.pids(term, if has_second { Terms::Second } else { Terms::First })
    }

    /// A frame came: whether the session goes on, and what a process must see.
    pub(super) fn frame<'a>(&mut self, frame: &Frame<'a>, here: &Local) -> (bool, Option<Expected<'a>>) {
        if let Frame::Fragment(piece) = frame {
            return self.piece(piece, here);
        }
        let needed = match frame {
            Frame::Exit2(_) => Capabilities::REMOTE_EXIT,
            Frame::SendTerm(_) => Capabilities::SEND_TERM,
            Frame::Call(_) | Frame::CallName(_) | Frame::CallReply(_) => Capabilities::CALLS,
            Frame::SendNameTerm(_) | Frame::MonitorName(_) | Frame::Named(_) => Capabilities::NAMES,
            _ => Capabilities::NONE,
        };
        if !self.capabilities.contains(needed) {
            return (false, None);
        }
        let Some(to) = receiver(frame) else { return self.unaddressed(frame, here) };
        if to.node() != 0 {
            return (false, None);
        }
        let is_ours = to.creation() == OURS;
        if let Frame::Send(send) = frame {
            let message = Signal::Message(to.local(), send.message.to_vec());
            return (true, is_ours.then_some(Expected::Signal(message)));
        }
        if let Frame::SendTerm(send) = frame {
            let term = Signal::Term(to.local(), send.message.to_vec(), self.pids(send.message));
            return (true, is_ours.then_some(Expected::Signal(term)));
        }
        let from = sender(frame);
        if (from.node(), from.creation()) != (0, THEIRS) {
            return (true, None);
        }
        // There is no process 0 of this start, and so none of another.
        let ends @ (local, remote) = (if is_ours { to.local() } else { 0 }, from.local());
        let lives = is_ours && here.lives(local);
        match frame {
            Frame::Link(_) => {
                let known = self.active.contains(&ends)
                    || self.unlinking.contains_key(&ends)
                    || self.owed.contains(&ends);
                if !known && lives {
                    self.active.insert(ends);
                } else if !known {
                    let reason = noproc();
                    self.must_write(local, What::Other, Exit { from: to, to: from, reason });
                }
            }
            Frame::UnlinkId(unlink) => {
                self.closed_by_peer(ends);
                self.must_write(local, What::Other, UnlinkAck { from: to, to: from, id: unlink.id });
            }
            Frame::Monitor(monitor) => {
                let reference = monitor.reference;
                if self.watched.contains_key(&reference) {
                    return (false, None);
                }
                if lives {
                    self.watched.insert(reference, Held::new(local, ends, Kind::Watch));
                } else {
                    self.refuse(local, to, from, reference, "noproc");
                }
            }
            Frame::Call(call) => {
                let callee = if lives { Ok(local) } else { Err(local) };
                return self.called(callee, to, ends, (call.reference, call.message), here);
            }
            _ if !is_ours => {}
            Frame::Exit2(exit) => {
                return (true, lives.then_some(Expected::Exit(local, remote, exit.reason)));
            }
            Frame::Unlink(_) => self.closed_by_peer(ends),
            Frame::UnlinkAck(ack) if self.outstanding.get(&ends) == Some(&ack.id) => {
                self.outstanding.remove(&ends);
                self.unlinking.remove(&ends);
            }
            Frame::Exit(_) if self.outstanding.contains_key(&ends) => {}
            Frame::Exit(exit) => {
                if self.active.contains(&ends) {
                    self.active.remove(&ends);
                    return (true, Some(Expected::Exit(local, remote, exit.reason)));
                }
                self.closed_by_peer(ends);
            }
            Frame::CallReply(reply) if self.is_waiting(reply.reference, ends) => {
                self.watching.remove(&reply.reference);
                let pids = self.pids(reply.message);
                let reply = Signal::Reply(local, reply.reference, reply.message.to_vec(), pids);
                return (true, Some(Expected::Signal(reply)));
            }
            Frame::Demonitor(demonitor) if is_of(&self.watched, demonitor.reference, ends) => {
                self.watched.remove(&demonitor.reference);
                self.due.retain(|due| due.what != What::Down(demonitor.reference));
            }
            Frame::MonitorExit(exit) if is_of(&self.watching, exit.reference, ends) => {
                let reference = exit.reference;
                return (true, self.watching.remove(&reference).map(|it| it.ended(reference, exit.reason)));
            }
            _ => {}
        }
        (true, None)
    }

    fn piece<'a>(&mut self, piece: &Fragment<'_>, here: &Local) -> (bool, Option<Expected<'a>>) {
        let Some(coming) = &mut self.coming else { return (false, None) };
        match coming.add(piece) {
            Err(_) => (false, None),
            Ok(None) => (true, None),
            Ok(Some(whole)) if whole.is_dropped => self.dropped(&whole.payload, here),
            Ok(Some(whole)) => match Frame::decode(&whole.payload, Reading::Compatible) {
                Err(_) => (false, None),
                Ok(frame) => match self.frame(&frame, here) {
                    (goes_on, Some(Expected::Signal(message))) => (goes_on, Some(Expected::Signal(message))),
                    (goes_on, _) => (goes_on, None),
                },
            },
        }
    }

    fn closed_by_peer(&mut self, ends: Ends) {
        self.active.remove(&ends);
        self.owed.remove(&ends);
        self.due.retain(|due| due.what != What::Exit(ends));
    }

    fn unaddressed<'a>(&mut self, frame: &Frame<'a>, here: &Local) -> (bool, Option<Expected<'a>>) {
        match frame {
            Frame::CallName(_) | Frame::SendNameTerm(_) | Frame::MonitorName(_) | Frame::Named(_) => {
                return self.of_a_name(frame, here);
            }
            Frame::RegSend(send) => {
                let named = Signal::Named(send.name.as_str().to_owned(), send.message.to_vec());
                return (true, Some(Expected::Signal(named)));
            }
            Frame::Ping(ping) => self.pong = Some(*ping.payload),
            Frame::Spawn(spawn) if (spawn.requester.node(), spawn.requester.creation()) == (0, THEIRS) => {
                self.must_write(0, What::Other, SpawnReply { request: spawn.request, status: 1, local: 0 });
            }
            Frame::Close(_) => return (false, None),
            Frame::NodeTable(entry) => return (self.nodes.read(entry), None),
            _ => {}
        }
        (true, None)
    }

    /// A frame was written: it must be due, and the first due of its process.
    pub(super) fn written(&mut self, payload: &[u8]) {
        assert!(!self.closed, "a frame after CLOSE");
        match Frame::decode(payload, Reading::Compatible).unwrap() {
            Frame::Ping(_) => {
                assert!(std::mem::take(&mut self.ping_due), "a PING that is not due");
                return;
            }
            Frame::Pong(pong) => {
                assert_eq!(self.pong.take(), Some(*pong.payload));
                return;
            }
            Frame::NodeTable(_) => return self.nodes.written(payload),
            Frame::Close(_) => {
                assert_eq!(self.close.take().as_deref(), Some(payload));
                assert!(self.due.is_empty() && self.pong.is_none() && !self.ping_due, "CLOSE is the last");
                self.closed = true;
                return;
            }
            _ => {}
        }
        assert!(!self.nodes.is_due(), "a frame before the entries that it may need");
        let mut whole = Vec::new();
        let mut began = self.wrote.len();
        let payload = if let Ok(Frame::Fragment(piece)) = Frame::decode(payload, Reading::Strict) {
            assert!(payload.len() <= self.whole_max as usize, "a fragment is as short as any frame");
            let Some(of_piece) = self.piece_written(&piece) else { return };
            (whole, began) = of_piece;
            assert!(whole.len() > self.whole_max as usize, "it would have gone whole");
            &whole
        } else {
            payload
        };
        let at = self.due.iter().position(|due| due.payload == payload);
        let at = at.unwrap_or_else(|| panic!("not due: {:?}", Frame::decode(payload, Reading::Compatible)));
        let due = self.due.remove(at);
        assert!(!self.is_cut(&due.payload) || !whole.is_empty(), "a long message goes in fragments");
        assert!(self.due[..at].iter().all(|before| before.local != due.local), "out of order");
        assert!(!self.wrote[began..].contains(&due.local), "between the pieces of a message of its process");
        self.wrote.push(due.local);
        match due.what {
            What::Exit(ends) => assert!(self.owed.remove(&ends)),
            What::Down(reference) => assert!(self.watched.remove(&reference).is_some()),
            What::Waiting | What::Other => {}
        }
    }

    /// A fragment was written: the frame, if it is whole, and how many frames had been written when it was begun.
    fn piece_written(&mut self, piece: &Fragment<'_>) -> Option<(Vec<u8>, usize)> {
        let going = self.going.as_mut().expect("the session has no fragments");
        if piece.total.is_some() {
            assert!(!going.knows(piece.number), "a number is used once");
            self.began.insert(piece.number, self.wrote.len());
        }
        let whole = going.add(piece).unwrap_or_else(|wrong| panic!("{wrong}: {piece:?}"))?;
        Some((whole.payload, self.began[&piece.number]))
    }

    /// Messages that have come in part, and bytes of them.
    pub(super) fn unfinished(&self) -> (usize, usize) {
        self.coming.as_ref().map_or((0, 0), Pieces::kept)
    }

    /// Bytes of the processes' room that those take.
    pub(super) fn room_taken(&self) -> usize {
        self.coming.as_ref().map_or(0, Pieces::room_taken)
    }

    pub(super) fn has_output(&self) -> bool {
        !self.closed
            && (self.ping_due
                || self.pong.is_some()
                || self.close.is_some()
                || self.nodes.is_due()
                || !self.due.is_empty())
    }

    /// Whether a frame goes in fragments: a message does that is too long to go whole.
    fn is_cut(&self, payload: &[u8]) -> bool {
        matches!(payload, [0x10 | 0x11 | 0x86..=0x8A, ..]) && payload.len() > self.whole_max as usize
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        // The length of a frame is not sent if the frame goes in fragments.
        let bytes = |due: &Due| due.payload.len() + if self.is_cut(&due.payload) { 0 } else { 4 };
        let gone = self.going.as_ref().map_or(0, |going| going.kept().1);
        self.due.iter().filter(|due| due.what == What::Waiting).map(bytes).sum::<usize>() - gone
    }

    pub(super) fn table_sizes(&self) -> (usize, usize, usize) {
        let links = self.active.len() + self.unlinking.len() + self.owed.len();
        (links, self.watching.len(), self.watched.len())
    }

    pub(super) fn heard(&mut self, now: Duration) -> bool {
        (self.heard, self.asked, self.taken) = (now, false, None);
        self.probe.take().is_some()
    }

    pub(super) fn probe(&mut self, now: Duration) {
        self.ping_due = true;
        self.probe.get_or_insert(now + Duration::from_secs(2));
    }

    /// The transport has taken all that was written.
    pub(super) fn taken(&mut self, now: Duration) {
        if self.asked && !self.ping_due {
            self.taken.get_or_insert(now);
        }
    }

    /// Time has passed, and the node has run meanwhile: whether the peer is alive.
    pub(super) fn time(&mut self, now: Duration) -> bool {
        let due = self.heard + Duration::from_secs(60);
        if !self.asked && now >= due {
            self.asked = true;
            self.ping_due = !self.closed;
            self.taken = self.closed.then_some(due);
        }
        let dead_at = self.taken.map(|taken| taken + Duration::from_secs(15));
        [dead_at, self.probe].into_iter().flatten().all(|end| now < end)
    }

    /// The session ends: exits of active links, then DOWNs.
    pub(super) fn end(&self) -> Vec<Signal> {
        let lost = Reason::Noconnection;
        let exits = self
            .active
            .iter()
            .map(|(local, remote)| Signal::Exit(*local, theirs_here(*remote), lost.clone()));
        let downs = self.watching.iter().map(|(reference, it)| match it.kind {
            Kind::Call => Signal::CallEnded(it.process, *reference, lost.clone()),
            _ => Signal::Down(it.process, *reference, theirs_here(it.remote_known()), lost.clone()),
        });
        exits.chain(downs).collect()
    }
}

fn receiver(frame: &Frame<'_>) -> Option<WirePid> {
    Some(match frame {
        Frame::Send(send) => send.to,
        Frame::Link(link) => link.to,
        Frame::Unlink(unlink) => unlink.to,
        Frame::UnlinkId(unlink) => unlink.to,
        Frame::UnlinkAck(ack) => ack.to,
        Frame::Exit(exit) => exit.to,
        Frame::Exit2(exit) => exit.to,
        Frame::SendTerm(send) => send.to,
        Frame::Monitor(monitor) => monitor.to,
        Frame::Demonitor(demonitor) => demonitor.to,
        Frame::MonitorExit(exit) => exit.monitoring,
        Frame::Call(call) => call.to,
        Frame::CallReply(reply) => reply.to,
        _ => return None,
    })
}

fn sender(frame: &Frame<'_>) -> WirePid {
    match frame {
        Frame::Link(link) => link.from,
        Frame::Unlink(unlink) => unlink.from,
        Frame::UnlinkId(unlink) => unlink.from,
        Frame::UnlinkAck(ack) => ack.from,
        Frame::Exit(exit) => exit.from,
        Frame::Exit2(exit) => exit.from,
        Frame::Monitor(monitor) => monitor.from,
        Frame::Demonitor(demonitor) => demonitor.from,
        Frame::MonitorExit(exit) => exit.monitored,
        Frame::Call(call) => call.from,
        Frame::CallReply(reply) => reply.from,
        other => panic!("{} has no sender", other.name()),
    }
}

/// Whether these are the ends of a monitor or call.
fn is_of(held: &BTreeMap<u64, Held>, reference: u64, ends: Ends) -> bool {
    held.get(&reference).is_some_and(|it| it.ends == ends)
}

pub(super) fn ours(local: u64) -> WirePid {
    WirePid::new(0, OURS, local).unwrap()
}

pub(super) fn theirs(remote: u64) -> WirePid {
    WirePid::new(0, THEIRS, remote).unwrap()
}

pub(super) fn theirs_here(remote: u64) -> Pid {
    Pid::new(NodeNumber::other(PEER).unwrap(), THEIRS, remote)
}

fn noproc() -> WireReason<'static> {
    Root::Error("noproc".into()).into()
}
