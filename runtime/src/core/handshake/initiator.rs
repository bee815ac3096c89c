//! The initiator: the end that made the connection. Specification: `handshake.md`, "The initiator's course".

use std::sync::Arc;

use snow_dist_codec::handshake::{Challenge, Name, has_sentinel};
use snow_dist_codec::{Handshake, NodeName, Text};

use super::proof::{Challenged, Replied};
use super::{Channel, Established, Failure, Local, Peer, payload, read};

/// Begins a handshake with the node `dialled`: the payload of NAME, and the state that waits for its answer.
///
/// # Errors
/// [`Failure::OwnName`] for a node that dials itself. [`Failure::Tls`] over TLS 1.2 where version 1 is refused: over
/// it no extension block may be sent.
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
    Ok((name.clone(), ExpectChallenge { local, channel, dialled, name }))
}

/// NAME has been sent, and CHALLENGE is due.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExpectChallenge {
    local: Arc<Local>,
    channel: Channel,
    dialled: Arc<str>,
    /// NAME as it was sent.
    name: Vec<u8>,
}

impl ExpectChallenge {
    /// Takes the payload of a message: the payload of REPLY, and the state that waits for its answer. `random` comes
    /// from a cryptographic source, anew for each call.
    ///
    /// # Errors
    /// Everything that can be known before this end gives a proof away.
    pub fn handle(self, bytes: &[u8], random: [u8; 24]) -> Result<(Vec<u8>, ExpectAck), Failure> {
        let challenge = match read(bytes, "CHALLENGE")? {
            Handshake::Challenge(challenge) => challenge,
            other => return Err(unexpected("CHALLENGE", &other)),
        };
        let (peer, challenged) = self.judge(bytes, &challenge)?;
        //= spec/handshake.md#hs-nam-004
        //# An initiator MUST end a handshake in which the name in CHALLENGE is not the name that it dialled.
        if peer.name != self.dialled {
            return Err(Failure::Answered { dialled: self.dialled, answered: peer.name });
        }
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
        //# A node MUST make the checks of its table in the order of the table.
        match (extension, self.channel) {
            (Some(block), Channel::Tls13 { exporter }) => {
                let peer = Peer::of_block(&self.local, name, creation, &block)?;
                //= spec/handshake.md#hs-dwn-002
                //# A node MUST end a handshake in which a challenge that does not end in the sentinel comes
                //# in a message with an extension block.
                if !has_sentinel(challenge) {
                    return Err(Failure::Sentinel { message: CHALLENGE });
                }
                Ok((peer, Challenged::by(exporter, &self.name, bytes)))
            }
            //= spec/handshake.md#hs-tls-009
            //# A node MUST end a handshake in which an extension block arrives over a TLS version below 1.3.
            (Some(_), Channel::Tls12) => Err(Failure::Tls),
            //= spec/handshake.md#hs-dwn-001
            //# A node MUST end a handshake in which a challenge that ends in the sentinel comes in a message
            //# without extension block.
            (None, _) if has_sentinel(challenge) => Err(Failure::Stripped { message: CHALLENGE }),
            //= spec/handshake.md#hs-von-002
            //# An initiator that does not allow version 1 MUST NOT answer a CHALLENGE without extension
            //# block.
            // A digest of whatever challenge comes would open a version 1 node to whoever answers here.
            (None, _) if !self.local.version_1.allows(&self.dialled) => Err(Failure::Version1),
            (None, _) => {
                let challenged = Challenged::Version1 { challenge: *challenge };
                Ok((Peer::of_version_1(name, creation), challenged))
            }
        }
    }
}

/// REPLY has been sent, and ACK is due.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExpectAck {
    local: Arc<Local>,
    peer: Peer,
    replied: Replied,
}

impl ExpectAck {
    /// Returns `true` if the acceptor says by a REJECT why it refuses, as a peer of version 2 does: one that closes
    /// without a word has not judged.
    #[must_use]
    pub const fn is_told_of_refusal(&self) -> bool {
        self.peer.version != 1
    }

    /// Returns what the peer has said of itself in CHALLENGE. It has not proven it yet.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Takes the payload of a message: the handshake is over.
    ///
    /// # Errors
    /// It is not an ACK with the acceptor's proof.
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
