//! What was measured, as a table, and whether the bounds held.

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use super::attacks::By;
use super::bounds;
use super::fields::Fields;
use super::rounds::{Measured, Round};
use crate::meter::median;

/// The least that honest calls come to while the node is attacked, of what they come to while another one is: below it the report
/// says so.
const CALLS_PART_MIN: f64 = 0.25;

/// The longest time from an exit to its signals that 99 of 100 have, in milliseconds: above it the report says so.
const SIGNAL_MS_MAX: f64 = 100.0;

/// A row for each attack, as Markdown.
pub(super) fn table(measured: &[Measured]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "attack",
        "a second",
        "memory of its bound, MiB",
        "calls/s alone",
        "beside",
        "under",
        "of those beside",
        "exit to signals beside, ms",
        "under",
        "new node in beside, ms",
        "under",
        "sessions of the attacker",
        "counted",
    ]);
    for measured in measured {
        table.add_row(measured.row());
    }
    for column in table.column_iter_mut().skip(1).take(10) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The bounds that have been broken, of those that do not depend on the machine's speed. Says of each whether it held.
pub(super) fn judge(measured: &[Measured]) -> Vec<String> {
    let of = |broken: fn(&Measured) -> Option<String>| measured.iter().filter_map(broken).collect::<Vec<_>>();
    let memory = of(Measured::memory_broken);
    let signals = of(|it| it.told("signals that have not come", it.most(Round::under, "lost")));
    let sessions = of(|it| it.told("honest sessions lost", it.most(Round::check, "lost")));
    let ends = of(Measured::ends_broken);
    let calls = of(Measured::slowed);
    let late = of(Measured::late);
    println!(
        "memory below its bound: {}; every signal has come: {}; no honest session was lost: {}; sessions of attackers ended as \
         specified: {}; calls under the attack at least {CALLS_PART_MIN} of those beside it: {}; signals within {SIGNAL_MS_MAX} \
         ms: {}",
        held(&memory),
        held(&signals),
        held(&sessions),
        held(&ends),
        held(&calls),
        held(&late),
    );
    [memory, signals, sessions, ends].concat()
}

fn held(broken: &[String]) -> String {
    if broken.is_empty() { "yes".to_owned() } else { format!("NO ({})", broken.join("; ")) }
}

fn mib(bytes: f64) -> String {
    format!("{:.1}", bytes / f64::from(1 << 20))
}

/// Of a measurement without this field NaN.
fn number(fields: &Fields, name: &str) -> f64 {
    fields.number(name).unwrap_or(f64::NAN)
}

/// Who has told something.
impl Round {
    const fn alone(&self) -> &Fields {
        &self.alone
    }

    const fn beside(&self) -> &Fields {
        &self.beside
    }

    const fn under(&self) -> &Fields {
        &self.under
    }

    const fn check(&self) -> &Fields {
        &self.check
    }

    const fn attacker(&self) -> &Fields {
        &self.attacker
    }

    const fn after(&self) -> &Fields {
        &self.after
    }
}

impl Measured {
    fn median(&self, of: fn(&Round) -> &Fields, name: &str) -> f64 {
        median(self.rounds.iter().map(|round| number(of(round), name)))
    }

    fn most(&self, of: fn(&Round) -> &Fields, name: &str) -> f64 {
        self.rounds.iter().map(|round| number(of(round), name)).fold(0.0, f64::max)
    }

    /// What the attack has cost at most.
    fn memory(&self) -> f64 {
        let used = |round: &Round| number(&round.after, "highest") - number(&round.before, "resident");
        self.rounds.iter().map(used).fold(0.0, f64::max)
    }

    fn bound(&self) -> f64 {
        bounds::bytes(self.attack.parts) as f64
    }

    fn calls_part(&self) -> f64 {
        median(self.rounds.iter().map(|round| number(&round.under, "trips") / number(&round.beside, "trips")))
    }

    fn signal(&self, of: fn(&Round) -> &Fields) -> String {
        let [half, most] = ["signal", "signal_99"].map(|name| self.median(of, name) / 1e6);
        format!("{half:.1}, {most:.1}")
    }

    fn row(&self) -> Vec<String> {
        let last = self.rounds.last();
        let last_told = |of: fn(&Round) -> &Fields, name| {
            last.and_then(|round| of(round).text(name).ok()).unwrap_or_default()
        };
        let joined = |of| format!("{:.0}", self.median(of, "joined"));
        vec![
            self.attack.name.to_owned(),
            format!("{:.0}", self.median(Round::attacker, "times")),
            format!("{} of {}", mib(self.memory()), mib(self.bound())),
            format!("{:.0}", self.median(Round::alone, "trips")),
            format!("{:.0}", self.median(Round::beside, "trips")),
            format!("{:.0}", self.median(Round::under, "trips")),
            format!("{:.2}", self.calls_part()),
            self.signal(Round::beside),
            self.signal(Round::under),
            joined(Round::beside),
            joined(Round::under),
            last_told(Round::attacker, "ends").replace(',', " "),
            last_told(Round::after, "told").replace(',', " "),
        ]
    }

    fn told(&self, what: &str, count: f64) -> Option<String> {
        (count != 0.0).then(|| format!("{}: {count} {what}", self.attack.name))
    }

    fn memory_broken(&self) -> Option<String> {
        let (used, bound) = (self.memory(), self.bound());
        (used > bound).then(|| format!("{}: {} MiB of {}", self.attack.name, mib(used), mib(bound)))
    }

    fn slowed(&self) -> Option<String> {
        let part = self.calls_part();
        (part < CALLS_PART_MIN).then(|| format!("{}: {part:.2}", self.attack.name))
    }

    fn late(&self) -> Option<String> {
        let longest = self.median(Round::under, "signal_99") / 1e6;
        (longest > SIGNAL_MS_MAX).then(|| format!("{}: {longest:.1}", self.attack.name))
    }

    /// Whether a session of a member has ended in another way than this attack's do, or has not ended at all.
    fn ends_broken(&self) -> Option<String> {
        let By::Member(flood) = self.attack.by else { return None };
        let is_specified = |round: &Round| flood.end.allows(round.attacker.text("ends").unwrap_or("untold"));
        let other = self.rounds.iter().find(|round| !is_specified(round))?;
        let ends = other.attacker.text("ends").unwrap_or_default();
        Some(format!("{}: {:?} instead of {:?}", self.attack.name, ends, flood.end.in_words()))
    }
}
