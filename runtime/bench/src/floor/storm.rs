//! Many connections at once.

use anyhow::Result;
use tokio::task::JoinSet;

use super::dial;
use super::link::{DRIVER, open_for};
use super::oneway::lap;
use crate::child::Values;
use crate::meter::Stopwatch;
use crate::storm;

pub(super) async fn drive(address: &str, count: usize) -> Result<Values> {
    let (mut mailbox, outbound) = open_for(DRIVER, dial(address).await?);
    let before = lap(&mut mailbox, &outbound, 0, 1).await?;
    let watch = Stopwatch::start();
    let mut dials = JoinSet::new();
    for _ in 0..count {
        let address = address.to_owned();
        dials.spawn(async move { dial(&address).await });
    }
    let mut connections = Vec::with_capacity(count);
    while let Some(dialled) = dials.join_next().await {
        connections.push(dialled??);
    }
    let wall = watch.wall();
    let after = lap(&mut mailbox, &outbound, 0, 1).await?;
    Ok(storm::values(count, wall, after.saturating_sub(before)))
}
