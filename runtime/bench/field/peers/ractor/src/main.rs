//! ractor and `ractor_cluster` as a side of the field's measurements.

mod actors;
mod driver;
mod local;
mod node;
mod tls;
mod watchers;

use std::future::pending;

use anyhow::Result;
use field_common::{Case, Job, Lacks, PAIRS, Values, announce, run};

fn main() -> Result<()> {
    run(play)
}

async fn play(job: Job) -> Result<Values> {
    match (job.case, job.server.clone()) {
        (Case::LocalOneway, _) => local::oneway().await,
        (Case::LocalPingpong, _) => local::pingpong().await,
        (Case::LocalSpawn, _) => local::spawn().await,
        (Case::LocalIdle, _) => local::idle().await,
        (Case::Pairs | Case::FanIn | Case::Loss | Case::Delay, _) => {
            lacks("ractor links an actor to a supervisor of the same node only")
        }
        (Case::Selective, _) => {
            lacks("an actor of ractor takes its messages in the order in which they come")
        }
        (Case::Sessions | Case::Storm | Case::Idle | Case::IdleSessions | Case::Mesh, _) => lacks(
            "the actors and groups of a process belong to all of its nodes in ractor, so that it has one",
        ),
        (_, None) => serve(job).await,
        (_, Some(announced)) => driver::drive(job, &announced).await,
    }
}

fn lacks(why: &'static str) -> Result<Values> {
    Err(Lacks(why).into())
}

/// Actors of the server.
pub(crate) fn job_actors(job: &Job) -> usize {
    if job.case == Case::Disconnect { PAIRS } else { job.pairs }
}

/// Serves until it is killed.
async fn serve(job: Job) -> Result<Values> {
    let announced = node::serve(job_actors(&job)).await?;
    announce(&announced)?;
    pending().await
}
