//! Certificates as operators have them made, and peers that present them.

use std::sync::Arc;

use data_encoding::BASE64;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ServerConfig};
use snow_dist_runtime::Node;
use snow_dist_runtime::tls::Certificates;
use snow_dist_tests::program::node;
use snow_dist_tests::raw_peer::{client_config, server_config};

/// Who signs certificates.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, and those that lead from it to an anchor.
    chain: Vec<CertificateDer<'static>>,
    anchor: CertificateDer<'static>,
}

/// A certificate with its key.
pub(super) struct Issued {
    pub(super) chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

impl Authority {
    /// A trust anchor.
    pub(super) fn new(name: &str) -> Self {
        let (params, key) = Self::params(name);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), chain: Vec::new(), anchor: certificate }
    }

    /// One that this one has signed.
    pub(super) fn delegate(&self, name: &str) -> Self {
        let (params, key) = Self::params(name);
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let chain = [vec![certificate], self.chain.clone()].concat();
        Self { issuer: Issuer::new(params, key), chain, anchor: self.anchor.clone() }
    }

    fn params(name: &str) -> (CertificateParams, KeyPair) {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        (params, KeyPair::generate().unwrap())
    }

    /// A certificate that has these URIs.
    pub(super) fn issue(&self, uris: &[&str]) -> Issued {
        self.issue_with(uris, |_| {})
    }

    /// The same, with something changed.
    pub(super) fn issue_with(&self, uris: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params = CertificateParams::default();
        params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Issued { chain: [vec![certificate], self.chain.clone()].concat(), key: key.serialize_der() }
    }

    /// Certificates for the node of this name, which trusts this authority.
    pub(super) fn certificates(&self, name: &str) -> Certificates {
        let issued = self.issue(&[&format!("snow-dist:{name}")]);
        Certificates::pem(issued.chain_pem(), issued.key_pem(), self.anchor_pem())
    }

    pub(super) fn anchor_pem(&self) -> String {
        pem("CERTIFICATE", &self.anchor)
    }

    /// A node of this machine that requires certificates of this authority.
    pub(super) async fn node(&self, name: &str) -> Node {
        let node = node(name).await;
        node.set_certificates(self.certificates(node.name())).unwrap();
        node
    }
}

impl Issued {
    pub(super) fn chain_pem(&self) -> String {
        self.chain.iter().map(|certificate| pem("CERTIFICATE", certificate)).collect()
    }

    pub(super) fn key_pem(&self) -> String {
        pem("PRIVATE KEY", &self.key)
    }

    fn certified(&self) -> Arc<SingleCertAndKey> {
        let key = PrivatePkcs8KeyDer::from(self.key.clone()).into();
        let provider = client_config().crypto_provider().clone();
        Arc::new(CertifiedKey::from_der(self.chain.clone(), key, &provider).unwrap().into())
    }

    /// A peer that presents it, and takes any itself, as initiator.
    pub(super) fn initiator(&self) -> ClientConfig {
        let mut config = client_config();
        config.client_auth_cert_resolver = self.certified();
        config
    }

    /// The same as acceptor.
    pub(super) fn acceptor(&self) -> ServerConfig {
        let mut config = server_config();
        config.cert_resolver = self.certified();
        config
    }
}

/// The text of a certificate or key, as files have it.
fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
