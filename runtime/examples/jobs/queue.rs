//! The queue: gives each job to one worker at a time, and again if that one fails.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use snow_dist_runtime::server::{Address, Reply, Server, Unread};
use snow_dist_runtime::{Context, Pid, Reason, Received};

use crate::worker::Work;

/// The name under which the queue is registered on its node.
pub(crate) const QUEUE: &str = "queue";
const TRIES_MAX: u32 = 3;
const RETRY_PAUSE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    number: u64,
    pub(crate) text: String,
    tries: u32,
}

/// A job's result, or why there is none.
pub(crate) type Outcome = Result<String, String>;

#[derive(Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Do a job: the reply comes when it is done, or has failed too often.
    Submit(String, Reply<Outcome>),
    /// A worker has nothing to do.
    Ready(Address<Work>),
    /// A worker has done its job.
    Done(Address<Work>, Outcome),
    /// The pause of a job that has failed is over.
    Again(Job),
    Count(Reply<Counts>),
    /// Take no job any more: the reply comes when none is left.
    Drain(Reply<Counts>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) submitted: u64,
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) tried_again: u64,
    pub(crate) workers: usize,
}

#[derive(Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Job>,
    /// All that are monitored, and what each does.
    workers: HashMap<Pid, Option<Job>>,
    replies: HashMap<u64, Reply<Outcome>>,
    drains: Vec<Reply<Counts>>,
    counts: Counts,
}

impl Server for Queue {
    type Message = Ask;

    async fn handle(&mut self, ctx: &mut Context, ask: Ask) -> ControlFlow<Reason> {
        match ask {
            // Whoever asked may be gone, here and below.
            Ask::Submit(_, reply) if !self.drains.is_empty() => {
                drop(reply.send(&Err("closing".into())).await)
            }
            Ask::Submit(text, reply) => {
                self.counts.submitted += 1;
                self.replies.insert(self.counts.submitted, reply);
                self.waiting.push_back(Job { number: self.counts.submitted, text, tries: 0 });
            }
            Ask::Ready(worker) => match self.workers.insert(worker.pid(), None) {
                // It has lost this queue, and found it again before that was known here.
                Some(job) => self.fail(ctx, job, "its result was lost".into()).await,
                None if ctx.monitor(worker.pid()).await.is_ok() => {}
                None => drop(self.workers.remove(&worker.pid())),
            },
            Ask::Done(worker, outcome) => {
                if let Some(job) = self.workers.get_mut(&worker.pid()).and_then(Option::take) {
                    self.finish(&job, outcome).await;
                }
            }
            Ask::Again(job) => self.waiting.push_back(job),
            Ask::Count(reply) => drop(reply.send(&self.counts()).await),
            Ask::Drain(reply) => self.drains.push(reply),
        }
        self.go_on(ctx).await;
        ControlFlow::Continue(())
    }

    async fn other(&mut self, ctx: &mut Context, unread: Unread) -> ControlFlow<Reason> {
        let Unread::Signal(Received::Down { from, reason, .. }) = unread else {
            return unread.by_default(ctx);
        };
        let job = self.workers.remove(&from).flatten();
        self.fail(ctx, job, reason.to_string()).await;
        self.go_on(ctx).await;
        ControlFlow::Continue(())
    }
}

impl Queue {
    /// Gives jobs to whoever has none, and says when none are left.
    async fn go_on(&mut self, ctx: &Context) {
        while let Some((worker, job)) = self.workers.iter_mut().find(|(_, job)| job.is_none())
            && let Some(next) = self.waiting.pop_front()
        {
            // If it is lost on its way, the monitor tells.
            let _ = Address::of(*worker).send(ctx, &Work::Do(next.clone())).await;
            *job = Some(next);
        }
        if self.replies.is_empty() {
            for reply in std::mem::take(&mut self.drains) {
                let _ = reply.send(&self.counts()).await;
            }
        }
    }

    async fn fail(&mut self, ctx: &Context, job: Option<Job>, why: String) {
        let Some(job) = job.map(|job| Job { tries: job.tries + 1, ..job }) else { return };
        if job.tries == TRIES_MAX {
            return self.finish(&job, Err(why)).await;
        }
        self.counts.tried_again += 1;
        // That fails only if this process has ended.
        let _ = ctx.send_term_after(RETRY_PAUSE, ctx.pid(), &Ask::Again(job));
    }

    async fn finish(&mut self, job: &Job, outcome: Outcome) {
        *(if outcome.is_ok() { &mut self.counts.done } else { &mut self.counts.failed }) += 1;
        if let Some(reply) = self.replies.remove(&job.number) {
            let _ = reply.send(&outcome).await;
        }
    }

    fn counts(&self) -> Counts {
        Counts { workers: self.workers.len(), ..self.counts }
    }
}
