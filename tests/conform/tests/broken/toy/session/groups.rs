//! Groups: `groups.md` as a program. The server acts at once, where a real one gathers what it has to say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::{Value, json};
use snow_dist_codec::frame::SendNameTerm;
use snow_dist_codec::stf::{self, Value as Term};
use snow_dist_codec::{Pid, Reading};

use super::super::{Other, Process, State, Toy};
use crate::defects::Defect;

/// The name of every server.
pub(super) const NAME: &str = "groups";
const NAME_BYTES_MAX: usize = 255;
const INTERVAL_MAX: Duration = Duration::from_secs(60);

type Members = BTreeSet<(String, u64)>;
type Entries = Vec<(String, Vec<Pid>)>;

/// What a server knows.
pub(in super::super) struct Groups {
    server: u64,
    here: Members,
    peers: BTreeMap<String, Peer>,
    /// The last number of a stream.
    streams: u64,
}

/// Another node.
#[derive(Default)]
struct Peer {
    /// Its server as it was known last.
    server: Option<u64>,
    monitor: Option<u64>,
    sought: bool,
    heard: Option<u64>,
    missed: bool,
    missed_ask: bool,
    told: Members,
    reads: Reads,
    writes: Writes,
}

/// The stream of the peer.
#[derive(Default)]
struct Reads {
    stream: u64,
    next: u64,
    named: Members,
    strays: u64,
}

/// The stream to the peer.
#[derive(Default)]
struct Writes {
    stream: u64,
    next: u64,
    named: Members,
}

/// What another server says.
struct Message {
    from: Pid,
    to: Pid,
    stream: u64,
    /// Nothing in an ask.
    members: Option<Told>,
}

struct Told {
    number: u64,
    complete: bool,
    joined: Members,
    left: Members,
}

impl Peer {
    fn forget(&mut self) {
        let Self { monitor, sought, heard, missed, .. } = *self;
        *self = Self { monitor, sought, heard, missed, ..Self::default() };
    }

    /// Whether it is what comes next.
    fn follows(&mut self, stream: u64, number: u64) -> bool {
        if number == 0 && stream > self.reads.stream {
            self.reads = Reads { stream, ..Reads::default() };
        }
        (stream, number) == (self.reads.stream, self.reads.next)
    }

    fn take(&mut self, toy: &Toy, told: Told) {
        self.reads.next += 1;
        for gone in told.left {
            self.reads.named.remove(&gone);
            self.told.remove(&gone);
        }
        self.told.extend(told.joined.iter().cloned());
        self.reads.named.extend(told.joined);
        if told.complete && !toy.has(Defect::UnnamedMembersStay) {
            self.told.clone_from(&self.reads.named);
        }
    }
}

impl Message {
    fn read(toy: &Toy, bytes: &[u8]) -> Option<Self> {
        let (Term::Tuple(fields), _) = stf::decode(bytes, Reading::Compatible).ok()? else { return None };
        let fields: Vec<_> = fields.iter().collect();
        let [
            Term::Str(kind),
            Term::Int(version),
            Term::Pid(from),
            Term::Pid(to),
            Term::Int(stream),
            rest @ ..,
        ] = &fields[..]
        else {
            return None;
        };
        if *version != 1 && !toy.has(Defect::AnyVersionOfGroups) {
            return None;
        }
        let members = match (kind.as_str(), rest) {
            ("ask", _) => None,
            (
                "members",
                [Term::Int(number), Term::Bool(complete), Term::List(joined), Term::List(left), ..],
            ) => {
                let entries = |list: &stf::Values<'_>| -> Members {
                    list.iter().flat_map(|entry| entry_of(toy, *from, &entry)).collect()
                };
                let number = u64::try_from(*number).ok()?;
                let (joined, left) = (entries(joined), entries(left));
                Some(Told { number, complete: *complete, joined, left })
            }
            _ => return None,
        };
        Some(Self { from: *from, to: *to, stream: u64::try_from(*stream).ok()?, members })
    }
}

fn entry_of(toy: &Toy, from: Pid, entry: &Term<'_>) -> Vec<(String, u64)> {
    let Term::Tuple(fields) = entry else { return Vec::new() };
    let fields: Vec<_> = fields.iter().collect();
    let [Term::Str(name), Term::List(pids), ..] = &fields[..] else { return Vec::new() };
    if !is_name(name.as_str()) {
        return Vec::new();
    }
    let is_beside = |pid: &Pid| {
        let is_of = (pid.node(), pid.creation()) == (from.node(), from.creation());
        (is_of || toy.has(Defect::MembersOfAnybody)) && pid.local() != 0
    };
    let pids = pids.iter().filter_map(|pid| if let Term::Pid(pid) = pid { Some(pid) } else { None });
    pids.filter(is_beside).map(|pid| (name.as_str().to_owned(), pid.local())).collect()
}

fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
}

/// What the runner asks for.
impl Toy {
    pub(in super::super) fn about_groups(
        self: &Arc<Self>,
        state: &mut State,
        command: &Value,
        own: u64,
    ) -> Result<Value, &'static str> {
        self.start_groups(state);
        let name = command["group"].as_str().unwrap_or_default();
        match command["do"].as_str().unwrap_or_default() {
            "join_group" if !is_name(name) && !self.has(Defect::AnyNameOfAGroup) => Err("no such name"),
            "join_group" => {
                Ok(json!({"joined": self.change(state, |here| here.insert((name.to_owned(), own)))}))
            }
            "leave_group" => {
                Ok(json!({"left": self.change(state, |here| here.remove(&(name.to_owned(), own)))}))
            }
            "group_members" => Ok(json!({"members": self.members(state, name)})),
            _ => {
                let message = command["message"].as_str().unwrap_or_default();
                for member in self.members(state, name) {
                    let local = member["process"].as_u64().unwrap_or_default();
                    let node = member["node"].as_str().unwrap_or_default();
                    if node == self.name {
                        state.give(local, json!({"message": message}));
                    } else if let Some(other) = self.other(state, node, local) {
                        self.send(state, 0, &other, &hex::decode(message).unwrap());
                    }
                }
                Ok(json!({}))
            }
        }
    }

    fn members(&self, state: &State, name: &str) -> Vec<Value> {
        let Some(groups) = &state.groups else { return Vec::new() };
        let own = (&self.name, &groups.here);
        let all = std::iter::once(own).chain(groups.peers.iter().map(|(node, peer)| (node, &peer.told)));
        let of =
            all.flat_map(|(node, members)| members.iter().map(move |(group, local)| (node, group, local)));
        let of = of.filter(|(_, group, _)| *group == name);
        of.map(|(node, _, local)| json!({"node": node, "process": local})).collect()
    }

    fn start_groups(self: &Arc<Self>, state: &mut State) {
        if state.groups.is_some() {
            return;
        }
        let server = state.next();
        state.processes.insert(server, Process { traps: true, ..Process::default() });
        state.names.insert(NAME.to_owned(), server);
        let (here, peers) = (Members::new(), BTreeMap::new());
        state.groups = Some(Groups { server, here, peers, streams: 0 });
        let up: Vec<_> = state
            .peers
            .iter()
            .filter(|(_, now)| now.session.is_some())
            .map(|(node, _)| node.clone())
            .collect();
        up.iter().for_each(|node| self.groups_up(state, node));
        tokio::spawn(tell_now_and_then(Arc::downgrade(self)));
    }

    fn change(&self, state: &mut State, change: impl FnOnce(&mut Members) -> bool) -> bool {
        let Some(groups) = &mut state.groups else { return false };
        let is_changed = change(&mut groups.here);
        self.tell_all(state, false);
        is_changed
    }

    fn tell_all(&self, state: &mut State, is_due: bool) {
        let nodes: Vec<_> = state.groups.iter().flat_map(|groups| groups.peers.keys().cloned()).collect();
        nodes.iter().for_each(|node| self.tell_groups(state, node, is_due));
    }
}

/// A message of each stream, whether there is something to tell or not.
async fn tell_now_and_then(toy: Weak<Toy>) {
    loop {
        tokio::time::sleep(INTERVAL_MAX).await;
        let Some(toy) = toy.upgrade() else { return };
        toy.tell_all(&mut toy.state(), true);
    }
}

/// What the node tells its server.
impl Toy {
    pub(in super::super) fn groups_up(&self, state: &mut State, node: &str) {
        if let Some(groups) = &mut state.groups {
            groups.peers.insert(node.to_owned(), Peer::default());
            self.seek(state, node);
        }
    }

    pub(super) fn groups_down(&self, state: &mut State, node: &str) {
        if let Some(groups) = state.groups.as_mut().filter(|_| !self.has(Defect::MembersOutliveTheSession)) {
            groups.peers.remove(node);
        }
    }

    pub(super) fn groups_ended(&self, state: &mut State, own: u64) {
        if !self.has(Defect::MemberOutlivesItsProcess) {
            self.change(state, |here| {
                here.retain(|(_, local)| *local != own);
                true
            });
        }
    }

    /// NAMED.
    pub(super) fn groups_named(&self, state: &mut State, node: &str, reference: u64, server: u64) {
        let Some((_, peer)) = state.monitoring(node, reference).filter(|(_, peer)| peer.sought) else {
            return;
        };
        peer.sought = false;
        let is_other = peer.server != Some(server);
        if is_other {
            peer.forget();
            peer.server = Some(server);
        }
        let is_of_another = peer.heard.take().is_some_and(|heard| heard != server);
        let missed = (!is_of_another && std::mem::take(&mut peer.missed), peer.missed_ask && !is_of_another);
        peer.missed_ask &= is_of_another;
        if is_other || missed.1 {
            self.begin_stream(state, node);
        }
        if is_of_another && !self.has(Defect::HeardIsForgotten) {
            return self.seek(state, node);
        }
        if missed.0 {
            self.ask(state, node, 0);
        }
        self.tell_groups(state, node, false);
    }

    /// MONITOR_EXIT.
    pub(super) fn groups_over(&self, state: &mut State, node: &str, reference: u64) {
        let Some((_, peer)) = state.monitoring(node, reference) else { return };
        peer.monitor = None;
        let is_sought = std::mem::take(&mut peer.sought);
        let heard = peer.heard.take();
        peer.forget();
        if (!is_sought && !self.has(Defect::ServerIsSoughtOnce)) || heard.is_some() {
            self.seek(state, node);
        }
    }

    /// A term to the name of the server.
    pub(super) fn groups_told(&self, state: &mut State, of: &Other, bytes: &[u8]) {
        let Some(server) = state.groups.as_ref().map(|groups| groups.server) else { return };
        let Some(message) = Message::read(self, bytes) else { return };
        let Message { from, to, stream, members } = message;
        let is_for_it = to.local() == server || self.has(Defect::AnyReaderOfGroups);
        let is_for_it = is_for_it && (to.node(), to.creation()) == (0xFFFE, self.creation());
        let is_of_peer = (from.node(), from.creation()) == (0, of.creation);
        let Some((_, peer)) = state.group_peer(&of.node).filter(|_| is_for_it && is_of_peer) else { return };
        let is_server = peer.server == Some(from.local());
        if (peer.sought || !is_server) && !self.has(Defect::AnybodyTellsMembers) {
            peer.missed = true;
            peer.missed_ask |= members.is_none() && is_server;
            if peer.sought {
                peer.heard = Some(from.local());
                return;
            }
            return self.seek(state, &of.node);
        }
        match members {
            None if stream != 0 && stream != peer.writes.stream || self.has(Defect::AskForgotten) => {}
            None => {
                self.begin_stream(state, &of.node);
                self.tell_groups(state, &of.node, false);
            }
            Some(told) if peer.follows(stream, told.number) || self.has(Defect::GapUnnoticed) => {
                peer.take(self, told);
            }
            Some(told) if (stream, told.number) > (peer.reads.stream, peer.reads.next) => {
                peer.reads.strays += 1;
                if peer.reads.strays.is_power_of_two() {
                    self.ask(state, &of.node, stream);
                }
            }
            Some(_) => {}
        }
    }
}

/// What the server does.
impl Toy {
    fn seek(&self, state: &mut State, node: &str) {
        let Some((server, peer)) = state.group_peer(node) else { return };
        (peer.sought, peer.heard) = (true, None);
        if let Some(before) = peer.monitor.take() {
            self.demonitor(state, server, before);
        }
        let monitor = self.monitor_name(state, server, node, NAME);
        if let Some((_, peer)) = state.group_peer(node) {
            (peer.monitor, peer.sought) = (monitor, monitor.is_some());
        }
    }

    fn begin_stream(&self, state: &mut State, node: &str) {
        let Some(groups) = &mut state.groups else { return };
        groups.streams += u64::from(!self.has(Defect::StreamAgain) || groups.streams == 0);
        if let Some(peer) = groups.peers.get_mut(node) {
            peer.writes = Writes { stream: groups.streams, ..Writes::default() };
        }
    }

    fn ask(&self, state: &mut State, node: &str, stream: u64) {
        self.say(state, node, |from, to| stf::to_vec(&("ask", 1, from, to, stream)).unwrap());
    }

    /// Tells what has not been told.
    fn tell_groups(&self, state: &mut State, node: &str, is_due: bool) {
        let Some(groups) = &mut state.groups else { return };
        let Some(peer) = groups.peers.get_mut(node).filter(|peer| peer.server.is_some() && !peer.sought)
        else {
            return;
        };
        let writes = &mut peer.writes;
        let (joined, left) = (&groups.here - &writes.named, &writes.named - &groups.here);
        if writes.next > 0 && !is_due && joined.is_empty() && left.is_empty() {
            return;
        }
        let (stream, number) = (writes.stream, writes.next);
        writes.named.clone_from(&groups.here);
        writes.next += 1;
        let left = if self.has(Defect::LeavingUntold) { Members::new() } else { left };
        let (joined, left) = (self.entries(&joined), self.entries(&left));
        self.say(state, node, |from, to| {
            stf::to_vec(&("members", 1, from, to, stream, number, true, joined, left)).unwrap()
        });
    }

    fn entries(&self, members: &Members) -> Entries {
        let mut entries = BTreeMap::<_, Vec<_>>::new();
        for (group, local) in members {
            entries.entry(group.clone()).or_default().push(self.own(*local));
        }
        entries.into_iter().collect()
    }

    fn say(&self, state: &mut State, node: &str, term: impl FnOnce(Pid, Pid) -> Vec<u8>) {
        let Some((own, peer)) = state.group_peer(node) else { return };
        let Some(server) = peer.server else { return };
        let Some(session) = state.peers.get_mut(node).and_then(|now| now.session.as_mut()) else { return };
        let to = Pid::new(0xFFFE, session.peer.creation, server).unwrap();
        let message = &term(self.own(own), to)[..];
        session.message(self, own, SendNameTerm { name: NAME.into(), message });
    }
}

impl State {
    /// The server, and what it knows of a node.
    fn group_peer(&mut self, node: &str) -> Option<(u64, &mut Peer)> {
        let groups = self.groups.as_mut()?;
        Some((groups.server, groups.peers.get_mut(node)?))
    }

    /// The same, if it is this monitor that the server has there.
    fn monitoring(&mut self, node: &str, reference: u64) -> Option<(u64, &mut Peer)> {
        self.group_peer(node).filter(|(_, peer)| peer.monitor == Some(reference))
    }
}
