//! The effect of each frame. Specification: `session.md`; layouts: `dist.md`.

use snow_dist_codec::frame::{
    Demonitor, Exit, Exit2, Fragment, Link, Monitor, MonitorExit, NodeTable, SendTerm, Unlink, UnlinkAck,
    UnlinkId,
};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Frame, Pid as WirePid, Reading, Reason as WireReason};

use super::links::{Ended, Linked, Pids};
use super::monitors::{Kind, Monitor as Watched};
use super::nodes::Entry;
use super::outbox::{Owed, Refusal};
use super::reassembly::Whole;
use super::tally::Asker;
use super::version_1::Purpose;
use super::wire::Ours;
use super::{Ending, Forbidden, Session};
use crate::core::limits::UNLINKS_UNANSWERED_MAX;
use crate::core::{NodeNumber, Processes, Reason, TermPids};

/// The outcome of a frame that was offered to [`deliver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// The frame was a SEND or REG_SEND, and its message has been passed to the process table.
    Taken,
    /// The frame was a SEND to a process of another start of this node, and its message has not been delivered. To have
    /// it counted in [`Counts::stale`](super::Counts::stale), pass the frame to [`Session::handle_frame`].
    Stale,
    /// The frame is neither a SEND nor a REG_SEND: pass it to [`Session::handle_frame`].
    NoMessage,
}

/// Delivers a frame if it is a SEND or REG_SEND. `creation` is the creation of this node.
///
/// This function needs no state of the session, so a driver may call it without access to the session. It is only for
/// sessions of version 2: in version 1 a session learns from messages, so every frame must go to
/// [`Session::handle_frame`].
///
/// # Errors
/// Returns [`Ending::Protocol`] if the receiver field cannot be a pid of this node.
#[inline]
pub fn deliver(frame: &Frame<'_>, creation: u8, processes: &mut impl Processes) -> Result<Offered, Ending> {
    match frame {
        //= spec/session.md#ses-pid-004
        //# A node MUST end the session if it reads a node id other than 0 in a receiver field.
        Frame::Send(send) if send.to.node() != 0 => {
            let node = send.to.node();
            Err(Ending::Protocol(format!("`to` of a SEND has node id {node} where only 0 can stand")))
        }
        //= spec/session.md#ses-pid-005
        //# A node MUST treat a receiver field with node id 0 and another creation than its own as the pid of
        //# a dead process.
        Frame::Send(send) if send.to.creation() != creation => Ok(Offered::Stale),
        Frame::Send(send) => {
            //= spec/session.md#ses-msg-001
            //# A node MUST put the message of a SEND into the mailbox of the process that `to` names, if that
            //# lives and there is room.
            processes.message(send.to.local(), send.message);
            Ok(Offered::Taken)
        }
        Frame::RegSend(send) => {
            //= spec/session.md#ses-msg-003
            //# A node MUST put the message of a REG_SEND into the mailbox of the process registered under
            //# exactly the bytes of `name` when the frame is handled, if there is one and there is room.
            processes.named_message(send.name.as_str(), send.message);
            Ok(Offered::Taken)
        }
        _ => Ok(Offered::NoMessage),
    }
}

/// Returns the capability that a frame belongs to.
const fn needed(frame: &Frame<'_>) -> Capabilities {
    match frame {
        Frame::NodeTable(_) => Capabilities::NODE_TABLE,
        Frame::Fragment(_) => Capabilities::FRAGMENTS,
        Frame::Exit2(_) => Capabilities::REMOTE_EXIT,
        Frame::SendTerm(_) => Capabilities::SEND_TERM,
        Frame::Call(_) | Frame::CallName(_) | Frame::CallReply(_) => Capabilities::CALLS,
        Frame::SendNameTerm(_) | Frame::MonitorName(_) | Frame::Named(_) => Capabilities::NAMES,
        _ => Capabilities::NONE,
    }
}

impl Session {
    /// Handles a frame of the peer.
    ///
    /// # Errors
    /// Returns the [`Ending`] with which the session must end.
    pub fn handle_frame(&mut self, frame: &Frame<'_>, processes: &mut impl Processes) -> Result<(), Ending> {
        if !self.hears(frame)? {
            return Ok(());
        }
        self.judge_capability(frame)?;
        match frame {
            Frame::Send(_) | Frame::RegSend(_) => self.on_message(frame, processes),
            Frame::Link(link) => self.on_link(link, processes),
            Frame::Unlink(unlink) => self.on_unlink(unlink),
            Frame::UnlinkId(unlink) => self.on_unlink_id(unlink),
            Frame::UnlinkAck(ack) => self.on_unlink_ack(ack),
            Frame::Exit(exit) => self.on_exit(exit, processes),
            Frame::Exit2(exit) => self.on_exit2(exit, processes),
            Frame::SendTerm(send) => self.on_send_term(send, processes),
            Frame::Call(call) => self.on_call(call, processes),
            Frame::CallName(call) => self.on_call_name(call, processes),
            Frame::CallReply(reply) => self.on_call_reply(reply, processes),
            Frame::SendNameTerm(send) => {
                self.on_send_name_term(send, processes);
                Ok(())
            }
            Frame::MonitorName(monitor) => self.on_monitor_name(monitor, processes),
            Frame::Named(named) => {
                self.on_named(named, processes);
                Ok(())
            }
            Frame::NodeTable(entry) => self.on_node_table(entry, processes),
            Frame::Monitor(monitor) => self.on_monitor(monitor, processes),
            Frame::Demonitor(demonitor) => self.on_demonitor(demonitor),
            Frame::MonitorExit(exit) => self.on_monitor_exit(exit, processes),
            Frame::Spawn(spawn) => self.on_spawn(spawn, processes),
            Frame::SpawnReply(reply) => {
                self.on_spawn_reply(reply, processes);
                Ok(())
            }
            Frame::PeerList(list) => {
                self.on_peer_list(list);
                Ok(())
            }
            Frame::Fragment(fragment) => match self.handle_fragment(fragment, processes)? {
                Some(whole) => self.on_whole(&whole, processes),
                None => Ok(()),
            },
            Frame::Ping(ping) => {
                //= spec/connection.md#con-hbt-004
                //# A node MUST answer the last PING that it has read with a PONG of the same payload.
                //= spec/connection.md#con-hbt-005
                //# A node MUST NOT keep more than one PONG in its queue.
                self.pong = Some(*ping.payload);
                Ok(())
            }
            Frame::Close(close) => {
                //= spec/connection.md#con-cls-002
                //# A node MUST end the session when it reads a CLOSE, whatever its code.
                //= spec/connection.md#con-cls-003
                //# A node MUST NOT handle what follows a CLOSE in the stream.
                Err(Ending::Closed { code: close.code, text: close.text.as_str().to_owned() })
            }
            // Any byte is a sign of life: the payload of a PONG says nothing more.
            //= spec/connection.md#con-hbt-007
            //# A node MUST NOT end a session because of a PONG that it can read.
            Frame::Pong(pong) => {
                if *pong.payload == self.ping {
                    self.heartbeat.answered();
                }
                Ok(())
            }
            Frame::GlobalRegister(_) | Frame::GlobalUnregister(_) | Frame::GlobalSync(_) => {
                self.on_global(frame, processes);
                Ok(())
            }
            Frame::RoomBroadcast(broadcast) => {
                self.on_broadcast(broadcast, processes);
                Ok(())
            }
            _ => {
                self.counts.unknown += 1;
                Ok(())
            }
        }
    }

    /// Handles a fragment of a frame. If the fragment completes the frame, returns the payload of the frame, which the
    /// caller must then decode and handle like any other frame. Returns `None` if the frame is not complete yet, or if
    /// its message was dropped.
    ///
    /// [`Session::handle_frame`] does both. This method is for drivers that can pass the bytes on without a copy. If
    /// `processes` has no room for an incomplete frame ([`Processes::unfinished`]), the message in it is dropped.
    ///
    /// # Errors
    /// Returns the [`Ending`] with which the session must end.
    pub fn handle_fragment(
        &mut self,
        fragment: &Fragment<'_>,
        processes: &mut impl Processes,
    ) -> Result<Option<Vec<u8>>, Ending> {
        let frame = Frame::from(*fragment);
        if !self.hears(&frame)? {
            return Ok(None);
        }
        self.judge_capability(&frame)?;
        match self.reassembly.add(fragment, processes)? {
            Some(Whole::Kept(payload)) => Ok(Some(payload)),
            Some(Whole::Dropped(begun)) => self.handle_dropped(&begun, processes).map(|()| None),
            None => Ok(None),
        }
    }

    //= spec/capabilities.md#cap-frg-012
    //# A node that reads the last FRAGMENT of a frame MUST handle that frame as if it had just arrived whole,
    //# unless SES-MSG-017 has dropped its message.
    fn on_whole(&mut self, payload: &[u8], processes: &mut impl Processes) -> Result<(), Ending> {
        let frame = Frame::decode(payload, Reading::Compatible)
            .map_err(|error| Ending::Protocol(format!("in fragments: {error}")))?;
        self.handle_frame(&frame, processes)
    }

    //= spec/handshake.md#hs-ver-003
    //# A node MUST NOT use a capability in a session unless it stands in both blocks.
    //= spec/connection.md#con-err-001
    //# A node MUST end a session in which it reads a frame of a capability that the session does not have.
    fn judge_capability(&mut self, frame: &Frame<'_>) -> Result<(), Ending> {
        if self.capabilities.contains(needed(frame)) {
            return Ok(());
        }
        if let Frame::Exit2(_) = frame {
            self.forbid(Forbidden::Exit, 1);
        }
        Err(Ending::Protocol(format!("{} was not negotiated", frame.name())))
    }

    fn on_message(&mut self, frame: &Frame<'_>, processes: &mut impl Processes) -> Result<(), Ending> {
        let offered = match (frame, self.wire.version_1()) {
            (Frame::Send(send), Some(_)) => match self.wire.read_ours("to", send.to)? {
                Ours::Process(local) => {
                    processes.message(local, send.message);
                    Offered::Taken
                }
                Ours::Stale => Offered::Stale,
            },
            _ => deliver(frame, self.wire.creation(), processes)?,
        };
        self.counts.stale += u64::from(offered == Offered::Stale);
        Ok(())
    }

    //= spec/capabilities.md#cap-stm-002
    //# A node MUST treat the message of a SEND_TERM as that of a SEND, and let the process tell that it was
    //# marked as a term.
    fn on_send_term(&mut self, send: &SendTerm<'_>, processes: &mut impl Processes) -> Result<(), Ending> {
        match self.wire.read_ours("to", send.to)? {
            Ours::Process(local) => {
                let pids = self.read_pids(send.message);
                processes.term(local, send.message, pids);
            }
            Ours::Stale => self.counts.stale += 1,
        }
        Ok(())
    }

    /// Returns the processes that the pids of a term stand for. Bytes that are no term have none.
    pub(super) fn read_pids(&mut self, term: &[u8]) -> TermPids {
        let terms = self.terms();
        let (mut pids, mut unknown) = (TermPids::of(terms), 0);
        let wire = &self.wire;
        //= spec/capabilities.md#cap-stm-006
        //# A node MUST NOT end the session because of the message of a SEND_TERM.
        //= spec/capabilities.md#cap-trm-003
        //# In a session with `terms_2` a node MUST accept terms of either kind in frames with terms.
        //= spec/capabilities.md#cap-trm-004
        //# In a session without `terms_2` a node MUST accept only terms of the first kind in frames with
        //# terms.
        let read = terms.for_each_pid(term, Reading::Compatible, |_, pid| {
            //= spec/capabilities.md#cap-stm-005
            //# A node MUST read each pid in the term of a SEND_TERM by SES-PID-013 to SES-PID-015.
            match wire.any_here(pid).node() {
                NodeNumber::UNKNOWN => unknown += u64::from(pid.node() != WirePid::NODE_UNKNOWN),
                node => pids.note(pid, node),
            }
        });
        if read.is_err() {
            return TermPids::of(terms);
        }
        self.counts.pids_unknown += unknown;
        pids
    }

    fn on_node_table(&mut self, entry: &NodeTable<'_>, processes: &mut impl Processes) -> Result<(), Ending> {
        let entry = self.wire.read_entry(entry, |start| processes.heard_of(start))?;
        self.counts.entries_unusable += u64::from(entry == Entry::Unusable);
        Ok(())
    }

    fn on_link(&mut self, link: &Link, processes: &mut impl Processes) -> Result<(), Ending> {
        let ours = self.wire.read_ours("to", link.to)?;
        let Some(remote) = self.theirs(link.from) else { return Ok(()) };
        let Ours::Process(local) = ours else {
            return self.no_link(0, link, Refusal::Noproc);
        };
        let ends = (local, remote);
        //= spec/session.md#ses-lnk-013
        //# A node that reads a LINK in state active MUST ignore it.
        //= spec/session.md#ses-lnk-014
        //# A node that reads a LINK in state unlinking or ending MUST ignore it.
        if self.links.knows(ends) {
            return Ok(());
        }
        //= spec/session.md#ses-lnk-015
        //# A node that reads a LINK for a dead process in state none MUST answer with one EXIT "noproc".
        if !processes.attach(local) {
            return self.no_link(local, link, Refusal::Noproc);
        }
        //= spec/session.md#ses-bnd-005
        //# A node MAY answer a LINK for a living process in state none with one EXIT "limit" while one more
        //# signal for that process would end the session by SES-BND-006 or SES-BND-008.
        if !processes.has_room(local) {
            return self.no_link(local, link, Refusal::Limit);
        }
        match self.links.on_link(ends, Pids::new(link.to, link.from), &mut self.tally) {
            //= spec/session.md#ses-bnd-002
            //# A node that reads a LINK that needs a place of the peer when none is free MUST answer with one
            //# EXIT "limit".
            //= spec/session.md#ses-bnd-004
            //# A node MUST NOT end the session because of a LINK or MONITOR beyond the bound.
            Linked::Full => self.no_link(local, link, Refusal::Limit),
            Linked::Now | Linked::Before => Ok(()),
        }
    }

    /// Answers a request that is refused. The answer copies the request's pids, byte for byte.
    fn no_link(&mut self, local: u64, link: &Link, why: Refusal) -> Result<(), Ending> {
        //= spec/session.md#ses-pid-003
        //# A node that answers a LINK or MONITOR with EXIT or MONITOR_EXIT MUST copy both pids byte for byte,
        //# each into the field of the same process.
        let place = self.links.answer((local, link.from.local()));
        self.answer(local, Owed::NoLink { from: link.to, to: link.from, why, place })
    }

    fn on_unlink(&mut self, unlink: &Unlink) -> Result<(), Ending> {
        if let Some(ends) = self.ends(unlink.from, unlink.to)? {
            //= spec/session.md#ses-lnk-025
            //# A node that reads UNLINK in a session of version 2 MUST handle it as UNLINK_ID, but for the
            //# acknowledgement.
            //= spec/version1.md#v1-lnk-004
            //# A node MUST end a link without a signal when it reads UNLINK for it.
            let ended = self.links.on_unlink(ends, &mut self.tally);
            self.unwatch_link(ends);
            self.link_ended(ended)?;
        }
        Ok(())
    }

    fn on_unlink_id(&mut self, unlink: &UnlinkId) -> Result<(), Ending> {
        let ours = self.wire.read_ours("to", unlink.to)?;
        let Some(remote) = self.theirs(unlink.from) else { return Ok(()) };
        let local = if let Ours::Process(local) = ours { local } else { 0 };
        let (ended, place) = self.links.on_unlink_id((local, remote), &mut self.tally);
        self.check_unlinks()?;
        self.link_ended(ended)?;
        //= spec/dist.md#dist-ula-001
        //# A node MUST copy `from`, `to` and `id` of an UNLINK_ACK byte for byte from `to`, `from` and `id`
        //# of the UNLINK_ID.
        //= spec/session.md#ses-lnk-021
        //# A node MUST answer each UNLINK_ID that it does not ignore by SES-PID-006 with one UNLINK_ACK, in
        //# every state and for dead processes.
        //= spec/session.md#ses-lnk-024
        //# A node MUST write an UNLINK_ACK before every LINK, UNLINK_ID and EXIT of the same pair that comes
        //# about after the UNLINK_ID was handled.
        self.answer(local, Owed::UnlinkAck { from: unlink.to, to: unlink.from, id: unlink.id, place })
    }

    /// Handles the end of a link by the peer. Returns `true` if the link was active.
    fn link_ended(&mut self, ended: Ended) -> Result<bool, Ending> {
        match ended {
            Ended::Active => Ok(true),
            Ended::Owed => self.void().map(|()| false),
            Ended::Nothing => Ok(false),
        }
    }

    /// Checks the number of unlinks that the peer has not acknowledged: those whose places are free again are bounded
    /// by nothing else.
    fn check_unlinks(&self) -> Result<(), Ending> {
        //= spec/session.md#ses-bnd-007
        //# A node MUST end a session in which the links in state unlinking without a place are more than
        //# `unlinks_unanswered_max` and more than its own links_and_monitors_max.
        if self.links.placeless() > UNLINKS_UNANSWERED_MAX.max(self.tally.max_peer() as usize) {
            return Err(Ending::UnlinksUnanswered);
        }
        Ok(())
    }

    fn on_unlink_ack(&mut self, ack: &UnlinkAck) -> Result<(), Ending> {
        if let Some(ends) = self.ends(ack.from, ack.to)?
            //= spec/session.md#ses-lnk-020
            //# A node MUST ignore an UNLINK_ACK in any other state, or with any other id.
            && !self.links.on_unlink_ack(ends, ack.id, &mut self.tally)
        {
            self.counts.unmatched += 1;
        }
        Ok(())
    }

    fn on_exit(&mut self, exit: &Exit<'_>, processes: &mut impl Processes) -> Result<(), Ending> {
        let Some(ends @ (local, remote)) = self.ends(exit.from, exit.to)? else { return Ok(()) };
        //= spec/session.md#ses-lnk-029
        //# A node that reads an EXIT in state active MUST give its process one exit signal with the EXIT's
        //# sender and reason, and enter state none, unless SES-LNK-028 forbids it.
        let ended = self.links.on_exit(ends, &mut self.tally);
        self.check_unlinks()?;
        if self.link_ended(ended)? {
            self.link_exited(ends);
            let reason = self.read_reason(&exit.reason);
            processes.exit(local, self.wire.theirs_here(remote), reason);
        } else {
            self.counts.unmatched += 1;
        }
        Ok(())
    }

    //= spec/capabilities.md#cap-rxt-005
    //# A node MUST NOT change the state of a link because it writes or reads an EXIT2.
    fn on_exit2(&mut self, exit: &Exit2<'_>, processes: &mut impl Processes) -> Result<(), Ending> {
        let Some((local, remote)) = self.ends(exit.from, exit.to)? else { return Ok(()) };
        let reason = self.read_reason(&exit.reason);
        //= spec/capabilities.md#cap-rxt-003
        //# A node MUST bring a living process in `to` of an EXIT2 one exit signal from `from` with its
        //# reason, unless CAP-RXT-010 applies.
        processes.sent_exit(local, self.wire.theirs_here(remote), reason);
        Ok(())
    }

    fn on_monitor(&mut self, monitor: &Monitor, processes: &mut impl Processes) -> Result<(), Ending> {
        let ours = self.wire.read_ours("to", monitor.to)?;
        if self.theirs(monitor.from).is_none() {
            return Ok(());
        }
        //= spec/session.md#ses-mon-007
        //# A node MUST end the session if it reads a MONITOR with the ref of a monitor that it holds for this
        //# peer.
        self.judge_reference("MONITOR", monitor.reference)?;
        let local = match ours {
            Ours::Process(local) if processes.attach(local) => local,
            //= spec/session.md#ses-mon-006
            //# A node that reads a MONITOR of a dead process MUST answer with one MONITOR_EXIT "noproc".
            Ours::Process(local) => return self.no_monitor(local, monitor, Refusal::Noproc),
            Ours::Stale => return self.no_monitor(0, monitor, Refusal::Noproc),
        };
        if !self.tally.take(Asker::Peer) {
            //= spec/session.md#ses-bnd-003
            //# A node that reads a MONITOR of a living process when no place of the peer is free MUST answer
            //# with one MONITOR_EXIT "limit".
            return self.no_monitor(local, monitor, Refusal::Limit);
        }
        self.watched.add(monitor.reference, Watched::new(monitor.to, monitor.from, Kind::Watch));
        Ok(())
    }

    /// Checks that a number that the peer has chosen is not in use.
    pub(super) fn judge_reference(&self, frame: &str, reference: u64) -> Result<(), Ending> {
        if self.watched.knows(reference) {
            return Err(Ending::Protocol(format!("{frame} uses ref {reference}, which is in use")));
        }
        Ok(())
    }

    /// Answers a request that is refused. The answer copies the request's pids, byte for byte.
    pub(super) fn no_monitor(&mut self, local: u64, monitor: &Monitor, why: Refusal) -> Result<(), Ending> {
        let (monitored, monitoring) = (monitor.to, monitor.from);
        //= spec/session.md#ses-pid-003
        //# A node that answers a LINK or MONITOR with EXIT or MONITOR_EXIT MUST copy both pids byte for byte,
        //# each into the field of the same process.
        self.answer(local, Owed::NoMonitor { reference: monitor.reference, monitored, monitoring, why })
    }

    fn on_demonitor(&mut self, demonitor: &Demonitor) -> Result<(), Ending> {
        let Some((local, remote)) = self.ends(demonitor.from, demonitor.to)? else { return Ok(()) };
        //= spec/session.md#ses-mon-010
        //# A node MUST ignore a DEMONITOR whose ref and two pids are not those of one monitor that it holds
        //# for this peer.
        let Some(monitor) = self.watched.remove(demonitor.reference, local, remote) else {
            self.counts.unmatched += 1;
            return Ok(());
        };
        self.tally.give_back(Asker::Peer);
        //= spec/session.md#ses-mon-009
        //# A node MUST NOT write the MONITOR_EXIT of a monitor after it has handled its DEMONITOR.
        if monitor.is_owed() { self.void() } else { Ok(()) }
    }

    fn on_monitor_exit(
        &mut self,
        exit: &MonitorExit<'_>,
        processes: &mut impl Processes,
    ) -> Result<(), Ending> {
        let Some((local, remote)) = self.ends(exit.monitored, exit.monitoring)? else { return Ok(()) };
        //= spec/session.md#ses-mon-011
        //# A node MUST ignore a MONITOR_EXIT whose ref and two pids are not those of one of its monitors in
        //# this session that is not over.
        //= spec/session.md#ses-mon-012
        //# A node that reads a MONITOR_EXIT with ref and pids of a monitor that is not over MUST give the
        //# monitoring process one DOWN with that ref, the monitored process and the reason.
        //= spec/session.md#ses-spn-019
        //# A node MUST ignore a MONITOR_EXIT for an own monitoring SPAWN without an answer.
        if !self.watching.is_request(exit.reference)
            && let Some(monitor) = self.watching.remove(exit.reference, local, remote)
        {
            self.tally.give_back(Asker::Here);
            let reason = self.read_reason(&exit.reason);
            match self.monitor_over(exit.reference) {
                Purpose::Watch(reference) => self.tell_end(reference, &monitor, reason, processes),
                Purpose::Link(ends) => self.on_monitor_beside(ends, reason, processes),
            }
        } else {
            self.counts.unmatched += 1;
        }
        Ok(())
    }

    /// Returns the local and the remote process of a frame from the peer. If there cannot be such processes, the
    /// frame is counted, and the result is `None`.
    //= spec/session.md#ses-pid-007
    //# A node MUST judge receiver fields by SES-PID-004 before it judges sender fields by SES-PID-006.
    pub(super) fn ends(&mut self, from: WirePid, to: WirePid) -> Result<Option<(u64, u64)>, Ending> {
        let ours = self.wire.read_ours("to", to)?;
        let Some(remote) = self.theirs(from) else { return Ok(None) };
        match ours {
            Ours::Process(local) => Ok(Some((local, remote))),
            Ours::Stale => {
                self.counts.stale += 1;
                Ok(None)
            }
        }
    }

    pub(super) fn theirs(&mut self, pid: WirePid) -> Option<u64> {
        let remote = self.wire.read_theirs(pid);
        //= spec/connection.md#con-err-003
        //# A node SHOULD count the frames that it ignores, by reason.
        self.counts.foreign += u64::from(remote.is_none());
        remote
    }

    fn read_reason(&mut self, reason: &WireReason<'_>) -> Reason {
        let (wire, counts) = (&self.wire, &mut self.counts);
        //= spec/session.md#ses-rsn-001
        //# A node MUST NOT ignore an EXIT or MONITOR_EXIT because of what its reason holds.
        let (reason, cut) = Reason::from_wire(reason, |hop| {
            let here = wire.any_here(hop);
            let lost = here.node() == NodeNumber::UNKNOWN && hop.node() != WirePid::NODE_UNKNOWN;
            counts.hops_unknown += u64::from(lost);
            here
        });
        counts.reasons_cut += u64::from(cut);
        reason
    }
}
