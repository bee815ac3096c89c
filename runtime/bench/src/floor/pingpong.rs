//! A message to and fro.

use anyhow::{Context, Result};

use super::Stream;
use super::frame::Frame;
use super::link::{DRIVER, SERVER, open_for};
use crate::case::SMALL_BYTES;
use crate::child::Values;
use crate::pingpong::Trips;

/// Sends back what it receives.
pub(super) async fn serve(stream: Stream) -> Result<()> {
    let (mut mailbox, outbound) = open_for(SERVER, stream);
    while let Some(payload) = mailbox.recv().await {
        outbound.send(Frame::Message { to: DRIVER, payload }).await?;
    }
    Ok(())
}

pub(super) async fn drive(stream: Stream) -> Result<Values> {
    let (mut mailbox, outbound) = open_for(DRIVER, stream);
    let payload = [b'x'; SMALL_BYTES];
    let mut trips = Trips::new();
    while trips.goes_on() {
        trips.begin();
        outbound.send(Frame::Message { to: SERVER, payload: payload.as_slice().into() }).await?;
        mailbox.recv().await.context("the server is gone")?;
        trips.end();
    }
    Ok(trips.values())
}
