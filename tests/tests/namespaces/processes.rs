//! The process of a node is killed or stopped.

use super::cuts::tie;
use super::lan::{Lan, name, settle};

#[test]
#[ignore = "needs network namespaces: bash tests/tests/namespaces/check.sh"]
fn a_killed_process_is_a_lost_node_and_its_next_start_another_one() {
    let lan = Lan::new(2);
    let (mut one, mut other) = (lan.node(1), lan.node(2));
    one.connect(&other);
    tie(&mut one, &mut other);
    other.kill();
    one.expect_each("exit", "noconnection", 1);
    one.expect_each("down", "noconnection", 1);
    let mut again = lan.node(2);
    again.connect(&one);
    settle();
    one.assert_each("exit", "noconnection", 1);
    one.assert_each("down", "noconnection", 1);
    assert_eq!(one.saw_of(&name(2)), ["up", "down", "up"]);
}

/// Nothing of its end gets through, and it is back before its peer has noticed.
#[test]
#[ignore = "needs network namespaces: bash tests/tests/namespaces/check.sh"]
fn a_process_that_is_killed_and_started_behind_a_cut_replaces_its_session() {
    let lan = Lan::new(2);
    let (mut one, mut other) = (lan.node(1), lan.node(2));
    one.connect(&other);
    tie(&mut one, &mut other);
    lan.cut(2);
    other.kill();
    let mut again = lan.node(2);
    lan.mend(2);
    again.connect(&one);
    one.expect_each("exit", "noconnection", 1);
    one.expect_each("down", "noconnection", 1);
    settle();
    one.assert_each("exit", "noconnection", 1);
    one.assert_each("down", "noconnection", 1);
    assert_eq!(one.saw_of(&name(2)), ["up", "down", "up"]);
    tie(&mut again, &mut one);
}

/// The system goes on answering for a process that is stopped; nothing of TCP says so.
#[test]
#[ignore = "needs network namespaces: bash tests/tests/namespaces/check.sh"]
fn a_stopped_process_is_noticed_and_what_it_says_later_changes_nothing() {
    let lan = Lan::new(2);
    let (mut one, mut other) = (lan.node(1), lan.node(2));
    one.connect(&other);
    tie(&mut one, &mut other);
    other.signal("STOP");
    one.expect_each("exit", "noconnection", 1);
    one.expect_each("down", "noconnection", 1);
    // It does this first when it goes on: for it, the session is there.
    other.order(&format!("say {} late", one.name));
    other.signal("CONT");
    other.expect_each("exit", "noconnection", 1);
    settle();
    one.assert_each("exit", "noconnection", 1);
    one.assert_each("down", "noconnection", 1);
    one.assert_each("message", "late", 0);
    other.assert_each("exit", "noconnection", 1);
    other.connect(&one);
    other.order(&format!("say {} in time", one.name));
    one.expect_each("message", "in time", 1);
    assert_eq!(one.saw_of(&name(2)), ["up", "down", "up"]);
    assert_eq!(other.saw_of(&name(1)), ["up", "down", "up"]);
}

/// Its bytes lie in the system when the cable is pulled, and go out when it is back, to a session that is over.
#[test]
#[ignore = "needs network namespaces: bash tests/tests/namespaces/check.sh"]
fn bytes_that_a_stopped_process_left_behind_a_cut_come_to_nothing() {
    let lan = Lan::new(2);
    let (mut one, mut other) = (lan.node(1), lan.node(2));
    one.connect(&other);
    tie(&mut one, &mut other);
    lan.cut(2);
    other.order(&format!("say {} late", one.name));
    other.expect_each("said", "late", 1);
    other.signal("STOP");
    one.expect_each("exit", "noconnection", 1);
    lan.mend(2);
    settle();
    other.signal("CONT");
    other.expect_each("exit", "noconnection", 1);
    settle();
    for node in [&one, &other] {
        node.assert_each("exit", "noconnection", 1);
    }
    one.assert_each("down", "noconnection", 1);
    one.assert_each("message", "late", 0);
    one.connect(&other);
    other.order(&format!("say {} in time", one.name));
    one.expect_each("message", "in time", 1);
}
