//! A session: what two nodes are to each other once the handshake is over. Specification: `session.md`.
//!
//! In: [`Session::handle_frame`], the commands of local processes ([`Session::send`], [`Session::link`], ..),
//! [`Session::handle_received`], [`Session::handle_taken`] and [`Session::handle_timeout`]. Out: signals, through
//! [`Processes`]; [`Session::write`], whenever the transport takes bytes; [`Session::deadline`].
//!
//! After an [`Ending`] nothing more is handled. Whoever drives the session takes leave of the peer as [`Ending::leave`]
//! says: for some endings it calls [`Session::close`], then [`Session::write`] for as long as the transport takes bytes at
//! once. Then it calls [`Session::end`], once, and nothing else. Some endings are the driver's own to find, since the core
//! does not see the transport: each variant of [`Ending`] says who finds it.
//!
//! Processes are numbers here: `local` is one of this node, `remote` one of the peer.

mod calls;
mod config;
mod error;
mod globals;
mod heartbeat;
mod links;
mod lists;
mod messages;
mod monitors;
mod names;
mod nodes;
mod outbox;
mod reassembly;
mod receive;
mod spawns;
mod tally;
mod traffic;
mod version_1;
mod wire;
mod write;

use std::ops::AddAssign;
use std::time::Duration;

use snow_dist_codec::handshake::Capabilities;

use super::connection::Waits;
use super::limits::{CLOSE_TEXT_BYTES_MAX, SESSION_QUEUE_BYTES_MAX, SESSION_RESERVE_BYTES_MAX};
use super::peers::Sign;
use super::{NodeNumber, Processes, Reason, SpawnFailure, Start};
use globals::Told;
use heartbeat::{Beat, Heartbeat};
use links::{Linked, Links, Pids};
use lists::Lists;
use monitors::{Kind, Monitor, Monitors};
use outbox::{Budget, Outbox, Owed};
use reassembly::Reassembly;
use tally::{Asker, Tally};
use traffic::Aside;
use version_1::Purpose;
use wire::Wire;

pub use config::{CAPABILITIES, Config, Version};
pub use error::{Ending, Lacking, Leave, NotCalled, NotMade, NotReplied, NotRequested, NotSent};
pub use heartbeat::Timing;
pub use receive::{Offered, deliver};
pub use traffic::Traffic;
pub use version_1::Misrouted;

/// What has been passed over, and why: counted, never an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counts {
    /// Frames whose `from` cannot be a process of the peer.
    pub foreign: u64,
    /// Frames for a process of another start of this node.
    pub stale: u64,
    /// Frames for a process of another node, as a peer of version 1 counts nodes.
    pub misrouted: u64,
    /// Frames that answer nothing, or something that is over.
    pub unmatched: u64,
    /// Frames with unknown tags, and empty ones.
    pub unknown: u64,
    /// Frames that a node may leave alone: peer lists, global names and rooms that are of no use here, global names of
    /// version 1 peers, and those of other nodes or beyond a bound.
    pub left_alone: u64,
    /// Hops of reasons that name no node here: indexes without an entry, and other starts of the two nodes.
    pub hops_unknown: u64,
    /// Pids in terms that name no node here, likewise.
    pub pids_unknown: u64,
    /// Entries of the peer's node table that name no node, or are too many.
    pub entries_unusable: u64,
    /// Reasons that were cut to be kept.
    pub reasons_cut: u64,
}

impl Counts {
    /// Returns each count with its name, in a fixed order.
    #[must_use]
    pub const fn rows(&self) -> [(&'static str, u64); 10] {
        [
            ("foreign", self.foreign),
            ("stale", self.stale),
            ("misrouted", self.misrouted),
            ("unmatched", self.unmatched),
            ("unknown", self.unknown),
            ("left_alone", self.left_alone),
            ("hops_unknown", self.hops_unknown),
            ("pids_unknown", self.pids_unknown),
            ("entries_unusable", self.entries_unusable),
            ("reasons_cut", self.reasons_cut),
        ]
    }

    /// Returns `true` if something was counted that a peer that keeps to the rules does not cause.
    #[must_use]
    pub fn has_unexpected(&self) -> bool {
        Self { left_alone: 0, ..*self } != Self::default()
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.foreign += more.foreign;
        self.stale += more.stale;
        self.misrouted += more.misrouted;
        self.unmatched += more.unmatched;
        self.unknown += more.unknown;
        self.left_alone += more.left_alone;
        self.hops_unknown += more.hops_unknown;
        self.pids_unknown += more.pids_unknown;
        self.entries_unusable += more.entries_unusable;
        self.reasons_cut += more.reasons_cut;
    }
}

/// The state of one session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    /// What tells it from other sessions of this node.
    id: u64,
    wire: Wire,
    capabilities: Capabilities,
    /// Bytes of the longest frame that is written whole.
    whole_bytes_max: u32,
    /// Bytes of the longest frame that is written, whole or in pieces.
    frame_bytes_max: u32,
    tally: Tally,
    links: Links,
    //= spec/session.md#ses-mon-008
    //# A node MUST keep the refs of the monitors that it has made and those of the monitors that the peer has
    //# made apart.
    /// What local processes watch.
    watching: Monitors,
    /// What is watched here.
    watched: Monitors,
    unlink_id: u64,
    globals: Told,
    outbox: Outbox,
    reassembly: Reassembly,
    lists: Lists,
    heartbeat: Heartbeat,
    ping: [u8; 8],
    ping_due: bool,
    pong: Option<[u8; 8]>,
    close: Option<(u16, String)>,
    closed: bool,
    counts: Counts,
    traffic: Aside<Traffic>,
}

impl Session {
    /// A session that has just come up.
    #[must_use]
    pub fn new(config: &Config, now: Duration) -> Self {
        let (whole_bytes_max, frame_bytes_max) = config.longest();
        Self {
            id: u64::from_le_bytes(config.ping),
            wire: Wire::new(config),
            capabilities: config.session_capabilities(),
            whole_bytes_max,
            frame_bytes_max,
            tally: Tally::new(
                config.peer_bounds.links_and_monitors,
                config.bounds.links_and_monitors,
                if config.version == Version::Two { 1 } else { 2 },
            ),
            links: Links::default(),
            watching: Monitors::default(),
            watched: Monitors::default(),
            unlink_id: 0,
            globals: Told::default(),
            outbox: Outbox::new(Budget::new(&config.peer_bounds)),
            reassembly: Reassembly::new(&config.bounds),
            lists: Lists::default(),
            heartbeat: Heartbeat::new(config.timing, now),
            ping: config.ping,
            ping_due: false,
            pong: None,
            close: None,
            closed: false,
            counts: Counts::default(),
            traffic: Aside::default(),
        }
    }

    /// Whether a message, a link or a monitor is taken now. Otherwise its sender waits until [`Session::write`] has
    /// made room.
    #[must_use]
    pub fn has_room(&self) -> bool {
        //= spec/connection.md#con-que-001
        //# A node MUST NOT queue a message in a session in which `session_queue_bytes_max` bytes or more of
        //# messages wait.
        self.outbox.waiting_bytes() < SESSION_QUEUE_BYTES_MAX
    }

    /// Bytes of messages that wait.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.outbox.waiting_bytes()
    }

    /// Sees to it that the peer knows a third node, if the session can tell it: pids of that node in reasons and terms are
    /// then written as such. `start` says which start of a node has the number here; it is not called if that is known
    /// in this session, and can give nothing. To be called before what holds such pids: they are written as unknown
    /// otherwise.
    pub fn introduce(&mut self, node: NodeNumber, start: impl FnOnce() -> Option<Start>) {
        self.wire.introduce(node, start);
    }

    /// Whether the end of a local process is to be told to the peer: whether it has links, or is monitored.
    #[must_use]
    pub fn is_tied(&self, local: u64) -> bool {
        self.links.has(local) || self.watched.has(local)
    }

    /// Links two processes. The local one's end must be told to [`Session::process_ended`].
    ///
    /// # Errors
    /// Why it is not made; nothing has changed.
    pub fn link(&mut self, local: u64, remote: u64) -> Result<(), NotMade> {
        self.check_node_id()?;
        let ends = (local, remote);
        let pids = Pids::new(self.wire.ours(local), self.wire.theirs(remote));
        match self.links.link(ends, pids, &mut self.tally) {
            //= spec/session.md#ses-lnk-001
            //# When its process links with a process of the peer in state none, a node MUST write LINK,
            //# unless SES-BND-001 forbids it.
            //= spec/session.md#ses-lnk-027
            //# A node MUST take a link of its process for active from the LINK on that it writes for it.
            Linked::Now => {
                self.outbox.signal(local, Owed::Link(ends));
                self.watch_link(ends);
            }
            Linked::Before => {}
            //= spec/session.md#ses-bnd-001
            //# A node MUST NOT write a LINK or MONITOR by which the peer would hold more links and monitors
            //# of this node than the peer's links_and_monitors_max.
            Linked::Full => return Err(self.full()),
        }
        Ok(())
    }

    /// Returns `true` if the two processes are linked, or the end of their link is still to be told.
    #[must_use]
    pub fn is_linked(&self, local: u64, remote: u64) -> bool {
        self.links.is_active((local, remote))
    }

    const fn full(&self) -> NotMade {
        NotMade::Full { count_max: self.tally.max_here() }
    }

    /// Ends a link: no exit signal comes of it any more.
    pub fn unlink(&mut self, local: u64, remote: u64) {
        if self.wire.version_1().is_some() {
            return self.unlink_at_once((local, remote));
        }
        //= spec/session.md#ses-lnk-006
        //# A node MUST NOT write two UNLINK_IDs with the same id in one session.
        let (ends, id) = ((local, remote), self.unlink_id.wrapping_add(1));
        if self.links.unlink(ends, id) {
            self.unlink_id = id;
            //= spec/session.md#ses-lnk-007
            //# In a session of version 2 a node MUST NOT write UNLINK.
            self.outbox.signal(local, Owed::UnlinkId { ends, id });
        }
    }

    /// Watches a process of the peer. `reference` is never used again in this session. The local process's end
    /// must be told to [`Session::process_ended`].
    ///
    /// # Errors
    /// Why it is not made; nothing has changed.
    pub fn monitor(&mut self, local: u64, remote: u64, reference: u64) -> Result<(), NotMade> {
        self.check_node_id()?;
        //= spec/session.md#ses-bnd-001
        //# A node MUST NOT write a LINK or MONITOR by which the peer would hold more links and monitors of
        //# this node than the peer's links_and_monitors_max.
        if !self.tally.take(Asker::Here) {
            return Err(self.full());
        }
        let reference = self.number_of(reference);
        if self
            .watching
            .add(reference, Monitor::new(self.wire.ours(local), self.wire.theirs(remote), Kind::Watch))
        {
            //= spec/session.md#ses-mon-001
            //# When its process monitors a process of the peer, a node MUST write one MONITOR, unless
            //# SES-BND-001 forbids it.
            self.outbox.signal(local, Owed::Monitor { reference, local, remote });
        } else {
            self.tally.give_back(Asker::Here);
        }
        Ok(())
    }

    /// Sends an exit signal to a process of the peer, linked or not.
    ///
    /// # Errors
    /// The session lacks `remote_exit`; nothing has changed.
    pub fn exit(&mut self, local: u64, remote: u64, reason: &Reason) -> Result<(), Lacking> {
        //= spec/capabilities.md#cap-rxt-002
        //# A node MUST NOT write EXIT2 in a session that does not have `remote_exit`.
        if !self.capabilities.contains(Capabilities::REMOTE_EXIT) {
            return Err(Lacking { capability: "remote_exit" });
        }
        //= spec/capabilities.md#cap-rxt-001
        //# When its process sends an exit signal to a process of the peer, a node MUST write one EXIT2.
        self.outbox.signal(local, Owed::Exit2 { ends: (local, remote), reason: reason.clone() });
        Ok(())
    }

    /// Ends a monitor, or gives up a call or a request for a process: nothing comes of it any more. False if there is none of
    /// this number.
    //= spec/capabilities.md#cap-cal-005
    //# When the caller gives up a call that is not over, or ends, a node MUST write DEMONITOR with the pids and the
    //# ref of the call.
    pub fn demonitor(&mut self, reference: u64) -> bool {
        let is_request = self.watching.is_request(reference);
        let known = if is_request { Some(reference) } else { self.number_known(reference) };
        let Some(number) = known else { return false };
        let Some(monitor) = self.watching.take(number) else { return false };
        self.forsaken(number, &monitor);
        true
    }

    /// A local process has ended. What is linked with it or watches it at the peer learns of it.
    pub fn process_ended(&mut self, local: u64, reason: &Reason) {
        //= spec/session.md#ses-mon-004
        //# When a process has ended, a node MUST write DEMONITOR for each monitor of its own that is not
        //# over.
        for (reference, monitor) in self.watching.take_process(local) {
            self.forsaken(reference, &monitor);
        }
        let outbox = &mut self.outbox;
        //= spec/session.md#ses-ord-002
        //# A node MUST write EXIT, MONITOR_EXIT and DEMONITOR of a process that has ended after all messages
        //# of that process to the same process of the peer.
        self.links.process_ended(local, reason, |ends| outbox.signal(local, Owed::Exit(ends)));
        self.watched.process_ended(local, reason, |reference| outbox.signal(local, Owed::Down { reference }));
    }

    /// Tells a local process that a monitor or a call of its own has ended.
    fn tell_end(&self, reference: u64, monitor: &Monitor, reason: Reason, processes: &mut impl Processes) {
        let local = monitor.process();
        match monitor.kind {
            //= spec/capabilities.md#cap-cal-017
            //# A node that reads a MONITOR_EXIT with the ref and the pids of a call of its own that is not over MUST
            //# tell the caller the reason as the end of this call, and take the call for over.
            //= spec/capabilities.md#cap-cal-019
            //# A node MUST tell the caller Noconnection as the end of each call that is not over when its session
            //# ends, and of a call for which there is no session at once.
            Kind::Call => processes.call_ended(local, reference, reason),
            //= spec/session.md#ses-end-005
            //# When a session ends, a node MUST tell the requester of each SPAWN that was not answered that it has
            //# failed, with the reason Noconnection.
            // Nothing else ends what is not answered.
            Kind::Request | Kind::Spawn(None) => {
                processes.spawned(local, reference, Err(SpawnFailure::Noconnection));
            }
            Kind::Watch | Kind::Name(_) | Kind::Spawn(Some(_)) => {
                let from = self.wire.theirs_here(monitor.remote_known());
                processes.down(local, reference, from, reason);
            }
        }
    }

    /// Its place comes free when DEMONITOR is written: until then a MONITOR could overtake it.
    fn demonitored(&mut self, reference: u64, monitor: &Monitor) {
        let (local, remote) = (monitor.process(), monitor.remote());
        self.monitor_over(reference);
        self.outbox.signal(local, Owed::Demonitor { reference, local, remote });
    }

    /// Bytes have come. True if a probe for [`Sign::Life`] waited for them.
    pub fn handle_received(&mut self, now: Duration) -> bool {
        self.heartbeat.heard(now)
    }

    /// Asks the peer for a sign, to come within [`PROBE_TIMEOUT`](super::limits::PROBE_TIMEOUT). [`Sign::Use`] is for
    /// version 1.
    pub fn probe(&mut self, now: Duration, sign: Sign) {
        self.heartbeat.probe(now, sign);
        self.ping_due = true;
        self.asked_anew();
    }

    /// The transport has taken all that [`Session::write`] has given so far.
    pub fn handle_taken(&mut self, now: Duration) {
        self.heartbeat.taken(now);
    }

    /// Returns `true` if [`Session::write`] has given a PING of whose taking the session has not been told: the time in
    /// which the peer has to answer begins with that.
    #[must_use]
    pub fn awaits_taking(&self) -> bool {
        self.heartbeat.awaits_taking()
    }

    /// Returns how long the answer to the last PING of the heartbeat took. `None` if there has been none: a session in which
    /// bytes arrive all the time sends no PING.
    #[must_use]
    pub const fn round_trip(&self) -> Option<Duration> {
        self.heartbeat.round_trip()
    }

    /// The time has come that [`Session::deadline`] said. What has arrived must be handled first.
    ///
    /// # Errors
    /// The peer is dead.
    pub fn handle_timeout(&mut self, now: Duration) -> Result<(), Ending> {
        match self.heartbeat.handle_timeout(now) {
            Beat::Wait => Ok(()),
            // Behind CLOSE no PING can be written, and the peer has the same time.
            Beat::Ping if self.closed => {
                self.heartbeat.wait_for_answer(now);
                Ok(())
            }
            Beat::Ping => {
                self.ping_due = true;
                Ok(())
            }
            Beat::Dead => Err(Ending::Silent),
            Beat::Unused => Err(Ending::Unused),
        }
    }

    /// When [`Session::handle_timeout`] must be called, and for what.
    #[must_use]
    pub fn deadline(&self) -> (Duration, Waits) {
        self.heartbeat.deadline()
    }

    /// Says why the session is about to end: CLOSE goes out when all else has, and nothing after it. Of the text the
    /// first [`CLOSE_TEXT_BYTES_MAX`] bytes are written. Version 1 has no CLOSE: there the stream just ends.
    pub fn close(&mut self, code: u16, text: &str) {
        //= spec/version1.md#v1-tag-001
        //# A node MUST NOT write a tag from `80` to `9F` in a session of version 1.
        if self.wire.version_1().is_some() {
            return;
        }
        let mut text = text.to_owned();
        //= spec/connection.md#con-cls-014
        //# A node MUST NOT write more than `close_text_bytes_max` bytes into the `text` of a CLOSE.
        text.truncate(text.floor_char_boundary(CLOSE_TEXT_BYTES_MAX));
        self.close = Some((code, text));
    }

    /// Whether something waits to be written. It may turn out to be over by then, so that nothing is.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.closed
            && (self.ping_due
                || self.pong.is_some()
                || self.close.is_some()
                || self.wire.has_due_entry()
                || self.has_due_global()
                || !self.outbox.is_empty())
    }

    /// Gives back memory that a busy time has left behind; nothing else changes. For a session that is idle.
    pub fn give_back_space(&mut self) {
        self.outbox.give_back_space();
    }

    /// The session has ended: every link and monitor across it ends with Noconnection, all exits first, those of
    /// one process at once.
    pub fn end(&mut self, processes: &mut impl Processes) {
        //= spec/session.md#ses-upd-004
        //# When a session ends, a node MUST bring all exit signals of SES-END-001 to their processes before
        //# it gives any DOWN of SES-END-003.
        //= spec/session.md#ses-end-001
        //# When a session ends, a node MUST bring the process of each link that is active one exit signal
        //# from the process at the other end with the reason Noconnection.
        let links = self.links.take_all_active();
        //= spec/session.md#ses-end-007
        //# A node SHOULD bring all exit signals that the end of a session brings to one process before that
        //# process runs again.
        for of_one in links.chunk_by(|(one, _), (next, _)| one == next) {
            let from: Vec<_> = of_one.iter().map(|(_, remote)| self.wire.theirs_here(*remote)).collect();
            if let Some((local, _)) = of_one.first() {
                processes.exits(*local, &from, &Reason::Noconnection);
            }
        }
        //= spec/session.md#ses-end-003
        //# When a session ends, a node MUST give the monitoring process of each of its monitors that is not
        //# over one DOWN with the reason Noconnection.
        for (number, monitor) in self.watching.take_all() {
            let Purpose::Watch(reference) = self.monitor_over(number) else { continue };
            self.tell_end(reference, &monitor, Reason::Noconnection, processes);
        }
        //= spec/session.md#ses-end-004
        //# When a session ends, a node MUST forget every link and monitor of that session.
        self.watched.take_all();
        self.outbox = Outbox::default();
        self.globals = Told::default();
        //= spec/capabilities.md#cap-frg-021
        //# A node MUST drop its unfinished frames when their session ends.
        self.reassembly = Reassembly::default();
        processes.unfinished(0);
    }

    /// Bytes of messages that have been written while a signal waited, and that this signal did not have to wait for:
    /// they are of other processes, and no signal stands behind them. 0 as long as the peer holds two of the longest
    /// messages at once; otherwise it can be those that have to be whole before the signal's own can be begun. What was
    /// taken out of the session before the signal came is not in it: that is its driver's to bound.
    #[must_use]
    pub const fn signal_delay_bytes(&self) -> usize {
        self.outbox.delay_bytes()
    }

    /// Messages of the peer that have come in part, and bytes that are kept of them.
    #[must_use]
    pub fn unfinished(&self) -> (usize, usize) {
        self.reassembly.kept()
    }

    /// Links, monitors of local processes, and monitors on local processes, in whichever state.
    #[must_use]
    pub fn table_sizes(&self) -> (usize, usize, usize) {
        (self.links.count(), self.watching.count(), self.watched.count())
    }

    /// Places for links and monitors: those that this node holds at the peer, and those that the peer holds here. At
    /// rest each link and each monitor has one.
    #[must_use]
    pub const fn places(&self) -> (u32, u32) {
        (self.tally.held(Asker::Here), self.tally.held(Asker::Peer))
    }

    /// Calls that are not over: those of local processes, and those that are to be answered here.
    #[must_use]
    pub const fn calls(&self) -> (usize, usize) {
        (self.watching.calls(), self.watched.calls())
    }

    /// What has gone through it so far.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        self.traffic.0
    }

    /// Counts frames that have come, of so many bytes, their lengths included.
    pub(in crate::core) const fn count_in(&mut self, frames: usize, bytes: usize) {
        self.traffic.0.count_in(frames, bytes);
    }

    /// What has been passed over.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// An answer to the peer, within the reserve.
    //= spec/session.md#ses-ord-003
    //# A node MUST write an answer to a LINK, MONITOR or UNLINK_ID after what the process that was asked has
    //# done for the asking one before the question was handled.
    fn answer(&mut self, local: u64, owed: Owed) -> Result<(), Ending> {
        self.outbox.signal(local, owed);
        self.check_reserve()
    }

    /// A signal that is owed to the peer has become void, and is held against the reserve.
    fn void(&mut self) -> Result<(), Ending> {
        self.outbox.void();
        self.check_reserve()
    }

    const fn check_reserve(&self) -> Result<(), Ending> {
        //= spec/connection.md#con-que-006
        //# A node MUST end a session in which answers of more than `session_reserve_bytes_max` wait.
        if self.outbox.answer_bytes() > SESSION_RESERVE_BYTES_MAX {
            return Err(Ending::AnswersUnread);
        }
        Ok(())
    }
}
