//! The same in version 1: a script, and an account of who is linked with and watches whom. What must not be written is
//! not, and each link and each monitor ends once.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use snow_dist_codec::frame::{Link, Monitor, MonitorExit};
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Framer, Frames, Pid as WirePid, Reading, Reason as WireReason, Root};
use snow_dist_runtime::core::session::{Config, Version};
use snow_dist_runtime::core::{NodeNumber, Pid, Reason, Session};

use super::model::{OURS, PEER, THEIRS};
use super::script::{Script, Step};
use super::{Signal, Table};

/// Known from the start in half of all scripts; in the others the node id of a pid may teach it.
pub(super) fn version(bits: u8) -> Version {
    let node_id = if bits & 16 == 0 { None } else { 251.try_into().ok() };
    Version::One { node_id, seed: [bits; 32] }
}

type Ends = (u64, u64);

/// Who made a link.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    Here,
    Peer,
}

struct Run {
    session: Session,
    framer: Framer,
    table: Table,
    /// The node id of this node at the peer.
    known: Option<u16>,
    /// The peer has written it.
    written: bool,
    links: BTreeMap<Ends, Maker>,
    /// Monitors of this node by their references, and all there have been.
    watching: BTreeMap<u64, Ends>,
    /// Those of the peer, by their numbers.
    watched: BTreeMap<u64, Ends>,
    references: u64,
    /// What each process has asked for, and is not written.
    unwritten: BTreeMap<u64, VecDeque<u64>>,
    /// Links made here whose LINK is not written.
    pending: BTreeMap<Ends, usize>,
    /// The LINKs behind which no MONITOR of their process has been written yet.
    bare: BTreeMap<u64, Link>,
    /// Numbers of monitors that were written, and no DEMONITOR for them: what they are for.
    asked: BTreeMap<u64, (Monitor, Purpose)>,
    numbers: BTreeSet<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Watch(u64),
    /// It stands beside the link that is there.
    Link(Ends),
    /// The link beside which it stood is over.
    Nothing,
}

pub(super) fn run(config: &Config, script: &mut Script<'_>) {
    let mut framer = Framer::default();
    framer.handshake_done(FRAME_BYTES_MAX);
    script.theirs = 0;
    let Version::One { node_id, .. } = config.version else { return };
    let mut run = Run {
        session: Session::new(config, Duration::ZERO),
        framer,
        table: Table::new(config),
        known: node_id.map(Into::into),
        written: false,
        links: BTreeMap::new(),
        watching: BTreeMap::new(),
        watched: BTreeMap::new(),
        references: 0,
        unwritten: BTreeMap::new(),
        pending: BTreeMap::new(),
        bare: BTreeMap::new(),
        asked: BTreeMap::new(),
        numbers: BTreeSet::new(),
    };
    while let Some(step) = script.step() {
        if !run.take(&step) {
            break;
        }
        assert_eq!(run.table.signals, [], "a signal came of nothing");
    }
    run.end();
}

impl Run {
    /// Takes a step; false if the session must end.
    fn take(&mut self, step: &Step<'_>) -> bool {
        match *step {
            Step::Arrive { ref bytes, piece } => return bytes.chunks(piece).all(|piece| self.arrive(piece)),
            Step::Link(local, remote) if self.table.lives(local) => self.link((local, remote)),
            Step::Unlink(local, remote) if self.table.lives(local) => {
                self.session.unlink(local, remote);
                self.unlinked((local, remote));
            }
            Step::Monitor(local, remote) if self.table.lives(local) => {
                let reference = self.references;
                self.references += 1;
                if self.session.monitor(local, remote, reference).is_ok() {
                    assert!(self.known.is_some(), "a monitor without a node id");
                    self.watching.insert(reference, (local, remote));
                    self.unwritten.entry(local).or_default().push_back(reference);
                }
            }
            Step::Demonitor(reference) => {
                let there = self.watching.remove(&reference).is_some();
                assert_eq!(self.session.demonitor(reference), there);
            }
            Step::Send(local, remote, ref message) => drop(self.session.send(local, remote, message)),
            Step::SendNamed(local, name, ref message) => {
                drop(self.session.send_named(local, name, message));
            }
            Step::End(local, ref reason) if self.table.local.living.remove(&local) => {
                self.session.process_ended(local, reason);
                self.watching.retain(|_, ends| ends.0 != local);
                let ended: Vec<_> = self.links.keys().copied().filter(|ends| ends.0 == local).collect();
                ended.into_iter().for_each(|ends| self.unlinked(ends));
            }
            Step::Write(bytes) => self.write(bytes),
            Step::Close(text) => self.session.close(0, text),
            // Numbers of monitors are random: no script says one.
            Step::Probe => return self.answer(),
            _ => {}
        }
        true
    }

    fn link(&mut self, ends: Ends) {
        if self.session.link(ends.0, ends.1).is_ok() {
            assert!(self.known.is_some(), "a link without a node id");
            if let Entry::Vacant(none) = self.links.entry(ends) {
                none.insert(Maker::Here);
                *self.pending.entry(ends).or_default() += 1;
            }
        }
    }

    fn unlinked(&mut self, ends: Ends) {
        self.links.remove(&ends);
        for (_, purpose) in self.asked.values_mut() {
            if *purpose == Purpose::Link(ends) {
                *purpose = Purpose::Nothing;
            }
        }
    }

    fn arrive(&mut self, piece: &[u8]) -> bool {
        self.session.handle_received(Duration::ZERO);
        self.framer.push(piece);
        while let Ok(Some(payload)) = self.framer.next_payload() {
            let Ok(frame) = Frame::decode(&payload, Reading::Compatible) else { return false };
            if !self.frame(&frame) {
                return false;
            }
        }
        self.framer.next_payload().is_ok()
    }

    /// The monitor that was asked for first is answered.
    fn answer(&mut self) -> bool {
        let Some((Monitor { from, to, reference }, _)) = self.asked.values().next().copied() else {
            return true;
        };
        let reason = Root::Killed.into();
        self.frame(&MonitorExit { monitored: to, monitoring: from, reference, reason }.into())
    }

    fn frame(&mut self, frame: &Frame<'_>) -> bool {
        let goes_on = self.session.handle_frame(frame, &mut self.table).is_ok();
        let signals = std::mem::take(&mut self.table.signals);
        let expected = self.expected(frame);
        assert_eq!(goes_on, expected.is_some(), "{frame:?}");
        let Some(expected) = expected else { return false };
        match (expected, &signals[..]) {
            (Expected::Nothing, []) => {}
            (Expected::Message, [Signal::Message(..) | Signal::Named(..)]) => {}
            (Expected::Exit((local, remote)), [Signal::Exit(to, from, _)]) => {
                assert_eq!((*to, *from), (local, theirs(remote)), "{frame:?}");
            }
            (Expected::Down(reference, (local, remote)), [Signal::Down(to, number, from, _)]) => {
                assert_eq!((*to, *number, *from), (local, reference, theirs(remote)), "{frame:?}");
            }
            _ => panic!("{frame:?}: {signals:?}"),
        }
        true
    }

    /// What must come of a frame; `None` if the session must end.
    fn expected(&mut self, frame: &Frame<'_>) -> Option<Expected> {
        let (from, to) = match frame {
            Frame::RegSend(_) => return Some(Expected::Message),
            Frame::Send(send) => (None, send.to),
            Frame::Link(link) => (Some(link.from), link.to),
            Frame::Unlink(unlink) => (Some(unlink.from), unlink.to),
            Frame::Exit(exit) => (Some(exit.from), exit.to),
            Frame::Monitor(monitor) => (Some(monitor.from), monitor.to),
            Frame::Demonitor(demonitor) => (Some(demonitor.from), demonitor.to),
            Frame::MonitorExit(exit) => (Some(exit.monitored), exit.monitoring),
            _ => return Some(Expected::Nothing),
        };
        if to.node() != 0 {
            if !self.written && !matches!(frame, Frame::Exit(_) | Frame::MonitorExit(_)) {
                self.written = true;
                // What the operator has said is wrong.
                if self.known.is_some_and(|known| known != to.node()) {
                    return None;
                }
                self.known = Some(to.node());
            }
            if self.known != Some(to.node()) {
                return Some(Expected::Nothing);
            }
        }
        let is_ours = [0, 1, OURS].contains(&to.creation());
        let Some(from) = from else {
            return Some(if is_ours { Expected::Message } else { Expected::Nothing });
        };
        let is_theirs = from.node() == 0 && from.creation() <= 1;
        if let Frame::Monitor(monitor) = frame
            && is_theirs
            && self.watched.contains_key(&monitor.reference)
        {
            return None;
        }
        if !is_ours || !is_theirs {
            return Some(Expected::Nothing);
        }
        let ends = (to.local(), from.local());
        Some(match frame {
            Frame::Link(_) if self.table.lives(ends.0) => {
                self.links.entry(ends).or_insert(Maker::Peer);
                Expected::Nothing
            }
            Frame::Unlink(_) => {
                self.unlinked(ends);
                Expected::Nothing
            }
            Frame::Monitor(monitor) if self.table.lives(ends.0) => {
                self.watched.insert(monitor.reference, ends);
                Expected::Nothing
            }
            Frame::Demonitor(demonitor) if self.watched.get(&demonitor.reference) == Some(&ends) => {
                self.watched.remove(&demonitor.reference);
                Expected::Nothing
            }
            Frame::Exit(_) if self.links.contains_key(&ends) => {
                self.unlinked(ends);
                Expected::Exit(ends)
            }
            Frame::MonitorExit(exit) => self.answered(exit.reference, ends),
            _ => Expected::Nothing,
        })
    }

    fn answered(&mut self, number: u64, ends: Ends) -> Expected {
        let Some((monitor, purpose)) = self.asked.get(&number).copied() else { return Expected::Nothing };
        if (monitor.from.local(), monitor.to.local()) != ends {
            return Expected::Nothing;
        }
        self.asked.remove(&number);
        match purpose {
            Purpose::Link(ends) if self.links.remove(&ends).is_some() => Expected::Exit(ends),
            Purpose::Watch(reference) => match self.watching.remove(&reference) {
                Some(ends) => Expected::Down(reference, ends),
                None => Expected::Nothing,
            },
            _ => Expected::Nothing,
        }
    }

    fn write(&mut self, bytes_wanted: usize) {
        let mut out = Vec::new();
        self.session.write(&mut out, bytes_wanted);
        for payload in Frames::new(&out, FRAME_BYTES_MAX) {
            let payload = payload.unwrap();
            self.written(&Frame::decode(payload, Reading::Strict).unwrap());
        }
    }

    fn written(&mut self, frame: &Frame<'_>) {
        assert!(frame.tag().is_some_and(|tag| !(0x80..0xA0).contains(&tag)), "{frame:?}");
        match *frame {
            Frame::Link(link) => {
                self.check_pids(link.from, link.to);
                let ends = (link.from.local(), link.to.local());
                *self.pending.get_mut(&ends).unwrap() -= 1;
                assert_eq!(self.bare.insert(ends.0, link), None, "a link without its monitor");
            }
            Frame::Monitor(monitor) => {
                let Monitor { from, to, reference } = monitor;
                self.check_pids(from, to);
                assert!(self.numbers.insert(reference), "{reference} was used before");
                let ends = (from.local(), to.local());
                let purpose = match self.bare.remove(&ends.0) {
                    Some(link) => {
                        assert_eq!((link.from, link.to), (from, to), "no monitor of that link");
                        let current = self.links.get(&ends) == Some(&Maker::Here) && self.pending[&ends] == 0;
                        if current { Purpose::Link(ends) } else { Purpose::Nothing }
                    }
                    None => Purpose::Watch(self.unwritten.get_mut(&ends.0).unwrap().pop_front().unwrap()),
                };
                self.asked.insert(reference, (monitor, purpose));
            }
            Frame::Demonitor(demonitor) => {
                self.check_pids(demonitor.from, demonitor.to);
                self.asked.remove(&demonitor.reference);
            }
            Frame::Exit(exit) => check_reason(&exit.reason),
            Frame::MonitorExit(exit) => {
                check_reason(&exit.reason);
                let ends = (exit.monitored.local(), exit.monitoring.local());
                let is_ours = [0, 1, OURS].contains(&exit.monitored.creation());
                if is_ours && self.watched.get(&exit.reference) == Some(&ends) {
                    self.watched.remove(&exit.reference);
                }
            }
            _ => {}
        }
    }

    fn check_pids(&self, from: WirePid, to: WirePid) {
        assert_eq!((Some(from.node()), from.creation()), (self.known, OURS));
        assert_eq!((to.node(), to.creation()), (0, 0));
    }

    /// Each link and each monitor that is left ends once, and nothing else does.
    fn end(&mut self) {
        self.table.signals.clear();
        self.session.end(&mut self.table);
        let lost = Reason::Noconnection;
        let exits = self.links.keys().map(|ends| Signal::Exit(ends.0, theirs(ends.1), lost.clone()));
        let watching = self.watching.iter();
        let mut downs: Vec<_> = watching
            .map(|(reference, ends)| Signal::Down(ends.0, *reference, theirs(ends.1), lost.clone()))
            .collect();
        let (got_exits, got_downs) = self.table.signals.split_at(self.links.len());
        assert_eq!(got_exits, exits.collect::<Vec<_>>());
        let mut got_downs = got_downs.to_vec();
        let by_reference =
            |signal: &Signal| if let Signal::Down(_, reference, ..) = signal { *reference } else { 0 };
        downs.sort_by_key(by_reference);
        got_downs.sort_by_key(by_reference);
        assert_eq!(got_downs, downs);
        assert_eq!(self.session.table_sizes(), (0, 0, 0));
    }
}

/// What must come of a frame.
enum Expected {
    Nothing,
    Message,
    Exit(Ends),
    Down(u64, Ends),
}

fn check_reason(reason: &WireReason<'_>) {
    assert!(reason.hops().len() <= 256 && !matches!(reason.root, Root::Unknown(_)));
}

fn theirs(remote: u64) -> Pid {
    Pid::new(NodeNumber::other(PEER).unwrap(), THEIRS, remote)
}
