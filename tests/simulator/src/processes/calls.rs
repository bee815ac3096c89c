//! Calls: what becomes of them in the hands of those who are called, and how long callers wait.

use snow_dist_codec::{Pid as WirePid, stf};
use snow_dist_runtime::core::Term;

use super::acts::{Want, Wish, route};
use super::table::{Held, Request};
use crate::cluster::{At, Cluster, Step};
use crate::coverage::Of;
use crate::oracle::Checked;
use crate::wire::Time;

/// How long somebody thinks about a call, and how long a caller waits, at most.
const THINKS_MAX: Time = 500_000;
const WAITS_MAX: Time = 2_000_000;

/// A request or a reply: its number, and a pid or so many bytes.
pub(super) struct Content {
    term: Term,
    about: Option<Held>,
    bytes: Vec<u8>,
}

impl Content {
    pub(super) fn new(bytes: u32, about: Held, dice: u64) -> Self {
        let about = dice.is_multiple_of(5).then_some(about);
        let mut it = Self { term: Self::none(), about, bytes: Vec::new() };
        it.encode(0, bytes);
        it
    }

    fn none() -> Term {
        Term::new(vec![stf::VERSION, 6], &[]).unwrap_or_else(|_| unreachable!("that is a term"))
    }

    fn encode(&mut self, number: u32, filler: u32) {
        let mut encoder = stf::Encoder::new(&mut self.bytes);
        let begun = encoder.tuple(2);
        encoder.int(i64::from(number));
        let filled = match self.about {
            Some(_) => {
                encoder.pid(WirePid::from_bits(0));
                Ok(())
            }
            None => encoder.str("~".repeat(filler as usize).as_str().into()),
        };
        let finished = encoder.finish();
        debug_assert!(begun.is_ok() && filled.is_ok() && finished.is_ok(), "it is within all limits");
    }

    pub(super) const fn has_pid(&self) -> bool {
        self.about.is_some()
    }

    pub(super) fn bytes(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// The term, with its number.
    pub(super) fn term(&mut self, number: u32) -> &mut Term {
        if let Some(place) = self.bytes.get_mut(4..8) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        let pids: Vec<_> = self.about.iter().map(|held| held.pid).collect();
        self.term = Term::new(std::mem::take(&mut self.bytes), &pids).unwrap_or_else(|_| Self::none());
        &mut self.term
    }
}

impl Cluster<'_> {
    /// Whoever has been called will look at it.
    pub(super) fn look_at_calls(&mut self, node: usize) {
        while let Some(request) = self.nodes[node].table.asked.pop() {
            self.look_later(node, request);
        }
    }

    fn look_later(&mut self, node: usize, request: u32) {
        let here = &mut self.nodes[node];
        let (start, thinks) = (here.start, here.random.wide(1, THINKS_MAX));
        self.after(thinks, Step::Answer { node: node as u32, start, request });
    }

    /// Of those who call about half wait for some time only.
    pub(super) fn give_up_later(&mut self, node: usize, at: At, reference: u64, dice: u64) {
        if dice >> 32 & 1 == 1 {
            let here = &mut self.nodes[node];
            let (start, waits) = (here.start, here.random.wide(1, WAITS_MAX));
            self.after(waits, Step::GiveUp { node: node as u32, start, at, reference });
        }
    }

    /// A caller's patience is at its end.
    pub(crate) fn time_out(&mut self, node: usize, start: u32, at: At, reference: u64) -> Checked {
        if self.nodes[node].start != start || !self.nodes[node].is_running {
            return Ok(());
        }
        let waits = self.connections[at.connection as usize].as_ref();
        if waits.is_some_and(|it| it.joint.is_waiting(at.end(), reference)) {
            self.coverage.count(Of::Operation);
            self.coverage.count(Of::TimedOut);
        }
        self.end_monitor(at, reference)
    }

    /// Whoever has a call replies, hands it on, lets go of it, keeps it, or ends.
    pub(crate) fn answer(&mut self, node: usize, start: u32, request: u32) -> Checked {
        let here = &mut self.nodes[node];
        if here.start != start || !here.is_running {
            return Ok(());
        }
        let Some(Request { from, holder, .. }) = here.table.requests.get(&request).copied() else {
            return Ok(());
        };
        let Some(process) = here.table.living(holder) else { return Ok(()) };
        process.hold(from);
        if process.waits {
            self.look_later(node, request);
            return Ok(());
        }
        self.coverage.count(Of::Operation);
        let dice = here.random.u64();
        match dice % 100 {
            0..65 => {
                let bytes = if here.random.chance(30) {
                    here.random.wide(1_000, 300_000)
                } else {
                    here.random.wide(1, 400)
                };
                let want = Want::Reply { request, bytes: bytes as u32, dice };
                self.want(node, Wish { start, local: holder, held: from, want })?;
            }
            65..80 => {
                let alive = here.table.alive();
                let to = alive[here.random.index(alive.len())];
                if let Some(request) = here.table.requests.get_mut(&request) {
                    request.holder = to;
                }
                self.coverage.count(Of::Delegated);
                self.look_later(node, request);
            }
            80..88 => self.drop_request(node, request),
            88..94 => {}
            _ => self.end_process(node, holder, dice >> 8),
        }
        Ok(())
    }

    /// Nobody has the call any more.
    fn drop_request(&mut self, node: usize, request: u32) {
        let Some(request) = self.nodes[node].table.requests.remove(&request) else { return };
        let caller = request.caller;
        let Some((at, it)) = route(&mut self.connections, &self.nodes[node], caller.pid) else { return };
        let Some(session) = it.session(at) else { return };
        session.leave_unanswered(&caller);
        if at == request.at && it.joint.is_called(at.end(), caller.reference) {
            it.joint.leave_unanswered(at.end(), caller.reference);
        }
        self.wake(at);
    }

    /// What a process had in its hands when it ended: its own calls end with it, those that were delegated to it do not.
    pub(super) fn holder_ended(&mut self, node: usize, local: u32) {
        let requests = &self.nodes[node].table.requests;
        let held: Vec<_> = requests
            .iter()
            .filter(|(_, request)| request.holder == local)
            .map(|(number, _)| *number)
            .collect();
        for number in held {
            if self.nodes[node].table.requests.get(&number).is_some_and(|request| request.callee == local) {
                self.nodes[node].table.requests.remove(&number);
            } else {
                self.drop_request(node, number);
            }
        }
    }
}
