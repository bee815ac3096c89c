//! `1E` ROOM_BROADCAST: a text for all members of a room on the receiver's node.

use crate::Text;
use crate::layout::{Layout, Sink, Source};

/// A text for all members of a room on the receiver's node. Specification: `dist.md`, "ROOM_BROADCAST".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoomBroadcast<'a> {
    /// The name of the room.
    pub room: Text<'a>,
    /// The text for the members of the room.
    pub text: Text<'a>,
}

impl<'a> Layout<'a> for RoomBroadcast<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { room: source.str16("room")?, text: source.str32("text")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.str16("room", self.room)?;
        sink.str32("text", self.text)
    }
}
