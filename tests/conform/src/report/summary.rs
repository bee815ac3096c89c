//! A run for people.

use std::fmt;

use super::{Judged, Report};
use crate::verdict::Verdict;

/// The run as text: each case that did not pass, with its wire log where something is wrong, and the sums.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for case in self.cases.iter().filter(|case| case.verdict != Verdict::Pass) {
            writeln!(f, "{case}")?;
            if case.verdict.condemns() {
                writeln!(f, "  {}", case.title)?;
                writeln!(f, "  requirements: {}", case.requirements.join(", "))?;
                case.log.iter().try_for_each(|line| writeln!(f, "  | {line}"))?;
            }
        }
        let counts: Vec<_> = Verdict::ALL
            .into_iter()
            .map(|verdict| (verdict, self.count(verdict)))
            .filter(|(_, count)| *count > 0)
            .map(|(verdict, count)| format!("{count} {}", verdict.name()))
            .collect();
        writeln!(
            f,
            "version {}: {} cases, {} requirements, {:.1} s: {}",
            self.version,
            self.cases.len(),
            self.by_requirement().len(),
            self.took.as_secs_f64(),
            counts.join(", "),
        )?;
        f.write_str(if self.is_conformant() {
            "conformant, as far as these cases go"
        } else {
            "not conformant"
        })
    }
}

/// One line: verdict, case, role, and why.
impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<15} {:<9} {}", self.verdict.name(), self.role.name(), self.slug)?;
        match &self.message {
            Some(message) => write!(f, "\n  {message}"),
            None => Ok(()),
        }
    }
}
