//! Two nodes, step by step.

use super::world::{World, here, number, on};
use crate::core::groups::{GroupChange, Groups, NotJoined, Todo};

fn members(world: &World, at: usize, group: &str) -> Vec<crate::core::Pid> {
    world.nodes[at].groups.as_ref().unwrap().members(group).collect()
}

#[test]
fn a_member_is_known_to_both_until_it_leaves_or_ends() {
    let mut world = World::new(2);
    let (one, two) = (world.spawn(0), world.spawn(1));
    world.nodes[0].groups.as_mut().unwrap().join("g", here(one)).unwrap();
    world.connect(0, 1);
    world.rest();
    assert_eq!(members(&world, 1, "g"), [on(0, one)]);
    let groups = world.nodes[1].groups.as_mut().unwrap();
    assert_eq!(groups.join("g", here(two)), Ok(true));
    assert_eq!(groups.join("g", here(two)), Ok(false));
    world.rest();
    assert_eq!(members(&world, 0, "g"), [here(one), on(1, two)]);
    assert_eq!(world.nodes[0].groups.as_ref().unwrap().local_members("g").collect::<Vec<_>>(), [here(one)]);
    assert!(world.nodes[0].groups.as_mut().unwrap().leave("g", here(one)));
    assert!(!world.nodes[0].groups.as_mut().unwrap().leave("g", here(one)));
    assert!(!world.nodes[0].groups.as_mut().unwrap().leave("g", on(1, two)), "not by this server");
    world.end_process(1, two);
    world.rest();
    world.assert_agreement();
    assert_eq!(world.nodes[0].groups.as_ref().unwrap().names().count(), 0);
}

#[test]
fn a_change_that_is_taken_back_before_it_is_told_is_none() {
    let mut groups = Groups::new(here(1));
    let subscriber = groups.subscribe();
    groups.join("g", here(2)).unwrap();
    groups.leave("g", here(2));
    groups.join("g", here(3)).unwrap();
    assert_eq!(groups.poll_change(subscriber), Some(GroupChange::Joined { group: "g".into(), pid: here(3) }));
    groups.leave("g", here(3));
    groups.join("g", here(3)).unwrap();
    assert_eq!(groups.poll_change(subscriber), None);
    // A later subscriber begins with what is there.
    let later = groups.subscribe();
    assert_eq!(groups.poll_change(later), Some(GroupChange::Joined { group: "g".into(), pid: here(3) }));
    groups.unsubscribe(later);
    assert_eq!(groups.poll_change(later), None);
}

#[test]
fn a_process_is_watched_once_as_long_as_it_lives() {
    let mut groups = Groups::new(here(1));
    groups.join("g", here(2)).unwrap();
    groups.join("h", here(2)).unwrap();
    assert_eq!((groups.poll_watch(), groups.poll_watch()), (Some(here(2)), None));
    groups.leave("g", here(2));
    groups.leave("h", here(2));
    groups.join("g", here(2)).unwrap();
    assert_eq!(groups.poll_watch(), None);
    groups.handle_process_ended(here(2));
    assert_eq!(groups.names().count(), 0);
    // Whoever joins behind its end is watched again, and so taken out.
    groups.join("g", here(2)).unwrap();
    assert_eq!(groups.poll_watch(), Some(here(2)));
}

//= spec/groups.md#grp-mem-001
//= type=test
//# The name of a group MUST be from 1 to `group_name_bytes_max` bytes long.
#[test]
fn who_cannot_join_is_told_why() {
    let mut groups = Groups::new(here(1));
    assert_eq!(groups.join("", here(2)), Err(NotJoined::Name { length: 0 }));
    assert_eq!(groups.join(&"x".repeat(256), here(2)), Err(NotJoined::Name { length: 256 }));
    assert!(groups.join(&"x".repeat(255), here(2)).is_ok());
    assert_eq!(groups.join("g", on(1, 2)), Err(NotJoined::NotHere(on(1, 2))));
    let earlier = crate::core::Pid::new(here(1).node(), 9, 2);
    assert_eq!(groups.join("g", earlier), Err(NotJoined::NotHere(earlier)));
}

//= spec/groups.md#grp-srv-002
//= type=test
//# When a session with `names` begins, a server MUST monitor the name `groups` of the peer.
//= spec/groups.md#grp-srv-006
//= type=test
//# When the monitor of a server ends before the session does, a server MUST monitor the name `groups` there
//# once more.
#[test]
fn a_node_is_asked_for_its_server_when_it_comes_and_when_the_server_ends() {
    let mut groups = Groups::new(here(1));
    groups.handle_node_up(number(1));
    assert_eq!((groups.poll_node(), groups.poll_node()), (Some(number(1)), None));
    assert_eq!(groups.poll_todo(number(1)), Some(Todo::Monitor));
    assert_eq!(groups.poll_todo(number(1)), None);
    groups.handle_named(number(1), on(1, 5));
    assert!(matches!(groups.poll_todo(number(1)), Some(Todo::Send(_))));
    groups.handle_server_ended(number(1));
    assert_eq!(groups.poll_todo(number(1)), Some(Todo::Monitor));
    groups.handle_nobody(number(1));
    assert_eq!(groups.poll_todo(number(1)), None);
    // A pid of another node is nobody's.
    groups.handle_node_down(number(1));
    groups.handle_node_up(number(1));
    assert_eq!(groups.poll_todo(number(1)), Some(Todo::Monitor));
    groups.handle_named(number(1), on(2, 5));
    assert_eq!(groups.poll_todo(number(1)), None);
}
