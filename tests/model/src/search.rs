//! Models that are Stateright's own: explored, and what holds is said.

use std::fmt::Debug;
use std::hash::Hash;
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

/// How far a model is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// What mutants are held against: seconds. Situations need not come about.
    Small,
    /// What every change is held against.
    Usual,
    /// Minutes, and gigabytes.
    Deep,
}

/// What is said of a model beside its counts.
#[derive(Debug)]
pub struct Words {
    pub name: &'static str,
    pub what: &'static str,
    pub bounds: String,
    /// What must hold in each state.
    pub properties: &'static [&'static str],
    /// What must come about in some state, unless the model is small.
    pub situations: &'static [&'static str],
}

/// Explores the model and says what holds. Returns how many states it has, and whether all is as it must be.
pub fn search<M>(model: M, words: &Words, size: Size, threads: usize) -> (usize, bool)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq,
{
    let started = Instant::now();
    let checker =
        model.checker().threads(threads).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let (states, steps) = (checker.unique_state_count(), checker.state_count());
    println!("{}: {}", words.name, words.what);
    println!("  bounds: {}", words.bounds);
    println!(
        "  {states} distinct states; {steps} steps, depth {}, {:.1} s",
        checker.max_depth(),
        started.elapsed().as_secs_f32()
    );
    let found = checker.discoveries();
    let broken = words.properties.iter().find(|property| found.contains_key(*property));
    let mut all_well = broken.is_none();
    if let Some(property) = broken {
        println!("  FALLS   {property}");
        for (number, (_, step)) in found[property].clone().into_vec().into_iter().enumerate() {
            println!("  {:4}  {step:?}", number + 1);
        }
    } else {
        words.properties.iter().for_each(|property| println!("  holds   {property}"));
    }
    for situation in words.situations.iter().filter(|_| broken.is_none() && size != Size::Small) {
        let is_reached = found.contains_key(situation);
        println!("  {} {situation}", if is_reached { "reached" } else { "NEVER  " });
        all_well &= is_reached;
    }
    println!();
    (states, all_well)
}
