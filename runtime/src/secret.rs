//! Cookies as a node is given them, and what makes one doubtful.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::core::handshake::{Cookie, Cookies};
use crate::core::limits::COOKIE_FILE_BYTES_MAX;
use crate::error::StartError;
use crate::foreign::event;

/// Where a cookie is.
pub(crate) enum Secret {
    Here(Vec<u8>),
    File(PathBuf),
}

/// All cookies of a node, the first of which signs. The operator is told of those that are doubtful.
pub(crate) fn cookies(secrets: Vec<Secret>) -> Result<Cookies, StartError> {
    let mut cookies = secrets.into_iter().map(Secret::read);
    let first = cookies.next().ok_or(StartError::NoCookie)??;
    cookies.try_fold(Cookies::from(first), |cookies, other| Ok(cookies.accepting(other?)))
}

impl Secret {
    fn read(self) -> Result<Cookie, StartError> {
        let cookie = match self {
            Self::Here(cookie) => {
                warn_of_ends(&cookie, "given by the program");
                Cookie::new(cookie)?
            }
            Self::File(path) => from_file(path)?,
        };
        //= spec/handshake.md#hs-cky-006
        //# A node SHOULD warn its operator of a cookie with fewer than 16 bytes.
        if cookie.is_short() {
            event!(
                configuration,
                WARN,
                "the cookie is short: who has seen one handshake can try cookies at leisure"
            );
        }
        Ok(cookie)
    }
}

fn from_file(path: PathBuf) -> Result<Cookie, StartError> {
    let content = match read(&path) {
        Ok(content) => content,
        Err(error) => return Err(StartError::CookieFile { path, error }),
    };
    warn_of_ends(Cookie::in_file(&content), &path.display().to_string());
    Ok(Cookie::from_file_content(content)?)
}

/// The content of a cookie file. What is no file, or too long for a cookie, is not read to its end.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory: name the file in it"));
    }
    warn_of_access(&file, path)?;
    let mut content = Vec::new();
    let length = file.take(COOKIE_FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
    if length as u64 > COOKIE_FILE_BYTES_MAX {
        let text = format!("it has more than {COOKIE_FILE_BYTES_MAX} bytes: is it a cookie?");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(content)
}

/// Whoever reads a cookie can be any node, and whoever writes it decides who can.
#[cfg(unix)]
fn warn_of_access(file: &File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let mode = file.metadata()?.mode() & 0o777;
    if mode & 0o066 != 0 {
        event!(
            configuration,
            WARN,
            path = %path.display(),
            mode = format_args!("{mode:03o}"),
            "others than its owner can read or write the cookie file, and be any node with it: `chmod 600` it"
        );
    }
    Ok(())
}

#[cfg(not(unix))]
fn warn_of_access(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

/// All bytes of a cookie count, also those that nobody sees.
fn warn_of_ends(cookie: &[u8], from: &str) {
    if let Some(unseen) = unseen_ends(cookie) {
        event!(
            configuration,
            WARN,
            from,
            "the cookie {unseen}. Every byte of a cookie counts: keep this in the cookies of all nodes, or in none"
        );
    }
}

/// What stands at an end of a cookie, most likely by accident.
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
