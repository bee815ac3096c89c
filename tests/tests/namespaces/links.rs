//! Networks that are slow, and lose something.

use super::cuts::tie;
use super::lan::{FAILED, Lan, link_local_name, name, settle};

/// Ties two nodes, has them say five megabytes, and shows that their session is the one it was.
fn carry_on(discipline: &[&str]) {
    let lan = Lan::new(2);
    let shaped = [1, 2].map(|machine| lan.shape(machine, discipline));
    if shaped.contains(&false) {
        println!("NOT TRIED: this system has no `{}`", discipline.join(" "));
        return;
    }
    let (mut one, mut other) = (lan.node(1), lan.node(2));
    one.connect(&other);
    tie(&mut one, &mut other);
    let much = "much".repeat(10_000);
    for _ in 0..6 {
        one.order(&format!("say {} {much}", other.name));
    }
    other.expect_each("message", &much, 6);
    settle();
    assert_eq!((one.saw_of(&name(2)), other.saw_of(&name(1))), (vec!["up"], vec!["up"]));
    other.order("fail");
    one.expect_each("exit", FAILED, 1);
    one.expect_each("down", FAILED, 1);
}

/// Five megabytes take longer than a heartbeat waits; the share of them that stands before a PING does not.
#[test]
#[ignore = "needs network namespaces: bash tests/tests/namespaces/check.sh"]
fn a_slow_cable_is_no_dead_peer() {
    carry_on(&["tbf", "rate", "10mbit", "burst", "16kb", "limit", "64kb"]);
}

#[test]
#[ignore = "needs network namespaces: bash tests/tests/namespaces/check.sh"]
fn a_cable_that_delays_and_loses_is_no_dead_peer() {
    carry_on(&["netem", "delay", "20ms", "10ms", "loss", "1%"]);
}

#[test]
#[ignore = "needs network namespaces: bash tests/tests/namespaces/check.sh"]
fn nodes_find_each_other_by_link_local_addresses() {
    let lan = Lan::new(2);
    let names = [1, 2].map(link_local_name);
    let mut one = lan.node_of(1, &names[0], [names[1].clone()].into_iter());
    let mut other = lan.node_of(2, &names[1], [names[0].clone()].into_iter());
    one.connect(&other);
    tie(&mut one, &mut other);
    other.kill();
    one.expect_each("exit", "noconnection", 1);
    assert_eq!(one.saw_of(&names[1]), ["up", "down"]);
}
