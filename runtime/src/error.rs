//! Why a node does not start.

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

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no tokio runtime, or one that cannot run a node.
    #[error("a node needs a tokio runtime with timers: {0}")]
    Runtime(&'static str),
    /// The name is not a node's.
    #[error("{0}")]
    Name(#[from] NodeNameError),
    /// The name of a peer that a setting is about is not a node's.
    #[error("{setting}: {peer:?}: {error}")]
    PeerName {
        /// The function of the builder that was given the name.
        setting: &'static str,
        /// The name that was given.
        peer: String,
        /// What is wrong with it.
        error: NodeNameError,
    },
    /// A name that is to be kept connected cannot be.
    #[error("keep_connected: {name:?}: {error}")]
    Keep {
        /// The name that was given.
        name: String,
        /// Why it cannot.
        error: NotKept,
    },
    /// The host in the name stands for every address of a machine, so that no other node can find this one by it.
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
    /// A limit is outside the range that a node can have.
    #[error("{limit} is {given}: it must be from {least} to {most}")]
    Limit {
        /// The function of the builder that was given the limit.
        limit: &'static str,
        /// The value that was given.
        given: u64,
        /// The smallest value that is allowed.
        least: u64,
        /// The largest value that is allowed.
        most: u64,
    },
    /// A time is outside the range that a node can have.
    #[error("{setting} is {given:?}: it must be from {least:?} to {most:?}")]
    Time {
        /// The function of the builder that was given the time, and the field if it takes several.
        setting: &'static str,
        /// The value that was given.
        given: Duration,
        /// The shortest time that is allowed.
        least: Duration,
        /// The longest time that is allowed.
        most: Duration,
    },
    /// Capabilities were chosen that this node does not have.
    #[error("the capabilities are {:#b}: there are {:#b}", given.to_bits(), CAPABILITIES.to_bits())]
    Capabilities {
        /// What was chosen.
        given: Capabilities,
    },
    /// A discovery cannot begin.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
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
