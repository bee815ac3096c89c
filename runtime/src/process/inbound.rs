//! The process table, as one session is lent it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use snow_dist_codec::keep;

use super::cell::{Cell, Interested, Pushed};
use super::{Message, MonitorRef, Received, Table};
use crate::core::limits::MAILBOX_REMOTE_BYTES_MAX;
use crate::core::{Pid, Processes, Reason};

/// What comes in over one session.
pub(crate) struct Inbound {
    table: Arc<Table>,
    session: Arc<dyn Interested>,
    /// What the messages lie in, so that a large one can keep its part.
    block: Bytes,
    /// Bytes of this block's messages that mailboxes have taken.
    taken_bytes: usize,
    /// Bytes that mailboxes held before this block.
    held_bytes: usize,
    /// The last receiver: messages come in runs.
    last: Option<Arc<Cell>>,
}

impl Inbound {
    pub(super) fn new(table: Arc<Table>, session: Arc<dyn Interested>) -> Self {
        Self { table, session, block: Bytes::new(), taken_bytes: 0, held_bytes: 0, last: None }
    }

    /// The frames of this block come next.
    pub(crate) fn arrived(&mut self, block: &Bytes) {
        self.block = block.clone();
        self.held_bytes = self.table.held_bytes.load(Ordering::Relaxed);
    }

    /// All frames of the block have been handled.
    pub(crate) fn settled(&mut self) {
        self.block = Bytes::new();
        self.last = None;
        if self.taken_bytes > 0 {
            self.table.held_bytes.fetch_add(std::mem::take(&mut self.taken_bytes), Ordering::Relaxed);
        }
    }

    fn deliver(&mut self, local: u64, bytes: &[u8]) {
        if self.last.as_ref().is_none_or(|last| last.local != local) {
            self.last = self.table.get(local);
        }
        let Some(cell) = &self.last else { return };
        if self.held_bytes + self.taken_bytes > MAILBOX_REMOTE_BYTES_MAX {
            return self.overflowed(cell, None);
        }
        match cell.push_message(Message::remote(keep(&self.block, bytes))) {
            Pushed::Taken => self.taken_bytes += bytes.len(),
            Pushed::Dead => {}
            Pushed::Full(_, no_room) => self.overflowed(cell, Some(no_room.policy)),
        }
    }

    fn overflowed(&self, cell: &Cell, policy: Option<super::MailboxPolicy>) {
        let dropped = self.table.counts().full.fetch_add(1, Ordering::Relaxed) + 1;
        let ends = cell.overflow(policy);
        // The first tells what happens; of a flood, now and then one more.
        if ends || dropped.is_power_of_two() {
            tracing::warn!(
                local = cell.local,
                dropped,
                ends,
                "a message from another node finds a full mailbox"
            );
        }
    }
}

impl Processes for Inbound {
    fn attach(&mut self, local: u64) -> bool {
        self.table.get(local).is_some_and(|cell| cell.attach(&self.session))
    }

    fn message(&mut self, local: u64, message: &[u8]) {
        self.deliver(local, message);
    }

    fn named_message(&mut self, name: &str, message: &[u8]) {
        if let Some(pid) = self.table.whereis(name) {
            self.deliver(pid.local(), message);
        }
    }

    fn exit(&mut self, local: u64, from: Pid, reason: Reason) {
        self.exits(local, &[from], &reason);
    }

    fn exits(&mut self, local: u64, from: &[Pid], reason: &Reason) {
        if let Some(cell) = self.table.get(local) {
            cell.exits(from.iter().copied(), reason);
        }
    }

    fn down(&mut self, local: u64, reference: u64, from: Pid, reason: Reason) {
        if let Some(cell) = self.table.get(local) {
            cell.push_signal(Received::Down { monitor: MonitorRef { reference, pid: from }, reason });
        }
    }
}
