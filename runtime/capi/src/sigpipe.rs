//! SIGPIPE, which the system sends to a thread that writes to a connection that the peer has closed. It ends a program that
//! has not said otherwise, and most programs in C have not.

#![allow(unsafe_code, reason = "what a thread's signals are is the C library's")]

/// Keeps SIGPIPE from this thread, on which a node writes: the write is an error then. What it does to the other threads
/// of the program is the program's.
#[cfg(unix)]
pub(crate) fn keep_from_this_thread() {
    let mut signals = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is written by the first call and read by the others, and is there during all three. None of them
    // fails: the signal is one that there is.
    unsafe {
        libc::sigemptyset(signals.as_mut_ptr());
        libc::sigaddset(signals.as_mut_ptr(), libc::SIGPIPE);
        libc::pthread_sigmask(libc::SIG_BLOCK, signals.as_ptr(), std::ptr::null_mut());
    }
}

/// There is no such signal on this system.
#[cfg(not(unix))]
pub(crate) fn keep_from_this_thread() {}
