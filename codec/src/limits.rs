//! Every limit of the layouts, with its unit and its reason. Specification: `dist.md`, "Limits".

/// Bytes of a message's payload before the handshake is over. An unauthenticated peer gets no more memory.
pub const HANDSHAKE_BYTES_MAX: u32 = 4_096;

/// Bytes of a frame's payload after the handshake; what version 1 nodes enforce.
pub const FRAME_BYTES_MAX: u32 = 16 << 20;

/// Bytes of the length that precedes each payload.
pub const LENGTH_PREFIX_BYTES: usize = 4;

/// Bytes of a text behind a `u16` length.
pub const STR16_BYTES_MAX: usize = u16::MAX as usize;

/// Names in a PEER_LIST: what its `u16` count can say.
pub const NAMES_MAX: usize = u16::MAX as usize;

/// Bytes of a node name in a message with an extension block, and of any name that is dialled.
pub const NODE_NAME_BYTES_MAX: usize = 255;

/// Bytes of a REJECT's text: it is for a log line.
pub const REJECT_TEXT_BYTES_MAX: usize = 255;

/// Bytes of an extension block in all: two names of 255 bytes, two blocks and the proofs stay well inside
/// [`HANDSHAKE_BYTES_MAX`].
pub const EXTENSION_BYTES_MAX: usize = 2_048;

/// Versions that a block may offer. There are two today.
pub const VERSIONS_MAX: usize = 16;

/// Levels of a term: enough for data made by people, and far from what a 64 KiB stack can hold.
pub const TERM_DEPTH_MAX: usize = 64;

/// Elements of a list, a map or a set in a term.
pub const TERM_ELEMENTS_MAX: u32 = 1_000_000;

/// Bytes of a string in a term. A frame of [`FRAME_BYTES_MAX`] cannot hold one that long.
pub const TERM_STRING_BYTES_MAX: u32 = 16 << 20;

/// Bytes of what an error says of a term: it can hold a peer's words, and is for a log line.
pub const TERM_ERROR_BYTES_MAX: usize = 1_024;

/// Bytes that stand in a term as bytes: as many as of a string.
pub const TERM_BYTES_MAX: u32 = 16 << 20;

/// Bytes from which a part of a receive buffer is kept by sharing the buffer, not by copying the part: a
/// small part must not keep a large buffer alive.
pub const SHARE_BYTES_MIN: usize = 4_096;
