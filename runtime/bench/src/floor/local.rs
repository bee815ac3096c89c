//! Within one program: bare tasks, each with a channel for its mailbox.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::sleep;

use crate::case::{LOCAL_BYTES, LOCAL_MESSAGES, LOCAL_PROCESSES, LOCAL_TRIPS, WARM_UP_TRIPS};
use crate::child::Values;
use crate::countdown::Countdown;
use crate::meter::resident_bytes;
use crate::oneway::Laps;
use crate::pairs;

type Message = Box<[u8]>;

fn message() -> Message {
    [b'x'; LOCAL_BYTES].into()
}

pub(super) async fn oneway() -> Result<Values> {
    let (to, mut mailbox) = unbounded_channel::<Message>();
    let (back, mut done) = unbounded_channel();
    tokio::spawn(async move {
        let mut received = 0;
        while let Some(message) = mailbox.recv().await {
            black_box(message);
            received += 1;
            if received % LOCAL_MESSAGES == 0 && back.send(()).is_err() {
                return;
            }
        }
    });
    let mut laps = Laps::new(LOCAL_BYTES, LOCAL_MESSAGES);
    for _ in 0..Laps::COUNT {
        laps.start();
        for _ in 0..LOCAL_MESSAGES {
            to.send(message())?;
        }
        done.recv().await.context("the receiver has ended")?;
        laps.end(0);
    }
    Ok(laps.local_values())
}

pub(super) async fn pingpong() -> Result<Values> {
    let (pong, mut mailbox) = unbounded_channel::<Message>();
    let (ping, mut back) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(message) = mailbox.recv().await {
            if ping.send(message).is_err() {
                return;
            }
        }
    });
    let mut begun = Instant::now();
    for trip in 0..WARM_UP_TRIPS + LOCAL_TRIPS {
        if trip == WARM_UP_TRIPS {
            begun = Instant::now();
        }
        pong.send(message())?;
        back.recv().await.context("the other task has ended")?;
    }
    Ok(vec![("mean_us", begun.elapsed().as_secs_f64() * 1e6 / LOCAL_TRIPS as f64)])
}

pub(super) async fn spawn() -> Result<Values> {
    let begun = Instant::now();
    let _mailboxes = start().await;
    Ok(vec![("spawn_ns", begun.elapsed().as_secs_f64() * 1e9 / LOCAL_PROCESSES as f64)])
}

pub(super) async fn idle() -> Result<Values> {
    let before = resident_bytes()?;
    let _mailboxes = start().await;
    sleep(pairs::SETTLE).await;
    let grown = resident_bytes()?.saturating_sub(before);
    Ok(vec![("process_bytes", grown as f64 / LOCAL_PROCESSES as f64)])
}

/// Starts the tasks, which wait, until the last one has begun.
async fn start() -> Vec<UnboundedSender<Message>> {
    let begun = Countdown::new(LOCAL_PROCESSES);
    let mut mailboxes = Vec::with_capacity(LOCAL_PROCESSES);
    for _ in 0..LOCAL_PROCESSES {
        let (to, mut mailbox) = unbounded_channel();
        let counted = begun.one();
        tokio::spawn(async move {
            drop(counted);
            mailbox.recv().await;
        });
        mailboxes.push(to);
    }
    begun.zero().await;
    mailboxes
}
