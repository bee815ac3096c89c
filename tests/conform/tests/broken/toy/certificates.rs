//! Certificates: what a toy presents, and which it takes. It looks at those of its peers when TLS is there.

use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use serde_json::Value;
use snow_dist_codec::NodeName;
use snow_dist_conform::wire::{Issued, Offer, Wire};
use webpki::EndEntityCert;

use super::Toy;
use super::handshake::completed;
use crate::defects::Defect;

/// What the operator has given a toy.
pub(super) struct Certificates {
    own: Arc<Issued>,
    anchors: Arc<dyn ClientCertVerifier>,
    required: bool,
}

/// What TLS knows of a peer.
pub(super) struct Channel {
    pub(super) exporter: [u8; 32],
    /// The names for which its certificate speaks, if it needs one.
    names: Option<Vec<String>>,
}

impl Channel {
    pub(super) fn speaks_for(&self, name: &str) -> bool {
        self.names.as_ref().is_none_or(|names| names.iter().any(|certified| certified == name))
    }
}

impl Certificates {
    pub(super) fn of(given: &Value) -> Option<Self> {
        let text = |name: &str| given[name].as_str().unwrap_or_default().as_bytes();
        let certificates = |name: &str| CertificateDer::pem_slice_iter(text(name)).map(Result::unwrap);
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates("trust"));
        let key = PrivatePkcs8KeyDer::from_pem_slice(text("key")).ok()?;
        let own = Issued { chain: certificates("chain").collect(), key: key.secret_pkcs8_der().to_vec() };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let anchors = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        Some(Self { own: Arc::new(own), anchors, required: given["required"] == true })
    }
}

impl Toy {
    /// TLS as it speaks it.
    pub(super) fn offer(&self) -> Offer {
        let own = self.certificates.as_ref().filter(|_| !self.has(Defect::CertificateKept));
        Offer {
            alpn: !self.has(Defect::NoAlpn),
            presents: own.map(|given| Arc::clone(&given.own)),
            asks: self.certificates.is_some() && !self.has(Defect::CertificateUnasked),
            ..Offer::default()
        }
    }

    /// What it knows of the peer; nothing if the certificate is one that it does not take.
    pub(super) fn channel(&self, wire: &Wire) -> Option<Channel> {
        let exporter = wire.exporter();
        let requires = |given: &&Certificates| given.required || self.has(Defect::RequiresUnasked);
        let Some(given) = self.certificates.as_ref().filter(requires) else {
            return Some(Channel { exporter, names: None });
        };
        let Some((own, others)) = wire.certificates().split_first() else {
            return self.has(Defect::NoneWillDo).then_some(Channel { exporter, names: None });
        };
        let now = match self.has(Defect::ExpiredWillDo) {
            // Long ago: what is not valid any more was so then.
            true => UnixTime::since_unix_epoch(Duration::from_secs(YEAR_2020)),
            false => UnixTime::now(),
        };
        let is_good = given.anchors.verify_client_cert(own, others, now).is_ok();
        if !is_good && !self.has(Defect::AnyChainWillDo) {
            return None;
        }
        let chain =
            if self.has(Defect::IssuersSpeak) { wire.certificates() } else { std::slice::from_ref(own) };
        let names: Vec<_> = chain.iter().flat_map(|certificate| self.names_of(certificate)).collect();
        let unchecked =
            self.has(Defect::NameUncertified) || names.is_empty() && self.has(Defect::NoUriIsAnyUri);
        Some(Channel { exporter, names: (!unchecked).then_some(names) })
    }

    fn names_of(&self, certificate: &CertificateDer<'_>) -> Vec<String> {
        let Ok(parsed) = EndEntityCert::try_from(certificate) else { return Vec::new() };
        parsed.valid_uri_names().filter_map(|uri| self.name_in(uri)).collect()
    }

    fn name_in(&self, uri: &str) -> Option<String> {
        let (scheme, text) = uri.split_once(':')?;
        let is_escape = |behind: &str| {
            behind.get(..2).is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
        };
        if !scheme.eq_ignore_ascii_case("snow-dist") || !text.split('%').skip(1).all(is_escape) {
            return None;
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
        let name = match self.defect {
            Some(Defect::EscapesUndecoded) => text.to_owned(),
            Some(Defect::EscapesDecodedTwice) => decoded(&decoded(text)?)?,
            _ => decoded(text)?,
        };
        NodeName::parse(&name).is_ok().then(|| completed(&name))
    }
}

/// A second of the first day of 2020.
const YEAR_2020: u64 = 1_577_836_801;
