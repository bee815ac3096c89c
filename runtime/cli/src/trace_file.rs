//! Messages between nodes as lines of JSON, for the page that draws them: `demo --trace` and `node --trace-file`.
//!
//! `spec/site/trace/README.md` says what a line has.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use snow_dist_codec::document::{Hex, Shown};
use snow_dist_codec::{Frame, Handshake, Reading};

use crate::decode;

/// The file that the lines go to.
#[derive(Debug)]
pub(crate) struct TraceFile(File);

#[derive(Serialize)]
struct Line<'l, F: Serialize> {
    time_us: u64,
    from: &'l str,
    to: &'l str,
    phase: &'static str,
    /// Missing if the payload cannot be decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<decode::Line<'l, F>>,
    payload: Hex<&'l [u8]>,
}

/// A message on its way.
pub(crate) struct Sent<'s> {
    /// Since the trace has begun.
    pub(crate) time: Duration,
    pub(crate) from: &'s str,
    pub(crate) to: &'s str,
    pub(crate) handshake: bool,
    pub(crate) payload: &'s [u8],
}

impl TraceFile {
    /// Makes the file, or replaces what it has. A new one is its owner's alone, as it has all payloads, and proofs of
    /// version 1, by which a weak cookie can be found.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display()))
        };
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map(Self).map_err(named)
    }

    /// Writes the line of a message. It is in the file when this returns.
    pub(crate) fn message(&mut self, sent: &Sent<'_>) -> io::Result<()> {
        let mut bytes = line(sent)?;
        bytes.push(b'\n');
        self.0.write_all(&bytes)
    }
}

fn line(sent: &Sent<'_>) -> serde_json::Result<Vec<u8>> {
    let payload = sent.payload;
    if sent.handshake {
        return match Handshake::decode_with_surplus(payload, Reading::Compatible) {
            Ok((message, surplus)) => with_message(sent, message.name(), Shown(&message), surplus),
            Err(_) => without_message(sent),
        };
    }
    match Frame::decode_with_surplus(payload, Reading::Compatible) {
        Ok((frame, surplus)) => with_message(sent, frame.name(), Shown(&frame), surplus),
        Err(_) => without_message(sent),
    }
}

fn with_message(
    sent: &Sent<'_>,
    tag: &'static str,
    fields: impl Serialize,
    surplus: &[u8],
) -> serde_json::Result<Vec<u8>> {
    let length = sent.payload.len();
    let message = decode::Line { offset: 0, length, tag, fields, trailing: Hex(surplus) };
    serde_json::to_vec(&line_with(sent, Some(message)))
}

fn without_message(sent: &Sent<'_>) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&line_with::<()>(sent, None))
}

fn line_with<'l, F: Serialize>(sent: &Sent<'l>, message: Option<decode::Line<'l, F>>) -> Line<'l, F> {
    Line {
        time_us: u64::try_from(sent.time.as_micros()).unwrap_or(u64::MAX),
        from: sent.from,
        to: sent.to,
        phase: if sent.handshake { "handshake" } else { "session" },
        message,
        payload: Hex(sent.payload),
    }
}
