//! The channel of [`crate::tls`] on tokio.

use std::io;

use rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::ahead::ReadAhead;
use super::driver::Transport;
use crate::connect_error::ConnectError;
use crate::core::handshake::Channel;
use crate::network::Connection;
use crate::tls::{Tls as Configs, TlsError, exporter};

/// Bytes that TLS may hold for a socket that takes none. These, and what the driver has gathered, stand before every
/// signal that comes later, so both together stay below `signal_delay_bytes_max`.
const TLS_UNSENT_BYTES: Option<usize> = Some(56 << 10);

/// The transport of a session.
pub(super) type Stream = TlsStream<ReadAhead>;

impl Transport for Stream {
    fn bytes_taken(&self) -> u64 {
        self.get_ref().0.bytes_taken()
    }
}

/// Both ends of the channels of one node.
#[derive(Clone)]
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    /// What the connector calls every peer.
    server_name: ServerName<'static>,
}

impl Tls {
    /// Makes a key and a certificate. `key_log`: see [`Configs::with_key_log`].
    pub(super) fn new(key_log: bool) -> Result<Self, TlsError> {
        let configs = Configs::new()?;
        let configs = if key_log { configs.with_key_log() } else { configs };
        Ok(Self {
            acceptor: TlsAcceptor::from(configs.server_config().clone()),
            connector: TlsConnector::from(configs.client_config().clone()),
            server_name: configs.server_name(),
        })
    }

    pub(super) async fn accept(&self, stream: Connection) -> Result<Stream, ConnectError> {
        secured(self.acceptor.accept(ReadAhead::new(stream)).await.map(TlsStream::Server))
    }

    pub(super) async fn connect(&self, stream: Connection) -> Result<Stream, ConnectError> {
        let connecting = self.connector.connect(self.server_name.clone(), ReadAhead::new(stream));
        secured(connecting.await.map(TlsStream::Client))
    }
}

fn secured(stream: io::Result<Stream>) -> Result<Stream, ConnectError> {
    let mut stream = stream.map_err(|error| ConnectError::of_tls(in_words(error)))?;
    match &mut stream {
        TlsStream::Client(stream) => stream.get_mut().1.set_buffer_limit(TLS_UNSENT_BYTES),
        TlsStream::Server(stream) => stream.get_mut().1.set_buffer_limit(TLS_UNSENT_BYTES),
    }
    Ok(stream)
}

/// What the proofs of the handshake are bound to.
pub(super) fn channel(stream: &Stream) -> Option<Channel> {
    let exporter = match stream {
        TlsStream::Client(stream) => exporter(stream.get_ref().1),
        TlsStream::Server(stream) => exporter(stream.get_ref().1),
    };
    exporter.ok().map(|exporter| Channel::Tls13 { exporter })
}

/// What a stream's error means to an operator: rustls calls the end of a stream without close_notify, which many peers
/// leave out, by a text for its own users.
pub(super) fn in_words(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), "the peer has closed the connection"),
        _ => error,
    }
}
