//! `snow-dist decode`.

use std::io::{self, Write};

use serde::Serialize;
use snow_dist_codec::document::{Hex, Shown, TermDocument};
use snow_dist_codec::framing::{Cut, cut};
use snow_dist_codec::stf::Terms;
use snow_dist_codec::{DecodeError, Frame, Handshake, NodeName, Pid, Reading, Reason, Signal};

use crate::dump::{self, Rows};
use crate::input;
use crate::problem::{ErrorObject, Problem};
use crate::{Decode, Phase, Piece};

/// Decodes all inputs, and says whether all were good.
pub(crate) fn run(arguments: &Decode, out: &mut impl Write) -> io::Result<bool> {
    let mut decoder = Decoder { arguments, reading: arguments.reading.into(), out, good: true };
    let path = arguments.shared.file.as_deref();
    if !arguments.hex.is_empty() {
        decoder.hex(arguments.hex.join(" ").as_bytes(), "")?;
    } else if arguments.shared.raw {
        let bytes = input::bytes(path)?;
        decoder.bytes(&bytes, "")?;
    } else {
        let mut any = false;
        for line in input::lines(path)? {
            let (number, line) = line?;
            any = true;
            decoder.hex(&line, &format!("line {number}: "))?;
        }
        if !any {
            eprintln!(
                "error: there is nothing to decode: give hexadecimal digits as an argument or on a line"
            );
            decoder.good = false;
        }
    }
    Ok(decoder.good)
}

struct Decoder<'a, W> {
    arguments: &'a Decode,
    reading: Reading,
    out: &'a mut W,
    good: bool,
}

/// One object of `--json`.
#[derive(Serialize)]
pub(crate) struct Line<'a, F: Serialize> {
    pub(crate) offset: usize,
    pub(crate) length: usize,
    pub(crate) tag: &'a str,
    pub(crate) fields: F,
    pub(crate) trailing: Hex<&'a [u8]>,
}

/// One object of `--json` for a bare piece.
#[derive(Serialize)]
struct PieceLine<'a, V: Serialize> {
    offset: usize,
    length: usize,
    #[serde(rename = "as")]
    piece: &'a str,
    value: V,
    trailing: Hex<&'a [u8]>,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    offset: usize,
    error: &'a ErrorObject,
}

#[derive(Serialize)]
struct NameObject<'a> {
    name: &'a str,
    host: &'a str,
    port: u16,
}

impl<W: Write> Decoder<'_, W> {
    fn hex(&mut self, text: &[u8], place: &str) -> io::Result<()> {
        match input::from_hex(text) {
            Ok(bytes) => self.bytes(&bytes, place),
            Err(problem) => self.problem(&problem, place),
        }
    }

    fn bytes(&mut self, bytes: &[u8], place: &str) -> io::Result<()> {
        match self.arguments.shared.piece {
            Some(piece) => self.piece(piece, bytes, place),
            None => self.stream(bytes, place),
        }
    }

    /// Messages one after the other. A bad one does not hide those after it, unless its length is bad.
    fn stream(&mut self, stream: &[u8], place: &str) -> io::Result<()> {
        let mut rest = stream;
        while !rest.is_empty() {
            let offset = stream.len() - rest.len();
            match cut(rest, self.arguments.shared.phase.bytes_max()) {
                Err(error) => return self.problem(&Problem::framing(offset, rest, error), place),
                Ok(None) => {
                    let promised = rest.first_chunk().map(|length| u32::from_le_bytes(*length));
                    return self.problem(&Problem::incomplete(offset, rest, promised), place);
                }
                Ok(Some(Cut { payload, rest: after })) => {
                    let length = rest.get(..rest.len() - after.len() - payload.len()).unwrap_or_default();
                    self.message(offset, length, payload, place)?;
                    rest = after;
                }
            }
        }
        Ok(())
    }

    fn message(&mut self, offset: usize, length: &[u8], payload: &[u8], place: &str) -> io::Result<()> {
        let shown = match self.arguments.shared.phase {
            Phase::Session => Frame::decode_with_surplus(payload, self.reading)
                .map(|(frame, surplus)| self.frame(offset, length, payload, &frame, surplus)),
            Phase::Handshake => Handshake::decode_with_surplus(payload, self.reading)
                .map(|(message, surplus)| self.handshake(offset, length, payload, &message, surplus)),
        };
        match shown {
            Ok(shown) => shown,
            Err(error) => self.problem(&Problem::decode(offset, length, payload, &error), place),
        }
    }

    fn frame(
        &mut self,
        offset: usize,
        length: &[u8],
        payload: &[u8],
        frame: &Frame<'_>,
        surplus: &[u8],
    ) -> io::Result<()> {
        if self.arguments.json {
            return self.line(offset, payload, frame.name(), &Shown(frame), surplus);
        }
        let mut rows = Rows::new(payload, length.len(), offset);
        rows.length(length);
        rows.frame(frame, surplus);
        rows.print(frame.name(), &dump::frame_section(frame), self.out)
    }

    fn handshake(
        &mut self,
        offset: usize,
        length: &[u8],
        payload: &[u8],
        message: &Handshake<'_>,
        surplus: &[u8],
    ) -> io::Result<()> {
        if self.arguments.json {
            return self.line(offset, payload, message.name(), &Shown(message), surplus);
        }
        let mut rows = Rows::new(payload, length.len(), offset);
        rows.length(length);
        rows.handshake(message, surplus);
        rows.print(message.name(), &dump::section("handshake.md", message.name()), self.out)
    }

    fn line(
        &mut self,
        offset: usize,
        payload: &[u8],
        tag: &str,
        fields: &impl Serialize,
        surplus: &[u8],
    ) -> io::Result<()> {
        self.object(&Line { offset, length: payload.len(), tag, fields, trailing: Hex(surplus) })
    }

    fn piece(&mut self, piece: Piece, bytes: &[u8], place: &str) -> io::Result<()> {
        let shown = match piece {
            Piece::Reason => self.reason(bytes),
            Piece::Pid => self.pid(bytes),
            Piece::Term => self.term(bytes),
            Piece::Signal => self.signal(bytes),
            Piece::Name => return self.name(bytes, place),
        };
        match shown {
            Ok(shown) => shown,
            Err(error) => self.problem(&Problem::decode(0, &[], bytes, &error), place),
        }
    }

    fn reason(&mut self, bytes: &[u8]) -> Result<io::Result<()>, DecodeError> {
        use snow_dist_codec::layout::Sink;
        let (reason, surplus) = Reason::decode(bytes, self.reading)?;
        if self.arguments.json {
            return Ok(self.piece_line("reason", bytes, &reason, surplus));
        }
        let mut rows = Rows::new(bytes, 0, 0);
        let Ok(()) = rows.reason("reason", &reason);
        rows.surplus(surplus);
        Ok(rows.print("reason", &dump::section("dist.md", "Exit reasons"), self.out))
    }

    fn pid(&mut self, bytes: &[u8]) -> Result<io::Result<()>, DecodeError> {
        use snow_dist_codec::layout::{Reader, Sink, Source};
        let mut reader = Reader::new(bytes, self.reading);
        let pid: Pid = reader.pid("pid")?;
        let surplus = reader.finish()?;
        if self.arguments.json {
            return Ok(self.piece_line("pid", bytes, &pid, surplus));
        }
        let mut rows = Rows::new(bytes, 0, 0);
        let Ok(()) = rows.pid("pid", pid);
        rows.surplus(surplus);
        Ok(rows.print("pid", &dump::section("dist.md", "Pids"), self.out))
    }

    fn term(&mut self, bytes: &[u8]) -> Result<io::Result<()>, DecodeError> {
        let (value, surplus) = Terms::Second.decode(bytes, self.reading)?;
        if self.arguments.json {
            return Ok(self.piece_line("term", bytes, &TermDocument::from(value), surplus));
        }
        let mut rows = Rows::new(bytes, 0, 0);
        rows.term(&value);
        rows.surplus(surplus);
        Ok(rows.print("term", &dump::section("stf.md", "Layout"), self.out))
    }

    fn signal(&mut self, bytes: &[u8]) -> Result<io::Result<()>, DecodeError> {
        let (signal, surplus) = Signal::decode(bytes, self.reading)?;
        if self.arguments.json {
            return Ok(self.line(0, bytes, signal.name(), &Shown(&signal), surplus));
        }
        let mut rows = Rows::new(bytes, 0, 0);
        rows.tag(8, signal.name());
        let Ok(()) = signal.write_fields(&mut rows);
        rows.surplus(surplus);
        Ok(rows.print(signal.name(), &dump::section("dist.md", "Mailbox signals"), self.out))
    }

    fn name(&mut self, bytes: &[u8], place: &str) -> io::Result<()> {
        use snow_dist_codec::{ErrorKind, Field};
        let broken = |at, kind| DecodeError { kind, field: Field::new("name"), at };
        let parsed = match std::str::from_utf8(bytes) {
            Ok(text) => {
                NodeName::parse(text).map_err(|error| broken(error.at, ErrorKind::Invalid(error.rule)))
            }
            Err(error) => Err(broken(error.valid_up_to(), ErrorKind::Utf8)),
        };
        match parsed {
            Err(error) => self.problem(&Problem::decode(0, &[], bytes, &error), place),
            Ok(name) if self.arguments.json => {
                let value = NameObject { name: name.name(), host: name.host(), port: name.port() };
                self.piece_line("name", bytes, &value, &[])
            }
            Ok(name) => {
                let mut rows = Rows::new(bytes, 0, 0);
                rows.name(&name);
                rows.print("name", &dump::section("dist.md", "Node names"), self.out)
            }
        }
    }

    fn piece_line(
        &mut self,
        piece: &str,
        bytes: &[u8],
        value: &impl Serialize,
        surplus: &[u8],
    ) -> io::Result<()> {
        self.object(&PieceLine { offset: 0, length: bytes.len(), piece, value, trailing: Hex(surplus) })
    }

    fn object(&mut self, object: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut *self.out, object)?;
        writeln!(self.out)
    }

    fn problem(&mut self, problem: &Problem, place: &str) -> io::Result<()> {
        self.good = false;
        if self.arguments.json {
            self.object(&ErrorLine { offset: problem.offset, error: &problem.error })?;
        }
        // What was good stands before what was not, also on a terminal.
        self.out.flush()?;
        problem.report(place);
        Ok(())
    }
}
