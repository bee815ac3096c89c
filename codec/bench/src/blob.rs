//! A million bytes in a term of the second kind, beside a copy of them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use snow_dist_codec::stf::Terms;

/// Bytes in the term.
pub const BYTES: usize = 1_000_000;

/// Bytes to serde, and not a list of numbers: what `serde_bytes` makes of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob<'a>(pub &'a [u8]);

impl Serialize for Blob<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de> Deserialize<'de> for Blob<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(Self)
    }
}

/// The bytes, and a buffer that has held their term before.
#[must_use]
pub fn encoding() -> (Vec<u8>, Vec<u8>) {
    let blob: Vec<u8> = (0..=u8::MAX).cycle().take(BYTES).collect();
    let mut buffer = Vec::new();
    encode(&blob, &mut buffer);
    (blob, buffer)
}

/// Writes the term into a buffer that is used again.
#[inline(never)]
pub fn encode(blob: &[u8], buffer: &mut Vec<u8>) {
    buffer.clear();
    Terms::Second.append(&("blob", Blob(blob)), buffer).unwrap();
}

/// Reads the term; the bytes are lent.
#[inline(never)]
#[must_use]
pub fn decode(term: &[u8]) -> &[u8] {
    let (_, Blob(blob)) = Terms::Second.from_slice::<(&str, Blob<'_>)>(term).unwrap();
    blob
}

/// Copies the bytes into a buffer that is used again: what has to be done at least.
#[inline(never)]
pub fn copy(blob: &[u8], buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.extend_from_slice(blob);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_and_costs_a_byte_a_byte() {
        let (blob, term) = encoding();
        assert_eq!(decode(&term), blob);
        assert!(term.len() <= BYTES + BYTES / 100, "{}", term.len());
        assert!(term.as_ptr_range().contains(&decode(&term).as_ptr()), "it is lent");
    }
}
