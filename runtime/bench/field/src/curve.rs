//! The curves that are shown, and the sizes over which they grow.

use crate::case::Point;
use crate::row::Better;
use crate::unit;

/// A chart of lines, and a table.
#[derive(Debug)]
pub(crate) struct Curve {
    /// The name of its chart.
    pub(crate) name: &'static str,
    pub(crate) case: &'static str,
    pub(crate) title: &'static str,
    pub(crate) better: Better,
    pub(crate) over: Over,
    /// What the points say beside that over which the curve goes.
    pub(crate) beside: Beside,
    /// Values, all in one unit, and what each is.
    pub(crate) values: &'static [(&'static str, &'static str)],
}

/// The size over which the curve goes, in words.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Over {
    Size(&'static str),
    Length(&'static str),
    Pairs(&'static str),
}

impl Over {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Size(words) | Self::Length(words) | Self::Pairs(words) => words,
        }
    }

    /// Returns the place of a point.
    pub(crate) fn at(self, point: Point) -> u64 {
        match self {
            Self::Pairs(_) => point.pairs,
            Self::Size(_) | Self::Length(_) => point.size,
        }
        .unwrap_or_default()
    }

    pub(crate) fn label(self, at: u64) -> String {
        match self {
            Self::Length(_) => unit::length(at),
            Self::Size(_) | Self::Pairs(_) => unit::count(at),
        }
    }
}

/// What tells the lines of one value and one system apart.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Beside {
    Nothing,
    Threads,
    Pairs,
}

impl Beside {
    pub(crate) fn of(self, point: Point) -> Option<String> {
        let (count, one, many) = match self {
            Self::Nothing => return None,
            Self::Threads => (point.threads as u64, "thread", "threads"),
            Self::Pairs => (point.pairs.unwrap_or_default(), "pair", "pairs"),
        };
        Some(format!("{count} {}", if count == 1 { one } else { many }))
    }
}

/// All of them, in the order of the tables.
pub(crate) const CURVES: &[Curve] = &[
    Curve {
        name: "cores",
        case: "cores",
        title: "Messages of 64 B a second in one session, all pairs together",
        better: Better::More,
        over: Over::Pairs("pairs of a sender and a receiver"),
        beside: Beside::Threads,
        values: &[("messages_per_s", "")],
    },
    Curve {
        name: "sessions",
        case: "sessions",
        title: "Messages of 64 B a second, all sessions together",
        better: Better::More,
        over: Over::Size("sessions"),
        beside: Beside::Pairs,
        values: &[("messages_per_s", "")],
    },
    Curve {
        name: "sessions-senders",
        case: "sessions",
        title: "Processor time of a message at its sender, by sessions",
        better: Better::Less,
        over: Over::Size("sessions"),
        beside: Beside::Pairs,
        values: &[("driver_cpu_ns", "")],
    },
    Curve {
        name: "sessions-receivers",
        case: "sessions",
        title: "Processor time of a message at its receiver, by sessions",
        better: Better::Less,
        over: Over::Size("sessions"),
        beside: Beside::Pairs,
        values: &[("server_cpu_ns", "")],
    },
    Curve {
        name: "sessions-fairness",
        case: "sessions",
        title: "Messages of the slowest pair, of the mean",
        better: Better::More,
        over: Over::Size("sessions"),
        beside: Beside::Pairs,
        values: &[("fairness", "")],
    },
    Curve {
        name: "fan-in",
        case: "fan-in",
        title: "Exits a second to one process which traps them",
        better: Better::More,
        over: Over::Size("processes that are linked to it"),
        beside: Beside::Nothing,
        values: &[("exits_per_s", "")],
    },
    Curve {
        name: "fan-in-processors",
        case: "fan-in",
        title: "Processor time of an exit to one process which traps it",
        better: Better::Less,
        over: Over::Size("processes that are linked to it"),
        beside: Beside::Nothing,
        values: &[("driver_cpu_ns", "the side that ends"), ("server_cpu_ns", "the side that traps")],
    },
    Curve {
        name: "storm",
        case: "storm",
        title: "Nodes connect to one at once: until all have a session",
        better: Better::Less,
        over: Over::Size("nodes that connect"),
        beside: Beside::Nothing,
        values: &[("all_up_ms", "all sessions"), ("up_cpu_us", "processor time of one, at the one node")],
    },
    Curve {
        name: "idle-sessions",
        case: "idle-sessions",
        title: "Memory of an idle session",
        better: Better::Less,
        over: Over::Size("sessions of one node"),
        beside: Beside::Nothing,
        values: &[("session_kib", "")],
    },
    Curve {
        name: "idle-sessions-processors",
        case: "idle-sessions",
        title: "Processor time while all sessions are idle, of one core",
        better: Better::Less,
        over: Over::Size("sessions of one node"),
        beside: Beside::Nothing,
        values: &[("cpu_percent", "")],
    },
    Curve {
        name: "mesh",
        case: "mesh",
        title: "Every node has a session with every other one",
        better: Better::Less,
        over: Over::Size("nodes, all on this machine"),
        beside: Beside::Nothing,
        values: &[("complete_ms", "after the last start"), ("again_ms", "after half were started again")],
    },
    Curve {
        name: "mesh-memory",
        case: "mesh",
        title: "Memory of an end of a session in a mesh, nodes included",
        better: Better::Less,
        over: Over::Size("nodes, all on this machine"),
        beside: Beside::Nothing,
        values: &[("session_kib", "")],
    },
    Curve {
        name: "mesh-processors",
        case: "mesh",
        title: "Processor time of an idle mesh, of one core",
        better: Better::Less,
        over: Over::Size("nodes, all on this machine"),
        beside: Beside::Nothing,
        values: &[("idle_cpu_percent", "")],
    },
    Curve {
        name: "tail",
        case: "tail",
        title: "Ping-pong of 64 B while 1 GiB flows in long messages",
        better: Better::Less,
        over: Over::Length("length of a long message"),
        beside: Beside::Nothing,
        values: &[("p50_us", "median"), ("p99_us", "99 of 100"), ("p999_us", "999 of 1 000")],
    },
    Curve {
        name: "tail-stream",
        case: "tail",
        title: "The long messages beside that ping-pong",
        better: Better::More,
        over: Over::Length("length of a long message"),
        beside: Beside::Nothing,
        values: &[("mb_per_s", "")],
    },
    Curve {
        name: "selective",
        case: "selective",
        title: "A question and its answer while others wait in the mailbox",
        better: Better::Less,
        over: Over::Size("messages that wait"),
        beside: Beside::Nothing,
        values: &[("ns", "recv_where"), ("select_ns", "select_from_now")],
    },
    Curve {
        name: "calls",
        case: "calls",
        title: "Calls a second",
        better: Better::More,
        over: Over::Size("calls at once"),
        beside: Beside::Nothing,
        values: &[("calls_per_s", "")],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{CASES, Kind};
    use crate::unit::Unit;

    #[test]
    fn each_curve_is_of_a_case_and_in_one_unit_and_no_case_is_left_out() {
        for curve in CURVES {
            assert!(CASES.iter().any(|case| case.name == curve.case), "{}", curve.name);
            let units = curve.values.iter().map(|(value, _)| Unit::of(value).0);
            assert!(units.eq(curve.values.iter().map(|_| Unit::of(curve.values[0].0).0)), "{}", curve.name);
        }
        for case in CASES.iter().filter(|case| case.kind == Kind::Curve) {
            assert!(CURVES.iter().any(|curve| curve.case == case.name), "{}", case.name);
        }
    }

    #[test]
    fn a_point_of_zero_says_so_in_the_words_of_its_curve() {
        assert_eq!(Over::Size("").label(0), "0");
        assert_eq!(Over::Length("").label(0), "none");
        let point = Point { threads: 1, size: Some(1), pairs: Some(8) };
        assert_eq!(Beside::Threads.of(point).as_deref(), Some("1 thread"));
        assert_eq!(Beside::Pairs.of(point).as_deref(), Some("8 pairs"));
        assert_eq!(Over::Pairs("").at(point), 8);
    }
}
