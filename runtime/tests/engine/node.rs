//! A node of these tests: its endpoint, its connections, and streams between two of them that a test moves by hand.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::NodeName;
use snow_dist_runtime::core::connection::{Ending, Randomness, Transmit};
use snow_dist_runtime::core::endpoint::{Limits, Output};
use snow_dist_runtime::core::handshake::{Channel, Local};
use snow_dist_runtime::core::peers::ConnectionId;
use snow_dist_runtime::core::session::{CAPABILITIES, Timing};
use snow_dist_runtime::core::{
    Caller, Connection, Cookie, Dial, Endpoint, Inbound, Pid, Processes, Reason, TermPids, name_to_dial,
};

/// What a process of a node has learned, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    NodeUp(Arc<str>),
    NodeDown(Arc<str>),
    Message(u64, Vec<u8>),
    Exit(u64, Reason),
    Down(u64, Reason),
    Reply(u64),
    CallEnded(u64, Reason),
}

/// A table in which every number is that of a process, and every name that of process 7.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) told: Vec<Told>,
    /// Calls that nobody has answered.
    pub(crate) callers: Vec<Caller>,
}

impl Processes for Table {
    fn attach(&mut self, _: u64) -> bool {
        true
    }

    fn message(&mut self, local: u64, message: &[u8]) {
        self.told.push(Told::Message(local, message.to_vec()));
    }

    fn named_message(&mut self, _: &str, _: &[u8]) {}

    fn whereis(&mut self, _: &str) -> Option<u64> {
        Some(7)
    }

    fn call(&mut self, _: u64, caller: Caller, _: &[u8], _: TermPids) -> bool {
        self.callers.push(caller);
        true
    }

    fn reply(&mut self, local: u64, _: u64, _: &[u8], _: TermPids) {
        self.told.push(Told::Reply(local));
    }

    fn call_ended(&mut self, local: u64, _: u64, reason: Reason) {
        self.told.push(Told::CallEnded(local, reason));
    }

    fn exit(&mut self, local: u64, _: Pid, reason: Reason) {
        self.told.push(Told::Exit(local, reason));
    }

    fn exits(&mut self, local: u64, from: &[Pid], reason: &Reason) {
        self.told.extend(from.iter().map(|_| Told::Exit(local, reason.clone())));
    }

    fn down(&mut self, local: u64, _: u64, _: Pid, reason: Reason) {
        self.told.push(Told::Down(local, reason));
    }
}

/// A connection of a node, and the stream that it has.
pub(crate) struct Stream {
    pub(crate) connection: Box<Connection>,
    pub(crate) inbound: Inbound,
    /// Bytes for the other end that it has not read.
    pub(crate) sent: Vec<u8>,
    pub(crate) has_closed: bool,
    /// It takes nothing.
    pub(crate) is_stuck: bool,
}

pub(crate) struct Node {
    pub(crate) name: Arc<str>,
    pub(crate) endpoint: Endpoint,
    pub(crate) streams: BTreeMap<ConnectionId, Stream>,
    pub(crate) table: Table,
    /// Of connections that are over.
    pub(crate) endings: Vec<Ending>,
    /// What they have written last, which is still on its way.
    last_words: BTreeMap<ConnectionId, Vec<u8>>,
    pub(crate) now: Duration,
    pub(crate) dice: u8,
}

/// Where everybody dials from.
pub(crate) const FROM: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4_000);

impl Node {
    pub(crate) fn new(name: &str) -> Self {
        Self::started(name, 1, "the cookie of these tests")
    }

    pub(crate) fn started(name: &str, incarnation: u64, cookie: &str) -> Self {
        let incarnation = NonZeroU64::new(incarnation).unwrap();
        let cookie = Cookie::new(cookie).unwrap();
        let mut local = Local::new(NodeName::parse(name).unwrap(), incarnation, cookie.into());
        local.capabilities = CAPABILITIES;
        Self::of(local, Limits::default())
    }

    pub(crate) fn of(local: Local, limits: Limits) -> Self {
        let name = local.name().clone();
        let endpoint = Endpoint::new(Arc::new(local), Timing::default(), limits, [7; 8]);
        Self {
            name,
            endpoint,
            streams: BTreeMap::new(),
            table: Table::default(),
            endings: Vec::new(),
            last_words: BTreeMap::new(),
            now: Duration::ZERO,
            dice: 0,
        }
    }

    pub(crate) fn random(&mut self) -> Randomness {
        self.dice += 1;
        Randomness::new(&[self.dice; Randomness::BYTES])
    }

    pub(crate) fn accept(&mut self) -> ConnectionId {
        let random = self.random();
        let (id, connection) = self.endpoint.accept(FROM, random, self.now).unwrap();
        self.add(id, connection)
    }

    pub(crate) fn dial(&mut self, name: &str) -> Dial {
        let random = self.random();
        self.endpoint.dial(&name_to_dial(name).unwrap(), random, self.now)
    }

    pub(crate) fn add(&mut self, id: ConnectionId, connection: Box<Connection>) -> ConnectionId {
        let (inbound, sent) = (Inbound::default(), Vec::new());
        let stream = Stream { connection, inbound, sent, has_closed: false, is_stuck: false };
        self.streams.insert(id, stream);
        self.look();
        id
    }

    pub(crate) fn secured(&mut self, id: ConnectionId, exporter: u8) {
        self.stream(id).connection.secured(Channel::Tls13 { exporter: [exporter; 32] });
        self.look();
    }

    pub(crate) fn stream(&mut self, id: ConnectionId) -> &mut Stream {
        self.streams.get_mut(&id).unwrap()
    }

    /// The connection, as its session's processes use it.
    pub(crate) fn session(&mut self, id: ConnectionId) -> &mut Connection {
        &mut self.stream(id).connection
    }

    /// Bytes have come.
    pub(crate) fn receive(&mut self, id: ConnectionId, bytes: &[u8]) {
        let now = self.now;
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.inbound.receive(bytes, &mut *stream.connection, &mut self.table, now);
        }
        self.look();
    }

    pub(crate) fn stream_ended(&mut self, id: ConnectionId) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.connection.stream_ended("the stream has ended");
        }
        self.look();
    }

    /// What a host does after each call: events, outputs, what is to be written, and ends.
    pub(crate) fn look(&mut self) {
        loop {
            let ids: Vec<_> = self.streams.keys().copied().collect();
            let mut is_quiet = ids.iter().all(|id| !self.look_at(*id));
            while let Some(output) = self.endpoint.poll_output() {
                self.carry_out(output);
                is_quiet = false;
            }
            if is_quiet {
                return;
            }
            // What came behind REPLY or ACK is handled now that NODEUP is out.
            for stream in self.streams.values_mut().filter(|stream| !stream.inbound.is_empty()) {
                stream.inbound.receive(&[], &mut *stream.connection, &mut self.table, self.now);
            }
        }
    }

    /// True if it had something to say.
    fn look_at(&mut self, id: ConnectionId) -> bool {
        let Some(stream) = self.streams.get_mut(&id) else { return false };
        if let Some(event) = stream.connection.poll_event() {
            self.endpoint.handle_event(id, event, self.now);
            return true;
        }
        let mut has_written = false;
        while !stream.is_stuck {
            let mut out = Vec::new();
            match stream.connection.transmit(&mut out, 64 << 10, self.now) {
                Transmit::Bytes { .. } => {
                    stream.sent.append(&mut out);
                    stream.connection.taken(self.now);
                }
                Transmit::Close => stream.has_closed = true,
                Transmit::Nothing => break,
            }
            has_written = true;
        }
        let ending = stream.connection.ending().cloned();
        if let Some(ending) = ending {
            self.over(id, ending);
            return true;
        }
        has_written
    }

    fn over(&mut self, id: ConnectionId, ending: Ending) {
        let was_session = self.endpoint.over(id, Some(&ending), self.now);
        while let Some(output) = self.endpoint.poll_output() {
            self.carry_out(output);
        }
        let Some(mut stream) = self.streams.remove(&id) else { return };
        if was_session {
            stream.connection.end(&mut self.table);
            self.endpoint.told(id, self.now);
        }
        self.endings.push(ending);
        self.last_words.insert(id, stream.sent);
    }

    pub(crate) fn carry_out(&mut self, output: Output) {
        match output {
            Output::Tell(id, event) => {
                if let Some(stream) = self.streams.get_mut(&id) {
                    stream.connection.handle_event(event, self.now);
                }
            }
            Output::NodeUp(_, name) => self.table.told.push(Told::NodeUp(name)),
            Output::NodeDown(_, name) => self.table.told.push(Told::NodeDown(name)),
            Output::Dial(_) | Output::Notice(_) => {}
        }
    }

    /// What a connection that is over has written last, once.
    pub(crate) fn take_last_words(&mut self, id: ConnectionId) -> Option<Vec<u8>> {
        self.last_words.remove(&id)
    }

    /// What a connection that is over has written last.
    pub(crate) fn last_words(&mut self, id: ConnectionId) -> Vec<u8> {
        self.take_last_words(id).unwrap_or_default()
    }

    /// Time goes on, and every deadline is met.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let deadlines = self.streams.values().filter_map(|stream| Some(stream.connection.deadline()?.0));
            let next = deadlines.chain(self.endpoint.deadline()).min();
            match next {
                Some(at) if at <= until => self.now = self.now.max(at),
                _ => break,
            }
            for stream in self.streams.values_mut() {
                stream.connection.handle_timeout(self.now);
            }
            self.endpoint.handle_timeout(self.now);
            self.look();
        }
        self.now = until;
    }
}
