//! The handshake in both roles: who is there, and does it know the cookie. Specification: `handshake.md`.
//!
//! A state is a type, and a message consumes it: what has happened cannot happen again, and no state holds what
//! only a later one knows. Each state is lent the payload of one message, without its length, and gives the
//! payload to answer with.
//!
//! ```text
//!          initiator                                    acceptor
//!            start                                        start
//!              |  ---------------- NAME ---------------->  |
//!       ExpectChallenge                                ExpectName
//!              |  <------------- CHALLENGE --------------  |
//!              |  ---------------- REPLY --------------->  |
//!          ExpectAck                                  ExpectReply
//!              |                                       Verified    which of two connections stays
//!              |  <---------------- ACK ----------------   |
//!         Established                                 Established
//! ```
//!
//! Whatever is wrong ends the handshake: a [`Failure`] at the initiator, a [`Refusal`] at the acceptor, which may
//! hold a REJECT to send. Nothing falls back from version 2 to version 1.
//!
//! Version 1 proves that the other end knows somebody who knows the cookie, and no more: neither name nor channel
//! is under its digest. It runs only where [`Version1`] allows it. A node that allows it in its dials computes the
//! digest of any challenge it is given there, and so opens version 1 nodes to whoever it dials by mistake.
//!
//! # Rooms
//! - [`initiator`], [`acceptor`]: the two roles, their states in order;
//! - [`Cookie`], [`Cookies`]: the secret, and which of several signs and counts;
//! - [`Local`], [`Bounds`]: what a node says of itself; [`Peer`]: what it learns of the other;
//! - [`Failure`], [`Refusal`]: every way to end without a session.

pub mod acceptor;
mod auth;
mod failure;
pub mod initiator;
mod local;
mod peer;
mod peer_lists;
mod proof;
#[cfg(test)]
mod tests;

pub use auth::{Cookie, CookieError, Cookies};
pub use failure::{Failure, Refusal};
pub use local::{Bounds, Local, RemoteExit, Version1};
pub use peer::{Established, Peer};
pub use peer_lists::PeerLists;

use snow_dist_codec::{Handshake, Reading};

/// The versions with an extension block that this node speaks, ascending.
const VERSIONS: &[u16] = &[2];

/// What carries a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// TLS 1.3.
    Tls13 {
        /// The exporter's value: label [`EXPORTER_LABEL`](snow_dist_codec::handshake::proof::EXPORTER_LABEL), context
        /// present and empty. Not a secret; what counts is that no other connection has the same.
        exporter: [u8; 32],
    },
    /// TLS 1.2, over which only version 1 is spoken: what its exporter gives does not tell two connections apart in
    /// every case.
    Tls12,
}

/// A message's payload.
///
/// What is written here was judged when [`Local`] was made, so the codec takes it. Should it ever not, nothing is
/// written, and the other end refuses an empty message.
fn payload<'a>(message: impl Into<Handshake<'a>>) -> Vec<u8> {
    let mut payload = Vec::new();
    let written = message.into().encode(&mut payload);
    debug_assert_eq!(written, Ok(()));
    payload
}

/// Reads a message's payload.
fn read<'b>(bytes: &'b [u8], due: &'static str) -> Result<Handshake<'b>, Failure> {
    //= spec/dist.md#dist-rdg-004
    //# A node MUST read what its peers send in the Compatible reading, unless its operator asks for the
    //# Strict one.
    Handshake::decode(bytes, Reading::Compatible).map_err(|error| Failure::Malformed { due, error })
}
