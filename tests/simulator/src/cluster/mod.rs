//! The cluster: virtual time, its nodes, and the order in which things happen.

mod acts;
mod blame;
mod connection;
mod driver;
mod faults;
mod node;
mod rest;
mod table;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::hash::{Hash, Hasher};
use std::num::NonZeroU64;

use rustc_hash::FxHasher;
use snow_dist_runtime::core::peers::Sign;
use snow_dist_runtime::core::{Cookie, Cookies, NodeNumber};

use crate::coverage::{Coverage, Of};
use crate::oracle::{Checked, Joint, Truth, check};
use crate::plan::{Plan, SECOND};
use crate::random::Random;
use crate::script::{Act, Script};
use crate::trace::Trace;
use crate::wire::{NEVER, Time};
use connection::{Came, Connection, DIALLED, Over, Stage};
use node::Node;
use table::Seen;

/// How often a dial is made again that has lost to another connection, as in `net/mod.rs`.
const ELECTIONS_MAX: u8 = 5;

/// How much longer than silence takes to be noticed a cluster may take to come to rest: nodes stand still and
/// connections stall for some time after the last fault, and a slow one has much to carry.
const SETTLING_MAX: Time = 3_000 * SECOND;
const SETTLING_STEP: Time = 20 * SECOND;

/// What happens at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Step {
    /// Of the script.
    Act(u32),
    /// An end of a connection runs.
    Turn {
        connection: u32,
        end: u8,
    },
    /// TCP and TLS are up, at the one who dialled and at the one who accepts.
    Connect {
        connection: u32,
    },
    Accept {
        connection: u32,
    },
    Late {
        connection: u32,
        end: u8,
        is_ack: bool,
    },
    /// What crossed a session is told, and then that it is over.
    Deliver {
        connection: u32,
        end: u8,
    },
    Told {
        connection: u32,
        end: u8,
    },
    Tell {
        node: u32,
        start: u32,
        local: u32,
    },
    TryAgain {
        connection: u32,
        end: u8,
    },
    Dial {
        node: u32,
        peer: u32,
        elections: u8,
    },
    Boot {
        node: u32,
        same_creation: bool,
    },
}

/// A run.
pub(crate) struct Cluster<'p> {
    plan: &'p Plan,
    now: Time,
    queue: BinaryHeap<Reverse<(Time, u64, Step)>>,
    pushed: u64,
    nodes: Vec<Node>,
    /// The incarnation of each start of any node.
    starts: Vec<NonZeroU64>,
    /// All there ever were; those that are over are taken out.
    connections: Vec<Option<Box<Connection>>>,
    joints: Vec<Option<Box<Joint>>>,
    live: BTreeSet<u32>,
    /// The connection that is taken out of its place, since one of its ends runs.
    current: u32,
    truth: Truth,
    seen: Vec<Seen>,
    /// Starts that node tables have named to a node, with the numbers they have there.
    heard: Vec<(NodeNumber, NonZeroU64)>,
    cookies: Cookies,
    random: Random,
    pub(crate) coverage: Coverage,
    pub(crate) trace: Trace,
}

/// What is to be done when a connection is in its place again.
enum After {
    Nothing,
    Came(Came),
}

impl<'p> Cluster<'p> {
    pub(crate) fn new(plan: &'p Plan, seed: u64, trace: Trace) -> Self {
        let cookie = Cookie::new(*b"all nodes of the cluster have it");
        let cookies: Cookies =
            cookie.map(Into::into).unwrap_or_else(|_| unreachable!("it is neither empty nor holds a zero"));
        let mut cluster = Self {
            plan,
            now: 0,
            queue: BinaryHeap::new(),
            pushed: 0,
            nodes: Vec::new(),
            starts: Vec::new(),
            connections: Vec::new(),
            joints: Vec::new(),
            live: BTreeSet::new(),
            current: 0,
            truth: Truth::default(),
            seen: Vec::new(),
            heard: Vec::new(),
            cookies,
            random: Random::new(seed, 1),
            coverage: Coverage::default(),
            trace,
        };
        for node in 0..plan.nodes.len() {
            let random = Random::new(seed, 100 + node as u64);
            let node = cluster.first_start(node, random);
            cluster.nodes.push(node);
        }
        cluster
    }

    /// Plays a script, lets everything come to rest, and ends all processes.
    pub(crate) fn play(&mut self, script: &Script) -> Checked {
        for (number, (at, _)) in script.iter().enumerate() {
            self.push(*at, Step::Act(number as u32));
        }
        self.run(script, self.plan.span)?;
        self.make_up();
        self.settle(script, Self::is_at_rest)?;
        self.end_all()?;
        self.settle(script, Self::is_empty)
    }

    /// Lets time go on until something holds.
    fn settle(&mut self, script: &Script, holds: fn(&Self) -> Checked) -> Checked {
        self.run(script, self.now + self.plan.settling())?;
        let latest = self.now + SETTLING_MAX;
        while self.now < latest && holds(self).is_err() {
            self.run(script, self.now + SETTLING_STEP)?;
        }
        holds(self)
    }

    fn run(&mut self, script: &Script, until: Time) -> Checked {
        while let Some(Reverse((at, number, step))) = self.queue.pop() {
            if at > until {
                self.queue.push(Reverse((at, number, step)));
                break;
            }
            self.now = at;
            if let Some(later) = self.stands_still(&step) {
                self.push(later, step);
                continue;
            }
            self.trace.mix(at, &step);
            self.step(script, step)?;
        }
        self.now = until;
        Ok(())
    }

    /// When a node that stands still goes on, if it is one that would take the step.
    fn stands_still(&self, step: &Step) -> Option<Time> {
        let of_end = |connection: u32, end: u8| {
            self.connections[connection as usize].as_ref().map(|it| it.ends[usize::from(end)].node)
        };
        let node = match *step {
            Step::Turn { connection, end } | Step::Late { connection, end, .. } => of_end(connection, end)?,
            Step::Deliver { connection, end } | Step::Told { connection, end } => of_end(connection, end)?,
            Step::TryAgain { connection, end } => of_end(connection, end)?,
            Step::Connect { connection } => of_end(connection, 0)?,
            Step::Accept { connection } => of_end(connection, 1)?,
            Step::Tell { node, .. } | Step::Dial { node, .. } => node as usize,
            Step::Act(_) | Step::Boot { .. } => return None,
        };
        let until = self.nodes[node].stands_until;
        (until > self.now).then_some(until)
    }

    fn step(&mut self, script: &Script, step: Step) -> Checked {
        match step {
            Step::Act(number) => self.perform(&script[number as usize].1),
            Step::Turn { connection, end } => {
                let end = usize::from(end);
                let Some(it) = &mut self.connections[connection as usize] else { return Ok(()) };
                // Another one was found to be due earlier, and has been taken.
                if it.ends[end].turn_at > self.now {
                    return Ok(());
                }
                it.ends[end].turn_at = NEVER;
                self.turn(connection, end)
            }
            Step::Connect { connection } => self.connect(connection),
            Step::Accept { connection } => self.accept(connection),
            Step::Late { connection, end, is_ack } => self.late(connection, usize::from(end), is_ack),
            Step::Deliver { connection, end } => {
                self.end_session(connection, usize::from(end))?;
                if let Some(it) = &self.connections[connection as usize] {
                    self.soon(it.ends[usize::from(end)].node, Step::Told { connection, end });
                }
                Ok(())
            }
            Step::Told { connection, end } => self.told(connection, usize::from(end)),
            Step::Tell { node, start, local } => self.tell(node as usize, start, local),
            Step::TryAgain { connection, end } => self.try_again(connection, usize::from(end)),
            Step::Dial { node, peer, elections } => self.dial(node as usize, peer as usize, elections),
            Step::Boot { node, same_creation } => {
                self.boot(node as usize, same_creation);
                Ok(())
            }
        }
    }

    fn perform(&mut self, act: &Act) -> Checked {
        let running = |node: u8| self.nodes[usize::from(node)].stands_until <= self.now;
        match *act {
            Act::Process { who, whom, does, dice } if running(who.node) => self.act(who, whom, does, dice)?,
            Act::Flood { who, whom, count, bytes } if running(who.node) => {
                self.coverage.count(Of::FaultStep);
                self.coverage.count(Of::Flood);
                self.flood(who, whom, count, bytes)?;
            }
            Act::Process { .. } | Act::Flood { .. } => {}
            Act::Dial { node, peer } => self.dial_if_running(node, peer)?,
            Act::BothDial { node, peer } => {
                self.coverage.count(Of::FaultStep);
                self.coverage.count(Of::BothDial);
                self.dial_if_running(node, peer)?;
                self.dial_if_running(peer, node)?;
            }
            Act::Disconnect { node, peer } => self.disconnect(usize::from(node), usize::from(peer)),
            Act::Cut { node, peer, dice } => self.cut(usize::from(node), usize::from(peer), dice)?,
            Act::Silence { node, peer, dice } => self.silence(usize::from(node), usize::from(peer), dice),
            Act::Stall { node, peer, time, dice } => {
                self.stall(usize::from(node), usize::from(peer), time, dice)
            }
            Act::Slow { node, peer, dice } => self.slow(usize::from(node), usize::from(peer), dice),
            Act::Restart { node, down, dice } => self.restart(usize::from(node), down, dice)?,
            Act::Suspend { node, time, clock } => self.suspend(usize::from(node), time, clock),
            Act::MassEnd { node, permille, dice } => self.mass_end(usize::from(node), permille, dice)?,
        }
        Ok(())
    }

    fn dial_if_running(&mut self, node: u8, peer: u8) -> Checked {
        let (node, peer) = (usize::from(node), usize::from(peer));
        if self.nodes[node].stands_until > self.now {
            return Ok(());
        }
        self.dial(node, peer, 0)
    }

    /// One turn of an end, and what comes of it for its node.
    fn turn(&mut self, connection: u32, end: usize) -> Checked {
        let Some(mut it) = self.connections[connection as usize].take() else { return Ok(()) };
        self.current = connection;
        let mut is_alive = false;
        let after = self.take_turn(&mut it, end, &mut is_alive);
        let (node, id, peer) = (it.ends[end].node, it.ends[end].id, it.ends[1 - end].node);
        self.connections[connection as usize] = Some(it);
        let after = after?;
        self.tell_of_ends(node);
        if is_alive {
            self.coverage.count(Of::Alive);
            self.nodes[node].epochs.alive(&self.plan.nodes[peer].name, id, Sign::Life);
            self.carry_out(node)?;
        }
        let After::Came(came) = after else { return Ok(()) };
        match came {
            Came::Verified(facts) => {
                self.nodes[node].epochs.verified(id, facts);
                self.carry_out(node)?;
                self.wake_now(connection, end);
                Ok(())
            }
            Came::Acked(facts) => {
                self.nodes[node].epochs.acked(id, facts);
                self.carry_out(node)
            }
            Came::Over(over) => self.finish(connection, end, over),
            Came::Waits | Came::GoesOn | Came::Session => Ok(()),
        }
    }

    fn take_turn(&mut self, it: &mut Connection, end: usize, is_alive: &mut bool) -> Checked<After> {
        if it.ends[end].is_over() {
            return Ok(After::Nothing);
        }
        if !matches!(it.ends[end].stage, Stage::Session) {
            match self.shake_hands(it, end)? {
                Came::Session => {
                    if let Err(ending) = self.handle_arrived(it, end, is_alive)? {
                        return self.leave(it, end, &ending);
                    }
                }
                Came::Waits => {
                    let verdict_at = it.ends[end].verdict.map_or(NEVER, |(at, _)| at);
                    if matches!(it.ends[end].stage, Stage::Acked | Stage::Connecting) {
                        self.turn_at(it, end, verdict_at);
                    } else {
                        self.wait_for_bytes(it, end, verdict_at);
                    }
                    return Ok(After::Nothing);
                }
                came => return Ok(After::Came(came)),
            }
        }
        match self.drive(it, end, is_alive)? {
            Ok(due) => {
                self.wait_for_bytes(it, end, due);
                Ok(After::Nothing)
            }
            Err(ending) => self.leave(it, end, &ending),
        }
    }

    fn leave(
        &mut self,
        it: &mut Connection,
        end: usize,
        ending: &snow_dist_runtime::core::session::Ending,
    ) -> Checked<After> {
        use snow_dist_runtime::core::session::Ending;
        self.check_given_up(it, end, ending)?;
        self.take_leave(it, end, ending)?;
        let kind = match ending {
            Ending::Lost(_) => Of::EndLost,
            Ending::Closed { code, text } => {
                check(*code != 1, "our own nodes keep to the protocol", || format!("CLOSE says {text:?}"))?;
                Of::EndClosed
            }
            Ending::Silent => Of::EndSilent,
            Ending::Stuck => Of::EndStuck,
            Ending::Stopped => Of::EndStopped,
            Ending::Protocol(_)
            | Ending::AnswersUnread
            | Ending::UnlinksUnanswered
            | Ending::SignalsUntaken
            | Ending::Unused => {
                check(false, "our own nodes keep to the protocol", || ending.to_string())?;
                Of::EndLost
            }
        };
        self.coverage.count(kind);
        self.trace.note(self.now, || format!("node {} ends its session: {ending}", it.ends[end].node));
        Ok(After::Came(Came::Over(Over::Session)))
    }

    fn wait_for_bytes(&mut self, it: &mut Connection, end: usize, due: Time) {
        let arrival = it.wires[1 - end].next_arrival().unwrap_or(NEVER);
        let arrival = if arrival <= self.now { NEVER } else { arrival };
        self.turn_at(it, end, arrival.min(due));
    }

    fn turn_at(&mut self, it: &mut Connection, end: usize, at: Time) {
        let here = &mut it.ends[end];
        if at < here.turn_at {
            here.turn_at = at;
            let connection = self.current;
            self.push(at.max(self.now), Step::Turn { connection, end: end as u8 });
        }
    }

    /// The other end may have bytes to read.
    fn wake_reader(&mut self, it: &mut Connection, writer: usize) {
        if let Some(at) = it.wires[writer].next_arrival()
            && at != NEVER
            && !it.ends[1 - writer].is_over()
        {
            let node = it.ends[1 - writer].node;
            let late = self.nodes[node].lateness();
            self.turn_at(it, 1 - writer, at.max(self.now) + late);
        }
    }

    /// The other end may have room to write.
    fn wake_writer(&mut self, it: &mut Connection, reader: usize) {
        let wire = &mut it.wires[1 - reader];
        if std::mem::take(&mut wire.is_awaited) {
            let at = self.now + wire.manner.latency;
            self.turn_at(it, 1 - reader, at);
        }
    }

    /// Both ends look what has become of their wires.
    fn look(&mut self, connection: u32) {
        let Some(mut it) = self.connections[connection as usize].take() else { return };
        self.current = connection;
        for writer in 0..2 {
            self.wake_reader(&mut it, writer);
            let at = it.wires[writer].broken_at;
            if at != NEVER && !it.ends[writer].is_over() {
                self.turn_at(&mut it, writer, at.max(self.now));
            }
        }
        self.connections[connection as usize] = Some(it);
    }

    /// An end has something to write, or to hear.
    fn wake(&mut self, connection: u32, end: usize) {
        let Some(it) = &mut self.connections[connection as usize] else { return };
        let Some(driver) = &mut it.ends[end].driver else { return };
        if driver.is_idle && driver.session.has_output() {
            driver.is_idle = false;
            self.wake_now(connection, end);
        }
    }

    fn wake_now(&mut self, connection: u32, end: usize) {
        let Some(it) = &self.connections[connection as usize] else { return };
        let node = it.ends[end].node;
        let at = self.now + self.nodes[node].lateness();
        self.wake_at(connection, end, at);
    }

    fn wake_at(&mut self, connection: u32, end: usize, at: Time) {
        let Some(it) = &mut self.connections[connection as usize] else { return };
        let here = &mut it.ends[end];
        if at < here.turn_at {
            here.turn_at = at;
            self.push(at, Step::Turn { connection, end: end as u8 });
        }
    }

    fn retry(&mut self, connection: u32, end: usize) {
        self.push(self.now, Step::TryAgain { connection, end: end as u8 });
    }

    /// A task of the node does it when its turn comes.
    fn soon(&mut self, node: usize, step: Step) {
        let late = self.nodes[node].lateness();
        self.after(late, step);
    }

    fn after(&mut self, time: Time, step: Step) {
        self.push(self.now + time, step);
    }

    fn push(&mut self, at: Time, step: Step) {
        self.pushed += 1;
        self.queue.push(Reverse((at, self.pushed, step)));
    }

    /// Takes a connection out that is over at both ends.
    fn forget(&mut self, connection: u32) {
        if let Some(it) = &mut self.connections[connection as usize]
            && it.ends[DIALLED].is_closed()
            && matches!(it.ends[1 - DIALLED].stage, Stage::Connecting)
        {
            // Nobody has accepted it yet.
            it.ends[1 - DIALLED].stage = Stage::Closed;
        }
        let is_over = |it: &Connection| it.ends.iter().all(connection::End::is_closed);
        if self.connections[connection as usize].as_deref().is_some_and(is_over) {
            self.connections[connection as usize] = None;
            self.joints[connection as usize] = None;
            self.live.remove(&connection);
        }
    }
}

impl Trace {
    fn mix(&mut self, at: Time, step: &Step) {
        let mut hasher = FxHasher::default();
        (self.hash, at, step).hash(&mut hasher);
        self.hash = hasher.finish();
    }
}
