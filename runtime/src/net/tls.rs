//! The TLS channel of [`crate::tls`] on tokio.

use std::io;

use rustls::AlertDescription;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::ahead::ReadAhead;
use super::driver::Transport;
use crate::connect_error::{CertificateTrouble, ConnectError};
use crate::core::handshake::{Certified, Channel};
use crate::network::Connection;
use crate::tls::{RustlsError, Tls as Configs, exporter};

/// The bytes that TLS may hold for a socket that takes none. These bytes, and those that the driver has gathered,
/// are sent before every later signal, so both together stay below `signal_delay_bytes_max`.
const TLS_UNSENT_BYTES: Option<usize> = Some(56 << 10);

/// The transport of a session.
pub(super) type Stream = TlsStream<ReadAhead>;

impl Transport for Stream {
    fn bytes_taken(&self) -> u64 {
        self.get_ref().0.bytes_taken()
    }
}

/// A stream with established TLS.
pub(super) struct Secured {
    pub(super) stream: Stream,
    /// The channel to which the proofs of the handshake are bound, and the names that the peer's certificate
    /// covers, if it must have one.
    pub(super) channel: Option<(Channel, Option<Certified>)>,
}

/// The TLS configuration of one node, for both roles.
#[derive(Clone)]
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    configs: Configs,
}

impl Tls {
    pub(super) fn new(configs: Configs) -> Self {
        let acceptor = TlsAcceptor::from(configs.server_config().clone());
        let connector = TlsConnector::from(configs.client_config().clone());
        Self { acceptor, connector, configs }
    }

    pub(super) async fn accept(&self, stream: Connection) -> Result<Secured, ConnectError> {
        self.secured(self.acceptor.accept(ReadAhead::new(stream)).await.map(TlsStream::Server))
    }

    pub(super) async fn connect(&self, stream: Connection) -> Result<Secured, ConnectError> {
        let connecting = self.connector.connect(self.configs.server_name(), ReadAhead::new(stream));
        self.secured(connecting.await.map(TlsStream::Client))
    }

    fn secured(&self, stream: io::Result<Stream>) -> Result<Secured, ConnectError> {
        let mut stream = stream.map_err(|error| ConnectError::of_tls(in_words(error)))?;
        let (exporter, certified) = match &mut stream {
            TlsStream::Client(stream) => {
                let tls = stream.get_mut().1;
                tls.set_buffer_limit(TLS_UNSENT_BYTES);
                (exporter(tls), self.configs.certified(tls))
            }
            TlsStream::Server(stream) => {
                let tls = stream.get_mut().1;
                tls.set_buffer_limit(TLS_UNSENT_BYTES);
                (exporter(tls), self.configs.certified(tls))
            }
        };
        let channel = exporter.ok().map(|exporter| (Channel::Tls13 { exporter }, certified));
        Ok(Secured { stream, channel })
    }
}

/// Converts a stream's error into words for an operator. rustls reports the end of a stream without close_notify,
/// which many peers omit, with a text for its own users, and a bad certificate with the text of an alert.
pub(super) fn in_words(error: io::Error) -> io::Error {
    let of_tls = error.get_ref().and_then(|error| error.downcast_ref::<RustlsError>());
    match of_tls.and_then(certificate_trouble) {
        Some(trouble) => io::Error::new(error.kind(), CertificateTrouble(trouble)),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            io::Error::new(error.kind(), "the peer has closed the connection")
        }
        None => error,
    }
}

/// Returns the problem with a certificate, if TLS has reported one.
fn certificate_trouble(error: &RustlsError) -> Option<String> {
    use AlertDescription::{
        BadCertificate, CertificateExpired, CertificateRequired, CertificateRevoked, CertificateUnknown,
        UnknownCA, UnsupportedCertificate,
    };
    Some(match error {
        RustlsError::NoCertificatesPresented => "the peer has no certificate, and this node requires one".to_owned(),
        RustlsError::InvalidCertificate(_) => format!("the peer's certificate is refused: {error}"),
        RustlsError::AlertReceived(CertificateRequired) => {
            "the peer requires a certificate, and this node has none: give it one (`NodeBuilder::certificates`, or `--certificate` of the command)".to_owned()
        }
        RustlsError::AlertReceived(
            why @ (BadCertificate | CertificateExpired | CertificateRevoked | CertificateUnknown | UnknownCA
            | UnsupportedCertificate),
        ) => format!("the peer refuses this node's certificate ({why:?}): do the two have the same trust anchors?"),
        _ => return None,
    })
}
