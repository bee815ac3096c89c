//! What goes wrong.

use crate::cluster::{At, Cluster, Connection, Step};
use crate::coverage::Of;
use crate::oracle::Checked;
use crate::plan::SECOND;
use crate::processes::Table;
use crate::script::Act;
use crate::wire::{NEVER, Time, Wire};

impl Cluster<'_> {
    pub(crate) fn count_fault(&mut self, kind: Of) {
        self.coverage.count(Of::FaultStep);
        self.coverage.count(kind);
    }

    pub(crate) fn go_wrong(&mut self, act: &Act) -> Checked {
        match *act {
            Act::Cut { node, peer, dice } => self.cut(node, peer, dice),
            Act::Silence { node, peer, dice } => {
                self.spoil(node, peer, Of::Silence, |it, _| some_wires(it, dice).for_each(Wire::silence));
            }
            Act::Stall { node, peer, time, dice } => self.spoil(node, peer, Of::Stall, |it, now| {
                some_wires(it, dice).for_each(|wire| wire.hold(now + time));
            }),
            // It has little room and takes its time from now on: so does one whose reader is slow.
            Act::Slow { node, peer, dice } => self.spoil(node, peer, Of::Slow, |it, _| {
                let manner = &mut it.wires[dice as usize % 2].manner;
                manner.rate = 20 + (dice >> 8) % 2_000;
                manner.window = 600 + (dice >> 24) as usize % 8_000;
            }),
            Act::Restart { node, down, dice } => self.restart(node.into(), down, dice),
            Act::Suspend { node, time, clock } => self.suspend(node.into(), time, clock),
            Act::MassEnd { node, permille, dice } => self.mass_end(node.into(), permille, dice),
            Act::Part { sides, time } => self.part(sides, time),
            _ => {}
        }
        Ok(())
    }

    /// The connections between two nodes that somebody still has to do with.
    fn between(&self, node: u8, peer: u8) -> Vec<u32> {
        let pair = [usize::from(node), usize::from(peer)];
        let is_between = |connection: &u32| {
            let it = self.connections[*connection as usize].as_ref();
            it.is_some_and(|it| it.ends.iter().all(|end| pair.contains(&end.node)))
        };
        self.live.iter().copied().filter(is_between).collect()
    }

    /// Something happens to all connections between two nodes of which their ends are not told.
    fn spoil(&mut self, node: u8, peer: u8, kind: Of, spoil: impl Fn(&mut Connection, Time)) {
        for connection in self.between(node, peer) {
            self.count_fault(kind);
            self.trace.note(self.now, || format!("connection {connection}: {kind:?}"));
            if let Some(it) = &mut self.connections[connection as usize] {
                it.is_faulty = true;
                spoil(it, self.now);
            }
            self.look(connection);
        }
    }

    /// A connection breaks. Of what each end has written a beginning still arrives; each notices in its own time, or
    /// not at all.
    fn cut(&mut self, node: u8, peer: u8, dice: u64) {
        let all = self.between(node, peer);
        let Some(connection) = all.get(dice as usize % all.len().max(1)).copied() else { return };
        self.count_fault(Of::Cut);
        let unseen = match (dice >> 8) % 10 {
            0..2 => [true, false],
            2..4 => [false, true],
            _ => [false, false],
        };
        if unseen != [false, false] {
            self.coverage.count(Of::CutUnseen);
        }
        self.trace.note(self.now, || format!("connection {connection} is cut"));
        let now = self.now;
        let Some(it) = &mut self.connections[connection as usize] else { return };
        it.is_faulty = true;
        for (writer, wire) in it.wires.iter_mut().enumerate() {
            let kept = (dice >> (16 + 8 * writer)) as usize % (wire.under_way() + 1);
            let later = (dice >> (32 + 8 * writer)) % (SECOND / 2);
            let at = |is_unseen: bool| if is_unseen { NEVER } else { now + later };
            wire.cut(kept, at(unseen[1 - writer]), at(unseen[writer]));
        }
        self.look(connection);
    }

    /// The nodes of two sides do not reach each other for a while. Connections between them say nothing any more.
    fn part(&mut self, sides: u64, time: Time) {
        self.count_fault(Of::Part);
        self.trace.note(self.now, || format!("the sides of {sides:b} are apart for {time} µs"));
        self.apart = (self.now + time, sides);
        for connection in self.live.clone() {
            let Some(it) = &self.connections[connection as usize] else { continue };
            let [one, other] = [it.ends[0].node, it.ends[1].node];
            if self.is_apart(one, other)
                && let Some(it) = &mut self.connections[connection as usize]
            {
                it.is_faulty = true;
                it.wires.iter_mut().for_each(Wire::silence);
                self.look(connection);
            }
        }
    }

    /// Whether two nodes do not reach each other now.
    pub(crate) fn is_apart(&self, one: usize, other: usize) -> bool {
        let (until, sides) = self.apart;
        let side = |node: usize| sides >> (node % 64) & 1;
        self.now < until && side(one) != side(other)
    }

    /// A node stands still: nothing of it runs. Its clock goes on or stands still as well.
    fn suspend(&mut self, node: usize, time: Time, with_clock: bool) {
        self.count_fault(if with_clock { Of::SuspendClock } else { Of::Suspend });
        self.trace.note(self.now, || format!("node {node} stands still for {time} µs"));
        let here = &mut self.nodes[node];
        let stands = here.stands_until.max(self.now)..self.now + time;
        if stands.is_empty() {
            return;
        }
        here.stands_until = stands.end;
        if with_clock {
            here.clock_stood += stands.end - stands.start;
        }
        here.stood.push(stands);
    }

    /// A node is gone at once, and comes back as another start of it.
    fn restart(&mut self, node: usize, down: Time, dice: u64) {
        if !self.nodes[node].is_running {
            return;
        }
        self.count_fault(Of::Restart);
        self.trace.note(self.now, || format!("node {node} is gone for {down} µs"));
        let is_silent = dice.is_multiple_of(4);
        let same_creation = dice % 16 < 6;
        if is_silent {
            self.coverage.count(Of::RestartSilent);
        }
        if same_creation {
            self.coverage.count(Of::RestartSame);
        }
        for connection in self.live.clone() {
            for end in 0..2 {
                self.abandon(At { connection, end }, node, is_silent, dice);
            }
        }
        let here = &mut self.nodes[node];
        here.is_running = false;
        here.sessions.clear();
        here.connections.clear();
        here.watched.fill(None);
        here.stands_until = 0;
        here.clock_stood = 0;
        here.table = Table::default();
        here.lost_names.clear();
        here.server = None;
        self.truth.claims.gone(here.start);
        self.truth.memberships.gone(here.start);
        self.after(down, Step::Boot { node: node as u32, same_creation });
    }

    /// An end is gone with its node.
    fn abandon(&mut self, at: At, node: usize, is_silent: bool, dice: u64) {
        let now = self.now;
        let Some(it) = &mut self.connections[at.connection as usize] else { return };
        let (end, other) = (at.end(), at.other().end());
        if it.ends[end].node != node || it.ends[end].engine.is_none() {
            return;
        }
        it.is_faulty = true;
        it.ends[end].close();
        it.joint.over(end, &mut crate::Coverage::default());
        if is_silent {
            it.wires.iter_mut().for_each(Wire::silence);
        } else {
            let kept = (dice >> 20) as usize % (it.wires[end].under_way() + 1);
            let latency = it.wires[end].manner.latency;
            it.wires[end].cut(kept, now + latency, now);
            it.wires[other].cut(0, now, now + latency);
        }
        self.look(at.connection);
        self.forget(at.connection);
    }

    /// Many processes end at once.
    fn mass_end(&mut self, node: usize, permille: u16, dice: u64) {
        if !self.nodes[node].is_running {
            return;
        }
        self.count_fault(Of::MassEnd);
        for local in self.nodes[node].table.alive() {
            if self.nodes[node].random.chance(u64::from(permille)) {
                self.end_process(node, local, dice.wrapping_add(u64::from(local)));
            }
        }
    }

    /// A program ends a session.
    pub(crate) fn disconnect(&mut self, node: usize, peer: usize) -> Checked {
        let clock = self.clock(node);
        let here = &mut self.nodes[node];
        if here.endpoint.disconnect(&self.plan.nodes[peer].name, clock) {
            if let Some(end) = here.watched[peer].and_then(|at| self.end(at)) {
                end.ends_in_order = true;
            }
            self.count_fault(Of::Disconnect);
        }
        self.carry_out(node)
    }
}

/// One direction of a connection, or both.
fn some_wires(it: &mut Connection, dice: u64) -> impl Iterator<Item = &mut Wire> {
    let spared = dice % 3;
    let which = [spared != 0, spared != 1];
    it.wires.iter_mut().zip(which).filter(|(_, is)| *is).map(|(wire, _)| wire)
}
