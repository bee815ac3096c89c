//! The places: functions as programs have them, each once with the codec and once by hand.

use std::fmt;

use snow_dist_bench::Message;
use snow_dist_codec::Frame;

/// Where a program encodes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a loop over frames.
    All,
    /// One frame, in a function of its own.
    One,
    /// Likewise, with a limit that is not known when this is compiled, and an answer.
    Limited,
    /// Behind a byte of the program's own.
    Behind,
    /// In the closure of an iterator.
    Counted,
}

impl Place {
    pub(crate) const ALL: [Self; 5] = [Self::All, Self::One, Self::Limited, Self::Behind, Self::Counted];

    /// Writes all frames into a buffer that is used again.
    pub(crate) fn by_codec(self, frames: &[Frame<'_>], buffer: &mut Vec<u8>) {
        buffer.clear();
        match self {
            Self::All => codec::all(frames, buffer),
            Self::One => frames.iter().for_each(|frame| codec::one(frame, buffer)),
            Self::Limited => assert!(frames.iter().all(|frame| codec::limited(frame, 4_096, buffer))),
            Self::Behind => frames.iter().for_each(|frame| codec::behind(frame, buffer)),
            Self::Counted => assert_eq!(codec::counted(frames, buffer), frames.len()),
        }
    }

    /// The same with the encoder by hand.
    pub(crate) fn by_hand(self, messages: &[Message<'_>], buffer: &mut Vec<u8>) {
        buffer.clear();
        match self {
            Self::All => hand::all(messages, buffer),
            Self::One => messages.iter().for_each(|message| hand::one(message, buffer)),
            Self::Limited => assert!(messages.iter().all(|message| hand::limited(message, buffer))),
            Self::Behind => messages.iter().for_each(|message| hand::behind(message, buffer)),
            Self::Counted => assert_eq!(hand::counted(messages, buffer), messages.len()),
        }
    }
}

/// The place in tables.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "a loop",
            Self::One => "a call",
            Self::Limited => "limited",
            Self::Behind => "behind",
            Self::Counted => "counted",
        })
    }
}

mod codec {
    use snow_dist_codec::Frame;
    use snow_dist_codec::limits::FRAME_BYTES_MAX;

    #[inline(never)]
    pub(super) fn all(frames: &[Frame<'_>], buffer: &mut Vec<u8>) {
        for frame in frames {
            frame.encode_framed(FRAME_BYTES_MAX, buffer).unwrap();
        }
    }

    #[inline(never)]
    pub(super) fn one(frame: &Frame<'_>, buffer: &mut Vec<u8>) {
        frame.encode_framed(FRAME_BYTES_MAX, buffer).unwrap();
    }

    #[inline(never)]
    pub(super) fn limited(frame: &Frame<'_>, bytes_max: u32, buffer: &mut Vec<u8>) -> bool {
        frame.encode_framed(bytes_max, buffer).is_ok()
    }

    #[inline(never)]
    pub(super) fn behind(frame: &Frame<'_>, buffer: &mut Vec<u8>) {
        buffer.push(0);
        frame.encode_framed(4_096, buffer).unwrap();
    }

    #[inline(never)]
    pub(super) fn counted(frames: &[Frame<'_>], buffer: &mut Vec<u8>) -> usize {
        frames.iter().filter(|frame| frame.encode_framed(1 << 16, buffer).is_ok()).count()
    }
}

/// It judges nothing, so it has no limits either.
mod hand {
    use snow_dist_bench::Message;
    use snow_dist_bench::by_hand::append;

    #[inline(never)]
    pub(super) fn all(messages: &[Message<'_>], buffer: &mut Vec<u8>) {
        for message in messages {
            append(message, buffer);
        }
    }

    #[inline(never)]
    pub(super) fn one(message: &Message<'_>, buffer: &mut Vec<u8>) {
        append(message, buffer);
    }

    #[inline(never)]
    pub(super) fn limited(message: &Message<'_>, buffer: &mut Vec<u8>) -> bool {
        append(message, buffer);
        true
    }

    #[inline(never)]
    pub(super) fn behind(message: &Message<'_>, buffer: &mut Vec<u8>) {
        buffer.push(0);
        append(message, buffer);
    }

    #[inline(never)]
    pub(super) fn counted(messages: &[Message<'_>], buffer: &mut Vec<u8>) -> usize {
        messages.iter().map(|message| append(message, buffer)).count()
    }
}
