//! Beside nodes of version 1. Specification: `version1.md`.

use std::num::NonZeroU16;
use std::time::Duration;

use snow_dist_codec::frame::{Exit, Link, Monitor, MonitorExit, Ping, Pong, RegSend, Send};
use snow_dist_codec::{Frame, Pid as WirePid, Root, Signal};
use snow_dist_runtime::core::handshake::Failure;
use snow_dist_runtime::{Allowed, ConnectError, Node, Pid, Reason, Received, Refused, SendError};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{begin, down, exit, idle, node, received, run, start, text, until, within};
use snow_dist_tests::raw_peer::{Listener, NoSession, OldNode, RawSession};

const PEER: &str = "old@127.0.0.1:1";

/// The node id of the node under test at the peer.
const K: u16 = 3;

async fn lenient() -> Node {
    start(Node::builder("a@127.0.0.1:0").version_1(Allowed::Everyone)).await
}

/// A process of the node, with the node id that the peer has for it.
fn known(a: &Node, local: u64) -> WirePid {
    WirePid::new(K, a.creation(), local).unwrap()
}

/// A process of the peer, as the node sees it.
fn there(a: &Node, local: u64) -> Pid {
    a.pid_on(PEER, local).unwrap()
}

/// A node, and a session with a version 1 node that it has learned its node id of.
async fn taught() -> (Node, RawSession) {
    let a = lenient().await;
    let mut session = OldNode::new(PEER).join(a.name()).await;
    session.send(Send { to: known(&a, WirePid::LOCAL_MAX), message: b"for nobody" }).await;
    assert_eq!(session.fence().await, []);
    (a, session)
}

//= spec/handshake.md#hs-von-001
//# A node MUST NOT take part in a handshake of version 1 unless its operator has allowed that.
#[tokio::test]
async fn it_is_off_and_the_error_says_by_what_it_is_allowed() {
    let (a, listener) = (node("a").await, Listener::bind().await);
    let name = listener.name("old");
    let old = OldNode::new(&name);
    let (connected, accepted) = tokio::join!(a.connect(&name), old.accept(&listener));
    let error = connected.unwrap_err();
    assert!(matches!(error, ConnectError::Handshake(Failure::Version1)), "{error}");
    assert!(error.to_string().contains("`version_1` of this node's builder"), "{error}");
    assert!(matches!(accepted, Err(NoSession::Ended)));
    assert!(matches!(old.dial(a.name()).await, Err(NoSession::Ended)));
}

#[tokio::test]
async fn a_peer_that_closes_in_place_of_an_answer_is_told_of_by_its_likely_causes() {
    let (a, listener) = (lenient().await, Listener::bind().await);
    let name = listener.name("old");
    let old = OldNode::new(&name);
    let refuse = async { drop(old.accept_to_reply(&listener).await.unwrap()) };
    let (refused, ()) = tokio::join!(a.connect(&name), refuse);
    let error = refused.unwrap_err();
    assert!(matches!(error, ConnectError::Unanswered), "{error}");
    let says = error.to_string();
    assert!(says.contains("different cookies") && says.contains("node of this one's name"), "{says}");
}

/// A version 1 node never sends close_notify, and TLS has its own words for that.
#[tokio::test]
async fn the_end_of_a_stream_is_logged_in_words_of_this_project() {
    let log = Log::of_this_thread();
    let a = lenient().await;
    drop(OldNode::new(PEER).join(a.name()).await);
    until("the end", || !log.lines_with("session ended").is_empty()).await;
    let ended = log.lines_with("session ended");
    assert!(ended[0].contains("the peer has closed the connection"), "{ended:?}");
    assert!(log.lines_with("docs.rs").is_empty());
}

//= spec/version1.md#v1-alw-001
//# A node that can speak version 1 SHOULD let its operator allow it for single peers by name.
#[tokio::test]
async fn single_peers_are_let_in() {
    let (listener, other) = (Listener::bind().await, Listener::bind().await);
    let (name, other_name) = (listener.name("old"), other.name("old"));
    let allowed = Allowed::only([&name]).unwrap();
    let a = start(Node::builder("a@127.0.0.1:0").version_1(allowed)).await;
    let (old, older) = (OldNode::new(&name), OldNode::new(&other_name));
    let (connected, accepted) = tokio::join!(a.connect(&name), old.accept(&listener));
    connected.unwrap();
    drop(accepted.unwrap());
    until("the end", || a.nodes().is_empty()).await;
    drop(old.join(a.name()).await);
    assert!(matches!(older.dial(a.name()).await, Err(NoSession::Ended)));
    let (connected, accepted) = tokio::join!(a.connect(&other_name), older.accept(&other));
    assert!(matches!(connected, Err(ConnectError::Handshake(Failure::Version1))));
    assert!(matches!(accepted, Err(NoSession::Ended)));
}

#[tokio::test]
async fn messages_go_both_ways_before_the_node_id_is_known() {
    let a = lenient().await;
    let mut session = OldNode::new(PEER).join(a.name()).await;
    let (process, got) = begin(&a, async |mut ctx| (text(&mut ctx).await, text(&mut ctx).await));
    a.register("name", process).unwrap();
    session.send(Send { to: session.theirs(process.local()), message: b"to a process" }).await;
    session.send(RegSend { name: "name".into(), message: b"to a name" }).await;
    assert_eq!(within("messages", got).await.unwrap(), ("to a process".to_owned(), "to a name".to_owned()));
    a.send(there(&a, 9), "to a process").await.unwrap();
    session.expect(Send { to: session.mine(9), message: b"to a process" }).await;
    a.send_named("name", PEER, "to a name").await.unwrap();
    session.expect(RegSend { name: "name".into(), message: b"to a name" }).await;
    session.send(Ping { payload: b"8 bytes." }).await;
    session.expect(Pong { payload: b"8 bytes." }).await;
}

//= spec/version1.md#v1-lrn-004
//# A node MUST NOT write LINK or MONITOR while it does not know k.
//= spec/version1.md#v1-lnk-001
//# A node MUST write a MONITOR of the same two processes behind each LINK.
#[tokio::test]
async fn a_process_is_told_that_it_cannot_link_yet_and_can_when_the_peer_has_addressed_one() {
    let a = lenient().await;
    let mut session = OldNode::new(PEER).join(a.name()).await;
    let other = there(&a, 9);
    let (process, got) = begin(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        for refused in [ctx.link(other).await, ctx.monitor(other).await.map(|_| ())] {
            let Err(Refused::NotInVersion(why)) = refused else { panic!("{refused:?}") };
            assert!(why.contains("version_1_node_id"), "{why}");
        }
        assert_eq!(text(&mut ctx).await, "now");
        ctx.link(other).await.unwrap();
        exit(&mut ctx, other).await
    });
    session.send(Send { to: known(&a, process.local()), message: b"now" }).await;
    let (from, to) = (known(&a, process.local()), session.mine(9));
    session.expect(Link { from, to }).await;
    let seen = session.next().await;
    let Frame::Monitor(Monitor { from: watching, to: watched, reference }) = seen.frame() else {
        panic!("{seen:?}")
    };
    assert_eq!((watching, watched), (from, to));
    let reason = Root::Error("noproc".into()).into();
    session.send(MonitorExit { monitored: to, monitoring: from, reference, reason }).await;
    session.send(Exit { from: to, to: from, reason }).await;
    assert_eq!(within("the exit", got).await.unwrap(), Reason::noproc());
}

#[tokio::test]
async fn what_they_link_to_and_monitor_ends_by_their_own_bytes() {
    let (a, mut session) = taught().await;
    let (process, _) = begin(&a, idle);
    let (from, to) = (session.mine(9), known(&a, process.local()));
    session.send(Link { from, to }).await;
    session.send(Monitor { from, to, reference: 1 }).await;
    assert_eq!(session.fence().await, []);
    a.kill(process).unwrap();
    let reason = Root::Killed.into();
    session.expect(Exit { from: to, to: from, reason }).await;
    session.expect(MonitorExit { monitored: to, monitoring: from, reference: 1, reason }).await;
}

//= spec/version1.md#v1-lrn-003
//# A node MUST forget k when the session ends.
//= spec/version1.md#v1-elc-002
//# A node MUST take a process of a version 1 peer that it has learned of in an earlier session for dead.
#[tokio::test]
async fn what_was_learned_goes_with_the_session() {
    let (a, mut session) = taught().await;
    let other = there(&a, 9);
    let (process, got) = begin(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.monitor_node(PEER).unwrap();
        ctx.link(other).await.unwrap();
        ctx.monitor(other).await.unwrap();
        assert_eq!(exit(&mut ctx, other).await, Reason::Noconnection);
        assert_eq!(down(&mut ctx, other).await, Reason::Noconnection);
        assert_eq!(received(&mut ctx).await, Received::NodeDown { name: PEER.into() });
        assert_eq!(received(&mut ctx).await, Received::NodeUp { name: PEER.into() });
        // Old pids are dead, and the node id is not known.
        ctx.link(other).await.unwrap();
        assert_eq!(exit(&mut ctx, other).await, Reason::Noconnection);
        let again = ctx.node().pid_on(PEER, 9).unwrap();
        (again != other, ctx.link(again).await)
    });
    for _ in 0..3 {
        session.next().await;
    }
    drop(session);
    until("the end", || a.nodes().is_empty()).await;
    let _session = OldNode::new(PEER).join(a.name()).await;
    let (differs, refused) = within("the process", got).await.unwrap();
    assert!(differs && matches!(refused, Err(Refused::NotInVersion(_))), "{process} {refused:?}");
}

//= spec/version1.md#v1-lrn-003
//# A node MUST forget k when the session ends.
//= spec/version1.md#v1-lrn-006
//# A node whose operator has said k MUST end the session if the node id of V1-LRN-001 is another one.
#[tokio::test]
async fn a_node_id_that_was_said_is_good_for_one_session_and_held_against_what_comes() {
    let said = |id| {
        let builder = Node::builder("a@127.0.0.1:0").version_1(Allowed::Everyone);
        start(builder.version_1_node_id(PEER, NonZeroU16::new(id).unwrap()))
    };
    let a = said(K).await;
    let mut session = OldNode::new(PEER).join(a.name()).await;
    let other = there(&a, 9);
    let (process, _) = begin(&a, async move |ctx| {
        ctx.link(other).await.unwrap();
        idle(ctx).await;
    });
    session.expect(Link { from: known(&a, process.local()), to: session.mine(9) }).await;
    drop(session);
    until("the end", || a.nodes().is_empty()).await;
    let _session = OldNode::new(PEER).join(a.name()).await;
    let other = there(&a, 9);
    let refused = run(&a, async move |ctx| ctx.link(other).await).await;
    assert!(matches!(refused, Err(Refused::NotInVersion(_))), "{refused:?}");

    let b = said(K + 1).await;
    let mut session = OldNode::new(PEER).join(b.name()).await;
    session.send(Send { to: known(&b, 1), message: b"by another node id" }).await;
    let (payloads, _) = session.wire.hear_all().await;
    assert_eq!(payloads, [[0_u8; 0]; 0], "there is no CLOSE in version 1");
}

#[tokio::test]
async fn a_node_id_that_was_said_is_not_used_up_by_a_connection_that_becomes_no_session() {
    let builder = Node::builder("a@127.0.0.1:0").version_1(Allowed::Everyone);
    let a = start(builder.version_1_node_id(PEER, NonZeroU16::new(K).unwrap())).await;
    let peer = OldNode::new(PEER);
    // In the first second of a node both wait, and the later one is kept.
    let earlier = peer.dial_to_reply(a.name()).await.unwrap();
    let later = peer.dial_to_reply(a.name()).await.unwrap();
    let mut session = later.acked().await.unwrap();
    let other = there(&a, 9);
    let (process, _) = begin(&a, async move |ctx| {
        ctx.link(other).await.unwrap();
        idle(ctx).await;
    });
    session.expect(Link { from: known(&a, process.local()), to: session.mine(9) }).await;
    drop(earlier);
}

//= spec/version1.md#v1-msg-001
//# A node MUST NOT write a SEND or REG_SEND whose message begins with one of the five types of mailbox signals.
#[tokio::test]
async fn a_message_that_would_pass_for_a_signal_is_refused_to_who_sends_it() {
    let a = lenient().await;
    let mut session = OldNode::new(PEER).join(a.name()).await;
    let message = Signal::TAGS[0].0.to_le_bytes().to_vec();
    for refused in [a.send(there(&a, 9), message.clone()).await, a.send_named("name", PEER, message).await] {
        assert!(matches!(refused, Err(SendError::Refused(Refused::NotInVersion(_)))), "{refused:?}");
    }
    a.send(there(&a, 9), "another").await.unwrap();
    session.expect(Send { to: session.mine(9), message: b"another" }).await;
}

//= spec/version1.md#v1-tag-001
//# A node MUST NOT write a tag from `80` to `9F` in a session of version 1.
#[tokio::test]
async fn what_is_queued_is_written_and_then_the_stream_ends() {
    let (a, mut session) = taught().await;
    a.send(there(&a, 9), "last words").await.unwrap();
    let (payloads, ()) = tokio::join!(
        async {
            let (payloads, _) = session.wire.hear_all().await;
            drop(session);
            payloads
        },
        a.shutdown()
    );
    let send = Frame::from(Send { to: WirePid::new(0, 0, 9).unwrap(), message: b"last words" });
    let mut expected = Vec::new();
    send.encode(&mut expected).unwrap();
    assert_eq!(payloads, [expected]);
}

//= spec/version1.md#v1-elc-001
//# An acceptor MUST withhold ACK from a version 1 peer while it has a dial to it on which REPLY was sent, whatever
//# the names are.
#[tokio::test]
async fn ack_is_withheld_while_an_own_dial_is_not_settled() {
    for name in ["0ld", "old"] {
        let (a, listener) = (lenient().await, Listener::bind().await);
        let old = OldNode::new(&listener.name(name));
        let (dialling, peer) = (a.clone(), listener.name(name));
        let connecting = tokio::spawn(async move { dialling.connect(&peer).await });
        let (accepted, _) = old.accept_to_reply(&listener).await.unwrap();
        let mut second = old.dial_to_reply(a.name()).await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(200), second.wire.hear()).await;
        assert!(early.is_err(), "{early:?}");
        // The dial is over without an answer: the connection that waits is the session.
        drop(accepted);
        let _session = second.acked().await.unwrap();
        within("the session", connecting).await.unwrap().unwrap();
        assert_eq!(a.nodes(), [listener.name(name).into()]);
    }
}

#[tokio::test]
async fn an_ack_on_the_own_dial_refuses_the_connection_that_waits() {
    let (a, listener) = (lenient().await, Listener::bind().await);
    let old = OldNode::new(&listener.name("old"));
    let (dialling, peer) = (a.clone(), listener.name("old"));
    let connecting = tokio::spawn(async move { dialling.connect(&peer).await });
    let (mut accepted, asked) = old.accept_to_reply(&listener).await.unwrap();
    let second = old.dial_to_reply(a.name()).await.unwrap();
    accepted.ack(&asked).await;
    within("the session", connecting).await.unwrap().unwrap();
    assert!(matches!(second.acked().await, Err(NoSession::Ended)));
    assert_eq!(a.nodes(), [listener.name("old").into()]);
}

/// Answers the PING that asks whether the session is used.
async fn answer_ping(session: &mut RawSession) {
    let ping = session.next().await;
    let Frame::Ping(ping) = ping.frame() else { panic!("{ping:?}") };
    let payload = *ping.payload;
    session.send(Pong { payload: &payload }).await;
}

/// Nothing says whether a version 1 node has restarted: the session is asked.
//= spec/version1.md#v1-elc-005
//# A node MUST take a SEND, REG_SEND, UNLINK, EXIT, MONITOR, DEMONITOR, SPAWN, GLOBAL_REGISTER, GLOBAL_UNREGISTER or
//# ROOM_BROADCAST behind the PONG that answers the PING, and nothing else, for a sign that a version 1 peer uses a
//# session.
#[tokio::test]
async fn a_second_connection_is_refused_if_the_session_shows_that_it_is_used() {
    let a = lenient().await;
    let old = OldNode::new(PEER);
    let mut first = old.join(a.name()).await;
    let answer = async {
        answer_ping(&mut first).await;
        first.send(RegSend { name: "nobody".into(), message: b"found by name" }).await;
    };
    let (second, ()) = tokio::join!(old.dial(a.name()), answer);
    assert!(matches!(second, Err(NoSession::Ended)));
    assert_eq!(first.fence().await, []);
}

//= spec/version1.md#v1-elc-004
//# An acceptor MUST end a version 1 session that shows no sign of use for `probe_timeout` after it was probed
//# for a connection that was accepted after the session had begun.
#[tokio::test]
async fn a_session_that_only_answers_and_asks_is_replaced() {
    let a = lenient().await;
    let old = OldNode::new(PEER);
    let mut first = old.join(a.name()).await;
    let orphan = async {
        answer_ping(&mut first).await;
        first.send(Ping { payload: b"8 bytes." }).await;
        first.expect(Pong { payload: b"8 bytes." }).await;
        assert!(first.wire.hear().await.is_end());
    };
    let (mut second, ()) = tokio::join!(old.join(a.name()), orphan);
    assert_eq!(second.fence().await, []);
    assert_eq!(a.nodes(), [PEER.into()]);
}
