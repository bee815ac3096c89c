//! The part of an endpoint that keeps names connected and handles peer lists.

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
    /// Keeps a session with the node of this name. The node is dialled now, and again whenever there is no session,
    /// until [`Endpoint::let_go`] is called. [`Output::Dial`] tells the host when to dial. A name that is kept already
    /// stays so. If until now only a peer list has caused that, the name is now kept for the program.
    ///
    /// `name` must be a name as [`name_to_dial`](super::name_to_dial) returns it.
    ///
    /// # Errors
    /// Returns [`NotKept`] if the name is this node's own, if as many names are kept as allowed, or if the node is
    /// stopping. The limit applies only if no other name can make room: a name that only peer lists have given, and
    /// that waits to be dialled, is forgotten instead.
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

    /// Stops keeping a session with the node of this name. Returns `false` if [`Endpoint::keep`] did not keep the
    /// name.
    ///
    /// The node is no longer dialled, unless a peer list has named it. A session with the node is not ended, and a
    /// dial that is under way goes on.
    pub fn let_go(&mut self, name: &str, now: Duration) -> bool {
        let was_kept = self.keeping.let_go(name);
        // A place for a further dial may have become free.
        self.tell_time(now);
        was_kept
    }

    /// Reports that the host cannot carry out an [`Output::Dial`], for the reason `why`, and has not called
    /// [`Endpoint::dial`]. This counts as a failed dial, and the endpoint gives the output again later.
    pub fn cannot_dial(&mut self, name: &str, why: &dyn fmt::Display, now: Duration) {
        self.kept_failed(name, None, why, now);
        self.draw_conclusions(now);
    }

    /// Returns the names that are kept connected, in ascending order, each with its state. Names from peer lists are
    /// included.
    pub fn kept(&self) -> impl Iterator<Item = KeptNode> {
        self.keeping.iter()
    }

    /// Outputs the names that are to be dialled by now.
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

    /// Records the outcome of a dial to a name that may be kept.
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

    /// Records that a connection that was not a session is over.
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

    /// Notes that a session was ended gracefully by its peer: a name that only lists have named is then not dialled
    /// again.
    pub(super) fn look_for_farewell(&mut self, entry: &Entry, ending: Option<&Ending>) {
        if let Some(session::Ending::Closed { code: CloseFrame::SHUTDOWN, .. }) =
            ending.and_then(Ending::of_session)
            && let Some(name) = &entry.name
        {
            self.keeping.leaves(name);
        }
    }

    /// Tells the peer of a new session of the other nodes, if the operator wants that.
    //= spec/version1.md#v1-lst-002
    //# A node SHOULD NOT write PEER_LIST to a version 1 peer.
    //= spec/session.md#ses-lst-008
    //# A node MUST write into a PEER_LIST only names of peers with which it has another session of version 2.
    //= spec/session.md#ses-lst-011
    //# A node that writes PEER_LISTs in a session MUST write them when that session begins and at no other
    //# time, and none without a name in it.
    pub(super) fn introduce_peers(&mut self, id: ConnectionId, is_version_1: bool) {
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

    /// Handles a peer's list of nodes. They are dialled in random order: not all nodes that have the same list begin
    /// with the same one.
    //= spec/session.md#ses-lst-006
    //= type=implication
    //= reason=names are added here, and nothing looks for those that are missing
    //# A node MUST NOT end a session or a dial because a PEER_LIST lacks its name.
    pub(super) fn listed(
        &mut self,
        peer: Option<Arc<str>>,
        names: Vec<Arc<str>>,
        of_version_1: bool,
        now: Duration,
    ) {
        if self.stopped {
            return;
        }
        let (mut refused, mut is_full) = (0, false);
        for name in names {
            if is_full || !self.local.obeys_list(&name, of_version_1) {
                refused += 1;
                continue;
            }
            let at = now.saturating_add(KEEP_PAUSE_MIN * u32::from(self.dice.throw()) / 255);
            if let Err(NotKept::TooMany { .. }) = self.keep_for(&name, KeptFor::PeerList, at) {
                self.outputs.push_back(Output::Notice(Notice::NotKept(name)));
                (refused, is_full) = (refused + 1, true);
            }
        }
        if refused > 0 {
            let name = peer.unwrap_or_else(|| "".into());
            self.outputs.push_back(Output::Notice(Notice::NotDialled { name, count: refused }));
        }
    }
}
