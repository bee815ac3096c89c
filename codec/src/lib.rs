//! Every byte layout of Snow DIST, the wire protocol of one actor system on many machines.
//!
//! This crate reads, judges and writes the protocol's bytes. It keeps no state, reads no clock, opens no
//! socket, and has no `unsafe`. What it reads borrows the buffer it was read from; nothing is allocated for
//! any frame.
//!
//! ```
//! use snow_dist_codec::{Frame, Frames, Reading, limits::FRAME_BYTES_MAX};
//!
//! // As they come from the connection: lengths and payloads.
//! let stream = b"\x11\0\0\0\x13\x05\0\0\0\0\0\0\0\x2a\0\0\0\0\x07\x01\0";
//! for payload in Frames::new(stream, FRAME_BYTES_MAX) {
//!     match Frame::decode(payload.unwrap(), Reading::Compatible).unwrap() {
//!         Frame::Link(link) => assert_eq!(link.to.to_string(), "<1.42.7>"),
//!         other => println!("{other:?}"),
//!     }
//! }
//! ```
//!
//! # Rooms
//! - [`framing`]: a stream of bytes into payloads;
//! - [`frame`], [`handshake`], [`signal`]: one file per message and a table that dispatches;
//! - [`layout`]: how a message's fields are described, once, for readers and writers of all kinds;
//! - [`Reason`], [`Pid`], [`NodeName`], [`Text`], [`Names`], [`Entries`]: what fields are made of;
//! - [`stf`]: the term format that messages may carry;
//! - [`limits`]: every limit, with its reason.
//!
//! # Features
//! | feature | what it adds | default |
//! |---|---|---|
//! | `std` | the standard library for the crates below; the API is the same without it | yes |
//! | `serde` | the types in serde's model, and STF as a data format | |
//! | `arbitrary` | messages made of a fuzzer's bytes | |
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
