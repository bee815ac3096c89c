//! Two nodes on the engine whose host calls in no order at all: see [`disorder`].

use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU16, NonZeroU64};
use std::time::Duration;

use snow_dist_codec::NodeName;
use snow_dist_codec::handshake::Capabilities;
use snow_dist_runtime::core::connection::{
    Close, ConnectionEvent, Ending, EndpointEvent, GiveWay, Shown, Transmit,
};
use snow_dist_runtime::core::endpoint::{Limits, Output};
use snow_dist_runtime::core::epochs::Facts;
use snow_dist_runtime::core::handshake::{Bounds, Channel, Local};
use snow_dist_runtime::core::limits::{DIALS_AT_ONCE_MAX, NODES_KEPT_MAX, PEER_LIST_DIALS_MAX};
use snow_dist_runtime::core::peers::{ConnectionId, Refusal, Sign};
use snow_dist_runtime::core::session::{CAPABILITIES, Config, Rights, Timing, Version};
use snow_dist_runtime::core::{
    Allowed, Connection, Cookie, Dial, Inbound, NodeNumber, Reason, Term, name_to_dial,
};

use crate::node::{FROM, Node, Stream, Told};

/// Steps of one script, so that none takes long.
const STEPS_MAX: usize = 400;

/// Connections of one node, so that a choice finds each of them.
const CONNECTIONS_MAX: usize = 16;

/// Few places, so that one that is lost is missed.
const LIMITS: Limits = Limits {
    handshakes_max: 4,
    handshakes_per_address_max: 3,
    sessions_max: 3,
    sessions_per_address_max: 2,
    kept_max: NODES_KEPT_MAX,
    dials_at_once_max: DIALS_AT_ONCE_MAX,
    peer_list_dials_max: PEER_LIST_DIALS_MAX,
};

/// Processes that act are counted from here on, so that none of them is one that the other node links to.
const LAST_LOCAL: u64 = 1_000;

struct Disorder<'b> {
    hosts: [Host; 2],
    /// By the connections at the two ends of each stream.
    streams: Vec<[ConnectionId; 2]>,
    bytes: std::slice::Iter<'b, u8>,
    last_local: u64,
}

/// A node, of which every connection is kept to the end, and what it and they have said.
struct Host {
    node: Node,
    events: Vec<(ConnectionId, EndpointEvent)>,
    outputs: Vec<Output>,
    /// Whether each node is up, as the endpoint has said in its order.
    up: BTreeMap<String, bool>,
    /// Processes that are linked to one of another node, each once, those that watch one, and those that call one.
    linked: BTreeSet<u64>,
    watching: BTreeSet<u64>,
    calling: BTreeSet<u64>,
}

/// A script, one byte for each choice. Any call on an endpoint and its connections is made at any time and any number of times:
/// ends are reported, told and delivered while the session lives; what a connection or the endpoint has said is carried out late,
/// twice, for another connection or never; and there are sessions with version 1 peers. No panic; NODEUP and NODEDOWN of a node
/// take turns; and when all connections are over the endpoint holds nothing (it asserts that itself), each link and monitor has
/// had its one signal, and each call its one end.
pub fn disorder(bytes: &[u8]) {
    let hosts = ["a@h:1", "b@h:1"].map(Host::new);
    let mut disorder = Disorder { hosts, streams: Vec::new(), bytes: bytes.iter(), last_local: LAST_LOCAL };
    for _ in 0..STEPS_MAX {
        let Some(step) = disorder.bytes.next() else { break };
        disorder.step(usize::from(step >> 7), step % 32);
    }
    disorder.hosts.into_iter().for_each(Host::end);
}

impl Disorder<'_> {
    fn choice(&mut self) -> usize {
        self.bytes.next().copied().unwrap_or_default().into()
    }

    fn id(&mut self) -> ConnectionId {
        ConnectionId((self.choice() % CONNECTIONS_MAX) as u64)
    }

    fn step(&mut self, side: usize, step: u8) {
        match step {
            0 => self.dial(side),
            1..=3 => self.move_bytes(side),
            // What a host should do.
            4..=9 => self.hosts[side].settle(),
            10 => self.hosts[side].hear(),
            11 => self.hosts[side].listen(),
            12 => self.event_again(side),
            13 => self.output_again(side),
            14 => self.made_up_event(side),
            15 => self.made_up_order(side),
            16..=18 => self.act(side),
            19 => self.pass(side),
            20 => self.version_1(side),
            _ => self.end_of_something(side, step),
        }
    }

    fn dial(&mut self, side: usize) {
        let name = self.hosts[1 - side].node.name.clone();
        if self.hosts.iter().any(|host| host.node.streams.len() >= CONNECTIONS_MAX) {
            return;
        }
        let now = self.hosts[side].node.now;
        let random = self.hosts[side].node.random();
        let dial = self.hosts[side].node.endpoint.dial(&name_to_dial(&name).unwrap(), random, now);
        let Dial::Start(id, connection) = dial else { return };
        let own = self.hosts[side].add(id, connection);
        let Some(other) = self.hosts[1 - side].accept() else { return };
        for (of, id) in [(side, own), (1 - side, other)] {
            self.hosts[of].connection(id).unwrap().secured(Channel::Tls13 { exporter: [7; 32] });
        }
        self.streams.push(if side == 0 { [own, other] } else { [other, own] });
    }

    /// What an end has to write arrives at the other one.
    fn move_bytes(&mut self, from: usize) {
        let number = self.choice();
        let Some(ids) = self.streams.get(number % self.streams.len().max(1)).copied() else { return };
        let bytes = self.hosts[from].transmit(ids[from]);
        let Node { streams, table, now, .. } = &mut self.hosts[1 - from].node;
        if let Some(stream) = streams.get_mut(&ids[1 - from]) {
            stream.inbound.receive(&bytes, &mut *stream.connection, table, *now);
        }
    }

    /// The endpoint hears once more what was said before, perhaps of another connection.
    fn event_again(&mut self, side: usize) {
        let (number, other) = (self.choice(), self.id());
        let Host { node, events, .. } = &mut self.hosts[side];
        let Some((id, event)) = events.get(number % events.len().max(1)).cloned() else { return };
        let id = if number >= 128 { other } else { id };
        node.endpoint.handle_event(id, event, node.now);
    }

    fn output_again(&mut self, side: usize) {
        let number = self.choice();
        let host = &mut self.hosts[side];
        if let Some(output) = host.outputs.get(number % host.outputs.len().max(1)).cloned() {
            host.carry_out(output);
        }
    }

    fn made_up_event(&mut self, side: usize) {
        let (id, kind, version_1) = (self.id(), self.choice() % 7, self.choice().is_multiple_of(2));
        let name = if version_1 { "v@h:1" } else { &*self.hosts[1 - side].node.name.clone() };
        let facts = facts(name, if version_1 { None } else { NonZeroU64::new(9) });
        let shown = Box::new(Shown { facts, used_old_cookie: version_1 });
        let event = match kind {
            0 => EndpointEvent::Secured,
            1 => EndpointEvent::Named,
            2 => EndpointEvent::MayReply { version_1 },
            3 => EndpointEvent::Verified(shown),
            4 => EndpointEvent::Acked(shown),
            5 => EndpointEvent::Alive(Sign::Life),
            _ => EndpointEvent::Alive(Sign::Use),
        };
        let node = &mut self.hosts[side].node;
        node.endpoint.handle_event(id, event, node.now);
    }

    fn made_up_order(&mut self, side: usize) {
        let (id, kind) = (self.id(), self.choice() % 6);
        let event = match kind {
            0 => ConnectionEvent::Reply,
            1 => ConnectionEvent::Refuse(Refusal::Busy),
            2 => ConnectionEvent::GiveWay(GiveWay::Place),
            3 => ConnectionEvent::Probe(Sign::Use),
            4 => ConnectionEvent::Up(Box::new(facts("v@h:1", None)), Rights::default()),
            _ => ConnectionEvent::Close(Close { code: 0, text: "bye", patience: Duration::from_secs(1) }),
        };
        let now = self.hosts[side].node.now;
        if let Some(connection) = self.hosts[side].connection(id) {
            connection.handle_event(event, now);
        }
    }

    /// A process links to another one, watches or calls it, or watches whoever has a name.
    fn act(&mut self, side: usize) {
        let (id, kind) = (self.id(), self.choice() % 4);
        self.last_local += 1;
        let (local, host) = (self.last_local, &mut self.hosts[side]);
        let Some(stream) = host.node.streams.get_mut(&id) else { return };
        let Some(session) = stream.connection.open_session() else { return };
        let (is_taken, kept) = match kind {
            0 => (session.monitor(local, 7, local).is_ok(), &mut host.watching),
            1 => (session.link(local, 7).is_ok(), &mut host.linked),
            2 => {
                let term = &mut Term::new(vec![1, 6], &[]).unwrap();
                (session.call(local, 7, local, term).is_ok(), &mut host.calling)
            }
            _ => (session.monitor_named(local, "a name", local).is_ok(), &mut host.watching),
        };
        if is_taken {
            kept.insert(local);
        }
    }

    fn pass(&mut self, side: usize) {
        let (time, id) = (Duration::from_millis(1 << (self.choice() % 17)), self.id());
        let node = &mut self.hosts[side].node;
        node.now += time;
        node.endpoint.handle_timeout(node.now);
        let now = node.now;
        if let Some(connection) = self.hosts[side].connection(id) {
            connection.handle_timeout(now);
        }
    }

    /// A version 1 peer has been accepted, and its handshake is done.
    fn version_1(&mut self, side: usize) {
        let host = &mut self.hosts[side];
        if host.node.streams.len() >= CONNECTIONS_MAX {
            return;
        }
        let Some(id) = host.accept() else { return };
        let facts = facts("v@h:1", None);
        let now = host.node.now;
        *host.node.stream(id).connection = Connection::of_session(&facts.config, now);
        let event = EndpointEvent::Verified(Box::new(Shown { facts, used_old_cookie: false }));
        host.node.endpoint.known_by("v@h:1".into(), NonZeroU16::MIN);
        host.node.endpoint.handle_event(id, event.clone(), now);
        host.events.push((id, event));
    }

    fn end_of_something(&mut self, side: usize, step: u8) {
        let id = self.id();
        let name = self.hosts[1 - side].node.name.clone();
        let Host { node, .. } = &mut self.hosts[side];
        match step {
            21 | 22 => {
                let ending = Ending::GaveWay(GiveWay::Session);
                let _lost = node.endpoint.over(id, Some(&ending).filter(|_| step == 21), node.now);
            }
            23 | 24 => node.endpoint.told(id, node.now),
            25 => {
                if let Some(stream) = node.streams.get_mut(&id) {
                    stream.connection.end(&mut node.table);
                }
            }
            26 => {
                node.endpoint.disconnect(&name, node.now);
            }
            // Rarely, as nothing comes up any more.
            27 if id == ConnectionId(0) => node.endpoint.stop(node.now),
            _ => {
                let Some(stream) = node.streams.get_mut(&id) else { return };
                match step {
                    28 => stream.connection.stream_ended("cut"),
                    29 => stream.connection.write_failed("cut", node.now),
                    30 => stream.connection.fail(Ending::GaveWay(GiveWay::Stop)),
                    _ => stream.connection.taken_in_part(node.now),
                }
            }
        }
    }
}

impl Host {
    fn new(name: &str) -> Self {
        let cookie = Cookie::new("the cookie of these tests").unwrap();
        let mut local = Local::new(NodeName::parse(name).unwrap(), NonZeroU64::MIN, cookie.into());
        (local.capabilities, local.version_1) = (CAPABILITIES, Allowed::only(["v@h:1"]).unwrap());
        Self {
            node: Node::of(local, LIMITS),
            events: Vec::new(),
            outputs: Vec::new(),
            up: BTreeMap::new(),
            linked: BTreeSet::new(),
            watching: BTreeSet::new(),
            calling: BTreeSet::new(),
        }
    }

    fn add(&mut self, id: ConnectionId, connection: Box<Connection>) -> ConnectionId {
        let (inbound, sent) = (Inbound::default(), Vec::new());
        let stream = Stream { connection, inbound, sent, has_closed: false, is_stuck: false };
        self.node.streams.insert(id, stream);
        id
    }

    fn accept(&mut self) -> Option<ConnectionId> {
        let random = self.node.random();
        let (id, connection) = self.node.endpoint.accept(FROM, random, self.node.now)?;
        Some(self.add(id, connection))
    }

    fn connection(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.node.streams.get_mut(&id).map(|stream| &mut *stream.connection)
    }

    fn transmit(&mut self, id: ConnectionId) -> Vec<u8> {
        let (now, mut out) = (self.node.now, Vec::new());
        let Some(connection) = self.connection(id) else { return out };
        while let Transmit::Bytes { .. } = connection.transmit(&mut out, 64 << 10, now) {
            connection.taken(now);
        }
        out
    }

    /// What connections have to say is kept, and said if `says`.
    fn poll_events(&mut self, says: bool) -> bool {
        let before = self.events.len();
        for (id, stream) in &mut self.node.streams {
            self.events
                .extend(std::iter::from_fn(|| stream.connection.poll_event()).map(|event| (*id, event)));
        }
        if says {
            for (id, event) in self.events.iter().skip(before) {
                self.node.endpoint.handle_event(*id, event.clone(), self.node.now);
            }
        }
        self.events.len() > before
    }

    /// What the endpoint has to say is kept, and carried out if `acts`.
    fn poll_outputs(&mut self, acts: bool) -> bool {
        let before = self.outputs.len();
        while let Some(output) = self.node.endpoint.poll_output() {
            if let Output::NodeUp(_, name) | Output::NodeDown(_, name) = &output {
                let is_up = matches!(output, Output::NodeUp(..));
                let was_up = self.up.insert(name.to_string(), is_up).unwrap_or_default();
                assert_ne!(was_up, is_up, "NODEUP and NODEDOWN take turns");
            }
            self.outputs.push(output);
        }
        if acts {
            let outputs: Vec<_> = self.outputs.iter().skip(before).cloned().collect();
            outputs.into_iter().for_each(|output| self.carry_out(output));
        }
        self.outputs.len() > before
    }

    fn hear(&mut self) {
        self.poll_events(false);
    }

    fn listen(&mut self) {
        self.poll_outputs(false);
    }

    /// Says and carries out what there is, in its order; connections that have ended stay.
    fn settle(&mut self) {
        while self.poll_events(true) | self.poll_outputs(true) {}
        let Node { streams, table, now, .. } = &mut self.node;
        for stream in streams.values_mut() {
            stream.inbound.receive(&[], &mut *stream.connection, table, *now);
        }
    }

    fn carry_out(&mut self, output: Output) {
        let now = self.node.now;
        if let Output::Tell(id, event) = output
            && let Some(connection) = self.connection(id)
        {
            connection.handle_event(event, now);
        }
    }

    /// Every connection is over, whatever became of it.
    fn end(mut self) {
        let Node { streams, table, endpoint, now, .. } = &mut self.node;
        for (id, stream) in streams {
            stream.connection.stream_ended("the end");
            let _was_session = endpoint.over(*id, stream.connection.ending(), *now);
            stream.connection.end(table);
            endpoint.told(*id, *now);
        }
        self.listen();
        assert!(self.node.endpoint.is_empty(), "nothing is left");
        assert!(self.up.values().all(|is_up| !is_up), "each NODEUP has its NODEDOWN");
        let told = &self.node.table.told;
        let sum = |of: &Told| told.iter().filter(|told| *told == of).count();
        for local in &self.linked {
            assert_eq!(sum(&Told::Exit(*local, Reason::Noconnection)), 1, "exit signals of process {local}");
        }
        for local in &self.watching {
            assert_eq!(sum(&Told::Down(*local, Reason::Noconnection)), 1, "DOWNs of process {local}");
        }
        for local in &self.calling {
            assert_eq!(
                sum(&Told::CallEnded(*local, Reason::Noconnection)),
                1,
                "ends of the call of process {local}"
            );
        }
    }
}

/// What the handshake of a node has shown, of version 1 if it has no incarnation.
fn facts(name: &str, incarnation: Option<NonZeroU64>) -> Facts {
    let version = match incarnation {
        Some(_) => Version::Two,
        None => Version::One { node_id: Some(NonZeroU16::MIN), seed: [7; 32] },
    };
    let config = Config {
        version,
        peer: NodeNumber::UNKNOWN,
        peer_creation: 1,
        creation: 1,
        capabilities: Capabilities::NONE,
        bounds: Bounds::default(),
        peer_bounds: Bounds::default(),
        timing: Timing::default(),
        ping: [0; 8],
    };
    Facts { name: name.into(), incarnation, config }
}

/// A session between the two nodes, from its dial to a link and a monitor at its first end.
pub const SESSION: [u8; 25] =
    [0, 4, 132, 1, 0, 132, 129, 0, 4, 1, 0, 132, 129, 0, 4, 19, 1, 0, 16, 1, 1, 16, 1, 0, 132];

#[cfg(test)]
mod tests {
    use super::*;

    /// Scripts by chance, the same each time.
    #[test]
    fn no_order_of_calls_loses_a_signal() {
        let mut state = 7_u64;
        for _ in 0..3_000 {
            let script: Vec<u8> = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .take(200)
            .collect();
            let begins: &[u8] = if script[0] < 200 { &SESSION } else { &[] };
            disorder(&[begins, &script].concat());
        }
    }

    /// So that scripts which begin with it begin with something.
    #[test]
    fn a_session_is_one() {
        let hosts = ["a@h:1", "b@h:1"].map(Host::new);
        let mut disorder =
            Disorder { hosts, streams: Vec::new(), bytes: SESSION.iter(), last_local: LAST_LOCAL };
        while let Some(step) = disorder.bytes.next() {
            disorder.step(usize::from(step >> 7), step % 32);
        }
        assert!(disorder.hosts.iter().all(|host| host.up.values().any(|is_up| *is_up)));
        assert!(disorder.hosts[0].linked.len() == 1 && disorder.hosts[0].watching.len() == 1);
    }
}
