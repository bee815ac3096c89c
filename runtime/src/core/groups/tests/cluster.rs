//! Whole clusters, from seeds: after rest all connected nodes agree.

use super::world::{World, here};

/// xorshift64*: the same numbers everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % bound
    }
}

const NODES: usize = 4;
/// More than messages that are lost, so that an ask comes through.
const INTERVALS: usize = 20;
const GROUPS: [&str; 3] = ["a", "b", "long-lived"];

/// Something from outside: what programs and networks do.
fn disturb(world: &mut World, random: &mut Random) {
    let (node, other) = (random.below(NODES), random.below(NODES));
    let group = GROUPS[random.below(GROUPS.len())];
    let some = |world: &World, random: &mut Random| {
        let alive: Vec<_> = world.nodes[node].alive.iter().skip(1).copied().collect();
        (!alive.is_empty()).then(|| alive[random.below(alive.len())])
    };
    match random.below(10) {
        0..3 => {
            let local = world.spawn(node);
            if let Some(groups) = &mut world.nodes[node].groups {
                groups.join(group, here(local)).unwrap();
            }
        }
        3 => {
            if let (Some(local), Some(groups)) = (some(world, random), &mut world.nodes[node].groups) {
                groups.join(group, here(local)).unwrap();
            }
        }
        4 => {
            if let (Some(local), Some(groups)) = (some(world, random), &mut world.nodes[node].groups) {
                groups.leave(group, here(local));
            }
        }
        5 => {
            if let Some(local) = some(world, random) {
                world.end_process(node, local);
            }
        }
        6 => world.cut(node, other),
        7 | 8 => world.connect(node, other),
        _ if world.nodes[node].groups.is_some() => world.stop(node),
        _ => world.start(node),
    }
}

fn run(seed: u64, loses: bool) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut world = World::new(NODES);
    for _ in 0..120 {
        match random.below(8) {
            0 => disturb(&mut world, &mut random),
            1 if loses => {
                let which = random.below(4);
                world.lose(which);
            }
            _ => {
                let which = random.below(world.steps());
                world.step(which);
            }
        }
    }
    world.rest();
    if loses {
        // Nothing changes any more, and time alone shows what was lost. What was asked for can have been lost as well.
        for _ in 0..INTERVALS {
            world.let_intervals_pass();
            world.rest();
        }
    }
    world.assert_agreement();
}

//= spec/groups.md#grp-srv-005
//= type=test
//# When a session or the server of the peer has ended, a server MUST forget all memberships that it has
//# learned of that node.
#[test]
fn after_rest_all_connected_nodes_agree() {
    (0..800).for_each(|seed| run(seed, false));
}

//= spec/groups.md#grp-str-010
//= type=test
//# A server MUST send the next message of a stream at the latest when `groups_interval_max` seconds have
//# passed since the one before it, even if there is nothing to tell, while its reader is known and the
//# session's queue has room.
//= spec/groups.md#grp-str-011
//= type=test
//# When a server has ignored 2, 4, 8 or another power of two of messages as in GRP-STR-006 while it reads one
//# stream, it MUST send another ask, with the `stream` of the last of them.
//= spec/groups.md#grp-str-006
//= type=test
//# When a server ignores a message because earlier ones are missing, for the first time while it reads one
//# stream, it MUST send an ask with the `stream` of that message.
#[test]
fn what_a_full_mailbox_has_lost_is_told_again() {
    (0..400).for_each(|seed| run(seed, true));
}
