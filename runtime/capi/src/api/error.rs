//! The functions for errors, the version, and the log.

use std::ffi::{CStr, c_char, c_void};

use crate::boundary::guard;
use crate::types::{snow_log, snow_status};
use crate::{failure, log};

/// Returns the description of the last call on this thread that did not return `SNOW_OK`, or an empty text if there
/// was none. Never returns null. Do not free the text. It is valid until the next such call on the same thread.
#[unsafe(no_mangle)]
pub extern "C" fn snow_last_error() -> *const c_char {
    failure::last()
}

/// Returns the version of the library, such as `1.2.3`. Never returns null. The text is valid as long as the library
/// is loaded.
#[unsafe(no_mangle)]
pub extern "C" fn snow_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => c"",
        };
    VERSION.as_ptr()
}

/// Sets the function that receives the log messages of all nodes of the program, up to a level of `snow_log_level`.
/// Null removes the function. `user` is passed to the function, and is not used otherwise. Returns
/// `SNOW_ERROR_UNSUPPORTED` if another part of the program receives the log of Rust libraries.
///
/// The library calls the function on threads of the nodes and on threads that make calls, also at the same time, and
/// for a short time even after the function was replaced. The function must return soon, because the library waits for
/// it, and must not throw. It may call the library. On a thread of a node, however, functions that can wait return
/// `SNOW_ERROR_CALLBACK`.
#[unsafe(no_mangle)]
pub extern "C" fn snow_set_log(told: snow_log, user: *mut c_void, level_max: u32) -> snow_status {
    guard(|| log::set(told, user, level_max))
}
