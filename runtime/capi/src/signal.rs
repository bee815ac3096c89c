//! A descriptor that is readable while there is something to be taken.

use std::io;

use crate::failure::{Failure, Outcome};
use crate::types::snow_status;

/// The two ends of a local socket: there is a byte in it as long as the signal is up. A socket rather than a pipe, since a
/// program that has closed the wrong descriptor then gets an error for it, and no SIGPIPE.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct Signal {
    /// What the program polls.
    shown: std::os::unix::net::UnixStream,
    ours: std::os::unix::net::UnixStream,
    is_up: bool,
}

#[cfg(unix)]
impl Signal {
    pub(crate) fn new() -> Outcome<Self> {
        let pair = || {
            let (shown, ours) = std::os::unix::net::UnixStream::pair()?;
            // Neither end ever waits, whatever the program does to the other.
            shown.set_nonblocking(true)?;
            ours.set_nonblocking(true)?;
            Ok(Self { shown, ours, is_up: false })
        };
        pair().map_err(|error: io::Error| {
            Failure::new(snow_status::SNOW_ERROR_SYSTEM, format!("no descriptor: {error}"))
        })
    }

    pub(crate) fn descriptor(&self) -> i32 {
        std::os::fd::AsRawFd::as_raw_fd(&self.shown)
    }

    /// Puts it up or down. A program that has read from its descriptor, or closed it, harms itself alone: it is not told.
    pub(crate) fn set(&mut self, up: bool) {
        if up == self.is_up {
            return;
        }
        self.is_up = up;
        if up {
            let _ = io::Write::write(&mut self.ours, &[1]);
        } else {
            let _ = io::Read::read(&mut self.shown, &mut [0]);
        }
    }
}

/// There is none on this system.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) enum Signal {}

#[cfg(not(unix))]
impl Signal {
    pub(crate) fn new() -> Outcome<Self> {
        let message = "this system has no descriptor to poll: wait in snow_queue_next on a thread of its own";
        Err(Failure::new(snow_status::SNOW_ERROR_UNSUPPORTED, message))
    }

    pub(crate) fn descriptor(&self) -> i32 {
        match *self {}
    }

    pub(crate) fn set(&mut self, _: bool) {
        match *self {}
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn there_is_one_byte_while_it_is_up() {
        let mut signal = Signal::new().unwrap();
        for up in [true, true, false, false, true] {
            signal.set(up);
        }
        assert_eq!(signal.shown.read(&mut [0; 9]).unwrap(), 1);
        // It has been read by somebody else: nothing waits for it.
        signal.set(false);
        signal.set(true);
        assert_eq!(signal.shown.read(&mut [0; 9]).unwrap(), 1);
    }
}
