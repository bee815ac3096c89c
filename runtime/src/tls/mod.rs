//! TLS as the protocol asks for it: for hosts that bring their own sockets and threads, and for `Node`, which brings
//! tokio's. Specification: `handshake.md`, "Transport". (Feature `rustls`, with `aws-lc-rs` or `ring`.)
//!
//! [`Tls::new`] makes all that a node needs: TLS 1.3 alone, the server name and the application protocol of Snow DIST,
//! no tickets, no resumption, and a certificate that is made anew at each start. No certificate is trusted. Who the peer
//! is, the handshake of Snow DIST proves, and its proofs hold the [`exporter`] of the channel on which they are sent.
//! So each host must hand that exporter to the protocol, and never that of another connection.
//!
//! # Three ways to use it
//! - [`Tls::connect`] and [`Tls::accept`] take a [`TcpStream`] and return a [`TlsStream`] that two threads share: one reads, one
//!   writes. With [`TlsStream::input`] and [`TlsStream::output`] it serves an event loop as well.
//! - [`Tls::client`] and [`Tls::server`] return connections of rustls, which do no I/O, for streams of another kind (io_uring).
//! - [`Tls::client_config`] and [`Tls::server_config`] are for wrappers such as `tokio-rustls`. The name to connect to
//!   is then [`Tls::server_name`].
//!
//! # Example
//! Two connections in memory; their exporters are the same.
//!
//! ```
//! use snow_dist_runtime::tls::{ALPN, Tls, exporter, rustls::ConnectionCommon};
//!
//! /// Carries what one end wants to write to the other end.
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
//! // Each node has its own.
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
mod stream;

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::{ClientConnection, Resumption};
use rustls::pki_types::ServerName;
use rustls::server::{NoServerSessionStorage, ServerConnection};
use rustls::{ClientConfig, ConnectionCommon, KeyLogFile, ServerConfig};
use snow_dist_codec::NodeName;
use snow_dist_codec::handshake::proof::PROOF_BYTES;

use crate::core::Cookies;
use crate::core::host::Settings;
use crate::core::limits::CONNECT_DEADLINE;
use certificate::AnyCertificate;

pub use snow_dist_codec::handshake::proof::EXPORTER_LABEL;
pub use stream::TlsStream;
/// The library whose types [`Tls`] hands out, in the version that it uses.
pub use {rustls, rustls::Error as RustlsError};

#[cfg(feature = "aws-lc-rs")]
use rustls::crypto::aws_lc_rs as cryptography;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use rustls::crypto::ring as cryptography;

/// The server name that each initiator sends, whatever host it dials.
pub const SERVER_NAME: &str = "snow-node";

/// The application protocol that an initiator offers and an acceptor selects. A connection is good without it.
pub const ALPN: &[u8] = b"snow-dist/1";

/// Bytes of the [`exporter`].
pub const EXPORTER_BYTES: usize = PROOF_BYTES;

/// TLS cannot be set up, or has not come so far.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The node's key or certificate cannot be made, for example because the system gives no random bytes.
    #[error("TLS cannot be set up: no certificate: {0}")]
    Certificate(String),
    /// The TLS library refuses.
    #[error("TLS: {0}")]
    Tls(#[from] RustlsError),
}

/// Both roles of a node's TLS. A node makes it once, when it starts. A clone costs two reference counts.
#[derive(Clone, Debug)]
pub struct Tls {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    server_name: ServerName<'static>,
}

impl Tls {
    /// Makes a key, a certificate and the configuration of both roles.
    ///
    /// # Errors
    /// Returns [`TlsError`] if the key or the certificate cannot be made.
    pub fn new() -> Result<Self, TlsError> {
        let provider = Arc::new(cryptography::default_provider());
        let (certificate, key) = certificate::make(SERVER_NAME)?;

        let mut server = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        //= spec/handshake.md#hs-tls-003
        //# An acceptor SHOULD select the application protocol `snow-dist/1` if it is offered.
        server.alpn_protocols = vec![ALPN.to_vec()];
        //= spec/handshake.md#hs-tls-010
        //# A node MUST NOT resume a TLS session.
        //= spec/handshake.md#hs-tls-011
        //# An acceptor SHOULD NOT issue session tickets.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        server.max_early_data_size = 0;

        let mut client = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth();
        //= spec/handshake.md#hs-tls-002
        //# An initiator SHOULD offer the application protocol `snow-dist/1`.
        //= spec/handshake.md#hs-tls-004
        //# A node MUST NOT end a connection because the other end did not offer or did not select an application
        //# protocol.
        client.alpn_protocols = vec![ALPN.to_vec()];
        //= spec/handshake.md#hs-tls-010
        //# A node MUST NOT resume a TLS session.
        client.resumption = Resumption::disabled();
        client.enable_early_data = false;

        Ok(Self {
            client: Arc::new(client),
            server: Arc::new(server),
            server_name: ServerName::try_from(SERVER_NAME)
                .map_err(|error| RustlsError::General(error.to_string()))?,
        })
    }

    /// Writes the keys of all channels to the file that the environment variable `SSLKEYLOGFILE` names, so that tools
    /// can read captures of the traffic. Without that variable nothing is written.
    ///
    /// Whoever has the file can read all that this node says and hears. It is meant for debugging.
    #[must_use]
    pub fn with_key_log(mut self) -> Self {
        let log = Arc::new(KeyLogFile::new());
        Arc::make_mut(&mut self.client).key_log = log.clone();
        Arc::make_mut(&mut self.server).key_log = log;
        self
    }

    /// Random bytes of the provider's cryptographic source: for the incarnation of a node, and for each of its connections.
    ///
    /// # Errors
    /// Returns [`TlsError`] if the system gives none.
    pub fn random<const BYTES: usize>(&self) -> Result<[u8; BYTES], TlsError> {
        let mut bytes = [0; BYTES];
        let source = self.client.crypto_provider().secure_random;
        source.fill(&mut bytes).map_err(|error| TlsError::Tls(error.into()))?;
        Ok(bytes)
    }

    /// The configuration of an initiator. Connect to [`Tls::server_name`] with it.
    #[must_use]
    pub const fn client_config(&self) -> &Arc<ClientConfig> {
        &self.client
    }

    /// The configuration of an acceptor.
    #[must_use]
    pub const fn server_config(&self) -> &Arc<ServerConfig> {
        &self.server
    }

    /// [`SERVER_NAME`] in the type in which rustls and its wrappers take it.
    #[must_use]
    pub fn server_name(&self) -> ServerName<'static> {
        //= spec/handshake.md#hs-tls-001
        //# An initiator MUST send the server name `snow-node`, whatever host it dials.
        self.server_name.clone()
    }

    /// A new connection of an initiator, which does no I/O.
    ///
    /// # Errors
    /// Returns [`TlsError`] if the system gives no random bytes.
    pub fn client(&self) -> Result<ClientConnection, TlsError> {
        Ok(ClientConnection::new(self.client.clone(), self.server_name())?)
    }

    /// A new connection of an acceptor, which does no I/O.
    ///
    /// # Errors
    /// Returns [`TlsError`] if the system gives no random bytes.
    pub fn server(&self) -> Result<ServerConnection, TlsError> {
        Ok(ServerConnection::new(self.server.clone())?)
    }

    /// TLS of an initiator over a blocking TCP connection. Nothing is read or written yet:
    /// [`TlsStream::handshake`] comes next.
    ///
    /// # Errors
    /// Returns an error if the system gives no random bytes.
    pub fn connect(&self, stream: TcpStream) -> std::io::Result<TlsStream> {
        Ok(TlsStream::new(self.client().map_err(std::io::Error::other)?.into(), stream))
    }

    /// Listens where this name says, with port 0 at a port of the system's choice, and gives what a
    /// [`Host`](crate::core::Host) of that name is made of, the real port in it.
    ///
    /// # Errors
    /// Returns an error of the kind `InvalidInput` if the name is no node's, the socket's error if the address cannot be bound, and
    /// another one if the system gives no random bytes.
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

    /// Connects to the node of this name, `name@host:port`, and makes ready for TLS as [`connect`](Self::connect) does. The
    /// addresses of the host are tried one after the other, each for its part of what is left of
    /// [`CONNECT_DEADLINE`]. That the system finds them can take longer.
    ///
    /// # Errors
    /// Returns the last address's error, or one that says that the host is not known or has none.
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

    /// TLS of an acceptor over a blocking TCP connection. Nothing is read or written yet:
    /// [`TlsStream::handshake`] comes next.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream> {
        Ok(TlsStream::new(self.server().map_err(std::io::Error::other)?.into(), stream))
    }
}

/// The exporter of a channel, to which the proofs of Snow DIST's handshake are bound (RFC 9266). Both ends of a channel
/// have the same, and no other channel has it.
///
/// # Errors
/// Returns [`TlsError::Tls`] before the TLS handshake is complete.
pub fn exporter<D>(connection: &ConnectionCommon<D>) -> Result<[u8; EXPORTER_BYTES], TlsError> {
    Ok(connection.export_keying_material([0; EXPORTER_BYTES], EXPORTER_LABEL, Some(&[]))?)
}
