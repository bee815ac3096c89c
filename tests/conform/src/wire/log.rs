//! What went over the wires of a case, with times, as a report shows it.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use snow_dist_codec::document::Shown;
use snow_dist_codec::{Frame, Handshake, Reading};
use tokio::time::Instant;

/// Lines of one case that are kept: a subject that floods must not fill the memory.
const LINES_MAX: usize = 2_000;

/// Bytes of a payload that are shown.
const BYTES_SHOWN: usize = 96;

/// A longer payload is not read for the log.
const BYTES_READ: usize = 8_192;

/// The log of one case. Clones are the same log.
#[derive(Clone, Debug)]
pub struct Log {
    began: Instant,
    lines: Arc<Mutex<Vec<String>>>,
}

/// Before a session and in one, tags mean different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Up to ACK.
    Handshake,
    /// Behind it.
    Session,
}

impl Default for Log {
    fn default() -> Self {
        Self { began: Instant::now(), lines: Arc::default() }
    }
}

impl Log {
    /// Something happened.
    pub fn note(&self, what: &str) {
        let at = self.began.elapsed();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < LINES_MAX {
            lines.push(format!("{:>9.3} ms  {what}", at.as_secs_f64() * 1e3));
        }
    }

    /// A payload went to the subject.
    pub(crate) fn sent(&self, wire: &str, phase: Phase, payload: &[u8]) {
        self.payload(&format!("{wire} ->"), phase, payload);
    }

    /// A payload came from it.
    pub(crate) fn came(&self, wire: &str, phase: Phase, payload: &[u8]) {
        self.payload(&format!("{wire} <-"), phase, payload);
    }

    /// What is not kept is not read either: that costs more than all else of a flood.
    fn payload(&self, way: &str, phase: Phase, payload: &[u8]) {
        if self.lines.lock().unwrap_or_else(PoisonError::into_inner).len() < LINES_MAX {
            self.note(&format!("{way} {}", annotated(phase, payload)));
        }
    }

    /// All lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A payload's name and fields if it can be read, and its bytes.
pub(crate) fn annotated(phase: Phase, payload: &[u8]) -> String {
    if payload.len() > BYTES_READ {
        let name = Frame::decode(payload, Reading::Compatible).map_or("unreadable", |frame| frame.name());
        return format!("{name}, not shown in full  [{}]", bytes(payload));
    }
    let read = match phase {
        Phase::Handshake => Handshake::decode(payload, Reading::Compatible)
            .map(|message| shown(message.name(), serde_json::to_value(Shown(&message)))),
        Phase::Session => Frame::decode(payload, Reading::Compatible)
            .map(|frame| shown(frame.name(), serde_json::to_value(Shown(&frame)))),
    };
    let read = read.unwrap_or_else(|error| format!("unreadable ({error})"));
    format!("{read}  [{}]", bytes(payload))
}

fn shown(name: &str, fields: serde_json::Result<Value>) -> String {
    let mut line = name.to_owned();
    if let Ok(Value::Object(fields)) = fields {
        for (field, value) in fields {
            line.push_str(&format!(" {field}={}", brief(&value)));
        }
    }
    line
}

/// A field in a line: pids in their text form, long texts cut.
pub(crate) fn brief(value: &Value) -> String {
    if let Some(pid) = crate::wire::pid_of(value) {
        return pid.to_string();
    }
    let text = value.to_string();
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn bytes(payload: &[u8]) -> String {
    let shown = payload.get(..BYTES_SHOWN).unwrap_or(payload);
    let dots = if shown.len() < payload.len() { "..." } else { "" };
    format!("{} bytes: {}{dots}", payload.len(), hex::encode(shown))
}
