//! The bare stream: frames that are written to TLS and counted where they are read. There are no mailboxes, and no tasks beside
//! the two that write and read: no runtime is faster than this on tokio and rustls.

mod oneway;
mod pingpong;

use anyhow::Result;
use tokio::io::{ReadHalf, WriteHalf};

use crate::case::{Case, Job, LARGE_BYTES, LARGE_MESSAGES, SMALL_BYTES, SMALL_MESSAGES};
use crate::child::{Lacks, Values};
use crate::floor::frame::Reader;
use crate::floor::{Stream, dial, listen};

const NO_PROCESSES: Lacks = Lacks("a stream has no processes");

/// Measures nothing: all that needs no server is about processes.
pub(crate) fn alone() -> Result<Values> {
    Err(NO_PROCESSES.into())
}

/// Serves until it is killed.
pub(crate) async fn serve(job: Job) -> Result<()> {
    match job.case {
        Case::Oneway64 => listen(|stream| oneway::serve(stream, SMALL_MESSAGES)).await,
        Case::Oneway16k => listen(|stream| oneway::serve(stream, LARGE_MESSAGES)).await,
        Case::PingpongOneCore | Case::PingpongTwoCores => listen(pingpong::serve).await,
        _ => Err(NO_PROCESSES.into()),
    }
}

/// Measures against a server at `address`.
pub(crate) async fn drive(job: Job, address: &str) -> Result<Values> {
    match job.case {
        Case::Oneway64 => oneway::drive(dial(address).await?, SMALL_BYTES, SMALL_MESSAGES).await,
        Case::Oneway16k => oneway::drive(dial(address).await?, LARGE_BYTES, LARGE_MESSAGES).await,
        Case::PingpongOneCore | Case::PingpongTwoCores => pingpong::drive(dial(address).await?).await,
        _ => Err(NO_PROCESSES.into()),
    }
}

fn open(stream: Stream) -> (Reader<ReadHalf<Stream>>, WriteHalf<Stream>) {
    let (read, write) = tokio::io::split(stream);
    (Reader::new(read), write)
}
