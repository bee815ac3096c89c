//! The settings of a node, and the random bytes that it uses.

use std::num::NonZeroU64;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use snow_dist_codec::NodeName;

use crate::core::Endpoint;
use crate::core::connection::Randomness;
use crate::core::endpoint::Limits;
use crate::core::handshake::{Cookies, Local};
use crate::core::session::{CAPABILITIES, Timing};

/// The settings from which a [`Host`](super::Host) is made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The node's identity, its bounds, and the peers that it allows.
    pub local: Local,
    /// The times for which peers may be silent.
    pub timing: Timing,
    /// The limits on the node's connections and sessions.
    pub limits: Limits,
    seed: Seed,
}

impl Settings {
    /// Creates the settings of a node with this name. If the name has no port, it is completed with the default port.
    /// The node announces all [`CAPABILITIES`]. Every other setting has the default of the specification.
    ///
    /// `seed` must come from a cryptographic random source, anew at each start of the node. The node's incarnation,
    /// and the challenges and other random bytes of its connections, are derived from it. `tls::Tls::random` returns
    /// such bytes.
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

/// Random bytes from which others are derived, by SHA-256 of them and a count. Without the seed, the derived bytes
/// cannot be told from random ones.
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

    /// Returns the random bytes for one connection. No two connections get the same.
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
