//! Waiting for room in the queue of a session. Specification: `connection.md`, "Queues".

use std::sync::Arc;

use tokio::sync::futures::OwnedNotified;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The entrance to the queue of a session. One sender at a time waits at it until there is room, and has its *turn*;
/// the others wait for the turn, first come first served.
#[derive(Clone, Debug)]
pub(crate) struct Entrance {
    turns: Arc<Semaphore>,
    opens: Arc<Notify>,
}

/// The turn of a sender, which keeps it until the session has accepted what it sends. Without that, whoever is
/// scheduled first whenever there is room could keep the others waiting for ever.
pub(crate) type Turn = OwnedSemaphorePermit;

/// Waits for room. Made when the queue was found full.
#[derive(Debug)]
pub(crate) struct Room {
    turns: Arc<Semaphore>,
    opens: OwnedNotified,
}

impl Default for Entrance {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(1)), opens: Arc::default() }
    }
}

impl Entrance {
    /// Begins to wait. Must be called under the lock under which the queue was found full, so that room made from
    /// then on is not missed.
    pub(crate) fn wait(&self) -> Box<Room> {
        Box::new(Room { turns: self.turns.clone(), opens: self.opens.clone().notified_owned() })
    }

    /// Returns `true` if a sender has the turn.
    pub(crate) fn is_taken(&self) -> bool {
        self.turns.available_permits() == 0
    }

    /// Lets the sender in that has the turn. Must be called with no lock held.
    pub(crate) fn open(&self) {
        self.opens.notify_waiters();
    }

    /// Lets all senders try, since the session accepts nothing more. Must be called with no lock held.
    pub(crate) fn close(&self) {
        self.turns.close();
        self.open();
    }
}

impl Room {
    /// Waits for the turn, or, if the sender has it, until the session may accept more. The next attempt can still
    /// find the queue full.
    pub(crate) async fn wait(self: Box<Self>, turn: &mut Option<Turn>) {
        if turn.is_some() {
            self.opens.await;
        } else {
            // There are no more turns when the session has ended, as the next attempt finds out.
            *turn = self.turns.acquire_owned().await.ok();
        }
    }
}
