//! All that was measured, and what it was measured on: what a file of results holds.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::case::Point;
use crate::machine;
use crate::side::Outcome;

/// A file of results.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) conditions: Conditions,
    /// Versions of the systems that were there.
    pub(crate) versions: BTreeMap<String, String>,
    /// The reasons why others were not.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) absent: BTreeMap<String, String>,
    pub(crate) runs: Vec<Run>,
}

/// The machine on which it was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Conditions {
    pub(crate) date: String,
    pub(crate) processor: Option<String>,
    pub(crate) cores: Option<usize>,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) system: Option<String>,
    pub(crate) kernel: Option<String>,
    pub(crate) rustc: Option<String>,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) round: usize,
    pub(crate) case: String,
    #[serde(flatten)]
    pub(crate) point: Point,
    pub(crate) system: String,
    pub(crate) seconds: f64,
    /// Of the whole machine, both sides included.
    pub(crate) idle_percent: Option<f64>,
    /// The share of time that the host has given to other machines.
    pub(crate) steal_percent: Option<f64>,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// The middle of the rounds, and their ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
}

impl Summary {
    /// None of nothing.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let half = values.len() / 2;
        let above = *values.get(half)?;
        let below = if values.len().is_multiple_of(2) { *values.get(half.checked_sub(1)?)? } else { above };
        Some(Self { median: f64::midpoint(below, above), least: *values.first()?, greatest: *values.last()? })
    }

    pub(crate) fn times(self, factor: f64) -> Self {
        Self { median: self.median * factor, least: self.least * factor, greatest: self.greatest * factor }
    }
}

impl Results {
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} holds no results", file.display()))
    }

    /// Returns `true` if something was measured.
    pub(crate) fn has_values(&self) -> bool {
        self.runs.iter().any(|run| matches!(run.outcome, Outcome::Values(_)))
    }

    /// Writes them in one go: a file that is there is replaced by a whole one.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let folder =
            file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        let mut new = tempfile::Builder::new()
            // As other files are: a temporary one is for its owner alone, otherwise.
            .permissions(fs::Permissions::from_mode(0o644))
            .tempfile_in(folder)?;
        serde_json::to_writer_pretty(&mut new, self)?;
        new.persist(file).with_context(|| format!("{}", file.display()))?;
        Ok(())
    }

    pub(crate) fn rounds(&self) -> usize {
        self.runs.iter().map(|run| run.round).max().unwrap_or_default()
    }

    fn of<'a>(&'a self, case: &'a str, system: &'a str) -> impl Iterator<Item = &'a Run> {
        self.runs.iter().filter(move |run| run.case == case && run.system == system)
    }

    /// The points at which a case was run, in order.
    pub(crate) fn points(&self, case: &str) -> Vec<Point> {
        let mut points: Vec<Point> =
            self.runs.iter().filter(|run| run.case == case).map(|run| run.point).collect();
        points.sort();
        points.dedup();
        points
    }

    /// A value of a system, and the round of it.
    fn values(&self, case: &str, point: Point, system: &str, value: &str) -> Vec<(usize, f64)> {
        let of_point = self.of(case, system).filter(|run| run.point == point);
        let measured = of_point.filter_map(|run| match &run.outcome {
            Outcome::Values(values) => Some((run.round, *values.get(value)?)),
            _ => None,
        });
        measured.collect()
    }

    pub(crate) fn summary(&self, case: &str, point: Point, system: &str, value: &str) -> Option<Summary> {
        Summary::of(self.values(case, point, system, value).into_iter().map(|(_, value)| value))
    }

    /// How many times the other's value a system's is: of each round's own, so that it holds where the machine's speed does not.
    pub(crate) fn ratio(
        &self,
        case: &str,
        point: Point,
        value: &str,
        system: &str,
        other: &str,
    ) -> Option<Summary> {
        let others: BTreeMap<usize, f64> = self.values(case, point, other, value).into_iter().collect();
        let values = self.values(case, point, system, value).into_iter();
        Summary::of(
            values
                .filter_map(|(round, value)| Some(value / others.get(&round)?))
                .filter(|ratio| ratio.is_finite()),
        )
    }

    /// Returns `true` if a system has failed at a point.
    pub(crate) fn has_failed(&self, case: &str, point: Point, system: &str) -> bool {
        self.of(case, system).any(|run| run.point == point && matches!(run.outcome, Outcome::Failed(_)))
    }
}

impl Conditions {
    pub(crate) fn now() -> Self {
        let rustc = std::process::Command::new("rustc").arg("--version").output().ok();
        let rustc = rustc.and_then(|rustc| String::from_utf8(rustc.stdout).ok());
        let today = time::OffsetDateTime::now_utc().date();
        Self {
            date: today.to_string(),
            processor: machine::processor(),
            cores: std::thread::available_parallelism().ok().map(usize::from),
            memory_bytes: machine::memory(),
            system: machine::system(),
            kernel: machine::kernel(),
            rustc: rustc.map(|version| version.trim().to_owned()).filter(|version| !version.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_summary_has_the_middle_and_the_ends() {
        let summary = |values: &[f64]| Summary::of(values.iter().copied());
        assert_eq!(summary(&[3.0, 1.0, 2.0]), Some(Summary { median: 2.0, least: 1.0, greatest: 3.0 }));
        assert_eq!(summary(&[4.0, 1.0, 2.0, 3.0]).map(|summary| summary.median), Some(2.5));
        assert_eq!(summary(&[]), None);
    }

    #[test]
    fn a_ratio_is_the_median_of_the_rounds_own() {
        // The machine is half as fast in the second round; the ratio does not know.
        let results = fixture::results();
        let ratio = |other| results.ratio("oneway-64", Point::threads(0), "messages_per_s", "ours", other);
        assert_eq!(ratio("floor"), Some(Summary { median: 0.75, least: 0.75, greatest: 0.75 }));
        assert_eq!(ratio("kameo"), None);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new").join("results.json");
        let results = fixture::results();
        results.write(&file).unwrap();
        results.write(&file).unwrap();
        assert_eq!(Results::read(&file).unwrap(), results);
        fs::write(&file, "{}").unwrap();
        assert!(Results::read(&file).unwrap_err().to_string().contains("holds no results"));
    }
}
