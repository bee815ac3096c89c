#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use super::*;

const THERE: ConnectionId = ConnectionId(1);
const ELSEWHERE: ConnectionId = ConnectionId(2);

fn start(name: &str, incarnation: u64) -> Start {
    Start { name: name.into(), incarnation: NonZeroU64::new(incarnation).unwrap() }
}

/// The node `b@h:1` in its start 5, and its peers `a@h:1` and `c@h:1` in these.
fn globals(a: u64, c: u64) -> Globals {
    let mut globals = Globals::new(start("b@h:1", 5));
    globals.up(THERE, &start("a@h:1", a));
    globals.up(ELSEWHERE, &start("c@h:1", c));
    globals
}

fn of(connection: ConnectionId, local: u64) -> Pid {
    Pid::new(NodeNumber::other(connection.0).unwrap(), 1, local)
}

fn claim(globals: &mut Globals, connection: ConnectionId, name: &str, local: u64) -> Heard {
    let node = if connection == THERE { "a@h:1" } else { "c@h:1" };
    globals.heard(connection, GlobalNews::Registered { name, pid: of(connection, local), node })
}

#[test]
fn a_name_is_its_owner_s_until_that_takes_it_back() {
    let mut globals = globals(7, 8);
    let own = globals.pid(3);
    globals.register("desk", 3, OnConflict::Exit).unwrap();
    assert_eq!(globals.whereis("desk"), Some(own));
    let taken = NotRegistered::Taken { pid: own, node: "b@h:1".into() };
    assert_eq!(globals.register("desk", 4, OnConflict::Exit), Err(taken));
    assert_eq!(claim(&mut globals, THERE, "till", 9), Heard::Known);
    let taken = NotRegistered::Taken { pid: of(THERE, 9), node: "a@h:1".into() };
    assert_eq!(globals.register("till", 4, OnConflict::Exit), Err(taken));
    // The later one counts.
    assert_eq!(claim(&mut globals, THERE, "till", 10), Heard::Known);
    assert_eq!(globals.names().collect::<Vec<_>>(), [("desk".into(), own), ("till".into(), of(THERE, 10))]);
    // Nobody else takes it back.
    let back = GlobalNews::Unregistered { name: "till" };
    assert_eq!(globals.heard(ELSEWHERE, back), Heard::Known);
    assert_eq!(globals.heard(THERE, back), Heard::Known);
    assert_eq!(globals.heard(THERE, back), Heard::Known);
    assert_eq!((globals.unregister("till"), globals.unregister("desk")), (None, Some(3)));
    assert_eq!(globals.names().count(), 0);
}

/// A claim that there is no room for is heard once: whoever has the name gives way all the same, else both would keep it.
//= spec/session.md#ses-glb-011
//= type=test
//# A node MUST take back a global name that it owns when a peer of smaller rank claims it.
#[test]
fn a_claim_without_room_is_settled() {
    for (incarnation, loses) in [(4, true), (6, false)] {
        let mut globals = globals(incarnation, 9);
        globals.register("desk", 3, OnConflict::Exit).unwrap();
        globals.peers_bytes = GLOBAL_NAMES_OF_PEERS_BYTES_MAX;
        let heard = claim(&mut globals, THERE, "desk", 1);
        assert_eq!(matches!(heard, Heard::Lost(Conflict { local: 3, .. })), loses);
        assert_eq!(heard == Heard::PassedOver, !loses);
        let owner = (!loses).then(|| globals.pid(3));
        assert_eq!(globals.whereis("desk"), owner, "the claim is not kept");
        assert_eq!(globals.peers_bytes, GLOBAL_NAMES_OF_PEERS_BYTES_MAX);
    }
}

#[test]
fn the_claim_of_the_smaller_incarnation_stays() {
    for (incarnation, loses) in [(4, true), (6, false)] {
        let mut globals = globals(incarnation, 9);
        globals.register("desk", 3, OnConflict::Tell).unwrap();
        let heard = claim(&mut globals, THERE, "desk", 1);
        let (name, node, on_conflict) = ("desk".into(), "a@h:1".into(), OnConflict::Tell);
        let conflict = Conflict { name, local: 3, winner: of(THERE, 1), node, on_conflict };
        assert_eq!(heard, if loses { Heard::Lost(conflict) } else { Heard::Known });
        let stays = if loses { of(THERE, 1) } else { globals.pid(3) };
        assert_eq!(globals.whereis("desk"), Some(stays));
        assert_eq!(globals.own().count(), usize::from(!loses));
        globals.down(THERE);
        assert_eq!(globals.whereis("desk").is_none(), loses);
    }
}

/// Two starts with one incarnation are nearly impossible, and then the names decide.
#[test]
fn names_decide_between_equal_incarnations() {
    let mut globals = globals(5, 5);
    globals.register("desk", 3, OnConflict::Exit).unwrap();
    assert_eq!(claim(&mut globals, ELSEWHERE, "desk", 1), Heard::Known);
    assert!(matches!(claim(&mut globals, THERE, "desk", 1), Heard::Lost(_)));
}

#[test]
fn of_two_claims_of_others_the_one_that_will_stay_is_found() {
    let mut globals = globals(8, 7);
    claim(&mut globals, THERE, "desk", 1);
    claim(&mut globals, ELSEWHERE, "desk", 2);
    assert_eq!(globals.whereis("desk"), Some(of(ELSEWHERE, 2)));
    globals.down(ELSEWHERE);
    assert_eq!(globals.whereis("desk"), Some(of(THERE, 1)));
    globals.down(THERE);
    assert_eq!(globals, Globals::new(start("b@h:1", 5)));
}

#[test]
fn an_end_takes_the_names_of_that_process_alone() {
    let mut globals = globals(7, 8);
    for (name, local) in [("one", 3), ("two", 3), ("three", 4)] {
        globals.register(name, local, OnConflict::Exit).unwrap();
    }
    assert_eq!(globals.process_ended(3), ["one".into(), "two".into()]);
    assert_eq!(globals.process_ended(3), []);
    assert_eq!(globals.own().collect::<Vec<_>>(), [(&"three".into(), 4)]);
}

#[test]
fn names_of_third_nodes_are_passed_over() {
    let mut globals = globals(7, 8);
    for node in ["c@h:1", "a@h", "", "a"] {
        let news = GlobalNews::Registered { name: "desk", pid: of(THERE, 1), node };
        assert_eq!(globals.heard(THERE, news), Heard::PassedOver, "{node}");
    }
    assert_eq!(claim(&mut globals, ConnectionId(3), "desk", 1), Heard::PassedOver);
    // A name without its port is the same name.
    globals.up(THERE, &start("d@h:9000", 7));
    let news = GlobalNews::Registered { name: "desk", pid: of(THERE, 1), node: "d@h" };
    assert_eq!(globals.heard(THERE, news), Heard::Known);
}

#[test]
fn names_are_bounded_here_and_of_each_peer() {
    let mut globals = globals(7, 8);
    let long = "x".repeat(GLOBAL_NAME_BYTES_MAX + 1);
    let too_long = NotRegistered::TooLong { length: 4_097, length_max: 4_096 };
    assert_eq!(globals.register(&long, 1, OnConflict::Exit), Err(too_long));
    assert_eq!(claim(&mut globals, THERE, &long, 1), Heard::PassedOver);
    let fits = GLOBAL_NAMES_BYTES_MAX / (GLOBAL_NAME_BYTES_MAX + GLOBAL_NAME_BYTES_COUNTED);
    let name = |number: usize| format!("{number:04096}");
    for number in 0..fits {
        globals.register(&name(number), 1, OnConflict::Exit).unwrap();
        assert_eq!(claim(&mut globals, THERE, &name(fits + number), 1), Heard::Known);
    }
    let too_many = NotRegistered::TooMany { bytes_max: GLOBAL_NAMES_BYTES_MAX };
    assert_eq!(globals.register(&name(2 * fits), 1, OnConflict::Exit), Err(too_many));
    assert_eq!(claim(&mut globals, THERE, &name(2 * fits), 1), Heard::PassedOver);
    // What is known is changed, what is taken back makes room, and another peer has its own.
    assert_eq!(claim(&mut globals, THERE, &name(fits), 2), Heard::Known);
    assert_eq!(claim(&mut globals, ELSEWHERE, &name(2 * fits), 1), Heard::Known);
    globals.unregister(&name(0)).unwrap();
    globals.register("desk", 1, OnConflict::Exit).unwrap();
    globals.heard(THERE, GlobalNews::Unregistered { name: &name(fits) });
    assert_eq!(claim(&mut globals, THERE, "till", 1), Heard::Known);
}

//= spec/session.md#ses-glb-017
//= type=test
//# A node MUST NOT keep global names of its peers that count more than `global_names_of_peers_bytes_max` together.
#[test]
fn names_of_all_peers_together_are_bounded() {
    let mut globals = globals(7, 8);
    // As if others had told of all the rest.
    globals.peers_bytes = GLOBAL_NAMES_OF_PEERS_BYTES_MAX - counted("desk");
    assert_eq!(claim(&mut globals, THERE, "counter", 1), Heard::PassedOver);
    assert_eq!(claim(&mut globals, THERE, "desk", 1), Heard::Known);
    // Also if another peer has claimed it.
    assert_eq!(claim(&mut globals, ELSEWHERE, "desk", 1), Heard::PassedOver);
    assert_eq!(claim(&mut globals, THERE, "desk", 2), Heard::Known);
    assert_eq!(globals.whereis("desk"), Some(of(THERE, 2)));
    globals.heard(THERE, GlobalNews::Unregistered { name: "desk" });
    assert_eq!(claim(&mut globals, ELSEWHERE, "till", 1), Heard::Known);
    assert_eq!(claim(&mut globals, THERE, "desk", 1), Heard::PassedOver);
    globals.down(ELSEWHERE);
    assert_eq!(claim(&mut globals, THERE, "desk", 1), Heard::Known);
    // What is its own is bounded by itself.
    globals.register("own", 3, OnConflict::Exit).unwrap();
}
