//! The one source of randomness: the operating system's.

use crate::core::connection::Randomness;

/// The operating system gives no random bytes. It stands for the library's error, which is in no public signature.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct NoRandom(#[from] getrandom::Error);

/// What one connection needs.
pub(crate) fn randomness() -> Result<Randomness, NoRandom> {
    random().map(|bytes| Randomness::new(&bytes))
}

/// Random bytes, fit for secrets.
#[expect(clippy::disallowed_methods, reason = "the only place that asks for random bytes")]
pub(crate) fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
