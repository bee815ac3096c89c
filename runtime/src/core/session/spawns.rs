//! Requests of one node for processes on the other one. Specification: `session.md`, "Asking for a process".
//!
//! A request is kept in the table of monitors until it is answered: its number is of the same series, and it ends
//! with its process. A request for a monitor becomes that monitor.

use snow_dist_codec::frame::{Spawn, SpawnReply};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Frame, Pid as WirePid};

use super::links::{Linked, Pids};
use super::messages::Mark;
use super::monitors::{Kind, Monitor};
use super::outbox::Owed;
use super::tally::Asker;
use super::{Ending, Forbidden, Lacking, NotRequested, Session};
use crate::core::limits::{FRAME_BYTES_BOUND_MIN, FUNCTION_NAME_BYTES_MAX, SPAWNS_UNANSWERED_MAX};
use crate::core::{Processes, SpawnFailure, SpawnRequest, SpawnTie, Term, TermPids};

impl Session {
    /// Asks the peer, on behalf of the process `local`, to start a process that runs `function`. The pids in
    /// `arguments` are written as [`Session::send_term`] describes.
    ///
    /// `request` must not have been used before in this session for a request, a monitor or a call. The outcome is
    /// reported once, to [`Processes::spawned`]. [`Session::demonitor`] gives up the request: after that, nothing is
    /// reported, but the peer may start the process all the same. The end of the process `local` must be reported to
    /// [`Session::process_ended`].
    ///
    /// # Errors
    /// Returns [`NotRequested`] if the request cannot be sent. Nothing has changed then.
    pub fn spawn(
        &mut self,
        local: u64,
        request: u64,
        tie: SpawnTie,
        function: &str,
        arguments: &mut Term,
    ) -> Result<(), NotRequested> {
        let framed = self.spawn_frame(local, request, tie, function, arguments)?;
        let monitors = tie == SpawnTie::Monitor;
        if !monitors && self.watching.requests() >= SPAWNS_UNANSWERED_MAX {
            return Err(NotRequested::TooMany { count_max: SPAWNS_UNANSWERED_MAX });
        }
        //= spec/session.md#ses-spn-012
        //# A node MUST NOT write a monitoring SPAWN for which no place at the peer is free.
        if monitors && !self.tally.take(Asker::Here) {
            return Err(self.full().into());
        }
        let kind = if monitors { Kind::Spawn(None) } else { Kind::Request };
        //= spec/session.md#ses-spn-009
        //# A node MUST NOT write two SPAWNs with the same `request` in one session.
        //= spec/session.md#ses-spn-021
        //# A node MUST NOT write a monitoring SPAWN and a CALL, CALL_NAME, MONITOR or MONITOR_NAME with the
        //# same number in one session.
        if self.watching.add(request, Monitor::new(self.wire.ours(local), self.wire.theirs(0), kind)) {
            self.outbox.signal(local, Owed::Spawn { framed });
        } else if monitors {
            self.tally.give_back(Asker::Here);
        }
        Ok(())
    }

    /// Returns the whole frame of a request: its contents are checked before anything changes.
    fn spawn_frame(
        &self,
        local: u64,
        request: u64,
        tie: SpawnTie,
        function: &str,
        arguments: &mut Term,
    ) -> Result<Box<[u8]>, NotRequested> {
        let has_calls = self.capabilities.contains(Capabilities::CALLS);
        //= spec/dist.md#dist-spn-002
        //# A node MUST write 0 or 1 into `link`, or 2 in a session that has `calls`.
        let link = match tie {
            SpawnTie::None => 0,
            // Theirs is linked to another process: see `version1.md`.
            SpawnTie::Link if self.wire.version_1().is_some() => return Err(NotRequested::Version1Link),
            SpawnTie::Link => 1,
            SpawnTie::Monitor if has_calls => 2,
            SpawnTie::Monitor => return Err(Lacking { capability: "calls" }.into()),
        };
        if function.len() > FUNCTION_NAME_BYTES_MAX {
            let length_max = FUNCTION_NAME_BYTES_MAX;
            return Err(NotRequested::NameTooLong { length: function.len(), length_max });
        }
        let wire = &self.wire;
        //= spec/session.md#ses-spn-013
        //# In a session with `calls` a node MUST write a term as `arguments`, its pids by SES-PID-010 to
        //# SES-PID-012.
        let term = self.form(if has_calls { Mark::There } else { Mark::Lacking("calls") }, arguments)?;
        let arguments = term.with_wire(|pid| wire.any_there(pid));
        let requester = match wire.version_1() {
            //= spec/version1.md#v1-pid-011
            //# A node MUST write an own process into `requester` of SPAWN as (0, l, 0).
            Some(_) => WirePid::new(0, 0, local).unwrap_or_default(),
            None => wire.ours(local),
        };
        let spawn = Spawn { request, requester, link, function: function.into(), arguments };
        let mut framed = Vec::new();
        //= spec/session.md#ses-spn-014
        //# A node MUST NOT write a SPAWN whose payload is longer than 65 536 bytes.
        Frame::from(spawn).encode_framed(FRAME_BYTES_BOUND_MIN, &mut framed)?;
        Ok(framed.into())
    }

    /// Drops a monitor or a request of a process that no longer needs it: the monitor that the peer has, or will
    /// have, ends.
    pub(super) fn forsaken(&mut self, reference: u64, monitor: &Monitor) {
        if monitor.kind != Kind::Request {
            self.demonitored(reference, monitor);
        }
    }

    pub(super) fn on_spawn_reply(&mut self, reply: &SpawnReply, processes: &mut impl Processes) {
        //= spec/session.md#ses-spn-010
        //# A node MUST ignore a SPAWN_REPLY whose `request` is not that of an own SPAWN of this session
        //# without an answer.
        let Some(local) = self.watching.requester(reply.request) else {
            self.counts.unmatched += 1;
            return;
        };
        let runs = reply.status == 0 && (1..=WirePid::LOCAL_MAX).contains(&reply.local);
        let outcome = if runs {
            self.watching.spawned(reply.request, reply.local);
            Ok(self.wire.theirs_here(reply.local))
        } else {
            self.not_spawned(reply);
            Err(SpawnFailure::of_status(reply.status))
        };
        processes.spawned(local, reply.request, outcome);
    }

    /// Handles an answer that says that no process runs: the peer has no monitor of it, unless the answer says that
    /// one runs.
    fn not_spawned(&mut self, reply: &SpawnReply) {
        let Some(request) = self.watching.take(reply.request) else { return };
        match request.kind {
            Kind::Spawn(_) if reply.status == 0 => self.demonitored(reply.request, &request),
            Kind::Spawn(_) => self.tally.give_back(Asker::Here),
            _ => {}
        }
    }

    pub(super) fn on_spawn(
        &mut self,
        spawn: &Spawn<'_>,
        processes: &mut impl Processes,
    ) -> Result<(), Ending> {
        let Some(remote) = self.theirs(spawn.requester) else { return Ok(()) };
        let tie = self.asked_tie(spawn.link);
        if tie == SpawnTie::Monitor {
            //= spec/session.md#ses-spn-015
            //# A node MUST end the session if it reads a monitoring SPAWN with the ref of a call or monitor
            //# that it holds for this peer.
            self.judge_reference("SPAWN", spawn.request)?;
        }
        match self.start(spawn, tie, processes) {
            Ok(local) => self.started(spawn, local, (local, remote), tie),
            Err(why) => {
                if why != SpawnFailure::Stopped {
                    self.forbid(Forbidden::Spawn, 1);
                }
                let (request, status) = (spawn.request, why.status());
                self.answer(0, Owed::SpawnReply { request, status, local: 0 })
            }
        }
    }

    /// Returns the tie that the field `link` asks for.
    fn asked_tie(&self, link: u8) -> SpawnTie {
        match link {
            1 => SpawnTie::Link,
            2 if self.capabilities.contains(Capabilities::CALLS) => SpawnTie::Monitor,
            //= spec/session.md#ses-spn-007
            //# A node MUST NOT link the process of a SPAWN that is not linking.
            _ => SpawnTie::None,
        }
    }

    /// Lets the process table start a process, if it can be tied as requested.
    fn start(
        &mut self,
        spawn: &Spawn<'_>,
        tie: SpawnTie,
        processes: &mut impl Processes,
    ) -> Result<u64, SpawnFailure> {
        let requester = self.wire.theirs_here(spawn.requester.local());
        let function = spawn.function.as_str();
        //= spec/session.md#ses-spn-002
        //# A node MUST NOT start a process for a SPAWN unless its program has registered the function for
        //# that and its operator or program lets the peer start it.
        //= spec/session.md#ses-spn-003
        //# A node that does not start a process because of SES-SPN-002 MUST answer with status 1.
        if !self.rights.spawn || !processes.offers(requester, function) {
            return Err(SpawnFailure::NotOffered);
        }
        //= spec/session.md#ses-spn-006
        //# A node MUST NOT start a process for a linking SPAWN if SES-BND-001 forbids the LINK.
        //= spec/session.md#ses-spn-016
        //# A node MUST NOT start a process for a monitoring SPAWN when no place of the peer is free.
        if !self.can_tie(tie) {
            return Err(SpawnFailure::NotTied);
        }
        let arguments = spawn.arguments;
        let pids = self.read_arguments(arguments);
        let local = processes.spawn(SpawnRequest { requester, function, arguments, pids })?;
        // Its end must be reported here if it is tied. It has not run yet, so it is still there.
        let is_there = tie == SpawnTie::None || processes.attach(local);
        if is_there { Ok(local) } else { Err(SpawnFailure::Stopped) }
    }

    fn can_tie(&self, tie: SpawnTie) -> bool {
        match tie {
            SpawnTie::None => true,
            SpawnTie::Link => self.check_node_id().is_ok() && self.tally.has_for_link(Asker::Here),
            SpawnTie::Monitor => self.tally.has(Asker::Peer),
        }
    }

    /// Returns the processes that the pids of arguments stand for.
    //= spec/session.md#ses-spn-017
    //# In a session with `calls` a node MUST read the pids in `arguments` by SES-PID-013 to SES-PID-015.
    fn read_arguments(&mut self, arguments: &[u8]) -> TermPids {
        if self.capabilities.contains(Capabilities::CALLS) {
            self.read_pids(arguments)
        } else {
            TermPids::default()
        }
    }

    /// Ties and reports a process that has been started for the peer, and does not run yet.
    fn started(
        &mut self,
        spawn: &Spawn<'_>,
        local: u64,
        ends: (u64, u64),
        tie: SpawnTie,
    ) -> Result<(), Ending> {
        let request = spawn.request;
        match tie {
            SpawnTie::None => {}
            SpawnTie::Link => self.link_child(ends, spawn.requester),
            SpawnTie::Monitor => {
                self.tally.take(Asker::Peer);
                //= spec/session.md#ses-spn-020
                //# A node MUST hold a monitor, with the ref `request`, of the process of a monitoring SPAWN
                //# before it runs.
                //= spec/session.md#ses-spn-018
                //# In `monitored` of MONITOR_EXIT and `to` of DEMONITOR for a monitoring SPAWN a node MUST
                //# write node id 0, local id 0 and the asked node's creation.
                let whoever = self.wire.ours(0);
                let monitor = Monitor::of_named(local, whoever, spawn.requester, Kind::Watch);
                self.watched.add(request, monitor);
            }
        }
        //= spec/session.md#ses-spn-001
        //# A node MUST answer each SPAWN that it does not ignore by SES-PID-006 with one SPAWN_REPLY with
        //# the same `request`.
        //= spec/session.md#ses-spn-004
        //# A node that has started a process for a SPAWN MUST answer with status 0 and its local id.
        //= spec/session.md#ses-spn-008
        //# A node MUST write the LINK of SES-SPN-005 before the SPAWN_REPLY.
        //= spec/session.md#ses-spn-011
        //# A node MUST write a SPAWN_REPLY with status 0 before every frame of the new process to the
        //# requester, but for its LINK.
        // Signals of a process without queued messages go in their order, and its messages behind them.
        let answered = self.answer(local, Owed::SpawnReply { request, status: 0, local });
        if tie == SpawnTie::Link {
            self.watch_link(ends);
        }
        answered
    }

    /// Links a new process to its requester. The room for that has just been checked.
    fn link_child(&mut self, ends: (u64, u64), requester: WirePid) {
        let (ours, theirs) = (self.wire.ours(ends.0), self.wire.theirs(requester.local()));
        //= spec/session.md#ses-spn-005
        //# A node MUST link the process of a linking SPAWN to the requester before it runs.
        let linked = self.links.link(ends, Pids::new(ours, theirs), &mut self.tally);
        debug_assert_eq!(linked, Linked::Now, "a new process has no link, and there is room for one");
        self.outbox.signal(ends.0, Owed::Link(ends));
    }
}
