//! A node: a swarm of libp2p with the behaviour of kameo, as kameo's "Custom Swarm Configuration" has it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use field_common::Job;
use futures::StreamExt;
use kameo::prelude::*;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, Swarm, SwarmBuilder, noise, tcp, yamux};
use tokio::sync::{Notify, oneshot};

use crate::actors::Served;

/// The largest number of requests under way at once, as in the "Production Example" of kameo. Further ones are lost.
const REQUESTS_MAX: usize = 500;
/// Longer than the longest message that is measured, each byte of which comes to two in a request.
const REQUEST_BYTES_MAX: u64 = 64 << 20;
/// Longer than any measurement.
const IDLE_MAX: Duration = Duration::from_secs(600);
/// The pause between two looks for the actors of the other node, and the time after which the search ends.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: usize = 200;

#[derive(NetworkBehaviour)]
struct Behaviour {
    kameo: remote::Behaviour,
}

/// Starts a node with the actors that a case needs; returns what a driver needs to find it.
pub(crate) async fn serve(job: Job) -> Result<String> {
    let address = start(None).await?;
    for number in 0..job.pairs {
        Served::spawn(Served::default()).register(name(number)).await?;
    }
    Ok(address.to_string())
}

/// Starts a node, connects it to the server that has announced itself, and finds its actors.
pub(crate) async fn connect(announced: &str, actors: usize) -> Result<Vec<RemoteActorRef<Served>>> {
    start(Some(announced.parse()?)).await?;
    let mut found = Vec::with_capacity(actors);
    for number in 0..actors {
        found.push(find(&name(number)).await?);
    }
    Ok(found)
}

fn name(number: usize) -> String {
    format!("served-{number}")
}

async fn find(name: &str) -> Result<RemoteActorRef<Served>> {
    for _ in 0..LOOKS {
        // Until the nodes are connected the name is not known, or nobody is there to be asked.
        if let Ok(Some(actor)) = RemoteActorRef::lookup(name).await {
            return Ok(actor);
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!("{name} is not found")
}

/// Starts the swarm; returns the address at which it listens.
async fn start(dial: Option<Multiaddr>) -> Result<Multiaddr> {
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
        .with_behaviour(|key| {
            let config = remote::messaging::Config::default()
                .with_max_concurrent_streams(REQUESTS_MAX)
                .with_request_size_maximum(REQUEST_BYTES_MAX);
            Behaviour { kameo: remote::Behaviour::new(key.public().to_peer_id(), config) }
        })?
        .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE_MAX))
        .build();
    swarm.behaviour().kameo.try_init_global()?;
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
    let (listens, address) = oneshot::channel();
    tokio::spawn(drive(swarm, dial, listens));
    address.await.context("the swarm does not listen")
}

static DISCONNECT: Notify = Notify::const_new();

/// Ends the connections to all other nodes.
pub(crate) fn disconnect() {
    DISCONNECT.notify_one();
}

/// Runs the swarm.
async fn drive(mut swarm: Swarm<Behaviour>, dial: Option<Multiaddr>, listens: oneshot::Sender<Multiaddr>) {
    let mut listens = Some(listens);
    loop {
        let event = tokio::select! {
            event = swarm.select_next_some() => event,
            () = DISCONNECT.notified() => {
                let peers: Vec<_> = swarm.connected_peers().copied().collect();
                for peer in peers {
                    // It can only fail if there is no connection any more.
                    let _ = swarm.disconnect_peer_id(peer);
                }
                continue;
            }
        };
        match event {
            SwarmEvent::NewListenAddr { address, .. } => {
                // It dials once it listens, so that the other node learns where.
                if let Some(listens) = listens.take() {
                    let dialled = dial.clone().map_or(Ok(()), |other| swarm.dial(other));
                    // Whoever starts it is told by the channel's end if it does not dial.
                    if dialled.is_ok() {
                        let _ = listens.send(address);
                    }
                }
            }
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => {
                swarm.add_peer_address(peer_id, endpoint.get_remote_address().clone());
            }
            _ => {}
        }
    }
}
