//! Frames that unmodified version 1 nodes have sent, in sessions of version 1: `spec/vectors/captures-v1.json`.

use serde_json::Value;
use snow_dist_codec::{Frame, Pid as WirePid, Reading};
use snow_dist_runtime::core::Reason;
use snow_dist_runtime::core::session::Version;
use snow_dist_tests::simnet::Pair;
use snow_dist_tests::simnet::Seen;
use snow_dist_tests::simnet::Side::{self, A, B};

/// What nodes of the original have sent to a peer under somebody's control.
fn captured() -> Vec<(String, Vec<u8>)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/vectors/captures-v1.json");
    let captures: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let text = |vector: &Value, key: &str| vector[key].as_str().unwrap_or_default().to_owned();
    let sent =
        |vector: &&Value| text(vector, "kind") == "frame" && text(vector, "comment").starts_with("node->raw");
    let pieces = |vector: &Value| {
        let pieces = vector["hex"].as_array().unwrap().iter();
        pieces.flat_map(|piece| hex::decode(piece.as_str().unwrap()).unwrap()).collect()
    };
    let vectors = captures["vectors"].as_array().unwrap();
    vectors.iter().filter(sent).map(|vector| (text(vector, "id"), pieces(vector))).collect()
}

/// The sender's and the receiver's pid of a frame that has both, or the receiver's.
fn pids(frame: &Frame<'_>) -> Option<(WirePid, WirePid)> {
    match frame {
        Frame::Send(send) => Some((WirePid::default(), send.to)),
        Frame::Link(link) => Some((link.from, link.to)),
        Frame::Exit(exit) => Some((exit.from, exit.to)),
        Frame::Monitor(monitor) => Some((monitor.from, monitor.to)),
        Frame::MonitorExit(exit) => Some((exit.monitored, exit.monitoring)),
        _ => None,
    }
}

/// A session with the peer to which the frame was sent: with its node id, its creation and its process, which is linked
/// to the sender's if the frame is an EXIT.
fn recipient(frame: &Frame<'_>) -> Pair {
    let (from, to) = pids(frame).unwrap_or_default();
    let node_id = to.node().try_into().ok();
    let mut pair = Pair::with(|side, config| {
        config.version = Version::One { node_id, seed: [7; 32] };
        if side == A && to.creation() > 0 {
            config.creation = to.creation();
        }
    });
    pair[A].table.start_trapping(to.local());
    if matches!(frame, Frame::Exit(_)) {
        pair[A].session.link(to.local(), from.local()).unwrap();
    }
    pair.settle();
    pair[B].arrived.clear();
    pair
}

#[test]
fn what_unmodified_nodes_send_does_what_it_should() {
    let mut kinds = std::collections::BTreeMap::new();
    for (id, payload) in captured() {
        let frame = Frame::decode(&payload, Reading::Strict).unwrap();
        *kinds.entry(frame.name()).or_insert(0) += 1;
        let mut pair = recipient(&frame);
        pair.inject_payload(A, &payload);
        pair.settle();
        assert_eq!(pair.ended(A), None, "{id}");
        let (_, to) = pids(&frame).unwrap_or_default();
        let (seen, sizes) = (pair.seen(A, to.local()), pair[A].session.table_sizes());
        let counts = pair[A].session.counts();
        match frame {
            Frame::Send(send) => assert_eq!(seen, [Seen::Message(send.message.to_vec())], "{id}"),
            Frame::Link(_) => assert_eq!(sizes, (1, 0, 0), "{id}"),
            Frame::Monitor(_) => assert_eq!(sizes, (0, 0, 1), "{id}"),
            Frame::Exit(exit) => {
                let [Seen::Exit(from, reason)] = seen else { panic!("{id}: {seen:?}") };
                assert_eq!(*from, Pair::theirs(A, exit.from.local()), "{id}");
                assert_eq!(matches!(reason, Reason::Linked(_)), exit.reason.hops().len() > 0, "{id}");
                assert_eq!(sizes, (0, 0, 0), "{id}");
            }
            // Its number is that of another session's monitor; some repeat a pid that no node of version 2 writes.
            Frame::MonitorExit(_) => assert_eq!(counts.unmatched + counts.foreign, 1, "{id}"),
            Frame::Ping(_) => assert_eq!(pair[B].names(), ["PONG"], "{id}"),
            Frame::Spawn(_) => assert_eq!(pair[B].names(), ["SPAWN_REPLY"], "{id}"),
            // Nobody has asked here.
            Frame::SpawnReply(_) => assert_eq!(counts.unmatched, 1, "{id}"),
            Frame::RegSend(_) | Frame::Pong(_) => {}
            _ => assert_eq!(counts.unknown + counts.left_alone, 1, "{id}"),
        }
        assert_eq!(pair.ended(Side::B), None, "{id}");
    }
    assert!(kinds.len() >= 11 && kinds.values().sum::<i32>() >= 60, "{kinds:?}");
}
