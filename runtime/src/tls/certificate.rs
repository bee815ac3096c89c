//! The certificate that a node generates for itself, and two verifiers for certificates of peers: one that accepts
//! any, and one that requires a chain to a trust anchor.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use webpki::{EndEntityCert, KeyUsage};

use super::TlsError;
use crate::core::handshake::Certified;

/// Generates a key, and a self-signed certificate for it.
pub(super) fn make(name: &str) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), TlsError> {
    let made = rcgen::generate_simple_self_signed([name.to_owned()])
        .map_err(|error| TlsError::Certificate(error.to_string()))?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    Ok((made.cert.into(), key.into()))
}

/// Returns `true` unless this is the certificate of a node or the like, which may sign for nobody. webpki takes whatever it is
/// given as an anchor, but says of an authority's certificate that it is not an end entity's.
pub(super) fn can_be_an_authority(certificate: &CertificateDer<'_>, provider: &CryptoProvider) -> bool {
    // Version 1 of X.509, which some authorities have, cannot say it.
    let Ok(parsed) = EndEntityCert::try_from(certificate) else { return true };
    let algorithms = provider.signature_verification_algorithms.all;
    let judged_at =
        |time| parsed.verify_for_usage(algorithms, &[], &[], time, KeyUsage::server_auth(), None, None).err();
    let judged = match judged_at(UnixTime::now()) {
        // Dates are looked at first, and are not what is asked for.
        Some(webpki::Error::CertExpired { not_after, .. }) => judged_at(not_after),
        Some(webpki::Error::CertNotValidYet { not_before, .. }) => judged_at(not_before),
        judged => judged,
    };
    judged == Some(webpki::Error::CaUsedAsEndEntity)
}

/// A verifier that accepts any certificate, if the peer has its key.
#[derive(Debug)]
pub(super) struct AnyCertificate(pub(super) Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    //= spec/handshake.md#hs-tls-007
    //# An initiator MUST NOT end a connection because of the acceptor's certificate, unless its operator has
    //# asked for that.
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

/// A verifier that accepts certificates with a chain to a trust anchor and valid dates, whatever names they have.
/// The handshake of Snow DIST checks the names, because only the handshake knows the name of the peer.
#[derive(Debug)]
pub(super) struct Anchored {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    /// The verifier of an acceptor, which requests a certificate from the initiator.
    pub(super) of_clients: Arc<dyn ClientCertVerifier>,
}

impl Anchored {
    pub(super) fn new(roots: RootCertStore, provider: &Arc<CryptoProvider>) -> Result<Self, rustls::Error> {
        let roots = Arc::new(roots);
        let of_clients = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone())
            // Whoever connects would learn the names of the authorities, and a long list would not fit into the message.
            .clear_root_hint_subjects()
            .build();
        let of_clients = of_clients.map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(Self { roots, provider: provider.clone(), of_clients })
    }

    /// Returns an error unless this chain is accepted now, in both roles.
    pub(super) fn judge(&self, chain: &[CertificateDer<'_>]) -> Result<(), rustls::Error> {
        let (end_entity, others) = chain.split_first().ok_or(rustls::Error::NoCertificatesPresented)?;
        let now = UnixTime::now();
        self.judge_server(end_entity, others, now)?;
        self.of_clients.verify_client_cert(end_entity, others, now).map(drop)
    }

    fn judge_server(
        &self,
        end_entity: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let end_entity = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&end_entity, &self.roots, others, now, algorithms)
    }
}

impl ServerCertVerifier for Anchored {
    //= spec/handshake.md#hs-crt-004
    //# A node that requires certificates MUST end a connection whose other end presents none, or one that does not lead to one
    //# of its trust anchors by certificates that are valid at that time.
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.judge_server(end_entity, others, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Returns the names that the first certificate of a chain covers.
pub(super) fn names_of(chain: &[CertificateDer<'_>]) -> Certified {
    let end_entity = chain.first().and_then(|certificate| EndEntityCert::try_from(certificate).ok());
    end_entity.map(|end_entity| Certified::by_uris(end_entity.valid_uri_names())).unwrap_or_default()
}
