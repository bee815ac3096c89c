//! The handshake, in both roles: each node shows its name, and proves that it knows the cookie. Specification:
//! `handshake.md`.
//!
//! Each state is a type, and handling a message consumes it. So no step can be taken twice, and no state holds what
//! only a later one knows. A state handles the payload of one message, without its length prefix, and returns the
//! payload of the answer and the next state.
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
//! Any failed check ends the handshake: the initiator gets a [`Failure`], and the acceptor a [`Refusal`], which may
//! hold a REJECT to send. A handshake of version 2 that fails is not repeated in version 1.
//!
//! **Security.** Version 1 proves only that the other end can reach someone who knows the cookie: its digest covers
//! neither the name nor the channel. Version 1 is used only with peers that [`Local::version_1`] allows. When a node
//! dials a peer with which it allows version 1, it computes the digest of any challenge that it receives, whoever
//! answers. An attacker who answers can relay the challenge of a version 1 node, and enter that node with the digest.
//!
//! # Contents
//! - [`initiator`], [`acceptor`]: the two roles, each with its states in order;
//! - [`Cookie`], [`Cookies`]: the secret; of several cookies the first signs, and all are accepted;
//! - [`Certified`]: the names for which a peer's certificate is valid, where certificates are required;
//! - [`Local`], [`Bounds`]: the settings of this node; [`Peer`]: the other node, as the handshake shows it;
//! - [`Failure`], [`Refusal`]: the ways in which a handshake ends without a session.

pub mod acceptor;
mod auth;
mod certified;
mod failure;
pub mod initiator;
mod local;
mod peer;
mod proof;
mod rules;
#[cfg(test)]
mod tests;

pub use auth::{Cookie, CookieError, Cookies};
pub use certified::Certified;
#[cfg(feature = "rustls")]
pub(crate) use certified::Uri;
pub use failure::{Failure, Refusal};
pub use local::{Bounds, Local};
pub use peer::{Established, Peer};

use snow_dist_codec::{Handshake, Reading};

/// The versions with an extension block that this node speaks, in ascending order.
const VERSIONS: &[u16] = &[2];

/// The TLS channel that carries a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// TLS 1.3.
    Tls13 {
        /// The value of TLS's exporter with the label
        /// [`EXPORTER_LABEL`](snow_dist_codec::handshake::proof::EXPORTER_LABEL) and a context that is present and
        /// empty. It is not a secret, but no other connection may have the same value.
        exporter: [u8; 32],
    },
    /// TLS 1.2, over which only version 1 is spoken, because the exporter of TLS 1.2 can have the same value on two
    /// connections.
    Tls12,
}

/// Encodes the payload of a message.
///
/// The values were checked when [`Local`] was made, so the codec accepts them. Should it ever refuse them, nothing
/// is written, and the other end refuses the empty message.
fn payload<'a>(message: impl Into<Handshake<'a>>) -> Vec<u8> {
    let mut payload = Vec::new();
    let written = message.into().encode(&mut payload);
    debug_assert_eq!(written, Ok(()));
    payload
}

/// Decodes the payload of a message. `due` is the name of the message that is expected.
fn read<'b>(bytes: &'b [u8], due: &'static str) -> Result<Handshake<'b>, Failure> {
    //= spec/dist.md#dist-rdg-004
    //# A node MUST read what its peers send in the Compatible reading, unless its operator asks for the
    //# Strict one.
    Handshake::decode(bytes, Reading::Compatible).map_err(|error| Failure::Malformed { due, error })
}
