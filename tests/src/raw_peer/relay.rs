//! Somebody who ends TLS on both sides, and passes on what is said, changed or not.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{Heard, Listener, Wire, connect};

/// What becomes of a message of the handshake: NAME is 0, CHALLENGE 1, REPLY 2, ACK 3.
pub type Edit = Arc<dyn Fn(usize, Vec<u8>) -> Vec<u8> + Send + Sync>;

/// Stands before a node, in a task of its own.
pub struct Relay {
    task: tokio::task::JoinHandle<()>,
}

impl Relay {
    /// Stands at `at` and dials the node at `to` for the first connection. Whoever dials again meets nobody.
    pub async fn start(at: (Ipv4Addr, u16), to: String, edit: Edit) -> Self {
        let listener = Listener::bind_at(at.0, at.1).await;
        let task = tokio::spawn(async move {
            let dialled = listener.accept().await;
            drop(listener);
            pass(dialled, connect(&to).await, edit).await;
        });
        Self { task }
    }

    /// Goes away: its address is free then.
    pub async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

async fn pass(mut initiator: Wire, mut acceptor: Wire, edit: Edit) {
    for place in 0.. {
        let (from, to) =
            if place % 2 == 0 { (&mut initiator, &mut acceptor) } else { (&mut acceptor, &mut initiator) };
        let Heard::Payload(message) = from.hear().await else { return };
        to.say(&edit(place, message)).await;
    }
}
