//! Actors that monitor those of another node, until the connection ends. What ractor has of the other node's actors are actors of
//! its own here, which end with the connection; those are monitored.

use anyhow::{Result, bail};
use field_common::{Countdown, Counted, PAIRS, SETTLE, Stopwatch, Values};
use ractor::rpc::CallResult;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};
use ractor_cluster::{NodeServerMessage, RactorMessage};

use crate::actors::ServedMessage;

pub(crate) async fn disconnect(
    node: ActorRef<NodeServerMessage>,
    servers: Vec<ActorRef<ServedMessage>>,
) -> Result<Values> {
    let told = Countdown::new(PAIRS);
    for server in servers {
        // It monitors from its start on.
        Actor::spawn(None, Watcher, (server.get_cell(), told.one())).await?;
    }
    tokio::time::sleep(SETTLE).await;
    let CallResult::Success(sessions) = node.call(NodeServerMessage::GetSessions, None).await? else {
        bail!("the node does not tell its sessions")
    };
    let watch = Stopwatch::start();
    for session in sessions.values() {
        session.actor.stop(None);
    }
    told.zero().await;
    Ok(vec![("disconnect_ms", watch.wall().as_secs_f64() * 1e3)])
}

/// Monitors an actor, and ends with it.
struct Watcher;

#[derive(RactorMessage)]
enum Never {}

impl Actor for Watcher {
    type Msg = Never;
    type State = Option<Counted>;
    type Arguments = (ActorCell, Counted);

    async fn pre_start(
        &self,
        myself: ActorRef<Never>,
        (watched, told): (ActorCell, Counted),
    ) -> Result<Option<Counted>, ActorProcessingErr> {
        myself.monitor(watched);
        Ok(Some(told))
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Never>,
        event: SupervisionEvent,
        told: &mut Option<Counted>,
    ) -> Result<(), ActorProcessingErr> {
        if matches!(event, SupervisionEvent::ActorTerminated(..) | SupervisionEvent::ActorFailed(..)) {
            told.take();
            myself.stop(None);
        }
        Ok(())
    }
}
