//! The same for what peers begin and leave unfinished, under many names from one address.

use snow_dist_codec::frame::Send;
use snow_dist_runtime::core::limits::UNFINISHED_BYTES_UNCOUNTED;
use snow_dist_runtime::core::session::CAPABILITIES;
use snow_dist_tests::program::within;
use snow_dist_tests::raw_peer::{RawNode, RawSession};

use super::kinds::in_fragments;
use super::{BESIDE, BOUND, Hoarding, put, warm_up};

/// Made-up names. Together they begin far more than all from their address may have.
const NAMES: usize = 100;

/// Bytes of each message: with its frame what the node reads and puts together at most.
const BYTES: usize = (2 << 20) - 64;

/// What all from one address may have.
const SHARE: usize = BOUND / 4 * 3;

/// What a session may have beside: what does not count, and what it takes by itself.
const OF_SESSIONS: usize = NAMES * (UNFINISHED_BYTES_UNCOUNTED + (96 << 10));

//= spec/session.md#ses-msg-016
//# A node MUST count what it keeps of a peer's incomplete frames, but for `unfinished_bytes_uncounted` of
//# each session, among what its mailboxes keep for that peer.
//= spec/session.md#ses-msg-015
//# A node MUST drop a message by which its mailboxes would keep more than three quarters of
//# `mailbox_remote_bytes_max` for the peers of sessions that it has accepted from one address.
async fn holds(begin: fn(&RawSession, u64) -> Vec<u8>) {
    let mut node = Hoarding::start();
    let mut sessions = Vec::new();
    for number in 0..NAMES {
        let mut peer = RawNode::new(&format!("made-up{number}@127.0.0.1:1"), 7);
        peer.local.capabilities = CAPABILITIES;
        sessions.push(peer.join(&node.name).await);
    }
    warm_up(&mut sessions[0], node.healthy).await;
    let (before, _) = node.ask();
    for session in &mut sessions {
        let begun = begin(session, node.hoarders[0]);
        session.wire.write(&begun).await;
    }
    let least_dropped = (NAMES * (BYTES - UNFINISHED_BYTES_UNCOUNTED) - SHARE) / BYTES;
    let settled = async {
        loop {
            let (now, dropped) = node.ask();
            let used = now.saturating_sub(before);
            assert!(used <= SHARE + BESIDE + OF_SESSIONS, "{} MiB in use", used >> 20);
            if dropped >= least_dropped as u64 {
                return used;
            }
            tokio::task::yield_now().await;
        }
    };
    let used = within("dropped messages", settled).await;
    println!("{} KiB in use of {}", used >> 10, SHARE >> 10);
    assert!(used >= SHARE / 4, "{} MiB in use", used >> 20);
}

#[tokio::test]
async fn messages_in_fragments_without_their_ends() {
    holds(|session, to| {
        let mut frames = in_fragments(session, to, 1, BYTES);
        frames.pop();
        frames.concat()
    })
    .await;
}

#[tokio::test]
async fn long_frames_without_their_ends() {
    holds(|session, to| {
        let mut bytes = Vec::new();
        put(&mut bytes, Send { to: session.theirs(to), message: &vec![7; BYTES] });
        bytes.pop();
        bytes
    })
    .await;
}
