//! The questions of a process that have no answer yet: calls, and requests for the holder of a name. Each question is
//! identified by its number and has its own place for the answer. It is found without searching the mailbox, and an
//! answer that comes too late is discarded.

use std::task::{Context, Poll, Waker};

use super::{Cell, Given, State, Wakes};
use crate::core::{Caller, Pid, Reason, SpawnFailure};
use crate::process::charge::Charge;
use crate::process::{Message, Refused};
use crate::sync::Ordering;

/// The outcome of a question.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The reply to a call.
    Reply(Message),
    /// A reply to the call came, but there was no room for it.
    Lost,
    /// Nobody is left who could reply to the call, whose callee is a process of this node.
    Unanswered,
    /// The process that was asked has ended, does not exist, or will not answer.
    Ended(Reason),
    /// The process that holds the name, or that was started.
    Named(Pid),
    /// The reason why no process was started.
    NotSpawned(SpawnFailure),
}

/// A question.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The process that was asked, if it is one of this node. It then reports its own end.
    pub(crate) here: Option<u64>,
    /// `true` if the process that is found or started is then monitored.
    pub(crate) watches: bool,
    answer: Option<(Answer, Charge)>,
    waker: Option<Waker>,
}

/// The remains of a question that was given up, which have to be undone.
#[derive(Debug)]
pub(crate) enum GivenUp {
    /// There was no answer. If a process of this node was asked, it still has the question.
    Unanswered(Option<u64>),
    /// There was an answer that nobody has taken, and this process now has a monitor of that process.
    Named(Pid),
}

impl Asked {
    /// Creates a question. With `watches`, a monitor remains after the answer.
    pub(crate) fn new(watches: bool) -> Self {
        Self { watches, ..Self::default() }
    }

    /// Returns the waker of the task that waits for the answer, to be woken when no lock is held.
    pub(crate) fn into_waker(self) -> Option<Waker> {
        self.waker
    }
}

/// Questions of this process.
impl Cell {
    /// Notes a question. From now on its first answer is accepted.
    pub(crate) fn ask(&self, reference: u64, asked: Asked) -> Result<(), Refused> {
        let mut state = self.lock();
        if self.has_ended() {
            return Err(Refused::Ended);
        }
        state.ties().asked.insert(reference, asked);
        Ok(())
    }

    /// Notes that the question goes to a process of this node.
    pub(crate) fn ask_here(&self, reference: u64, of: u64) {
        let mut state = self.lock();
        if let Some(asked) = state.ties.as_mut().and_then(|ties| ties.asked.get_mut(reference)) {
            asked.here = Some(of);
        }
    }

    /// Forgets a question, so that its answer is discarded. Returns what has to be undone.
    pub(crate) fn give_up(&self, reference: u64) -> Option<GivenUp> {
        let mut state = self.lock();
        let ties = state.ties.as_mut()?;
        let asked = ties.asked.remove(reference)?;
        let given_up = match &asked.answer {
            None => Some(GivenUp::Unanswered(asked.here)),
            Some((Answer::Named(pid), _)) => {
                ties.watching.remove(reference);
                Some(GivenUp::Named(*pid))
            }
            Some((_, charge)) => {
                self.release_one(&mut state, *charge);
                None
            }
        };
        // The answer is dropped after the lock.
        drop(state);
        drop(asked);
        given_up
    }

    /// Polls for the answer, and takes it. Returns `None` if there is no question with this number, because this
    /// process has ended.
    pub(crate) fn poll_answer(&self, reference: u64, cx: &Context<'_>) -> Poll<Option<Answer>> {
        let mut waker = Some(cx.waker().clone());
        let asked = self.take_answered(reference, &mut waker);
        drop(waker);
        asked.map(|asked| Some(asked?.answer?.0))
    }

    /// Takes a question that was answered, or registers the waker. Drops neither wakers nor answers under the lock.
    fn take_answered(&self, reference: u64, waker: &mut Option<Waker>) -> Poll<Option<Asked>> {
        let mut state = self.lock();
        let Some(ties) = state.ties.as_mut() else { return Poll::Ready(None) };
        match ties.asked.get_mut(reference) {
            None => return Poll::Ready(None),
            Some(asked) if asked.answer.is_none() => {
                std::mem::swap(&mut asked.waker, waker);
                return Poll::Pending;
            }
            Some(_) => {}
        }
        let asked = ties.asked.remove(reference);
        if let Some((_, charge)) = asked.as_ref().and_then(|asked| asked.answer.as_ref()) {
            self.release_one(&mut state, *charge);
        }
        Poll::Ready(asked)
    }

    /// Notes an answer that keeps this much memory. Returns `None` if there is no question with this number, or if it
    /// was answered before.
    pub(crate) fn answer(&self, reference: u64, answer: Answer, charge: Charge) -> Option<Wakes> {
        let mut state = self.lock();
        let wakes = state.answer(reference, (answer, charge));
        // An answer for which nobody waits is dropped after the lock.
        drop(state);
        wakes.ok()
    }

    /// Notes an answer from another node, as [`Cell::answer`] does.
    pub(crate) fn answer_from_afar(&self, reference: u64, answer: Answer, charge: Charge) -> Given {
        let wakes = self.answer(reference, answer, charge);
        wakes.map_or_else(Given::default, |wakes| Given { held: charge.bytes(), ..Given::only(wakes) })
    }

    /// Notes the answer that this process holds the name, or was started.
    pub(crate) fn named(&self, reference: u64, pid: Pid) -> Wakes {
        let mut state = self.lock();
        let Some(ties) = state.ties.as_mut() else { return Wakes::default() };
        let watches = ties.asked.get(reference).is_some_and(|asked| asked.watches && asked.answer.is_none());
        if watches {
            ties.watching.insert(reference, pid);
        }
        state.answer(reference, (Answer::Named(pid), Charge::NONE)).unwrap_or_default()
    }
}

impl State {
    /// Notes an answer. Gives it back if nobody waits for it.
    pub(super) fn answer(
        &mut self,
        reference: u64,
        (answer, charge): (Answer, Charge),
    ) -> Result<Wakes, Answer> {
        let asked = self.ties.as_mut().and_then(|ties| ties.asked.get_mut(reference));
        let Some(asked) = asked.filter(|asked| asked.answer.is_none()) else { return Err(answer) };
        asked.answer = Some((answer, charge));
        let wakes = Wakes { receiver: asked.waker.take(), task: None };
        self.queue.hold(charge);
        Ok(wakes)
    }

    /// Answers a question, if it is still open, with the end of the process that was asked.
    pub(super) fn end_of_asked(&mut self, reference: u64, reason: Reason, charge: Charge) -> Given {
        let wakes = self.answer(reference, (Answer::Ended(reason), charge));
        wakes.map_or_else(|_| Given::default(), |wakes| Given { held: charge.bytes(), ..Given::only(wakes) })
    }

    /// Returns `true` if a question with this number is pending.
    pub(super) fn asks(&self, reference: u64) -> bool {
        let asked = self.ties.as_ref().and_then(|ties| ties.asked.get(reference));
        asked.is_some_and(|asked| asked.answer.is_none())
    }
}

/// Calls to this process that will never get a reply.
impl Cell {
    /// Notes that nobody is left who could reply to a call. This process's task tells the caller when it next waits.
    /// If the process ends before that, the caller is told of the end instead.
    pub(crate) fn let_go(&self, caller: Caller) {
        let mut state = self.lock();
        if !state.is_alive() {
            return;
        }
        state.ties().let_go.push(caller);
        self.has_let_go.store(true, Ordering::Release);
        let task = state.task.take();
        drop(state);
        Wakes { receiver: None, task }.wake();
    }

    /// Tells the callers of dropped calls that there is no reply. Called when this process waits. If there were
    /// such callers, `task` is woken for the next one.
    pub(crate) fn tell_let_go(&self, task: &Waker) {
        // Not a swap, which costs more, and a process that waits hardly ever has any. Only the process's own task lowers
        // the flag. A caller that is noted just before it is lowered is not lost: the list is taken below, under the lock
        // under which the caller was noted.
        if !self.has_let_go.load(Ordering::Acquire) {
            return;
        }
        self.has_let_go.store(false, Ordering::Release);
        self.set_task(task);
        // A process that is ending answers by its end. This is checked after `set_task`, so that whoever dooms the
        // process from now on wakes the task.
        if self.is_doomed() {
            return;
        }
        let let_go = self.lock().ties.as_mut().map(|ties| std::mem::take(&mut ties.let_go));
        for caller in let_go.into_iter().flatten() {
            self.table.leave_unanswered(self, &caller);
        }
    }
}
