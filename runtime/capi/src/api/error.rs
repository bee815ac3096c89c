//! What went wrong, in words.

use std::ffi::{CStr, c_char};

use crate::failure;

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
