//! Whether the peer still lives. Specification: `connection.md`, "Heartbeat".
//!
//! Any byte is a sign of life. After a time without one a PING is due; after some more the peer is dead, whether
//! the PING could be sent or not.

use std::time::Duration;

use super::super::limits::{HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT, PROBE_TIMEOUT};
use super::super::peers::Sign;

/// How long a peer may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timing {
    /// Without a byte for so long, a PING is due: [`HEARTBEAT_INTERVAL`] unless said otherwise.
    pub interval: Duration,
    /// Without a byte for so much longer, the peer is dead: [`HEARTBEAT_TIMEOUT`] unless said otherwise.
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
    pinged: bool,
    /// Somebody asks for a sign of the peer, and waits until then.
    probe: Option<(Duration, Sign)>,
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
        Self { timing, heard: now, pinged: false, probe: None }
    }

    /// A byte has come. True if somebody waited for one.
    pub(super) fn heard(&mut self, now: Duration) -> bool {
        //= spec/connection.md#con-hbt-003
        //# A node MUST take every byte that arrives in a session for a sign of life.
        self.heard = self.heard.max(now);
        self.pinged = false;
        self.probe.take_if(|(_, sign)| *sign == Sign::Life).is_some()
    }

    /// A frame has come that shows that the peer uses the session. True if somebody waited for one.
    pub(super) fn used(&mut self) -> bool {
        self.probe.take().is_some()
    }

    /// Somebody asks for a sign: a PING goes out now.
    pub(super) fn probe(&mut self, now: Duration, sign: Sign) {
        if self.probe.is_none() {
            self.probe = Some((now.saturating_add(PROBE_TIMEOUT), sign));
        }
    }

    /// Whether somebody waits for a frame that shows that the peer uses the session.
    pub(super) fn asks_for_use(&self) -> bool {
        matches!(self.probe, Some((_, Sign::Use)))
    }

    pub(super) fn handle_timeout(&mut self, now: Duration) -> Beat {
        //= spec/connection.md#con-hbt-002
        //# A node MUST end a session in which no byte has arrived for `heartbeat_interval` and
        //# `heartbeat_timeout` together.
        if now >= self.dead_at() {
            //= spec/version1.md#v1-elc-004
            //# If a connection of the peer of a version 1 session is verified that was accepted after that session
            //# had begun, and no frame shows for `probe_timeout` after the session was probed that the peer uses it,
            //# an acceptor MUST end that session.
            if self.asks_for_use() && now < self.silent_at() { Beat::Unused } else { Beat::Dead }
        //= spec/connection.md#con-hbt-001
        //# A node MUST send a PING when no byte has arrived in a session for `heartbeat_interval`.
        } else if !self.pinged && now >= self.ping_at() {
            self.pinged = true;
            Beat::Ping
        } else {
            Beat::Wait
        }
    }

    /// When [`Heartbeat::handle_timeout`] has something to say, and what.
    pub(super) fn deadline(&self) -> (Duration, &'static str) {
        let (ping, dead) = (self.ping_at(), self.dead_at());
        if self.pinged || dead < ping {
            (dead, "the peer is dead without a sign of life")
        } else {
            (ping, "a PING is due")
        }
    }

    fn ping_at(&self) -> Duration {
        self.heard.saturating_add(self.timing.interval)
    }

    fn silent_at(&self) -> Duration {
        self.ping_at().saturating_add(self.timing.timeout)
    }

    fn dead_at(&self) -> Duration {
        let silent = self.silent_at();
        //= spec/connection.md#con-elc-006
        //# If no byte arrives in a session for `probe_timeout` after it was probed, an acceptor MUST end that
        //# session.
        self.probe.map_or(silent, |(probe, _)| probe.min(silent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    //= spec/connection.md#con-hbt-001
    //= type=test
    //# A node MUST send a PING when no byte has arrived in a session for `heartbeat_interval`.
    //= spec/connection.md#con-hbt-002
    //= type=test
    //# A node MUST end a session in which no byte has arrived for `heartbeat_interval` and
    //# `heartbeat_timeout` together.
    #[test]
    fn silence_brings_one_ping_and_then_the_end() {
        let mut heartbeat = Heartbeat::new(Timing::default(), at(100));
        assert_eq!(heartbeat.deadline().0, at(160));
        assert_eq!(heartbeat.handle_timeout(at(159)), Beat::Wait);
        assert_eq!(heartbeat.handle_timeout(at(160)), Beat::Ping);
        assert_eq!(heartbeat.handle_timeout(at(161)), Beat::Wait);
        assert_eq!(heartbeat.deadline().0, at(175));
        assert_eq!(heartbeat.handle_timeout(at(175)), Beat::Dead);
    }

    #[test]
    fn any_byte_is_life() {
        let mut heartbeat = Heartbeat::new(Timing::default(), at(0));
        assert_eq!(heartbeat.handle_timeout(at(74)), Beat::Ping);
        assert!(!heartbeat.heard(at(74)));
        assert_eq!(heartbeat.handle_timeout(at(75)), Beat::Wait);
        assert_eq!(heartbeat.deadline().0, at(134));
    }

    #[test]
    fn a_late_driver_sees_the_dead_at_once() {
        // The interval counts from the last byte, whether a PING could be sent or not.
        let mut heartbeat = Heartbeat::new(Timing::default(), at(0));
        assert_eq!(heartbeat.handle_timeout(at(75)), Beat::Dead);
    }

    #[test]
    fn a_probe_is_answered_by_any_byte_or_is_the_end() {
        let mut heartbeat = Heartbeat::new(Timing::default(), at(0));
        heartbeat.probe(at(10), Sign::Life);
        heartbeat.probe(at(11), Sign::Life);
        assert_eq!(heartbeat.deadline().0, at(12));
        assert!(heartbeat.clone().heard(at(11)));
        assert_eq!(heartbeat.handle_timeout(at(12)), Beat::Dead);
    }

    #[test]
    fn a_probe_for_use_is_not_answered_by_bytes() {
        let mut heartbeat = Heartbeat::new(Timing::default(), at(0));
        heartbeat.probe(at(10), Sign::Use);
        assert!(!heartbeat.heard(at(11)));
        assert_eq!(heartbeat.deadline().0, at(12));
        let mut unused = heartbeat.clone();
        assert_eq!(unused.handle_timeout(at(12)), Beat::Unused);
        assert!(heartbeat.used());
        assert!(!heartbeat.used());
        assert_eq!(heartbeat.handle_timeout(at(12)), Beat::Wait);
    }
}
