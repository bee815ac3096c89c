//! A set of results which tests know. Its numbers were measured nowhere.

use std::collections::BTreeMap;

use crate::case::Point;
use crate::results::{Conditions, Results, Run};
use crate::side::Outcome;

fn run(round: usize, case: &str, point: Point, system: &str, outcome: Outcome) -> Run {
    let (case, system) = (case.to_owned(), system.to_owned());
    Run {
        round,
        case,
        point,
        system,
        seconds: 1.0,
        idle_percent: Some(10.0),
        steal_percent: Some(0.5),
        outcome,
    }
}

fn values(values: &[(&str, f64)]) -> Outcome {
    Outcome::Values(values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect())
}

pub(crate) fn results() -> Results {
    let one = Point::threads(0);
    let mut runs = Vec::new();
    for (round, speed) in [(1, 2.0), (2, 1.0)] {
        for (system, messages) in [("ours", 1.5e6), ("floor", 2e6), ("otp", 0.125e6), ("ractor", 0.25e6)] {
            let messages = messages * speed;
            let measured = values(&[("messages_per_s", messages), ("driver_cpu_ns", 1e9 / messages)]);
            runs.push(run(round, "oneway-64", one, system, measured));
        }
        for (system, bytes) in [("ours", 700.0), ("otp", 2_800.0)] {
            let measured = values(&[("driver_bytes", bytes), ("exits_per_s", 1e6 * speed)]);
            runs.push(run(round, "pairs", one, system, measured));
        }
        for size in [0, 100, 10_000] {
            let point = Point { size: Some(size), ..one };
            let took = 3_000.0 + 8.0 * size as f64;
            let measured = values(&[("ns", took / speed), ("select_ns", 3_100.0 / speed)]);
            runs.push(run(round, "selective", point, "ours", measured));
        }
    }
    runs.push(run(
        1,
        "pairs",
        one,
        "ractor",
        Outcome::Lacks("ractor keeps no links across nodes".to_owned()),
    ));
    runs.push(run(
        1,
        "pairs",
        one,
        "floor",
        Outcome::Failed("the driver ended, exit status: 1: boom".to_owned()),
    ));
    Results {
        conditions: Conditions {
            date: "2026-01-02".to_owned(),
            processor: Some("A processor".to_owned()),
            cores: Some(2),
            memory_bytes: Some(8 << 30),
            ..Conditions::default()
        },
        versions: BTreeMap::from([
            ("ours".to_owned(), "0.1.0".to_owned()),
            ("otp".to_owned(), "OTP 25".to_owned()),
        ]),
        absent: BTreeMap::from([("kameo".to_owned(), "field-kameo cannot be built".to_owned())]),
        runs,
    }
}
