//! What can go wrong for a program, beside connecting.

use std::io;
use std::path::PathBuf;

use snow_dist_codec::{EncodeError, NodeNameError, stf};

use crate::core::handshake::CookieError;
use crate::core::session::Full;
use crate::net::TlsError;

/// A message that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message cannot be sent: {0}")]
pub struct SendError(#[from] EncodeError);

/// A value that cannot be sent as a term.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendTermError {
    /// A term cannot say it.
    #[error("no term can say this value: {0}")]
    Term(#[from] stf::Error),
    /// The message cannot be sent.
    #[error(transparent)]
    Send(#[from] SendError),
}

/// A link or monitor that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct LinkError(#[from] Full);

/// The process runs on another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the process runs on another node, and only a node's own processes can be killed")]
pub struct NotLocal;

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The name is not a node's.
    #[error("{0}")]
    Name(#[from] NodeNameError),
    /// No cookie was given.
    #[error("a node needs a cookie: the secret that all nodes of the system share")]
    NoCookie,
    /// The cookie is unfit.
    #[error("{0}")]
    Cookie(#[from] CookieError),
    /// The cookie's file cannot be read.
    #[error("the cookie file {path} cannot be read: {error}")]
    CookieFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Nothing can listen at the address.
    #[error("cannot listen at {address}: {error}")]
    Listen {
        /// Host and port.
        address: String,
        /// What the system says.
        error: io::Error,
    },
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The operating system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
}
