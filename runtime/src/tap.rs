//! A look at every message that a node sends and receives, for tools and demonstrations.

use std::fmt;
use std::sync::Arc;

use crate::foreign::{self, Kept};

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// This node received it.
    In,
    /// This node sent it.
    Out,
}

/// A message as it goes over a connection.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Seen<'a> {
    /// The other node's name; empty until it has said it.
    pub peer: &'a str,
    /// Which way it went.
    pub direction: Direction,
    /// Whether it belongs to the handshake, not to the session.
    pub handshake: bool,
    /// The payload, without its length.
    pub payload: &'a [u8],
}

/// A function that sees every message. It is called where the message is handled, with no lock held, and holds it up. If
/// it panics, the message is handled all the same.
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
