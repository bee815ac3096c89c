//! `snow-dist proof`, run as a person runs it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const VECTORS: &str = include_str!("../../../spec/vectors/proofs.json");

/// Handshakes of version 2 with every value in between.
fn worked() -> Vec<Value> {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    let worked: Vec<_> = vectors.iter().filter(|vector| vector["version"] == 2).cloned().collect();
    assert!(!worked.is_empty());
    worked
}

fn run(cookie: &[u8], arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_snow-dist"))
        .args(["proof", "--cookie-file", "-"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A child that does not come to read its input closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(cookie);
    child.wait_with_output().unwrap()
}

/// What the command is given for a vector, each value behind its option.
fn arguments(vector: &Value) -> Vec<(&'static str, String)> {
    let of = |name: &str| vector[name].as_str().unwrap().to_owned();
    vec![
        ("--exporter", of("exporter")),
        ("--name", of("name")),
        ("--challenge", of("challenge")),
        ("--reply", of("reply")),
        ("--ack", of("ack")),
    ]
}

fn flat(arguments: &[(&'static str, String)]) -> Vec<String> {
    arguments.iter().flat_map(|(option, value)| [(*option).to_owned(), value.clone()]).collect()
}

fn cookie(vector: &Value) -> Vec<u8> {
    hex::decode(vector["cookie"].as_str().unwrap()).unwrap()
}

fn of(vector: &Value, cookie: &[u8], change: impl FnOnce(&mut Vec<(&'static str, String)>)) -> Output {
    let mut arguments = arguments(vector);
    change(&mut arguments);
    let arguments = flat(&arguments);
    run(cookie, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn every_value_of_the_worked_handshakes() {
    const VALUES: &[&str] = &[
        "pseudorandom_key",
        "key",
        "transcript",
        "transcript_hash",
        "mac_initiator",
        "proof_initiator",
        "reply_hash",
        "mac_acceptor",
        "proof_acceptor",
    ];
    for vector in worked() {
        let mut options = flat(&arguments(&vector));
        options.push("--json".to_owned());
        let output = run(&cookie(&vector), &options.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(output.status.success(), "{}", errors(&output));
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        for name in VALUES {
            assert_eq!(printed[name], vector[name], "{name} of {}", vector["id"]);
        }
        assert_eq!(printed.as_object().unwrap().len(), VALUES.len());
    }
}

#[test]
fn a_person_sees_each_value_and_what_it_is_made_of_but_not_the_cookie() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("cookie");
    let vector = &worked()[0];
    let secret = cookie(vector);
    fs::write(&file, [&secret[..], b"\r\n"].concat()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_snow-dist"))
        .args(["proof", "--cookie-file"])
        .arg(&file)
        .args(flat(&arguments(vector)))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let proof = vector["proof_initiator"].as_str().unwrap();
    let shown = format!("proof_initiator\n  = HMAC-SHA256(k2, mac_initiator): proofI\n  {proof}\n");
    assert!(text.contains(&shown), "{text}");
    for secret in [String::from_utf8(secret.clone()).unwrap(), hex::encode(secret)] {
        assert!(!text.contains(&secret), "{text}");
    }
}

#[test]
fn a_handshake_that_has_come_to_a_part_gives_that_part() {
    let vector = &worked()[0];
    for (given, last) in [(3, "transcript_hash\n"), (4, "proof_initiator\n")] {
        let output = of(vector, &cookie(vector), |arguments| arguments.truncate(given));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.contains(last) && !text.contains("proof_acceptor"), "{text}");
    }
}

#[test]
fn a_message_with_another_proof_is_told() {
    let vector = &worked()[0];
    for (of_message, option) in [("REPLY", 3), ("ACK", 4)] {
        let output = of(vector, &cookie(vector), |arguments| {
            let text = &mut arguments[option].1;
            let last = if text.ends_with('0') { "1" } else { "0" };
            text.replace_range(text.len() - 1.., last);
        });
        assert_eq!(output.status.code(), Some(1));
        assert!(
            errors(&output).contains(&format!("the last 32 bytes of {of_message} are another proof")),
            "{}",
            errors(&output)
        );
    }
    let output = of(vector, b"another cookie", |_| ());
    assert_eq!((output.status.code(), errors(&output).lines().count()), (Some(1), 2));
}

#[test]
fn what_is_wrong_with_an_input_is_said_and_where() {
    let vector = &worked()[0];
    let version_1: Value = serde_json::from_str::<Value>(VECTORS).unwrap()["vectors"][0].clone();
    let name_of_version_1 = version_1["name"].as_str().unwrap();
    let name = vector["name"].as_str().unwrap();
    let framed = {
        let length = u32::try_from(name.len() / 2).unwrap();
        format!("{}{name}", hex::encode(length.to_le_bytes()))
    };
    let cut = &name[..name.len() - 2];
    type Bad<'a> = (&'a [u8], usize, &'a str, &'a [&'a str]);
    let good = cookie(vector);
    let bad: [Bad<'_>; 8] = [
        (b"", 0, "", &["the cookie is empty"]),
        (b"a\0b", 0, "", &["a zero byte"]),
        (&good, 0, "00", &["--exporter has 1 bytes, and not 32"]),
        (&good, 0, "0g", &["--exporter: ", "character 2", "is no hexadecimal digit"]),
        (&good, 1, cut, &["--name: ", "at byte", "^^"]),
        (&good, 1, &framed, &["--name: ", "the length of the rest: leave them out"]),
        (&good, 1, name_of_version_1, &["has no extension block", "version 1"]),
        (&good, 2, name, &["--challenge: this is NAME, and not CHALLENGE"]),
    ];
    for (cookie, option, value, wanted) in bad {
        let output = of(vector, cookie, |arguments| {
            if !value.is_empty() {
                arguments[option].1 = value.to_owned();
            }
        });
        let errors = errors(&output);
        assert_eq!(output.status.code(), Some(1), "{value}: {errors}");
        assert!(output.stdout.is_empty());
        for part in wanted {
            assert!(errors.contains(part), "{value}: {errors}");
        }
    }
    let output = run(b"", &["--exporter", "00"]);
    assert_eq!(output.status.code(), Some(2));
    let missing = Command::new(env!("CARGO_BIN_EXE_snow-dist"))
        .args(["proof", "--cookie-file", "/no/such/file"])
        .args(flat(&arguments(vector)))
        .output()
        .unwrap();
    assert!(errors(&missing).contains("cannot read the cookie file /no/such/file"));
    assert_eq!(missing.status.code(), Some(1));
}
