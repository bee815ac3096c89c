//! The rows of tables and charts, and the aims of ours.

use crate::case::Point;

/// Rows that are compared in one unit: a table, and a chart of bars.
#[derive(Debug)]
pub(crate) struct Group {
    /// The name of its chart.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) better: Better,
    pub(crate) rows: &'static [Row],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    More,
    Less,
}

impl Better {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::More => "more is better",
            Self::Less => "less is better",
        }
    }
}

/// One value of one case.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) case: &'static str,
    pub(crate) point: Point,
    /// The name under which the side program gives it.
    pub(crate) value: &'static str,
    pub(crate) title: &'static str,
    pub(crate) aim: Aim,
}

/// The aim of ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Aim {
    None,
    /// So much in the unit in which the value is given.
    Value(f64),
    /// So many times what this system comes to in the same round.
    Times(f64, &'static str),
}

const fn row(case: &'static str, threads: usize, value: &'static str, title: &'static str, aim: Aim) -> Row {
    Row { case, point: Point::threads(threads), value, title, aim }
}

/// All of them, in the order of the tables.
pub(crate) const GROUPS: &[Group] = &[
    Group {
        name: "rates",
        title: "Messages, and ends of processes, a second",
        better: Better::More,
        rows: &[
            row(
                "oneway-64",
                0,
                "messages_per_s",
                "64 B one way, between two processes",
                Aim::Times(2.0, "floor"),
            ),
            row("oneway-64", 2, "messages_per_s", "the same, two threads each", Aim::None),
            row(
                "local-oneway",
                0,
                "messages_per_s",
                "32 B one way, within one process",
                Aim::Times(0.8, "floor"),
            ),
            row("local-oneway", 2, "messages_per_s", "the same, two threads", Aim::Times(0.88, "floor")),
            row("pairs", 0, "exits_per_s", "exits of 100 000 linked pairs", Aim::Times(1.0, "floor")),
        ],
    },
    Group {
        name: "streams",
        title: "Long messages, between two processes",
        better: Better::More,
        rows: &[
            row("oneway-16k", 0, "mb_per_s", "16 KiB one way", Aim::Times(0.9, "stream")),
            row("delay", 0, "whole_mb_per_s", "16 MiB one way, whole, beside exit signals", Aim::None),
            row("delay", 0, "pieces_mb_per_s", "the same in fragments", Aim::None),
        ],
    },
    Group {
        name: "trips",
        title: "There and back",
        better: Better::Less,
        rows: &[
            row(
                "pingpong-1core",
                0,
                "p50_us",
                "64 B, both processes on one core, median",
                Aim::Times(1.05, "stream"),
            ),
            row("pingpong-1core", 0, "p99_us", "the same, 99 of 100", Aim::None),
            row("pingpong-1core", 0, "p999_us", "the same, 999 of 1 000", Aim::None),
            row("pingpong-2cores", 0, "p50_us", "64 B, on two cores, median", Aim::Times(1.0, "floor")),
            row("pingpong-2cores", 0, "p99_us", "the same, 99 of 100", Aim::None),
            row("pingpong-2cores", 0, "p999_us", "the same, 999 of 1 000", Aim::None),
            row("call", 0, "p50_us", "a call and its reply, on two cores, median", Aim::None),
            row("call", 2, "p50_us", "the same, two threads each", Aim::None),
            row("local-pingpong", 0, "mean_us", "32 B within one process, mean", Aim::Times(1.25, "floor")),
            row("local-pingpong", 2, "mean_us", "the same, two threads", Aim::Times(1.6, "floor")),
        ],
    },
    Group {
        name: "processors",
        title: "Processor time",
        better: Better::Less,
        rows: &[
            row("oneway-64", 0, "driver_cpu_ns", "a message of 64 B, its sender", Aim::Value(100.0)),
            row("oneway-64", 0, "server_cpu_ns", "the same, its receiver", Aim::Value(100.0)),
            row("oneway-16k", 0, "driver_cpu_ns", "a message of 16 KiB, its sender", Aim::None),
            row("oneway-16k", 0, "server_cpu_ns", "the same, its receiver", Aim::None),
            row("pairs", 0, "driver_cpu_ns", "an exit, on the side that ends", Aim::Value(700.0)),
            row("local-spawn", 0, "spawn_ns", "start of a process (wall time)", Aim::Value(500.0)),
            row("local-spawn", 2, "spawn_ns", "the same, two threads", Aim::Value(900.0)),
        ],
    },
    Group {
        name: "memory",
        title: "Memory",
        better: Better::Less,
        rows: &[
            row("local-idle", 0, "process_bytes", "an idle process", Aim::Value(512.0)),
            row(
                "pairs",
                0,
                "driver_bytes",
                "a process with one link, on the linking side",
                Aim::Value(700.0),
            ),
            row("pairs", 0, "server_bytes", "the same, on the linked side", Aim::Value(600.0)),
            row("idle", 0, "session_kib", "an idle session", Aim::None),
            row("oneway-64", 0, "driver_peak_mib", "64 B one way, peak of the sender's process", Aim::None),
            row("oneway-64", 0, "server_peak_mib", "the same, of the receiver's", Aim::None),
        ],
    },
    Group {
        name: "signals",
        title: "Signals",
        better: Better::Less,
        rows: &[
            row(
                "disconnect",
                0,
                "disconnect_ms",
                "100 000 monitors told of a disconnect",
                Aim::Times(0.8, "floor"),
            ),
            row("loss", 0, "alone_ms", "a node with 1 000 links lost", Aim::None),
            row("loss", 0, "crowded_ms", "the same beside 1 000 000 processes", Aim::None),
            row("loss", 0, "alone_cpu_ms", "a node with 1 000 links lost, processor time", Aim::None),
            row("loss", 0, "crowded_cpu_ms", "the same beside 1 000 000 processes", Aim::None),
            row(
                "delay",
                0,
                "whole_p50_ms",
                "exit to its signal beside 16 MiB messages, whole, median",
                Aim::None,
            ),
            row("delay", 0, "whole_p99_ms", "the same, 99 of 100", Aim::None),
            row("delay", 0, "whole_max_ms", "the same, longest", Aim::None),
            row(
                "delay",
                0,
                "pieces_p50_ms",
                "exit to its signal beside the same in fragments, median",
                Aim::None,
            ),
            row("delay", 0, "pieces_p99_ms", "the same, 99 of 100", Aim::None),
            row("delay", 0, "pieces_max_ms", "the same, longest", Aim::None),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::CASES;
    use crate::system::SYSTEMS;
    use crate::unit::Unit;

    #[test]
    fn each_row_is_of_a_case_that_is_run_and_of_its_groups_unit() {
        for group in GROUPS {
            let (unit, _) = Unit::of(group.rows[0].value);
            for row in group.rows {
                let case = CASES.iter().find(|case| case.name == row.case).expect(row.case);
                assert!(case.points.contains(&row.point), "{} {:?}", row.case, row.point);
                assert_eq!(Unit::of(row.value).0, unit, "{} {}", group.name, row.value);
                if let Aim::Times(_, system) = row.aim {
                    assert!(SYSTEMS.iter().any(|known| known.name == system), "{system}");
                }
            }
        }
    }
}
