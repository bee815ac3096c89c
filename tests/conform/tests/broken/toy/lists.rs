//! Peer lists and global names.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use snow_dist_codec::frame::{GlobalRegister, GlobalSync, GlobalUnregister, PeerList};
use snow_dist_codec::{EntriesBuf, Entry, Frame, NamesBuf, NodeName};

use super::session::Session;
use super::{State, Toy};
use crate::defects::Defect;

const NAMES_MAX: usize = 1_024;
const SYNC_BYTES_MAX: usize = 65_536;

/// What is known of names.
#[derive(Default)]
pub(super) struct Lists {
    /// Dials that peer lists have brought about: no toy lives for a minute.
    dials: usize,
    /// Names in lists of peers.
    heard: Vec<String>,
    /// Own global names.
    own: Vec<(String, u64)>,
    /// Those of others: by which peer they were told, and the process.
    learned: HashMap<String, (String, u64)>,
}

impl Toy {
    /// A frame about names. Nothing of it ends a session.
    pub(super) fn about_names(self: &Arc<Self>, state: &mut State, peer: &str, read: &Frame<'_>) {
        match *read {
            Frame::PeerList(list) => self.peer_list(state, list),
            Frame::GlobalRegister(GlobalRegister { name, pid, node }) => {
                self.learn(state, peer, name.as_str(), pid.local(), node.as_str());
            }
            Frame::GlobalSync(sync) => {
                for entry in sync.entries.iter() {
                    self.learn(state, peer, entry.name.as_str(), entry.pid.local(), entry.node.as_str());
                }
            }
            Frame::GlobalUnregister(GlobalUnregister { name }) => {
                let is_owner = state.lists.learned.get(name.as_str()).is_some_and(|(of, _)| of == peer);
                if is_owner || self.has(Defect::AnybodyTakesBack) {
                    state.lists.learned.remove(name.as_str());
                }
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

    fn learn(&self, state: &mut State, peer: &str, name: &str, local: u64, node: &str) {
        if node == peer || self.has(Defect::AnybodyTells) {
            state.lists.learned.insert(name.to_owned(), (peer.to_owned(), local));
        }
    }

    /// A session is over.
    pub(super) fn forget_names(&self, state: &mut State, peer: &str) {
        if !self.has(Defect::GlobalNamesStay) {
            state.lists.learned.retain(|_, (of, _)| of != peer);
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
        let others = lists.learned.iter().map(|(name, (node, process))| (name, *process, node));
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

    pub(super) fn register_global(&self, state: &mut State, own: u64, name: &str) {
        state.lists.own.push((name.to_owned(), own));
        for now in state.peers.values() {
            let Some(session) = &now.session else { continue };
            session.tell(GlobalRegister {
                name: name.into(),
                pid: self.own(own),
                node: self.name.as_str().into(),
            });
        }
    }

    pub(super) fn lookup(&self, state: &State, name: &str) -> Value {
        let own = state.lists.own.iter().find(|(known, _)| known == name);
        match (own, state.lists.learned.get(name)) {
            (Some((_, process)), _) => json!({"node": self.name, "process": process}),
            (None, Some((node, process))) => json!({"node": node, "process": process}),
            (None, None) => json!(false),
        }
    }
}
