//! The heartbeat, which finds out whether the peer is still alive. Specification: `connection.md`, "Heartbeat".
//!
//! Any byte is a sign of life. After a time without one a PING is due. The peer's time to answer begins when the
//! transport has taken the PING: a peer that has not been asked is not dead.

use std::time::Duration;

use super::super::connection::Waits;
use super::super::limits::{HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT, PROBE_TIMEOUT};
use super::super::patience::Patience;
use super::super::peers::Sign;
use super::traffic::Aside;

/// The times for which a peer may be silent.
///
/// A peer stalls while its process is stopped or its machine sleeps. If a stall is shorter than `timeout`, the peer
/// keeps its sessions. Time in which this node itself stalls does not count against its peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timing {
    /// The time without a byte from the peer after which a PING is due: [`HEARTBEAT_INTERVAL`] by default.
    pub interval: Duration,
    /// The time that the peer has to send a byte once the transport has accepted the PING: [`HEARTBEAT_TIMEOUT`] by
    /// default. After that time, the peer is considered dead.
    pub timeout: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { interval: HEARTBEAT_INTERVAL, timeout: HEARTBEAT_TIMEOUT }
    }
}

/// The state of one session's heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Heartbeat {
    timing: Timing,
    heard: Duration,
    asked: Asked,
    /// Set while a sign of the peer is awaited, with the time that it has.
    probe: Option<(Patience, Sign)>,
    measured: Aside<Measured>,
}

/// The measurement of the round trip of PING and PONG.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    /// The time at which the transport took the PING whose PONG is awaited.
    since: Option<Duration>,
    round_trip: Option<Duration>,
}

/// The state of the question to the peer in this silence.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Asked {
    No,
    /// A PING waits to be written.
    Due,
    /// The PING is written, and waits for the transport.
    Written,
    /// The transport has taken the PING, and the peer has this time to answer.
    Taken(Patience),
}

/// The result of a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing is due.
    Wait,
    /// Send a PING.
    Ping,
    /// The peer is dead.
    Dead,
    /// The peer is alive, but has not shown that it uses the session.
    Unused,
}

impl Heartbeat {
    pub(super) const fn new(timing: Timing, now: Duration) -> Self {
        let measured = Aside(Measured { since: None, round_trip: None });
        Self { timing, heard: now, asked: Asked::No, probe: None, measured }
    }

    /// Records that a byte has arrived. Returns `true` if a probe waited for one.
    pub(super) fn heard(&mut self, now: Duration) -> bool {
        //= spec/connection.md#con-hbt-003
        //# A node MUST take every byte that arrives in a session for a sign of life.
        self.heard = self.heard.max(now);
        self.asked = Asked::No;
        self.probe.take_if(|(_, sign)| *sign == Sign::Life).is_some()
    }

    /// Records that a frame has arrived that shows that the peer uses the session. Returns `true` if a probe waited
    /// for one.
    pub(super) fn used(&mut self) -> bool {
        self.probe.take().is_some()
    }

    /// Starts a probe: a PING goes out now. The sign replaces another one that is awaited.
    pub(super) fn probe(&mut self, now: Duration, sign: Sign) {
        if self.probe.is_none_or(|(_, before)| before != sign) {
            self.probe = Some((Patience::new(PROBE_TIMEOUT, now), sign));
        }
    }

    /// Returns `true` if a probe waits for a frame that shows that the peer uses the session.
    pub(super) const fn asks_for_use(&self) -> bool {
        matches!(self.probe, Some((_, Sign::Use)))
    }

    /// Records that a PING is written.
    pub(super) fn ping_written(&mut self) {
        if self.asked == Asked::Due {
            self.asked = Asked::Written;
        }
    }

    /// Returns `true` if a PING is written and [`Heartbeat::taken`] is awaited for it.
    pub(super) fn awaits_taking(&self) -> bool {
        self.asked == Asked::Written
    }

    /// Records that the transport has taken everything that was written.
    pub(super) fn taken(&mut self, now: Duration) {
        if self.asked == Asked::Written {
            self.measured.0.since = Some(now);
            self.wait_for_answer(now);
        }
    }

    /// Records that the PONG of the last PING has arrived, with the bytes that arrived last.
    pub(super) fn answered(&mut self) {
        if let Some(since) = self.measured.0.since.take() {
            self.measured.0.round_trip = Some(self.heard.saturating_sub(since));
        }
    }

    /// Returns the time from the last PING to its PONG.
    pub(super) const fn round_trip(&self) -> Option<Duration> {
        self.measured.0.round_trip
    }

    /// Begins the peer's time to answer.
    pub(super) fn wait_for_answer(&mut self, now: Duration) {
        self.asked = Asked::Taken(Patience::new(self.timing.timeout, now));
    }

    pub(super) fn handle_timeout(&mut self, now: Duration) -> Beat {
        //= spec/connection.md#con-hbt-010
        //# A node MUST end a session `heartbeat_timeout` after the transport took the PING of CON-HBT-001 if
        //# no byte has arrived since that PING was queued.
        if let Asked::Taken(patience) = &mut self.asked
            && patience.is_over(now)
        {
            return Beat::Dead;
        }
        //= spec/connection.md#con-elc-006
        //# If no byte arrives in a session for `probe_timeout` after it was probed, an acceptor MUST end that
        //# session.
        //= spec/version1.md#v1-elc-004
        //# An acceptor MUST end a version 1 session that shows no sign of use for `probe_timeout` after it
        //# was probed for a connection that was accepted after the session had begun.
        if let Some((patience, sign)) = &mut self.probe
            && patience.is_over(now)
        {
            return if *sign == Sign::Use { Beat::Unused } else { Beat::Dead };
        }
        //= spec/connection.md#con-hbt-001
        //# A node MUST send a PING when no byte has arrived in a session for `heartbeat_interval`.
        if self.asked == Asked::No && now >= self.ping_at() {
            self.asked = Asked::Due;
            return Beat::Ping;
        }
        Beat::Wait
    }

    /// Returns the time at which [`Heartbeat::handle_timeout`] must be called, and the reason.
    pub(super) fn deadline(&self) -> (Duration, Waits) {
        let beat = match &self.asked {
            Asked::No => (self.ping_at(), Waits::Ping),
            Asked::Due | Asked::Written => (Duration::MAX, Waits::Drain),
            Asked::Taken(patience) => (patience.look_at(), Waits::Answer),
        };
        let probe = self.probe.map(|(patience, _)| (patience.look_at(), Waits::Probe));
        probe.filter(|probe| probe.0 < beat.0).unwrap_or(beat)
    }

    fn ping_at(&self) -> Duration {
        self.heard.saturating_add(self.timing.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Lets time go on until a deadline has a result. Returns the result, and the time.
    fn next(heartbeat: &mut Heartbeat) -> (Beat, Duration) {
        loop {
            let now = heartbeat.deadline().0;
            match heartbeat.handle_timeout(now) {
                Beat::Wait => {}
                beat => return (beat, now),
            }
        }
    }

    fn ask(heartbeat: &mut Heartbeat, now: Duration) {
        heartbeat.ping_written();
        heartbeat.taken(now);
    }

    //= spec/connection.md#con-hbt-001
    //= type=test
    //# A node MUST send a PING when no byte has arrived in a session for `heartbeat_interval`.
    //= spec/connection.md#con-hbt-010
    //= type=test
    //# A node MUST end a session `heartbeat_timeout` after the transport took the PING of CON-HBT-001 if no
    //# byte has arrived since that PING was queued.
    #[test]
    fn silence_brings_one_ping_and_then_the_end() {
        let mut heartbeat = Heartbeat::new(Timing::default(), at(100));
        assert_eq!(heartbeat.handle_timeout(at(159)), Beat::Wait);
        assert_eq!(next(&mut heartbeat), (Beat::Ping, at(160)));
        assert_eq!(heartbeat.handle_timeout(at(161)), Beat::Wait);
        ask(&mut heartbeat, at(161));
        assert_eq!(next(&mut heartbeat), (Beat::Dead, at(176)));
    }

    #[test]
    fn any_byte_is_life() {
        let mut heartbeat = Heartbeat::new(Timing::default(), at(0));
        assert_eq!(heartbeat.handle_timeout(at(74)), Beat::Ping);
        ask(&mut heartbeat, at(74));
        assert!(!heartbeat.heard(at(74)));
        assert_eq!(heartbeat.handle_timeout(at(75)), Beat::Wait);
        assert_eq!(heartbeat.deadline().0, at(134));
    }

    #[test]
    fn a_pong_measures_the_round_trip_and_makes_no_other_session_of_it() {
        let mut heartbeat = Heartbeat::new(Timing::default(), at(0));
        heartbeat.answered();
        assert_eq!(heartbeat.round_trip(), None);
        assert_eq!(next(&mut heartbeat), (Beat::Ping, at(60)));
        ask(&mut heartbeat, at(60));
        assert!(!heartbeat.heard(at(63)));
        let unmeasured = heartbeat.clone();
        heartbeat.answered();
        heartbeat.answered();
        assert_eq!(heartbeat.round_trip(), Some(at(3)));
        assert_eq!(heartbeat, unmeasured);
    }

    #[test]
    fn a_late_driver_asks_first() {
        let mut heartbeat = Heartbeat::new(Timing::default(), at(0));
        assert_eq!(heartbeat.handle_timeout(at(1_000)), Beat::Ping);
        ask(&mut heartbeat, at(1_000));
        assert_eq!(next(&mut heartbeat), (Beat::Dead, at(1_015)));
    }

    #[test]
    fn a_ping_that_the_transport_does_not_take_condemns_nobody() {
        let mut heartbeat = Heartbeat::new(Timing::default(), at(0));
        heartbeat.taken(at(1));
        assert_eq!(next(&mut heartbeat), (Beat::Ping, at(60)));
        heartbeat.taken(at(60));
        assert!(!heartbeat.awaits_taking());
        heartbeat.ping_written();
        assert!(heartbeat.awaits_taking());
        assert_eq!(heartbeat.deadline().0, Duration::MAX);
        assert_eq!(heartbeat.handle_timeout(at(1_000)), Beat::Wait);
    }

    #[test]
    fn a_probe_is_answered_by_any_byte_or_is_the_end() {
        let mut heartbeat = Heartbeat::new(Timing::default(), at(0));
        heartbeat.probe(at(10), Sign::Life);
        heartbeat.probe(at(11), Sign::Life);
        assert!(heartbeat.clone().heard(at(11)));
        assert_eq!(next(&mut heartbeat), (Beat::Dead, at(12)));
    }

    #[test]
    fn who_was_held_up_after_a_probe_waits_for_its_answer() {
        let mut heartbeat = Heartbeat::new(Timing::default(), at(0));
        heartbeat.probe(at(10), Sign::Life);
        assert_eq!(heartbeat.handle_timeout(at(20)), Beat::Wait);
        assert_eq!(next(&mut heartbeat), (Beat::Dead, at(22)));
    }

    #[test]
    fn a_probe_for_use_is_not_answered_by_bytes() {
        let mut heartbeat = Heartbeat::new(Timing::default(), at(0));
        heartbeat.probe(at(10), Sign::Use);
        assert!(!heartbeat.heard(at(11)));
        assert_eq!(next(&mut heartbeat.clone()), (Beat::Unused, at(12)));
        assert!(heartbeat.used());
        assert!(!heartbeat.used());
        assert_eq!(heartbeat.handle_timeout(at(12)), Beat::Wait);
    }
}
