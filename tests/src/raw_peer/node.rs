//! Who the peer is, and its handshakes.

use std::num::NonZeroU64;
use std::sync::Arc;

use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::limits::HANDSHAKE_BYTES_MAX;
use snow_dist_codec::{NodeName, framing};
use snow_dist_runtime::core::Cookie;
use snow_dist_runtime::core::handshake::{Failure, Local, acceptor, initiator};

use super::{Heard, Listener, RawSession, Wire, address, connect};
use crate::program::COOKIE;

/// A node as its handshakes need it. All of it may be changed.
#[derive(Clone)]
pub struct RawNode {
    /// What it says of itself.
    pub local: Local,
}

/// Why a peer got no session.
#[derive(Debug)]
pub enum NoSession {
    /// The peer's own check failed, or it was told by REJECT.
    Failed(Failure),
    /// The node ended the connection without a word.
    Ended,
}

impl NoSession {
    /// The code of the REJECT that must have come.
    #[track_caller]
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            Self::Failed(Failure::Rejected { code, .. }) => *code,
            other => panic!("no REJECT: {other:?}"),
        }
    }
}

/// A node has sent CHALLENGE, and waits for REPLY.
pub struct Challenged {
    wire: Wire,
    expect_challenge: initiator::ExpectChallenge,
    challenge: Vec<u8>,
}

impl Challenged {
    async fn reply(self) -> Result<(Wire, initiator::ExpectAck), NoSession> {
        let Self { mut wire, expect_challenge, challenge } = self;
        let (reply, expect_ack) = expect_challenge.handle(&challenge, RANDOM).map_err(NoSession::Failed)?;
        say(&mut wire, &reply).await?;
        Ok((wire, expect_ack))
    }
}

impl RawNode {
    /// A node that knows the cookie.
    #[must_use]
    pub fn new(name: &str, incarnation: u64) -> Self {
        Self::with_cookie(name, incarnation, COOKIE)
    }

    /// A node that knows another one.
    #[must_use]
    pub fn with_cookie(name: &str, incarnation: u64, cookie: &str) -> Self {
        let cookie = Cookie::new(cookie).unwrap();
        let incarnation = NonZeroU64::new(incarnation).unwrap();
        Self { local: Local::new(NodeName::parse(name).unwrap(), incarnation, cookie.into()) }
    }

    /// The same, which announces these capabilities.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.local.capabilities = capabilities;
        self
    }

    /// Its NAME.
    #[must_use]
    pub fn hello(&self, wire: &Wire) -> Vec<u8> {
        let anyone = NodeName::parse("anyone@h:1").unwrap();
        initiator::start(Arc::new(self.local.clone()), wire.channel(), anyone).unwrap().0
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.local.name()
    }

    /// Dials a node.
    ///
    /// # Errors
    /// The node does not want it.
    pub async fn dial(&self, node: &str) -> Result<RawSession, NoSession> {
        self.initiate(connect(address(node)).await, node).await
    }

    /// Dials a node that takes it.
    pub async fn join(&self, node: &str) -> RawSession {
        self.dial(node).await.unwrap()
    }

    /// The initiator's part.
    ///
    /// # Errors
    /// The node does not want it.
    pub async fn initiate(&self, wire: Wire, node: &str) -> Result<RawSession, NoSession> {
        self.answer(self.initiate_to_challenge(wire, node).await?).await
    }

    /// The rest of the initiator's part.
    ///
    /// # Errors
    /// The node does not want it.
    pub async fn answer(&self, challenged: Challenged) -> Result<RawSession, NoSession> {
        let (mut wire, expect_ack) = challenged.reply().await?;
        let ack = heard(&mut wire).await?;
        let established = expect_ack.handle(&ack).map_err(NoSession::Failed)?;
        Ok(RawSession::new(wire, established.peer, self.local.creation()))
    }

    /// The initiator's part, up to REPLY.
    ///
    /// # Errors
    /// The node does not want it.
    pub async fn initiate_to_reply(
        &self,
        wire: Wire,
        node: &str,
    ) -> Result<(Wire, initiator::ExpectAck), NoSession> {
        self.initiate_to_challenge(wire, node).await?.reply().await
    }

    /// The initiator's part, up to CHALLENGE, which is not answered yet.
    ///
    /// # Errors
    /// The node does not want it.
    pub async fn initiate_to_challenge(&self, mut wire: Wire, node: &str) -> Result<Challenged, NoSession> {
        let dialled = NodeName::parse(node).unwrap();
        let (name, expect_challenge) =
            initiator::start(Arc::new(self.local.clone()), wire.channel(), dialled)
                .map_err(NoSession::Failed)?;
        say(&mut wire, &name).await?;
        let challenge = heard(&mut wire).await?;
        Ok(Challenged { wire, expect_challenge, challenge })
    }

    /// Takes a node's next dial.
    pub async fn accept(&self, listener: &Listener) -> RawSession {
        let (mut wire, verified) = self.accept_to_reply(listener).await;
        let (ack, established) = verified.accept();
        wire.say(&ack).await;
        RawSession::new(wire, established.peer, self.local.creation())
    }

    /// Takes a node's next dial, up to REPLY.
    pub async fn accept_to_reply(&self, listener: &Listener) -> (Wire, acceptor::Verified) {
        let mut wire = listener.accept().await;
        let name = wire.hear().await.payload();
        let expect_name = acceptor::start(Arc::new(self.local.clone()), wire.channel());
        let (challenge, expect_reply) = expect_name.handle(&name, RANDOM).unwrap();
        wire.say(&challenge).await;
        let reply = wire.hear().await.payload();
        (wire, expect_reply.handle(&reply).unwrap())
    }
}

/// Nothing depends on this being unknown: it is the node's randomness that is tested.
const RANDOM: [u8; 24] = [0x5A; 24];

async fn say(wire: &mut Wire, payload: &[u8]) -> Result<(), NoSession> {
    let mut message = Vec::new();
    framing::put(payload, HANDSHAKE_BYTES_MAX, &mut message).unwrap();
    wire.try_write(&message).await.map_err(|_| NoSession::Ended)
}

async fn heard(wire: &mut Wire) -> Result<Vec<u8>, NoSession> {
    match wire.hear().await {
        Heard::Payload(payload) => Ok(payload),
        Heard::Closed | Heard::Broken(_) => Err(NoSession::Ended),
    }
}
