//! All limits of the wire format, each with its unit and reason. Specification: `dist.md`, "Limits".

/// The maximum size in bytes of a message's payload during the handshake, with its tag and without its length field.
///
/// A peer that has not been authenticated cannot make a node buffer a longer message.
pub const HANDSHAKE_BYTES_MAX: u32 = 4_096;

/// The maximum size in bytes of a frame's payload after the handshake, with its tag and without its length field.
///
/// Version 1 nodes refuse longer frames.
pub const FRAME_BYTES_MAX: u32 = 16 << 20;

/// The size in bytes of the length field before each payload.
pub const LENGTH_PREFIX_BYTES: usize = 4;

/// The maximum size in bytes of a text with a `u16` length.
pub const STR16_BYTES_MAX: usize = u16::MAX as usize;

/// The maximum number of names in a PEER_LIST, which has a `u16` count.
pub const NAMES_MAX: usize = u16::MAX as usize;

/// The maximum size in bytes of a valid node name ([`NodeName`](crate::NodeName)), with its port.
///
/// A name without a port counts as if `:9000` stood after it. In a NAME or CHALLENGE with an extension block, the limit
/// holds for the name as it was sent.
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

/// The maximum number of levels of a term. The outermost value is the first level, and the values in it are the second.
///
/// This many levels are enough for data made by people, and too few to overflow a stack of 64 KiB.
pub const TERM_DEPTH_MAX: usize = 64;

/// The maximum number of elements of a list or a set, or of pairs of a map, in a term.
pub const TERM_ELEMENTS_MAX: u32 = 1_000_000;

/// The maximum size in bytes of a string in a term. Even the longest frame ([`FRAME_BYTES_MAX`]) has no room for a
/// string of this size.
pub const TERM_STRING_BYTES_MAX: u32 = 16 << 20;

/// The size in bytes from which the text and the path of an `stf::Error` are shortened.
///
/// Both can contain a peer's words and are meant for a line of a log.
pub const TERM_ERROR_BYTES_MAX: usize = 1_024;

/// The maximum size in bytes of a bytes value in a term, the same as that of a string.
pub const TERM_BYTES_MAX: u32 = 16 << 20;

/// The minimum size in bytes of a part that [`keep`](crate::keep) shares with the receive buffer instead of copying it.
///
/// A small part must not keep a large buffer alive.
pub const SHARE_BYTES_MIN: usize = 4_096;
