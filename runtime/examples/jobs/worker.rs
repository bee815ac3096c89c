//! A worker: finds the queue, does one job after the other, and finds the queue again when it was lost.

use std::future::pending;
use std::ops::ControlFlow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use snow_dist_runtime::server::{Address, Server, Unread, serve};
use snow_dist_runtime::{Context, Reason, Received};
use tokio::time::{sleep, timeout};

use crate::queue::{Ask, Outcome, QUEUE};

/// The longest time that a job may take.
pub(crate) const JOB_TIME: Duration = Duration::from_secs(5);
const LOOKS_EVERY: Duration = Duration::from_secs(1);

#[derive(Serialize, Deserialize)]
pub(crate) enum Work {
    Do(String),
    FindTheQueue,
}

struct Worker(String, Option<Address<Ask>>);

/// Works for the queue of this node.
pub(crate) async fn work(mut ctx: Context, queue_node: String) -> Reason {
    let mut worker = Worker(queue_node, None);
    worker.find(&ctx).await;
    serve(&mut ctx, &mut worker).await
}

impl Server for Worker {
    type Message = Work;

    async fn handle(&mut self, ctx: &mut Context, work: Work) -> ControlFlow<Reason> {
        match (work, self.1) {
            (Work::Do(job), Some(queue)) => {
                println!("{job}: begins");
                let outcome = timeout(JOB_TIME, perform(&job)).await;
                let outcome = outcome.unwrap_or_else(|_| Err(format!("not done in {JOB_TIME:?}")));
                // If that does not arrive the queue is lost, which its monitor tells.
                let _ = queue.send(&*ctx, &Ask::Done(Address::of(ctx.pid()), outcome)).await;
            }
            (Work::Do(_), None) => {}
            (Work::FindTheQueue, _) => self.find(ctx).await,
        }
        ControlFlow::Continue(())
    }

    async fn other(&mut self, ctx: &mut Context, unread: Unread) -> ControlFlow<Reason> {
        let Unread::Signal(Received::Down { .. }) = unread else { return unread.by_default(ctx) };
        self.find(ctx).await;
        ControlFlow::Continue(())
    }
}

impl Worker {
    /// Finds the queue, and tells it that there is a worker; looks again later if there is no queue.
    async fn find(&mut self, ctx: &Context) {
        let found = ctx.whereis_on(QUEUE, &self.0).await.ok().flatten();
        self.1 = found.map(Address::of);
        if let Some(queue) = self.1
            && ctx.monitor(queue.pid()).await.is_ok()
            && queue.send(ctx, &Ask::Ready(Address::of(ctx.pid()))).await.is_ok()
        {
            return;
        }
        // That fails only if this process has ended.
        let _ = ctx.send_term_after(LOOKS_EVERY, ctx.pid(), &Work::FindTheQueue);
    }
}

/// `sleep MS`, `panic` and `forever` do what they say; of any other text the result is its length.
async fn perform(text: &str) -> Outcome {
    match text.split_once(' ').unwrap_or((text, "")) {
        ("panic", _) => assert!(text.is_empty(), "as the job says"),
        ("forever", _) => pending().await,
        ("sleep", millis) => sleep(Duration::from_millis(millis.parse().map_err(|_| "not a time")?)).await,
        _ => {}
    }
    Ok(text.len().to_string())
}
