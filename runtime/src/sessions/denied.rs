//! The translation of refusals by the core into errors for processes.

use std::sync::Arc;

use snow_dist_codec::{EncodeError, EncodeErrorKind};

use crate::core::session::{Lacking, NotMade, NotRequested, NotSent};
use crate::process::Refused;
use crate::process::remote::Denied;

/// The reason why a message cannot be sent to a version 1 node.
const LOOKS_LIKE_SIGNAL: &str = "it speaks version 1, and would take this message, which begins with the type of a signal, for that signal";

/// The reason why a process of a version 1 node cannot be linked or monitored.
const NODE_ID_UNKNOWN: &str = "it speaks version 1, and by which node id it knows this node is not known yet: that \
    comes with what it first sends to a process of this node by its pid, or is said by \
    NodeBuilder::version_1_node_id";

/// The reason why a process that is started on a version 1 node cannot be linked.
const LINKS_ANOTHER: &str =
    "it speaks version 1, and would link the new process with a process of its own node";

pub(super) fn not_requested(why: NotRequested, peer: &Arc<str>) -> Denied {
    Denied::from(match why {
        NotRequested::NotMade(why) => return not_made(why, peer),
        NotRequested::NotSent(why) => return not_sent(why, peer),
        NotRequested::NameTooLong { length, length_max } => Refused::TooLong { length, length_max },
        NotRequested::TooMany { count_max } => Refused::Unanswered { count_max },
        NotRequested::Version1Link => Refused::NotInVersion(LINKS_ANOTHER),
    })
}

pub(super) fn not_sent(why: NotSent, peer: &Arc<str>) -> Denied {
    match why {
        NotSent::TooLong(error) => too_long(&error),
        NotSent::Lacking(why) => lacking(why, peer),
        NotSent::LooksLikeSignal => Refused::NotInVersion(LOOKS_LIKE_SIGNAL).into(),
    }
}

fn too_long(error: &EncodeError) -> Denied {
    let (length, length_max) = match error.kind {
        EncodeErrorKind::TooLong { max, actual } => (actual, max),
        // A message has no other limit.
        _ => (u64::MAX, 0),
    };
    let count = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
    Refused::TooLong { length: count(length), length_max: count(length_max) }.into()
}

pub(super) fn not_made(why: NotMade, peer: &Arc<str>) -> Denied {
    Denied::from(match why {
        NotMade::Full { count_max } => Refused::TooMany { count_max },
        NotMade::NodeIdUnknown => Refused::NotInVersion(NODE_ID_UNKNOWN),
        NotMade::NameTooLong { length, length_max } => Refused::TooLong { length, length_max },
        NotMade::Lacking(why) => return lacking(why, peer),
    })
}

pub(super) fn lacking(Lacking { capability }: Lacking, peer: &Arc<str>) -> Denied {
    Refused::NotInSession { capability, peer: peer.clone() }.into()
}
