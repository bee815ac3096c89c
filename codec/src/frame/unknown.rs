//! A frame whose tag this version does not know, kept as it came.

use crate::layout::Sink;

/// A frame whose tag this version does not know. Specification: `dist.md`, "Unknown tags".
///
/// Only the compatible reading gives it; a node ignores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unknown<'a> {
    tag: u8,
    payload: &'a [u8],
}

impl<'a> Unknown<'a> {
    /// A frame of `tag` and the bytes after it, or `None` if `tag` is one of [`Frame::TAGS`].
    ///
    /// [`Frame::TAGS`]: super::Frame::TAGS
    #[must_use]
    pub fn new(tag: u8, payload: &'a [u8]) -> Option<Self> {
        let known = super::Frame::TAGS.iter().any(|&(known, _)| known == tag);
        if known { None } else { Some(Self { tag, payload }) }
    }

    /// The tag.
    #[must_use]
    pub const fn tag(&self) -> u8 {
        self.tag
    }

    /// All bytes after the tag.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    pub(super) const fn kept(tag: u8, payload: &'a [u8]) -> Self {
        Self { tag, payload }
    }

    /// The bytes after the tag as a field, for sinks that show fields.
    pub(super) fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.rest("payload", self.payload)
    }
}
