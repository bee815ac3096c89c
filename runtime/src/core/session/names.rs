//! Terms to names, and who has a name. Specification: `capabilities.md`, "Names".

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
    /// A term of `local` to whoever is registered under `name` at the peer; otherwise as [`Session::send_term`].
    ///
    /// # Errors
    /// The peer cannot take it; or the term has pids or is of the second kind, and the session lacks `names`.
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

    /// Watches whoever is registered under `name` at the peer. [`Processes::named`] says who that is. Else as
    /// [`Session::monitor`].
    ///
    /// # Errors
    /// Why it is not made; nothing has changed.
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
        //# A node MUST NOT write a CALL, CALL_NAME or MONITOR_NAME by which the peer would hold more links, monitors
        //# and calls of this node than the peer's links_and_monitors_max.
        if !self.tally.take(Asker::Here) {
            return Err(self.full());
        }
        //= spec/capabilities.md#cap-nam-008
        //# In `monitored` of a MONITOR_EXIT and `to` of a DEMONITOR for a MONITOR_NAME a node MUST write node id 0,
        //# local id 0, and the creation of the node that MONITOR_NAME was for.
        let monitor = Monitor::new(self.wire.ours(local), self.wire.theirs(0), Kind::Name(None));
        if self.watching.add(reference, monitor) {
            self.outbox.signal(local, Owed::MonitorName { reference, local, name: name.into() });
        } else {
            self.tally.give_back(Asker::Here);
        }
        Ok(())
    }

    //= spec/capabilities.md#cap-nam-003
    //# A node that reads a SEND_NAME_TERM MUST do with its message what it does with that of a REG_SEND, and let the
    //# process tell that it was marked as a term.
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
        //# A node MUST end the session if it reads a CALL, CALL_NAME or MONITOR_NAME with the ref of a call or monitor
        //# of this peer that it still holds.
        self.judge_reference("MONITOR_NAME", reference)?;
        let whoever = self.wire.ours(0);
        //= spec/capabilities.md#cap-nam-004
        //# A node that reads a MONITOR_NAME with a name that is not registered MUST answer with one MONITOR_EXIT whose
        //# reason is Error "noproc", without hops.
        let Some(local) = self.registered(monitor.name.as_str(), processes) else {
            return self.refuse(0, whoever, from, reference, Refusal::Noproc);
        };
        if !self.tally.take(Asker::Peer) {
            return self.refuse(local, whoever, from, reference, Refusal::Limit);
        }
        self.watched.add(reference, Monitor::of_named(local, whoever, from, Kind::Name(None)));
        //= spec/capabilities.md#cap-nam-005
        //# A node that reads a MONITOR_NAME with a name that is registered MUST answer with one NAMED with its `ref` and
        //# the pid of the process that has the name, unless CAP-CAL-008 asks for another answer.
        self.answer(local, Owed::Named { reference, local })
    }

    pub(super) fn on_named(&mut self, named: &Named, processes: &mut impl Processes) {
        let Some(remote) = self.theirs(named.pid) else { return };
        //= spec/capabilities.md#cap-nam-006
        //# A node that reads a NAMED with the ref of a monitor by name of its own that is not over MUST take that
        //# monitor for one of the process in `pid`, unless CAP-NAM-007 asks it to ignore the NAMED.
        match self.watching.named(named.reference, remote) {
            Some(local) => processes.named(local, named.reference, self.wire.theirs_here(remote)),
            //= spec/capabilities.md#cap-nam-007
            //# A node MUST ignore a NAMED whose ref is not that of a monitor by name of its own in this session that is
            //# not over, and every NAMED for one after the first.
            None => self.counts.unmatched += 1,
        }
    }
}
