//! What programs and misfortune do, and when: written before the run, so that parts of it can be left out.
//!
//! A script is scenes: two processes of two nodes do a few things to each other within a time in which their frames
//! cross, and something may break meanwhile.

use std::fmt;

use snow_dist_codec::handshake::Capabilities;
use snow_dist_runtime::core::handshake::Bounds;
use snow_dist_runtime::core::limits::{HANDSHAKE_DEADLINE, KEEP_PAUSE_MAX};

use crate::oracle::{GLOBALS, GROUPS};
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

/// What a program does with a global name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OfName {
    Register,
    /// Whoever of the node has it.
    TakeBack,
    LookUp,
}

/// What a program does with a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OfGroup {
    Join,
    /// One of its members on the node.
    Leave,
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
    Name {
        who: Slot,
        does: OfName,
        name: u8,
        dice: u64,
    },
    Group {
        who: Slot,
        does: OfGroup,
        group: u8,
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
    /// Nodes of two sides, a bit for each, do not reach each other.
    Part {
        sides: u64,
        time: Time,
    },
    /// The mesh must be complete by now. What disturbed it last was over at that time.
    Complete {
        since: Time,
    },
}

impl Act {
    /// Whether processes do it.
    const fn is_of_programs(&self) -> bool {
        matches!(self, Self::Process { .. } | Self::Name { .. } | Self::Group { .. })
    }
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
    // The nodes of a mesh find each other.
    for &(node, peer) in plan.edges.iter().filter(|_| !plan.is_mesh) {
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
            // Somebody wants the session again; in a mesh nobody need say so.
            if !plan.is_mesh {
                script.push((within + random.below(5 * SECOND), Act::Dial { node: peer, peer: node }));
            }
        }
    }
    for _ in 0..random.range(1, plan.nodes.len() as u64) {
        let node = random.index(plan.nodes.len()) as u8;
        script.push((random.below(plan.span), hold_up(random, node)));
    }
    script.sort_by_key(|(at, _)| *at);
    script
}

/// What programs do with global names and groups, beside all else.
pub(crate) fn write_names(plan: &Plan, random: &mut Random, script: &mut Script) {
    for _ in 0..plan.scenes / SCENES_FOR_A_NAME {
        let (at, dice) = (random.below(plan.span), random.u64());
        let who = Slot { node: random.index(plan.nodes.len()) as u8, place: place(plan, random) };
        let (name, group) = (random.below(GLOBALS.into()) as u8, random.below(GROUPS.into()) as u8);
        script.push((
            at,
            match random.below(100) {
                0..35 => Act::Name { who, does: OfName::Register, name, dice },
                35..45 => Act::Name { who, does: OfName::TakeBack, name, dice },
                45..60 => Act::Name { who, does: OfName::LookUp, name, dice },
                60..85 => Act::Group { who, does: OfGroup::Join, group, dice },
                _ => Act::Group { who, does: OfGroup::Leave, group, dice },
            },
        ));
    }
    script.sort_by_key(|(at, _)| *at);
}

/// Before a cut ends, processes on both sides of it claim each name: whoever does so last still has it when the sides meet.
fn write_claims(plan: &Plan, random: &mut Random, end: Time, script: &mut Script) {
    for name in 0..GLOBALS {
        for node in 0..plan.nodes.len() as u8 {
            let (who, dice) = (Slot { node, place: place(plan, random) }, random.u64());
            let before = random.range(1, 20 * SECOND);
            script.push((end - before, Act::Name { who, does: OfName::Register, name, dice }));
        }
    }
}

/// Scenes for each thing that is done with a global name or a group.
const SCENES_FOR_A_NAME: usize = 4;

/// A mesh forms, is cut in halves for two minutes, and loses half of its nodes, which come back: each time it must be complete
/// again soon, and agree on names and groups. Meanwhile processes have to do with each other. Nobody does anything just before
/// it is asked, or there would always be something on its way.
pub(crate) fn write_mesh(plan: &mut Plan, random: &mut Random, of_names: &mut Random) -> Script {
    const CUT: Time = 60 * SECOND;
    const CUT_LASTS: Time = 120 * SECOND;
    const QUIET: Time = 8 * SECOND;
    const RESTARTS: Time = 240 * SECOND;
    const DOWN_MAX: Time = 10 * SECOND;
    plan.span = 330 * SECOND;
    // All of them have groups, and a place for whoever watches another server.
    for node in &mut plan.nodes {
        node.capabilities = node.capabilities.union(Capabilities::NAMES);
        node.bounds.links_and_monitors = Bounds::default().links_and_monitors;
    }
    plan.be_quick();
    let mut script = Vec::new();
    for _ in 0..plan.scenes {
        let at = random.below(plan.span);
        let edge = edge(plan, random);
        scene(plan, random, at, edge, &mut script);
    }
    write_names(plan, of_names, &mut script);
    write_claims(plan, of_names, CUT + CUT_LASTS, &mut script);
    script.push((CUT, Act::Part { sides: u64::MAX / 3, time: CUT_LASTS }));
    let mut back = RESTARTS;
    for node in 0..plan.nodes.len() as u8 {
        if random.chance(500) {
            let (at, down) = (RESTARTS + random.below(SECOND), random.wide(1_000, DOWN_MAX));
            back = back.max(at + down);
            // With a word to the peers: who is gone without one is missed when its silence is noticed.
            script.push((at, Act::Restart { node, down, dice: random.u64() | 1 }));
        }
    }
    for since in [0, CUT + CUT_LASTS, back] {
        let asked = since + COMPLETE_WITHIN;
        script.retain(|(at, act)| !(asked - QUIET..asked).contains(at) || !act.is_of_programs());
        script.push((asked, Act::Complete { since }));
    }
    script.sort_by_key(|(at, _)| *at);
    script
}

/// One back-off, and what a handshake may take.
const COMPLETE_WITHIN: Time = (KEEP_PAUSE_MAX.as_secs() + HANDSHAKE_DEADLINE.as_secs()) * SECOND;

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
        // Who says goodbye is not dialled again because of peer lists.
        88..97 if plan.is_mesh => Act::Part { sides: dice, time: random.wide(SECOND, 150 * SECOND) },
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
