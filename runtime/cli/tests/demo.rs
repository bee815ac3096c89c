//! `snow-dist demo`, run as a person runs it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Runs the demonstration to its good end, and gives what it printed.
fn demo(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let temporary = TempDir::new().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_snow-dist"))
        .arg("demo")
        .args(arguments)
        .env("TMPDIR", temporary.path())
        .env_remove("CLICOLOR_FORCE")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(output.status.success(), "{shown}");
    assert_eq!(temporary.path().read_dir().unwrap().count(), 0, "a file is left behind");
    shown
}

const TITLES: [&str; 12] = [
    "Two nodes",
    "Connect",
    "Send bytes",
    "Send terms",
    "Link",
    "Monitor",
    "An exit with a reason",
    "A trapped exit",
    "Unlink",
    "kill -9",
    "Restart and reconnect",
    "Stop",
];

/// The frames of one step, as they are shown: direction, tag and name.
fn frames<'s>(shown: &'s str, title: &str) -> Vec<&'s str> {
    let step = shown.split(&format!("  {title}\n")).nth(1).unwrap();
    step.lines()
        .take_while(|line| !TITLES.iter().any(|title| line.ends_with(title)) && !line.contains("Summary"))
        .filter(|line| line.starts_with("    a -> b") || line.starts_with("    a <- b"))
        .map(|line| line.split(':').next().unwrap().trim())
        .collect()
}

#[test]
fn every_frame_and_every_signal_is_shown() {
    let shown = demo(&[], &[]);
    for (index, title) in TITLES.iter().enumerate() {
        assert!(shown.contains(&format!("{:>2}  {title}\n", index + 1)), "{title} in {shown}");
    }
    let handshake = ["a -> b   01 NAME", "a <- b   02 CHALLENGE", "a -> b   03 REPLY", "a <- b   04 ACK"];
    assert_eq!(frames(&shown, "Connect"), handshake);
    assert_eq!(frames(&shown, "Link"), ["a -> b   13 LINK"]);
    assert_eq!(frames(&shown, "Monitor"), ["a -> b   16 MONITOR"]);
    let exit = ["a -> b   86 SEND_TERM", "a <- b   15 EXIT", "a <- b   18 MONITOR_EXIT"];
    assert_eq!(frames(&shown, "An exit with a reason"), exit);
    let unlink =
        ["13 LINK", "16 MONITOR", "80 UNLINK_ID", "81 UNLINK_ACK", "86 SEND_TERM", "18 MONITOR_EXIT"];
    let names: Vec<_> = frames(&shown, "Unlink").iter().map(|frame| &frame[9..]).collect();
    assert_eq!(names, unlink);
    assert_eq!(frames(&shown, "Restart and reconnect")[..4], handshake);
    assert_eq!(frames(&shown, "Stop"), ["a <- b   84 CLOSE"]);
    for line in [
        "spec/dist.md \"LINK\"",
        "name \"desk\",  message 5 bytes |hello|",
        "which is the term Start {role: \"worker\", traps: false}",
        "reason custom \"upgrade\"",
        "code 0,  text \"the node stops\"",
        "* desk on b sees a message, 5 bytes: \"hello\"",
        ": linked(<1.2.",
        ": error \"disk full\"",
        "* keeper on b sees EXIT from <1.",
        "* main on a sees a message, 10 bytes: \"still here\"",
        ": noconnection",
        "* main on a sees NODEUP b@127.0.0.1:",
        "* main on a sees NODEDOWN b@127.0.0.1:",
        "All that was expected was seen.",
    ] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
    assert!(!shown.contains("MISSING"), "{shown}");
}

#[test]
fn neither_secret_nor_process_is_left() {
    let shown = demo(&[], &[]);
    // Challenges and proofs are as long as a cookie, and are said to be what they are.
    let cookie = |word: &str| word.len() >= 64 && word.chars().all(|digit| digit.is_ascii_hexdigit());
    let words: Vec<_> = shown.split(|character: char| !character.is_alphanumeric()).collect();
    let named = |name: &str| matches!(name, "challenge" | "proof");
    assert!(!words.windows(2).any(|pair| cookie(pair[1]) && !named(pair[0])), "{shown}");
    let processes: Vec<_> = shown.split("in operating-system process ").skip(1).collect();
    assert_eq!(processes.len(), 2);
    for process in processes {
        let process = process.lines().next().unwrap();
        assert_ne!(process, std::process::id().to_string());
        #[cfg(target_os = "linux")]
        assert!(!std::path::Path::new("/proc").join(process).exists(), "process {process} still runs");
    }
}

#[test]
fn quiet_is_the_summary_alone() {
    let shown = demo(&["--quiet"], &[]);
    assert!(shown.starts_with("    Summary"), "{shown}");
    assert!(shown.ends_with("All that was expected was seen.\n"), "{shown}");
    assert!(!shown.contains("a -> b") && !shown.contains(" sees "), "{shown}");
    for title in TITLES {
        assert!(shown.contains(title), "{title} in {shown}");
    }
}

#[test]
fn a_trace_has_every_message_that_is_shown() {
    let temporary = TempDir::new().unwrap();
    let path = temporary.path().join("trace.jsonl");
    let shown = demo(&["--trace", path.to_str().unwrap()], &[]);
    let lines: Vec<serde_json::Value> = std::fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let arrows = |line: &&str| line.starts_with("    a -> b") || line.starts_with("    a <- b");
    assert_eq!(lines.len(), shown.lines().filter(arrows).count());
    let first = &lines[0];
    assert_eq!(first["phase"], "handshake");
    assert_eq!(first["message"]["tag"], "NAME");
    assert_eq!(first["message"]["fields"]["name"], first["from"]);
    assert!(first["to"].as_str().unwrap().starts_with("b@127.0.0.1:"), "{first}");
    let last = lines.last().unwrap();
    assert_eq!(last["phase"], "session");
    assert_eq!(last["message"]["tag"], "CLOSE");
    assert_eq!(last["from"], first["to"]);
    assert_eq!(last["to"], first["from"]);
    for pair in lines.windows(2) {
        assert!(pair[0]["time_us"].as_u64().unwrap() <= pair[1]["time_us"].as_u64().unwrap(), "{pair:?}");
    }
    // The payload is the whole message.
    for line in &lines {
        let length = usize::try_from(line["message"]["length"].as_u64().unwrap()).unwrap();
        assert_eq!(line["payload"].as_str().unwrap().len(), 2 * length, "{line}");
    }
}

#[test]
fn colours_are_for_terminals() {
    assert!(!demo(&["--quiet"], &[]).contains('\u{1b}'));
    assert!(demo(&["--quiet"], &[("CLICOLOR_FORCE", "1")]).contains("\u{1b}[32m"));
}

#[test]
fn the_second_process_ends_with_the_first() {
    let mut peer = Command::new(env!("CARGO_BIN_EXE_snow-dist"))
        .arg("demo-peer")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = peer.stdin.take().unwrap();
    let orders =
        "{\"name\":\"b@127.0.0.1:0\",\"cookie\":\"a cookie of this test alone\",\"other\":\"a@127.0.0.1:1\"}";
    writeln!(input, "{orders}").unwrap();
    let mut started = String::new();
    BufReader::new(peer.stdout.take().unwrap()).read_line(&mut started).unwrap();
    assert!(started.starts_with("{\"Started\":{\"node\":\"b@127.0.0.1:"), "{started}");
    // As it closes when the first process is no more, however that came about.
    drop(input);
    assert!(peer.wait().unwrap().success());
}

#[test]
fn the_second_process_is_no_command_of_its_own() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_snow-dist")).arg("demo-peer").stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: this command is for `snow-dist demo` alone\n"
    );
}
