//! Pointers of the program, checked as far as they can be, and panics, which end here.

#![allow(unsafe_code, reason = "this is where pointers of the program are read and written")]

use std::any::Any;
use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use snow_dist_runtime::Reason;

use crate::failure::{Failure, Outcome, remember};
use crate::held;
use crate::limits::{SNOW_REASON_PIDS_MAX, SNOW_TEXT_BYTES_MAX};
use crate::types::{snow_pid, snow_reason, snow_status};

/// Runs a call. No panic goes further.
pub(crate) fn guard(call: impl FnOnce() -> Outcome<()>) -> snow_status {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => snow_status::SNOW_OK,
        Ok(Err(failure)) => remember(failure),
        Err(panic) => remember(Failure::new(snow_status::SNOW_ERROR_PANIC, words_of(&*panic))),
    }
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without words")
}

/// Stands for the place where a result is put.
pub(crate) struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    /// # Safety
    /// `place` is null, or a `T` can be written there as long as this is there.
    pub(crate) unsafe fn new(place: *mut T, name: &str) -> Outcome<Self> {
        check_aligned(place, name)?;
        NonNull::new(place).map(Self).ok_or_else(|| Failure::argument(format!("`{name}` is null")))
    }

    pub(crate) fn put(self, value: T) {
        // SAFETY: whoever made this has promised that a `T` can be written there. What was there is not dropped: it is
        // plain data, and may never have been written.
        unsafe { self.0.as_ptr().write(value) };
    }
}

fn check_aligned<T>(pointer: *const T, name: &str) -> Outcome<()> {
    if pointer.is_aligned() { Ok(()) } else { Err(Failure::argument(format!("`{name}` is not aligned"))) }
}

/// So many values at a place; none are at any place, null included.
///
/// # Safety
/// `first` is null, or so many values are there, and nobody changes them during the call.
unsafe fn values<'a, T>(first: *const T, count: usize, name: &str) -> Outcome<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if first.is_null() {
        return Err(Failure::argument(format!("`{name}` is null")));
    }
    check_aligned(first, name)?;
    if count.checked_mul(size_of::<T>()).is_none_or(|bytes| bytes > isize::MAX.unsigned_abs()) {
        return Err(Failure::argument(format!("`{name}` is longer than any memory")));
    }
    // SAFETY: it is neither null nor unaligned nor too long, and the caller promises the rest.
    Ok(unsafe { std::slice::from_raw_parts(first, count) })
}

/// Bytes that the program gives.
///
/// # Safety
/// `data` is null, or so many bytes are there, and nobody changes them during the call.
pub(crate) unsafe fn bytes<'a>(data: *const u8, length: usize, name: &str) -> Outcome<&'a [u8]> {
    // SAFETY: as the caller promises.
    unsafe { values(data, length, name) }
}

/// Pids that the program gives.
///
/// # Safety
/// `first` is null, or so many pids are there, and nobody changes them during the call.
pub(crate) unsafe fn pids<'a>(first: *const snow_pid, count: usize, name: &str) -> Outcome<&'a [snow_pid]> {
    // SAFETY: as the caller promises.
    unsafe { values(first, count, name) }
}

/// A text that the program gives, ended by a zero byte.
///
/// # Safety
/// `text` is null, or a zero byte ends the bytes there, and nobody changes them during the call.
pub(crate) unsafe fn text<'a>(text: *const c_char, name: &str) -> Outcome<&'a str> {
    if text.is_null() {
        return Err(Failure::argument(format!("`{name}` is null")));
    }
    // SAFETY: it is not null, and the caller promises the rest.
    let text = unsafe { CStr::from_ptr(text) };
    if text.count_bytes() as u64 > SNOW_TEXT_BYTES_MAX {
        return Err(Failure::argument(format!("`{name}` is longer than {SNOW_TEXT_BYTES_MAX} bytes")));
    }
    text.to_str().map_err(|_| Failure::argument(format!("`{name}` is not UTF-8")))
}

/// A reason that the program gives; Normal if it is null.
///
/// # Safety
/// `reason` is null, or a reason is there whose pointers are null or point to as much as it says; nobody changes any of it
/// during the call.
pub(crate) unsafe fn reason(reason: *const snow_reason) -> Outcome<Reason> {
    // SAFETY: as the caller promises.
    let Some(reason) = (unsafe { values(reason, usize::from(!reason.is_null()), "reason") })?.first() else {
        return Ok(Reason::Normal);
    };
    if reason.text_length as u64 > SNOW_TEXT_BYTES_MAX || reason.pid_count as u64 > SNOW_REASON_PIDS_MAX {
        let message = format!(
            "a reason has at most {SNOW_TEXT_BYTES_MAX} bytes of text and {SNOW_REASON_PIDS_MAX} pids"
        );
        return Err(Failure::argument(message));
    }
    // SAFETY: as the caller promises.
    let text = unsafe { values(reason.text.cast::<u8>(), reason.text_length, "reason.text") }?;
    // SAFETY: as the caller promises.
    let pids = unsafe { pids(reason.pids, reason.pid_count, "reason.pids") }?;
    held::reason(reason.kind, text, pids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T>(outcome: Outcome<T>) -> bool {
        outcome.is_err_and(|failure| failure.status == snow_status::SNOW_ERROR_ARGUMENT)
    }

    #[test]
    fn pointers_that_cannot_be_right_are_refused() {
        let values = [0_u64; 2];
        let odd = values.as_ptr().cast::<u8>().wrapping_add(1);
        // SAFETY: what is read is null, unaligned or too long, and so is not read.
        unsafe {
            assert!(refused(bytes(std::ptr::null(), 1, "data")));
            assert!(refused(bytes(odd, usize::MAX, "data")));
            assert!(refused(pids(odd.cast(), 1, "pids")));
            assert!(refused(text(std::ptr::null(), "name")));
            assert!(refused(reason(odd.cast())));
            assert!(refused(Out::<u64>::new(std::ptr::null_mut(), "out")));
            assert!(refused(Out::<u64>::new(odd.cast_mut().cast(), "out")));
            assert_eq!(bytes(std::ptr::null(), 0, "data").unwrap(), b"");
            assert_eq!(reason(std::ptr::null()).unwrap(), Reason::Normal);
        }
    }

    #[test]
    fn texts_that_are_no_texts_are_refused() {
        let long = vec![b'a'; 70_000];
        let long = std::ffi::CString::new(long).unwrap();
        // SAFETY: a zero byte ends each.
        unsafe {
            assert!(refused(text(c"\xFF".as_ptr(), "name")));
            assert!(refused(text(long.as_ptr(), "name")));
            assert_eq!(text(c"n\xC3\xB6".as_ptr(), "name").unwrap(), "nö");
        }
    }

    #[test]
    fn a_panic_ends_here() {
        let status = guard(|| panic!("on purpose {}", 7));
        assert_eq!(status, snow_status::SNOW_ERROR_PANIC);
        // SAFETY: it is a text, there until the next failure on this thread.
        let words = unsafe { CStr::from_ptr(crate::failure::last()) };
        assert_eq!(words, c"on purpose 7");
    }
}
