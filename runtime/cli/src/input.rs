//! Where bytes and lines come from.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crate::problem::Problem;

/// Reads a file, or standard input.
fn open(path: Option<&Path>) -> io::Result<Box<dyn BufRead>> {
    let Some(path) = path else { return Ok(Box::new(BufReader::new(io::stdin()))) };
    match File::open(path) {
        Ok(file) => Ok(Box::new(BufReader::new(file))),
        Err(error) => Err(io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display()))),
    }
}

/// All bytes.
pub(crate) fn bytes(path: Option<&Path>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Each line that says something, with its number from 1.
pub(crate) fn lines(path: Option<&Path>) -> io::Result<impl Iterator<Item = io::Result<(usize, Vec<u8>)>>> {
    let lines = open(path)?.split(b'\n').enumerate();
    Ok(lines.filter_map(|(index, line)| match line {
        Ok(line) if line.trim_ascii().is_empty() || line.trim_ascii().starts_with(b"#") => None,
        line => Some(line.map(|line| (index + 1, line.trim_ascii().to_vec()))),
    }))
}

/// The bytes that hexadecimal text says. Blanks, colons and `0x` are passed over.
pub(crate) fn from_hex(text: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut high = None;
    let mut at = 0;
    while let Some(&character) = text.get(at) {
        let digit = char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let prefix = high == Some(0) && matches!(character, b'x' | b'X');
        match (digit, high) {
            (Some(digit), None) => high = Some(digit),
            (Some(digit), Some(first)) => {
                bytes.push(first << 4 | digit);
                high = None;
            }
            (None, _) if prefix => high = None,
            (None, _) if character.is_ascii_whitespace() || character == b':' => {}
            (None, _) => return Err(Problem::hex(text, at, "is no hexadecimal digit: take it out")),
        }
        at += 1;
    }
    match high {
        None => Ok(bytes),
        Some(_) => Err(Problem::hex(text, at, "a digit is missing: every byte has two")),
    }
}
