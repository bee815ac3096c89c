//! A model, explored to its bounds, and what has come of it.

use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::bounds::Bounds;
use crate::step::Step;
use crate::trace;
use crate::turn::Turn;
use crate::verdict::{Broken, Notes, Situation};
use crate::world::World;

/// A model, and what its exploration has met.
#[derive(Debug)]
pub struct Explored {
    bounds: Bounds,
    notes: Notes,
    at_rest: AtomicU64,
}

/// What an exploration has come to.
#[derive(Debug)]
pub struct Findings {
    pub states: usize,
    pub steps: usize,
    pub depth: usize,
    pub at_rest: u64,
    pub time: Duration,
    /// The property that does not hold, and what happens until it does not.
    pub broken: Option<(Broken, Vec<String>)>,
    /// What had to come about and has not.
    pub unreached: Vec<Situation>,
}

impl Findings {
    /// Whether all is as the model says.
    #[must_use]
    pub fn are_as(&self, bounds: &Bounds) -> bool {
        self.broken.as_ref().map(|(broken, _)| *broken) == bounds.falls && self.unreached.is_empty()
    }
}

impl Explored {
    fn turn(&self, world: World) -> Turn<'_> {
        Turn { world, bounds: &self.bounds, notes: &self.notes }
    }

    /// The sessions that are there at first.
    fn start(&self) -> World {
        let mut turn = self.turn(World::new(&self.bounds));
        for [initiator, acceptor] in self.bounds.sessions {
            turn.world.left.dials = 1;
            assert!(turn.dial(*initiator, *acceptor), "nothing is there yet");
            loop {
                let mut steps = Vec::new();
                turn.world.own_steps(&mut steps);
                let Some(step) = steps.pop() else { break };
                assert!(turn.take(step), "it was possible");
            }
        }
        turn.world.left = self.bounds.left;
        turn.world
    }
}

impl Model for Explored {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![self.start()]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        if world.broken.is_some() {
            return;
        }
        world.own_steps(steps);
        if steps.is_empty() {
            self.at_rest.fetch_add(1, Ordering::Relaxed);
            if let Some(broken) = world.wrong_at_rest(&self.bounds) {
                return steps.push(Step::Look { broken });
            }
        }
        world.other_steps(&self.bounds, &self.notes, steps);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut turn = self.turn(world.clone());
        turn.take(step).then_some(turn.world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("no property is broken", |_, world: &World| world.broken.is_none())]
    }
}

/// Explores the model. On one thread, what falls first is always the same.
#[must_use]
pub fn explore(bounds: &Bounds, threads: usize) -> Findings {
    let started = Instant::now();
    let explored = Explored { bounds: bounds.clone(), notes: Notes::default(), at_rest: AtomicU64::new(0) };
    let checker = explored.checker().threads(threads).finish_when(HasDiscoveries::AnyFailures).spawn_bfs();
    show_progress(bounds, &checker, started);
    let checker = checker.join();
    let model = checker.model();
    let broken = checker.discoveries().into_values().next().map(|path| {
        let broken = path.last_state().broken.expect("that is what was discovered");
        (broken, trace::lines(path.into_vec()))
    });
    Findings {
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        depth: checker.max_depth(),
        at_rest: model.at_rest.load(Ordering::Relaxed),
        time: started.elapsed(),
        unreached: bounds
            .reaches
            .iter()
            .copied()
            .filter(|situation| broken.is_none() && !model.notes.has(*situation))
            .collect(),
        broken,
    }
}

/// One line that grows on a terminal, one each half minute elsewhere.
fn show_progress(bounds: &Bounds, checker: &impl Checker<Explored>, started: Instant) {
    let is_terminal = stderr().is_terminal();
    let (start, end, pause) = if is_terminal {
        ("\r\x1b[K", "", Duration::from_secs(1))
    } else {
        ("", "\n", Duration::from_secs(30))
    };
    let mut due = started + pause;
    while !checker.is_done() {
        sleep(Duration::from_millis(20));
        if Instant::now() >= due {
            due += pause;
            let (states, depth) = (checker.unique_state_count(), checker.max_depth());
            let seconds = started.elapsed().as_secs();
            eprint!("{start}  {}: {states} states, depth {depth}, {seconds} s{end}", bounds.name);
            // Progress that cannot be shown is no reason to stop.
            let _ = stderr().flush();
        }
    }
    if is_terminal {
        eprint!("{start}");
    }
}
