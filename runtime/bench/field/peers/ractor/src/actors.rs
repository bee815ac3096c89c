//! The actors of both nodes, and their messages.

use std::hint::black_box;

use anyhow::Result;
use field_common::{SMALL_BYTES, Trips, cpu_ns};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use ractor_cluster::RactorClusterMessage;
use tokio::sync::oneshot;

use crate::node::{DRIVERS, remote};

/// The messages of a served actor.
#[derive(RactorClusterMessage)]
pub(crate) enum ServedMessage {
    /// A message that is received, and that is all.
    Take(Vec<u8>),
    /// A message that goes back to the actor of the driver.
    Ping(Vec<u8>),
    /// A request that is replied with the same.
    #[rpc]
    Echo(Vec<u8>, RpcReplyPort<Vec<u8>>),
    /// Asks for the number of messages taken since the last time, and the processor time of this process.
    #[rpc]
    Taken(RpcReplyPort<Vec<u64>>),
}

/// An actor that serves.
#[derive(Debug)]
pub(crate) struct Served;

/// The state of the actor.
#[derive(Debug, Default)]
pub(crate) struct ServedState {
    taken: u64,
    driver: Option<ActorRef<PingMessage>>,
}

impl Actor for Served {
    type Msg = ServedMessage;
    type State = ServedState;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<ServedMessage>, (): ()) -> Result<ServedState, ActorProcessingErr> {
        Ok(ServedState::default())
    }

    async fn handle(
        &self,
        _: ActorRef<ServedMessage>,
        message: ServedMessage,
        state: &mut ServedState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ServedMessage::Take(payload) => {
                black_box(&payload);
                state.taken += 1;
            }
            ServedMessage::Ping(payload) => {
                if state.driver.is_none() {
                    state.driver = remote(DRIVERS).pop();
                }
                let driver = state.driver.as_ref().ok_or("the driver's actor is not known")?;
                driver.cast(PingMessage::Pong(payload))?;
            }
            ServedMessage::Echo(payload, reply) => reply.send(payload)?,
            ServedMessage::Taken(reply) => reply.send(vec![std::mem::take(&mut state.taken), cpu_ns()])?,
        }
        Ok(())
    }
}

/// The messages of the driver's actor.
#[derive(RactorClusterMessage)]
pub(crate) enum PingMessage {
    /// The first round trip may begin.
    Begin,
    /// A message comes back.
    Pong(Vec<u8>),
}

/// The driver's actor: makes round trips, one after the other, until it has made enough.
pub(crate) struct Ping {
    pub(crate) to: ActorRef<ServedMessage>,
    /// True as long as trips are to be made, after those that warm up.
    pub(crate) goes_on: Box<dyn Fn(&Trips) -> bool + Send + Sync>,
}

/// The state of the actor.
pub(crate) struct PingState {
    trips: Option<Trips>,
    warm: Option<oneshot::Sender<()>>,
    done: Option<oneshot::Sender<Trips>>,
}

/// Whom the driver's actor tells that it is warm, and that it has made all trips.
pub(crate) type Told = (oneshot::Sender<()>, oneshot::Sender<Trips>);

impl Actor for Ping {
    type Msg = PingMessage;
    type State = PingState;
    type Arguments = Told;

    async fn pre_start(
        &self,
        _: ActorRef<PingMessage>,
        (warm, done): Told,
    ) -> Result<PingState, ActorProcessingErr> {
        Ok(PingState { trips: Some(Trips::new()), warm: Some(warm), done: Some(done) })
    }

    async fn handle(
        &self,
        _: ActorRef<PingMessage>,
        message: PingMessage,
        state: &mut PingState,
    ) -> Result<(), ActorProcessingErr> {
        let Some(trips) = &mut state.trips else { return Ok(()) };
        let payload = match message {
            PingMessage::Begin => vec![b'x'; SMALL_BYTES],
            PingMessage::Pong(payload) => {
                trips.end();
                payload
            }
        };
        if !trips.warms_up() {
            if let Some(warm) = state.warm.take() {
                // Nobody waits for it where nothing goes on beside the trips.
                let _ = warm.send(());
            }
            if !(self.goes_on)(trips) {
                if let (Some(done), Some(trips)) = (state.done.take(), state.trips.take()) {
                    let _ = done.send(trips);
                }
                return Ok(());
            }
        }
        trips.begin();
        Ok(self.to.cast(ServedMessage::Ping(payload))?)
    }
}
