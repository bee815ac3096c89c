//! What is wrong with an input, and its place marked.

use serde::Serialize;
use snow_dist_codec::{DecodeError, FramingError};

/// What is wrong, where.
pub(crate) struct Problem {
    /// Where the message's length stands in the input, or the piece begins.
    pub(crate) offset: usize,
    pub(crate) error: ErrorObject,
    /// The lines that mark the place.
    marked: String,
}

/// As it is printed with `--json`.
#[derive(Serialize)]
pub(crate) struct ErrorObject {
    kind: &'static str,
    field: String,
    at: usize,
    message: String,
}

impl Problem {
    /// Bytes that are not what the specification says. `bytes` are the payload or the piece, `before` the
    /// length in front of it.
    pub(crate) fn decode(offset: usize, before: &[u8], bytes: &[u8], error: &DecodeError) -> Self {
        let marked = mark_bytes(before, bytes, error.at);
        let (kind, field) = (error.kind.name(), error.field.to_string());
        Self::new(offset, kind, field, error.at, error.to_string(), marked)
    }

    pub(crate) fn framing(offset: usize, stream: &[u8], error: FramingError) -> Self {
        let message = format!("`length` at byte 0: {error}; nothing after it can be read");
        Self::new(offset, "too_long", "length".into(), 0, message, mark_bytes(&[], stream, 0))
    }

    /// The input ends inside a message. `promised` is its length, if that is there.
    pub(crate) fn incomplete(offset: usize, stream: &[u8], promised: Option<u32>) -> Self {
        let (before, payload) = stream.split_at(stream.len().min(4));
        let (field, message) = match promised {
            Some(promised) => {
                let message = format!(
                    "`payload` at byte {found}: the input ends after {found} of {promised} bytes",
                    found = payload.len()
                );
                ("payload", message)
            }
            None => (
                "length",
                format!("`length` at byte 0: the input ends after {} of its 4 bytes", before.len()),
            ),
        };
        let marked = mark_bytes(before, payload, payload.len());
        Self::new(offset, "incomplete", field.into(), payload.len(), message, marked)
    }

    pub(crate) fn hex(text: &[u8], at: usize, what: &str) -> Self {
        let shown = String::from_utf8_lossy(text);
        let before = String::from_utf8_lossy(text.get(..at).unwrap_or_default()).chars().count();
        let message = match shown.chars().nth(before) {
            Some(character) => format!("character {} of the hexadecimal text, {character:?}, {what}", at + 1),
            None => format!("the hexadecimal text ends too early: {what}"),
        };
        Self::new(0, "hex", "input".into(), at, message, mark_text(&shown, before))
    }

    /// JSON that is not what it should be, at this byte of it.
    pub(crate) fn json(text: &str, at: usize, message: &str) -> Self {
        let before = text.char_indices().take_while(|(index, _)| *index < at).count();
        Self::new(0, "json", "input".into(), at, message.into(), mark_text(text, before))
    }

    fn new(
        offset: usize,
        kind: &'static str,
        field: String,
        at: usize,
        message: String,
        marked: String,
    ) -> Self {
        Self { offset, error: ErrorObject { kind, field, at, message }, marked }
    }

    /// Tells a person, on standard error.
    pub(crate) fn report(&self, place: &str) {
        eprintln!("error: {place}{}\n{}", self.error.message, self.marked);
    }
}

/// Bytes shown before and after the place.
const AROUND: usize = 12;

/// Two lines: the bytes around the place, a length in brackets before them, and a mark under it.
fn mark_bytes(before: &[u8], bytes: &[u8], at: usize) -> String {
    let start = at.saturating_sub(AROUND);
    let mut line = String::from("  ");
    if start > 0 {
        line.push_str("... ");
    } else if !before.is_empty() {
        line.push_str(&format!("[{}] ", spaced(before)));
    }
    let window = bytes.get(start..bytes.len().min(at + AROUND)).unwrap_or_default();
    let mark = line.len() + 3 * (at - start);
    line.push_str(&spaced(window));
    if bytes.len() > at + AROUND {
        line.push_str(" ...");
    }
    format!("{}\n{}^^", line.trim_end(), " ".repeat(mark))
}

fn spaced(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(" ")
}

/// Two lines: the characters around the place, and a mark under it.
fn mark_text(text: &str, at: usize) -> String {
    const AROUND_TEXT: usize = 36;
    let start = at.saturating_sub(AROUND_TEXT);
    let lead = if start > 0 { "..." } else { "" };
    let shown = text.chars().skip(start).take(2 * AROUND_TEXT);
    let line: String = shown
        .map(|character| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character })
        .collect();
    format!("  {lead}{line}\n  {}^", " ".repeat(lead.len() + at - start))
}
