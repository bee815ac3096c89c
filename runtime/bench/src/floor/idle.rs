//! The memory of a session that has nothing to do.

use anyhow::Result;

use super::dial;
use super::link::{DRIVER, open_for};
use super::oneway::lap;
use crate::case::{IDLE_MESSAGES, IDLE_SESSIONS, LARGE_BYTES};
use crate::child::Values;
use crate::idle;

pub(super) async fn drive(address: &str) -> Result<Values> {
    let (mut mailbox, outbound) = open_for(DRIVER, dial(address).await?);
    let before = lap(&mut mailbox, &outbound, LARGE_BYTES, IDLE_MESSAGES).await?;
    let mut sessions = Vec::with_capacity(IDLE_SESSIONS);
    for _ in 0..IDLE_SESSIONS {
        let (mut mailbox, outbound) = open_for(DRIVER, dial(address).await?);
        lap(&mut mailbox, &outbound, LARGE_BYTES, IDLE_MESSAGES).await?;
        sessions.push((mailbox, outbound));
    }
    tokio::time::sleep(idle::REST).await;
    let after = lap(&mut mailbox, &outbound, LARGE_BYTES, IDLE_MESSAGES).await?;
    Ok(idle::values(before, after))
}
