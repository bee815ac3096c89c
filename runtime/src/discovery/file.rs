//! Names in a file.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};

use super::{Discovery, LookError};
use crate::core::limits::{DISCOVERY_FILE_BYTES_MAX, DISCOVERY_NEAR_INTERVAL};

/// The lines of a file: a name in each. Empty lines are passed over, and those that begin with `#`.
///
/// ```text
/// # The nodes of this cluster.
/// a@10.0.0.1:4000
/// b@10.0.0.2:4000
/// ```
///
/// The file is read at each look, so a change is seen within a second on any file system, also when another file takes the
/// place of this one, or a symbolic link leads elsewhere (as Kubernetes does with a ConfigMap). Whoever writes it had better
/// replace it at once (`mv nodes.new nodes`): one that is written in place is perhaps read when half of it is there.
///
/// A file that is not there, cannot be read, is not UTF-8, or has more than
/// [`DISCOVERY_FILE_BYTES_MAX`](crate::core::limits::DISCOVERY_FILE_BYTES_MAX) is a look that fails, which changes nothing.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    interval: Duration,
    /// A read that has not come to its end: a file system that stands still is not asked a second time.
    reading: Option<JoinHandle<io::Result<Vec<u8>>>>,
}

impl File {
    /// Names in the file of this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), interval: DISCOVERY_NEAR_INTERVAL, reading: None }
    }

    /// Looks so often: each second if this is not called.
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

/// The content of a file. What is no file, or too long for names, is not read to its end.
fn content(path: &Path) -> io::Result<Vec<u8>> {
    // Before it is opened: that waits for ever where a pipe stands that nobody writes to.
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

/// The names in it. A `#` after a name is a part of that, as a name may have one.
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

    /// A folder of this test's own, which goes with it.
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
        // Of the same length, and in the same instant as far as the file system can tell.
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
