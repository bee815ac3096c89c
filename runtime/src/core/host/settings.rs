//! What a node is made of, and the random bytes that it uses.

use std::num::NonZeroU64;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use snow_dist_codec::NodeName;

use crate::core::Endpoint;
use crate::core::connection::Randomness;
use crate::core::endpoint::Limits;
use crate::core::handshake::{Cookies, Local};
use crate::core::session::{CAPABILITIES, Timing};

/// What a [`Host`](super::Host) is made of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// What the node says of itself, and whom it lets in.
    pub local: Local,
    /// How long peers may be silent.
    pub timing: Timing,
    /// How many connections and sessions it has at most.
    pub limits: Limits,
    seed: Seed,
}

impl Settings {
    /// A node of this name, completed with its port. It can do all that the engine can: [`CAPABILITIES`]; all else is the
    /// specification's default.
    ///
    /// `seed` are bytes of a cryptographic random source, and other ones at each start: the incarnation of the node is drawn from them,
    /// and what the handshakes of its connections challenge peers with. `tls::Tls::random` has some.
    #[must_use]
    pub fn new(name: NodeName<'_>, cookies: impl Into<Cookies>, seed: [u8; 32]) -> Self {
        let mut seed = Seed { bytes: seed, drawn: 0 };
        let incarnation = NonZeroU64::new(seed.draw_number()).unwrap_or(NonZeroU64::MIN);
        let mut local = Local::new(name, incarnation, cookies.into());
        local.capabilities = CAPABILITIES;
        Self { local, timing: Timing::default(), limits: Limits::default(), seed }
    }

    pub(super) fn begin(mut self) -> (Endpoint, Seed) {
        let dice = self.seed.draw_number().to_ne_bytes();
        (Endpoint::new(Arc::new(self.local), self.timing, self.limits, dice), self.seed)
    }
}

/// Random bytes that others are drawn from, by SHA-256 of them and a count: who does not know them cannot tell what is drawn from
/// random bytes.
#[derive(Clone)]
pub(super) struct Seed {
    bytes: [u8; 32],
    drawn: u64,
}

impl Seed {
    fn draw(&mut self) -> [u8; 32] {
        self.drawn += 1;
        Sha256::new().chain_update(self.bytes).chain_update(self.drawn.to_ne_bytes()).finalize().into()
    }

    fn draw_number(&mut self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.draw();
        u64::from_ne_bytes([a, b, c, d, e, f, g, h])
    }

    /// What one connection needs, never the same for two.
    pub(super) fn for_connection(&mut self) -> Randomness {
        let mut bytes = [0; Randomness::BYTES];
        let drawn = self.draw().into_iter().chain(self.draw());
        bytes.iter_mut().zip(drawn).for_each(|(byte, drawn)| *byte = drawn);
        Randomness::new(&bytes)
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_twice() {
        let mut seed = Seed { bytes: [7; 32], drawn: 0 };
        let (first, second) = (seed.for_connection(), seed.for_connection());
        assert_ne!(first.challenge, second.challenge);
        assert_ne!(first.seed, second.seed);
        assert_ne!(first.challenge, first.seed[..24]);
        let starts = [[1; 32], [2; 32]].map(|seed| {
            let name = NodeName::parse("a@h:1").unwrap();
            let cookie = crate::core::Cookie::new("a cookie that is long enough").unwrap();
            Settings::new(name, cookie, seed).local.incarnation()
        });
        assert_ne!(starts[0], starts[1]);
    }
}
