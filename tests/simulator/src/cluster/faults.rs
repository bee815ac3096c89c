//! What goes wrong.

use super::connection::{Connection, DIALLED, Over, Stage};
use super::table::Table;
use super::{Cluster, Step};
use crate::coverage::Of;
use crate::oracle::Checked;
use crate::plan::SECOND;
use crate::wire::{NEVER, Time, Wire};

/// Whether nobody has accepted the connection yet.
fn is_not_there(it: &Connection, end: usize) -> bool {
    end != DIALLED && matches!(it.ends[end].stage, Stage::Connecting)
}

impl Cluster<'_> {
    /// The connections between two nodes that somebody still has to do with.
    fn between(&self, node: usize, peer: usize) -> Vec<u32> {
        let is_between = |connection: &u32| {
            let Some(it) = &self.connections[*connection as usize] else { return false };
            let nodes = [it.ends[0].node, it.ends[1].node];
            nodes == [node, peer] || nodes == [peer, node]
        };
        self.live.iter().copied().filter(is_between).collect()
    }

    /// A connection breaks. Of what each end has written a beginning still arrives; each notices in its own time, or
    /// not at all.
    pub(super) fn cut(&mut self, node: usize, peer: usize, dice: u64) -> Checked {
        let all = self.between(node, peer);
        let Some(connection) = all.get(dice as usize % all.len().max(1)).copied() else { return Ok(()) };
        self.coverage.count(Of::FaultStep);
        self.coverage.count(Of::Cut);
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
        let Some(it) = &mut self.connections[connection as usize] else { return Ok(()) };
        it.is_faulty = true;
        for (writer, wire) in it.wires.iter_mut().enumerate() {
            let kept = (dice >> (16 + 8 * writer)) as usize % (wire.under_way() + 1);
            let later = (dice >> (32 + 8 * writer)) % (SECOND / 2);
            let at = |is_unseen: bool| if is_unseen { NEVER } else { now + later };
            wire.cut(kept, at(unseen[1 - writer]), at(unseen[writer]));
        }
        self.look(connection);
        Ok(())
    }

    /// One direction of a connection, or both.
    fn some_wires(&mut self, connection: u32, dice: u64) -> impl Iterator<Item = &mut Wire> {
        let spared = dice % 3;
        let which = [spared != 0, spared != 1];
        let it = self.connections[connection as usize].iter_mut();
        let wires = it.flat_map(|it| {
            it.is_faulty = true;
            &mut it.wires
        });
        wires.zip(which).filter(|(_, is)| *is).map(|(wire, _)| wire)
    }

    /// Nothing that is written in one direction, or in both, arrives any more.
    pub(super) fn silence(&mut self, node: usize, peer: usize, dice: u64) {
        for connection in self.between(node, peer) {
            self.coverage.count(Of::FaultStep);
            self.coverage.count(Of::Silence);
            self.trace.note(self.now, || format!("connection {connection} falls silent"));
            self.some_wires(connection, dice).for_each(Wire::silence);
        }
    }

    /// Nothing arrives for a while, in one direction or both.
    pub(super) fn stall(&mut self, node: usize, peer: usize, time: Time, dice: u64) {
        let until = self.now + time;
        for connection in self.between(node, peer) {
            self.coverage.count(Of::FaultStep);
            self.coverage.count(Of::Stall);
            self.trace.note(self.now, || format!("connection {connection} stalls for {time} µs"));
            self.some_wires(connection, dice).for_each(|wire| wire.hold(until));
            self.look(connection);
        }
    }

    /// A connection has little room and takes its time from now on: so does one whose reader is slow.
    pub(super) fn slow(&mut self, node: usize, peer: usize, dice: u64) {
        for connection in self.between(node, peer) {
            self.coverage.count(Of::FaultStep);
            self.coverage.count(Of::Slow);
            if let Some(it) = &mut self.connections[connection as usize] {
                it.is_faulty = true;
                let wire = &mut it.wires[dice as usize % 2];
                wire.manner.rate = 20 + (dice >> 8) % 2_000;
                wire.manner.window = 600 + (dice >> 24) as usize % 8_000;
            }
        }
    }

    /// A node stands still: nothing of it runs. Its clock goes on or stands still as well.
    pub(super) fn suspend(&mut self, node: usize, time: Time, with_clock: bool) {
        self.coverage.count(Of::FaultStep);
        self.coverage.count(if with_clock { Of::SuspendClock } else { Of::Suspend });
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
    pub(super) fn restart(&mut self, node: usize, down: Time, dice: u64) -> Checked {
        if !self.nodes[node].is_running {
            return Ok(());
        }
        self.coverage.count(Of::FaultStep);
        self.coverage.count(Of::Restart);
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
            self.abandon(connection, node, is_silent, dice);
        }
        let here = &mut self.nodes[node];
        here.is_running = false;
        here.up.clear();
        here.ending.clear();
        here.by_id.clear();
        here.watched.fill(None);
        here.stands_until = 0;
        here.clock_stood = 0;
        here.table = Table::default();
        self.after(down, Step::Boot { node: node as u32, same_creation });
        Ok(())
    }

    /// An end is gone with its node.
    fn abandon(&mut self, connection: u32, node: usize, is_silent: bool, dice: u64) {
        let now = self.now;
        let Some(it) = &mut self.connections[connection as usize] else { return };
        for end in 0..2 {
            if it.ends[end].node != node || it.ends[end].is_closed() || is_not_there(it, end) {
                continue;
            }
            it.is_faulty = true;
            it.ends[end].stage = Stage::Closed;
            it.ends[end].driver = None;
            if let Some(joint) = &mut self.joints[connection as usize] {
                joint.over(end, &mut crate::Coverage::default());
            }
            if is_silent {
                it.wires[end].silence();
                it.wires[1 - end].silence();
            } else {
                let kept = (dice >> 20) as usize % (it.wires[end].under_way() + 1);
                let latency = it.wires[end].manner.latency;
                it.wires[end].cut(kept, now + latency, now);
                it.wires[1 - end].cut(0, now, now + latency);
            }
        }
        self.look(connection);
        self.forget(connection);
    }

    /// Many processes end at once.
    pub(super) fn mass_end(&mut self, node: usize, permille: u16, dice: u64) -> Checked {
        if !self.nodes[node].is_running {
            return Ok(());
        }
        self.coverage.count(Of::FaultStep);
        self.coverage.count(Of::MassEnd);
        for local in self.nodes[node].table.alive() {
            if self.nodes[node].random.chance(u64::from(permille)) {
                self.end_process(node, local, dice.wrapping_add(u64::from(local)))?;
            }
        }
        Ok(())
    }

    /// A program ends a session.
    pub(super) fn disconnect(&mut self, node: usize, peer: usize) {
        let Some((connection, end)) = self.nodes[node].watched[peer] else { return };
        self.coverage.count(Of::FaultStep);
        self.coverage.count(Of::Disconnect);
        if let Some(it) = &mut self.connections[connection as usize]
            && let Some(driver) = &mut it.ends[end].driver
        {
            driver.stop(0, "disconnected", 5 * SECOND);
            self.wake_now(connection, end);
        }
    }

    /// The time of a handshake has passed.
    pub(super) fn late(&mut self, connection: u32, end: usize, is_ack: bool) -> Checked {
        // What has arrived counts.
        self.turn(connection, end)?;
        let Some(it) = &self.connections[connection as usize] else { return Ok(()) };
        let is_late = match &it.ends[end].stage {
            Stage::ExpectName(_) | Stage::ExpectReply(_) => true,
            Stage::Connecting | Stage::ExpectChallenge(_) => end == DIALLED,
            Stage::ExpectAck(_) => is_ack,
            _ => false,
        };
        if !is_late {
            return Ok(());
        }
        if let Some(look_at) = self.look_at_handshake(connection, end) {
            self.push(look_at, Step::Late { connection, end: end as u8, is_ack });
        } else {
            self.check_late(connection, end)?;
            self.coverage.count(if end == DIALLED { Of::DialLate } else { Of::AcceptLate });
            self.finish(connection, end, Over::Late)?;
        }
        Ok(())
    }
}
