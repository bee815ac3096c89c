//! What processes do, by the routes of `net/routes.rs`, and how their ends are told.

use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Pid as WirePid, stf};
use snow_dist_runtime::core::{Numbers, Pid, Reason as CoreReason, Session, Term};

use super::table::{Held, NAMES, Table, name};
use super::{Cluster, Step};
use crate::coverage::Of;
use crate::oracle::{Checked, Reason, Who, check};
use crate::script::{Does, Slot};

/// Something a process wants of a session, which may have to wait for room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    start: u32,
    local: u32,
    held: Held,
    want: Want,
}

#[derive(Clone, Copy, Debug)]
enum Want {
    Send { bytes: u32 },
    SendNamed { name: u32 },
    Link,
    Monitor,
    Exit { dice: u64 },
    SendTerm { dice: u64 },
}

/// What has become of a wish.
enum Became {
    Done,
    /// The queue is full.
    Waits,
    NotConnected,
}

/// A session, by its connection and the end that is here.
type Route = (u32, usize);

impl Cluster<'_> {
    pub(super) fn act(&mut self, who: Slot, whom: Slot, does: Does, dice: u64) -> Checked {
        let node = usize::from(who.node);
        if !self.nodes[node].is_running {
            return Ok(());
        }
        let local = self.process_at(node, who.place, dice);
        if self.nodes[node].table.get(local).is_some_and(|process| process.waits) {
            return Ok(());
        }
        match does {
            Does::End => {
                self.coverage.count(Of::Operation);
                return self.end_process(node, local, dice);
            }
            Does::Trap => {
                self.coverage.count(Of::Operation);
                if let Some(process) = self.nodes[node].table.get(local) {
                    process.traps = !process.traps;
                }
                return Ok(());
            }
            _ => {}
        }
        let Some(held) = self.pid_of(node, local, whom, dice) else { return Ok(()) };
        self.coverage.count(Of::Operation);
        if self.trace.is_on() {
            let text =
                format!("node {node} process {local} does {does:?} to {} of node {}", held.who, held.node);
            self.trace.say(self.now, text);
        }
        let wish = |want| Wish { start: self.nodes[node].start, local, held, want };
        match does {
            Does::Send { bytes } => self.want(node, wish(Want::Send { bytes })),
            Does::SendNamed => {
                let want = Want::SendNamed { name: (dice >> 40) as u32 % NAMES };
                self.want(node, wish(want))
            }
            Does::Link => self.want(node, wish(Want::Link)),
            Does::Monitor => self.want(node, wish(Want::Monitor)),
            Does::Unlink => self.unlink(node, local, held),
            Does::Demonitor => self.demonitor(node, local, dice),
            Does::SendTerm => self.want(node, wish(Want::SendTerm { dice })),
            Does::Exit => self.want(node, wish(Want::Exit { dice })),
            Does::End | Does::Trap => Ok(()),
        }
    }

    /// Who has the place; if nobody lives there, a new process.
    fn process_at(&mut self, node: usize, place: u16, dice: u64) -> u32 {
        let table = &mut self.nodes[node].table;
        if let Some(local) = table.at(place).filter(|local| table.is_alive(*local)) {
            return local;
        }
        let local = table.start(dice % 10 < 3);
        table.take_place(place, local);
        if dice.is_multiple_of(7) {
            table.names[(dice >> 8) as usize % NAMES as usize] = local;
        }
        self.coverage.count(Of::Started);
        local
    }

    /// A pid that the process has of whoever is at that place: mostly the present one, if there is a session.
    fn pid_of(&mut self, node: usize, local: u32, whom: Slot, dice: u64) -> Option<Held> {
        let peer = usize::from(whom.node);
        let fresh = self.fresh_pid(node, whom, dice >> 16);
        let process = self.nodes[node].table.get(local)?;
        let known: Vec<_> = process.held.iter().copied().filter(|held| held.node == peer).collect();
        let held = match fresh {
            Some(fresh) if dice % 8 < 6 || known.is_empty() => fresh,
            _ => *known.get((dice >> 24) as usize % known.len().max(1))?,
        };
        process.hold(held);
        if held.who.start != self.nodes[peer].start {
            self.coverage.count(Of::StaleUsed);
        }
        Some(held)
    }

    fn fresh_pid(&self, node: usize, whom: Slot, dice: u64) -> Option<Held> {
        let peer = usize::from(whom.node);
        let (connection, end) = self.nodes[node].watched[peer]?;
        let connection = self.connections[connection as usize].as_ref()?;
        let driver = connection.ends[end].driver.as_ref()?;
        let start = connection.ends[1 - end].start;
        let present = self.nodes[peer].table.at(whom.place).filter(|_| self.nodes[peer].start == start);
        // Some have never been.
        let local = if dice.is_multiple_of(64) { 100_000 } else { present.unwrap_or(1 + dice as u32 % 8) };
        let pid = Pid::new(driver.number, driver.peer_creation, u64::from(local));
        Some(Held { pid, who: Who { start, local }, node: peer })
    }

    /// The session with a process's node, even one that is ending.
    fn route(&self, node: usize, pid: Pid, even_ending: bool) -> Option<Route> {
        let here = &self.nodes[node];
        let up = here.up.get(&pid.node());
        let (connection, end) = *up.or_else(|| here.ending.get(&pid.node()).filter(|_| even_ending))?;
        let driver = self.connections[connection as usize].as_ref()?.ends[end].driver.as_ref()?;
        (driver.is_open && driver.peer_creation == pid.creation()).then_some((connection, end))
    }

    fn want(&mut self, node: usize, wish: Wish) -> Checked {
        match self.try_wish(node, &wish)? {
            Became::Done => {}
            Became::Waits => {
                self.coverage.count(Of::Waited);
                if let Some(process) = self.nodes[node].table.get(wish.local) {
                    process.waits = true;
                }
            }
            Became::NotConnected => self.not_connected(node, &wish),
        }
        self.tell_of_ends(node);
        Ok(())
    }

    fn try_wish(&mut self, node: usize, wish: &Wish) -> Checked<Became> {
        let Wish { local, held, want, .. } = *wish;
        let is_message = matches!(want, Want::Send { .. } | Want::SendNamed { .. } | Want::SendTerm { .. });
        let Some((connection, end)) = self.route(node, held.pid, !is_message) else {
            return Ok(Became::NotConnected);
        };
        let from = Who { start: self.nodes[node].start, local };
        let Some(it) = &mut self.connections[connection as usize] else { return Ok(Became::NotConnected) };
        let Some(driver) = &mut it.ends[end].driver else { return Ok(Became::NotConnected) };
        let Some(joint) = &mut self.joints[connection as usize] else { return Ok(Became::NotConnected) };
        if !driver.session.has_room() {
            driver.is_full = true;
            driver.waiting.push_back(*wish);
            return Ok(Became::Waits);
        }
        if is_message && driver.stop.is_some() {
            return Ok(Became::NotConnected);
        }
        let (here, there) = (u64::from(local), held.pid.local());
        let ends = (local, held.who.local);
        let place = &mut self.nodes[node];
        let (table, numbers) = (&mut place.table, &place.epochs.numbers);
        match want {
            Want::Send { bytes } => {
                let number = self.truth.message(from, Some(held.who), bytes.max(4));
                let message = body(number, bytes);
                match driver.session.send(here, there, &message) {
                    Ok(()) => {
                        self.coverage.count(Of::Sent);
                        joint.send(end, ends, number);
                    }
                    Err(_) => self.coverage.count(Of::TooLong),
                }
            }
            Want::SendNamed { name: number } => {
                let message = self.truth.message(from, None, 40);
                let sent = driver.session.send_named(here, &name(number), &body(message, 40));
                check(sent.is_ok(), "a short message is taken", || format!("{sent:?}"))?;
                self.coverage.count(Of::SentNamed);
                joint.send_named(end, local, number, message);
            }
            Want::SendTerm { dice } => {
                // Of whom the term tells: somebody whom the process knows.
                let about = table.get(local).map_or(held, |process| {
                    process.held.get(dice as usize % process.held.len().max(1)).copied().unwrap_or(held)
                });
                let number = self.truth.message(from, Some(held.who), TERM_BYTES);
                self.truth.tells(number, joint.known(about.who));
                driver.session.introduce(about.pid.node(), || numbers.start(about.pid.node()).cloned());
                let sent =
                    term(number, about.pid).map(|mut term| driver.session.send_term(here, there, &mut term));
                let may = joint.may_send_terms();
                let is_so = sent.as_ref().is_some_and(|sent| sent.is_ok() == may);
                check(is_so, LACKS, || format!("{sent:?}"))?;
                if may {
                    self.coverage.count(Of::Terms);
                    joint.send(end, ends, number);
                }
            }
            Want::Exit { dice } => {
                let (reason, truth) = a_reason(table, local, dice);
                introduce(&mut driver.session, &reason, numbers);
                let may = joint.may_exit();
                let sent = driver.session.exit(here, there, &reason);
                check(sent.is_ok() == may, LACKS, || format!("{sent:?}"))?;
                if may {
                    self.coverage.count(Of::RemoteExit);
                    joint.exit(end, ends, truth);
                }
            }
            Want::Link | Want::Monitor => {
                let Some(process) = table.get(local).filter(|process| !process.is_dead) else {
                    return Ok(Became::Done);
                };
                if !process.attached.contains(&connection) {
                    process.attached.push(connection);
                }
                if matches!(want, Want::Link) {
                    match driver.session.link(here, there) {
                        Ok(()) => joint.link(end, ends, &mut self.coverage),
                        Err(_) => self.coverage.count(Of::LinksFull),
                    }
                } else {
                    table.last_reference += 1;
                    let reference = table.last_reference;
                    match driver.session.monitor(here, there, reference) {
                        Ok(()) => {
                            joint.monitor(end, ends, reference);
                            if let Some(process) = table.get(local) {
                                process.monitors.push((reference, held));
                            }
                        }
                        Err(_) => self.coverage.count(Of::LinksFull),
                    }
                }
            }
        }
        self.wake(connection, end);
        Ok(Became::Done)
    }

    /// There is no session: a message is dropped, a link ends at once, and a monitor likewise.
    fn not_connected(&mut self, node: usize, wish: &Wish) {
        let Wish { local, held, want, .. } = *wish;
        match want {
            Want::Send { .. } | Want::SendNamed { .. } | Want::SendTerm { .. } => {
                self.coverage.count(Of::Unsent);
            }
            Want::Monitor | Want::Exit { .. } => {}
            Want::Link => {
                let traps = self.nodes[node].table.get(local).is_none_or(|process| process.traps);
                if !traps {
                    let here = CoreReason::linked(held.pid, &CoreReason::Noconnection);
                    let truth = Reason::of(CoreReason::Noconnection).linked(held.who);
                    self.nodes[node].table.end(local, here, Some(truth));
                    self.coverage.count(Of::Killed);
                }
            }
        }
    }

    fn unlink(&mut self, node: usize, local: u32, held: Held) -> Checked {
        if let Some((connection, end)) = self.route(node, held.pid, true)
            && let Some(it) = &mut self.connections[connection as usize]
            && let (Some(driver), Some(joint)) =
                (&mut it.ends[end].driver, &mut self.joints[connection as usize])
        {
            driver.session.unlink(u64::from(local), held.pid.local());
            joint.unlink(end, (local, held.who.local), &mut self.coverage);
            self.wake(connection, end);
        }
        Ok(())
    }

    fn demonitor(&mut self, node: usize, local: u32, dice: u64) -> Checked {
        let Some(process) = self.nodes[node].table.get(local) else { return Ok(()) };
        if process.monitors.is_empty() {
            return Ok(());
        }
        let place = (dice >> 24) as usize % process.monitors.len();
        let (reference, held) = process.monitors.swap_remove(place);
        if let Some((connection, end)) = self.route(node, held.pid, true)
            && let Some(it) = &mut self.connections[connection as usize]
            && let (Some(driver), Some(joint)) =
                (&mut it.ends[end].driver, &mut self.joints[connection as usize])
        {
            let (ours, theirs) = (driver.session.demonitor(reference), joint.demonitor(end, reference));
            check(ours == theirs, "a monitor is over once", || {
                format!("monitor {reference} is {ours}, and is {theirs} in truth")
            })?;
            self.wake(connection, end);
        }
        Ok(())
    }

    /// A process ends by itself.
    pub(super) fn end_process(&mut self, node: usize, local: u32, dice: u64) -> Checked {
        let reason = match dice % 8 {
            0 | 1 => CoreReason::Normal,
            2 => CoreReason::Shutdown,
            3 => CoreReason::Killed,
            4 => CoreReason::custom("enough"),
            _ => CoreReason::error(["boom", "badarg", "noproc at home"][dice as usize % 3]),
        };
        if self.nodes[node].table.end(local, reason.clone(), Some(Reason::of(reason))) {
            self.coverage.count(Of::Ended);
        }
        self.tell_of_ends(node);
        Ok(())
    }

    /// Those who have ended begin to tell.
    pub(super) fn tell_of_ends(&mut self, node: usize) {
        while let Some(local) = self.nodes[node].table.dying.pop() {
            let start = self.nodes[node].start;
            self.soon(node, Step::Tell { node: node as u32, start, local });
        }
    }

    /// A process that has ended tells one of the sessions that must know.
    pub(super) fn tell(&mut self, node: usize, start: u32, local: u32) -> Checked {
        if self.nodes[node].start != start || !self.nodes[node].is_running {
            return Ok(());
        }
        let Some(process) = self.nodes[node].table.get(local) else { return Ok(()) };
        if process.attached.is_empty() {
            return Ok(());
        }
        let connection = process.attached.remove(0);
        let (Some(reason), Some(truth)) = (process.ended.clone(), process.truth.clone()) else {
            return check(false, "a process ends for a reason", || format!("process {local} of node {node}"));
        };
        if truth.hops().len() >= 2 {
            self.coverage.count(Of::Chains);
        }
        if let Some(it) = &mut self.connections[connection as usize] {
            let end = it.end_of(node, start);
            if let (Some(driver), Some(joint)) =
                (&mut it.ends[end].driver, &mut self.joints[connection as usize])
                && driver.is_open
            {
                if driver.session.is_tied(u64::from(local)) {
                    introduce(&mut driver.session, &reason, &self.nodes[node].epochs.numbers);
                }
                driver.session.process_ended(u64::from(local), &reason);
                joint.ended(end, local, &truth, &mut self.coverage);
                self.coverage.count(Of::Told);
                self.wake(connection, end);
            }
        }
        self.soon(node, Step::Tell { node: node as u32, start, local });
        Ok(())
    }

    /// Those who wait for room try again.
    pub(super) fn try_again(&mut self, connection: u32, end: usize) -> Checked {
        let Some(it) = &mut self.connections[connection as usize] else { return Ok(()) };
        let (node, start) = (it.ends[end].node, it.ends[end].start);
        let Some(driver) = &mut it.ends[end].driver else { return Ok(()) };
        for wish in std::mem::take(&mut driver.waiting) {
            if self.nodes[node].start != start || wish.start != start {
                continue;
            }
            let Some(process) = self.nodes[node].table.get(wish.local) else { continue };
            process.waits = false;
            if !process.is_dead {
                self.want(node, wish)?;
            }
        }
        Ok(())
    }

    /// Many messages at once.
    pub(super) fn flood(&mut self, who: Slot, whom: Slot, count: u16, bytes: u32) -> Checked {
        for message in 0..u64::from(count) {
            self.act(who, whom, Does::Send { bytes }, message * 64)?;
        }
        Ok(())
    }

    /// What both ends of a session can.
    pub(super) fn common(&self, one: usize, other: usize) -> Capabilities {
        self.plan.nodes[one].capabilities.intersection(self.plan.nodes[other].capabilities)
    }
}

/// Bytes of a term that holds the number of a message and a pid.
const TERM_BYTES: u32 = 21;

const LACKS: &str = "a capability is used where both ends have it";

/// Sees to it that the peer knows the nodes of a reason's hops, as `runtime/src/session.rs` does.
fn introduce(session: &mut Session, reason: &CoreReason, numbers: &Numbers) {
    if let CoreReason::Linked(chain) = reason {
        for hop in &chain.hops {
            session.introduce(hop.node(), || numbers.start(hop.node()).cloned());
        }
    }
}

/// Such a term.
fn term(number: u32, pid: Pid) -> Option<Term> {
    let mut bytes = Vec::new();
    let mut encoder = stf::Encoder::new(&mut bytes);
    encoder.tuple(2).ok()?;
    encoder.int(i64::from(number));
    encoder.pid(WirePid::from_bits(0));
    encoder.finish().ok()?;
    Term::new(bytes, &[pid]).ok()
}

/// A reason that a program gives an exit signal: sometimes with a hop that need not have to do with it.
fn a_reason(table: &mut Table, local: u32, dice: u64) -> (CoreReason, Reason) {
    let root = [CoreReason::Normal, CoreReason::Killed, CoreReason::error("go"), CoreReason::Shutdown];
    let root = root[(dice >> 12) as usize % 4].clone();
    let held = table.get(local).and_then(|process| process.held.first()).filter(|_| dice.is_multiple_of(2));
    match held {
        Some(held) => (CoreReason::linked(held.pid, &root), Reason::of(root).linked(held.who)),
        None => (root.clone(), Reason::of(root)),
    }
}

/// The bytes of a message: its number, and what fills it.
fn body(number: u32, bytes: u32) -> Vec<u8> {
    let mut body = vec![0xA5; bytes.max(4) as usize];
    body[..4].copy_from_slice(&number.to_le_bytes());
    body
}
