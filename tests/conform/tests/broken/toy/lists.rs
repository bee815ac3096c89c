//! Peer lists and global names.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use snow_dist_codec::frame::{GlobalRegister, GlobalSync, GlobalUnregister, PeerList};
use snow_dist_codec::{EntriesBuf, Entry, Frame, NamesBuf, NodeName};

use super::reason::Reason;
use super::session::Session;
use super::{Other, Owed, State, Toy};
use crate::defects::Defect;

const NAMES_MAX: usize = 1_024;
const SYNC_BYTES_MAX: usize = 65_536;

/// Bytes of the longest global name.
const GLOBAL_NAME_BYTES_MAX: usize = 4_096;

/// What is known of names.
#[derive(Default)]
pub(super) struct Lists {
    /// Dials that peer lists have brought about: no toy lives for a minute.
    dials: usize,
    /// Names in lists of peers.
    heard: Vec<String>,
    /// Own global names.
    own: Vec<(String, u64)>,
    /// Those of others: the processes that peers have told, in the order in which they came.
    learned: HashMap<String, Vec<Other>>,
}

impl Toy {
    /// A frame about names. Nothing of it ends a session.
    pub(super) fn about_names(
        self: &Arc<Self>,
        state: &mut State,
        peer: &str,
        read: &Frame<'_>,
        owed: &mut Owed,
    ) {
        match *read {
            Frame::PeerList(list) => self.peer_list(state, list),
            Frame::GlobalRegister(GlobalRegister { name, pid, node }) => {
                self.learn(state, peer, Entry { name, pid, node }, owed);
            }
            Frame::GlobalSync(sync) => {
                sync.entries.iter().for_each(|entry| self.learn(state, peer, entry, owed));
            }
            Frame::GlobalUnregister(GlobalUnregister { name }) => {
                let Some(claims) = state.lists.learned.get_mut(name.as_str()) else { return };
                claims.retain(|claim| claim.node != peer && !self.has(Defect::AnybodyTakesBack));
            }
            _ => {}
        }
    }

    fn peer_list(self: &Arc<Self>, state: &mut State, list: PeerList<'_>) {
        state.lists.heard.extend(list.names.iter().map(|name| name.as_str().to_owned()));
        if !self.peer_lists && !self.has(Defect::ListNeedsNoLeave) {
            return;
        }
        let names_max = if self.has(Defect::LongListUsed) { usize::MAX } else { NAMES_MAX };
        for name in list.names.iter().take(names_max) {
            let parsed = NodeName::parse(name.as_str()).ok().filter(|name| name.port() > 0);
            let name = match parsed {
                Some(name) => name.completed(),
                None if self.has(Defect::BadNameEndsTheList) => return,
                None => continue,
            };
            if state.peers.get(&name).is_some_and(|now| !now.is_empty()) {
                continue;
            }
            if state.lists.dials >= self.peer_list_dials_max && !self.has(Defect::ListsDialOften) {
                return;
            }
            state.lists.dials += 1;
            let toy = Arc::clone(self);
            tokio::spawn(async move { toy.connect(&name) });
        }
    }

    fn learn(&self, state: &mut State, peer: &str, entry: Entry<'_>, owed: &mut Owed) {
        let Some(session) = state.peers.get(peer).and_then(|now| now.session.as_ref()) else { return };
        let is_told_by_its_owner = entry.node.as_str() == peer || self.has(Defect::AnybodyTells);
        let is_of_the_peer = entry.pid == session.theirs(entry.pid.local());
        if !is_told_by_its_owner || !is_of_the_peer && !self.has(Defect::GlobalNameOfAnybody) {
            return;
        }
        let (claim, name) = (session.other(entry.pid.local()), entry.name.as_str());
        let claims = state.lists.learned.entry(name.to_owned()).or_default();
        claims.retain(|known| known.node != peer);
        claims.push(claim.clone());
        let own = state.lists.own.iter().find(|(known, _)| known == name).map(|(_, process)| *process);
        let gives_way = rank(&claim) < (self.incarnation, &*self.name);
        let Some(own) = own.filter(|_| gives_way && !self.has(Defect::GivesNoWay)) else { return };
        self.take_back(state, name);
        if !self.has(Defect::ConflictUntold) {
            self.exit_signal(state, own, claim, &Reason::custom("name conflict"), owed);
        }
    }

    fn take_back(&self, state: &mut State, name: &str) {
        state.lists.own.retain(|(known, _)| known != name);
        for session in state.peers.values().filter_map(|now| now.session.as_ref()) {
            session.tell(GlobalUnregister { name: name.into() });
        }
    }

    /// A process has ended.
    pub(super) fn take_back_all(&self, state: &mut State, own: u64) {
        let names: Vec<_> = state.lists.own.extract_if(.., |(_, of)| *of == own).collect();
        names.iter().for_each(|(name, _)| self.take_back(state, name));
    }

    /// A session is over.
    pub(super) fn forget_names(&self, state: &mut State, peer: &str) {
        if !self.has(Defect::GlobalNamesStay) {
            state.lists.learned.values_mut().for_each(|claims| claims.retain(|claim| claim.node != peer));
        }
    }

    fn holder<'s>(&self, state: &'s State, name: &str) -> Option<&'s Other> {
        let claims = state.lists.learned.get(name)?;
        if self.has(Defect::LastClaimCounts) {
            claims.last()
        } else {
            claims.iter().min_by_key(|it| rank(it))
        }
    }

    /// A session has begun: its peer is told of the others.
    pub(super) fn tell_peers(&self, state: &State, peer: &str, session: &Session) {
        if !self.tells_peers {
            return;
        }
        let has_session = |name: &str| state.peers.get(name).is_some_and(|now| now.session.is_some());
        let others = state.peers.keys().filter(|name| *name != peer || self.has(Defect::ListNamesItsReader));
        let heard = state.lists.heard.iter().filter(|_| self.has(Defect::ListsHandedOn));
        let mut names = NamesBuf::default();
        for name in others.filter(|name| has_session(name)).chain(heard) {
            names.push(name.as_str().into()).unwrap();
        }
        if names.as_names().count() > 0 {
            session.tell(PeerList { names: names.as_names() });
        }
    }

    /// A session has begun: it is told all own names.
    pub(super) fn tell_names(&self, lists: &Lists, session: &Session) {
        let mut entries = EntriesBuf::default();
        let tell = |entries: &mut EntriesBuf| {
            let sync = GlobalSync { entries: entries.as_entries() };
            session.tell(sync);
            *entries = EntriesBuf::default();
        };
        let own = lists.own.iter().map(|(name, process)| (name, *process, &self.name));
        let others = lists
            .learned
            .iter()
            .flat_map(|(name, claims)| claims.iter().map(move |claim| (name, claim.local, &claim.node)));
        for (name, process, node) in own.chain(others.filter(|_| self.has(Defect::NamesHandedOn))) {
            let more = name.len() + node.len() + 12;
            let is_long = entries.as_entries().as_bytes().len() + more + 5 > SYNC_BYTES_MAX;
            if is_long && !self.has(Defect::SyncUnsplit) {
                tell(&mut entries);
            }
            let entry =
                Entry { name: name.as_str().into(), pid: self.own(process), node: node.as_str().into() };
            entries.push(&entry).unwrap();
        }
        if entries.as_entries().count() > 0 {
            tell(&mut entries);
        }
    }

    /// False if the name is taken, or too long.
    pub(super) fn register_global(&self, state: &mut State, own: u64, name: &str) -> bool {
        let is_taken = self.lookup(state, name) != json!(false);
        let is_long = name.len() > GLOBAL_NAME_BYTES_MAX && !self.has(Defect::LongGlobalName);
        if is_long || is_taken && !self.has(Defect::TakenNameRegistered) {
            return false;
        }
        state.lists.own.push((name.to_owned(), own));
        for now in state.peers.values() {
            let Some(session) = &now.session else { continue };
            session.tell(GlobalRegister {
                name: name.into(),
                pid: self.own(own),
                node: self.name.as_str().into(),
            });
        }
        true
    }

    pub(super) fn lookup(&self, state: &State, name: &str) -> Value {
        let own = state.lists.own.iter().find(|(known, _)| known == name);
        match (own, self.holder(state, name)) {
            (Some((_, process)), _) => json!({"node": self.name, "process": process}),
            (None, Some(claim)) => json!({"node": claim.node, "process": claim.local}),
            (None, None) => json!(false),
        }
    }
}

/// The smaller one keeps a name.
fn rank(claim: &Other) -> (u64, &str) {
    (claim.incarnation, &claim.node)
}
