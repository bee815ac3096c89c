//! Dials that are made again: which, and after which pause.

use std::time::Duration;

use super::{Endpoint, Numbering};
use crate::core::connection::{Ending, GiveWay};
use crate::core::handshake::Failure;
use crate::core::limits::HANDSHAKE_DEADLINE;
use snow_dist_codec::handshake::Reject;

/// How often a dial is made again that lost to another connection.
const ELECTIONS_MAX: u32 = 5;

/// How long after the first dial one that was closed early is still followed by another.
const REDIAL_PERIOD: Duration = HANDSHAKE_DEADLINE;

/// Tries after which the pause before the next one grows no more.
const JITTER_TRIES_MAX: u32 = 16;

/// The dials that one wish for a session has led to.
///
/// A dial can lose to another connection that then fails itself, and an acceptor closes connections when it has too many: the
/// next dial may succeed. Whoever wants a session asks this after each dial that has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attempts {
    tries: u32,
    began: Option<Duration>,
}

impl Attempts {
    /// A dial is being made. To be called before each; the time of the first one counts.
    pub fn begin(&mut self, now: Duration) {
        self.began.get_or_insert(now);
    }

    /// A dial to the node of this name has ended like this: how long to wait before [`Endpoint::dial`] is asked again, if it is to
    /// be. It was `closed_early` if the stream had just ended, in TLS or in the handshake, without a word: by the end of the file
    /// or close_notify, and not if no connection was made.
    pub fn again<N: Numbering>(
        &mut self,
        name: &str,
        ending: &Ending,
        closed_early: bool,
        endpoint: &mut Endpoint<N>,
        now: Duration,
    ) -> Option<Duration> {
        let is_young = self.tries < ELECTIONS_MAX;
        // However it has ended: another connection may have become the session meanwhile, or be on its way.
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
            //# An initiator MUST NOT let a REJECT decide more than what its log says and when it dials again.
            Ending::GaveWay(_)
            | Ending::Refused(_)
            | Ending::Handshake(Failure::Rejected { code: Reject::DUPLICATE, .. }) => {
                self.tries < ELECTIONS_MAX
            }
            _ => closed_early && now.saturating_sub(self.began.unwrap_or(now)) < REDIAL_PERIOD,
        }
    }
}

/// Numbers that nobody foresees who does not know how they began.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(seed))
    }

    /// The next one (splitmix64: pauses need no more).
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
