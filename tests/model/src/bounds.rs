//! The bounds of a model: what there is, and how often each thing can happen.

use snow_dist_codec::handshake::Capabilities;

use crate::verdict::{Broken, Situation};

/// How often each thing can still happen, in the whole world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Left {
    pub links: u8,
    pub unlinks: u8,
    pub monitors: u8,
    pub demonitors: u8,
    pub calls: u8,
    /// Calls and monitors of whoever has the name.
    pub named_calls: u8,
    pub named_monitors: u8,
    /// Calls that are handed on to another process, and calls that are dropped without a reply.
    pub delegations: u8,
    pub drops: u8,
    /// The name goes to another process.
    pub renames: u8,
    /// Requests for processes of the second node, of which one is started: its second process.
    pub spawns: u8,
    pub sends: u8,
    /// Processes that are not there at first, and start: only the first of the second node.
    pub starts: u8,
    pub exits: u8,
    pub dials: u8,
    pub cuts: u8,
    pub restarts: u8,
    pub injections: u8,
}

impl Left {
    pub const NONE: Self = Self {
        links: 0,
        unlinks: 0,
        monitors: 0,
        demonitors: 0,
        calls: 0,
        named_calls: 0,
        named_monitors: 0,
        delegations: 0,
        drops: 0,
        renames: 0,
        spawns: 0,
        sends: 0,
        starts: 0,
        exits: 0,
        dials: 0,
        cuts: 0,
        restarts: 0,
        injections: 0,
    };
}

/// A model.
#[derive(Clone, Debug)]
pub struct Bounds {
    pub name: &'static str,
    pub what: &'static str,
    pub nodes: usize,
    /// The sessions that are up at first, each by initiator and acceptor.
    pub sessions: &'static [[usize; 2]],
    pub left: Left,
    /// With `--small`: in a second, for the mutants.
    pub small: Left,
    /// With `--deep`: in minutes.
    pub deep: Left,
    /// Only this node dials, or is restarted; any, if it is not said.
    pub dialler: Option<usize>,
    pub restarting: Option<usize>,
    /// Exit signals do not end processes.
    pub traps: bool,
    /// All starts of a node have the same creation.
    pub equal_creations: bool,
    /// A session learns of a process's end, and processes of a session's, in steps of their own.
    pub late: bool,
    pub links_and_monitors_max: u32,
    /// Calls that a process holds for a peer before its mailbox takes no more.
    pub requests_max: usize,
    /// Process 1 of the second node has a name at first.
    pub has_name: bool,
    /// What every node announces.
    pub capabilities: Capabilities,
    /// Unlinks are those of version 1: UNLINK, and no acknowledgement.
    pub version_1: bool,
    /// The property that falls, if one does.
    pub falls: Option<Broken>,
    /// What must have come about.
    pub reaches: &'static [Situation],
}

impl Bounds {
    pub const NONE: Self = Self {
        name: "",
        what: "",
        nodes: 2,
        sessions: &[[0, 1]],
        left: Left::NONE,
        small: Left::NONE,
        deep: Left::NONE,
        dialler: None,
        restarting: None,
        traps: true,
        equal_creations: false,
        late: false,
        links_and_monitors_max: 100,
        requests_max: usize::MAX,
        has_name: false,
        capabilities: Capabilities::NONE,
        version_1: false,
        falls: None,
        reaches: &[],
    };
}
