//! The initiator: the end that dialled. Specification: `handshake.md`, "The initiator's course".

use std::sync::Arc;

use snow_dist_codec::handshake::{Challenge, Name, has_sentinel};
use snow_dist_codec::{Handshake, NodeName, Text};

use super::proof::{Challenged, Replied};
use super::{Certified, Channel, Established, Failure, Local, Peer, payload, read};

/// Begins a handshake with the node `dialled`. Returns the payload of NAME, and the state that waits for CHALLENGE.
///
/// # Errors
/// Returns [`Failure::OwnName`] if `dialled` is this node's own name. Returns [`Failure::Tls`] if the channel is TLS
/// 1.2 and this node does not allow version 1 with that node, since version 2 needs TLS 1.3.
pub fn start(
    local: Arc<Local>,
    channel: Channel,
    dialled: NodeName<'_>,
) -> Result<(Vec<u8>, ExpectChallenge), Failure> {
    let dialled: Arc<str> = dialled.completed().into();
    //= spec/dist.md#dist-nam-004
    //# Completed node names MUST be compared and ordered byte by byte.
    if dialled == *local.name() {
        return Err(Failure::OwnName);
    }
    let block = match (channel, local.version_1.allows(&dialled)) {
        //= spec/handshake.md#hs-crs-004
        //# Over TLS 1.3 an initiator MUST send its NAME with an extension block, whether it allows version 1
        //# or not.
        //= spec/handshake.md#hs-dwn-004
        //# A node MUST NOT leave the extension block out of a NAME because an earlier handshake has failed.
        (Channel::Tls13 { .. }, _) => Some(local.block(&dialled)),
        //= spec/handshake.md#hs-tls-008
        //# A node MUST NOT send an extension block over a TLS version below 1.3.
        (Channel::Tls12, true) => None,
        (Channel::Tls12, false) => return Err(Failure::Tls),
    };
    let name = payload(Name {
        name: Text::from(&**local.name()),
        creation: local.creation(),
        extension: block.as_ref().map(|block| block.as_extension()),
    });
    Ok((name.clone(), ExpectChallenge { local, channel, dialled, name, certified: None }))
}

/// The state in which NAME has been sent, and the initiator waits for CHALLENGE.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExpectChallenge {
    local: Arc<Local>,
    channel: Channel,
    dialled: Arc<str>,
    /// The payload of NAME as it was sent.
    name: Vec<u8>,
    certified: Option<Certified>,
}

impl ExpectChallenge {
    /// Sets the names for which the peer's certificate is valid. The handshake with a peer of another name fails. If
    /// this is `None`, as by default, no certificate is required.
    #[must_use]
    pub fn certified(self, certified: Option<Certified>) -> Self {
        Self { certified, ..self }
    }

    /// Handles the payload of the message that has arrived, which must be a CHALLENGE. Returns the payload of REPLY,
    /// and the state that waits for ACK.
    ///
    /// `random` must come from a cryptographic random source, anew for each call.
    ///
    /// # Errors
    /// Returns a [`Failure`] in these cases, before this end has computed a proof. Close the connection then.
    /// - The message is not a valid CHALLENGE, or is a REJECT ([`Failure::Rejected`]).
    /// - A value is missing that CHALLENGE must have beside an extension block ([`Failure::Unsaid`]).
    /// - An extension block arrives over TLS 1.2 ([`Failure::Tls`]), or the extension block and the sentinel of the
    ///   challenge do not come together ([`Failure::Sentinel`], [`Failure::Stripped`]).
    /// - The two nodes have no version in common, or the acceptor speaks version 1 and this node does not allow that.
    /// - The name of the acceptor is not the one that was dialled.
    /// - The certificate of the acceptor is not valid for its name.
    /// - The bounds of the acceptor are too small for a session.
    pub fn handle(self, bytes: &[u8], random: [u8; 24]) -> Result<(Vec<u8>, ExpectAck), Failure> {
        let challenge = match read(bytes, "CHALLENGE")? {
            Handshake::Challenge(challenge) => challenge,
            other => return Err(unexpected("CHALLENGE", &other)),
        };
        let (peer, challenged) = self.judge(bytes, &challenge)?;
        //= spec/handshake.md#hs-nam-004
        //# An initiator MUST end a handshake in which the name in CHALLENGE is not the one that it dialled.
        if peer.name != self.dialled {
            return Err(Failure::Answered { dialled: self.dialled, answered: peer.name });
        }
        peer.judge_certificate(self.certified.as_ref())?;
        peer.judge_bounds()?;
        //= spec/handshake.md#hs-cky-002
        //# An initiator MUST use the first of its cookies in the whole handshake.
        let (reply, replied) = challenged.reply(self.local.cookies().first(), random);
        Ok((reply, ExpectAck { local: self.local, peer, replied }))
    }

    fn judge(&self, bytes: &[u8], challenge: &Challenge<'_>) -> Result<(Peer, Challenged), Failure> {
        const CHALLENGE: &str = "CHALLENGE";
        let &Challenge { name, creation, challenge, extension } = challenge;
        //= spec/handshake.md#hs-crs-001
        //# A node MUST make the checks of its course in their order.
        match (extension, self.channel) {
            (Some(block), Channel::Tls13 { exporter }) => {
                let peer = Peer::of_block(&self.local, name, creation, &block)?;
                //= spec/handshake.md#hs-dwn-002
                //# A node MUST end a handshake in which a challenge without the sentinel comes with an
                //# extension block.
                if !has_sentinel(challenge) {
                    return Err(Failure::Sentinel { message: CHALLENGE });
                }
                Ok((peer, Challenged::by(exporter, &self.name, bytes)))
            }
            //= spec/handshake.md#hs-tls-009
            //# A node MUST end a handshake in which an extension block arrives over a TLS version below 1.3.
            (Some(_), Channel::Tls12) => Err(Failure::Tls),
            //= spec/handshake.md#hs-dwn-001
            //# A node MUST end a handshake in which a challenge with the sentinel comes without an extension
            //# block.
            (None, _) if has_sentinel(challenge) => Err(Failure::Stripped { message: CHALLENGE }),
            //= spec/handshake.md#hs-von-002
            //# An initiator that does not allow version 1 MUST NOT answer a CHALLENGE without extension
            //# block.
            // Otherwise whoever answers here could have this node compute the digest of any challenge, and be let
            // into a version 1 node with it.
            (None, _) if !self.local.version_1.allows(&self.dialled) => Err(Failure::Version1),
            (None, _) => {
                let challenged = Challenged::Version1 { challenge: *challenge };
                Ok((Peer::of_version_1(name, creation), challenged))
            }
        }
    }
}

/// The state in which REPLY has been sent, and the initiator waits for ACK.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExpectAck {
    local: Arc<Local>,
    peer: Peer,
    replied: Replied,
}

impl ExpectAck {
    /// Returns `true` if the acceptor speaks version 2, and so reports a refusal by REJECT. If such an acceptor
    /// closes the connection without a REJECT, it has not decided on the connection. A version 1 acceptor refuses by
    /// closing the connection.
    #[must_use]
    pub const fn is_told_of_refusal(&self) -> bool {
        self.peer.version != 1
    }

    /// Returns the peer as it has described itself in CHALLENGE. Nothing of that is proven yet.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Handles the payload of the message that has arrived, which must be an ACK. On success the handshake is over,
    /// and the acceptor has proven that it knows the cookie.
    ///
    /// # Errors
    /// Returns a [`Failure`] if the message is not an ACK with a valid proof, or if it is a REJECT
    /// ([`Failure::Rejected`]). Close the connection.
    pub fn handle(self, bytes: &[u8]) -> Result<Established, Failure> {
        let ack = match read(bytes, "ACK")? {
            Handshake::Ack(ack) => ack,
            other => return Err(unexpected("ACK", &other)),
        };
        //= spec/handshake.md#hs-cky-002
        //# An initiator MUST use the first of its cookies in the whole handshake.
        self.replied.judge(self.local.cookies().first(), bytes, &ack)?;
        Ok(Established { peer: self.peer, cookie: 0 })
    }
}

//= spec/handshake.md#hs-rej-003
//# An initiator MUST NOT send REJECT.
fn unexpected(due: &'static str, found: &Handshake<'_>) -> Failure {
    match found {
        Handshake::Reject(reject) => Failure::rejected(reject),
        other => Failure::Unexpected { due, found: other.name() },
    }
}
