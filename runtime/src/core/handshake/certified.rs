//! The names for which a peer's certificate is valid. Specification: `handshake.md`, "Certificates".

use std::fmt;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use snow_dist_codec::NodeName;

use crate::core::Shown;
use crate::core::limits::{CERTIFIED_NAMES_MAX, CERTIFIED_NAMES_SHOWN_MAX};

/// The scheme of the URIs that name nodes, with its colon.
const SCHEME: &str = "snow-dist:";

/// The names of the nodes for which a certificate is valid.
///
/// After TLS has verified a peer's certificate, the host must create this value from all URIs among the subject
/// alternative names of the certificate, and pass the value to the handshake with
/// [`Connection::certified`](crate::core::Connection::certified) or
/// [`Input::Certified`](crate::core::host::Input::Certified).
///
/// ```
/// use snow_dist_runtime::core::handshake::Certified;
///
/// let certified = Certified::by_uris(["https://example.org", "snow-dist:a@10.0.0.1", "snow-dist:b@%5B::1%5D:4000"]);
/// assert!(certified.contains("a@10.0.0.1:9000"));
/// assert!(certified.contains("b@[::1]:4000"));
/// assert!(!certified.contains("c@10.0.0.1:9000"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Certified {
    /// The names, with their ports.
    names: Arc<[Arc<str>]>,
}

impl Certified {
    /// Creates the set of the node names in these URIs. URIs that do not name a node are ignored, and so are all
    /// names after the first [`CERTIFIED_NAMES_MAX`].
    #[must_use]
    pub fn by_uris<'u>(uris: impl IntoIterator<Item = &'u str>) -> Self {
        Self { names: uris.into_iter().filter_map(name_in).take(CERTIFIED_NAMES_MAX).collect() }
    }

    /// Returns `true` if the certificate is valid for the node of this name, which must include its port.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names.iter().any(|certified| **certified == *name)
    }

    /// Returns the names, with their ports, in the order of the URIs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }
}

/// Returns the completed name in a URI, or `None` if the URI does not name a node.
//= spec/handshake.md#hs-crt-006
//# A node MUST NOT take a certificate to speak for any other name.
fn name_in(uri: &str) -> Option<Arc<str>> {
    let (scheme, escaped) = uri.split_at_checked(SCHEME.len())?;
    let is_whole =
        |behind: &str| behind.get(..2).is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if !scheme.eq_ignore_ascii_case(SCHEME) || !escaped.split('%').skip(1).all(is_whole) {
        return None;
    }
    let name = percent_decode_str(escaped).decode_utf8().ok()?;
    Some(NodeName::parse(&name).ok()?.completed().into())
}

/// The URI that names a node, with only such characters unescaped as every tool for certificates accepts.
#[derive(Clone, Debug)]
pub(crate) struct Uri<'n>(pub(crate) &'n str);

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~@:".contains(&byte) {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

/// Shows the first [`CERTIFIED_NAMES_SHOWN_MAX`] names, and the number of the others, like this: `"a@10.0.0.1:9000",
/// "b@10.0.0.2:9000" and 3 more`. An empty set is shown as `no node`.
impl fmt::Display for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.names.is_empty() {
            return f.write_str("no node");
        }
        for (at, name) in self.names().take(CERTIFIED_NAMES_SHOWN_MAX).enumerate() {
            write!(f, "{}\"{}\"", if at == 0 { "" } else { ", " }, Shown(name))?;
        }
        match self.names.len().saturating_sub(CERTIFIED_NAMES_SHOWN_MAX) {
            0 => Ok(()),
            others => write!(f, " and {others} more"),
        }
    }
}
