//! Text of other nodes, in the form in which people see it.

use std::fmt;

use super::limits::SHOWN_TEXT_BYTES_MAX;

/// A wrapper that displays text of another node as logs and errors show it.
///
/// Control characters, line and paragraph separators, marks that change the direction of writing, quotes, and
/// everything else that is not printable are escaped, as in a Rust string literal. If the escaped text is longer than
/// [`SHOWN_TEXT_BYTES_MAX`] bytes, it is cut, and followed by the number of bytes of the original text that are
/// missing.
///
/// ```
/// use snow_dist_runtime::core::Shown;
///
/// assert_eq!(Shown("b@h:1\u{202e}\n").to_string(), r"b@h:1\u{202e}\n");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut room = SHOWN_TEXT_BYTES_MAX;
        for (at, character) in self.0.char_indices() {
            let escaped = character.escape_debug();
            let length: usize = escaped.clone().map(char::len_utf8).sum();
            if length > room {
                return write!(f, ".. ({} bytes more)", self.0.len() - at);
            }
            room -= length;
            fmt::Display::fmt(&escaped, f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_printable_is_shown_as_it_is() {
        for text in ["", "b@h:1", "knoten-ä@köln.example:9000", "日本", "a b"] {
            assert_eq!(Shown(text).to_string(), text);
        }
    }

    //= spec/connection.md#con-cls-015
    //= type=test
    //# A node MUST escape control characters in the text of a CLOSE when it shows it.
    #[test]
    fn nothing_that_moves_a_cursor_ends_a_line_or_turns_the_writing_is_left() {
        let ascii = (0..0x20).chain([0x7f]);
        let c1 = 0x80..0xa0;
        let invisible =
            [0xad, 0x61c, 0x200b, 0x200e, 0x200f, 0x2028, 0x2029, 0x2060, 0xfeff, 0xe000, 0xe0001];
        let overrides = (0x202a..=0x202e).chain(0x2066..=0x2069);
        for code in ascii.chain(c1).chain(invisible).chain(overrides) {
            let text = char::from_u32(code).unwrap().to_string();
            let shown = Shown(&text).to_string();
            assert!(shown.starts_with('\\') && shown.is_ascii(), "{code:x}: {shown}");
        }
        assert_eq!(Shown("\"'\\").to_string(), r#"\"\'\\"#, "no end of a quotation");
    }

    #[test]
    fn long_text_is_cut_by_what_is_shown() {
        let longest = "a".repeat(SHOWN_TEXT_BYTES_MAX);
        assert_eq!(Shown(&longest).to_string(), longest);
        assert_eq!(Shown(&format!("{longest}bc")).to_string(), format!("{longest}.. (2 bytes more)"));
        for long in ["\u{1}", "é", "日", "\u{10ffff}", "a"].map(|piece| piece.repeat(60_000)) {
            assert!(Shown(&long).to_string().len() <= SHOWN_TEXT_BYTES_MAX + 30);
        }
    }
}
