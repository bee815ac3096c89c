//! Judges a node of Snow DIST, in any language, against the specification.
//!
//! The cases are data, in `spec/conformance/`; its README says how to have one's own node judged. Here is who plays
//! them:
//! - [`cases`]: the case list and the step language;
//! - [`wire`]: TLS connections on which bytes go out as they are given, and the log of them;
//! - [`adapter`]: the subject's own program, told what to do by lines of JSON;
//! - [`subject`]: who is judged, and how it is reached;
//! - `play`: plays the steps of a case;
//! - [`verdict`]: what comes of a case;
//! - [`report`]: what comes of a run, for people and for programs.
//!
//! Bytes are laid out by the codec and then damaged as a case wants it; digests and proofs are computed here, from
//! the specification. Nothing of the runtime is used, so that it can be judged like any other subject.

pub mod adapter;
mod attention;
pub mod cases;
mod play;
pub mod report;
pub mod subject;
pub mod verdict;
pub mod wire;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use adapter::Adapter;
use attention::attentively;
use cases::{Case, Filter, Level, Mode, Role};
use play::Scene;
use report::{Judged, Report};
use subject::Subject;
use verdict::{Trouble, Verdict};
use wire::{Authorities, Log, Offer, Wire};

/// A run, as it is wanted.
#[derive(Clone, Debug)]
pub struct Run {
    /// Who is judged.
    pub subject: Subject,
    /// The secret that the subject knows.
    pub cookie: String,
    /// The cases.
    pub cases: Vec<Case>,
    /// Which of them.
    pub filter: Filter,
    /// The version of the protocol whose subject it is.
    pub version: u8,
    /// Whether a recommendation that is not followed counts as a failure.
    pub strict: bool,
    /// Slugs, or `slug/role`, of cases that are known to fail.
    pub known_failures: BTreeSet<String>,
    /// How long a case waits for what must come, beside the times of the protocol.
    pub patience: Duration,
    /// Cases at once.
    pub jobs: usize,
}

/// How long a case waits for what must come, unless a run says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Cases at once against a node that runs: an acceptor may have few places for handshakes of one address.
pub const JOBS: usize = 4;

/// Cases at once with an adapter: each has a node of its own, and many wait.
pub const JOBS_ADAPTED: usize = 12;

/// Of these, cases that write megabytes.
const JOBS_HEAVY: usize = 2;

/// A runner that was held up for longer cannot say that its subject did wrong.
const HELD_UP_MAX: Duration = Duration::from_millis(500);

/// How often a case is played if the runner is held up in it.
const TRIES: usize = 3;

/// Nothing was judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unjudged {
    /// The run makes no sense as it is wanted.
    #[error("{0}")]
    Usage(String),
    /// The subject is not there, or its adapter cannot be believed.
    #[error("the subject cannot be reached: {0}")]
    Unreachable(String),
}

/// Judges a subject. `tell` is told of each case when it is over.
///
/// # Errors
/// Nothing was judged, and why.
pub async fn judge(run: Run, mut tell: impl FnMut(&Judged)) -> Result<Report, Unjudged> {
    let began = Instant::now();
    let mut chosen = choose(&run)?;
    // A long case begins early, so that the others pass while it waits.
    chosen.sort_by_key(|(case, _)| std::cmp::Reverse(case.long));
    let authorities = Authorities::new()
        .map_err(|error| Unjudged::Usage(format!("the runner has no certificates: {error}")))?;
    let scene = Arc::new(Scene {
        subject_name: reach(&run).await?,
        subject: run.subject,
        cookie: run.cookie,
        authorities: Arc::new(authorities),
        version: run.version,
        patience: run.patience,
    });
    let places = Arc::new(Semaphore::new(run.jobs.max(1)));
    let heavy = Arc::new(Semaphore::new(JOBS_HEAVY));
    let mut playing = JoinSet::new();
    for (case, role) in chosen {
        let (scene, places, heavy) = (Arc::clone(&scene), Arc::clone(&places), Arc::clone(&heavy));
        let (strict, known) = (run.strict, is_known(&run.known_failures, &case, role));
        playing.spawn(async move {
            // Nobody closes the semaphores.
            let _heavy = if case.heavy { heavy.acquire().await.ok() } else { None };
            let _place = places.acquire().await;
            play_one(&scene, case, role, strict, known).await
        });
    }
    let mut all = Vec::new();
    while let Some(judged) = playing.join_next().await {
        let judged = judged.map_err(|error| Unjudged::Usage(format!("the runner failed: {error}")))?;
        tell(&judged);
        all.push(judged);
    }
    let order = |judged: &Judged| run.cases.iter().position(|case| case.slug == judged.slug);
    all.sort_by_key(|judged| (order(judged), judged.role));
    Ok(Report { version: run.version, strict: run.strict, took: began.elapsed(), cases: all })
}

/// The chosen cases, each with the roles in which it is played.
fn choose(run: &Run) -> Result<Vec<(Case, Role)>, Unjudged> {
    for known in &run.known_failures {
        let slug = known.split('/').next().unwrap_or_default();
        if !run.cases.iter().any(|case| case.slug == slug) {
            return Err(Unjudged::Usage(format!(
                "the list of known failures names {known:?}, which is no case"
            )));
        }
    }
    let roles = [Role::Acceptor, Role::Initiator];
    let chosen: Vec<_> = (run.cases.iter())
        .filter(|case| case.versions.contains(&run.version))
        .flat_map(|case| roles.into_iter().filter(|role| case.role.has(*role)).map(move |role| (case, role)))
        .filter(|(case, role)| run.filter.takes(case, *role) && can_be(&run.subject, *role))
        .map(|(case, role)| (case.clone(), role))
        .collect();
    if chosen.is_empty() {
        return Err(Unjudged::Usage("no case is selected: a run that judges nothing proves nothing".into()));
    }
    Ok(chosen)
}

/// Whether a subject can be brought into a role.
const fn can_be(subject: &Subject, role: Role) -> bool {
    match (subject, role) {
        (Subject::Running { address, .. }, Role::Acceptor) => address.is_some(),
        (Subject::Running { listen, .. }, Role::Initiator) => !listen.is_empty(),
        (Subject::Adapted(_), _) => true,
    }
}

fn is_known(known: &BTreeSet<String>, case: &Case, role: Role) -> bool {
    known.contains(&case.slug) || known.contains(&format!("{}/{}", case.slug, role.name()))
}

/// Makes sure that the subject is there. Gives its name, if it can be known before a case.
async fn reach(run: &Run) -> Result<Option<String>, Unjudged> {
    let unreachable = |what: String| Unjudged::Unreachable(what);
    match &run.subject {
        Subject::Adapted(launch) => {
            let mut adapter = Adapter::launch(launch, &Log::default())
                .map_err(|trouble| unreachable(trouble.to_string()))?;
            adapter.admits_ignorance().await.map_err(|trouble| unreachable(trouble.to_string()))?;
            adapter.stop().await;
            Ok(None)
        }
        Subject::Running { address: Some(address), .. } => {
            let wire = Wire::dial(address, Offer::default(), &Log::default(), "probe").await;
            let wire = wire.map_err(|error| unreachable(format!("{address}: {error}")))?;
            Ok(play::name_of(wire, &run.cookie, run.version).await)
        }
        Subject::Running { address: None, .. } => Ok(None),
    }
}

/// Plays a case. A failure that the runner may have caused itself, since it was held up, proves nothing: the case is
/// played again.
async fn play_one(scene: &Scene, case: Case, role: Role, strict: bool, known: bool) -> Judged {
    let began = Instant::now();
    let has_adapter = matches!(scene.subject, Subject::Adapted(_));
    let mut log = Log::default();
    let mut played = Err(("start".to_owned(), Trouble::Unsupported("there is no adapter".into())));
    for tries in 1..=TRIES {
        if case.mode == Mode::Adapter && !has_adapter {
            break;
        }
        log = Log::default();
        let held_up;
        (played, held_up) = attentively(play::play(scene, &case, role, &log)).await;
        let Err((_, trouble @ Trouble::Wrong(_))) = &mut played else { break };
        if held_up <= HELD_UP_MAX {
            break;
        }
        if tries == TRIES {
            let text = format!("{trouble}, but the runner itself was held up for {held_up:.1?}");
            *trouble = Trouble::unjudged(text);
        }
    }
    let mut verdict = match &played {
        Ok(()) => Verdict::Pass,
        Err((_, Trouble::Wrong(_))) => match case.level {
            Level::Must => Verdict::Fail,
            Level::Should if strict => Verdict::Fail,
            Level::Should | Level::May => Verdict::NonStrict,
        },
        Err((_, Trouble::Unsupported(_))) => Verdict::Unsupported,
        Err((_, Trouble::Unjudged(_))) => Verdict::Inconclusive,
    };
    if known {
        verdict = verdict.when_known_to_fail();
    }
    Judged {
        slug: case.slug,
        title: case.title,
        role,
        level: case.level,
        requirements: case.requirements,
        verdict,
        message: played.err().map(|(at, trouble)| format!("{at}: {trouble}")),
        took: began.elapsed(),
        log: log.lines(),
    }
}

/// A member of a JSON object; null if there is none.
pub(crate) fn field<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.get(name).unwrap_or(&Value::Null)
}
