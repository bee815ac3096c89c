//! `snow-dist cookie`.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::CookieFile;

/// Random bytes in a cookie: more than any attack on what is made of them could use.
const COOKIE_BYTES: usize = 32;

/// Who can read the file, where the system has a notion of it.
const READABLE: &str = if cfg!(unix) { ", which only you can read" } else { "" };

/// Where the cookie goes if nothing else is said.
const PATH: &str = "cookie";

/// Makes a cookie, and says where it is.
pub(crate) fn run(arguments: &CookieFile, out: &mut impl Write) -> io::Result<bool> {
    // Who redirects the output wants the cookie in it: a message there would be taken for one, or leave it empty.
    let is_redirected = arguments.path.is_none() && !io::stdout().is_terminal();
    if is_redirected && arguments.force {
        return Err(io::Error::other("--force replaces a file: name it, as the output is no terminal"));
    }
    let usual = if is_redirected { "-" } else { PATH };
    let (path, cookie) = (arguments.path.as_deref().unwrap_or_else(|| Path::new(usual)), random()?);
    if path.as_os_str() == "-" {
        writeln!(out, "{cookie}")?;
        if is_redirected {
            eprintln!(
                "the cookie was printed, as the output is no terminal; name a path to have a file made"
            );
        }
    } else {
        write(path, &cookie, arguments.force).map_err(|error| explained(path, &error))?;
        writeln!(out, "{}: a cookie of {} random bits{READABLE}", path.display(), COOKIE_BYTES * 8)?;
    }
    Ok(true)
}

/// A new cookie, as text: whoever opens the file in an editor does it no harm.
pub(crate) fn random() -> io::Result<String> {
    let mut bytes = [0; COOKIE_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(format!("no random bytes: {error}")))?;
    Ok(hex::encode(bytes))
}

/// The file is whole, and its owner's alone, from the moment it has its name: whoever reads it meanwhile sees the old
/// one or the new one.
fn write(path: &Path, cookie: &str, replace: bool) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut file = NamedTempFile::with_prefix_in(".cookie-", directory(path))?;
    writeln!(file, "{cookie}")?;
    file.as_file().sync_all()?;
    let named = if replace { file.persist(path) } else { file.persist_noclobber(path) };
    named.map(drop).map_err(|refused| refused.error)
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// What the system says, and what to do about it.
fn explained(path: &Path, error: &io::Error) -> io::Error {
    let (path, directory) = (path.display(), directory(path).display());
    let text = match error.kind() {
        io::ErrorKind::AlreadyExists => format!(
            "{path} exists already, and nodes that start with another cookie do not know those that run: choose \
             another path, or replace it with --force"
        ),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            format!("{directory} is no directory: make it first, or choose another path")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!("you may not write in {directory}: choose another path, or change its permissions")
        }
        io::ErrorKind::IsADirectory => format!("{path} is a directory: name a file in it"),
        _ => format!("cannot write {path}: {error}"),
    };
    io::Error::new(error.kind(), text)
}
