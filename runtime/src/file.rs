//! Small files, read as far as they are what they should be.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// The content of a file, and the file itself. What is no file, or has more bytes than `bytes_max`, is not read to its end;
/// `is_it` asks whether it is the right one.
pub(crate) fn read(path: &Path, bytes_max: u64, is_it: &str) -> Result<(File, Vec<u8>)> {
    let mut file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(Error::new(ErrorKind::IsADirectory, "it is a directory: name the file in it"));
    }
    // With room for all of it: a vector that grows would leave parts of a secret behind.
    let bytes = file.metadata()?.len().min(bytes_max);
    let mut content = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default() + 1);
    let length = file.by_ref().take(bytes_max + 1).read_to_end(&mut content)?;
    if length as u64 > bytes_max {
        let text = format!("it has more than {bytes_max} bytes: is it {is_it}?");
        return Err(Error::new(ErrorKind::InvalidData, text));
    }
    Ok((file, content))
}

/// The permissions of a file, if others than its owner can read or write it.
#[cfg(all(unix, feature = "tokio"))]
pub(crate) fn mode_of_others(file: &File) -> Result<Option<u32>> {
    use std::os::unix::fs::MetadataExt;
    let mode = file.metadata()?.mode() & 0o777;
    Ok((mode & 0o066 != 0).then_some(mode))
}

#[cfg(all(not(unix), feature = "tokio"))]
pub(crate) fn mode_of_others(_: &File) -> Result<Option<u32>> {
    Ok(None)
}
