//! An endpoint, its connections and the process table, put together: for a host that keeps them all under one lock.
//!
//! It carries what connections and the endpoint have to say to each other, knows which connection is the session with a node, and
//! brings NODEUP and NODEDOWN. What is left to its driver is the streams. A host that wants a lock for each connection does the same
//! itself, with [`Endpoint`] and [`Connection`].
//!
//! | when | call |
//! |---|---|
//! | TCP has accepted a connection | [`Host::accept`] |
//! | somebody wants a session with a node | [`Host::dial`] |
//! | the stream takes bytes, and after each of the others | [`Host::transmit`] |
//! | TLS is there; bytes have come, or were taken; the stream has ended; time has passed | [`Host::drive`], and in it what the [module of connections](super::connection) says |
//! | a connection has an ending, and what it still had to say is written | drop the stream, then [`Host::over`] |
//! | a process has ended | [`Host::process_ended`] |
//!
//! What processes do is decided when its call returns; [`Host::has_room`] says when it is to wait.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::connection::{Connection, ConnectionEvent, Ending, Inbound, Randomness, Transmit};
use super::endpoint::{Dial, Endpoint, Notice, Output};
use super::limits::NODES_KNOWN_MAX;
use super::peers::ConnectionId;
use super::session::{Lacking, NotMade, NotSent};
use super::{NodeNumber, Numbering, Numbers, Pid, Processes, Reason, Session};

/// A process table that is told of nodes.
pub trait Nodes: Processes {
    /// Brings NODEUP of this node to the processes that watch it, or, if it is not up, NODEDOWN: its session is over, and all that
    /// it has brought has been told.
    fn node(&mut self, name: &Arc<str>, is_up: bool);

    /// Something that an operator should know.
    fn notice(&mut self, notice: Notice) {
        drop(notice);
    }
}

/// A node and its processes. See the [module](self) for how it is driven.
#[derive(Debug)]
pub struct Host<P, N = Numbers> {
    /// The process table.
    pub processes: P,
    endpoint: Endpoint<N>,
    lines: BTreeMap<ConnectionId, Line>,
    sessions: BTreeMap<NodeNumber, ConnectionId>,
    /// Process 0 of the last session with each node.
    peers: BTreeMap<Arc<str>, Pid>,
    /// Connections that may have something to say.
    touched: Vec<ConnectionId>,
}

/// A connection, and what has come on it and is not handled.
#[derive(Debug)]
struct Line {
    connection: Box<Connection>,
    inbound: Inbound,
}

impl<P: Nodes> Host<P> {
    /// The name of a node by its number: of one that there is or was a session with, or that others have told of.
    #[must_use]
    pub fn name_of(&mut self, node: NodeNumber) -> Option<Arc<str>> {
        if let Some(start) = self.endpoint.numbers().start(node) {
            return Some(start.name.clone());
        }
        // Nodes of version 1 have no starts.
        self.peers.iter().find(|(_, known)| known.node() == node).map(|(name, _)| name.clone())
    }
}

impl<P: Nodes, N: Numbering> Host<P, N> {
    /// A node without connections.
    pub const fn new(endpoint: Endpoint<N>, processes: P) -> Self {
        Self {
            processes,
            endpoint,
            lines: BTreeMap::new(),
            sessions: BTreeMap::new(),
            peers: BTreeMap::new(),
            touched: Vec::new(),
        }
    }

    /// What the endpoint knows. What it decides is carried out here.
    pub const fn endpoint(&self) -> &Endpoint<N> {
        &self.endpoint
    }

    /// TCP has accepted a connection from there. Nothing, if the node stops: the connection is to be closed.
    pub fn accept(&mut self, from: SocketAddr, random: Randomness, now: Duration) -> Option<ConnectionId> {
        let accepted = self.endpoint.accept(from, random, now);
        let id = accepted.map(|(id, connection)| self.add(id, connection));
        self.settle(now);
        id
    }

    /// Somebody wants a session with the node of this name: see [`name_to_dial`](super::name_to_dial) and [`Endpoint::dial`].
    pub fn dial(&mut self, name: &Arc<str>, random: Randomness, now: Duration) -> Dial<()> {
        let dial = match self.endpoint.dial(name, random, now) {
            Dial::Start(id, connection) => Dial::Start(self.add(id, connection), ()),
            Dial::Up => Dial::Up,
            Dial::Underway => Dial::Underway,
            Dial::Later(at) => Dial::Later(at),
            Dial::OwnName => Dial::OwnName,
            Dial::Busy => Dial::Busy,
            Dial::Stopped => Dial::Stopped,
        };
        self.settle(now);
        dial
    }

    fn add(&mut self, id: ConnectionId, connection: Box<Connection>) -> ConnectionId {
        self.lines.insert(id, Line { connection, inbound: Inbound::default() });
        id
    }

    /// Acts on a connection, and carries out what follows from that. Nothing, if it is over.
    pub fn drive<T>(
        &mut self,
        id: ConnectionId,
        now: Duration,
        act: impl FnOnce(&mut Connection, &mut Inbound, &mut P) -> T,
    ) -> Option<T> {
        let Line { connection, inbound } = self.lines.get_mut(&id)?;
        let done = act(connection, inbound, &mut self.processes);
        self.touched.push(id);
        self.endpoint.handle_timeout(now);
        self.settle(now);
        Some(done)
    }

    /// What is to be written next: [`Connection::transmit`]. Nothing at all, if there is an ending and all is said.
    pub fn transmit(
        &mut self,
        id: ConnectionId,
        out: &mut Vec<u8>,
        bytes_wanted: usize,
        now: Duration,
    ) -> Option<Transmit> {
        let connection = &mut self.lines.get_mut(&id)?.connection;
        let given = connection.transmit(out, bytes_wanted, now);
        (given != Transmit::Nothing || connection.ending().is_none()).then_some(given)
    }

    /// A connection is over: it has an ending, and its stream is dropped. Its end comes to its processes, if it was a session.
    /// Gives the ending, for the log.
    pub fn over(&mut self, id: ConnectionId, now: Duration) -> Option<Ending> {
        let mut connection = self.lines.remove(&id)?.connection;
        let ending = connection.ending().cloned();
        if self.endpoint.over(id, ending.as_ref(), now) {
            self.sessions.retain(|_, session| *session != id);
            connection.end(&mut self.processes);
            self.endpoint.told(id, now);
        }
        self.settle(now);
        ending
    }

    /// Ends the session with a node in order: see [`Endpoint::disconnect`].
    pub fn disconnect(&mut self, name: &str, now: Duration) -> bool {
        let is_up = self.endpoint.disconnect(name, now);
        self.settle(now);
        is_up
    }

    /// The node stops: see [`Endpoint::stop`]. It has stopped when the endpoint is empty.
    pub fn stop(&mut self, now: Duration) {
        self.endpoint.stop(now);
        self.settle(now);
    }

    // What processes do. A process that has ended does nothing any more, and what it asks for is dropped.

    /// Whether what a process does with a process of this node is taken now. Otherwise it waits until something has been written.
    #[must_use]
    pub fn has_room(&mut self, node: NodeNumber) -> bool {
        self.open(node).is_none_or(|session| session.has_room())
    }

    /// A message to any process. Dropped if there is no session with its node.
    ///
    /// # Errors
    /// Its node cannot take it.
    pub fn send(&mut self, local: u64, to: Pid, message: &[u8]) -> Result<(), NotSent> {
        if to.is_here() {
            self.processes.message(to.local(), message);
            return Ok(());
        }
        self.on_open(local, to.node(), |session| session.send(local, to.local(), message)).unwrap_or(Ok(()))
    }

    /// A message to whoever is registered under `name` on a node; dropped likewise.
    ///
    /// # Errors
    /// The node cannot take it.
    pub fn send_named(&mut self, local: u64, node: &str, name: &str, message: &[u8]) -> Result<(), NotSent> {
        let Some(known) = self.peers.get(node).copied() else { return Ok(()) };
        self.on_open(local, known.node(), |it| it.send_named(local, name, message)).unwrap_or(Ok(()))
    }

    /// Links a process of this node with one of another. Without a session its exit signal comes at once.
    ///
    /// # Errors
    /// Why it is not made; nothing has changed.
    pub fn link(&mut self, local: u64, other: Pid) -> Result<(), NotMade> {
        let node = other.node();
        if let Some(linked) = self.on_open(local, node, |session| session.link(local, other.local())) {
            return linked;
        }
        // A link that a session has which is being ended has its exit signal then, and no second one now.
        if !self.session(node).is_some_and(|session| session.is_linked(local, other.local())) {
            self.processes.exit(local, other, Reason::Noconnection);
        }
        Ok(())
    }

    /// Ends a link.
    pub fn unlink(&mut self, local: u64, other: Pid) {
        self.on_open(local, other.node(), |session| session.unlink(local, other.local()));
    }

    /// Monitors a process of another node. Without a session its DOWN comes at once. No other monitor ever has this reference.
    ///
    /// # Errors
    /// Why it is not made; nothing has changed.
    pub fn monitor(&mut self, local: u64, other: Pid, reference: u64) -> Result<(), NotMade> {
        let made = self.on_open(local, other.node(), |it| it.monitor(local, other.local(), reference));
        made.unwrap_or_else(|| {
            self.processes.down(local, reference, other, Reason::Noconnection);
            Ok(())
        })
    }

    /// Ends a monitor.
    pub fn demonitor(&mut self, local: u64, other: Pid, reference: u64) {
        self.on_open(local, other.node(), |session| session.demonitor(reference));
    }

    /// Sends an exit signal to a process of another node. Dropped if there is no session with it.
    ///
    /// # Errors
    /// The session lacks the capability.
    pub fn exit(&mut self, local: u64, to: Pid, reason: &Reason) -> Result<(), Lacking> {
        self.on_open(local, to.node(), |session| session.exit(local, to.local(), reason)).unwrap_or(Ok(()))
    }

    /// A process has ended, and the table does not have it any more: what is linked with it or watches it on other nodes learns
    /// of it.
    pub fn process_ended(&mut self, local: u64, reason: &Reason) {
        for line in self.lines.values_mut() {
            if let Some(session) = line.connection.session() {
                session.process_ended(local, reason);
            }
        }
    }

    fn on_open<T>(&mut self, local: u64, node: NodeNumber, act: impl FnOnce(&mut Session) -> T) -> Option<T> {
        if self.processes.attach(local) { self.open(node).map(act) } else { None }
    }

    /// Nothing, if the session is being ended.
    fn open(&mut self, node: NodeNumber) -> Option<&mut Session> {
        self.line(node)?.connection.open_session()
    }

    /// The session with a node, until its end is delivered: for what this has no call for.
    pub fn session(&mut self, node: NodeNumber) -> Option<&mut Session> {
        self.line(node)?.connection.session()
    }

    fn line(&mut self, node: NodeNumber) -> Option<&mut Line> {
        self.lines.get_mut(self.sessions.get(&node)?)
    }

    /// A process of a node by its number there, in the start of the node with which there is or was the last session; nothing,
    /// if there has been none.
    #[must_use]
    pub fn pid_on(&self, name: &str, local: u64) -> Option<Pid> {
        let known = self.peers.get(name)?;
        Some(Pid::new(known.node(), known.creation(), local))
    }

    /// Hears what connections have to say, and does what the endpoint decides.
    fn settle(&mut self, now: Duration) {
        loop {
            while let Some(id) = self.touched.pop() {
                while let Some(event) = self.lines.get_mut(&id).and_then(|line| line.connection.poll_event())
                {
                    self.endpoint.handle_event(id, event, now);
                }
            }
            match self.endpoint.poll_output() {
                Some(output) => self.carry_out(output, now),
                None => return,
            }
        }
    }

    fn carry_out(&mut self, output: Output, now: Duration) {
        match output {
            Output::Tell(id, event) => {
                let Some(line) = self.lines.get_mut(&id) else { return };
                if let ConnectionEvent::Up(facts) = &event {
                    let (number, creation) = (facts.config.peer, facts.config.peer_creation);
                    self.sessions.insert(number, id);
                    if self.peers.len() >= NODES_KNOWN_MAX {
                        self.peers.retain(|_, known| self.sessions.contains_key(&known.node()));
                    }
                    self.peers.insert(facts.name.clone(), Pid::new(number, creation, 0));
                }
                line.connection.handle_event(event, now);
                self.touched.push(id);
            }
            Output::NodeUp(id, name) => {
                self.processes.node(&name, true);
                let Some(Line { connection, inbound }) = self.lines.get_mut(&id) else { return };
                inbound.receive(&[], &mut **connection, &mut self.processes, now);
                self.touched.push(id);
            }
            Output::NodeDown(_, name) => self.processes.node(&name, false),
            Output::Notice(notice) => self.processes.notice(notice),
        }
    }
}
