//! The monitors and calls of one direction of a session. Specification: `session.md`, "Monitors", and
//! `capabilities.md`, "Calls" and "Names".
//!
//! One table holds what local processes monitor and call, the other what is monitored and called here. Both work
//! alike: a monitor has a number, which the monitoring side has chosen, and two ends, whose pids are kept as they
//! stand on the wire. A call is a monitor that can also end by a reply.

use std::collections::{BTreeMap, BTreeSet};

use snow_dist_codec::Pid as WirePid;

use super::super::Reason;

/// A monitor: its local process and the peer's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Monitor {
    pub(super) ours: WirePid,
    pub(super) theirs: WirePid,
    pub(super) kind: Kind,
    /// The local process. `ours` does not say which one it is if the monitor was asked for by name.
    process: u64,
    /// The reason with which the local process has ended, until MONITOR_EXIT is written.
    owed: Option<Reason>,
}

/// The kind of a monitor, which says how its outcome is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A DOWN.
    Watch,
    /// A DOWN of the process that had a name. The value is the number of that process, as soon as the monitoring side
    /// knows it.
    Name(Option<u64>),
    /// A reply, or the end of a call.
    Call,
    /// The outcome of a request for a process. Such a request is not a monitor, and has none of a monitor's pids on
    /// the wire.
    Request,
    /// The outcome of a request for a process, and then a DOWN of that process. The value is the number of that
    /// process, as soon as it is known.
    Spawn(Option<u64>),
}

impl Kind {
    /// Returns `true` for a request for a process that is not answered.
    const fn is_request(self) -> bool {
        matches!(self, Self::Request | Self::Spawn(None))
    }
}

impl Monitor {
    /// Creates a monitor whose local process is that in `ours`.
    pub(super) const fn new(ours: WirePid, theirs: WirePid, kind: Kind) -> Self {
        Self { ours, theirs, kind, process: ours.local(), owed: None }
    }

    /// Creates a monitor that was asked for by a name, which the local process has.
    pub(super) fn of_named(process: u64, ours: WirePid, theirs: WirePid, kind: Kind) -> Self {
        Self { process, ..Self::new(ours, theirs, kind) }
    }

    /// Returns the local process.
    pub(super) const fn process(&self) -> u64 {
        self.process
    }

    /// Returns the local process as it stands on the wire.
    pub(super) const fn local(&self) -> u64 {
        self.ours.local()
    }

    /// Returns the peer's process as it stands on the wire.
    pub(super) const fn remote(&self) -> u64 {
        self.theirs.local()
    }

    /// Returns the peer's process, as far as it is known.
    pub(super) const fn remote_known(&self) -> u64 {
        match self.kind {
            Kind::Name(Some(named)) | Kind::Spawn(Some(named)) => named,
            _ => self.remote(),
        }
    }

    /// Returns `true` if its end is owed to the peer.
    pub(super) const fn is_owed(&self) -> bool {
        self.owed.is_some()
    }
}

/// The monitors of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Monitors {
    by_reference: BTreeMap<u64, Monitor>,
    /// The local process and the number of each monitor, from which the monitors that end with a process are found.
    by_process: BTreeSet<(u64, u64)>,
    /// The number of requests without a monitor among them.
    requests: usize,
    /// The number of calls among them.
    calls: usize,
}

impl Monitors {
    /// Adds a monitor. Returns `false`, and adds nothing, if the reference is in use.
    pub(super) fn add(&mut self, reference: u64, monitor: Monitor) -> bool {
        //= spec/session.md#ses-mon-002
        //# A node MUST NOT write two MONITORs with the same ref in one session.
        if self.by_reference.contains_key(&reference) {
            return false;
        }
        self.by_process.insert((monitor.process, reference));
        self.requests += usize::from(monitor.kind == Kind::Request);
        self.calls += usize::from(monitor.kind == Kind::Call);
        self.by_reference.insert(reference, monitor);
        true
    }

    /// Returns `true` if the reference is in use.
    pub(super) fn knows(&self, reference: u64) -> bool {
        self.by_reference.contains_key(&reference)
    }

    /// Returns `true` if a local process has any monitor.
    pub(super) fn has(&self, local: u64) -> bool {
        self.references(local).next().is_some()
    }

    /// Returns the monitor with this number, if these are its ends.
    pub(super) fn find(&self, reference: u64, local: u64, remote: u64) -> Option<&Monitor> {
        self.by_reference
            .get(&reference)
            .filter(|monitor| (monitor.local(), monitor.remote()) == (local, remote))
    }

    /// Removes the monitor with this number, if these are its ends.
    pub(super) fn remove(&mut self, reference: u64, local: u64, remote: u64) -> Option<Monitor> {
        self.find(reference, local, remote)?;
        self.take(reference)
    }

    /// Returns the call with this number, if it is not over: neither a reply nor an end is owed.
    pub(super) fn open_call(&self, reference: u64) -> Option<&Monitor> {
        let monitor = self.by_reference.get(&reference)?;
        (monitor.kind == Kind::Call && !monitor.is_owed()).then_some(monitor)
    }

    /// Records the process of the peer that the monitor by name with this number watches. Returns the local process,
    /// or `None` if there is no such monitor or the process was recorded before.
    pub(super) fn named(&mut self, reference: u64, remote: u64) -> Option<u64> {
        let monitor = self.by_reference.get_mut(&reference)?;
        let Kind::Name(named @ None) = &mut monitor.kind else { return None };
        *named = Some(remote);
        Some(monitor.process)
    }

    /// Returns the number of unanswered requests without a monitor.
    pub(super) const fn requests(&self) -> usize {
        self.requests
    }

    /// Returns the number of open calls.
    pub(super) const fn calls(&self) -> usize {
        self.calls
    }

    /// Returns `true` if this is the number of an unanswered request.
    pub(super) fn is_request(&self, reference: u64) -> bool {
        self.requester(reference).is_some()
    }

    /// Returns the local process of an unanswered request.
    pub(super) fn requester(&self, reference: u64) -> Option<u64> {
        let request = self.by_reference.get(&reference)?;
        request.kind.is_request().then_some(request.process)
    }

    /// Records the answer to a request: this process of the peer runs. A monitor of it stays.
    pub(super) fn spawned(&mut self, reference: u64, remote: u64) {
        match self.by_reference.get_mut(&reference).map(|request| &mut request.kind) {
            Some(Kind::Spawn(child)) => *child = Some(remote),
            _ => drop(self.take(reference)),
        }
    }

    /// Records that the monitor with this number owes its end, with this reason.
    pub(super) fn owe(&mut self, reference: u64, reason: Reason) {
        if let Some(monitor) = self.by_reference.get_mut(&reference) {
            monitor.owed.get_or_insert(reason);
        }
    }

    /// Removes the monitor with this number.
    pub(super) fn take(&mut self, reference: u64) -> Option<Monitor> {
        let monitor = self.by_reference.remove(&reference)?;
        self.by_process.remove(&(monitor.process, reference));
        self.requests -= usize::from(monitor.kind == Kind::Request);
        self.calls -= usize::from(monitor.kind == Kind::Call);
        Some(monitor)
    }

    /// Removes all monitors of a local process.
    pub(super) fn take_process(&mut self, local: u64) -> Vec<(u64, Monitor)> {
        let references: Vec<_> = self.references(local).collect();
        references.into_iter().filter_map(|reference| Some((reference, self.take(reference)?))).collect()
    }

    /// Handles the end of a local process: each of its monitors now owes its end, and is passed to `owes`.
    pub(super) fn process_ended(&mut self, local: u64, reason: &Reason, mut owes: impl FnMut(u64)) {
        for (_, reference) in self.by_process.range((local, 0)..=(local, u64::MAX)) {
            if let Some(monitor) = self.by_reference.get_mut(reference)
                //= spec/session.md#ses-mon-005
                //# When a process has ended, a node MUST write one MONITOR_EXIT, with the reason of that end,
                //# for each monitor of it that it holds for the peer.
                //= spec/capabilities.md#cap-cal-013
                //# When a callee has ended, a node MUST write one matching MONITOR_EXIT with the reason of
                //# that end for each of its calls in state called.
                && monitor.owed.is_none()
            {
                monitor.owed = Some(reason.clone());
                owes(*reference);
            }
        }
    }

    /// Takes the end that a monitor owes, to be written now. `None` if the peer has ended the monitor in the
    /// meantime.
    pub(super) fn take_owed(&mut self, reference: u64) -> Option<(Monitor, Reason)> {
        //= spec/session.md#ses-mon-009
        //# A node MUST NOT write the MONITOR_EXIT of a monitor after it has handled its DEMONITOR.
        let reason = self.by_reference.get(&reference)?.owed.clone()?;
        Some((self.take(reference)?, reason))
    }

    /// Removes all monitors, because the session has ended, and returns each with its number.
    pub(super) fn take_all(&mut self) -> Vec<(u64, Monitor)> {
        self.by_process.clear();
        (self.requests, self.calls) = (0, 0);
        std::mem::take(&mut self.by_reference).into_iter().collect()
    }

    /// Returns the number of monitors.
    pub(super) fn count(&self) -> usize {
        self.by_reference.len()
    }

    fn references(&self, local: u64) -> impl Iterator<Item = u64> + '_ {
        self.by_process.range((local, 0)..=(local, u64::MAX)).map(|(_, reference)| *reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(monitors: &mut Monitors, reference: u64, local: u64, remote: u64) -> bool {
        let (ours, theirs) = (WirePid::from_bits(local), WirePid::from_bits(remote));
        monitors.add(reference, Monitor::new(ours, theirs, Kind::Watch))
    }

    //= spec/session.md#ses-mon-002
    //= type=test
    //# A node MUST NOT write two MONITORs with the same ref in one session.
    #[test]
    fn a_live_reference_is_not_taken_twice() {
        let mut monitors = Monitors::default();
        assert!(add(&mut monitors, 1, 10, 20));
        assert!(!add(&mut monitors, 1, 11, 21));
        assert!(monitors.remove(1, 10, 20).is_some());
        assert!(add(&mut monitors, 1, 11, 21));
    }

    #[test]
    fn only_its_own_ends_remove_a_monitor() {
        let mut monitors = Monitors::default();
        add(&mut monitors, 1, 10, 20);
        for (reference, local, remote) in [(1, 10, 21), (1, 11, 20), (2, 10, 20)] {
            assert_eq!(monitors.remove(reference, local, remote), None);
        }
        assert!(monitors.remove(1, 10, 20).is_some());
        assert_eq!(monitors, Monitors::default());
    }

    #[test]
    fn an_end_is_owed_once_and_not_after_a_demonitor() {
        let mut monitors = Monitors::default();
        add(&mut monitors, 1, 10, 20);
        add(&mut monitors, 2, 10, 21);
        add(&mut monitors, 3, 11, 20);
        let mut owed = Vec::new();
        monitors.process_ended(10, &Reason::Killed, |reference| owed.push(reference));
        monitors.process_ended(10, &Reason::Normal, |reference| owed.push(reference));
        assert_eq!(owed, [1, 2]);
        assert!(monitors.remove(1, 10, 20).is_some_and(|monitor| monitor.is_owed()));
        assert_eq!(monitors.take_owed(1), None);
        assert_eq!(
            monitors.take_owed(2).map(|(monitor, reason)| (monitor.remote(), reason)),
            Some((21, Reason::Killed))
        );
        assert_eq!(monitors.take_owed(3), None);
        assert_eq!(monitors.count(), 1);
    }

    #[test]
    fn a_process_takes_its_own_monitors_along() {
        let mut monitors = Monitors::default();
        add(&mut monitors, 1, 10, 20);
        add(&mut monitors, 2, 11, 20);
        assert_eq!(
            monitors.take_process(10).iter().map(|(reference, _)| *reference).collect::<Vec<_>>(),
            [1]
        );
        assert!(monitors.knows(2) && !monitors.knows(1));
    }
}
