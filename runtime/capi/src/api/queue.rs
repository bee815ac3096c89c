//! The functions for queues, and for memory of the library.

use crate::boundary::{Out, guard};
use crate::failure::Outcome;
use crate::held::{self, HELD};
use crate::queue::Queue;
use crate::types::{snow_bytes, snow_event, snow_memory, snow_queue, snow_status};
use crate::wait::Timeout;

/// Creates a queue for up to `events_max` events, from 1 to `SNOW_QUEUE_EVENTS_MAX`. If `events_max` is 0, the number
/// is `SNOW_QUEUE_EVENTS_DEFAULT`. Events that do not fit wait in the mailboxes. Processes of several nodes can share
/// a queue. Free the queue with `snow_queue_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_queue_new(events_max: u64, queue: *mut snow_queue) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(queue, "queue") }?;
        out.put(snow_queue { id: Queue::open(events_max)?.id });
        Ok(())
    })
}

/// Frees a queue. Returns `SNOW_ERROR_IN_USE` while there are processes that deliver to the queue and were not freed.
/// Threads that wait in `snow_queue_next` get the result `SNOW_ERROR_HANDLE`.
#[unsafe(no_mangle)]
pub extern "C" fn snow_queue_free(queue: snow_queue) -> snow_status {
    guard(|| Queue::free(queue.id))
}

/// Takes the next event out of a queue, and writes it to `event`. Waits for an event for at most `timeout`
/// milliseconds, and then returns `SNOW_TIMEOUT`. If `timeout` is negative, the wait has no limit. Free the event with
/// `snow_event_free`. Several threads can take events from one queue at the same time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_queue_next(
    queue: snow_queue,
    timeout: i64,
    event: *mut snow_event,
) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(event, "event") }?;
        let queue = queue.get()?;
        // Before something is taken that could not be given.
        HELD.check_room()?;
        out.put(held::event(queue.next(Timeout::of_millis(timeout))?));
        Ok(())
    })
}

/// Writes a descriptor to `descriptor` that is readable, in the sense of `poll`, while the queue contains events. Only
/// poll the descriptor: do not read from it, and do not close it. When it is readable, call `snow_queue_next` with a
/// `timeout` of 0 until the result is `SNOW_TIMEOUT`. The library closes the descriptor when the queue is freed.
/// Returns `SNOW_ERROR_UNSUPPORTED` on systems without descriptors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_queue_descriptor(queue: snow_queue, descriptor: *mut i32) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(descriptor, "descriptor") }?;
        out.put(queue.get()?.descriptor()?);
        Ok(())
    })
}

/// Frees the memory to which an event points, and clears the event. All copies of the event become invalid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_event_free(event: *mut snow_event) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(event, "event") }?;
        // SAFETY: an event is there; nothing but the number in it is read.
        let memory = unsafe { (&raw const (*event).memory).read() };
        free(memory)?;
        out.put(snow_event::default());
        Ok(())
    })
}

/// Frees bytes that the library has returned, and clears the struct. All copies of the struct become invalid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_bytes_free(bytes: *mut snow_bytes) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(bytes, "bytes") }?;
        // SAFETY: bytes are there; nothing but the number in them is read.
        let memory = unsafe { (&raw const (*bytes).memory).read() };
        free(memory)?;
        out.put(snow_bytes::default());
        Ok(())
    })
}

fn free(memory: snow_memory) -> Outcome<()> {
    HELD.remove(memory.id).map(drop)
}
