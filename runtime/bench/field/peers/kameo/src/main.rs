//! kameo as a side of the field's measurements.

mod actors;
mod driver;
mod links;
mod local;
mod node;

use std::future::pending;

use anyhow::Result;
use field_common::{Case, Job, Lacks, Values, announce, run};

fn main() -> Result<()> {
    run(play)
}

async fn play(job: Job) -> Result<Values> {
    match (job.case, job.server.clone()) {
        (Case::LocalOneway, _) => local::oneway().await,
        (Case::LocalPingpong, _) => local::pingpong().await,
        (Case::LocalSpawn, _) => local::spawn().await,
        (Case::LocalIdle, _) => local::idle().await,
        (Case::Selective, _) => lacks("an actor of kameo takes its messages in the order in which they come"),
        (Case::Sessions | Case::Storm | Case::Idle | Case::IdleSessions | Case::Mesh, _) => {
            lacks("a process has one swarm of kameo, and so one node")
        }
        (Case::Loss | Case::Delay, _) => lacks("this measurement is not written for kameo"),
        (_, None) => serve(job).await,
        (_, Some(announced)) => driver::drive(job, &announced).await,
    }
}

fn lacks(why: &'static str) -> Result<Values> {
    Err(Lacks(why).into())
}

/// Serves until it is killed.
async fn serve(job: Job) -> Result<Values> {
    let announced = node::serve(job).await?;
    announce(&announced)?;
    pending().await
}
