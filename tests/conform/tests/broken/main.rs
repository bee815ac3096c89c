//! Deliberately broken nodes, each of which the cases must catch, by the right ones and by no others.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod defects;
mod lines;
mod toy;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use defects::Defect;
use lines::Lines;
use snow_dist_conform::adapter::Launch;
use snow_dist_conform::cases::{self, Capability, Case, Filter, Mode, Role};
use snow_dist_conform::report::{Judged, Report};
use snow_dist_conform::subject::Subject;
use snow_dist_conform::verdict::Verdict;
use snow_dist_conform::{PATIENCE, Run, Unjudged, judge};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;

/// Judges a toy. One with a defect need not wait for times of the protocol, nor write much, unless it is about that.
async fn judged(defect: Option<Defect>, role: Option<Role>, patience: Duration) -> Result<Report, Unjudged> {
    judge(run(defect, role, patience), |_| {}).await
}

fn run(defect: Option<Defect>, role: Option<Role>, patience: Duration) -> Run {
    let mut cases = cases::all().unwrap();
    cases.retain(|case| case.long == 0 || case.slug == VOID || defect.is_none_or(Defect::is_of_time));
    let is_long = |case: &Case| case.needs.contains(&Capability::Fragments);
    let is_heavy_of = |defect: Defect, case: &Case| {
        defect.is_of_the_queue() || defect.is_of_long_messages() && is_long(case)
    };
    cases.retain(|case| !case.heavy || defect.is_none_or(|defect| is_heavy_of(defect, case)));
    cases.retain(|case| case.slug != VOID || defect.is_none_or(Defect::is_of_answers));
    Run {
        subject: Subject::Adapted(toy::launch(defect)),
        cookie: "a cookie of thirty-two letters..".into(),
        cases,
        filter: Filter { role, ..Filter::default() },
        version: 2,
        strict: true,
        known_failures: BTreeSet::new(),
        patience,
        jobs: 12,
    }
}

/// The heaviest case.
const VOID: &str = "void-signals-count";

/// A case that must fail waits for so long, at first.
const SHORT: Duration = Duration::from_secs(8);

/// Toys that are judged at once.
const AT_ONCE: usize = 16;

/// Toys that are judged once more at once.
const AT_ONCE_AGAIN: usize = 4;

/// A test is alone while it judges: many toys are a load, and the times of the protocol go on under it.
static ALONE: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_toy_without_a_defect_is_conformant() {
    let _alone = ALONE.lock().await;
    let lines = Lines::new();
    let mut all = run(None, None, PATIENCE);
    all.subject = Subject::Adapted(lines.watch(toy::launch(None)));
    let mut report = judge(all, |_| {}).await.unwrap();
    let slow: BTreeSet<_> = (report.cases.iter())
        .filter(|case| case.verdict != Verdict::Pass)
        .map(|case| case.slug.clone())
        .collect();
    if !slow.is_empty() {
        // All cases at once are a load of their own: what that has made of some does not count.
        let mut again = run(None, None, 3 * PATIENCE);
        again.cases.retain(|case| slow.contains(&case.slug));
        again.jobs = 1;
        report = judge(again, |_| {}).await.unwrap();
    }
    assert!(report.is_conformant(), "{report}");
    assert_eq!(report.count(Verdict::Pass), report.cases.len(), "{report}");
    let (commands, wrong) = lines.seen();
    assert_eq!(wrong, [""; 0], "lines that the schema does not allow");
    let given: BTreeSet<_> = lines::commands().intersection(&commands).cloned().collect();
    assert_eq!(given, lines::commands(), "commands that no case gives need no place in the schema");
}

#[tokio::test]
async fn an_adapter_that_says_yes_to_everything_is_not_believed() {
    let judged = judged(Some(Defect::SaysYes), None, PATIENCE).await;
    assert!(matches!(judged, Err(Unjudged::Unreachable(why)) if why.contains("recite_a_poem")));
}

/// A subject that was answered too late is right to give up. The runner knows when that was its own fault.
#[tokio::test]
async fn what_fails_while_the_runner_is_held_up_is_played_again() {
    let _alone = ALONE.lock().await;
    let held_up = [(0, Verdict::Fail, 2), (1, Verdict::Pass, 3), (usize::MAX, Verdict::Inconclusive, 4)];
    for (held_up, verdict, starts) in held_up {
        let mut run = run(None, Some(Role::Acceptor), PATIENCE);
        run.filter.slugs = vec!["reply-proof-zero".into()];
        let started = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&started);
        run.subject = Subject::Adapted(Launch::Task(Arc::new(move |lines| {
            // The first one is asked only whether it admits what it does not know.
            let before = counted.fetch_add(1, Relaxed).saturating_sub(1);
            if before < held_up {
                std::thread::sleep(Duration::from_secs(1));
            }
            let is_wrong = before < held_up.max(1);
            toy::start(lines, is_wrong.then_some(Defect::ProofUnchecked));
        })));
        let report = judge(run, |_| {}).await.unwrap();
        assert_eq!((report.count(verdict), report.cases.len()), (1, 1), "{report}");
        assert_eq!(started.load(Relaxed), starts, "{report}");
    }
}

/// The runner knows of a session as soon as ACK is sent; a node that dials has it a little later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_command_is_given_before_the_session_is_there() {
    let _alone = ALONE.lock().await;
    let mut run = run(Some(Defect::SlowToBegin), Some(Role::Initiator), 3 * PATIENCE);
    let is_quick = |case: &Case| case.mode == Mode::Adapter && case.long == 0 && !case.heavy;
    run.cases.retain(|case| is_quick(case));
    let report = judge(run, |_| {}).await.unwrap();
    assert!(report.count(Verdict::Pass) > 50, "{report}");
    assert_eq!(report.count(Verdict::Pass), report.cases.len(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_defect_is_caught_by_the_right_cases_and_by_no_others() {
    let _alone = ALONE.lock().await;
    let all: Vec<_> = (Defect::ALL.iter())
        .filter(|defect| is_wanted(**defect))
        .flat_map(|defect| defect.roles().iter().map(|role| (*defect, *role)))
        .collect();
    assert!(!all.is_empty(), "{ONLY} names no defect");
    // What a slow machine has made of it, many at once and with little patience, does not count.
    let again = toys(wrong(all, AT_ONCE, SHORT).await);
    let alone = toys(wrong(again, AT_ONCE_AGAIN, PATIENCE).await);
    let wrong = wrong(alone, 1, 3 * PATIENCE).await;
    let whole: String =
        wrong.iter().map(|(_, wrong)| format!("{}\n{}\n", wrong.report, wrong.what)).collect();
    // What is wrong is said once more at the end, since the reports are long.
    let what: Vec<_> = wrong.iter().map(|(_, wrong)| wrong.what.as_str()).collect();
    assert!(wrong.is_empty(), "{whole}\nNot caught as they should be:\n{}", what.join("\n"));
}

/// The variable that names the defects to look for, separated by commas: for who adds one. All, if it is not set.
const ONLY: &str = "SNOW_DIST_DEFECTS";

fn is_wanted(defect: Defect) -> bool {
    let only = std::env::var(ONLY);
    only.map_or(true, |only| only.split(',').any(|name| name == format!("{defect:?}")))
}

type Toy = (Defect, Role);

/// What is wrong with how a toy is caught.
struct Wrong {
    what: String,
    report: Report,
}

fn toys(wrong: Vec<(Toy, Wrong)>) -> Vec<Toy> {
    wrong.into_iter().map(|(toy, _)| toy).collect()
}

/// Toys that are not caught as they should be, and what is wrong with each.
async fn wrong(toys: Vec<Toy>, at_once: usize, patience: Duration) -> Vec<(Toy, Wrong)> {
    let places = Arc::new(Semaphore::new(at_once));
    let mut all = JoinSet::new();
    for (defect, role) in toys {
        let places = Arc::clone(&places);
        all.spawn(async move {
            let _place = places.acquire().await;
            let patience = patience.min(defect.patience_max());
            is_caught(defect, role, patience).await.err().map(|why| ((defect, role), why))
        });
    }
    all.join_all().await.into_iter().flatten().collect()
}

/// Whether a defect is caught as it should be, or what is wrong with that.
async fn is_caught(defect: Defect, role: Role, patience: Duration) -> Result<(), Wrong> {
    let report = judged(Some(defect), Some(role), patience).await.unwrap();
    let slugs = |patterns: &[&str]| -> BTreeSet<String> {
        let fits = |slug: &&String| patterns.iter().any(|pattern| fits(pattern, slug));
        report.cases.iter().map(|case| &case.slug).filter(fits).cloned().collect()
    };
    let (must, may) = (slugs(defect.caught_by()), slugs(defect.may_be_caught_by()));
    let failed = |case: &&Judged| case.verdict == Verdict::Fail;
    let caught: BTreeSet<_> = report.cases.iter().filter(failed).map(|case| case.slug.clone()).collect();
    // Everything else has passed: nothing is inconclusive because of a defect.
    let passed = report.count(Verdict::Pass) + caught.len() == report.cases.len();
    let right = !must.is_empty() && must.is_subset(&caught) && caught.is_subset(&(&must | &may)) && passed;
    if right {
        return Ok(());
    }
    let (missed, surplus): (Vec<_>, Vec<_>) =
        (must.difference(&caught).collect(), caught.difference(&must).collect());
    let what = format!("{defect:?} as {}: missed by {missed:?}, caught by {surplus:?} too", role.name());
    Err(Wrong { what, report })
}

fn fits(pattern: &str, slug: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => slug.starts_with(beginning),
        None => pattern == slug,
    }
}
