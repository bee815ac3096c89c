//! What each frame does. Specification: `dist.md`, the section of the frame.

use snow_dist_codec::frame::{
    Demonitor, Exit, Link, Monitor, MonitorExit, Spawn, Unlink, UnlinkAck, UnlinkId,
};
use snow_dist_codec::{Frame, Pid as WirePid, Reason as WireReason};

use super::links::{Ended, Ends, Linked};
use super::outbox::{Owed, Refusal};
use super::tally::Asker;
use super::wire::Ours;
use super::{Ending, Session};
use crate::core::{NodeNumber, Processes, Reason};

/// What became of a frame that was offered to [`deliver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It was a message, and has been handed on.
    Taken,
    /// It was a message for a process of another start of this node.
    Stale,
    /// It is no message: [`Session::handle_frame`] knows what to do.
    NoMessage,
}

/// Hands a message on. Messages need nothing of a session, so a driver may do this without touching it.
///
/// # Errors
/// The receiver's pid cannot be one of this node.
#[inline]
pub fn deliver(frame: &Frame<'_>, creation: u8, processes: &mut impl Processes) -> Result<Offered, Ending> {
    match frame {
        Frame::Send(send) if send.to.node() != 0 => {
            let node = send.to.node();
            Err(Ending::Protocol(format!("`to` of a SEND has node id {node} where only 0 can stand")))
        }
        Frame::Send(send) if send.to.creation() != creation => Ok(Offered::Stale),
        Frame::Send(send) => {
            processes.message(send.to.local(), send.message);
            Ok(Offered::Taken)
        }
        Frame::RegSend(send) => {
            processes.named_message(send.name.as_str(), send.message);
            Ok(Offered::Taken)
        }
        _ => Ok(Offered::NoMessage),
    }
}

impl Session {
    /// A frame has come.
    ///
    /// # Errors
    /// The session must end, and why.
    pub fn handle_frame(&mut self, frame: &Frame<'_>, processes: &mut impl Processes) -> Result<(), Ending> {
        match frame {
            Frame::Send(_) | Frame::RegSend(_) => self.on_message(frame, processes),
            Frame::Link(link) => self.on_link(link, processes),
            Frame::Unlink(unlink) => self.on_unlink(unlink),
            Frame::UnlinkId(unlink) => self.on_unlink_id(unlink),
            Frame::UnlinkAck(ack) => self.on_unlink_ack(ack),
            Frame::Exit(exit) => self.on_exit(exit, processes),
            Frame::Monitor(monitor) => self.on_monitor(monitor, processes),
            Frame::Demonitor(demonitor) => self.on_demonitor(demonitor),
            Frame::MonitorExit(exit) => self.on_monitor_exit(exit, processes),
            Frame::Spawn(spawn) => self.on_spawn(spawn),
            Frame::Ping(ping) => {
                self.pong = Some(*ping.payload);
                Ok(())
            }
            Frame::Close(close) => {
                Err(Ending::Closed { code: close.code, text: close.text.as_str().to_owned() })
            }
            Frame::NodeTable(_) | Frame::Fragment(_) | Frame::Exit2(_) | Frame::SendTerm(_) => {
                Err(Ending::Protocol(format!("{} was not negotiated", frame.name())))
            }
            // Any byte is a sign of life: the payload of a PONG says nothing more.
            Frame::Pong(_) => Ok(()),
            // Peer lists, global names and rooms belong to chapters that are not built, as unknown tags do.
            _ => {
                self.counts.unknown += 1;
                Ok(())
            }
        }
    }

    fn on_message(&mut self, frame: &Frame<'_>, processes: &mut impl Processes) -> Result<(), Ending> {
        if deliver(frame, self.wire.creation(), processes)? == Offered::Stale {
            self.counts.stale += 1;
        }
        Ok(())
    }

    fn on_link(&mut self, link: &Link, processes: &mut impl Processes) -> Result<(), Ending> {
        let ours = self.wire.read_ours("to", link.to)?;
        let Some(remote) = self.theirs(link.from) else { return Ok(()) };
        let Ours::Process(local) = ours else {
            return self.no_link(0, link, Refusal::Noproc);
        };
        let ends = (local, remote);
        if self.links.knows(ends) {
            return Ok(());
        }
        if !processes.attach(local) {
            return self.no_link(local, link, Refusal::Noproc);
        }
        match self.links.on_link(ends, &mut self.tally) {
            Linked::Full => self.no_link(local, link, Refusal::Limit),
            Linked::Now | Linked::Before => Ok(()),
        }
    }

    /// The answer copies the request's pids, byte for byte.
    fn no_link(&mut self, local: u64, link: &Link, why: Refusal) -> Result<(), Ending> {
        self.answer(local, Owed::NoLink { from: link.to, to: link.from, why })
    }

    fn on_unlink(&mut self, unlink: &Unlink) -> Result<(), Ending> {
        if let Some(ends) = self.ends(unlink.from, unlink.to)? {
            self.end_link(ends)?;
        }
        Ok(())
    }

    fn on_unlink_id(&mut self, unlink: &UnlinkId) -> Result<(), Ending> {
        let ours = self.wire.read_ours("to", unlink.to)?;
        let Some(remote) = self.theirs(unlink.from) else { return Ok(()) };
        let local = if let Ours::Process(local) = ours { local } else { 0 };
        self.end_link((local, remote))?;
        self.answer(local, Owed::UnlinkAck { from: unlink.to, to: unlink.from, id: unlink.id })
    }

    /// The peer ends a link; true if it was active.
    fn end_link(&mut self, ends: Ends) -> Result<bool, Ending> {
        match self.links.on_end(ends, &mut self.tally) {
            Ended::Active => Ok(true),
            Ended::Owed => self.void().map(|()| false),
            Ended::Nothing => Ok(false),
        }
    }

    fn on_unlink_ack(&mut self, ack: &UnlinkAck) -> Result<(), Ending> {
        if let Some(ends) = self.ends(ack.from, ack.to)?
            && !self.links.on_unlink_ack(ends, ack.id, &mut self.tally)
        {
            self.counts.unmatched += 1;
        }
        Ok(())
    }

    fn on_exit(&mut self, exit: &Exit<'_>, processes: &mut impl Processes) -> Result<(), Ending> {
        let Some(ends @ (local, remote)) = self.ends(exit.from, exit.to)? else { return Ok(()) };
        if self.end_link(ends)? {
            let reason = self.read_reason(&exit.reason);
            processes.exit(local, self.wire.theirs_here(remote), reason);
        } else {
            self.counts.unmatched += 1;
        }
        Ok(())
    }

    fn on_monitor(&mut self, monitor: &Monitor, processes: &mut impl Processes) -> Result<(), Ending> {
        let ours = self.wire.read_ours("to", monitor.to)?;
        let Some(remote) = self.theirs(monitor.from) else { return Ok(()) };
        if self.watched.knows(monitor.reference) {
            let reference = monitor.reference;
            return Err(Ending::Protocol(format!("MONITOR uses ref {reference}, which is in use")));
        }
        let local = match ours {
            Ours::Process(local) if processes.attach(local) => local,
            Ours::Process(local) => return self.no_monitor(local, monitor, Refusal::Noproc),
            Ours::Stale => return self.no_monitor(0, monitor, Refusal::Noproc),
        };
        if !self.tally.take(Asker::Peer) {
            return self.no_monitor(local, monitor, Refusal::Limit);
        }
        self.watched.add(monitor.reference, local, remote);
        Ok(())
    }

    /// The answer copies the request's pids, byte for byte.
    fn no_monitor(&mut self, local: u64, monitor: &Monitor, why: Refusal) -> Result<(), Ending> {
        let (monitored, monitoring) = (monitor.to, monitor.from);
        self.answer(local, Owed::NoMonitor { reference: monitor.reference, monitored, monitoring, why })
    }

    fn on_demonitor(&mut self, demonitor: &Demonitor) -> Result<(), Ending> {
        let Some((local, remote)) = self.ends(demonitor.from, demonitor.to)? else { return Ok(()) };
        let Some(monitor) = self.watched.remove(demonitor.reference, local, remote) else {
            self.counts.unmatched += 1;
            return Ok(());
        };
        self.tally.give_back(Asker::Peer);
        if monitor.is_owed() { self.void() } else { Ok(()) }
    }

    fn on_monitor_exit(
        &mut self,
        exit: &MonitorExit<'_>,
        processes: &mut impl Processes,
    ) -> Result<(), Ending> {
        let Some((local, remote)) = self.ends(exit.monitored, exit.monitoring)? else { return Ok(()) };
        if self.watching.remove(exit.reference, local, remote).is_some() {
            self.tally.give_back(Asker::Here);
            let reason = self.read_reason(&exit.reason);
            processes.down(local, exit.reference, self.wire.theirs_here(remote), reason);
        } else {
            self.counts.unmatched += 1;
        }
        Ok(())
    }

    /// No function can be started from another node yet.
    fn on_spawn(&mut self, spawn: &Spawn<'_>) -> Result<(), Ending> {
        match self.theirs(spawn.requester) {
            Some(_) => self.answer(0, Owed::NoSpawn { request: spawn.request }),
            None => Ok(()),
        }
    }

    /// The local and the remote process of a frame from the peer; `None`, and counted, if there cannot be such.
    fn ends(&mut self, from: WirePid, to: WirePid) -> Result<Option<(u64, u64)>, Ending> {
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

    fn theirs(&mut self, pid: WirePid) -> Option<u64> {
        let remote = self.wire.read_theirs(pid);
        self.counts.foreign += u64::from(remote.is_none());
        remote
    }

    fn read_reason(&mut self, reason: &WireReason<'_>) -> Reason {
        let (wire, counts) = (&self.wire, &mut self.counts);
        let (reason, cut) = Reason::from_wire(reason, |hop| {
            let here = wire.hop_here(hop);
            let lost = here.node() == NodeNumber::UNKNOWN && hop.node() != WirePid::NODE_UNKNOWN;
            counts.hops_unknown += u64::from(lost);
            here
        });
        counts.reasons_cut += u64::from(cut);
        reason
    }
}
