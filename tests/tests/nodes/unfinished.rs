//! Long messages that a peer leaves unfinished take room of its share, as those do that wait in a mailbox.

use snow_dist_codec::Frame;
use snow_dist_codec::frame::{Exit, Fragment, Link, Send};
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Reason, Root};
use snow_dist_runtime::core::limits::MESSAGE_BYTES_COUNTED;
use snow_dist_runtime::core::session::CAPABILITIES;
use snow_dist_runtime::{Context, Node, Received};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{begin, connect, idle, message, received, seen_from, start, until, within};
use snow_dist_tests::raw_peer::{RawNode, RawSession};
use tokio::sync::mpsc;

/// Code of CLOSE.
const LIMIT: u16 = 2;

/// Bytes that mailboxes hold, with what is not whole.
const BOUND: usize = 4 << 20;

/// Bytes of a long message. The hostile peers send more of them than there is room for.
const LONG: usize = 500_000;
const HOSTILE: usize = 12;

async fn node() -> Node {
    let builder = Node::builder("a@127.0.0.1:0").frame_bytes_max(512 << 10).reassembly_bytes_max(512 << 10);
    start(builder.mailbox_remote_bytes_max(BOUND)).await
}

/// A session under each of many names.
async fn hostile_peers(a: &Node) -> Vec<RawSession> {
    let mut sessions = Vec::new();
    for number in 0..HOSTILE {
        let mut peer = RawNode::new(&format!("hostile{number}@127.0.0.1:1"), 7);
        peer.local.capabilities = CAPABILITIES;
        sessions.push(peer.join(a.name()).await);
    }
    sessions
}

/// A process that tells the lengths of the messages that it takes.
fn counting(a: &Node) -> (u64, mpsc::UnboundedReceiver<usize>) {
    let (tell, told) = mpsc::unbounded_channel();
    let (pid, _) = begin(
        a,
        async move |mut ctx: Context| {
            while tell.send(message(&mut ctx).await.as_bytes().len()).is_ok() {}
        },
    );
    (pid.local(), told)
}

/// A SEND in fragments: all but the last one, and that.
fn pieces(session: &RawSession, to: u64, number: u64, message: &[u8]) -> [Vec<u8>; 2] {
    let mut payload = Vec::new();
    Frame::from(Send { to: session.theirs(to), message }).encode(&mut payload).unwrap();
    let mut total = Some(u32::try_from(payload.len()).unwrap());
    let mut pieces: Vec<_> = payload
        .chunks(60_000)
        .map(|payload| Fragment { number, total: total.take(), last: false, payload })
        .collect();
    let last = pieces.pop().unwrap();
    [pieces.into_iter().map(framed).collect::<Vec<_>>().concat(), framed(Fragment { last: true, ..last })]
}

fn framed<'f>(frame: impl Into<Frame<'f>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.into().encode_framed(FRAME_BYTES_MAX, &mut bytes).unwrap();
    bytes
}

/// A node that this one has dialled, and that counts by its name, has its long messages put together.
async fn assert_another_is_heard(a: &Node) {
    let honest = start(Node::builder("honest@127.0.0.1:0")).await;
    connect(a, &honest).await;
    let (healthy, taken) = begin(a, async |mut ctx: Context| message(&mut ctx).await.as_bytes().len());
    honest.send(seen_from(&honest, a, healthy), vec![7; 150_000]).await.unwrap();
    assert_eq!(within("the message", taken).await.unwrap(), 150_000);
}

//= spec/session.md#ses-msg-016
//# A node MUST count what it keeps of a peer's incomplete frames, but for `unfinished_bytes_uncounted` of
//# each session, among what its mailboxes keep for that peer.
//= spec/session.md#ses-msg-017
//# A node MUST drop a message whose frame is incomplete if what has come of it finds no room by SES-MSG-010,
//# SES-MSG-011 or SES-MSG-015.
//= spec/session.md#ses-msg-018
//# A node that has dropped a message by SES-MSG-017 MUST read the rest of its frame, and neither keep nor
//# judge anything of it but the first fields of a call or reply.
//= spec/session.md#ses-msg-014
//# A node that drops a message for want of room SHOULD tell its operator of which peer it was.
#[tokio::test]
async fn messages_in_fragments_that_stay_unfinished_take_their_peers_share() {
    let log = Log::of_this_thread();
    let a = node().await;
    let (healthy, mut taken) = counting(&a);
    let mut hostile = hostile_peers(&a).await;
    for session in &mut hostile {
        let [first, _] = pieces(session, healthy, 1, &[7; LONG]);
        session.wire.write(&first).await;
        assert_eq!(session.fence().await, []);
    }
    let dropped = a.messages_dropped();
    assert!(dropped > 0);
    let warned = log.lines_with("not whole yet");
    assert!(warned.first().is_some_and(|line| line.contains("hostile")), "{:?}", log.lines());
    assert_another_is_heard(&a).await;

    // What was dropped is passed over to its end, and all sessions go on.
    for session in &mut hostile {
        let [_, last] = pieces(session, healthy, 1, &[7; LONG]);
        session.wire.write(&last).await;
        assert_eq!(session.fence().await, []);
    }
    assert_eq!(a.messages_dropped(), dropped);
    for _ in dropped..HOSTILE as u64 {
        assert_eq!(within("a message", taken.recv()).await, Some(LONG));
    }
    // There is room again.
    let mut last = hostile.pop().unwrap();
    last.wire.write(&pieces(&last, healthy, 9, &[7; LONG]).concat()).await;
    assert_eq!(within("the message", taken.recv()).await, Some(LONG));
    assert_eq!(a.messages_dropped(), dropped);
}

//= spec/capabilities.md#cap-frg-021
//# A node MUST drop its unfinished frames when their session ends.
#[tokio::test]
async fn what_was_not_whole_makes_room_when_its_session_ends() {
    let a = node().await;
    let (healthy, mut taken) = counting(&a);
    let mut hostile = hostile_peers(&a).await;
    let mut last = hostile.pop().unwrap();
    for (number, session) in hostile.iter_mut().enumerate() {
        let frame = framed(Send { to: session.theirs(healthy), message: &[7; LONG] });
        let pieces = pieces(session, healthy, 1, &[7; LONG]);
        let begun = if number.is_multiple_of(2) { &pieces[0] } else { &frame[..LONG] };
        session.wire.write(begun).await;
    }
    until("a message to be dropped", || a.messages_dropped() > 0).await;
    drop(hostile);
    until("the ends of the sessions", || a.nodes().len() == 1).await;
    for number in 0..8 {
        let dropped = a.messages_dropped();
        last.wire.write(&pieces(&last, healthy, number, &[7; LONG]).concat()).await;
        assert_eq!(within("the message", taken.recv()).await, Some(LONG));
        assert_eq!(a.messages_dropped(), dropped);
    }
}

//= spec/session.md#ses-msg-016
//# A node MUST count what it keeps of a peer's incomplete frames, but for `unfinished_bytes_uncounted` of
//# each session, among what its mailboxes keep for that peer.
//= spec/session.md#ses-msg-017
//# A node MUST drop a message whose frame is incomplete if what has come of it finds no room by SES-MSG-010,
//# SES-MSG-011 or SES-MSG-015.
//= spec/session.md#ses-msg-018
//# A node that has dropped a message by SES-MSG-017 MUST read the rest of its frame, and neither keep nor
//# judge anything of it but the first fields of a call or reply.
#[tokio::test]
async fn long_frames_that_stay_unfinished_take_their_peers_share() {
    let a = node().await;
    let (healthy, mut taken) = counting(&a);
    let mut hostile = hostile_peers(&a).await;
    for session in &mut hostile {
        let frame = framed(Send { to: session.theirs(healthy), message: &[7; LONG] });
        session.wire.write(&frame[..LONG]).await;
    }
    until("a message to be dropped", || a.messages_dropped() > 0).await;
    assert_another_is_heard(&a).await;
    for session in &mut hostile {
        let frame = framed(Send { to: session.theirs(healthy), message: &[7; LONG] });
        session.wire.write(&frame[LONG..]).await;
        assert_eq!(session.fence().await, []);
    }
    let dropped = a.messages_dropped();
    for _ in dropped..HOSTILE as u64 {
        assert_eq!(within("a message", taken.recv()).await, Some(LONG));
    }
    for session in &mut hostile {
        session.send(Send { to: session.theirs(healthy), message: &[7; 3] }).await;
        assert_eq!(within("the message", taken.recv()).await, Some(3));
    }
    assert_eq!(a.messages_dropped(), dropped);
}

/// Uses up the share of a peer.
async fn flood(session: &mut RawSession, a: &Node) {
    let idle: Vec<_> = (0..20).map(|_| begin(a, idle).0.local()).collect();
    for local in idle.iter().cycle().take(2 * BOUND / 20_000) {
        session.send(Send { to: session.theirs(*local), message: &[7; 20_000] }).await;
    }
    for local in idle.iter().cycle().take(40) {
        session.send(Send { to: session.theirs(*local), message: &[7; 500] }).await;
    }
    assert_eq!(session.fence().await, []);
}

//= spec/session.md#ses-bnd-009
//# When what it keeps of an incomplete frame that is no message goes beyond the peer's share in all
//# mailboxes, a node MUST count the excess as exit signals of links in SES-BND-006 and SES-BND-008.
//= spec/session.md#ses-msg-008
//# A node MUST NOT drop a signal because a mailbox is full, except by CAP-RXT-010.
#[tokio::test]
async fn a_long_signal_is_not_dropped_before_it_is_whole() {
    let a = node().await;
    let (tell, mut signals) = mpsc::unbounded_channel();
    let (trapping, _) = begin(&a, async move |mut ctx: Context| {
        ctx.trap_exit(true);
        while tell.send(received(&mut ctx).await).is_ok() {}
    });
    let mut peer = RawNode::new("peer@127.0.0.1:1", 7).join(a.name()).await;
    let to = peer.theirs(trapping.local());
    for number in [2, 3] {
        peer.send(Link { from: peer.mine(number), to }).await;
    }
    flood(&mut peer, &a).await;
    let exit = |from, length: usize| {
        let text = "x".repeat(length);
        framed(Exit { from, to, reason: Reason::from(Root::Error(text.as_str().into())) })
    };
    // This goes beyond the share by less than signals may.
    let (begun, rest) = (exit(peer.mine(2), 150_000), 140_000);
    peer.wire.write(&begun[..rest]).await;
    assert!(signals.try_recv().is_err());
    peer.wire.write(&begun[rest..]).await;
    assert_eq!(peer.fence().await, []);
    let signal = within("the signal", signals.recv()).await;
    assert!(matches!(signal, Some(Received::Exit { .. })), "{signal:?}");
    // And this by more.
    peer.wire.write(&exit(peer.mine(3), 400_000)[..390_000]).await;
    peer.expect_close(LIMIT).await;
}

/// At the smallest bound that there can be.
#[tokio::test]
async fn the_longest_message_is_read_and_put_together_beside_a_peer_that_hoards() {
    const LONGEST: u32 = 600_000;
    let bound = 4 * (LONGEST as usize + MESSAGE_BYTES_COUNTED);
    let builder =
        Node::builder("a@127.0.0.1:0").frame_bytes_max(LONGEST).reassembly_bytes_max(LONGEST.into());
    let a = start(builder.mailbox_remote_bytes_max(bound)).await;
    let mut hostile = RawNode::new("hostile@127.0.0.1:1", 7).join(a.name()).await;
    flood(&mut hostile, &a).await;
    let dropped = a.messages_dropped();
    let (healthy, mut taken) = counting(&a);
    let mut honest = RawNode::new("honest@127.0.0.1:1", 7);
    honest.local.capabilities = CAPABILITIES;
    let mut honest = honest.join(a.name()).await;
    assert_eq!(honest.peer.bounds.reassembly_bytes, u64::from(LONGEST));
    let head = framed(Send { to: honest.theirs(healthy), message: &[] }).len() - 4;
    let message = vec![7; LONGEST as usize - head];
    for number in 0..3 {
        honest.wire.write(&pieces(&honest, healthy, number, &message).concat()).await;
        assert_eq!(within("the message", taken.recv()).await, Some(message.len()));
        honest.send(Send { to: honest.theirs(healthy), message: &message }).await;
        assert_eq!(within("the message", taken.recv()).await, Some(message.len()));
    }
    assert_eq!(a.messages_dropped(), dropped);
}

/// What is announced finds room beside a peer that hoards half, whatever is set.
#[tokio::test]
async fn no_more_is_announced_than_there_is_room_for() {
    const SET: u64 = 1 << 40;
    for (bound, announced) in [(256 << 20, 64 << 20), (1 << 30, 256 << 20), (1 << 50, SET)] {
        let bound = bound + 4 * MESSAGE_BYTES_COUNTED;
        let builder =
            Node::builder("a@127.0.0.1:0").reassembly_bytes_max(SET).mailbox_remote_bytes_max(bound);
        let a = start(builder).await;
        let session = RawNode::new("peer@127.0.0.1:1", 7).join(a.name()).await;
        assert_eq!(session.peer.bounds.reassembly_bytes, announced);
    }
}
