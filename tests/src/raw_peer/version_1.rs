//! A node of version 1, as an unmodified one is seen on the wire: no extension block, digests of challenges without the
//! sentinel, and pids of its own with neither node id nor creation.

use snow_dist_codec::handshake::{Ack, Capabilities, Challenge, Name, Reply};
use snow_dist_codec::{Handshake, Reading};
use snow_dist_runtime::core::handshake::{Bounds, Peer};

use super::by_hand::{digest, payload};
use super::{Heard, Listener, NoSession, RawSession, Wire, address, connect};
use crate::program::COOKIE;

/// The creation that it announces.
const CREATION: u8 = 1;

/// Its challenges. Nothing depends on their being unknown.
const CHALLENGE: [u8; 32] = [0x5A; 32];

/// A version 1 node that knows the cookie.
#[derive(Clone, Debug)]
pub struct OldNode {
    name: String,
}

/// One of its connections that waits for the last message of the handshake.
pub struct OldWire {
    pub wire: Wire,
    peer: Peer,
}

impl OldNode {
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    /// Dials a node.
    ///
    /// # Errors
    /// The node does not want it: it closes.
    pub async fn dial(&self, node: &str) -> Result<RawSession, NoSession> {
        self.dial_to_reply(node).await?.acked().await
    }

    /// Dials a node that takes it.
    pub async fn join(&self, node: &str) -> RawSession {
        self.dial(node).await.unwrap()
    }

    /// Dials a node, up to REPLY.
    ///
    /// # Errors
    /// As [`OldNode::dial`].
    pub async fn dial_to_reply(&self, node: &str) -> Result<OldWire, NoSession> {
        let mut wire = connect(address(node)).await;
        wire.say(&payload(Name { name: self.name.as_str().into(), creation: CREATION, extension: None }))
            .await;
        let Heard::Payload(came) = wire.hear().await else { return Err(NoSession::Ended) };
        let Handshake::Challenge(challenge) = read(&came) else { panic!("no CHALLENGE: {came:?}") };
        assert_eq!((challenge.name.as_str(), challenge.extension), (node, None));
        let digest = digest(COOKIE, challenge.challenge);
        let peer = peer(challenge.name.as_str());
        wire.say(&payload(Reply { digest: &digest, challenge: &CHALLENGE, proof: None })).await;
        Ok(OldWire { wire, peer })
    }

    /// Takes a node's next dial.
    ///
    /// # Errors
    /// The node does not go on: it closes.
    pub async fn accept(&self, listener: &Listener) -> Result<RawSession, NoSession> {
        let (mut accepted, asked) = self.accept_to_reply(listener).await?;
        accepted.ack(&asked).await;
        Ok(accepted.session())
    }

    /// Takes a node's next dial, up to REPLY. Gives the challenge of that, too.
    ///
    /// # Errors
    /// As [`OldNode::accept`].
    pub async fn accept_to_reply(&self, listener: &Listener) -> Result<(OldWire, [u8; 32]), NoSession> {
        let mut wire = listener.accept().await;
        let came = wire.hear().await.payload();
        let Handshake::Name(name) = read(&came) else { panic!("no NAME: {came:?}") };
        // It does not see the block behind the name.
        let peer = peer(name.name.as_str());
        let challenge = Challenge {
            name: self.name.as_str().into(),
            creation: CREATION,
            challenge: &CHALLENGE,
            extension: None,
        };
        wire.say(&payload(challenge)).await;
        let Heard::Payload(came) = wire.hear().await else { return Err(NoSession::Ended) };
        let Handshake::Reply(reply) = read(&came) else { panic!("no REPLY: {came:?}") };
        assert_eq!((*reply.digest, reply.proof), (digest(COOKIE, &CHALLENGE), None));
        let asked = *reply.challenge;
        Ok((OldWire { wire, peer }, asked))
    }
}

impl OldWire {
    /// Sends ACK: the digest of what REPLY has asked.
    pub async fn ack(&mut self, asked: &[u8; 32]) {
        self.wire.say(&payload(Ack { digest: &digest(COOKIE, asked), proof: None })).await;
    }

    /// The session, once the node has sent ACK.
    ///
    /// # Errors
    /// It closes instead.
    pub async fn acked(mut self) -> Result<RawSession, NoSession> {
        let Heard::Payload(came) = self.wire.hear().await else { return Err(NoSession::Ended) };
        let Handshake::Ack(ack) = read(&came) else { panic!("no ACK: {came:?}") };
        assert_eq!((*ack.digest, ack.proof), (digest(COOKIE, &CHALLENGE), None));
        Ok(self.session())
    }

    /// Its pids, and those of the node that it has not been given, have node id and creation 0.
    fn session(self) -> RawSession {
        RawSession::new(self.wire, self.peer, 0)
    }
}

fn read(came: &[u8]) -> Handshake<'_> {
    Handshake::decode(came, Reading::Compatible).unwrap()
}

fn peer(name: &str) -> Peer {
    Peer {
        name: name.into(),
        creation: 0,
        incarnation: None,
        version: 1,
        bounds: Bounds::default(),
        capabilities: Capabilities::NONE,
    }
}
