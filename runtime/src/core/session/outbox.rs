//! What waits to be written, and in which order it goes. Specification: `connection.md`, "The outbound queue".
//!
//! Three lanes: the heartbeat, then signals, then messages. Whatever a process sends keeps its order, so a signal
//! of a process that has messages queued stands behind these, in the lane of that process; every other signal
//! overtakes all messages. Processes with messages take turns, a chunk each; one with a signal behind its messages
//! goes first, until that signal has gone. So a signal waits for what its own process sent, for the chunk of others
//! that is being written, and for signals that were queued like it before it.
//!
//! Signals that a mass exit owes are not bytes here but entries ([`Owed`]), made into frames when they are
//! written: they count against no limit.

use std::collections::{BTreeMap, VecDeque};

use snow_dist_codec::Pid as WirePid;

use super::links::Ends;
use crate::core::Reason;

/// Bytes that a process's chunk takes before the next is begun, and so what a signal may have to wait for.
const CHUNK_BYTES: usize = 64 << 10;

/// What an answer counts against the reserve: about what it takes, here and on the wire.
const ANSWER_BYTES: usize = 64;

/// Buffers kept for the next chunk, so that a busy session allocates none.
const SPARE_MAX: usize = 4;

/// A signal to be made into a frame when it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owed {
    Link(Ends),
    UnlinkId {
        ends: Ends,
        id: u64,
    },
    /// Pids as the request had them.
    UnlinkAck {
        from: WirePid,
        to: WirePid,
        id: u64,
        /// A place at the peer comes free when it is written.
        frees: bool,
    },
    /// The reason waits in the link.
    Exit(Ends),
    /// An exit signal that a process sends; it has no link in which a reason could wait.
    Exit2 {
        ends: Ends,
        reason: Reason,
    },
    /// The answer to a LINK that cannot be; pids as the request had them.
    NoLink {
        from: WirePid,
        to: WirePid,
        why: Refusal,
    },
    Monitor {
        reference: u64,
        local: u64,
        remote: u64,
    },
    Demonitor {
        reference: u64,
        local: u64,
        remote: u64,
    },
    /// The reason waits in the monitor.
    Down {
        reference: u64,
    },
    /// The answer to a MONITOR that cannot be; pids as the request had them.
    NoMonitor {
        reference: u64,
        monitored: WirePid,
        monitoring: WirePid,
        why: Refusal,
    },
    /// The answer to a SPAWN of a function that nobody may start.
    NoSpawn {
        request: u64,
    },
}

/// Why a LINK or a MONITOR cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Refusal {
    /// There is no such process.
    Noproc,
    /// The peer has as many links and monitors here as it may have.
    Limit,
}

impl Owed {
    /// What it counts against the limit that makes senders wait.
    //= spec/connection.md#con-que-005
    //# A node SHOULD make LINK, MONITOR and SPAWN wait for room as messages do.
    fn waits_like(&self) -> usize {
        match self {
            Self::Link(_) => 21,
            //= spec/capabilities.md#cap-rxt-007
            //# A node SHOULD make EXIT2 wait for room as messages do.
            Self::Exit2 { reason, .. } => 21 + reason.written_bytes(),
            Self::Monitor { .. } => 29,
            _ => 0,
        }
    }

    /// What it counts against the reserve for answers.
    const fn answers_like(&self) -> usize {
        match self {
            Self::UnlinkAck { .. } | Self::NoLink { .. } | Self::NoMonitor { .. } | Self::NoSpawn { .. } => {
                ANSWER_BYTES
            }
            _ => 0,
        }
    }
}

/// The outbound queue of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Outbox {
    /// Signals of processes that had nothing else queued.
    signals: VecDeque<Owed>,
    /// What each process has queued from its first message on. A lane that has run empty is taken out when its
    /// turn comes.
    lanes: BTreeMap<u64, VecDeque<Item>>,
    /// The processes of the signals that stand in lanes, one entry for each.
    hasty: VecDeque<u64>,
    /// Every process that has a lane, in turn.
    patient: VecDeque<u64>,
    spare: Spare,
    waiting_bytes: usize,
    answer_bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Item {
    /// Whole frames.
    Chunk(Vec<u8>),
    Signal(Owed),
}

/// What is to be written next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    /// Messages: they are in the buffer already.
    Written,
    Signal(Owed),
}

impl Outbox {
    /// Bytes of messages, and of what waits like them.
    pub(super) const fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Bytes of answers that the peer has not read, and of signals that it has made void.
    pub(super) const fn answer_bytes(&self) -> usize {
        self.answer_bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        // What stands in lanes is signals, which are hasty, and messages, which wait.
        self.signals.is_empty() && self.hasty.is_empty() && self.waiting_bytes == 0
    }

    /// Queues a message of `local`: `write` appends its frame to a chunk, or fails and appends nothing.
    pub(super) fn message<E>(
        &mut self,
        local: u64,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(lane) = self.lanes.get_mut(&local)
            && let Some(Item::Chunk(chunk)) = lane.back_mut()
            && chunk.len() < CHUNK_BYTES
        {
            let before = chunk.len();
            write(chunk)?;
            self.waiting_bytes += chunk.len() - before;
            return Ok(());
        }
        let mut chunk = self.spare.take();
        write(&mut chunk)?;
        self.waiting_bytes += chunk.len();
        let lane = self.lanes.entry(local).or_insert_with(|| {
            self.patient.push_back(local);
            VecDeque::new()
        });
        lane.push_back(Item::Chunk(chunk));
        Ok(())
    }

    /// Queues a signal of `local`: behind its messages if it has any queued, before all messages otherwise.
    pub(super) fn signal(&mut self, local: u64, owed: Owed) {
        //= spec/connection.md#con-que-004
        //# A node MUST NOT let an EXIT, a MONITOR_EXIT, an unlink or an end of a monitor wait for room in the
        //# queue.
        self.waiting_bytes += owed.waits_like();
        self.answer_bytes += owed.answers_like();
        //= spec/session.md#ses-ord-001
        //# For each pair a node MUST write the frames of what its process does in the order in which the
        //# process does it.
        //= spec/connection.md#con-que-007
        //# A node SHOULD write a signal of a process that has no message queued in the session before the
        //# messages that wait.
        match self.lanes.get_mut(&local).filter(|lane| !lane.is_empty()) {
            Some(lane) => {
                lane.push_back(Item::Signal(owed));
                self.hasty.push_back(local);
            }
            None => self.signals.push_back(owed),
        }
    }

    /// A queued exit or DOWN is void: the peer has ended its link or monitor. It stays until its turn comes, held
    /// against the reserve; otherwise a peer that does not read could pile up such.
    pub(super) const fn void(&mut self) {
        self.answer_bytes += ANSWER_BYTES;
    }

    /// A signal was given and was void.
    pub(super) const fn was_void(&mut self) {
        self.answer_bytes -= ANSWER_BYTES;
    }

    /// Gives the signal that is next, or writes the chunk of messages that is next to the end of `out`.
    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> Next {
        if let Some(owed) = self.signals.pop_front() {
            return self.give(owed);
        }
        //= spec/connection.md#con-que-008
        //# A node SHOULD write few bytes of other processes' messages before a signal that waits for messages
        //# of its own process.
        while let Some(local) = self.hasty.front() {
            let item = self.lanes.get_mut(local).and_then(VecDeque::pop_front);
            if !matches!(item, Some(Item::Chunk(_))) {
                self.hasty.pop_front();
            }
            if let Some(item) = item {
                return self.give_item(item, out);
            }
        }
        //= spec/connection.md#con-que-009
        //# A node SHOULD let processes with queued messages take turns.
        while let Some(local) = self.patient.pop_front() {
            let Some(lane) = self.lanes.get_mut(&local) else { continue };
            let item = lane.pop_front();
            if lane.is_empty() {
                self.lanes.remove(&local);
            } else {
                self.patient.push_back(local);
            }
            if let Some(item) = item {
                return self.give_item(item, out);
            }
        }
        Next::Nothing
    }

    /// Gives back the space of what has been written, if nothing waits.
    pub(super) fn give_back_space(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    fn give_item(&mut self, item: Item, out: &mut Vec<u8>) -> Next {
        match item {
            Item::Signal(owed) => self.give(owed),
            Item::Chunk(chunk) => {
                //= spec/connection.md#con-que-003
                //# A node MUST NOT drop a queued message while the session lasts.
                self.waiting_bytes -= chunk.len();
                self.spare.append(chunk, out);
                Next::Written
            }
        }
    }

    fn give(&mut self, owed: Owed) -> Next {
        self.waiting_bytes -= owed.waits_like();
        self.answer_bytes -= owed.answers_like();
        Next::Signal(owed)
    }
}

/// Empty buffers. They are no state: all are equal.
#[derive(Clone, Debug, Default)]
struct Spare(Vec<Vec<u8>>);

impl Spare {
    fn take(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_default()
    }

    /// Appends `chunk` to `out`, by exchanging the two where nothing needs to be copied.
    fn append(&mut self, mut chunk: Vec<u8>, out: &mut Vec<u8>) {
        if out.is_empty() {
            std::mem::swap(out, &mut chunk);
        } else {
            out.extend_from_slice(&chunk);
        }
        if self.0.len() < SPARE_MAX && chunk.capacity() <= 2 * CHUNK_BYTES {
            chunk.clear();
            self.0.push(chunk);
        }
    }
}

impl PartialEq for Spare {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Spare {}

impl std::hash::Hash for Spare {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(outbox: &mut Outbox, local: u64, text: &[u8]) {
        let put = |chunk: &mut Vec<u8>| {
            chunk.extend_from_slice(text);
            Ok::<_, ()>(())
        };
        outbox.message(local, put).unwrap();
    }

    /// What goes out: messages as they are, signals as `!`.
    fn drained(outbox: &mut Outbox) -> String {
        let mut all = String::new();
        loop {
            let mut out = Vec::new();
            match outbox.next(&mut out) {
                Next::Nothing => break,
                Next::Written => all.push_str(&String::from_utf8(out).unwrap()),
                Next::Signal(_) => all.push('!'),
            }
        }
        assert_eq!((outbox.waiting_bytes(), outbox.answer_bytes()), (0, 0));
        assert!(outbox.is_empty());
        all
    }

    const SIGNAL: Owed = Owed::Exit((1, 9));

    #[test]
    fn a_signal_overtakes_the_messages_of_others() {
        let mut outbox = Outbox::default();
        send(&mut outbox, 2, b"b");
        outbox.signal(1, SIGNAL);
        assert_eq!(drained(&mut outbox), "!b");
    }

    #[test]
    fn a_signal_follows_the_messages_of_its_own_process() {
        let mut outbox = Outbox::default();
        send(&mut outbox, 1, b"a");
        outbox.signal(1, SIGNAL);
        send(&mut outbox, 1, b"c");
        assert_eq!(drained(&mut outbox), "a!c");
    }

    #[test]
    fn a_process_with_a_signal_comes_before_those_without() {
        let mut outbox = Outbox::default();
        let big = vec![b'b'; 10 * CHUNK_BYTES];
        for piece in big.chunks(CHUNK_BYTES) {
            send(&mut outbox, 2, piece);
        }
        send(&mut outbox, 1, b"a");
        outbox.signal(1, SIGNAL);
        assert!(drained(&mut outbox).starts_with("a!b"));
    }

    #[test]
    fn a_process_takes_turns_again_when_its_signal_has_gone() {
        let mut outbox = Outbox::default();
        send(&mut outbox, 1, b"a");
        outbox.signal(1, SIGNAL);
        for _ in 0..2 {
            send(&mut outbox, 1, &[b'c'; CHUNK_BYTES]);
        }
        send(&mut outbox, 2, b"b");
        let mut all = drained(&mut outbox).into_bytes();
        all.dedup();
        assert_eq!(all, b"a!cbc");
    }

    #[test]
    fn a_lane_that_ran_empty_is_no_lane() {
        let mut outbox = Outbox::default();
        send(&mut outbox, 1, b"a");
        outbox.signal(1, SIGNAL);
        let mut out = Vec::new();
        assert_eq!(outbox.next(&mut out), Next::Written);
        assert_eq!(outbox.next(&mut out), Next::Signal(SIGNAL));
        assert!(outbox.is_empty());
        send(&mut outbox, 2, b"b");
        outbox.signal(1, SIGNAL);
        send(&mut outbox, 1, b"c");
        assert_eq!(drained(&mut outbox), "!cb");
        assert_eq!(outbox, Outbox::default());
    }

    #[test]
    fn processes_take_turns() {
        let mut outbox = Outbox::default();
        let (b, c) = ([b'b'; CHUNK_BYTES], [b'c'; CHUNK_BYTES]);
        for _ in 0..2 {
            send(&mut outbox, 2, &b);
        }
        send(&mut outbox, 3, &c);
        let mut all = drained(&mut outbox).into_bytes();
        all.dedup();
        assert_eq!(all, b"bcb");
    }

    #[test]
    fn what_waits_is_counted_until_it_is_written() {
        let mut outbox = Outbox::default();
        send(&mut outbox, 1, b"four");
        outbox.signal(2, Owed::Link((2, 3)));
        outbox.signal(2, SIGNAL);
        assert_eq!((outbox.waiting_bytes(), outbox.answer_bytes()), (25, 0));
        outbox.signal(2, Owed::NoSpawn { request: 1 });
        assert_eq!(outbox.answer_bytes(), 64);
        assert_eq!(drained(&mut outbox), "!!!four");
    }

    #[test]
    fn a_message_that_cannot_be_written_leaves_nothing() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.message(1, |_| Err("too long")), Err("too long"));
        assert!(outbox.is_empty());
    }
}
