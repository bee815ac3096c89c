//! Messages from node to node.

use snow_dist_codec::frame::Send;
use snow_dist_codec::{Frame, Reading};
use snow_dist_runtime::{
    CAPABILITIES, Capabilities, Context, Message, Node, Pid, Reason, Received, Refused, SendError,
};
use snow_dist_tests::program::{
    begin, connect, connected, exit, idle, message, node, received, run, seen_from, start, text, until,
    until_told, within,
};
use snow_dist_tests::raw_peer::RawNode;

const FRAME_BYTES_MAX: usize = 16 << 20;
/// Tag and pid of a SEND.
const HEAD_BYTES: usize = 9;

async fn lengths(mut ctx: Context) -> Vec<Message> {
    let mut all = Vec::new();
    loop {
        let next = message(&mut ctx).await;
        if next.as_bytes() == b"end" {
            return all;
        }
        all.push(next);
    }
}

//= spec/session.md#ses-msg-001
//# A node MUST put the message of a SEND into the mailbox of the process that `to` names, if that lives and
//# there is room.
//= spec/session.md#ses-msg-005
//# A node MUST give a process the bytes of a message as they arrived.
#[tokio::test]
async fn a_message_arrives_as_it_was_sent() {
    let (a, b) = connected().await;
    let (to, all) = begin(&b, lengths);
    let to = seen_from(&a, &b, to);
    let sizes = [0, 1, 8, 64, 4_095, 4_096, 65_535, 65_536, 1 << 20, FRAME_BYTES_MAX - HEAD_BYTES];
    for size in sizes {
        let bytes: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
        a.send(to, bytes).await.unwrap();
    }
    a.send(to, "end").await.unwrap();
    let all = within("all messages", all).await.unwrap();
    assert_eq!(all.iter().map(|message| message.as_bytes().len()).collect::<Vec<_>>(), sizes);
    for message in all {
        assert!(message.as_bytes().iter().enumerate().all(|(at, byte)| usize::from(*byte) == at % 251));
    }
}

//= spec/dist.md#dist-sig-002
//# A node MUST NOT let a process take a message that arrived in a frame for a signal, whatever its first
//# bytes.
#[tokio::test]
async fn a_message_that_begins_like_a_signal_is_a_message() {
    let (a, b) = connected().await;
    let (to, all) = begin(&b, lengths);
    let to = seen_from(&a, &b, to);
    for tag in (u64::MAX - 4)..=u64::MAX {
        a.send(to, tag.to_le_bytes().to_vec()).await.unwrap();
    }
    a.send(to, "end").await.unwrap();
    let all = within("all messages", all).await.unwrap();
    let tags: Vec<[u8; 8]> = all.iter().map(|message| message.as_bytes().try_into().unwrap()).collect();
    assert_eq!(tags, ((u64::MAX - 4)..=u64::MAX).map(u64::to_le_bytes).collect::<Vec<_>>());
}

//= spec/session.md#ses-msg-003
//# A node MUST put the message of a REG_SEND into the mailbox of the process registered under exactly the
//# bytes of `name` when the frame is handled, if there is one and there is room.
#[tokio::test]
async fn a_message_to_a_name_reaches_who_has_it() {
    let (a, b) = connected().await;
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let (_, got) = begin(&b, async move |mut ctx| {
        ctx.register("server").unwrap();
        ready.send(()).unwrap();
        text(&mut ctx).await
    });
    is_ready.await.unwrap();
    a.send_named("nobody", b.name(), "lost").await.unwrap();
    a.send_named("", b.name(), "lost").await.unwrap();
    a.send_named("server", b.name(), "to the server").await.unwrap();
    assert_eq!(within("the message", got).await.unwrap(), "to the server");
}

#[tokio::test]
async fn what_nobody_receives_is_dropped_and_disturbs_nothing() {
    let (a, b) = connected().await;
    let (gone, _) = begin(&b, async |_| ());
    let (lives, got) = begin(&b, async |mut ctx| text(&mut ctx).await);
    a.send(seen_from(&a, &b, gone), "lost").await.unwrap();
    a.send(a.pid_on(b.name(), 0).unwrap(), "lost").await.unwrap();
    a.send(a.pid_on(b.name(), (1 << 40) - 1).unwrap(), "lost").await.unwrap();
    a.send(seen_from(&a, &b, lives), "kept").await.unwrap();
    assert_eq!(within("the message", got).await.unwrap(), "kept");
    assert_eq!(a.pid_on(b.name(), 1 << 40), None);
    assert_eq!(a.pid_on("c@127.0.0.1:1", 1), None);
}

#[tokio::test]
async fn messages_and_the_end_of_a_process_keep_their_order() {
    const COUNT: u32 = 20_000;
    let (a, b) = connected().await;
    let (receiver, received_in_order) = begin(&b, async |mut ctx| {
        ctx.trap_exit(true);
        for expected in 0..COUNT {
            assert_eq!(message(&mut ctx).await.as_bytes(), expected.to_le_bytes());
        }
        matches!(received(&mut ctx).await, Received::Exit { reason: Reason::Custom(_), .. })
    });
    let receiver = seen_from(&a, &b, receiver);
    a.spawn(async move |ctx: Context| {
        ctx.link(receiver).await.unwrap();
        for number in 0..COUNT {
            ctx.send(receiver, &number.to_le_bytes()).await.unwrap();
        }
        Reason::custom("all sent")
    })
    .unwrap();
    assert!(within("all of it", received_in_order).await.unwrap());
}

#[tokio::test]
async fn a_message_goes_no_longer_than_the_peer_takes() {
    let a = node("a").await;
    let mut peer = RawNode::new("raw@127.0.0.1:1", 7);
    peer.local.bounds.frame_bytes = 1 << 16;
    let mut session = peer.join(a.name()).await;
    let to = a.pid_on(peer.name(), 3).unwrap();
    let length_max = (1 << 16) - HEAD_BYTES;
    a.send(to, vec![7; length_max]).await.unwrap();
    session.expect(Send { to: session.mine(3), message: &vec![7; length_max] }).await;
    let refused = a.send(to, vec![7; length_max + 1]).await.unwrap_err();
    let SendError::Refused(Refused::TooLong { length, length_max }) = refused else { panic!("{refused}") };
    assert!(length > length_max, "{length} {length_max}");
    a.send(to, "still there").await.unwrap();
    session.expect(Send { to: session.mine(3), message: b"still there" }).await;
}

#[tokio::test]
async fn without_fragments_a_message_over_16_mib_is_refused_where_it_is_sent() {
    let builder = Node::builder("b@127.0.0.1:0").capabilities(Capabilities::NONE);
    let (a, b) = (node("a").await, start(builder).await);
    connect(&a, &b).await;
    let to = seen_from(&a, &b, begin(&b, idle).0);
    assert!(a.send(to, vec![0; FRAME_BYTES_MAX - HEAD_BYTES + 1]).await.is_err());
    assert_eq!(a.nodes().len(), 1);
}

#[tokio::test]
async fn terms_go_from_node_to_node() {
    let (a, b) = connected().await;
    let (local, got) = begin(&b, async |mut ctx| {
        ctx.register("reader").unwrap();
        let mut terms = Vec::new();
        for _ in 0..4 {
            terms.push(message(&mut ctx).await.term::<(i64, String)>().unwrap());
        }
        terms
    });
    until("the name", || b.whereis("reader").is_some()).await;
    let (to, there) = (seen_from(&a, &b, local), b.name().to_owned());
    a.send_term(to, &(1, "from the program")).await.unwrap();
    a.send_named_term("reader", &there, &(2, "to the name")).await.unwrap();
    run(&a, async move |ctx| {
        ctx.send_term(to, &(3, "from a process")).await.unwrap();
        ctx.send_named_term("reader", &there, &(4, "to the name")).await.unwrap();
        // What is no term is not sent.
        let error = ctx.send_named_term("reader", &there, &u128::MAX).await.unwrap_err();
        assert!(matches!(error, SendError::Term(_)), "{error:?}");
    })
    .await;
    let texts = ["from the program", "to the name", "from a process", "to the name"];
    let terms: Vec<_> = (1..).zip(texts.map(str::to_owned)).collect();
    let mut got = within("the terms", got).await.unwrap();
    // The program and a process are two senders.
    got.sort();
    assert_eq!(got, terms);
}

/// What needs terms of the second kind, and what has a form of the first as well.
#[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
enum Order {
    Buy { count: u64, of: Pid },
}

//= spec/capabilities.md#cap-trm-001
//# A node MUST refuse a term of the second kind in a session that does not have `terms_2`.
#[tokio::test]
async fn terms_of_the_second_kind_go_where_they_are_read() {
    for has in [true, false] {
        let all = if has { CAPABILITIES } else { Capabilities::SEND_TERM };
        let builder = Node::builder("b@127.0.0.1:0").capabilities(all);
        let (a, b) = (node("a").await, start(builder).await);
        connect(&a, &b).await;
        let (local, got) = begin(&b, async |mut ctx| {
            let mut counts = Vec::new();
            while let Ok(Order::Buy { count, of }) = message(&mut ctx).await.term() {
                assert_eq!(of, ctx.pid());
                counts.push(count);
            }
            counts
        });
        let of = seen_from(&a, &b, local);
        let large = a.send_term(of, &Order::Buy { count: u64::MAX, of }).await;
        match &large {
            Ok(()) => assert!(has),
            Err(error) => {
                let says = error.to_string();
                assert!(!has && says.contains("`terms_2`") && says.contains(b.name()), "{says}");
            }
        }
        a.send_term(of, &Order::Buy { count: 3, of }).await.unwrap();
        a.send_term(of, &()).await.unwrap();
        let counts = within("the orders", got).await.unwrap();
        assert_eq!(counts, if has { vec![u64::MAX, 3] } else { vec![3] });
    }
    // Inside a node the second kind is always read.
    let alone = start(Node::builder("c@127.0.0.1:0").capabilities(Capabilities::NONE)).await;
    let (of, got) = begin(&alone, async |mut ctx| message(&mut ctx).await.term::<Order>());
    alone.send_term(of, &Order::Buy { count: 1 << 63, of }).await.unwrap();
    let order = within("the order", got).await.unwrap().unwrap();
    assert_eq!(order, Order::Buy { count: 1 << 63, of });
}

#[tokio::test]
async fn both_nodes_send_at_once_as_much_as_they_can() {
    const COUNT: usize = 300;
    let (a, b) = connected().await;
    async fn take(mut ctx: Context) -> usize {
        let mut bytes = 0;
        for _ in 0..COUNT {
            bytes += message(&mut ctx).await.as_bytes().len();
        }
        bytes
    }
    let (at_a, by_a) = begin(&a, take);
    let (at_b, by_b) = begin(&b, take);
    let (to_a, to_b) = (seen_from(&b, &a, at_a), seen_from(&a, &b, at_b));
    for (from, to) in [(&a, to_b), (&b, to_a)] {
        from.spawn(async move |ctx: Context| {
            for _ in 0..COUNT {
                ctx.send(to, vec![1; 100_000]).await.unwrap();
            }
        })
        .unwrap();
    }
    assert_eq!(within("all at a", by_a).await.unwrap(), COUNT * 100_000);
    assert_eq!(within("all at b", by_b).await.unwrap(), COUNT * 100_000);
}

#[tokio::test]
async fn a_program_can_wait_for_an_answer_and_for_an_end() {
    let (a, b) = connected().await;
    let server = seen_from(&a, &b, b.spawn(until_told).unwrap());
    let reason = run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(server).await.unwrap();
        ctx.send(server, "enough").await.unwrap();
        exit(&mut ctx, server).await
    })
    .await;
    assert_eq!(reason, Reason::error("enough"));
}

//= spec/connection.md#con-que-009
//= type=test
//# A node SHOULD let processes with queued messages take turns.
/// Whoever finds room first because of when it is scheduled must not keep the others out.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn processes_that_send_without_end_share_the_session() {
    const SENDERS: usize = 4;
    const MESSAGES: u64 = 24_000;
    let a = node("a").await;
    let mut peer = RawNode::new("raw@127.0.0.1:1", 7).join(a.name()).await;
    for local in 0..SENDERS as u64 {
        let to = a.pid_on("raw@127.0.0.1:1", local).unwrap();
        a.spawn(async move |ctx: Context| while ctx.send(to, &[0; 4 << 10]).await.is_ok() {}).unwrap();
    }
    let mut counts = [0_u64; SENDERS];
    while counts.iter().sum::<u64>() < MESSAGES {
        let payload = peer.wire.hear().await.payload();
        if let Ok(Frame::Send(send)) = Frame::decode(&payload, Reading::Strict) {
            counts[usize::try_from(send.to.local()).unwrap()] += 1;
        }
    }
    let least = counts.into_iter().min().unwrap();
    assert!(least > MESSAGES / SENDERS as u64 / 4, "{counts:?}");
    a.shutdown().await;
}
