//! The cable of a machine is pulled, or some machines do not reach each other any more.

use super::lan::{FAILED, Lan, NodeProcess, name, settle};

/// Each process of both is tied to its like: `one` links, both monitor.
pub(crate) fn tie(one: &mut NodeProcess, other: &mut NodeProcess) {
    one.order(&format!("tie {}", other.name));
    // Links and monitors are settled when what was sent after them has come.
    one.order(&format!("say {} tied", other.name));
    other.expect_each("message", "tied", 1);
}

#[test]
#[ignore = "needs network namespaces: bash tests/tests/namespaces/check.sh"]
fn a_cut_is_seen_at_both_ends_and_after_the_repair_all_works_again() {
    let lan = Lan::new(2);
    let (mut one, mut other) = (lan.node(1), lan.node(2));
    one.connect(&other);
    tie(&mut one, &mut other);
    tie(&mut other, &mut one);

    lan.cut(2);
    for node in [&one, &other] {
        node.expect_each("exit", "noconnection", 1);
        node.expect_each("down", "noconnection", 1);
    }
    one.connect_in_vain(&other);
    lan.mend(2);
    // What the systems still hold of the old connections comes now, or never.
    settle();
    other.connect(&one);
    settle();
    for (node, peer) in [(&one, 2), (&other, 1)] {
        node.assert_each("exit", "noconnection", 1);
        node.assert_each("down", "noconnection", 1);
        assert_eq!(node.saw_of(&name(peer)), ["up", "down", "up"]);
    }

    one.order(&format!("tie {}", other.name));
    one.order(&format!("say {} again", other.name));
    other.expect_each("message", "again", 1);
    other.order("fail");
    one.expect_each("exit", FAILED, 1);
    one.expect_each("down", FAILED, 1);
    settle();
    one.assert_each("exit", FAILED, 1);
    one.assert_each("down", FAILED, 1);
    one.assert_each("exit", "noconnection", 1);
}

#[test]
#[ignore = "needs network namespaces: bash tests/tests/namespaces/check.sh"]
fn two_that_do_not_reach_each_other_keep_the_third() {
    let lan = Lan::new(3);
    let [mut one, mut two, mut three] = [1, 2, 3].map(|machine| lan.node(machine));
    one.connect(&two);
    two.connect(&three);
    three.connect(&one);
    tie(&mut one, &mut two);
    tie(&mut one, &mut three);
    tie(&mut two, &mut three);

    lan.isolate(&[1, 2], true);
    for node in [&one, &two] {
        node.expect_each("exit", "noconnection", 1);
    }
    one.expect_each("down", "noconnection", 1);
    settle();
    for (node, peer) in [(&one, 2), (&two, 1)] {
        node.assert_each("exit", "noconnection", 1);
        assert_eq!(node.saw_of(&name(peer)), ["up", "down"]);
        assert_eq!(node.saw_of(&name(3)), ["up"]);
    }
    one.connect_in_vain(&two);
    one.order(&format!("say {} still", three.name));
    three.expect_each("message", "still", 1);

    lan.isolate(&[1, 2], false);
    two.connect(&one);
    three.order("fail");
    for node in [&one, &two] {
        node.expect_each("exit", FAILED, 1);
        node.expect_each("down", FAILED, 1);
    }
    settle();
    for (node, peer) in [(&one, 2), (&two, 1)] {
        node.assert_each("exit", "noconnection", 1);
        node.assert_each("exit", FAILED, 1);
        assert_eq!(node.saw_of(&name(peer)), ["up", "down", "up"]);
        assert_eq!(node.saw_of(&name(3)), ["up"]);
    }
}
