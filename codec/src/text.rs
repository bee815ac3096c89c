//! Text on the wire: UTF-8 bytes after a length.

use core::fmt;

/// A borrowed text: bytes that are known to be UTF-8.
///
/// A decoder validates every text before returning it, with an inlined test for ASCII. In safe Rust, making a `&str`
/// of bytes would cost a second pass. A `Text` therefore keeps the validated bytes and makes the `&str` only on
/// request ([`Text::as_str`]).
///
/// ```
/// use snow_dist_codec::Text;
///
/// let text = Text::from("noproc");
/// assert_eq!(text.as_bytes(), b"noproc");
/// assert_eq!(text, "noproc");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// Creates a text from `bytes` if they are UTF-8.
    ///
    /// # Errors
    /// Returns the offset of the first byte that is not UTF-8.
    #[inline(always)]
    pub fn from_utf8(bytes: &'a [u8]) -> Result<Self, usize> {
        //= spec/dist.md#dist-fld-008
        //# A reader MUST return the bytes of a text unchanged.
        if is_ascii(bytes) { Ok(Self(bytes)) } else { Self::from_non_ascii(bytes) }
    }

    #[inline(never)]
    fn from_non_ascii(bytes: &'a [u8]) -> Result<Self, usize> {
        match core::str::from_utf8(bytes) {
            Ok(_) => Ok(Self(bytes)),
            Err(error) => Err(error.valid_up_to()),
        }
    }

    /// Returns the bytes of the text.
    #[inline]
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Returns the text as a `&str`. This validates the bytes once more (see [`Text`]).
    #[inline]
    #[must_use]
    pub fn as_str(self) -> &'a str {
        // A `Text` is made from validated bytes only, so the default is never used.
        core::str::from_utf8(self.0).unwrap_or_default()
    }

    /// Returns the length in bytes.
    #[inline]
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.len()
    }

    /// Returns `true` if the text has no bytes.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Returns `true` if the text contains a control character (U+0000 to U+001F, U+007F to U+009F).
    #[must_use]
    pub fn has_control(self) -> bool {
        self.as_str().chars().any(char::is_control)
    }
}

/// Returns `true` if all bytes are ASCII. Inlined for the short texts of frames and terms: up to 32 bytes, a chunk at
/// the beginning and one at the end, which may overlap, cover the text without a loop.
#[inline(always)]
fn is_ascii(bytes: &[u8]) -> bool {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
        let ends = u128::from_ne_bytes(*first) | u128::from_ne_bytes(*last);
        ends & u128::from_ne_bytes([0x80; 16]) == 0 && (bytes.len() <= 32 || bytes.is_ascii())
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        let ends = u64::from_ne_bytes(*first) | u64::from_ne_bytes(*last);
        ends & u64::from_ne_bytes([0x80; 8]) == 0
    } else {
        bytes.iter().fold(0, |high, byte| high | byte) < 0x80
    }
}

impl<'a> From<&'a str> for Text<'a> {
    #[inline]
    fn from(text: &'a str) -> Self {
        Self(text.as_bytes())
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_it_stops_being_utf8() {
        assert_eq!(Text::from_utf8(b"0123456789abcdef0123\xff"), Err(20));
        assert_eq!(Text::from_utf8("é".as_bytes()), Ok(Text::from("é")));
        assert_eq!(Text::from_utf8(b"\xff\xfe"), Err(0));
    }

    #[test]
    fn a_high_bit_is_seen_at_every_place() {
        for (len, low) in (0..40).flat_map(|len| [(len, b'a'), (len, 0)]) {
            assert!(is_ascii(&[low; 40][..len]));
            for (at, other) in (0..len).flat_map(|at| [(at, at), (at, 0), (at, len - 1)]) {
                let mut bytes = [low; 40];
                (bytes[at], bytes[other]) = (0x80, 0x80);
                assert!(!is_ascii(&bytes[..len]), "bytes {at} and {other} of {len}");
            }
        }
    }

    #[test]
    fn finds_control_characters() {
        assert!(Text::from("a\0b").has_control());
        assert!(Text::from("a\u{85}b").has_control());
        assert!(!Text::from("é b").has_control());
    }

    #[test]
    fn compares_with_str() {
        let text = Text::from("é");
        assert!(text == *"é" && text == "é" && text != *"e" && text != "e");
        assert!(Text::from("").is_empty() && !text.is_empty());
        assert_eq!(alloc::format!("{text} {text:?}"), "é \"é\"");
    }
}
