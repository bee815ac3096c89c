//! A process as the rest of the node sees it: its life, its mailbox, and everything that has to be told when it ends.
//!
//! Lock order: names or node monitors of the table, then cells; of two cells, the one with the smaller number first.
//! A session may hold its own lock when it locks a cell; no session is called while a cell is locked. No code of the
//! program runs while a cell is locked: wakers, and values to be dropped, are handed out of the lock.

use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Weak};
use std::task::{Context, Waker};

use tokio::sync::Semaphore;

use super::charge::Charge;
use super::mailbox::{Inbox, Queue};
use super::remote::{Interested, Sender};
use super::shares::Room;
use super::small::Small;
use super::table::ProcessTable;
use super::{Mailbox, Received, Refused, WhenFull};
use crate::core::{Pid, Reason};
use crate::foreign;
use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering};
pub(crate) use asked::{Answer, Asked, GivenUp};
pub(crate) use looks::Look;
pub(crate) use parts::{Doom, Full, Given, Linked, NotPut, NotTaken, Remains, Ties, Wakes};

mod asked;
mod concerns;
mod looks;
mod parts;

/// The number of items in the receiver's half of a mailbox below which the count is stored after each receipt. Above
/// it, the count is stored at each multiple of this number only.
const GATHERED_SINGLY: usize = 64;

/// A process.
pub(crate) struct Cell {
    local: u64,
    table: Arc<ProcessTable>,
    /// `true` once life is no longer `Alive`. Set under the lock, to be read without it.
    doomed: AtomicBool,
    /// `true` once life is `Dead`. Set under the lock, before anybody is told of the end.
    ended: AtomicBool,
    /// `true` while callers of dropped calls still have to be told. Set under the lock.
    has_let_go: AtomicBool,
    /// `true` if this process never causes a dial, whatever the program has configured.
    dials_nobody: AtomicBool,
    /// `true` if nothing is put into the mailbox, because nobody would receive it.
    is_deaf: bool,
    when_full: WhenFull,
    /// The number of items in the receiver's half of the mailbox, for statistics only: nothing depends on it. It is
    /// therefore an atomic of std even in the tests of concurrent schedules.
    gathered: AtomicUsize,
    /// The free places of a bounded mailbox. Senders get them in the order in which they came.
    room: Option<Box<Semaphore>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    life: Life,
    /// The cause of the end, once the process is doomed. It is large and every process has a place for it, so it is
    /// boxed.
    doom: Option<Box<Doom>>,
    trap_exit: bool,
    queue: Queue,
    links: Small<()>,
    /// A session that must be told of the end. Most processes with any such session have exactly one. Stored in
    /// place, it costs no allocation: on the heap of a crowded node the allocations would be scattered, and the loss
    /// of a session would touch all of them.
    session: Option<Weak<dyn Interested>>,
    ties: Option<Box<Ties>>,
    /// The process's task, once it has run.
    task: Option<Waker>,
    /// The compiler's name of the process's function, once the process has run.
    function: Option<fn() -> &'static str>,
}

/// The life of a process, whose states follow each other in this order. `Doomed` may be skipped.
#[derive(Debug, Default)]
enum Life {
    #[default]
    Alive,
    /// A signal ends the process. For all others it is dead, but its task has not handled the end yet.
    Doomed,
    Dead,
}

impl Cell {
    pub(crate) fn new(local: u64, table: Arc<ProcessTable>, mailbox: Mailbox) -> Self {
        let room = |messages: usize| Box::new(Semaphore::new(messages.min(Semaphore::MAX_PERMITS)));
        Self {
            local,
            table,
            doomed: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            has_let_go: AtomicBool::new(false),
            dials_nobody: AtomicBool::new(false),
            is_deaf: mailbox.is_closed(),
            when_full: mailbox.policy(),
            gathered: AtomicUsize::new(0),
            room: mailbox.messages_max().map(room),
            state: Mutex::default(),
        }
    }

    pub(crate) const fn local(&self) -> u64 {
        self.local
    }

    pub(crate) fn pid(&self) -> Pid {
        self.table.pid(self.local)
    }

    pub(crate) const fn table(&self) -> &Arc<ProcessTable> {
        &self.table
    }

    /// Returns `true` if the end of the process is certain.
    pub(crate) fn is_doomed(&self) -> bool {
        self.doomed.load(Ordering::Acquire)
    }

    /// Returns `true` if the process has ended. No code of the program runs in it any more, except code that has kept
    /// its context.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Stops this process from causing dials.
    pub(crate) fn dial_nobody(&self) {
        self.dials_nobody.store(true, Ordering::Relaxed);
    }

    pub(crate) fn dials_nobody(&self) -> bool {
        self.dials_nobody.load(Ordering::Relaxed)
    }

    /// Returns `true` if the process represents a call of the program: only its callee sees it as a process.
    pub(crate) const fn is_guest(&self) -> bool {
        self.is_deaf
    }

    /// Returns `true` if the process is one of the node's own, or represents a call of the program.
    pub(crate) fn is_of_node(&self) -> bool {
        self.is_guest() || self.dials_nobody()
    }

    #[inline]
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

/// Messages.
impl Cell {
    /// Puts a message or a call from this node into the mailbox. Gives it back if the sender has to wait for room.
    #[inline(always)]
    pub(crate) fn put_here(
        self: &Arc<Self>,
        from: &Sender<'_>,
        received: Received,
    ) -> Result<Option<Waker>, NotPut> {
        if self.is_deaf {
            // The caller is answered by the end of this process.
            if let Received::Call(call) = &received {
                call.disarm();
            }
            return Ok(None);
        }
        match self.room.as_deref() {
            None => self.push_from(from, received),
            Some(room) => self.put_bounded(room, from, received),
        }
    }

    fn put_bounded(
        self: &Arc<Self>,
        room: &Semaphore,
        from: &Sender<'_>,
        received: Received,
    ) -> Result<Option<Waker>, NotPut> {
        let place = room.try_acquire().ok();
        if place.is_none() && !self.is_doomed() {
            return Err(NotPut::Full(Box::new((Arc::clone(self), received))));
        }
        // A place that is not used is given back when it is dropped, even if the destructor of the message panics.
        let waker = self.push_from(from, received)?;
        if let Some(place) = place {
            place.forget();
        }
        Ok(waker)
    }

    /// Puts a message or a call from this node into the mailbox, and waits for room if there is none. If the future is
    /// dropped before it is ready, the item is not sent.
    pub(crate) async fn put(self: &Arc<Self>, from: Sender<'_>, received: Received) -> Result<(), Refused> {
        match self.put_here(&from, received) {
            Ok(waker) => wake(waker),
            Err(NotPut::Full(full)) => self.put_waiting(from, full.1).await?,
            Err(NotPut::Ended) => return Err(Refused::Ended),
        }
        Ok(())
    }

    /// Puts a message or a call into the mailbox once there is room. If the future is dropped before, it is not sent.
    pub(crate) async fn put_waiting(&self, from: Sender<'_>, received: Received) -> Result<(), Refused> {
        // Without a bound there is always room.
        let Some(room) = &self.room else { return self.put_now(from, received) };
        // The semaphore is closed when the process has ended.
        let Ok(place) = foreign::apart(room.acquire()).await else { return Ok(()) };
        self.put_now(from, received)?;
        place.forget();
        Ok(())
    }

    fn put_now(&self, from: Sender<'_>, received: Received) -> Result<(), Refused> {
        // There is no other reason.
        wake(self.push_from(&from, received).map_err(|_| Refused::Ended)?);
        Ok(())
    }

    /// Puts an item from this node into the mailbox. If the process has ended, the item is dropped.
    #[inline(always)]
    fn push_from(&self, from: &Sender<'_>, received: Received) -> Result<Option<Waker>, NotPut> {
        let mut state = self.lock();
        if state.is_alive() && !from.has_ended() {
            return Ok(state.queue.push(received, Charge::NONE));
        }
        // The item is dropped after the lock.
        drop(state);
        if from.has_ended() { Err(NotPut::Ended) } else { Ok(None) }
    }

    /// Puts a message or a call from another node into the mailbox. `known` is the room that was known last; it is
    /// looked up again before something is refused because of it. Whom to wake is added to `wakers`.
    pub(crate) fn message_from_afar(
        &self,
        known: &mut Room,
        now: impl Fn() -> Room,
        charge: Charge,
        received: impl FnOnce() -> Received,
        wakers: &mut Vec<Waker>,
    ) -> Result<(), NotTaken> {
        if self.is_doomed() || self.is_deaf {
            return Err(NotTaken::Ended);
        }
        // This is checked first, since the process is not to blame if the sender has used up its share.
        if !known.peer_takes(charge) {
            *known = now();
            if !known.peer_takes(charge) {
                return Err(NotTaken::Dropped(Full::Share));
            }
        }
        if self.room.as_deref().is_some_and(|room| !try_take(room)) {
            return Err(self.overflow(wakers));
        }
        // The message is copied before the lock is taken.
        //= spec/dist.md#dist-sig-002
        //# A node MUST NOT let a process take a message that arrived in a frame for a signal, whatever its
        //# first bytes.
        let received = received();
        let mut state = self.lock();
        if !state.queue.takes(charge, known) {
            *known = now();
        }
        if state.queue.takes(charge, known) {
            let pushed = state.push(received, charge);
            drop(state);
            return pushed.map(|wakes| wakes.later(wakers)).map_err(|_| NotTaken::Ended);
        }
        // There may be too little free memory in all although this mailbox holds little. Then the mailbox does not
        // count as full.
        let is_full = state.queue.is_full(charge, known);
        drop(state);
        // The session tells the caller.
        if let Received::Call(call) = &received {
            call.disarm();
        }
        if let Some(places) = &self.room {
            places.add_permits(1);
        }
        Err(if is_full { self.overflow(wakers) } else { NotTaken::Dropped(Full::Share) })
    }

    /// Returns `true` if there is room for something that is not a signal of a link.
    pub(crate) fn takes(&self, charge: Charge, room: &Room) -> bool {
        room.peer_takes(charge) && self.lock().queue.takes(charge, room)
    }

    fn overflow(&self, wakers: &mut Vec<Waker>) -> NotTaken {
        //= spec/session.md#ses-msg-006
        //# A node MUST either drop a message for a mailbox that is full or end the process.
        match self.when_full {
            WhenFull::Drop => NotTaken::Dropped(Full::Mailbox),
            //= spec/session.md#ses-msg-007
            //# A node that ends a process because its mailbox is full MUST end it with the reason Error
            //# "mailbox full".
            WhenFull::EndProcess => {
                self.doom(Reason::error("mailbox full")).later(wakers);
                NotTaken::Ends
            }
        }
    }

    /// Puts an item from this node into the mailbox.
    pub(crate) fn push(&self, received: Received) -> Wakes {
        // If the process has ended, the item is dropped after the lock.
        let pushed = self.lock().push(received, Charge::NONE);
        pushed.unwrap_or_default()
    }

    /// Refills the receiver's half of the mailbox. Returns `false` if there is nothing to receive; the receiver is
    /// then woken when something arrives.
    #[inline]
    pub(crate) fn refill(&self, inbox: &mut Inbox, cx: &Context<'_>) -> bool {
        // A receiver that has found nothing was mostly woken because there is something now, or is polled for something
        // else while its waker is there: it need not be cloned. Where it is, that is done before the lock, since this is
        // the program's code. So is the drop of the previous one, after it.
        let mut waker = (!inbox.found_nothing()).then(|| cx.waker().clone());
        loop {
            let mut state = self.lock();
            let refilled = self.refill_locked(&mut state, inbox);
            if refilled || state.queue.wakes(cx.waker()) || !state.is_alive() {
                break refilled;
            }
            if waker.is_some() {
                state.queue.exchange_waker(&mut waker);
                break false;
            }
            drop(state);
            waker = Some(cx.waker().clone());
        }
    }

    #[inline(always)]
    fn refill_locked(&self, state: &mut State, inbox: &mut Inbox) -> bool {
        self.release(state, inbox);
        //= spec/session.md#ses-ord-005
        //# A node MUST NOT give a process anything that comes behind an exit signal which ends it.
        // A signal that ends the process precedes everything that is still in the mailbox.
        let moved = state.is_alive() && state.queue.move_to(inbox);
        if moved {
            self.gathered.store(inbox.len(), Ordering::Relaxed);
        }
        moved
    }

    /// Moves everything that has arrived into the receiver's half of the mailbox.
    pub(crate) fn gather(&self, inbox: &mut Inbox) {
        self.refill_locked(&mut self.lock(), inbox);
    }

    /// Notes that a process has received an item. `takes_a_place` is `true` if it had a place of a bounded mailbox, which is
    /// free now.
    #[inline(always)]
    pub(crate) fn has_received(&self, takes_a_place: bool, inbox: &mut Inbox) {
        if takes_a_place && let Some(room) = &self.room {
            room.add_permits(1);
        }
        if inbox.owes() {
            self.release(&mut self.lock(), inbox);
        }
        // While a long batch is received, the count is stored only now and then: senders write to memory beside it.
        let gathered = inbox.len();
        if gathered < GATHERED_SINGLY || gathered.is_multiple_of(GATHERED_SINGLY) {
            self.gathered.store(gathered, Ordering::Relaxed);
        }
    }

    /// Releases what was taken and comes from other nodes.
    #[inline]
    fn release(&self, state: &mut State, inbox: &mut Inbox) {
        if let Some(taken) = inbox.taken() {
            taken.into_iter().for_each(|taken| self.release_one(state, taken));
        }
    }

    fn release_one(&self, state: &mut State, taken: Charge) {
        if taken != Charge::NONE {
            let released = state.queue.release(taken);
            self.table.shares().release(released.share().into(), released.bytes());
        }
    }
}

/// Exit signals and the end.
impl Cell {
    /// Ends the process with this reason, even if it traps exits. If several calls do so, the first one determines
    /// the reason.
    pub(crate) fn doom(&self, reason: Reason) -> Wakes {
        self.doom_locked(&mut self.lock(), Doom::Of(reason))
    }

    fn doom_locked(&self, state: &mut State, doom: Doom) -> Wakes {
        //= spec/session.md#ses-exi-007
        //# A process MUST end with the reason of the first thing that ends it.
        if !state.is_alive() {
            return Wakes::default();
        }
        state.life = Life::Doomed;
        state.doom = Some(Box::new(doom));
        self.doomed.store(true, Ordering::Release);
        Wakes { receiver: None, task: state.task.take() }
    }

    /// Delivers an exit signal whose link is known to exist.
    pub(crate) fn exit(&self, from: Pid, reason: Reason) -> Wakes {
        self.exit_from_afar(from, reason, Charge::NONE, Room::default()).wakes
    }

    /// Delivers an exit signal from a process of another node. `room` is the room of that node.
    pub(crate) fn exit_from_afar(&self, from: Pid, reason: Reason, charge: Charge, room: Room) -> Given {
        self.exit_locked(&mut self.lock(), from, reason, charge, room)
    }

    /// Returns `true` if there is room for one more signal.
    pub(crate) fn signal_fits(&self, charge: Charge, room: Room) -> bool {
        self.lock().queue.signal_fits(charge, room)
    }

    /// Delivers an exit signal that a process of this node sends without a link.
    pub(crate) fn exit_from(&self, from: Sender<'_>, reason: Reason) -> Result<Wakes, Refused> {
        let mut state = self.lock();
        from.check()?;
        Ok(self.exit_locked(&mut state, from.pid(), reason, Charge::NONE, Room::default()).wakes)
    }

    /// Delivers an exit signal that a process of another node has sent without a link. If it does not end the
    /// process, its bytes count as those of a message, and it is dropped if there is no room.
    pub(crate) fn sent_exit(
        &self,
        from: Pid,
        reason: Reason,
        charge: Charge,
        room: Room,
    ) -> Result<Given, NotTaken> {
        let mut state = self.lock();
        if !state.is_alive() {
            return Err(NotTaken::Ended);
        }
        if !state.trap_exit && reason.kills() {
            return Ok(Given::only(self.doom_locked(&mut state, Doom::By { from, reason })));
        }
        //= spec/capabilities.md#cap-rxt-010
        //# A node MUST ignore an EXIT2 that does not end its process if a message to that process that keeps
        //# as much memory would go beyond a share.
        if !room.peer_takes(charge) {
            return Err(NotTaken::Dropped(Full::Share));
        }
        if !state.queue.takes(charge, &room) {
            return Err(NotTaken::Dropped(Full::Mailbox));
        }
        Ok(state.give(Received::Exit { from, reason }, charge, room))
    }

    /// Delivers the exit signal of a link with a process of this node, and removes the link. Does nothing if the link
    /// no longer exists.
    pub(crate) fn exit_of_link(&self, from: Pid, reason: &Reason) -> Wakes {
        let mut state = self.lock();
        match state.links.remove(from.local()) {
            Some(()) => {
                self.exit_locked(&mut state, from, reason.clone(), Charge::NONE, Room::default()).wakes
            }
            None => Wakes::default(),
        }
    }

    fn exit_locked(&self, state: &mut State, from: Pid, reason: Reason, charge: Charge, room: Room) -> Given {
        //= spec/session.md#ses-exi-002
        //# A node MUST NOT end a process that traps exits because of an exit signal from another node.
        //= spec/session.md#ses-exi-003
        //# A node MUST end a process that does not trap exits when it gets an exit signal with hops or with a
        //# root other than Normal and Shutdown.
        //= spec/session.md#ses-exi-005
        //# A node MUST give a process each exit signal that does not end it as one signal EXIT with sender
        //# and reason.
        if state.trap_exit || !reason.kills() {
            state.give(Received::Exit { from, reason }, charge, room)
        } else if state.is_alive() {
            Given::only(self.doom_locked(state, Doom::By { from, reason }))
        } else {
            Given::default()
        }
    }

    /// Sets whether exit signals become messages, and returns the previous setting.
    pub(crate) fn trap_exit(&self, trap: bool) -> bool {
        std::mem::replace(&mut self.lock().trap_exit, trap)
    }

    /// Notes the task and the function of the process, which runs for the first time.
    pub(crate) fn begin(&self, task: &Waker, function: fn() -> &'static str) {
        self.note_task(task, |state| state.function = Some(function));
    }

    /// Notes the task that is to be woken when the process is doomed.
    pub(crate) fn set_task(&self, task: &Waker) {
        self.note_task(task, |_| {});
    }

    #[inline]
    fn note_task(&self, task: &Waker, note: impl FnOnce(&mut State)) {
        let task = Some(task.clone());
        let mut state = self.lock();
        note(&mut state);
        let before = std::mem::replace(&mut state.task, task);
        drop(state);
        drop(before);
    }

    /// Marks the process dead, and returns everything that the end concerns. The reason of the end is `reason`,
    /// unless a signal has ended the process.
    pub(crate) fn die(&self, reason: Reason) -> Remains {
        let dead = State { life: Life::Dead, ..State::default() };
        let mut state = self.lock();
        let mut was = std::mem::replace(&mut *state, dead);
        self.doomed.store(true, Ordering::Release);
        self.ended.store(true, Ordering::Release);
        // After the lock is released: waiting senders are woken, and wakers and messages are dropped.
        drop(state);
        foreign::dispose(was.task);
        if let Some(room) = &self.room {
            room.close();
        }
        was.queue.release_all().for_each(|(share, bytes)| self.table.shares().release(share, bytes));
        let doom = was.doom.map_or(Doom::Of(reason), |doom| *doom);
        Remains { doom, links: was.links, session: was.session, ties: was.ties, queue: was.queue }
    }
}

impl State {
    /// Notes a session that must be told of the end. The first place is reused only while there are no others, so
    /// that no session is noted twice.
    fn attach(&mut self, session: &Weak<dyn Interested>) {
        let over = |present: &Weak<dyn Interested>| present.strong_count() == 0;
        match &mut self.session {
            Some(first) if first.ptr_eq(session) => return,
            Some(first)
                if !over(first) || self.ties.as_ref().is_some_and(|ties| !ties.attached.is_empty()) => {}
            first => {
                *first = Some(session.clone());
                return;
            }
        }
        let attached = &mut self.ties().attached;
        // Searched from the end, because the session that attached last is the most likely to attach again.
        if !attached.iter().rev().any(|present| present.ptr_eq(session)) {
            if attached.len() == attached.capacity() {
                attached.retain(|present| !over(present));
            }
            attached.push(session.clone());
        }
    }

    const fn is_alive(&self) -> bool {
        matches!(self.life, Life::Alive)
    }

    fn ties(&mut self) -> &mut Ties {
        self.ties.get_or_insert_default()
    }

    //= spec/session.md#ses-msg-008
    //# A node MUST NOT drop a signal because a mailbox is full, except by CAP-RXT-010.
    /// Puts an item into the mailbox. If the process has ended, gives the item back, to be dropped after the lock.
    #[inline(always)]
    fn push(&mut self, received: Received, charge: Charge) -> Result<Wakes, Received> {
        if !self.is_alive() {
            return Err(received);
        }
        Ok(Wakes { receiver: self.queue.push(received, charge), task: None })
    }

    /// Puts a signal into the mailbox. A signal contains no value of the program, so it may be dropped under the
    /// lock.
    fn give(&mut self, signal: Received, charge: Charge, room: Room) -> Given {
        if !self.is_alive() {
            return Given::default();
        }
        let (receiver, fits) = self.queue.push_signal(signal, charge, room);
        Given { wakes: Wakes { receiver, task: None }, held: charge.bytes(), is_over: !fits }
    }
}

/// Wakes the receiver, if it waits.
#[inline]
pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        foreign::wake(waker);
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cell")
            .field("pid", &self.pid())
            .field("doomed", &self.is_doomed())
            .finish_non_exhaustive()
    }
}

fn try_take(room: &Semaphore) -> bool {
    match room.try_acquire() {
        Ok(place) => {
            place.forget();
            true
        }
        Err(_) => false,
    }
}
