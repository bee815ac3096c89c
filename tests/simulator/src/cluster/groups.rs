//! Groups: each node's server, which is a process like others, and what must come of it.
//!
//! The server is the core's [`Groups`]; what it says goes to the servers of other nodes as terms, and its monitors are those of
//! a process. If it ends, a program starts another one.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_runtime::core::groups::{GroupChange, SERVER, Todo};
use snow_dist_runtime::core::limits::GROUPS_INTERVAL_MAX;
use snow_dist_runtime::core::session::NotMade;
use snow_dist_runtime::core::{Groups, NodeNumber, Pid, Term, TermPids};

use super::{At, Cluster, Connection, Node, Step};
use crate::coverage::Of;
use crate::oracle::{Checked, GROUPS, Members, SERVERS, Who, check, group_name, group_of, server_message};
use crate::plan::SECOND;
use crate::script::{OfGroup, Slot};
use crate::wire::Time;

/// How long it takes until a program notices that the server has ended, at most.
const WITHOUT_SERVER_MAX: Time = 2 * SECOND;

/// How many of these go on when no message is missed any more.
const INTERVALS: Time = 10;

/// Between two messages of a server to another one, at most.
const INTERVAL: Time = GROUPS_INTERVAL_MAX.as_secs() * SECOND;

const AGREE: &str =
    "at rest each node knows the members of each group, of all nodes that it has a session with";
const OWN: &str = "who joins a group is a member until it leaves or ends";
const LACKS: &str = "a capability is used where both ends have it";

/// The server of a node.
pub(crate) struct Server {
    pub(crate) local: u32,
    pub(crate) groups: Groups,
    /// Who has the name elsewhere is watched.
    monitors: FxHashMap<NodeNumber, Monitor>,
    /// Nodes for which there is something to do, perhaps when there is room for it.
    waiting: BTreeSet<NodeNumber>,
    /// Nodes where nobody can be watched: so many links and monitors there are.
    full: BTreeSet<NodeNumber>,
    /// Processes whose end it wants to know.
    watched: FxHashSet<u32>,
    /// It will see to what has changed.
    is_stirred: bool,
    /// Something has come for it.
    has_news: bool,
    subscriber: u64,
    /// What the subscriber knows.
    told: BTreeSet<(u8, Pid)>,
}

/// A monitor of another server.
#[derive(Clone, Copy)]
struct Monitor {
    at: At,
    reference: u64,
    is_known: bool,
}

impl Server {
    /// The server of a node that has just started.
    fn new(own: Pid) -> Self {
        let mut groups = Groups::new(own);
        let subscriber = groups.subscribe();
        Self {
            local: own.local() as u32,
            groups,
            monitors: FxHashMap::default(),
            waiting: BTreeSet::new(),
            full: BTreeSet::new(),
            watched: FxHashSet::default(),
            is_stirred: false,
            has_news: false,
            subscriber,
            told: BTreeSet::new(),
        }
    }

    fn monitor_of(&mut self, at: At, reference: u64) -> Option<(NodeNumber, &mut Monitor)> {
        let mut all = self.monitors.iter_mut().map(|(node, monitor)| (*node, monitor));
        all.find(|(_, monitor)| monitor.at == at && monitor.reference == reference)
    }

    /// It is known who has the name.
    pub(crate) fn on_named(&mut self, at: At, reference: u64, server: Pid) {
        self.has_news = true;
        if let Some((node, monitor)) = self.monitor_of(at, reference) {
            monitor.is_known = true;
            self.groups.handle_named(node, server);
        }
    }

    /// A monitor has ended.
    pub(crate) fn on_down(&mut self, at: At, reference: u64) {
        self.has_news = true;
        let Some((node, monitor)) = self.monitor_of(at, reference) else { return };
        let was_known = monitor.is_known;
        self.monitors.remove(&node);
        if was_known {
            self.groups.handle_server_ended(node);
        } else {
            self.groups.handle_nobody(node);
        }
    }

    pub(crate) fn on_message(&mut self, term: &[u8], pids: &TermPids) {
        self.has_news = true;
        self.groups.handle_message(term, pids);
    }

    /// Whoever subscribes is told of each change once.
    fn tell_subscriber(&mut self) -> Checked {
        while let Some(change) = self.groups.poll_change(self.subscriber) {
            let is_news = match &change {
                GroupChange::Joined { group, pid } => {
                    group_of(group).is_some_and(|group| self.told.insert((group, *pid)))
                }
                GroupChange::Left { group, pid } => {
                    group_of(group).is_some_and(|group| self.told.remove(&(group, *pid)))
                }
                _ => false,
            };
            check(is_news, "a subscriber is told of each change once", || format!("{change:?}"))?;
        }
        Ok(())
    }

    fn members(&self) -> BTreeSet<(u8, Pid)> {
        let number = |name: &str| group_of(name).unwrap_or(GROUPS);
        let members =
            |name: &'_ Arc<str>| self.groups.members(name).map(|pid| (number(name), pid)).collect::<Vec<_>>();
        self.groups.names().flat_map(members).collect()
    }
}

impl Node {
    /// A program starts the server.
    pub(super) fn start_server(&mut self) {
        let local = self.table.start(true);
        self.table.server = local;
        self.server = Some(Box::new(Server::new(self.own_pid(local))));
    }

    /// The server, if it is this process.
    pub(crate) fn server_at(&mut self, local: u32) -> Option<&mut Server> {
        self.server.as_deref_mut().filter(|server| server.local == local)
    }
}

impl Cluster<'_> {
    /// A process joins a group, or one of its members leaves it.
    pub(super) fn act_on_group(&mut self, who: Slot, does: OfGroup, group: u8, dice: u64) -> Checked {
        let node = usize::from(who.node);
        self.coverage.count(Of::Operation);
        let start = self.nodes[node].start;
        let local = match does {
            OfGroup::Join => self.process_at(node, who.place, dice),
            OfGroup::Leave => {
                let members: Vec<_> =
                    self.truth.memberships.of(start).filter(|(it, _)| *it == group).collect();
                let Some((_, who)) = members.get(dice as usize % members.len().max(1)) else { return Ok(()) };
                who.local
            }
        };
        let here = &mut self.nodes[node];
        let (pid, who, name) = (here.own_pid(local), Who { start, local }, group_name(group));
        let Some(server) = &mut here.server else { return Ok(()) };
        let memberships = &mut self.truth.memberships;
        let (changed, due) = match does {
            OfGroup::Join => (server.groups.join(&name, pid), memberships.join(group, who)),
            OfGroup::Leave => (Ok(server.groups.leave(&name, pid)), memberships.leave(group, who)),
        };
        check(changed == Ok(due), OWN, || format!("{who} does {does:?} with {name}: {changed:?}"))?;
        if due {
            self.coverage.count(if does == OfGroup::Join { Of::Joined } else { Of::Left });
            self.trace.note(self.now, || format!("node {node} process {who} does {does:?} with {name}"));
        }
        self.stir(node);
        Ok(())
    }

    /// A process has ended: its server learns of it if it has asked for that, and has ended itself if it is the server.
    pub(crate) fn groups_ended(&mut self, node: usize, local: u32) {
        let here = &mut self.nodes[node];
        let (start, pid) = (here.start, here.own_pid(local));
        let Some(server) = &mut here.server else { return };
        if server.local == local {
            here.server = None;
            self.truth.memberships.gone(start);
            self.coverage.count(Of::ServerEnded);
            let wait = here.random.wide(1, WITHOUT_SERVER_MAX);
            self.after(wait, Step::StartServer { node: node as u32, start });
            return;
        }
        let left = self.truth.memberships.ended(Who { start, local });
        if server.watched.remove(&local) {
            server.groups.handle_process_ended(pid);
            (0..left).for_each(|_| self.coverage.count(Of::LeftByEnd));
            self.stir(node);
        }
    }

    /// Another server is started, and finds the sessions that there are.
    pub(super) fn start_server(&mut self, node: usize, start: u32) {
        let here = &mut self.nodes[node];
        if self.is_ending || here.start != start || !here.is_running || here.server.is_some() {
            return;
        }
        here.start_server();
        for at in here.watched.clone().into_iter().flatten() {
            self.group_node_up(node, at);
        }
    }

    /// NODEUP.
    pub(super) fn group_node_up(&mut self, node: usize, at: At) {
        let Some(number) = self.number_of_peer(at) else { return };
        if let Some(server) = &mut self.nodes[node].server {
            server.groups.handle_node_up(number);
            let server = server.local;
            self.after(INTERVAL, Step::Interval { node: node as u32, server, at });
        }
        self.stir(node);
    }

    /// An interval of a session is over: the server says something in it, so that a message that was missed shows. Long after
    /// the last one was, all servers are still, or something would be under way at any time.
    pub(super) fn interval(&mut self, node: usize, local: u32, at: At) {
        let Some(number) = self.number_of_peer(at) else { return };
        let here = &mut self.nodes[node];
        let is_up = here.watched.contains(&Some(at));
        let Some(server) = here.server_at(local).filter(|_| is_up) else { return };
        server.groups.handle_interval(number);
        self.coverage.count(Of::ServerInterval);
        if self.now < self.plan.span + INTERVALS * INTERVAL {
            self.after(INTERVAL, Step::Interval { node: node as u32, server: local, at });
        }
        self.stir(node);
    }

    /// NODEDOWN.
    pub(super) fn group_node_down(&mut self, node: usize, at: At) {
        let Some(number) = self.number_of_peer(at) else { return };
        if let Some(server) = &mut self.nodes[node].server {
            server.groups.handle_node_down(number);
            server.monitors.remove(&number);
            server.waiting.remove(&number);
            server.full.remove(&number);
        }
        self.stir(node);
    }

    fn number_of_peer(&mut self, at: At) -> Option<NodeNumber> {
        self.end(at)?.peer.map(Pid::node)
    }

    /// The server sees to what has changed, in a while.
    pub(crate) fn stir(&mut self, node: usize) {
        let here = &mut self.nodes[node];
        let start = here.start;
        if let Some(server) = &mut here.server
            && !std::mem::replace(&mut server.is_stirred, true)
        {
            self.soon(node, Step::Serve { node: node as u32, start });
        }
    }

    /// Something has come for the server.
    pub(crate) fn stir_ready(&mut self, node: usize) {
        let server = self.nodes[node].server.as_mut();
        if server.is_some_and(|server| std::mem::take(&mut server.has_news)) {
            self.stir(node);
        }
    }

    /// There is room in a session again, or none.
    pub(crate) fn stir_waiting(&mut self, node: usize) {
        if self.nodes[node].server.as_ref().is_some_and(|server| !server.waiting.is_empty()) {
            self.stir(node);
        }
    }

    pub(super) fn serve(&mut self, node: usize, start: u32) -> Checked {
        if self.nodes[node].start != start || !self.nodes[node].is_running {
            return Ok(());
        }
        if let Some(server) = &mut self.nodes[node].server {
            server.is_stirred = false;
        }
        let mut waiting = self.watch_members(node);
        while let Some(number) = waiting.pop_first() {
            self.serve_node(node, number)?;
            let ready = self.nodes[node].server.as_mut().and_then(|server| server.groups.poll_node());
            waiting.extend(ready);
        }
        self.nodes[node].server.as_mut().map_or(Ok(()), |server| server.tell_subscriber())
    }

    /// Processes that have joined are watched. Gives the nodes for which there is something to do.
    fn watch_members(&mut self, node: usize) -> BTreeSet<NodeNumber> {
        let Node { server, table, .. } = &mut self.nodes[node];
        let Some(server) = server else { return BTreeSet::new() };
        while let Some(pid) = server.groups.poll_watch() {
            if table.is_alive(pid.local() as u32) {
                server.watched.insert(pid.local() as u32);
            } else {
                server.groups.handle_process_ended(pid);
            }
        }
        let mut waiting = std::mem::take(&mut server.waiting);
        while let Some(number) = server.groups.poll_node() {
            waiting.insert(number);
        }
        waiting
    }

    /// What is to be done for a node is done while there is room.
    fn serve_node(&mut self, node: usize, number: NodeNumber) -> Checked {
        loop {
            let at = self.nodes[node].sessions.get(&number).copied();
            let end = at.and_then(|at| self.end(at));
            let session = end.and_then(|end| {
                let session = end.engine.as_mut()?.open_session()?;
                end.is_full |= !session.has_room();
                Some(session.has_room())
            });
            let Some(server) = &mut self.nodes[node].server else { return Ok(()) };
            if session == Some(false) {
                server.waiting.insert(number);
                return Ok(());
            }
            let at = at.filter(|_| session.is_some());
            match (server.groups.poll_todo(number), at) {
                (None, _) => return Ok(()),
                (Some(Todo::Monitor), Some(at)) => self.watch_server(node, number, at)?,
                (Some(Todo::Send(term)), Some(at)) => self.send_to_server(node, at, term)?,
                (Some(Todo::Monitor), None) => server.groups.handle_nobody(number),
                (Some(Todo::Send(_)), None) => {}
            }
        }
    }

    /// Whoever has the name there is watched.
    fn watch_server(&mut self, node: usize, number: NodeNumber, at: At) -> Checked {
        let before = self.nodes[node].server.as_mut().and_then(|server| server.monitors.remove(&number));
        if let Some(before) = before {
            self.end_monitor(before.at, before.reference)?;
        }
        let Some(it) = &mut self.connections[at.connection as usize] else { return Ok(()) };
        let Connection { ends, joint, .. } = &mut **it;
        let engine = ends[at.end()].engine.as_mut();
        let Some(session) = engine.and_then(|engine| engine.open_session()) else { return Ok(()) };
        let Node { server, table, .. } = &mut self.nodes[node];
        let Some(server) = server else { return Ok(()) };
        if let Some(process) = table.living(server.local) {
            process.attach(at);
        }
        let reference = joint.next_reference(at.end());
        let made = session.monitor_named(u64::from(server.local), SERVER, reference);
        server.full.remove(&number);
        match made {
            Ok(()) => {
                check(joint.may_name(), LACKS, || "a server is watched".into())?;
                joint.monitor_named(at.end(), server.local, SERVERS, reference);
                server.monitors.insert(number, Monitor { at, reference, is_known: false });
                self.coverage.count(Of::ServerSought);
            }
            Err(NotMade::Lacking(_)) => {
                check(!joint.may_name(), LACKS, || "a server is not watched".into())?;
                server.groups.handle_nobody(number);
            }
            Err(_) => {
                server.full.insert(number);
                server.groups.handle_nobody(number);
                self.coverage.count(Of::ServerNotWatched);
            }
        }
        self.wake(at);
        Ok(())
    }

    fn send_to_server(&mut self, node: usize, at: At, mut term: Term) -> Checked {
        let Some(server) = &self.nodes[node].server else { return Ok(()) };
        let local = server.local;
        let Some((from, number)) = server_message(&term.clone().into_local().0) else {
            return check(false, OWN, || "a server sends what is no message".into());
        };
        let Some(it) = &mut self.connections[at.connection as usize] else { return Ok(()) };
        let Connection { ends, joint, .. } = &mut **it;
        let engine = ends[at.end()].engine.as_mut();
        let Some(session) = engine.and_then(|engine| engine.open_session()) else { return Ok(()) };
        let sent = session.send_named_term(u64::from(local), SERVER, &mut term);
        check(sent.is_ok() && joint.may_name() && from == local, LACKS, || format!("{sent:?} by {from}"))?;
        joint.send_named(at.end(), local, SERVERS, number);
        self.coverage.count(Of::ServerSent);
        self.wake(at);
        Ok(())
    }

    /// Each node knows those members that it must, and no others.
    pub(super) fn groups_agree(&self) -> Checked {
        self.nodes.iter().try_for_each(|node| self.agrees_on_groups(node))
    }

    fn agrees_on_groups(&self, here: &Node) -> Checked {
        let Some(server) = &here.server else {
            return check(self.is_ending, AGREE, || format!("node {} has no server", here.index));
        };
        let members = server.members();
        check(members == server.told, "a subscriber is told of each change once", || {
            format!("node {} knows {members:?}, and the subscriber {:?}", here.index, server.told)
        })?;
        let known: BTreeSet<_> = members.iter().map(|(group, pid)| (*group, here.in_truth(*pid))).collect();
        let due: BTreeSet<_> =
            self.members_due(here).into_iter().map(|(group, who)| (group, Some(who))).collect();
        check(known == due, AGREE, || {
            let only = |these: &BTreeSet<_>, those| these.difference(those).copied().collect::<Vec<_>>();
            let (more, less) = (only(&known, &due), only(&due, &known));
            format!("node {}: too many are {more:?}, and {less:?} are missing", here.index)
        })
    }

    /// The members on the node itself, and on each node whose server it knows and that knows its server.
    fn members_due(&self, here: &Node) -> Members {
        let own = self.truth.memberships.of(here.start);
        let peers = self.nodes.iter().filter(|peer| here.watched[peer.index].is_some());
        let peers = peers.filter(|peer| self.know_each_other(here, peer));
        own.chain(peers.flat_map(|peer| self.truth.memberships.of(peer.start))).collect()
    }

    /// Whether two servers can find each other: the session carries names, and there was a place for both monitors.
    fn know_each_other(&self, here: &Node, peer: &Node) -> bool {
        let is_full = |one: &Node, other: &Node| {
            let server = one.server.as_ref();
            server.is_some_and(|server| {
                server.full.iter().any(|number| one.numbers.get(number) == Some(&other.start))
            })
        };
        let names = self.common(here.index, peer.index).contains(Capabilities::NAMES);
        names && !is_full(here, peer) && !is_full(peer, here)
    }
}
