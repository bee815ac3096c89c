//! What the captures of `spec/captures` hold: `captures SCENARIO`, while somebody else listens on loopback and
//! `SSLKEYLOGFILE` names the file for the keys. `spec/captures/make.sh` does both.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a scenario that fails makes no capture"
)]

use std::time::Duration;

use snow_dist_codec::frame::{Exit, Link, Monitor, PeerList, Ping, Send, SendTerm};
use snow_dist_codec::limits::{FRAME_BYTES_MAX, HANDSHAKE_BYTES_MAX};
use snow_dist_codec::{Frame, Names, Pid as WirePid, ReasonBuf, Root, framing};
use snow_dist_runtime::core::limits::FRAGMENT_BYTES_MAX;
use snow_dist_runtime::{Context, Node, Pid, Reason, Received, Timing};
use snow_dist_tests::program::{
    COOKIE, begin, connect, down, end_of, exit, idle, received, run, seen_from, start, text, until,
    until_told,
};
use snow_dist_tests::raw_peer::{self, RawNode, RawSession, Wire, address, by_hand};

/// Where the node listens to which the raw peer speaks: it offers no application protocol, so that only the port
/// says what this is.
const NODE: &str = "n@127.0.0.1:9000";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("session") => session().await,
        Some("refused") => refused().await,
        Some("malformed") => malformed().await,
        Some("split") => split().await,
        Some("fragments") => fragments().await,
        Some("calls") => calls().await,
        other => panic!("no scenario: {other:?}"),
    }
}

/// All that two nodes say to each other in a session, from NAME to CLOSE.
async fn session() {
    let impatient = Timing { interval: Duration::from_millis(200), timeout: Duration::from_secs(30) };
    let a = start(Node::builder("a@127.0.0.1:0").key_log(true).heartbeat(impatient)).await;
    let b = start(Node::builder("b@127.0.0.1:0")).await;
    connect(&a, &b).await;

    let worker = b.spawn(async |mut ctx: Context| {
        received(&mut ctx).await;
        Reason::error("disk full")
    });
    let worker = seen_from(&a, &b, worker.unwrap());
    let chained = seen_from(&a, &b, b.spawn(until_told).unwrap());
    let survivor = seen_from(&a, &b, b.spawn(idle).unwrap());
    let (named, heard) = begin(&b, async |mut ctx: Context| {
        ctx.register("echo").unwrap();
        text(&mut ctx).await
    });
    until("the name", || b.whereis("echo") == Some(named)).await;

    let name = b.name().to_owned();
    run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ends(&mut ctx, worker).await;
        chain(&mut ctx, chained, survivor).await;
        ctx.link(survivor).await.unwrap();
        ctx.unlink(survivor);
        let monitor = ctx.monitor(survivor).await.unwrap();
        ctx.demonitor(monitor);
        ctx.send_named("echo", &name, "to whom it may concern").await.unwrap();
    })
    .await;
    assert_eq!(heard.await.unwrap(), "to whom it may concern");
    tokio::time::sleep(Duration::from_millis(500)).await; // silence, so that PING is due
    a.shutdown().await;
    b.shutdown().await;
}

/// A process ends: its link and its monitor say so.
async fn ends(ctx: &mut Context, worker: Pid) {
    ctx.link(worker).await.unwrap();
    ctx.monitor(worker).await.unwrap();
    ctx.send_term(worker, &("a term", 42, Some(1.5))).await.unwrap();
    for _ in 0..2 {
        assert!(matches!(received(ctx).await, Received::Exit { .. } | Received::Down { .. }));
    }
}

/// A process of the other node ends, then one of this node that is linked to it: the next exit has a hop. At last
/// nobody is monitored.
async fn chain(ctx: &mut Context, chained: Pid, survivor: Pid) {
    let between = ctx
        .spawn_link(async move |ctx: Context| {
            ctx.link(chained).await.unwrap();
            ctx.link(survivor).await.unwrap();
            std::future::pending::<Reason>().await
        })
        .unwrap();
    ctx.monitor(chained).await.unwrap();
    ctx.send(chained, "the root").await.unwrap();
    let _ = down(ctx, chained).await;
    let _ = exit(ctx, between).await;
    ctx.monitor(chained).await.unwrap();
    let _ = down(ctx, chained).await;
}

/// A node with another cookie dials.
async fn refused() {
    let b = start(Node::builder("b@127.0.0.1:0").key_log(true)).await;
    let stranger = Node::builder("stranger@127.0.0.1:0").cookie("a cookie that is another one....").start();
    let stranger = stranger.await.unwrap();
    assert!(stranger.connect(b.name()).await.is_err());
    stranger.shutdown().await;
    b.shutdown().await;
}

/// What a node is told that is wrong in one way or the other. Each connection ends with what the node refuses.
async fn malformed() {
    let node = start(Node::builder(NODE).key_log(true)).await;
    frames(&node).await;
    too_long(&node).await;
    handshakes(&node).await;
    node.shutdown().await;
}

async fn joined(node: &Node) -> RawSession {
    RawNode::new("raw@127.0.0.1:1", 7).join(node.name()).await
}

fn encoded<'f>(frame: impl Into<Frame<'f>>) -> Vec<u8> {
    let mut payload = Vec::new();
    frame.into().encode(&mut payload).unwrap();
    payload
}

async fn frames(node: &Node) {
    let mut session = joined(node).await;
    let (from, to) = (session.mine(3), session.theirs(WirePid::LOCAL_MAX));
    let like_a_signal = b"\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x06\0\0\0\0\0\0\0\x2A\0\0\0\0\x07\x01\0\x06";
    let with = |mut payload: Vec<u8>, surplus: &[u8]| {
        payload.extend_from_slice(surplus);
        payload
    };
    let unknown_root = {
        let mut payload = encoded(Exit { from, to, reason: Root::Normal.into() });
        payload.pop();
        with(payload, b"\x07later")
    };
    let tolerated = [
        vec![0x8D, 1, 2, 3],
        vec![0xE0, 4],
        with(encoded(Ping { payload: b"12345678" }), b"surplus"),
        vec![],
        unknown_root,
        encoded(Send { to, message: like_a_signal }),
    ];
    for payload in tolerated {
        session.wire.say(&payload).await;
    }
    session.next().await; // PONG
    let mut link = encoded(Link { from, to });
    link.pop();
    session.wire.say(&link).await;
    session.expect_end().await;

    // A capability that the node does not have, and a term that is none.
    let mut session = joined(node).await;
    session.wire.say(&encoded(SendTerm { to, message: b"\x01\x0A\x02\0\0\0\x03\x63" })).await;
    session.expect_end().await;
}

async fn too_long(node: &Node) {
    let mut session = joined(node).await;
    session.wire.write(&(FRAME_BYTES_MAX + 1).to_le_bytes()).await;
    session.expect_end().await;
    let mut wire = raw_peer::connect(address(NODE)).await;
    wire.write(&(HANDSHAKE_BYTES_MAX + 1).to_le_bytes()).await;
    wire.hear_all().await;
}

async fn said(node: &Node, payload: &[u8]) {
    let mut wire = raw_peer::connect(address(node.name())).await;
    wire.say(payload).await;
    wire.hear_all().await;
}

async fn handshakes(node: &Node) {
    let plain = b"\x01\x0F\0raw@127.0.0.1:1\x01";
    let magic = b"\xD1SNOW2\r\n";
    let with = |block: &[u8]| [plain.as_slice(), block].concat();
    let twice = b"\x0C\0\x01\0\x02\0\x02\0\x01\0\x02\0\x02\0";
    let must_be_known = b"\x04\0\0\x80\0\0";
    let too_far = b"\x08\0\x01\0\xFF\0\x02\0\0\0";
    for block in [twice.as_slice(), must_be_known, too_far] {
        said(node, &with(&[magic.as_slice(), block].concat())).await;
    }
    said(node, &with(&magic[..5])).await;
    said(node, b"\x01\x0F\0raw").await;
    said(node, &encoded(Ping { payload: b"12345678" })).await;
    without_sentinel(node).await;
}

async fn without_sentinel(node: &Node) {
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut wire: Wire = raw_peer::connect(address(node.name())).await;
    let name = peer.hello(&wire);
    wire.say(&name).await;
    let challenge = wire.hear().await.payload();
    let mut reply = by_hand::reply(COOKIE, &wire.exporter(), &name, &challenge);
    reply[1 + 32 + 31] ^= 1;
    wire.say(&reply).await;
    wire.hear_all().await;
}

/// Frames that come in pieces, and many that come at once.
async fn split() {
    let node = start(Node::builder(NODE).key_log(true)).await;
    let sink = node.spawn(idle).unwrap();
    let mut session = joined(&node).await;
    let to = session.theirs(sink.local());

    // A record for each byte.
    let mut bytes = Vec::new();
    framing::put(&encoded(Ping { payload: b"by bytes" }), FRAME_BYTES_MAX, &mut bytes).unwrap();
    for byte in bytes {
        session.wire.write(&[byte]).await;
    }
    session.next().await;

    // Many in one record, the last of them begun only.
    let mut bytes = Vec::new();
    let reason =
        ReasonBuf::new((0..100_u32).map(|local| session.mine(local.into())), &Root::Error("long ago".into()));
    let (from, reference) = (session.mine(3), 77);
    let nobody = session.theirs(WirePid::LOCAL_MAX);
    for payload in [
        encoded(Monitor { from, to: nobody, reference }),
        encoded(Exit { from, to, reason: reason.as_reason() }),
        encoded(PeerList { names: Names::default() }),
        encoded(Send { to, message: &[0x5A; 40_000] }),
        encoded(Ping { payload: b"the last" }),
    ] {
        framing::put(&payload, FRAME_BYTES_MAX, &mut bytes).unwrap();
    }
    for piece in bytes.chunks(15_000) {
        session.wire.write(piece).await;
    }
    session.next().await; // MONITOR_EXIT
    session.next().await; // PONG
    end_of(&node, sink_end(&node, sink)).await;
    node.shutdown().await;
    session.expect_end().await;
}

/// Two messages that are longer than a fragment, of two processes that send at once: one to each process of the other
/// node.
async fn fragments() {
    let a = start(Node::builder("a@127.0.0.1:0").key_log(true)).await;
    let b = start(Node::builder("b@127.0.0.1:0")).await;
    connect(&a, &b).await;
    let mut heard = Vec::new();
    for long in ["one ".repeat(16_500), "another ".repeat(8_300)] {
        let (to, told) = begin(&b, async |mut ctx: Context| text(&mut ctx).await);
        let to = seen_from(&a, &b, to);
        let send = async move |ctx: Context| {
            ctx.send(to, long.as_str()).await.unwrap();
            Reason::Normal
        };
        a.spawn(send).unwrap();
        heard.push(told);
    }
    for told in heard {
        assert!(told.await.unwrap().len() > FRAGMENT_BYTES_MAX as usize);
    }
    a.shutdown().await;
    b.shutdown().await;
}

/// Calls that end in every way, and names: who has one, and a term to whoever has it.
async fn calls() {
    let a = start(Node::builder("a@127.0.0.1:0").key_log(true)).await;
    let b = start(Node::builder("b@127.0.0.1:0")).await;
    connect(&a, &b).await;
    let keeper = b.spawn(idle).unwrap();
    let store = b.spawn(move |ctx: Context| store(ctx, keeper)).unwrap();
    until("the name", || b.whereis("db") == Some(store)).await;
    let (store, name) = (seen_from(&a, &b, store), b.name().to_owned());
    run(&a, async move |mut ctx| {
        assert_eq!(ctx.call::<u64>(store, "get", PATIENCE).await.unwrap(), 42);
        assert_eq!(ctx.call_named::<u64>("db", &name, "get", PATIENCE).await.unwrap(), 42);
        assert!(ctx.call_named::<u64>("nobody", &name, "get", PATIENCE).await.is_err());
        assert!(ctx.call::<u64>(store, "drop", PATIENCE).await.is_err());
        assert!(ctx.call::<u64>(store, "keep", Duration::from_millis(100)).await.is_err());
        assert!(ctx.call_named::<u64>("db", &name, "keep", Duration::from_millis(100)).await.is_err());
        ctx.send_named_term("db", &name, &("from", ctx.pid())).await.unwrap();
        assert_eq!(ctx.whereis_on("db", &name).await.unwrap(), Some(store));
        let (_, found) = ctx.monitor_named("db", &name).await.unwrap();
        assert_eq!(found, store);
        assert!(ctx.monitor_named("nobody", &name).await.is_err());
        assert!(ctx.call::<u64>(store, "end", PATIENCE).await.is_err());
        assert_eq!(down(&mut ctx, store).await, Reason::error("disk full"));
    })
    .await;
    a.shutdown().await;
    b.shutdown().await;
}

/// Replies to what it is asked for, drops the call, hands it to a process that never replies, or does so and ends.
async fn store(mut ctx: Context, keeper: Pid) -> Reason {
    ctx.register("db").unwrap();
    loop {
        let Received::Call(call) = received(&mut ctx).await else { continue };
        let wish = call.term::<String>().unwrap();
        match wish.as_str() {
            "get" => call.reply(&42_u64).await.unwrap(),
            "drop" => drop(call),
            _ => call.delegate(keeper).await.unwrap(),
        }
        if wish == "end" {
            return Reason::error("disk full");
        }
    }
}

/// More than any reply takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn sink_end(node: &Node, sink: Pid) -> Pid {
    node.kill(sink).unwrap();
    sink
}
