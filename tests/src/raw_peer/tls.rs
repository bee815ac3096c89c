//! Both ends of TLS, with a certificate that nobody vouches for.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, ServerConfig, SignatureScheme, SupportedProtocolVersion,
};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::Wire;
use crate::program::within;

/// A TLS 1.3 connection to `host:port`.
pub async fn connect(address: &str) -> Wire {
    connect_from(Ipv4Addr::LOCALHOST, address).await.unwrap()
}

/// The same from another address of this machine.
///
/// # Errors
/// TCP or TLS fails: the other end does not want it.
pub async fn connect_from(from: Ipv4Addr, address: &str) -> std::io::Result<Wire> {
    connect_with(from, address, &rustls::version::TLS13).await
}

/// The same over TLS 1.2.
///
/// # Errors
/// As [`connect_from`].
pub async fn connect_tls12(address: &str) -> std::io::Result<Wire> {
    connect_with(Ipv4Addr::LOCALHOST, address, &rustls::version::TLS12).await
}

async fn connect_with(
    from: Ipv4Addr,
    address: &str,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<Wire> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let address: SocketAddr = address.parse().unwrap();
    let tcp = within("a TCP connection", socket.connect(address)).await?;
    tcp.set_nodelay(true)?;
    connect_over(tcp, version).await
}

/// TLS 1.3 over a TCP connection that is there.
///
/// # Errors
/// TLS fails: the other end does not want it.
pub async fn over(tcp: TcpStream) -> std::io::Result<Wire> {
    connect_over(tcp, &rustls::version::TLS13).await
}

async fn connect_over(tcp: TcpStream, version: &'static SupportedProtocolVersion) -> std::io::Result<Wire> {
    let name = ServerName::try_from("snow-node").unwrap();
    let connecting = TlsConnector::from(Arc::new(client_config(version))).connect(name, tcp);
    Ok(Wire::new(within("TLS", connecting).await?.into()))
}

/// How an initiator is set up here, which offers no application protocol.
#[must_use]
pub fn client_config(version: &'static SupportedProtocolVersion) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Any))
        .with_no_client_auth()
}

/// How an acceptor is set up here, which selects no application protocol.
#[must_use]
pub fn server_config() -> ServerConfig {
    let made = rcgen::generate_simple_self_signed(["not-a-node".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap()
}

/// Takes connections.
pub struct Listener {
    tcp: TcpListener,
    tls: TlsAcceptor,
}

impl Listener {
    /// At any port of this machine.
    pub async fn bind() -> Self {
        Self::bind_at(Ipv4Addr::LOCALHOST, 0).await
    }

    /// At one of its addresses.
    pub async fn bind_at(address: Ipv4Addr, port: u16) -> Self {
        let tcp = TcpListener::bind((IpAddr::from(address), port)).await.unwrap();
        Self { tcp, tls: TlsAcceptor::from(Arc::new(server_config())) }
    }

    /// A node of this name that is found here.
    #[must_use]
    pub fn name(&self, name: &str) -> String {
        format!("{name}@{}", self.tcp.local_addr().unwrap())
    }

    /// The next TCP connection, with nothing said on it.
    pub async fn accept_tcp(&self) -> TcpStream {
        let tcp = within("a TCP connection", self.tcp.accept()).await.unwrap().0;
        tcp.set_nodelay(true).unwrap();
        tcp
    }

    /// The next connection.
    pub async fn accept(&self) -> Wire {
        let tcp = self.accept_tcp().await;
        Wire::new(within("TLS", self.tls.accept(tcp)).await.unwrap().into())
    }
}

#[derive(Debug)]
struct Any;

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
