//! What can happen next.

use snow_dist_codec::handshake::Capabilities;

use crate::bounds::Bounds;
use crate::verdict::{Broken, Notes, Situation};
use crate::world::{Connection, Foreign, Known, PROCESSES, Phase, Tie, World};

/// One step. Connections go by their ids, ends by their side: 0 is the initiator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A session writes what is next: a signal, or the messages of a process.
    Write {
        connection: u8,
        side: usize,
    },
    /// An end reads what is next.
    Deliver {
        connection: u8,
        side: usize,
    },
    /// An end notices the cut; what it has not read is lost.
    Notice {
        connection: u8,
        side: usize,
    },
    /// The end of a session is told.
    Finish {
        connection: u8,
        side: usize,
    },
    /// A session is told of the end of a process.
    Tell {
        connection: u8,
        side: usize,
        own: usize,
    },
    /// A process acts on one of another node.
    Act {
        act: Act,
        node: usize,
        own: usize,
        known: usize,
        remote: usize,
    },
    /// The process that monitors ends that.
    Demonitor {
        connection: u8,
        side: usize,
        reference: u64,
    },
    /// Whoever has a call replies, hands it on, or lets go of it.
    Reply {
        node: usize,
        request: usize,
    },
    Delegate {
        node: usize,
        request: usize,
    },
    Drop {
        node: usize,
        request: usize,
    },
    /// The name goes to this process.
    Rename {
        node: usize,
        own: usize,
    },
    /// A process starts, whose pid others may hold already.
    Start {
        node: usize,
        own: usize,
    },
    /// A process ends.
    Exit {
        node: usize,
        own: usize,
    },
    Dial {
        node: usize,
        peer: usize,
    },
    Cut {
        connection: u8,
    },
    Restart {
        node: usize,
    },
    /// This end writes what it must not.
    Inject {
        connection: u8,
        side: usize,
        foreign: Foreign,
    },
    /// All is at rest, and something is wrong.
    Look {
        broken: Broken,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    Link,
    Unlink,
    Monitor,
    Send,
    Call,
    /// Of whoever has the name: the process in the step says nothing.
    CallName,
    MonitorName,
    /// Asks for a process: likewise.
    Spawn,
    SpawnLinked,
    SpawnMonitored,
}

impl World {
    /// What happens by itself, sooner or later.
    pub fn own_steps(&self, steps: &mut Vec<Step>) {
        for it in &self.connections {
            let connection = it.id;
            for (side, end) in it.ends.iter().enumerate() {
                if end.has_output() {
                    steps.push(Step::Write { connection, side });
                }
                let reads = !matches!(end.phase, Phase::Acked | Phase::Ending | Phase::Closed);
                if reads && !end.inbox.is_empty() {
                    steps.push(Step::Deliver { connection, side });
                }
                if reads && it.is_cut {
                    steps.push(Step::Notice { connection, side });
                }
                if end.phase == Phase::Ending {
                    steps.push(Step::Finish { connection, side });
                }
                for (own, process) in self.nodes[it.nodes[side]].processes.iter().enumerate() {
                    if end.open().is_some() && !process.lives() && process.attached >> connection & 1 == 1 {
                        steps.push(Step::Tell { connection, side, own });
                    }
                }
            }
        }
    }

    /// Whether nothing happens any more unless somebody acts, or something fails.
    pub fn is_at_rest(&self) -> bool {
        let mut steps = Vec::new();
        self.own_steps(&mut steps);
        steps.is_empty()
    }

    /// What somebody may do, and what may fail, as far as the bounds go.
    pub fn other_steps(&self, bounds: &Bounds, notes: &Notes, steps: &mut Vec<Step>) {
        for node in 0..self.nodes.len() {
            for own in 0..PROCESSES {
                if self.may_be_touched(node, own) && self.nodes[node].processes[own].lives() {
                    self.acts_of(node, own, notes, steps);
                }
                if self.left.starts > 0 && !self.nodes[node].processes[own].started {
                    steps.push(Step::Start { node, own });
                }
            }
            self.steps_with_calls(node, bounds, steps);
            for peer in (0..self.nodes.len()).filter(|peer| *peer != node) {
                if self.left.dials > 0 && bounds.dialler.is_none_or(|dialler| dialler == node) {
                    steps.push(Step::Dial { node, peer });
                }
            }
            if self.left.restarts > 0 && bounds.restarting.is_none_or(|restarting| restarting == node) {
                steps.push(Step::Restart { node });
            }
        }
        for it in &self.connections {
            if self.left.cuts > 0 && !it.is_cut {
                steps.push(Step::Cut { connection: it.id });
            }
            self.steps_on(it, bounds, steps);
        }
    }

    /// What becomes of calls, and of the name, at a node.
    fn steps_with_calls(&self, node: usize, bounds: &Bounds, steps: &mut Vec<Step>) {
        let here = &self.nodes[node];
        for (request, held) in here.requests.iter().enumerate() {
            if !here.processes[held.holder].lives() {
                continue;
            }
            steps.push(Step::Reply { node, request });
            if self.left.delegations > 0 && here.processes[1 - held.holder].lives() {
                steps.push(Step::Delegate { node, request });
            }
            if self.left.drops > 0 {
                steps.push(Step::Drop { node, request });
            }
        }
        if self.left.renames > 0 && bounds.has_name && node == 1 {
            let others =
                (0..PROCESSES).filter(|own| here.named != Some(*own) && here.processes[*own].lives());
            steps.extend(others.map(|own| Step::Rename { node, own }));
        }
    }

    fn steps_on(&self, it: &Connection, bounds: &Bounds, steps: &mut Vec<Step>) {
        for (side, end) in it.ends.iter().enumerate() {
            if self.left.demonitors > 0 {
                let demonitor = |reference| Step::Demonitor { connection: it.id, side, reference };
                steps.extend(end.watches.iter().chain(&end.calls).map(|watch| demonitor(watch.reference)));
                steps.extend(end.asked.iter().map(|asked| demonitor(asked.reference)));
            }
            if self.left.injections > 0 && end.phase == Phase::Session {
                let inject = |foreign| Step::Inject { connection: it.id, side, foreign };
                if bounds.capabilities.contains(Capabilities::CALLS) {
                    steps.extend(Foreign::OF_CALLS.map(inject));
                } else {
                    steps.extend(Foreign::ALL.map(inject));
                }
            }
        }
    }

    /// The processes of a node are alike: of those that nobody has touched, the first is taken.
    fn may_be_touched(&self, node: usize, process: usize) -> bool {
        self.nodes[node].processes[..process].iter().all(|before| before.touched)
    }

    fn acts_of(&self, node: usize, own: usize, notes: &Notes, steps: &mut Vec<Step>) {
        let left = &self.left;
        if left.exits > 0 {
            steps.push(Step::Exit { node, own });
        }
        for (known, of) in self.nodes[node].known.iter().enumerate() {
            let Some((connection, side)) = self.route(node, of) else {
                self.note_stale(node, of, notes);
                continue;
            };
            let end = &self.connections[connection].ends[side];
            let named = |act| Step::Act { act, node, own, known, remote: 0 };
            if left.named_calls > 0 && of.node == 1 {
                steps.push(named(Act::CallName));
            }
            if left.named_monitors > 0 && of.node == 1 {
                steps.push(named(Act::MonitorName));
            }
            if left.spawns > 0 && of.node == 1 {
                steps.extend([Act::Spawn, Act::SpawnLinked, Act::SpawnMonitored].map(named));
            }
            for remote in 0..PROCESSES {
                if !self.may_be_touched(of.node, remote) {
                    continue;
                }
                let tie = end.ties[own][remote];
                let act = |act| Step::Act { act, node, own, known, remote };
                if left.links > 0 && tie != Tie::Active {
                    steps.push(act(Act::Link));
                }
                if left.unlinks > 0 && tie == Tie::Active {
                    steps.push(act(Act::Unlink));
                }
                if left.monitors > 0 {
                    steps.push(act(Act::Monitor));
                }
                if left.calls > 0 {
                    steps.push(act(Act::Call));
                }
                if left.sends > 0 && end.phase == Phase::Session {
                    steps.push(act(Act::Send));
                }
            }
        }
    }

    fn note_stale(&self, node: usize, of: &Known, notes: &Notes) {
        for it in &self.connections {
            let Some(side) = it.side_of(node) else { continue };
            if let (Phase::Session, Some(peer)) = (it.ends[side].phase, &it.ends[side].peer)
                && peer.node == of.node
            {
                notes.note(Situation::StalePid);
                notes.note_if(peer.creation == of.creation, Situation::StaleEqualCreation);
            }
        }
    }

    /// The session to which a pid leads, as routes have it: one that is up, or one whose end is being told.
    pub fn route(&self, node: usize, of: &Known) -> Option<(usize, usize)> {
        let with = |phase: Phase| {
            self.connections.iter().enumerate().find_map(|(connection, it)| {
                let side = it.side_of(node)?;
                let end = &it.ends[side];
                let peer = end.peer.filter(|_| end.phase == phase)?;
                ((peer.number, peer.creation) == (of.number, of.creation)).then_some((connection, side))
            })
        };
        with(Phase::Session).or_else(|| with(Phase::Ending))
    }
}
