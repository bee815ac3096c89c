//! A process, as everybody else sees it: whether it lives, its mailbox, and what its end will be told to.
//!
//! One lock guards all of it. Whoever holds one cell's lock takes no other lock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use super::mailbox::{Mailbox, MailboxBound, MailboxPolicy, NoRoom};
use super::{Message, MonitorRef, Received};
use crate::core::{Pid, Reason};
use crate::sync::{Mutex, lock};

/// Somebody who must be told when a process ends, beside local processes.
pub(crate) trait Interested: Send + Sync {
    /// The process has ended.
    fn process_ended(&self, local: u64, reason: &Reason);
    /// Whether this is over, and need not be told any more.
    fn is_over(&self) -> bool;
}

pub(crate) struct Cell {
    pub(crate) local: u64,
    /// Set once an exit has doomed the process: its task looks here before it does anything.
    doomed: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    life: Life,
    traps: bool,
    mailbox: Mailbox,
    /// The task, to be woken when the process is doomed.
    task: Option<Waker>,
    /// Whoever awaits the mailbox.
    receiver: Option<Waker>,
    /// Made when first needed: most processes of a large system are tied to little.
    ties: Option<Box<Ties>>,
}

#[derive(Default)]
enum Life {
    #[default]
    Alive,
    /// It ends with this as soon as its task runs.
    Doomed(Reason),
    Dead,
}

/// What a process is tied to. All processes here are local.
#[derive(Default)]
pub(super) struct Ties {
    pub(super) links: BTreeSet<u64>,
    /// By the monitor's number: whom this process watches.
    pub(super) watching: BTreeMap<u64, u64>,
    /// By the monitor's number: who watches this process.
    pub(super) watched: BTreeMap<u64, u64>,
    pub(super) interested: Vec<Arc<dyn Interested>>,
    pub(super) names: Vec<Arc<str>>,
}

/// What became of a message.
pub(super) enum Pushed {
    Taken,
    /// The process has ended: nobody will miss it.
    Dead,
    Full(Message, NoRoom),
}

impl Cell {
    pub(super) fn new(local: u64, bound: Option<MailboxBound>) -> Self {
        let state = State { mailbox: Mailbox::new(bound), ..State::default() };
        Self { local, doomed: AtomicBool::new(false), state: Mutex::new(state) }
    }

    // What others do to it.

    /// Adds a message.
    pub(super) fn push_message(&self, message: Message) -> Pushed {
        let mut state = lock(&self.state);
        if !state.is_alive() {
            return Pushed::Dead;
        }
        match state.mailbox.push_message(Received::Message(message)) {
            Ok(()) => {
                state.wake_receiver();
                Pushed::Taken
            }
            Err((Received::Message(message), no_room)) => Pushed::Full(message, no_room),
            Err(_) => Pushed::Dead,
        }
    }

    /// A message from another node has no room. True if the process must end for it.
    pub(super) fn overflow(&self, policy: Option<MailboxPolicy>) -> bool {
        let policy = policy.unwrap_or_else(|| lock(&self.state).mailbox.policy());
        let ends = policy == MailboxPolicy::EndProcess;
        if ends {
            self.doom(Reason::error("mailbox full"));
        }
        ends
    }

    /// Adds a signal that is a message to the process, whatever it is.
    pub(super) fn push_signal(&self, signal: Received) {
        let mut state = lock(&self.state);
        if state.is_alive() {
            state.mailbox.push_signal(signal);
            state.wake_receiver();
        }
    }

    /// Exit signals of links that have ended elsewhere. The process wakes when all are there.
    pub(super) fn exits(&self, from: impl IntoIterator<Item = Pid>, reason: &Reason) {
        let mut state = lock(&self.state);
        for from in from {
            self.exit_in(&mut state, from, reason);
        }
        state.wake_receiver();
    }

    /// An exit signal of a local process, if there is still a link with it.
    pub(super) fn exit_of_link(&self, from: Pid, reason: &Reason) {
        let mut state = lock(&self.state);
        if state.ties().links.remove(&from.local()) {
            self.exit_in(&mut state, from, reason);
            state.wake_receiver();
        }
    }

    /// The end of a local process, if it is still watched.
    pub(super) fn down_of_monitor(&self, monitor: MonitorRef, reason: &Reason) {
        let mut state = lock(&self.state);
        if state.ties().watching.remove(&monitor.reference).is_some() && state.is_alive() {
            state.mailbox.push_signal(Received::Down { monitor, reason: reason.clone() });
            state.wake_receiver();
        }
    }

    /// Ends the process with this reason, whether it traps exits or not.
    pub(crate) fn doom(&self, reason: Reason) {
        self.doom_in(&mut lock(&self.state), reason);
    }

    fn exit_in(&self, state: &mut State, from: Pid, reason: &Reason) {
        if !state.is_alive() {
            return;
        }
        if state.traps || !reason.kills() {
            state.mailbox.push_signal(Received::Exit { from, reason: reason.clone() });
        } else {
            self.doom_in(state, Reason::linked(from, reason));
        }
    }

    fn doom_in(&self, state: &mut State, reason: Reason) {
        if state.is_alive() {
            state.life = Life::Doomed(reason);
            self.doomed.store(true, Ordering::Release);
            if let Some(task) = state.task.take() {
                task.wake();
            }
        }
    }

    // What it is tied to. All of these are refused by a process that has ended.

    /// Changes what the process is tied to; `None` if it has ended.
    pub(super) fn tie<T>(&self, change: impl FnOnce(&mut Ties) -> T) -> Option<T> {
        let mut state = lock(&self.state);
        if matches!(state.life, Life::Dead) {
            return None;
        }
        Some(change(state.ties()))
    }

    /// Has somebody told of the process's end. False if it has ended.
    pub(crate) fn attach(&self, interested: &Arc<dyn Interested>) -> bool {
        self.tie(|ties| {
            if ties.interested.iter().any(|known| Arc::ptr_eq(known, interested)) {
                return;
            }
            ties.interested.retain(|known| !known.is_over());
            ties.interested.reserve_exact(1);
            ties.interested.push(interested.clone());
        })
        .is_some()
    }

    // What its own task does.

    pub(super) fn set_task(&self, task: Waker) {
        lock(&self.state).task = Some(task);
    }

    pub(super) fn set_traps(&self, traps: bool) {
        lock(&self.state).traps = traps;
    }

    /// Why the process must end now, if it must.
    pub(super) fn doom_reason(&self) -> Option<Reason> {
        if !self.doomed.load(Ordering::Acquire) {
            return None;
        }
        match &lock(&self.state).life {
            Life::Doomed(reason) => Some(reason.clone()),
            Life::Alive | Life::Dead => None,
        }
    }

    /// Takes all that is in the mailbox, or remembers whom to wake. Says whether the mailbox is bounded.
    pub(super) fn take_mail(&self, taken: &mut VecDeque<Received>, receiver: &Waker) -> bool {
        let mut state = lock(&self.state);
        let before = taken.len();
        state.mailbox.take_all(taken);
        if taken.len() == before {
            match &mut state.receiver {
                Some(known) => known.clone_from(receiver),
                none => *none = Some(receiver.clone()),
            }
        }
        state.mailbox.is_bounded()
    }

    /// The process has received a message of its bounded mailbox.
    pub(super) fn received(&self) {
        lock(&self.state).mailbox.received();
    }

    /// Takes the DOWN of a monitor out of the mailbox.
    pub(super) fn flush(&self, monitor: MonitorRef) {
        lock(&self.state).mailbox.take_where(|received| is_down_of(received, monitor));
    }

    /// The process has ended. Gives what its end must be told to, and what nobody will receive; once.
    pub(super) fn end(&self) -> Option<(Ties, VecDeque<Received>)> {
        let mut state = lock(&self.state);
        if matches!(state.life, Life::Dead) {
            return None;
        }
        state.life = Life::Dead;
        (state.task, state.receiver) = (None, None);
        let left = state.mailbox.close();
        Some((state.ties.take().map(|ties| *ties).unwrap_or_default(), left))
    }
}

pub(super) fn is_down_of(received: &Received, monitor: MonitorRef) -> bool {
    matches!(received, Received::Down { monitor: found, .. } if *found == monitor)
}

impl State {
    const fn is_alive(&self) -> bool {
        matches!(self.life, Life::Alive)
    }

    fn ties(&mut self) -> &mut Ties {
        self.ties.get_or_insert_default()
    }

    fn wake_receiver(&mut self) {
        if let Some(receiver) = self.receiver.take() {
            receiver.wake();
        }
    }
}

impl std::fmt::Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cell").field("local", &self.local).finish_non_exhaustive()
    }
}
