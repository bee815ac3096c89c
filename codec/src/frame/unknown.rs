//! Frames whose tag this version does not know, kept as they were received.

use crate::layout::Sink;

/// A frame whose tag this version does not know. Specification: `dist.md`, "Unknown tags".
///
/// Only the compatible reading returns such a frame. A node must ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unknown<'a> {
    tag: u8,
    payload: &'a [u8],
}

impl<'a> Unknown<'a> {
    /// Creates a frame from a tag and the bytes after it, or returns `None` if `tag` is one of [`Frame::TAGS`].
    ///
    /// [`Frame::TAGS`]: super::Frame::TAGS
    #[must_use]
    pub fn new(tag: u8, payload: &'a [u8]) -> Option<Self> {
        let known = super::Frame::TAGS.iter().any(|&(known, _)| known == tag);
        if known { None } else { Some(Self { tag, payload }) }
    }

    /// Returns the tag.
    #[must_use]
    pub const fn tag(&self) -> u8 {
        self.tag
    }

    /// Returns all bytes after the tag.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    pub(super) const fn kept(tag: u8, payload: &'a [u8]) -> Self {
        Self { tag, payload }
    }

    /// Passes the bytes after the tag as a field, for sinks that show fields.
    pub(super) fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.rest("payload", self.payload)
    }
}
