//! Cookies and certificates as a node is given them, and checks for doubtful ones.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::core::handshake::{Cookie, Cookies};
use crate::core::limits::COOKIE_FILE_BYTES_MAX;
use crate::error::StartError;
use crate::file;
use crate::foreign::event;
use crate::tls::{Certificates, Tls};

/// The place of a cookie.
#[derive(Clone)]
pub(crate) enum Secret {
    Here(Zeroizing<Vec<u8>>),
    File(PathBuf),
    Made(Box<Cookie>),
}

/// The cookies and certificates by which a node proves its identity and checks its peers.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    /// The cookies. The first one signs.
    pub(crate) cookies: Vec<Secret>,
    pub(crate) certificates: Option<Certificates>,
}

impl Secrets {
    /// Returns all cookies. Adds a warning to `doubts` for each doubtful one.
    pub(crate) fn cookies(&self, doubts: &mut Vec<Doubt>) -> Result<Cookies, StartError> {
        let mut cookies = self.cookies.iter().map(|secret| secret.read(doubts));
        let first = cookies.next().ok_or(StartError::NoCookie)??;
        cookies.try_fold(Cookies::from(first), |cookies, other| Ok(cookies.accepting(other?)))
    }

    /// Returns TLS with the certificates for the node of this name, or `None` if there are no certificates.
    pub(crate) fn tls(&self, name: &str, doubts: &mut Vec<Doubt>) -> Result<Option<Tls>, StartError> {
        let Some(certificates) = &self.certificates else { return Ok(None) };
        let tls = Tls::with_certificates(certificates, name)?;
        doubts.extend(certificates.key_file().and_then(Doubt::of_key_file));
        doubts.extend(certificates.anchors_file().and_then(Doubt::of_anchors_file));
        Ok(Some(tls))
    }
}

impl Secret {
    fn read(&self, doubts: &mut Vec<Doubt>) -> Result<Cookie, StartError> {
        let cookie = match self {
            Self::Here(cookie) => {
                doubts.extend(Doubt::of_ends(cookie, "given by the program"));
                Cookie::new(cookie.to_vec())?
            }
            Self::File(path) => from_file(path, doubts)?,
            Self::Made(cookie) => Cookie::clone(cookie),
        };
        //= spec/handshake.md#hs-cky-006
        //# A node SHOULD warn its operator of a cookie with fewer than 16 bytes.
        if cookie.is_short() {
            doubts.push(Doubt::Short);
        }
        Ok(cookie)
    }
}

fn from_file(path: &Path, doubts: &mut Vec<Doubt>) -> Result<Cookie, StartError> {
    let unusable = |error| StartError::CookieFile { path: path.to_owned(), error };
    let (file, content) = file::read(path, COOKIE_FILE_BYTES_MAX, "a cookie").map_err(unusable)?;
    if let Some(mode) = file::mode_of_others(&file).map_err(unusable)? {
        doubts.push(Doubt::CookieFile { path: path.to_owned(), mode });
    }
    doubts.extend(Doubt::of_ends(Cookie::in_file(&content), &path.display().to_string()));
    Cookie::from_file_content(content).map_err(|error| unusable(std::io::Error::other(error)))
}

/// A warning for the operator. It is logged when no lock is held.
#[derive(Debug)]
pub(crate) enum Doubt {
    /// A cookie file that others can read or write. Whoever reads a cookie can act as any node, and whoever writes
    /// it decides who can.
    CookieFile {
        path: PathBuf,
        mode: u32,
    },
    /// A key file that others can read or write, which concerns one node.
    KeyFile {
        path: PathBuf,
        mode: u32,
    },
    /// A file of trust anchors that others can write. Whoever writes it decides who is let in.
    AnchorsFile {
        path: PathBuf,
        mode: u32,
    },
    /// A cookie that begins or ends with invisible characters. All bytes of a cookie count.
    Ends {
        unseen: &'static str,
        from: String,
    },
    Short,
}

impl Doubt {
    fn of_ends(cookie: &[u8], from: &str) -> Option<Self> {
        Some(Self::Ends { unseen: unseen_ends(cookie)?, from: from.to_owned() })
    }

    fn of_key_file(path: &Path) -> Option<Self> {
        Some(Self::KeyFile { path: path.to_owned(), mode: mode_of_others(path)? })
    }

    fn of_anchors_file(path: &Path) -> Option<Self> {
        let mode = mode_of_others(path).filter(|mode| mode & 0o022 != 0)?;
        Some(Self::AnchorsFile { path: path.to_owned(), mode })
    }

    pub(crate) fn tell(&self) {
        match self {
            Self::CookieFile { path, mode } => event!(
                configuration,
                WARN,
                path = %path.display(),
                mode = format_args!("{mode:03o}"),
                "others than its owner can read or write the cookie file, and be any node with it: `chmod 600` it"
            ),
            Self::KeyFile { path, mode } => event!(
                configuration,
                WARN,
                path = %path.display(),
                mode = format_args!("{mode:03o}"),
                "others than its owner can read or write the file of the key, and be this node with it: `chmod 600` it"
            ),
            Self::AnchorsFile { path, mode } => event!(
                configuration,
                WARN,
                path = %path.display(),
                mode = format_args!("{mode:03o}"),
                "others than its owner can write the file of the trust anchors, and let in whom they like: `chmod 644` it"
            ),
            Self::Ends { unseen, from } => event!(
                configuration,
                WARN,
                from,
                "the cookie {unseen}. Every byte of a cookie counts: keep this in the cookies of all nodes, or in none"
            ),
            Self::Short => event!(
                configuration,
                WARN,
                "the cookie is short: who has seen one handshake can try cookies at leisure"
            ),
        };
    }
}

fn mode_of_others(path: &Path) -> Option<u32> {
    file::mode_of_others(&std::fs::File::open(path).ok()?).ok()?
}

/// Returns a description of invisible characters at an end of a cookie, which are most likely there by accident.
fn unseen_ends(cookie: &[u8]) -> Option<&'static str> {
    let marks: [&[u8]; 3] = [b"\xEF\xBB\xBF", b"\xFF\xFE", b"\xFE\xFF"];
    let is_blank = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
    if marks.iter().any(|mark| cookie.starts_with(mark)) {
        Some("begins with a byte order mark, which some editors put before a text")
    } else if is_blank(cookie.first()) {
        Some("begins with a blank or a line end")
    } else if is_blank(cookie.last()) {
        Some("ends in a blank or a line end")
    } else {
        None
    }
}
