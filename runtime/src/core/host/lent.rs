//! The process table in the form in which a host lends it to its connections.

use super::ties::Ties;
use crate::core::globals::{Conflict, Heard};
use crate::core::peers::ConnectionId;
use crate::core::{
    Block, Caller, GlobalNews, Globals, NodeNumber, Numbers, Pid, Processes, Reason, SpawnFailure,
    SpawnRequest, Start, TermPids,
};

/// The host's process table, together with what only the host knows: the sessions to which the ends of processes are
/// reported, the numbers of nodes, and global names.
pub(super) struct Lent<'h, P> {
    pub(super) processes: &'h mut P,
    pub(super) numbers: &'h mut Numbers,
    pub(super) ties: &'h mut Ties,
    pub(super) globals: &'h mut Globals,
    /// Own global names that are lost, reported when the connection is no longer lent the table.
    pub(super) conflicts: &'h mut Vec<Conflict>,
    pub(super) id: ConnectionId,
}

impl<P: Processes> Processes for Lent<'_, P> {
    fn attach(&mut self, local: u64) -> bool {
        let lives = self.processes.attach(local);
        if lives {
            self.ties.add(local, self.id);
        }
        lives
    }

    fn heard_of(&mut self, start: Start) -> NodeNumber {
        self.numbers.heard_of(start)
    }

    fn has_room(&mut self, local: u64) -> bool {
        self.processes.has_room(local)
    }

    fn unfinished(&mut self, bytes: usize) -> bool {
        self.processes.unfinished(bytes)
    }

    #[inline]
    fn message(&mut self, local: u64, message: &[u8]) {
        self.processes.message(local, message);
    }

    fn term(&mut self, local: u64, term: &[u8], pids: TermPids) {
        self.processes.term(local, term, pids);
    }

    fn named_message(&mut self, name: &str, message: &[u8]) {
        self.processes.named_message(name, message);
    }

    fn named_term(&mut self, name: &str, term: &[u8], pids: TermPids) {
        self.processes.named_term(name, term, pids);
    }

    fn whereis(&mut self, name: &str) -> Option<u64> {
        self.processes.whereis(name)
    }

    fn call(&mut self, local: u64, caller: Caller, term: &[u8], pids: TermPids) -> bool {
        self.processes.call(local, caller, term, pids)
    }

    fn reply(&mut self, local: u64, reference: u64, term: &[u8], pids: TermPids) {
        self.processes.reply(local, reference, term, pids);
    }

    fn reply_lost(&mut self, local: u64, reference: u64) {
        self.processes.reply_lost(local, reference);
    }

    fn call_ended(&mut self, local: u64, reference: u64, reason: Reason) {
        self.processes.call_ended(local, reference, reason);
    }

    fn named(&mut self, local: u64, reference: u64, pid: Pid) {
        self.processes.named(local, reference, pid);
    }

    fn offers(&mut self, requester: Pid, function: &str) -> bool {
        self.processes.offers(requester, function)
    }

    fn spawn(&mut self, request: SpawnRequest<'_>) -> Result<u64, SpawnFailure> {
        self.processes.spawn(request)
    }

    fn spawned(&mut self, local: u64, request: u64, outcome: Result<Pid, SpawnFailure>) {
        self.processes.spawned(local, request, outcome);
    }

    fn global(&mut self, news: GlobalNews<'_>) -> bool {
        match self.globals.heard(self.id, news) {
            Heard::Known => true,
            Heard::PassedOver => false,
            Heard::Lost(conflict) => {
                self.conflicts.push(conflict);
                true
            }
        }
    }

    fn broadcast(&mut self, room: &str, text: &str) -> bool {
        self.processes.broadcast(room, text)
    }

    fn exit(&mut self, local: u64, from: Pid, reason: Reason) {
        self.processes.exit(local, from, reason);
    }

    fn sent_exit(&mut self, local: u64, from: Pid, reason: Reason) {
        self.processes.sent_exit(local, from, reason);
    }

    fn exits(&mut self, local: u64, from: &[Pid], reason: &Reason) {
        self.processes.exits(local, from, reason);
    }

    fn down(&mut self, local: u64, reference: u64, from: Pid, reason: Reason) {
        self.processes.down(local, reference, from, reason);
    }

    fn keep_buffer(&mut self, bytes: usize, is_message: bool) -> bool {
        self.processes.keep_buffer(bytes, is_message)
    }

    fn release_buffer(&mut self) {
        self.processes.release_buffer();
    }

    fn keeps(message_bytes: usize, of_bytes: usize) -> bool {
        P::keeps(message_bytes, of_bytes)
    }

    fn arrived(&mut self, block: Block) -> Block {
        self.processes.arrived(block)
    }

    fn between_frames(&mut self) {
        self.processes.between_frames();
    }

    fn after_frames(&mut self) {
        self.processes.after_frames();
    }

    fn are_signals_untaken(&self) -> bool {
        self.processes.are_signals_untaken()
    }
}
