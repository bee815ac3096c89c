//! What an endpoint does to keep names connected, and what it has to do with peer lists.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::frame::Close as CloseFrame;

use super::entry::Entry;
use super::keeping::{KeptFor, KeptNode, NotKept};
use super::{Endpoint, Notice, Numbering, Output};
use crate::core::connection::{ConnectionEvent, Ending};
use crate::core::limits::KEEP_PAUSE_MIN;
use crate::core::peers::{ConnectionId, DialDecision};
use crate::core::session;

impl<N: Numbering> Endpoint<N> {
    /// Keeps a session with the node of this name, completed as [`name_to_dial`](super::name_to_dial) does: dials it now, and
    /// again whenever there is none, until [`Endpoint::let_go`]. [`Output::Dial`] says when. A name that is kept already stays so.
    ///
    /// # Errors
    /// The name is this node's own, as many are kept as may be, or the node stops.
    pub fn keep(&mut self, name: &Arc<str>, now: Duration) -> Result<(), NotKept> {
        self.tell_time(now);
        if self.stopped {
            return Err(NotKept::Stopped);
        }
        self.keep_for(name, KeptFor::Program, now)?;
        self.draw_conclusions(now);
        Ok(())
    }

    fn keep_for(&mut self, name: &Arc<str>, kept_for: KeptFor, at: Duration) -> Result<(), NotKept> {
        //= spec/connection.md#con-dia-001
        //# A node MUST NOT dial its own name.
        if name == self.local.name() {
            return Err(NotKept::OwnName);
        }
        let is_full = self.keeping.len() >= self.kept_max && !self.keeping.has(name);
        if is_full && (kept_for == KeptFor::PeerList || !self.keeping.make_room()) {
            return Err(NotKept::TooMany { max: self.kept_max });
        }
        self.keeping.keep(name, kept_for, at);
        Ok(())
    }

    /// Does not dial the node of this name any more by itself, unless a peer's list has named it; a session with it, or a dial that is
    /// under way, stays. False if [`Endpoint::keep`] did not keep it.
    pub fn let_go(&mut self, name: &str, now: Duration) -> bool {
        let was_kept = self.keeping.let_go(name);
        // The place of a dial may have come free.
        self.tell_time(now);
        was_kept
    }

    /// The host cannot carry out an [`Output::Dial`]: it has said nothing to [`Endpoint::dial`], and is told again later.
    pub fn cannot_dial(&mut self, name: &str, why: &dyn fmt::Display, now: Duration) {
        self.kept_failed(name, None, why, now);
        self.draw_conclusions(now);
    }

    /// The names that are kept connected, in their order, and how it goes with each: those that peer lists have told included.
    pub fn kept(&self) -> impl Iterator<Item = KeptNode> {
        self.keeping.iter()
    }

    /// Says which names are to be dialled by now.
    pub(super) fn dial_what_is_due(&mut self, now: Duration) {
        self.keeping.forget_what_is_lost(now);
        while let Some(name) = self.keeping.next_due(now) {
            if self.is_up(&name) {
                self.keeping.up(&name, now);
            } else if self.is_underway(&name) {
                self.keeping.elsewhere(&name, None);
            } else if let Some(at) = self.dial_at(&name, now) {
                self.keeping.put_off(&name, at);
            } else {
                self.keeping.ask(&name, now);
                self.outputs.push_back(Output::Dial(name));
            }
        }
    }

    /// What has come of the wish to dial a name that may be kept.
    pub(super) fn kept_dial(
        &mut self,
        name: &Arc<str>,
        id: ConnectionId,
        decision: &DialDecision,
        now: Duration,
    ) {
        match decision {
            DialDecision::Start => self.keeping.dialled(name, id),
            DialDecision::Underway | DialDecision::Closing(_) => self.keeping.elsewhere(name, None),
            DialDecision::Busy => {
                self.kept_failed(name, None, &"this node has as many sessions as it may have", now);
            }
            DialDecision::Up(_) | DialDecision::OwnName => {}
        }
    }

    /// A connection is over that was no session.
    pub(super) fn kept_over(&mut self, id: ConnectionId, name: &str, ending: Option<&Ending>, now: Duration) {
        if !self.keeping.has(name) || self.is_up(name) {
            return;
        }
        if self.is_underway(name) {
            return self.keeping.elsewhere(name, Some(id));
        }
        match ending {
            Some(ending) => self.kept_failed(name, Some(id), ending, now),
            None => self.kept_failed(name, Some(id), &"it was dropped", now),
        }
    }

    fn kept_failed(&mut self, name: &str, id: Option<ConnectionId>, why: &dyn fmt::Display, now: Duration) {
        let unreached = self.keeping.failed(name, id, why, now, &mut self.dice);
        self.outputs.extend(unreached.map(|unreached| Output::Notice(Notice::Unreached(unreached))));
    }

    /// A session that its peer ends in order: what only lists have named is not dialled again.
    pub(super) fn look_for_farewell(&mut self, entry: &Entry, ending: Option<&Ending>) {
        if let Some(session::Ending::Closed { code: CloseFrame::SHUTDOWN, .. }) =
            ending.and_then(Ending::of_session)
            && let Some(name) = &entry.name
        {
            self.keeping.leaves(name);
        }
    }

    /// A session has begun: its peer is told of the others, and its lists are listened to, as the operator has it.
    //= spec/version1.md#v1-lst-002
    //# A node SHOULD NOT write PEER_LIST to a version 1 peer.
    //= spec/session.md#ses-lst-008
    //# A node MUST write into a PEER_LIST only names of peers with which it has another session of version 2.
    //= spec/session.md#ses-lst-011
    //# A node that writes PEER_LISTs MUST write them when a session begins, as many as SES-LST-007 asks for, and none without
    //# names or later.
    pub(super) fn introduce_peers(&mut self, id: ConnectionId, is_version_1: bool) {
        if self.local.peer_lists.hears(is_version_1) {
            self.outputs.push_back(Output::Tell(id, ConnectionEvent::HearLists));
        }
        if !self.local.tells_peers || is_version_1 {
            return;
        }
        let is_told = |entry: &Entry| entry.began.is_some() && !entry.is_over && !entry.is_version_1;
        let others = self.connections.iter().filter(|(other, entry)| **other != id && is_told(entry));
        let names: Vec<_> = others.filter_map(|(_, entry)| entry.name.clone()).collect();
        if !names.is_empty() {
            self.outputs.push_back(Output::Tell(id, ConnectionEvent::TellPeers(names)));
        }
    }

    /// A peer's list has named these nodes. They are dialled in an order of chance: not all who have the same list begin with the
    /// same node.
    //= spec/session.md#ses-lst-006
    //= type=implication
    //= reason=names are added here, and nothing looks for those that are missing
    //# A node MUST NOT end a session or a dial because a name does not stand in a PEER_LIST.
    pub(super) fn listed(&mut self, names: Vec<Arc<str>>, of_version_1: bool, now: Duration) {
        if self.stopped {
            return;
        }
        for name in names {
            if !self.local.peer_lists.allows(&name, of_version_1) {
                continue;
            }
            let at = now.saturating_add(KEEP_PAUSE_MIN * u32::from(self.dice.throw()) / 255);
            if let Err(NotKept::TooMany { .. }) = self.keep_for(&name, KeptFor::PeerList, at) {
                self.outputs.push_back(Output::Notice(Notice::NotKept(name)));
                break;
            }
        }
    }
}
