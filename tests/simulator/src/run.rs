//! One seed from beginning to end.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::cluster::Cluster;
use crate::coverage::Coverage;
use crate::oracle::Violation;
use crate::plan::Plan;
use crate::random::Random;
use crate::script::{self, Script};
use crate::shrink::shrink;
use crate::trace::Trace;

/// What a seed has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// How many nodes it has.
    pub nodes: usize,
    /// Processes and connections, faults and transitions.
    pub coverage: Coverage,
    /// How long a mesh took until it was complete, in microseconds: from its start, from the end of a cut in halves, and from
    /// the restart of half of its nodes.
    pub completed: Vec<u64>,
    /// One number for all that has happened, in its order and at its time.
    pub trace_hash: u64,
    /// The promise that was not kept, if there is one.
    pub violation: Option<Violation>,
}

/// A violation, made small.
#[derive(Clone, Debug)]
pub struct Found {
    /// The seed that leads to it.
    pub seed: u64,
    /// The promise, and what was seen instead in the smallest run that breaks it.
    pub violation: Violation,
    /// What was to happen in that run: the acts of the script that are needed.
    pub script: String,
    /// What happened in it, line by line.
    pub trace: String,
    /// Acts of the whole script, and of the small one.
    pub acts: (usize, usize),
}

/// Which cluster a seed stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Whatever it draws: some are small meshes.
    Any,
    /// One of so many nodes, which programs connect.
    Nodes(usize),
    /// So many nodes that find each other: each keeps the first one connected, and obeys peer lists. They are cut in halves for
    /// two minutes, then half of them are restarted.
    Mesh(usize),
}

impl From<Option<usize>> for Shape {
    fn from(nodes: Option<usize>) -> Self {
        nodes.map_or(Self::Any, Self::Nodes)
    }
}

/// Runs a seed; `nodes` is the size of the cluster where it is not to be drawn, or another [`Shape`].
#[must_use]
pub fn run(seed: u64, nodes: impl Into<Shape>) -> Outcome {
    let (plan, script) = prepare(seed, nodes.into());
    let played = play(seed, &plan, &script, Trace::default());
    Outcome {
        seed,
        nodes: plan.nodes.len(),
        coverage: played.coverage,
        completed: played.completed,
        trace_hash: played.trace.hash,
        violation: played.violation,
    }
}

/// The first of these seeds that breaks a promise, and which one.
#[must_use]
pub fn first_violation(seeds: Range<u64>) -> Option<(u64, Violation)> {
    seeds.into_iter().find_map(|seed| Some((seed, run(seed, Shape::Any).violation?)))
}

/// Runs a seed again. If it breaks a promise, everything is left out that is not needed for that. Gives the trace of
/// the whole run otherwise.
///
/// # Errors
/// The violation.
pub fn replay(seed: u64, nodes: impl Into<Shape>) -> Result<String, Box<Found>> {
    let (plan, script) = prepare(seed, nodes.into());
    let Some(violation) = play(seed, &plan, &script, Trace::default()).violation else {
        return Ok(play(seed, &plan, &script, Trace::in_words()).trace.into_words());
    };
    let breaks_it = |script: &Script| {
        play(seed, &plan, script, Trace::default())
            .violation
            .is_some_and(|other| other.invariant == violation.invariant)
    };
    let small = shrink(script.clone(), breaks_it);
    let played = play(seed, &plan, &small, Trace::in_words());
    let lines = small.iter().map(|(at, act)| format!("{at:>12} µs  {act:?}\n")).collect();
    Err(Box::new(Found {
        seed,
        violation: played.violation.unwrap_or(violation),
        script: lines,
        trace: played.trace.into_words(),
        acts: (script.len(), small.len()),
    }))
}

fn prepare(seed: u64, shape: Shape) -> (Plan, Script) {
    let mut random = Random::new(seed, 0);
    // Drawn beside all else, so that the other seeds stand for what they stood for.
    let (mut of_meshes, mut of_names) = (Random::new(seed, 2), Random::new(seed, 3));
    let plan = match shape {
        Shape::Mesh(nodes) => {
            let mut plan = Plan::mesh(&mut random, nodes);
            let script = script::write_mesh(&mut plan, &mut random, &mut of_names);
            return (plan, script);
        }
        Shape::Any if of_meshes.chance(MESHES) => Plan::mesh(&mut random, of_meshes.range(3, 6) as usize),
        Shape::Any => Plan::new(&mut random, None),
        Shape::Nodes(nodes) => Plan::new(&mut random, Some(nodes)),
    };
    let mut script = script::write(&plan, &mut random);
    script::write_names(&plan, &mut of_names, &mut script);
    (plan, script)
}

/// Meshes among a thousand seeds.
const MESHES: u64 = 150;

struct Played {
    coverage: Coverage,
    completed: Vec<u64>,
    trace: Trace,
    violation: Option<Violation>,
}

fn play(seed: u64, plan: &Plan, script: &Script, trace: Trace) -> Played {
    let mut cluster = Cluster::new(plan, script, seed, trace);
    let played = catch_unwind(AssertUnwindSafe(|| cluster.play()));
    let violation = match played {
        Ok(kept) => kept.err().map(|violation| *violation),
        Err(panic) => Some(Violation { invariant: "nothing panics", detail: text_of(&*panic) }),
    };
    let Cluster { coverage, completed, trace, .. } = cluster;
    Played { coverage, completed, trace, violation }
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
