//! The handshake's steps: messages said as the case wants them, and messages heard and checked.

use std::time::Duration;

use serde_json::Value;
use snow_dist_codec::document::Shown;
use snow_dist_codec::{Handshake, NodeName, Reading};
use tokio::time::Instant;

use super::peer::has_sentinel;
use super::values::shown;
use super::{Connection, Player};
use crate::cases::{Block, Capability, Damage, Hear, Message, MessageCheck, Proof, Refused, Say, Session};
use crate::verdict::Trouble;
use crate::wire::{Heard, Phase, digest};

/// How soon a node has to end a handshake that it refuses: before any deadline of the handshake.
const REFUSAL_DEADLINE: Duration = Duration::from_secs(5);

/// What a message said that later steps need.
#[derive(Debug, Default)]
pub(crate) struct Theirs {
    pub(crate) name: Option<String>,
    pub(crate) creation: u8,
    pub(crate) capabilities: u64,
}

impl Player<'_> {
    /// A whole handshake, or one that the subject refuses when it has seen all. What the subject says is judged only as
    /// far as a session needs it: other cases judge it.
    pub(super) async fn session(&mut self, session: &Session) -> Result<(), Trouble> {
        let made = self.handshake(session).await;
        match session.judged || session.refused.is_some() {
            true => made,
            false => made.map_err(|trouble| trouble.in_preparation("no session came about")),
        }
    }

    async fn handshake(&mut self, session: &Session) -> Result<(), Trouble> {
        let on = session.session.as_str();
        if !self.connections.contains_key(on) {
            self.open_usual(on).await?;
        }
        self.connection(on)?.peer.change(&session.peer);
        let subject_dialled = self.connection(on)?.subject_dialled;
        let course = [Message::Name, Message::Challenge, Message::Reply, Message::Ack];
        let last = if subject_dialled { Message::Reply } else { Message::Ack };
        for (place, message) in course.into_iter().enumerate() {
            // The initiator says the first message and the third.
            if (place % 2 == 0) != subject_dialled {
                self.say(&usual(message, on)).await?;
            } else if let Some(codes) = session.refused.as_ref().filter(|_| message == last) {
                return self.refused(&Refused { refused: codes.clone(), on: on.into(), told: false }).await;
            } else {
                self.hear(&Hear {
                    hear: message,
                    on: on.into(),
                    check: Vec::new(),
                    cookie: None,
                    within: None,
                    fields: Default::default(),
                })
                .await?;
            }
        }
        let peer = self.connection(on)?.peer.name.clone();
        self.subject.await_session(&peer).await?;
        let needs = self.case.needs.iter().fold(0, |needs, capability| needs | capability.bit());
        let has = self.connection(on)?.theirs.capabilities;
        if has & needs == needs {
            Ok(())
        } else {
            Err(Trouble::Unsupported("the subject does not have the capabilities of this case".into()))
        }
    }

    pub(super) async fn say(&mut self, say: &Say) -> Result<(), Trouble> {
        let deadline = self.deadline;
        let theirs = self.subject.name.clone();
        let connection = self.connection(&say.on)?;
        connection.course.transcript.exporter = connection.wire.exporter();
        let theirs = connection.theirs.name.clone().or(theirs);
        let payload = connection.peer.payload(say, &mut connection.course, theirs.as_deref())?;
        connection.wire.say(&payload, say.damage.pieces, deadline).await?;
        if say.say == Message::Ack {
            connection.wire.phase = Phase::Session;
        }
        Ok(())
    }

    pub(super) async fn hear(&mut self, hear: &Hear) -> Result<(), Trouble> {
        let wanted = hear.hear.name();
        let deadline = match hear.within {
            Some(seconds) => self.deadline.min(Instant::now() + Duration::from_secs(seconds)),
            None => self.deadline,
        };
        let payload = match self.connection(&hear.on)?.wire.hear(deadline).await? {
            Some(Heard::Payload(payload)) => payload,
            Some(Heard::End) => {
                return Err(Trouble::wrong(format!(
                    "the subject ended the connection instead of sending {wanted}"
                )));
            }
            None => return Err(self.nothing(wanted)),
        };
        let message = Handshake::decode(&payload, Reading::Compatible).map_err(|error| {
            Trouble::wrong(format!("the subject's message, wanted {wanted}, cannot be read: {error}"))
        })?;
        if message.name() != wanted {
            return Err(Trouble::wrong(format!("the subject sent {} instead of {wanted}", told(&message))));
        }
        self.take_note(&hear.on, &message, &payload)?;
        let found = serde_json::to_value(Shown(&message)).unwrap_or(Value::Null);
        let fields = Value::Object(hear.fields.clone());
        if !self.values.matches(&fields, &found) {
            return Err(Trouble::wrong(format!("{wanted} is {}, and not {}", shown(&found), shown(&fields))));
        }
        let connection = self.connection(&hear.on)?;
        for check in &hear.check {
            connection.check(*check, &message, &payload, hear.cookie.as_deref())?;
        }
        if hear.hear == Message::Ack {
            connection.wire.phase = Phase::Session;
        }
        Ok(())
    }

    fn take_note(&mut self, on: &str, message: &Handshake<'_>, payload: &[u8]) -> Result<(), Trouble> {
        let connection = self.connection(on)?;
        let (course, theirs) = (&mut connection.course, &mut connection.theirs);
        match message {
            Handshake::Name(said) => {
                theirs.name = Some(said.name.as_str().to_owned());
                theirs.creation = said.creation;
                theirs.capabilities = said.extension.map_or(0, |block| block.capabilities().to_bits());
                course.transcript.name = payload.to_vec();
            }
            Handshake::Challenge(said) => {
                theirs.name = Some(said.name.as_str().to_owned());
                theirs.creation = said.creation;
                theirs.capabilities = said.extension.map_or(0, |block| block.capabilities().to_bits());
                course.theirs = *said.challenge;
                course.transcript.challenge = payload.to_vec();
            }
            Handshake::Reply(said) => {
                course.theirs = *said.challenge;
                course.transcript.reply = payload.to_vec();
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) async fn refused(&mut self, refused: &Refused) -> Result<(), Trouble> {
        let mut was_told = false;
        // A node that only waits for its own deadline has not refused anything, unless that is what the case is about.
        let deadline = match self.case.long {
            0 => self.deadline.min(Instant::now() + REFUSAL_DEADLINE),
            _ => self.deadline,
        };
        loop {
            match self.connection(&refused.on)?.wire.hear(deadline).await? {
                Some(Heard::End) if refused.told && !was_told => {
                    return Err(Trouble::wrong(format!(
                        "the subject ended the connection without REJECT {:?}",
                        refused.refused
                    )));
                }
                Some(Heard::End) => return Ok(()),
                Some(Heard::Payload(payload)) => match Handshake::decode(&payload, Reading::Compatible) {
                    Ok(Handshake::Reject(reject)) if !was_told && refused.refused.contains(&reject.code) => {
                        was_told = true;
                    }
                    Ok(message) => {
                        return Err(Trouble::wrong(format!(
                            "the subject sent {} instead of ending the handshake (allowed codes of REJECT: {:?})",
                            told(&message),
                            refused.refused
                        )));
                    }
                    Err(error) => {
                        return Err(Trouble::wrong(format!(
                            "the subject sent a message instead of ending the handshake: {error}"
                        )));
                    }
                },
                None => return Err(self.nothing("the end of the connection")),
            }
        }
    }
}

impl Connection {
    fn check(
        &self,
        check: MessageCheck,
        message: &Handshake<'_>,
        payload: &[u8],
        cookie: Option<&str>,
    ) -> Result<(), Trouble> {
        let (block, name, creation) = match message {
            Handshake::Name(said) => (said.extension, Some(said.name), Some(said.creation)),
            Handshake::Challenge(said) => (said.extension, Some(said.name), Some(said.creation)),
            Handshake::Reply(said) => (said.proof.as_ref().map(|proof| proof.extension), None, None),
            Handshake::Ack(said) => (said.proof.as_ref().map(|proof| proof.extension), None, None),
            _ => (None, None, None),
        };
        let (challenge, said_digest, proof) = match message {
            Handshake::Challenge(said) => (Some(said.challenge), None, None),
            Handshake::Reply(said) => (Some(said.challenge), Some(said.digest), said.proof.as_ref()),
            Handshake::Ack(said) => (None, Some(said.digest), said.proof.as_ref()),
            _ => (None, None, None),
        };
        let incarnation = block.and_then(|block| block.incarnation());
        let (transcript, cookie) = (&self.course.transcript, cookie.unwrap_or(&self.peer.cookie));
        let (is_so, what) = match check {
            MessageCheck::Block => (block.is_some(), "has no extension block"),
            MessageCheck::NoBlock => (block.is_none(), "has an extension block"),
            MessageCheck::Strict => {
                (Handshake::decode(payload, Reading::Strict).is_ok(), "is not as the Strict reading wants it")
            }
            MessageCheck::Sentinel => (
                challenge.is_some_and(|challenge| has_sentinel(challenge)),
                "has a challenge without the sentinel",
            ),
            MessageCheck::Creation => (
                incarnation.is_some_and(|number| creation.map(u64::from) == Some(number.get() % 255 + 1)),
                "has another creation than 1 + (incarnation mod 255)",
            ),
            MessageCheck::Version2 => (
                block
                    .and_then(|block| block.versions())
                    .is_some_and(|versions| versions.iter().any(|v| v == 2)),
                "does not say version 2",
            ),
            MessageCheck::Incarnation => (incarnation.is_some(), "says no incarnation"),
            MessageCheck::NoKnownExtensions => (
                block.is_some_and(|block| block.iter().all(|tlv| !(1..=8).contains(&tlv.kind()))),
                "has an extension that belongs into NAME and CHALLENGE",
            ),
            MessageCheck::KnownExtensions => (
                block.is_some_and(|block| {
                    let named = Capability::ALL.iter().fold(0, |named, capability| named | capability.bit());
                    block.iter().all(|tlv| (1..=8).contains(&tlv.kind()))
                        && block.capabilities().to_bits() & !named == 0
                }),
                "has an extension or a capability that the specification does not name",
            ),
            MessageCheck::NodeName => (
                name.is_some_and(|name| {
                    name.len() <= 255 && NodeName::parse(name.as_str()).is_ok_and(|name| name.has_port())
                }),
                "has a name that is no node name with a port",
            ),
            MessageCheck::DigestZero => (said_digest == Some(&[0; 32]), "has a digest that is not zero"),
            MessageCheck::DigestRight => (
                said_digest == Some(&digest(cookie, &self.course.mine)),
                "has another digest than the right one",
            ),
            MessageCheck::ProofRight => {
                let right = match message {
                    Handshake::Reply(_) => transcript.proof_of_initiator(cookie, payload),
                    _ => transcript.proof_of_acceptor(cookie, payload),
                };
                (proof.is_some_and(|proof| *proof.proof == right), "has another proof than the right one")
            }
        };
        if is_so { Ok(()) } else { Err(Trouble::wrong(format!("the subject's {} {what}", message.name()))) }
    }
}

/// A message as it should be.
pub(super) fn usual(message: Message, on: &str) -> Say {
    Say {
        say: message,
        on: on.into(),
        name: None,
        creation: None,
        block: Block::Usual,
        challenge: None,
        digest: None,
        proof: Proof::Right,
        cookie: None,
        code: 0,
        text: String::new(),
        damage: Damage::default(),
    }
}

fn told(message: &Handshake<'_>) -> String {
    match message {
        Handshake::Reject(reject) => format!("REJECT {} ({:?})", reject.code, reject.text.as_str()),
        other => other.name().to_owned(),
    }
}
