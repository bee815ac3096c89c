//! An endpoint, its connections and the process table, put together: for a host that keeps them all under one lock.
//!
//! It carries what connections and the endpoint have to say to each other, knows which connection is the session with a node,
//! tells the sessions of a process of its end, names third nodes to peers, and brings NODEUP and NODEDOWN. What is left to its
//! driver is the streams. A host that wants a lock for each connection does the same itself, with [`Endpoint`] and
//! [`Connection`].
//!
//! | when | call |
//! |---|---|
//! | TCP has accepted a connection | [`Host::accept`] |
//! | somebody wants a session with a node | [`Host::dial`]; for [`Dial::Start`], connect to the node of that name |
//! | TLS is there, bytes have come, the stream has ended, or nothing came for a while | [`Host::handle_input`], which says whether to read on |
//! | the stream takes bytes, and something has changed | [`Host::transmit`]; write what it gives, and say [`Host::handle_written`] |
//! | [`Host::deadline`] has come | read what has arrived, then [`Host::handle_input`] with that, or with [`Input::Nothing`] |
//! | the connection has an ending: [`Next::Over`], and nothing at all from [`Host::transmit`] | drop the stream, then [`Host::over`] |
//! | a process has ended | [`Host::process_ended`] |
//! | a node is to be kept connected | [`Host::keep`]; after every call [`Host::poll_dial`], and [`Host::handle_timeout`] when [`Host::timeout_at`] has come |
//! | a dial has lost to another connection, or was closed early | [`Host::again`], which says when to dial once more; other dials are the host's to repeat |
//! | any of these has been called, and the host waits for many connections at once | [`Host::poll_changed`] |
//!
//! What processes do is decided when its call returns; [`Host::has_room`] says when it is to wait.

mod acts;
mod calls;
mod dials;
mod globals;
mod lent;
mod mailboxes;
mod settings;
mod spawns;
mod ties;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::connection::{Connection, ConnectionEvent, Ending, Inbound, Transmit};
use super::endpoint::{Dial, Endpoint, Notice, Output};
use super::globals::Conflict;
#[cfg(doc)]
use super::globals::OnConflict;
use super::handshake::Channel;
use super::limits::NODES_KNOWN_MAX;
use super::peers::ConnectionId;
use super::{Globals, NodeNumber, Pid, Processes, Session, Start};
use lent::Lent;
pub use mailboxes::{Event, Mailboxes};
use settings::Seed;
pub use settings::Settings;
use ties::Ties;

/// A process table that is told of nodes. One whose mailboxes take everything as an [`Event`] implements [`Mailboxes`] instead.
pub trait Nodes: Processes {
    /// Brings NODEUP of this node to the processes that watch it, or, if it is not up, NODEDOWN: its session is over, and all that
    /// it has brought has been told.
    fn node(&mut self, name: &Arc<str>, is_up: bool);

    /// What the table is told or asked next is about this connection, until this names another one: for a table that counts what
    /// each of them makes it keep.
    fn about(&mut self, connection: ConnectionId) {
        let _ = connection;
    }

    /// Tells a process that has asked for that ([`OnConflict::Tell`]) that it has lost a global name to another one.
    fn name_conflict(&mut self, local: u64, name: &Arc<str>, winner: Pid) {
        let _ = (local, name, winner);
    }

    /// Something that an operator should know.
    fn notice(&mut self, notice: Notice) {
        drop(notice);
    }
}

/// What has come of a connection's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// TLS is there, and this is its channel.
    Secured(Channel),
    /// Bytes.
    Bytes(&'a [u8]),
    /// The stream has ended, or TCP or TLS has failed: this says how.
    Ended(String),
    /// Nothing, within the time that the host waits for a read.
    Nothing,
}

/// What a host does next with a connection's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It reads.
    Read,
    /// It does not read, so that the peer waits as well: what has come is not to be handled before another connection is over.
    /// [`Host::handle_input`] is called with [`Input::Nothing`] in between, from time to time or when [`Host::poll_changed`] gives
    /// the connection. A host with an edge-triggered poll remembers that there was something to read.
    Wait,
    /// It reads no more.
    Over,
}

/// How much of what was to be written the stream has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// All, and it has left every buffer.
    All,
    /// Some bytes.
    Part,
    /// Not a byte.
    Nothing,
    /// It has failed: this says how.
    Failed(String),
}

/// A node and its processes. See the [module](self) for how it is driven.
#[derive(Debug)]
pub struct Host<P> {
    /// The process table.
    pub processes: P,
    endpoint: Endpoint,
    seed: Seed,
    /// Process 0 of this node.
    own: Pid,
    lines: BTreeMap<ConnectionId, Line>,
    sessions: BTreeMap<NodeNumber, ConnectionId>,
    /// Process 0 of the last session with each node.
    peers: BTreeMap<Arc<str>, Pid>,
    ties: Ties,
    /// Connections that were begun to nodes that are kept connected, and that the host has not heard of.
    dials: VecDeque<(ConnectionId, Arc<str>)>,
    globals: Globals,
    /// Own global names that are lost, and whose processes have not been told.
    conflicts: Vec<Conflict>,
    /// Connections that may have something to say.
    touched: Vec<ConnectionId>,
    /// Connections with which something may be different, until the host has heard so.
    changed: BTreeSet<ConnectionId>,
    /// What the endpoint's deadline was then.
    endpoint_deadline: Option<Duration>,
    /// The latest time that was told.
    now: Duration,
}

/// A connection, and what has come on it and is not handled.
#[derive(Debug)]
struct Line {
    connection: Box<Connection>,
    inbound: Inbound,
    /// What was given to be written, and the stream has not taken all of.
    given: Option<Transmit>,
}

impl<P: Nodes> Host<P> {
    /// A node without connections.
    pub fn new(settings: Settings, processes: P) -> Self {
        let own = Pid::new(NodeNumber::HERE, settings.local.creation(), 0);
        let globals = Globals::new(settings.local.start().clone());
        let (endpoint, seed) = settings.begin();
        Self {
            processes,
            endpoint,
            seed,
            own,
            lines: BTreeMap::new(),
            sessions: BTreeMap::new(),
            peers: BTreeMap::new(),
            ties: Ties::default(),
            dials: VecDeque::new(),
            globals,
            conflicts: Vec::new(),
            touched: Vec::new(),
            changed: BTreeSet::new(),
            endpoint_deadline: None,
            now: Duration::ZERO,
        }
    }

    /// What the endpoint knows. What it decides is carried out here.
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// A connection that is not over, to look at.
    #[must_use]
    pub fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        Some(&self.lines.get(&id)?.connection)
    }

    // Connections.

    /// TCP has accepted a connection from there. Nothing, if the node stops: the connection is to be closed.
    pub fn accept(&mut self, from: SocketAddr, now: Duration) -> Option<ConnectionId> {
        let (random, now) = (self.seed.for_connection(), self.at(now));
        let accepted = self.endpoint.accept(from, random, now);
        let id = accepted.map(|(id, connection)| self.add(id, connection));
        self.settle();
        id
    }

    fn add(&mut self, id: ConnectionId, connection: Box<Connection>) -> ConnectionId {
        self.lines.insert(id, Line { connection, inbound: Inbound::default(), given: None });
        self.changed.insert(id);
        id
    }

    /// Something has come of a connection's stream, or nothing has until now. `now` is the time at which the read began: what had
    /// arrived by then has been read, so that no deadline passes over it.
    pub fn handle_input(&mut self, id: ConnectionId, input: Input<'_>, now: Duration) -> Next {
        let latest = self.at(now);
        self.lend(id, |Line { connection, inbound, .. }, lent| {
            match input {
                Input::Secured(channel) => connection.secured(channel),
                Input::Bytes(bytes) => inbound.receive(bytes, &mut **connection, lent, latest),
                Input::Ended(why) => connection.stream_ended(&why),
                Input::Nothing => {}
            }
            connection.handle_timeout(now);
        });
        self.touched.push(id);
        self.endpoint.handle_timeout(latest);
        self.settle();
        match self.lines.get(&id) {
            Some(Line { connection, inbound, .. }) if connection.ending().is_none() => {
                if connection.is_read(inbound) { Next::Read } else { Next::Wait }
            }
            _ => Next::Over,
        }
    }

    /// When [`Host::handle_input`] is to be called for a connection, whatever comes. A host that waits no longer than a second for
    /// each read need not ask.
    #[must_use]
    pub fn deadline(&self, id: ConnectionId) -> Option<Duration> {
        let connection = self.connection(id).filter(|connection| connection.ending().is_none())?;
        let of_connection = connection.deadline().map(|(at, _)| at);
        of_connection.into_iter().chain(self.endpoint.deadline()).min()
    }

    /// What is to be written next is appended to `out`, about so many bytes: see [`Connection::transmit`]. Nothing at all, if there
    /// is an ending and all is said, as far as the stream takes it.
    ///
    /// [`Host::handle_written`] comes next, after [`Transmit::Bytes`] and [`Transmit::Close`]. It makes sure of what `flush` asks for:
    /// a driver need not look at that. As long as the stream has not taken all, this gives the same again and appends nothing.
    pub fn transmit(
        &mut self,
        id: ConnectionId,
        out: &mut Vec<u8>,
        bytes_wanted: usize,
        now: Duration,
    ) -> Option<Transmit> {
        let Line { connection, given, .. } = self.lines.get_mut(&id)?;
        let has_ended = connection.ending().is_some();
        if given.is_some() {
            return given.filter(|_| !has_ended);
        }
        match connection.transmit(out, bytes_wanted, now) {
            Transmit::Nothing => (!has_ended).then_some(Transmit::Nothing),
            next => {
                *given = Some(next);
                *given
            }
        }
    }

    /// The stream has taken what [`Host::transmit`] has given, or some of it, or has failed.
    pub fn handle_written(&mut self, id: ConnectionId, written: Written, now: Duration) {
        self.at(now);
        let Some(Line { connection, given, .. }) = self.lines.get_mut(&id) else { return };
        if matches!(written, Written::All | Written::Failed(_)) {
            *given = None;
        }
        match written {
            Written::All => connection.taken(now),
            Written::Part => connection.taken_in_part(now),
            Written::Nothing => {}
            Written::Failed(why) => connection.write_failed(&why, now),
        }
        self.touched.push(id);
        self.settle();
    }

    /// A connection is over: it has an ending, and its stream is dropped. Its end comes to its processes, if it was a session.
    /// Gives the ending, for the log.
    pub fn over(&mut self, id: ConnectionId, now: Duration) -> Option<Ending> {
        let now = self.at(now);
        let ending = self.lines.get(&id)?.connection.ending().cloned();
        if self.endpoint.over(id, ending.as_ref(), now) {
            self.sessions.retain(|_, session| *session != id);
            self.globals.down(id);
            self.lend(id, |line, lent| {
                lent.release_buffer();
                line.connection.end(lent);
                lent.after_frames();
            });
            self.ties.forget(id);
            self.endpoint.told(id, now);
        }
        self.lines.remove(&id);
        self.settle();
        self.changed.remove(&id);
        ending
    }

    /// A connection that is new, or may have something to write, an ending, or another deadline since this gave it last, or may be
    /// read again. Each is given once, however much has happened, and none that is over.
    pub fn poll_changed(&mut self) -> Option<ConnectionId> {
        self.changed.pop_first()
    }

    /// Ends the session with a node in order: see [`Endpoint::disconnect`].
    pub fn disconnect(&mut self, name: &str, now: Duration) -> bool {
        let now = self.at(now);
        let is_up = self.endpoint.disconnect(name, now);
        self.settle();
        is_up
    }

    /// The node stops: see [`Endpoint::stop`]. It has stopped when the endpoint is empty.
    pub fn stop(&mut self, now: Duration) {
        let now = self.at(now);
        self.endpoint.stop(now);
        self.settle();
    }

    /// The session with a node, until its end is delivered: for what this has no call for.
    pub fn session(&mut self, node: NodeNumber) -> Option<&mut Session> {
        self.line(node)?.connection.session()
    }

    fn line(&mut self, node: NodeNumber) -> Option<&mut Line> {
        let id = self.sessions.get(&node)?;
        self.changed.insert(*id);
        self.lines.get_mut(id)
    }

    // Names.

    /// A process of a node by its number there: of this node, or of the start of the node with which there is or was the last
    /// session; nothing, if there has been none.
    #[must_use]
    pub fn pid_on(&self, name: &str, local: u64) -> Option<Pid> {
        let is_own = name == &**self.endpoint.name();
        let known = if is_own { &self.own } else { self.peers.get(name)? };
        Some(Pid::new(known.node(), known.creation(), local))
    }

    /// The name of a node by its number: this node's own, that of one that there is or was a session with, or of one that others
    /// have told of.
    #[must_use]
    pub fn name_of(&mut self, node: NodeNumber) -> Option<Arc<str>> {
        if node == NodeNumber::HERE {
            return Some(self.endpoint.name().clone());
        }
        if let Some(start) = self.endpoint.numbers().start(node) {
            return Some(start.name.clone());
        }
        // Nodes of version 1 have no starts.
        self.peers.iter().find(|(_, known)| known.node() == node).map(|(name, _)| name.clone())
    }

    // What is done for all of them.

    /// The endpoint's time, which never goes back: threads come here in another order than they have looked at the clock.
    fn at(&mut self, now: Duration) -> Duration {
        self.now = self.now.max(now);
        self.now
    }

    /// Acts on a connection with the process table lent to it.
    fn lend(&mut self, id: ConnectionId, act: impl FnOnce(&mut Line, &mut Lent<'_, P>)) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        self.processes.about(id);
        let Self { processes, ties, globals, conflicts, endpoint, .. } = self;
        let numbers = endpoint.numbers();
        act(line, &mut Lent { processes, numbers, ties, globals, conflicts, id });
        self.settle_conflicts();
    }

    /// Hears what connections have to say, and does what the endpoint decides.
    fn settle(&mut self) {
        loop {
            while let Some(id) = self.touched.pop() {
                if self.lines.contains_key(&id) {
                    self.changed.insert(id);
                }
                while let Some(event) = self.lines.get_mut(&id).and_then(|line| line.connection.poll_event())
                {
                    self.endpoint.handle_event(id, event, self.now);
                }
            }
            match self.endpoint.poll_output() {
                Some(output) => self.carry_out(output),
                None => break,
            }
        }
        self.look_at_deadline();
    }

    /// The endpoint's deadline is one of each connection.
    fn look_at_deadline(&mut self) {
        let deadline = self.endpoint.deadline();
        if std::mem::replace(&mut self.endpoint_deadline, deadline) != deadline {
            self.changed.extend(self.lines.keys());
        }
    }

    fn carry_out(&mut self, output: Output) {
        let now = self.now;
        match output {
            Output::Tell(id, event) => {
                let Some(line) = self.lines.get_mut(&id) else { return };
                let mut is_up = false;
                if let ConnectionEvent::Up(facts) = &event {
                    is_up = true;
                    if let Some(incarnation) = facts.incarnation {
                        self.globals.up(id, &Start { name: facts.name.clone(), incarnation });
                    }
                    let (number, creation) = (facts.config.peer, facts.config.peer_creation);
                    self.sessions.insert(number, id);
                    if self.peers.len() >= NODES_KNOWN_MAX {
                        self.peers.retain(|_, known| self.sessions.contains_key(&known.node()));
                    }
                    self.peers.insert(facts.name.clone(), Pid::new(number, creation, 0));
                }
                line.connection.handle_event(event, now);
                if is_up && let Some(session) = line.connection.session() {
                    session.tell_globals(self.endpoint.name(), self.globals.own());
                }
                self.touched.push(id);
            }
            Output::NodeUp(id, name) => {
                self.processes.node(&name, true);
                self.lend(id, |line, lent| line.inbound.receive(&[], &mut *line.connection, lent, now));
                self.touched.push(id);
            }
            Output::NodeDown(_, name) => self.processes.node(&name, false),
            Output::Dial(name) => {
                // If it is not begun, the endpoint knows when to say this again.
                if let Dial::Start(id, name) = self.begin_dial(name) {
                    self.dials.push_back((id, name));
                }
            }
            Output::Notice(notice) => self.processes.notice(notice),
        }
    }
}
