//! Handles: numbers that stand for what the library keeps. None is given twice, so that one that was freed, or made up,
//! is known to be no handle.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::failure::{Failure, Outcome};
use crate::types::snow_status;

/// Says what a handle stands for. It is part of the number, so that one of another kind is known to be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Builder = 1,
    Node = 2,
    Queue = 3,
    Process = 4,
    Memory = 5,
}

const KINDS: [Kind; 5] = [Kind::Builder, Kind::Node, Kind::Queue, Kind::Process, Kind::Memory];
const KIND_SHIFT: u32 = 56;

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Builder => "builder",
            Self::Node => "node",
            Self::Queue => "queue",
            Self::Process => "process",
            Self::Memory => "memory",
        }
    }

    fn of(id: u64) -> Option<Self> {
        KINDS.into_iter().find(|kind| *kind as u64 == id >> KIND_SHIFT)
    }
}

/// All things of one kind.
pub(crate) struct Handles<T> {
    kind: Kind,
    count_max: u64,
    given: AtomicU64,
    entries: RwLock<BTreeMap<u64, Arc<T>>>,
}

impl<T> Handles<T> {
    pub(crate) const fn new(kind: Kind, count_max: u64) -> Self {
        Self { kind, count_max, given: AtomicU64::new(0), entries: RwLock::new(BTreeMap::new()) }
    }

    /// Keeps what `make` makes of its handle, if there is room for one more.
    pub(crate) fn add(&self, make: impl FnOnce(u64) -> T) -> Outcome<Arc<T>> {
        self.check_room()?;
        Ok(self.keep(make))
    }

    /// Returns `true` if there is room for one more. Threads that ask at the same time can all be told so.
    pub(crate) fn check_room(&self) -> Outcome<()> {
        check_fork()?;
        let count = self.entries.read().unwrap_or_else(PoisonError::into_inner).len();
        if (count as u64) < self.count_max {
            return Ok(());
        }
        let message =
            format!("there are {count} handles of the kind `{}`, which is the limit", self.kind.name());
        Err(Failure::new(snow_status::SNOW_ERROR_LIMIT, message))
    }

    /// Keeps what `make` makes of its handle.
    pub(crate) fn keep(&self, make: impl FnOnce(u64) -> T) -> Arc<T> {
        let number = self.given.fetch_add(1, Ordering::Relaxed) + 1;
        let id = (self.kind as u64) << KIND_SHIFT | number;
        let made = Arc::new(make(id));
        self.entries.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&made));
        made
    }

    pub(crate) fn get(&self, id: u64) -> Outcome<Arc<T>> {
        check_fork()?;
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(&id).cloned().ok_or_else(|| self.missing(id))
    }

    /// Forgets what the handle stands for: from here on it is no handle.
    pub(crate) fn remove(&self, id: u64) -> Outcome<Arc<T>> {
        check_fork()?;
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.remove(&id).ok_or_else(|| self.missing(id))
    }

    fn missing(&self, id: u64) -> Failure {
        let wanted = self.kind.name();
        let message = match Kind::of(id) {
            _ if id == 0 => format!("the {wanted} is zero"),
            Some(kind) if kind == self.kind => {
                format!("this {wanted} has been freed, or there never was one")
            }
            Some(kind) => format!("a {wanted} is wanted, and this is a {}", kind.name()),
            None => format!("this is no {wanted}: the library never gave this number"),
        };
        Failure::new(snow_status::SNOW_ERROR_HANDLE, message)
    }
}

/// A child of `fork` has the memory of its parent and none of its threads: whatever waits for them waits for ever, and a
/// lock may be held by one. So nothing is locked before this.
fn check_fork() -> Outcome<()> {
    static PROCESS: OnceLock<u32> = OnceLock::new();
    let now = std::process::id();
    if *PROCESS.get_or_init(|| now) == now {
        return Ok(());
    }
    let message = "the program has forked since it used this library first: start the node in the child, before any other call";
    Err(Failure::new(snow_status::SNOW_ERROR_FORKED, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status<T>(outcome: Outcome<T>) -> snow_status {
        outcome.map_or_else(|failure| failure.status, |_| snow_status::SNOW_OK)
    }

    #[test]
    fn only_what_was_given_and_not_freed_is_a_handle() {
        let (ones, others) = (Handles::new(Kind::Node, 9), Handles::new(Kind::Queue, 9));
        let one = *ones.add(|id| id).unwrap();
        let other = *others.add(|id| id).unwrap();
        assert_eq!(*ones.get(one).unwrap(), one);
        for wrong in [0, other, one + 1, u64::MAX] {
            assert_eq!(status(ones.get(wrong)), snow_status::SNOW_ERROR_HANDLE);
            assert_eq!(status(ones.remove(wrong)), snow_status::SNOW_ERROR_HANDLE);
        }
        ones.remove(one).unwrap();
        assert_eq!(status(ones.remove(one)), snow_status::SNOW_ERROR_HANDLE);
        assert_ne!(*ones.add(|id| id).unwrap(), one, "none is given twice");
    }

    #[test]
    fn there_are_at_most_so_many() {
        let handles = Handles::new(Kind::Memory, 2);
        let first = *handles.add(|id| id).unwrap();
        handles.add(|id| id).unwrap();
        assert_eq!(status(handles.add(|id| id)), snow_status::SNOW_ERROR_LIMIT);
        handles.remove(first).unwrap();
        handles.add(|id| id).unwrap();
    }
}
