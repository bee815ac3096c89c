//! rkyv, whose archives are used where they lie, once they are validated.
#![expect(missing_docs, reason = "rkyv derives fields without documentation")]

use std::hint::black_box;
use std::ops::Range;

use rkyv::rancor::Error;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Deserialize, Serialize, access, to_bytes};

use crate::{Message, Reason, Shape};

/// A message of one of the shapes.
#[derive(Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum OwnedMessage {
    Link { from: u64, to: u64 },
    Monitor { from: u64, to: u64, reference: u64 },
    Exit { from: u64, to: u64, reason: OwnedReason },
    MonitorExit { from: u64, to: u64, reference: u64, reason: OwnedReason },
    Send { to: u64, payload: Vec<u8> },
    SendTerm { to: u64, payload: Vec<u8> },
    Call { from: u64, to: u64, reference: u64, payload: Vec<u8> },
    CallReply { from: u64, to: u64, reference: u64, payload: Vec<u8> },
}

/// A reason.
#[derive(Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum OwnedReason {
    Normal,
    Error(String),
    Killed,
    Shutdown,
    Custom(String),
    Noconnection,
}

impl From<Message<'_>> for OwnedMessage {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Link { from, to } => Self::Link { from, to },
            Message::Monitor { from, to, reference } => Self::Monitor { from, to, reference },
            Message::Exit { from, to, reason } => Self::Exit { from, to, reason: reason.into() },
            Message::MonitorExit { from, to, reference, reason } => {
                Self::MonitorExit { from, to, reference, reason: reason.into() }
            }
            Message::Send { to, payload } => Self::Send { to, payload: payload.to_vec() },
            Message::SendTerm { to, payload } => Self::SendTerm { to, payload: payload.to_vec() },
            Message::Call { from, to, reference, payload } => {
                Self::Call { from, to, reference, payload: payload.to_vec() }
            }
            Message::CallReply { from, to, reference, payload } => {
                Self::CallReply { from, to, reference, payload: payload.to_vec() }
            }
        }
    }
}

impl From<Reason<'_>> for OwnedReason {
    fn from(reason: Reason<'_>) -> Self {
        match reason {
            Reason::Normal => Self::Normal,
            Reason::Error(text) => Self::Error(text.to_owned()),
            Reason::Killed => Self::Killed,
            Reason::Shutdown => Self::Shutdown,
            Reason::Custom(text) => Self::Custom(text.to_owned()),
            Reason::Noconnection => Self::Noconnection,
        }
    }
}

/// Archives behind each other, and where each is: no length is read to find the next one.
#[derive(Debug)]
pub struct Stream {
    bytes: AlignedVec,
    places: Vec<Range<usize>>,
}

/// The archives of a shape's messages.
#[must_use]
pub fn stream(shape: Shape) -> Stream {
    let mut stream = Stream { bytes: AlignedVec::new(), places: Vec::new() };
    for message in shape.messages() {
        let archive = to_bytes::<Error>(&OwnedMessage::from(message)).unwrap();
        let start = stream.bytes.len().next_multiple_of(AlignedVec::<16>::ALIGNMENT);
        stream.bytes.resize(start, 0);
        stream.bytes.extend_from_slice(&archive);
        stream.places.push(start..stream.bytes.len());
    }
    stream
}

/// Validates all archives.
#[inline(never)]
pub fn decode(stream: &Stream) {
    for place in &stream.places {
        let archive = &stream.bytes[place.clone()];
        black_box(access::<ArchivedOwnedMessage, Error>(archive).unwrap());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back() {
        for shape in Shape::ALL {
            let stream = stream(shape);
            for (place, message) in stream.places.iter().zip(shape.messages()) {
                let archive = access::<ArchivedOwnedMessage, Error>(&stream.bytes[place.clone()]).unwrap();
                let read: OwnedMessage = rkyv::deserialize::<_, Error>(archive).unwrap();
                assert_eq!(read, message.into(), "{shape}");
            }
        }
    }
}
