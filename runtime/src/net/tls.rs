//! The channel: TLS 1.3 with a certificate that is made at each start. Specification: `handshake.md`, "Transport".
//!
//! No certificate is trusted: who the peer is, the proofs of the handshake say, which hold the exporter of this very
//! channel. Nothing is resumed: every node has the same server name, and a resumed channel is another one.

use std::io;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, DigitallySignedStruct, KeyLogFile, ServerConfig, SignatureScheme};
use snow_dist_codec::handshake::proof::{EXPORTER_LABEL, PROOF_BYTES};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What every initiator calls the server.
//= spec/handshake.md#hs-tls-001
//# An initiator MUST send the server name `snow-node`, whatever host it dials.
const SERVER_NAME: &str = "snow-node";

/// The application protocol that is offered and selected, never required.
//= spec/handshake.md#hs-tls-004
//# A node MUST NOT end a connection because the other end did not offer or did not select an application
//# protocol.
const ALPN: &[u8] = b"snow-dist/1";

/// Both ends of the channels of one node.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) connector: TlsConnector,
}

/// The node's channel cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up: {0}")]
pub struct TlsError(String);

impl Tls {
    /// Makes a key and a certificate. `key_log` writes the keys of all channels to the file that `SSLKEYLOGFILE`
    /// names, for tools that read captures.
    pub(crate) fn new(key_log: bool) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let server = server_config(&provider, key_log).map_err(TlsError)?;
        let client = client_config(provider, key_log).map_err(TlsError)?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(server)),
            connector: TlsConnector::from(Arc::new(client)),
        })
    }

    pub(crate) fn server_name() -> Result<ServerName<'static>, TlsError> {
        ServerName::try_from(SERVER_NAME).map_err(|error| TlsError(error.to_string()))
    }
}

fn server_config(provider: &Arc<CryptoProvider>, key_log: bool) -> Result<ServerConfig, String> {
    let made =
        rcgen::generate_simple_self_signed([SERVER_NAME.to_owned()]).map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .map_err(|error| error.to_string())?;
    //= spec/handshake.md#hs-tls-003
    //# An acceptor SHOULD select the application protocol `snow-dist/1` if it is offered.
    config.alpn_protocols = vec![ALPN.to_vec()];
    //= spec/handshake.md#hs-tls-010
    //# A node MUST NOT resume a TLS session.
    //= spec/handshake.md#hs-tls-011
    //# An acceptor SHOULD NOT issue session tickets.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    if key_log {
        config.key_log = Arc::new(KeyLogFile::new());
    }
    Ok(config)
}

fn client_config(provider: Arc<CryptoProvider>, key_log: bool) -> Result<ClientConfig, String> {
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    //= spec/handshake.md#hs-tls-002
    //# An initiator SHOULD offer the application protocol `snow-dist/1`.
    config.alpn_protocols = vec![ALPN.to_vec()];
    //= spec/handshake.md#hs-tls-010
    //# A node MUST NOT resume a TLS session.
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    if key_log {
        config.key_log = Arc::new(KeyLogFile::new());
    }
    Ok(config)
}

/// What a stream's error means to an operator: rustls calls the end of a stream without close_notify, which many peers
/// leave out, by a text for its own users.
pub(crate) fn in_words(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), "the peer has closed the connection"),
        _ => error,
    }
}

/// The exporter of a channel, which both proofs hold (RFC 9266). `None` before the channel is up.
pub(crate) fn exporter<D>(connection: &rustls::ConnectionCommon<D>) -> Option<[u8; PROOF_BYTES]> {
    connection.export_keying_material([0; PROOF_BYTES], EXPORTER_LABEL, Some(&[])).ok()
}

/// Takes every certificate whose key the peer really has.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    //= spec/handshake.md#hs-tls-007
    //# An initiator MUST NOT end a connection because of the certificate that the acceptor presents, unless its
    //# operator has asked for that.
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
