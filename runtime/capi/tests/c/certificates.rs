//! Certificates for a node in Rust, and in files for a program in C or Python.

use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use snow_dist_runtime::tls::Certificates;

/// An authority that both nodes trust.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    anchor: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let anchor = pem("CERTIFICATE", params.self_signed(&key).unwrap().der());
        Self { issuer: Issuer::new(params, key), anchor }
    }

    /// The certificate and the key of a node.
    fn issue(&self, name: &str) -> [String; 2] {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(format!("snow-dist:{name}").try_into().unwrap())];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        [pem("CERTIFICATE", certificate.der()), pem("PRIVATE KEY", &key.serialize_der())]
    }

    pub(crate) fn certificates(&self, name: &str) -> Certificates {
        let [chain, key] = self.issue(name);
        Certificates::pem(chain, key, self.anchor.as_str())
    }

    /// Writes `chain.pem`, `key.pem` and `anchors.pem`.
    fn write(&self, name: &str, anchors: &str, directory: &Path) {
        std::fs::create_dir_all(directory).unwrap();
        let [chain, key] = self.issue(name);
        for (file, content) in [("chain", chain.as_str()), ("key", &key), ("anchors", anchors)] {
            std::fs::write(directory.join(format!("{file}.pem")), content).unwrap();
        }
    }
}

/// A folder with what a node proves its name by, and in `other` the same by an authority that its peers do not trust. It is
/// removed when this is dropped.
pub(crate) struct Files(pub(crate) PathBuf);

impl Files {
    pub(crate) fn new(directory: PathBuf, authority: &Authority, name: &str) -> Self {
        let files = Self(directory);
        authority.write(name, &authority.anchor, &files.0);
        // The node trusts its peers nonetheless: so it is they who refuse it.
        let other = Authority::new();
        other.write(name, &format!("{}{}", other.anchor, authority.anchor), &files.0.join("other"));
        files
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines: String =
        text.as_bytes().chunks(64).flat_map(|line| [str::from_utf8(line).unwrap(), "\n"]).collect();
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}
