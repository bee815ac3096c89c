//! Messages one way.

use std::hint::black_box;

use anyhow::{Result, bail};
use tokio::io::AsyncWriteExt;

use super::open;
use crate::child::Values;
use crate::floor::Stream;
use crate::floor::frame::{Arrived, write_message};
use crate::floor::link::{DRIVER, SERVER, WRITE_BYTES, number};
use crate::meter::cpu_ns;
use crate::oneway::Laps;

/// Reads `count` messages, then answers with the processor time, time and again.
pub(super) async fn serve(stream: Stream, count: usize) -> Result<()> {
    let (mut reader, mut write) = open(stream);
    let mut out = Vec::new();
    loop {
        for _ in 0..count {
            let Some(Arrived::Message { payload, .. }) = reader.next().await? else { return Ok(()) };
            black_box(payload);
        }
        out.clear();
        write_message(&mut out, DRIVER, &cpu_ns().to_le_bytes())?;
        write.write_all(&out).await?;
        write.flush().await?;
    }
}

pub(super) async fn drive(stream: Stream, bytes: usize, count: usize) -> Result<Values> {
    let (mut reader, mut write) = open(stream);
    let (payload, mut out) = (vec![b'x'; bytes], Vec::with_capacity(2 * WRITE_BYTES));
    let mut laps = Laps::new(bytes, count);
    for _ in 0..Laps::COUNT {
        laps.start();
        for _ in 0..count {
            write_message(&mut out, SERVER, &payload)?;
            if out.len() >= WRITE_BYTES {
                write.write_all(&out).await?;
                out.clear();
            }
        }
        write.write_all(&out).await?;
        write.flush().await?;
        out.clear();
        let Some(Arrived::Message { payload, .. }) = reader.next().await? else {
            bail!("the server is gone")
        };
        laps.end(number(payload));
    }
    Ok(laps.values())
}
