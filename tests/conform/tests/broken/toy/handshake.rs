//! The four messages in both roles.

use snow_dist_codec::handshake::{
    Ack, Capabilities, Challenge, MAGIC, Name, Proof, Reject, Reply, challenge, has_sentinel,
};
use snow_dist_codec::{Extension, ExtensionBuf, Handshake, NodeName, Reading};
use snow_dist_conform::wire::{Transcript, digest};

use super::certificates::Channel;
use super::stream::Stream;
use super::{Other, Toy};
use crate::defects::Defect;

/// A peer that has shown that it knows the cookie.
pub(super) struct Verified {
    /// Name, incarnation and creation; the local id means nothing.
    pub(super) peer: Other,
    /// How many links and monitors it takes.
    pub(super) bound: u64,
    /// Bytes of a frame that it takes.
    pub(super) frame_bytes: u32,
    /// What both nodes can do.
    pub(super) capabilities: Capabilities,
}

/// Why there is no session: a code of REJECT for who can be told.
pub(super) type Refusal = Option<u16>;

/// What a toy can do beyond what it must.
const CAPABILITIES: Capabilities = Capabilities::FRAGMENTS
    .union(Capabilities::REMOTE_EXIT)
    .union(Capabilities::SEND_TERM)
    .union(Capabilities::CALLS)
    .union(Capabilities::NAMES)
    .union(Capabilities::TERMS_2);

/// Messages of the handshake have no more bytes.
const LENGTH_MAX: u32 = 4_096;

fn payload<'m>(message: impl Into<Handshake<'m>>) -> Vec<u8> {
    let mut payload = Vec::new();
    message.into().encode(&mut payload).unwrap();
    payload
}

/// What NAME and CHALLENGE say beside the name.
struct Said {
    incarnation: u64,
    creation: u8,
    bound: u64,
    frame_bytes: u32,
    capabilities: Capabilities,
}

impl Said {
    fn verified(self, node: String) -> Verified {
        let Self { incarnation, creation, bound, frame_bytes, capabilities } = self;
        let peer = Other { node, incarnation, creation, local: 0 };
        Verified { peer, bound, frame_bytes, capabilities }
    }
}

/// A block's content, judged in the order of the table.
fn said(block: &Extension<'_>, creation: u8) -> Result<Said, Refusal> {
    let versions = block.versions().ok_or(Some(Reject::MALFORMED))?;
    if !versions.iter().any(|version| version == 2) {
        return Err(Some(Reject::VERSION));
    }
    let incarnation = block.incarnation().ok_or(Some(Reject::MALFORMED))?.get();
    if creation == 0 {
        return Err(Some(Reject::MALFORMED));
    }
    let (mut bound, mut frame_bytes) = (1_000_000, 16 << 20);
    for tlv in block.iter() {
        match tlv {
            snow_dist_codec::handshake::Tlv::LinksAndMonitorsMax(count) => bound = u64::from(count),
            snow_dist_codec::handshake::Tlv::FrameBytesMax(bytes) => frame_bytes = bytes,
            _ => {}
        }
    }
    let capabilities = block.capabilities().intersection(CAPABILITIES);
    Ok(Said { incarnation, creation, bound, frame_bytes, capabilities })
}

/// A name as it is compared.
pub(super) fn completed(name: &str) -> String {
    match NodeName::parse(name) {
        Ok(parsed) => parsed.completed(),
        Err(_) => name.to_owned(),
    }
}

impl Toy {
    fn block(&self) -> ExtensionBuf {
        let mut block = ExtensionBuf::default();
        block.push_versions(&[2]).unwrap();
        block.push_capabilities(CAPABILITIES).unwrap();
        block.push_incarnation(self.incarnation.try_into().unwrap()).unwrap();
        block.push_links_and_monitors_max(self.bound as u32).unwrap();
        block
    }

    fn challenge(&self) -> [u8; 32] {
        if self.has(Defect::NoSentinel) { [7; 32] } else { challenge([7; 24]) }
    }

    /// The acceptor's part, up to ACK, which is given.
    pub(super) async fn accept(
        &self,
        stream: &mut Stream,
        channel: Channel,
        place: u64,
    ) -> Result<(Verified, Vec<u8>), Refusal> {
        let name = stream.next(LENGTH_MAX).await.map_err(|_| None)?;
        let is_version_2 = name.windows(8).any(|window| window == MAGIC);
        let unread = if is_version_2 { Some(Reject::MALFORMED) } else { None };
        let (said_name, block, creation) = match Handshake::decode(&name, Reading::Compatible) {
            Ok(Handshake::Name(said)) => (said.name.as_str(), said.extension, said.creation),
            Err(_) if is_version_2 && self.has(Defect::DamageIsVersion1) => {
                return self.version_1(stream).await;
            }
            _ => return Err(unread),
        };
        let Some(block) = block else {
            return if self.has(Defect::Version1Answered) { self.version_1(stream).await } else { Err(None) };
        };
        let said = said(&block, creation)?;
        self.reached(place, 2);

        let (own, mine) = (self.block(), self.challenge());
        let challenge = payload(Challenge {
            name: self.name.as_str().into(),
            creation: self.creation(),
            challenge: &mine,
            extension: Some(own.as_extension()),
        });
        stream.say(&challenge).await.map_err(|_| None)?;
        let reply = stream.next(LENGTH_MAX).await.map_err(|_| None)?;
        let exporter = channel.exporter;
        let mut transcript = Transcript { exporter, name: name.clone(), challenge, reply: reply.clone() };
        let cookie = match Handshake::decode(&reply, Reading::Compatible) {
            Ok(Handshake::Reply(Reply { digest, challenge, proof: Some(proof) })) => {
                let sentinel = has_sentinel(challenge) || self.has(Defect::SentinelUnchecked);
                if *digest != [0; 32] || !sentinel {
                    return Err(Some(Reject::MALFORMED));
                }
                self.cookie_of(&transcript, &reply, proof.proof).ok_or(Some(Reject::REFUSED))?
            }
            // Whoever takes version 1 here can be answered with its own challenge.
            Ok(Handshake::Reply(Reply { digest: said, proof: None, .. }))
                if self.has(Defect::ReplyOfVersion1) =>
            {
                let right = digest(&self.cookies[0], &mine);
                if *said == right { &self.cookies[0] } else { return Err(Some(Reject::REFUSED)) }
            }
            _ => return Err(Some(Reject::MALFORMED)),
        };

        let name = completed(said_name);
        let is_own = name == self.name && !self.has(Defect::OwnNameTaken);
        if NodeName::parse(&name).is_err() || is_own {
            return Err(Some(Reject::NAME));
        }
        if !channel.speaks_for(&name) {
            return Err(Some(Reject::REFUSED));
        }
        if said.frame_bytes < 65_536 {
            return Err(Some(Reject::BOUNDS));
        }
        transcript.reply = reply;
        let ack = signed(
            |proof| payload(Ack { digest: &[0; 32], proof }),
            |ack| transcript.proof_of_acceptor(cookie, ack),
        );
        Ok((said.verified(name), ack))
    }

    fn cookie_of(&self, transcript: &Transcript, reply: &[u8], proof: &[u8; 32]) -> Option<&String> {
        let unbound =
            Transcript { exporter: transcript.exporter.map(|byte| byte ^ 0xFF), ..transcript.clone() };
        let fits = |cookie: &&String| {
            transcript.proof_of_initiator(cookie, reply) == *proof
                || self.has(Defect::ProofUnchecked)
                || self.has(Defect::LabelsTheSame)
                    && transcript.proof_with_other_label(cookie, reply, true) == *proof
                || self.has(Defect::ChannelUnbound) && unbound.proof_of_initiator(cookie, reply) == *proof
        };
        let known = if self.has(Defect::OneCookie) { &self.cookies[..1] } else { &self.cookies };
        known.iter().find(fits)
    }

    /// What a node does that answers version 1: it says CHALLENGE, and takes who knows the cookie.
    async fn version_1(&self, stream: &mut Stream) -> Result<(Verified, Vec<u8>), Refusal> {
        let challenge = self.challenge();
        let said = Challenge {
            name: self.name.as_str().into(),
            creation: 1,
            challenge: &challenge,
            extension: None,
        };
        stream.say(&payload(said)).await.map_err(|_| None)?;
        let _ = stream.next(LENGTH_MAX).await;
        Err(None)
    }

    /// The initiator's part, up to REPLY, which is given with the transcript.
    pub(super) async fn dial(
        &self,
        stream: &mut Stream,
        channel: Channel,
        dialled: &str,
    ) -> Result<(Verified, Transcript), Refusal> {
        let block = self.block();
        let name = payload(Name {
            name: self.name.as_str().into(),
            creation: self.creation(),
            extension: Some(block.as_extension()),
        });
        stream.say(&name).await.map_err(|_| None)?;
        let answer = stream.next(LENGTH_MAX).await.map_err(|_| None)?;
        let Ok(Handshake::Challenge(said_here)) = Handshake::decode(&answer, Reading::Compatible) else {
            return Err(None);
        };
        let Some(block) = said_here.extension else {
            if self.has(Defect::DigestGivenAway) {
                let digest = digest(&self.cookies[0], said_here.challenge);
                let reply = payload(Reply { digest: &digest, challenge: &self.challenge(), proof: None });
                stream.say(&reply).await.map_err(|_| None)?;
            }
            return Err(None);
        };
        let said = said(&block, said_here.creation)?;
        let sentinel = has_sentinel(said_here.challenge) || self.has(Defect::SentinelUnchecked);
        let is_dialled = completed(said_here.name.as_str()) == dialled || self.has(Defect::AnybodyAnswers);
        let is_certified = channel.speaks_for(dialled);
        if !sentinel || !is_dialled || !is_certified || said.frame_bytes < 65_536 {
            return Err(None);
        }
        let exporter = channel.exporter;
        let mut transcript = Transcript { exporter, name, challenge: answer.clone(), reply: Vec::new() };
        let mine = self.challenge();
        let cookie = &self.cookies[0];
        transcript.reply = signed(
            |proof| payload(Reply { digest: &[0; 32], challenge: &mine, proof }),
            |reply| transcript.proof_of_initiator(cookie, reply),
        );
        Ok((said.verified(dialled.to_owned()), transcript))
    }

    /// Whether ACK is the right one.
    pub(super) async fn acknowledged(&self, stream: &mut Stream, transcript: &Transcript) -> bool {
        let Ok(ack) = stream.next(LENGTH_MAX).await else { return false };
        let Ok(Handshake::Ack(Ack { digest, proof: Some(proof) })) =
            Handshake::decode(&ack, Reading::Compatible)
        else {
            return false;
        };
        let right = transcript.proof_of_acceptor(&self.cookies[0], &ack);
        let own = transcript.reply.last_chunk::<32>();
        let reflected = self.has(Defect::ReflectionTaken) && own == Some(proof.proof);
        *digest == [0; 32] && (*proof.proof == right || reflected || self.has(Defect::AckUnchecked))
    }
}

/// A message whose proof covers what stands before it.
fn signed(message: impl Fn(Option<Proof<'_>>) -> Vec<u8>, prove: impl FnOnce(&[u8]) -> [u8; 32]) -> Vec<u8> {
    let block = ExtensionBuf::default();
    let with = |proof: &[u8; 32]| message(Some(Proof { extension: block.as_extension(), proof }));
    with(&prove(&with(&[0; 32])))
}
