//! The channel of [`crate::tls`] on tokio.

use std::io;

use rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::tls::{Tls as Configs, TlsError};

/// Both ends of the channels of one node.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) connector: TlsConnector,
    /// What the connector calls every peer.
    pub(crate) server_name: ServerName<'static>,
}

impl Tls {
    /// Makes a key and a certificate. `key_log`: see [`Configs::with_key_log`].
    pub(crate) fn new(key_log: bool) -> Result<Self, TlsError> {
        let configs = Configs::new()?;
        let configs = if key_log { configs.with_key_log() } else { configs };
        Ok(Self {
            acceptor: TlsAcceptor::from(configs.server_config().clone()),
            connector: TlsConnector::from(configs.client_config().clone()),
            server_name: configs.server_name(),
        })
    }
}

/// What a stream's error means to an operator: rustls calls the end of a stream without close_notify, which many peers
/// leave out, by a text for its own users.
pub(crate) fn in_words(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), "the peer has closed the connection"),
        _ => error,
    }
}
