//! Certificates of a run, and the authorities that sign them. Specification: `handshake.md`, "Certificates".

use std::io;

use data_encoding::BASE64;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
    date_time_ymd,
};
use rustls::pki_types::CertificateDer;

/// Those who sign certificates. They are made once for each run.
#[derive(Debug)]
pub struct Authorities {
    /// Its certificate is the trust anchor of subjects.
    pub trusted: Authority,
    /// It has the same name, and no subject trusts it.
    pub untrusted: Authority,
}

impl Authorities {
    /// Makes their keys.
    ///
    /// # Errors
    /// Returns an error if no key can be made, for example because the system has no random bytes.
    pub fn new() -> io::Result<Self> {
        Ok(Self { trusted: Authority::new()?, untrusted: Authority::new()? })
    }
}

/// Who signs certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    anchor: CertificateDer<'static>,
}

/// What a certificate says.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The URIs among its subject alternative names.
    pub uris: Vec<String>,
    /// Those of the certificate that has signed it.
    pub issuer_uris: Vec<String>,
    /// The common name of its subject.
    pub common_name: Option<String>,
    /// It is not valid any more.
    pub expired: bool,
}

/// A certificate with its key.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate, and behind it those that lead to the anchor.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key, as PKCS #8.
    pub key: Vec<u8>,
}

impl Authority {
    fn new() -> io::Result<Self> {
        let (params, key) = authority("authority", &[])?;
        let anchor = params.self_signed(&key).map_err(io::Error::other)?.der().clone();
        Ok(Self { issuer: Issuer::new(params, key), anchor })
    }

    /// Returns the certificate of this authority as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.anchor)
    }

    /// Makes a certificate that says this. Between it and the anchor stands one more.
    ///
    /// # Errors
    /// Returns an error if a URI is not ASCII, or no key can be made.
    pub fn issue(&self, wanted: &Wanted) -> io::Result<Issued> {
        let (params, between_key) = authority("between", &wanted.issuer_uris)?;
        let between = params.signed_by(&between_key, &self.issuer).map_err(io::Error::other)?;
        let issuer = Issuer::new(params, between_key);

        let mut params = params_of(wanted.common_name.as_deref().unwrap_or("node"), &wanted.uris)?;
        if wanted.expired {
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 1, 2));
        }
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &issuer).map_err(io::Error::other)?;
        Ok(Issued { chain: vec![certificate.der().clone(), between.der().clone()], key: key.serialize_der() })
    }
}

impl Issued {
    /// Returns the certificates as PEM.
    #[must_use]
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|certificate| pem("CERTIFICATE", certificate)).collect()
    }

    /// Returns the key as PEM.
    #[must_use]
    pub fn key_pem(&self) -> String {
        pem("PRIVATE KEY", &self.key)
    }
}

fn authority(name: &str, uris: &[String]) -> io::Result<(CertificateParams, KeyPair)> {
    let mut params = params_of(name, uris)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok((params, KeyPair::generate().map_err(io::Error::other)?))
}

fn params_of(common_name: &str, uris: &[String]) -> io::Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let uris = uris.iter().map(|uri| Ia5String::try_from(uri.as_str()).map(SanType::URI));
    params.subject_alt_names = uris.collect::<Result<_, _>>().map_err(io::Error::other)?;
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines: Vec<_> =
        text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
