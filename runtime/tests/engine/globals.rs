//! Global names over hosts.

use snow_dist_codec::frame::GlobalSync;
use snow_dist_codec::framing::Frames;
use snow_dist_codec::{EntriesBuf, Entry, Frame, Pid, Reading, Text};
use snow_dist_runtime::Allowed;
use snow_dist_runtime::core::Reason;
use snow_dist_runtime::core::globals::{NotRegistered, OnConflict};
use snow_dist_runtime::core::host::{Event, Host};
use snow_dist_runtime::core::limits::{
    FRAME_BYTES_BOUND_MIN, GLOBAL_NAME_BYTES_COUNTED, GLOBAL_NAME_BYTES_MAX, GLOBAL_NAMES_BYTES_MAX,
};

use crate::host::{Net, Table, settings};

/// Every one of three nodes in a session with both others.
fn mesh() -> Net {
    let mut net = Net::new(3);
    for (from, to) in [(0, 1), (0, 2), (1, 2)] {
        net.connect(from, to);
    }
    net
}

/// Every node's answer, as the node and number of a process.
fn whereis(net: &mut Net, name: &str) -> Vec<Option<(String, u64)>> {
    let found: Vec<_> = net.hosts.iter().map(|host| host.whereis_global(name)).collect();
    let named = found.into_iter().enumerate().map(|(at, pid)| {
        let (node, local) = net.named(at, pid?);
        Some((node?, local))
    });
    named.collect()
}

fn nobody() -> Vec<Option<(String, u64)>> {
    vec![None; 3]
}

fn all(node: &str, local: u64) -> Vec<Option<(String, u64)>> {
    vec![Some((node.to_owned(), local)); 3]
}

//= spec/session.md#ses-glb-013
//# When it registers a global name, a node MUST write one GLOBAL_REGISTER in each session, unless the name is
//# taken back before that.
//= spec/session.md#ses-glb-014
//# When it takes a global name back, a node MUST write one GLOBAL_UNREGISTER in each session that was told of
//# it, unless the name is registered anew before that.
//= spec/session.md#ses-glb-015
//# When a session begins, a node MUST write the global names that it owns, if any, into one or more
//# GLOBAL_SYNCs.
#[test]
fn a_name_is_known_everywhere_until_it_is_taken_back_or_its_process_ends() {
    let mut net = Net::new(3);
    net.connect(0, 1);
    net.hosts[0].register_global("desk", 2, OnConflict::Exit).unwrap();
    net.hosts[0].register_global("till", 3, OnConflict::Exit).unwrap();
    // One hears of it in a session, and one when a session begins.
    net.connect(0, 2);
    net.connect(1, 2);
    assert_eq!(whereis(&mut net, "desk"), all("a@h:1", 2));
    net.end(0, 2, &Reason::Normal);
    assert_eq!(net.hosts[0].unregister_global("till").unwrap().local(), 3);
    assert_eq!(net.hosts[0].unregister_global("till"), None);
    assert_eq!(net.hosts[1].unregister_global("desk"), None, "another node owns it");
    net.flow();
    assert_eq!((whereis(&mut net, "desk"), whereis(&mut net, "till")), (nobody(), nobody()));
    net.hosts[1].register_global("desk", 4, OnConflict::Exit).unwrap();
    net.flow();
    assert_eq!(whereis(&mut net, "desk"), all("b@h:1", 4));
}

/// A peer that is told of a name before it is told of the one that has made room for it passes it over, and for good.
#[test]
fn a_node_at_its_bound_changes_its_names_and_its_peers_know_all() {
    let mut net = Net::new(2);
    let name = |number: usize| format!("{number:04096}");
    let fits = GLOBAL_NAMES_BYTES_MAX / (GLOBAL_NAME_BYTES_MAX + GLOBAL_NAME_BYTES_COUNTED);
    for number in 1..=fits {
        net.hosts[0].register_global(&name(number), 2, OnConflict::Exit).unwrap();
    }
    net.connect(0, 1);
    net.flow();
    let too_many = net.hosts[0].register_global(&name(0), 2, OnConflict::Exit);
    assert!(matches!(too_many, Err(NotRegistered::TooMany { .. })), "{too_many:?}");
    net.hosts[0].unregister_global(&name(fits)).unwrap();
    net.hosts[0].register_global(&name(0), 2, OnConflict::Exit).unwrap();
    net.flow();
    let known = |number| net.hosts[1].whereis_global(&name(number)).is_some();
    assert_eq!([0, 1, fits - 1, fits].map(known), [true, true, true, false]);
}

#[test]
fn a_name_that_is_known_is_taken_and_the_dead_get_none() {
    let mut net = mesh();
    net.hosts[0].register_global("desk", 2, OnConflict::Exit).unwrap();
    net.flow();
    let taken = net.hosts[1].register_global("desk", 2, OnConflict::Exit).unwrap_err();
    assert_eq!(taken.to_string(), format!("the global name is taken by {} on a@h:1", net.pid(1, 0, 2)));
    let dead = net.hosts[0].register_global("till", 10, OnConflict::Exit);
    assert!(matches!(dead, Err(NotRegistered::NoProcess(_))), "{dead:?}");
}

//= spec/session.md#ses-glb-011
//# A node MUST take back a global name that it owns when a peer of smaller rank claims it.
//= spec/session.md#ses-glb-016
//# A process that loses a global name by SES-GLB-011 MUST get one exit signal Custom "name conflict" from the
//# process that keeps the name, unless it has asked to be told in another way.
#[test]
fn of_three_that_claim_a_name_at_once_one_keeps_it_everywhere() {
    for on_conflict in [OnConflict::Exit, OnConflict::Tell] {
        let mut net = mesh();
        for host in &mut net.hosts {
            host.register_global("desk", 4, on_conflict).unwrap();
        }
        net.flow();
        let found = whereis(&mut net, "desk");
        let (node, _) = found[0].clone().unwrap();
        assert_eq!(found, all(&node, 4));
        for at in 0..3 {
            let told = net.told(at, 4);
            if net.hosts[at].endpoint().name().as_ref() == node {
                assert_eq!(told, []);
                continue;
            }
            let winner = net.hosts[at].whereis_global("desk").unwrap();
            let event = match on_conflict {
                OnConflict::Exit => Event::Exit { from: winner, reason: Reason::custom("name conflict") },
                OnConflict::Tell => Event::NameConflict { name: "desk".into(), winner },
            };
            assert_eq!(told, [event]);
        }
    }
}

//= spec/session.md#ses-glb-019
//= type=test
//# A node MUST ignore each GLOBAL_* of a peer from which it takes no global names.
#[test]
fn a_name_of_a_peer_from_which_none_are_taken_does_not_exist() {
    let host = |name: &str, takes: &[&str]| {
        let mut settings = settings(name);
        settings.local.global_names = Allowed::only(takes).unwrap();
        Host::new(settings, Table::default())
    };
    let all = ["a@h:1", "b@h:1", "c@h:1"];
    let hosts = vec![host("a@h:1", &["b@h:1"]), host("b@h:1", &all), host("c@h:1", &all)];
    let mut net = Net::of(hosts);
    net.hosts[2].register_global("at first", 2, OnConflict::Exit).unwrap();
    for (from, to) in [(0, 1), (0, 2), (1, 2)] {
        net.connect(from, to);
    }
    net.hosts[2].register_global("desk", 2, OnConflict::Exit).unwrap();
    net.hosts[1].register_global("till", 3, OnConflict::Exit).unwrap();
    net.flow();
    assert_eq!((net.hosts[0].whereis_global("at first"), net.hosts[0].whereis_global("desk")), (None, None));
    assert!(net.hosts[0].whereis_global("till").is_some());
    assert!(net.hosts[1].whereis_global("desk").is_some());
    // So it can be had here as well. Whoever hears of both settles it: the others as the claim of this node has it, and this node
    // alone keeps it whatever that is.
    net.hosts[0].register_global("desk", 4, OnConflict::Tell).unwrap();
    net.flow();
    let found = whereis(&mut net, "desk");
    assert_eq!(found[0], Some(("a@h:1".into(), 4)));
    assert_eq!(found[1], found[2]);
    assert_eq!(net.told(0, 4), []);
}

/// What the first node has to write on the first stream, which nobody reads.
fn waiting(net: &mut Net) -> Vec<u8> {
    net.written(0)
}

fn describe(bytes: &[u8]) -> Vec<String> {
    let text = |text: Text<'_>| text.as_str().chars().take(8).collect::<String>();
    let frames = Frames::new(bytes, u32::MAX).map(|payload| {
        let payload = payload.unwrap();
        assert!(payload.len() <= FRAME_BYTES_BOUND_MIN as usize);
        match Frame::decode(payload, Reading::Strict).unwrap() {
            Frame::GlobalRegister(it) => format!("register {} {}", text(it.name), it.pid.local()),
            Frame::GlobalUnregister(it) => format!("unregister {}", text(it.name)),
            Frame::GlobalSync(it) => format!("sync {}", it.entries.count()),
            other => other.name().to_owned(),
        }
    });
    frames.collect()
}

#[test]
fn of_the_changes_of_a_name_that_wait_the_last_is_written() {
    let mut net = Net::pair();
    let a = &mut net.hosts[0];
    a.register_global("told", 2, OnConflict::Exit).unwrap();
    assert_eq!(describe(&waiting(&mut net)), ["register told 2"]);
    let a = &mut net.hosts[0];
    for _ in 0..1_000 {
        a.unregister_global("told").unwrap();
        a.register_global("told", 3, OnConflict::Exit).unwrap();
        a.register_global("new", 3, OnConflict::Exit).unwrap();
        a.unregister_global("new").unwrap();
    }
    assert_eq!(describe(&waiting(&mut net)), ["register told 3"]);
    net.hosts[0].unregister_global("told").unwrap();
    assert_eq!(describe(&waiting(&mut net)), ["unregister told"]);
}

//= spec/session.md#ses-lst-007
//# A node MUST NOT write a PEER_LIST or GLOBAL_SYNC with a payload of more than 65 536 bytes.
#[test]
fn a_long_list_is_split_and_is_true_when_all_of_it_is_written() {
    let mut net = Net::new(2);
    let name = |number: usize| format!("{number:0width$}", width = GLOBAL_NAME_BYTES_MAX);
    for number in 0..40 {
        net.hosts[0].register_global(&name(number), 2, OnConflict::Exit).unwrap();
    }
    net.connect(0, 1);
    let learned = |net: &Net| net.hosts[1].globals().names().count();
    assert_eq!(learned(&net), 40);
    // The same, where names change between the first frame of the list and the last.
    let mut net = Net::new(2);
    for number in 0..40 {
        net.hosts[0].register_global(&name(number), 2, OnConflict::Exit).unwrap();
    }
    let bytes = net.begin(0, 1);
    assert_eq!(describe(&bytes), ["sync 15", "sync 15"]);
    for number in [0, 39] {
        net.hosts[0].unregister_global(&name(number)).unwrap();
    }
    let rest = waiting(&mut net);
    assert_eq!(describe(&rest), ["unregister 00000000", "sync 9"]);
}

#[test]
fn what_a_process_sends_comes_behind_its_name() {
    let mut net = Net::pair();
    let there = net.pid(0, 1, 2);
    let a = &mut net.hosts[0];
    a.link(3, there).unwrap();
    a.send(3, there, b"look me up").unwrap();
    a.register_global("desk", 3, OnConflict::Exit).unwrap();
    assert_eq!(describe(&waiting(&mut net)), ["register desk 3", "LINK", "SEND"]);
}

//= spec/session.md#ses-glb-014
//# When it takes a global name back, a node MUST write one GLOBAL_UNREGISTER in each session that was told of
//# it, unless the name is registered anew before that.
/// What ends is still told in a session that is being ended; what begins is not.
#[test]
fn a_name_is_taken_back_in_a_session_that_is_being_ended() {
    let mut net = Net::pair();
    let there = net.pid(0, 1, 2);
    let a = &mut net.hosts[0];
    a.link(3, there).unwrap();
    a.register_global("desk", 3, OnConflict::Exit).unwrap();
    assert_eq!(describe(&waiting(&mut net)), ["register desk 3", "LINK"]);
    net.hosts[0].disconnect("b@h:1", crate::host::NOW);
    net.hosts[0].register_global("till", 2, OnConflict::Exit).unwrap();
    net.end(0, 3, &Reason::Normal);
    assert_eq!(describe(&waiting(&mut net)), ["unregister desk", "EXIT", "CLOSE"]);
}

#[test]
fn names_go_with_the_session() {
    let mut net = Net::pair();
    net.hosts[0].register_global("desk", 3, OnConflict::Exit).unwrap();
    net.flow();
    assert_eq!(net.hosts[1].globals().names().count(), 1);
    net.hosts[1].disconnect("a@h:1", crate::host::NOW);
    net.flow();
    assert_eq!(net.hosts[1].globals().names().count(), 0);
    net.connect(1, 0);
    assert_eq!(net.hosts[1].globals().names().count(), 1);
}

/// A list as whoever lies would write it.
#[test]
fn an_entry_that_is_passed_over_says_nothing_of_the_next() {
    let mut net = Net::pair();
    let mut entries = EntriesBuf::default();
    for (name, node) in [("early", "a@h:1"), ("foreign", "c@h:1"), ("late", "a@h:1")] {
        let pid = Pid::new(0, net.pid(1, 0, 2).creation(), 2).unwrap();
        entries.push(&Entry { name: name.into(), pid, node: node.into() }).unwrap();
    }
    let mut bytes = Vec::new();
    Frame::from(GlobalSync { entries: entries.as_entries() }).encode_framed(u32::MAX, &mut bytes).unwrap();
    net.bring(0, &bytes);
    let known = |name| net.hosts[1].whereis_global(name).is_some();
    assert_eq!(["early", "foreign", "late"].map(known), [true, false, true]);
}
