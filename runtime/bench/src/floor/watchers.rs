//! Processes that are told when the connection is gone.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::sync::oneshot;

use super::frame::{Frame, Reader};
use super::{Stream, dial};
use crate::case::{CROWD, LOSSES, LOST_LINKS, PAIRS};
use crate::child::Values;
use crate::countdown::Countdown;
use crate::loss::{self, Loss};
use crate::meter::Stopwatch;
use crate::pairs;

/// Leaves at the first frame, or when the driver does.
pub(super) async fn serve(stream: Stream) -> Result<()> {
    Reader::new(stream).next().await?;
    Ok(())
}

/// Closes the connection, until the last process has been told.
pub(super) async fn disconnect(stream: Stream) -> Result<Values> {
    let (read, mut write) = tokio::io::split(stream);
    let (watchers, told) = spawn(PAIRS);
    tokio::spawn(tell_when_lost(Reader::new(read), watchers));
    tokio::time::sleep(pairs::SETTLE).await;
    let watch = Stopwatch::start();
    write.shutdown().await?;
    told.zero().await;
    Ok(vec![("disconnect_ms", watch.wall().as_secs_f64() * 1e3)])
}

/// The server leaves, until the last process has been told; without and with a crowd that it does not concern.
pub(super) async fn loss(address: &str) -> Result<Values> {
    let alone = losses(address).await?;
    let (crowd, _) = spawn(CROWD);
    tokio::time::sleep(pairs::SETTLE).await;
    let crowded = losses(address).await?;
    drop(crowd);
    Ok(loss::values(&alone, &crowded))
}

async fn losses(address: &str) -> Result<Vec<Loss>> {
    let mut losses = Vec::with_capacity(LOSSES);
    for _ in 0..LOSSES {
        let (read, mut write) = tokio::io::split(dial(address).await?);
        let (watchers, told) = spawn(LOST_LINKS);
        tokio::spawn(tell_when_lost(Reader::new(read), watchers));
        tokio::time::sleep(loss::SETTLE).await;
        let mut leave = Vec::new();
        Frame::Message { to: 0, payload: [].into() }.write(&mut leave)?;
        let watch = Stopwatch::start();
        write.write_all(&leave).await?;
        write.flush().await?;
        told.zero().await;
        losses.push(watch.into());
    }
    Ok(losses)
}

type Watchers = HashMap<u64, oneshot::Sender<()>>;

fn spawn(count: usize) -> (Watchers, Arc<Countdown>) {
    let told = Countdown::new(count);
    let watchers = (0..count as u64).map(|local| {
        let (tell, mailbox) = oneshot::channel();
        let counted = told.one();
        tokio::spawn(async move {
            let _ = mailbox.await;
            drop(counted);
        });
        (local, tell)
    });
    (watchers.collect(), told)
}

async fn tell_when_lost(mut reader: Reader<impl AsyncRead + Unpin>, watchers: Watchers) -> io::Result<()> {
    let lost = loop {
        match reader.next().await {
            Ok(Some(_)) => {}
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    for tell in watchers.into_values() {
        let _ = tell.send(());
    }
    lost
}
