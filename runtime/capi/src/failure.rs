//! Says what went wrong, as a code and in words.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};

use snow_dist_runtime::core::TermError;
use snow_dist_runtime::{
    ConnectError, MonitorNodeError, NotHere, Refused, RegisterError, ReloadError, SendError, SpawnError,
    StartError,
};

use crate::types::snow_status;

pub(crate) type Outcome<T> = Result<T, Failure>;

/// Says why a call has failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: snow_status,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(status: snow_status, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(snow_status::SNOW_ERROR_ARGUMENT, message)
    }

    pub(crate) fn timeout(what: &str) -> Self {
        Self::new(snow_status::SNOW_TIMEOUT, format!("{what} in the time that was given"))
    }

    pub(crate) fn ended() -> Self {
        Self::new(snow_status::SNOW_ERROR_ENDED, "the process that asks for it has ended")
    }

    pub(crate) fn stopped() -> Self {
        Self::new(snow_status::SNOW_ERROR_STOPPED, "this node has been shut down")
    }
}

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// Keeps the words of a failure for `snow_last_error` on this thread.
pub(crate) fn remember(failure: Failure) -> snow_status {
    let mut bytes = failure.message.into_bytes();
    bytes.retain(|byte| *byte != 0);
    let words = CString::new(bytes).unwrap_or_default();
    // While a thread ends its last error is gone already; its code is still returned.
    let _ = LAST.try_with(|last| last.replace(words));
    failure.status
}

/// The words of the last failure on this thread: there until the next failure on this thread.
pub(crate) fn last() -> *const c_char {
    const NONE: &CStr = c"";
    LAST.try_with(|last| last.borrow().as_ptr()).unwrap_or(NONE.as_ptr())
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::new(snow_status::SNOW_ERROR_START, error.to_string())
    }
}

impl From<ReloadError> for Failure {
    fn from(error: ReloadError) -> Self {
        Self::new(snow_status::SNOW_ERROR_UNUSABLE, error.to_string())
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let status = match error {
            ConnectError::Name(_)
            | ConnectError::PortUnknown
            | ConnectError::HostUnspecified { .. }
            | ConnectError::OwnName => snow_status::SNOW_ERROR_ARGUMENT,
            ConnectError::Stopped | ConnectError::RuntimeGone => snow_status::SNOW_ERROR_STOPPED,
            _ => snow_status::SNOW_ERROR_CONNECT,
        };
        Self::new(status, error.to_string())
    }
}

impl From<SpawnError> for Failure {
    fn from(error: SpawnError) -> Self {
        let status = match error {
            SpawnError::Exhausted => snow_status::SNOW_ERROR_LIMIT,
            _ => snow_status::SNOW_ERROR_STOPPED,
        };
        Self::new(status, error.to_string())
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let status = match refused {
            Refused::Ended => snow_status::SNOW_ERROR_ENDED,
            _ => snow_status::SNOW_ERROR_REFUSED,
        };
        Self::new(status, refused.to_string())
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Refused(refused) => refused.into(),
            SendError::Term(_) => Self::new(snow_status::SNOW_ERROR_TERM, error.to_string()),
            _ => Self::argument(error.to_string()),
        }
    }
}

impl From<TermError> for Failure {
    fn from(error: TermError) -> Self {
        Self::new(snow_status::SNOW_ERROR_TERM, error.to_string())
    }
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        let status = match error {
            RegisterError::Taken(_) => snow_status::SNOW_ERROR_NAME_TAKEN,
            RegisterError::TooLong { .. } => snow_status::SNOW_ERROR_ARGUMENT,
            _ => snow_status::SNOW_ERROR_NO_PROCESS,
        };
        Self::new(status, error.to_string())
    }
}

impl From<NotHere> for Failure {
    fn from(error: NotHere) -> Self {
        Self::new(snow_status::SNOW_ERROR_NO_PROCESS, error.to_string())
    }
}

impl From<MonitorNodeError> for Failure {
    fn from(error: MonitorNodeError) -> Self {
        match error {
            MonitorNodeError::Ended => Self::ended(),
            error => Self::argument(error.to_string()),
        }
    }
}
