//! Buffers that are used again.

use super::CHUNK_BYTES;

/// Empty buffers, so that a busy session allocates none. They are no state: all values are equal.
#[derive(Clone, Debug, Default)]
pub(super) struct Spare(Vec<Vec<u8>>);

/// The number of buffers that are kept.
const SPARE_MAX: usize = 4;

impl Spare {
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_default()
    }

    /// Appends `chunk` to `out`, by exchanging the two where nothing needs to be copied.
    pub(super) fn append(&mut self, mut chunk: Vec<u8>, out: &mut Vec<u8>) {
        if out.is_empty() {
            std::mem::swap(out, &mut chunk);
        } else {
            out.extend_from_slice(&chunk);
        }
        self.put(chunk);
    }

    /// Keeps a buffer, unless there are enough or it is too large.
    pub(super) fn put(&mut self, mut chunk: Vec<u8>) {
        if self.0.len() < SPARE_MAX && chunk.capacity() <= 2 * CHUNK_BYTES {
            chunk.clear();
            self.0.push(chunk);
        }
    }
}

impl PartialEq for Spare {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Spare {}

impl std::hash::Hash for Spare {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}
