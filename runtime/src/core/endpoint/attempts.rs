//! Repeated dials: which dials are repeated, and after which pause.

use std::time::Duration;

use super::{Endpoint, Numbering};
use crate::core::connection::{Ending, GiveWay};
use crate::core::handshake::Failure;
use crate::core::limits::HANDSHAKE_DEADLINE;
use snow_dist_codec::handshake::Reject;

/// The number of times that a dial is repeated after it has lost to another connection.
const ELECTIONS_MAX: u32 = 5;

/// The time after the first dial within which a dial that was closed early is still followed by another.
const REDIAL_PERIOD: Duration = HANDSHAKE_DEADLINE;

/// The number of tries after which the pause before the next one grows no more.
const JITTER_TRIES_MAX: u32 = 16;

/// The series of dials that serve one request of a program for a session.
///
/// The first dial can fail although a later one succeeds: it can lose to another connection that then fails itself,
/// and an acceptor that has too many connections closes some. A caller that wants a session calls
/// [`begin`](Self::begin) before each dial, and [`again`](Self::again) after each dial that has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attempts {
    tries: u32,
    began: Option<Duration>,
}

impl Attempts {
    /// Records that a dial begins. Call this before each dial. The time of the first call is the beginning of the
    /// series.
    pub fn begin(&mut self, now: Duration) {
        self.began.get_or_insert(now);
    }

    /// Returns the time to wait before [`Endpoint::dial`] is called again, after a dial to the node `name` has ended
    /// with `ending`. Returns `None` if the dial is not to be repeated.
    ///
    /// A dial is repeated if there is now a session with the node, if another connection with it is under way, or if
    /// the dial has lost to another connection. The last two reasons no longer count after five repetitions. A dial is
    /// also repeated if it was closed early, within [`HANDSHAKE_DEADLINE`] after the beginning of the series.
    ///
    /// `closed_early` must be `true` if, during TLS or the handshake, the stream ended without an error: by the end of
    /// the file or by close_notify. It must be `false` otherwise, for example if no TCP connection was made.
    pub fn again<N: Numbering>(
        &mut self,
        name: &str,
        ending: &Ending,
        closed_early: bool,
        endpoint: &mut Endpoint<N>,
        now: Duration,
    ) -> Option<Duration> {
        let is_young = self.tries < ELECTIONS_MAX;
        // Whatever the ending: another connection may have become the session in the meantime, or be on its way.
        let other = endpoint.is_up(name) || is_young && endpoint.is_underway(name);
        if !other && !self.is_worth_it(ending, closed_early, now) {
            return None;
        }
        self.tries += 1;
        if other {
            return Some(Duration::ZERO);
        }
        //= spec/connection.md#con-dia-005
        //= type=implication
        //= reason=that times are random cannot be shown by a test
        //# A node that dials a name again after a dial to it has ended without a session
        //# SHOULD wait for a random time before.
        let pause = Duration::from_millis(endpoint.throw_dice().into());
        Some(pause * self.tries.min(JITTER_TRIES_MAX) / 4)
    }

    fn is_worth_it(&self, ending: &Ending, closed_early: bool, now: Duration) -> bool {
        match ending {
            Ending::GaveWay(GiveWay::Stop) => false,
            //= spec/handshake.md#hs-rej-009
            //# An initiator MUST NOT let a REJECT decide more than what the initiator reports and when it
            //# dials again.
            Ending::GaveWay(_)
            | Ending::Refused(_)
            | Ending::Handshake(Failure::Rejected { code: Reject::DUPLICATE, .. }) => {
                self.tries < ELECTIONS_MAX
            }
            _ => closed_early && now.saturating_sub(self.began.unwrap_or(now)) < REDIAL_PERIOD,
        }
    }
}

/// Numbers that are unpredictable without the seed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(seed))
    }

    /// Returns the next number (splitmix64: pauses need no more).
    pub(super) const fn throw(&mut self) -> u8 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed >> 56) as u8
    }
}

impl std::fmt::Debug for Dice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dice")
    }
}
