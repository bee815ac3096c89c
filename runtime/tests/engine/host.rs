//! An endpoint, its connections and the process table under one lock.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use snow_dist_codec::handshake::{Name, Reply};
use snow_dist_codec::stf::Encoder;
use snow_dist_codec::{Handshake, NodeName, Pid as WirePid, Reading, stf};
use snow_dist_runtime::Allowed;
use snow_dist_runtime::core::connection::{Ending, Transmit};
use snow_dist_runtime::core::handshake::Channel;
use snow_dist_runtime::core::host::{Event, Host, Input, Mailboxes, Next, Settings, Written};
use snow_dist_runtime::core::limits::{
    DRAIN_DEADLINE, HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT, VERSION_1_CLEANUP,
};
use snow_dist_runtime::core::peers::{ConnectionId, Refusal};
use snow_dist_runtime::core::{Attempts, Cookie, Dial, NotDialled, Pid, Reason, Term, TermPids, session};

use crate::node::FROM;

/// Processes 1 to 9, but those that have ended. Process 1 watches all nodes, and all but process 9 trap exits.
#[derive(Debug, Default)]
pub(crate) struct Table {
    told: Vec<(u64, Event)>,
    ended: BTreeSet<u64>,
    /// Their mailboxes take no message.
    pub(crate) full: BTreeSet<u64>,
}

impl Mailboxes for Table {
    fn has(&self, local: u64) -> bool {
        local < 10 && !self.ended.contains(&local)
    }

    /// A name of three letters is that of process 3.
    fn registered(&self, name: &str) -> Option<u64> {
        Some(name.len() as u64)
    }

    fn traps_exits(&self, local: u64) -> bool {
        local != 9
    }

    fn is_full(&self, local: u64) -> bool {
        self.full.contains(&local)
    }

    fn watching(&self, _: &str) -> Vec<u64> {
        vec![1]
    }

    fn put(&mut self, local: u64, event: Event) {
        self.told.push((local, event));
    }
}

pub(crate) const NOW: Duration = Duration::from_secs(1);

fn host(name: &str) -> Host<Table> {
    Host::new(settings(name), Table::default())
}

const COOKIE: &str = "the cookie of these tests";

pub(crate) fn settings(name: &str) -> Settings {
    let cookie = Cookie::new(COOKIE).unwrap();
    let mut seed = [0; 32];
    seed[..name.len()].copy_from_slice(name.as_bytes());
    Settings::new(NodeName::parse(name).unwrap(), cookie, seed)
}

/// The nodes `a@h:1`, `b@h:1` and so on, and the streams between them.
pub(crate) struct Net {
    pub(crate) hosts: Vec<Host<Table>>,
    streams: Vec<[(usize, ConnectionId); 2]>,
}

impl Net {
    pub(crate) fn new(count: usize) -> Self {
        Self::of(["a@h:1", "b@h:1", "c@h:1"].into_iter().take(count).map(host).collect())
    }

    pub(crate) const fn of(hosts: Vec<Host<Table>>) -> Self {
        Self { hosts, streams: Vec::new() }
    }

    /// Two nodes in a session.
    pub(crate) fn pair() -> Self {
        let mut net = Self::new(2);
        net.connect(0, 1);
        net
    }

    pub(crate) fn connect(&mut self, from: usize, to: usize) {
        let (name, _) = self.dial(from, to);
        self.flow();
        assert!(self.hosts[from].endpoint().is_up(&name));
    }

    fn dial(&mut self, from: usize, to: usize) -> (Arc<str>, [(usize, ConnectionId); 2]) {
        let name = self.hosts[to].endpoint().name().clone();
        let dial = self.hosts[from].dial(&name, NOW).unwrap();
        let Dial::Start(dialled, to_dial) = dial else { panic!("{dial:?}") };
        assert_eq!(to_dial, name);
        let accepted = self.hosts[to].accept(FROM, NOW).unwrap();
        for (node, id) in [(from, dialled), (to, accepted)] {
            let secured = Input::Secured(Channel::Tls13 { exporter: [3; 32] });
            assert_eq!(self.hosts[node].handle_input(id, secured, NOW), Next::Read);
        }
        let ends = [(from, dialled), (to, accepted)];
        self.streams.push(ends);
        (name, ends)
    }

    /// The same, until the session has begun where it was dialled. Gives what is written there first.
    pub(crate) fn begin(&mut self, from: usize, to: usize) -> Vec<u8> {
        let (name, [a, b]) = self.dial(from, to);
        while !self.hosts[from].endpoint().is_up(&name) {
            self.one_way(a, b);
            self.one_way(b, a);
        }
        let mut bytes = Vec::new();
        self.hosts[from].transmit(a.1, &mut bytes, 64 << 10, NOW);
        self.hosts[from].handle_written(a.1, Written::All, NOW);
        bytes
    }

    /// What the node that has dialled has to write on a stream. Nobody reads it.
    pub(crate) fn written(&mut self, stream: usize) -> Vec<u8> {
        let [(from, id), _] = self.streams[stream];
        written(&mut self.hosts[from], id).0
    }

    /// A stream brings this to the node that was dialled.
    pub(crate) fn bring(&mut self, stream: usize, bytes: &[u8]) {
        let [_, (to, id)] = self.streams[stream];
        assert_eq!(self.hosts[to].handle_input(id, Input::Bytes(bytes), NOW), Next::Read);
    }

    /// Moves bytes until nothing moves, and ends what is over.
    pub(crate) fn flow(&mut self) {
        let streams = self.streams.clone();
        while streams.iter().fold(false, |moved, [a, b]| moved | self.one_way(*a, *b) | self.one_way(*b, *a))
        {
        }
    }

    fn one_way(&mut self, (from, id): (usize, ConnectionId), (to, other): (usize, ConnectionId)) -> bool {
        let (bytes, is_over) = written(&mut self.hosts[from], id);
        let ended = is_over && self.hosts[from].over(id, NOW).is_some();
        self.hosts[to].handle_input(other, Input::Bytes(&bytes), NOW);
        if ended {
            self.hosts[to].handle_input(other, Input::Ended("the end".to_owned()), NOW);
        }
        !bytes.is_empty() || ended
    }

    pub(crate) fn pid(&self, at: usize, of: usize, local: u64) -> Pid {
        self.hosts[at].pid_on(self.hosts[of].endpoint().name(), local).unwrap()
    }

    /// What one process was told since this was asked last.
    pub(crate) fn told(&mut self, node: usize, local: u64) -> Vec<Event> {
        let table = &mut self.hosts[node].processes;
        table.told.extract_if(.., |(of, _)| *of == local).map(|(_, event)| event).collect()
    }

    pub(crate) fn end(&mut self, node: usize, local: u64, reason: &Reason) {
        self.hosts[node].processes.ended.insert(local);
        self.hosts[node].process_ended(local, reason);
    }

    /// A process by the names that a node has.
    pub(crate) fn named(&mut self, at: usize, pid: Pid) -> (Option<String>, u64) {
        (self.hosts[at].name_of(pid.node()).map(|name| name.to_string()), pid.local())
    }
}

/// What is to be written, and whether all has been said.
fn written(host: &mut Host<Table>, id: ConnectionId) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    loop {
        match host.transmit(id, &mut bytes, 64 << 10, NOW) {
            Some(Transmit::Nothing) => return (bytes, false),
            Some(_) => host.handle_written(id, Written::All, NOW),
            None => return (bytes, true),
        }
    }
}

fn up(name: &str) -> Event {
    Event::NodeUp(name.into())
}

fn message(text: &str) -> Event {
    Event::Message(text.into())
}

/// A tuple of pids.
pub(crate) fn tuple(pids: &[Pid]) -> Term {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes);
    encoder.tuple(pids.len()).unwrap();
    (0..pids.len()).for_each(|number| encoder.pid(WirePid::from_bits(number as u64)));
    encoder.finish().unwrap();
    Term::new(bytes, pids).unwrap()
}

#[test]
fn a_host_brings_what_processes_do_to_the_other_one() {
    let mut net = Net::pair();
    assert_eq!(net.told(0, 1), [up("b@h:1")]);
    let other = net.pid(0, 1, 2);
    let a = &mut net.hosts[0];
    assert_eq!(a.name_of(other.node()).as_deref(), Some("b@h:1"));
    assert!(a.has_room(other.node()));
    a.send(1, other, b"hello").unwrap();
    a.send_named(1, "b@h:1", "abc", b"to three").unwrap();
    a.link(1, other).unwrap();
    a.monitor(3, other, 7).unwrap();
    net.flow();
    assert_eq!(net.told(1, 2), [message("hello")]);
    assert_eq!(net.told(1, 3), [message("to three")]);
    net.end(1, 2, &Reason::Killed);
    net.flow();
    assert_eq!(net.told(0, 1), [Event::Exit { from: other, reason: Reason::Killed }]);
    assert_eq!(net.told(0, 3), [Event::Down { reference: 7, from: other, reason: Reason::Killed }]);
}

#[test]
fn what_is_for_a_process_of_the_own_node_comes_at_once() {
    let mut net = Net::new(1);
    let own = net.pid(0, 0, 4);
    let a = &mut net.hosts[0];
    assert!(own.is_here() && a.has_room(own.node()));
    a.send(1, own, b"hello").unwrap();
    a.send_named(1, "a@h:1", "four", b"to four").unwrap();
    a.send_term(1, own, tuple(&[own])).unwrap();
    let told = net.told(0, 4);
    assert_eq!(told[..2], [message("hello"), message("to four")]);
    assert_eq!(pids(&told[2]), [own]);
}

/// The pids of a term that has come.
fn pids(event: &Event) -> Vec<Pid> {
    let Event::Term(term, pids) = event else { panic!("{event:?}") };
    pids_of(term, pids)
}

pub(crate) fn pids_of(term: &[u8], pids: &TermPids) -> Vec<Pid> {
    let mut found = Vec::new();
    stf::for_each_pid(term, Reading::Strict, |_, pid| found.push(pids.pid(pid))).unwrap();
    found
}

/// `a` is in a session with each of the others, which do not know each other.
fn three() -> Net {
    let mut net = Net::new(3);
    net.connect(0, 1);
    net.connect(0, 2);
    net
}

#[test]
fn processes_of_third_nodes_in_a_term_are_known_where_it_comes() {
    let mut net = three();
    let (own, there, third) = (net.pid(0, 0, 4), net.pid(0, 1, 5), net.pid(0, 2, 6));
    net.hosts[0].send_term(1, there, tuple(&[own, there, third])).unwrap();
    net.flow();
    let told = net.told(1, 5);
    let got = pids(&told[0]);
    assert_eq!((got[0], got[1]), (net.pid(1, 0, 4), net.pid(1, 1, 5)));
    assert_eq!(net.named(1, got[2]), (Some("c@h:1".to_owned()), 6));
    // It is the process that is there, once there is a session.
    net.connect(1, 2);
    assert_eq!(got[2], net.pid(1, 2, 6));
}

#[test]
fn processes_of_third_nodes_in_a_reason_are_known_where_it_comes() {
    for is_linked in [true, false] {
        let mut net = three();
        let (there, third) = (net.pid(0, 1, 5), net.pid(0, 2, 6));
        let reason = Reason::linked(third, &Reason::Killed);
        if is_linked {
            net.hosts[0].link(4, there).unwrap();
            net.end(0, 4, &reason);
        } else {
            net.hosts[0].exit(4, there, &reason).unwrap();
        }
        net.flow();
        let told = net.told(1, 5);
        let [Event::Exit { reason, .. }] = &told[..] else { panic!("{told:?}") };
        let hops: Vec<_> = reason.hops().collect();
        assert_eq!((hops.len(), net.named(1, hops[0])), (1, (Some("c@h:1".to_owned()), 6)));
    }
}

/// Whichever of the two has asked, and over whichever of several sessions.
#[test]
fn whoever_is_tied_to_a_process_learns_of_its_end() {
    let mut net = three();
    for other in [1, 2] {
        let there = net.pid(0, other, 2);
        let [linked, monitored] = [6, 7].map(|local| net.pid(other, 0, local));
        net.hosts[0].link(5, there).unwrap();
        net.hosts[other].link(3, linked).unwrap();
        net.hosts[other].monitor(4, monitored, 70).unwrap();
        net.hosts[0].monitor(8, there, 71).unwrap();
    }
    net.flow();
    for ends in 5..=8 {
        net.end(0, ends, &Reason::Shutdown);
    }
    net.flow();
    for other in [1, 2] {
        let ended = |local| (net.pid(other, 0, local), Reason::Shutdown);
        let exit = |(from, reason)| vec![Event::Exit { from, reason }];
        let (exits, down) = ([exit(ended(5)), exit(ended(6))], ended(7));
        assert_eq!([net.told(other, 2), net.told(other, 3)], exits);
        assert_eq!(net.told(other, 4), [Event::Down { reference: 70, from: down.0, reason: down.1 }]);
        // Nor is anybody watched any more.
        let session = net.hosts[other].session(down.0.node()).unwrap();
        assert_eq!((session.table_sizes(), session.places()), ((0, 0, 0), (0, 0)));
    }
}

#[test]
fn who_is_tied_again_in_the_next_session_learns_of_the_end_again() {
    let mut net = Net::pair();
    let there = net.pid(0, 1, 2);
    net.hosts[0].link(8, there).unwrap();
    net.flow();
    assert!(net.hosts[0].disconnect("b@h:1", NOW));
    net.flow();
    assert_eq!(net.told(1, 2), [Event::Exit { from: net.pid(1, 0, 8), reason: Reason::Noconnection }]);
    net.connect(1, 0);
    net.hosts[0].link(8, there).unwrap();
    net.end(0, 8, &Reason::Normal);
    net.flow();
    assert_eq!(net.told(1, 2), [Event::Exit { from: net.pid(1, 0, 8), reason: Reason::Normal }]);
}

/// Each link and monitor has one end, whenever it is asked for.
#[test]
fn what_is_asked_for_while_a_session_ends_and_after_it_ends_once() {
    let mut net = Net::pair();
    let other = net.pid(0, 1, 2);
    let exit = || vec![Event::Exit { from: other, reason: Reason::Noconnection }];
    let a = &mut net.hosts[0];
    a.link(3, other).unwrap();
    assert!(a.disconnect("b@h:1", NOW));
    // It is linked, and will learn of the end.
    a.link(3, other).unwrap();
    a.link(4, other).unwrap();
    a.send(3, other, b"dropped").unwrap();
    assert_eq!((net.told(0, 3), net.told(0, 4)), (vec![], exit()));
    net.flow();
    assert_eq!(net.told(0, 3), exit());
    assert_eq!(net.told(0, 1), [up("b@h:1"), Event::NodeDown("b@h:1".into())]);
    let a = &mut net.hosts[0];
    a.link(5, other).unwrap();
    a.monitor(6, other, 9).unwrap();
    a.send(5, other, b"dropped").unwrap();
    a.send_term(5, other, tuple(&[other])).unwrap();
    assert!(a.endpoint().is_empty());
    assert_eq!(net.told(0, 5), exit());
    let reason = Reason::Noconnection;
    assert_eq!(net.told(0, 6), [Event::Down { reference: 9, from: other, reason: reason.clone() }]);
    assert_eq!(net.told(1, 2), [Event::Exit { from: net.pid(1, 0, 3), reason }]);
}

/// What a process gives up while its session ends is not told to it when that is over.
#[test]
fn what_is_given_up_while_a_session_ends_has_no_end() {
    let mut net = Net::pair();
    let other = net.pid(0, 1, 2);
    let a = &mut net.hosts[0];
    a.link(3, other).unwrap();
    a.monitor(4, other, 7).unwrap();
    assert!(a.disconnect("b@h:1", NOW));
    a.unlink(3, other);
    a.demonitor(4, other, 7);
    net.flow();
    assert!(net.hosts[0].endpoint().is_empty());
    assert_eq!((net.told(0, 3), net.told(0, 4)), (vec![], vec![]));
}

/// A node of version 1 has to forget its last session first: who has accepted it waits, and has a deadline for that.
#[test]
fn a_node_of_version_1_is_answered_by_the_deadlines_alone() {
    let mut settings = settings("b@h:1");
    settings.local.version_1 = Allowed::Everyone;
    let mut b = Host::new(settings, Table::default());
    let connect = |b: &mut Host<Table>| {
        let id = b.accept(FROM, NOW).unwrap();
        b.handle_input(id, Input::Secured(Channel::Tls12), NOW);
        let say = |b: &mut Host<Table>, message: Handshake<'_>| {
            let mut bytes = Vec::new();
            message.encode_framed(&mut bytes).unwrap();
            b.handle_input(id, Input::Bytes(&bytes), NOW);
        };
        say(b, Handshake::Name(Name { name: "a@h:1".into(), creation: 1, extension: None }));
        let (said, _) = written(b, id);
        let Ok(Handshake::Challenge(asked)) = Handshake::decode(&said[4..], Reading::Strict) else {
            panic!()
        };
        let cookie = Hmac::<Sha256>::new_from_slice(COOKIE.as_bytes()).unwrap();
        let digest = cookie.chain_update(asked.challenge).finalize().into_bytes().into();
        say(b, Handshake::Reply(Reply { digest: &digest, challenge: &[7; 32], proof: None }));
        id
    };
    let (first, mut now) = (connect(&mut b), NOW);
    assert!(b.endpoint().is_up("a@h:1"));
    let second = connect(&mut b);
    while b.poll_changed().is_some() {}
    b.handle_input(first, Input::Ended("the end".to_owned()), now);
    assert!(b.over(first, now).is_some());
    // Nothing has come of the second one, and it may have a deadline now.
    assert_eq!(b.poll_changed(), Some(second));
    while !b.endpoint().is_up("a@h:1") {
        now = b.deadline(second).unwrap();
        b.handle_input(second, Input::Nothing, now);
    }
    assert_eq!(now, NOW + VERSION_1_CLEANUP);
}

#[test]
fn a_process_that_has_ended_does_nothing_any_more() {
    let mut net = three();
    let (other, third) = (net.pid(0, 1, 2), net.pid(0, 2, 2));
    net.end(0, 3, &Reason::Normal);
    let a = &mut net.hosts[0];
    a.send(3, other, b"late").unwrap();
    a.send_term(3, other, tuple(&[third])).unwrap();
    a.exit(3, other, &Reason::linked(third, &Reason::Killed)).unwrap();
    a.link(3, other).unwrap();
    a.monitor(3, other, 7).unwrap();
    assert!(!a.session(other.node()).unwrap().has_output());
    net.flow();
    assert_eq!(net.told(1, 2), []);
}

#[test]
fn an_exit_signal_ends_who_does_not_trap_it_by_its_name() {
    let mut net = Net::pair();
    for (to, reason) in [(9, Reason::Normal), (9, Reason::error("boom")), (8, Reason::Killed)] {
        let to = net.pid(0, 1, to);
        net.hosts[0].exit(3, to, &reason).unwrap();
    }
    net.flow();
    let from = net.pid(1, 0, 3);
    let killed = Event::Killed(Reason::linked(from, &Reason::error("boom")));
    assert_eq!(net.told(1, 9), [Event::Exit { from, reason: Reason::Normal }, killed]);
    assert_eq!(net.told(1, 8), [Event::Exit { from, reason: Reason::Killed }]);
}

#[test]
fn a_silent_peer_is_found_by_the_deadlines_alone() {
    let mut net = Net::pair();
    let [(_, id), _] = net.streams[0];
    let a = &mut net.hosts[0];
    let (mut now, mut next) = (NOW, Next::Read);
    while next != Next::Over {
        now = a.deadline(id).unwrap();
        next = a.handle_input(id, Input::Nothing, now);
        // The PING is taken.
        let mut bytes = Vec::new();
        if let Some(Transmit::Bytes { .. }) = a.transmit(id, &mut bytes, 1, now) {
            a.handle_written(id, Written::All, now);
        }
    }
    assert_eq!(now, NOW + HEARTBEAT_INTERVAL + HEARTBEAT_TIMEOUT);
    assert_eq!(a.over(id, now).unwrap().of_session(), Some(&session::Ending::Silent));
    assert_eq!(a.deadline(id), None);
}

#[test]
fn what_a_stream_has_not_taken_is_given_again_and_nothing_with_it() {
    let mut net = Net::pair();
    let ([(_, id), _], other) = (net.streams[0], net.pid(0, 1, 2));
    let a = &mut net.hosts[0];
    a.send(3, other, b"first").unwrap();
    let mut bytes = Vec::new();
    let given = a.transmit(id, &mut bytes, 64 << 10, NOW);
    let length = bytes.len();
    assert!(matches!(given, Some(Transmit::Bytes { .. })) && length > 5);
    a.send(3, other, b"second").unwrap();
    for written in [Written::Nothing, Written::Part] {
        a.handle_written(id, written, NOW);
        assert_eq!((a.transmit(id, &mut bytes, 64 << 10, NOW), bytes.len()), (given, length));
    }
    a.handle_written(id, Written::All, NOW);
    assert!(a.transmit(id, &mut bytes, 64 << 10, NOW).is_some() && bytes.len() > length);
}

/// Looks at the clock each second; gives when the connection was over.
fn over_at(taken: &Written, until: Duration) -> Option<(Duration, Ending)> {
    let mut net = Net::pair();
    let ([(_, id), _], other) = (net.streams[0], net.pid(0, 1, 2));
    let a = &mut net.hosts[0];
    a.send(3, other, b"hello").unwrap();
    let mut now = NOW;
    while now < until {
        now += Duration::from_secs(1);
        a.transmit(id, &mut Vec::new(), 64 << 10, now)?;
        a.handle_written(id, taken.clone(), now);
        // The peer is heard of, and it is the stream that takes nothing.
        if a.handle_input(id, Input::Bytes(&[0; 4]), now) == Next::Over {
            assert_eq!(a.transmit(id, &mut Vec::new(), 1, now), None, "nothing more is written");
            return Some((now, a.over(id, now)?));
        }
    }
    None
}

#[test]
fn a_stream_that_takes_nothing_has_an_end_and_one_that_is_slow_has_none() {
    let (at, ending) = over_at(&Written::Nothing, 10 * DRAIN_DEADLINE).unwrap();
    assert_eq!(ending.of_session(), Some(&session::Ending::Stuck));
    assert!(at >= NOW + DRAIN_DEADLINE);
    assert_eq!(over_at(&Written::Part, 10 * DRAIN_DEADLINE), None);
}

/// What is said last is written as far as the stream takes it.
#[test]
fn the_last_words_are_cut_where_the_stream_takes_no_more() {
    for (taken, has_more) in [(Written::All, true), (Written::Part, false), (Written::Nothing, false)] {
        let mut net = Net::pair();
        let ([(_, id), _], other) = (net.streams[0], net.pid(0, 1, 2));
        let (a, mut bytes) = (&mut net.hosts[0], Vec::new());
        a.send(3, other, b"hello").unwrap();
        a.transmit(id, &mut bytes, 64 << 10, NOW).unwrap();
        // A frame that is longer than any may be.
        assert_eq!(a.handle_input(id, Input::Bytes(&[0xFF; 4]), NOW), Next::Over);
        a.handle_written(id, taken, NOW);
        assert_eq!(a.transmit(id, &mut bytes, 64 << 10, NOW).is_some(), has_more);
        assert!(matches!(a.over(id, NOW).unwrap().of_session(), Some(session::Ending::Protocol(_))));
    }
}

#[test]
fn a_write_that_has_failed_leaves_what_comes_to_be_read() {
    let mut net = Net::pair();
    let ([(_, id), (_, there)], other) = (net.streams[0], net.pid(1, 0, 2));
    net.hosts[1].send(3, other, b"still read").unwrap();
    let (bytes, _) = written(&mut net.hosts[1], there);
    let a = &mut net.hosts[0];
    a.handle_written(id, Written::Failed("broken pipe".to_owned()), NOW);
    assert_eq!(a.transmit(id, &mut Vec::new(), 1, NOW), Some(Transmit::Nothing));
    assert_eq!(a.handle_input(id, Input::Bytes(&bytes), NOW), Next::Read);
    assert_eq!(a.handle_input(id, Input::Ended("the end".to_owned()), NOW), Next::Over);
    assert_eq!(net.told(0, 2), [message("still read")]);
}

#[test]
fn calls_about_a_connection_that_is_not_there_change_nothing() {
    let mut host = host("a@h:1");
    let id = ConnectionId(7);
    assert_eq!(host.handle_input(id, Input::Bytes(b"abc"), NOW), Next::Over);
    assert_eq!((host.transmit(id, &mut Vec::new(), 1, NOW), host.deadline(id)), (None, None));
    host.handle_written(id, Written::All, NOW);
    assert!(host.over(id, NOW).is_none() && host.connection(id).is_none());
    assert!(!host.disconnect("b@h:1", NOW) && host.pid_on("b@h:1", 1).is_none());
    host.process_ended(1, &Reason::Normal);
    assert!(matches!(host.dial("b@h:0", NOW), Err(NotDialled::PortUnknown)));
    assert!(matches!(host.dial("a@h:1", NOW), Ok(Dial::OwnName)));
    host.stop(NOW);
    assert!(host.accept(FROM, NOW).is_none() && host.endpoint().is_empty());
}

/// Threads look at the clock and come to the lock in another order.
#[test]
fn time_that_seems_to_go_back_changes_nothing() {
    let (mut net, later) = (Net::new(2), NOW + HEARTBEAT_INTERVAL / 2);
    net.hosts[0].accept(FROM, later).unwrap();
    net.connect(0, 1);
    let [(_, id), _] = net.streams[0];
    assert_eq!(net.hosts[0].deadline(id), Some(later + HEARTBEAT_INTERVAL));
}

/// For a host that waits for many streams at once.
#[test]
fn a_host_hears_which_connections_may_have_something_to_write() {
    let mut net = three();
    let ids = |net: &mut Net| -> Vec<_> { std::iter::from_fn(|| net.hosts[0].poll_changed()).collect() };
    let of_a: Vec<_> =
        net.streams.iter().flatten().filter(|(node, _)| *node == 0).map(|(_, id)| *id).collect();
    let all = ids(&mut net);
    assert!(of_a.iter().all(|id| all.contains(id)), "{all:?}");
    assert_eq!(ids(&mut net), []);

    let (b, c) = (net.pid(0, 1, 2), net.pid(0, 2, 2));
    let (b_id, c_id) = (of_a[0], of_a[1]);
    assert!(net.hosts[0].has_room(b.node()));
    assert_eq!(ids(&mut net), []);
    net.hosts[0].send(1, b, b"x").unwrap();
    net.hosts[0].send(1, b, b"x").unwrap();
    assert_eq!(ids(&mut net), [b_id]);
    net.hosts[0].link(2, b).unwrap();
    net.hosts[0].link(2, c).unwrap();
    assert_eq!(ids(&mut net), [b_id, c_id]);
    // The end of a process is said to all that are tied to it, and to no others.
    net.end(0, 3, &Reason::Normal);
    assert_eq!(ids(&mut net), []);
    net.end(0, 2, &Reason::Normal);
    assert_eq!(ids(&mut net), [b_id, c_id]);
    assert!(net.hosts[0].disconnect("c@h:1", NOW));
    assert_eq!(ids(&mut net), [c_id]);
    net.flow();
    assert!(!ids(&mut net).contains(&c_id), "it is over");
}

#[test]
fn a_dial_is_made_again_as_the_endpoint_says() {
    let mut host = host("a@h:1");
    let mut attempts = Attempts::default();
    attempts.begin(NOW);
    // A die may show 0.
    let pauses: Vec<_> = (0..9)
        .map_while(|_| host.again(&mut attempts, "b@h:1", &Ending::Refused(Refusal::Busy), false, NOW))
        .collect();
    assert!(pauses.iter().any(|pause| !pause.is_zero()), "{pauses:?}");
    // Whoever was lost is dialled again when the program asks for that.
    let lost = Ending::Lost("the end".to_owned());
    assert_eq!(host.again(&mut Attempts::default(), "b@h:1", &lost, false, NOW), None);
}
