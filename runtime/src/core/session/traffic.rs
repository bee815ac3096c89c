//! Counts of what has gone through a session.

use std::hash::{Hash, Hasher};
use std::ops::AddAssign;

use snow_dist_codec::Frames;
use snow_dist_codec::limits::FRAME_BYTES_MAX;

/// Counts of the frames that have gone through a session, and of their bytes, length prefixes included.
///
/// A fragment of a long message is one frame. Bytes of TLS and of the handshake are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// The number of frames that have arrived whole.
    pub frames_in: u64,
    /// The number of bytes of those frames.
    pub bytes_in: u64,
    /// The number of frames that [`Session::write`](super::Session::write) has given.
    pub frames_out: u64,
    /// The number of bytes of those frames.
    pub bytes_out: u64,
}

impl Traffic {
    pub(super) const fn count_in(&mut self, frames: usize, bytes: usize) {
        self.frames_in += frames as u64;
        self.bytes_in += bytes as u64;
    }

    /// Counts whole frames.
    pub(super) fn count_out(&mut self, frames: &[u8]) {
        self.frames_out += Frames::new(frames, FRAME_BYTES_MAX).count() as u64;
        self.bytes_out += frames.len() as u64;
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, more: Self) {
        self.frames_in += more.frames_in;
        self.bytes_in += more.bytes_in;
        self.frames_out += more.frames_out;
        self.bytes_out += more.bytes_out;
    }
}

/// Values that a session has measured or counted of itself. They affect nothing, so two sessions that differ only in
/// them are equal.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Aside<T>(pub(super) T);

impl<T> PartialEq for Aside<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Aside<T> {}

impl<T> Hash for Aside<T> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
