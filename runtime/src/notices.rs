//! Logging and counting of what other nodes do: as much as helps an operator, however often it happens.
//!
//! Other nodes must not decide how much this node writes to its log. Repeated events are counted and logged in
//! sums, at growing intervals. Text from other nodes is formatted by [`Shown`](crate::core::Shown) only. The
//! program can read all counts, too.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::connect_error::ConnectError;
use crate::core::Shown;
use crate::core::connection::{Ending, GiveWay};
use crate::core::endpoint::{Notice, Takeover, Unreached};
use crate::core::handshake::Failure;
use crate::core::limits::{
    MISROUTED_TOLD_SINGLY_MAX, NAMESAKES_TOLD_SINGLY_MAX, NOTICE_INTERVAL_MAX, NOTICE_LINE_PERIOD,
    REFUSALS_TOLD_SINGLY_MAX, SESSIONS_TOLD_SINGLY_MAX,
};
use crate::core::peers::Refusal;
use crate::core::session::{Counts, Forbidden, Misrouted};
use crate::foreign::event;
use crate::sync::Mutex;

/// Decides when a log line is due for events of one kind.
///
/// The first `singly_max` events have a line each. Later events are counted, and a line is due for all of them at
/// the end of an interval, which doubles as long as there are more events and shrinks when they become rare.
/// Whoever causes the events, there is at most one line per [`NOTICE_LINE_PERIOD`] on average.
#[derive(Debug)]
pub(crate) struct Limiter {
    singly_max: u32,
    told_singly: u32,
    interval: Duration,
    due: Duration,
    untold: u64,
}

impl Limiter {
    pub(crate) const fn new(singly_max: u32) -> Self {
        Self { singly_max, told_singly: 0, interval: Duration::ZERO, due: Duration::ZERO, untold: 0 }
    }

    /// Counts an event. If a line is due, returns how many events it stands for, this one included.
    pub(crate) fn count(&mut self, now: Duration) -> Option<u64> {
        self.untold += 1;
        self.take_due(now)
    }

    /// Returns the number of events that were not logged yet, if there are any and a line is due.
    pub(crate) fn take_due(&mut self, now: Duration) -> Option<u64> {
        if self.untold == 0 || now < self.due {
            return None;
        }
        let interval_min = NOTICE_LINE_PERIOD * self.singly_max;
        let is_rare = self.untold == 1 && now - self.due >= self.interval.max(interval_min);
        if is_rare && self.interval >= 2 * interval_min {
            self.interval /= 2;
        } else {
            if is_rare {
                self.interval = Duration::ZERO;
                self.told_singly = 0;
            }
            // The last line of a single event may be the first line after a silence.
            if self.told_singly + 1 >= self.singly_max {
                self.interval = (self.interval * 2).clamp(interval_min, NOTICE_INTERVAL_MAX);
            }
        }
        self.told_singly = self.singly_max.min(self.told_singly + 1);
        self.due = now + self.interval;
        Some(std::mem::take(&mut self.untold))
    }

    /// Returns the time at which a line is due for events that were not logged yet.
    pub(crate) fn due(&self) -> Option<Duration> {
        (self.untold > 0).then_some(self.due)
    }
}

/// The numbers of connections to this node that did not become sessions, by cause, since the node was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedConnections {
    /// Connections whose handshake was not complete within 7 s: the other side sent nothing, or too little.
    pub silent: u64,
    /// Connections that were closed to give their handshake slots to newer connections
    /// ([`NodeBuilder::handshakes_max`](crate::NodeBuilder::handshakes_max),
    /// [`NodeBuilder::handshakes_per_address_max`](crate::NodeBuilder::handshakes_per_address_max)).
    pub gave_way: u64,
    /// Connections that the other side closed, or that broke, before the handshake was complete.
    pub broken: u64,
    /// Connections without TLS: the other side speaks another protocol.
    pub tls: u64,
    /// Connections whose other side does not know the cookie.
    pub cookie: u64,
    /// Connections that failed because of certificates. This node requires certificates, and the other side has none,
    /// has one that is not accepted, or has one that does not cover its name. Connections whose other side does not
    /// accept the certificate of this node are counted as well.
    pub certificate: u64,
    /// Connections whose other side speaks no protocol version that this node accepts from it
    /// ([`NodeBuilder::version_1`](crate::NodeBuilder::version_1)).
    pub version: u64,
    /// Connections with a malformed handshake message, or with a name or limits that cannot be accepted.
    pub malformed: u64,
    /// Connections that were closed because another connection with the same node is, or became, the session.
    pub duplicate: u64,
    /// Connections that were refused because this node has the maximum number of sessions
    /// ([`NodeBuilder::sessions_max`](crate::NodeBuilder::sessions_max)).
    pub busy: u64,
    /// Connections that were refused because this node has the maximum number of sessions from their address
    /// ([`NodeBuilder::sessions_per_address_max`](crate::NodeBuilder::sessions_per_address_max)).
    pub busy_address: u64,
}

/// Counts of events on the connections of a node: see [`Node::connection_counts`](crate::Node::connection_counts).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionCounts {
    /// The numbers of connections to this node that did not become sessions.
    pub refused: RefusedConnections,
    /// The number of sessions that were ended because another incarnation of a node with the same name connected.
    ///
    /// A node that restarts while its last connection still seems to be up is counted once. If this number keeps
    /// growing, two nodes have the same name. The log contains that name and the two addresses.
    pub taken_over: u64,
    /// The number of sessions that this node had dialled and that their peers ended in favour of another connection.
    /// If this number keeps growing, another node has the same name as this node.
    pub lost_to_rivals: u64,
    /// The number of names in peer lists that are not dialled, because
    /// [`NodeBuilder::peer_lists`](crate::NodeBuilder::peer_lists) does not allow them or because the maximum number
    /// of nodes ([`NodeBuilder::nodes_kept_max`](crate::NodeBuilder::nodes_kept_max)) is kept connected already.
    pub listed_refused: u64,
}

/// The cause for which a connection to this node did not become a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Silent,
    GaveWay,
    Broken,
    Tls,
    Cookie,
    Certificate,
    Version,
    Malformed,
    Duplicate,
    Busy,
    BusyAddress,
}

impl Cause {
    /// Returns the cause for the end of an accepted connection, or `None` if this node itself ended it.
    pub(crate) const fn of(ending: &Ending, error: &ConnectError) -> Option<Self> {
        Some(match ending {
            _ if matches!(error, ConnectError::Tls(_)) => Self::Tls,
            _ if matches!(error, ConnectError::Certificate(_)) => Self::Certificate,
            Ending::Late(_) => Self::Silent,
            Ending::GaveWay(GiveWay::Stop) => return None,
            Ending::GaveWay(_) => Self::GaveWay,
            Ending::Handshake(Failure::Proof { .. }) => Self::Cookie,
            Ending::Handshake(Failure::Uncertified { .. }) => Self::Certificate,
            Ending::Handshake(Failure::Version1 | Failure::Versions(_) | Failure::Tls) => Self::Version,
            Ending::Framing(_) | Ending::Handshake(_) | Ending::Refused(Refusal::OwnName) => Self::Malformed,
            Ending::Refused(Refusal::Duplicate) => Self::Duplicate,
            Ending::Refused(Refusal::Busy) => Self::Busy,
            Ending::Refused(Refusal::BusyAddress) => Self::BusyAddress,
            _ => Self::Broken,
        })
    }
}

impl RefusedConnections {
    fn add(&mut self, cause: Cause) {
        *match cause {
            Cause::Silent => &mut self.silent,
            Cause::GaveWay => &mut self.gave_way,
            Cause::Broken => &mut self.broken,
            Cause::Tls => &mut self.tls,
            Cause::Cookie => &mut self.cookie,
            Cause::Certificate => &mut self.certificate,
            Cause::Version => &mut self.version,
            Cause::Malformed => &mut self.malformed,
            Cause::Duplicate => &mut self.duplicate,
            Cause::Busy => &mut self.busy,
            Cause::BusyAddress => &mut self.busy_address,
        } += 1;
    }

    /// Returns each count with the name of its field, in a fixed order.
    #[must_use]
    pub const fn rows(&self) -> [(&'static str, u64); 11] {
        [
            ("silent", self.silent),
            ("gave_way", self.gave_way),
            ("broken", self.broken),
            ("tls", self.tls),
            ("cookie", self.cookie),
            ("certificate", self.certificate),
            ("version", self.version),
            ("malformed", self.malformed),
            ("duplicate", self.duplicate),
            ("busy", self.busy),
            ("busy_address", self.busy_address),
        ]
    }
}

/// Returns the words that the log uses for a cause.
fn in_words(cause: &str) -> &str {
    match cause {
        "gave_way" => "gave way to newer ones",
        "broken" => "closed by the other end",
        "tls" => "without TLS",
        "cookie" => "wrong cookie",
        "certificate" => "wrong certificate",
        "version" => "wrong version",
        "busy" => "too many sessions",
        "busy_address" => "too many sessions of one address",
        other => other,
    }
}

/// Writes the counts that are not zero, for example `30 silent, 7 wrong cookie`.
impl fmt::Display for RefusedConnections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, count) in self.rows().into_iter().filter(|(_, count)| *count > 0) {
            write!(f, "{separator}{count} {}", in_words(name))?;
            separator = ", ";
        }
        Ok(())
    }
}

/// The log and the counts of one node.
#[derive(Debug)]
pub(crate) struct Notices {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    counts: ConnectionCounts,
    /// The refusals that were not logged yet, and the time since which they are collected.
    untold: RefusedConnections,
    untold_since: Duration,
    refusals: Limiter,
    sessions: Limiter,
    overlooked: Limiter,
    misrouted: Limiter,
    old_cookies: Limiter,
    unreached: Limiter,
    not_kept: Limiter,
    forbidden: Limiter,
    not_dialled: Limiter,
    takeovers: Limiter,
    rivals: Limiter,
}

impl Notices {
    pub(crate) fn new() -> Self {
        let state = State {
            counts: ConnectionCounts::default(),
            untold: RefusedConnections::default(),
            untold_since: Duration::ZERO,
            refusals: Limiter::new(REFUSALS_TOLD_SINGLY_MAX),
            sessions: Limiter::new(SESSIONS_TOLD_SINGLY_MAX),
            overlooked: Limiter::new(REFUSALS_TOLD_SINGLY_MAX),
            misrouted: Limiter::new(MISROUTED_TOLD_SINGLY_MAX),
            old_cookies: Limiter::new(SESSIONS_TOLD_SINGLY_MAX),
            unreached: Limiter::new(SESSIONS_TOLD_SINGLY_MAX),
            not_kept: Limiter::new(NAMESAKES_TOLD_SINGLY_MAX),
            forbidden: Limiter::new(REFUSALS_TOLD_SINGLY_MAX),
            not_dialled: Limiter::new(REFUSALS_TOLD_SINGLY_MAX),
            takeovers: Limiter::new(NAMESAKES_TOLD_SINGLY_MAX),
            rivals: Limiter::new(NAMESAKES_TOLD_SINGLY_MAX),
        };
        Self { state: Mutex::new(state) }
    }

    /// Returns all counts since the node was started.
    pub(crate) fn connection_counts(&self) -> ConnectionCounts {
        self.state.lock().counts
    }

    /// Counts a connection from an address that did not become a session. If this is the first one that is left to
    /// [`tell_refusals`](Self::tell_refusals), returns when to call that.
    pub(crate) fn refused(
        &self,
        now: Duration,
        from: SocketAddr,
        cause: Cause,
        why: &impl fmt::Display,
    ) -> Option<Duration> {
        let mut state = self.state.lock();
        state.counts.refused.add(cause);
        if state.untold == RefusedConnections::default() {
            state.untold_since = now;
        }
        state.untold.add(cause);
        match state.refusals.count(now) {
            Some(1) => {
                state.untold = RefusedConnections::default();
                drop(state);
                event!(connections, INFO, %from, "a connection was refused: {why}");
                None
            }
            Some(count) => {
                let line = state.take_untold(now, count);
                drop(state);
                line.tell();
                None
            }
            None => state.refusals.due().filter(|_| state.refusals.untold == 1),
        }
    }

    /// Logs the refusals that were not logged yet, if a line is due.
    pub(crate) fn tell_refusals(&self, now: Duration) {
        let mut state = self.state.lock();
        let Some(count) = state.refusals.take_due(now) else { return };
        let line = state.take_untold(now, count);
        drop(state);
        line.tell();
    }

    /// Logs that a session has begun.
    pub(crate) fn session_began(&self, now: Duration, peer: &str) {
        self.session_line(now, || {
            event!(sessions, INFO, peer = %Shown(peer), "session up");
        });
    }

    /// Logs that a session and its connection have ended.
    pub(crate) fn session_ended(&self, now: Duration, peer: &str, ending: &Ending, counts: Counts) {
        self.session_line(now, || {
            event!(sessions, INFO, peer = %Shown(peer), %ending, "session ended");
        });
        if counts.has_unexpected()
            && let Some(sessions) = self.overlooked_line(now)
        {
            event!(sessions, WARN, peer = %Shown(peer), ?counts, sessions, "frames of this session were passed over");
        }
    }

    /// Logs the beginning or end of a session by `tell`, or the number of such events if there are too many for a
    /// line each.
    fn session_line(&self, now: Duration, tell: impl FnOnce()) {
        let line = self.state.lock().sessions.count(now);
        match line {
            Some(1) => tell(),
            Some(count) => {
                event!(sessions, INFO, "sessions have begun or ended {count} times");
            }
            None => {}
        }
    }

    /// Logs a notice of the endpoint.
    pub(crate) fn tell(&self, now: Duration, notice: &Notice) {
        match notice {
            Notice::TakenOver(takeover) => self.taken_over(now, takeover),
            Notice::LostToRival { name, in_a_row } => self.lost_to_rival(now, name, *in_a_row),
            Notice::Unreached(unreached) => self.unreached(now, unreached),
            Notice::NotKept(name) => self.not_kept(now, name),
            Notice::NotDialled { name, count } => self.not_dialled(now, name, *count),
            Notice::Forbidden { name, what, count } => self.forbidden(now, name, *what, *count),
            Notice::OldCookie(name) => self.old_cookie(now, name),
            Notice::Misrouted { name, misrouted, count } => self.misrouted(now, name, *misrouted, *count),
        }
    }

    /// Logs that a version 1 peer has routed a frame for another node to this one, the last of `count` in its
    /// session.
    fn misrouted(&self, now: Duration, peer: &str, misrouted: Misrouted, count: u64) {
        let line = self.state.lock().misrouted.count(now);
        if line.is_none() {
            return;
        }
        let Misrouted { node_id, own } = misrouted;
        let own = own.map_or_else(|| "not known".to_owned(), |own| own.to_string());
        //= spec/version1.md#v1-pid-014
        //# A node SHOULD log the node id of a frame that it ignores by V1-PID-012, and k.
        event!(
            sessions,
            WARN,
            peer = %Shown(peer),
            node_id,
            own,
            count,
            "a frame for another node has come from this version 1 peer, and is ignored: its node id there is \
             {node_id}, that of this node is {own}; another node may have been given a wrong `version_1_node_id`"
        );
    }

    /// Logs that a node that is kept connected was not reached, the given number of times in a row.
    fn unreached(&self, now: Duration, unreached: &Unreached) {
        let line = self.state.lock().unreached.count(now);
        let Some(nodes) = line else { return };
        let Unreached { name, failures, why } = unreached;
        event!(
            connections,
            WARN, peer = %Shown(name), failures, nodes,
            "a node that is kept connected is not reached: {why} (it is dialled again, after longer and longer pauses; \
             `nodes` counts such events since the last such line)"
        );
    }

    /// Logs that a peer list names more nodes than can be kept connected.
    fn not_kept(&self, now: Duration, name: &str) {
        let line = self.state.lock().not_kept.count(now);
        if let Some(lists) = line {
            event!(
                connections,
                WARN, peer = %Shown(name), lists,
                "a peer list names more nodes than this one keeps connected (`nodes_kept_max`): this name and those behind it \
                 are passed over"
            );
        }
    }

    /// Counts and logs names in a peer list that are not dialled.
    fn not_dialled(&self, now: Duration, peer: &str, names: u64) {
        let mut state = self.state.lock();
        state.counts.listed_refused += names;
        let line = state.not_dialled.count(now);
        drop(state);
        if let Some(lists) = line {
            event!(
                connections,
                INFO, peer = %Shown(peer), names, lists,
                "a list of this peer names nodes that are not dialled: they are not allowed (`peer_lists`), or too many"
            );
        }
    }

    /// Logs that a peer was refused something, the last of `count` times in its session.
    fn forbidden(&self, now: Duration, peer: &str, what: Forbidden, count: u64) {
        let line = self.state.lock().forbidden.count(now);
        if let Some(times) = line {
            event!(
                sessions,
                INFO, peer = %Shown(peer), %what, count, times,
                "this peer was refused what it has asked for: see `remote_exit`, `remote_spawn` and `global_names` (`count` is that of its session)"
            );
        }
    }

    /// Logs that a peer has proven an accepted cookie that is not the one this node signs with.
    fn old_cookie(&self, now: Duration, peer: &str) {
        let line = self.state.lock().old_cookies.count(now);
        if let Some(times) = line {
            event!(sessions, INFO, peer = %Shown(peer), times, "the peer signs with a cookie that is only accepted here");
        }
    }

    /// Counts and logs that a session has replaced another one with the same name.
    fn taken_over(&self, now: Duration, takeover: &Takeover) {
        let Some(times) = self.takeover_line(now, takeover.is_mutual) else { return };
        let Takeover { name, before, after, .. } = takeover;
        event!(
            sessions,
            WARN, peer = %Shown(name), %before, %after,
            "two nodes of this name take the session from each other: give each a name of its own (or one node is \
             started again and again); {times} times since the last such line, names of others among them"
        );
    }

    /// Counts a takeover. If a line is due, returns how many mutual ones it stands for.
    fn takeover_line(&self, now: Duration, is_mutual: bool) -> Option<u64> {
        let mut state = self.state.lock();
        state.counts.taken_over += 1;
        is_mutual.then(|| state.takeovers.count(now)).flatten()
    }

    /// Counts and logs that a peer has ended its session with this node in favour of another connection, for the
    /// `in_a_row`th time in quick succession.
    fn lost_to_rival(&self, now: Duration, peer: &str, in_a_row: u32) {
        let Some(times) = self.rival_line(now, in_a_row) else { return };
        event!(
            sessions,
            WARN, peer = %Shown(peer),
            "this peer gives the place of this node to another connection again and again: another node seems to have \
             the name of this one; {times} times since the last such line, other peers among them"
        );
    }

    /// Counts a session that was lost to a rival. If a line is due, returns how many losses it stands for, not
    /// counting the first one of each series.
    fn rival_line(&self, now: Duration, in_a_row: u32) -> Option<u64> {
        let mut state = self.state.lock();
        state.counts.lost_to_rivals += 1;
        (in_a_row > 1).then(|| state.rivals.count(now)).flatten()
    }

    /// Counts a session in which frames were ignored. If a line is due, returns how many such sessions it stands
    /// for.
    fn overlooked_line(&self, now: Duration) -> Option<u64> {
        self.state.lock().overlooked.count(now)
    }
}

/// Refusals of a period, in total.
struct Summary {
    count: u64,
    causes: RefusedConnections,
    during: Duration,
}

impl State {
    fn take_untold(&mut self, now: Duration, count: u64) -> Summary {
        let causes = std::mem::take(&mut self.untold);
        Summary { count, causes, during: now.saturating_sub(self.untold_since) }
    }
}

impl Summary {
    fn tell(&self) {
        let Self { count, causes, during } = self;
        event!(connections, INFO, "{count} connections were refused within {}: {causes}", Seconds(*during));
    }
}

/// A time in the format of the log.
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SINGLY: u32 = 8;

    fn lines(limiter: &mut Limiter, times: impl Iterator<Item = Duration>) -> Vec<(Duration, u64)> {
        times.filter_map(|now| Some((now, limiter.count(now)?))).collect()
    }

    #[test]
    fn the_first_events_have_a_line_each_and_a_flood_a_line_in_growing_intervals() {
        let mut limiter = Limiter::new(SINGLY);
        let lines = lines(&mut limiter, (0..3_600_000).map(Duration::from_millis));
        assert!(lines.iter().take(SINGLY as usize).all(|(_, count)| *count == 1), "{lines:?}");
        let gaps: Vec<_> =
            lines.windows(2).skip(SINGLY as usize - 1).map(|pair| pair[1].0 - pair[0].0).collect();
        assert!(gaps.is_sorted(), "{gaps:?}");
        assert_eq!(gaps.first(), Some(&(NOTICE_LINE_PERIOD * SINGLY)));
        assert_eq!(gaps.last(), Some(&NOTICE_INTERVAL_MAX));
        let told: u64 = lines.iter().map(|(_, count)| count).sum();
        assert_eq!(told + limiter.untold, 3_600_000, "nothing is lost");
    }

    #[test]
    fn a_flood_has_as_many_single_lines_after_any_silence() {
        for (singly_max, silence_s) in
            [1, 4, SINGLY].into_iter().flat_map(|max| [(max, 0), (max, 1), (max, 3_600)])
        {
            let period = NOTICE_LINE_PERIOD * singly_max;
            let begin = Duration::from_secs(silence_s);
            let flood =
                (0..).map(|ms| begin + Duration::from_millis(ms)).take_while(|now| *now < begin + period);
            let lines = lines(&mut Limiter::new(singly_max), flood);
            assert_eq!(lines.len(), singly_max as usize, "after {silence_s} s: {lines:?}");
        }
    }

    #[test]
    fn rare_events_have_a_line_each_for_ever() {
        let mut limiter = Limiter::new(SINGLY);
        let lines = lines(&mut limiter, (0..1_000).map(|hour| Duration::from_secs(3_600 * hour)));
        assert_eq!(lines.len(), 1_000);
    }

    #[test]
    fn when_a_flood_is_over_events_have_a_line_each_again() {
        let mut limiter = Limiter::new(SINGLY);
        lines(&mut limiter, (0..3_600_000).map(Duration::from_millis));
        let later = (2..100).map(|hour| Duration::from_secs(3_600 * hour));
        assert_eq!(lines(&mut limiter, later).len(), 98);
        assert_eq!(limiter.interval, Duration::ZERO);
    }

    #[test]
    fn no_pattern_of_events_brings_more_lines_than_one_for_each_period() {
        // Every pattern of a step between events that does not change, and of bursts with a pause between them.
        for singly_max in [1, 4, SINGLY, 128] {
            for pause_ms in
                [1, 10, 100, 999, 1_000, 1_001, 2_000, 4_000, 8_000, 8_001, 16_001, 128_001, 300_001]
            {
                for burst in [1, 2, 8, 9, 128, 129, 1_000] {
                    let mut limiter = Limiter::new(singly_max);
                    let times = (0..20_000_u64).map(|event| {
                        Duration::from_millis(event / burst * pause_ms + event % burst % pause_ms)
                    });
                    let end = Duration::from_millis(20_000 / burst * pause_ms);
                    let lines = NOTICE_LINE_PERIOD * u32::try_from(lines(&mut limiter, times).len()).unwrap();
                    let most = end + NOTICE_LINE_PERIOD * singly_max;
                    assert!(lines <= most, "{singly_max} {pause_ms} {burst}: {lines:?} of lines in {end:?}");
                }
            }
        }
    }

    #[cfg(not(shuttle))]
    #[test]
    fn namesakes_are_counted_each_time_and_told_of_in_sum() {
        let notices = Notices::new();
        let at = Duration::from_millis;
        // Within a second of a line there is no other one: what comes then is told of by the next.
        let takeovers =
            [(0, false), (1_000, true), (1_500, true), (1_999, true), (2_000, true), (2_001, true)];
        let lines = takeovers.map(|(ms, is_mutual)| notices.takeover_line(at(ms), is_mutual));
        assert_eq!(lines, [None, Some(1), None, None, Some(3), None]);
        let losses = [(0, 1), (1_000, 2), (1_500, 3), (1_999, 1), (2_000, 2), (2_001, 3)];
        let lines = losses.map(|(ms, in_a_row)| notices.rival_line(at(ms), in_a_row));
        assert_eq!(lines, [None, Some(1), None, None, Some(2), None]);
        let counts = notices.connection_counts();
        assert_eq!((counts.taken_over, counts.lost_to_rivals), (6, 6));
    }

    #[cfg(not(shuttle))]
    #[test]
    fn refusals_are_counted_by_cause_and_told_in_sum() {
        let notices = Notices::new();
        let from = SocketAddr::from(([127, 0, 0, 1], 4000));
        let mut waits = Vec::new();
        for event in 0..40 {
            let cause = if event % 5 == 4 { Cause::Cookie } else { Cause::Silent };
            waits.extend(notices.refused(Duration::from_millis(event), from, cause, &"a test"));
        }
        assert_eq!(waits.len(), 1, "one task waits for all");
        let refused = notices.connection_counts().refused;
        assert_eq!((refused.silent, refused.cookie), (32, 8));
        assert_eq!(refused.to_string(), "32 silent, 8 wrong cookie");
        let mut state = notices.state.lock();
        assert_eq!(state.refusals.take_due(waits[0]), Some(32));
        assert_eq!(state.take_untold(waits[0], 32).causes.to_string(), "25 silent, 7 wrong cookie");
    }
}
