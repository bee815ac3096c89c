//! Everything that is drawn comes from here, and so from the seed.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// A stream of numbers. ChaCha8's is the same on every machine and in every version of its library.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    /// The stream of this number that a seed has.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    pub(crate) fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // The high half of a product: what it is off by, nobody can see.
        ((u128::from(self.u64()) * u128::from(end)) >> 64) as u64
    }

    /// A number of `low ..= high`.
    pub(crate) fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// As [`Random::range`], the small numbers as likely as the large: each doubling has the same chance.
    pub(crate) fn wide(&mut self, low: u64, high: u64) -> u64 {
        let doublings = (high / low.max(1)).max(1).ilog2() + 1;
        let top = (low.max(1) << self.below(u64::from(doublings) + 1)).min(high);
        self.range(low.min(top), top)
    }

    /// True in so many of a thousand cases.
    pub(crate) fn chance(&mut self, permille: u64) -> bool {
        self.below(1_000) < permille
    }

    pub(crate) fn index(&mut self, count: usize) -> usize {
        self.below(count as u64) as usize
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}
