//! The certificates that the runner presents.

use std::sync::Arc;

use super::Player;
use crate::cases::Certificate;
use crate::verdict::Trouble;
use crate::wire::{Issued, Wanted};

impl Player<'_> {
    /// The certificate that a step wants.
    pub(super) fn issued(&self, wanted: &Certificate) -> Result<Arc<Issued>, Trouble> {
        let all = |texts: &[String]| texts.iter().map(|text| named(text, &self.peer.name)).collect();
        let authority =
            if wanted.untrusted { &self.authorities.untrusted } else { &self.authorities.trusted };
        let issued = authority.issue(&Wanted {
            uris: all(&wanted.uris),
            issuer_uris: all(&wanted.issuer_uris),
            common_name: wanted.common_name.as_ref().map(|text| named(text, &self.peer.name)),
            expired: wanted.expired,
        });
        issued
            .map(Arc::new)
            .map_err(|error| Trouble::unjudged(format!("the case's certificate cannot be made: {error}")))
    }
}

/// A text of a certificate with the name of the runner's node in it.
fn named(text: &str, name: &str) -> String {
    let escaped: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let twice = escaped.replace('%', "%25");
    text.replace("$peer", name).replace("$escaped", &escaped).replace("$twice", &twice)
}
