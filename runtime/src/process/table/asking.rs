//! Calls, and requests for the holder of a name: how they are made and answered.

use std::future::poll_fn;
use std::sync::Arc;

use tokio::task::coop;

use super::ProcessTable;
use super::sending::term_here;
use crate::core::{Caller, Pid, Reason, Term};
use crate::process::cell::{Answer, Asked, Cell, GivenUp};
use crate::process::charge::Charge;
use crate::process::remote::{Sender, Sent, Towards};
use crate::process::{
    Call, CallError, Message, MonitorNamedError, MonitorRef, Received, Refused, ReplyError,
};

/// A question of a process, from before it is sent until it is answered. If it is dropped before, it is given up.
pub(super) struct Asking<'a> {
    table: &'a ProcessTable,
    own: &'a Cell,
    pub(super) reference: u64,
    whom: Whom<'a>,
}

/// The process that receives the question.
#[derive(Clone, Copy)]
pub(super) enum Whom<'a> {
    Process(Pid),
    /// The holder of a name on a node, or a process that is to be started there.
    On(&'a str),
}

impl<'a> Asking<'a> {
    pub(super) fn begin(
        table: &'a ProcessTable,
        own: &'a Cell,
        whom: Whom<'a>,
        watches: bool,
    ) -> Result<Self, Refused> {
        let reference = table.new_reference().number();
        own.ask(reference, Asked::new(watches))?;
        Ok(Self { table, own, reference, whom })
    }

    pub(super) async fn answer(self) -> Result<Answer, Refused> {
        let answer = poll_fn(|cx| self.own.poll_answer(self.reference, cx)).await;
        answer.ok_or(Refused::Ended)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        // Once the answer is taken, neither side has anything left of the question.
        let Some(given_up) = self.own.give_up(self.reference) else { return };
        let (table, own, reference) = (self.table, self.own.pid(), self.reference);
        let remote = || table.remote().into_iter();
        match (given_up, self.whom) {
            (GivenUp::Unanswered(Some(here)), _) => {
                table.get(here).iter().for_each(|callee| callee.remove_watcher(reference));
            }
            (GivenUp::Named(pid), _) | (GivenUp::Unanswered(None), Whom::Process(pid)) => {
                remote().for_each(|remote| remote.demonitor(own, pid, reference));
            }
            (GivenUp::Unanswered(None), Whom::On(node)) => {
                remote().for_each(|remote| remote.demonitor_named(node, reference));
            }
        }
    }
}

/// Calls.
impl ProcessTable {
    pub(crate) async fn call(&self, own: &Cell, to: Pid, mut term: Term) -> Result<Message, CallError> {
        let asking = Asking::begin(self, own, Whom::Process(to), false)?;
        if to.is_here() {
            self.call_here(&asking, self.get_pid(to), term).await?;
        } else {
            let call = || self.remote()?.call(own.pid(), to, asking.reference, &mut term);
            go_on(self.taken(Sender::process(own), Towards::Process(to), call).await?).await?;
        }
        reply_of(asking.answer().await?)
    }

    pub(crate) async fn call_named(
        &self,
        own: &Cell,
        name: &str,
        node: &str,
        mut term: Term,
    ) -> Result<Message, CallError> {
        let node = &*self.completed(node)?;
        let asking = Asking::begin(self, own, Whom::On(node), false)?;
        if node == self.node() {
            self.call_here(&asking, self.whereis_cell(name), term).await?;
        } else {
            let call = || self.remote()?.call_named(own.pid(), node, name, asking.reference, &mut term);
            go_on(self.taken(Sender::process(own), Towards::Node(node), call).await?).await?;
        }
        reply_of(asking.answer().await?)
    }

    async fn call_here(
        &self,
        asking: &Asking<'_>,
        callee: Option<Arc<Cell>>,
        term: Term,
    ) -> Result<(), CallError> {
        let (own, reference) = (asking.own, asking.reference);
        let sender = Sender::process(own);
        let callee = callee.inspect(|callee| own.ask_here(reference, callee.local()));
        let Some(callee) = callee.filter(|callee| callee.add_watcher(reference, own.local())) else {
            return Err(CallError::Ended(Reason::noproc()));
        };
        // The caller may have ended between the two steps, when there was nothing to remove yet.
        sender.check().inspect_err(|_| callee.remove_watcher(reference))?;
        let caller = Caller { pid: own.pid(), reference, session: 0 };
        let call = Call::new(Arc::clone(&callee), caller, term_here(term));
        coop::consume_budget().await;
        Ok(callee.put(sender, Received::Call(call)).await?)
    }

    /// Replies to a call of a process on any node, as its callee.
    pub(crate) async fn reply(
        &self,
        callee: &Cell,
        caller: &Caller,
        mut term: Term,
    ) -> Result<(), ReplyError> {
        if !caller.pid.is_here() {
            return match self
                .taken(Sender::process(callee), Towards::Nobody, || self.remote()?.reply(caller, &mut term))
                .await?
            {
                None => Err(ReplyError::Over),
                Some(sent) => {
                    make_way(sent).await;
                    Ok(())
                }
            };
        }
        let reply = || Answer::Reply(term_here(term));
        if self.answer_here(callee, caller, reply) { Ok(()) } else { Err(ReplyError::Over) }
    }

    /// Tells a caller that nobody is left who could reply. The callee is a process of this node.
    pub(crate) fn leave_unanswered(&self, callee: &Cell, caller: &Caller) {
        if caller.pid.is_here() {
            self.answer_here(callee, caller, || Answer::Unanswered);
        } else if let Ok(remote) = self.remote() {
            remote.leave_unanswered(caller);
        }
    }

    /// Delivers an answer to a caller of this node. Returns `false` if it no longer waits.
    fn answer_here(&self, callee: &Cell, caller: &Caller, answer: impl FnOnce() -> Answer) -> bool {
        let Some(waiting) = self.get_pid(caller.pid) else { return false };
        let Some(wakes) = waiting.answer(caller.reference, answer(), Charge::NONE) else { return false };
        callee.remove_watcher(caller.reference);
        wakes.wake();
        true
    }

    /// Hands a call to another process of this node, if there is one. Waits if the mailbox is full.
    pub(crate) async fn delegate(&self, call: Call, to: Pid) {
        if let Some(cell) = self.get_pid(to) {
            coop::consume_budget().await;
            // The program is never refused.
            let _ = cell.put(Sender::program(self.pid(0)), Received::Call(call)).await;
        }
    }
}

/// Names on other nodes.
impl ProcessTable {
    pub(crate) async fn monitor_named(
        &self,
        own: &Cell,
        name: &str,
        node: &str,
    ) -> Result<(MonitorRef, Pid), MonitorNamedError> {
        let node = &*self.completed(node)?;
        if node == self.node() {
            let pid = self.whereis(name).ok_or(MonitorNamedError::Nobody)?;
            return Ok((Self::monitor(own, pid).await?, pid));
        }
        let (reference, pid) = self.ask_name(own, name, node, true).await?;
        Ok((MonitorRef::new(reference), pid))
    }

    pub(crate) async fn whereis_on(
        &self,
        own: &Cell,
        name: &str,
        node: &str,
    ) -> Result<Option<Pid>, MonitorNamedError> {
        let node = &*self.completed(node)?;
        if node == self.node() {
            return Ok(self.whereis(name));
        }
        match self.ask_name(own, name, node, false).await {
            Ok((reference, pid)) => {
                self.remote().into_iter().for_each(|remote| remote.demonitor(own.pid(), pid, reference));
                Ok(Some(pid))
            }
            Err(MonitorNamedError::Nobody) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Monitors the holder of a name. With `watches`, this process keeps the monitor once the holder is known.
    async fn ask_name(
        &self,
        own: &Cell,
        name: &str,
        node: &str,
        watches: bool,
    ) -> Result<(u64, Pid), MonitorNamedError> {
        let asking = Asking::begin(self, own, Whom::On(node), watches)?;
        let reference = asking.reference;
        let monitor = || self.remote()?.monitor_named(own.pid(), node, name, reference);
        let asked = self.taken(Sender::process(own), Towards::Node(node), monitor).await?;
        if asked.is_none() {
            return Err(MonitorNamedError::NotConnected);
        }
        match asking.answer().await? {
            Answer::Named(pid) => Ok((reference, pid)),
            Answer::Ended(reason) if reason == Reason::noproc() => Err(MonitorNamedError::Nobody),
            Answer::Ended(Reason::Noconnection) => Err(MonitorNamedError::NotConnected),
            Answer::Ended(reason) => Err(MonitorNamedError::NotMonitored(reason)),
            // No call was asked.
            Answer::Reply(_) | Answer::Lost | Answer::Unanswered | Answer::NotSpawned(_) => {
                Err(MonitorNamedError::Nobody)
            }
        }
    }
}

/// After a call was taken, or not.
async fn go_on(sent: Option<Sent>) -> Result<(), CallError> {
    match sent {
        None => Err(CallError::NotConnected),
        Some(sent) => {
            make_way(sent).await;
            Ok(())
        }
    }
}

pub(super) async fn make_way(sent: Sent) {
    if sent == Sent::MakeWay {
        tokio::task::yield_now().await;
    }
}

/// The outcome of a call.
fn reply_of(answer: Answer) -> Result<Message, CallError> {
    match answer {
        Answer::Reply(message) => Ok(message),
        Answer::Lost => Err(CallError::ReplyLost),
        Answer::Unanswered => Err(CallError::Unanswered),
        Answer::Ended(Reason::Noconnection) => Err(CallError::NotConnected),
        Answer::Ended(reason) if reason == Reason::error(UNANSWERED) => Err(CallError::Unanswered),
        Answer::Ended(reason) if [FULL, LIMIT].map(Reason::error).contains(&reason) => Err(CallError::NoRoom),
        Answer::Ended(reason) => Err(CallError::Ended(reason)),
        // No name was asked for, and no process.
        Answer::Named(_) | Answer::NotSpawned(_) => Err(CallError::Unanswered),
    }
}

/// The words of `capabilities.md`, "Calls".
const UNANSWERED: &str = "unanswered";
const FULL: &str = "full";
const LIMIT: &str = "limit";
