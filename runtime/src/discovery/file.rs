//! A discovery with names from a file.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};

use super::{Discovery, LookError};
use crate::core::limits::{DISCOVERY_FILE_BYTES_MAX, DISCOVERY_NEAR_INTERVAL};

/// A discovery with names from a file, one per line. Empty lines and lines that begin with `#` are ignored.
///
/// ```text
/// # The nodes of this cluster.
/// a@10.0.0.1:4000
/// b@10.0.0.2:4000
/// ```
///
/// The file is read at each look, so a change takes effect within one interval (by default a second) on any file
/// system. This includes replacing the file, and redirecting a symbolic link, as Kubernetes does with a ConfigMap.
/// Replace the file atomically (`mv nodes.new nodes`): a file that is changed in place may be read while it is half
/// written.
///
/// A look fails, and changes nothing, if the file does not exist, cannot be read, is not UTF-8, or has more than 1
/// MiB ([`DISCOVERY_FILE_BYTES_MAX`](crate::core::limits::DISCOVERY_FILE_BYTES_MAX)).
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    interval: Duration,
    /// A read that is still in progress. If a file system does not respond, it is not asked a second time.
    reading: Option<JoinHandle<io::Result<Vec<u8>>>>,
}

impl File {
    /// Creates a discovery from the file at this path. The file need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), interval: DISCOVERY_NEAR_INTERVAL, reading: None }
    }

    /// Sets the time between two looks, from 100 ms to 24 hours. The default is one second. With a time outside of
    /// this range the discovery is not started ([`DiscoverError::Interval`](super::DiscoverError::Interval)).
    #[must_use]
    pub const fn every(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    async fn read(&mut self) -> io::Result<Vec<u8>> {
        let path = self.path.clone();
        let reading = self.reading.get_or_insert_with(|| spawn_blocking(move || content(&path)));
        let read = reading.await;
        self.reading = None;
        read.map_err(io::Error::other)?
    }
}

impl Discovery for File {
    async fn look(&mut self) -> Result<Vec<String>, LookError> {
        let content = self.read().await.map_err(|error| format!("{}: {error}", self.path.display()))?;
        Ok(names(&content).map_err(|error| format!("{}: {error}", self.path.display()))?)
    }

    fn interval(&self) -> Duration {
        self.interval
    }

    fn source(&self) -> String {
        format!("file {}", self.path.display())
    }
}

/// Reads a file. If the path is not a regular file, or the content is too long, it is not read to its end.
fn content(path: &Path) -> io::Result<Vec<u8>> {
    // The kind is checked before the file is opened, because opening a pipe without a writer blocks for ever.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let mut content = Vec::new();
    let length = fs::File::open(path)?.take(DISCOVERY_FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
    if length as u64 > DISCOVERY_FILE_BYTES_MAX {
        let text = format!("it has more than {DISCOVERY_FILE_BYTES_MAX} bytes: are these names?");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(content)
}

/// Returns the names in the content. A `#` after a name is part of the name, since names may contain it.
fn names(content: &[u8]) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for (number, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let line = str::from_utf8(line).map_err(|_| format!("line {} is not UTF-8", number + 1))?.trim();
        if !line.is_empty() && !line.starts_with('#') {
            names.push(line.to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    /// A temporary folder for one test, which is removed at its end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("snow-dist-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_line_is_a_name_unless_it_is_empty_or_a_comment() {
        let content = "# nodes\r\na@h:1\r\n\n  b #1@h:2  \n   # c@h:3\n\td@h:4";
        assert_eq!(names(content.as_bytes()).unwrap(), ["a@h:1", "b #1@h:2", "d@h:4"]);
        assert!(names(b"").unwrap().is_empty());
        assert_eq!(names(b"a@h:1\n\xff@h:2").unwrap_err(), "line 2 is not UTF-8");
    }

    #[tokio::test]
    async fn a_file_is_found_as_it_is_now_whatever_has_become_of_it() {
        let folder = Folder::new("nodes");
        let (path, other) = (folder.0.join("nodes"), folder.0.join("nodes.new"));
        let mut file = File::new(&path);
        let missing = file.look().await.unwrap_err().to_string();
        assert!(missing.starts_with(&format!("{}: ", path.display())), "{missing}");
        fs::write(&path, "a@h:1\n").unwrap();
        assert_eq!(file.look().await.unwrap(), ["a@h:1"]);
        // The new content has the same length, and the same time as far as the file system can tell.
        fs::write(&path, "b@h:1\n").unwrap();
        assert_eq!(file.look().await.unwrap(), ["b@h:1"]);
        fs::write(&other, "c@h:1\n").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_eq!(file.look().await.unwrap(), ["c@h:1"]);
        fs::write(&path, "").unwrap();
        assert!(file.look().await.unwrap().is_empty());
        fs::remove_file(&path).unwrap();
        file.look().await.unwrap_err();
        fs::create_dir(&path).unwrap();
        assert!(file.look().await.unwrap_err().to_string().ends_with("it is not a file"));
    }

    #[tokio::test]
    async fn a_file_that_is_too_long_for_names_is_not_read_to_its_end() {
        let folder = Folder::new("long");
        let path = folder.0.join("nodes");
        fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = File::new(&path).look().await.unwrap_err().to_string();
        assert!(error.ends_with("it has more than 1048576 bytes: are these names?"), "{error}");
        #[cfg(unix)]
        assert!(File::new("/dev/zero").look().await.unwrap_err().to_string().ends_with("it is not a file"));
    }
}
