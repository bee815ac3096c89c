//! Certificates that an operator gives a node: reading and checking them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use snow_dist_codec::NodeName;
use zeroize::Zeroizing;

use super::certificate::{self, Anchored};
use crate::core::handshake::{Certified, Uri};
use crate::core::limits::CERTIFICATE_FILE_BYTES_MAX;
use crate::file;

/// A node's own certificate and key, and the trust anchors for the certificates of its peers. Specification:
/// `handshake.md`, "Certificates".
///
/// A node that is given this value requires certificates, unless they are [not required](Self::not_required). A peer
/// must present a certificate with a chain to one of the anchors and with valid dates. The subject alternative names
/// of the certificate must include the URI `snow-dist:NAME` with the peer's name. Even a program that knows the cookie
/// then cannot use the name of another node. The cookie is still required.
///
/// All three parts are in PEM format. They are read and checked when a node is started or
/// [`Tls::with_certificates`](super::Tls::with_certificates) is called.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use snow_dist_runtime::Node;
/// use snow_dist_runtime::tls::Certificates;
///
/// let certificates = Certificates::files("a.pem", "a.key", "ca.pem");
/// let node = Node::builder("a@10.0.0.1:4000").cookie_file("cookie").certificates(certificates).start().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Certificates {
    chain: Pem,
    key: Pem,
    anchors: Pem,
    required: bool,
}

#[derive(Clone)]
enum Pem {
    File(PathBuf),
    Here(Arc<Zeroizing<Vec<u8>>>),
}

impl Certificates {
    /// Creates certificates from files. `chain` contains the node's own certificate first, followed by intermediate
    /// certificates up to an anchor, if there are any. `key` contains the private key of the node's own certificate.
    /// `anchors` contains the certificates of one or more trusted authorities. Each of these authorities can sign for
    /// every name, so a node's own certificate is refused as an anchor.
    ///
    /// Each file may have up to [`CERTIFICATE_FILE_BYTES_MAX`] bytes (1 MiB). A node reads the files when it starts,
    /// and again when its program calls `Node::reload`.
    #[must_use]
    pub fn files(chain: impl Into<PathBuf>, key: impl Into<PathBuf>, anchors: impl Into<PathBuf>) -> Self {
        Self::of([chain.into(), key.into(), anchors.into()].map(Pem::File))
    }

    /// Creates certificates from bytes in PEM format. Each argument is the content of the corresponding file of
    /// [`files`](Self::files).
    #[must_use]
    pub fn pem(chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>, anchors: impl Into<Vec<u8>>) -> Self {
        let here = |bytes: Vec<u8>| Pem::Here(Arc::new(Zeroizing::new(bytes)));
        Self::of([chain.into(), key.into(), anchors.into()].map(here))
    }

    fn of([chain, key, anchors]: [Pem; 3]) -> Self {
        Self { chain, key, anchors, required: true }
    }

    /// Makes the node present its certificate on request without requiring certificates from its peers. This is the
    /// first step of introducing certificates into a running system. When every node runs with this setting, remove
    /// the setting from each node in turn, so that the nodes begin to require certificates.
    #[must_use]
    pub fn not_required(mut self) -> Self {
        self.required = false;
        self
    }

    /// Returns the path of the key file, if the key is in a file.
    #[cfg(feature = "tokio")]
    pub(crate) fn key_file(&self) -> Option<&Path> {
        self.key.file()
    }

    /// The file of the trust anchors, if they are in one.
    #[cfg(feature = "tokio")]
    pub(crate) fn anchors_file(&self) -> Option<&Path> {
        self.anchors.file()
    }

    /// Reads all parts, and checks that peers with the same anchors will accept the certificate of the node of
    /// this name.
    pub(super) fn read(
        &self,
        provider: &Arc<CryptoProvider>,
        name: &str,
    ) -> Result<Credentials, CertificateError> {
        let [chain_is, key_is, anchors_are] = [
            CertificateOrigin::new("the certificate", &self.chain),
            CertificateOrigin::new("the key", &self.key),
            CertificateOrigin::new("the trust anchors", &self.anchors),
        ];
        let chain = certificates(&self.chain, &chain_is)?;
        let anchored = anchored(&certificates(&self.anchors, &anchors_are)?, provider, &anchors_are)?;
        let key = self.key.read(&key_is)?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| match error {
            pem::Error::NoItemsFound => CertificateError::NoKey { of: key_is.clone() },
            error => damaged(&key_is, &in_words(&error)),
        })?;
        let shown = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                CertificateError::OtherKey { chain: chain_is.clone(), key: key_is.clone() }
            }
            rustls::Error::InvalidCertificate(_) => damaged(&chain_is, &error),
            error => damaged(&key_is, &error),
        })?;
        anchored.judge(&shown.cert).map_err(|error| CertificateError::Refused {
            of: chain_is.clone(),
            anchors: anchors_are,
            why: error.to_string(),
        })?;
        let certified = certificate::names_of(&shown.cert);
        let name = NodeName::parse(name).map_or_else(|_| name.to_owned(), |name| name.completed());
        if !certified.contains(&name) {
            return Err(CertificateError::OtherName { of: chain_is, name, certified });
        }
        Ok(Credentials { shown: Arc::new(shown), anchored: self.required.then(|| Arc::new(anchored)) })
    }
}

/// Formats the settings. The output contains no certificate and no key.
impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("required", &self.required).finish_non_exhaustive()
    }
}

/// Certificates that have been read.
pub(super) struct Credentials {
    /// The certificate that the node presents.
    pub(super) shown: Arc<CertifiedKey>,
    /// The verifier for certificates of peers, if the node requires them.
    pub(super) anchored: Option<Arc<Anchored>>,
}

impl Pem {
    fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Here(_) => None,
        }
    }

    fn read(&self, origin: &CertificateOrigin) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
        match self {
            Self::Here(bytes) => Ok(Zeroizing::clone(bytes)),
            Self::File(path) => match file::read(path, CERTIFICATE_FILE_BYTES_MAX, "a PEM file") {
                Ok((_, content)) => Ok(Zeroizing::new(content)),
                Err(error) => {
                    Err(CertificateError::Unreadable { of: origin.clone(), why: error.to_string() })
                }
            },
        }
    }
}

/// The origin of a part of [`Certificates`], which is the chain, the key, or the trust anchors: a file, or bytes that
/// the program gave. The `Display` text describes the part and the file for an error message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateOrigin {
    part: &'static str,
    file: Option<PathBuf>,
}

impl CertificateOrigin {
    fn new(part: &'static str, pem: &Pem) -> Self {
        Self { part, file: pem.file().map(Path::to_owned) }
    }

    /// Returns the path of the file, or `None` if the program gave the part as bytes.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

impl fmt::Display for CertificateOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(path) => write!(f, "{} in the file {}", self.part, path.display()),
            None => write!(f, "{} that the program gave", self.part),
        }
    }
}

/// An error that says why [`Certificates`] cannot be used. The error concerns one of their *parts*: the chain, the
/// key, or the trust anchors. The text names the part, its file, and the remedy.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The file of the part cannot be read, or is longer than [`CERTIFICATE_FILE_BYTES_MAX`].
    #[error("{of} cannot be read: {why}")]
    Unreadable {
        /// The origin of the part.
        of: CertificateOrigin,
        /// The error of the operating system.
        why: String,
    },
    /// The part contains no certificate.
    #[error("{of}: no certificate is there; one in PEM begins with \"-----BEGIN CERTIFICATE-----\"")]
    NoCertificate {
        /// The origin of the part.
        of: CertificateOrigin,
    },
    /// The part contains no private key.
    #[error(
        "{of}: no private key is there; one in PEM begins with \"-----BEGIN PRIVATE KEY-----\", and one that is \
         encrypted has to be decrypted, for example by `openssl pkey`"
    )]
    NoKey {
        /// The origin of the part.
        of: CertificateOrigin,
    },
    /// The part is damaged, or of an unsupported kind.
    #[error("{of} cannot be used: {why}")]
    Damaged {
        /// The origin of the part.
        of: CertificateOrigin,
        /// The problem with the part.
        why: String,
    },
    /// A certificate that is given as a trust anchor is that of a node, not of an authority. If it were an anchor,
    /// its key could sign for every name.
    #[error(
        "{of}: one of them is the certificate of a node, and not that of an authority (basic constraints CA:TRUE); each \
         anchor can sign for every name"
    )]
    NoAuthority {
        /// The origin of the part.
        of: CertificateOrigin,
    },
    /// The key does not belong to the node's own certificate.
    #[error(
        "{key} is not that of {chain}: the node's own certificate comes first there, and behind it those that lead to a \
         trust anchor"
    )]
    OtherKey {
        /// The origin of the certificates.
        chain: CertificateOrigin,
        /// The origin of the key.
        key: CertificateOrigin,
    },
    /// Peers with these trust anchors would refuse the node's own certificate, for example because its dates are not
    /// valid.
    #[error("{of} would be refused by every peer that goes by {anchors}: {why}")]
    Refused {
        /// The origin of the certificates.
        of: CertificateOrigin,
        /// The origin of the trust anchors.
        anchors: CertificateOrigin,
        /// The reason, in the words of the TLS library.
        why: String,
    },
    /// The node's own certificate does not cover the node's name.
    #[error(
        "{of} does not speak for this node, so that every peer would refuse it: it needs the subject alternative name \
         URI:{}, and speaks for {certified}",
        Uri(name)
    )]
    OtherName {
        /// The origin of the certificates.
        of: CertificateOrigin,
        /// The name of the node.
        name: String,
        /// The names that the certificate covers.
        certified: Certified,
    },
}

/// Says what is wrong with a PEM. The library's own words show bytes of it, which can be those of a key.
const fn in_words(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => {
            "a section has no line with its END: are its line ends missing?"
        }
        pem::Error::IllegalSectionStart { .. } => {
            "a line with a BEGIN does not end in five dashes: are its line ends missing?"
        }
        pem::Error::Base64Decode(_) => "a section is not base64",
        pem::Error::NoItemsFound => "nothing of this kind is there",
        _ => "it is no PEM",
    }
}

fn damaged(of: &CertificateOrigin, why: &impl fmt::Display) -> CertificateError {
    CertificateError::Damaged { of: of.clone(), why: why.to_string() }
}

fn certificates(pem: &Pem, of: &CertificateOrigin) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let read = CertificateDer::pem_slice_iter(&pem.read(of)?).collect::<Result<Vec<_>, _>>();
    let read = read.map_err(|error| damaged(of, &in_words(&error)))?;
    if read.is_empty() { Err(CertificateError::NoCertificate { of: of.clone() }) } else { Ok(read) }
}

fn anchored(
    trusted: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
    of: &CertificateOrigin,
) -> Result<Anchored, CertificateError> {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        if !certificate::can_be_an_authority(certificate, provider) {
            return Err(CertificateError::NoAuthority { of: of.clone() });
        }
        roots.add(certificate.clone()).map_err(|error| damaged(of, &error))?;
    }
    Anchored::new(roots, provider).map_err(|error| damaged(of, &error))
}
