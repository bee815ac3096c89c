//! The deliveries of a session to the processes of its node.

use std::sync::{Arc, Weak};
use std::task::Waker;

use bytes::Bytes;
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

/// The process table as one session uses it. All deliveries of a session go through one of these.
///
/// A delivery can happen under the session's lock. It therefore wakes nobody and logs nothing;
/// [`between_frames`](Processes::between_frames) and [`after_frames`](Processes::after_frames) do that, and are
/// called with no lock held.
///
/// The process of the last delivery is remembered, and is woken only when there is a delivery to another process, or
/// when all frames have been handled. When that process runs, its mailbox contains everything that this turn of the
/// session brings for it. This matters most for the exit signals of a lost session.
#[derive(Debug)]
pub(crate) struct Delivery {
    table: Arc<ProcessTable>,
    session: Weak<dyn Interested>,
    peer: Owner,
    numbers: SharedNumbers,
    last: Option<Arc<Cell>>,
    /// The wakers to call: first `of_others` wakers of other processes, then those of `last`.
    wakers: Vec<Waker>,
    of_others: usize,
    /// Drops that have to be logged.
    overflows: Vec<Overflow>,
    /// The bytes that mailboxes hold for the peer.
    account: Account,
    /// Bytes that mailboxes hold for the peer in addition, and that were not reported to the table yet.
    unreported: usize,
    /// The room of the peer, less what it has added since the room was looked up; `None` if it has to be looked up
    /// again. It is looked up once for many messages, because other sessions change it all the time.
    known: Option<Room>,
    /// `true` if the peer has exceeded its share too far with signals, which are never dropped.
    is_over: bool,
    /// The bytes that the session keeps of incomplete frames.
    unfinished: Unfinished,
    /// The statements of the peer about global names that the table has not been told yet.
    globals: GlobalsHeard,
    /// The block of memory that contains the current messages, and no more. Empty if messages are to be copied.
    block: Block,
    /// Processes that the peer has requested and that have to be started.
    prepared: Vec<Prepared>,
}

/// How a message is kept.
#[derive(Clone, Copy)]
struct Kept {
    /// The message is a part of the block in which it lies. Otherwise it is copied.
    with_block: bool,
    /// The bytes of memory that it keeps alive.
    bytes: usize,
}

impl Kept {
    /// Returns the block, if the message keeps it.
    fn of(self, block: &Bytes) -> Option<&Bytes> {
        self.with_block.then_some(block)
    }
}

/// Something from the peer that was dropped because there was no room.
#[derive(Clone, Copy, Debug)]
struct Overflow {
    /// The receiver, if it is known.
    local: Option<u64>,
    full: Full,
    /// The number of drops of the peer so far, including this one.
    dropped: u64,
}

impl Delivery {
    /// Creates the deliveries of a session with this peer. The session is told of the end of each process that it
    /// attaches to.
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

    /// Sets the connection of the session, for the peer's statements about global names.
    pub(crate) fn on(mut self, id: ConnectionId) -> Self {
        self.globals.id = id;
        self
    }

    /// Wakes the processes before the last one, and does what waits until no lock is held. Called between the frames
    /// of a turn, with no lock held.
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

    /// Starts the processes that the peer has requested. If the runtime has been shut down, they end at once.
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

    /// Creates the deliveries of the next session with the same peer.
    #[cfg(test)]
    #[cfg(not(shuttle))]
    pub(crate) fn again(&self) -> Self {
        let (table, numbers) = (Arc::clone(&self.table), self.numbers.clone());
        Self::new(table, self.session.clone(), self.peer.clone(), numbers)
    }

    /// Returns the bytes that are held for the peer.
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

    /// Wakes all processes that have received something in this turn. Called at the end of each turn, with no lock
    /// held.
    fn flush(&mut self) {
        self.block = Block::default();
        self.report();
        // A process that has ended is not kept in memory.
        self.last.take_if(|cell| cell.is_doomed());
        self.of_others = self.wakers.len();
        self.wake_others();
        if self.wakers.capacity() > WAKERS_KEPT {
            self.wakers = Vec::new();
        }
    }

    /// Decides how a message of this length is kept: as a part of the block in which it lies, or copied. If there is
    /// room for the message but not for the whole block, the message is copied.
    #[inline]
    fn kept(&mut self, local: u64, length: usize) -> Kept {
        let block = self.block.allocated;
        if Self::keeps(length, block) && block > 0 && self.takes(local, block) {
            Kept { with_block: true, bytes: block }
        } else {
            Kept { with_block: false, bytes: length }
        }
    }

    fn takes(&mut self, local: u64, kept_bytes: usize) -> bool {
        let (charge, room) = (self.charge(kept_bytes), self.room());
        self.find(local).is_some_and(|cell| cell.takes(charge, &room))
    }

    /// Delivers a message or a call, which is made from the current block. Returns `false` if the process lives and its
    /// mailbox does not accept it.
    fn deliver_message(
        &mut self,
        local: u64,
        charge: Charge,
        received: impl FnOnce(&Bytes) -> Received,
    ) -> bool {
        // A large message is counted before its room is checked, so that several sessions cannot use the same room at
        // once.
        let reserved = if charge.bytes() >= REPORTED_AT_ONCE { charge.bytes() } else { 0 };
        if reserved > 0 {
            self.table.shares().hold(&self.account, reserved);
            self.known = None;
        }
        let taken = self.offer_message(local, charge, reserved, received);
        if let Some(Ok(())) = taken {
            self.note_in_share(charge);
            self.held_more(charge.bytes() - reserved);
            return true;
        }
        self.table.shares().take_back(&self.account, reserved);
        let Some(Err(why)) = taken else { return true };
        let is_dropped = matches!(why, NotTaken::Dropped(_));
        self.not_taken(local, why);
        !is_dropped
    }

    /// Offers a message to its process, if it lives. The room that was known last is used; if that is too little, the
    /// room is looked up again.
    fn offer_message(
        &mut self,
        local: u64,
        charge: Charge,
        reserved: usize,
        received: impl FnOnce(&Bytes) -> Received,
    ) -> Option<Result<(), NotTaken>> {
        self.find(local);
        let Self { table, account, unreported, known, last, block, wakers, .. } = self;
        let now = || table.shares().room(account, *unreported).without(reserved);
        let room = known.get_or_insert_with(now);
        //= spec/session.md#ses-msg-002
        //# A node MUST ignore a SEND to a dead process.
        let taken = last.as_deref()?.message_from_afar(room, now, charge, || received(&block.bytes), wakers);
        if reserved > 0 {
            *known = None;
        }
        Some(taken)
    }

    /// Delivers the answer to a question of a process. An answer is never dropped.
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

    /// Notes the wakers of a delivery, and the number of bytes that mailboxes hold in addition.
    fn delivered(&mut self, wakes: Wakes, held: usize) {
        wakes.later(&mut self.wakers);
        self.held_more(held);
    }

    fn held_more(&mut self, held: usize) {
        self.unreported += held;
        if let Some(known) = &mut self.known {
            known.add(held);
        }
        if self.unreported >= REPORTED_AT_ONCE {
            self.report();
        }
    }

    /// Notes the outcome of a signal.
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
            NotTaken::Ended | NotTaken::Ends => {}
            NotTaken::Dropped(full) => self.dropped(Some(local), full),
        }
    }

    fn dropped(&mut self, local: Option<u64>, full: Full) {
        self.table.count_dropped();
        let overflow = |dropped| Overflow { local, full, dropped };
        self.overflows.extend(self.account.count_dropped().map(overflow));
    }

    /// Finds a process, and remembers it for the next delivery.
    fn find(&mut self, local: u64) -> Option<&Cell> {
        if self.last.as_ref().is_none_or(|last| last.local() != local) {
            self.of_others = self.wakers.len();
            self.last = self.table.get(local);
        }
        self.last.as_deref()
    }

    /// Reports to the table the bytes that were added. Large messages were reported before.
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
        let kept = self.kept(local, message.len());
        //= spec/session.md#ses-msg-005
        //# A node MUST give a process the bytes of a message as they arrived.
        //= spec/connection.md#con-rdw-003
        //# A node MUST go on reading a session while a process does not take its messages.
        self.deliver_message(local, self.charge(kept.bytes), |block| {
            Received::Message(Message::part_of(kept.of(block), message))
        });
    }

    fn term(&mut self, local: u64, term: &[u8], pids: TermPids) {
        let kept = self.kept(local, term.len());
        let charge = self.charge(kept.bytes + Message::pids_bytes(&pids));
        self.deliver_message(local, charge, |block| {
            Received::Message(Message::term_part_of(kept.of(block), term, pids))
        });
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
        let kept = self.kept(local, term.len());
        let charge = self.charge(kept.bytes + Message::pids_bytes(&pids) + Call::kept_bytes());
        self.find(local);
        // A callee that has ended answers the call by its end.
        let Some(callee) = self.last.clone() else { return true };
        self.deliver_message(local, charge, |block| {
            Received::Call(Call::new(callee, caller, Message::term_part_of(kept.of(block), term, pids)))
        })
    }

    fn reply(&mut self, local: u64, reference: u64, term: &[u8], pids: TermPids) {
        let kept = self.kept(local, term.len());
        let (charge, room) = (self.charge(kept.bytes + Message::pids_bytes(&pids)), self.room());
        //= spec/capabilities.md#cap-cal-018
        //# A node that drops a reply by SES-MSG-010, SES-MSG-011 or SES-MSG-015 MUST end the call, and tell
        //# the caller that the reply was lost.
        if !room.peer_takes(charge) {
            self.dropped(Some(local), Full::Share);
            self.reply_lost(local, reference);
            return;
        }
        let reply = Answer::Reply(Message::term_part_of(kept.of(&self.block.bytes), term, pids));
        let Some(cell) = self.find(local) else { return };
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

    /// A room is the group with the same name. Each member receives the text as a message.
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
        let arguments = Message::term_part_of(None, arguments, pids);
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
        // The process is woken after all of them, when there is a delivery to another process.
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

/// The maximum number of times its own length that a message may keep alive in memory, all of which counts. A message
/// that would keep more is copied, which is cheaper.
const PINNED_MAX: usize = 4;

/// The capacity for wakers that a session keeps between its turns.
const WAKERS_KEPT: usize = 64;

/// The number of bytes that one session puts into mailboxes before it reports them to the table. All mailboxes
/// together can exceed their limit by this much for each session that delivers at the same time.
const REPORTED_AT_ONCE: usize = 64 << 10;

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;
