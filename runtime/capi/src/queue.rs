//! A queue of events: processes put in what they receive, the program takes it out.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use snow_dist_runtime::{Reason, Received};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::failure::{Failure, Outcome};
use crate::handles::{Handles, Kind};
use crate::limits::{
    SNOW_QUEUE_BYTES_MAX, SNOW_QUEUE_EVENTS_DEFAULT, SNOW_QUEUE_EVENTS_MAX, SNOW_QUEUES_MAX,
};
use crate::process::Process;
use crate::signal::Signal;
use crate::types::snow_status;
use crate::wait::{Timeout, check_may_wait};

pub(crate) static QUEUES: Handles<Queue> = Handles::new(Kind::Queue, SNOW_QUEUES_MAX);

pub(crate) struct Queue {
    pub(crate) id: u64,
    /// Room for events. An end needs none: there is one for each process.
    events: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    state: Mutex<State>,
    /// Something has come, or the queue is freed.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Event>,
    signal: Option<Signal>,
    /// Processes that deliver here and were not freed.
    users: usize,
    is_freed: bool,
}

/// What has come for a process.
pub(crate) struct Event {
    pub(crate) process: Arc<Process>,
    pub(crate) what: What,
    _room: Option<Room>,
}

pub(crate) enum What {
    Received(Received),
    Ended(Reason),
}

/// What an event takes of the queue's room until the program has it.
pub(crate) struct Room {
    _event: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

/// As a semaphore counts them.
#[allow(clippy::cast_possible_truncation, reason = "it is a constant of this library, and smaller")]
const BYTES_MAX: u32 = SNOW_QUEUE_BYTES_MAX as u32;

impl Queue {
    /// A queue for so many events; for as many as is usual with 0.
    pub(crate) fn open(events_max: u64) -> Outcome<Arc<Self>> {
        let events_max = if events_max == 0 { SNOW_QUEUE_EVENTS_DEFAULT } else { events_max };
        if events_max > SNOW_QUEUE_EVENTS_MAX {
            let message =
                format!("a queue has room for 1 to {SNOW_QUEUE_EVENTS_MAX} events, not for {events_max}");
            return Err(Failure::argument(message));
        }
        let events_max = usize::try_from(events_max).unwrap_or(usize::MAX);
        QUEUES.add(|id| Self {
            id,
            events: Arc::new(Semaphore::new(events_max)),
            bytes: Arc::new(Semaphore::new(BYTES_MAX as usize)),
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Frees the queue of this handle. Whoever waits in it is told.
    pub(crate) fn free(id: u64) -> Outcome<()> {
        let queue = QUEUES.get(id)?;
        // Processes know their queue, which keeps events of theirs: so it keeps none from here on.
        let unread = {
            let mut state = queue.lock();
            if state.users > 0 {
                let message = format!("{} processes that were not freed deliver to this queue", state.users);
                return Err(Failure::new(snow_status::SNOW_ERROR_IN_USE, message));
            }
            state.is_freed = true;
            std::mem::take(&mut state.waiting)
        };
        drop(unread);
        queue.changed.notify_all();
        QUEUES.remove(id).map(drop)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process will deliver here.
    pub(crate) fn enter(&self) -> Outcome<()> {
        let mut state = self.lock();
        if state.is_freed {
            return Err(Failure::new(snow_status::SNOW_ERROR_HANDLE, "this queue has been freed"));
        }
        state.users += 1;
        Ok(())
    }

    /// A process was freed.
    pub(crate) fn leave(&self) {
        self.lock().users -= 1;
    }

    /// Waits for room. Never for that of an end.
    pub(crate) async fn room(&self, received: &Received) -> Option<Room> {
        let length = match received {
            Received::Message(message) => message.as_bytes().len(),
            _ => 0,
        };
        let bytes = u32::try_from(length).unwrap_or(BYTES_MAX).min(BYTES_MAX);
        let event = Arc::clone(&self.events).acquire_owned().await.ok()?;
        let bytes = Arc::clone(&self.bytes).acquire_many_owned(bytes).await.ok()?;
        Some(Room { _event: event, _bytes: bytes })
    }

    /// Puts in what a process has received. Nothing comes behind its end.
    pub(crate) fn put(&self, process: &Arc<Process>, received: Received, room: Room) {
        let state = self.lock();
        if process.has_ended() {
            drop(state);
            return;
        }
        self.push(state, process, What::Received(received), Some(room));
    }

    /// Puts in the end of a process, once.
    pub(crate) fn put_end(&self, process: &Arc<Process>, reason: Reason) {
        let state = self.lock();
        if !process.mark_ended() {
            self.push(state, process, What::Ended(reason), None);
        }
    }

    fn push(&self, mut state: MutexGuard<'_, State>, process: &Arc<Process>, what: What, room: Option<Room>) {
        if state.is_freed {
            drop(state);
            return;
        }
        state.waiting.push_back(Event { process: Arc::clone(process), what, _room: room });
        if let Some(signal) = &mut state.signal {
            signal.set(true);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// The next event of a process that was not freed.
    pub(crate) fn next(&self, timeout: Timeout) -> Outcome<Event> {
        if !timeout.is_zero() {
            check_may_wait()?;
        }
        let deadline = timeout.deadline();
        // What is not wanted is dropped when the lock is free again.
        let mut unwanted = Vec::new();
        let mut state = self.lock();
        loop {
            if let Some(event) = state.take(&mut unwanted) {
                drop(state);
                return Ok(event);
            }
            if state.is_freed {
                return Err(Failure::new(snow_status::SNOW_ERROR_HANDLE, "this queue has been freed"));
            }
            state = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None if timeout.is_zero() => return Err(Failure::timeout("no event has come")),
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return Err(Failure::timeout("no event has come")),
                Some(left) => {
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// The descriptor that is readable while there is an event. The queue's own: it is closed when the queue is freed.
    pub(crate) fn descriptor(&self) -> Outcome<i32> {
        let mut state = self.lock();
        let has_events = !state.waiting.is_empty();
        if state.signal.is_none() {
            let mut signal = Signal::new()?;
            signal.set(has_events);
            state.signal = Some(signal);
        }
        state
            .signal
            .as_ref()
            .map(Signal::descriptor)
            .ok_or_else(|| Failure::argument("there is no descriptor"))
    }
}

impl State {
    fn take(&mut self, unwanted: &mut Vec<Event>) -> Option<Event> {
        let mut next = self.waiting.pop_front();
        while let Some(event) = next.take_if(|event| event.process.is_freed()) {
            unwanted.push(event);
            next = self.waiting.pop_front();
        }
        let is_empty = self.waiting.is_empty();
        if let Some(signal) = &mut self.signal {
            signal.set(!is_empty);
        }
        next
    }
}
