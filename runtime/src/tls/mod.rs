//! TLS as the protocol requires it, for programs that run the protocol on their own sockets and threads ("hosts"),
//! and for `Node`, which uses tokio. Available with the feature `rustls` and one of `aws-lc-rs` and `ring`.
//! Specification: `handshake.md`, "Transport".
//!
//! [`Tls::new`] creates everything that a node needs: TLS 1.3 only, the server name and the application protocol
//! of Snow DIST, no tickets, no resumption, and a certificate that is generated at each start. No certificate is
//! trusted. The handshake of Snow DIST authenticates the peer, and its proofs contain the [`exporter`] of the
//! channel on which they are sent. Each host must therefore pass that exporter to the protocol, and never the
//! exporter of another connection.
//!
//! [`Tls::with_certificates`] instead uses the [`Certificates`] that an operator gives, and requires certificates from
//! all peers. The host must then also pass the result of [`Tls::certified`] to the protocol. [`TlsStream::input`] does
//! this for the host.
//!
//! # Three ways to use it
//! - [`Tls::connect`] and [`Tls::accept`] wrap a [`TcpStream`] and return a [`TlsStream`] that two threads can share:
//!   one reads, the other writes. With [`TlsStream::input`] and [`TlsStream::output`] it also fits into an event
//!   loop.
//! - [`Tls::client`] and [`Tls::server`] return connections of rustls, which do no I/O, for other kinds of streams
//!   (io_uring).
//! - [`Tls::client_config`] and [`Tls::server_config`] are for wrappers such as `tokio-rustls`. The name to
//!   connect to is then [`Tls::server_name`].
//!
//! # Example
//! This example makes a TLS handshake between two connections in memory, and shows that both ends have the same
//! exporter.
//!
//! ```
//! use snow_dist_runtime::tls::{ALPN, Tls, exporter, rustls::ConnectionCommon};
//!
//! /// Carries the bytes that one end wants to write to the other end.
//! fn carry<A, B>(
//!     from: &mut ConnectionCommon<A>,
//!     to: &mut ConnectionCommon<B>,
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     let mut wire = Vec::new();
//!     while from.wants_write() {
//!         from.write_tls(&mut wire)?;
//!     }
//!     let mut wire = &wire[..];
//!     while !wire.is_empty() {
//!         to.read_tls(&mut wire)?;
//!         to.process_new_packets()?;
//!     }
//!     Ok(())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Each node has its own `Tls`.
//! let mut client = Tls::new()?.client()?;
//! let mut server = Tls::new()?.server()?;
//! assert!(exporter(&client).is_err(), "there is none before the handshake is complete");
//!
//! while client.is_handshaking() || server.is_handshaking() {
//!     carry(&mut client, &mut server)?;
//!     carry(&mut server, &mut client)?;
//! }
//! assert_eq!(exporter(&client)?, exporter(&server)?);
//! assert_eq!(server.alpn_protocol(), Some(ALPN));
//! # Ok(())
//! # }
//! ```

mod certificate;
mod certificates;
mod stream;

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ClientConnection, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::server::{NoServerSessionStorage, ServerConnection};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ConnectionCommon, KeyLogFile, ServerConfig};
use snow_dist_codec::NodeName;
use snow_dist_codec::handshake::proof::PROOF_BYTES;

use crate::core::Cookies;
use crate::core::handshake::Certified;
use crate::core::host::Settings;
use crate::core::limits::CONNECT_DEADLINE;
use certificate::{Anchored, AnyCertificate};
use certificates::Credentials;

pub use certificates::{CertificateError, CertificateOrigin, Certificates};
pub use snow_dist_codec::handshake::proof::EXPORTER_LABEL;
pub use stream::TlsStream;
/// The TLS library whose types [`Tls`] returns, in the version that this crate uses.
pub use {rustls, rustls::Error as RustlsError};

#[cfg(feature = "aws-lc-rs")]
use rustls::crypto::aws_lc_rs as cryptography;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use rustls::crypto::ring as cryptography;

/// The server name that every initiator sends, whichever host it dials.
pub const SERVER_NAME: &str = "snow-node";

/// The application protocol that an initiator offers and an acceptor selects. A connection without an application
/// protocol is acceptable.
pub const ALPN: &[u8] = b"snow-dist/1";

/// The length of the [`exporter`], in bytes.
pub const EXPORTER_BYTES: usize = PROOF_BYTES;

/// An error that says why TLS cannot be set up, or that its handshake is not complete yet.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The node's key or certificate cannot be generated, for example because the operating system provides no
    /// random bytes.
    #[error("TLS cannot be set up: no certificate: {0}")]
    Certificate(String),
    /// The certificates of the operator cannot be used. The error names the file and the remedy.
    #[error(transparent)]
    Given(#[from] CertificateError),
    /// The TLS library has reported an error.
    #[error("TLS: {0}")]
    Tls(#[from] RustlsError),
}

/// The TLS configuration of a node for both roles, initiator and acceptor. A host creates it once, when its node
/// starts. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Tls {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    server_name: ServerName<'static>,
    /// `true` if peers must have certificates.
    requires: bool,
}

impl Tls {
    /// Generates a key and a self-signed certificate, and creates the configuration for both roles. Peers need no
    /// certificates.
    ///
    /// # Errors
    /// Returns [`TlsError`] if the key or the certificate cannot be generated.
    pub fn new() -> Result<Self, TlsError> {
        let provider = Arc::new(cryptography::default_provider());
        let (certificate, key) = certificate::make(SERVER_NAME)?;
        let shown = Arc::new(CertifiedKey::from_der(vec![certificate], key, &provider)?);
        Self::of(provider, shown, None, None)
    }

    /// Reads the certificates that an operator gives to the node with this name, and creates the configuration for
    /// both roles from them. Peers must have certificates too, unless they are [not
    /// required](Certificates::not_required).
    ///
    /// **Security.** TLS checks the chains and the dates of certificates, but not the names. The protocol compares
    /// the names. A host must therefore pass the result of [`Tls::certified`] or [`TlsStream::certified`] to the
    /// protocol with each channel (`Input::Certified`, not `Input::Secured`). Otherwise every certificate that one of
    /// the authorities has signed is valid for every node.
    ///
    /// To replace certificates that expire, create another `Tls`, and use it for all connections that begin
    /// afterwards.
    ///
    /// # Errors
    /// Returns [`TlsError::Given`] if the certificates cannot be read or used, or if every peer would refuse them.
    /// The error names the remedy. Returns another [`TlsError`] if the TLS library reports an error.
    pub fn with_certificates(certificates: &Certificates, name: &str) -> Result<Self, TlsError> {
        let provider = Arc::new(cryptography::default_provider());
        let Credentials { shown, anchored } = certificates.read(&provider, name)?;
        Self::of(provider, shown.clone(), Some(shown), anchored)
    }

    /// Creates the configuration. An acceptor presents `shown`, and an initiator presents `own` on request.
    fn of(
        provider: Arc<CryptoProvider>,
        shown: Arc<CertifiedKey>,
        own: Option<Arc<CertifiedKey>>,
        anchored: Option<Arc<Anchored>>,
    ) -> Result<Self, TlsError> {
        let requires = anchored.is_some();
        Ok(Self {
            server: Arc::new(server_config(provider.clone(), shown, anchored.as_deref())?),
            client: Arc::new(client_config(provider, own, anchored)?),
            server_name: ServerName::try_from(SERVER_NAME)
                .map_err(|error| RustlsError::General(error.to_string()))?,
            requires,
        })
    }

    /// Writes the keys of all channels to the file that the environment variable `SSLKEYLOGFILE` names, so that
    /// tools can decrypt captures of the traffic. Without that variable nothing is written.
    ///
    /// **Security.** Anybody who has the file can decrypt all traffic of this node. Use this method for debugging
    /// only.
    #[must_use]
    pub fn with_key_log(mut self) -> Self {
        let log = Arc::new(KeyLogFile::new());
        Arc::make_mut(&mut self.client).key_log = log.clone();
        Arc::make_mut(&mut self.server).key_log = log;
        self
    }

    /// Returns random bytes from the cryptographic provider. A host needs them for the incarnation of its node and
    /// for each of its connections.
    ///
    /// # Errors
    /// Returns [`TlsError`] if the operating system provides no random bytes.
    pub fn random<const BYTES: usize>(&self) -> Result<[u8; BYTES], TlsError> {
        let mut bytes = [0; BYTES];
        let source = self.client.crypto_provider().secure_random;
        source.fill(&mut bytes).map_err(|error| TlsError::Tls(error.into()))?;
        Ok(bytes)
    }

    /// Returns the configuration of an initiator. The server name to connect to is [`Tls::server_name`].
    #[must_use]
    pub const fn client_config(&self) -> &Arc<ClientConfig> {
        &self.client
    }

    /// Returns the configuration of an acceptor.
    #[must_use]
    pub const fn server_config(&self) -> &Arc<ServerConfig> {
        &self.server
    }

    /// Returns [`SERVER_NAME`] in the type that rustls and its wrappers accept.
    #[must_use]
    pub fn server_name(&self) -> ServerName<'static> {
        //= spec/handshake.md#hs-tls-001
        //# An initiator MUST send the server name `snow-node`, whatever host it dials.
        self.server_name.clone()
    }

    /// Returns the names that the peer's certificate covers, for
    /// [`Connection::certified`](crate::core::Connection::certified) or
    /// [`Input::Certified`](crate::core::host::Input::Certified).
    ///
    /// Returns `None` if this node does not require certificates. The host must then call
    /// [`Connection::secured`](crate::core::Connection::secured), or pass
    /// [`Input::Secured`](crate::core::host::Input::Secured). Do not use the result before the TLS handshake is
    /// complete, because it may contain no names.
    #[must_use]
    pub fn certified<D>(&self, connection: &ConnectionCommon<D>) -> Option<Certified> {
        self.requires.then(|| certified(connection))
    }

    /// Creates a connection of an initiator. The connection does no I/O; the host moves its bytes.
    ///
    /// # Errors
    /// Returns [`TlsError`] if the operating system provides no random bytes.
    pub fn client(&self) -> Result<ClientConnection, TlsError> {
        Ok(ClientConnection::new(self.client.clone(), self.server_name())?)
    }

    /// Creates a connection of an acceptor. The connection does no I/O; the host moves its bytes.
    ///
    /// # Errors
    /// Returns [`TlsError`] if the operating system provides no random bytes.
    pub fn server(&self) -> Result<ServerConnection, TlsError> {
        Ok(ServerConnection::new(self.server.clone())?)
    }

    /// Creates the initiator's side of TLS over a TCP connection that is established already. Nothing is read or
    /// written yet; call [`TlsStream::handshake`] or [`TlsStream::input`] next.
    ///
    /// # Errors
    /// Returns an error if the operating system provides no random bytes.
    pub fn connect(&self, stream: TcpStream) -> std::io::Result<TlsStream> {
        Ok(TlsStream::new(self.client().map_err(std::io::Error::other)?.into(), stream, self.requires))
    }

    /// Listens at the host and port in this name. With port 0 the operating system chooses a port. Returns the
    /// listener and the settings for a [`Host`](crate::core::Host) with this name, in which the actual port replaces
    /// port 0.
    ///
    /// # Errors
    /// Returns an error of the kind `InvalidInput` if the name is not a valid node name, the socket's error if the
    /// address cannot be bound, and another error if the operating system provides no random bytes.
    pub fn listen(
        &self,
        name: &str,
        cookies: impl Into<Cookies>,
    ) -> std::io::Result<(TcpListener, Settings)> {
        let invalid = |error| std::io::Error::new(ErrorKind::InvalidInput, error);
        let name = NodeName::parse(name).map_err(invalid)?;
        let listener = TcpListener::bind(format!("{}:{}", name.host(), name.port()))?;
        let name = format!("{}@{}:{}", name.name(), name.host(), listener.local_addr()?.port());
        let name = NodeName::parse(&name).map_err(invalid)?;
        let settings = Settings::new(name, cookies, self.random().map_err(std::io::Error::other)?);
        Ok((listener, settings))
    }

    /// Connects to the node with this name, `name@host:port`, and prepares TLS as [`connect`](Self::connect) does.
    ///
    /// The addresses of the host are tried one after the other, for at most [`CONNECT_DEADLINE`] (5 s) altogether;
    /// each attempt gets an equal part of the time that is left. Before that, the operating system looks up the host
    /// name, which can take longer.
    ///
    /// # Errors
    /// Returns the error of the last address, or an error if the host is unknown or has no address.
    pub fn dial(&self, name: &str) -> std::io::Result<TlsStream> {
        let address = name.split_once('@').map_or(name, |(_, address)| address);
        let addresses: Vec<_> = address.to_socket_addrs()?.collect();
        let (mut failed, mut left) = (ErrorKind::AddrNotAvailable.into(), CONNECT_DEADLINE);
        for (address, untried) in addresses.iter().zip((1..=addresses.len()).rev()) {
            #[expect(clippy::disallowed_methods, reason = "this is what blocks, and core is not told")]
            let begun = Instant::now();
            let part = left / u32::try_from(untried).unwrap_or(u32::MAX);
            // A time of zero would be an error of another kind.
            match TcpStream::connect_timeout(address, part.max(Duration::from_millis(1))) {
                Ok(stream) => return self.connect(stream),
                Err(error) => failed = error,
            }
            left = left.saturating_sub(begun.elapsed());
        }
        Err(failed)
    }

    /// Creates the acceptor's side of TLS over an accepted TCP connection. Nothing is read or written yet; call
    /// [`TlsStream::handshake`] or [`TlsStream::input`] next.
    ///
    /// # Errors
    /// Returns an error as [`connect`](Self::connect) does.
    pub fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream> {
        Ok(TlsStream::new(self.server().map_err(std::io::Error::other)?.into(), stream, self.requires))
    }
}

fn server_config(
    provider: Arc<CryptoProvider>,
    shown: Arc<CertifiedKey>,
    anchored: Option<&Anchored>,
) -> Result<ServerConfig, TlsError> {
    let config =
        ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13])?;
    //= spec/handshake.md#hs-crt-002
    //# An acceptor that requires certificates MUST ask the initiator for one.
    let config = match anchored {
        Some(anchored) => config.with_client_cert_verifier(anchored.of_clients.clone()),
        None => config.with_no_client_auth(),
    };
    let mut config = config.with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
    //= spec/handshake.md#hs-tls-003
    //# An acceptor SHOULD select the application protocol `snow-dist/1` if offered.
    config.alpn_protocols = vec![ALPN.to_vec()];
    //= spec/handshake.md#hs-tls-010
    //# A node MUST NOT resume a TLS session.
    //= spec/handshake.md#hs-tls-011
    //# An acceptor SHOULD NOT issue session tickets.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

fn client_config(
    provider: Arc<CryptoProvider>,
    own: Option<Arc<CertifiedKey>>,
    anchored: Option<Arc<Anchored>>,
) -> Result<ClientConfig, TlsError> {
    //= spec/handshake.md#hs-crt-001
    //# A node MUST NOT require certificates unless its operator has asked for that.
    let verifier: Arc<dyn ServerCertVerifier> = match anchored {
        Some(anchored) => anchored,
        None => Arc::new(AnyCertificate(provider.clone())),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    //= spec/handshake.md#hs-crt-003
    //# A node that its operator has given a certificate MUST present that as acceptor, and as initiator when
    //# asked for one.
    let mut config = match own {
        Some(own) => config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own))),
        None => config.with_no_client_auth(),
    };
    //= spec/handshake.md#hs-tls-002
    //# An initiator SHOULD offer the application protocol `snow-dist/1`.
    //= spec/handshake.md#hs-tls-004
    //# A node MUST NOT end a connection because the other end offers or selects no application protocol.
    config.alpn_protocols = vec![ALPN.to_vec()];
    //= spec/handshake.md#hs-tls-010
    //# A node MUST NOT resume a TLS session.
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(config)
}

/// Returns the names that the certificate of the peer covers.
fn certified<D>(connection: &ConnectionCommon<D>) -> Certified {
    connection.peer_certificates().map(certificate::names_of).unwrap_or_default()
}

/// Returns the exporter of a channel, to which the proofs of Snow DIST's handshake are bound (RFC 9266). Both ends of
/// a channel have the same exporter, and every channel has a different one.
///
/// # Errors
/// Returns [`TlsError::Tls`] before the TLS handshake is complete.
pub fn exporter<D>(connection: &ConnectionCommon<D>) -> Result<[u8; EXPORTER_BYTES], TlsError> {
    Ok(connection.export_keying_material([0; EXPORTER_BYTES], EXPORTER_LABEL, Some(&[]))?)
}
