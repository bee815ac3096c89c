//! Calls and names: what processes do with them, and what must come of it.
//!
//! For each call that arrives its end notes what has become of it ([`Answer`]): a reply, the end of the callee, or a refusal.
//! The frame that tells the other end must say the same, and there must be one.

use snow_dist_codec::stf;
use snow_dist_runtime::core::session::NotReplied;
use snow_dist_runtime::core::{Pid, Term};

use crate::turn::{Turn, local, process};
use crate::verdict::{Broken, Situation};
use crate::world::{Answer, Known, Request, Watch};

/// The name that a process of the second node has.
pub const NAME: &str = "name";

/// What stands in a request or a reply: of whom, for whom (of a name: nobody), in which start of that node, its place among
/// what the first has sent to the second, and which call it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    pub from: u8,
    pub to: u8,
    pub start: u8,
    pub number: u8,
    pub reference: u32,
}

/// For nobody in particular.
pub const NOBODY: u8 = u8::MAX;

impl Content {
    pub fn term(self) -> Term {
        let head = [self.from, self.to, self.start, self.number];
        let number = u64::from(u32::from_le_bytes(head)) | u64::from(self.reference) << 32;
        let mut bytes = Vec::new();
        let mut encoder = stf::Encoder::new(&mut bytes);
        encoder.int(number.cast_signed());
        encoder.finish().expect("a number is a term");
        Term::new(bytes, &[]).expect("it has no pids")
    }

    pub fn of(term: &[u8]) -> Self {
        let Ok((stf::Value::Int(number), _)) = stf::decode(term, snow_dist_codec::Reading::Strict) else {
            panic!("{term:?} is none of ours");
        };
        let [from, to, start, number, reference @ ..] = number.to_le_bytes();
        Self { from, to, start, number, reference: u32::from_le_bytes(reference) }
    }
}

impl Turn<'_> {
    /// The next number of a call or monitor of this end.
    pub fn next_reference(&mut self, connection: usize, side: usize) -> u64 {
        let end = self.world.end(connection, side);
        end.references += 1;
        end.references
    }

    /// Calls a process of the peer, or whoever has the name there.
    pub fn call(&mut self, connection: usize, side: usize, own: usize, remote: Option<usize>) {
        let left = &mut self.world.left;
        *if remote.is_some() { &mut left.calls } else { &mut left.named_calls } -= 1;
        self.attach(connection, side, own);
        let start = self.world.connections[connection].starts[1 - side];
        let reference = self.next_reference(connection, side);
        let number =
            remote.map_or(0, |remote| self.world.connections[connection].ends[side].sent[own][remote] + 1);
        let to = remote.map_or(NOBODY, |remote| remote as u8);
        let content = Content { from: own as u8, to, start, number, reference: reference as u32 };
        let session = self.session(connection, side);
        let called = match remote {
            Some(remote) => session.call(local(own), local(remote), reference, &mut content.term()),
            None => session.call_named(local(own), NAME, reference, &mut content.term()),
        };
        if called.is_err() {
            return self.notes.note(Situation::BoundFull);
        }
        let end = self.world.end(connection, side);
        end.calls.push(Watch { reference, own, remote });
        end.called |= 1 << reference;
        if let Some(remote) = remote {
            end.sent[own][remote] += 1;
        }
    }

    pub fn monitor_named(&mut self, connection: usize, side: usize, own: usize) {
        self.world.left.named_monitors -= 1;
        self.attach(connection, side, own);
        let reference = self.next_reference(connection, side);
        match self.session(connection, side).monitor_named(local(own), NAME, reference) {
            Ok(()) => self.world.end(connection, side).watches.push(Watch { reference, own, remote: None }),
            Err(_) => self.notes.note(Situation::BoundFull),
        }
    }

    /// A process replies to a call that it has, which may be over.
    pub fn reply(&mut self, node: usize, request: usize) {
        let Request { caller, callee, holder, is_open, .. } = self.world.node(node).requests.remove(request);
        let Some((connection, side)) = self.route_to(node, caller.pid) else {
            return self.breaks_if(is_open, Broken::ReplyToWhatIsOver);
        };
        let from = process(caller.pid.local()).expect("a caller is one of ours");
        let it = &self.world.connections[connection];
        let content = Content {
            from: callee as u8,
            to: from as u8,
            start: it.starts[1 - side],
            number: it.ends[side].sent[callee][from] + 1,
            reference: caller.reference as u32,
        };
        let session = self.session(connection, side);
        let is_called = session.is_called(&caller);
        let replied = session.reply(&caller, &mut content.term());
        self.breaks_if([is_called, replied.is_ok()] != [is_open; 2], Broken::ReplyToWhatIsOver);
        self.notes.note_if(replied == Err(NotReplied::Over), Situation::ReplyToWhatIsOver);
        if replied.is_ok() {
            self.notes.note_if(holder != callee, Situation::Delegated);
            let end = self.world.end(connection, side);
            end.sent[callee][from] += 1;
            end.answers.push((caller.reference, Answer::Reply(callee)));
        }
    }

    pub fn delegate(&mut self, node: usize, request: usize) {
        self.world.left.delegations -= 1;
        let node = self.world.node(node);
        let holder = 1 - node.requests[request].holder;
        node.requests[request].holder = holder;
        node.processes[holder].touched = true;
    }

    /// Whoever has the call lets go of it.
    pub fn drop_request(&mut self, node: usize, request: usize) {
        let Request { caller, is_open, .. } = self.world.node(node).requests.remove(request);
        let Some((connection, side)) = self.route_to(node, caller.pid) else { return };
        self.session(connection, side).leave_unanswered(&caller);
        if is_open {
            self.notes.note(Situation::Unanswered);
            let end = self.world.end(connection, side);
            end.answers.push((caller.reference, Answer::Refused("unanswered")));
        }
    }

    fn route_to(&self, node: usize, pid: Pid) -> Option<(usize, usize)> {
        let known = Known { node: 0, start: 0, number: pid.node(), creation: pid.creation() };
        self.world.route(node, &known)
    }

    /// A session has learned of a process's end: its calls are answered by that.
    pub fn callee_ended(&mut self, connection: usize, side: usize, own: usize) {
        let (id, node) =
            (self.world.connections[connection].id, self.world.connections[connection].nodes[side]);
        let mut ended = Vec::new();
        for request in &mut self.world.node(node).requests {
            if (request.connection, request.callee, request.is_open) == (id, own, true) {
                request.is_open = false;
                ended.push((request.caller.reference, Answer::End(own)));
                self.notes.note_if(request.holder != own, Situation::CalleeEndsFirst);
            }
        }
        self.world.node(node).requests.retain(|request| request.holder != own || request.is_open);
        self.world.end(connection, side).answers.extend(ended);
    }

    /// A process has ended that may have a name, and calls that were delegated to it.
    pub fn holder_ended(&mut self, node: usize, own: usize) {
        let here = self.world.node(node);
        here.named.take_if(|named| *named == own);
        here.requests.retain(|request| request.holder != own || request.is_open);
        let delegated = |request: &Request| request.holder == own && request.callee != own;
        while let Some(request) = self.world.nodes[node].requests.iter().position(delegated) {
            self.drop_request(node, request);
        }
    }

    /// A session is over: nobody can reply to the calls that came in it.
    pub fn calls_are_over(&mut self, connection: usize, side: usize) {
        let it = &self.world.connections[connection];
        let (id, node) = (it.id, it.nodes[side]);
        for request in self.world.node(node).requests.iter_mut().filter(|request| request.connection == id) {
            request.is_open = false;
        }
    }
}
