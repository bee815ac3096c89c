//! A node of a cluster, and how the actors of two nodes find each other: each side's are in a group of its own.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ractor::{Actor, ActorRef, pg};
use ractor_cluster::node::NodeConnectionMode;
use ractor_cluster::{IncomingEncryptionMode, NodeServer, NodeServerMessage};
use rustls::pki_types::{CertificateDer, ServerName};

use crate::actors::{Served, ServedMessage};
use crate::tls;

/// The group of the actors that serve.
pub(crate) const SERVERS: &str = "servers";
/// The group of the actor that drives.
pub(crate) const DRIVERS: &str = "drivers";

const COOKIE: &str = "a cookie for measurements on one machine";
const LOCALHOST: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// Longer than the longest message that is measured, which is as long as the default.
const FRAME_BYTES_MAX: u64 = 32 << 20;
/// The pause between two looks for the actors of the other node, and the time after which the search ends.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS: usize = 6_000;

/// Starts a node with as many actors that serve; returns what a driver needs to find it.
pub(crate) async fn serve(actors: usize) -> Result<String> {
    let mut served = Vec::with_capacity(actors);
    for _ in 0..actors {
        served.push(Actor::spawn(None, Served, ()).await?.0.get_cell());
    }
    pg::join(SERVERS.to_owned(), served);
    // A node does not tell the port that it listens at, so it is given one that is free.
    let port = TcpListener::bind((LOCALHOST, 0))?.local_addr()?.port();
    let (acceptor, certificate) = tls::acceptor()?;
    start("server", port, Some(IncomingEncryptionMode::Tls(acceptor))).await?;
    Ok(format!("{port} {}", hex::encode(certificate)))
}

/// Starts a node, and connects it to the server that has announced itself.
pub(crate) async fn connect(announced: &str) -> Result<ActorRef<NodeServerMessage>> {
    let (port, certificate) = announced.split_once(' ').context("the server announced something else")?;
    let connector = tls::connector(CertificateDer::from(hex::decode(certificate)?))?;
    let node = start("driver", 0, None).await?;
    let address = (LOCALHOST, port.parse::<u16>()?);
    let name = ServerName::try_from(tls::NAME)?;
    ractor_cluster::client_connect_enc(&node, address, connector, name).await?;
    Ok(node)
}

async fn start(
    name: &str,
    port: u16,
    encryption: Option<IncomingEncryptionMode>,
) -> Result<ActorRef<NodeServerMessage>> {
    let (name, host) = (name.to_owned(), tls::NAME.to_owned());
    let mode = Some(NodeConnectionMode::Isolated);
    let node = NodeServer::new(port, COOKIE.to_owned(), name, host, encryption, mode)
        .with_listen_addr(LOCALHOST.into())
        .with_max_inbound_frame_size(FRAME_BYTES_MAX);
    Ok(Actor::spawn(None, node, ()).await?.0)
}

/// Waits until `count` actors of the other node's are known here.
pub(crate) async fn servers(count: usize) -> Result<Vec<ActorRef<ServedMessage>>> {
    for _ in 0..LOOKS {
        let known = remote(SERVERS);
        if known.len() == count {
            return Ok(known);
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!("the actors of the other node do not become known")
}

/// The actors of a group that belong to the other node.
pub(crate) fn remote<M>(group: &str) -> Vec<ActorRef<M>> {
    let members = pg::get_members(&group.to_owned()).into_iter();
    members.filter(|actor| !actor.get_id().is_local()).map(ActorRef::from).collect()
}
