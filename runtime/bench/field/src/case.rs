//! The measurements: their names for side programs, and the numbers of threads and sizes with which each is run.

use serde::{Deserialize, Serialize};

/// One measurement.
#[derive(Debug)]
pub(crate) struct Case {
    /// The name that a side program is given.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) sides: Sides,
    /// The ways in which it is run; each is measured in each round.
    pub(crate) points: &'static [Point],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Between two processes of the system.
    Between,
    /// Within one process of the system.
    Within,
    /// The growth of a cost.
    Curve,
}

impl Kind {
    /// All of them, by the names which select them.
    pub(crate) const ALL: [(&'static str, Self); 3] =
        [("between", Self::Between), ("within", Self::Within), ("curves", Self::Curve)];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sides {
    /// One process measures itself.
    Alone,
    /// A server and a driver, which measures; the core of each where it has one thread.
    Pair { driver: usize, server: usize },
}

/// One way to run a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Point {
    /// Threads of each process's runtime on whatever cores the system gives it; 0: one thread, which stays on its core.
    pub(crate) threads: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pairs: Option<u64>,
}

impl Point {
    pub(crate) const fn threads(threads: usize) -> Self {
        Self { threads, size: None, pairs: None }
    }
}

const fn size(size: u64) -> Point {
    Point { threads: 0, size: Some(size), pairs: None }
}

const fn pairs(threads: usize, size: u64, pairs: u64) -> Point {
    Point { threads, size: Some(size), pairs: Some(pairs) }
}

const ONE: &[Point] = &[Point::threads(0)];
const ONE_AND_TWO: &[Point] = &[Point::threads(0), Point::threads(2)];
const TWO_CORES: Sides = Sides::Pair { driver: 0, server: 1 };
const ONE_CORE: Sides = Sides::Pair { driver: 0, server: 0 };

const fn between(name: &'static str, sides: Sides, points: &'static [Point]) -> Case {
    Case { name, kind: Kind::Between, sides, points }
}

const fn within(name: &'static str) -> Case {
    Case { name, kind: Kind::Within, sides: Sides::Alone, points: ONE_AND_TWO }
}

const fn curve(name: &'static str, sides: Sides, points: &'static [Point]) -> Case {
    Case { name, kind: Kind::Curve, sides, points }
}

/// All of them, in the order in which a round makes them.
pub(crate) const CASES: &[Case] = &[
    between("oneway-64", TWO_CORES, ONE_AND_TWO),
    between("oneway-16k", TWO_CORES, ONE),
    between("pingpong-1core", ONE_CORE, ONE),
    between("pingpong-2cores", TWO_CORES, ONE),
    between("call", TWO_CORES, ONE_AND_TWO),
    between("pairs", TWO_CORES, ONE),
    between("disconnect", TWO_CORES, ONE),
    between("loss", TWO_CORES, ONE),
    between("delay", TWO_CORES, ONE),
    between("idle", TWO_CORES, ONE),
    within("local-oneway"),
    within("local-pingpong"),
    within("local-spawn"),
    within("local-idle"),
    curve(
        "cores",
        TWO_CORES,
        &[
            pairs(1, 1, 1),
            pairs(1, 1, 2),
            pairs(1, 1, 4),
            pairs(1, 1, 8),
            pairs(2, 2, 1),
            pairs(2, 2, 2),
            pairs(2, 2, 4),
            pairs(2, 2, 8),
        ],
    ),
    curve(
        "sessions",
        TWO_CORES,
        &[
            pairs(0, 1, 1),
            pairs(0, 8, 1),
            pairs(0, 64, 1),
            pairs(0, 1, 8),
            pairs(0, 8, 8),
            pairs(0, 64, 8),
            pairs(0, 1, 64),
            pairs(0, 8, 64),
            pairs(0, 64, 64),
        ],
    ),
    curve("fan-in", TWO_CORES, &[size(1), size(100), size(10_000), size(100_000)]),
    curve("storm", TWO_CORES, &[size(10), size(100), size(1_000)]),
    curve("idle-sessions", TWO_CORES, &[size(100), size(1_000), size(10_000)]),
    curve("mesh", Sides::Alone, &[size(10), size(50), size(200)]),
    curve("tail", TWO_CORES, &[size(0), size(64 << 10), size(1 << 20), size(16 << 20)]),
    curve("selective", Sides::Alone, &[size(0), size(100), size(10_000), size(100_000)]),
    curve("calls", TWO_CORES, &[size(1), size(16), size(256)]),
];

/// The cases that a name selects: one of them, or all of a kind.
pub(crate) fn named(name: &str) -> impl Iterator<Item = &'static Case> {
    let kind = Kind::ALL.iter().find(|(of_kind, _)| *of_kind == name).map(|(_, kind)| *kind);
    CASES.iter().filter(move |case| case.name == name || Some(case.kind) == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_selects_a_case_or_all_of_a_kind() {
        let names = |name| named(name).map(|case| case.name).collect::<Vec<_>>();
        assert_eq!(names("pairs"), ["pairs"]);
        assert_eq!(names("within"), ["local-oneway", "local-pingpong", "local-spawn", "local-idle"]);
        assert!(names("unknown").is_empty());
    }

    #[test]
    fn no_case_and_no_point_is_there_twice() {
        for (at, case) in CASES.iter().enumerate() {
            assert!(CASES[..at].iter().all(|other| other.name != case.name), "{}", case.name);
            let mut points = case.points.to_vec();
            points.sort();
            points.dedup();
            assert_eq!(points.len(), case.points.len(), "{}", case.name);
        }
    }
}
