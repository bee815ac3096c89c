//! What nodes write to the log, as a test reads it.

use std::fmt::{Debug, Write};
use std::sync::{Arc, LazyLock, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// The log of this thread, and so of all tasks of a test that runs on one thread, until it is dropped.
#[must_use]
pub struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

impl Log {
    /// Begins to keep what the runtime writes at INFO and above.
    pub fn of_this_thread() -> Self {
        Self::down_to(Level::INFO)
    }

    /// Begins to keep what the runtime writes at DEBUG and above, spans among it.
    pub fn down_to_debug() -> Self {
        Self::down_to(Level::DEBUG)
    }

    fn down_to(level: Level) -> Self {
        LazyLock::force(&BESIDE);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let guard = tracing::subscriber::set_default(Keep(level, lines.clone()));
        Self { lines, _guard: guard }
    }

    /// The lines so far: level, target, then message and fields.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// The lines with this text in them.
    #[must_use]
    pub fn lines_with(&self, text: &str) -> Vec<String> {
        self.lines().into_iter().filter(|line| line.contains(text)).collect()
    }
}

/// While there is only one subscriber, `tracing` asks that of whichever thread comes first to an event whether the event is
/// of interest to anybody: a thread without a log would say no for all.
static BESIDE: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Keep(Level::DEBUG, Arc::default())));

struct Keep(Level, Arc<Mutex<Vec<String>>>);

impl Keep {
    fn keep(&self, metadata: &Metadata<'_>, what: &str, record: impl FnOnce(&mut Line<'_>)) {
        let mut line = format!("{} {}{what}", metadata.level(), metadata.target());
        record(&mut Line(&mut line));
        self.1.lock().unwrap().push(line);
    }
}

impl Subscriber for Keep {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.0 && metadata.target().starts_with("snow_dist")
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let name = format!(" span {}", span.metadata().name());
        self.keep(span.metadata(), &name, |line| span.record(line));
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = String::from("span recorded");
        values.record(&mut Line(&mut line));
        self.1.lock().unwrap().push(line);
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        self.keep(event.metadata(), "", |line| event.record(line));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        }
        .unwrap();
    }
}
