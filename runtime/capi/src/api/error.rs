//! Says in words what went wrong; and takes the log.

use std::ffi::{CStr, c_char, c_void};

use crate::boundary::guard;
use crate::types::{snow_log, snow_status};
use crate::{failure, log};

/// The words of the last call on this thread that returned something else than `SNOW_OK`; empty if there was none. Never
/// null, and never freed by the program: it is there until the next such call on the same thread.
#[unsafe(no_mangle)]
pub extern "C" fn snow_last_error() -> *const c_char {
    failure::last()
}

/// The version of the library, as `1.2.3`. Never null, and there as long as the library.
#[unsafe(no_mangle)]
pub extern "C" fn snow_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => c"",
        };
    VERSION.as_ptr()
}

/// Has what all nodes of the program log told to a function, up to a level of `snow_log_level`; null tells nobody. `user` is
/// handed to the function and not used otherwise.
///
/// The function is called on threads of the nodes and on those that make calls, several at a time, and a little longer after
/// it has been replaced. It must return soon, as what is logged waits for it, and must not throw. It may make calls; those
/// that can wait are `SNOW_ERROR_CALLBACK` on the threads of a node.
#[unsafe(no_mangle)]
pub extern "C" fn snow_set_log(told: snow_log, user: *mut c_void, level_max: u32) -> snow_status {
    guard(|| log::set(told, user, level_max))
}
