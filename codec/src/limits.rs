//! All limits of the wire format, each with its unit and reason. Specification: `dist.md`, "Limits".

/// The maximum size in bytes of a message's payload during the handshake.
///
/// A peer that has not been authenticated cannot make a node buffer a longer message.
pub const HANDSHAKE_BYTES_MAX: u32 = 4_096;

/// The maximum size in bytes of a frame's payload after the handshake. Version 1 nodes enforce it.
pub const FRAME_BYTES_MAX: u32 = 16 << 20;

/// The size in bytes of the length field before each payload.
pub const LENGTH_PREFIX_BYTES: usize = 4;

/// The maximum size in bytes of a text with a `u16` length.
pub const STR16_BYTES_MAX: usize = u16::MAX as usize;

/// The maximum number of names in a PEER_LIST, given by its `u16` count.
pub const NAMES_MAX: usize = u16::MAX as usize;

/// The maximum size in bytes of a node name in a message with an extension block, and of any name to dial.
pub const NODE_NAME_BYTES_MAX: usize = 255;

/// The maximum size in bytes of a REJECT's text, which is meant for a line of a log.
pub const REJECT_TEXT_BYTES_MAX: usize = 255;

/// The maximum size in bytes of an extension block, magic and count included.
///
/// A CHALLENGE with a name of 255 bytes and a block of this size is the longest message with a block. It has fewer
/// bytes than [`HANDSHAKE_BYTES_MAX`].
pub const EXTENSION_BYTES_MAX: usize = 2_048;

/// The maximum number of versions in an extension block. The protocol has two versions today.
pub const VERSIONS_MAX: usize = 16;

/// The maximum number of levels of a term.
///
/// This many levels are enough for data made by people, and too few to overflow a stack of 64 KiB.
pub const TERM_DEPTH_MAX: usize = 64;

/// The maximum number of elements of a list or a set, or of pairs of a map, in a term.
pub const TERM_ELEMENTS_MAX: u32 = 1_000_000;

/// The maximum size in bytes of a string in a term. Even the longest frame ([`FRAME_BYTES_MAX`]) has no room for a
/// string of this size.
pub const TERM_STRING_BYTES_MAX: u32 = 16 << 20;

/// The maximum size in bytes of a text that an error quotes from a term.
///
/// The text can contain a peer's words and is meant for a line of a log.
pub const TERM_ERROR_BYTES_MAX: usize = 1_024;

/// The maximum size in bytes of a bytes value in a term, the same as that of a string.
pub const TERM_BYTES_MAX: u32 = 16 << 20;

/// The size in bytes from which [`keep`](crate::keep) shares a receive buffer instead of copying a part of it.
///
/// A small part must not keep a large buffer alive.
pub const SHARE_BYTES_MIN: usize = 4_096;
