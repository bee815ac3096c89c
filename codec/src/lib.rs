//! The wire format of Snow DIST, the protocol of one actor system on many machines.
//!
//! This crate encodes, decodes and validates every message of the protocol. It keeps no state of a session, reads no
//! clock, opens no socket and contains no `unsafe`. A decoded message borrows the buffer from which it was read;
//! decoding a frame allocates nothing. The module [`guide`] is for the first hour: a sniffer, a proxy, and use without
//! the standard library. The crate `snow-dist-runtime` runs whole nodes.
//!
//! ```
//! use snow_dist_codec::{Frame, Frames, Reading, limits::FRAME_BYTES_MAX};
//!
//! // Bytes as they arrive from the connection: a length and a payload.
//! let stream = b"\x11\0\0\0\x13\x05\0\0\0\0\0\0\0\x2a\0\0\0\0\x07\x01\0";
//! for payload in Frames::new(stream, FRAME_BYTES_MAX) {
//!     match Frame::decode(payload.unwrap(), Reading::Compatible).unwrap() {
//!         Frame::Link(link) => assert_eq!(link.to.to_string(), "<1.42.7>"),
//!         other => println!("{other:?}"),
//!     }
//! }
//! ```
//!
//! # Modules
//! - [`framing`]: splits a stream of bytes into payloads.
//! - [`frame`], [`handshake`], [`signal`]: the messages, with one type for each, and one enum for each family
//!   ([`Frame`], [`Handshake`], [`Signal`]).
//! - [`Reason`], [`Pid`], [`NodeName`], [`Text`], [`Names`], [`Entries`]: the types of fields.
//! - [`Reading`], [`DecodeError`], [`EncodeError`]: the strictness of decoders, and the errors.
//! - [`stf`]: the term format of structured messages.
//! - [`layout`]: the description of a message's fields, shared by readers and writers of all kinds.
//! - [`limits`]: all limits, each with its reason.
//!
//! Three more modules need a feature: `document` (messages in JSON; feature `serde`), `arbitrary` (messages for
//! fuzzers), and `tokio_codec` (the framing for `tokio_util`; feature `tokio-util`).
//!
//! # Features
//! | feature | description | default |
//! |---|---|---|
//! | `std` | uses the standard library in dependencies; the API is the same without it | yes |
//! | `serde` | messages in serde's data model (the module `document`), and STF as a data format | |
//! | `arbitrary` | messages made from a fuzzer's bytes | |
//! | `tokio-util` | the framing as a `tokio_util::codec` | |

#![no_std]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

#[cfg(feature = "arbitrary")]
pub mod arbitrary;
#[cfg(feature = "serde")]
pub mod document;
mod error;
pub mod frame;
pub mod framing;
#[doc = include_str!("guide/first_hour.md")]
pub mod guide {
    #[doc = include_str!("guide/sniffer.md")]
    pub mod sniffer {}

    #[doc = include_str!("guide/proxy.md")]
    pub mod proxy {}

    #[doc = include_str!("guide/no_std.md")]
    pub mod no_std {}
}
pub mod handshake;
pub mod layout;
pub mod limits;
mod lists;
mod node_name;
mod payload;
mod pid;
mod reading;
mod reason;
pub mod signal;
pub mod stf;
mod text;
#[cfg(feature = "tokio-util")]
pub mod tokio_codec;

pub use error::{DecodeError, EncodeError, EncodeErrorKind, ErrorKind, Field};
pub use frame::Frame;
pub use framing::{Framer, Frames, FramingError};
pub use handshake::{Extension, ExtensionBuf, Handshake};
pub use lists::{Entries, EntriesBuf, EntriesIter, Entry, Names, NamesBuf, NamesIter};
pub use node_name::{DEFAULT_PORT, NodeName, NodeNameError};
pub use payload::keep;
pub use pid::{ParsePidError, Pid};
pub use reading::Reading;
pub use reason::{Hops, Reason, ReasonBuf, Root, UnknownRoot};
pub use signal::Signal;
pub use text::Text;
