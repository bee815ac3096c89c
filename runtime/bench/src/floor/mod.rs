//! The floor: what tokio and rustls leave to a runtime that has mailboxes and nothing else.
//!
//! A message goes from a task through a queue to the connection's writer, and from its reader through a mailbox to
//! a task. There are no links, no monitors, no names, no heartbeat, no limits and no wrong input. The frames are as
//! long as those of DIST, and are not DIST.

pub(crate) mod frame;
mod idle;
pub(crate) mod link;
mod local;
mod oneway;
mod pairs;
mod pingpong;
mod sessions;
mod storm;
mod tail;
mod tls;
mod watchers;

use std::sync::Arc;

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsStream;

use crate::case::{Case, IDLE_MESSAGES, Job, LARGE_BYTES, LARGE_MESSAGES, SMALL_BYTES, SMALL_MESSAGES};
use crate::child::{Lacks, Values, announce};
use crate::meter::{cpu_ns, resident};
use crate::sessions::Counts;

pub(crate) type Stream = TlsStream<TcpStream>;

const NO_CALLS: Lacks = Lacks("the floor has no calls");
const NO_MAILBOX: Lacks = Lacks("the floor has no mailbox that could be searched");
const NO_MESH: Lacks = Lacks("the floor has no nodes that tell each other of nodes");
const NO_LINKS: Lacks = Lacks("the floor keeps no links");
const NO_HEARTBEAT: Lacks = Lacks("the floor has no heartbeat: see idle");

/// Measures what needs no server.
pub(crate) async fn alone(job: Job) -> Result<Values> {
    match job.case {
        Case::LocalOneway => local::oneway().await,
        Case::LocalPingpong => local::pingpong().await,
        Case::LocalSpawn => local::spawn().await,
        Case::LocalIdle => local::idle().await,
        Case::Mesh => Err(NO_MESH.into()),
        _ => Err(NO_MAILBOX.into()),
    }
}

/// Serves until it is killed.
pub(crate) async fn serve(job: Job) -> Result<()> {
    match job.case {
        Case::Call | Case::Calls => return Err(NO_CALLS.into()),
        Case::Delay | Case::FanIn => return Err(NO_LINKS.into()),
        Case::IdleSessions => return Err(NO_HEARTBEAT.into()),
        _ => {}
    }
    let counts = Arc::new(Counts::default());
    listen(move |stream| serve_one(job, stream, Arc::clone(&counts))).await
}

/// Announces an address and serves whoever connects, each in a task of its own.
pub(crate) async fn listen<Fut>(serve: impl Fn(Stream) -> Fut + Clone + Send + 'static) -> Result<()>
where
    Fut: Future<Output = Result<()>> + Send,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let acceptor = tls::acceptor()?;
    announce(&listener.local_addr()?.to_string())?;
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let (acceptor, serve) = (acceptor.clone(), serve.clone());
        // A connection that breaks has no one left to tell.
        tokio::spawn(async move {
            let stream = acceptor.accept(socket).await?;
            serve(stream.into()).await
        });
    }
}

async fn serve_one(job: Job, stream: Stream, counts: Arc<Counts>) -> Result<()> {
    match job.case {
        Case::Oneway64 => oneway::serve(stream, SMALL_MESSAGES, cpu_ns).await,
        Case::Oneway16k => oneway::serve(stream, LARGE_MESSAGES, cpu_ns).await,
        Case::PingpongOneCore | Case::PingpongTwoCores => pingpong::serve(stream).await,
        Case::Pairs => pairs::serve(stream).await,
        Case::Disconnect | Case::Loss => watchers::serve(stream).await,
        Case::Idle => oneway::serve(stream, IDLE_MESSAGES, resident).await,
        Case::Cores | Case::Sessions => sessions::serve(stream, counts).await,
        Case::Storm => oneway::serve(stream, 1, cpu_ns).await,
        Case::Tail => tail::serve(stream, job).await,
        _ => Ok(()),
    }
}

/// Measures against a server at `address`.
pub(crate) async fn drive(job: Job, address: &str) -> Result<Values> {
    match job.case {
        Case::Oneway64 => oneway::drive(dial(address).await?, SMALL_BYTES, SMALL_MESSAGES).await,
        Case::Oneway16k => oneway::drive(dial(address).await?, LARGE_BYTES, LARGE_MESSAGES).await,
        Case::PingpongOneCore | Case::PingpongTwoCores => pingpong::drive(dial(address).await?).await,
        Case::Pairs => pairs::drive(dial(address).await?).await,
        Case::Disconnect => watchers::disconnect(dial(address).await?).await,
        Case::Loss => watchers::loss(address).await,
        Case::Idle => idle::drive(address).await,
        Case::Cores | Case::Sessions => sessions::drive(address, job).await,
        Case::Storm => storm::drive(address, job.size).await,
        Case::Tail => tail::drive(dial(address).await?, job).await,
        _ => Err(NO_LINKS.into()),
    }
}

pub(crate) async fn dial(address: &str) -> Result<Stream> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    Ok(tls::connector()?.connect(tls::server_name()?, socket).await?.into())
}
