//! A process table that keeps account of what it is told of a session, and the end of that.

use std::sync::Arc;

use snow_dist_runtime::core::connection::Transmit;
use snow_dist_runtime::core::handshake::Channel;
use snow_dist_runtime::core::host::{Host, Input, Nodes, Written};
use snow_dist_runtime::core::{Dial, Pid, Processes, Reason};

use crate::host::{NOW, settings};
use crate::node::FROM;

/// A table that counts what a peer has begun, and wakes its processes when all is handled.
#[derive(Debug, Default)]
struct Counting {
    kept: usize,
    /// The process was told something, and is not awake.
    asleep: bool,
}

impl Processes for Counting {
    fn attach(&mut self, _: u64) -> bool {
        true
    }
    fn message(&mut self, _: u64, _: &[u8]) {}
    fn named_message(&mut self, _: &str, _: &[u8]) {}
    fn exit(&mut self, _: u64, _: Pid, _: Reason) {
        self.asleep = true;
    }
    fn exits(&mut self, _: u64, _: &[Pid], _: &Reason) {
        self.asleep = true;
    }
    fn down(&mut self, _: u64, _: u64, _: Pid, _: Reason) {
        self.asleep = true;
    }
    fn keep_buffer(&mut self, bytes: usize, _: bool) -> bool {
        self.kept = bytes;
        true
    }
    fn release_buffer(&mut self) {
        self.kept = 0;
    }
    fn after_frames(&mut self) {
        self.asleep = false;
    }
}

impl Nodes for Counting {
    fn node(&mut self, _: &Arc<str>, _: bool) {}
}

#[test]
fn the_end_of_a_session_gives_back_what_was_begun_and_wakes_who_is_told_of_it() {
    let mut hosts = ["a@h:1", "b@h:1"].map(|name| {
        let mut settings = settings(name);
        // Without fragments a long message is a long frame.
        settings.local.capabilities = Default::default();
        Host::new(settings, Counting::default())
    });
    let Dial::Start(dialled, _) = hosts[0].dial("b@h:1", NOW).unwrap() else { panic!() };
    let ids = [dialled, hosts[1].accept(FROM, NOW).unwrap()];
    for (host, id) in hosts.iter_mut().zip(ids) {
        host.handle_input(id, Input::Secured(Channel::Tls13 { exporter: [3; 32] }), NOW);
    }
    let turn = |hosts: &mut [Host<Counting>; 2], from: usize, at_most: usize| {
        let mut bytes = Vec::new();
        if let Some(Transmit::Bytes { .. }) = hosts[from].transmit(ids[from], &mut bytes, 8 << 20, NOW) {
            hosts[from].handle_written(ids[from], Written::All, NOW);
            bytes.truncate(at_most);
            hosts[1 - from].handle_input(ids[1 - from], Input::Bytes(&bytes), NOW);
        }
    };
    for _ in 0..4 {
        turn(&mut hosts, 0, usize::MAX);
        turn(&mut hosts, 1, usize::MAX);
    }
    let (to_b, to_a) = (hosts[0].pid_on("b@h:1", 2).unwrap(), hosts[1].pid_on("a@h:1", 2).unwrap());
    hosts[1].link(2, to_a).unwrap();
    turn(&mut hosts, 1, usize::MAX);
    hosts[0].send(2, to_b, &[7; 1 << 20]).unwrap();
    turn(&mut hosts, 0, 600_000);
    let b = &mut hosts[1];
    b.handle_input(ids[1], Input::Bytes(&[7; 1_000]), NOW);
    assert!(b.processes.kept > 0);
    b.handle_input(ids[1], Input::Ended("the end".to_owned()), NOW);
    assert!(b.over(ids[1], NOW).is_some());
    assert_eq!((b.processes.kept, b.processes.asleep), (0, false));
}
