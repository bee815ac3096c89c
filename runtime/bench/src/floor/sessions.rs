//! Messages of many pairs of a sender and a receiver, over one connection or many.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::frame::{Arrived, Frame};
use super::link::{DRIVER, MAILBOX_MAX, Mailbox, Outbound, QUEUE_MAX, deliver, number, open, open_for};
use super::{Stream, dial};
use crate::case::{Job, SMALL_BYTES};
use crate::child::Values;
use crate::meter::Stopwatch;
use crate::sessions::{Counts, Window, warm_up, window};

/// The process that says what has been counted; the receivers are numbered from zero.
const COUNTER: u64 = u64::MAX;

/// The first message of a connection is the number of its receivers.
pub(super) async fn serve(stream: Stream, counts: Arc<Counts>) -> Result<()> {
    let (mut reader, outbound) = open(stream, QUEUE_MAX);
    let Some(Arrived::Message { payload, .. }) = reader.next().await? else { return Ok(()) };
    let mut mailboxes = HashMap::new();
    for receiver in 0..number(payload) {
        let (to, mut mailbox) = mpsc::channel(MAILBOX_MAX);
        let count = counts.one();
        tokio::spawn(async move {
            while mailbox.recv().await.is_some() {
                count.add();
            }
        });
        mailboxes.insert(receiver, to);
    }
    let (to, mailbox) = mpsc::channel(MAILBOX_MAX);
    mailboxes.insert(COUNTER, to);
    tokio::spawn(say(mailbox, outbound, counts));
    Ok(deliver(reader, mailboxes).await?)
}

/// Answers that it has begun to count, and after that what has been counted.
async fn say(mut mailbox: Mailbox, outbound: Outbound, counts: Arc<Counts>) -> Result<()> {
    let answer = |number: u64| {
        let payload = number.to_le_bytes().into();
        outbound.send(Frame::Message { to: DRIVER, payload })
    };
    mailbox.recv().await.context("the driver is gone")?;
    let begun = counts.mark();
    answer(0).await?;
    mailbox.recv().await.context("the driver is gone")?;
    for number in counts.mark().since(&begun).numbers() {
        answer(number).await?;
    }
    Ok(())
}

pub(super) async fn drive(address: &str, job: Job) -> Result<Values> {
    let mut connections = Vec::with_capacity(job.sessions());
    for _ in 0..job.sessions() {
        connections.push(connect(address, job.pairs).await?);
    }
    let (mut mailbox, outbound) = connect(address, 0).await?;
    for (_, outbound) in &connections {
        for to in 0..job.pairs as u64 {
            let outbound = outbound.clone();
            tokio::spawn(async move {
                let payload = [b'x'; SMALL_BYTES];
                while outbound.send(Frame::Message { to, payload: payload.into() }).await.is_ok() {}
            });
        }
    }
    sleep(warm_up(job.all_pairs())).await;
    let ask = || outbound.send(Frame::Message { to: COUNTER, payload: [].into() });
    ask().await?;
    answered(&mut mailbox).await?;
    let watch = Stopwatch::start();
    sleep(window(job.all_pairs())).await;
    ask().await?;
    let mut numbers = [0; 4];
    for number in &mut numbers {
        *number = answered(&mut mailbox).await?;
    }
    Ok(Window::of_numbers(numbers).values(watch.cpu(), job))
}

/// A connection with so many receivers.
async fn connect(address: &str, receivers: usize) -> Result<(Mailbox, Outbound)> {
    let (mailbox, outbound) = open_for(DRIVER, dial(address).await?);
    let payload = (receivers as u64).to_le_bytes().into();
    outbound.send(Frame::Message { to: COUNTER, payload }).await?;
    Ok((mailbox, outbound))
}

async fn answered(mailbox: &mut Mailbox) -> Result<u64> {
    Ok(number(&mailbox.recv().await.context("the server is gone")?))
}
