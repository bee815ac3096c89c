//! The acceptor: the end that took the connection. Specification: `handshake.md`, "The acceptor's course".

use std::sync::Arc;

use snow_dist_codec::handshake::{Challenge, MAGIC, Name, challenge};
use snow_dist_codec::{Handshake, Text};

use super::failure::reject;
use super::proof::{Challenged, Replied};
use super::{Channel, Cookie, Established, Failure, Local, Peer, Refusal, payload, read};

/// Begins a handshake on a connection that was taken: the state that waits for NAME.
#[must_use]
pub const fn start(local: Arc<Local>, channel: Channel) -> ExpectName {
    ExpectName { local, channel }
}

/// NAME is due.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExpectName {
    local: Arc<Local>,
    channel: Channel,
}

impl ExpectName {
    /// Takes the payload of a message: the payload of CHALLENGE, and the state that waits for its answer. `random`
    /// comes from a cryptographic source, anew for each call.
    ///
    /// # Errors
    /// It is not a NAME that this end answers.
    pub fn handle(self, bytes: &[u8], random: [u8; 24]) -> Result<(Vec<u8>, ExpectReply), Refusal> {
        // The magic is not UTF-8, so no name holds it: whoever sends it speaks version 2, be its message whole or not.
        //= spec/handshake.md#hs-rej-004
        //# An acceptor MUST NOT send REJECT to a peer that has not sent the magic of an extension block.
        let has_block = || bytes.windows(MAGIC.len()).any(|part| part == MAGIC);
        let (peer, exporter) = self.judge(bytes).map_err(|failure| Refusal::new(failure, has_block()))?;

        //= spec/handshake.md#hs-crs-003
        //# An acceptor MUST send its CHALLENGE with an extension block if NAME had one, and without one if it
        //# had none.
        let block = exporter.map(|_| self.local.block(&peer.name));
        //= spec/handshake.md#hs-sen-001
        //# A node that speaks version 2 MUST end each challenge that it writes, in CHALLENGE and in REPLY,
        //# with the eight bytes of the sentinel.
        let challenge = challenge(random);
        let answer = payload(Challenge {
            name: Text::from(&**self.local.name()),
            creation: self.local.creation(),
            challenge: &challenge,
            extension: block.as_ref().map(|block| block.as_extension()),
        });
        let challenged = match exporter {
            Some(exporter) => Challenged::by(exporter, bytes, &answer),
            None => Challenged::Version1 { challenge },
        };
        Ok((answer, ExpectReply { local: self.local, peer, challenged }))
    }

    /// Who the peer says it is, and for version 2 the channel.
    fn judge(&self, bytes: &[u8]) -> Result<(Peer, Option<[u8; 32]>), Failure> {
        let Name { name, creation, extension } = match read(bytes, "NAME")? {
            Handshake::Name(name) => name,
            other => return Err(Failure::Unexpected { due: "NAME", found: other.name() }),
        };
        //= spec/handshake.md#hs-crs-001
        //# A node MUST make the checks of its table in the order of the table.
        match (extension, self.channel) {
            (Some(block), Channel::Tls13 { exporter }) => {
                Ok((Peer::of_block(&self.local, name, creation, &block)?, Some(exporter)))
            }
            //= spec/handshake.md#hs-tls-009
            //# A node MUST end a handshake in which an extension block arrives over a TLS version below 1.3.
            (Some(_), Channel::Tls12) => Err(Failure::Tls),
            //= spec/handshake.md#hs-von-003
            //# An acceptor that does not allow version 1 MUST NOT answer a NAME without extension block.
            (None, _) => {
                let peer = Peer::of_version_1(name, creation);
                let allowed = self.local.version_1.allows(&peer.name);
                if allowed { Ok((peer, None)) } else { Err(Failure::Version1) }
            }
        }
    }
}

/// CHALLENGE has been sent, and REPLY is due.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExpectReply {
    local: Arc<Local>,
    peer: Peer,
    challenged: Challenged,
}

impl ExpectReply {
    /// Who the peer says it is, which it has not shown yet: for a log, and for nothing else.
    #[must_use]
    pub const fn claimed(&self) -> &Peer {
        &self.peer
    }

    /// Takes the payload of a message: the peer has shown that it knows the cookie.
    ///
    /// # Errors
    /// It is not a REPLY with the initiator's proof, or no session with that peer can be.
    pub fn handle(self, bytes: &[u8]) -> Result<Verified, Refusal> {
        let has_block = self.challenged.has_block();
        self.judge(bytes).map_err(|failure| Refusal::new(failure, has_block))
    }

    fn judge(self, bytes: &[u8]) -> Result<Verified, Failure> {
        let reply = match read(bytes, "REPLY")? {
            Handshake::Reply(reply) => reply,
            other => return Err(Failure::Unexpected { due: "REPLY", found: other.name() }),
        };
        let (place, cookie, replied) = self.challenged.judge(self.local.cookies(), bytes, &reply)?;
        //= spec/handshake.md#hs-nam-005
        //# An acceptor MUST refuse a peer whose name is its own name or no `node-name`, but not before it has
        //# verified REPLY.
        // Only now: what a name is refused for tells about this node.
        self.peer.judge_name(&self.local)?;
        self.peer.judge_bounds()?;
        Ok(Verified { place, cookie: cookie.clone(), replied, peer: self.peer })
    }
}

/// REPLY has been verified: the peer knows the cookie, and in version 2 has itself said all that it seems to have
/// said. Whether its connection is the one that stays is decided elsewhere; until then it waits for ACK.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Verified {
    peer: Peer,
    /// The cookie that verified REPLY, and its place among all.
    cookie: Cookie,
    place: usize,
    replied: Replied,
}

impl Verified {
    /// The other node.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Whether the peer knows the cookie by which this node does not sign any more.
    #[must_use]
    pub const fn used_old_cookie(&self) -> bool {
        self.place > 0
    }

    /// Takes the connection: the payload of ACK, and the handshake is over.
    #[must_use]
    pub fn accept(self) -> (Vec<u8>, Established) {
        //= spec/handshake.md#hs-cky-004
        //# An acceptor MUST compute the digest or proof of ACK with the cookie of REPLY.
        (self.replied.ack(&self.cookie), Established { peer: self.peer, cookie: self.place })
    }

    /// Refuses the connection: the payload of a REJECT with one of the codes of
    /// [`Reject`](snow_dist_codec::handshake::Reject), for a peer that can read one. Of `text`, a line for a log, 255
    /// bytes are kept.
    #[must_use]
    pub fn refuse(self, code: u16, text: &str) -> Option<Vec<u8>> {
        (self.peer.version >= 2).then(|| reject(code, text))
    }
}
