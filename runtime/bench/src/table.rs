//! The table: medians, and the ratio of ours to the floor.

use std::collections::HashMap;

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use crate::case::Case;
use crate::child::System;
use crate::meter::median;
use crate::rounds::{Measured, Results};

struct Row {
    case: Case,
    /// The name under which the driver gives the value.
    value: &'static str,
    title: &'static str,
    /// What ours should come to, as ratio to the floor or in the row's unit.
    aim: &'static str,
}

const fn row(case: Case, value: &'static str, title: &'static str, aim: &'static str) -> Row {
    Row { case, value, title, aim }
}

const ROWS: &[Row] = &[
    row(Case::Oneway64, "messages_per_s", "one way 64 B, messages/s", "ratio ≥ 0.55"),
    row(Case::Oneway64, "driver_cpu_ns", "one way 64 B, sender's CPU, ns/message", ""),
    row(Case::Oneway64, "server_cpu_ns", "one way 64 B, receiver's CPU, ns/message", ""),
    row(Case::Oneway16k, "mb_per_s", "one way 16 KiB, MB/s", "ratio ≥ 0.7"),
    row(Case::Oneway16k, "driver_cpu_ns", "one way 16 KiB, sender's CPU, ns/message", ""),
    row(Case::Oneway16k, "server_cpu_ns", "one way 16 KiB, receiver's CPU, ns/message", ""),
    row(Case::PingpongOneCore, "p50_us", "ping-pong 64 B, one core, p50, µs", "ratio ≤ 1.3"),
    row(Case::PingpongOneCore, "mean_us", "ping-pong 64 B, one core, mean, µs", "ratio ≤ 1.3"),
    row(Case::PingpongTwoCores, "p50_us", "ping-pong 64 B, two cores, p50, µs", "ratio ≤ 1.3"),
    row(Case::PingpongTwoCores, "mean_us", "ping-pong 64 B, two cores, mean, µs", "ratio ≤ 1.3"),
    row(Case::Pairs, "exits_per_s", "100 000 linked pairs ended, exits/s", "ratio ≥ 0.5"),
    row(Case::Pairs, "driver_cpu_ns", "100 000 linked pairs ended, CPU of the side that ends, ns/exit", ""),
    row(Case::Pairs, "driver_bytes", "idle process with one link, linking side, bytes", "ours ≤ 1500"),
    row(Case::Pairs, "server_bytes", "idle process with one link, linked side, bytes", "ours ≤ 1500"),
    row(Case::Disconnect, "disconnect_ms", "disconnect, 100 000 monitors, ms", ""),
    row(Case::Loss, "alone_ms", "node with 1 000 links lost, ms", ""),
    row(Case::Loss, "crowded_ms", "the same beside 1 000 000 processes, ms", ""),
    row(Case::Loss, "crowded_by_alone", "beside them by without them", "ours about 1"),
    row(Case::Loss, "alone_cpu_ms", "node with 1 000 links lost, CPU, ms", ""),
    row(Case::Loss, "crowded_cpu_ms", "the same beside 1 000 000 processes, CPU, ms", ""),
    row(Case::Loss, "crowded_by_alone_cpu", "beside them by without them, CPU", "ours about 1"),
    row(Case::Delay, "whole_p50_ms", "exit to its signal, 1 GiB in 16 MiB messages, whole, p50, ms", ""),
    row(Case::Delay, "whole_p99_ms", "the same, p99, ms", ""),
    row(Case::Delay, "whole_max_ms", "the same, longest, ms", ""),
    row(Case::Delay, "whole_mb_per_s", "the messages meanwhile, MB/s", ""),
    row(Case::Delay, "pieces_p50_ms", "exit to its signal, the same in fragments, p50, ms", ""),
    row(Case::Delay, "pieces_p99_ms", "the same, p99, ms", ""),
    row(Case::Delay, "pieces_max_ms", "the same, longest, ms", ""),
    row(Case::Delay, "pieces_mb_per_s", "the messages meanwhile, MB/s", ""),
    row(Case::Idle, "session_kib", "idle session, KiB", "ours ≤ 40"),
];

/// All rows of the measurements that were run, as Markdown.
pub(crate) fn table(results: &Results) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["", "floor", "ours", "ours / floor", "least"]);
    for column in table.column_iter_mut().skip(1).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for row in ROWS {
        let rounds = results.iter().find(|(case, _)| *case == row.case).map(|(_, rounds)| rounds);
        if let Some(rounds) = rounds {
            let of = |system| {
                rounds.iter().filter_map(move |round| get(round, system, row.value)).collect::<Vec<_>>()
            };
            let ratios = rounds.iter().filter_map(|round| {
                Some(get(round, System::Ours, row.value)? / get(round, System::Floor, row.value)?)
            });
            table.add_row([
                row.title.to_owned(),
                shown(of(System::Floor)),
                shown(of(System::Ours)),
                ratio(ratios.collect()),
                row.aim.to_owned(),
            ]);
        }
    }
    table
}

fn get(round: &HashMap<System, Measured>, system: System, value: &str) -> Option<f64> {
    round.get(&system)?.get(value).copied()
}

/// The median, with three digits that say something.
fn shown(values: Vec<f64>) -> String {
    if values.is_empty() {
        return String::new();
    }
    match median(values) {
        value if value >= 99_950.0 => format!("{:.0} k", value / 1e3),
        value if value >= 99.95 => format!("{value:.0}"),
        value if value >= 9.995 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// The median of the rounds' ratios, and the least and the greatest of them.
fn ratio(ratios: Vec<f64>) -> String {
    let least = ratios.iter().copied().reduce(f64::min);
    let greatest = ratios.iter().copied().reduce(f64::max);
    match (least, greatest) {
        (Some(least), Some(greatest)) => format!("{:.2} ({least:.2}–{greatest:.2})", median(ratios)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_ratios_are_short() {
        assert_eq!(shown(vec![5_123_456.0]), "5123 k");
        assert_eq!(shown(vec![812.4]), "812");
        assert_eq!(shown(vec![1.0, 2.0]), "1.50");
        assert_eq!(shown(vec![]), "");
        assert_eq!(ratio(vec![0.5, 0.7, 0.6]), "0.60 (0.50–0.70)");
        assert_eq!(ratio(vec![]), "");
    }

    #[test]
    fn a_row_holds_the_median_of_the_ratios_within_each_round() {
        let measured = |value| HashMap::from([("p50_us".to_owned(), value)]);
        let round =
            |floor, ours| HashMap::from([(System::Floor, measured(floor)), (System::Ours, measured(ours))]);
        // The machine was slower in the second round; the ratio does not know.
        let results = vec![(Case::PingpongTwoCores, vec![round(10.0, 12.0), round(20.0, 24.0)])];
        let table = table(&results).to_string();
        assert!(
            table.contains("1.20 (1.20–1.20)") && table.contains("15.0") && table.contains("18.0"),
            "{table}"
        );
    }
}
