//! What others can make a node write to its log, and in which words.

use std::net::Ipv4Addr;
use std::time::Duration;

use snow_dist_codec::Pid as WirePid;
use snow_dist_codec::frame::{Close, GlobalUnregister, Send};
use snow_dist_runtime::{Allowed, Node};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{node, start, until};
use snow_dist_tests::raw_peer::{OldNode, RawNode, address, connect_from};
use tokio::net::TcpStream;

/// Bytes of the longest line of the log: a text of a peer that is cut, and the words around it.
const LINE_BYTES_MAX: usize = 512;

fn assert_safe(lines: &[String]) {
    for line in lines {
        assert!(line.len() <= LINE_BYTES_MAX, "{} bytes: {line}", line.len());
        let unsafe_character = |c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c);
        assert!(!line.contains(unsafe_character), "{line:?}");
    }
}

#[tokio::test]
async fn three_hundred_probes_are_a_handful_of_lines_and_are_all_counted() {
    let log = Log::of_this_thread();
    let a = node("a").await;
    for _ in 0..300 {
        drop(TcpStream::connect(address(a.name())).await.unwrap());
    }
    until("the count", || a.connection_counts().refused.broken == 300).await;
    let lines = log.lines_with("refused");
    assert_eq!(lines.len(), 8, "{lines:#?}");
    assert_safe(&lines);
    assert!(lines.iter().all(|line| !line.contains("Snow node listen")), "that is the dialler's question");
    // The rest is told in sum, though nobody comes any more.
    until("the sum", || log.lines_with("connections were refused within").len() == 1).await;
    let sum = log.lines_with("connections were refused within");
    assert!(sum[0].contains("292 closed by the other end"), "{sum:?}");
}

#[tokio::test]
async fn a_refusal_names_its_cause_and_the_address() {
    let log = Log::of_this_thread();
    let a = node("a").await;
    let stranger = start_with_cookie("another cookie of many letters").await;
    stranger.connect(a.name()).await.unwrap_err();
    until("the count", || a.connection_counts().refused.cookie == 1).await;
    let lines = log.lines_with("a connection was refused");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("different cookies") && lines[0].contains("from=127.0.0.1:"), "{lines:?}");
}

async fn start_with_cookie(cookie: &str) -> Node {
    Node::builder("stranger@127.0.0.1:0").cookie(cookie).start().await.unwrap()
}

//= spec/connection.md#con-cls-015
//# A node MUST escape control characters in the text of a CLOSE when it shows it.
#[tokio::test]
async fn the_text_of_a_close_is_escaped_and_cut() {
    let log = Log::of_this_thread();
    let a = node("a").await;
    let mut session = RawNode::new("raw@127.0.0.1:1", 7).join(a.name()).await;
    let text = "\u{1b}[2Jnot a line\n\u{202e}\u{2028}".repeat(3_000);
    session.send(Close { code: 0, text: text.as_str().into() }).await;
    until("the end", || log.lines_with("session ended").len() == 1).await;
    assert_safe(&log.lines());
    assert!(log.lines_with("session ended")[0].contains(r"\u{1b}[2Jnot a line\n"));
}

#[tokio::test]
async fn a_name_is_escaped_wherever_it_is_shown() {
    let log = Log::of_this_thread();
    let a = node("a").await;
    let name = "admin\u{202e}\u{2028}INFO all is well@127.0.0.1:1";
    let session = RawNode::new(name, 7).join(a.name()).await;
    drop(session);
    until("the end", || log.lines_with("session ended").len() == 1).await;
    assert_eq!(log.lines_with(r"admin\u{202e}\u{2028}INFO").len(), 2, "{:?}", log.lines());
    assert_safe(&log.lines());
}

#[tokio::test]
async fn frames_that_every_node_may_leave_alone_are_no_warning() {
    let log = Log::of_this_thread();
    let a = start(Node::builder("a@127.0.0.1:0").version_1(Allowed::Everyone)).await;
    let mut old = OldNode::new("old@127.0.0.1:1").join(a.name()).await;
    let mut raw = RawNode::new("raw@127.0.0.1:1", 7).join(a.name()).await;
    for session in [&mut old, &mut raw] {
        session.send(GlobalUnregister { name: "n".into() }).await;
        session.fence().await;
    }
    drop((old, raw));
    until("the ends", || log.lines_with("session ended").len() == 2).await;
    assert_eq!(log.lines_with("passed over"), Vec::<String>::new());
    // What nobody should send still is one.
    let mut raw = RawNode::new("raw@127.0.0.1:1", 7).join(a.name()).await;
    raw.wire.say(&[0x9F]).await;
    raw.fence().await;
    drop(raw);
    until("the warning", || log.lines_with("passed over").len() == 1).await;
}

#[tokio::test]
async fn a_member_that_comes_and_goes_is_told_of_in_sum() {
    let log = Log::of_this_thread();
    let a = node("a").await;
    let from = Ipv4Addr::LOCALHOST;
    for number in 0..100 {
        let wire = connect_from(from, address(a.name())).await.unwrap();
        let peer = RawNode::new(&format!("raw{number}@127.0.0.1:1"), 7);
        drop(peer.initiate(wire, a.name()).await.unwrap());
    }
    until("the ends", || a.nodes().is_empty()).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(log.lines_with("session ").len(), 128, "of 200");
}

#[tokio::test]
async fn frames_for_other_nodes_are_told_of_in_sum_however_many_sessions_bring_them() {
    let log = Log::of_this_thread();
    let a = start(Node::builder("a@127.0.0.1:0").version_1(Allowed::Everyone)).await;
    for number in 0..20 {
        let mut old = OldNode::new(&format!("old{number}@127.0.0.1:1")).join(a.name()).await;
        // By the first one it is known here which node id this node has there: the second one is another node's.
        for node_id in [3, 9] {
            let to = WirePid::new(node_id, a.creation(), 1).unwrap();
            old.send(Send { to, message: b"stray" }).await;
        }
        old.fence().await;
    }
    // One at once, and one for each interval that is over, which doubles.
    let lines = log.lines_with("a frame for another node has come");
    assert!((1..10).contains(&lines.len()), "{} of 20", lines.len());
    assert_safe(&lines);
}

#[tokio::test]
async fn an_old_cookie_that_is_used_again_and_again_is_told_of_in_sum() {
    let log = Log::of_this_thread();
    let a = start(Node::builder("a@127.0.0.1:0").cookie("the new cookie, which signs here")).await;
    for number in 0..150 {
        drop(RawNode::new(&format!("raw{number}@127.0.0.1:1"), 7).join(a.name()).await);
    }
    let lines = log.lines_with("only accepted here");
    assert_eq!(lines.len(), 128, "of 150");
    assert_safe(&lines);
}
