//! Two nodes on the engine, driven in any order by a host that makes every mistake: see [`engine`].

use std::collections::BTreeSet;
use std::time::Duration;

use snow_dist_runtime::core::connection::{Close, ConnectionEvent, Ending, EndpointEvent, GiveWay};
use snow_dist_runtime::core::handshake::Channel;
use snow_dist_runtime::core::peers::{ConnectionId, Refusal, Sign};
use snow_dist_runtime::core::{Dial, Inbound, Term};

use crate::node::{Node, Told};

/// Steps of one script, so that none takes long.
const STEPS_MAX: usize = 400;

/// Two nodes, and streams between them that a script moves.
struct Play<'b> {
    nodes: [Node; 2],
    /// By the connections at its two ends.
    streams: Vec<[ConnectionId; 2]>,
    bytes: std::slice::Iter<'b, u8>,
    /// Processes of the first node that are linked to one of the second, each once, and those that watch one.
    linked: BTreeSet<u64>,
    watching: BTreeSet<u64>,
    /// Those that have called one, or whoever has a name.
    calling: BTreeSet<u64>,
    last_local: u64,
}

/// A script, one byte for each choice: nodes dial, streams move some of their bytes, are damaged and cut, time goes on, processes
/// link, watch and call; and the host says things twice, too late, about other connections, and in a wrong order. When all is over,
/// each link has had its one exit signal, each monitor its one DOWN and each call its one end, and no connection is left.
pub fn engine(bytes: &[u8]) {
    let mut play = Play {
        nodes: [Node::new("a@h:1"), Node::new("b@h:1")],
        streams: Vec::new(),
        bytes: bytes.iter(),
        linked: BTreeSet::new(),
        watching: BTreeSet::new(),
        calling: BTreeSet::new(),
        last_local: 0,
    };
    for _ in 0..STEPS_MAX {
        if !play.step() {
            break;
        }
    }
    play.end();
}

impl Play<'_> {
    fn choice(&mut self) -> usize {
        self.bytes.next().copied().unwrap_or_default().into()
    }

    fn step(&mut self) -> bool {
        let Some(step) = self.bytes.next() else { return false };
        let side = usize::from(step >> 7);
        let step = step % 128;
        match if step < 19 { step } else { step % 16 } {
            0 => self.dial(side),
            1..=4 => self.some_way(side, usize::MAX),
            5 => {
                let count = self.choice();
                self.some_way(side, count);
            }
            6 => self.raw(side),
            7 => self.cut(side),
            8 => {
                let time = Duration::from_millis(1 << (self.choice() % 17));
                self.nodes[side].pass(time);
            }
            9 => self.link(),
            10 => self.watch(),
            16 => self.call(),
            17 => self.watch_name(),
            18 => self.reply(),
            11 => {
                let name = self.nodes[1 - side].name.clone();
                let now = self.nodes[side].now;
                self.nodes[side].endpoint.disconnect(&name, now);
                self.nodes[side].look();
            }
            12 => self.event_of_nowhere(side),
            13 => self.order_of_nowhere(side),
            14 => self.out_of_turn(side),
            _ => {
                let now = self.nodes[side].now;
                let id = ConnectionId(self.choice() as u64 % 8);
                // About a connection that is not over, or none: what was a session is ended like any other.
                if let Some(stream) = self.nodes[side].streams.get_mut(&id) {
                    stream.connection.fail(Ending::GaveWay(GiveWay::Stop));
                }
                self.nodes[side].endpoint.told(ConnectionId(99), now);
                self.nodes[side].look();
            }
        }
        true
    }

    fn dial(&mut self, side: usize) {
        let name = self.nodes[1 - side].name.clone();
        let Dial::Start(id, connection) = self.nodes[side].dial(&name) else { return };
        let (own, other) = (self.nodes[side].add(id, connection), self.nodes[1 - side].accept());
        let exporter = self.choice() as u8;
        // Rarely somebody stands between.
        let theirs = if exporter.is_multiple_of(16) { exporter ^ 1 } else { exporter };
        self.nodes[side].secured(own, exporter);
        self.nodes[1 - side].secured(other, theirs);
        self.streams.push(if side == 0 { [own, other] } else { [other, own] });
    }

    fn stream(&mut self) -> Option<[ConnectionId; 2]> {
        let number = self.choice();
        self.streams.get(number % self.streams.len().max(1)).copied()
    }

    /// Some of what an end has written arrives.
    fn some_way(&mut self, from: usize, count: usize) {
        let Some(ids) = self.stream() else { return };
        let (to, other) = (1 - from, ids[1 - from]);
        let Some(stream) = self.nodes[from].streams.get_mut(&ids[from]) else {
            let words = self.nodes[from].last_words(ids[from]);
            self.nodes[to].receive(other, &words);
            return self.nodes[to].stream_ended(other);
        };
        let count = count.min(stream.sent.len());
        let (bytes, closed) = (stream.sent.drain(..count).collect::<Vec<_>>(), stream.has_closed);
        let is_all = stream.sent.is_empty();
        self.nodes[to].receive(other, &bytes);
        if closed && is_all {
            self.nodes[to].stream_ended(other);
        }
    }

    /// Bytes of nobody arrive.
    fn raw(&mut self, to: usize) {
        let Some(ids) = self.stream() else { return };
        let count = self.choice() % 32;
        let bytes: Vec<u8> = self.bytes.by_ref().take(count).copied().collect();
        self.nodes[to].receive(ids[to], &bytes);
    }

    fn cut(&mut self, side: usize) {
        let Some(ids) = self.stream() else { return };
        self.nodes[side].stream_ended(ids[side]);
    }

    /// The session that the first node has, to act in.
    fn up(&self) -> Option<ConnectionId> {
        let mut streams = self.nodes[0].streams.iter();
        streams.find(|(_, stream)| stream.connection.is_session()).map(|(id, _)| *id)
    }

    fn link(&mut self) {
        let Some(id) = self.up() else { return };
        self.last_local += 1;
        let (local, remote) = (self.last_local, self.choice() as u64);
        if let Some(session) = self.nodes[0].session(id).open_session()
            && session.link(local, remote).is_ok()
        {
            self.linked.insert(local);
        }
        self.nodes[0].look();
    }

    fn watch(&mut self) {
        let Some(id) = self.up() else { return };
        self.last_local += 1;
        let (local, remote) = (self.last_local, self.choice() as u64);
        if let Some(session) = self.nodes[0].session(id).open_session()
            && session.monitor(local, remote, local).is_ok()
        {
            self.watching.insert(local);
        }
        self.nodes[0].look();
    }

    fn watch_name(&mut self) {
        let Some(id) = self.up() else { return };
        self.last_local += 1;
        let local = self.last_local;
        if let Some(session) = self.nodes[0].session(id).open_session()
            && session.monitor_named(local, "a name", local).is_ok()
        {
            self.watching.insert(local);
        }
        self.nodes[0].look();
    }

    /// Of a process, or of whoever has a name.
    fn call(&mut self) {
        let Some(id) = self.up() else { return };
        self.last_local += 1;
        let (local, remote) = (self.last_local, self.choice() as u64);
        let term = &mut Term::new(UNIT.to_vec(), &[]).unwrap();
        if let Some(session) = self.nodes[0].session(id).open_session() {
            let called = match remote {
                0..128 => session.call(local, remote, local, term),
                _ => session.call_named(local, "a name", local, term),
            };
            if called.is_ok() {
                self.calling.insert(local);
            }
        }
        self.nodes[0].look();
    }

    /// The second node answers a call, perhaps in a session that it did not come in.
    fn reply(&mut self) {
        let (number, node) = (self.choice(), &mut self.nodes[1]);
        let Some(place) = number.checked_rem(node.table.callers.len()) else { return };
        let (caller, term) = (node.table.callers.remove(place), &mut Term::new(UNIT.to_vec(), &[]).unwrap());
        for stream in node.streams.values_mut() {
            if let Some(session) = stream.connection.open_session() {
                let is_called = session.is_called(&caller);
                assert_eq!(session.reply(&caller, term).is_ok(), is_called);
                assert!(!session.is_called(&caller));
            }
        }
        node.look();
    }

    /// The endpoint hears of a connection what that has not said.
    fn event_of_nowhere(&mut self, side: usize) {
        let id = ConnectionId(self.choice() as u64 % 8);
        let event = match self.choice() % 5 {
            0 => EndpointEvent::Secured,
            1 => EndpointEvent::Named,
            2 => EndpointEvent::Alive(Sign::Life),
            3 => EndpointEvent::Alive(Sign::Use),
            _ => EndpointEvent::MayReply { version_1: false },
        };
        // A dial that asks early may reply early: it has nothing to send yet, and asks again when it has.
        let now = self.nodes[side].now;
        self.nodes[side].endpoint.handle_event(id, event, now);
        self.nodes[side].look();
    }

    /// A connection is told what its endpoint has not decided.
    fn order_of_nowhere(&mut self, side: usize) {
        let id = ConnectionId(self.choice() as u64 % 8);
        let event = match self.choice() % 5 {
            0 => ConnectionEvent::Reply,
            1 => ConnectionEvent::Refuse(Refusal::Busy),
            2 => ConnectionEvent::GiveWay(GiveWay::Place),
            3 => ConnectionEvent::Probe(Sign::Life),
            _ => ConnectionEvent::Close(Close { code: 0, text: "bye", patience: Duration::from_secs(1) }),
        };
        let now = self.nodes[side].now;
        if let Some(stream) = self.nodes[side].streams.get_mut(&id) {
            stream.connection.handle_event(event, now);
        }
        self.nodes[side].look();
    }

    /// Calls that do not belong where the connection is.
    fn out_of_turn(&mut self, side: usize) {
        let id = ConnectionId(self.choice() as u64 % 8);
        let (what, now) = (self.choice(), self.nodes[side].now);
        let Some(stream) = self.nodes[side].streams.get_mut(&id) else { return };
        let connection = &mut stream.connection;
        match what % 6 {
            0 => connection.secured(Channel::Tls13 { exporter: [7; 32] }),
            1 => connection.taken(now),
            2 => connection.taken_in_part(now),
            3 => connection.handle_timeout(now),
            4 => connection.write_failed("said by nobody", now),
            _ => {
                let mut inbound = Inbound::default();
                inbound.receive_handshake(&mut **connection, |_| ());
            }
        }
        self.nodes[side].look();
    }

    /// Everything is cut; what is due must have come.
    fn end(mut self) {
        for node in &mut self.nodes {
            node.endpoint.stop(node.now);
            node.look();
            let ids: Vec<_> = node.streams.keys().copied().collect();
            ids.into_iter().for_each(|id| node.stream_ended(id));
            assert!(node.streams.is_empty() && node.endpoint.is_empty(), "nothing is left");
            let ups = node.table.told.iter().filter(|told| matches!(told, Told::NodeUp(_))).count();
            let downs = node.table.told.iter().filter(|told| matches!(told, Told::NodeDown(_))).count();
            assert_eq!(ups, downs, "each NODEUP has its NODEDOWN");
        }
        let told = &self.nodes[0].table.told;
        for local in 1..=self.last_local {
            let exits = told.iter().filter(|told| matches!(told, Told::Exit(to, _) if *to == local)).count();
            let downs = told.iter().filter(|told| matches!(told, Told::Down(to, _) if *to == local)).count();
            // The second node's processes may be of the same numbers.
            assert_eq!(downs, usize::from(self.watching.contains(&local)), "DOWNs of process {local}");
            assert_eq!(exits, usize::from(self.linked.contains(&local)), "exit signals of process {local}");
            let is_end = |told: &&Told| match told {
                Told::Reply(to) | Told::CallEnded(to, _) => *to == local,
                _ => false,
            };
            let ends = told.iter().filter(is_end).count();
            assert_eq!(
                ends,
                usize::from(self.calling.contains(&local)),
                "ends of the call of process {local}"
            );
        }
    }
}

/// A term.
const UNIT: [u8; 2] = [1, 6];

#[cfg(test)]
mod tests {
    /// Scripts by chance, the same each time.
    #[test]
    fn no_script_loses_a_signal() {
        let mut state = 7_u64;
        for _ in 0..3_000 {
            let script: Vec<u8> = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .take(160)
            .collect();
            // Most begin with a session.
            let begins: &[u8] =
                if script[0] < 200 { &[0, 1, 1, 0, 129, 0, 1, 0, 129, 0, 9, 5, 10, 6] } else { &[] };
            super::engine(&[begins, &script].concat());
        }
    }
}
