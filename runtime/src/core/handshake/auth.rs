//! Cookies: the secret that the nodes of a cluster share, and the keys that are derived from it.

use std::fmt;
use std::hash::{Hash, Hasher};

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use snow_dist_codec::handshake::proof::{self, PROOF_BYTES};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::core::limits::COOKIE_BYTES_ADVISED;

/// The secret that the nodes of a cluster share.
///
/// The secret is wiped from memory when the value is dropped, its `Debug` output does not show it, and cookies are
/// compared in constant time.
///
/// ```
/// use snow_dist_runtime::core::Cookie;
///
/// let cookie = Cookie::from_file_content(*b"correct-horse-battery-staple\n").unwrap();
/// assert_eq!(cookie, Cookie::new(*b"correct-horse-battery-staple").unwrap());
/// assert_eq!(format!("{cookie:?}"), "Cookie(..)");
/// assert!(Cookie::new(*b"").is_err());
/// ```
#[derive(Clone)]
pub struct Cookie {
    secret: Zeroizing<Vec<u8>>,
    /// HMAC with the cookie itself as its key: version 1.
    digest: Hmac<Sha256>,
    /// HMAC with the key that is derived from the cookie: version 2.
    proof: Hmac<Sha256>,
}

impl Cookie {
    /// Creates a cookie from these bytes. All of them are part of the cookie, including a line end.
    ///
    /// # Errors
    /// Returns [`CookieError`] if the cookie is empty or holds a zero byte.
    pub fn new(secret: impl Into<Vec<u8>>) -> Result<Self, CookieError> {
        let secret = Zeroizing::new(secret.into());
        //= spec/handshake.md#hs-cky-001
        //# A node MUST refuse to use a cookie that is empty or holds a zero byte.
        if secret.is_empty() {
            return Err(CookieError::Empty);
        }
        // HMAC pads its key with zero bytes, so `a` and `a\0` would be the same cookie.
        if secret.contains(&0) {
            return Err(CookieError::Nul);
        }
        // The cookie is the key material of HKDF and never its salt. As the salt, its HMAC of a chosen message would
        // be the key, and a version 1 node gives that HMAC to anyone.
        let mut key = Zeroizing::new([0; PROOF_BYTES]);
        Hkdf::<Sha256>::new(Some(&[0; PROOF_BYTES]), &secret)
            .expand(proof::KEY_INFO, &mut *key)
            .map_err(|_| CookieError::Length)?;
        let digest = Hmac::new_from_slice(&secret).map_err(|_| CookieError::Length)?;
        let proof = Hmac::new_from_slice(&*key).map_err(|_| CookieError::Length)?;
        Ok(Self { secret, digest, proof })
    }

    /// Creates a cookie from the content of a file. If the content ends with a line end (LF, CR, or CR LF), as
    /// editors write it, that one line end is not part of the cookie.
    ///
    /// # Errors
    /// Returns [`CookieError`] as [`Cookie::new`] does.
    pub fn from_file_content(content: impl Into<Vec<u8>>) -> Result<Self, CookieError> {
        let mut content = content.into();
        content.truncate(Self::in_file(&content).len());
        Self::new(content)
    }

    /// Returns the part of a file's content that is the cookie: the content without the one line end with which it
    /// may end.
    #[must_use]
    pub fn in_file(content: &[u8]) -> &[u8] {
        //= spec/handshake.md#hs-cky-005
        //# A node that takes its cookie from a file MUST leave out one line end (LF, CR, or CR LF) at the
        //# file's end.
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        content.strip_suffix(b"\r").unwrap_or(content)
    }

    /// Returns `true` if the cookie has fewer than [`COOKIE_BYTES_ADVISED`] bytes (16).
    ///
    /// **Security.** Replace such a cookie with a longer one: anyone who has seen one handshake can try all short
    /// cookies without asking a node.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.secret.len() < COOKIE_BYTES_ADVISED
    }

    /// Returns the HMAC-SHA256 of a challenge, with the cookie as the key.
    pub(super) fn digest(&self, challenge: &[u8; PROOF_BYTES]) -> [u8; PROOF_BYTES] {
        self.digest.clone().chain_update(challenge).finalize().into_bytes().into()
    }

    /// Returns the HMAC-SHA256 of the bytes that `pieces` passes on, with the key that is derived from the cookie.
    pub(super) fn proof(&self, pieces: impl FnOnce(&mut dyn FnMut(&[u8]))) -> [u8; PROOF_BYTES] {
        let mut mac = self.proof.clone();
        pieces(&mut |bytes| mac.update(bytes));
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        //= spec/connection.md#con-sec-001
        //# A node MUST NOT write a cookie, or a key made of it, into a log.
        f.write_str("Cookie(..)")
    }
}

impl PartialEq for Cookie {
    fn eq(&self, other: &Self) -> bool {
        self.secret.ct_eq(&other.secret).into()
    }
}

impl Eq for Cookie {}

/// Adds nothing to the hash: hashes are neither secret nor compared in constant time.
impl Hash for Cookie {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// An error that says why bytes cannot be used as a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum CookieError {
    /// The cookie is empty.
    #[error("the cookie is empty: every node would know it")]
    Empty,
    /// The cookie holds a zero byte.
    #[error(
        "the cookie holds a zero byte: cookies that differ only in zero bytes at the end would be the same"
    )]
    Nul,
    /// HMAC or HKDF accepts no key of this length. This does not occur, since both accept every length that fits into
    /// memory.
    #[error("no key can be made of a cookie of this length")]
    Length,
}

/// The cookies of a node: the first one signs, and all of them are accepted.
///
/// A node that dials uses the first cookie for the whole handshake. A node that accepts a connection accepts a REPLY
/// that was signed with any of its cookies, and signs its ACK with the same one.
///
/// To change the cookie of a running cluster, add the new one as accepted on every node, then make it the first on
/// every node, then remove the old one on every node.
///
/// ```
/// use snow_dist_runtime::core::{Cookie, Cookies};
///
/// let (new, old) = (Cookie::new(*b"new-secret-of-16").unwrap(), Cookie::new(*b"old-secret-of-16").unwrap());
/// let cookies = Cookies::from(new.clone()).accepting(old);
/// assert_eq!(cookies.first(), &new);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cookies {
    first: Cookie,
    others: Vec<Cookie>,
}

impl Cookies {
    /// Adds a cookie that this node accepts but does not sign with.
    #[must_use]
    pub fn accepting(mut self, other: Cookie) -> Self {
        self.others.push(other);
        self
    }

    /// Returns the cookie that signs.
    #[must_use]
    pub const fn first(&self) -> &Cookie {
        &self.first
    }

    /// Returns all cookies, beginning with the one that signs.
    pub fn iter(&self) -> impl Iterator<Item = &Cookie> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Returns the cookie with which `expected` computes the value that was `received`, and its index.
    pub(super) fn find(
        &self,
        received: &[u8; PROOF_BYTES],
        expected: impl Fn(&Cookie) -> [u8; PROOF_BYTES],
    ) -> Option<(usize, &Cookie)> {
        //= spec/handshake.md#hs-cky-003
        //# An acceptor MUST accept a digest or proof in REPLY that was computed with any of its cookies.
        self.iter().enumerate().find(|(_, cookie)| same(&expected(cookie), received))
    }
}

/// Creates the list of one cookie, which signs and is accepted.
impl From<Cookie> for Cookies {
    fn from(first: Cookie) -> Self {
        Self { first, others: Vec::new() }
    }
}

/// Returns `true` if two digests or proofs are equal. The time does not depend on where they differ.
pub(super) fn same(one: &[u8; PROOF_BYTES], other: &[u8; PROOF_BYTES]) -> bool {
    //= spec/handshake.md#hs-prf-005
    //= type=implication
    //= reason=time cannot be shown by a test; the comparison is subtle's
    //# A node MUST compare digests and proofs in constant time.
    one.ct_eq(other).into()
}
