//! What waits to be written in a session: `connection.md`, "The outbound queue"; and its writer.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use snow_dist_codec::frame::Close;
use snow_dist_codec::{Frame, Pid};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::connection::frame;
use super::stream::Writer;
use crate::defects::Defect;

const QUEUE_BYTES_MAX: usize = 8 << 20;
const ANSWERS_MAX: usize = (8 << 20) / 64;
const DRAIN_DEADLINE: Duration = Duration::from_secs(30);
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// Of nobody: what is written when nothing else waits.
const LAST: u64 = u64::MAX;

/// How late a toy wakes that is caught by a message behind answers.
const LATE: Duration = Duration::from_millis(20);

/// A last CLOSE is written if the transport takes it at once.
const AT_ONCE: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Message,
    Signal,
    Answer,
    /// The end of a tie, which the peer can make void.
    Owed(Tie),
}

/// A link, or a monitor with a ref, of a process that has ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Tie {
    pub(super) own: Pid,
    pub(super) theirs: Pid,
    pub(super) reference: Option<u64>,
}

impl Tie {
    /// The one that the peer ends with a frame.
    pub(super) fn ended_by(read: &Frame<'_>) -> Option<Self> {
        let (theirs, own, reference) = match read {
            Frame::Exit(exit) => (exit.from, exit.to, None),
            Frame::Unlink(unlink) => (unlink.from, unlink.to, None),
            Frame::UnlinkId(unlink) => (unlink.from, unlink.to, None),
            Frame::Demonitor(demonitor) => (demonitor.from, demonitor.to, Some(demonitor.reference)),
            _ => return None,
        };
        Some(Self { own, theirs, reference })
    }
}

struct Item {
    of: u64,
    kind: Kind,
    payload: Vec<u8>,
}

pub(super) struct Outbound {
    defect: Option<Defect>,
    waiting: Mutex<Waiting>,
    changed: Notify,
    over: watch::Sender<bool>,
}

#[derive(Default)]
struct Waiting {
    /// PONG and PING.
    beats: Vec<Vec<u8>>,
    items: VecDeque<Item>,
    message_bytes: usize,
    /// Answers, and signals that the peer has made void.
    answers: usize,
    /// Ties whose end waits, and those of them whose end is void.
    owed: HashSet<Tie>,
    void: HashSet<Tie>,
    /// Whose message was written last.
    last: u64,
    close: Option<Option<u16>>,
    /// Signals for which there is no room.
    held: Vec<Item>,
    /// A message was refused last, and comes again when there is room.
    refused: bool,
}

/// What is written next.
enum Next {
    Payload(Vec<u8>),
    /// The turn of a signal that is void.
    Void,
    /// The end, with the code of CLOSE.
    Close(Option<u16>),
}

impl Outbound {
    pub(super) fn new(defect: Option<Defect>) -> Arc<Self> {
        let (waiting, changed) = (Mutex::default(), Notify::new());
        Arc::new(Self { defect, waiting, changed, over: watch::Sender::new(false) })
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap()
    }

    pub(super) fn push(&self, of: u64, kind: Kind, payload: Vec<u8>) {
        let mut waiting = self.waiting();
        // What a session that ends still owes, its end tells.
        let late = waiting.close.is_some() && (kind == Kind::Message || waiting.close != Some(Some(0)));
        if late && !self.has(Defect::TakesLateMessages) {
            return;
        }
        match kind {
            Kind::Message => waiting.message_bytes += payload.len(),
            Kind::Answer => waiting.answers += 1,
            Kind::Owed(tie) => drop(waiting.owed.insert(tie)),
            Kind::Signal => {}
        }
        let item = Item { of, kind, payload };
        let is_full = waiting.message_bytes >= QUEUE_BYTES_MAX;
        let is_signal = matches!(kind, Kind::Signal | Kind::Owed(_));
        if is_signal && is_full && self.has(Defect::SignalsWaitForRoom) {
            waiting.held.push(item);
        } else {
            waiting.items.push_back(item);
        }
        drop(waiting);
        self.changed.notify_one();
    }

    /// The peer has ended a tie: if its end waits, it is not written, and counts as an answer until its turn.
    pub(super) fn cancel(&self, tie: Tie) {
        let mut waiting = self.waiting();
        if waiting.owed.remove(&tie) {
            waiting.void.insert(tie);
            waiting.answers += usize::from(!self.has(Defect::VoidUncounted));
        }
    }

    /// A PONG or PING.
    pub(super) fn beat(&self, payload: Vec<u8>) {
        if self.has(Defect::HeartbeatLast) {
            return self.push(LAST, Kind::Signal, payload);
        }
        let mut waiting = self.waiting();
        // A newer PONG takes the place of one that waits.
        let tag = payload.first().copied();
        waiting.beats.retain(|other| other.first().copied() != tag);
        waiting.beats.push(payload);
        drop(waiting);
        self.changed.notify_one();
    }

    pub(super) fn has_room(&self) -> bool {
        let mut waiting = self.waiting();
        let has_room = waiting.message_bytes < QUEUE_BYTES_MAX || self.has(Defect::QueueUnlimited);
        waiting.refused = !has_room;
        has_room
    }

    pub(super) fn is_flooded(&self) -> bool {
        self.waiting().answers > ANSWERS_MAX && !self.has(Defect::AnswersUnlimited)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting().items.is_empty()
    }

    pub(super) fn is_closing(&self) -> bool {
        self.waiting().close.is_some()
    }

    /// In order with code 0; else at once.
    pub(super) fn close(self: &Arc<Self>, code: Option<u16>) {
        let mut waiting = self.waiting();
        if waiting.close.is_some() {
            return;
        }
        waiting.close = Some(code);
        if code != Some(0) || self.has(Defect::UnsentAtTheEnd) {
            waiting.items.clear();
            waiting.beats.clear();
        }
        drop(waiting);
        self.changed.notify_one();
        let (outbound, patience) =
            (Arc::clone(self), if code == Some(0) { SHUTDOWN_PATIENCE } else { AT_ONCE });
        tokio::spawn(async move {
            sleep(patience).await;
            outbound.finish();
        });
    }

    pub(super) fn finish(&self) {
        self.over.send_replace(true);
    }

    /// Until the connection is to be dropped.
    pub(super) async fn over(&self) {
        let _ = self.over.subscribe().wait_for(|over| *over).await;
    }

    fn take(&self) -> Option<Next> {
        let mut waiting = self.waiting();
        if let Some(beat) = waiting.beats.pop() {
            return Some(Next::Payload(beat));
        }
        if waiting.message_bytes < QUEUE_BYTES_MAX / 2 && !waiting.refused {
            let held = std::mem::take(&mut waiting.held);
            waiting.items.extend(held);
        }
        let Some(place) = self.next_place(&waiting) else { return waiting.close.map(Next::Close) };
        let item = waiting.items.remove(place)?;
        match item.kind {
            Kind::Message => {
                waiting.message_bytes -= item.payload.len();
                waiting.last = item.of;
            }
            Kind::Answer => waiting.answers -= 1,
            Kind::Owed(tie) if waiting.void.remove(&tie) => {
                waiting.answers -= usize::from(!self.has(Defect::VoidUncounted));
                return Some(Next::Void);
            }
            Kind::Owed(tie) => drop(waiting.owed.remove(&tie)),
            Kind::Signal => {}
        }
        Some(Next::Payload(item.payload))
    }

    /// Signals first, unless they have to wait for messages of their process; then messages, of another process than
    /// the one before if there is one.
    fn next_place(&self, waiting: &Waiting) -> Option<usize> {
        if self.has(Defect::OneQueue) || waiting.message_bytes == 0 {
            return if waiting.items.is_empty() { None } else { Some(0) };
        }
        let mut with_messages = HashSet::new();
        let signal = waiting.items.iter().position(|item| match item.kind {
            Kind::Message => {
                with_messages.insert(item.of);
                false
            }
            _ => item.of != LAST && !with_messages.contains(&item.of),
        });
        let is_of_another = |item: &Item| item.of != waiting.last && item.of != LAST;
        let of_another = || {
            let another = waiting.items.iter().position(is_of_another);
            another.or_else(|| waiting.items.iter().position(|item| item.of != LAST))
        };
        signal.or_else(of_another).or(if waiting.items.is_empty() { None } else { Some(0) })
    }

    /// Writes until there is nothing more to write in this session.
    pub(super) async fn write(self: Arc<Self>, mut writer: Writer) {
        loop {
            let Some(next) = self.take() else {
                self.changed.notified().await;
                if self.has(Defect::ReplyLeavesTheCall) {
                    // Who wakes late finds messages and answers at once, and writes the answers first.
                    sleep(LATE).await;
                }
                continue;
            };
            let patience = if self.has(Defect::DrainsForEver) { DRAIN_DEADLINE * 9 } else { DRAIN_DEADLINE };
            match next {
                Next::Void => {}
                Next::Payload(payload) => match timeout(patience, writer.say(&payload)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return,
                    Err(_) => return self.finish(),
                },
                Next::Close(code) => {
                    if let Some(code) = code {
                        let _ = writer.say(&frame(Close { code, text: "".into() })).await;
                    }
                    if !self.has(Defect::NoCloseNotify) {
                        writer.close().await;
                    }
                    if code != Some(0) || self.has(Defect::DeafAfterClose) {
                        self.finish();
                    }
                    return;
                }
            }
        }
    }
}
