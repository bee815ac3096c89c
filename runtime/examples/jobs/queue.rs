//! The queue: gives each job to one worker at a time, and again if that one fails.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use snow_dist_runtime::server::{Address, Reply, Server, Unread, serve};
use snow_dist_runtime::supervisor::Started;
use snow_dist_runtime::{CallError, Context, Node, Pid, Reason, Received, RegisterError};
use tokio::time::sleep;

use crate::worker::Work;

/// The name under which the queue is registered on its node.
pub(crate) const QUEUE: &str = "queue";
const TRIES_MAX: u32 = 3;
const RETRY_PAUSE: Duration = Duration::from_secs(1);

struct Job {
    text: String,
    tries: u32,
    reply: Reply<Outcome>,
}

/// A job's result, or why there is none.
pub(crate) type Outcome<T = String> = Result<T, String>;

#[derive(Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Do a job: the reply comes when it is done, or has failed too often.
    Submit(String, Reply<Outcome>),
    /// A worker has nothing to do.
    Ready(Address<Work>),
    /// A worker has done its job.
    Done(Address<Work>, Outcome),
    /// The pause of the job that has failed first is over.
    Again,
    Count(Reply<Counts>),
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
    /// All that have failed and are to be tried again, after the same pause.
    failed: VecDeque<Job>,
    counts: Counts,
}

/// Runs a queue, which is found by its name as soon as it is started.
pub(crate) async fn run(mut ctx: Context, started: Started) -> Result<Reason, RegisterError> {
    ctx.register(QUEUE)?;
    started.tell();
    Ok(serve(&mut ctx, &mut Queue::default()).await)
}

/// Asks the queue of a node, and again if it has ended: its supervisor starts it again.
pub(crate) async fn ask<T: DeserializeOwned>(node: &Node, ask: impl Fn(Reply<T>) -> Ask) -> Outcome<T> {
    loop {
        if let Some(queue) = node.whereis(QUEUE) {
            // A job may have to wait for workers, however long.
            match Address::of(queue).call(node, &ask, Duration::MAX).await {
                Err(CallError::Ended(_) | CallError::Unanswered) => {}
                answered => return answered.map_err(|error| error.to_string()),
            }
        }
        sleep(RETRY_PAUSE).await;
    }
}

impl Server for Queue {
    type Message = Ask;

    async fn handle(&mut self, ctx: &mut Context, ask: Ask) -> ControlFlow<Reason> {
        match ask {
            Ask::Submit(text, reply) => {
                self.counts.submitted += 1;
                self.waiting.push_back(Job { text, tries: 0, reply });
            }
            Ask::Ready(worker) => match self.workers.insert(worker.pid(), None) {
                // It has lost this queue, and found it again before that was known here.
                Some(job) => self.fail(ctx, job, "its result was lost".into()).await,
                None if ctx.monitor(worker.pid()).await.is_ok() => {}
                None => drop(self.workers.remove(&worker.pid())),
            },
            Ask::Done(worker, outcome) => {
                if let Some(job) = self.workers.get_mut(&worker.pid()).and_then(Option::take) {
                    self.finish(job, outcome).await;
                }
            }
            Ask::Again => self.waiting.extend(self.failed.pop_front()),
            // Whoever asked may be gone.
            Ask::Count(reply) => drop(reply.send(&self.counts).await),
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
    /// Gives jobs to whoever has none.
    async fn go_on(&mut self, ctx: &Context) {
        self.counts.workers = self.workers.len();
        while let Some((worker, job)) = self.workers.iter_mut().find(|(_, job)| job.is_none())
            && let Some(next) = self.waiting.pop_front()
        {
            // If it is lost on its way, the monitor tells.
            let _ = Address::of(*worker).send(ctx, &Work::Do(next.text.clone())).await;
            *job = Some(next);
        }
    }

    async fn fail(&mut self, ctx: &Context, job: Option<Job>, why: String) {
        let Some(job) = job.map(|job| Job { tries: job.tries + 1, ..job }) else { return };
        if job.tries == TRIES_MAX {
            return self.finish(job, Err(why)).await;
        }
        self.counts.tried_again += 1;
        self.failed.push_back(job);
        // That fails only if this process has ended.
        let _ = ctx.send_term_after(RETRY_PAUSE, ctx.pid(), &Ask::Again);
    }

    async fn finish(&mut self, job: Job, outcome: Outcome) {
        *(if outcome.is_ok() { &mut self.counts.done } else { &mut self.counts.failed }) += 1;
        // Whoever asked may be gone.
        let _ = job.reply.send(&outcome).await;
    }
}
