//! Time goes on, and with it what does not come.

use std::time::Duration;

use super::host::Turn;
use super::world::World;

/// Looks at clocks within one step: each wait has eight, and there are not that many waits at once.
const LOOKS_MAX: usize = 500;

impl World {
    /// The next deadline of a node that runs.
    fn deadline(&self) -> Option<Duration> {
        let running = || self.nodes.iter().filter(|node| node.held_up.is_none());
        let ends = self.wires.iter().flat_map(|wire| &wire.ends);
        let open = ends.filter(|end| end.is_open() && end.node.is_some_and(|node| self.runs(node)));
        let lines = open.filter_map(|end| Some(end.line.as_ref()?.connection.deadline()?.0));
        running().filter_map(|node| node.endpoint.deadline()).chain(lines).min()
    }

    fn open_ends(&self) -> usize {
        self.wires.iter().flat_map(|wire| &wire.ends).filter(|end| end.is_open()).count()
    }
}

impl Turn<'_> {
    /// Time goes on until something happens, for so many seconds at most.
    pub fn pass(&mut self, seconds: u64) {
        let until = self.world.now + Duration::from_secs(seconds);
        let open = self.world.open_ends();
        for _ in 0..LOOKS_MAX {
            let Some(next) = self.world.deadline().filter(|next| *next <= until) else {
                self.world.now = until;
                break;
            };
            self.world.now = self.world.now.max(next);
            (0..self.world.nodes.len()).for_each(|node| self.look_at_clock(node));
            if !self.world.is_at_rest() || self.world.open_ends() != open || self.world.broken.is_some() {
                break;
            }
        }
        self.judge_time();
    }

    fn look_at_clock(&mut self, node: usize) {
        if !self.world.runs(node) {
            return;
        }
        let now = self.world.now;
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        for (wire, side) in self.world.ends_of(node) {
            let end = &self.world.wires[wire].ends[side];
            let deadline = end.line.as_ref().and_then(|line| line.connection.deadline());
            if end.is_open() && is_due(deadline.map(|(at, _)| at)) {
                // Nothing has arrived that is not handled, and a driver says so.
                self.act(wire, side, |line, heard| {
                    line.inbound.receive(&[], &mut *line.connection, heard, now);
                    line.connection.handle_timeout(now);
                });
                self.settle(node);
            }
        }
        if is_due(self.world.nodes[node].endpoint.deadline()) {
            self.world.node(node).endpoint.handle_timeout(now);
            self.settle(node);
        }
    }

    pub fn hold_up(&mut self, node: usize) {
        let now = self.world.now;
        self.world.node(node).held_up = Some(now);
        for (wire, side) in self.world.ends_of(node) {
            self.world.end(wire, side).hold_ups += 1;
        }
    }

    /// It runs again. What has arrived meanwhile is read, and then it looks at its clock: nobody has answered what it says now.
    pub fn run(&mut self, node: usize) {
        let now = self.world.now;
        let Some(since) = self.world.node(node).held_up.take() else { return };
        let ends = self.world.ends_of(node);
        for (wire, side) in &ends {
            self.world.end(*wire, *side).clocks.put_off(since, now);
        }
        for (wire, side) in ends {
            while self.world.wires[wire].ends[side].can_read() {
                self.read(wire, side);
            }
        }
        self.look_at_clock(node);
    }
}
