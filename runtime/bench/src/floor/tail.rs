//! Round trips while long messages go over the same connection.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use tokio::sync::mpsc;
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::Stream;
use super::frame::{Frame, Reader};
use super::link::{DRIVER, MAILBOX_MAX, Mailbox, Outbound, QUEUE_MAX, SERVER, deliver, open, write_all};
use crate::case::{Job, SMALL_BYTES};
use crate::child::Values;
use crate::meter::Stopwatch;
use crate::pingpong::Trips;
use crate::tail::{self, Flood};

/// The process that takes the long messages, and the one that sends them.
const SINK: u64 = SERVER + 1;
/// See [`SINK`].
const FLOODER: u64 = DRIVER + 1;

/// Bytes of long messages that may wait in a queue: as many as in a session of ours.
const QUEUE_BYTES_MAX: usize = 8 << 20;

fn queue_max(flood: Flood) -> usize {
    QUEUE_BYTES_MAX.checked_div(flood.bytes).unwrap_or(QUEUE_MAX).clamp(1, QUEUE_MAX)
}

pub(super) async fn serve(stream: Stream, job: Job) -> Result<()> {
    let flood = Flood::new(job);
    let (read, write) = tokio::io::split(stream);
    let (outbound, queue) = mpsc::channel(QUEUE_MAX);
    tokio::spawn(write_all(write, queue));
    let (to_server, mailbox) = mpsc::channel(MAILBOX_MAX);
    let (to_sink, sink) = mpsc::channel(queue_max(flood));
    tokio::spawn(send_back(mailbox, outbound.clone()));
    tokio::spawn(take(sink, outbound, flood));
    let mailboxes = HashMap::from([(SERVER, to_server), (SINK, to_sink)]);
    Ok(deliver(Reader::for_payloads(read, flood.bytes), mailboxes).await?)
}

async fn send_back(mut mailbox: Mailbox, outbound: Outbound) -> Result<()> {
    while let Some(payload) = mailbox.recv().await {
        outbound.send(Frame::Message { to: DRIVER, payload }).await?;
    }
    Ok(())
}

/// Says when the last long message has come.
async fn take(mut sink: Mailbox, outbound: Outbound, flood: Flood) -> Result<()> {
    for _ in 0..flood.count {
        sink.recv().await.context("the driver is gone")?;
    }
    Ok(outbound.send(Frame::Message { to: FLOODER, payload: [].into() }).await?)
}

pub(super) async fn drive(stream: Stream, job: Job) -> Result<Values> {
    let (mut trips, flood) = (Trips::new(), Flood::new(job));
    let (reader, outbound) = open(stream, queue_max(flood));
    let (to_driver, mut mailbox) = mpsc::channel(MAILBOX_MAX);
    let (to_flooder, taken) = mpsc::channel(1);
    tokio::spawn(deliver(reader, HashMap::from([(DRIVER, to_driver), (FLOODER, to_flooder)])));
    while trips.warm_up() {
        trip(&mut mailbox, &outbound, &mut trips).await?;
    }
    if flood.count == 0 {
        while trips.goes_on() {
            trip(&mut mailbox, &outbound, &mut trips).await?;
        }
        return Ok(tail::values(trips, 0.0));
    }
    let (done, mut sent) = oneshot::channel();
    let flooding = send(outbound.clone(), taken, flood);
    // Who waits is told by the channel's end if this fails.
    tokio::spawn(async move { done.send(flooding.await) });
    loop {
        match sent.try_recv() {
            Ok(mb_per_s) => return Ok(tail::values(trips, mb_per_s?)),
            Err(TryRecvError::Closed) => bail!("the long messages have come to an end"),
            Err(TryRecvError::Empty) => trip(&mut mailbox, &outbound, &mut trips).await?,
        }
    }
}

/// Sends the long messages, until the last has been taken; gives how many megabytes that was a second.
async fn send(outbound: Outbound, mut taken: Mailbox, flood: Flood) -> Result<f64> {
    let payload = vec![b'x'; flood.bytes];
    let watch = Stopwatch::start();
    for _ in 0..flood.count {
        outbound.send(Frame::Message { to: SINK, payload: payload.as_slice().into() }).await?;
    }
    taken.recv().await.context("the server is gone")?;
    Ok(flood.mb_per_s(watch.wall().as_secs_f64()))
}

async fn trip(mailbox: &mut Mailbox, outbound: &Outbound, trips: &mut Trips) -> Result<()> {
    trips.begin();
    outbound.send(Frame::Message { to: SERVER, payload: [b'x'; SMALL_BYTES].into() }).await?;
    mailbox.recv().await.context("the server is gone")?;
    trips.end();
    Ok(())
}
