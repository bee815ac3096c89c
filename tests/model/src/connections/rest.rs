//! What must come of it when nobody does anything any more: time goes on, and everything is asked how it stands.

use std::time::Duration;

use snow_dist_runtime::core::connection::{ConnectionEvent, GiveWay};
use snow_dist_runtime::core::endpoint::Output;

use super::host::Turn;
use super::step::Step;
use super::verdict::Broken;
use super::world::{NAMES, Stage, World, address, random};

/// Longer than whatever is waited for: a session whose stream takes nothing ends 90 s after the last byte.
const LONG: Duration = Duration::from_secs(120);
/// Longer than a dial takes.
const DIAL: Duration = Duration::from_secs(20);
/// Far more than there is to do in that time.
const STEPS_MAX: usize = 1_000;

impl Turn<'_> {
    /// What comes out wrong when whoever is held up runs again and time goes on.
    pub fn wrong_in_the_end(mut self) -> Option<Broken> {
        for node in 0..self.world.nodes.len() {
            self.take(Step::Run { node });
        }
        self.go_on(LONG);
        if let Some(broken) = self.wrong_now() {
            return Some(broken);
        }
        self.dial_whoever_has_no_session();
        self.world.broken
    }

    fn go_on(&mut self, time: Duration) {
        let until = self.world.now + time;
        for _ in 0..STEPS_MAX {
            let mut steps = Vec::new();
            self.world.own_steps(&mut steps);
            if self.world.broken.is_some() {
                return;
            } else if let Some(step) = steps.first() {
                self.take(*step);
            } else if self.world.now < until {
                self.world.left.passes = 1;
                self.take(Step::Pass { seconds: time.as_secs() });
            } else {
                return;
            }
        }
        self.breaks(Broken::Forever);
    }

    fn wrong_now(&self) -> Option<Broken> {
        let world = &self.world;
        // One that was cut before it was accepted is never seen there.
        let is_settled = |stage| matches!(stage, Stage::Session | Stage::Over | Stage::Absent);
        let is_left = world.wires.iter().flat_map(|wire| &wire.ends).any(|end| !is_settled(end.stage));
        let nodes = || 0..world.nodes.len();
        let pairs = || nodes().flat_map(|node| (0..NAMES.len()).map(move |name| (node, name)));
        let is_missing =
            |(node, name): (usize, usize)| world.wanted[node][name] && world.session(node, name).is_none();
        if world.broken.is_some() {
            world.broken
        } else if is_left {
            Some(Broken::Forever)
        } else if pairs().any(|(node, name)| disagrees(world, node, name)) {
            Some(Broken::Disagree)
        } else if !world.has_namesakes() && pairs().any(is_missing) {
            Some(Broken::Unreached)
        } else if pairs().any(|(node, name)| self.is_unkept(node, name)) {
            Some(Broken::Unkept)
        } else if nodes().any(|node| has_leftovers(world, node)) {
            Some(Broken::Leftover)
        } else {
            None
        }
    }

    /// A node keeps a name connected whose node runs, and has no session with it.
    fn is_unkept(&self, node: usize, name: usize) -> bool {
        let world = &self.world;
        let runs = world.nodes.iter().any(|other| other.name == name && !other.is_stopped);
        world.nodes[node].kept[name] && runs && world.session(node, name).is_none()
    }

    /// Nothing of what was before stands in the way.
    fn dial_whoever_has_no_session(&mut self) {
        if self.world.has_namesakes() {
            return;
        }
        let nodes = self.world.nodes.len();
        for (node, other) in (0..nodes).flat_map(|node| (0..node).map(move |other| (node, other))) {
            let (name, own) = (self.world.nodes[other].name, self.world.nodes[node].name);
            let can_dial = ![node, other].iter().any(|node| self.world.nodes[*node].is_stopped);
            if can_dial && self.world.session(node, name).is_none() {
                let is_dialled = self.dial(node, name);
                self.go_on(DIAL);
                let is_up =
                    self.world.session(node, name).is_some() && self.world.session(other, own).is_some();
                self.breaks_if(!is_dialled || !is_up, Broken::Leftover);
            }
        }
    }
}

impl World {
    /// Whoever takes the place of another may be refused, and has to wait.
    fn has_namesakes(&self) -> bool {
        let names: std::collections::BTreeSet<_> = self.nodes.iter().map(|node| node.name).collect();
        names.len() < self.nodes.len()
    }
}

/// What the node takes for its session with that name is none at the other end.
fn disagrees(world: &World, node: usize, name: usize) -> bool {
    let Some(id) = world.nodes[node].up[name] else { return false };
    let Some((wire, side)) = world.end_with(node, id) else { return true };
    let other = &world.wires[wire].ends[1 - side];
    let is_theirs = |there: usize| world.nodes[there].up[world.nodes[node].name] == Some(other.id);
    !(other.stage == Stage::Session && other.node.is_some_and(is_theirs))
}

/// A node that has stopped has nothing; any other gives each place to somebody.
fn has_leftovers(world: &World, node: usize) -> bool {
    let it = &world.nodes[node];
    if it.is_stopped {
        return !it.endpoint.is_empty();
    }
    let mut endpoint = it.endpoint.clone();
    (0..world.handshakes_max).any(|_| {
        let is_taken = endpoint.accept(address(None), random(0, 0), world.now).is_some();
        let mut outputs = std::iter::from_fn(|| endpoint.poll_output());
        let gives_way = |output| matches!(output, Output::Tell(_, ConnectionEvent::GiveWay(GiveWay::Place)));
        !is_taken || outputs.any(gives_way)
    })
}
