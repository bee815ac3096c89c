//! The warnings of a node, for whoever runs it.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Returns whether an event tells of the end of a process. The processes of this program are its user's, whom the program
/// tells itself.
fn is_end(metadata: &Metadata<'_>) -> bool {
    let says = |field| metadata.fields().field(field).is_some();
    metadata.target().ends_with("::processes") && says("process") && says("reason")
}

/// Shows warnings and errors from now on, a line for each.
pub(crate) fn show(show: impl Fn(&str) + Send + Sync + 'static) {
    // It is the only one of this program.
    let _ = tracing::subscriber::set_global_default(Log(show));
}

struct Log<F>(F);

impl<F: Fn(&str) + Send + Sync + 'static> Subscriber for Log<F> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= Level::WARN && !is_end(metadata)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        (self.0)(&(line.message + &line.fields));
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

/// What an event says: its message, and then its fields.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, ", {name} {value:?}"),
        };
    }
}
