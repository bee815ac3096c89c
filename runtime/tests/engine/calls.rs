//! Calls and names over a host.

use std::sync::Arc;

use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::stf::Encoder;
use snow_dist_runtime::core::connection::Transmit;
use snow_dist_runtime::core::handshake::Channel;
use snow_dist_runtime::core::host::{Event, Host, Input, Nodes, Written};
use snow_dist_runtime::core::peers::ConnectionId;
use snow_dist_runtime::core::session::{Lacking, NotCalled, NotMade, NotReplied, NotSent};
use snow_dist_runtime::core::{Caller, Dial, Pid, Processes, Reason, Term, TermPids};

use crate::host::{NOW, Net, Table, pids_of, settings, tuple as term};
use crate::node::FROM;

/// The call that a process was given, and whose its pids are.
fn called(net: &mut Net, node: usize, local: u64) -> (Caller, Vec<(Option<String>, u64)>) {
    let told = net.told(node, local);
    let [Event::Call { caller, term, pids }] = &told[..] else { panic!("{told:?}") };
    let pids = pids_of(term, pids).into_iter().map(|pid| net.named(node, pid)).collect();
    (*caller, pids)
}

fn call_ended(reference: u64, reason: Reason) -> Event {
    Event::CallEnded { reference, reason }
}

fn of(node: &str, local: u64) -> (Option<String>, u64) {
    (Some(node.to_owned()), local)
}

#[test]
fn a_call_and_its_reply_name_third_nodes() {
    let mut net = Net::new(3);
    net.connect(0, 1);
    net.connect(0, 2);
    let (callee, of_c, own) = (net.pid(0, 1, 2), net.pid(0, 2, 5), net.pid(0, 0, 1));
    net.hosts[0].call(1, callee, 7, term(&[own, of_c])).unwrap();
    net.flow();
    let (caller, pids) = called(&mut net, 1, 2);
    assert_eq!(pids, [of("a@h:1", 1), of("c@h:1", 5)]);
    assert_eq!((net.named(1, caller.pid), caller.reference), (of("a@h:1", 1), 7));
    let own = net.pid(1, 1, 2);
    net.hosts[1].reply(&caller, term(&[own])).unwrap();
    assert_eq!(net.hosts[1].reply(&caller, term(&[])), Err(NotReplied::Over));
    net.told(0, 1);
    net.flow();
    let told = net.told(0, 1);
    let [Event::Reply { reference: 7, term, pids }] = &told[..] else { panic!("{told:?}") };
    let [replied] = pids_of(term, pids)[..] else { panic!("{told:?}") };
    assert_eq!(net.named(0, replied), of("b@h:1", 2));
}

#[test]
fn a_name_is_called_monitored_and_sent_terms() {
    let mut net = Net::pair();
    net.told(0, 1);
    let a = &mut net.hosts[0];
    // A name of three letters is that of process 3.
    a.call_named(2, "b@h:1", "abc", 1, term(&[])).unwrap();
    a.call_named(2, "b@h:1", "a name of more than nine letters", 2, term(&[])).unwrap();
    a.monitor_named(4, "b@h:1", "abc", 3).unwrap();
    a.send_named_term(2, "b@h:1", "abc", term(&[])).unwrap();
    net.flow();
    assert_eq!(net.told(0, 2), [call_ended(2, Reason::noproc())]);
    let named = net.pid(0, 1, 3);
    assert_eq!(net.told(0, 4), [Event::Named { reference: 3, pid: named }]);
    let told = net.told(1, 3);
    assert!(matches!(&told[..], [Event::Call { .. }, Event::Term(..)]), "{told:?}");
    net.end(1, 3, &Reason::error("boom"));
    net.flow();
    assert_eq!(net.told(0, 2), [call_ended(1, Reason::error("boom"))]);
    let down = Event::Down { reference: 3, from: named, reason: Reason::error("boom") };
    assert_eq!(net.told(0, 4), [down]);
}

#[test]
fn a_call_that_is_given_up_or_let_go_of_is_over_at_both_ends() {
    let mut net = Net::pair();
    let callee = net.pid(0, 1, 2);
    net.hosts[0].call(3, callee, 1, term(&[])).unwrap();
    net.hosts[0].call_named(3, "b@h:1", "four", 2, term(&[])).unwrap();
    net.flow();
    let ((one, _), (other, _)) = (called(&mut net, 1, 2), called(&mut net, 1, 4));
    net.hosts[0].demonitor(3, callee, 1);
    net.hosts[0].demonitor_named(3, "b@h:1", 2);
    net.flow();
    for caller in [one, other] {
        assert_eq!(net.hosts[1].reply(&caller, term(&[])), Err(NotReplied::Over));
        net.hosts[1].leave_unanswered(&caller);
    }
    net.hosts[0].call(3, callee, 3, term(&[])).unwrap();
    net.flow();
    let (caller, _) = called(&mut net, 1, 2);
    net.hosts[1].leave_unanswered(&caller);
    net.flow();
    assert_eq!(net.told(0, 3), [call_ended(3, Reason::error("unanswered"))]);
}

#[test]
fn the_caller_s_end_ends_its_calls() {
    let mut net = Net::pair();
    let callee = net.pid(0, 1, 2);
    net.hosts[0].call(3, callee, 1, term(&[])).unwrap();
    net.flow();
    let (caller, _) = called(&mut net, 1, 2);
    net.end(0, 3, &Reason::Normal);
    net.flow();
    assert_eq!(net.hosts[1].reply(&caller, term(&[])), Err(NotReplied::Over));
}

#[test]
fn a_mailbox_that_is_full_takes_no_call() {
    let mut net = Net::pair();
    net.hosts[1].processes.full.insert(2);
    let callee = net.pid(0, 1, 2);
    net.hosts[0].call(3, callee, 1, term(&[])).unwrap();
    net.flow();
    assert_eq!(net.told(0, 3), [call_ended(1, Reason::error("full"))]);
    assert_eq!(net.told(1, 2), []);
}

#[test]
fn without_a_session_a_call_ends_at_once_and_a_session_takes_its_calls_along() {
    let mut net = Net::pair();
    let callee = net.pid(0, 1, 2);
    net.hosts[0].call(3, callee, 1, term(&[])).unwrap();
    net.flow();
    let (caller, _) = called(&mut net, 1, 2);
    assert!(net.hosts[0].disconnect("b@h:1", NOW));
    net.flow();
    assert_eq!(net.told(0, 3), [call_ended(1, Reason::Noconnection)]);
    assert_eq!(net.hosts[1].reply(&caller, term(&[])), Err(NotReplied::Over));
    net.hosts[1].leave_unanswered(&caller);
    net.hosts[0].call(3, callee, 2, term(&[])).unwrap();
    net.hosts[0].call_named(3, "b@h:1", "abc", 3, term(&[])).unwrap();
    net.hosts[0].call_named(3, "nobody@h:1", "abc", 4, term(&[])).unwrap();
    let ends = [2, 3, 4].map(|reference| call_ended(reference, Reason::Noconnection));
    assert_eq!(net.told(0, 3), ends);
    net.hosts[0].monitor_named(3, "b@h:1", "abc", 5).unwrap();
    net.hosts[0].monitor_named(3, "nobody@h:1", "abc", 6).unwrap();
    let told = net.told(0, 3);
    assert!(
        matches!(
            told[..],
            [
                Event::Down { reference: 5, reason: Reason::Noconnection, .. },
                Event::Down { reference: 6, reason: Reason::Noconnection, .. },
            ]
        ),
        "{told:?}"
    );
    // A session that comes later knows nothing of the call.
    net.connect(0, 1);
    net.hosts[0].call(3, callee, 7, term(&[])).unwrap();
    net.flow();
    let (again, _) = called(&mut net, 1, 2);
    let of_before = Caller { reference: 7, ..caller };
    assert_ne!(again.session, of_before.session);
    assert_eq!(net.hosts[1].reply(&of_before, term(&[])), Err(NotReplied::Over));
    net.hosts[1].reply(&again, term(&[])).unwrap();
}

#[test]
fn a_node_that_lacks_them_is_asked_for_nothing() {
    let hosts = ["a@h:1", "b@h:1"].map(|name| {
        let mut settings = settings(name);
        settings.local.capabilities = Default::default();
        Host::new(settings, Table::default())
    });
    let mut net = Net::of(hosts.into());
    net.connect(0, 1);
    let callee = net.pid(0, 1, 2);
    let own = net.pid(0, 0, 3);
    let (calls, names) = (Lacking { capability: "calls" }, Lacking { capability: "names" });
    let a = &mut net.hosts[0];
    assert_eq!(a.call(3, callee, 1, term(&[])), Err(NotCalled::from(calls)));
    assert_eq!(a.call_named(3, "b@h:1", "abc", 2, term(&[])), Err(NotCalled::from(calls)));
    assert_eq!(a.monitor_named(3, "b@h:1", "abc", 3), Err(NotMade::Lacking(names)));
    let with_pids = a.send_named_term(3, "b@h:1", "abc", term(&[own]));
    assert_eq!(with_pids, Err(NotSent::Lacking(names)));
    a.send_named_term(3, "b@h:1", "abc", term(&[])).unwrap();
    net.flow();
    assert!(matches!(&net.told(1, 3)[..], [Event::Message(_)]));
    assert_eq!(net.told(0, 3), []);
}

/// A table that has no room for what is not whole, and writes down how calls end.
#[derive(Debug, Default)]
struct Scant {
    has_room: bool,
    /// Calls that have ended, and why; nothing, if the reply was lost.
    ended: Vec<(u64, Option<Reason>)>,
    callers: Vec<Caller>,
}

impl Processes for Scant {
    fn attach(&mut self, _: u64) -> bool {
        true
    }
    fn message(&mut self, _: u64, _: &[u8]) {}
    fn named_message(&mut self, _: &str, _: &[u8]) {}
    fn exit(&mut self, _: u64, _: Pid, _: Reason) {}
    fn down(&mut self, _: u64, _: u64, _: Pid, _: Reason) {}
    fn keep_buffer(&mut self, _: usize, is_message: bool) -> bool {
        self.has_room || !is_message
    }
    fn call(&mut self, _: u64, caller: Caller, _: &[u8], _: TermPids) -> bool {
        self.callers.push(caller);
        true
    }
    fn call_ended(&mut self, _: u64, reference: u64, reason: Reason) {
        self.ended.push((reference, Some(reason)));
    }
    fn reply_lost(&mut self, _: u64, reference: u64) {
        self.ended.push((reference, None));
    }
}

impl Nodes for Scant {
    fn node(&mut self, _: &Arc<str>, _: bool) {}
}

/// Two hosts in a session without fragments, where a long message is a long frame.
struct Two {
    hosts: [Host<Scant>; 2],
    ids: [ConnectionId; 2],
}

impl Two {
    fn new() -> Self {
        let mut hosts = ["a@h:1", "b@h:1"].map(|name| {
            let mut settings = settings(name);
            settings.local.capabilities = Capabilities::CALLS;
            Host::new(settings, Scant { has_room: true, ..Scant::default() })
        });
        let Dial::Start(dialled, _) = hosts[0].dial("b@h:1", NOW).unwrap() else { panic!() };
        let ids = [dialled, hosts[1].accept(FROM, NOW).unwrap()];
        for (host, id) in hosts.iter_mut().zip(ids) {
            host.handle_input(id, Input::Secured(Channel::Tls13 { exporter: [3; 32] }), NOW);
        }
        let mut two = Self { hosts, ids };
        two.flow();
        two
    }

    /// What is written arrives in pieces, as a socket gives them.
    fn flow(&mut self) {
        for _ in 0..4 {
            for from in 0..2 {
                let mut bytes = Vec::new();
                let (id, other) = (self.ids[from], self.ids[1 - from]);
                if let Some(Transmit::Bytes { .. }) = self.hosts[from].transmit(id, &mut bytes, 8 << 20, NOW)
                {
                    self.hosts[from].handle_written(id, Written::All, NOW);
                    for piece in bytes.chunks(16 << 10) {
                        self.hosts[1 - from].handle_input(other, Input::Bytes(piece), NOW);
                    }
                }
            }
        }
    }
}

/// A term of 1 MB.
fn long() -> Term {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes);
    encoder.str("x".repeat(1 << 20).as_str().into()).unwrap();
    encoder.finish().unwrap();
    Term::new(bytes, &[]).unwrap()
}

//= spec/capabilities.md#cap-cal-009
//# A node that drops the message of a call for want of room MUST answer with one MONITOR_EXIT "full".
//= spec/capabilities.md#cap-cal-018
//# A node that drops a reply by SES-MSG-010, SES-MSG-011 or SES-MSG-015 MUST end the call, and tell the
//# caller that the reply was lost.
#[test]
fn a_call_or_reply_that_is_dropped_while_it_comes_is_answered() {
    let mut two = Two::new();
    let callee = two.hosts[0].pid_on("b@h:1", 2).unwrap();
    two.hosts[1].processes.has_room = false;
    two.hosts[0].call(3, callee, 1, long()).unwrap();
    two.hosts[0].call_named(3, "b@h:1", "db", 2, long()).unwrap();
    // It finds its place behind them.
    two.hosts[0].call(3, callee, 3, term(&[])).unwrap();
    two.flow();
    assert_eq!(
        two.hosts[0].processes.ended,
        [1, 2].map(|reference| (reference, Some(Reason::error("full"))))
    );
    let caller = two.hosts[1].processes.callers.pop().unwrap();
    assert_eq!((caller.reference, two.hosts[1].processes.callers.len()), (3, 0));
    two.hosts[0].processes.has_room = false;
    two.hosts[1].reply(&caller, long()).unwrap();
    two.flow();
    assert_eq!(two.hosts[0].processes.ended[2..], [(3, None)]);
}
