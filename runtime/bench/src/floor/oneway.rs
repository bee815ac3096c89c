//! Messages one way: each goes through the queue, and through the mailbox of the process that receives it.

use std::hint::black_box;

use anyhow::{Context, Result};

use super::Stream;
use super::frame::Frame;
use super::link::{DRIVER, Mailbox, Outbound, SERVER, number, open_for};
use crate::child::Values;
use crate::oneway::Laps;

/// Receives `count` messages, then answers with a number, time and again.
pub(super) async fn serve(stream: Stream, count: usize, answer: fn() -> u64) -> Result<()> {
    let (mut mailbox, outbound) = open_for(SERVER, stream);
    loop {
        for _ in 0..count {
            black_box(mailbox.recv().await.context("the driver is gone")?);
        }
        outbound.send(Frame::Message { to: DRIVER, payload: answer().to_le_bytes().into() }).await?;
    }
}

pub(super) async fn drive(stream: Stream, bytes: usize, count: usize) -> Result<Values> {
    let (mut mailbox, outbound) = open_for(DRIVER, stream);
    let mut laps = Laps::new(bytes, count);
    for _ in 0..Laps::COUNT {
        laps.start();
        let server_cpu_ns = lap(&mut mailbox, &outbound, bytes, count).await?;
        laps.end(server_cpu_ns);
    }
    Ok(laps.values())
}

/// Sends `count` messages, each a copy of its own, and waits for the answer.
pub(super) async fn lap(
    mailbox: &mut Mailbox,
    outbound: &Outbound,
    bytes: usize,
    count: usize,
) -> Result<u64> {
    let payload = vec![b'x'; bytes];
    for _ in 0..count {
        outbound.send(Frame::Message { to: SERVER, payload: payload.as_slice().into() }).await?;
    }
    Ok(number(&mailbox.recv().await.context("the server is gone")?))
}
