//! Peer lists: the names of the nodes that a peer has sessions with. Specification: `session.md`, "Peer lists, global
//! names, rooms".

use std::sync::Arc;

use snow_dist_codec::frame::PeerList;
use snow_dist_codec::{EncodeError, Frame, NamesBuf};

use super::Session;
use crate::core::limits::{PEER_LIST_BYTES_MAX, PEER_LIST_NAMES_MAX};
use crate::core::name_to_dial;

/// The bytes of a PEER_LIST besides its names (tag and count), and of a name besides its text (its length).
const LIST_BYTES: usize = 3;
const NAME_BYTES: usize = 2;

impl Session {
    /// Returns and clears the names from lists of the peer that can be dialled.
    pub(in crate::core) fn take_listed(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.listed)
    }

    pub(super) fn on_peer_list(&mut self, list: &PeerList<'_>) {
        if !self.rights.peer_lists {
            self.counts.left_alone += 1;
            return;
        }
        //= spec/session.md#ses-lst-003
        //# A node MUST NOT use more than the first `peer_list_names_max` names of a PEER_LIST.
        let names = list.names.iter().take(PEER_LIST_NAMES_MAX);
        //= spec/session.md#ses-lst-005
        //# A node that uses a PEER_LIST MUST skip each text in it that [DIST-NAM-002](dist.md#dist-nam-002)
        //# forbids to dial.
        self.listed.extend(names.filter_map(|name| name_to_dial(name.as_str()).ok()));
    }

    /// Tells the peer of these nodes. The lists wait as messages do.
    //= spec/session.md#ses-lst-007
    //# A node MUST NOT write a PEER_LIST or GLOBAL_SYNC with a payload of more than 65 536 bytes.
    pub(in crate::core) fn tell_peers(&mut self, names: &[Arc<str>]) {
        let mut rest = names;
        while !rest.is_empty() {
            let (list, left) = rest.split_at(fitting(rest).max(1));
            rest = left;
            let told = self.tell_list(list);
            debug_assert_eq!(told, Ok(()), "a list that fits is what every peer reads");
        }
    }

    fn tell_list(&mut self, list: &[Arc<str>]) -> Result<(), EncodeError> {
        let mut names = NamesBuf::default();
        for name in list {
            names.push((&**name).into())?;
        }
        let frame = Frame::from(PeerList { names: names.as_names() });
        self.queue(PROGRAM, names.as_names().as_bytes().len() + LIST_BYTES, &frame)
    }
}

/// Lists belong to no process: they wait in the lane of the program.
const PROGRAM: u64 = 0;

/// Returns the number of the first names that fit into one list.
fn fitting(names: &[Arc<str>]) -> usize {
    let sums = names.iter().scan(LIST_BYTES, |bytes, name| {
        *bytes += NAME_BYTES + name.len();
        Some(*bytes)
    });
    sums.take(PEER_LIST_NAMES_MAX).take_while(|bytes| *bytes <= PEER_LIST_BYTES_MAX).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    //= spec/session.md#ses-lst-007
    //= type=test
    //# A node MUST NOT write a PEER_LIST or GLOBAL_SYNC with a payload of more than 65 536 bytes.
    #[test]
    fn lists_are_split_by_bytes_and_by_names() {
        let long: Vec<Arc<str>> = (0..1_000).map(|_| "x".repeat(250).into()).collect();
        assert_eq!(fitting(&long), (PEER_LIST_BYTES_MAX - LIST_BYTES) / 252);
        let short: Vec<Arc<str>> = (0..3_000).map(|_| "x".into()).collect();
        assert_eq!(fitting(&short), PEER_LIST_NAMES_MAX);
        let two: Vec<Arc<str>> = vec!["x".into(), "y".into()];
        assert_eq!(fitting(&two), 2);
    }
}
