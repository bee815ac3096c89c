//! An endpoint, its connections and the process table under one lock.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::NodeName;
use snow_dist_runtime::core::connection::{Randomness, Transmit};
use snow_dist_runtime::core::endpoint::Limits;
use snow_dist_runtime::core::handshake::{Channel, Local};
use snow_dist_runtime::core::host::{Host, Nodes};
use snow_dist_runtime::core::peers::ConnectionId;
use snow_dist_runtime::core::session::Timing;
use snow_dist_runtime::core::{Cookie, Dial, Endpoint, Pid, Processes, Reason, name_to_dial};

use crate::node::{FROM, Told};

/// Processes 1 to 9, but those that have ended.
#[derive(Debug, Default)]
struct Table {
    told: Vec<Told>,
    ended: BTreeSet<u64>,
}

impl Processes for Table {
    fn attach(&mut self, local: u64) -> bool {
        local < 10 && !self.ended.contains(&local)
    }

    fn message(&mut self, local: u64, message: &[u8]) {
        self.told.push(Told::Message(local, message.to_vec()));
    }

    fn named_message(&mut self, name: &str, message: &[u8]) {
        self.message(name.len() as u64, message);
    }

    fn exit(&mut self, local: u64, _: Pid, reason: Reason) {
        self.told.push(Told::Exit(local, reason));
    }

    fn down(&mut self, local: u64, _: u64, _: Pid, reason: Reason) {
        self.told.push(Told::Down(local, reason));
    }
}

impl Nodes for Table {
    fn node(&mut self, name: &Arc<str>, is_up: bool) {
        let name = name.clone();
        self.told.push(if is_up { Told::NodeUp(name) } else { Told::NodeDown(name) });
    }
}

const NOW: Duration = Duration::from_secs(1);

fn host(name: &str) -> Host<Table> {
    let cookie = Cookie::new("the cookie of these tests").unwrap();
    let local = Local::new(NodeName::parse(name).unwrap(), NonZeroU64::MIN, cookie.into());
    let endpoint = Endpoint::new(Arc::new(local), Timing::default(), Limits::default(), [7; 8]);
    Host::new(endpoint, Table::default())
}

/// What is to be written, and whether all has been said.
fn written(host: &mut Host<Table>, id: ConnectionId) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    loop {
        match host.transmit(id, &mut bytes, 64 << 10, NOW) {
            Some(Transmit::Bytes { .. }) => {
                host.drive(id, NOW, |connection, _, _| connection.taken(NOW));
            }
            Some(Transmit::Close) => {}
            Some(Transmit::Nothing) => return (bytes, false),
            None => return (bytes, true),
        }
    }
}

type End = (Host<Table>, ConnectionId);

/// Moves bytes until nothing moves, and ends what is over.
fn flow([a, b]: &mut [End; 2]) {
    while one_way(a, b) | one_way(b, a) {}
}

fn one_way((from, id): &mut End, (to, other): &mut End) -> bool {
    let (bytes, is_over) = written(from, *id);
    let ended = is_over && from.over(*id, NOW).is_some();
    to.drive(*other, NOW, |connection, inbound, table| {
        inbound.receive(&bytes, connection, table, NOW);
        if ended {
            connection.stream_ended("the end");
        }
    });
    !bytes.is_empty() || ended
}

fn session() -> [End; 2] {
    let (mut a, mut b) = (host("a@h:1"), host("b@h:1"));
    let dial = a.dial(&name_to_dial("b@h:1").unwrap(), Randomness::new(&[1; 64]), NOW);
    let Dial::Start(dialled, ()) = dial else { panic!("{dial:?}") };
    let accepted = b.accept(FROM, Randomness::new(&[2; 64]), NOW).unwrap();
    let mut ends = [(a, dialled), (b, accepted)];
    for (host, id) in &mut ends {
        let channel = Channel::Tls13 { exporter: [3; 32] };
        host.drive(*id, NOW, |connection, _, _| connection.secured(channel)).unwrap();
    }
    flow(&mut ends);
    ends
}

#[test]
fn a_host_brings_what_processes_do_to_the_other_one() {
    let mut ends = session();
    let (a, _) = &mut ends[0];
    assert_eq!(a.processes.told, [Told::NodeUp("b@h:1".into())]);
    let other = a.pid_on("b@h:1", 2).unwrap();
    assert_eq!(a.name_of(other.node()).as_deref(), Some("b@h:1"));
    assert!(a.has_room(other.node()));
    a.send(1, other, b"hello").unwrap();
    a.send_named(1, "b@h:1", "abc", b"to three").unwrap();
    a.link(1, other).unwrap();
    a.monitor(3, other, 7).unwrap();
    flow(&mut ends);
    let (b, _) = &mut ends[1];
    b.processes.ended.insert(2);
    b.process_ended(2, &Reason::Killed);
    let told = [
        Told::NodeUp("a@h:1".into()),
        Told::Message(2, b"hello".to_vec()),
        Told::Message(3, b"to three".to_vec()),
    ];
    assert_eq!(b.processes.told, told);
    flow(&mut ends);
    let told = &ends[0].0.processes.told;
    assert_eq!(told[1..], [Told::Exit(1, Reason::Killed), Told::Down(3, Reason::Killed)]);
}

/// Each link and monitor has one end, whenever it is asked for.
#[test]
fn what_is_asked_for_while_a_session_ends_and_after_it_ends_once() {
    let mut ends = session();
    let (a, _) = &mut ends[0];
    let other = a.pid_on("b@h:1", 2).unwrap();
    a.link(1, other).unwrap();
    assert!(a.disconnect("b@h:1", NOW));
    // It is linked, and will learn of the end.
    a.link(1, other).unwrap();
    a.link(4, other).unwrap();
    a.send(1, other, b"dropped").unwrap();
    let noconnection = || Reason::Noconnection;
    assert_eq!(a.processes.told[1..], [Told::Exit(4, noconnection())]);
    flow(&mut ends);
    let (a, id) = &mut ends[0];
    let down = Told::NodeDown("b@h:1".into());
    assert_eq!(a.processes.told[2..], [Told::Exit(1, noconnection()), down]);
    a.link(5, other).unwrap();
    a.monitor(6, other, 9).unwrap();
    a.send(5, other, b"dropped").unwrap();
    assert_eq!(a.processes.told[4..], [Told::Exit(5, noconnection()), Told::Down(6, noconnection())]);
    assert!(a.endpoint().is_empty() && a.drive(*id, NOW, |_, _, _| ()).is_none());
    assert_eq!(ends[1].0.processes.told.len(), 3, "{:?}", ends[1].0.processes.told);
}

#[test]
fn a_process_that_has_ended_does_nothing_any_more() {
    let mut ends = session();
    let (a, _) = &mut ends[0];
    let other = a.pid_on("b@h:1", 2).unwrap();
    a.processes.ended.insert(1);
    a.process_ended(1, &Reason::Normal);
    a.send(1, other, b"late").unwrap();
    a.link(1, other).unwrap();
    a.monitor(1, other, 7).unwrap();
    assert!(!a.session(other.node()).unwrap().has_output());
    flow(&mut ends);
    assert_eq!(ends[1].0.processes.told.len(), 1);
}
