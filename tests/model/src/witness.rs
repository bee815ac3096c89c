//! The process table that a session is lent here: it holds what the session brings against what the processes may
//! expect.
//!
//! What a process may expect of a link is kept by the table of states in `spec/session.md`, "Links", from what
//! processes do and what frames arrive, and never from what the session does.

use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Frame, Pid as WirePid};
use snow_dist_runtime::core::{
    Caller, NodeNumber, Pid, Processes, Reason, SpawnFailure, SpawnRequest, Start, TermPids,
};

use crate::bounds::Bounds;
use crate::calls::{Content, NAME, NOBODY};
use crate::turn::{Turn, process};
use crate::verdict::{Broken, Notes, Situation};
use crate::world::{Answer, End, Foreign, Known, NAMES, Phase, Request, Tie, Watch, World, creation, shown};

pub struct Witness<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) notes: &'a Notes,
    bounds: &'a Bounds,
    pub(crate) connection: usize,
    pub(crate) side: usize,
    pub(crate) node: usize,
    creation: u8,
    pub(crate) peer: Known,
    /// What a frame brings; else, what the end of the session does.
    pub(crate) by_frame: bool,
    /// A DOWN has come.
    downs: bool,
    /// A frame that must bring nothing.
    foreign: Option<Foreign>,
    /// What the frame that ends a call, or says who has a name, must say.
    pub(crate) answer: Option<Answer>,
    /// The process that is asked for: the request, its flag, and who asks.
    pub(crate) spawning: Option<(u64, u8, usize)>,
    seen: Seen,
}

/// What has come of it.
#[derive(Debug, Default)]
pub struct Seen {
    pub broken: Option<Broken>,
    /// Processes that an exit signal has ended.
    pub deaths: Vec<(usize, Reason)>,
}

impl<'a> Witness<'a> {
    /// Before a frame is handled.
    pub fn new<'t: 'a>(
        turn: &'a mut Turn<'t>,
        connection: usize,
        side: usize,
        frame: &Frame<'_>,
        foreign: Option<Foreign>,
    ) -> Self {
        let mut witness = Self::of(turn, connection, side, true);
        witness.foreign = foreign;
        if foreign.is_none() {
            witness.expect(frame);
        }
        witness
    }

    /// Before a session's end.
    pub fn of<'t: 'a>(turn: &'a mut Turn<'t>, connection: usize, side: usize, by_frame: bool) -> Self {
        let it = &turn.world.connections[connection];
        Self {
            notes: turn.notes,
            bounds: turn.bounds,
            connection,
            side,
            node: it.nodes[side],
            creation: creation(turn.bounds, it.nodes[side], it.starts[side]),
            peer: it.ends[side].peer.expect("a session has a peer"),
            by_frame,
            downs: false,
            foreign: None,
            answer: None,
            spawning: None,
            seen: Seen::default(),
            world: &mut turn.world,
        }
    }

    /// After a frame was handled: what it had to bring has come.
    pub fn done(mut self, frame: &Frame<'_>) -> Seen {
        if self.foreign.is_some() {
            return self.seen;
        }
        match frame {
            Frame::Exit(exit) => {
                if let Some((own, remote)) = self.ends(exit.to, exit.from) {
                    let is_left = self.end().ties[own][remote] == Tie::Active;
                    let is_old = self.end().outstanding[own][remote] > 0;
                    self.breaks_if(is_left && !is_old, Broken::ExitLost);
                }
            }
            Frame::MonitorExit(exit) => {
                let is_left = self.end().watches.iter().any(|watch| watch.reference == exit.reference);
                self.breaks_if(is_left, Broken::DownLost);
                self.is_over(exit.reference);
            }
            Frame::CallReply(reply) => self.is_over(reply.reference),
            _ => {}
        }
        self.seen
    }

    /// After the session's end: nothing is left.
    pub fn done_with_session(mut self) -> Seen {
        let is_linked = self.end().ties.iter().flatten().any(|tie| *tie == Tie::Active);
        self.breaks_if(is_linked, Broken::ExitLost);
        let watches = !self.end().watches.is_empty();
        self.breaks_if(watches, Broken::DownLost);
        let calls = !self.end().calls.is_empty();
        self.breaks_if(calls, Broken::CallLost);
        let asked = !self.end().asked.is_empty();
        self.breaks_if(asked, Broken::SpawnLost);
        self.seen
    }

    /// What ends a call has come: it is over.
    fn is_over(&mut self, reference: u64) {
        let is_left = self.end().calls.iter().any(|call| call.reference == reference);
        self.breaks_if(is_left, Broken::CallLost);
    }

    /// What a frame means for what the processes may expect.
    fn expect(&mut self, frame: &Frame<'_>) {
        match frame {
            Frame::Link(link) => self.expect_link(link.to, link.from),
            Frame::UnlinkId(unlink) => self.expect_unlink(unlink.to, unlink.from),
            Frame::Unlink(unlink) => self.expect_unlink(unlink.to, unlink.from),
            Frame::UnlinkAck(ack) => {
                let Some((own, remote)) = self.ends(ack.to, ack.from) else { return };
                let end = self.end_mut();
                let is_present = end.ties[own][remote] == Tie::Unlinking(ack.id);
                if is_present {
                    end.ties[own][remote] = Tie::None;
                }
                if end.outstanding[own][remote] == ack.id {
                    end.outstanding[own][remote] = 0;
                }
                self.notes.note_if(!is_present, Situation::OldAck);
            }
            Frame::Exit(exit) => {
                let Some((own, remote)) = self.ends(exit.to, exit.from) else { return };
                self.speaks(|_, child| child == remote);
                let tie = self.end().ties[own][remote];
                let is_old = self.end().outstanding[own][remote] > 0;
                self.notes.note_if(matches!(tie, Tie::Unlinking(_)), Situation::ExitMeetsUnlink);
                self.notes.note_if(tie == Tie::Active && is_old, Situation::ExitMeetsRelink);
                self.notes.note_if(!self.lives(own), Situation::ExitMeetsExit);
                self.note_untold(own);
            }
            Frame::Monitor(monitor) => {
                let Some((own, _)) = self.ends(monitor.to, monitor.from) else { return };
                self.notes.note_if(!self.lives(own), Situation::MonitorOfDead);
                self.note_untold(own);
            }
            Frame::Demonitor(demonitor) => {
                self.given_up(demonitor.reference);
                let Some((own, _)) = self.ends(demonitor.to, demonitor.from) else { return };
                self.notes.note_if(!self.lives(own), Situation::DownVoid);
            }
            Frame::Spawn(spawn) => self.expect_spawn(spawn),
            Frame::SpawnReply(reply) => self.expect_spawn_reply(reply),
            Frame::MonitorExit(exit) => {
                self.speaks(|request, _| request == exit.reference);
                let is_open = self.end().watches.iter().any(|watch| watch.reference == exit.reference);
                if self.is_call(exit.reference) {
                    self.expect_answer(exit.reference, Situation::ReasonMeetsGiveUp);
                } else {
                    self.notes.note_if(!is_open, Situation::DemonitorMeetsDown);
                }
            }
            Frame::Call(call) => {
                let Some((own, remote)) = self.ends(call.to, call.from) else { return };
                self.note_untold(own);
                self.arrives(own, remote, Content::of(call.message));
                if !self.lives(own) {
                    self.notes.note(Situation::CallOfDead);
                    self.answers(call.reference, Answer::Refused("noproc"));
                }
            }
            Frame::CallName(call) if self.holder().is_none() => {
                self.answers(call.reference, Answer::Refused("noproc"));
            }
            Frame::CallReply(reply) => {
                let content = Content::of(reply.message);
                self.expect_answer(reply.reference, Situation::ReplyMeetsGiveUp);
                self.arrives(content.to.into(), content.from.into(), content);
                let is_it =
                    self.answer.as_ref().is_none_or(|answer| *answer == Answer::Reply(content.from.into()));
                self.breaks_if(!is_it, Broken::Misanswered);
            }
            Frame::MonitorName(monitor) => {
                if let Some(named) = self.holder() {
                    self.answers(monitor.reference, Answer::Named(named));
                }
            }
            Frame::Named(named) => {
                self.expect_answer(named.reference, Situation::DemonitorMeetsDown);
                let is_it = process(named.pid.local()).map(Answer::Named);
                self.breaks_if(self.answer.is_some() && self.answer != is_it, Broken::NameMisled);
            }
            _ => {}
        }
    }

    fn expect_link(&mut self, to: WirePid, from: WirePid) {
        let Some((own, remote)) = self.ends(to, from) else { return };
        let lives = self.lives(own);
        self.notes.note_if(!lives, Situation::LinkToDead);
        self.note_untold(own);
        match &mut self.end_mut().ties[own][remote] {
            tie @ Tie::None if lives => *tie = Tie::Active,
            Tie::Active => self.notes.note(Situation::LinksCross),
            Tie::Unlinking(_) => self.notes.note(Situation::LinkMeetsUnlink),
            Tie::None => {}
        }
    }

    fn expect_unlink(&mut self, to: WirePid, from: WirePid) {
        let Some((own, remote)) = self.ends(to, from) else { return };
        match &mut self.end_mut().ties[own][remote] {
            tie @ Tie::Active => *tie = Tie::None,
            Tie::Unlinking(_) => self.notes.note(Situation::UnlinksCross),
            Tie::None => {}
        }
    }

    /// Who has the name here.
    fn holder(&self) -> Option<usize> {
        let named = self.world.nodes[self.node].named.filter(|named| self.lives(*named));
        self.notes.note_if(named.is_none(), Situation::NoSuchName);
        named
    }

    /// What has become of a call or a monitor of the other end.
    fn answers(&mut self, reference: u64, answer: Answer) {
        self.end_mut().answers.push((reference, answer));
    }

    /// The caller of a call that was held here, if it was, waits no more.
    fn given_up(&mut self, reference: u64) {
        let connection = self.world.connections[self.connection].id;
        let requests = &mut self.world.node(self.node).requests;
        for request in
            requests.iter_mut().filter(|it| (it.connection, it.caller.reference) == (connection, reference))
        {
            request.is_open = false;
        }
    }

    fn is_call(&self, reference: u64) -> bool {
        self.end().called >> reference & 1 == 1
    }

    /// What has become of a call of this end at the other, if that still knows: only once does a frame tell of it.
    fn expect_answer(&mut self, reference: u64, given_up: Situation) {
        let it = &self.world.connections[self.connection];
        let knows = it.ends[1 - self.side].phase != Phase::Closed;
        let is_open = it.ends[self.side].calls.iter().any(|call| call.reference == reference);
        self.notes.note_if(self.is_call(reference) && !is_open, given_up);
        let answers = &mut self.world.end(self.connection, 1 - self.side).answers;
        let found = answers.iter().position(|(of, _)| *of == reference);
        self.answer = found.map(|found| answers.remove(found).1);
        self.breaks_if(knows && found.is_none(), Broken::CallTwice);
    }

    /// A message has come, of one process for another: in its order.
    fn arrives(&mut self, to: usize, from: usize, content: Content) {
        let received = &mut self.end_mut().received[to][from];
        let before = std::mem::replace(received, content.number);
        self.breaks_if(content.number != before + 1, Broken::Order);
    }

    fn note_untold(&self, own: usize) {
        let process = &self.world.nodes[self.node].processes[own];
        let untold = process.attached >> self.world.connections[self.connection].id & 1 == 1;
        self.notes.note_if(!process.lives() && untold, Situation::DeadUntold);
    }

    fn ends(&self, to: WirePid, from: WirePid) -> Option<(usize, usize)> {
        let creations = (to.creation(), from.creation()) == (self.creation, self.peer.creation);
        Some((process(to.local())?, process(from.local())?)).filter(|_| creations)
    }

    pub(crate) fn end(&self) -> &End {
        &self.world.connections[self.connection].ends[self.side]
    }

    pub(crate) fn end_mut(&mut self) -> &mut End {
        self.world.end(self.connection, self.side)
    }

    fn lives(&self, own: usize) -> bool {
        self.world.nodes[self.node].processes[own].lives()
            && !self.seen.deaths.iter().any(|(dead, _)| *dead == own)
    }

    pub(crate) fn breaks_if(&mut self, condition: bool, broken: Broken) {
        if condition {
            self.seen.broken.get_or_insert(broken);
        }
    }

    /// What is common to all that a session brings. Gives the two processes, if the own one lives.
    pub(crate) fn brings(&mut self, own: u64, from: Option<Pid>) -> Option<(usize, Option<usize>)> {
        let id = self.world.connections[self.connection].id;
        let is_up = self.world.nodes[self.node].up[self.peer.node] == Some(id);
        self.breaks_if(!is_up, Broken::AfterDown);
        self.breaks_if(self.foreign.is_some(), Broken::Foreign);
        let own = process(own)?;
        let mut remote = None;
        if let Some(from) = from {
            let is_of_peer = (from.node(), from.creation()) == (self.peer.number, self.peer.creation);
            self.breaks_if(!is_of_peer, Broken::Stale);
            remote = process(from.local());
        }
        self.lives(own).then_some((own, remote))
    }

    /// The hops of a reason as a node knows them, by start and local id; unless `all`, those of third nodes are unnamed.
    fn hops(&self, node: usize, reason: &Reason, all: bool) -> Vec<Option<(Start, u64)>> {
        let Reason::Linked(chain) = reason else { return Vec::new() };
        let it = &self.world.nodes[node];
        let both = [(self.node, self.world.nodes[self.node].start), (self.peer.node, self.peer.start)]
            .map(|(node, start)| shown(self.bounds, node, start));
        let named = |hop: &Pid| match hop.node() {
            NodeNumber::HERE => Some(shown(self.bounds, node, it.start)),
            number => it.epochs.numbers.start(number).cloned(),
        };
        let hop = |hop: &Pid| named(hop).filter(|of| all || both.contains(of)).map(|of| (of, hop.local()));
        chain.hops.iter().map(hop).collect()
    }

    /// The reason of an end is here what it is where the process has ended.
    fn names_truly(&mut self, remote: usize, reason: &Reason) {
        let there = &self.world.nodes[self.peer.node];
        let ended = there.processes[remote].ended.clone();
        let Some(ended) = ended.filter(|_| there.start == self.peer.start && *reason != Reason::noproc())
        else {
            return;
        };
        let all = self.bounds.capabilities.contains(Capabilities::NODE_TABLE);
        let (here, truth) = (self.hops(self.node, reason, true), self.hops(self.peer.node, &ended, all));
        self.breaks_if(here != truth, Broken::Misnamed);
        self.note_hops(&here);
    }

    fn note_hops(&self, hops: &[Option<(Start, u64)>]) {
        for hop in hops {
            self.notes.note_if(hop.is_none(), Situation::UnknownNode);
            let Some((start, _)) = hop else { continue };
            let node = NAMES.iter().position(|name| **name == *start.name);
            let Some(node) = node.filter(|node| *node != self.node) else { continue };
            self.notes.note_if(node != self.peer.node, Situation::ThirdNode);
            let present = shown(self.bounds, node, self.world.nodes[node].start);
            self.notes.note_if(*start != present, Situation::EarlierStart);
        }
    }

    /// The end of a process comes behind all that it has sent.
    fn comes_last(&mut self, own: usize, remote: usize, reason: &Reason) {
        if *reason == Reason::error("limit") {
            self.breaks_if(true, Broken::Tally);
        }
        if self.by_frame {
            let it = &self.world.connections[self.connection];
            let sent = it.ends[1 - self.side].sent[remote][own];
            let received = self.end().received[own][remote];
            self.notes.note_if(received > 0, Situation::ExitAfterMessages);
            self.breaks_if(sent != received, Broken::Order);
            self.names_truly(remote, reason);
        }
    }

    fn exit_of(&mut self, own: u64, from: Pid, reason: &Reason) {
        let Some((own, Some(remote))) = self.brings(own, Some(from)) else { return };
        // At the end of a session all exits come first.
        self.breaks_if(self.downs, Broken::Order);
        let is_old = self.by_frame && self.end().outstanding[own][remote] > 0;
        let tie = std::mem::take(&mut self.end_mut().ties[own][remote]);
        self.breaks_if(tie != Tie::Active || is_old, Broken::ExitUnlinked);
        self.comes_last(own, remote, reason);
        if !self.bounds.traps && reason.kills() {
            let is_linked = self.is_linked_otherwise(own);
            self.notes.note_if(is_linked, Situation::Chain);
            self.seen.deaths.push((own, Reason::linked(from, reason)));
            self.end_mut().ties[own] = Default::default();
            self.end_mut().outstanding[own] = Default::default();
            self.end_mut().watches.retain(|watch| watch.own != own);
            self.end_mut().calls.retain(|call| call.own != own);
            self.end_mut().asked.retain(|asked| asked.own != own);
        }
    }

    /// A call of an own process is over.
    fn call_over(&mut self, own: usize, reference: u64) {
        let calls = &mut self.end_mut().calls;
        match calls.iter().position(|call| (call.reference, call.own) == (reference, own)) {
            Some(found) => drop(calls.remove(found)),
            None => self.breaks_if(true, Broken::CallTwice),
        }
    }

    fn is_linked_otherwise(&self, own: usize) -> bool {
        self.world.connections.iter().any(|it| {
            let side = it.side_of(self.node);
            side.is_some_and(|side| it.ends[side].ties[own].contains(&Tie::Active))
        })
    }
}

impl Processes for Witness<'_> {
    fn attach(&mut self, local: u64) -> bool {
        let Some(own) = process(local) else { return false };
        let lives = self.lives(own);
        if lives {
            let id = self.world.connections[self.connection].id;
            self.world.node(self.node).processes[own].attached |= 1 << id;
        }
        lives
    }

    fn message(&mut self, local: u64, message: &[u8]) {
        let lives = self.brings(local, None).is_some();
        self.notes.note_if(!lives, Situation::MessageToDead);
        let [from, to, start, number] = *message else { return self.breaks_if(true, Broken::Order) };
        let is_here = start == self.world.nodes[self.node].start && process(local) == Some(to.into());
        self.breaks_if(!is_here, Broken::Stale);
        let received = &mut self.end_mut().received[usize::from(to)][usize::from(from)];
        let before = std::mem::replace(received, number);
        self.breaks_if(number != before + 1, Broken::Order);
    }

    fn named_message(&mut self, _: &str, _: &[u8]) {}

    fn heard_of(&mut self, start: Start) -> NodeNumber {
        self.world.node(self.node).epochs.numbers.heard_of(start)
    }

    fn exit(&mut self, local: u64, from: Pid, reason: Reason) {
        self.exit_of(local, from, &reason);
    }

    fn exits(&mut self, local: u64, from: &[Pid], reason: &Reason) {
        for from in from {
            self.exit_of(local, *from, reason);
        }
    }

    fn down(&mut self, local: u64, reference: u64, from: Pid, reason: Reason) {
        self.downs = true;
        let Some((own, remote)) = self.brings(local, Some(from)) else { return };
        let watches = &mut self.end_mut().watches;
        let watch = Watch { reference, own, remote };
        match watches.iter().position(|it| *it == watch) {
            Some(found) => drop(watches.remove(found)),
            None => self.breaks_if(true, Broken::DownTwice),
        }
        let is_refused = reason == Reason::noproc() || reason == Reason::error("limit");
        match remote {
            Some(remote) => self.comes_last(own, remote, &reason),
            None => self.breaks_if(self.by_frame && !is_refused, Broken::NameMisled),
        }
    }

    fn offers(&mut self, _: Pid, function: &str) -> bool {
        self.offers_it(function)
    }

    fn spawn(&mut self, _: SpawnRequest<'_>) -> Result<u64, SpawnFailure> {
        self.starts_it()
    }

    fn spawned(&mut self, local: u64, request: u64, outcome: Result<Pid, SpawnFailure>) {
        self.downs = true;
        self.is_answered(local, request, outcome);
    }

    fn whereis(&mut self, name: &str) -> Option<u64> {
        self.breaks_if(name != NAME, Broken::NameMisled);
        self.holder().map(crate::turn::local)
    }

    fn call(&mut self, local: u64, caller: Caller, term: &[u8], _: TermPids) -> bool {
        let Some((callee, _)) = self.brings(local, None).filter(|_| self.foreign.is_none()) else {
            return true;
        };
        let content = Content::of(term);
        let start = self.world.nodes[self.node].start;
        let is_meant =
            usize::from(content.to) == callee || (content.to == NOBODY && self.holder() == Some(callee));
        self.breaks_if(!is_meant || content.start != start, Broken::Stale);
        let of_peer = (caller.pid.node(), caller.pid.creation()) == (self.peer.number, self.peer.creation);
        let is_of = (process(caller.pid.local()), caller.reference);
        let is_caller = is_of == (Some(content.from.into()), content.reference.into());
        self.breaks_if(!of_peer || !is_caller, Broken::Misanswered);
        let connection = self.world.connections[self.connection].id;
        let requests = &self.world.nodes[self.node].requests;
        let held = requests.iter().filter(|it| (it.connection, it.callee) == (connection, callee));
        if held.count() >= self.bounds.requests_max {
            self.notes.note(Situation::CallFull);
            self.answers(caller.reference, Answer::Refused("full"));
            return false;
        }
        let is_earlier = requests.iter().any(|it| {
            it.connection != connection
                && (it.caller.pid, it.caller.reference) == (caller.pid, caller.reference)
        });
        self.notes.note_if(is_earlier, Situation::EarlierSession);
        let request = Request { caller, connection, callee, holder: callee, is_open: true };
        self.world.node(self.node).requests.push(request);
        true
    }

    fn reply(&mut self, local: u64, reference: u64, term: &[u8], _: TermPids) {
        let Some((own, _)) = self.brings(local, None).filter(|_| self.foreign.is_none()) else { return };
        let content = Content::of(term);
        let is_for = (usize::from(content.to), u64::from(content.reference));
        self.breaks_if(is_for != (own, reference), Broken::Misanswered);
        let is_behind = self.end().received[own][usize::from(content.from)] > 1;
        self.notes.note_if(is_behind, Situation::ReplyAfterMessages);
        let is_moved = self.world.nodes[self.peer.node].named != Some(content.from.into());
        let is_named =
            self.end().calls.iter().any(|call| call.reference == reference && call.remote.is_none());
        self.notes.note_if(is_moved && is_named, Situation::NameMoved);
        self.call_over(own, reference);
    }

    fn call_ended(&mut self, local: u64, reference: u64, reason: Reason) {
        self.downs = true;
        let Some((own, _)) = self.brings(local, None) else { return };
        self.call_over(own, reference);
        let is_true = match (self.by_frame, self.answer.take()) {
            (false, _) => reason == Reason::Noconnection,
            // The other end keeps nothing any more.
            (true, None) => true,
            (true, Some(Answer::Refused(why))) => reason == Reason::error(why),
            (true, Some(Answer::End(callee))) => {
                self.comes_last(own, callee, &reason);
                reason == Reason::error("boom")
            }
            (true, Some(Answer::Reply(_) | Answer::Named(_) | Answer::Started(_))) => false,
        };
        self.breaks_if(!is_true && reason == Reason::error("limit"), Broken::Tally);
        self.breaks_if(!is_true, Broken::Misanswered);
    }

    fn named(&mut self, local: u64, reference: u64, pid: Pid) {
        let Some((own, Some(remote))) = self.brings(local, Some(pid)) else { return };
        let watch = Watch { reference, own, remote: None };
        match self.end_mut().watches.iter_mut().find(|it| **it == watch) {
            Some(watch) => watch.remote = Some(remote),
            None => self.breaks_if(true, Broken::NameMisled),
        }
    }
}
