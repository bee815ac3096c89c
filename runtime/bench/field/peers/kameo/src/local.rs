//! The measurements within one node. Mailboxes are as kameo makes them by itself: bounded.

use std::hint::black_box;

use anyhow::Result;
use field_common::{
    Countdown, Counted, LOCAL_BYTES, LOCAL_MESSAGES, LOCAL_PROCESSES, LOCAL_TRIPS, Laps, SETTLE, Stopwatch,
    Trips, Values, resident_bytes,
};
use kameo::error::Infallible;
use kameo::prelude::*;
use tokio::sync::oneshot;

type Payload = [u8; LOCAL_BYTES];
const PAYLOAD: Payload = [b'x'; LOCAL_BYTES];

pub(crate) async fn oneway() -> Result<Values> {
    let sink = Sink::spawn(Sink);
    let mut laps = Laps::new(LOCAL_BYTES, LOCAL_MESSAGES);
    for _ in 0..Laps::COUNT {
        laps.start();
        for _ in 0..LOCAL_MESSAGES {
            sink.tell(Take(PAYLOAD)).await?;
        }
        sink.ask(End).await?;
        laps.end(0);
    }
    Ok(laps.rate())
}

pub(crate) async fn pingpong() -> Result<Values> {
    let pong = Pong::spawn(Pong);
    let (done, mean_us) = oneshot::channel();
    let ping = Ping::spawn(Ping { pong, messages: 0, watch: Stopwatch::start(), done: Some(done) });
    ping.tell(ToPing(PAYLOAD)).await?;
    Ok(vec![("mean_us", mean_us.await?)])
}

pub(crate) async fn spawn() -> Result<Values> {
    let watch = Stopwatch::start();
    let _actors = start().await;
    Ok(vec![("spawn_ns", watch.nanos_each(LOCAL_PROCESSES))])
}

pub(crate) async fn idle() -> Result<Values> {
    let before = resident_bytes()?;
    // An actor ends with the last that can send to it.
    let _actors = start().await;
    tokio::time::sleep(SETTLE).await;
    let grown = resident_bytes()?.saturating_sub(before);
    Ok(vec![("process_bytes", grown as f64 / LOCAL_PROCESSES as f64)])
}

/// Starts the actors, which wait, until the last one has begun.
async fn start() -> Vec<ActorRef<Waiting>> {
    let begun = Countdown::new(LOCAL_PROCESSES);
    let actors = (0..LOCAL_PROCESSES).map(|_| Waiting::spawn(begun.one())).collect();
    begun.zero().await;
    actors
}

/// Receives messages.
#[derive(Actor)]
struct Sink;

struct Take(Payload);

impl Message<Take> for Sink {
    type Reply = ();

    async fn handle(&mut self, Take(payload): Take, _: &mut Context<Self, ()>) {
        black_box(&payload);
    }
}

struct End;

impl Message<End> for Sink {
    type Reply = ();

    async fn handle(&mut self, End: End, _: &mut Context<Self, ()>) {}
}

/// Sends back what it receives.
#[derive(Actor)]
struct Pong;

struct ToPong(Payload, ActorRef<Ping>);

impl Message<ToPong> for Pong {
    type Reply = ();

    async fn handle(&mut self, ToPong(payload, from): ToPong, _: &mut Context<Self, ()>) {
        // One that has ended needs no answer.
        let _ = from.tell(ToPing(payload)).await;
    }
}

/// Makes round trips, one after the other.
#[derive(Actor)]
struct Ping {
    pong: ActorRef<Pong>,
    messages: usize,
    watch: Stopwatch,
    done: Option<oneshot::Sender<f64>>,
}

struct ToPing(Payload);

impl Message<ToPing> for Ping {
    type Reply = ();

    async fn handle(&mut self, ToPing(payload): ToPing, context: &mut Context<Self, ()>) {
        if self.messages == Trips::WARM_UP {
            self.watch = Stopwatch::start();
        }
        if self.messages == Trips::WARM_UP + LOCAL_TRIPS {
            if let Some(done) = self.done.take() {
                let _ = done.send(self.watch.nanos_each(LOCAL_TRIPS) / 1e3);
            }
            return;
        }
        self.messages += 1;
        // If it has ended, whoever waits is told by the channel's end.
        let _ = self.pong.tell(ToPong(payload, context.actor_ref().clone())).await;
    }
}

/// Waits.
struct Waiting;

impl Actor for Waiting {
    type Args = Counted;
    type Error = Infallible;

    async fn on_start(_begun: Counted, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self)
    }
}
