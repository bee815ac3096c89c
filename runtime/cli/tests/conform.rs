//! The node of this repository, judged by the command as a stranger would have it done.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

fn conform(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_snow-dist")).arg("conform").args(arguments).output().unwrap()
}

/// The node of this repository, behind its adapter.
const NODE: &[&str] = &["--", env!("CARGO_BIN_EXE_snow-dist"), "conform-node"];

#[test]
fn the_node_of_this_repository_is_conformant() {
    let judged = conform(&[&["--strict"], NODE].concat());
    let text = String::from_utf8_lossy(&judged.stdout);
    assert_eq!(judged.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&judged.stderr));
    assert!(text.contains(" pass\nconformant"), "{text}");
}
