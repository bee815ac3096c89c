//! Cookies: the secret that the nodes of a system share, and the keys made of it.

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

/// The secret that the nodes of a system share.
///
/// It is wiped from memory when it is dropped, is never shown, and is compared in constant time.
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
    /// HMAC under the cookie itself: version 1.
    digest: Hmac<Sha256>,
    /// HMAC under the key that is made of it: version 2.
    proof: Hmac<Sha256>,
}

impl Cookie {
    /// The cookie of these bytes, all of which count.
    ///
    /// # Errors
    /// The cookie is empty or holds a zero byte.
    pub fn new(secret: impl Into<Vec<u8>>) -> Result<Self, CookieError> {
        let secret = Zeroizing::new(secret.into());
        //= spec/handshake.md#hs-cky-001
        //# A node MUST refuse to use a cookie that is empty or holds a zero byte.
        if secret.is_empty() {
            return Err(CookieError::Empty);
        }
        // HMAC fills its key with zero bytes: `a` and `a\0` would be one cookie.
        if secret.contains(&0) {
            return Err(CookieError::Nul);
        }
        // The cookie is what the key is made *of*, never the salt: there its HMAC of a chosen message would be the
        // key, and a version 1 node gives that HMAC to anyone.
        let mut key = Zeroizing::new([0; PROOF_BYTES]);
        Hkdf::<Sha256>::new(Some(&[0; PROOF_BYTES]), &secret)
            .expand(proof::KEY_INFO, &mut *key)
            .map_err(|_| CookieError::Length)?;
        let digest = Hmac::new_from_slice(&secret).map_err(|_| CookieError::Length)?;
        let proof = Hmac::new_from_slice(&*key).map_err(|_| CookieError::Length)?;
        Ok(Self { secret, digest, proof })
    }

    /// The cookie in a file: the line feed, carriage return, or both, that an editor puts at its end is no part of
    /// it.
    ///
    /// # Errors
    /// See [`Cookie::new`].
    pub fn from_file_content(content: impl Into<Vec<u8>>) -> Result<Self, CookieError> {
        let mut content = content.into();
        content.truncate(Self::in_file(&content).len());
        Self::new(content)
    }

    /// The bytes of a file that are the cookie: all but the line end.
    #[must_use]
    pub fn in_file(content: &[u8]) -> &[u8] {
        //= spec/handshake.md#hs-cky-005
        //# A node that takes its cookie from a file MUST leave out a line feed, a carriage return, or a
        //# carriage return and a line feed at the end of the file.
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        content.strip_suffix(b"\r").unwrap_or(content)
    }

    /// Whether it has so few bytes that whoever has seen one handshake of this node could try all cookies like it.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.secret.len() < COOKIE_BYTES_ADVISED
    }

    /// HMAC-SHA256 under the cookie.
    pub(super) fn digest(&self, challenge: &[u8; PROOF_BYTES]) -> [u8; PROOF_BYTES] {
        self.digest.clone().chain_update(challenge).finalize().into_bytes().into()
    }

    /// HMAC-SHA256 of what `pieces` feeds it, under the key that is made of the cookie.
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

/// Nothing of the secret goes into a hash: hashes are shown and compared in the open.
impl Hash for Cookie {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// Why bytes are no cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum CookieError {
    /// There is nothing in it.
    #[error("the cookie is empty: every node would know it")]
    Empty,
    /// It holds a zero byte.
    #[error(
        "the cookie holds a zero byte: cookies that differ only in zero bytes at the end would be the same"
    )]
    Nul,
    /// HMAC or HKDF has no key of this length. Both take every length that memory can hold.
    #[error("no key can be made of a cookie of this length")]
    Length,
}

/// The cookies a node goes by: the first one signs, all of them count.
///
/// To change the cookie of a running system: add the new one everywhere as accepted, make it the first everywhere,
/// remove the old one everywhere.
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
    /// These cookies, and another one that counts.
    #[must_use]
    pub fn accepting(mut self, other: Cookie) -> Self {
        self.others.push(other);
        self
    }

    /// The cookie that signs.
    #[must_use]
    pub const fn first(&self) -> &Cookie {
        &self.first
    }

    /// All of them, the one that signs first.
    pub fn iter(&self) -> impl Iterator<Item = &Cookie> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The cookie under which `expected` gives what was `received`, and its place among all.
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

/// One cookie, which signs and counts.
impl From<Cookie> for Cookies {
    fn from(first: Cookie) -> Self {
        Self { first, others: Vec::new() }
    }
}

/// Whether two digests or proofs are the same, in a time that does not depend on where they differ.
pub(super) fn same(one: &[u8; PROOF_BYTES], other: &[u8; PROOF_BYTES]) -> bool {
    //= spec/handshake.md#hs-prf-005
    //= type=implication
    //= reason=time cannot be shown by a test; the comparison is subtle's
    //# A node MUST compare a digest or a proof in a time that does not depend on where the two differ.
    one.ct_eq(other).into()
}
