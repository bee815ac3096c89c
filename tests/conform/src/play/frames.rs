//! The steps about frames: what is sent, what must come, what must not, and how a session ends.

use std::time::Duration;

use serde_json::{Map, Value, json};
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Reading, framing};
use tokio::task::coop::consume_budget;
use tokio::time::Instant;

use super::peer::{damage, document};
use super::values::{Creations, as_text, shown};
use super::{Player, groups, hexadecimal};
use crate::cases::{AnyOrder, Bytes, Closed, Expect, Flooded, Quiet, QuietCheck, Send, Silent};
use crate::field;
use crate::verdict::Trouble;
use crate::wire::{Heard, document_of};

/// What a subject may write at any time. It matters only where a step asks for it.
const CHATTER: &[&str] = &["PEER_LIST", "GLOBAL_REGISTER", "GLOBAL_UNREGISTER", "GLOBAL_SYNC", "NODE_TABLE"];

/// Bytes of a list of names: what every peer reads.
const LIST_BYTES_MAX: usize = 65_536;

/// A frame that is sent more often than this is written in one piece, and not shown each time.
const SHOWN_EACH: usize = 8;

/// Messages of a flood have at least so many bytes; no other message of a case that has one does.
const FLOOD_BYTES_MIN: usize = 8_192;

/// If only one of two signs of life has come, the other one gets so much more time.
const SECOND_ANSWER: Duration = Duration::from_secs(1);

/// The process of the runner that asks for signs of life.
const ASKING: u64 = 0xA5_A5A5;

/// Where monitor references of signs of life begin.
const ASKING_REFERENCES: u64 = 1 << 62;

/// Frames.
impl Player<'_> {
    fn creations(&mut self, on: &str) -> Result<Creations, Trouble> {
        let connection = self.connection(on)?;
        Ok(Creations { mine: connection.peer.creation(), theirs: connection.theirs.creation })
    }

    pub(super) async fn send(&mut self, send: &Send) -> Result<(), Trouble> {
        let creations = self.creations(&send.on)?;
        let mut fields = self.values.resolve_fields(&send.fields, creations)?;
        groups::write(&mut fields)?;
        let deadline = self.deadline;
        let wire = &mut self.connection(&send.on)?.wire;
        if send.times > SHOWN_EACH {
            return wire.raw(&framed(send, &fields).await?, None, deadline).await;
        }
        for before in 0..send.times {
            wire.say(&payload(send, &fields, before)?, send.damage.pieces, deadline).await?;
        }
        Ok(())
    }

    pub(super) async fn bytes(&mut self, bytes: &Bytes) -> Result<(), Trouble> {
        let raw = hexadecimal(&bytes.bytes)?.repeat(bytes.times);
        let deadline = self.deadline;
        self.connection(&bytes.on)?.wire.raw(&raw, bytes.pieces, deadline).await
    }

    /// The next frame that is not chatter. A PING is answered on the way.
    async fn next_frame(&mut self, on: &str, wanted: &str) -> Result<Option<(String, Value)>, Trouble> {
        loop {
            let payload = match self.next_whole(on, self.deadline).await? {
                Some(Heard::Payload(payload)) => payload,
                Some(Heard::End) => return Ok(None),
                None => return Err(self.nothing(wanted)),
            };
            if let Some(number) = self.number_in_flood(&payload)? {
                return Ok(Some(("SEND".into(), json!({"number": number}))));
            }
            let (tag, fields) = document_of(&payload)?;
            self.look_at_names(&tag, &fields, payload.len())?;
            if tag == "PING" && wanted != tag {
                self.pong(on, &payload).await?;
            } else if tag == wanted || !CHATTER.contains(&tag.as_str()) {
                return Ok(Some((tag, fields)));
            }
        }
    }

    /// What a subject may write at any time has bounds all the same: a list is short, and a global name is its own.
    fn look_at_names(&self, tag: &str, fields: &Value, length: usize) -> Result<(), Trouble> {
        if ["PEER_LIST", "GLOBAL_SYNC"].contains(&tag) && length > LIST_BYTES_MAX {
            return Err(Trouble::wrong(format!(
                "{tag} has {length} bytes, and at most {LIST_BYTES_MAX} are allowed"
            )));
        }
        let entries = field(fields, "entries").as_array().into_iter().flatten();
        let registered = (tag == "GLOBAL_REGISTER").then_some(fields);
        let names = entries.chain(registered).map(|entry| field(entry, "node"));
        let own = self.subject.name.as_deref();
        match names.into_iter().find(|node| own.is_some_and(|own| **node != json!(own))) {
            Some(node) => Err(Trouble::wrong(format!("{tag} tells a global name of {node}"))),
            None => Ok(()),
        }
    }

    async fn pong(&mut self, on: &str, ping: &[u8]) -> Result<(), Trouble> {
        let Ok(Frame::Ping(ping)) = Frame::decode(ping, Reading::Strict) else { return Ok(()) };
        let payload = document("PONG", json!({"payload": hex::encode(ping.payload)}))?;
        let deadline = self.deadline;
        self.connection(on)?.wire.say(&payload, None, deadline).await
    }

    pub(super) async fn expect(&mut self, expect: &Expect) -> Result<(), Trouble> {
        let creations = self.creations(&expect.on)?;
        let wanted = Value::Object(self.values.resolve_fields(&expect.fields, creations)?);
        let described = format!("{} {}", expect.tag, shown(&wanted));
        let mut room = match &expect.fewer_than {
            Some(name) => self.number(name)?.saturating_sub(1),
            None => u64::MAX,
        };
        loop {
            let Some((tag, found)) = self.next_frame(&expect.on, &expect.tag).await? else {
                return Err(Trouble::wrong(format!(
                    "the subject ended the session; {described} was expected"
                )));
            };
            if tag == expect.tag && self.values.matches(&wanted, &found) {
                return self.differs(expect, &found);
            }
            if !expect.skip.has(&tag) {
                return Err(Trouble::wrong(format!(
                    "{tag} {} came; {described} was expected",
                    shown(&found)
                )));
            }
            room = room.checked_sub(1).ok_or_else(|| {
                Trouble::wrong(format!("{described} comes behind too many {tag}, where it should overtake"))
            })?;
        }
    }

    /// The number of a message of a flood, which has to be the next one: none is lost, and none overtakes another.
    fn number_in_flood(&mut self, payload: &[u8]) -> Result<Option<u64>, Trouble> {
        let Some(due) = self.flood else { return Ok(None) };
        let Ok(Frame::Send(send)) = Frame::decode(payload, Reading::Strict) else { return Ok(None) };
        let Some(first) = send.message.first_chunk::<4>().filter(|_| send.message.len() >= FLOOD_BYTES_MIN)
        else {
            return Ok(None);
        };
        let number = u64::from(u32::from_be_bytes(*first));
        if number != due {
            return Err(Trouble::wrong(format!(
                "message {number} of the flood came, and message {due} was due"
            )));
        }
        self.flood = Some(due + 1);
        Ok(Some(number))
    }

    pub(super) async fn flooded(&mut self, flooded: &Flooded) -> Result<(), Trouble> {
        let messages = self.number(&flooded.flooded)?;
        while self.flood.is_none_or(|due| due < messages) {
            let (tag, found) = self.next_frame(&flooded.on, "SEND").await?.ok_or_else(|| {
                Trouble::wrong("the subject ended the session before its flood has come".to_owned())
            })?;
            if field(&found, "number").is_null() {
                return Err(Trouble::wrong(format!("{tag} {} came; the flood was expected", shown(&found))));
            }
        }
        Ok(())
    }

    pub(super) async fn silent(&mut self, silent: &Silent) -> Result<(), Trouble> {
        let until = Instant::now() + Duration::from_millis(silent.silent);
        match self.connection(&silent.on)?.wire.hear(until).await? {
            None => Ok(()),
            Some(Heard::End) => Err(Trouble::wrong("the subject ended the connection, which should go on")),
            Some(Heard::Payload(payload)) => {
                let shown = hex::encode(payload.get(..64).unwrap_or(&payload));
                Err(Trouble::wrong(format!("{shown} came; nothing was expected")))
            }
        }
    }

    /// Whether a frame holds nothing that an earlier one held and it must not.
    fn differs(&self, expect: &Expect, found: &Value) -> Result<(), Trouble> {
        let Some(of) = &expect.differs else { return Ok(()) };
        let Some(earlier) = self.values.named.get(of) else { return Ok(()) };
        let is_new = |wanted: &&Value| wanted.as_str().is_some_and(|text| text.starts_with('$'));
        let of = |name: &String| as_text(field(found, name)) == as_text(earlier);
        let same = expect.fields.iter().any(|(name, wanted)| is_new(&wanted) && of(name));
        if same {
            return Err(Trouble::wrong(format!(
                "{} {} repeats {}",
                expect.tag,
                shown(found),
                as_text(earlier)
            )));
        }
        Ok(())
    }

    pub(super) async fn any_order(&mut self, frames: &AnyOrder) -> Result<(), Trouble> {
        let creations = self.creations(&frames.on)?;
        let mut left: Vec<(&str, Value)> = Vec::new();
        for frame in &frames.any_order {
            left.push((&frame.tag, Value::Object(self.values.resolve_fields(&frame.fields, creations)?)));
        }
        while !left.is_empty() {
            let described: Vec<_> =
                left.iter().map(|(tag, wanted)| format!("{tag} {}", shown(wanted))).collect();
            let described = described.join(" or ");
            let Some((tag, found)) = self.next_frame(&frames.on, &described).await? else {
                return Err(Trouble::wrong(format!(
                    "the subject ended the session; {described} was expected"
                )));
            };
            let fits =
                left.iter().position(|(name, wanted)| *name == tag && self.values.matches(wanted, &found));
            match fits {
                Some(place) => drop(left.remove(place)),
                None => {
                    return Err(Trouble::wrong(format!(
                        "{tag} {} came; {described} was expected",
                        shown(&found)
                    )));
                }
            }
        }
        Ok(())
    }

    /// Asks for signs of life twice: a node may write its answers ahead of messages that wait, and what waited behind
    /// the first answers comes ahead of the second ones.
    pub(super) async fn quiet(&mut self, quiet: &Quiet) -> Result<(), Trouble> {
        for _ in 0..2 {
            self.lives(&quiet.on).await?;
        }
        let on = quiet.on.as_str();
        let wire = &self.connection(on)?.wire;
        let (tickets, parted) = (wire.tickets(), wire.parted());
        if quiet.check.contains(&QuietCheck::WholeRecords) && parted > 0 {
            return Err(Trouble::wrong(format!("{parted} frames did not come within one TLS record")));
        }
        if quiet.check.contains(&QuietCheck::NoTicket) && tickets > 0 {
            return Err(Trouble::wrong(format!("the subject has issued {tickets} session tickets")));
        }
        Ok(())
    }

    /// Asks for two signs of life that have nothing to do with each other, so that a subject that fails at one of
    /// them is not found guilty here: a PONG, and the end of a monitor of nobody. Nothing else may come.
    async fn lives(&mut self, on: &str) -> Result<(), Trouble> {
        let creations = self.creations(on)?;
        self.quiets += 1;
        let reference = ASKING_REFERENCES + self.quiets;
        let asking = json!({"from": format!("mine {ASKING}"), "to": "theirs nobody", "ref": reference});
        let monitor = document("MONITOR", self.values.resolve(&asking, creations)?)?;
        let ping = document("PING", json!({"payload": hex::encode(reference.to_be_bytes())}))?;
        let patience = self.deadline;
        let connection = self.connection(on)?;
        connection.wire.say(&monitor, None, patience).await?;
        connection.wire.say(&ping, None, patience).await?;
        let mut answered = (false, false);
        while answered != (true, true) {
            let deadline = match answered {
                (false, false) => patience,
                _ => patience.min(Instant::now() + SECOND_ANSWER),
            };
            let payload = match self.next_whole(on, deadline).await? {
                Some(Heard::Payload(payload)) => payload,
                Some(Heard::End) => {
                    return Err(Trouble::wrong("the subject ended the session, which should go on"));
                }
                None if answered == (false, false) => return Err(self.nothing("a sign of life")),
                None => break,
            };
            let (tag, fields) = document_of(&payload)?;
            self.look_at_names(&tag, &fields, payload.len())?;
            match tag.as_str() {
                "PONG" => answered.0 = true,
                "MONITOR_EXIT" if *field(&fields, "ref") == json!(reference.to_string()) => answered.1 = true,
                "PING" => self.pong(on, &payload).await?,
                chatter if CHATTER.contains(&chatter) => {}
                _ => {
                    return Err(Trouble::wrong(format!(
                        "{tag} {} came; nothing was expected",
                        shown(&fields)
                    )));
                }
            }
        }
        Ok(())
    }

    pub(super) async fn closed(&mut self, closed: &Closed) -> Result<(), Trouble> {
        let mut was_told = false;
        loop {
            match self.next_frame(&closed.on, "the end of the session").await? {
                None if closed.told && !was_told => {
                    return Err(Trouble::wrong(format!(
                        "the subject ended the session without CLOSE {:?}",
                        closed.closed
                    )));
                }
                None if closed.notified && !self.connection(&closed.on)?.wire.was_notified() => {
                    return Err(Trouble::wrong("the subject ended the session without close_notify"));
                }
                None => return Ok(()),
                Some((tag, _)) if !was_told && closed.skip.has(&tag) => {}
                Some((tag, fields)) => {
                    let code = field(&fields, "code").as_u64().and_then(|code| u16::try_from(code).ok());
                    let allowed = tag == "CLOSE" && code.is_some_and(|code| closed.closed.contains(&code));
                    if was_told || !allowed {
                        return Err(Trouble::wrong(format!(
                            "{tag} {} came instead of the end of the session (allowed codes of CLOSE: {:?})",
                            shown(&fields),
                            closed.closed
                        )));
                    }
                    was_told = true;
                }
            }
        }
    }
}

/// The payload that is sent after `before` others of its step.
fn payload(send: &Send, fields: &Map<String, Value>, before: usize) -> Result<Vec<u8>, Trouble> {
    let mut fields = fields.clone();
    for name in send.counts.iter() {
        count_up(&mut fields, name, before as u64)
            .ok_or_else(|| Trouble::unjudged(format!("the case's {name} cannot count")))?;
    }
    let mut payload = document(&send.tag, Value::Object(fields))?;
    damage(&mut payload, &send.damage)?;
    Ok(payload)
}

/// Makes a number so much more: that of a field, or of the process in it.
fn count_up(fields: &mut Map<String, Value>, name: &str, more: u64) -> Option<()> {
    let value = fields.get_mut(name)?;
    let number = if value.is_object() { value.get_mut("local")? } else { value };
    *number = number.as_u64()?.checked_add(more)?.into();
    Some(())
}

/// All frames of a step, one behind the other. Other cases have their turn meanwhile.
async fn framed(send: &Send, fields: &Map<String, Value>) -> Result<Vec<u8>, Trouble> {
    let mut framed = Vec::new();
    let different = if send.counts.is_empty() { 1 } else { send.times };
    for before in 0..different {
        consume_budget().await;
        framing::put(&payload(send, fields, before)?, FRAME_BYTES_MAX, &mut framed)
            .map_err(|error| Trouble::unjudged(error.to_string()))?;
    }
    Ok(framed.repeat(send.times / different))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::count_up;

    #[test]
    fn a_number_and_a_process_count_up() {
        let value =
            json!({"ref": 5, "from": {"node": 0, "creation": 2, "local": 9}, "id": u64::MAX, "text": "5"});
        let mut fields: Map<String, Value> = value.as_object().cloned().unwrap_or_default();
        assert_eq!(count_up(&mut fields, "ref", 140_000), Some(()));
        assert_eq!(count_up(&mut fields, "from", 3), Some(()));
        assert_eq!(fields.get("ref"), Some(&json!(140_005)));
        assert_eq!(fields.get("from"), Some(&json!({"node": 0, "creation": 2, "local": 12})));
        for wrong in ["id", "text", "reference"] {
            assert_eq!(count_up(&mut fields, wrong, 1), None, "{wrong}");
        }
    }
}
