//! The actors of both nodes, and their messages.

use std::hint::black_box;

use field_common::{SMALL_BYTES, Trips, cpu_ns};
use kameo::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::links::Held;

/// An actor that serves.
#[derive(Actor, RemoteActor, Default)]
pub(crate) struct Served {
    taken: u64,
    pub(crate) held: Held,
}

/// A message that is received, and that is all.
#[derive(Serialize, Deserialize)]
pub(crate) struct Take(#[serde(with = "serde_bytes")] pub(crate) Vec<u8>);

#[remote_message]
impl Message<Take> for Served {
    type Reply = ();

    async fn handle(&mut self, Take(payload): Take, _: &mut Context<Self, ()>) {
        black_box(&payload);
        self.taken += 1;
    }
}

/// Asks for the number of messages taken since the last time, and the processor time of this process.
#[derive(Serialize, Deserialize)]
pub(crate) struct Taken;

#[remote_message]
impl Message<Taken> for Served {
    type Reply = (u64, u64);

    async fn handle(&mut self, Taken: Taken, _: &mut Context<Self, (u64, u64)>) -> (u64, u64) {
        (std::mem::take(&mut self.taken), cpu_ns())
    }
}

/// A request that is replied with the same.
#[derive(Serialize, Deserialize)]
pub(crate) struct Echo(#[serde(with = "serde_bytes")] pub(crate) Vec<u8>);

#[remote_message]
impl Message<Echo> for Served {
    type Reply = Vec<u8>;

    async fn handle(&mut self, Echo(payload): Echo, _: &mut Context<Self, Vec<u8>>) -> Vec<u8> {
        payload
    }
}

/// A message that goes back to whom it names.
#[derive(Serialize, Deserialize)]
pub(crate) struct ToServer {
    from: RemoteActorRef<Ping>,
    #[serde(with = "serde_bytes")]
    payload: Vec<u8>,
}

#[remote_message]
impl Message<ToServer> for Served {
    type Reply = ();

    async fn handle(&mut self, message: ToServer, _: &mut Context<Self, ()>) {
        // A driver that has left gets no answer.
        let _ = message.from.tell(&ToDriver(message.payload)).send();
    }
}

/// The driver's actor: makes round trips, one after the other, until it has made enough.
#[derive(Actor, RemoteActor)]
pub(crate) struct Ping {
    to: RemoteActorRef<Served>,
    /// True as long as trips are to be made, after those that warm up.
    goes_on: Box<dyn Fn(&Trips) -> bool + Send + Sync>,
    trips: Option<Trips>,
    warm: Option<oneshot::Sender<()>>,
    done: Option<oneshot::Sender<Trips>>,
    /// Itself, as the server knows it.
    from: Option<RemoteActorRef<Self>>,
}

/// Whom the driver's actor tells that it is warm, and that it has made all trips.
pub(crate) type Told = (oneshot::Sender<()>, oneshot::Sender<Trips>);

impl Ping {
    pub(crate) fn new(
        to: RemoteActorRef<Served>,
        goes_on: impl Fn(&Trips) -> bool + Send + Sync + 'static,
        (warm, done): Told,
    ) -> Self {
        let (goes_on, trips) = (Box::new(goes_on), Some(Trips::new()));
        Self { to, goes_on, trips, warm: Some(warm), done: Some(done), from: None }
    }

    /// Sends the message of the next trip, unless all have been made.
    fn next(&mut self, payload: Vec<u8>) {
        let (Some(trips), Some(from)) = (&mut self.trips, &self.from) else { return };
        if !trips.warms_up() {
            if let Some(warm) = self.warm.take() {
                // Nobody waits for it where nothing goes on beside the trips.
                let _ = warm.send(());
            }
            if !(self.goes_on)(trips) {
                if let (Some(done), Some(trips)) = (self.done.take(), self.trips.take()) {
                    let _ = done.send(trips);
                }
                return;
            }
        }
        trips.begin();
        // A server that has left ends the measurement: whoever waits for it gives up in time.
        let _ = self.to.tell(&ToServer { from: from.clone(), payload }).send();
    }
}

/// The first round trip may begin.
pub(crate) struct Begin;

impl Message<Begin> for Ping {
    type Reply = ();

    async fn handle(&mut self, Begin: Begin, context: &mut Context<Self, ()>) {
        self.from = Some(context.actor_ref().into_remote_ref().await);
        self.next(vec![b'x'; SMALL_BYTES]);
    }
}

/// A message comes back.
#[derive(Serialize, Deserialize)]
pub(crate) struct ToDriver(#[serde(with = "serde_bytes")] Vec<u8>);

#[remote_message]
impl Message<ToDriver> for Ping {
    type Reply = ();

    async fn handle(&mut self, ToDriver(payload): ToDriver, _: &mut Context<Self, ()>) {
        if let Some(trips) = &mut self.trips {
            trips.end();
        }
        self.next(payload);
    }
}
