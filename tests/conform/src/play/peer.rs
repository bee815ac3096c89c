//! The runner's own node: what it says of itself, and the messages of the handshake as it lays them out.

use serde_json::{Map, Value, json};
use snow_dist_codec::document::Document;
use snow_dist_codec::handshake::{SENTINEL, challenge};

use super::hexadecimal;
use crate::cases::{Block, Challenge, Damage, Message, PeerChanges, Proof, Say};
use crate::verdict::Trouble;
use crate::wire::{Transcript, digest};

/// What the runner's node says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) cookie: String,
    pub(crate) version: u8,
    pub(crate) incarnation: u64,
    pub(crate) capabilities: u64,
    pub(crate) frame_bytes_max: Option<u32>,
    pub(crate) links_and_monitors_max: Option<u32>,
}

/// Nothing depends on this being unknown: it is the subject's randomness that counts.
const RANDOM: [u8; 24] = [0x5A; 24];

/// What a handshake has brought so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course {
    /// The messages as they were sent.
    pub(crate) transcript: Transcript,
    /// The challenge of the runner.
    pub(crate) mine: [u8; 32],
    /// The challenge of the subject.
    pub(crate) theirs: [u8; 32],
}

impl Peer {
    pub(crate) fn creation(&self) -> u8 {
        if self.version == 1 { 1 } else { u8::try_from(self.incarnation % 255 + 1).unwrap_or(1) }
    }

    pub(crate) fn change(&mut self, changes: &PeerChanges) {
        if let (Some(name), Some((_, address))) = (&changes.name, self.name.split_once('@')) {
            self.name = format!("{name}@{address}");
        }
        self.incarnation = changes.incarnation.unwrap_or(self.incarnation);
        self.frame_bytes_max = changes.frame_bytes_max.or(self.frame_bytes_max);
        self.links_and_monitors_max = changes.links_and_monitors_max.or(self.links_and_monitors_max);
        if let Some(cookie) = &changes.cookie {
            self.cookie.clone_from(cookie);
        }
    }

    /// The block of NAME and CHALLENGE.
    fn block(&self) -> Map<String, Value> {
        let mut block = Map::new();
        block.insert("versions".into(), json!([2]));
        block.insert("capabilities".into(), json!(self.capabilities));
        block.insert("incarnation".into(), json!(self.incarnation));
        if let Some(bytes) = self.frame_bytes_max {
            block.insert("frame_bytes_max".into(), json!(bytes));
        }
        if let Some(count) = self.links_and_monitors_max {
            block.insert("links_and_monitors_max".into(), json!(count));
        }
        block
    }

    /// The payload of a message as a step wants it.
    pub(crate) fn payload(
        &self,
        say: &Say,
        course: &mut Course,
        theirs: Option<&str>,
    ) -> Result<Vec<u8>, Trouble> {
        let block = self.block_bytes(say)?;
        let fields = self.fields(say, course, theirs, block.is_some())?;
        let mut payload = document(say.say.name(), fields)?;
        payload.extend_from_slice(&block.clone().unwrap_or_default());
        if block.is_some() && matches!(say.say, Message::Reply | Message::Ack) {
            self.prove(say, course, &mut payload);
        }
        damage(&mut payload, &say.damage)?;
        match say.say {
            Message::Name => course.transcript.name.clone_from(&payload),
            Message::Challenge => course.transcript.challenge.clone_from(&payload),
            Message::Reply => course.transcript.reply.clone_from(&payload),
            Message::Ack | Message::Reject => {}
        }
        Ok(payload)
    }

    fn fields(
        &self,
        say: &Say,
        course: &mut Course,
        theirs: Option<&str>,
        has_block: bool,
    ) -> Result<Value, Trouble> {
        let name = match say.name.as_deref() {
            None => &self.name,
            Some("theirs") => theirs.ok_or_else(|| Trouble::unjudged("the subject's name is not known"))?,
            Some(name) => name,
        };
        let creation = say.creation.unwrap_or_else(|| self.creation());
        if matches!(say.say, Message::Challenge | Message::Reply) {
            course.mine = match say.challenge {
                None if self.version == 1 => [0xA5; 32],
                None => challenge(RANDOM),
                Some(Challenge::NoSentinel) => [0xA5; 32],
                Some(Challenge::Reflected) => course.theirs,
            };
        }
        let digest = match &say.digest {
            Some(hexadecimal) => hexadecimal.clone(),
            None if has_block => hex::encode([0; 32]),
            None => hex::encode(digest(say.cookie.as_ref().unwrap_or(&self.cookie), &course.theirs)),
        };
        Ok(match say.say {
            Message::Name => json!({"name": name, "creation": creation}),
            Message::Challenge => {
                json!({"name": name, "creation": creation, "challenge": hex::encode(course.mine)})
            }
            Message::Reply => json!({"digest": digest, "challenge": hex::encode(course.mine)}),
            Message::Ack => json!({"digest": digest}),
            Message::Reject => json!({"code": say.code, "text": say.text}),
        })
    }

    fn block_bytes(&self, say: &Say) -> Result<Option<Vec<u8>>, Trouble> {
        let usual = match say.say {
            Message::Name | Message::Challenge => self.block(),
            Message::Reply | Message::Ack => Map::new(),
            Message::Reject => return Ok(None),
        };
        match &say.block {
            Block::Usual if self.version == 1 => Ok(None),
            Block::Usual => block_of(usual).map(Some),
            Block::Bytes(word) if word == "none" => Ok(None),
            Block::Bytes(word) if word == "usual" => block_of(usual).map(Some),
            Block::Bytes(bytes) => hexadecimal(bytes).map(Some),
            Block::Of(extensions) => block_of(extensions.clone()).map(Some),
        }
    }

    /// Puts the proof behind REPLY or ACK.
    fn prove(&self, say: &Say, course: &Course, payload: &mut Vec<u8>) {
        let cookie = say.cookie.as_ref().unwrap_or(&self.cookie);
        let mut transcript = course.transcript.clone();
        match say.proof {
            Proof::OtherChannel => transcript.exporter.iter_mut().for_each(|byte| *byte ^= 0xFF),
            Proof::OtherName => {
                if let Some(creation) = transcript.name.get_mut(3 + self.name.len()) {
                    *creation ^= 1;
                }
            }
            _ => {}
        }
        let is_reply = say.say == Message::Reply;
        let unproven = [payload.as_slice(), &[0; 32]].concat();
        let right = match (say.proof, is_reply) {
            (Proof::OtherRole, _) => transcript.proof_with_other_label(cookie, &unproven, is_reply),
            (_, true) => transcript.proof_of_initiator(cookie, &unproven),
            (_, false) => transcript.proof_of_acceptor(cookie, &unproven),
        };
        match say.proof {
            Proof::None => return,
            Proof::Zero => payload.extend_from_slice(&[0; 32]),
            Proof::Reflected => {
                let theirs = transcript.reply.last_chunk::<32>().copied().unwrap_or_default();
                payload.extend_from_slice(&theirs);
            }
            _ => payload.extend_from_slice(&right),
        }
        let byte = match say.proof {
            Proof::FirstBit => payload.iter_mut().rev().nth(31).map(|byte| (byte, 0x80)),
            Proof::LastBit => payload.last_mut().map(|byte| (byte, 1)),
            _ => None,
        };
        if let Some((byte, bit)) = byte {
            *byte ^= bit;
        }
    }
}

/// A message's payload, of its fields.
pub(crate) fn document(tag: &str, fields: Value) -> Result<Vec<u8>, Trouble> {
    let bad = |error: String| Trouble::unjudged(format!("the case's {tag} cannot be written: {error}"));
    let document: Document = serde_json::from_value(json!({"tag": tag, "fields": fields}))
        .map_err(|error| bad(error.to_string()))?;
    let mut payload = Vec::new();
    match document.handshake() {
        Ok(message) => message.encode(&mut payload).map_err(|error| bad(error.to_string()))?,
        Err(_) => {
            let frame = document.frame().map_err(|error| bad(error.to_string()))?;
            frame.encode(&mut payload).map_err(|error| bad(error.to_string()))?;
        }
    }
    Ok(payload)
}

/// The bytes of an extension block: those of a NAME that has it, behind those of one that does not.
fn block_of(extensions: Map<String, Value>) -> Result<Vec<u8>, Trouble> {
    let without = document("NAME", json!({"name": "", "creation": 1}))?;
    let with = document("NAME", json!({"name": "", "creation": 1, "extension": extensions}))?;
    Ok(with.get(without.len()..).unwrap_or_default().to_vec())
}

pub(crate) fn damage(payload: &mut Vec<u8>, damage: &Damage) -> Result<(), Trouble> {
    payload.truncate(payload.len().saturating_sub(damage.cut));
    payload.extend_from_slice(&hexadecimal(&damage.surplus)?);
    if let Some(at) = damage.flip {
        let byte = payload
            .get_mut(at)
            .ok_or_else(|| Trouble::unjudged("the case flips a byte beyond the payload"))?;
        *byte ^= 1;
    }
    Ok(())
}

/// Whether a challenge ends as those of version 2 do.
pub(crate) fn has_sentinel(challenge: &[u8]) -> bool {
    challenge.ends_with(&SENTINEL)
}
