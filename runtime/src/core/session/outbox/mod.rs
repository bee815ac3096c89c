//! The outbound queue: what waits to be written, and in which order it is written. Specification: `connection.md`,
//! "The outbound queue".
//!
//! There are three lanes: the heartbeat, then signals, then messages. What one process sends keeps its order: if a
//! process has messages queued, its signals wait behind them, in the lane of that process. Every other signal
//! overtakes all messages. Processes with messages take turns, a chunk each, or a fragment of a long message.
//! Processes with a signal behind their messages go first, and take turns among themselves. So a signal waits for
//! what its own process has sent, for what was taken out of the queue before it came, and for a share of what other
//! signals wait for.
//!
//! A long message goes out in fragments, if the peer supports them ([`Budget`]). While one is in progress nothing
//! else of its process is written.
//!
//! The many signals of a mass exit are kept as entries ([`Owed`]), not as bytes, and become frames when they are
//! written. They count against no limit.

mod long;
mod spare;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use snow_dist_codec::Pid as WirePid;

use super::links::{Ends, Place};
use crate::core::Reason;
use spare::Spare;

pub(super) use long::{Budget, Long};

/// The largest size in bytes of a chunk, unless it is a single frame: a process writes one chunk in its turn.
const CHUNK_BYTES: usize = 64 << 10;

/// The bytes that an answer counts against the reserve: about what it takes, here and on the wire.
const ANSWER_BYTES: usize = 64;

/// A signal that becomes a frame when it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owed {
    Link(Ends),
    UnlinkId {
        ends: Ends,
        id: u64,
    },
    /// The UNLINK of a version 1 session, whose link is gone already. The pids are those of its LINK.
    Unlink {
        from: WirePid,
        to: WirePid,
        /// Set if a place at the peer becomes free when it is written.
        frees: bool,
    },
    /// The answer to an UNLINK_ID, with the pids of the request.
    UnlinkAck {
        from: WirePid,
        to: WirePid,
        id: u64,
        /// The effect on a place at the peer when it is written.
        place: Place,
    },
    /// The EXIT of a link. Its reason is kept in the link.
    Exit(Ends),
    /// An exit signal that a process sends. There is no link in which its reason could be kept.
    Exit2 {
        ends: Ends,
        reason: Reason,
    },
    /// The answer to a LINK that is refused, with the pids of the request.
    NoLink {
        from: WirePid,
        to: WirePid,
        why: Refusal,
        place: Place,
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
    /// The end of a monitor. Its reason is kept in the monitor.
    Down {
        reference: u64,
    },
    /// The answer to a MONITOR or a call that is refused, with the pids of the request.
    NoMonitor {
        reference: u64,
        monitored: WirePid,
        monitoring: WirePid,
        why: Refusal,
    },
    MonitorName {
        reference: u64,
        local: u64,
        name: Box<str>,
    },
    /// The answer to a MONITOR_NAME: the local process that has the name.
    Named {
        reference: u64,
        local: u64,
    },
    /// A request for a process: the whole frame.
    Spawn {
        framed: Box<[u8]>,
    },
    /// The answer to a SPAWN.
    SpawnReply {
        request: u64,
        status: u8,
        local: u64,
    },
}

/// The reason why a LINK, a MONITOR or a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Refusal {
    /// There is no such process.
    Noproc,
    /// The peer has as many links and monitors here as allowed.
    Limit,
    /// The mailbox accepts no message.
    Full,
}

impl Owed {
    /// Returns the bytes that the signal counts against the limit that makes senders wait.
    //= spec/connection.md#con-que-005
    //# A node SHOULD make LINK, MONITOR, MONITOR_NAME and SPAWN wait for room as messages do.
    fn waits_like(&self) -> usize {
        match self {
            Self::Link(_) => 21,
            //= spec/capabilities.md#cap-rxt-007
            //# A node SHOULD make EXIT2 wait for room as messages do.
            Self::Exit2 { reason, .. } => 21 + reason.written_bytes(),
            Self::Monitor { .. } => 29,
            Self::MonitorName { name, .. } => 23 + name.len(),
            Self::Spawn { framed } => framed.len(),
            _ => 0,
        }
    }

    /// Returns the bytes that the signal counts against the reserve for answers.
    const fn answers_like(&self) -> usize {
        match self {
            Self::UnlinkAck { .. }
            | Self::NoLink { .. }
            | Self::NoMonitor { .. }
            | Self::Named { .. }
            | Self::SpawnReply { .. } => ANSWER_BYTES,
            _ => 0,
        }
    }
}

/// The outbound queue of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Outbox {
    /// The signals of processes that had nothing else queued.
    signals: VecDeque<Owed>,
    /// The items that each process has queued from its first message on. An empty lane is removed when its turn
    /// comes.
    lanes: BTreeMap<u64, Lane>,
    /// The processes with signals in their lanes, in turn.
    hasty: VecDeque<u64>,
    /// Every process that has a lane, in turn.
    patient: VecDeque<u64>,
    budget: Budget,
    spare: Spare,
    waiting_bytes: usize,
    answer_bytes: usize,
    delay_bytes: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Lane {
    items: VecDeque<Item>,
    /// The number of items that are signals.
    signals: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Item {
    /// Whole frames.
    Chunk(Vec<u8>),
    Long(Long),
    Signal(Owed),
}

/// The next thing to be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    /// Messages, or a fragment of one, that are in the buffer already.
    Written,
    /// The next chunk or fragment does not fit into the buffer, which is not empty.
    Enough,
    Signal(Owed),
}

/// The kind of process that has the turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Haste {
    /// A process with a signal behind what it writes.
    Hasty,
    Patient,
}

impl Outbox {
    /// Creates an empty queue for a peer that holds as much of long messages as `budget` says.
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, ..Self::default() }
    }

    /// Returns the bytes of messages, and of other items that wait like messages.
    pub(super) const fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Returns the bytes of answers that the peer has not read, and of signals that it has made void.
    pub(super) const fn answer_bytes(&self) -> usize {
        self.answer_bytes
    }

    /// Returns the number of bytes of processes without a signal that were written while a signal waited: see
    /// [`Session::signal_delay_bytes`](super::Session::signal_delay_bytes).
    pub(super) const fn delay_bytes(&self) -> usize {
        self.delay_bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        // The lanes hold signals, whose processes are in `hasty`, and messages, whose bytes are counted.
        self.signals.is_empty() && self.hasty.is_empty() && self.waiting_bytes == 0
    }

    /// Queues a message of `local` that takes about `bytes`: `write` appends its frame to a chunk, or fails and appends
    /// nothing.
    pub(super) fn message<E>(
        &mut self,
        local: u64,
        bytes: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(lane) = self.lanes.get_mut(&local)
            && let Some(Item::Chunk(chunk)) = lane.items.back_mut()
            && chunk.len() + bytes <= CHUNK_BYTES
        {
            let before = chunk.len();
            write(chunk)?;
            self.waiting_bytes += chunk.len() - before;
            return Ok(());
        }
        let mut chunk = self.spare.take();
        if let Err(error) = write(&mut chunk) {
            self.spare.put(chunk);
            return Err(error);
        }
        self.waiting_bytes += chunk.len();
        self.lane(local).items.push_back(Item::Chunk(chunk));
        Ok(())
    }

    /// Queues a message of `local` that goes out in fragments.
    pub(super) fn long_message(&mut self, local: u64, long: Long) {
        self.waiting_bytes += long.bytes_left();
        self.lane(local).items.push_back(Item::Long(long));
    }

    fn lane(&mut self, local: u64) -> &mut Lane {
        self.lanes.entry(local).or_insert_with(|| {
            self.patient.push_back(local);
            Lane::default()
        })
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
        match self.lanes.get_mut(&local).filter(|lane| !lane.items.is_empty()) {
            Some(lane) => {
                lane.items.push_back(Item::Signal(owed));
                lane.signals += 1;
                if lane.signals == 1 {
                    self.hasty.push_back(local);
                }
            }
            None => self.signals.push_back(owed),
        }
    }

    /// Records that a queued exit or DOWN has become void, because the peer has ended its link or monitor. It stays
    /// in the queue until its turn comes, held against the reserve: otherwise a peer that does not read could pile up
    /// such signals.
    pub(super) const fn void(&mut self) {
        self.answer_bytes += ANSWER_BYTES;
    }

    /// Records that a signal was taken out and was void.
    pub(super) const fn was_void(&mut self) {
        self.answer_bytes -= ANSWER_BYTES;
    }

    /// Returns the next signal, or appends the next chunk or fragment to `out`, so that `out` then has at most
    /// `bytes_max` bytes, unless it was empty.
    pub(super) fn next(&mut self, out: &mut Vec<u8>, bytes_max: usize) -> Next {
        if let Some(owed) = self.signals.pop_front() {
            return self.give(owed);
        }
        match self.next_hasty(out, bytes_max) {
            Next::Nothing => self.next_patient(out, bytes_max),
            next => next,
        }
    }

    //= spec/connection.md#con-que-008
    //# While a signal waits behind messages of its own process, a node SHOULD write at most
    //# `signal_delay_bytes_max` bytes of messages of processes that have no such signal.
    fn next_hasty(&mut self, out: &mut Vec<u8>, bytes_max: usize) -> Next {
        for _ in 0..self.hasty.len() {
            let Some(&local) = self.hasty.front() else { break };
            let next = self.take(local, Haste::Hasty, out, bytes_max);
            let lane = self.lanes.get(&local);
            if lane.is_none_or(|lane| lane.signals == 0) {
                self.hasty.pop_front();
            } else if !lane.is_some_and(|lane| matches!(lane.items.front(), Some(Item::Signal(_))))
                && next != Next::Enough
            {
                // Its signal is not next: it is the turn of the others.
                self.hasty.rotate_left(1);
            }
            if next != Next::Nothing {
                return next;
            }
        }
        Next::Nothing
    }

    //= spec/connection.md#con-que-009
    //# A node SHOULD let processes with queued messages take turns.
    //= spec/capabilities.md#cap-frg-011
    //# A node SHOULD write what waits of other processes between the pieces of a message.
    fn next_patient(&mut self, out: &mut Vec<u8>, bytes_max: usize) -> Next {
        for _ in 0..self.patient.len() {
            let Some(&local) = self.patient.front() else { break };
            let (before, waiting) = (out.len(), !self.hasty.is_empty());
            let next = self.take(local, Haste::Patient, out, bytes_max);
            if next == Next::Enough {
                return next;
            }
            if self.lanes.get(&local).is_none_or(|lane| lane.items.is_empty()) {
                self.patient.pop_front();
                self.lanes.remove(&local);
            } else {
                self.patient.rotate_left(1);
            }
            if next != Next::Nothing {
                self.delay_bytes = if waiting { self.delay_bytes + out.len() - before } else { 0 };
                return next;
            }
        }
        Next::Nothing
    }

    /// Frees the space of what has been written, if nothing waits.
    pub(super) fn give_back_space(&mut self) {
        if self.is_empty() {
            *self = Self::new(self.budget.clone());
        }
    }

    /// Returns or writes the next item of a process. There is none if its lane is empty, or if the peer cannot hold
    /// its message yet.
    fn take(&mut self, local: u64, haste: Haste, out: &mut Vec<u8>, bytes_max: usize) -> Next {
        let Some(lane) = self.lanes.get_mut(&local) else { return Next::Nothing };
        let bytes = match lane.items.front() {
            Some(Item::Chunk(chunk)) => chunk.len(),
            Some(Item::Long(long)) => self.budget.piece_bytes(long),
            Some(Item::Signal(_)) | None => 0,
        };
        if bytes > 0 && !out.is_empty() && out.len() + bytes > bytes_max {
            return Next::Enough;
        }
        match lane.items.pop_front() {
            None => Next::Nothing,
            Some(Item::Signal(owed)) => {
                lane.signals -= 1;
                self.give(owed)
            }
            Some(Item::Chunk(chunk)) => {
                //= spec/connection.md#con-que-003
                //# A node MUST NOT drop a queued message while the session lasts.
                self.waiting_bytes -= chunk.len();
                self.spare.append(chunk, out);
                Next::Written
            }
            Some(Item::Long(mut long)) => {
                let before = long.bytes_left();
                let written = self.budget.write_piece(&mut long, haste, out);
                self.waiting_bytes -= before - long.bytes_left();
                //= spec/capabilities.md#cap-frg-008
                //# A node MUST NOT write any other frame of a process between the first and the last FRAGMENT
                //# of its message.
                if long.bytes_left() > 0 {
                    lane.items.push_front(Item::Long(long));
                }
                if written { Next::Written } else { Next::Nothing }
            }
        }
    }

    fn give(&mut self, owed: Owed) -> Next {
        self.waiting_bytes -= owed.waits_like();
        self.answer_bytes -= owed.answers_like();
        Next::Signal(owed)
    }
}
