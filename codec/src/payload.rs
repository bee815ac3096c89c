//! Keeping a part of a receive buffer. This concerns memory only; the specification has no section on it.

use bytes::Bytes;

use crate::limits::SHARE_BYTES_MIN;

/// Returns `part`, which borrows from `buffer`, as [`Bytes`] that can outlive the borrow.
///
/// A part of [`SHARE_BYTES_MIN`] bytes or more shares the memory of `buffer`. A smaller part is copied, so that a
/// message of 64 bytes never keeps a buffer of 64 KiB alive. A part that does not lie in `buffer` is copied, too.
///
/// ```
/// use bytes::Bytes;
/// use snow_dist_codec::keep;
///
/// let buffer = Bytes::from(vec![7; 10_000]);
/// assert_eq!(keep(&buffer, &buffer[..5_000]).as_ptr(), buffer.as_ptr());
/// assert_ne!(keep(&buffer, &buffer[..64]).as_ptr(), buffer.as_ptr());
/// ```
#[must_use]
pub fn keep(buffer: &Bytes, part: &[u8]) -> Bytes {
    match position(buffer, part) {
        Some(start) if part.len() >= SHARE_BYTES_MIN => buffer.slice(start..start + part.len()),
        _ => Bytes::copy_from_slice(part),
    }
}

/// Returns the offset of `part` in `buffer`, if it lies there.
fn position(buffer: &[u8], part: &[u8]) -> Option<usize> {
    let start = part.as_ptr().addr().checked_sub(buffer.as_ptr().addr())?;
    (start.checked_add(part.len())? <= buffer.len()).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn shares_from_the_limit_on() {
        let buffer = Bytes::from(vec![7; 3 * SHARE_BYTES_MIN]);
        for (length, shared) in [(SHARE_BYTES_MIN - 1, false), (SHARE_BYTES_MIN, true)] {
            let part = &buffer[100..100 + length];
            let kept = keep(&buffer, part);
            assert_eq!(kept, part);
            assert_eq!(kept.as_ptr() == part.as_ptr(), shared);
        }
    }

    #[test]
    fn copies_what_lies_elsewhere() {
        let all = vec![7; 4 * SHARE_BYTES_MIN];
        let buffer = Bytes::from(all.clone());
        assert_eq!(
            keep(&buffer.slice(..SHARE_BYTES_MIN), &buffer[..2 * SHARE_BYTES_MIN]).len(),
            2 * SHARE_BYTES_MIN
        );
        assert_eq!(keep(&buffer, &all), all);
    }
}
