//! The frames of a session: a type for each, and their enum [`Frame`]. Specification: `dist.md`.
//!
//! Decode with [`Frame::decode`]; build a frame from its type by `Frame::from` and write it with
//! [`Frame::encode_framed`]. Each frame has a file of its own; a table dispatches by tag.

mod call;
mod call_name;
mod call_reply;
mod close;
mod demonitor;
mod exit;
mod exit2;
mod fast;
mod fragment;
mod global_register;
mod global_sync;
mod global_unregister;
mod head;
mod link;
mod monitor;
mod monitor_exit;
mod monitor_name;
mod named;
mod node_table;
mod peer_list;
mod ping;
mod pong;
mod reg_send;
mod room_broadcast;
mod send;
mod send_name_term;
mod send_term;
mod spawn;
mod spawn_reply;
mod unknown;
mod unlink;
mod unlink_ack;
mod unlink_id;

pub use call::Call;
pub use call_name::CallName;
pub use call_reply::CallReply;
pub use close::Close;
pub use demonitor::Demonitor;
pub use exit::Exit;
pub use exit2::Exit2;
pub use fragment::Fragment;
pub use global_register::GlobalRegister;
pub use global_sync::GlobalSync;
pub use global_unregister::GlobalUnregister;
pub use head::CallHead;
pub use link::Link;
pub use monitor::Monitor;
pub use monitor_exit::MonitorExit;
pub use monitor_name::MonitorName;
pub use named::Named;
pub use node_table::NodeTable;
pub use peer_list::PeerList;
pub use ping::Ping;
pub use pong::Pong;
pub use reg_send::RegSend;
pub use room_broadcast::RoomBroadcast;
pub use send::Send;
pub use send_name_term::SendNameTerm;
pub use send_term::SendTerm;
pub use spawn::Spawn;
pub use spawn_reply::SpawnReply;
pub use unknown::Unknown;
pub use unlink::Unlink;
pub use unlink_ack::UnlinkAck;
pub use unlink_id::UnlinkId;

use bytes::BufMut;

use self::fast::Apart;
use crate::layout::{self, Reader, Sink, Tagged};
use crate::{DecodeError, EncodeError, ErrorKind, Reading};

layout::table! {
    /// A frame: a message of a session, sent after the handshake.
    ///
    /// A frame borrows the payload that it was read from. The enum is not exhaustive, because new versions may add
    /// tags.
    ///
    /// ```
    /// use snow_dist_codec::{Frame, Pid, Reading, frame::Link};
    ///
    /// let link = Frame::from(Link { from: Pid::from_bits(5), to: Pid::from_bits(9) });
    /// let mut bytes = Vec::new();
    /// link.encode(&mut bytes).unwrap();
    /// assert_eq!(bytes, [0x13, 5, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
    /// assert_eq!(Frame::decode(&bytes, Reading::Strict), Ok(link));
    /// ```
    pub enum Frame<'a>: u8 {
        0x10 "SEND" => send::Send<'a>;
        0x11 "REG_SEND" => reg_send::RegSend<'a>;
        0x12 "PEER_LIST" => peer_list::PeerList<'a>;
        0x13 "LINK" => link::Link;
        0x14 "UNLINK" => unlink::Unlink;
        0x15 "EXIT" => exit::Exit<'a>;
        0x16 "MONITOR" => monitor::Monitor;
        0x17 "DEMONITOR" => demonitor::Demonitor;
        0x18 "MONITOR_EXIT" => monitor_exit::MonitorExit<'a>;
        0x19 "SPAWN" => spawn::Spawn<'a>;
        0x1A "SPAWN_REPLY" => spawn_reply::SpawnReply;
        0x1B "GLOBAL_REGISTER" => global_register::GlobalRegister<'a>;
        0x1C "GLOBAL_UNREGISTER" => global_unregister::GlobalUnregister<'a>;
        0x1D "GLOBAL_SYNC" => global_sync::GlobalSync<'a>;
        0x1E "ROOM_BROADCAST" => room_broadcast::RoomBroadcast<'a>;
        0x80 "UNLINK_ID" => unlink_id::UnlinkId;
        0x81 "UNLINK_ACK" => unlink_ack::UnlinkAck;
        0x82 "NODE_TABLE" => node_table::NodeTable<'a>;
        0x83 "FRAGMENT" => fragment::Fragment<'a>;
        0x84 "CLOSE" => close::Close<'a>;
        0x85 "EXIT2" => exit2::Exit2<'a>;
        0x86 "SEND_TERM" => send_term::SendTerm<'a>;
        0x87 "CALL" => call::Call<'a>;
        0x88 "CALL_NAME" => call_name::CallName<'a>;
        0x89 "CALL_REPLY" => call_reply::CallReply<'a>;
        0x8A "SEND_NAME_TERM" => send_name_term::SendNameTerm<'a>;
        0x8B "MONITOR_NAME" => monitor_name::MonitorName<'a>;
        0x8C "NAMED" => named::Named;
        0xF0 "PING" => ping::Ping<'a>;
        0xF1 "PONG" => pong::Pong<'a>;
    }
    also {
        /// A frame with an unknown tag, kept with the bytes after it. Only the compatible reading returns it.
        Unknown(Unknown<'a>);
        /// A frame without any byte. Only the compatible reading returns it.
        Empty;
    }
}

impl<'a> Frame<'a> {
    /// Decodes the payload of a frame, without its length.
    ///
    /// # Errors
    /// Returns [`DecodeError`] with the problem, the field and the byte if the payload is not a valid frame. An
    /// unknown tag and an empty payload are errors only in the strict reading.
    #[inline(always)]
    pub fn decode(payload: &'a [u8], reading: Reading) -> Result<Self, DecodeError> {
        Self::decode_fast(payload, reading)
    }

    #[inline(never)]
    fn decode_any(payload: &'a [u8], reading: Reading) -> Apart<Result<Self, DecodeError>> {
        Apart(Self::decode_with_surplus(payload, reading).map(|(frame, _)| frame))
    }

    /// Decodes a payload like [`Frame::decode`] and returns the bytes after the last field as well.
    ///
    /// Only the compatible reading accepts such bytes.
    ///
    /// # Errors
    /// Returns the errors of [`Frame::decode`].
    pub fn decode_with_surplus(payload: &'a [u8], reading: Reading) -> Result<(Self, &'a [u8]), DecodeError> {
        let mut reader = Reader::new(payload, reading);
        let frame = Self::read(&mut reader)?;
        Ok((frame, reader.finish()?))
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let unknown = match reader.tag() {
            None => ErrorKind::Empty,
            Some(tag) => match Self::read_fields(tag, reader) {
                Some(frame) => return frame,
                None => ErrorKind::UnknownTag(tag),
            },
        };
        match (reader.reading(), unknown) {
            //= spec/dist.md#dist-tag-002
            //# After the handshake a reader MUST refuse a payload with an unknown tag in the Strict reading.
            //= spec/dist.md#dist-frm-007
            //# After the handshake a reader MUST refuse a payload of length 0 in the Strict reading.
            (Reading::Strict, kind) => Err(DecodeError::new(kind, "tag", 0)),
            //= spec/dist.md#dist-tag-001
            //# After the handshake a reader MUST ignore a payload with an unknown tag in the Compatible
            //# reading, whatever follows the tag.
            (Reading::Compatible, ErrorKind::UnknownTag(tag)) => {
                Ok(Self::Unknown(Unknown::kept(tag, reader.take_rest())))
            }
            //= spec/dist.md#dist-frm-006
            //# After the handshake a reader MUST ignore a payload of length 0 in the Compatible reading.
            (Reading::Compatible, _) => Ok(Self::Empty),
        }
    }

    /// Returns the tag, the first byte of the frame, or `None` for an empty frame.
    #[must_use]
    pub const fn tag(&self) -> Option<u8> {
        match (self.known_tag(), self) {
            (Some((tag, _)), _) => Some(tag),
            (None, Self::Unknown(unknown)) => Some(unknown.tag()),
            (None, _) => None,
        }
    }

    /// Returns the name of the frame in the specification. It is `UNKNOWN` if the tag is unknown, and `EMPTY` for an
    /// empty frame.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match (self.known_tag(), self) {
            (Some((_, name)), _) => name,
            (None, Self::Unknown(_)) => "UNKNOWN",
            (None, _) => "EMPTY",
        }
    }

    /// Passes the fields of the frame, without the tag, to `sink`.
    ///
    /// # Errors
    /// Returns the error of the first field that the sink does not accept.
    #[inline(always)]
    pub fn write_fields<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        match (self.write_known(sink), self) {
            (Some(written), _) => written,
            (None, Self::Unknown(unknown)) => unknown.write(sink),
            (None, _) => Ok(()),
        }
    }

    /// Returns the size of the payload in bytes, including the tag.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if the frame cannot be encoded.
    pub fn encoded_len(&self) -> Result<usize, EncodeError> {
        layout::measure(self)
    }

    /// Writes the payload, without a length before it.
    ///
    /// The peer's frame limit is not checked here. [`Frame::encode_framed`] checks it.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if the frame cannot be encoded or `dst` has too little room. Nothing has been written
    /// then.
    pub fn encode<B: BufMut>(&self, dst: &mut B) -> Result<(), EncodeError> {
        layout::encode(self, dst)
    }

    /// Writes the frame with its length before it.
    ///
    /// `bytes_max` is the limit of the peer for a frame's payload, without the length field:
    /// [`limits::FRAME_BYTES_MAX`](crate::limits::FRAME_BYTES_MAX), or the smaller limit that the peer announced in the
    /// handshake.
    ///
    /// # Errors
    /// Returns the errors of [`Frame::encode`], and [`EncodeError`] if the payload has more than `bytes_max` bytes.
    /// Nothing has been written then.
    #[inline(always)]
    pub fn encode_framed<B: BufMut>(&self, bytes_max: u32, dst: &mut B) -> Result<(), EncodeError> {
        self.encode_fast(bytes_max, dst)
    }
}

impl Tagged for Frame<'_> {
    fn write_tagged<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        //= spec/dist.md#dist-fld-001
        //# A writer MUST write the tag, then the fields of the tag's table in the table's order, and nothing
        //# else.
        if let Some(tag) = self.tag() {
            sink.u8("tag", tag)?;
        }
        self.write_fields(sink)
    }
}

#[cfg(test)]
mod tests;
