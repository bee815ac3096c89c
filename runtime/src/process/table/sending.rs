//! Sending messages to processes of this node and of others.

use std::sync::Arc;

use tokio::task::coop;

use super::ProcessTable;
use crate::core::{Pid, Term};
use crate::foreign::apart;
use crate::process::cell::{Cell, NotPut};
use crate::process::remote::{Denied, Later, Sender, Sent, Towards};
use crate::process::{Message, Payload, Received, Refused, SendError};
use crate::sync::Ordering;

impl ProcessTable {
    pub(crate) async fn send(
        &self,
        from: Sender<'_>,
        to: Pid,
        message: impl Payload,
    ) -> Result<(), SendError> {
        from.check()?;
        if to.is_here() {
            return Ok(send_here(from, || self.get_pid(to), || Message::of_payload(message)).await?);
        }
        self.sent(from, Towards::Process(to), || self.remote()?.send(from, to, message.as_slice())).await
    }

    /// Sends a message to a process of this node, if there is one.
    pub(crate) async fn send_message_here(
        &self,
        from: Sender<'_>,
        to: Pid,
        message: impl FnOnce() -> Message,
    ) -> Result<(), Refused> {
        from.check()?;
        send_here(from, || self.get_pid(to), message).await
    }

    pub(crate) async fn send_term(&self, from: Sender<'_>, to: Pid, mut term: Term) -> Result<(), SendError> {
        from.check()?;
        if to.is_here() {
            return Ok(send_here(from, || self.get_pid(to), || term_here(term)).await?);
        }
        self.sent(from, Towards::Process(to), || self.remote()?.send_term(from, to, &mut term)).await
    }

    pub(crate) async fn send_named_term(
        &self,
        from: Sender<'_>,
        name: &str,
        node: &str,
        mut term: Term,
    ) -> Result<(), SendError> {
        from.check()?;
        let node = &*self.completed(node)?;
        if node == self.node() {
            return Ok(send_here(from, || self.whereis_cell(name), || term_here(term)).await?);
        }
        self.sent(from, Towards::Node(node), || self.remote()?.send_named_term(from, node, name, &mut term))
            .await
    }

    pub(crate) async fn send_named(
        &self,
        from: Sender<'_>,
        name: &str,
        node: &str,
        message: impl Payload,
    ) -> Result<(), SendError> {
        from.check()?;
        let node = &*self.completed(node)?;
        if node == self.node() {
            return Ok(send_here(from, || self.whereis_cell(name), || Message::of_payload(message)).await?);
        }
        self.sent(from, Towards::Node(node), || {
            self.remote()?.send_named(from, node, name, message.as_slice())
        })
        .await
    }
}

/// Waiting for sessions.
impl ProcessTable {
    /// Repeats an attempt to send until a session accepts the message. Without a session the message is dropped.
    async fn sent(
        &self,
        from: Sender<'_>,
        towards: Towards<'_>,
        attempt: impl FnMut() -> Result<Sent, Denied>,
    ) -> Result<(), SendError> {
        match self.taken(from, towards, attempt).await? {
            Some(Sent::GoOn) => {}
            Some(Sent::MakeWay) => tokio::task::yield_now().await,
            None => {
                //= spec/session.md#ses-off-001
                //# A node MUST drop a message of its process to a pid that has no session, or to a name on a
                //# node without a session.
                self.unsent.fetch_add(1, Ordering::Relaxed);
                // A process that only sends to a lost node never waits, and must not keep its thread from others.
                coop::consume_budget().await;
            }
        }
        Ok(())
    }

    /// Repeats an attempt until a session accepts it. Returns `None` if there is no session. If the node dials when
    /// needed, a dial is made first.
    pub(super) async fn taken<T>(
        &self,
        from: Sender<'_>,
        towards: Towards<'_>,
        mut attempt: impl FnMut() -> Result<T, Denied>,
    ) -> Result<Option<T>, Refused> {
        let (mut has_dialled, mut turn) = (false, None);
        loop {
            match attempt() {
                Ok(taken) => return Ok(Some(taken)),
                Err(Denied::Refused(refused)) => return Err(refused),
                Err(Denied::Full(room)) => apart(Box::pin(room.wait(&mut turn))).await,
                Err(Denied::NotConnected) if has_dialled || !from.dials() => return Ok(None),
                Err(Denied::NotConnected) => {
                    turn = None;
                    let dial = self.connections().and_then(|connections| connections.reach(towards));
                    let Some(dial) = dial else { return Ok(None) };
                    apart(dial).await;
                    has_dialled = true;
                }
            }
        }
    }
}

/// Sends a message to a process of this node, if there is one. Waits if its mailbox is full.
async fn send_here(
    from: Sender<'_>,
    find: impl FnOnce() -> Option<Arc<Cell>>,
    message: impl FnOnce() -> Message,
) -> Result<(), Refused> {
    // A process that only sends never waits for a mailbox with room, and must not keep its thread from others. The
    // budget is consumed before the message is sent, so that a sender that is dropped here has not sent it.
    coop::consume_budget().await;
    let Some(cell) = find() else { return Ok(()) };
    match try_send_here(from, cell, message)? {
        Some(wait) => wait.await,
        None => Ok(()),
    }
}

/// Sends a message at once, or returns the future that waits for room.
fn try_send_here(
    from: Sender<'_>,
    cell: Arc<Cell>,
    message: impl FnOnce() -> Message,
) -> Result<Option<Later<'_, Result<(), Refused>>>, Refused> {
    match cell.put_here(from, Received::Message(message())) {
        Ok(wakes) => {
            wakes.wake();
            Ok(None)
        }
        Err(NotPut::Full(received)) => {
            Ok(Some(Box::pin(async move { cell.put_waiting(from, received).await })))
        }
        Err(NotPut::Refused(refused)) => Err(refused),
    }
}

pub(super) fn term_here(term: Term) -> Message {
    let (bytes, pids) = term.into_local();
    Message::short_term(&bytes, &pids).unwrap_or_else(|| Message::of_term(bytes.into(), pids))
}
