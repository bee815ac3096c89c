//! Reasons as the specification has them: what is kept of one that comes, and how one is written.

use snow_dist_codec::{Reason as WireReason, ReasonBuf, Root, UnknownRoot};
use snow_dist_runtime::core::Reason;
use snow_dist_runtime::core::limits::REASON_BYTES_MAX;

use super::nodes::Nodes;

/// A reason came; this is what was kept of it: the first hops and the root, within the limit.
pub(super) fn check_kept(came: &WireReason<'_>, kept: &Reason, nodes: &Nodes) {
    let (hops, root) = match kept {
        Reason::Linked(chain) => (chain.hops.as_slice(), &chain.root),
        root => (&[][..], root),
    };
    let expected: Vec<_> = came.hops().take(hops.len()).map(|hop| nodes.here(hop)).collect();
    assert_eq!(hops, expected);
    let bytes = written(kept, nodes).as_reason().encoded_len();
    assert!(bytes <= REASON_BYTES_MAX, "{bytes}");
    if hops.len() < came.hops().len() {
        assert!(bytes > REASON_BYTES_MAX - 9, "a hop that had room was left out");
    }
    match (&came.root, root) {
        (Root::Normal, Reason::Normal)
        | (Root::Killed, Reason::Killed)
        | (Root::Shutdown, Reason::Shutdown)
        | (Root::Noconnection, Reason::Noconnection) => {}
        (Root::Error(came), Reason::Error(kept)) | (Root::Custom(came), Reason::Custom(kept)) => {
            assert!(came.as_str().starts_with(&**kept));
            assert!(kept.len() == came.len() || kept.len() > REASON_BYTES_MAX - 32, "{}", kept.len());
        }
        (Root::Unknown(came), Reason::Unknown(kept)) => {
            assert_eq!(
                Some((came.tag(), came.payload())),
                kept.split_first().map(|(tag, rest)| (*tag, rest))
            );
        }
        (Root::Unknown(came), Reason::Error(kept)) => {
            assert!(**kept == *"unknown" && came.payload().len() > REASON_BYTES_MAX - 32);
        }
        (came, kept) => panic!("{came:?} became {kept:?}"),
    }
}

/// The reason as the peer must be told it.
pub(super) fn written(reason: &Reason, nodes: &Nodes) -> ReasonBuf {
    match reason {
        Reason::Linked(chain) => {
            root(&chain.root, |root| ReasonBuf::new(chain.hops.iter().map(|hop| nodes.there(*hop)), root))
        }
        reason => root(reason, |root| ReasonBuf::new(std::iter::empty(), root)),
    }
}

fn root<T>(reason: &Reason, write: impl FnOnce(&Root<'_>) -> T) -> T {
    // The hop that may be put before a text, and what stands before it: dist.md, "Exit reasons".
    let cut = |text: &str| text[..text.floor_char_boundary(REASON_BYTES_MAX - 9 - 9)].to_owned();
    match reason {
        Reason::Normal => write(&Root::Normal),
        Reason::Error(text) => write(&Root::Error(cut(text).as_str().into())),
        Reason::Killed => write(&Root::Killed),
        Reason::Shutdown => write(&Root::Shutdown),
        Reason::Custom(text) => write(&Root::Custom(cut(text).as_str().into())),
        Reason::Noconnection => write(&Root::Noconnection),
        Reason::Unknown(bytes) => write(&Root::Unknown(UnknownRoot::new(bytes).unwrap())),
        Reason::Linked(_) => panic!("a chain in a chain"),
    }
}
