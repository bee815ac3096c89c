//! Pairs of processes: one of each pair ends and the other is told. Nobody keeps that they are linked.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use tokio::sync::oneshot;

use super::Stream;
use super::frame::{Arrived, Frame};
use super::link::{DRIVER, QUEUE_MAX, number, open};
use crate::case::PAIRS;
use crate::child::Values;
use crate::countdown::Countdown;
use crate::meter::{Stopwatch, resident_bytes};
use crate::pairs;

/// Ends the process that an exit names; answers with its memory when all processes are there, and again when all
/// have ended.
pub(super) async fn serve(stream: Stream) -> Result<()> {
    let (mut reader, outbound) = open(stream, QUEUE_MAX);
    let before = resident_bytes()?;
    let ended = Countdown::new(PAIRS);
    let mut processes = HashMap::with_capacity(PAIRS);
    for local in 0..PAIRS as u64 {
        let (end, mailbox) = oneshot::channel::<()>();
        let counted = ended.one();
        processes.insert(local, end);
        tokio::spawn(async move {
            let _ = mailbox.await;
            drop(counted);
        });
    }
    tokio::task::yield_now().await;
    let grown = resident_bytes()? - before;
    outbound.send(Frame::Message { to: DRIVER, payload: grown.to_le_bytes().into() }).await?;
    tokio::spawn(async move {
        ended.zero().await;
        outbound.send(Frame::Message { to: DRIVER, payload: [].into() }).await
    });
    while let Some(frame) = reader.next().await? {
        if let Arrived::Exit { to } = frame
            && let Some(end) = processes.remove(&to)
        {
            let _ = end.send(());
        }
    }
    Ok(())
}

pub(super) async fn drive(stream: Stream) -> Result<Values> {
    let (mut reader, outbound) = open(stream, PAIRS);
    let Some(Arrived::Message { payload, .. }) = reader.next().await? else { bail!("the server is gone") };
    let server_grown = number(payload);
    let before = resident_bytes()?;
    let mut ends = Vec::with_capacity(PAIRS);
    for local in 0..PAIRS as u64 {
        let (end, mailbox) = oneshot::channel::<()>();
        let outbound = outbound.clone();
        ends.push(end);
        tokio::spawn(async move {
            let _ = mailbox.await;
            let _ = outbound.try_send(Frame::Exit { to: local, from: local });
        });
    }
    tokio::time::sleep(pairs::SETTLE).await;
    let grown = resident_bytes()? - before;
    let watch = Stopwatch::start();
    for end in ends {
        let _ = end.send(());
    }
    reader.next().await?.context("the server is gone")?;
    Ok(pairs::values(&watch, grown, server_grown))
}
