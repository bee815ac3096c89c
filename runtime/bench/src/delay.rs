//! How long a process's end takes to its exit signal at the other node.

use std::time::SystemTime;

use anyhow::{Context, Result};

/// The time that all processes of one machine share, in nanoseconds.
pub(crate) fn now_ns() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos())?)
}

/// What delays come to: the one in the middle, the one that 99 of 100 do not exceed, and the longest.
pub(crate) fn marks(mut delays_ns: Vec<u64>) -> Result<[u64; 3]> {
    delays_ns.sort_unstable();
    let longest = *delays_ns.last().context("no signal has come")?;
    let at = |part: usize| delays_ns.get(delays_ns.len() * part / 100).copied().unwrap_or(longest);
    Ok([at(50), at(99), longest])
}

#[cfg(test)]
mod tests {
    use super::marks;

    #[test]
    fn marks_are_those_of_the_order() {
        assert_eq!(marks((0..1_000).rev().collect()).unwrap(), [500, 990, 999]);
        assert_eq!(marks(vec![7]).unwrap(), [7, 7, 7]);
        assert!(marks(vec![]).is_err());
    }
}
