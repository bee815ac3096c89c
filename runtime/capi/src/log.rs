//! The log: what the operator of a node should know, handed to a function of the program.

use std::ffi::{CString, c_char, c_void};
use std::fmt::{self, Write};
use std::sync::{PoisonError, RwLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::failure::{Failure, Outcome};
use crate::types::snow_status;

/// A function of the program that is told.
pub(crate) type Told = extern "C" fn(user: *mut c_void, level: u32, text: *const c_char);

#[derive(Clone, Copy)]
struct Listener {
    told: Told,
    /// As a number: the library hands it on, and does nothing else with it.
    user: usize,
    level_max: u32,
}

static LISTENER: RwLock<Option<Listener>> = RwLock::new(None);

fn listener() -> Option<Listener> {
    *LISTENER.read().unwrap_or_else(PoisonError::into_inner)
}

/// Tells `told` from now on of events up to this level; nobody if there is none.
pub(crate) fn set(told: Option<Told>, user: *mut c_void, level_max: u32) -> Outcome<()> {
    if !(1..=5).contains(&level_max) && told.is_some() {
        return Err(Failure::argument(format!("the level is {level_max}: it must be from 1 to 5")));
    }
    let listener = told.map(|told| Listener { told, user: user.expose_provenance(), level_max });
    *LISTENER.write().unwrap_or_else(PoisonError::into_inner) = listener;
    install()
}

/// The log of a program is one for all of it, and set once.
fn install() -> Outcome<()> {
    static INSTALLED: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    if *INSTALLED.get_or_init(|| tracing::subscriber::set_global_default(Log).is_ok()) {
        return Ok(());
    }
    let message = "another part of this program takes the log of Rust libraries";
    Err(Failure::new(snow_status::SNOW_ERROR_UNSUPPORTED, message))
}

/// 1 is an error, 5 is for looking for faults.
fn number_of(level: Level) -> u32 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

struct Log;

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && listener().is_some_and(|listener| number_of(*metadata.level()) <= listener.level_max)
    }

    fn register_callsite(&self, _: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        // Who listens changes.
        tracing::subscriber::Interest::sometimes()
    }

    fn event(&self, event: &Event<'_>) {
        let Some(listener) = listener() else { return };
        let mut line = Line::default();
        event.record(&mut line);
        let mut bytes = [line.message, line.fields].concat().into_bytes();
        bytes.retain(|byte| *byte != 0);
        let text = CString::new(bytes).unwrap_or_default();
        let user = std::ptr::with_exposed_provenance_mut(listener.user);
        (listener.told)(user, number_of(*event.metadata().level()), text.as_ptr());
    }

    // Spans are not shown.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// What is said, and what it is said about: `words name=value name=value`.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // A string takes all that is written.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
