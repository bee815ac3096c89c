//! Observing every message that a node sends and receives, for tools and demonstrations.

use std::fmt;
use std::sync::Arc;

use crate::foreign::{self, Kept};

/// The direction of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// This node has received the message.
    In,
    /// This node sends the message.
    Out,
}

/// A message on a connection, as the function of [`NodeBuilder::tap`](crate::NodeBuilder::tap) sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Seen<'a> {
    /// The name of the other node. It is empty until that node has announced its name in the handshake.
    pub peer: &'a str,
    /// The direction of the message.
    pub direction: Direction,
    /// `true` if the message belongs to the handshake, `false` if it belongs to the session.
    pub handshake: bool,
    /// The bytes of the message, without the length prefix.
    pub payload: &'a [u8],
}

/// A function that sees every message. It is called where the message is handled, with no lock held, and delays
/// the message. If it panics, the message is handled all the same.
#[derive(Clone)]
pub(crate) struct Tap(Arc<Kept<Box<See>>>);

type See = dyn Fn(Seen<'_>) + Send + Sync;

impl Tap {
    pub(crate) fn new(see: impl Fn(Seen<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Kept::new(Box::new(see))))
    }

    pub(crate) fn see(&self, peer: &str, direction: Direction, payload: &[u8]) {
        self.show(Seen { peer, direction, handshake: false, payload });
    }

    pub(crate) fn see_handshake(&self, peer: &str, direction: Direction, payload: &[u8]) {
        self.show(Seen { peer, direction, handshake: true, payload });
    }

    fn show(&self, seen: Seen<'_>) {
        foreign::call(|| self.0.get().map(|see| see(seen)));
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}
