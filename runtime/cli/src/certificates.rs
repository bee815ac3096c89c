//! The options of a command that is a node with a certificate.

use std::path::PathBuf;

use clap::Args;
use snow_dist_runtime::NodeBuilder;
use snow_dist_runtime::tls::Certificates;

/// Without these the node requires no certificates of its peers.
#[derive(Args)]
#[group(requires_all = ["certificate", "key", "trust"], multiple = true)]
pub(crate) struct CertificateFiles {
    /// The node's own certificate in PEM, and those that lead to a trust anchor behind it; then peers must have one too.
    #[arg(long, value_name = "PATH")]
    certificate: Option<PathBuf>,
    /// The private key of the certificate.
    #[arg(long, value_name = "PATH")]
    key: Option<PathBuf>,
    /// The certificates that those of peers must lead to.
    #[arg(long, value_name = "PATH")]
    trust: Option<PathBuf>,
}

impl CertificateFiles {
    /// Returns `true` if the node has a certificate, which speaks for one name.
    pub(crate) const fn are_given(&self) -> bool {
        self.certificate.is_some()
    }

    /// The builder with what these say.
    pub(crate) fn give(&self, builder: NodeBuilder) -> NodeBuilder {
        match (&self.certificate, &self.key, &self.trust) {
            (Some(certificate), Some(key), Some(trust)) => {
                builder.certificates(Certificates::files(certificate, key, trust))
            }
            _ => builder,
        }
    }
}
