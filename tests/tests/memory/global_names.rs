//! The same for global names, which count by themselves: short ones, of which what is counted beside their bytes is the most.

use snow_dist_codec::frame::GlobalSync;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{EntriesBuf, Entry};
use snow_dist_runtime::core::limits::{GLOBAL_NAME_BYTES_COUNTED, GLOBAL_NAMES_BYTES_MAX};
use snow_dist_tests::raw_peer::{RawNode, RawSession};

use super::{BESIDE, Hoarding, put, warm_up};

/// Names of one GLOBAL_SYNC.
const AT_ONCE: usize = 1_000;

/// Peers that tell as much as each may.
const PEERS: usize = 4;

/// All that a peer can tell, and more, of which nothing is kept.
async fn tell(session: &mut RawSession, node: &str, name: fn(usize) -> usize) {
    let names = GLOBAL_NAMES_BYTES_MAX / GLOBAL_NAME_BYTES_COUNTED + AT_ONCE;
    for first in (0..names).step_by(AT_ONCE) {
        let mut entries = EntriesBuf::default();
        for number in first..first + AT_ONCE {
            let pid = session.mine(number as u64 + 2);
            let name = format!("{:05x}", name(number));
            entries.push(&Entry { name: (&*name).into(), pid, node: node.into() }).unwrap();
        }
        let mut bytes = Vec::new();
        put(&mut bytes, GlobalSync { entries: entries.as_entries() });
        assert!(bytes.len() < FRAME_BYTES_MAX as usize);
        session.wire.write(&bytes).await;
        assert_eq!(session.fence().await, []);
    }
}

//= spec/session.md#ses-glb-009
//# A node MAY ignore a claim by which the peer breaks SES-GLB-007.
async fn holds(name: fn(usize) -> usize) {
    let mut node = Hoarding::start();
    let mut sessions = Vec::new();
    for number in 0..PEERS {
        let peer = RawNode::new(&format!("raw{number}@127.0.0.1:1"), 7);
        sessions.push((peer.name().to_owned(), peer.join(&node.name).await));
    }
    warm_up(&mut sessions[0].1, node.healthy).await;
    let (before, _) = node.ask();
    for (told, (peer, session)) in sessions.iter_mut().enumerate() {
        tell(session, peer, name).await;
        let used = node.ask().0.saturating_sub(before);
        let counted = (told + 1) * GLOBAL_NAMES_BYTES_MAX;
        println!("{} KiB in use of {}", used >> 10, counted >> 10);
        assert!(used <= counted + BESIDE, "{} MiB in use", used >> 20);
        assert!(used >= counted / 4, "{} MiB in use", used >> 20);
    }
}

/// All peers claim the same names, in their order.
#[tokio::test]
async fn global_names_in_order() {
    holds(|number| number).await;
}

/// All peers claim the same names, in the order of nothing.
#[tokio::test]
async fn global_names_in_no_order() {
    holds(|number| number * 40_503 % 0x10_0000).await;
}
