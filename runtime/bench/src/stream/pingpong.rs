//! A message to and fro.

use anyhow::{Result, bail};
use tokio::io::{AsyncWriteExt, WriteHalf};

use super::open;
use crate::case::SMALL_BYTES;
use crate::child::Values;
use crate::floor::Stream;
use crate::floor::frame::{Arrived, write_message};
use crate::floor::link::{DRIVER, SERVER};
use crate::pingpong::Trips;

/// Sends back what it reads.
pub(super) async fn serve(stream: Stream) -> Result<()> {
    let (mut reader, mut write) = open(stream);
    let mut out = Vec::new();
    while let Some(Arrived::Message { payload, .. }) = reader.next().await? {
        send(&mut write, &mut out, DRIVER, payload).await?;
    }
    Ok(())
}

pub(super) async fn drive(stream: Stream) -> Result<Values> {
    let (mut reader, mut write) = open(stream);
    let (mut trips, mut out) = (Trips::new(), Vec::new());
    while trips.goes_on() {
        trips.begin();
        send(&mut write, &mut out, SERVER, &[b'x'; SMALL_BYTES]).await?;
        if reader.next().await?.is_none() {
            bail!("the server is gone");
        }
        trips.end();
    }
    Ok(trips.values())
}

async fn send(write: &mut WriteHalf<Stream>, out: &mut Vec<u8>, to: u64, payload: &[u8]) -> Result<()> {
    out.clear();
    write_message(out, to, payload)?;
    write.write_all(out).await?;
    Ok(write.flush().await?)
}
