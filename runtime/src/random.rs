//! The one source of randomness: the operating system's.

use crate::core::connection::Randomness;

/// What one connection needs.
pub(crate) fn randomness() -> Result<Randomness, getrandom::Error> {
    random().map(|bytes| Randomness::new(&bytes))
}

/// Random bytes, fit for secrets.
#[expect(clippy::disallowed_methods, reason = "the only place that asks for random bytes")]
pub(crate) fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
