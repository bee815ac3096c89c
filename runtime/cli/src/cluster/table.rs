//! What `snow-dist cluster` prints for people.

use std::io::{self, Write};

use snow_dist_runtime::core::Shown;
use snow_dist_runtime::{AboutNode, AboutPeer};

use super::Learned;

const COLUMNS: [&str; 10] = [
    "NODE",
    "VERSION",
    "UP",
    "ROUND TRIP",
    "FRAMES IN",
    "FRAMES OUT",
    "BYTES WAIT",
    "DIALLED BY",
    "INCARNATION",
    "CAPABILITIES",
];

pub(super) fn print(learned: &Learned, out: &mut impl Write) -> io::Result<()> {
    let Learned { session, about } = learned;
    let mut rows = vec![COLUMNS.map(String::from), row(session, "this command")];
    if let Some(about) = about {
        let by = |peer: &AboutPeer| if peer.is_dialled { "the node" } else { "the other" };
        rows.extend(about.peers.iter().map(|peer| row(peer, by(peer))));
    }
    let widths: Vec<usize> = (0..COLUMNS.len())
        .map(|at| {
            rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    match about {
        Some(about) => print_about(about, out),
        None => writeln!(
            out,
            "\n{} does not tell about itself: the row above is what this command's session with it shows. Its program can \
             allow it by NodeBuilder::answer_about.",
            Shown(&session.name)
        ),
    }
}

fn row(peer: &AboutPeer, dialled_by: &str) -> [String; 10] {
    let figure = |name: &str| peer.figures.get(name).map_or_else(|| "-".into(), u64::to_string);
    let capabilities: Vec<_> = peer.capabilities.iter().map(|name| Shown(name).to_string()).collect();
    [
        Shown(&peer.name).to_string(),
        peer.version.to_string(),
        time(peer.up_for_s),
        peer.round_trip_us.map_or_else(|| "-".into(), millis),
        figure("frames_in"),
        figure("frames_out"),
        figure("queue_bytes"),
        dialled_by.into(),
        peer.incarnation.as_deref().map_or_else(|| "-".into(), |number| Shown(number).to_string()),
        capabilities.join(" "),
    ]
}

fn print_about(about: &AboutNode, out: &mut impl Write) -> io::Result<()> {
    if about.peers_left_out > 0 {
        writeln!(out, "and {} further nodes", about.peers_left_out)?;
    }
    let (name, up_for) = (Shown(&about.name), time(about.up_for_s));
    writeln!(out, "\n{name}: {}, up for {up_for}, processes: {}", Shown(&about.runtime), about.processes)?;
    for (name, count) in about.counters.iter().filter(|(_, count)| **count > 0) {
        writeln!(out, "  {}: {count}", Shown(name))?;
    }
    if about.counters.values().all(|count| *count == 0) {
        writeln!(out, "  all {} counters are 0", about.counters.len())?;
    }
    Ok(())
}

fn millis(micros: u64) -> String {
    format!("{}.{:02} ms", micros / 1_000, micros % 1_000 / 10)
}

/// The two largest units that there are.
fn time(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{minutes}m {}s", seconds % 60),
        3_600..86_400 => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_two_units() {
        let shown = [59, 60, 3_599, 3_600, 86_399, 86_400, 90_000].map(time);
        assert_eq!(shown, ["59s", "1m 0s", "59m 59s", "1h 0m", "23h 59m", "1d 0h", "1d 1h"]);
        assert_eq!([0, 9, 345, 12_345].map(millis), ["0.00 ms", "0.00 ms", "0.34 ms", "12.34 ms"]);
    }
}
