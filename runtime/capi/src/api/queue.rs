//! Queues, and what the library gives until it is freed.

use crate::boundary::{Out, guard};
use crate::failure::Outcome;
use crate::held::{self, HELD};
use crate::queue::Queue;
use crate::types::{snow_bytes, snow_event, snow_memory, snow_queue, snow_status};
use crate::wait::Timeout;

/// Opens a queue for so many events of processes, 1 to `SNOW_QUEUE_EVENTS_MAX`, or `SNOW_QUEUE_EVENTS_DEFAULT` with 0. What does
/// not fit waits in the mailboxes. A queue belongs to no node: processes of several can share one. `snow_queue_free` frees it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_queue_new(events_max: u64, queue: *mut snow_queue) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(queue, "queue") }?;
        out.put(snow_queue { id: Queue::open(events_max)?.id });
        Ok(())
    })
}

/// Frees a queue to which no process delivers any more, else `SNOW_ERROR_IN_USE`. Whoever waits in it gets
/// `SNOW_ERROR_HANDLE`.
#[unsafe(no_mangle)]
pub extern "C" fn snow_queue_free(queue: snow_queue) -> snow_status {
    guard(|| Queue::free(queue.id))
}

/// Takes the next event out of a queue; waits for one at most `timeout` milliseconds, and then returns `SNOW_TIMEOUT`;
/// negative: as long as it takes. `snow_event_free` frees the event. Threads can take from one queue at the same time.
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

/// Gives a descriptor that can be read from, as `poll` sees it, while there are events. The program polls it and does nothing
/// else with it; take events with a `timeout` of 0 until `SNOW_TIMEOUT`. It is the queue's, and closed when that is freed.
/// `SNOW_ERROR_UNSUPPORTED` on systems without descriptors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snow_queue_descriptor(queue: snow_queue, descriptor: *mut i32) -> snow_status {
    guard(|| {
        // SAFETY: as the module says.
        let out = unsafe { Out::new(descriptor, "descriptor") }?;
        out.put(queue.get()?.descriptor()?);
        Ok(())
    })
}

/// Frees what an event points to, and makes it the event of nothing. Any other copy of the event is freed with it.
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

/// Frees bytes that the library has given, and makes them no bytes. Any other copy is freed with them.
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
