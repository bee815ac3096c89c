//! `snow-dist conform`, run as a stranger runs it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use snow_dist_runtime::Node;
use tempfile::TempDir;

fn conform(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_snow-dist")).arg("conform").args(arguments).output().unwrap()
}

/// The node of this repository, behind its adapter.
const NODE: &[&str] = &["--", env!("CARGO_BIN_EXE_snow-dist"), "conform-node"];

fn conform_node(arguments: &[&str]) -> (Option<i32>, String, String) {
    let done = conform(&[arguments, NODE].concat());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code(), text(&done.stdout), text(&done.stderr))
}

fn assert_conformant(status: Option<i32>, text: &str) {
    assert_eq!(status, Some(0), "{text}");
    assert!(text.ends_with("conformant, as far as these cases go\n"), "{text}");
    assert!(!text.contains("unsupported"), "{text}");
}

#[test]
fn the_node_of_this_repository_is_conformant_in_both_roles() {
    let (status, text, errors) = conform_node(&["--strict", "--quiet", "--jobs", "6"]);
    assert_conformant(status, &format!("{errors}{text}"));
}

#[test]
fn the_node_of_this_repository_speaks_version_1_where_that_is_allowed() {
    let done = conform(
        &[&["--version", "1", "--strict", "--quiet", "--jobs", "6"], NODE, &["--version-1"]].concat(),
    );
    assert_conformant(done.status.code(), &String::from_utf8_lossy(&done.stdout));
}

#[tokio::test]
async fn a_node_that_runs_is_judged_by_its_address() {
    let folder = TempDir::new().unwrap();
    let cookie = folder.path().join("cookie");
    fs::write(&cookie, "a cookie of thirty-two letters..\n").unwrap();
    let node = Node::builder("a@127.0.0.1:0").cookie_file(&cookie).start().await.unwrap();
    let (address, cookie) = (node.name().split_once('@').unwrap().1.to_owned(), cookie.display().to_string());
    let judged = tokio::task::spawn_blocking(move || {
        conform(&["--cookie-file", &cookie, "--address", &address, "--case", "unlink*"])
    });
    let judged = judged.await.unwrap();
    let text = String::from_utf8_lossy(&judged.stdout);
    assert_eq!(judged.status.code(), Some(0), "{text}");
    assert!(text.contains("pass            acceptor  unlink-of-nobody\n"), "{text}");
    assert!(text.contains("unsupported     acceptor  unlink-then-end\n"), "{text}");
    assert!(!text.contains("initiator"), "{text}");
    node.shutdown().await;
}

#[tokio::test]
async fn a_node_that_dials_is_judged_as_an_initiator() {
    let folder = TempDir::new().unwrap();
    let cookie = folder.path().join("cookie");
    fs::write(&cookie, "a cookie of thirty-two letters..").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (listen, cookie_file) = (format!("127.0.0.1:{port}"), cookie.display().to_string());
    let node = Node::builder("a@127.0.0.1:0").cookie_file(&cookie).start().await.unwrap();
    let dialling = tokio::spawn({
        let (node, to) = (node.clone(), format!("conform@{listen}"));
        async move {
            loop {
                let _ = node.connect(&to).await;
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    });
    let judged = tokio::task::spawn_blocking(move || {
        let wanted = ["--case", "pong*", "--case", "ack-*", "--case", "tls-server-name"];
        conform(&[&["--cookie-file", &cookie_file, "--listen", &listen], &wanted[..]].concat())
    });
    let judged = judged.await.unwrap();
    let text = String::from_utf8_lossy(&judged.stdout);
    assert_eq!(judged.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&judged.stderr));
    assert!(text.contains("pass            initiator ack-proof-last-bit\n"), "{text}");
    assert!(text.contains("pass            initiator tls-server-name\n"), "{text}");
    assert!(!text.contains("acceptor"), "{text}");
    dialling.abort();
    node.shutdown().await;
}

/// A node that dials each of the names again and again.
async fn dialling(name: &str, cookie: &Path, to: Vec<String>) -> (Node, tokio::task::JoinSet<()>) {
    let node = Node::builder(name).cookie_file(cookie).start().await.unwrap();
    let mut dialling = tokio::task::JoinSet::new();
    for to in to {
        let node = node.clone();
        dialling.spawn(async move {
            loop {
                let _ = node.connect(&to).await;
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        });
    }
    (node, dialling)
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Which of two nodes that dial each other has the larger name decides, and the runner has the names that the node has
/// been told to dial.
#[tokio::test]
async fn a_node_that_dials_is_judged_rightly_whatever_its_name_is() {
    const LARGER: &[&str] = &["both-dial-larger", "both-dial-and-both-get-ack"];
    const SMALLER: &[&str] = &["both-dial-smaller", "both-dial-smaller-and-its-dial-breaks"];
    let folder = TempDir::new().unwrap();
    let cookie = folder.path().join("cookie");
    fs::write(&cookie, "a cookie of thirty-two letters..").unwrap();
    for first in ["a", "m", "zz"] {
        let [usual, smaller, larger] = [(); 3].map(|()| free_address());
        let names = [format!("conform@{usual}"), format!("{first}0@{smaller}"), format!("{first}z@{larger}")];
        let (node, dialling) = dialling(&format!("{first}@127.0.0.1:0"), &cookie, names.to_vec()).await;
        let address = node.name().split_once('@').unwrap().1.to_owned();
        let judged = |names: Vec<String>| {
            let (cookie, address) = (cookie.display().to_string(), address.clone());
            tokio::task::spawn_blocking(move || {
                let listen = names.iter().flat_map(|name| ["--listen", name]);
                let usual = ["--cookie-file", &cookie, "--address", &address, "--role", "initiator"];
                let done = conform(
                    &usual.into_iter().chain(["--case", "both-dial*"]).chain(listen).collect::<Vec<_>>(),
                );
                (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned())
            })
        };
        // One name, on whichever side of the node's own: what does not fit is not judged.
        let (status, text) = judged(vec![usual]).await.unwrap();
        let is_larger = *node.name() > *names[0];
        let (fit, unfit) = if is_larger { (LARGER, SMALLER) } else { (SMALLER, LARGER) };
        assert_eq!(status, Some(0), "{first}: {text}");
        for case in fit {
            assert!(text.contains(&format!("pass            initiator {case}\n")), "{first}: {text}");
        }
        for case in unfit {
            assert!(text.contains(&format!("unsupported     initiator {case}\n")), "{first}: {text}");
        }
        let (side, name) = if is_larger { ("larger", "z") } else { ("smaller", "0") };
        let advice =
            format!("needs a name that is {side} than {}: give --listen {first}{name}@IP:PORT", node.name());
        assert!(text.contains(&advice), "{first}: {text}");
        // A name on either side: all are.
        let (status, text) = judged(names.to_vec()).await.unwrap();
        assert_eq!(status, Some(0), "{first}: {text}");
        for case in LARGER.iter().chain(SMALLER) {
            assert!(text.contains(&format!("pass            initiator {case}\n")), "{first}: {text}");
        }
        drop(dialling);
        node.shutdown().await;
    }
}

#[test]
fn wrong_usage_is_2() {
    for arguments in [
        &[][..],
        &["--address", "127.0.0.1:1"],
        &["--version", "3", "--", "true"],
        &["--case", "no-such-case", "--", "true"],
        &["--requirement", "SES-", "--", "true"],
        &["--list", "--case", "no-such-case"],
        &["--known-failures", "/no/such/file", "--", "true"],
        &["--cookie-file", "/no/such/file", "--address", "127.0.0.1:1"],
    ] {
        let done = conform(arguments);
        assert_eq!(done.status.code(), Some(2), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        assert!(!done.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_subject_that_is_not_there_or_cannot_be_believed_is_3() {
    let folder = TempDir::new().unwrap();
    let cookie = folder.path().join("cookie");
    fs::write(&cookie, "a cookie of thirty-two letters..").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (cookie, address) = (cookie.display().to_string(), format!("127.0.0.1:{port}"));
    for (arguments, why) in [
        (&["--cookie-file", &cookie, "--address", &address][..], "refused"),
        (&["--", "/no/such/program"], "cannot be started"),
        (&["--", "true"], "the adapter"),
        // It says yes to everything.
        (&["--", "sh", "-c", "while read line; do echo '{\"answer\": \"ok\"}'; done"], "recite_a_poem"),
    ] {
        let done = conform(arguments);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(3), "{arguments:?}: {said}");
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_4() {
    let (status, _, errors) = conform_node(&["--case", "pong", "--json", "/no/such/folder/report.json"]);
    assert_eq!(status, Some(4), "{errors}");
}

#[test]
fn a_known_failure_that_passes_fails() {
    let folder = TempDir::new().unwrap();
    let list = folder.path().join("known");
    fs::write(&list, "# nothing is known\npong/acceptor # but this\n").unwrap();
    let (status, text, _) =
        conform_node(&["--case", "pong", "--known-failures", &list.display().to_string()]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("unexpected-pass acceptor  pong"), "{text}");
    assert!(text.contains("pass            initiator pong"), "{text}");
    fs::write(&list, "no-such-case\n").unwrap();
    let (status, _, errors) = conform_node(&["--known-failures", &list.display().to_string()]);
    assert_eq!(status, Some(2), "{errors}");
}

/// A case that no conformant node passes: a PONG of another payload.
const IMPOSSIBLE: &str = r#"
[[case]]
slug = "impossible"
title = "A PING is answered by a PONG of another payload"
requirements = ["CON-HBT-004"]
role = "acceptor"
steps = [
    { session = "first" },
    { send = "PING", payload = "0102030405060708" },
    { expect = "PONG", payload = "0807060504030201" },
]
"#;

#[test]
fn a_failure_is_reported_with_its_log_for_people_and_for_programs() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("cases.toml"), IMPOSSIBLE).unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let cases = folder.path().display().to_string();
    let wanted = ["--cases", &cases, "--json", &path("r.json"), "--junit", &path("r.xml")];
    let (status, text, _) = conform_node(&wanted);
    assert_eq!(status, Some(1), "{text}");
    let failed =
        "step 3 (expect): PONG (payload=0102030405060708) came; PONG (payload=0807060504030201) was expected";
    for part in
        ["fail            acceptor  impossible", failed, "first -> NAME name=", "first <- PONG payload="]
    {
        assert!(text.contains(part), "{part}: {text}");
    }

    let json: Value = serde_json::from_str(&fs::read_to_string(path("r.json")).unwrap()).unwrap();
    assert_eq!(json["conformant"], false);
    assert_eq!(json["counts"]["fail"], 1);
    assert_eq!(json["requirements"]["CON-HBT-004"]["verdict"], "fail");
    assert_eq!(json["requirements"]["CON-HBT-004"]["cases"]["impossible/acceptor"], "fail");
    assert!(json["cases"][0]["log"].as_array().unwrap().len() > 5);

    let xml = fs::read_to_string(path("r.xml")).unwrap();
    for part in [
        "<testsuite name=\"acceptor\" tests=\"1\"",
        "failures=\"1\"",
        "<failure",
        "CON-HBT-004",
        "PONG payload=",
    ] {
        assert!(xml.contains(part), "{part}: {xml}");
    }

    // Known, it does not count.
    fs::write(folder.path().join("known"), "impossible\n").unwrap();
    let (status, text, _) = conform_node(&["--cases", &cases, "--known-failures", &path("known")]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("known-fail      acceptor  impossible"), "{text}");
    // A recommendation does not count either, unless the judgement is strict.
    fs::write(folder.path().join("cases.toml"), IMPOSSIBLE.replace("role =", "level = \"should\"\nrole ="))
        .unwrap();
    assert_eq!(conform_node(&["--cases", &cases]).0, Some(0));
    assert_eq!(conform_node(&["--cases", &cases, "--strict"]).0, Some(1));
}

#[test]
fn a_case_with_a_word_that_is_none_is_refused() {
    let folder = TempDir::new().unwrap();
    for wrong in
        ["quite = true", "session = \"first\", colour = 1", "say = \"NAME\", nmae = \"x\"", "refused = 3"]
    {
        let text = IMPOSSIBLE.replace("session = \"first\"", wrong);
        fs::write(folder.path().join("cases.toml"), text).unwrap();
        let done = conform(&["--list", "--cases", &folder.path().display().to_string()]);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{wrong}: {said}");
        assert!(said.contains(wrong.split(' ').next().unwrap()), "{wrong}: {said}");
    }
}
