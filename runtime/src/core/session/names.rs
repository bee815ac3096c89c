//! Terms sent to names, and monitors by name. Specification: `capabilities.md`, "Names".

use snow_dist_codec::frame::{MonitorName, Named, RegSend, SendNameTerm};
use snow_dist_codec::handshake::Capabilities;

use super::messages::Mark;
use super::monitors::{Kind, Monitor};
use super::outbox::{Owed, Refusal};
use super::tally::Asker;
use super::{Ending, Lacking, NotMade, NotSent, Session};
use crate::core::limits::MONITORED_NAME_BYTES_MAX;
use crate::core::{Processes, Term};

impl Session {
    /// Sends a term of `local` to the process that is registered under `name` at the peer. Apart from that, this
    /// method behaves like [`Session::send_term`], with the capability `names` in place of `send_term`.
    ///
    /// # Errors
    /// Returns [`NotSent`] in these cases:
    /// - The peer cannot accept the message.
    /// - The term has pids, and the session lacks `names`.
    /// - The term is of the second kind and has no form of the first ([`Term::or_first`]), and the session lacks
    ///   `names` or `terms_2`.
    pub fn send_named_term(&mut self, local: u64, name: &str, term: &mut Term) -> Result<(), NotSent> {
        let has_names = self.capabilities.contains(Capabilities::NAMES);
        let mark = if has_names { Mark::There } else { Mark::Lacking("names") };
        self.queue_term(local, name.len(), mark, term, |message| {
            let name = name.into();
            //= spec/capabilities.md#cap-nam-001
            //# A node MUST NOT write SEND_NAME_TERM, MONITOR_NAME or NAMED in a session that does not have `names`.
            //= spec/capabilities.md#cap-nam-002
            //# In a session with `names` a node whose process sends a term to a name MUST write SEND_NAME_TERM.
            if has_names { SendNameTerm { name, message }.into() } else { RegSend { name, message }.into() }
        })
    }

    /// Monitors the process that is registered under `name` at the peer. [`Processes::named`] reports which process
    /// that is. If no process has the name, [`Processes::down`] is called with the reason `noproc`. Apart from that,
    /// this method behaves like [`Session::monitor`].
    ///
    /// # Errors
    /// Returns [`NotMade`] if the session lacks `names`, if the name is too long, or if the peer accepts no more links
    /// and monitors of this node. Nothing has changed then.
    pub fn monitor_named(&mut self, local: u64, name: &str, reference: u64) -> Result<(), NotMade> {
        if !self.capabilities.contains(Capabilities::NAMES) {
            return Err(NotMade::Lacking(Lacking { capability: "names" }));
        }
        //= spec/capabilities.md#cap-nam-009
        //# A node MUST NOT write a MONITOR_NAME whose `name` is longer than `monitored_name_bytes_max`.
        if name.len() > MONITORED_NAME_BYTES_MAX {
            return Err(NotMade::NameTooLong { length: name.len(), length_max: MONITORED_NAME_BYTES_MAX });
        }
        //= spec/capabilities.md#cap-cal-004
        //# A node MUST NOT write a CALL, CALL_NAME or MONITOR_NAME for which no place at the peer is free.
        if !self.tally.take(Asker::Here) {
            return Err(self.full());
        }
        //= spec/capabilities.md#cap-nam-008
        //# For a MONITOR_NAME, a node MUST write node id 0, local id 0 and the creation of the monitored node
        //# into `monitored` of MONITOR_EXIT and `to` of DEMONITOR.
        let monitor = Monitor::new(self.wire.ours(local), self.wire.theirs(0), Kind::Name(None));
        if self.watching.add(reference, monitor) {
            self.outbox.signal(local, Owed::MonitorName { reference, local, name: name.into() });
        } else {
            self.tally.give_back(Asker::Here);
        }
        Ok(())
    }

    //= spec/capabilities.md#cap-nam-003
    //# A node MUST treat the message of a SEND_NAME_TERM as that of a REG_SEND, and let the process tell that
    //# it was marked as a term.
    pub(super) fn on_send_name_term(&mut self, send: &SendNameTerm<'_>, processes: &mut impl Processes) {
        let pids = self.read_pids(send.message);
        processes.named_term(send.name.as_str(), send.message, pids);
    }

    pub(super) fn on_monitor_name(
        &mut self,
        monitor: &MonitorName<'_>,
        processes: &mut impl Processes,
    ) -> Result<(), Ending> {
        let MonitorName { from, reference, .. } = *monitor;
        if self.theirs(from).is_none() {
            return Ok(());
        }
        //= spec/capabilities.md#cap-cal-010
        //# A node MUST end the session on a CALL, CALL_NAME or MONITOR_NAME with the ref of a call or monitor
        //# that it holds for this peer.
        self.judge_reference("MONITOR_NAME", reference)?;
        let whoever = self.wire.ours(0);
        //= spec/capabilities.md#cap-nam-004
        //# A node MUST answer a MONITOR_NAME with a name that is not registered with one MONITOR_EXIT
        //# "noproc".
        let Some(local) = self.registered(monitor.name.as_str(), processes) else {
            return self.refuse(0, whoever, from, reference, Refusal::Noproc);
        };
        if !self.tally.take(Asker::Peer) {
            return self.refuse(local, whoever, from, reference, Refusal::Limit);
        }
        self.watched.add(reference, Monitor::of_named(local, whoever, from, Kind::Name(None)));
        //= spec/capabilities.md#cap-nam-005
        //# A node MUST answer a MONITOR_NAME with a registered name with one NAMED that has its `ref` and
        //# that process's pid, unless CAP-CAL-008 applies.
        self.answer(local, Owed::Named { reference, local })
    }

    pub(super) fn on_named(&mut self, named: &Named, processes: &mut impl Processes) {
        let Some(remote) = self.theirs(named.pid) else { return };
        //= spec/capabilities.md#cap-nam-006
        //# A node that reads a NAMED MUST take the open monitor by name with its ref for one of the process
        //# in `pid`, unless CAP-NAM-007 applies.
        match self.watching.named(named.reference, remote) {
            Some(local) => processes.named(local, named.reference, self.wire.theirs_here(remote)),
            //= spec/capabilities.md#cap-nam-007
            //# A node MUST ignore a NAMED whose ref is not that of an open monitor by name in this session,
            //# and every NAMED for one after the first.
            None => self.counts.unmatched += 1,
        }
    }
}
