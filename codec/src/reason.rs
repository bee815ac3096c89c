//! Exit reasons: why a process ended. Specification: `dist.md`, "Exit reasons".
//!
//! On the wire a reason is a tag and its data, and the data of the tag Linked ends in another reason. A chain of
//! Linked is therefore **flat**: hops of nine bytes each, then one root that is not Linked. This module reads, holds
//! and writes chains in that form, at any length, without recursion and without boxes.

use alloc::vec::Vec;
use core::fmt;

use crate::layout::{self, Reader, Sink, Source, Writer};
use crate::{DecodeError, ErrorKind, Field, Pid, Reading, Text};

mod tag {
    pub(super) const NORMAL: u8 = 0x00;
    pub(super) const ERROR: u8 = 0x01;
    pub(super) const KILLED: u8 = 0x02;
    pub(super) const LINKED: u8 = 0x03;
    pub(super) const SHUTDOWN: u8 = 0x04;
    pub(super) const CUSTOM: u8 = 0x05;
    pub(super) const NOCONNECTION: u8 = 0x06;
}

/// The size of a hop: its tag and a pid.
const HOP_BYTES: usize = 1 + Pid::LEN;
/// The size of the tag and the length of a root with text.
const TEXT_HEAD_BYTES: usize = 1 + size_of::<u64>();

/// The reason why a process ended: the original reason (the root), and the chain of linked processes through which the
/// exit was passed on (the hops).
///
/// ```
/// use snow_dist_codec::{Pid, Reading, Reason, ReasonBuf, Root};
///
/// let crash = Reason::from(Root::Error("boom".into()));
/// let passed_on = ReasonBuf::linked(Pid::from_bits(7), &crash);
/// let reason = passed_on.as_reason();
///
/// assert_eq!(reason.hops().collect::<Vec<_>>(), [Pid::from_bits(7)]);
/// assert_eq!(reason.root, Root::Error("boom".into()));
/// assert_eq!(reason.to_string(), "linked(<0.7>, error \"boom\")");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reason<'a> {
    /// The hops in wire form: a whole number of [`HOP_BYTES`], each beginning with the tag Linked.
    hops: &'a [u8],
    /// The original reason: the one with which the process that started the chain ended. Without a chain, this is the
    /// whole reason.
    pub root: Root<'a>,
}

/// The original reason in a [`Reason`], which stands after all hops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root<'a> {
    /// The process had done its work. Tag `00`.
    Normal,
    /// The process failed. Tag `01`, `u64` length, text.
    Error(Text<'a>),
    /// The process was killed. Tag `02`.
    Killed,
    /// The process was asked to stop. Tag `04`.
    Shutdown,
    /// The process ended for a reason of the program's own. Tag `05`, `u64` length, text.
    Custom(Text<'a>),
    /// The session with the node of the process has ended, or there was none. Tag `06`.
    Noconnection,
    /// The tag is above `06`. All bytes after the tag are kept. Only the compatible reading returns this variant.
    Unknown(UnknownRoot<'a>),
}

/// A root whose tag this version does not know, kept as it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnknownRoot<'a> {
    /// The tag and all bytes after it, as one slice: this keeps [`Root`], and with it every frame, small.
    bytes: &'a [u8],
}

impl<'a> UnknownRoot<'a> {
    /// Creates a root from its bytes, the tag first.
    ///
    /// Returns `None` if `bytes` is empty or the tag is known (at most 6).
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Option<Self> {
        match bytes.first() {
            Some(&tag) if tag > tag::NOCONNECTION => Some(Self { bytes }),
            _ => None,
        }
    }

    /// Returns the tag, which is above 6.
    #[must_use]
    pub const fn tag(self) -> u8 {
        let [tag, ..] = self.bytes else { return u8::MAX }; // there always is a tag
        *tag
    }

    /// Returns all bytes after the tag.
    #[must_use]
    pub const fn payload(self) -> &'a [u8] {
        let [_, payload @ ..] = self.bytes else { return &[] }; // there always is a tag
        payload
    }
}

impl<'a> Reason<'a> {
    /// Reads a reason from the beginning of `bytes`. Returns the reason and the bytes after it.
    ///
    /// # Errors
    /// Returns [`DecodeError`] if `bytes` does not begin with a valid reason, or, in the strict reading, if bytes
    /// follow the reason. Offsets are counted from the first byte of `bytes`.
    pub fn decode(bytes: &'a [u8], reading: Reading) -> Result<(Self, &'a [u8]), DecodeError> {
        let mut reader = Reader::new(bytes, reading);
        let reason = Self::read(&mut reader)?;
        Ok((reason, reader.finish()?))
    }

    /// Returns an iterator over the processes of the chain.
    ///
    /// The first process passed the exit on last; the last process ended with [`Reason::root`]. Without a chain, the
    /// iterator is empty.
    #[must_use]
    pub const fn hops(&self) -> Hops<'a> {
        Hops { bytes: self.hops }
    }

    /// Returns `true` if the reason is a known root without a chain.
    #[inline(always)]
    pub(crate) const fn is_plain(&self) -> bool {
        self.hops.is_empty() && !matches!(self.root, Root::Unknown(_))
    }

    /// Returns the size of the reason on the wire, in bytes.
    #[inline(always)]
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        // Both parts lie in memory, so their sum cannot overflow.
        self.hops.len() + self.root.encoded_len()
    }

    /// Decides by one match on the first tag. A chain is read out of line, every known root inline.
    #[inline(always)]
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let start = *reader;
        let root = match reader.u8("reason.root")? {
            tag::NORMAL => Root::Normal,
            tag::ERROR => Root::Error(read_text(reader)?),
            tag::KILLED => Root::Killed,
            tag::SHUTDOWN => Root::Shutdown,
            tag::CUSTOM => Root::Custom(read_text(reader)?),
            tag::NOCONNECTION => Root::Noconnection,
            _ => {
                // A cursor whose address is passed on could not live in registers, so the chain gets a copy.
                let mut chain = start;
                let reason = read_chain(&mut chain)?;
                *reader = chain;
                return Ok(reason);
            }
        };
        Ok(Self { hops: &[], root })
    }

    #[inline(always)]
    pub(crate) fn write<B: bytes::BufMut>(
        &self,
        writer: &mut Writer<'_, B>,
    ) -> Result<(), core::convert::Infallible> {
        if self.is_plain() {
            self.root.write(writer)
        } else {
            self.write_rest(writer.out_of_line());
            Ok(())
        }
    }

    /// Writes a chain or an unknown root.
    #[cold]
    #[inline(never)]
    fn write_rest<B: bytes::BufMut>(&self, dst: &mut B) {
        dst.put_slice(self.hops);
        if let Root::Unknown(unknown) = self.root {
            dst.put_slice(unknown.bytes);
        } else {
            layout::append(dst, |writer| self.root.write(writer));
        }
    }
}

/// Reads a reason that is not a known root: a chain of hops with its root, or an unknown root.
#[cold]
#[inline(never)]
fn read_chain<'a>(reader: &mut Reader<'a>) -> Result<Reason<'a>, DecodeError> {
    //= spec/dist.md#dist-rsn-001
    //# A reader MUST accept a reason with any number of hops that fits its payload.
    let (chunks, tail) = reader.remaining().as_chunks::<HOP_BYTES>();
    let count = chunks.iter().take_while(|hop| hop[0] == tag::LINKED).count();
    if count == chunks.len() && tail.first() == Some(&tag::LINKED) {
        let kind = ErrorKind::Truncated { needed: Pid::LEN, found: tail.len() - 1 };
        let at = reader.at() + count * HOP_BYTES + 1;
        return Err(DecodeError { kind, field: Field::element("reason.hops", count), at });
    }
    let hops = reader.take("reason.hops", count * HOP_BYTES)?;
    let root = match reader.remaining().first() {
        Some(&tag) if tag > tag::NOCONNECTION => Root::Unknown(read_unknown(reader, tag)?),
        _ => Reason::read(reader)?.root,
    };
    Ok(Reason { hops, root })
}

impl<'a> From<Root<'a>> for Reason<'a> {
    #[inline]
    fn from(root: Root<'a>) -> Self {
        Self { hops: &[], root }
    }
}

impl<'a> Root<'a> {
    /// Returns the tag of the root.
    #[must_use]
    pub const fn tag(&self) -> u8 {
        match self {
            Self::Normal => tag::NORMAL,
            Self::Error(_) => tag::ERROR,
            Self::Killed => tag::KILLED,
            Self::Shutdown => tag::SHUTDOWN,
            Self::Custom(_) => tag::CUSTOM,
            Self::Noconnection => tag::NOCONNECTION,
            Self::Unknown(unknown) => unknown.tag(),
        }
    }

    /// Returns the name of the root in test vectors and in JSON: its name in the specification, in lower case.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Error(_) => "error",
            Self::Killed => "killed",
            Self::Shutdown => "shutdown",
            Self::Custom(_) => "custom",
            Self::Noconnection => "noconnection",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Returns the text that follows the tag, if the root has one.
    //
    // The compiler takes each arm of a match for equally likely, and a place that fewer than one in fifty calls of a
    // function reach for cold: it inlines nothing there. An encoder has ten kinds of frames before it gets here. With an
    // arm of its own for one root without a text, the roots with and without one count as equally likely, and both stay
    // above that.
    #[inline(always)]
    #[expect(clippy::match_same_arms, reason = "an arm says how likely it is")]
    const fn text(&self) -> Option<Text<'a>> {
        match self {
            Self::Error(text) | Self::Custom(text) => Some(*text),
            Self::Normal => None,
            _ => None,
        }
    }

    #[inline(always)]
    const fn encoded_len(&self) -> usize {
        if let Self::Unknown(unknown) = self {
            unknown.bytes.len()
        } else if let Some(text) = self.text() {
            TEXT_HEAD_BYTES + text.len()
        } else {
            1
        }
    }

    /// Writes a known root.
    #[inline(always)]
    fn write<B: bytes::BufMut>(&self, writer: &mut Writer<'_, B>) -> Result<(), core::convert::Infallible> {
        writer.u8("reason.root", self.tag())?;
        if let Some(text) = self.text() {
            writer.u64("reason.root.text", text.len() as u64)?;
            writer.slice(text.as_bytes());
        } else {
            // In this branch the number of gathered bytes is a constant; after it, it would not be.
            writer.flush();
        }
        Ok(())
    }
}

#[inline(always)]
fn read_text<'a>(reader: &mut Reader<'a>) -> Result<Text<'a>, DecodeError> {
    let length = reader.u64("reason.root.text")?;
    let bytes = reader.promised("reason.root.text", length, size_of::<u64>())?;
    reader.proven("reason.root.text", bytes)
}

/// Keeps a tag above 6 with the rest of the payload: only a later version knows how long its data is.
fn read_unknown<'a>(reader: &mut Reader<'a>, tag: u8) -> Result<UnknownRoot<'a>, DecodeError> {
    match reader.reading() {
        //= spec/dist.md#dist-rsn-002
        //# In the Compatible reading a reader MUST return a root whose tag is above 6 as its tag and all
        //# further bytes of the payload, behind the hops before it.
        Reading::Compatible => Ok(UnknownRoot { bytes: reader.take_rest() }),
        //= spec/dist.md#dist-rsn-003
        //# In the Strict reading a reader MUST refuse a root whose tag is above 6.
        Reading::Strict => Err(DecodeError::new(ErrorKind::UnknownReason(tag), "reason.root", reader.at())),
    }
}

/// An iterator over the processes of a chain. See [`Reason::hops`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Hops<'a> {
    bytes: &'a [u8],
}

impl Iterator for Hops<'_> {
    type Item = Pid;

    #[inline]
    fn next(&mut self) -> Option<Pid> {
        let (hop, rest) = self.bytes.split_first_chunk::<HOP_BYTES>()?;
        let (_, pid) = hop.split_last_chunk::<{ Pid::LEN }>()?;
        self.bytes = rest;
        Some(Pid::from_bits(u64::from_le_bytes(*pid)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.bytes.len() / HOP_BYTES;
        (count, Some(count))
    }
}

impl ExactSizeIterator for Hops<'_> {}

impl fmt::Display for Root<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(text) | Self::Custom(text) => write!(f, "{} {text:?}", self.kind()),
            Self::Unknown(unknown) => write!(f, "unknown {:#04x}", unknown.tag()),
            _ => f.write_str(self.kind()),
        }
    }
}

/// Shows a reason as `linked(<0.7>, error "boom")`. Of a chain with more than eight hops, the first eight and the
/// number of the others are shown.
impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        let hops = self.hops();
        let count = hops.len();
        if count == 0 {
            return fmt::Display::fmt(&self.root, f);
        }
        f.write_str("linked(")?;
        for hop in hops.take(SHOWN) {
            write!(f, "{hop}, ")?;
        }
        if count > SHOWN {
            write!(f, "{} more, ", count - SHOWN)?;
        }
        write!(f, "{})", self.root)
    }
}

impl fmt::Debug for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A reason that owns its bytes. Use it to keep a reason longer than the buffer from which it was read, or to build a
/// reason with a chain.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ReasonBuf {
    /// A whole reason in wire form, the hops first.
    bytes: Vec<u8>,
    /// The size of the hops in bytes.
    hops: usize,
}

impl ReasonBuf {
    /// Creates a reason from `root` and `hops`. The order of the hops is that of [`Reason::hops`].
    ///
    /// Allocates once, as many bytes as the reason has on the wire.
    #[must_use]
    pub fn new(hops: impl ExactSizeIterator<Item = Pid>, root: &Root<'_>) -> Self {
        let hops_bytes = hops.len() * HOP_BYTES;
        let mut bytes = Vec::with_capacity(hops_bytes + root.encoded_len());
        for hop in hops {
            push_hop(&mut bytes, hop);
        }
        let hops = bytes.len();
        push_reason(&mut bytes, &Reason::from(*root));
        Self { bytes, hops }
    }

    /// Creates the reason with which a process ends because a linked process, `from`, ended with `reason`.
    #[must_use]
    pub fn linked(from: Pid, reason: &Reason<'_>) -> Self {
        let mut bytes = Vec::with_capacity(HOP_BYTES + reason.encoded_len());
        push_hop(&mut bytes, from);
        push_reason(&mut bytes, reason);
        Self { bytes, hops: HOP_BYTES + reason.hops.len() }
    }

    /// Returns a view of the reason, for the field of a message.
    #[must_use]
    pub fn as_reason(&self) -> Reason<'_> {
        let (hops, root) = self.bytes.split_at_checked(self.hops).unwrap_or_default();
        // The bytes were written by this module. Reading them back cannot fail, so the default is never used.
        let root = Reason::decode(root, Reading::Compatible).map_or(Root::Normal, |(reason, _)| reason.root);
        Reason { hops, root }
    }
}

fn push_hop(bytes: &mut Vec<u8>, hop: Pid) {
    bytes.push(tag::LINKED);
    bytes.extend_from_slice(&hop.to_bits().to_le_bytes());
}

fn push_reason(bytes: &mut Vec<u8>, reason: &Reason<'_>) {
    layout::append(bytes, |writer| reason.write(writer));
}

impl From<&Reason<'_>> for ReasonBuf {
    fn from(reason: &Reason<'_>) -> Self {
        let mut bytes = Vec::with_capacity(reason.encoded_len());
        push_reason(&mut bytes, reason);
        Self { bytes, hops: reason.hops.len() }
    }
}

impl fmt::Debug for ReasonBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_reason(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec};

    fn decode(bytes: &[u8]) -> Result<(Reason<'_>, &[u8]), DecodeError> {
        Reason::decode(bytes, Reading::Compatible)
    }

    #[test]
    fn a_chain_is_hops_and_a_root() {
        let bytes = [&[3, 1, 0, 0, 0, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 0, 0, 0][..], &[6, 0xAA]].concat();
        let (reason, surplus) = decode(&bytes).unwrap();
        assert_eq!(reason.hops().collect::<Vec<_>>(), [Pid::from_bits(1), Pid::from_bits(2)]);
        assert_eq!(reason.root, Root::Noconnection);
        assert_eq!(surplus, [0xAA]);
        assert_eq!(reason.encoded_len(), 19);
        assert_eq!(reason.to_string(), "linked(<0.1>, <0.2>, noconnection)");
        assert_eq!(ReasonBuf::from(&reason).as_reason(), reason);
        assert_eq!(ReasonBuf::new(reason.hops(), &reason.root).as_reason(), reason);
    }

    #[test]
    fn every_root_stands_alone_and_after_hops() {
        let text = [&3_u64.to_le_bytes()[..], b"why"].concat();
        let (error, custom) = ([&[1][..], &text].concat(), [&[5][..], &text].concat());
        for (bytes, root) in [
            (&[0][..], Root::Normal),
            (&error, Root::Error("why".into())),
            (&[2], Root::Killed),
            (&[4], Root::Shutdown),
            (&custom, Root::Custom("why".into())),
            (&[6], Root::Noconnection),
            (&[9, 8], Root::Unknown(UnknownRoot::new(&[9, 8]).unwrap())),
        ] {
            assert_eq!(decode(bytes), Ok((root.into(), &[][..])));
            assert_eq!((root.tag(), Reason::from(root).encoded_len()), (bytes[0], bytes.len()));
            let passed_on = ReasonBuf::linked(Pid::from_bits(1), &root.into());
            assert_eq!(passed_on.bytes, [&[3, 1, 0, 0, 0, 0, 0, 0, 0][..], bytes].concat());
            assert_eq!(decode(&passed_on.bytes), Ok((passed_on.as_reason(), &[][..])));
            assert_eq!(passed_on.as_reason().root, root);
            let again = ReasonBuf::linked(Pid::from_bits(2), &passed_on.as_reason());
            let hops: Vec<_> = again.as_reason().hops().collect();
            assert_eq!((hops, again.as_reason().root), ([2, 1].map(Pid::from_bits).to_vec(), root));
        }
    }

    #[test]
    fn a_million_hops_are_one_pass() {
        let hops = vec![Pid::from_bits(9); 1_800_000];
        let reason = ReasonBuf::new(hops.iter().copied(), &Root::Killed);
        let (read, _) = decode(&reason.bytes).unwrap();
        assert_eq!(read.hops().len(), hops.len());
        assert!(read.to_string().ends_with("1799992 more, killed)"));
    }

    #[test]
    fn a_cut_hop_says_which() {
        let error = decode(&[3, 1, 0, 0, 0, 0, 0, 0, 0, 3, 2]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`reason.hops[1]` at byte 10: needs 8 bytes, the message ends after 1 of them"
        );
        let error = decode(&[3, 1, 0, 0, 0, 0, 0, 0, 0]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`reason.root` at byte 9: needs 1 byte, the message ends after 0 of them"
        );
    }

    #[test]
    fn a_chain_ends_at_its_root_whatever_follows() {
        // The surplus begins with Linked's tag where a hop could stand.
        let bytes = [&[3, 1, 0, 0, 0, 0, 0, 0, 0, 2][..], &[0xAA; 8], &[3]].concat();
        let (reason, surplus) = decode(&bytes).unwrap();
        assert_eq!(reason.to_string(), "linked(<0.1>, killed)");
        assert_eq!(surplus, [&[0xAA; 8][..], &[3]].concat());
        let shorter = Reason::decode(&bytes[..10], Reading::Strict).unwrap();
        assert_eq!(shorter, (reason, &[][..]));
    }

    #[test]
    fn an_unknown_root_is_kept_or_refused() {
        let (reason, surplus) = decode(&[7, 1, 2]).unwrap();
        let unknown = UnknownRoot::new(&[7, 1, 2]).unwrap();
        assert_eq!((unknown.tag(), unknown.payload()), (7, &[1, 2][..]));
        assert_eq!((reason.root, surplus), (Root::Unknown(unknown), &[][..]));
        assert_eq!((UnknownRoot::new(&[6]), UnknownRoot::new(&[])), (None, None));
        let error = Reason::decode(&[7, 1, 2], Reading::Strict).unwrap_err();
        assert_eq!((error.kind, error.at), (ErrorKind::UnknownReason(7), 0));
    }

    #[test]
    fn a_lying_length_is_refused_where_it_stands() {
        let bytes = [&[1][..], &u64::MAX.to_le_bytes(), b"abc"].concat();
        let error = decode(&bytes).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Overrun { promised: u64::MAX, found: 3 });
        assert_eq!(error.at, 1);
    }

    #[test]
    fn a_kept_reason_is_shown_like_the_one_it_keeps() {
        let kept = ReasonBuf::linked(Pid::from_bits(1), &Root::Custom("why".into()).into());
        assert_eq!(alloc::format!("{kept:?}"), "linked(<0.1>, custom \"why\")");
        let unknown = Root::Unknown(UnknownRoot::new(&[0xAB]).unwrap());
        assert_eq!(Reason::from(unknown).to_string(), "unknown 0xab");
    }

    #[test]
    fn of_a_long_chain_the_first_hops_are_shown() {
        let chain = |count: u64| {
            ReasonBuf::new((0..count).map(Pid::from_bits).collect::<Vec<_>>().into_iter(), &Root::Normal)
        };
        assert_eq!(
            chain(8).as_reason().to_string(),
            "linked(<0.0>, <0.1>, <0.2>, <0.3>, <0.4>, <0.5>, <0.6>, <0.7>, normal)"
        );
        assert_eq!(
            chain(9).as_reason().to_string(),
            "linked(<0.0>, <0.1>, <0.2>, <0.3>, <0.4>, <0.5>, <0.6>, <0.7>, 1 more, normal)"
        );
    }
}
