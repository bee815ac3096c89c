//! What a connection brings to the processes of its node, held against the reference frame by frame.

use std::cell::RefCell;
use std::num::NonZeroU64;
use std::time::Duration;

use snow_dist_codec::limits::LENGTH_PREFIX_BYTES;
use snow_dist_codec::{Frame, Handshake, Reading};
use snow_dist_runtime::core::connection::{Access, Connection as Engine, Inbound, Read};
use snow_dist_runtime::core::groups::SERVER;
use snow_dist_runtime::core::handshake::Bounds;
use snow_dist_runtime::core::peers::ConnectionId;
use snow_dist_runtime::core::{
    Caller, GlobalNews, NodeNumber, Pid, Processes, Reason as CoreReason, Start, TermPids,
};

use super::table::{Held, Request, Table};
use crate::cluster::{At, Cluster, Connection, End, Life, Node, READ_BYTES, Step};
use crate::coverage::{Coverage, Of};
use crate::oracle::{
    Brings, Checked, Here, Joint, Reason, Truth, Who, check, number_of, number_of_term, pid_of,
};
use crate::trace::Trace;
use crate::wire::Time;

const GIVEN: &str = "a process is given what is due to it, and nothing else";

/// A node and the reference, while a connection is read or its end is delivered.
pub(crate) struct Delivery<'a> {
    pub(crate) at: At,
    /// What its node calls the connection.
    pub(crate) id: ConnectionId,
    /// The node at the other end.
    pub(crate) peer: usize,
    pub(crate) now: Time,
    pub(crate) here: &'a mut Node,
    pub(crate) bounds: Bounds,
    pub(crate) joint: &'a mut Joint,
    pub(crate) truth: &'a mut Truth,
    pub(crate) starts: &'a [NonZeroU64],
    pub(crate) coverage: &'a mut Coverage,
    pub(crate) trace: &'a mut Trace,
    /// What processes have been given by the frame that is being handled.
    pub(crate) given: &'a mut Vec<Brings>,
    /// What that frame must give them.
    pub(crate) due: &'a mut Vec<Brings>,
    /// Servers of groups miss a message now and then.
    pub(crate) misses: bool,
    /// The frame, if it came in pieces.
    pub(crate) whole: Option<Vec<u8>>,
    /// The first promise that was not kept.
    pub(crate) broken: Checked,
}

/// The connection, which the reference looks into before each frame.
pub(crate) struct Shared<'a>(pub(crate) RefCell<&'a mut Engine>);

impl Access for &Shared<'_> {
    fn with<T>(&mut self, act: impl FnOnce(&mut Engine) -> T) -> T {
        act(&mut self.0.borrow_mut())
    }
}

impl Shared<'_> {
    /// Places for links and monitors that the peer holds.
    fn places(&self) -> u32 {
        self.0.borrow_mut().session().map_or(0, |session| session.places().1)
    }
}

/// What the reference asks of whoever handles a frame.
struct Known<'a> {
    table: &'a Table,
    truth: &'a Truth,
    is_full: bool,
}

impl Here for Known<'_> {
    fn is_alive(&self, local: u32) -> bool {
        self.table.is_alive(local)
    }

    fn sender(&self, number: u32) -> Option<Who> {
        self.truth.sender(number)
    }

    fn holder(&self, name: &str) -> (u32, Option<u32>) {
        self.table.named(name).unwrap_or_default()
    }

    fn takes_no_call(&self, local: u32) -> bool {
        self.table.takes_no_call(local)
    }

    fn is_full(&self) -> bool {
        self.is_full
    }
}

impl Delivery<'_> {
    pub(super) fn keep(&mut self, checked: Checked) {
        if self.broken.is_ok() {
            self.broken = checked;
        }
    }

    /// Something has come, and is about to be handled.
    pub(crate) fn expect(&mut self, read: Read<'_>, connection: &Shared<'_>) {
        let checked = match read {
            Read::Message(payload) => {
                self.count_message(payload);
                Ok(())
            }
            Read::Frame(payload) => {
                self.expect_frame(payload, connection.places() >= self.bounds.links_and_monitors)
            }
        };
        self.keep(checked);
    }

    fn count_message(&mut self, payload: &[u8]) {
        self.coverage.count(Of::Said);
        match Handshake::decode(payload, Reading::Compatible) {
            Ok(Handshake::Name(_)) => self.coverage.count(Of::NameRead),
            Ok(Handshake::Challenge(_)) => self.coverage.count(Of::ChallengeRead),
            Ok(Handshake::Reply(_)) => self.coverage.count(Of::ReplyRead),
            Ok(Handshake::Ack(_)) => self.coverage.count(Of::AckRead),
            Ok(Handshake::Reject(_)) => self.coverage.count(Of::RejectRead),
            // The connection ends by that.
            _ => {}
        }
    }

    fn expect_frame(&mut self, payload: &[u8], is_full: bool) -> Checked {
        self.coverage.count(Of::Frame);
        self.whole = None;
        // A session ends by a frame that is none, and that breaks a promise.
        let Ok(frame) = Frame::decode(payload, Reading::Compatible) else { return Ok(()) };
        let Frame::Fragment(piece) = &frame else { return self.expect_whole(&frame, is_full) };
        let Some(whole) = self.joint.piece(self.at.end(), piece)? else { return Ok(()) };
        self.coverage.count(Of::Pieces);
        if let Ok(frame) = Frame::decode(&whole, Reading::Compatible) {
            self.expect_whole(&frame, is_full)?;
        }
        self.whole = Some(whole);
        Ok(())
    }

    /// The frame is no piece of another.
    fn expect_whole(&mut self, frame: &Frame<'_>, is_full: bool) -> Checked {
        self.trace.note(self.now, || format!("node {} handles {frame:?}", self.here.index));
        let here = Known { table: &self.here.table, truth: self.truth, is_full };
        self.due.extend(self.joint.handled(self.at.end(), frame, &here, self.coverage)?);
        let is_message =
            matches!(frame, Frame::Send(_) | Frame::RegSend(_) | Frame::SendTerm(_) | Frame::SendNameTerm(_));
        match frame {
            _ if !self.due.is_empty() => {}
            Frame::Call(_) | Frame::CallName(_) => self.coverage.count(Of::CallRefused),
            Frame::CallReply(_) => self.coverage.count(Of::ReplyIgnored),
            _ if is_message => self.coverage.count(Of::ToDead),
            _ => {}
        }
        Ok(())
    }

    /// What the processes were given must be what was due to them.
    pub(crate) fn confirm(&mut self) {
        let is_exit = |brings: &Brings| matches!(brings, Brings::Exit(..));
        let mut downs = self.given.iter().skip_while(|brings| is_exit(brings));
        let exits_first = !downs.any(is_exit);
        let mut checked = check(exits_first, "all exits come before the DOWNs of a lost session", || {
            format!("{:?}", self.given)
        });
        self.given.sort_by_key(order);
        if checked.is_ok() {
            checked = check(self.given == self.due, GIVEN, || {
                format!("node {}: due is {:?}, given was {:?}", self.here.index, self.due, self.given)
            });
        }
        self.keep(checked);
        self.given.clear();
        self.due.clear();
    }

    fn message(&mut self, local: u32, number: u32, bytes: &[u8]) {
        self.arrived(local, number, bytes);
        self.given.push(Brings::Message(local, number));
    }

    /// A term, whose pid must be that of the process that it was where it was sent.
    fn term(&mut self, number: u32, term: &[u8], pids: &TermPids) {
        if let Some(pid) = pid_of(term) {
            let of = self.here.in_truth(pids.pid(pid));
            let told = self.truth.is_told(number, of);
            self.keep(told);
        }
    }

    fn call(&mut self, local: u32, caller: Caller, term: &[u8], pids: &TermPids) -> bool {
        if self.here.table.takes_no_call(local) {
            self.coverage.count(Of::CallFull);
            return false;
        }
        self.coverage.count(Of::Called);
        let number = number_of_term(term);
        self.arrived(local, number, term);
        self.term(number, term, pids);
        self.given.push(Brings::Call(local, caller.reference, number));
        let who = self.who(caller.pid);
        let sender = self.truth.sender(number);
        self.keep(check(sender == Some(who), "a call is of its caller", || {
            format!("message {number} is of {sender:?}, and the call of {who}")
        }));
        let node = self.peer;
        let from = Held { pid: caller.pid, who, node };
        let request = Request { caller, from, at: self.at, callee: local, holder: local };
        self.here.table.requests.insert(number, request);
        self.here.table.asked.push(number);
        true
    }

    fn reply(&mut self, local: u32, reference: u64, term: &[u8], pids: &TermPids) {
        self.coverage.count(Of::Replied);
        let number = number_of_term(term);
        self.arrived(local, number, term);
        self.term(number, term, pids);
        self.given.push(Brings::Reply(local, reference, number));
    }

    fn call_ended(&mut self, local: u32, reference: u64, reason: &CoreReason) {
        let truth = self.in_truth(reason);
        let kind = match &truth.root {
            CoreReason::Noconnection => Of::CallsLost,
            root if *root == CoreReason::error("unanswered") => Of::Unanswered,
            root if *root == CoreReason::error("noproc") => Of::CallsOfDead,
            _ => Of::CallsEnded,
        };
        self.coverage.count(kind);
        self.given.push(Brings::CallEnded(local, reference, truth));
    }

    /// The bytes of a message have come.
    fn arrived(&mut self, local: u32, number: u32, bytes: &[u8]) {
        self.coverage.count(Of::Received);
        let to = Who { start: self.here.start, local };
        let delivered = self.truth.delivered(number, to, bytes.len());
        self.keep(delivered);
        let is_it = self.whole.as_ref().is_none_or(|whole| whole.ends_with(bytes));
        self.keep(check(is_it, "a message in pieces comes out as it went in", || {
            format!("message {number}")
        }));
        self.finds_sender(number);
    }

    fn exit(&mut self, local: u32, from: Pid, reason: &CoreReason) {
        self.coverage.count(Of::Exits);
        let (from_in_truth, truth) = (self.who(from), self.in_truth(reason));
        if truth == Reason::noproc() {
            self.coverage.count(Of::Noprocs);
        }
        if truth.root == CoreReason::Noconnection {
            self.coverage.count(Of::Noconnections);
        }
        if reason.kills() && self.here.table.living(local).is_some_and(|process| !process.traps) {
            self.here.table.end(local, CoreReason::linked(from, reason), truth.linked(from_in_truth));
            self.coverage.count(Of::Killed);
        }
        self.given.push(Brings::Exit(local, from_in_truth, truth));
    }

    fn down(&mut self, local: u32, reference: u64, from: Pid, reason: &CoreReason) {
        self.coverage.count(Of::Downs);
        let (from, truth) = (self.who(from), self.in_truth(reason));
        if truth.root == CoreReason::Noconnection {
            self.coverage.count(Of::DownsLost);
        }
        self.given.push(Brings::Down(local, reference, from, truth));
        let at = self.at;
        if let Some(server) = self.here.server_at(local) {
            server.on_down(at, reference);
        }
    }

    /// Of whom a signal comes.
    fn who(&mut self, pid: Pid) -> Who {
        let found = self.here.in_truth(pid);
        self.keep(check(found.is_some(), "a signal comes from a process that can be named", || {
            format!("{pid} at node {}", self.here.index)
        }));
        found.unwrap_or(Who { start: u32::MAX, local: 0 })
    }

    fn in_truth(&mut self, reason: &CoreReason) -> Reason {
        let CoreReason::Linked(chain) = reason else { return Reason::of(reason.clone()) };
        let hops: Vec<_> = chain.hops.iter().map(|hop| self.here.in_truth(*hop)).collect();
        for hop in &hops {
            self.coverage.count(if hop.is_some() { Of::Named } else { Of::Unnamed });
        }
        Reason { hops: Some(hops.into()), root: chain.root.clone() }
    }

    fn heard_of(&mut self, start: Start) -> NodeNumber {
        let incarnation = start.incarnation;
        let number = self.here.endpoint.numbers().heard_of(start);
        let named = match self.starts.iter().position(|start| *start == incarnation) {
            Some(start) => self.here.bind(number, start as u32),
            None => check(false, "node tables name nodes that are", || format!("{incarnation}")),
        };
        self.keep(named);
        number
    }
}

impl Node {
    /// Which process a pid names, in truth.
    pub(crate) fn in_truth(&self, pid: Pid) -> Option<Who> {
        let start = match pid.node() {
            NodeNumber::HERE => Some(self.start),
            NodeNumber::UNKNOWN => None,
            number => self.numbers.get(&number).copied(),
        }?;
        Some(Who { start, local: pid.local() as u32 })
    }

    /// It has given a start a number.
    pub(crate) fn bind(&mut self, number: NodeNumber, start: u32) -> Checked {
        let named = match number {
            NodeNumber::HERE => self.start,
            number => *self.numbers.entry(number).or_insert(start),
        };
        check(named == start, "a number names one start of one node", || {
            format!("{number:?} of node {} names start {named} and {start}", self.index)
        })
    }
}

/// The process table as a connection is lent it.
pub(crate) struct Lent<'b, 'a>(pub(crate) &'b RefCell<Delivery<'a>>);

impl Processes for Lent<'_, '_> {
    fn attach(&mut self, local: u64) -> bool {
        let mut it = self.0.borrow_mut();
        let at = it.at;
        let process = it.here.table.living(local as u32);
        process.map(|process| process.attach(at)).is_some()
    }

    fn message(&mut self, local: u64, message: &[u8]) {
        let mut it = self.0.borrow_mut();
        if it.here.table.is_alive(local as u32) {
            it.message(local as u32, number_of(message), message);
        }
    }

    fn named_message(&mut self, name: &str, message: &[u8]) {
        if let Some(local) = self.whereis(name) {
            self.message(local, message);
        }
    }

    fn term(&mut self, local: u64, term: &[u8], pids: TermPids) {
        let mut it = self.0.borrow_mut();
        if it.here.table.is_alive(local as u32) {
            let number = number_of_term(term);
            it.message(local as u32, number, term);
            it.term(number, term, &pids);
        }
    }

    fn named_term(&mut self, name: &str, term: &[u8], pids: TermPids) {
        if name == SERVER {
            self.0.borrow_mut().for_server(term, &pids);
        } else if let Some(local) = self.whereis(name) {
            self.term(local, term, pids);
        }
    }

    fn whereis(&mut self, name: &str) -> Option<u64> {
        let (_, holder) = self.0.borrow().here.table.named(name)?;
        holder.map(u64::from)
    }

    fn call(&mut self, local: u64, caller: Caller, term: &[u8], pids: TermPids) -> bool {
        self.0.borrow_mut().call(local as u32, caller, term, &pids)
    }

    fn reply(&mut self, local: u64, reference: u64, term: &[u8], pids: TermPids) {
        self.0.borrow_mut().reply(local as u32, reference, term, &pids);
    }

    fn call_ended(&mut self, local: u64, reference: u64, reason: CoreReason) {
        self.0.borrow_mut().call_ended(local as u32, reference, &reason);
    }

    fn named(&mut self, local: u64, reference: u64, pid: Pid) {
        let mut it = self.0.borrow_mut();
        let who = it.who(pid);
        it.coverage.count(Of::WhoHasName);
        it.given.push(Brings::Named(local as u32, reference, who));
        let at = it.at;
        if let Some(server) = it.here.server_at(local as u32) {
            server.on_named(at, reference, pid);
        }
    }

    fn heard_of(&mut self, start: Start) -> NodeNumber {
        self.0.borrow_mut().heard_of(start)
    }

    fn exit(&mut self, local: u64, from: Pid, reason: CoreReason) {
        let mut it = self.0.borrow_mut();
        it.finds_no_dead(from, &reason);
        it.exit(local as u32, from, &reason);
    }

    fn sent_exit(&mut self, local: u64, from: Pid, reason: CoreReason) {
        let mut it = self.0.borrow_mut();
        if it.here.table.is_alive(local as u32) {
            it.exit(local as u32, from, &reason);
        }
    }

    fn down(&mut self, local: u64, reference: u64, from: Pid, reason: CoreReason) {
        let mut it = self.0.borrow_mut();
        it.finds_no_dead(from, &reason);
        it.down(local as u32, reference, from, &reason);
    }

    fn global(&mut self, news: GlobalNews<'_>) -> bool {
        self.0.borrow_mut().global(news);
        true
    }

    fn keep_buffer(&mut self, bytes: usize, _: bool) -> bool {
        let mut it = self.0.borrow_mut();
        let is_bounded = bytes <= it.bounds.frame_bytes as usize + LENGTH_PREFIX_BYTES + READ_BYTES;
        it.keep(check(is_bounded, "the inbox is bounded", || format!("{bytes} bytes for one frame")));
        true
    }

    fn between_frames(&mut self) {
        self.0.borrow_mut().confirm();
    }
}

impl Cluster<'_> {
    /// Handles what has come, and what had to wait before.
    pub(crate) fn handle(&mut self, at: At, bytes: &[u8]) -> Checked {
        self.deliver(at, |engine, inbound, delivery, clock| {
            let (shared, mut lent) = (Shared(RefCell::new(engine)), Lent(delivery));
            if !bytes.is_empty() {
                inbound.make_room(bytes.len(), &mut &shared, &mut lent);
                inbound.buffer().extend_from_slice(bytes);
            }
            let expect = |read: Read<'_>| delivery.borrow_mut().expect(read, &shared);
            inbound.receive_handshake(&mut &shared, expect);
            inbound.receive_frames(&mut &shared, &mut lent, expect, clock);
        })
    }

    /// A session is over: what crosses it ends.
    pub(crate) fn deliver_end(&mut self, at: At) -> Checked {
        let Some(it) = &mut self.connections[at.connection as usize] else { return Ok(()) };
        let end = &mut it.ends[at.end()];
        if end.life != Life::Over {
            return Ok(());
        }
        end.life = Life::Delivered;
        let node = end.node;
        if let Some(id) = end.id {
            self.nodes[node].globals.down(id);
        }
        self.due = it.joint.over(at.end(), &mut self.coverage);
        self.deliver(at, |engine, _, delivery, _| {
            engine.end(&mut Lent(delivery));
            delivery.borrow_mut().confirm();
        })?;
        self.retry(at);
        self.soon(node, Step::Told(at));
        Ok(())
    }

    /// Lets an end bring something to the processes of its node.
    fn deliver(
        &mut self,
        at: At,
        act: impl FnOnce(&mut Engine, &mut Inbound, &RefCell<Delivery<'_>>, Duration),
    ) -> Checked {
        let Some(it) = &mut self.connections[at.connection as usize] else { return Ok(()) };
        let Connection { ends, joint, .. } = &mut **it;
        let peer = ends[at.other().end()].node;
        let End { node, engine, inbound, id, .. } = &mut ends[at.end()];
        let (node, Some(engine), Some(id)) = (*node, engine, *id) else { return Ok(()) };
        let clock = self.nodes[node].clock(self.now);
        let delivery = RefCell::new(Delivery {
            at,
            id,
            peer,
            now: self.now,
            here: &mut self.nodes[node],
            bounds: self.plan.nodes[node].bounds,
            joint,
            truth: &mut self.truth,
            starts: &self.starts,
            coverage: &mut self.coverage,
            trace: &mut self.trace,
            given: &mut self.given,
            due: &mut self.due,
            misses: self.plan.misses && self.now < self.plan.span,
            whole: None,
            broken: Ok(()),
        });
        act(engine, inbound, &delivery, clock);
        delivery.into_inner().broken?;
        self.look_at_calls(node);
        self.lose_names(node)?;
        self.tell_of_ends(node);
        self.stir_ready(node);
        Ok(())
    }
}

/// The order in which the reference says what is due.
fn order(brings: &Brings) -> (u8, u64, u64) {
    match brings {
        Brings::Message(local, number) => (0, u64::from(*local), u64::from(*number)),
        Brings::Exit(local, from, _) => (1, u64::from(*local), u64::from(from.local)),
        Brings::Down(_, reference, ..) | Brings::CallEnded(_, reference, _) => (2, *reference, 0),
        Brings::Call(_, reference, _) | Brings::Reply(_, reference, _) | Brings::Named(_, reference, _) => {
            (3, *reference, 0)
        }
    }
}
