//! A session: the state that two nodes share once the handshake is over. Specification: `session.md`.
//!
//! A [`Connection`](super::Connection) drives its own [`Session`]. A driver that does not use a `Connection` must call
//! the methods of the session itself:
//! - Input: the driver calls [`Session::handle_received`], [`Session::handle_frame`], [`Session::handle_taken`] and
//!   [`Session::handle_timeout`]. It also passes on the commands of local processes ([`Session::send`],
//!   [`Session::link`] and so on).
//! - Output: the session delivers signals and messages through [`Processes`]. Whenever the transport can accept bytes,
//!   the driver calls [`Session::write`].
//! - Time: [`Session::deadline`] returns the next deadline.
//!
//! Once there is an [`Ending`], the driver must pass in no more frames. It must tell the peer of the ending as
//! [`Ending::leave`] says: for some endings it calls [`Session::close`], and then [`Session::write`] for as long as
//! the transport accepts bytes at once. Then it must call [`Session::end`] once, and no other method. The driver has
//! to find some endings itself, since the core does not see the transport: each variant of [`Ending`] says who finds
//! it.
//!
//! Processes are given by their numbers: `local` is the number of a process of this node, and `remote` is the number
//! of a process of the peer.

mod calls;
mod config;
mod counts;
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
mod rights;
mod spawns;
mod tally;
mod traffic;
mod version_1;
mod wire;
mod write;

use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::handshake::Capabilities;

use super::connection::Waits;
use super::limits::{CLOSE_TEXT_BYTES_MAX, SESSION_QUEUE_BYTES_MAX, SESSION_RESERVE_BYTES_MAX};
use super::peers::Sign;
use super::{NodeNumber, Processes, Reason, SpawnFailure, Start};
use globals::Told;
use heartbeat::{Beat, Heartbeat};
use links::{Linked, Links, Pids};
use monitors::{Kind, Monitor, Monitors};
use outbox::{Budget, Outbox, Owed};
use reassembly::Reassembly;
use tally::{Asker, Tally};
use traffic::Aside;
use version_1::Purpose;
use wire::Wire;

pub use config::{CAPABILITIES, Config, Version};
pub use counts::Counts;
pub use error::{Ending, Lacking, Leave, NotCalled, NotMade, NotReplied, NotRequested, NotSent};
pub use heartbeat::Timing;
pub use receive::{Offered, deliver};
pub use rights::{Forbidden, Rights};
pub use traffic::Traffic;
pub use version_1::Misrouted;

/// The state of one session.
///
/// See the [module](self) for how to drive it. In all calls, `now` is the time since the node was started.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    /// The number that distinguishes this session from other sessions of this node.
    id: u64,
    wire: Wire,
    capabilities: Capabilities,
    /// The length in bytes of the longest frame that is written whole.
    whole_bytes_max: u32,
    /// The length in bytes of the longest frame that is written, whole or in fragments.
    frame_bytes_max: u32,
    tally: Tally,
    links: Links,
    //= spec/session.md#ses-mon-008
    //# A node MUST keep the refs of its own monitors and those of the peer's apart.
    /// The monitors of local processes.
    watching: Monitors,
    /// The monitors of the peer's processes on local processes.
    watched: Monitors,
    unlink_id: u64,
    globals: Told,
    outbox: Outbox,
    reassembly: Reassembly,
    /// The names in lists of the peer that can be dialled.
    listed: Vec<Arc<str>>,
    heartbeat: Heartbeat,
    ping: [u8; 8],
    ping_due: bool,
    pong: Option<[u8; 8]>,
    close: Option<(u16, String)>,
    closed: bool,
    counts: Counts,
    rights: Rights,
    forbidden: Vec<(Forbidden, u64)>,
    traffic: Aside<Traffic>,
}

impl Session {
    /// Creates a session that has just come up.
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
            listed: Vec::new(),
            heartbeat: Heartbeat::new(config.timing, now),
            ping: config.ping,
            ping_due: false,
            pong: None,
            close: None,
            closed: false,
            counts: Counts::default(),
            rights: Rights::default(),
            forbidden: Vec::new(),
            traffic: Aside::default(),
        }
    }

    /// Returns `true` if a process may now send something, or ask for a link, a monitor or a new process.
    ///
    /// Returns `false` while [`SESSION_QUEUE_BYTES_MAX`] bytes or more wait. The driver must then let the process wait
    /// until [`Session::write`] has made room. The methods of the session do not check this.
    #[must_use]
    pub fn has_room(&self) -> bool {
        //= spec/connection.md#con-que-001
        //# A node MUST NOT queue a message in a session in which `session_queue_bytes_max` bytes or more of
        //# messages wait.
        self.outbox.waiting_bytes() < SESSION_QUEUE_BYTES_MAX
    }

    /// Returns the number of queued bytes that count under [`SESSION_QUEUE_BYTES_MAX`].
    ///
    /// These are the bytes of messages, and of the signals that wait for room like messages: links, monitors, requests
    /// for processes, and exit signals that a process sends. Length prefixes count, except that of a message that goes
    /// out in fragments.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.outbox.waiting_bytes()
    }

    /// Introduces a third node to the peer, so that pids of that node can be written in reasons and terms.
    ///
    /// Call this method before sending anything that holds pids of the node: otherwise they are written as pids of an
    /// unknown node. `start` must return the start of the node that has this number, or `None` if the start is not
    /// known.
    ///
    /// Nothing happens, and `start` is not called, if the node is one of the two nodes of the session or has already
    /// been introduced in it, if the session lacks the capability `node_table`, or if the peer accepts no further entry
    /// in its table.
    pub fn introduce(&mut self, node: NodeNumber, start: impl FnOnce() -> Option<Start>) {
        self.wire.introduce(node, start);
    }

    /// Returns `true` if the peer may have to be told of the end of a local process: the process has a link with a
    /// process of the peer, or is monitored or called by one.
    #[must_use]
    pub fn is_tied(&self, local: u64) -> bool {
        self.links.has(local) || self.watched.has(local)
    }

    /// Links two processes. Nothing happens if they are linked already. If the process `remote` does not exist, its
    /// node answers with an exit signal `noproc`.
    ///
    /// The end of the local process must be reported to [`Session::process_ended`].
    ///
    /// # Errors
    /// Returns [`NotMade`] if the peer accepts no more links and monitors of this node, or if a version 1 peer cannot
    /// be linked yet. Nothing has changed then.
    pub fn link(&mut self, local: u64, remote: u64) -> Result<(), NotMade> {
        self.check_node_id()?;
        let ends = (local, remote);
        let pids = Pids::new(self.wire.ours(local), self.wire.theirs(remote));
        match self.links.link(ends, pids, &mut self.tally) {
            //= spec/session.md#ses-lnk-001
            //# When a local process links in state none, a node MUST write LINK, unless SES-BND-001 forbids
            //# it.
            //= spec/session.md#ses-lnk-027
            //# A node MUST enter state active when it queues a LINK.
            Linked::Now => {
                self.outbox.signal(local, Owed::Link(ends));
                self.watch_link(ends);
            }
            Linked::Before => {}
            //= spec/session.md#ses-bnd-001
            //# A node MUST NOT write a LINK or MONITOR that needs a place at the peer when none is free.
            Linked::Full => return Err(self.full()),
        }
        Ok(())
    }

    /// Returns `true` if the two processes are linked. A link whose local process has ended still counts until the peer
    /// has been told of that end.
    #[must_use]
    pub fn is_linked(&self, local: u64, remote: u64) -> bool {
        self.links.is_active((local, remote))
    }

    const fn full(&self) -> NotMade {
        NotMade::Full { count_max: self.tally.max_here() }
    }

    /// Ends the link of two processes. After this call, no exit signal of the link is delivered to the local process.
    /// Nothing happens if the two are not linked.
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

    /// Monitors a process of the peer. [`Processes::down`] reports its end, with the reason `noproc` if there is no
    /// such process.
    ///
    /// `reference` must not have been used before in this session for a monitor, a call or a request for a process. The
    /// end of the local process must be reported to [`Session::process_ended`].
    ///
    /// # Errors
    /// Returns [`NotMade`] if the peer accepts no more links and monitors of this node, or if a version 1 peer cannot
    /// be asked for a monitor yet. Nothing has changed then.
    pub fn monitor(&mut self, local: u64, remote: u64, reference: u64) -> Result<(), NotMade> {
        self.check_node_id()?;
        //= spec/session.md#ses-bnd-001
        //# A node MUST NOT write a LINK or MONITOR that needs a place at the peer when none is free.
        if !self.tally.take(Asker::Here) {
            return Err(self.full());
        }
        let reference = self.number_of(reference);
        if self
            .watching
            .add(reference, Monitor::new(self.wire.ours(local), self.wire.theirs(remote), Kind::Watch))
        {
            //= spec/session.md#ses-mon-001
            //# When a local process monitors a process of the peer, a node MUST write one MONITOR, unless
            //# SES-BND-001 forbids it.
            self.outbox.signal(local, Owed::Monitor { reference, local, remote });
        } else {
            self.tally.give_back(Asker::Here);
        }
        Ok(())
    }

    /// Sends an exit signal of `local` to the process `remote` of the peer, whether or not the two are linked.
    ///
    /// # Errors
    /// Returns [`Lacking`] if the session does not have the capability `remote_exit`. Nothing has changed then.
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

    /// Ends a monitor, or gives up a call or a request for a process. After this call, nothing is delivered for that
    /// reference.
    ///
    /// Returns `false` if there is no monitor, call or request with this reference, or if it is over already.
    //= spec/capabilities.md#cap-cal-005
    //# When the caller gives up an open call, or ends, a node MUST write DEMONITOR with the pids and the ref
    //# of the call.
    pub fn demonitor(&mut self, reference: u64) -> bool {
        let is_request = self.watching.is_request(reference);
        let known = if is_request { Some(reference) } else { self.number_known(reference) };
        let Some(number) = known else { return false };
        let Some(monitor) = self.watching.take(number) else { return false };
        self.forsaken(number, &monitor);
        true
    }

    /// Handles the end of a local process. Processes of the peer that are linked with it or monitor it are told of
    /// the end, and the monitors, calls and requests of the process itself end.
    pub fn process_ended(&mut self, local: u64, reason: &Reason) {
        //= spec/session.md#ses-mon-004
        //# When a process has ended, a node MUST write DEMONITOR for each of its monitors that was not over
        //# before.
        for (reference, monitor) in self.watching.take_process(local) {
            self.forsaken(reference, &monitor);
        }
        let outbox = &mut self.outbox;
        //= spec/session.md#ses-ord-002
        //# A node MUST write EXIT, MONITOR_EXIT and DEMONITOR of a process that has ended after all its
        //# messages to the same process of the peer.
        self.links.process_ended(local, reason, |ends| outbox.signal(local, Owed::Exit(ends)));
        self.watched.process_ended(local, reason, |reference| outbox.signal(local, Owed::Down { reference }));
    }

    /// Tells a local process that a monitor or a call of its own has ended.
    fn tell_end(&self, reference: u64, monitor: &Monitor, reason: Reason, processes: &mut impl Processes) {
        let local = monitor.process();
        match monitor.kind {
            //= spec/capabilities.md#cap-cal-017
            //# A node that reads a MONITOR_EXIT that matches an open call MUST end the call, and tell the
            //# caller the reason.
            //= spec/capabilities.md#cap-cal-019
            //# A node MUST tell the caller Noconnection as the end of each open call when its session ends,
            //# and of a call without a session at once.
            Kind::Call => processes.call_ended(local, reference, reason),
            //= spec/session.md#ses-end-005
            //# When a session ends, a node MUST tell the requester of each SPAWN without an answer that it
            //# has failed with Noconnection.
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

    /// Ends a monitor. Its place becomes free when DEMONITOR is written: until then a MONITOR could overtake it.
    fn demonitored(&mut self, reference: u64, monitor: &Monitor) {
        let (local, remote) = (monitor.process(), monitor.remote());
        self.monitor_over(reference);
        self.outbox.signal(local, Owed::Demonitor { reference, local, remote });
    }

    /// Records that bytes have arrived. Returns `true` if they answer a probe for [`Sign::Life`]: the driver must then
    /// call [`Epochs::alive`](super::epochs::Epochs::alive).
    pub fn handle_received(&mut self, now: Duration) -> bool {
        self.heartbeat.heard(now)
    }

    /// Asks the peer for a [`Sign`] that it still has the session. If the sign does not come within
    /// [`PROBE_TIMEOUT`](super::limits::PROBE_TIMEOUT), [`Session::handle_timeout`] returns an [`Ending`].
    ///
    /// Use [`Sign::Use`] for version 1 peers only.
    pub fn probe(&mut self, now: Duration, sign: Sign) {
        self.heartbeat.probe(now, sign);
        self.ping_due = true;
        self.asked_anew();
    }

    /// Records that the transport has accepted all output that [`Session::write`] has given so far.
    pub fn handle_taken(&mut self, now: Duration) {
        self.heartbeat.taken(now);
    }

    /// Returns `true` if [`Session::write`] has given a PING of the heartbeat, and since then neither
    /// [`Session::handle_taken`] nor [`Session::handle_received`] has been called.
    ///
    /// The peer's time to answer the PING begins with the call of [`Session::handle_taken`]. A PING of
    /// [`Session::probe`] does not count here.
    #[must_use]
    pub fn awaits_taking(&self) -> bool {
        self.heartbeat.awaits_taking()
    }

    /// Returns the time from the last answered PING of the heartbeat to its PONG.
    ///
    /// Returns `None` if no such PING has been answered yet. A session in which bytes arrive all the time sends none.
    #[must_use]
    pub const fn round_trip(&self) -> Option<Duration> {
        self.heartbeat.round_trip()
    }

    /// Acts on the deadline of [`Session::deadline`]. Before this call, handle everything that has arrived. An early
    /// call does no harm.
    ///
    /// # Errors
    /// Returns [`Ending::Silent`] if the peer has sent no byte in time, or [`Ending::Unused`] if a version 1 peer has
    /// not shown in time that it uses the session.
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

    /// Returns the time at which [`Session::handle_timeout`] must be called, and the thing that is waited for.
    ///
    /// The time is [`Duration::MAX`] while the transport has not accepted a PING that is due, unless a probe is under
    /// way.
    #[must_use]
    pub fn deadline(&self) -> (Duration, Waits) {
        self.heartbeat.deadline()
    }

    /// Queues a CLOSE with this code: see [`Close::CODES`](snow_dist_codec::frame::Close::CODES). The CLOSE is written
    /// after everything else, and nothing is written after it.
    ///
    /// At most the first [`CLOSE_TEXT_BYTES_MAX`] bytes of the text are written. In a session of version 1, which has
    /// no CLOSE, this call does nothing, and the stream just ends.
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

    /// Returns `true` if something waits to be written. What waits can become void before [`Session::write`] is called.
    /// Then nothing is written.
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

    /// Frees memory that is left over from a busy time. Call this when the session is idle: if anything waits to be
    /// written, nothing is freed.
    pub fn give_back_space(&mut self) {
        self.outbox.give_back_space();
    }

    /// Ends every link, monitor, call and request across the session, with the reason Noconnection.
    ///
    /// All exit signals are delivered first ([`Processes::exits`]), and those of one process together. Then the DOWNs
    /// and the ends of calls and requests follow ([`Processes::down`], [`Processes::call_ended`],
    /// [`Processes::spawned`]).
    pub fn end(&mut self, processes: &mut impl Processes) {
        //= spec/session.md#ses-upd-004
        //# A node MUST bring all exit signals of SES-END-001 before it gives any DOWN of SES-END-003.
        //= spec/session.md#ses-end-001
        //# When a session ends, a node MUST bring its process of each active link one exit signal
        //# Noconnection from the process at the other end.
        let links = self.links.take_all_active();
        //= spec/session.md#ses-end-007
        //# A node SHOULD bring one process all exit signals of a session's end before that process runs
        //# again.
        for of_one in links.chunk_by(|(one, _), (next, _)| one == next) {
            let from: Vec<_> = of_one.iter().map(|(_, remote)| self.wire.theirs_here(*remote)).collect();
            if let Some((local, _)) = of_one.first() {
                processes.exits(*local, &from, &Reason::Noconnection);
            }
        }
        //= spec/session.md#ses-end-003
        //# When a session ends, a node MUST give the monitoring process of each own monitor that is not over
        //# one DOWN Noconnection.
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

    /// Returns the current delay of signals: the number of bytes of other processes' messages that were written while a
    /// signal waited behind messages of its own process. Compare it with
    /// [`SIGNAL_DELAY_BYTES_MAX`](super::limits::SIGNAL_DELAY_BYTES_MAX). The count starts again from 0 when a message
    /// is written while no signal waits.
    ///
    /// Messages of a process that has such a signal itself do not count. Nor do bytes that the driver took out of the
    /// session before the signal came: the driver must bound those.
    ///
    /// If the peer accepts two fragmented messages of the maximum length at once, the messages ahead of a signal always
    /// go first, and the number stays 0. If it does not, these messages may have to wait until fragmented messages of
    /// other processes are complete. The bytes of those messages count.
    #[must_use]
    pub const fn signal_delay_bytes(&self) -> usize {
        self.outbox.delay_bytes()
    }

    /// Returns the number of fragmented messages of the peer that are not complete, and the number of their bytes that
    /// are kept. The first number includes dropped messages, of which the session skips the rest and keeps nothing.
    #[must_use]
    pub fn unfinished(&self) -> (usize, usize) {
        self.reassembly.kept()
    }

    /// Returns the number of links, the number of monitors that local processes have, and the number of monitors on
    /// local processes. Links and monitors that are being ended are included. Calls, and unanswered requests for
    /// processes, count as monitors.
    #[must_use]
    pub fn table_sizes(&self) -> (usize, usize, usize) {
        (self.links.count(), self.watching.count(), self.watched.count())
    }

    /// Returns the number of places for links and monitors that this node uses at the peer, and the number that the
    /// peer uses here. The two bounds on these numbers are [`Config::peer_bounds`] and [`Config::bounds`].
    ///
    /// When nothing is in flight, each link, monitor and call uses one place of the side that has asked for it. In a
    /// session of version 1, a link that this node has asked for uses two.
    #[must_use]
    pub const fn places(&self) -> (u32, u32) {
        (self.tally.held(Asker::Here), self.tally.held(Asker::Peer))
    }

    /// Returns the number of open calls that local processes have made, and the number of open calls that local
    /// processes have to answer.
    #[must_use]
    pub const fn calls(&self) -> (usize, usize) {
        (self.watching.calls(), self.watched.calls())
    }

    /// Returns the traffic of the session so far.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        self.traffic.0
    }

    /// Counts frames that have arrived. `bytes` includes their length prefixes.
    pub(in crate::core) const fn count_in(&mut self, frames: usize, bytes: usize) {
        self.traffic.0.count_in(frames, bytes);
    }

    /// Returns the counts of what was passed over or refused in the session so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Queues an answer to the peer, within the reserve.
    //= spec/session.md#ses-ord-003
    //# A node MUST write an answer to a LINK, MONITOR or UNLINK_ID after what the asked process has done for
    //# the asking one before that frame was handled.
    fn answer(&mut self, local: u64, owed: Owed) -> Result<(), Ending> {
        self.outbox.signal(local, owed);
        self.check_reserve()
    }

    /// Counts a signal that was owed to the peer and has become void. It is held against the reserve.
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
