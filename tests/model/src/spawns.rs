//! Processes that one node asks another one for: what asks, and what must come of it.
//!
//! The second node has a process that is not there at first: the first request starts it, and every further one is refused. What
//! becomes of a request where it arrives is noted there ([`Answer`]), until the answer is read.

use snow_dist_codec::frame::{Spawn, SpawnReply};
use snow_dist_runtime::core::{Pid, SpawnFailure, SpawnTie};

use crate::calls::{Content, NOBODY};
use crate::turn::{Turn, local, process};
use crate::verdict::{Broken, Situation};
use crate::witness::Witness;
use crate::world::{Answer, Phase, Tie, Watch};

/// The function that the second node lets others have started.
const FUNCTION: &str = "function";

/// Why it does not run.
const NOT_OFFERED: &str = "not offered";
const NOT_TIED: &str = "not tied";

/// A request of this end that is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    pub reference: u64,
    pub own: usize,
    pub tie: SpawnTie,
}

impl Turn<'_> {
    /// Asks the peer for a process.
    pub fn spawn(&mut self, connection: usize, side: usize, own: usize, tie: SpawnTie) {
        self.world.left.spawns -= 1;
        self.attach(connection, side, own);
        let reference = self.next_reference(connection, side);
        let start = self.world.connections[connection].starts[1 - side];
        let content = Content { from: own as u8, to: NOBODY, start, number: 0, reference: reference as u32 };
        let session = self.session(connection, side);
        match session.spawn(local(own), reference, tie, FUNCTION, &mut content.term()) {
            Ok(()) => self.world.end(connection, side).asked.push(Asked { reference, own, tie }),
            Err(_) => self.notes.note(Situation::BoundFull),
        }
    }
}

impl Witness<'_> {
    /// What is asked for next: which process, and how it is tied to the one that asks.
    pub(crate) fn expect_spawn(&mut self, spawn: &Spawn<'_>) {
        self.spawning =
            process(spawn.requester.local()).map(|requester| (spawn.request, spawn.link, requester));
    }

    /// The answer to a request, if the other end still knows of it: there is one frame that tells of it.
    pub(crate) fn expect_spawn_reply(&mut self, reply: &SpawnReply) {
        let it = &self.world.connections[self.connection];
        let knows = it.ends[1 - self.side].phase != Phase::Closed;
        let asked = self.end().asked.iter().find(|asked| asked.reference == reply.request).copied();
        self.notes.note_if(asked.is_none(), Situation::AnswerMeetsGiveUp);
        let answers = &mut self.world.end(self.connection, 1 - self.side).answers;
        let found = answers.iter().position(|(of, _)| *of == reply.request);
        self.answer = found.map(|found| answers.remove(found).1);
        self.breaks_if(knows && found.is_none(), Broken::SpawnTwice);
        let (Some(Asked { own, tie: SpawnTie::Link, .. }), Some(Answer::Started(child))) =
            (asked, &self.answer)
        else {
            return;
        };
        // It has linked itself, and has said nothing else.
        let is_linked = self.end().ties[own][*child] == Tie::Active;
        let has_ended = self.world.nodes[self.peer.node].processes[*child].ended.is_some();
        self.notes.note_if(has_ended, Situation::ChildEndsAtOnce);
        self.breaks_if(!is_linked, Broken::SpawnUntied);
    }

    /// A frame of a process has come that is none of those that tell of it.
    pub(crate) fn speaks(&mut self, says: impl Fn(u64, usize) -> bool) {
        let other = &self.world.connections[self.connection].ends[1 - self.side];
        let is_unknown = other.answers.iter().any(|(request, answer)| match answer {
            Answer::Started(child) => says(*request, *child),
            _ => false,
        });
        self.breaks_if(is_unknown, Broken::ChildFirst);
    }

    fn child(&self) -> Option<usize> {
        self.world.nodes[self.node].processes.iter().position(|process| !process.started)
    }

    pub(crate) fn offers_it(&mut self, function: &str) -> bool {
        let (Some((request, ..)), child) = (self.spawning, self.child()) else { return false };
        self.breaks_if(function != FUNCTION, Broken::SpawnLost);
        let why = if child.is_some() { NOT_TIED } else { NOT_OFFERED };
        self.notes.note_if(child.is_none(), Situation::SpawnRefused);
        self.end_mut().answers.push((request, Answer::Refused(why)));
        child.is_some()
    }

    pub(crate) fn starts_it(&mut self) -> Result<u64, SpawnFailure> {
        let (Some((request, link, requester)), Some(child)) = (self.spawning.take(), self.child()) else {
            return Err(SpawnFailure::NotOffered);
        };
        let started = &mut self.world.node(self.node).processes[child];
        (started.started, started.touched) = (true, true);
        let end = self.end_mut();
        end.answers.pop();
        end.answers.push((request, Answer::Started(child)));
        if link == 1 {
            end.ties[child][requester] = Tie::Active;
        }
        Ok(local(child))
    }

    pub(crate) fn is_answered(&mut self, own: u64, request: u64, outcome: Result<Pid, SpawnFailure>) {
        let Some((own, remote)) = self.brings(own, outcome.ok()) else { return };
        let asked = &mut self.end_mut().asked;
        let Some(found) = asked.iter().position(|it| (it.reference, it.own) == (request, own)) else {
            return self.breaks_if(true, Broken::SpawnTwice);
        };
        let asked = asked.remove(found);
        let is_true = match (self.by_frame, self.answer.take()) {
            (false, _) => outcome == Err(SpawnFailure::Noconnection),
            // The other end keeps nothing any more.
            (true, None) => true,
            (true, Some(Answer::Started(child))) => remote == Some(child),
            (true, Some(Answer::Refused(NOT_OFFERED))) => outcome == Err(SpawnFailure::NotOffered),
            (true, Some(Answer::Refused(NOT_TIED))) => outcome == Err(SpawnFailure::NotTied),
            (true, Some(_)) => false,
        };
        self.breaks_if(!is_true, Broken::SpawnLost);
        if asked.tie == SpawnTie::Monitor && remote.is_some() {
            self.end_mut().watches.push(Watch { reference: request, own, remote });
        }
    }
}
