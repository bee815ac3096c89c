//! The whole run: round after round, in each of them all cases, of each case all systems.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use crate::case::{Case, Point};
use crate::machine::Processors;
use crate::results::{Conditions, Results, Run};
use crate::side::{Measurement, Outcome};
use crate::system::{Found, System};

/// The measurements to be made.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) cases: Vec<&'static Case>,
    pub(crate) systems: Vec<&'static System>,
    /// Only points with so many threads; all, if none is given.
    pub(crate) threads: Vec<usize>,
    pub(crate) deadline: Duration,
    /// The file to which the results are written after each round.
    pub(crate) file: Option<PathBuf>,
}

impl Plan {
    /// Runs all of it. Rounds are outermost, so that what changes on the machine meanwhile meets all systems. What fails is
    /// shown, and the run goes on; a signal to end ends it, with what there is.
    pub(crate) async fn run(&self) -> Result<Results> {
        let mut results = Results { conditions: Conditions::now(), ..Results::default() };
        let steps: Vec<(&Case, Point)> =
            self.cases.iter().flat_map(|case| self.points(case).map(move |point| (*case, point))).collect();
        ensure!(!steps.is_empty(), "none of these cases is measured with that number of threads: try 0 or 2");
        let systems = self.find(&mut results);
        ensure!(!systems.is_empty(), "none of the systems that are asked for is there");
        raise_descriptors();
        let bar = bar(self.rounds * steps.len() * systems.len())?;
        let mut ended = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let mut lacking = BTreeSet::new();
        'run: for round in 1..=self.rounds {
            for (case, point) in &steps {
                for (system, found) in &systems {
                    bar.set_message(format!("round {round}: {} {}", case.name, system.title));
                    bar.inc(1);
                    if lacking.contains(&(case.name, system.name)) {
                        continue;
                    }
                    let measured = self.measure(round, case, *point, system, found);
                    let run = tokio::select! {
                        run = measured => run,
                        _ = ended.0.recv() => break 'run,
                        _ = ended.1.recv() => break 'run,
                    };
                    match &run.outcome {
                        Outcome::Values(_) => {}
                        Outcome::Lacks(_) => _ = lacking.insert((case.name, system.name)),
                        Outcome::Failed(reason) => {
                            tell(&bar, &format!("{}, {}: {reason}", system.title, label(case, *point)))
                        }
                    }
                    results.runs.push(run);
                }
            }
            self.keep(&results)?;
        }
        bar.finish_and_clear();
        self.keep(&results)?;
        Ok(results)
    }

    /// The systems that are there. Of the others it is said why they are not.
    fn find(&self, results: &mut Results) -> Vec<(&'static System, Found)> {
        let mut systems = Vec::new();
        for system in &self.systems {
            match system.find() {
                Ok(found) => {
                    results.versions.insert(system.name.to_owned(), found.version.clone());
                    systems.push((*system, found));
                }
                Err(error) => {
                    eprintln!("{} is left out: {error:#}", system.title);
                    results.absent.insert(system.name.to_owned(), format!("{error:#}"));
                }
            }
        }
        systems
    }

    fn points(&self, case: &Case) -> impl Iterator<Item = Point> + use<'_> {
        let points = case.points.iter().copied();
        points.filter(|point| self.threads.is_empty() || self.threads.contains(&point.threads))
    }

    async fn measure(&self, round: usize, case: &Case, point: Point, system: &System, found: &Found) -> Run {
        let (begun, before) = (Instant::now(), Processors::now());
        let measurement = Measurement { program: &found.program, system: system.name, case, point };
        let outcome = measurement.make(self.deadline).await;
        let seconds = begun.elapsed().as_secs_f64();
        let machine = Processors::now().zip(before).and_then(|(now, then)| now.idle_and_steal_since(then));
        Run {
            round,
            case: case.name.to_owned(),
            point,
            system: system.name.to_owned(),
            seconds,
            idle_percent: machine.map(|(idle, _)| idle),
            steal_percent: machine.map(|(_, steal)| steal),
            outcome,
        }
    }

    fn keep(&self, results: &Results) -> Result<()> {
        self.file.as_deref().map_or(Ok(()), |file| results.write(file))
    }
}

/// Describes a run: `mesh, size 50`.
pub(crate) fn label(case: &Case, point: Point) -> String {
    let size = point.size.map(|size| format!(", size {size}"));
    let pairs = point.pairs.map(|pairs| format!(", pairs {pairs}"));
    let threads = (point.threads > 0).then(|| format!(", threads {}", point.threads));
    format!(
        "{}{}{}{}",
        case.name,
        size.unwrap_or_default(),
        pairs.unwrap_or_default(),
        threads.unwrap_or_default()
    )
}

/// Ten thousand sessions need as many descriptors and more: as many as this system allows.
fn raise_descriptors() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        eprintln!("the limit of descriptors stays as it is: {error}");
    }
}

/// Says something above the bar, also where there is no terminal to show one.
fn tell(bar: &ProgressBar, what: &str) {
    bar.suspend(|| eprintln!("{what}"));
}

fn bar(steps: usize) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} of {duration} {msg}")?;
    Ok(ProgressBar::new(u64::try_from(steps).context("too many steps")?).with_style(style))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::named;

    #[test]
    fn only_points_with_the_threads_that_are_asked_for_are_run() {
        let plan = |threads| Plan {
            rounds: 1,
            cases: Vec::new(),
            systems: Vec::new(),
            threads,
            deadline: Duration::ZERO,
            file: None,
        };
        let case = named("local-idle").next().unwrap();
        let points = |threads| plan(threads).points(case).collect::<Vec<_>>();
        assert_eq!(points(vec![]), [Point::threads(0), Point::threads(2)]);
        assert_eq!(points(vec![2]), [Point::threads(2)]);
        assert!(points(vec![3]).is_empty());
        assert_eq!(
            label(case, Point { threads: 2, size: Some(7), pairs: Some(8) }),
            "local-idle, size 7, pairs 8, threads 2"
        );
    }
}
