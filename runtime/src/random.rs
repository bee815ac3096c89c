//! The only source of randomness: the operating system.

use crate::core::connection::Randomness;

/// An error that says that the operating system provides no random bytes. It hides the library's error type from
/// public signatures.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct NoRandom(#[from] getrandom::Error);

/// Returns the random bytes that one connection needs.
pub(crate) fn randomness() -> Result<Randomness, NoRandom> {
    random().map(|bytes| Randomness::new(&bytes))
}

/// Returns random bytes that are fit for secrets.
#[expect(clippy::disallowed_methods, reason = "the only place that asks for random bytes")]
pub(crate) fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
