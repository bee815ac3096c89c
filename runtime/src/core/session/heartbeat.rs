//! Whether the peer still lives. Specification: `connection.md`, "Heartbeat".
//!
//! Any byte is a sign of life. After a time without one a PING is due. Once the transport has taken that, the peer has some
//! more time to answer: whoever has not been asked is not dead.

use std::time::Duration;

use super::super::connection::Waits;
use super::super::limits::{HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT, PROBE_TIMEOUT};
use super::super::patience::Patience;
use super::super::peers::Sign;
use super::traffic::Aside;

/// How long a peer may be silent.
///
/// A peer that is held up, with its process stopped or its machine asleep, keeps its sessions if that lasts for less than
/// `timeout`. Time in which this node is held up itself does not count against its peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timing {
    /// Without a byte for so long, a PING is due: [`HEARTBEAT_INTERVAL`] unless said otherwise.
    pub interval: Duration,
    /// Without a byte for so long after the connection has taken the PING, the peer is dead: [`HEARTBEAT_TIMEOUT`]
    /// unless said otherwise.
    pub timeout: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { interval: HEARTBEAT_INTERVAL, timeout: HEARTBEAT_TIMEOUT }
    }
}

/// The clock of one session's silence.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Heartbeat {
    timing: Timing,
    heard: Duration,
    asked: Asked,
    /// Somebody asks for a sign of the peer, and waits for so long.
    probe: Option<(Patience, Sign)>,
    measured: Aside<Measured>,
}

/// How long PING and PONG took.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    /// When the transport took the PING whose PONG is awaited.
    since: Option<Duration>,
    round_trip: Option<Duration>,
}

/// How far the peer has been asked in this silence.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Asked {
    No,
    /// A PING waits to be written.
    Due,
    /// It is written, and waits for the transport.
    Written,
    /// The transport has taken it, and the peer has so long to answer.
    Taken(Patience),
}

/// What a deadline brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing is due.
    Wait,
    /// Send a PING.
    Ping,
    /// The peer is dead.
    Dead,
    /// The peer lives, and was asked in vain to show that it uses the session.
    Unused,
}

impl Heartbeat {
    pub(super) const fn new(timing: Timing, now: Duration) -> Self {
        let measured = Aside(Measured { since: None, round_trip: None });
        Self { timing, heard: now, asked: Asked::No, probe: None, measured }
    }

    /// A byte has come. True if somebody waited for one.
    pub(super) fn heard(&mut self, now: Duration) -> bool {
        //= spec/connection.md#con-hbt-003
        //# A node MUST take every byte that arrives in a session for a sign of life.
        self.heard = self.heard.max(now);
        self.asked = Asked::No;
        self.probe.take_if(|(_, sign)| *sign == Sign::Life).is_some()
    }

    /// A frame has come that shows that the peer uses the session. True if somebody waited for one.
    pub(super) fn used(&mut self) -> bool {
        self.probe.take().is_some()
    }

    /// Somebody asks for a sign: a PING goes out now. Another sign takes the place of one that is waited for.
    pub(super) fn probe(&mut self, now: Duration, sign: Sign) {
        if self.probe.is_none_or(|(_, before)| before != sign) {
            self.probe = Some((Patience::new(PROBE_TIMEOUT, now), sign));
        }
    }

    /// Whether somebody waits for a frame that shows that the peer uses the session.
    pub(super) const fn asks_for_use(&self) -> bool {
        matches!(self.probe, Some((_, Sign::Use)))
    }

    /// A PING is written.
    pub(super) fn ping_written(&mut self) {
        if self.asked == Asked::Due {
            self.asked = Asked::Written;
        }
    }

    /// Whether a PING is written for which [`Heartbeat::taken`] is waited.
    pub(super) fn awaits_taking(&self) -> bool {
        self.asked == Asked::Written
    }

    /// The transport has taken all that was written.
    pub(super) fn taken(&mut self, now: Duration) {
        if self.asked == Asked::Written {
            self.measured.0.since = Some(now);
            self.wait_for_answer(now);
        }
    }

    /// The PONG of the last PING has come, with the bytes that were heard last.
    pub(super) fn answered(&mut self) {
        if let Some(since) = self.measured.0.since.take() {
            self.measured.0.round_trip = Some(self.heard.saturating_sub(since));
        }
    }

    /// How long the last PONG took to come after its PING.
    pub(super) const fn round_trip(&self) -> Option<Duration> {
        self.measured.0.round_trip
    }

    /// The peer has its time to answer from now on.
    pub(super) fn wait_for_answer(&mut self, now: Duration) {
        self.asked = Asked::Taken(Patience::new(self.timing.timeout, now));
    }

    pub(super) fn handle_timeout(&mut self, now: Duration) -> Beat {
        //= spec/connection.md#con-hbt-010
        //# A node MUST end a session in which no byte has arrived for `heartbeat_timeout` since the transport
        //# took the PING of CON-HBT-001.
        if let Asked::Taken(patience) = &mut self.asked
            && patience.is_over(now)
        {
            return Beat::Dead;
        }
        //= spec/connection.md#con-elc-006
        //# If no byte arrives in a session for `probe_timeout` after it was probed, an acceptor MUST end that
        //# session.
        //= spec/version1.md#v1-elc-004
        //# If a connection of the peer of a version 1 session is verified that was accepted after that session
        //# had begun, and no frame shows for `probe_timeout` after the session was probed that the peer uses it,
        //# an acceptor MUST end that session.
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

    /// When [`Heartbeat::handle_timeout`] must be called, and for what.
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

    /// Time goes on until something comes of it; gives what, and when.
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
    //# A node MUST end a session in which no byte has arrived for `heartbeat_timeout` since the transport took
    //# the PING of CON-HBT-001.
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
