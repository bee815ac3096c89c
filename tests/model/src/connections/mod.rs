//! The models of connections: nodes that are each an [`Endpoint`](snow_dist_runtime::core::Endpoint) with its
//! [`Connection`](snow_dist_runtime::core::Connection)s, from TCP to the last byte, and time.
//!
//! [`world`] is the state, [`step`] what can happen, [`host`] what a host does of which the engine asks it, [`time`] how
//! deadlines come; [`judge`] and [`rest`] say what must hold, [`bounds`] lists the models.

pub mod bounds;
pub mod host;
pub mod judge;
pub mod rest;
pub mod step;
pub mod time;
pub mod verdict;
pub mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model, Property};

pub use bounds::{Bounds, MODELS};
use host::Turn;
use step::Step;
use verdict::{Broken, Notes};
use world::World;

/// A model, and what its exploration has met.
#[derive(Debug)]
struct Explored {
    bounds: Bounds,
    notes: Notes,
    at_rest: AtomicU64,
}

impl Explored {
    fn turn(&self, world: World) -> Turn<'_> {
        Turn { world, bounds: &self.bounds, notes: &self.notes }
    }

    /// The sessions that are there at first.
    fn start(&self) -> World {
        let mut turn = self.turn(World::new(&self.bounds));
        for [initiator, acceptor] in self.bounds.sessions {
            let name = turn.world.nodes[*acceptor].name;
            assert!(turn.dial(*initiator, name), "nothing is there yet");
            loop {
                let mut steps = Vec::new();
                turn.world.own_steps(&mut steps);
                let Some(step) = steps.pop() else { break };
                assert!(turn.take(step), "it was possible");
            }
        }
        for [node, other] in self.bounds.kept {
            let name = turn.world.nodes[*other].name;
            turn.keep(*node, name);
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
            if let Some(broken) = self.turn(world.clone()).wrong_in_the_end() {
                return steps.push(Step::Look { broken });
            }
        }
        world.other_steps(self.bounds.spans, steps);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut turn = self.turn(world.clone());
        turn.take(step).then_some(turn.world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("no property is broken", |_, world: &World| world.broken.is_none())]
    }
}

/// Explores the model and says what holds. Returns how many states it has, and whether all is as it must be.
#[must_use]
pub fn explore(bounds: &Bounds, threads: usize) -> (usize, bool) {
    let started = Instant::now();
    let explored = Explored { bounds: bounds.clone(), notes: Notes::default(), at_rest: AtomicU64::new(0) };
    let checker = explored.checker().threads(threads).finish_when(HasDiscoveries::AnyFailures);
    let checker = checker.spawn_bfs().join();
    let (states, model) = (checker.unique_state_count(), checker.model());
    println!("{}: {}", bounds.name, bounds.what);
    println!("  bounds: {}", in_words(bounds));
    println!(
        "  {states} distinct states, {} of them at rest; {} steps, depth {}, {:.1} s",
        model.at_rest.load(Ordering::Relaxed),
        checker.state_count(),
        checker.max_depth(),
        started.elapsed().as_secs_f32()
    );
    let path = checker.discoveries().into_values().next();
    let broken = path.as_ref().and_then(|path| path.last_state().broken);
    match broken {
        Some(broken) => println!("  FALLS   {}", broken.name()),
        None => Broken::ALL.iter().for_each(|property| println!("  holds   {}", property.name())),
    }
    let mut all_well = broken.is_none();
    for situation in bounds.reaches.iter().filter(|_| broken.is_none()) {
        let is_reached = model.notes.has(*situation);
        println!("  {} {}", if is_reached { "reached" } else { "NEVER  " }, situation.name());
        all_well &= is_reached;
    }
    for (number, (_, step)) in path.into_iter().flat_map(|path| path.into_vec()).enumerate() {
        println!("  {:4}  {step:?}", number + 1);
    }
    println!();
    (states, all_well)
}

fn in_words(bounds: &Bounds) -> String {
    let mut all = vec![format!("{} nodes", bounds.names.len())];
    let left = &bounds.left;
    for (count, what) in [
        (left.dials, "dials"),
        (left.acts, "links and messages"),
        (left.cuts, "cuts"),
        (left.sticks, "streams that stick"),
        (left.hold_ups, "hold-ups"),
        (left.disconnects, "disconnects"),
        (left.stops, "stops"),
        (left.knocks, "strangers"),
        (left.trickles, "bytes of theirs"),
        (left.injections, "foreign frames"),
        (left.let_gos, "names let go of"),
    ] {
        if count > 0 {
            all.push(format!("{count} {what}"));
        }
    }
    let spans: Vec<_> = bounds.spans.iter().map(u64::to_string).collect();
    all.push(format!("{} times {} s", left.passes, spans.join(" or ")));
    all.join(", ")
}
