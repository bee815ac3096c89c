//! The acceptor: the end that accepted the connection. Specification: `handshake.md`, "The acceptor's course".

use std::sync::Arc;

use snow_dist_codec::handshake::{Challenge, MAGIC, Name, challenge};
use snow_dist_codec::{Handshake, Text};

use super::failure::reject;
use super::proof::{Challenged, Replied};
use super::{Certified, Channel, Cookie, Established, Failure, Local, Peer, Refusal, payload, read};

/// Begins a handshake on an accepted connection, and returns the state that waits for NAME.
#[must_use]
pub const fn start(local: Arc<Local>, channel: Channel) -> ExpectName {
    ExpectName { local, channel, certified: None }
}

/// The state in which the acceptor waits for NAME.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExpectName {
    local: Arc<Local>,
    channel: Channel,
    certified: Option<Certified>,
}

impl ExpectName {
    /// Sets the names for which the peer's certificate is valid. A peer with another name is refused. If this is
    /// `None`, as by default, no certificate is required.
    #[must_use]
    pub fn certified(self, certified: Option<Certified>) -> Self {
        Self { certified, ..self }
    }

    /// Handles the payload of the message that has arrived, which must be a NAME. Returns the payload of CHALLENGE,
    /// and the state that waits for REPLY.
    ///
    /// `random` must come from a cryptographic random source, anew for each call.
    ///
    /// # Errors
    /// Returns a [`Refusal`] if the message is not a valid NAME, if a value is missing that NAME must have beside an
    /// extension block ([`Failure::Unsaid`]), if an extension block arrives over TLS 1.2, if the two nodes have no
    /// version in common, or if the peer speaks version 1 and this node does not allow that. Send the REJECT of the
    /// refusal, if there is one, and close the connection.
    pub fn handle(self, bytes: &[u8], random: [u8; 24]) -> Result<(Vec<u8>, ExpectReply), Refusal> {
        // The magic is not UTF-8, so no name holds it: whoever sends it speaks version 2, be its message whole or not.
        //= spec/handshake.md#hs-rej-004
        //# An acceptor MUST NOT send REJECT to a peer that has not sent the magic of an extension block.
        let has_block = || bytes.windows(MAGIC.len()).any(|part| part == MAGIC);
        let (peer, exporter) = self.judge(bytes).map_err(|failure| Refusal::new(failure, has_block()))?;

        //= spec/handshake.md#hs-crs-003
        //# An acceptor MUST send its CHALLENGE with an extension block if NAME had one, and else without.
        let block = exporter.map(|_| self.local.block(&peer.name));
        //= spec/handshake.md#hs-sen-001
        //# A node that speaks version 2 MUST end each challenge that it writes with the sentinel, in
        //# handshakes of both versions.
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
        Ok((answer, ExpectReply { local: self.local, peer, challenged, certified: self.certified }))
    }

    /// Checks NAME. Returns the peer as it describes itself, and in version 2 the value of the channel's exporter.
    fn judge(&self, bytes: &[u8]) -> Result<(Peer, Option<[u8; 32]>), Failure> {
        let Name { name, creation, extension } = match read(bytes, "NAME")? {
            Handshake::Name(name) => name,
            other => return Err(Failure::Unexpected { due: "NAME", found: other.name() }),
        };
        //= spec/handshake.md#hs-crs-001
        //# A node MUST make the checks of its course in their order.
        match (extension, self.channel) {
            (Some(block), Channel::Tls13 { exporter }) => {
                Ok((Peer::of_block(&self.local, name, creation, &block)?, Some(exporter)))
            }
            //= spec/handshake.md#hs-tls-009
            //# A node MUST end a handshake in which an extension block arrives over a TLS version below 1.3.
            (Some(_), Channel::Tls12) => Err(Failure::Tls),
            //= spec/handshake.md#hs-von-003
            //# An acceptor that does not allow version 1 MUST NOT answer a NAME without extension block by a
            //# CHALLENGE.
            (None, _) => {
                let peer = Peer::of_version_1(name, creation);
                let allowed = self.local.version_1.allows(&peer.name);
                if allowed { Ok((peer, None)) } else { Err(Failure::Version1) }
            }
        }
    }
}

/// The state in which CHALLENGE has been sent, and the acceptor waits for REPLY.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExpectReply {
    local: Arc<Local>,
    peer: Peer,
    challenged: Challenged,
    certified: Option<Certified>,
}

impl ExpectReply {
    /// Returns the peer as it describes itself. Nothing of that is proven yet: use it only for logging.
    #[must_use]
    pub const fn claimed(&self) -> &Peer {
        &self.peer
    }

    /// Handles the payload of the message that has arrived, which must be a REPLY. On success the peer has proven
    /// that it knows the cookie.
    ///
    /// # Errors
    /// Returns a [`Refusal`] if the message is not a REPLY with a valid proof, if the peer's name is not a node name
    /// or is this node's own name, if the peer's certificate is not valid for the peer's name, or if the peer's
    /// bounds are too small for a session. Send the REJECT of the refusal, if there is one, and close the connection.
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
        //# An acceptor MUST refuse a peer whose name is its own name or not a node name, but not before it
        //# has verified REPLY.
        // This check comes only now, because the reason why a name is refused tells something about this node.
        self.peer.judge_name(&self.local)?;
        self.peer.judge_certificate(self.certified.as_ref())?;
        self.peer.judge_bounds()?;
        Ok(Verified { place, cookie: cookie.clone(), replied, peer: self.peer })
    }
}

/// The state in which REPLY has been verified: the peer knows the cookie, and in version 2 no one has changed what
/// the peer has sent.
///
/// The peer waits for ACK until the [endpoint](crate::core::endpoint) has decided whether this connection becomes
/// the session. Then the connection is [accepted](Self::accept) or [refused](Self::refuse).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Verified {
    peer: Peer,
    /// The cookie with which REPLY was verified, and its index in the list of cookies.
    cookie: Cookie,
    place: usize,
    replied: Replied,
}

impl Verified {
    /// Returns the other node.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Returns `true` if the peer has signed with a cookie that this node accepts but does not sign with.
    #[must_use]
    pub const fn used_old_cookie(&self) -> bool {
        self.place > 0
    }

    /// Accepts the connection. Returns the payload of ACK, and the result of the handshake, which is over.
    #[must_use]
    pub fn accept(self) -> (Vec<u8>, Established) {
        //= spec/handshake.md#hs-cky-004
        //# An acceptor MUST compute the digest or proof of ACK with the cookie of REPLY.
        (self.replied.ack(&self.cookie), Established { peer: self.peer, cookie: self.place })
    }

    /// Refuses the connection. Returns the payload of a REJECT, or `None` for a version 1 peer, which cannot read
    /// one.
    ///
    /// `code` must be one of the codes of [`Reject`](snow_dist_codec::handshake::Reject). `text` is a line for the
    /// peer's log. At most its first 255 bytes are sent.
    #[must_use]
    pub fn refuse(self, code: u16, text: &str) -> Option<Vec<u8>> {
        (self.peer.version >= 2).then(|| reject(code, text))
    }
}
