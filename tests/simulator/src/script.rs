//! What programs and misfortune do, and when: written before the run, so that parts of it can be left out.
//!
//! A script is scenes: two processes of two nodes do a few things to each other within a time in which their frames
//! cross, and something may break meanwhile.

use std::fmt;

use crate::plan::{Plan, SECOND};
use crate::random::Random;
use crate::wire::Time;

/// A process, by the node and its place there. Who has the place ends and is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) node: u8,
    pub(crate) place: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    Send {
        bytes: u32,
    },
    SendNamed,
    SendNamedTerm,
    Call {
        bytes: u32,
    },
    CallNamed {
        bytes: u32,
    },
    MonitorNamed,
    /// A term with a pid.
    SendTerm,
    Link,
    Unlink,
    /// exit(pid, reason), linked or not.
    Exit,
    Monitor,
    Demonitor,
    End,
    Trap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// A process does something to another one. `dice` settles details, such as which pid it has of it.
    Process {
        who: Slot,
        whom: Slot,
        does: Does,
        dice: u64,
    },
    Dial {
        node: u8,
        peer: u8,
    },
    BothDial {
        node: u8,
        peer: u8,
    },
    Disconnect {
        node: u8,
        peer: u8,
    },
    /// The connection breaks; which bytes still arrive, and who notices when, is in `dice`.
    Cut {
        node: u8,
        peer: u8,
        dice: u64,
    },
    /// One direction, or both, say nothing any more.
    Silence {
        node: u8,
        peer: u8,
        dice: u64,
    },
    Stall {
        node: u8,
        peer: u8,
        time: Time,
        dice: u64,
    },
    Slow {
        node: u8,
        peer: u8,
        dice: u64,
    },
    Restart {
        node: u8,
        down: Time,
        dice: u64,
    },
    /// The node stands still, and `clock` says whether its clock does as well.
    Suspend {
        node: u8,
        time: Time,
        clock: bool,
    },
    /// So many of a thousand processes of the node end.
    MassEnd {
        node: u8,
        permille: u16,
        dice: u64,
    },
    Flood {
        who: Slot,
        whom: Slot,
        count: u16,
        bytes: u32,
    },
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {} place {}", self.node, self.place)
    }
}

pub(crate) type Script = Vec<(Time, Act)>;

/// The script of a plan, in the order of time.
pub(crate) fn write(plan: &Plan, random: &mut Random) -> Script {
    let mut script = Vec::new();
    for &(node, peer) in &plan.edges {
        let (node, peer) = (node as u8, peer as u8);
        let at = random.below(plan.span / 4 + 1);
        script.push((
            at,
            if random.chance(250) { Act::BothDial { node, peer } } else { Act::Dial { node, peer } },
        ));
    }
    for _ in 0..plan.scenes {
        let at = random.below(plan.span);
        let edge = edge(plan, random);
        scene(plan, random, at, edge, &mut script);
        if random.chance(plan.faults) {
            let within = at + random.below(100_000);
            let (node, peer) = edge;
            script.push((within, fault(plan, random, node, peer)));
            // Somebody wants the session again.
            script.push((within + random.below(5 * SECOND), Act::Dial { node: peer, peer: node }));
        }
    }
    for _ in 0..random.range(1, plan.nodes.len() as u64) {
        let node = random.index(plan.nodes.len()) as u8;
        script.push((random.below(plan.span), hold_up(random, node)));
    }
    script.sort_by_key(|(at, _)| *at);
    script
}

/// For less than any deadline, or for longer than all.
fn hold_up(random: &mut Random, node: u8) -> Act {
    Act::Suspend { node, time: random.wide(1_000, 100 * SECOND), clock: random.chance(300) }
}

/// The first edges are drawn most.
fn edge(plan: &Plan, random: &mut Random) -> (u8, u8) {
    let among = random.range(1, plan.edges.len() as u64);
    let (one, other) = plan.edges[random.below(among) as usize];
    if random.chance(500) { (one as u8, other as u8) } else { (other as u8, one as u8) }
}

fn place(plan: &Plan, random: &mut Random) -> u16 {
    let among = random.range(1, plan.slots as u64);
    random.below(among) as u16
}

fn scene(plan: &Plan, random: &mut Random, at: Time, (node, peer): (u8, u8), script: &mut Script) {
    let one = Slot { node, place: place(plan, random) };
    let other = Slot { node: peer, place: place(plan, random) };
    let lasts = random.wide(1, 400_000);
    for _ in 0..random.range(2, 12) {
        let (who, whom) = if random.chance(600) { (one, other) } else { (other, one) };
        let (does, dice) = (does(random), random.u64());
        script.push((at + random.below(lasts), Act::Process { who, whom, does, dice }));
    }
}

fn does(random: &mut Random) -> Does {
    match random.below(100) {
        0..15 => Does::Send { bytes: length(random) },
        15..23 => Does::Call { bytes: length(random) },
        23..25 => Does::CallNamed { bytes: length(random) },
        25..27 => Does::SendNamed,
        27..28 => Does::SendNamedTerm,
        28..29 => Does::MonitorNamed,
        29..32 => Does::SendTerm,
        32..50 => Does::Link,
        50..65 => Does::Unlink,
        65..78 => Does::Monitor,
        78..86 => Does::Demonitor,
        86..88 => Does::Exit,
        88..97 => Does::End,
        _ => Does::Trap,
    }
}

/// Bytes of a message: mostly few.
fn length(random: &mut Random) -> u32 {
    let bytes = if random.chance(30) { random.wide(1_000, 300_000) } else { random.wide(1, 400) };
    bytes as u32
}

fn fault(plan: &Plan, random: &mut Random, node: u8, peer: u8) -> Act {
    let dice = random.u64();
    match random.below(100) {
        0..24 => Act::Cut { node, peer, dice },
        24..34 => Act::Silence { node, peer, dice },
        34..44 => Act::Stall { node, peer, time: random.wide(1_000, 100 * SECOND), dice },
        44..52 => Act::Slow { node, peer, dice },
        52..64 => Act::Restart { node, down: random.wide(1_000, 20 * SECOND), dice },
        64..70 => hold_up(random, node),
        70..78 => Act::MassEnd { node, permille: random.range(50, 1_000) as u16, dice },
        78..88 => Act::BothDial { node, peer },
        88..97 => Act::Disconnect { node, peer },
        _ => {
            let who = Slot { node, place: place(plan, random) };
            let whom = Slot { node: peer, place: place(plan, random) };
            // Sometimes more than a queue holds.
            let (count, bytes) =
                if random.chance(60) { (12, 1 << 20) } else { (random.wide(5, 60) as u16, 20_000) };
            Act::Flood { who, whom, count, bytes }
        }
    }
}
