//! Both ends of TLS, with a certificate that nobody vouches for, or one that a case wants, and no check of the other's:
//! who is at the other end is what the handshake of Snow DIST is for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};
use rustls::{ProtocolVersion, SupportedProtocolVersion};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::certificates::Issued;

/// The application protocol of Snow DIST.
pub const ALPN: &[u8] = b"snow-dist/1";

/// The server name that every initiator sends.
pub const SERVER_NAME: &str = "snow-node";

/// TCP's connect to an address, and TLS on it, take no longer.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// What of TLS a case can choose.
#[derive(Clone, Debug)]
pub struct Offer {
    /// TLS 1.2 instead of 1.3.
    pub tls12: bool,
    /// Whether the application protocol is offered, or selected.
    pub alpn: bool,
    /// A certificate that is not valid any more, of nobody's.
    pub expired: bool,
    /// What is presented: by an acceptor in the place of a certificate of nobody's, by an initiator if it is asked.
    pub presents: Option<Arc<Issued>>,
    /// An acceptor asks for a certificate, and takes any, and none.
    pub asks: bool,
}

impl Offer {
    /// TLS 1.3 with the application protocol.
    pub const USUAL: Self = Self { tls12: false, alpn: true, expired: false, presents: None, asks: false };
}

impl Default for Offer {
    fn default() -> Self {
        Self::USUAL
    }
}

impl Offer {
    const fn version(&self) -> &'static SupportedProtocolVersion {
        if self.tls12 { &rustls::version::TLS12 } else { &rustls::version::TLS13 }
    }

    fn protocols(&self) -> Vec<Vec<u8>> {
        if self.alpn { vec![ALPN.to_vec()] } else { Vec::new() }
    }

    /// How an initiator is set up that offers this. Every certificate will do for it, and it has none.
    ///
    /// # Errors
    /// The library does not know such TLS.
    pub fn initiator(&self) -> std::io::Result<ClientConfig> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[self.version()])
            .map_err(std::io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Any))
            .with_no_client_auth();
        config.alpn_protocols = self.protocols();
        Ok(config)
    }

    /// How an acceptor is set up that takes this.
    ///
    /// # Errors
    /// The library does not know such TLS, or makes no certificate.
    pub fn acceptor(&self) -> std::io::Result<ServerConfig> {
        let Issued { chain, key } = match &self.presents {
            Some(issued) => Issued::clone(issued),
            None => self.of_nobody()?,
        };
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[self.version()])
            .map_err(std::io::Error::other)?;
        let builder = match self.asks {
            true => builder.with_client_cert_verifier(Arc::new(Any)),
            false => builder.with_no_client_auth(),
        };
        let config = builder.with_single_cert(chain, PrivateKeyDer::Pkcs8(key.into()));
        let mut config = config.map_err(std::io::Error::other)?;
        config.alpn_protocols = self.protocols();
        Ok(config)
    }

    /// A certificate for another name than a node's, which it has signed itself.
    fn of_nobody(&self) -> std::io::Result<Issued> {
        let key = KeyPair::generate().map_err(std::io::Error::other)?;
        let mut params = CertificateParams::new(["not-a-node".to_owned()]).map_err(std::io::Error::other)?;
        if self.expired {
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 1, 2));
        }
        let certificate = params.self_signed(&key).map_err(std::io::Error::other)?;
        Ok(Issued { chain: vec![certificate.der().clone()], key: key.serialize_der() })
    }

    /// What an initiator presents.
    fn shown(&self) -> std::io::Result<Shown> {
        let key = self.presents.as_ref().map(|issued| {
            let key = PrivateKeyDer::Pkcs8(issued.key.clone().into());
            CertifiedKey::from_der(issued.chain.clone(), key, &aws_lc_rs::default_provider()).map(Arc::new)
        });
        let key = key.transpose().map_err(std::io::Error::other)?;
        Ok(Shown { key, was_asked: AtomicBool::new(false) })
    }
}

/// What TLS knows of the other end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// TLS 1.3 was agreed on.
    pub tls13: bool,
    /// The application protocol that was agreed on.
    pub alpn: Option<Vec<u8>>,
    /// The server name that the subject sent, if it dialled.
    pub server_name: Option<String>,
    /// The subject asked for a certificate, if it was dialled.
    pub asked: bool,
}

/// A TLS connection to `host:port`.
pub(crate) async fn dial(address: &str, offer: Offer) -> std::io::Result<(TlsStream<TcpStream>, Facts)> {
    let tcp = in_time(TcpStream::connect(address)).await?;
    tcp.set_nodelay(true)?;
    let mut config = offer.initiator()?;
    config.resumption = Resumption::disabled();
    let shown = Arc::new(offer.shown()?);
    config.client_auth_cert_resolver = Arc::<Shown>::clone(&shown);
    let name = ServerName::try_from(SERVER_NAME).map_err(std::io::Error::other)?;
    let stream = in_time(TlsConnector::from(Arc::new(config)).connect(name, tcp)).await?;
    let session = stream.get_ref().1;
    let facts = Facts {
        tls13: session.protocol_version() == Some(ProtocolVersion::TLSv1_3),
        alpn: session.alpn_protocol().map(<[u8]>::to_vec),
        server_name: None,
        asked: shown.was_asked.load(Ordering::Relaxed),
    };
    Ok((stream.into(), facts))
}

async fn in_time<T>(coming: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    match tokio::time::timeout(CONNECT_DEADLINE, coming).await {
        Ok(come) => come,
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    }
}

/// Takes a subject's connections.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
}

impl Listener {
    /// Listens at an address; at port 0 the system chooses one.
    ///
    /// # Errors
    /// What the system says.
    pub async fn bind(at: SocketAddr) -> std::io::Result<Self> {
        Ok(Self { tcp: TcpListener::bind(at).await? })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// The next connection, with nothing said on it.
    ///
    /// # Errors
    /// What the system says.
    pub async fn accept_tcp(&self) -> std::io::Result<TcpStream> {
        let tcp = self.tcp.accept().await?.0;
        tcp.set_nodelay(true)?;
        Ok(tcp)
    }
}

/// TLS over a connection that was taken.
pub(crate) async fn accept(tcp: TcpStream, offer: Offer) -> std::io::Result<(TlsStream<TcpStream>, Facts)> {
    let mut config = offer.acceptor()?;
    config.send_tls13_tickets = 0;
    let stream = in_time(TlsAcceptor::from(Arc::new(config)).accept(tcp)).await?;
    let session = stream.get_ref().1;
    let facts = Facts {
        tls13: session.protocol_version() == Some(ProtocolVersion::TLSv1_3),
        alpn: session.alpn_protocol().map(<[u8]>::to_vec),
        server_name: session.server_name().map(str::to_owned),
        asked: false,
    };
    Ok((stream.into(), facts))
}

/// What an initiator presents, and whether it was asked for that.
#[derive(Debug)]
struct Shown {
    key: Option<Arc<CertifiedKey>>,
    was_asked: AtomicBool,
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was_asked.store(true, Ordering::Relaxed);
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Every certificate will do.
#[derive(Debug)]
struct Any;

impl ClientCertVerifier for Any {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls12_signature(self, message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls13_signature(self, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ServerCertVerifier::supported_verify_schemes(self)
    }
}

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
