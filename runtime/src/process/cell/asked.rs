//! What a process has asked and not been answered: calls, and who has a name. Each has a place of its own for what comes of it,
//! so that it is found by its number, whatever lies in the mailbox, and an answer that comes too late goes nowhere.

use std::task::{Context, Poll, Waker};

use super::{Cell, Given, State, Wakes};
use crate::core::{Caller, Pid, Reason, SpawnFailure};
use crate::process::charge::Charge;
use crate::process::{Message, Refused};
use crate::sync::Ordering;

/// What comes of what was asked.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The reply to a call.
    Reply(Message),
    /// There was a reply to a call, and no room for it.
    Lost,
    /// Nobody is left who could reply to a call of a process of this node.
    Unanswered,
    /// The one that was asked has ended, is not there, or will not answer.
    Ended(Reason),
    /// Who has the name, or was started.
    Named(Pid),
    /// Why nobody was started.
    NotSpawned(SpawnFailure),
}

/// Something that was asked.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The process of this node that was asked, and tells of its end.
    pub(crate) here: Option<u64>,
    /// A monitor is left of it when it is known who has the name, or was started.
    pub(crate) watches: bool,
    answer: Option<(Answer, Charge)>,
    waker: Option<Waker>,
}

/// What is left of something that was given up.
#[derive(Debug)]
pub(crate) enum GivenUp {
    /// It was not answered. The process of this node that was asked still knows of it.
    Unanswered(Option<u64>),
    /// The answer, which nobody has taken: a monitor of this process is there.
    Named(Pid),
}

impl Asked {
    /// Something that is about to be asked, and whether a monitor is to be left of it.
    pub(crate) fn new(watches: bool) -> Self {
        Self { watches, ..Self::default() }
    }

    /// Who waits for the answer, to be woken when no lock is held.
    pub(crate) fn into_waker(self) -> Option<Waker> {
        self.waker
    }
}

/// What it asks itself.
impl Cell {
    /// Notes that something is asked. From now on its answer counts, once.
    pub(crate) fn ask(&self, reference: u64, asked: Asked) -> Result<(), Refused> {
        let mut state = self.lock();
        if self.has_ended() {
            return Err(Refused::Ended);
        }
        state.ties().asked.insert(reference, asked);
        Ok(())
    }

    /// What is asked is asked of a process of this node.
    pub(crate) fn ask_here(&self, reference: u64, of: u64) {
        let mut state = self.lock();
        if let Some(asked) = state.ties.as_mut().and_then(|ties| ties.asked.get_mut(reference)) {
            asked.here = Some(of);
        }
    }

    /// Forgets what was asked: the answer goes nowhere. Gives what is left of it to undo.
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
        // What it keeps is dropped after the lock.
        drop(state);
        drop(asked);
        given_up
    }

    /// Waits for the answer, and takes it. `None` if nothing of this number is asked any more: this process has ended.
    pub(crate) fn poll_answer(&self, reference: u64, cx: &Context<'_>) -> Poll<Option<Answer>> {
        let mut waker = Some(cx.waker().clone());
        let asked = self.take_answered(reference, &mut waker);
        drop(waker);
        asked.map(|asked| Some(asked?.answer?.0))
    }

    /// Neither a waker nor what was asked is dropped under the lock.
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

    /// An answer has come, which keeps so much. `None` if nothing of this number is asked, or it was answered before.
    pub(crate) fn answer(&self, reference: u64, answer: Answer, charge: Charge) -> Option<Wakes> {
        let mut state = self.lock();
        let wakes = state.answer(reference, (answer, charge));
        // What nobody waits for is dropped after the lock.
        drop(state);
        wakes.ok()
    }

    /// An answer of another node has come, which keeps so much; as [`Cell::answer`].
    pub(crate) fn answer_from_afar(&self, reference: u64, answer: Answer, charge: Charge) -> Given {
        let wakes = self.answer(reference, answer, charge);
        wakes.map_or_else(Given::default, |wakes| Given { held: charge.bytes(), ..Given::only(wakes) })
    }

    /// Who has the name that was asked for, or was started.
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
    /// The answer is given back if nobody waits for it.
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

    /// Whoever was asked has ended: the answer, if something of this number is asked and not answered.
    pub(super) fn end_of_asked(&mut self, reference: u64, reason: Reason, charge: Charge) -> Given {
        let wakes = self.answer(reference, (Answer::Ended(reason), charge));
        wakes.map_or_else(|_| Given::default(), |wakes| Given { held: charge.bytes(), ..Given::only(wakes) })
    }

    /// Whether something of this number is asked and not answered.
    pub(super) fn asks(&self, reference: u64) -> bool {
        let asked = self.ties.as_ref().and_then(|ties| ties.asked.get(reference));
        asked.is_some_and(|asked| asked.answer.is_none())
    }
}

/// Calls of this process that nobody will reply to any more.
impl Cell {
    /// Nobody is left who could reply. The caller is told by this process's task when it next waits: if the process ends
    /// instead, that is what the caller is told.
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

    /// This process waits: the callers of the calls that were let go are told. `task` wakes it from now on.
    pub(crate) fn tell_let_go(&self, task: &Waker) {
        if !self.has_let_go.swap(false, Ordering::AcqRel) {
            return;
        }
        self.set_task(task);
        // Its end answers. Looked for now that whoever dooms it wakes it.
        if self.is_doomed() {
            return;
        }
        let let_go = self.lock().ties.as_mut().map(|ties| std::mem::take(&mut ties.let_go));
        for caller in let_go.into_iter().flatten() {
            self.table.leave_unanswered(self, &caller);
        }
    }
}
