//! The models of connections: which bounds are explored.

use super::verdict::Situation as S;

/// How often each thing can still happen, in the whole world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Left {
    pub dials: u8,
    /// A process links with one of the peer, and sends it a message.
    pub acts: u8,
    /// Time goes on.
    pub passes: u8,
    pub cuts: u8,
    /// A stream takes nothing any more, until it does again.
    pub sticks: u8,
    /// A node is held up, until it runs again.
    pub hold_ups: u8,
    pub disconnects: u8,
    pub stops: u8,
    /// A stranger connects.
    pub knocks: u8,
    /// A stranger writes a byte.
    pub trickles: u8,
    /// A node writes what is no frame.
    pub injections: u8,
    /// A program lets go of a name that it keeps connected.
    pub let_gos: u8,
}

impl Left {
    pub const NONE: Self = Self {
        dials: 0,
        acts: 0,
        passes: 0,
        cuts: 0,
        sticks: 0,
        hold_ups: 0,
        disconnects: 0,
        stops: 0,
        knocks: 0,
        trickles: 0,
        injections: 0,
        let_gos: 0,
    };
}

/// A model.
#[derive(Clone, Debug)]
pub struct Bounds {
    pub name: &'static str,
    pub what: &'static str,
    /// For each node which of the names it has.
    pub names: &'static [usize],
    /// The sessions that are up at first, each by the nodes that are initiator and acceptor.
    pub sessions: &'static [[usize; 2]],
    /// The names that nodes keep connected, each by the node and the other one.
    pub kept: &'static [[usize; 2]],
    /// The seconds that time can go on for at once, as far as nothing happens.
    pub spans: &'static [u64],
    pub handshakes_max: usize,
    pub left: Left,
    pub small: Left,
    pub deep: Left,
    pub reaches: &'static [S],
}

const NONE: Left = Left::NONE;

const MODEL: Bounds = Bounds {
    name: "",
    what: "",
    names: &[0, 1],
    sessions: &[],
    kept: &[],
    spans: &[100],
    handshakes_max: 2,
    left: NONE,
    small: NONE,
    deep: NONE,
    reaches: &[],
};

/// The models that are explored on each change.
pub const MODELS: &[Bounds] = &[
    Bounds {
        name: "meetings",
        what: "two endpoints dial each other, at once and again, while connections break",
        left: Left { dials: 3, acts: 1, cuts: 1, passes: 1, ..NONE },
        small: Left { dials: 3, cuts: 1, passes: 1, ..NONE },
        deep: Left { dials: 4, acts: 1, cuts: 2, passes: 2, ..NONE },
        reaches: &[S::Crossed, S::Probed, S::Spared, S::Refused, S::GaveWay, S::Silent, S::LateAck],
        ..MODEL
    },
    Bounds {
        name: "orders",
        what: "sessions are ended in order, nodes stop, and one writes what is no frame",
        sessions: &[[0, 1]],
        left: Left {
            dials: 1,
            acts: 1,
            disconnects: 1,
            stops: 1,
            sticks: 1,
            injections: 1,
            passes: 1,
            ..NONE
        },
        small: Left { dials: 1, acts: 1, disconnects: 1, stops: 1, sticks: 1, passes: 1, ..NONE },
        deep: Left {
            dials: 2,
            acts: 2,
            disconnects: 2,
            stops: 1,
            sticks: 1,
            injections: 1,
            passes: 2,
            ..NONE
        },
        reaches: &[S::Closed, S::ProtocolError, S::OutOfPatience],
        ..MODEL
    },
    Bounds {
        name: "silence",
        what: "nodes are held up, before a session and while it is idle, streams stick, and time goes on",
        spans: &[5, 70],
        left: Left { dials: 1, hold_ups: 2, sticks: 1, passes: 3, ..NONE },
        small: Left { dials: 1, hold_ups: 2, sticks: 1, passes: 3, ..NONE },
        deep: Left { dials: 1, acts: 2, hold_ups: 2, cuts: 1, sticks: 2, passes: 5, ..NONE },
        reaches: &[S::Answered, S::Silent, S::Stuck, S::HeldUp],
        ..MODEL
    },
    Bounds {
        name: "strangers",
        what: "strangers take places and say a byte now and then, while a node dials",
        spans: &[3, 100],
        left: Left { dials: 1, knocks: 2, trickles: 1, passes: 3, ..NONE },
        small: Left { dials: 1, knocks: 2, trickles: 1, passes: 3, ..NONE },
        deep: Left { dials: 1, knocks: 3, trickles: 2, hold_ups: 1, passes: 3, ..NONE },
        handshakes_max: 1,
        reaches: &[S::LostItsPlace, S::LateHandshake],
        ..MODEL
    },
    Bounds {
        name: "namesakes",
        what: "two nodes of one name take each other's place at a third",
        names: &[0, 1, 0],
        left: Left { dials: 3, acts: 1, passes: 1, ..NONE },
        small: Left { dials: 3, ..NONE },
        deep: Left { dials: 4, acts: 1, cuts: 1, passes: 2, ..NONE },
        reaches: &[S::Replaced, S::Later],
        ..MODEL
    },
    Bounds {
        name: "three",
        what: "three endpoints, each of which has sessions with both others",
        names: &[0, 1, 2],
        left: Left { dials: 3, ..NONE },
        small: Left { dials: 2, ..NONE },
        deep: Left { dials: 4, disconnects: 1, ..NONE },
        reaches: &[S::Crossed],
        ..MODEL
    },
    Bounds {
        name: "kept",
        what: "two endpoints keep each other connected, while connections break and names are let go of",
        kept: &[[0, 1], [1, 0]],
        left: Left { cuts: 1, let_gos: 1, passes: 1, ..NONE },
        small: Left { cuts: 1, let_gos: 1, passes: 1, ..NONE },
        deep: Left { dials: 1, cuts: 3, disconnects: 2, let_gos: 2, passes: 3, ..NONE },
        reaches: &[S::Crossed, S::KeptAgain, S::LetGo],
        ..MODEL
    },
    Bounds {
        name: "kept-hub",
        what: "two endpoints keep a third one connected, while connections break",
        names: &[0, 1, 2],
        kept: &[[0, 1], [2, 1]],
        left: Left { cuts: 1, passes: 1, ..NONE },
        small: Left { cuts: 1, passes: 1, ..NONE },
        deep: Left { cuts: 2, hold_ups: 1, disconnects: 1, stops: 1, passes: 3, ..NONE },
        reaches: &[S::KeptAgain],
        ..MODEL
    },
];
