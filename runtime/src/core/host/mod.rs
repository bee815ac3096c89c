//! A whole node behind one lock: an endpoint, its connections and the process table, put together.
//!
//! [`Host`] passes events between the connections and the endpoint, knows which connection is the session with each
//! node, reports the end of a process to its sessions, introduces third nodes to peers, and delivers NODEUP and
//! NODEDOWN. The streams are left to the host, which is the program that drives this type. A host that wants one lock
//! for each connection uses [`Endpoint`] and [`Connection`] directly, and does all of this itself.
//!
//! | when | call |
//! |---|---|
//! | TCP has accepted a connection | [`Host::accept`] |
//! | a session with a node is wanted | [`Host::dial`]; for [`Dial::Start`], connect to the node of that name |
//! | TLS is established, bytes have arrived, the stream has ended, or nothing has arrived for a while | [`Host::handle_input`], which says whether to read on |
//! | the stream can accept bytes, and something has changed | [`Host::transmit`]; write its output, and report the result by [`Host::handle_written`] |
//! | [`Host::deadline`] has come | read what has arrived, then [`Host::handle_input`] with that, or with [`Input::Nothing`] |
//! | the connection has an ending: [`Next::Over`], and `None` from [`Host::transmit`] | drop the stream, then [`Host::over`] |
//! | a process has ended | [`Host::process_ended`] |
//! | a node is to be kept connected | [`Host::keep`]; after every call [`Host::poll_dial`], and [`Host::handle_timeout`] when [`Host::timeout_at`] has come |
//! | a dial has lost to another connection, or was closed early | [`Host::again`], which says when to dial once more; the host decides about repeating other dials |
//! | one of these has been called, and the host waits for many connections at once | [`Host::poll_changed`] |
//!
//! An operation of a process takes effect before its call returns: no error follows later. [`Host::has_room`] says when
//! a process has to wait before it begins one.

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
use super::handshake::{Certified, Channel, Cookies};
use super::limits::NODES_KNOWN_MAX;
use super::peers::ConnectionId;
use super::{Globals, NodeNumber, Pid, Processes, Session, Start};
use lent::Lent;
pub use mailboxes::{Event, Mailboxes};
use settings::Seed;
pub use settings::Settings;
use ties::Ties;

/// A process table that also learns about nodes and about connections.
///
/// A table whose mailboxes receive everything as an [`Event`] implements [`Mailboxes`] instead.
pub trait Nodes: Processes {
    /// Delivers NODEUP, or NODEDOWN if `is_up` is `false`, to the processes that watch the node `name`, which includes
    /// its port.
    ///
    /// NODEDOWN comes when the session is over and everything that the session has brought has been delivered.
    fn node(&mut self, name: &Arc<str>, is_up: bool);

    /// Reports the connection from which the following calls come. This holds until the next call of this method, or
    /// until the running call of a [`Host`] method returns.
    ///
    /// This is for a table that counts how much it keeps for each connection. The default does nothing.
    fn about(&mut self, connection: ConnectionId) {
        let _ = connection;
    }

    /// Tells a process that it has lost a global name to `winner`. This is called only if the name was registered
    /// with [`OnConflict::Tell`]. The default does nothing.
    fn name_conflict(&mut self, local: u64, name: &Arc<str>, winner: Pid) {
        let _ = (local, name, winner);
    }

    /// Reports something that an operator should know. The default does nothing.
    fn notice(&mut self, notice: Notice) {
        drop(notice);
    }
}

/// The outcome of an attempt to read from a connection's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// The TLS handshake is complete, with this channel.
    Secured(Channel),
    /// The TLS handshake is complete, on a host that requires certificates of its peers: the peer's certificate, which
    /// TLS has verified, is valid for these names only. A peer with another name is refused.
    Certified(Channel, Certified),
    /// Bytes have arrived.
    Bytes(&'a [u8]),
    /// The stream was not established or has ended, or TCP or TLS has failed. The text says how.
    Ended(String),
    /// Nothing has arrived within the time that the host waits for a read.
    Nothing,
}

/// The next thing that the host must do with a connection's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The host must continue to read.
    Read,
    /// The host must not read for now, so that the peer waits as well: what has arrived must not be handled before the
    /// endpoint has decided on this connection.
    ///
    /// Meanwhile the host must call [`Host::handle_input`] with [`Input::Nothing`], from time to time or whenever
    /// [`Host::poll_changed`] returns the connection. A host with an edge-triggered poll must remember that there was
    /// something to read.
    Wait,
    /// The connection has an ending, or there is no such connection. The host must read no more.
    Over,
}

/// The outcome of a write to a connection's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The stream has accepted everything, and the bytes have left every buffer, TLS's own included.
    All,
    /// The stream has accepted some of the bytes.
    Part,
    /// The stream has not accepted a single byte.
    Nothing,
    /// Writing has failed. The text says how.
    Failed(String),
}

/// A node and its processes.
///
/// See the [module](self) for how to drive it. `now` is the time since the node was started, as for [`Endpoint`].
/// `local` is the number of a process of this node. If that process has ended, an operation with another node is
/// dropped.
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
    /// Dials to nodes that are kept connected, begun here and not yet given to the host.
    dials: VecDeque<(ConnectionId, Arc<str>)>,
    globals: Globals,
    /// Own global names that were lost to other nodes, and whose processes have not been told yet.
    conflicts: Vec<Conflict>,
    /// Connections that may have events for the endpoint.
    touched: Vec<ConnectionId>,
    /// Connections that may have changed since [`Host::poll_changed`] last gave them.
    changed: BTreeSet<ConnectionId>,
    /// The endpoint's deadline when the connections were last marked as changed because of it.
    endpoint_deadline: Option<Duration>,
    /// The latest time that a caller has passed in.
    now: Duration,
}

/// A connection, and the bytes that have arrived on it and are not handled yet.
#[derive(Debug)]
struct Line {
    connection: Box<Connection>,
    inbound: Inbound,
    /// The output that was given to the driver, and that the stream has not taken in full.
    given: Option<Transmit>,
}

impl<P: Nodes> Host<P> {
    /// Creates a node without connections.
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

    /// Returns the endpoint for inspection. This type carries out the decisions of the endpoint.
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns a connection for inspection. Returns `None` if there is no such connection, or after [`Host::over`].
    #[must_use]
    pub fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        Some(&self.lines.get(&id)?.connection)
    }

    // Connections.

    /// Adds a connection that TCP has accepted from `from`, and returns its id.
    ///
    /// Returns `None` if the node is stopping: the host must then close the TCP connection.
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

    /// Handles the outcome of a read from a connection's stream, and returns what to do next.
    ///
    /// `now` is the time at which the read began. The host must pass in everything that had arrived by then, so that
    /// no deadline passes while bytes are unread.
    pub fn handle_input(&mut self, id: ConnectionId, input: Input<'_>, now: Duration) -> Next {
        let latest = self.at(now);
        self.lend(id, |Line { connection, inbound, .. }, lent| {
            match input {
                Input::Secured(channel) => connection.secured(channel),
                Input::Certified(channel, certified) => connection.certified(channel, certified),
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

    /// Returns the time at which [`Host::handle_input`] must be called for a connection, even if nothing has arrived.
    /// Returns `None` if there is no such connection, if it has an ending, or if there is no deadline.
    ///
    /// A host that calls [`Host::handle_input`] for each connection at least once a second need not use this method.
    #[must_use]
    pub fn deadline(&self, id: ConnectionId) -> Option<Duration> {
        let connection = self.connection(id).filter(|connection| connection.ending().is_none())?;
        let of_connection = connection.deadline().map(|(at, _)| at);
        of_connection.into_iter().chain(self.endpoint.deadline()).min()
    }

    /// Appends the next output of a connection to `out`, about `bytes_wanted` bytes: see [`Connection::transmit`].
    ///
    /// Returns `None` if there is no such connection, or if the connection has an ending and nothing more is to be
    /// written. That is so when its last output has been given, or when the stream has not accepted the previous output
    /// in full.
    ///
    /// After [`Transmit::Bytes`] and [`Transmit::Close`] the host must call [`Host::handle_written`]. Until that call
    /// reports that the stream has accepted everything, this method returns the same value again and appends nothing.
    /// So the host need not look at `flush`.
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

    /// Records how much of the output of [`Host::transmit`] the stream has accepted, or that the stream has failed.
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

    /// Removes a connection. Call this when the connection has an ending, after dropping the stream.
    ///
    /// If the connection was a session, the end of the session is delivered to its processes. Returns the ending, for
    /// the log. Returns `None` if there is no such connection, or if it had no ending: it is removed all the same.
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

    /// Returns a connection that may have changed since this method last returned it.
    ///
    /// Such a connection is new, or it may have output, an ending, or another deadline, or the host may read it
    /// again. Each connection is returned once, however much has happened to it, and again only after it has changed
    /// again. Returns `None` if no connection has changed. A connection for which [`Host::over`] has been called is
    /// not returned.
    pub fn poll_changed(&mut self) -> Option<ConnectionId> {
        self.changed.pop_first()
    }

    /// Ends the session with the node `name` gracefully: its connection still writes everything that is queued, and
    /// then tells the peer. This takes at most [`SHUTDOWN_PATIENCE`](super::limits::SHUTDOWN_PATIENCE). `name` must
    /// include its port.
    ///
    /// Returns `false`, and does nothing, if there is no session with the node, or if the session is being ended
    /// already. If [`Host::keep`] keeps the name connected, the node is dialled again afterwards.
    pub fn disconnect(&mut self, name: &str, now: Duration) -> bool {
        let now = self.at(now);
        let is_up = self.endpoint.disconnect(name, now);
        self.settle();
        is_up
    }

    /// Replaces the cookies of the node: each handshake that begins from now on uses these. See
    /// [`Endpoint::set_cookies`].
    pub fn set_cookies(&mut self, cookies: impl Into<Cookies>) {
        self.endpoint.set_cookies(cookies);
    }

    /// Stops the node: see [`Endpoint::stop`]. The host must continue to drive the connections until
    /// [`Endpoint::is_empty`] of [`Host::endpoint`] returns `true`. Then the node has stopped.
    pub fn stop(&mut self, now: Duration) {
        let now = self.at(now);
        self.endpoint.stop(now);
        self.settle();
    }

    /// Returns the session with a node, also while it is being ended. Returns `None` if there is no session.
    ///
    /// Use it only for operations that this type has no method for, and not for links, monitors, calls and requests:
    /// their end would not be reported to the session by [`Host::process_ended`].
    pub fn session(&mut self, node: NodeNumber) -> Option<&mut Session> {
        self.line(node)?.connection.session()
    }

    fn line(&mut self, node: NodeNumber) -> Option<&mut Line> {
        let id = self.sessions.get(&node)?;
        self.changed.insert(*id);
        self.lines.get_mut(id)
    }

    // Names.

    /// Returns the pid of the process with number `local` on the node called `name`, which must include its port.
    ///
    /// For another node, the pid belongs to the run of that node with which this node has, or last had, a session.
    /// Returns `None` if there has been no session with the node, or if the node has been forgotten.
    #[must_use]
    pub fn pid_on(&self, name: &str, local: u64) -> Option<Pid> {
        let is_own = name == &**self.endpoint.name();
        let known = if is_own { &self.own } else { self.peers.get(name)? };
        Some(Pid::new(known.node(), known.creation(), local))
    }

    /// Returns the name of a node, with its port, by its number.
    ///
    /// A name is known for this node, for each node with which there is or was a session, and for each node that a peer
    /// has introduced. Returns `None` for any other node, and for a node that has been forgotten.
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

    // Common parts.

    /// The endpoint's time, which never goes back: threads may arrive here in another order than that in which they
    /// have read the clock.
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

    /// Passes the events of connections to the endpoint, and carries out what the endpoint decides.
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

    /// Marks all connections as changed if the endpoint's deadline has changed: it is a deadline of each of them.
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
                if let ConnectionEvent::Up(facts, _) = &event {
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
