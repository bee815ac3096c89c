//! The measurements within one node.

use std::hint::black_box;

use anyhow::Result;
use field_common::{
    Countdown, Counted, LOCAL_BYTES, LOCAL_MESSAGES, LOCAL_PROCESSES, LOCAL_TRIPS, Laps, SETTLE, Stopwatch,
    Trips, Values, resident_bytes,
};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use ractor_cluster::RactorMessage;
use tokio::sync::oneshot;
use tokio::task::yield_now;

/// A `cast` waits for nothing: the sender lets others run after so many.
const CASTS: usize = 256;

type Payload = [u8; LOCAL_BYTES];
const PAYLOAD: Payload = [b'x'; LOCAL_BYTES];

pub(crate) async fn oneway() -> Result<Values> {
    let (sink, _) = Actor::spawn(None, Sink, ()).await?;
    let mut laps = Laps::new(LOCAL_BYTES, LOCAL_MESSAGES);
    for _ in 0..Laps::COUNT {
        let (done, is_done) = oneshot::channel();
        laps.start();
        for number in 1..=LOCAL_MESSAGES {
            sink.cast(SinkMessage::Take(PAYLOAD))?;
            if number % CASTS == 0 {
                yield_now().await;
            }
        }
        sink.cast(SinkMessage::End(done))?;
        is_done.await?;
        laps.end(0);
    }
    Ok(laps.rate())
}

pub(crate) async fn pingpong() -> Result<Values> {
    let (pong, _) = Actor::spawn(None, Pong, ()).await?;
    let (done, mean_us) = oneshot::channel();
    let (ping, _) = Actor::spawn(None, Ping { pong }, done).await?;
    ping.cast(PingMessage(PAYLOAD))?;
    Ok(vec![("mean_us", mean_us.await?)])
}

pub(crate) async fn spawn() -> Result<Values> {
    let watch = Stopwatch::start();
    let _actors = start().await?;
    Ok(vec![("spawn_ns", watch.nanos_each(LOCAL_PROCESSES))])
}

pub(crate) async fn idle() -> Result<Values> {
    let before = resident_bytes()?;
    let _actors = start().await?;
    tokio::time::sleep(SETTLE).await;
    let grown = resident_bytes()?.saturating_sub(before);
    Ok(vec![("process_bytes", grown as f64 / LOCAL_PROCESSES as f64)])
}

/// Starts the actors, which wait, until the last one has begun.
async fn start() -> Result<Vec<ActorRef<Never>>> {
    let begun = Countdown::new(LOCAL_PROCESSES);
    let mut actors = Vec::with_capacity(LOCAL_PROCESSES);
    for _ in 0..LOCAL_PROCESSES {
        actors.push(Actor::spawn(None, Waiting, begun.one()).await?.0);
    }
    begun.zero().await;
    Ok(actors)
}

/// Receives messages.
struct Sink;

#[derive(RactorMessage)]
enum SinkMessage {
    Take(Payload),
    End(oneshot::Sender<()>),
}

impl Actor for Sink {
    type Msg = SinkMessage;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<SinkMessage>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<SinkMessage>,
        message: SinkMessage,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SinkMessage::Take(payload) => {
                black_box(&payload);
            }
            SinkMessage::End(done) => done.send(()).map_err(|()| "nobody waits")?,
        }
        Ok(())
    }
}

/// Sends back what it receives.
struct Pong;

#[derive(RactorMessage)]
struct PongMessage(Payload, ActorRef<PingMessage>);

impl Actor for Pong {
    type Msg = PongMessage;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<PongMessage>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<PongMessage>,
        PongMessage(payload, from): PongMessage,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(from.cast(PingMessage(payload))?)
    }
}

/// Makes round trips, one after the other.
struct Ping {
    pong: ActorRef<PongMessage>,
}

#[derive(RactorMessage)]
struct PingMessage(Payload);

struct PingState {
    messages: usize,
    watch: Stopwatch,
    done: Option<oneshot::Sender<f64>>,
}

impl Actor for Ping {
    type Msg = PingMessage;
    type State = PingState;
    type Arguments = oneshot::Sender<f64>;

    async fn pre_start(
        &self,
        _: ActorRef<PingMessage>,
        done: oneshot::Sender<f64>,
    ) -> Result<PingState, ActorProcessingErr> {
        Ok(PingState { messages: 0, watch: Stopwatch::start(), done: Some(done) })
    }

    async fn handle(
        &self,
        myself: ActorRef<PingMessage>,
        PingMessage(payload): PingMessage,
        state: &mut PingState,
    ) -> Result<(), ActorProcessingErr> {
        if state.messages == Trips::WARM_UP {
            state.watch = Stopwatch::start();
        }
        if state.messages == Trips::WARM_UP + LOCAL_TRIPS {
            let done = state.done.take().ok_or("a trip after the last one")?;
            return Ok(done.send(state.watch.nanos_each(LOCAL_TRIPS) / 1e3).map_err(|_| "nobody waits")?);
        }
        state.messages += 1;
        Ok(self.pong.cast(PongMessage(payload, myself))?)
    }
}

/// Waits.
struct Waiting;

#[derive(RactorMessage)]
enum Never {}

impl Actor for Waiting {
    type Msg = Never;
    type State = ();
    type Arguments = Counted;

    async fn pre_start(&self, _: ActorRef<Never>, _begun: Counted) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
