//! Mailbox signals as bytes: the messages that a node itself puts into a mailbox. Specification: `dist.md`, "Mailbox
//! signals".
//!
//! Signals are never sent over the wire. A node makes them for its own processes, in the layout that programs of
//! version 1 read. A program that receives raw messages recognises signals by their first eight bytes, the type tag.
//! [`Signal`] is the enum of all signals; each has a file of its own.

mod down;
mod exit;
mod node_down;
mod node_up;
mod spawn_reply;

pub use down::Down;
pub use exit::Exit;
pub use node_down::NodeDown;
pub use node_up::NodeUp;
pub use spawn_reply::SpawnReply;

use bytes::BufMut;

use crate::layout::{self, Reader, Sink, Source, Tagged};
use crate::{DecodeError, EncodeError, ErrorKind, Reading};

layout::table! {
    /// A mailbox signal.
    ///
    /// ```
    /// use snow_dist_codec::{Pid, Reading, Root, Signal, signal::Exit};
    ///
    /// let exit = Signal::from(Exit { from: Pid::from_bits(3), reason: Root::Killed.into() });
    /// let mut message = Vec::new();
    /// exit.encode(&mut message).unwrap();
    /// assert_eq!(message, b"\xff\xff\xff\xff\xff\xff\xff\xff\x03\0\0\0\0\0\0\0\x02");
    /// assert_eq!(Signal::decode(&message, Reading::Strict), Ok((exit, &[][..])));
    /// ```
    pub enum Signal<'a>: u64 {
        0xFFFF_FFFF_FFFF_FFFF "EXIT" => exit::Exit<'a>;
        0xFFFF_FFFF_FFFF_FFFE "DOWN" => down::Down<'a>;
        0xFFFF_FFFF_FFFF_FFFD "NODEDOWN" => node_down::NodeDown<'a>;
        0xFFFF_FFFF_FFFF_FFFC "NODEUP" => node_up::NodeUp<'a>;
        0xFFFF_FFFF_FFFF_FFFB "SPAWN_REPLY" => spawn_reply::SpawnReply;
    }
}

impl<'a> Signal<'a> {
    /// Returns `true` if a message begins with a reserved type tag, so that a version 1 program mistakes it for a
    /// signal.
    ///
    /// Returns `false` for a message of fewer than eight bytes, because version 1 pads such a message with zeros.
    #[must_use]
    pub fn looks_like(message: &[u8]) -> bool {
        message.first_chunk().is_some_and(|tag| {
            let tag = u64::from_le_bytes(*tag);
            Self::TAGS.iter().any(|&(reserved, _)| reserved == tag)
        })
    }

    /// Decodes a signal and returns it with the bytes after its last field.
    ///
    /// # Errors
    /// Returns [`ErrorKind::NotASignal`] if the first eight bytes are not the type tag of a signal, and another
    /// [`DecodeError`] if the message has fewer than eight bytes or the signal is not valid. Bytes after the last
    /// field are an error in the strict reading only.
    pub fn decode(message: &'a [u8], reading: Reading) -> Result<(Self, &'a [u8]), DecodeError> {
        let mut reader = Reader::new(message, reading);
        //= spec/dist.md#dist-sig-003
        //# A reader that is asked for a signal MUST refuse bytes that are fewer than eight or begin with any
        //# other type.
        let tag = reader.u64("tag")?;
        let Some(signal) = Self::read_fields(tag, &mut reader) else {
            return Err(DecodeError::new(ErrorKind::NotASignal(tag), "tag", 0));
        };
        Ok((signal?, reader.finish()?))
    }

    /// Returns the size of the signal in bytes, including its type tag.
    ///
    /// # Errors
    /// Never fails today, because no field of a signal can be too long.
    pub fn encoded_len(&self) -> Result<usize, EncodeError> {
        layout::measure(self)
    }

    /// Writes the signal: its type tag, then its fields.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if `dst` has too little room. Nothing has been written then.
    pub fn encode<B: BufMut>(&self, dst: &mut B) -> Result<(), EncodeError> {
        layout::encode(self, dst)
    }
}

impl Tagged for Signal<'_> {
    fn write_tagged<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        //= spec/dist.md#dist-sig-001
        //# A node that hands signals to programs as bytes MUST write the u64 type and then the signal's
        //# fields in the table's order.
        sink.u64("tag", self.tag())?;
        self.write_fields(sink)
    }
}

#[cfg(test)]
mod tests;
