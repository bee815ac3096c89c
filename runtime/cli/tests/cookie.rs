//! `snow-dist cookie`, run as a person runs it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use snow_dist_runtime::core::Cookie;
use tempfile::TempDir;

fn cookie(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_snow-dist"))
        .arg("cookie")
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap()
}

fn refused(directory: &Path, arguments: &[&str]) -> String {
    let output = cookie(directory, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

fn is_strong(content: &[u8]) -> bool {
    let text = content.strip_suffix(b"\n").unwrap();
    let cookie = Cookie::from_file_content(content).unwrap();
    text.len() == 64 && text.iter().all(u8::is_ascii_hexdigit) && !cookie.is_short()
}

fn names(directory: &Path) -> Vec<String> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_file_of_its_owner_alone() {
    let directory = TempDir::new().unwrap();
    let made = cookie(directory.path(), &["cookie"]);
    assert!(made.status.success());
    let file = directory.path().join("cookie");
    let content = fs::read(&file).unwrap();
    assert!(is_strong(&content));
    #[cfg(unix)]
    assert_eq!(mode(&file), 0o600);
    assert_eq!(names(directory.path()), ["cookie"]);
    // What is printed does not hold the secret.
    let printed = String::from_utf8(made.stdout).unwrap();
    assert!(printed.starts_with("cookie: a cookie of 256 random bits"), "{printed}");
    assert!(!printed.contains(std::str::from_utf8(&content).unwrap().trim()));
}

#[test]
fn a_cookie_that_exists_is_replaced_only_by_force() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("secret");
    fs::write(&file, "old\n").unwrap();
    let errors = refused(directory.path(), &["secret"]);
    assert!(errors.contains("secret exists already") && errors.contains("--force"), "{errors}");
    assert_eq!(fs::read(&file).unwrap(), b"old\n");
    assert_eq!(names(directory.path()), ["secret"]);

    assert!(cookie(directory.path(), &["--force", "secret"]).status.success());
    assert!(is_strong(&fs::read(&file).unwrap()));
    #[cfg(unix)]
    assert_eq!(mode(&file), 0o600);
    assert_eq!(names(directory.path()), ["secret"]);
}

#[test]
fn a_dash_prints_it() {
    let directory = TempDir::new().unwrap();
    let (one, other) = (cookie(directory.path(), &["-"]), cookie(directory.path(), &["-"]));
    assert!(is_strong(&one.stdout) && is_strong(&other.stdout));
    assert_ne!(one.stdout, other.stdout);
    assert!(names(directory.path()).is_empty());
}

#[test]
fn a_redirected_output_has_the_cookie_and_no_file_is_made() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("cookie");
    let status = Command::new(env!("CARGO_BIN_EXE_snow-dist"))
        .arg("cookie")
        .current_dir(directory.path())
        .stdout(fs::File::create(&file).unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    assert!(is_strong(&fs::read(&file).unwrap()));
    assert_eq!(names(directory.path()), ["cookie"]);
    // Into a pipe as well, and it is said, since that may be a log.
    let printed = cookie(directory.path(), &[]);
    assert!(is_strong(&printed.stdout));
    let said = String::from_utf8(printed.stderr).unwrap();
    assert!(said.contains("name a path"), "{said}");
    // There is nothing to replace.
    assert!(refused(directory.path(), &["--force"]).contains("--force replaces a file: name it"));
}

#[test]
fn what_cannot_be_written_says_what_to_do() {
    let directory = TempDir::new().unwrap();
    let errors = refused(directory.path(), &["no/such/cookie"]);
    assert!(errors.contains("no/such is no directory: make it first"), "{errors}");
    for arguments in [&["."][..], &["--force", "."]] {
        let errors = refused(directory.path(), arguments);
        assert!(errors.contains(". is a directory: name a file in it"), "{errors}");
    }
    assert!(names(directory.path()).is_empty());
}
