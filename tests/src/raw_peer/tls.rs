//! Both ends of TLS, with a certificate that nobody vouches for.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use snow_dist_conform::wire::{Offer, SERVER_NAME};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::Wire;
use crate::program::within;

const OFFER: Offer = Offer { alpn: false, ..Offer::USUAL };

/// A TLS 1.3 connection to `host:port`.
pub async fn connect(address: &str) -> Wire {
    connect_from(Ipv4Addr::LOCALHOST, address).await.unwrap()
}

/// The same from another address of this machine.
///
/// # Errors
/// TCP or TLS fails: the other end does not want it.
pub async fn connect_from(from: Ipv4Addr, address: &str) -> std::io::Result<Wire> {
    connect_with(from, address, OFFER).await
}

/// The same over TLS 1.2.
///
/// # Errors
/// As [`connect_from`].
pub async fn connect_tls12(address: &str) -> std::io::Result<Wire> {
    connect_with(Ipv4Addr::LOCALHOST, address, Offer { tls12: true, ..OFFER }).await
}

async fn connect_with(from: Ipv4Addr, address: &str, offer: Offer) -> std::io::Result<Wire> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let address: SocketAddr = address.parse().unwrap();
    let tcp = within("a TCP connection", socket.connect(address)).await?;
    tcp.set_nodelay(true)?;
    connect_over(tcp, offer).await
}

/// TLS 1.3 over a TCP connection that is there.
///
/// # Errors
/// TLS fails: the other end does not want it.
pub async fn over(tcp: TcpStream) -> std::io::Result<Wire> {
    connect_over(tcp, OFFER).await
}

async fn connect_over(tcp: TcpStream, offer: Offer) -> std::io::Result<Wire> {
    over_with(tcp, offer.initiator()?).await
}

/// The same as this configuration has it.
///
/// # Errors
/// As [`over`].
pub async fn over_with(tcp: TcpStream, config: ClientConfig) -> std::io::Result<Wire> {
    let name = ServerName::try_from(SERVER_NAME).unwrap();
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, tcp);
    Ok(Wire::new(within("TLS", connecting).await?.into()))
}

/// How an initiator is set up here, which offers no application protocol and would resume.
#[must_use]
pub fn client_config() -> ClientConfig {
    OFFER.initiator().unwrap()
}

/// How an acceptor is set up here, which selects no application protocol and would resume.
#[must_use]
pub fn server_config() -> ServerConfig {
    OFFER.acceptor().unwrap()
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

    /// Takes them as this configuration has it.
    #[must_use]
    pub fn with_tls(mut self, config: ServerConfig) -> Self {
        self.tls = TlsAcceptor::from(Arc::new(config));
        self
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
        self.try_accept().await.unwrap()
    }

    /// The next connection, whose other end may not want it.
    ///
    /// # Errors
    /// TLS fails.
    pub async fn try_accept(&self) -> std::io::Result<Wire> {
        let tcp = self.accept_tcp().await;
        Ok(Wire::new(within("TLS", self.tls.accept(tcp)).await?.into()))
    }
}
