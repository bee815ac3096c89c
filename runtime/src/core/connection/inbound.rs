//! The bytes that have arrived on a connection, cut into messages and frames and handled in order.

use std::time::Duration;

use bytes::Bytes;
use snow_dist_codec::frame::{CallHead, Fragment};
use snow_dist_codec::limits::{HANDSHAKE_BYTES_MAX, LENGTH_PREFIX_BYTES};
use snow_dist_codec::{Frame, Frames, Reading, framing};

use super::{Connection, Ending, Stage};
use crate::core::limits::UNFINISHED_BYTES_UNCOUNTED;
use crate::core::session::{self, Config, Offered, Version, deliver};
use crate::core::{Block, Processes};

/// Access to a connection from the thread that reads it. A [`Connection`] gives access to itself. A host that keeps
/// the connection under a lock implements this trait for its own type.
pub trait Access {
    /// Calls `act` with the connection, and returns the result of `act`. An implementation with a lock must hold the
    /// lock during the call, and must not run code of a program meanwhile.
    fn with<T>(&mut self, act: impl FnOnce(&mut Connection) -> T) -> T;
}

impl Access for Connection {
    #[inline]
    fn with<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        act(self)
    }
}

/// A message or a frame that has arrived, as a function that watches a connection receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read<'a> {
    /// The payload of a message of the handshake, without its length.
    Message(&'a [u8]),
    /// The payload of a frame of the session, without its length.
    Frame(&'a [u8]),
}

/// The bytes that have arrived on a connection and are not handled yet.
///
/// This state is separate from the [`Connection`], so that the thread that reads can keep it outside the connection's
/// lock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Inbound {
    bytes: Vec<u8>,
    /// Set if bytes have arrived since frames were handled last.
    has_news: bool,
    passed_over: Option<PassedOver>,
}

/// A message that was dropped before it was complete.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PassedOver {
    /// The bytes of its frame.
    frame: usize,
    /// The bytes of it that are still to come.
    left: usize,
    /// The beginning of its payload, as far as it is needed for an answer.
    begun: Vec<u8>,
}

impl PassedOver {
    /// Creates the state of a dropped message: its frame has `frame` bytes, length prefix included, of which `come`
    /// have arrived.
    fn new(frame: usize, come: &[u8]) -> Self {
        let begun = come.iter().skip(LENGTH_PREFIX_BYTES).take(CallHead::BYTES_MAX).copied().collect();
        Self { frame, left: frame.saturating_sub(come.len()), begun }
    }

    /// Skips the bytes of the message. Returns the number of the given bytes that belong to it.
    fn pass(&mut self, bytes: &[u8]) -> usize {
        let come = bytes.get(..self.left).unwrap_or(bytes);
        let wanted = CallHead::BYTES_MAX.saturating_sub(self.begun.len());
        self.begun.extend(come.iter().take(wanted));
        self.left -= come.len();
        come.len()
    }
}

/// The parameters for reading the frames of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reads {
    /// The bytes of the longest frame, as this node has announced.
    pub(super) bytes_max: u32,
    /// The creation in pids of this node.
    pub(super) creation: u8,
    pub(super) version_1: bool,
}

impl Reads {
    pub(super) fn of(config: &Config) -> Self {
        let version_1 = config.version != Version::Two;
        Self { bytes_max: config.bounds.frame_bytes, creation: config.creation, version_1 }
    }
}

/// The meaning of the next bytes.
enum Next {
    Message,
    Frames(Reads),
    /// The bytes wait for the verdict, or nothing is read any more.
    Later,
}

impl Inbound {
    /// Handles bytes that have arrived: complete messages of the handshake, then complete frames of the session.
    /// Incomplete ones are kept until the rest arrives.
    ///
    /// Signals and messages are delivered to `processes`. A call without bytes handles the bytes that had to wait for
    /// the endpoint's verdict. If the bytes break a rule, the connection has an [`Ending`] after this call.
    pub fn receive(
        &mut self,
        bytes: &[u8],
        connection: &mut impl Access,
        processes: &mut impl Processes,
        now: Duration,
    ) {
        if !bytes.is_empty() {
            self.make_room(bytes.len(), connection, processes);
            self.buffer().extend_from_slice(bytes);
        }
        self.receive_handshake(connection, |_| ());
        self.receive_frames(connection, processes, |_| (), now);
    }

    /// Makes room in the buffer for a read of `bytes` bytes in a session. If the buffer begins with an incomplete
    /// frame, the room is for half as many bytes, or for the rest of the frame if that already fits.
    ///
    /// The buffer grows with the bytes that have arrived, and is not much longer than the frame with which they
    /// begin. If `processes` has no room for an incomplete message ([`Processes::keep_buffer`]), the message is
    /// dropped, together with the part of it that has arrived.
    pub fn make_room(&mut self, bytes: usize, connection: &mut impl Access, processes: &mut impl Processes) {
        let length = self.bytes.len();
        let frame = framing::frame_bytes(&self.bytes);
        let frame = frame.map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        // The message may keep the buffer, so the buffer should not be much longer.
        let bytes = if length < frame { bytes / 2 } else { bytes };
        // A buffer in which the frame ends is large enough, unless it is a small one: it is released with the frame.
        let ends_in_it = length < frame && frame.max(bytes) <= self.bytes.capacity();
        if !ends_in_it && self.bytes.capacity() < length + bytes {
            let enough = frame.saturating_add(bytes).max(BYTES_KEPT);
            let capacity = (2 * self.bytes.capacity()).min(enough).max(length + bytes);
            self.bytes.reserve_exact(capacity - length);
        }
        if self.bytes.capacity() <= BYTES_KEPT {
            return;
        }
        //= spec/session.md#ses-msg-017
        //# A node MUST drop a message whose frame is incomplete if what has come of it finds no room by
        //# SES-MSG-010, SES-MSG-011 or SES-MSG-015.
        let is_message = is_message(&self.bytes);
        let is_kept = processes.keep_buffer(self.bytes.capacity(), is_message);
        if is_message && !is_kept {
            self.passed_over = Some(PassedOver::new(frame, &self.bytes));
            self.bytes = Vec::with_capacity(bytes);
            processes.after_frames();
        }
        look_at_signals(connection, processes);
    }

    /// Skips what has arrived of a message that was dropped. Returns `true` if that was the rest of it, which may
    /// have ended the session.
    fn pass_over(&mut self, connection: &mut impl Access, processes: &mut impl Processes) -> bool {
        //= spec/session.md#ses-msg-018
        //# A node that has dropped a message by SES-MSG-017 MUST read the rest of its frame, and neither keep
        //# nor judge anything of it but the first fields of a call or reply.
        let Some(passed_over) = &mut self.passed_over else { return false };
        let count = passed_over.pass(&self.bytes);
        self.bytes.drain(..count);
        let is_over = passed_over.left == 0;
        if is_over && let Some(PassedOver { frame, begun, .. }) = self.passed_over.take() {
            connection.with(|it| {
                it.count_in(1, frame);
                it.handle_dropped(&begun, processes);
            });
            processes.between_frames();
        }
        is_over
    }

    /// Returns the buffer of the bytes that are not handled yet. A host that reads from the stream into this buffer
    /// must call [`Inbound::make_room`] first in a session, then append to the buffer, and then call
    /// [`Inbound::receive_handshake`] or [`Inbound::receive_frames`]. The host must not remove anything.
    #[inline]
    pub const fn buffer(&mut self) -> &mut Vec<u8> {
        self.has_news = true;
        &mut self.bytes
    }

    /// Returns `true` if no bytes wait to be handled.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Frees the memory of the buffer, if no bytes wait to be handled.
    pub fn give_back_space(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
    }

    /// Handles the messages of the handshake in the buffer, until the connection is a session or waits for the
    /// endpoint's verdict. `watch` is called with each message before the message is handled.
    ///
    /// If the payload of a message is longer than [`HANDSHAKE_BYTES_MAX`], the connection ends with
    /// [`Ending::Framing`].
    pub fn receive_handshake(&mut self, connection: &mut impl Access, mut watch: impl FnMut(Read<'_>)) {
        while let Next::Message = connection.with(|it| it.next()) {
            match framing::cut(&self.bytes, HANDSHAKE_BYTES_MAX) {
                Ok(Some(cut)) => {
                    watch(Read::Message(cut.payload));
                    connection.with(|it| it.handle_message(cut.payload));
                    let handled = self.bytes.len() - cut.rest.len();
                    self.bytes.drain(..handled);
                }
                Ok(None) => return,
                Err(error) => return connection.with(|it| it.fail(Ending::Framing(error))),
            }
        }
    }

    /// Handles the complete frames in the buffer. If the connection is not a session, nothing is handled.
    ///
    /// Returns the number of complete frames, plus 1 for every 8 entries of the lists in them. So a host that bounds
    /// its turns by this number bounds them by frames and by names.
    ///
    /// `watch` is called with each frame before the frame is handled. No lock is held when `watch`,
    /// [`Processes::between_frames`] and [`Processes::after_frames`] are called.
    //= spec/connection.md#con-elc-016
    //# An acceptor MUST read bytes that have come behind REPLY as the first bytes of the session, if the
    //# connection becomes one.
    pub fn receive_frames(
        &mut self,
        connection: &mut impl Access,
        processes: &mut impl Processes,
        watch: impl FnMut(Read<'_>),
        now: Duration,
    ) -> usize {
        let has_news = std::mem::take(&mut self.has_news);
        let next = connection.with(|it| {
            if has_news {
                it.heard(now);
            }
            it.next()
        });
        let Next::Frames(reads) = next else { return 0 };
        if self.pass_over(connection, processes)
            && !matches!(connection.with(|it| it.next()), Next::Frames(_))
        {
            return 0;
        }
        let mut frames = Frames::new(&self.bytes, reads.bytes_max);
        let (mut count, mut longest, mut worth, mut refused) = (0, 0, 0, None);
        for frame in frames.by_ref() {
            match frame {
                Ok(payload) => (count, longest) = (count + 1, longest.max(payload.len())),
                Err(error) => refused = Some(error),
            }
        }
        let whole = self.bytes.len() - frames.remaining().len();
        if whole > 0 {
            connection.with(|it| it.count_in(count, whole));
            processes.release_buffer();
            let mut handling = Handling { connection, processes, watch, reads, entries: 0 };
            self.handle(whole, longest, &mut handling);
            worth = handling.entries / ENTRIES_PER_FRAME;
            processes.after_frames();
            look_at_signals(connection, processes);
        }
        if let Some(error) = refused {
            connection.with(|it| it.fail(session::Ending::Protocol(error.to_string()).into()));
        }
        count + worth
    }

    /// Handles the frames in the first `whole` bytes, the longest of which has `longest` bytes, and removes them.
    fn handle<A: Access, P: Processes>(
        &mut self,
        whole: usize,
        longest: usize,
        handling: &mut Handling<'_, A, P, impl FnMut(Read<'_>)>,
    ) {
        if let Some(block) = self.take_block::<P>(whole, longest) {
            handling.processes.arrived(block.clone());
            handling.frames(&block.bytes);
            return;
        }
        let mut bytes = std::mem::take(&mut self.bytes);
        handling.frames(bytes.get(..whole).unwrap_or_default());
        bytes.drain(..whole);
        if bytes.capacity() > BYTES_KEPT {
            bytes.shrink_to(BYTES_KEPT / 4);
        }
        self.bytes = bytes;
    }

    /// Takes the frames in the first `whole` bytes out as a block, if one of them can be a message that keeps the
    /// block. Otherwise they stay, and their memory is used again.
    fn take_block<P: Processes>(&mut self, whole: usize, longest: usize) -> Option<Block> {
        // A buffer that a long frame made grow is shrunk to its frames. Others are passed on as they are: what
        // shrinking leaves of them is too small for the next buffer, and many sessions together would leave very many
        // such holes.
        let shrinks = self.bytes.capacity() > BYTES_KEPT;
        let allocated = if shrinks { whole } else { self.bytes.capacity() };
        if !P::keeps(longest, allocated) {
            return None;
        }
        let rest = self.bytes.split_off(whole);
        let mut bytes = std::mem::replace(&mut self.bytes, rest);
        if shrinks {
            bytes.shrink_to_fit();
        }
        Some(Block { bytes: bytes.into(), allocated })
    }
}

/// The largest size in bytes of a buffer that is used again. A buffer that a large frame made grow is released with
/// that frame, and counts until then.
const BYTES_KEPT: usize = UNFINISHED_BYTES_UNCOUNTED;

/// The number of entries of a list that take as long as one frame.
const ENTRIES_PER_FRAME: usize = 8;

/// Returns the number of entries of a frame that is a list.
const fn entries(frame: &Frame<'_>) -> usize {
    match frame {
        Frame::PeerList(list) => list.names.count() as usize,
        Frame::GlobalSync(list) => list.entries.count() as usize,
        _ => 0,
    }
}

/// Returns `true` if the frame that these bytes begin can only be a message.
fn is_message(begun: &[u8]) -> bool {
    let payload = begun.get(LENGTH_PREFIX_BYTES..).unwrap_or_default();
    Fragment { number: 0, total: None, last: false, payload }.begins_message()
}

/// Ends the session of a peer whose signals are not taken.
fn look_at_signals(connection: &mut impl Access, processes: &impl Processes) {
    if processes.are_signals_untaken() {
        //= spec/session.md#ses-bnd-006
        //# A node MUST end the session when exit signals of links and DOWNs of the peer go beyond its
        //# share, in one mailbox or in all, by more than a sixty-fourth of `mailbox_remote_bytes_max`.
        //= spec/session.md#ses-bnd-008
        //# A node MUST end the session when an exit signal of a link or a DOWN of the peer goes beyond its
        //# share in all mailboxes, which then keep more than five quarters of `mailbox_remote_bytes_max` for
        //# other nodes.
        connection.with(|it| it.fail(session::Ending::SignalsUntaken.into()));
    }
}

struct Handling<'h, A, P, W> {
    connection: &'h mut A,
    processes: &'h mut P,
    watch: W,
    reads: Reads,
    /// The number of entries of the lists so far.
    entries: usize,
}

impl<A: Access, P: Processes, W: FnMut(Read<'_>)> Handling<'_, A, P, W> {
    fn frames(&mut self, frames: &[u8]) {
        //= spec/session.md#ses-ord-004
        //# A node MUST give each process what the frames of one session bring it in the order in which they
        //# arrived.
        //= spec/dist.md#dist-fld-012
        //# A reader MUST return the frames before a refused one as if that one were not there.
        for payload in Frames::new(frames, self.reads.bytes_max).flatten() {
            (self.watch)(Read::Frame(payload));
            let goes_on = self.frame(payload);
            self.processes.between_frames();
            if !goes_on {
                break;
            }
        }
        if self.reads.version_1 {
            self.connection.with(Connection::look_at_version_1);
        }
    }

    /// Handles a payload. Returns `false` if nothing is handled any more.
    fn frame(&mut self, payload: &[u8]) -> bool {
        //= spec/dist.md#dist-rdg-004
        //# A node MUST read what its peers send in the Compatible reading, unless its operator asks for the
        //# Strict one.
        match Frame::decode(payload, Reading::Compatible) {
            Ok(Frame::Fragment(piece)) => {
                match self.connection.with(|it| it.handle_fragment(&piece, self.processes)) {
                    Some(Some(whole)) => self.whole(whole.into()),
                    Some(None) => true,
                    None => false,
                }
            }
            Ok(frame) => self.offer(&frame),
            //= spec/dist.md#dist-fld-011
            //# A node whose reader refuses a frame or a message MUST close the connection on which it arrived.
            Err(error) => self.broke(error.to_string()),
        }
    }

    /// Handles a frame that came in fragments. Its message is kept as it is, not copied once more.
    fn whole(&mut self, whole: Bytes) -> bool {
        match Frame::decode(&whole, Reading::Compatible) {
            Ok(frame) => {
                let before = self.processes.arrived(whole.clone().into());
                let goes_on = self.offer(&frame);
                self.processes.arrived(before);
                goes_on
            }
            Err(error) => self.broke(error.to_string()),
        }
    }

    /// Handles a frame. A message is delivered without the session.
    #[inline]
    fn offer(&mut self, frame: &Frame<'_>) -> bool {
        // In version 1 a message can teach the session something.
        if !self.reads.version_1 {
            match deliver(frame, self.reads.creation, self.processes) {
                Ok(Offered::Taken) => return true,
                Ok(Offered::Stale | Offered::NoMessage) => {}
                Err(ending) => {
                    self.connection.with(|it| it.fail(ending.into()));
                    return false;
                }
            }
        }
        self.entries += entries(frame);
        self.connection.with(|it| it.handle_frame(frame, self.processes))
    }

    fn broke(&mut self, rule: String) -> bool {
        self.connection.with(|it| it.fail(session::Ending::Protocol(rule).into()));
        false
    }
}

impl Connection {
    fn next(&self) -> Next {
        match &self.stage {
            _ if self.ending.is_some() => Next::Later,
            Stage::Opening(opening) if opening.waits_for_verdict() => Next::Later,
            Stage::Opening(_) => Next::Message,
            Stage::Session(_) => Next::Frames(self.reads),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Pid, Reason};

    const READ_BYTES: usize = 32 << 10;

    /// Notes the size of the buffer that it was asked for.
    #[derive(Default)]
    struct Asked {
        bytes: Option<usize>,
        refuses: bool,
    }

    impl Processes for Asked {
        fn keep_buffer(&mut self, bytes: usize, _: bool) -> bool {
            self.bytes = Some(bytes);
            !self.refuses
        }
        fn attach(&mut self, _: u64) -> bool {
            false
        }
        fn message(&mut self, _: u64, _: &[u8]) {}
        fn named_message(&mut self, _: &str, _: &[u8]) {}
        fn exit(&mut self, _: u64, _: Pid, _: Reason) {}
        fn exits(&mut self, _: u64, _: &[Pid], _: &Reason) {}
        fn down(&mut self, _: u64, _: u64, _: Pid, _: Reason) {}
    }

    /// An access that is never used here.
    struct Nobody;

    impl Access for Nobody {
        fn with<T>(&mut self, _: impl FnOnce(&mut Connection) -> T) -> T {
            unreachable!("room is made without the connection")
        }
    }

    //= spec/dist.md#dist-frm-010
    //= type=test
    //# The memory that a reader reserves for a frame MUST be bounded by a fixed amount plus a fixed multiple
    //# of the frame's bytes that have arrived.
    #[test]
    fn the_buffer_of_a_long_frame_follows_what_has_come_and_ends_with_the_frame() {
        for payload in [100, BYTES_KEPT, 1_000_000, 1 << 20, (1 << 20) + 1, 5_000_000] {
            let mut framed = Vec::new();
            framing::put(&vec![7; payload], u32::MAX, &mut framed).unwrap();
            let (frame, bytes) = (framed.len(), framed[..LENGTH_PREFIX_BYTES].to_vec());
            let (mut inbound, mut grown) = (Inbound { bytes, ..Inbound::default() }, 0);
            while inbound.bytes.len() < frame {
                let (before, mut asked) = (inbound.bytes.capacity(), Asked::default());
                inbound.make_room(READ_BYTES, &mut Nobody, &mut asked);
                let (length, capacity) = (inbound.bytes.len(), inbound.bytes.capacity());
                grown += usize::from(capacity > before);
                assert!(capacity > length && capacity >= frame.min(length + READ_BYTES / 2));
                assert!(capacity <= 2 * (length + READ_BYTES), "{capacity} for {length}");
                assert!(capacity <= BYTES_KEPT.max(frame + READ_BYTES), "{capacity} for {frame}");
                assert_eq!(asked.bytes, (capacity > BYTES_KEPT).then_some(capacity));
                inbound.bytes.extend_from_slice(&framed[length..(length + 1_000).min(frame)]);
            }
            assert!(grown <= 10, "{grown}");
        }
        let mut idle = Inbound::default();
        idle.make_room(256, &mut Nobody, &mut Asked::default());
        assert_eq!(idle.bytes.capacity(), 256);
    }

    #[test]
    fn a_signal_is_read_even_if_the_table_refuses_its_buffer() {
        // SEND and EXIT.
        for (tag, is_dropped) in [(0x10, true), (0x15, false)] {
            let mut bytes = Vec::new();
            let payload = [vec![tag], vec![0; 1 << 20]].concat();
            framing::put(&payload, u32::MAX, &mut bytes).unwrap();
            bytes.truncate(2 * BYTES_KEPT);
            let mut inbound = Inbound { bytes, ..Inbound::default() };
            inbound.make_room(READ_BYTES, &mut Nobody, &mut Asked { refuses: true, ..Asked::default() });
            assert_eq!(
                (inbound.passed_over.is_some(), inbound.bytes.is_empty()),
                (is_dropped, is_dropped),
                "{tag:#x}"
            );
        }
    }
}
