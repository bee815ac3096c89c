//! The results in Markdown.

use std::collections::BTreeSet;
use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use crate::case::{CASES, Point};
use crate::curve::{CURVES, Curve};
use crate::results::{Results, Summary};
use crate::row::{Aim, Better, GROUPS, Group, Row};
use crate::run::label;
use crate::side::Outcome;
use crate::system::{Role, SYSTEMS, System};
use crate::unit::Unit;

/// Nothing was measured here.
const NOTHING: &str = "–";

/// All of it: the conditions, the tables of the rows, those of the curves, and what is missing, with reasons.
pub(crate) fn markdown(results: &Results) -> String {
    let mut parts = vec![conditions(results)];
    parts.extend(GROUPS.iter().filter_map(|group| rows(results, group)));
    parts.extend(CURVES.iter().filter_map(|curve| grows(results, curve)));
    parts.extend(missing(results));
    parts.join("\n\n")
}

/// The systems of which something was measured.
pub(crate) fn measured(results: &Results) -> impl Iterator<Item = &'static System> {
    SYSTEMS.iter().filter(|system| results.runs.iter().any(|run| run.system == system.name))
}

fn conditions(results: &Results) -> String {
    let it = &results.conditions;
    let cores = it.cores.map(|cores| format!("{cores} cores"));
    let memory = it.memory_bytes.map(|bytes| Unit::Memory.show(bytes as f64));
    let known = [
        Some(it.date.clone()),
        it.processor.clone(),
        cores,
        memory,
        it.system.clone(),
        it.kernel.clone(),
        it.rustc.clone(),
    ];
    let mut text = known.into_iter().flatten().collect::<Vec<_>>().join(", ");
    text.push_str(&rounds(results.rounds()));
    let shares =
        |of: fn(&crate::results::Run) -> Option<f64>| Summary::of(results.runs.iter().filter_map(of));
    if let Some((idle, steal)) = shares(|run| run.idle_percent).zip(shares(|run| run.steal_percent)) {
        let _ = write!(
            text,
            " While one was measured, the machine was idle for {}, and {} was stolen from it (at most {}).",
            Unit::Percent.show(idle.median),
            Unit::Percent.show(steal.median),
            Unit::Percent.show(steal.greatest),
        );
    }
    for system in SYSTEMS {
        if let Some(version) = results.versions.get(system.name) {
            let _ = write!(text, "\n- {}: {version}", system.title);
        }
        if let Some(reason) = results.absent.get(system.name) {
            let _ = write!(text, "\n- {} is missing: {reason}", system.title);
        }
    }
    text
}

fn rows(results: &Results, group: &Group) -> Option<String> {
    let rows: Vec<&Row> =
        group.rows.iter().filter(|row| results.points(row.case).contains(&row.point)).collect();
    if rows.is_empty() {
        return None;
    }
    let systems: Vec<&System> = measured(results).collect();
    let titles = systems.iter().map(|system| system.title);
    let mut table = table([""].into_iter().chain(titles).chain(["to the best peer", "to the floor", "aim"]));
    for row in rows {
        let cells = systems.iter().map(|system| cell(results, row, system.name));
        let ratios =
            [best_peer(results, row, group.better), to_floor(results, row), aim(results, row, group.better)];
        table.add_row([row.title.to_owned()].into_iter().chain(cells).chain(ratios));
    }
    Some(format!("### {} ({})\n\n{table}", group.title, group.better.words()))
}

fn table<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn cell(results: &Results, row: &Row, system: &str) -> String {
    shown(results, row.case, row.point, system, row.value)
}

fn shown(results: &Results, case: &str, point: Point, system: &str, value: &str) -> String {
    let (unit, factor) = Unit::of(value);
    match results.summary(case, point, system, value).map(|summary| summary.times(factor)) {
        Some(it) => unit.show_range(it.median, it.least, it.greatest),
        None if results.has_failed(case, point, system) => "failed".to_owned(),
        None => NOTHING.to_owned(),
    }
}

fn to(results: &Results, row: &Row, other: &str) -> Option<Summary> {
    results.ratio(row.case, row.point, row.value, "ours", other)
}

fn to_floor(results: &Results, row: &Row) -> String {
    to(results, row, "floor").map_or_else(|| NOTHING.to_owned(), |ratio| Unit::Ratio.show(ratio.median))
}

/// The ratio of ours to the peer to which ours compares worst.
fn best_peer(results: &Results, row: &Row, better: Better) -> String {
    let peers = SYSTEMS.iter().filter(|system| system.role == Role::Peer);
    let ratios = peers.filter_map(|peer| Some((to(results, row, peer.name)?.median, peer.title)));
    let best = match better {
        Better::More => ratios.min_by(|(a, _), (b, _)| a.total_cmp(b)),
        Better::Less => ratios.max_by(|(a, _), (b, _)| a.total_cmp(b)),
    };
    best.map_or_else(|| NOTHING.to_owned(), |(ratio, peer)| format!("{} ({peer})", Unit::Ratio.show(ratio)))
}

/// The aim of ours, what it has come to if that is a ratio, and a mark that says whether it is reached.
fn aim(results: &Results, row: &Row, better: Better) -> String {
    let (unit, factor) = Unit::of(row.value);
    let (words, share) = match row.aim {
        Aim::None => return String::new(),
        Aim::Value(value) => {
            let ours = results.summary(row.case, row.point, "ours", row.value);
            (unit.show(value * factor), ours.map(|ours| ours.median / value))
        }
        Aim::Times(times, system) => {
            let words =
                if times == 1.0 { format!("the {system}") } else { format!("{times} × the {system}") };
            match to(results, row, system) {
                Some(ratio) => {
                    (format!("{words}: {}", Unit::Ratio.show(ratio.median)), Some(ratio.median / times))
                }
                None => (words, None),
            }
        }
    };
    let is_reached = share.map(|share| match better {
        Better::More => share >= 1.0,
        Better::Less => share <= 1.0,
    });
    match is_reached {
        None => words,
        Some(true) => format!("{words} ✓"),
        Some(false) => format!("{words} ✗"),
    }
}

/// A line of a curve: a system, and which value of it, beside what.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) system: &'static System,
    pub(crate) value: &'static str,
    pub(crate) title: String,
    /// Which of the lines of its system it is.
    pub(crate) number: usize,
    pub(crate) points: Vec<Point>,
}

/// The lines of a curve of which something was measured.
pub(crate) fn lines(results: &Results, curve: &Curve) -> Vec<Line> {
    let points = results.points(curve.case);
    let mut kinds: Vec<Option<String>> = points.iter().map(|point| curve.beside.of(*point)).collect();
    let mut seen = BTreeSet::new();
    kinds.retain(|kind| seen.insert(kind.clone()));
    let mut lines = Vec::new();
    for system in measured(results) {
        let mut number = 0;
        for (value, name) in curve.values {
            for kind in &kinds {
                let of_kind = points.iter().copied().filter(|point| curve.beside.of(*point) == *kind);
                let points: Vec<Point> = of_kind
                    .filter(|point| results.summary(curve.case, *point, system.name, value).is_some())
                    .collect();
                if points.is_empty() {
                    continue;
                }
                let parts = [system.title, name, kind.as_deref().unwrap_or_default()];
                let title = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
                lines.push(Line { system, value, title, number, points });
                number += 1;
            }
        }
    }
    lines
}

fn grows(results: &Results, curve: &Curve) -> Option<String> {
    let lines = lines(results, curve);
    let at: BTreeSet<u64> =
        lines.iter().flat_map(|line| line.points.iter().map(|point| curve.over.at(*point))).collect();
    if at.is_empty() {
        return None;
    }
    let labels: Vec<String> = at.iter().map(|at| curve.over.label(*at)).collect();
    let mut table = table([curve.over.words()].into_iter().chain(labels.iter().map(String::as_str)));
    for line in &lines {
        let cell = |at: &u64| {
            let point = line.points.iter().find(|point| curve.over.at(**point) == *at);
            let shown = point.map(|point| shown(results, curve.case, *point, line.system.name, line.value));
            shown.unwrap_or_else(|| NOTHING.to_owned())
        };
        table.add_row([line.title.clone()].into_iter().chain(at.iter().map(cell)));
    }
    Some(format!("### {} ({})\n\n{table}", curve.title, curve.better.words()))
}

/// Lists what a system lacks, and what has failed.
fn missing(results: &Results) -> Option<String> {
    let mut lines = Vec::new();
    for case in CASES {
        for run in results.runs.iter().filter(|run| run.case == case.name) {
            let system = SYSTEMS.iter().find(|system| system.name == run.system);
            let title = system.map_or(run.system.as_str(), |system| system.title);
            let line = match &run.outcome {
                Outcome::Values(_) => continue,
                Outcome::Lacks(reason) => format!("- {title}, {}: {reason}", case.name),
                Outcome::Failed(reason) => {
                    format!("- {title}, {}, in round {}, failed: {reason}", label(case, run.point), run.round)
                }
            };
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    (!lines.is_empty()).then(|| format!("### What is missing\n\n{}", lines.join("\n")))
}

fn rounds(count: usize) -> String {
    match count {
        1 => ". One round.".to_owned(),
        _ => format!(". Medians of {count} rounds, and the least and the greatest."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn one_round_has_no_median() {
        assert_eq!(rounds(1), ". One round.");
        assert!(rounds(2).starts_with(". Medians of 2 rounds"));
    }

    #[test]
    fn the_table_of_a_known_set_of_results() {
        let text = markdown(&fixture::results());
        let has_line = |start: &str, parts: &[&str]| {
            let found = text
                .lines()
                .find(|line| line.starts_with(start))
                .unwrap_or_else(|| panic!("{start}\n{text}"));
            let cells: Vec<&str> = found.split('|').map(str::trim).collect();
            assert_eq!(cells[2..cells.len() - 1], *parts, "{text}");
        };
        assert!(
            text.starts_with("2026-01-02, A processor, 2 cores, 8.00 GiB. Medians of 2 rounds"),
            "{text}"
        );
        assert!(text.contains("\n- kameo is missing: field-kameo cannot be built"), "{text}");
        has_line(
            "| 64 B one way",
            &[
                "2.25 M (1.50–3.00)",
                "3.00 M (2.00–4.00)",
                "188 k (125–250)",
                "375 k (250–500)",
                "6.00 (ractor)",
                "0.75",
                "2 × the floor: 0.75 ✗",
            ],
        );
        has_line(
            "| a process with one link",
            &["700 B", "failed", "2 800 B", "–", "0.25 (OTP)", "–", "700 B ✓"],
        );
        has_line("| messages that wait", &["0", "100", "10 k"]);
        has_line(
            "| Snow DIST, recv_where",
            &["2.25 µs (1.50–3.00)", "2.85 µs (1.90–3.80)", "62.2 µs (41.5–83.0)"],
        );
        assert!(text.contains("- ractor, pairs: ractor keeps no links across nodes"), "{text}");
        assert!(
            text.contains("- floor, pairs, in round 1, failed: the driver ended, exit status: 1: boom"),
            "{text}"
        );
        // Nothing is said of what was not run.
        assert!(!text.contains("There and back") && !text.contains("Calls a second"), "{text}");
    }
}
