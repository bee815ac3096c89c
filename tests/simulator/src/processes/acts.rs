//! What processes do in sessions, and how their ends are told.

use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Pid as WirePid, stf};
use snow_dist_runtime::core::session::{NotCalled, NotMade, NotReplied, NotSent};
use snow_dist_runtime::core::{Numbers, Pid, Reason as CoreReason, Session, Term};

use super::calls::Content;
use super::table::{Held, NAMES, Table, name};
use crate::cluster::{At, Cluster, Connection, Node, Step};
use crate::coverage::Of;
use crate::oracle::{Checked, Reason, Who, check};
use crate::script::{Does, Slot};

/// Something a process wants of a session, which may have to wait for room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(super) start: u32,
    pub(super) local: u32,
    pub(super) held: Held,
    pub(super) want: Want,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Want {
    Send { bytes: u32 },
    SendNamed { name: u32 },
    SendTerm { dice: u64 },
    SendNamedTerm { dice: u64 },
    Call { bytes: u32, name: Option<u32>, dice: u64 },
    Reply { request: u32, bytes: u32, dice: u64 },
    MonitorNamed { name: u32 },
    Link,
    Monitor,
    Exit { dice: u64 },
}

/// What has become of a wish.
enum Became {
    Done,
    /// The queue is full.
    Waits,
    NotConnected,
}

impl Cluster<'_> {
    pub(crate) fn act(&mut self, who: Slot, whom: Slot, does: Does, dice: u64) -> Checked {
        let node = usize::from(who.node);
        let local = self.process_at(node, who.place, dice);
        if self.nodes[node].table.get(local).is_some_and(|process| process.waits) {
            return Ok(());
        }
        let want = match does {
            Does::End => {
                self.coverage.count(Of::Operation);
                self.end_process(node, local, dice);
                return Ok(());
            }
            Does::Trap => {
                self.coverage.count(Of::Operation);
                if let Some(process) = self.nodes[node].table.get(local) {
                    process.traps = !process.traps;
                }
                return Ok(());
            }
            Does::Send { bytes } => Some(Want::Send { bytes }),
            Does::SendNamed => Some(Want::SendNamed { name: name_in(dice) }),
            Does::SendTerm => Some(Want::SendTerm { dice }),
            Does::SendNamedTerm => Some(Want::SendNamedTerm { dice }),
            Does::Call { bytes } => Some(Want::Call { bytes, name: None, dice }),
            Does::CallNamed { bytes } => Some(Want::Call { bytes, name: Some(name_in(dice)), dice }),
            Does::MonitorNamed => Some(Want::MonitorNamed { name: name_in(dice) }),
            Does::Link => Some(Want::Link),
            Does::Monitor => Some(Want::Monitor),
            Does::Exit => Some(Want::Exit { dice }),
            Does::Unlink | Does::Demonitor => None,
        };
        let Some(held) = self.pid_of(node, local, whom, dice) else { return Ok(()) };
        self.coverage.count(Of::Operation);
        self.trace.note(self.now, || {
            format!("node {node} process {local} does {does:?} to {} of node {}", held.who, held.node)
        });
        match want {
            Some(want) => self.want(node, Wish { start: self.nodes[node].start, local, held, want }),
            None if does == Does::Unlink => self.unlink(node, local, held),
            None => self.demonitor(node, local, dice),
        }
    }

    /// Who has the place; if nobody lives there, a new process.
    pub(crate) fn process_at(&mut self, node: usize, place: u16, dice: u64) -> u32 {
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
        let at = self.nodes[node].watched[peer]?;
        let it = self.connections[at.connection as usize].as_ref()?;
        let (known, start) = (it.ends[at.end()].peer?, it.ends[at.other().end()].start);
        let present = self.nodes[peer].table.at(whom.place).filter(|_| self.nodes[peer].start == start);
        // Some have never been.
        let local = if dice.is_multiple_of(64) { 100_000 } else { present.unwrap_or(1 + dice as u32 % 8) };
        let pid = Pid::new(known.node(), known.creation(), u64::from(local));
        Some(Held { pid, who: Who { start, local }, node: peer })
    }

    pub(super) fn want(&mut self, node: usize, wish: Wish) -> Checked {
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
        let (ours, theirs) = (u64::from(local), held.pid.local());
        let Some((at, it)) = route(&mut self.connections, &self.nodes[node], held.pid) else {
            return Ok(Became::NotConnected);
        };
        let Connection { ends, joint, .. } = it;
        let (end, here) = (at.end(), &mut ends[at.end()]);
        let Some(engine) = &mut here.engine else { return Ok(Became::NotConnected) };
        // A link that is there has its exit signal when the session ends, and no second one now.
        let is_linked = engine.session().is_some_and(|session| session.is_linked(ours, theirs));
        let Some(session) = engine.open_session() else {
            let is_made = is_linked && matches!(want, Want::Link);
            return Ok(if is_made { Became::Done } else { Became::NotConnected });
        };
        if !session.has_room() {
            here.is_full = true;
            here.waiting.push_back(*wish);
            return Ok(Became::Waits);
        }
        let place = &mut self.nodes[node];
        let from = Who { start: place.start, local };
        let ends = (local, held.who.local);
        let (table, numbers) = (&mut place.table, place.endpoint.numbers());
        match want {
            Want::Send { bytes } => {
                let number = self.truth.message(from, Some(held.who), bytes.max(4));
                match session.send(ours, theirs, &body(number, bytes)) {
                    Ok(()) => {
                        self.coverage.count(Of::Sent);
                        joint.send(end, ends, number);
                    }
                    Err(_) => self.coverage.count(Of::TooLong),
                }
            }
            Want::SendNamed { name: number } => {
                let message = self.truth.message(from, None, 40);
                let sent = session.send_named(ours, &name(number), &body(message, 40));
                check(sent.is_ok(), "a short message is taken", || format!("{sent:?}"))?;
                self.coverage.count(Of::SentNamed);
                joint.send_named(end, local, number, message);
            }
            Want::SendTerm { dice } => {
                let about = table.about(local, held, dice);
                let number = self.truth.message(from, Some(held.who), TERM_BYTES);
                self.truth.tells(number, joint.known(about.who));
                introduce_node(session, about.pid, numbers);
                let sent = term(number, about.pid).map(|mut term| session.send_term(ours, theirs, &mut term));
                let may = joint.may_send_terms();
                let is_so = sent.as_ref().is_some_and(|sent| sent.is_ok() == may);
                check(is_so, LACKS, || format!("{sent:?}"))?;
                if may {
                    self.coverage.count(Of::Terms);
                    joint.send(end, ends, number);
                }
            }
            Want::SendNamedTerm { dice } => {
                let about = table.about(local, held, dice);
                let (message, number) = (self.truth.message(from, None, TERM_BYTES), name_in(dice));
                self.truth.tells(message, joint.known(about.who));
                introduce_node(session, about.pid, numbers);
                let may = joint.may_name();
                let sent = term(message, about.pid)
                    .map(|mut term| session.send_named_term(ours, &name(number), &mut term));
                let is_so = sent.as_ref().is_some_and(|sent| sent.is_ok() == may);
                check(is_so, LACKS, || format!("{sent:?}"))?;
                if may {
                    self.coverage.count(Of::NamedTerms);
                    joint.send_named(end, local, number, message);
                }
            }
            Want::Call { bytes, name: named, dice } => {
                let about = table.about(local, held, dice);
                let Some(process) = table.living(local) else { return Ok(Became::Done) };
                process.attach(at);
                let meant = if named.is_none() { Some(held.who) } else { None };
                let mut content = Content::new(bytes, about, dice);
                let number = self.truth.message(from, meant, content.bytes());
                if content.has_pid() {
                    self.truth.tells(number, joint.known(about.who));
                    introduce_node(session, about.pid, numbers);
                }
                let reference = joint.next_reference(end);
                let term = content.term(number);
                let called = match named {
                    None => session.call(ours, theirs, reference, term),
                    Some(number) => session.call_named(ours, &name(number), reference, term),
                };
                match called {
                    Ok(()) => {
                        check(joint.may_call(), LACKS, || "a call is made".into())?;
                        self.coverage.count(if named.is_some() { Of::CallNamed } else { Of::CallMade });
                        joint.call(end, ends, named, reference, number);
                        self.give_up_later(node, at, reference, dice);
                    }
                    Err(NotCalled::NotSent(NotSent::Lacking(_))) => {
                        check(!joint.may_call(), LACKS, || "a call is refused".into())?;
                    }
                    Err(NotCalled::NotSent(_)) => self.coverage.count(Of::TooLong),
                    Err(_) => self.coverage.count(Of::LinksFull),
                }
            }
            Want::Reply { request, bytes, dice } => {
                let Some(asked) = table.requests.remove(&request) else { return Ok(Became::Done) };
                let callee = Who { start: place.start, local: asked.callee };
                let about = table.about(local, held, dice);
                let mut content = Content::new(bytes, about, dice);
                let number = self.truth.message(callee, Some(held.who), content.bytes());
                if content.has_pid() {
                    self.truth.tells(number, joint.known(about.who));
                    introduce_node(session, about.pid, numbers);
                }
                let (caller, reference) = (asked.caller, asked.caller.reference);
                let is_open = asked.at == at && joint.is_called(end, reference);
                let seen = session.is_called(&caller);
                let replied = session.reply(&caller, content.term(number));
                let is_so = seen == is_open && (replied == Err(NotReplied::Over)) != is_open;
                check(is_so, OPEN, || format!("{replied:?} to call {reference}, open is {is_open}"))?;
                match replied {
                    Ok(()) => joint.reply(end, reference, number),
                    Err(NotReplied::Over) => self.coverage.count(Of::ReplyRefused),
                    Err(_) => {
                        self.coverage.count(Of::ReplyTooLong);
                        session.leave_unanswered(&caller);
                        joint.leave_unanswered(end, reference);
                    }
                }
            }
            Want::MonitorNamed { name: number } => {
                let Some(process) = table.living(local) else { return Ok(Became::Done) };
                process.attach(at);
                let reference = joint.next_reference(end);
                match session.monitor_named(ours, &name(number), reference) {
                    Ok(()) => {
                        check(joint.may_name(), LACKS, || "a monitor by name is made".into())?;
                        self.coverage.count(Of::MonitorNamed);
                        joint.monitor_named(end, local, number, reference);
                        process.monitors.push((reference, held, at));
                    }
                    Err(NotMade::Lacking(_)) => {
                        check(!joint.may_name(), LACKS, || "a monitor by name is refused".into())?;
                    }
                    Err(_) => self.coverage.count(Of::LinksFull),
                }
            }
            Want::Exit { dice } => {
                let (reason, truth) = a_reason(table, local, dice);
                introduce(session, &reason, numbers);
                let may = joint.may_exit();
                let sent = session.exit(ours, theirs, &reason);
                check(sent.is_ok() == may, LACKS, || format!("{sent:?}"))?;
                if may {
                    self.coverage.count(Of::RemoteExit);
                    joint.exit(end, ends, truth);
                }
            }
            Want::Link | Want::Monitor => {
                let reference = joint.next_reference(end);
                let Some(process) = table.living(local) else { return Ok(Became::Done) };
                process.attach(at);
                let made = match want {
                    Want::Link => session.link(ours, theirs),
                    _ => session.monitor(ours, theirs, reference),
                };
                match (made, want) {
                    (Err(_), _) => self.coverage.count(Of::LinksFull),
                    (Ok(()), Want::Link) => joint.link(end, ends, &mut self.coverage),
                    (Ok(()), _) => {
                        joint.monitor(end, ends, reference);
                        process.monitors.push((reference, held, at));
                    }
                }
            }
        }
        self.wake(at);
        Ok(Became::Done)
    }

    /// There is no session: a message is dropped, a link ends at once, and a monitor likewise.
    fn not_connected(&mut self, node: usize, wish: &Wish) {
        let Wish { local, held, want, .. } = *wish;
        let table = &mut self.nodes[node].table;
        match want {
            Want::Send { .. }
            | Want::SendNamed { .. }
            | Want::SendTerm { .. }
            | Want::SendNamedTerm { .. } => {
                self.coverage.count(Of::Unsent);
            }
            Want::Reply { request, .. } => {
                table.requests.remove(&request);
            }
            Want::Link if table.living(local).is_some_and(|process| !process.traps) => {
                let here = CoreReason::linked(held.pid, &CoreReason::Noconnection);
                let truth = Reason::of(CoreReason::Noconnection).linked(held.who);
                table.end(local, here, truth);
                self.coverage.count(Of::Killed);
            }
            Want::Call { .. } => self.coverage.count(Of::CallsLost),
            Want::Link | Want::Monitor | Want::MonitorNamed { .. } | Want::Exit { .. } => {}
        }
    }

    fn unlink(&mut self, node: usize, local: u32, held: Held) -> Checked {
        if let Some((at, it)) = route(&mut self.connections, &self.nodes[node], held.pid)
            && let Some(session) = it.session(at)
        {
            session.unlink(u64::from(local), held.pid.local());
            it.joint.unlink(at.end(), (local, held.who.local), &mut self.coverage);
            self.wake(at);
        }
        Ok(())
    }

    fn demonitor(&mut self, node: usize, local: u32, dice: u64) -> Checked {
        let Some(process) = self.nodes[node].table.get(local) else { return Ok(()) };
        if process.monitors.is_empty() {
            return Ok(());
        }
        let place = (dice >> 24) as usize % process.monitors.len();
        let (reference, _, at) = process.monitors.swap_remove(place);
        self.end_monitor(at, reference)
    }

    /// A monitor or a call of that session ends, if it is not over.
    pub(crate) fn end_monitor(&mut self, at: At, reference: u64) -> Checked {
        if let Some(it) = &mut self.connections[at.connection as usize]
            && let Some(session) = it.session(at)
        {
            let (ours, theirs) = (session.demonitor(reference), it.joint.demonitor(at.end(), reference));
            check(ours == theirs, "a monitor is over once", || {
                format!("monitor {reference} is {ours}, and is {theirs} in truth")
            })?;
            self.wake(at);
        }
        Ok(())
    }

    /// A process ends by itself.
    pub(crate) fn end_process(&mut self, node: usize, local: u32, dice: u64) {
        let reason = match dice % 8 {
            0 | 1 => CoreReason::Normal,
            2 => CoreReason::Shutdown,
            3 => CoreReason::Killed,
            4 => CoreReason::custom("enough"),
            _ => CoreReason::error(["boom", "badarg", "noproc at home"][dice as usize % 3]),
        };
        if self.nodes[node].table.end(local, reason.clone(), Reason::of(reason)) {
            self.coverage.count(Of::Ended);
        }
        self.tell_of_ends(node);
    }

    /// Those who have ended begin to tell.
    pub(crate) fn tell_of_ends(&mut self, node: usize) {
        while let Some(local) = self.nodes[node].table.dying.pop() {
            self.names_ended(node, local);
            self.groups_ended(node, local);
            self.holder_ended(node, local);
            let start = self.nodes[node].start;
            self.soon(node, Step::Tell { node: node as u32, start, local });
        }
    }

    /// A process that has ended tells one of the sessions that must know.
    pub(crate) fn tell(&mut self, node: usize, start: u32, local: u32) -> Checked {
        let here = &mut self.nodes[node];
        if here.start != start || !here.is_running {
            return Ok(());
        }
        let Some(process) = here.table.get(local).filter(|process| !process.attached.is_empty()) else {
            return Ok(());
        };
        let at = process.attached.remove(0);
        let Some((reason, truth)) = &process.ended else { return Ok(()) };
        if truth.hops().len() >= 2 {
            self.coverage.count(Of::Chains);
        }
        if let Some(it) = &mut self.connections[at.connection as usize]
            && let Some(session) = it.session(at)
        {
            if session.is_tied(u64::from(local)) {
                introduce(session, reason, here.endpoint.numbers());
            }
            session.process_ended(u64::from(local), reason);
            it.joint.ended(at.end(), local, truth, &mut self.coverage);
            self.coverage.count(Of::Told);
        }
        self.wake(at);
        self.soon(node, Step::Tell { node: node as u32, start, local });
        Ok(())
    }

    /// Those who wait for room try again.
    pub(crate) fn try_again(&mut self, at: At) -> Checked {
        let Some(end) = self.end(at) else { return Ok(()) };
        let (node, start) = (end.node, end.start);
        let waiting = std::mem::take(&mut end.waiting);
        self.stir_waiting(node);
        for wish in waiting {
            if self.nodes[node].start != start || wish.start != start {
                continue;
            }
            let Some(process) = self.nodes[node].table.get(wish.local) else { continue };
            process.waits = false;
            if process.ended.is_none() {
                self.want(node, wish)?;
            }
        }
        Ok(())
    }

    /// Many messages at once.
    pub(crate) fn flood(&mut self, who: Slot, whom: Slot, count: u16, bytes: u32) -> Checked {
        self.count_fault(Of::Flood);
        for message in 0..u64::from(count) {
            self.act(who, whom, Does::Send { bytes }, message * 64)?;
        }
        Ok(())
    }

    /// What both ends of a session can.
    pub(crate) fn common(&self, one: usize, other: usize) -> Capabilities {
        self.plan.nodes[one].capabilities.intersection(self.plan.nodes[other].capabilities)
    }
}

/// Bytes of a term that holds the number of a message and a pid.
const TERM_BYTES: u32 = 21;

const OPEN: &str = "a reply is taken for a call that is open, and for no other";

const LACKS: &str = "a capability is used where both ends have it";

/// The session with a process's node, even one that is ending.
pub(super) fn route<'c>(
    connections: &'c mut [Option<Box<Connection>>],
    node: &Node,
    pid: Pid,
) -> Option<(At, &'c mut Connection)> {
    let at = *node.sessions.get(&pid.node())?;
    let it = connections[at.connection as usize].as_deref_mut()?;
    (it.ends[at.end()].peer?.creation() == pid.creation()).then_some((at, it))
}

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

/// Sees to it that the peer knows the node of a pid in a term.
fn introduce_node(session: &mut Session, pid: Pid, numbers: &Numbers) {
    session.introduce(pid.node(), || numbers.start(pid.node()).cloned());
}

/// Which name is meant.
fn name_in(dice: u64) -> u32 {
    (dice >> 40) as u32 % NAMES
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
