//! What a session delivers to the processes of its node.

use std::sync::{Arc, Weak};
use std::task::Waker;

use bytes::Bytes;
use snow_dist_codec::keep;
use snow_dist_codec::limits::SHARE_BYTES_MIN;

use super::cell::{Answer, Cell, Full, Given, NotTaken, Wakes};
use super::charge::Charge;
use super::groups;
use super::remote::Interested;
use super::shares::{Account, Owner, Room};
use super::table::{Prepared, ProcessTable};
use super::{Call, Message, Received};
use crate::core::peers::ConnectionId;
use crate::core::{
    Block, Caller, GlobalNews, NodeNumber, Pid, Processes, Reason, Shown, SpawnFailure, SpawnRequest, Start,
    TermPids,
};
use crate::foreign::{self, event};
use crate::numbers::SharedNumbers;

mod globals;
mod unfinished;

use globals::GlobalsHeard;
use unfinished::Unfinished;

/// The process table, as one session has it. A session's deliveries go through one of these for as long as it lasts.
///
/// A delivery can stand under the session's lock, so it wakes nobody and writes no event: that is done by
/// [`between_frames`](Processes::between_frames) and [`after_frames`](Processes::after_frames), which are called with no lock
/// held. The process that was last delivered to is remembered, and is woken only after another's turn has come or when all
/// frames are handled: all that a turn of the session brings it, the exit signals of a lost session above all, is in its mailbox
/// before it runs.
#[derive(Debug)]
pub(crate) struct Delivery {
    table: Arc<ProcessTable>,
    session: Weak<dyn Interested>,
    peer: Owner,
    numbers: SharedNumbers,
    last: Option<Arc<Cell>>,
    /// To be woken: so many of processes before `last`, then those of `last`.
    wakers: Vec<Waker>,
    of_others: usize,
    /// What was dropped, to be warned of.
    overflows: Vec<Overflow>,
    /// What mailboxes hold for the peer.
    account: Account,
    /// Bytes that they hold and that the table was not told of yet.
    unreported: usize,
    /// What the peer may add, less what it has added since that was looked up; none to be looked up again. Looked up once
    /// for many messages, since others change it all the time.
    known: Option<Room>,
    /// The peer has sent signals, which are not dropped, too far beyond its share.
    is_over: bool,
    /// What the session keeps of frames that are not whole.
    unfinished: Unfinished,
    /// What the peer has said of global names, and the table does not know yet.
    globals: GlobalsHeard,
    /// What the messages lie in, which has no more memory than its bytes; empty if they are to be copied.
    block: Block,
    /// Processes that the peer has asked for, to be started.
    prepared: Vec<Prepared>,
}

/// Something of the peer for which there was no room.
#[derive(Clone, Copy, Debug)]
struct Overflow {
    /// For whom it was, if that is known.
    local: Option<u64>,
    full: Full,
    /// How much of the peer was dropped by then.
    dropped: u64,
}

impl Delivery {
    /// The deliveries of a session with this peer, which is told of the end of what it attaches.
    pub(crate) fn new(
        table: Arc<ProcessTable>,
        session: Weak<dyn Interested>,
        peer: Owner,
        numbers: SharedNumbers,
    ) -> Self {
        let account = table.shares().open(&peer);
        Self {
            table,
            session,
            peer,
            account,
            is_over: false,
            numbers,
            last: None,
            wakers: Vec::new(),
            of_others: 0,
            overflows: Vec::new(),
            unreported: 0,
            known: None,
            unfinished: Unfinished::default(),
            globals: GlobalsHeard::default(),
            block: Block::default(),
            prepared: Vec::new(),
        }
    }

    /// The same of a session on this connection, for what the peer says of global names.
    pub(crate) fn on(mut self, id: ConnectionId) -> Self {
        self.globals.id = id;
        self
    }

    /// Wakes those whose turn is over. To be called with no lock held, between the frames of a turn.
    fn wake_others(&mut self) {
        if !self.prepared.is_empty() {
            self.start_prepared();
        }
        if self.of_others > 0 || !self.overflows.is_empty() {
            self.wake_and_warn();
        }
        if !self.globals.is_empty() {
            self.tell_of_globals();
        }
    }

    /// With a runtime that is gone they end at once.
    fn start_prepared(&mut self) {
        for Prepared { task, .. } in self.prepared.drain(..) {
            self.table.executor().start(task);
        }
    }

    fn wake_and_warn(&mut self) {
        self.wakers.drain(..std::mem::take(&mut self.of_others)).for_each(foreign::wake);
        //= spec/session.md#ses-msg-014
        //# A node that drops a message for want of room SHOULD tell its operator of which peer it was.
        for Overflow { local, full, dropped } in self.overflows.drain(..) {
            let (process, peer) = (local.map(|local| self.table.pid(local)), Shown(&self.peer.name));
            let process = process.as_ref().map(tracing::field::display);
            let why = match full {
                Full::Mailbox => "mailbox full",
                Full::Share => "too much of this peer is in mailboxes",
                Full::Unfinished => "too much of this peer is in mailboxes or not whole yet",
            };
            event!(processes, WARN, process, %peer, dropped, "{why}: dropped");
        }
    }

    /// The deliveries of the next session with the same peer.
    #[cfg(test)]
    #[cfg(not(shuttle))]
    pub(crate) fn again(&self) -> Self {
        let (table, numbers) = (Arc::clone(&self.table), self.numbers.clone());
        Self::new(table, self.session.clone(), self.peer.clone(), numbers)
    }

    /// Bytes that are held of the peer.
    #[cfg(test)]
    #[cfg(not(shuttle))]
    pub(crate) fn held(&self) -> i64 {
        self.account.held()
    }

    fn room(&self) -> Room {
        self.table.shares().room(&self.account, self.unreported)
    }

    fn charge(&self, kept_bytes: usize) -> Charge {
        Charge::of(self.account.number(), kept_bytes)
    }

    /// Wakes whom this turn's deliveries concern. To be called with no lock held, at the end of each turn.
    fn flush(&mut self) {
        self.block = Block::default();
        self.report();
        // Whoever has ended is not kept.
        self.last.take_if(|cell| cell.is_doomed());
        self.of_others = self.wakers.len();
        self.wake_others();
        if self.wakers.capacity() > WAKERS_KEPT {
            self.wakers = Vec::new();
        }
    }

    /// What a message of so many bytes keeps a part of, or nothing if it is to be copied; and the bytes that it keeps. What
    /// lies beside it in the block must not be why there is no room for it.
    fn block_for(&mut self, local: u64, length: usize) -> (Bytes, usize) {
        let kept = self.block.allocated;
        if Self::keeps(length, kept) && kept > 0 && self.takes(local, kept) {
            (self.block.bytes.clone(), kept)
        } else {
            (Bytes::new(), length)
        }
    }

    fn takes(&mut self, local: u64, kept_bytes: usize) -> bool {
        let (charge, room) = (self.charge(kept_bytes), self.room());
        self.find(local).is_some_and(|cell| cell.takes(charge, &room))
    }

    /// False if the mailbox of a living process does not take it.
    fn deliver_message(&mut self, local: u64, charge: Charge, received: impl FnOnce() -> Received) -> bool {
        // What is much is held before there is known to be room, so that not every session takes the same room at once.
        let reserved = if charge.bytes() >= REPORTED_AT_ONCE { charge.bytes() } else { 0 };
        if reserved > 0 {
            self.table.shares().hold(&self.account, reserved);
            self.known = None;
        }
        let taken = self.offer_message(local, charge, reserved, received);
        if let Some(Ok(wakes)) = taken {
            self.note_in_share(charge);
            self.delivered(wakes, charge.bytes() - reserved);
            return true;
        }
        self.table.shares().take_back(&self.account, reserved);
        let Some(Err(why)) = taken else { return true };
        let is_dropped = matches!(why, NotTaken::Dropped(_));
        self.not_taken(local, why);
        !is_dropped
    }

    /// Offers a message to its process, if that lives, in the room that is known; in what there is now, if that is too little.
    fn offer_message(
        &mut self,
        local: u64,
        charge: Charge,
        reserved: usize,
        received: impl FnOnce() -> Received,
    ) -> Option<Result<Wakes, NotTaken>> {
        self.find(local);
        let Self { table, account, unreported, known, last, .. } = self;
        let now = || table.shares().room(account, *unreported).without(reserved);
        let room = known.get_or_insert_with(now);
        //= spec/session.md#ses-msg-002
        //# A node MUST ignore a SEND to a dead process.
        let taken = last.as_deref()?.message_from_afar(room, now, charge, received);
        if reserved > 0 {
            *known = None;
        }
        Some(taken)
    }

    /// Gives a process the answer to what it has asked, which is never dropped.
    fn answered(&mut self, local: u64, reference: u64, answer: Answer, kept_bytes: usize) {
        let (charge, room) = (self.charge(kept_bytes), self.room());
        if let Some(cell) = self.find(local) {
            let given = cell.answer_from_afar(reference, answer, charge);
            self.signalled(charge, room, given);
        }
    }

    fn note_in_share(&mut self, charge: Charge) {
        if self.known.as_ref().is_none_or(Room::is_beyond) {
            self.account.note(charge, true);
            self.known = None;
        }
    }

    /// Notes whom a delivery wakes, and how many bytes more mailboxes hold.
    fn delivered(&mut self, wakes: Wakes, held: usize) {
        self.wake_later(wakes);
        self.unreported += held;
        if let Some(known) = &mut self.known {
            known.add(held);
        }
        if self.unreported >= REPORTED_AT_ONCE {
            self.report();
        }
    }

    fn wake_later(&mut self, wakes: Wakes) {
        if !wakes.is_none() {
            self.wakers.extend(wakes);
        }
    }

    /// The same for a signal.
    fn signalled(&mut self, charge: Charge, room: Room, given: Given) {
        self.is_over |= given.is_over;
        if given.held > 0 {
            let in_share = room.peer_takes(charge);
            self.account.note(charge, in_share);
            self.known.take_if(|_| !in_share);
        }
        self.delivered(given.wakes, given.held);
    }

    fn not_taken(&mut self, local: u64, why: NotTaken) {
        match why {
            NotTaken::Ended => {}
            NotTaken::Dropped(full) => self.dropped(Some(local), full),
            NotTaken::Ends(wakes) => self.wake_later(wakes),
        }
    }

    fn dropped(&mut self, local: Option<u64>, full: Full) {
        self.table.count_dropped();
        let overflow = |dropped| Overflow { local, full, dropped };
        self.overflows.extend(self.account.count_dropped().map(overflow));
    }

    /// The process, remembered for the next delivery.
    fn find(&mut self, local: u64) -> Option<&Cell> {
        if self.last.as_ref().is_none_or(|last| last.local() != local) {
            self.of_others = self.wakers.len();
            self.last = self.table.get(local);
        }
        self.last.as_deref()
    }

    /// Tells the table what was added, of which it may know already what was held at once.
    fn report(&mut self) {
        self.known = None;
        self.table.shares().hold(&self.account, std::mem::take(&mut self.unreported));
    }
}

impl Processes for Delivery {
    fn has_room(&mut self, local: u64) -> bool {
        let (charge, room) = (self.charge(0), self.room());
        self.find(local).is_some_and(|cell| cell.signal_fits(charge, room))
    }

    fn unfinished(&mut self, bytes: usize) -> bool {
        self.keep_pieces(bytes)
    }

    fn attach(&mut self, local: u64) -> bool {
        let session = self.session.clone();
        self.find(local).is_some_and(|cell| cell.attach(&session))
    }

    fn message(&mut self, local: u64, message: &[u8]) {
        let (block, kept) = self.block_for(local, message.len());
        //= spec/session.md#ses-msg-005
        //# A node MUST give a process the bytes of a message as they arrived.
        //= spec/connection.md#con-rdw-003
        //# A node MUST go on reading a session while a process does not take the messages that are for it.
        self.deliver_message(local, self.charge(kept), || {
            Received::Message(Message::new(keep(&block, message)))
        });
    }

    fn term(&mut self, local: u64, term: &[u8], pids: TermPids) {
        let (block, kept) = self.block_for(local, term.len());
        let charge = self.charge(kept + Message::pids_bytes(&pids));
        self.deliver_message(local, charge, || Received::Message(Message::of_term(keep(&block, term), pids)));
    }

    fn named_term(&mut self, name: &str, term: &[u8], pids: TermPids) {
        match self.table.whereis(name) {
            Some(pid) => self.term(pid.local(), term, pids),
            None => self.table.count_nameless(),
        }
    }

    fn whereis(&mut self, name: &str) -> Option<u64> {
        Some(self.table.whereis(name)?.local())
    }

    fn call(&mut self, local: u64, caller: Caller, term: &[u8], pids: TermPids) -> bool {
        let (block, kept) = self.block_for(local, term.len());
        let charge = self.charge(kept + Message::pids_bytes(&pids) + Call::kept_bytes());
        self.find(local);
        // One that has ended answers by its end.
        let Some(callee) = self.last.clone() else { return true };
        self.deliver_message(local, charge, || {
            Received::Call(Call::new(callee, caller, Message::of_term(keep(&block, term), pids)))
        })
    }

    fn reply(&mut self, local: u64, reference: u64, term: &[u8], pids: TermPids) {
        let (block, kept) = self.block_for(local, term.len());
        let (charge, room) = (self.charge(kept + Message::pids_bytes(&pids)), self.room());
        //= spec/capabilities.md#cap-cal-018
        //# A node that drops a reply because what it keeps for other nodes is full MUST take the call for over, and
        //# tell the caller that there was a reply that it did not keep.
        if !room.peer_takes(charge) {
            self.dropped(Some(local), Full::Share);
            self.reply_lost(local, reference);
            return;
        }
        let Some(cell) = self.find(local) else { return };
        let reply = Answer::Reply(Message::of_term(keep(&block, term), pids));
        let given = cell.answer_from_afar(reference, reply, charge);
        self.signalled(charge, room, given);
    }

    fn reply_lost(&mut self, local: u64, reference: u64) {
        self.answered(local, reference, Answer::Lost, 0);
    }

    fn call_ended(&mut self, local: u64, reference: u64, reason: Reason) {
        let kept = reason.kept_bytes();
        self.answered(local, reference, Answer::Ended(reason), kept);
    }

    fn named(&mut self, local: u64, reference: u64, pid: Pid) {
        if let Some(wakes) = self.find(local).map(|cell| cell.named(reference, pid)) {
            self.delivered(wakes, 0);
        }
    }

    fn global(&mut self, news: GlobalNews<'_>) -> bool {
        self.globals.note(news);
        true
    }

    /// A room is the group of that name. Its members get the text as a message each.
    fn broadcast(&mut self, room: &str, text: &str) -> bool {
        let Some(groups) = groups::started(&self.table) else { return false };
        for member in groups.local_members(room) {
            self.message(member.local(), text.as_bytes());
        }
        true
    }

    fn offers(&mut self, _requester: Pid, function: &str) -> bool {
        self.table.functions().offers(&self.peer.name, function)
    }

    fn spawn(&mut self, request: SpawnRequest<'_>) -> Result<u64, SpawnFailure> {
        let SpawnRequest { function, arguments, pids, .. } = request;
        let arguments = Message::of_term(Bytes::copy_from_slice(arguments), pids);
        let prepared = self.table.prepare(&self.peer.name, function, arguments)?;
        let local = prepared.local;
        self.prepared.push(prepared);
        Ok(local)
    }

    fn spawned(&mut self, local: u64, request: u64, outcome: Result<Pid, SpawnFailure>) {
        match outcome {
            Ok(pid) => self.named(local, request, pid),
            Err(why) => self.answered(local, request, Answer::NotSpawned(why), 0),
        }
    }

    fn heard_of(&mut self, start: Start) -> NodeNumber {
        self.numbers.heard_of(start)
    }

    fn named_message(&mut self, name: &str, message: &[u8]) {
        //= spec/session.md#ses-msg-004
        //# A node MUST ignore a REG_SEND with a name that is not registered.
        match self.table.whereis(name) {
            Some(pid) => self.message(pid.local(), message),
            None => self.table.count_nameless(),
        }
    }

    fn exit(&mut self, local: u64, from: Pid, reason: Reason) {
        let (charge, room) = (self.charge(reason.kept_bytes()), self.room());
        if let Some(cell) = self.find(local) {
            let given = cell.exit_from_afar(from, reason, charge, room);
            self.signalled(charge, room, given);
        }
    }

    fn sent_exit(&mut self, local: u64, from: Pid, reason: Reason) {
        let charge = self.charge(reason.kept_bytes());
        let room = self.room();
        //= spec/capabilities.md#cap-rxt-004
        //# A node MUST ignore an EXIT2 for a dead process.
        let Some(cell) = self.find(local) else { return };
        match cell.sent_exit(from, reason, charge, room) {
            Ok(given) => self.signalled(charge, room, given),
            Err(why) => self.not_taken(local, why),
        }
    }

    fn exits(&mut self, local: u64, from: &[Pid], reason: &Reason) {
        // It is woken when another's turn comes, and so has all of them.
        from.iter().for_each(|from| self.exit(local, *from, reason.clone()));
    }

    fn down(&mut self, local: u64, reference: u64, from: Pid, reason: Reason) {
        let (charge, room) = (self.charge(reason.kept_bytes()), self.room());
        if let Some(cell) = self.find(local) {
            let given = cell.down_from_afar(reference, from, reason, charge, room);
            self.signalled(charge, room, given);
        }
    }

    fn keep_buffer(&mut self, bytes: usize, is_message: bool) -> bool {
        self.hold_buffer(bytes, is_message)
    }

    fn release_buffer(&mut self) {
        self.let_buffer_go();
    }

    #[inline]
    fn keeps(message_bytes: usize, block_bytes: usize) -> bool {
        message_bytes >= SHARE_BYTES_MIN && message_bytes.saturating_mul(PINNED_MAX) >= block_bytes
    }

    fn arrived(&mut self, block: Block) -> Block {
        std::mem::replace(&mut self.block, block)
    }

    #[inline]
    fn between_frames(&mut self) {
        self.wake_others();
    }

    fn after_frames(&mut self) {
        self.flush();
    }

    fn are_signals_untaken(&self) -> bool {
        self.is_over
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.flush();
        self.keep_nothing_unfinished();
        self.table.shares().close(&self.peer);
    }
}

/// How many times its own bytes a message may keep in memory, which all count: a copy is the cheaper for less.
const PINNED_MAX: usize = 4;

/// Places for wakers that a session keeps between its turns.
const WAKERS_KEPT: usize = 64;

/// Bytes that one session puts into mailboxes before it tells the table: all together can go beyond what mailboxes may keep by
/// so much for each session that brings something at that moment.
const REPORTED_AT_ONCE: usize = 64 << 10;

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;
