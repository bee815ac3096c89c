//! The errors of starting a node, and of replacing its cookies and certificates.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use snow_dist_codec::NodeNameError;
use snow_dist_codec::handshake::Capabilities;

use crate::core::CookieError;
use crate::core::endpoint::NotKept;
use crate::core::session::CAPABILITIES;
use crate::discovery::DiscoverError;
use crate::tls::TlsError;

/// An error that says why a node does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The call was made outside of a tokio runtime, or the runtime has no timers or has been shut down. The text
    /// says which of these is the case.
    #[error("a node needs a tokio runtime with timers: {0}")]
    Runtime(&'static str),
    /// The name is not a valid node name.
    #[error("{0}")]
    Name(#[from] NodeNameError),
    /// The name of a peer in a setting is not a valid node name.
    #[error("{setting}: {peer:?}: {error}")]
    PeerName {
        /// The method of the builder that was given the name.
        setting: &'static str,
        /// The name that was given.
        peer: String,
        /// The problem with the name.
        error: NodeNameError,
    },
    /// A node cannot be kept connected under the given name.
    #[error("keep_connected: {name:?}: {error}")]
    Keep {
        /// The name that was given.
        name: String,
        /// The reason why it cannot be kept connected.
        error: NotKept,
    },
    /// The host in the name is a wildcard address, which stands for every address of a machine. Other nodes could
    /// not reach this one by its name.
    #[error(
        "no other node can dial {host}: a node is named by an address at which others find it, and NodeBuilder::listen \
         says where it listens"
    )]
    HostUnspecified {
        /// The host in the name.
        host: String,
    },
    /// No cookie was given.
    #[error("a node needs a cookie: the secret that all nodes of the system share")]
    NoCookie,
    /// A cookie that was given as bytes is not acceptable.
    #[error("{0}")]
    Cookie(#[from] CookieError),
    /// A cookie file cannot be read, is longer than 64 KiB, or does not contain an acceptable cookie.
    #[error("the cookie file {path} cannot be used: {error}")]
    CookieFile {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system, or the problem with the cookie.
        error: io::Error,
    },
    /// A limit of the builder is outside its allowed range, which the error contains.
    #[error("{limit} is {given}: it must be from {least} to {most}")]
    Limit {
        /// The method of the builder that was given the limit.
        limit: &'static str,
        /// The value that was given.
        given: u64,
        /// The smallest value that is allowed.
        least: u64,
        /// The largest value that is allowed.
        most: u64,
    },
    /// A time of the builder is outside its allowed range, which the error contains.
    #[error("{setting} is {given:?}: it must be from {least:?} to {most:?}")]
    Time {
        /// The method of the builder that was given the time, with the name of the field if the method takes
        /// several.
        setting: &'static str,
        /// The value that was given.
        given: Duration,
        /// The shortest time that is allowed.
        least: Duration,
        /// The longest time that is allowed.
        most: Duration,
    },
    /// The chosen capabilities include some that this implementation does not have.
    #[error("the capabilities are {:#b}: there are {:#b}", given.to_bits(), CAPABILITIES.to_bits())]
    Capabilities {
        /// The chosen capabilities.
        given: Capabilities,
    },
    /// A discovery cannot begin: its interval is outside the allowed range, or there are too many discoveries.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// The node cannot listen at an address, for example because another program uses the port.
    #[error("cannot listen at {address}: {error}")]
    Listen {
        /// The host and port at which the node was to listen.
        address: String,
        /// The error of the operating system or, for a node on the program's own [`Network`](crate::Network), the
        /// error of that network.
        error: io::Error,
    },
    /// TLS cannot be set up, for example because the certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The operating system provides no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
}

/// An error that says why a node keeps its previous cookies and certificates: see
/// [`Node::reload`](crate::Node::reload).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// This node has no cookies and no certificates: it was not started by its builder.
    #[error("this node is alone: only one that was started by its builder has cookies and certificates")]
    Alone,
    /// A cookie or a certificate cannot be used. The error names the cookie or the certificate, and its file if it was
    /// read from one. Correct it, and call the method again.
    #[error("the node goes on with the cookies and certificates that it had: {0}")]
    Unusable(StartError),
}
