//! Cookie files, and what an operator is told of one that is doubtful.

use std::fs;
use std::path::{Path, PathBuf};

use snow_dist_runtime::{Node, NodeBuilder, StartError};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{COOKIE, connect, node};

const WARNED_OF_ENDS: &str = "Every byte of a cookie counts";

/// A file that is gone when the test is over.
struct CookieFile(PathBuf);

impl CookieFile {
    fn new(name: &str, content: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("snow-dist-{name}-{}", std::process::id()));
        fs::write(&path, content).unwrap();
        let file = Self(path);
        #[cfg(unix)]
        file.set_mode(0o600);
        file
    }

    #[cfg(unix)]
    fn set_mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&self.0, fs::Permissions::from_mode(mode)).unwrap();
    }
}

impl Drop for CookieFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn builder() -> NodeBuilder {
    Node::builder("a@127.0.0.1:0")
}

async fn start(path: &Path) -> Node {
    builder().cookie_file(path).start().await.unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn a_cookie_file_that_others_can_use_is_warned_of() {
    const WARNED: &str = "others than its owner";
    let file = CookieFile::new("mode", COOKIE.as_bytes());
    for (mode, is_warned_of) in
        [(0o600, false), (0o400, false), (0o640, true), (0o602, true), (0o644, true), (0o666, true)]
    {
        file.set_mode(mode);
        let log = Log::of_this_thread();
        let a = start(&file.0).await;
        let warned = log.lines_with(WARNED);
        assert_eq!(warned.len(), usize::from(is_warned_of), "{mode:o}: {warned:?}");
        assert!(warned.iter().all(|line| line.starts_with("WARN") && line.contains(&format!("{mode:o}"))));
        connect(&a, &node("b").await).await;
    }
}

#[tokio::test]
async fn what_nobody_sees_at_an_end_of_a_cookie_is_warned_of() {
    for (before, after, says) in [
        ("", "", None),
        ("", "\n", None),
        ("", "\r\n", None),
        ("\u{FEFF}", "\n", Some("byte order mark")),
        (" ", "\n", Some("begins with a blank")),
        ("\n", "", Some("begins with a blank or a line end")),
        ("", " ", Some("ends in a blank")),
        ("", "\t\n", Some("ends in a blank")),
        ("", "\n\n", Some("ends in a blank or a line end")),
    ] {
        let content = format!("{before}{COOKIE}{after}");
        let file = CookieFile::new("ends", content.as_bytes());
        let log = Log::of_this_thread();
        let a = start(&file.0).await;
        let warned = log.lines_with(WARNED_OF_ENDS);
        assert_eq!(warned.len(), usize::from(says.is_some()), "{content:?}: {warned:?}");
        let path = file.0.display().to_string();
        assert!(warned.iter().all(|line| line.contains(says.unwrap()) && line.contains(&path)), "{warned:?}");
        // It is warned of because it counts.
        let b = node("b").await;
        assert_eq!(a.connect(b.name()).await.is_ok(), says.is_none(), "{content:?}");
        assert!(log.lines_with(COOKIE).is_empty());
    }
}

#[tokio::test]
async fn a_cookie_that_the_program_gives_with_a_line_end_is_warned_of() {
    let log = Log::of_this_thread();
    builder().cookie(format!("{COOKIE}\n")).start().await.unwrap();
    assert_eq!(log.lines_with(WARNED_OF_ENDS).len(), 1);
    builder().cookie(COOKIE).cookie(COOKIE).start().await.unwrap();
    assert_eq!(log.lines_with(WARNED_OF_ENDS).len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_too_long_for_a_cookie_is_not_read_to_its_end() {
    let longest = CookieFile::new("longest", &[b'x'; 64 << 10]);
    start(&longest.0).await;
    let longer = CookieFile::new("longer", &[b'x'; (64 << 10) + 1]);
    for path in [longer.0.as_path(), Path::new("/dev/zero")] {
        let refused = builder().cookie_file(path).start().await.unwrap_err();
        assert!(matches!(refused, StartError::CookieFile { .. }), "{refused}");
        assert!(refused.to_string().contains("more than 65536 bytes"), "{refused}");
    }
}
