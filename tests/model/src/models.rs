//! The models: which bounds are explored.

use snow_dist_codec::handshake::Capabilities;

use crate::bounds::{Bounds, Left};
use crate::verdict::{Broken, Situation as S};

const NONE: Left = Left::NONE;
const CALLS: Capabilities = Capabilities::CALLS;

/// The models that are explored on each change.
pub const MODELS: &[Bounds] = &[
    Bounds {
        name: "links",
        what: "two processes on each of two nodes link, unlink and end",
        left: Left { links: 3, unlinks: 2, exits: 1, ..NONE },
        small: Left { links: 2, unlinks: 2, exits: 1, ..NONE },
        deep: Left { links: 3, unlinks: 3, exits: 1, ..NONE },
        reaches: &[
            S::LinkMeetsUnlink,
            S::LinksCross,
            S::UnlinksCross,
            S::ExitMeetsUnlink,
            S::Relinked,
            S::OldAck,
            S::LinkToDead,
        ],
        ..Bounds::NONE
    },
    Bounds {
        name: "starts",
        what: "processes link with one that is not there, which starts; the peer's bound is one",
        left: Left { links: 3, unlinks: 2, starts: 1, exits: 1, ..NONE },
        small: Left { links: 3, unlinks: 2, starts: 1, ..NONE },
        deep: Left { links: 4, unlinks: 3, starts: 1, exits: 1, ..NONE },
        links_and_monitors_max: 1,
        reaches: &[S::LinkToDead, S::ExitMeetsRelink, S::Relinked],
        ..Bounds::NONE
    },
    Bounds {
        name: "monitors",
        what: "two processes on each of two nodes monitor each other, end that, and end",
        left: Left { monitors: 3, demonitors: 1, exits: 2, ..NONE },
        small: Left { monitors: 2, demonitors: 1, exits: 1, ..NONE },
        deep: Left { monitors: 3, demonitors: 2, exits: 2, ..NONE },
        reaches: &[S::MonitorOfDead, S::DemonitorMeetsDown, S::DownVoid],
        ..Bounds::NONE
    },
    Bounds {
        name: "order",
        what: "messages, links, monitors and ends of the same processes",
        left: Left { sends: 2, links: 1, monitors: 1, exits: 1, ..NONE },
        small: Left { sends: 1, links: 1, exits: 1, ..NONE },
        deep: Left { sends: 3, links: 1, monitors: 1, exits: 1, ..NONE },
        reaches: &[S::ExitAfterMessages, S::MessageToDead],
        ..Bounds::NONE
    },
    Bounds {
        name: "cuts",
        what: "links and monitors while a connection is lost and made again",
        left: Left { links: 2, unlinks: 1, exits: 1, cuts: 1, dials: 1, ..NONE },
        small: Left { links: 2, unlinks: 1, monitors: 1, cuts: 1, ..NONE },
        deep: Left { links: 2, unlinks: 1, monitors: 1, exits: 1, cuts: 1, dials: 2, ..NONE },
        reaches: &[
            S::AckOutstandingAtEnd,
            S::CutLosesFrames,
            S::ExitLostByCut,
            S::NextEpoch,
            S::SameStart,
            S::Probed,
        ],
        ..Bounds::NONE
    },
    Bounds {
        name: "dials",
        what: "both nodes dial, connections are lost, and processes link across what comes up",
        sessions: &[],
        left: Left { links: 1, exits: 1, cuts: 2, dials: 3, ..NONE },
        small: Left { links: 1, cuts: 1, dials: 2, ..NONE },
        deep: Left { links: 2, exits: 1, cuts: 2, dials: 3, ..NONE },
        reaches: &[S::TwoSessions, S::Replaced, S::Probed, S::Refused, S::NextEpoch],
        ..Bounds::NONE
    },
    Bounds {
        name: "restarts",
        what: "a node is restarted with the same creation, and pids of its earlier start are still held",
        left: Left { links: 2, sends: 1, restarts: 2, dials: 2, ..NONE },
        small: Left { links: 1, sends: 1, restarts: 1, dials: 1, ..NONE },
        deep: Left { links: 2, unlinks: 1, sends: 2, restarts: 2, dials: 2, ..NONE },
        equal_creations: true,
        reaches: &[S::StalePid, S::StaleEqualCreation, S::NextEpoch, S::Replaced],
        ..Bounds::NONE
    },
    Bounds {
        name: "bound",
        what: "the peer's bound is two links and monitors",
        left: Left { links: 3, unlinks: 2, exits: 1, ..NONE },
        small: Left { links: 3, unlinks: 2, ..NONE },
        deep: Left { links: 3, unlinks: 2, monitors: 2, demonitors: 1, exits: 1, ..NONE },
        links_and_monitors_max: 2,
        reaches: &[S::BoundFull, S::Relinked],
        ..Bounds::NONE
    },
    Bounds {
        name: "full",
        what: "the peer's bound is one link or monitor",
        left: Left { links: 3, unlinks: 2, exits: 1, ..NONE },
        small: Left { links: 2, unlinks: 1, exits: 1, ..NONE },
        deep: Left { links: 3, unlinks: 2, monitors: 2, demonitors: 1, exits: 1, ..NONE },
        links_and_monitors_max: 1,
        reaches: &[S::BoundFull, S::Relinked, S::ExitMeetsUnlink],
        ..Bounds::NONE
    },
    Bounds {
        name: "late",
        what: "sessions learn late of the ends of processes, and processes of those of sessions",
        left: Left { links: 1, unlinks: 1, monitors: 1, exits: 1, cuts: 1, dials: 1, ..NONE },
        small: Left { links: 1, monitors: 1, exits: 1, ..NONE },
        deep: Left { links: 2, unlinks: 1, monitors: 1, exits: 2, cuts: 1, dials: 1, ..NONE },
        late: true,
        reaches: &[S::WhileEnding, S::DeadUntold],
        ..Bounds::NONE
    },
    Bounds {
        name: "chain",
        what: "three nodes in a row; exit signals end processes",
        nodes: 3,
        sessions: &[[0, 1], [1, 2]],
        left: Left { links: 3, exits: 1, cuts: 1, ..NONE },
        small: Left { links: 2, exits: 1, ..NONE },
        deep: Left { links: 3, monitors: 1, exits: 2, cuts: 1, ..NONE },
        traps: false,
        reaches: &[S::Chain, S::ExitMeetsExit, S::UnknownNode],
        ..Bounds::NONE
    },
    Bounds {
        name: "third-nodes",
        what: "the same with node tables, and the first of them is restarted with the same creation",
        nodes: 3,
        sessions: &[[0, 1], [1, 2]],
        left: Left { links: 3, exits: 1, restarts: 1, dials: 1, ..NONE },
        small: Left { links: 2, exits: 1, restarts: 1, dials: 1, ..NONE },
        deep: Left { links: 3, monitors: 1, exits: 2, restarts: 1, dials: 1, ..NONE },
        dialler: Some(0),
        restarting: Some(0),
        traps: false,
        equal_creations: true,
        capabilities: Capabilities::NODE_TABLE,
        reaches: &[S::Chain, S::ThirdNode, S::EarlierStart, S::NextEpoch],
        ..Bounds::NONE
    },
    Bounds {
        name: "foreign",
        what: "one of the nodes writes what it must not",
        left: Left { links: 1, monitors: 1, exits: 1, injections: 1, ..NONE },
        small: Left { links: 1, monitors: 1, injections: 1, ..NONE },
        deep: Left { links: 1, unlinks: 1, monitors: 1, exits: 1, injections: 2, ..NONE },
        reaches: &[S::ForeignIgnored, S::ForeignEnds],
        ..Bounds::NONE
    },
    Bounds {
        name: "calls",
        what: "processes call each other, reply, hand calls on, drop them, give up, and end",
        left: Left { calls: 2, demonitors: 1, delegations: 1, drops: 1, exits: 1, ..NONE },
        small: Left { calls: 1, demonitors: 1, delegations: 1, drops: 1, exits: 1, ..NONE },
        deep: Left { calls: 3, demonitors: 2, delegations: 1, drops: 1, exits: 1, ..NONE },
        requests_max: 1,
        capabilities: CALLS,
        reaches: &[
            S::CallOfDead,
            S::CallFull,
            S::ReplyMeetsGiveUp,
            S::ReasonMeetsGiveUp,
            S::ReplyToWhatIsOver,
            S::Delegated,
            S::CalleeEndsFirst,
            S::Unanswered,
            S::ReplyAfterMessages,
        ],
        ..Bounds::NONE
    },
    Bounds {
        name: "recalls",
        what: "calls while a connection is lost and made again, with the same numbers in the next session",
        left: Left { calls: 2, demonitors: 1, exits: 1, cuts: 1, dials: 1, ..NONE },
        small: Left { calls: 2, cuts: 1, dials: 1, ..NONE },
        deep: Left { calls: 3, demonitors: 1, delegations: 1, exits: 1, cuts: 1, dials: 1, ..NONE },
        capabilities: CALLS,
        reaches: &[S::EarlierSession, S::ReplyToWhatIsOver, S::CutLosesFrames, S::NextEpoch, S::SameStart],
        ..Bounds::NONE
    },
    Bounds {
        name: "beside",
        what: "calls, links and monitors of the same processes; the peer's bound is two",
        left: Left { calls: 1, links: 1, monitors: 1, exits: 1, ..NONE },
        small: Left { calls: 1, monitors: 1, exits: 1, ..NONE },
        deep: Left { calls: 2, sends: 1, links: 1, unlinks: 1, monitors: 1, demonitors: 1, exits: 1, ..NONE },
        links_and_monitors_max: 2,
        capabilities: CALLS,
        reaches: &[S::BoundFull, S::ExitAfterMessages],
        ..Bounds::NONE
    },
    Bounds {
        name: "places",
        what: "calls alone; the peer's bound is two",
        left: Left { calls: 3, demonitors: 1, drops: 1, ..NONE },
        small: Left { calls: 2, demonitors: 1, ..NONE },
        deep: Left { calls: 4, demonitors: 2, delegations: 1, drops: 1, exits: 1, ..NONE },
        links_and_monitors_max: 2,
        capabilities: CALLS,
        reaches: &[S::BoundFull, S::ReplyMeetsGiveUp, S::ReasonMeetsGiveUp, S::Unanswered],
        ..Bounds::NONE
    },
    Bounds {
        name: "names",
        what: "calls and monitors of whoever has a name, which goes to another process, and ends",
        left: Left { named_calls: 1, named_monitors: 1, demonitors: 1, renames: 1, exits: 2, ..NONE },
        small: Left { named_calls: 1, named_monitors: 1, demonitors: 1, renames: 1, exits: 1, ..NONE },
        deep: Left {
            named_calls: 2,
            named_monitors: 1,
            demonitors: 1,
            renames: 1,
            exits: 2,
            cuts: 1,
            ..NONE
        },
        has_name: true,
        capabilities: CALLS.union(Capabilities::NAMES),
        reaches: &[S::NameMoved, S::NoSuchName, S::ReplyMeetsGiveUp, S::ReasonMeetsGiveUp],
        ..Bounds::NONE
    },
    Bounds {
        name: "spawns",
        what: "processes are asked for, free, linked and monitored; requests are given up, and processes end; the bound is two",
        left: Left { spawns: 2, demonitors: 1, exits: 2, cuts: 1, ..NONE },
        small: Left { spawns: 2, demonitors: 1, exits: 1, ..NONE },
        deep: Left { spawns: 3, unlinks: 1, demonitors: 2, exits: 2, cuts: 1, ..NONE },
        links_and_monitors_max: 2,
        capabilities: CALLS,
        reaches: &[S::SpawnRefused, S::AnswerMeetsGiveUp, S::ChildEndsAtOnce, S::LinkToDead],
        ..Bounds::NONE
    },
    Bounds {
        name: "late-calls",
        what: "sessions learn late of the ends of callers and callees, and those of that of a session",
        left: Left { calls: 1, named_calls: 1, delegations: 1, exits: 1, cuts: 1, ..NONE },
        small: Left { calls: 1, delegations: 1, exits: 1, ..NONE },
        deep: Left { calls: 1, named_calls: 1, demonitors: 1, delegations: 1, exits: 2, cuts: 1, ..NONE },
        has_name: true,
        late: true,
        capabilities: CALLS,
        reaches: &[S::WhileEnding, S::DeadUntold, S::CalleeEndsFirst],
        ..Bounds::NONE
    },
    Bounds {
        name: "strange-calls",
        what: "one of the nodes writes of calls and names what it must not",
        left: Left { calls: 1, monitors: 1, named_monitors: 1, injections: 1, ..NONE },
        small: Left { calls: 1, monitors: 1, named_monitors: 1, injections: 1, ..NONE },
        deep: Left { calls: 2, monitors: 1, named_monitors: 1, demonitors: 1, injections: 2, ..NONE },
        has_name: true,
        capabilities: CALLS.union(Capabilities::NAMES),
        reaches: &[S::ForeignIgnored, S::ForeignEnds],
        ..Bounds::NONE
    },
    Bounds {
        name: "version-1",
        what: "unlinks of version 1, which nobody acknowledges",
        left: Left { links: 2, unlinks: 2, ..NONE },
        small: Left { links: 2, unlinks: 2, ..NONE },
        deep: Left { links: 3, unlinks: 3, ..NONE },
        version_1: true,
        falls: Some(Broken::Asymmetric),
        ..Bounds::NONE
    },
];
