//! Links between actors of two nodes.
//!
//! kameo sends the end of a linked actor as a request that nobody waits for and that is lost beyond the requests which may be under
//! way at once. So actors end in groups, each after the other node has seen the ends of the one before.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use field_common::{Countdown, Counted, PAIRS, SETTLE, Stopwatch, Values, cpu_ns, resident_bytes};
use futures::{StreamExt, TryStreamExt, stream};
use kameo::error::Infallible;
use kameo::prelude::*;
use serde::{Deserialize, Serialize};

use crate::actors::Served;
use crate::node::disconnect;

/// Links that are made at once, and actors that end at once.
const WINDOW: usize = 64;
/// References in one reply, which is to be shorter than the longest one that is let through.
const REFERENCES: usize = 10_000;
/// Small numbers of actors end again and again, until so many have.
const FAN_IN_EXITS: usize = 1_000;

/// An actor that is linked to one of the other node, and ends with it.
#[derive(RemoteActor)]
pub(crate) struct Linked {
    _ends: Ends,
}

/// Counts when it is dropped.
pub(crate) enum Ends {
    Here(#[expect(dead_code, reason = "it counts when it is dropped")] Counted),
    OfServer(Arc<AtomicU64>),
}

impl Drop for Ends {
    fn drop(&mut self) {
        if let Self::OfServer(ended) = self {
            ended.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Actor for Linked {
    type Args = Ends;
    type Error = Infallible;

    async fn on_start(ends: Ends, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self { _ends: ends })
    }
}

/// An actor that counts the ends of those that are linked to it.
#[derive(RemoteActor)]
pub(crate) struct Collector(Arc<AtomicU64>);

impl Actor for Collector {
    type Args = Arc<AtomicU64>;
    type Error = Infallible;

    async fn on_start(ended: Arc<AtomicU64>, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self(ended))
    }

    async fn on_link_died(
        &mut self,
        _: WeakActorRef<Self>,
        _: ActorId,
        _: ActorStopReason,
    ) -> Result<ControlFlow<ActorStopReason>, Infallible> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(ControlFlow::Continue(()))
    }
}

/// The actors of the server that others are linked to. They end with the last reference.
#[derive(Default)]
pub(crate) struct Held {
    linked: Vec<ActorRef<Linked>>,
    collector: Option<ActorRef<Collector>>,
    ended: Arc<AtomicU64>,
}

/// Starts so many actors.
#[derive(Serialize, Deserialize)]
pub(crate) struct StartLinked(usize);

#[remote_message]
impl Message<StartLinked> for Served {
    type Reply = Vec<RemoteActorRef<Linked>>;

    async fn handle(
        &mut self,
        StartLinked(count): StartLinked,
        _: &mut Context<Self, Vec<RemoteActorRef<Linked>>>,
    ) -> Vec<RemoteActorRef<Linked>> {
        let mut references = Vec::with_capacity(count);
        for _ in 0..count {
            let actor = Linked::spawn(Ends::OfServer(Arc::clone(&self.held.ended)));
            references.push(actor.into_remote_ref().await);
            self.held.linked.push(actor);
        }
        references
    }
}

/// Starts the actor that counts.
#[derive(Serialize, Deserialize)]
pub(crate) struct StartCollector;

#[remote_message]
impl Message<StartCollector> for Served {
    type Reply = Vec<RemoteActorRef<Collector>>;

    async fn handle(
        &mut self,
        StartCollector: StartCollector,
        _: &mut Context<Self, Vec<RemoteActorRef<Collector>>>,
    ) -> Vec<RemoteActorRef<Collector>> {
        let actor = Collector::spawn(Arc::clone(&self.held.ended));
        let reference = actor.into_remote_ref().await;
        self.held.collector = Some(actor);
        vec![reference]
    }
}

/// Asks for the number of actors that have ended, the processor time of this process, and its memory.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ended;

#[remote_message]
impl Message<Ended> for Served {
    type Reply = (u64, u64, u64);

    async fn handle(&mut self, Ended: Ended, _: &mut Context<Self, (u64, u64, u64)>) -> (u64, u64, u64) {
        // Where the system does not tell the memory, none is shown.
        (self.held.ended.load(Ordering::Relaxed), cpu_ns(), resident_bytes().unwrap_or_default())
    }
}

type Server = RemoteActorRef<Served>;

pub(crate) async fn pairs(server: Server) -> Result<Values> {
    let (_, _, server_before) = server.ask(&Ended).await?;
    let others = start_linked(&server).await?;
    let before = resident_bytes()?;
    let actors = link(&others).await?;
    tokio::time::sleep(SETTLE).await;
    let grown = resident_bytes()?.saturating_sub(before);
    let (_, _, server_after) = server.ask(&Ended).await?;
    let watch = Stopwatch::start();
    end(&server, &actors).await?;
    let each = |total: f64| total / PAIRS as f64;
    Ok(vec![
        ("exits_per_s", watch.a_second(PAIRS)),
        ("driver_cpu_ns", each(watch.cpu().as_secs_f64() * 1e9)),
        ("driver_bytes", each(grown as f64)),
        ("server_bytes", each(server_after.saturating_sub(server_before) as f64)),
    ])
}

pub(crate) async fn disconnect_all(server: Server) -> Result<Values> {
    let others = start_linked(&server).await?;
    let told = Countdown::new(PAIRS);
    let _actors = link_counted(&others, || Ends::Here(told.one())).await?;
    tokio::time::sleep(SETTLE).await;
    let watch = Stopwatch::start();
    disconnect();
    told.zero().await;
    Ok(vec![("disconnect_ms", watch.wall().as_secs_f64() * 1e3)])
}

pub(crate) async fn fan_in(server: Server, size: usize) -> Result<Values> {
    let collector = server.ask(&StartCollector).await?;
    let others: Vec<_> = collector.into_iter().cycle().take(size).collect();
    let rounds = (FAN_IN_EXITS / size).max(1);
    let (mut seconds, mut cpu, mut server_cpu) = (0.0, 0.0, 0);
    for _ in 0..rounds {
        let actors = link(&others).await?;
        let (_, before, _) = server.ask(&Ended).await?;
        let watch = Stopwatch::start();
        let after = end(&server, &actors).await?;
        seconds += watch.wall().as_secs_f64();
        cpu += watch.cpu().as_secs_f64();
        server_cpu += after.saturating_sub(before);
    }
    let count = (rounds * size) as f64;
    Ok(vec![
        ("exits_per_s", count / seconds),
        ("driver_cpu_ns", cpu * 1e9 / count),
        ("server_cpu_ns", server_cpu as f64 / count),
    ])
}

async fn start_linked(server: &Server) -> Result<Vec<RemoteActorRef<Linked>>> {
    let mut others = Vec::with_capacity(PAIRS);
    while others.len() < PAIRS {
        others.extend(server.ask(&StartLinked(REFERENCES)).await?);
    }
    Ok(others)
}

/// Starts an actor for each of the other node's, and links them.
async fn link<A: Actor + RemoteActor>(others: &[RemoteActorRef<A>]) -> Result<Vec<ActorRef<Linked>>> {
    let ended = Arc::default();
    link_counted(others, || Ends::OfServer(Arc::clone(&ended))).await
}

async fn link_counted<A: Actor + RemoteActor>(
    others: &[RemoteActorRef<A>],
    ends: impl Fn() -> Ends,
) -> Result<Vec<ActorRef<Linked>>> {
    stream::iter(others.to_vec())
        .map(|other| {
            let actor = Linked::spawn(ends());
            async move {
                actor.link_remote(&other).await?;
                Ok(actor)
            }
        })
        .buffer_unordered(WINDOW)
        .try_collect()
        .await
}

/// Ends the actors; returns the processor time of the server when it has seen the last end.
async fn end(server: &Server, actors: &[ActorRef<Linked>]) -> Result<u64> {
    let (mut ended, mut cpu_ns, _) = server.ask(&Ended).await?;
    for group in actors.chunks(WINDOW) {
        group.iter().for_each(ActorRef::kill);
        let awaited = ended + group.len() as u64;
        while ended < awaited {
            (ended, cpu_ns, _) = server.ask(&Ended).await?;
        }
    }
    Ok(cpu_ns)
}
