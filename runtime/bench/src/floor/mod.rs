//! The floor: what tokio and rustls leave to a runtime that has mailboxes and nothing else.
//!
//! A message goes from a task through a queue to the connection's writer, and from its reader through a mailbox to
//! a task. There are no links, no monitors, no names, no heartbeat, no limits and no wrong input. The frames are as
//! long as those of DIST, and are not DIST.

mod frame;
mod idle;
mod link;
mod oneway;
mod pairs;
mod pingpong;
mod tls;
mod watchers;

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsStream;

use crate::case::{Case, IDLE_MESSAGES, LARGE_BYTES, LARGE_MESSAGES, SMALL_BYTES, SMALL_MESSAGES};
use crate::child::{Values, announce};
use crate::meter;

type Stream = TlsStream<TcpStream>;

/// Serves until it is killed.
pub(crate) async fn serve(case: Case) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let acceptor = tls::acceptor()?;
    announce(&listener.local_addr()?.to_string())?;
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let stream = acceptor.accept(socket).await?;
        tokio::spawn(serve_one(case, stream.into()));
    }
}

/// A connection that breaks has no one left to tell.
async fn serve_one(case: Case, stream: Stream) {
    let _ = match case {
        Case::Oneway64 => oneway::serve(stream, SMALL_MESSAGES, meter::cpu_ns).await,
        Case::Oneway16k => oneway::serve(stream, LARGE_MESSAGES, meter::cpu_ns).await,
        Case::PingpongOneCore | Case::PingpongTwoCores => pingpong::serve(stream).await,
        Case::Pairs => pairs::serve(stream).await,
        Case::Disconnect | Case::Loss => watchers::serve(stream).await,
        Case::Delay => Ok(()),
        Case::Idle => oneway::serve(stream, IDLE_MESSAGES, meter::resident).await,
    };
}

/// Measures against a server at `address`.
pub(crate) async fn drive(case: Case, address: &str) -> Result<Values> {
    match case {
        Case::Oneway64 => oneway::drive(dial(address).await?, SMALL_BYTES, SMALL_MESSAGES).await,
        Case::Oneway16k => oneway::drive(dial(address).await?, LARGE_BYTES, LARGE_MESSAGES).await,
        Case::PingpongOneCore | Case::PingpongTwoCores => pingpong::drive(dial(address).await?).await,
        Case::Pairs => pairs::drive(dial(address).await?).await,
        Case::Disconnect => watchers::disconnect(dial(address).await?).await,
        Case::Loss => watchers::loss(address).await,
        // There is no end of a process to be told.
        Case::Delay => Ok(Values::new()),
        Case::Idle => idle::drive(address).await,
    }
}

async fn dial(address: &str) -> Result<Stream> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    Ok(tls::connector()?.connect(tls::server_name()?, socket).await?.into())
}
