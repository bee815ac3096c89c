//! The writing of signals as frames. Specification: `session.md`; layouts: `dist.md`.

use snow_dist_codec::frame::{
    Close, Demonitor, Exit, Exit2, Link, Monitor, MonitorExit, MonitorName, Named, NodeTable, Ping, Pong,
    SpawnReply, Unlink, UnlinkAck, UnlinkId,
};
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Reason as WireReason, Root};

use super::Session;
use super::outbox::{Next, Owed, Refusal};
use super::tally::Asker;

impl Session {
    /// Appends whole frames to `out` until `out` has about `bytes_wanted` bytes or nothing waits to be written.
    ///
    /// `out` can become longer than `bytes_wanted` in two cases: the last frame is not a message, or `out` was empty
    /// and the first piece of output is longer by itself. Such a piece is a single message or fragment, or several
    /// messages of one process of at most 64 KiB together.
    ///
    /// Signals that come later cannot overtake what is in `out`.
    pub fn write(&mut self, out: &mut Vec<u8>, bytes_wanted: usize) {
        let start = out.len();
        if !self.closed {
            self.write_waiting(out, bytes_wanted);
        }
        self.traffic.0.count_out(out.get(start..).unwrap_or_default());
    }

    fn write_waiting(&mut self, out: &mut Vec<u8>, bytes_wanted: usize) {
        //= spec/connection.md#con-hbt-006
        //# A node MUST write a PONG or PING that waits before everything else that waits in the session.
        if let Some(payload) = self.pong.take() {
            put(Pong { payload: &payload }, out);
        }
        if std::mem::take(&mut self.ping_due) {
            //= spec/connection.md#con-hbt-009
            //# A node SHOULD give each PING of a session another payload.
            self.ping = next_ping(self.ping);
            put(Ping { payload: &self.ping }, out);
            self.heartbeat.ping_written();
            self.pinged();
        }
        //= spec/capabilities.md#cap-ntb-002
        //# A node MUST write a NODE_TABLE before the first frame in which it writes its index.
        // An entry is added when a frame that needs it is queued, and all entries are written before any such frame.
        while out.len() < bytes_wanted
            && let Some((index, start)) = self.wire.take_due_entry()
        {
            put(NodeTable { index, incarnation: start.incarnation.get(), name: (&*start.name).into() }, out);
        }
        // Names come before the frames of their processes: a node that hears of a process finds its name.
        while out.len() < bytes_wanted && self.has_due_global() && self.write_global(out) {}
        while out.len() < bytes_wanted {
            match self.outbox.next(out, bytes_wanted) {
                Next::Nothing => return self.write_close(out),
                Next::Enough => return,
                Next::Written => {}
                Next::Signal(owed) => self.write_signal(owed, out),
            }
        }
    }

    fn write_close(&mut self, out: &mut Vec<u8>) {
        if let Some((code, text)) = self.close.take() {
            put(Close { code, text: text.as_str().into() }, out);
            //= spec/connection.md#con-cls-001
            //# A node MUST NOT write a frame after CLOSE.
            self.closed = true;
        }
    }

    /// Writes a signal as a frame, unless it has become void.
    pub(super) fn write_signal(&mut self, owed: Owed, out: &mut Vec<u8>) {
        let wire = &self.wire;
        let (from, to) = match &owed {
            Owed::Link((local, remote))
            | Owed::UnlinkId { ends: (local, remote), .. }
            | Owed::Exit2 { ends: (local, remote), .. }
            | Owed::Monitor { local, remote, .. }
            | Owed::Demonitor { local, remote, .. } => (wire.ours(*local), wire.theirs(*remote)),
            _ => Default::default(),
        };
        match owed {
            Owed::Link(_) => put(Link { from, to }, out),
            Owed::UnlinkId { id, .. } => put(UnlinkId { from, to, id }, out),
            Owed::Unlink { from, to, frees } => {
                if frees {
                    self.tally.give_back(Asker::Here);
                }
                put(Unlink { from, to }, out);
            }
            Owed::UnlinkAck { from, to, id, place } => {
                self.links.answered((from.local(), to.local()), place, &mut self.tally);
                put(UnlinkAck { from, to, id }, out);
            }
            //= spec/session.md#ses-lnk-010
            //# A node MUST NOT write the EXIT of a link after it has handled an EXIT, UNLINK_ID or UNLINK of
            //# the peer for it.
            Owed::Exit(ends) => match self.links.take_owed(ends, &mut self.tally) {
                Some((reason, pids)) => {
                    //= spec/version1.md#v1-pid-003
                    //# A node MUST copy `from` and `to` of an EXIT or UNLINK for a link that the peer has made
                    //# byte for byte from `to` and `from` of its LINK.
                    let (from, to) = pids.of(ends);
                    //= spec/session.md#ses-rsn-007
                    //# A node that passes on a reason MUST write each hop as SES-PID-010 to SES-PID-012 ask
                    //# for the process that it took it for.
                    wire.with_reason(&reason, |reason| put(Exit { from, to, reason: *reason }, out));
                }
                None => self.outbox.was_void(),
            },
            Owed::Exit2 { reason, .. } => {
                wire.with_reason(&reason, |reason| put(Exit2 { from, to, reason: *reason }, out));
            }
            //= spec/session.md#ses-lnk-011
            //# A node MUST NOT write EXIT but for a link that was active when its process ended, and to
            //# answer a LINK.
            Owed::NoLink { from, to, why, place } => {
                self.links.answered((from.local(), to.local()), place, &mut self.tally);
                put(Exit { from, to, reason: why.into() }, out);
            }
            Owed::Monitor { reference, .. } => put(Monitor { from, to, reference }, out),
            Owed::MonitorName { reference, local, name } => {
                put(MonitorName { from: wire.ours(local), reference, name: (&*name).into() }, out);
            }
            Owed::Named { reference, local } => put(Named { reference, pid: wire.ours(local) }, out),
            Owed::Demonitor { reference, .. } => {
                self.tally.give_back(Asker::Here);
                //= spec/session.md#ses-mon-003
                //# When a local process ends a monitor that was not over, a node MUST write DEMONITOR with
                //# its pids and ref.
                put(Demonitor { from, to, reference }, out);
            }
            Owed::Down { reference } => match self.watched.take_owed(reference) {
                Some((monitor, reason)) => {
                    self.tally.give_back(Asker::Peer);
                    //= spec/version1.md#v1-pid-004
                    //# A node MUST copy `monitored` and `monitoring` of a MONITOR_EXIT byte for byte from `to`
                    //# and `from` of the MONITOR.
                    let (monitored, monitoring) = (monitor.ours, monitor.theirs);
                    wire.with_reason(&reason, |reason| {
                        put(MonitorExit { monitored, monitoring, reference, reason: *reason }, out);
                    });
                }
                None => self.outbox.was_void(),
            },
            Owed::NoMonitor { reference, monitored, monitoring, why } => {
                put(MonitorExit { monitored, monitoring, reference, reason: why.into() }, out);
            }
            Owed::Spawn { framed } => out.extend_from_slice(&framed),
            Owed::SpawnReply { request, status, local } => {
                //= spec/dist.md#dist-spr-001
                //# A node MUST write into `local` a local id of at most 1 099 511 627 775, and 0 if `status`
                //# is not 0.
                put(SpawnReply { request, status, local }, out);
            }
        }
    }
}

impl From<Refusal> for WireReason<'static> {
    fn from(why: Refusal) -> Self {
        let text = match why {
            Refusal::Noproc => "noproc",
            Refusal::Limit => "limit",
            Refusal::Full => "full",
        };
        Root::Error(text.into()).into()
    }
}

/// Appends a frame of this module or its neighbours. Every peer accepts these.
//= spec/dist.md#dist-tag-003
//= type=implication
//= reason=no frame without a section is made anywhere in this crate
//# A node MUST NOT write a tag from `E0` to `EF` unless both ends of the session have agreed outside this
//# protocol on its meaning.
pub(super) fn put<'f>(frame: impl Into<Frame<'f>>, out: &mut Vec<u8>) {
    let written = frame.into().encode_framed(FRAME_BYTES_MAX, out);
    debug_assert_eq!(written, Ok(()), "signals are bounded");
}

/// Returns the next payload of a PING: it counts up, with the least significant byte first.
fn next_ping(mut ping: [u8; 8]) -> [u8; 8] {
    for byte in &mut ping {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
    ping
}

#[cfg(test)]
mod tests {
    use super::next_ping;

    #[test]
    fn no_ping_repeats_one_that_is_not_long_ago() {
        let mut pings = std::collections::BTreeSet::new();
        let mut ping = [0; 8];
        for _ in 0..70_000 {
            ping = next_ping(ping);
            assert!(pings.insert(ping));
        }
        assert_eq!(next_ping([255; 8]), [0; 8]);
    }
}
