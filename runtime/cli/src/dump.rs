//! The annotated dump: a message's fields as a sink that makes rows of them.

use std::convert::Infallible;
use std::io::{self, Write};

use snow_dist_codec::handshake::Tlv;
use snow_dist_codec::layout::Sink;
use snow_dist_codec::stf::Terms;
use snow_dist_codec::{Entries, Extension, Frame, Handshake, Names, NodeName, Pid, Reading, Reason, Text};

/// Bytes of a field that are shown; of more, only how many there are.
const BYTES_SHOWN: usize = 8;
/// Elements of a list that are shown; of more, only how many there are.
pub(crate) const ELEMENTS_SHOWN: usize = 16;
/// Characters of a text that are shown.
const CHARACTERS_SHOWN: usize = 60;

/// Rows of a dump: offset, bytes, field, value.
pub(crate) struct Rows<'p> {
    payload: &'p [u8],
    /// Bytes of the payload that have a row.
    at: usize,
    /// Where the payload's first byte stands in the input.
    start: usize,
    offset: usize,
    rows: Vec<Row>,
}

struct Row {
    offset: usize,
    bytes: String,
    field: String,
    value: String,
}

/// Where the specification says what a message is.
pub(crate) fn section(file: &str, heading: &str) -> String {
    format!("spec/{file} \"{heading}\"")
}

/// Where the specification says what a frame is; one without a meaning here stands where those are spoken of.
pub(crate) fn frame_section(frame: &Frame<'_>) -> String {
    let heading = match frame {
        Frame::Empty => "Framing",
        Frame::Unknown(_) => "Unknown tags",
        _ => frame.name(),
    };
    section("dist.md", heading)
}

/// The message of a frame that marks it as a term.
const fn term_of<'p>(frame: &Frame<'p>) -> Option<&'p [u8]> {
    match frame {
        Frame::SendTerm(send) => Some(send.message),
        Frame::SendNameTerm(send) => Some(send.message),
        Frame::Call(call) => Some(call.message),
        Frame::CallName(call) => Some(call.message),
        Frame::CallReply(reply) => Some(reply.message),
        _ => None,
    }
}

/// A message that is a term, or why it is none.
fn term(message: &[u8]) -> String {
    // Of which kind the session's terms are is not known here.
    match Terms::Second.decode(message, Reading::Compatible) {
        Ok((value, _)) => shortened(&value.to_string()),
        Err(error) => format!("no term: {error}"),
    }
}

impl<'p> Rows<'p> {
    /// For a payload behind `prefix` bytes of length, which stand at `offset` in the input.
    pub(crate) fn new(payload: &'p [u8], prefix: usize, offset: usize) -> Self {
        Self { payload, at: 0, start: offset + prefix, offset, rows: Vec::new() }
    }

    pub(crate) fn length(&mut self, length: &[u8]) {
        let value = self.payload.len().to_string();
        self.rows.push(Row { offset: self.offset, bytes: digits(length), field: "length".into(), value });
    }

    /// All of a frame but its length.
    pub(crate) fn frame(&mut self, frame: &Frame<'_>, surplus: &[u8]) {
        match frame.tag().map(|tag| Handshake::TAGS.iter().find(|(known, _)| *known == tag)) {
            None => {}
            Some(None) => self.tag(1, frame.name()),
            Some(Some((_, name))) => self.tag(1, &format!("UNKNOWN; with --phase handshake {name}")),
        }
        let Ok(()) = frame.write_fields(self);
        if let Some(message) = term_of(frame) {
            self.note("message", &term(message));
        }
        self.surplus(surplus);
    }

    /// All of a message before a session but its length.
    pub(crate) fn handshake(&mut self, message: &Handshake<'_>, surplus: &[u8]) {
        self.tag(1, message.name());
        let Ok(()) = message.write_fields(self);
        self.surplus(surplus);
    }

    pub(crate) fn tag(&mut self, bytes: usize, name: &str) {
        self.row("tag", bytes, name.into());
    }

    /// A node name, part by part.
    pub(crate) fn name(&mut self, name: &NodeName<'_>) {
        self.row("name", name.name().len(), quoted(name.name()));
        self.row("", 1, "@".into());
        self.row("host", name.host().len(), quoted(name.host()));
        let port = if name.has_port() {
            name.port().to_string()
        } else {
            format!("{}, since none is said", name.port())
        };
        self.row("port", self.payload.len().saturating_sub(self.at), port);
    }

    /// Says more about a field that has a row.
    fn note(&mut self, field: &str, value: &str) {
        let row = Row {
            offset: self.start + self.at,
            bytes: String::new(),
            field: field.into(),
            value: value.into(),
        };
        self.rows.push(row);
    }

    pub(crate) fn surplus(&mut self, surplus: &[u8]) {
        if !surplus.is_empty() {
            self.row("trailing", surplus.len(), "ignored".into());
        }
    }

    /// Rows so far.
    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }

    /// Bytes of the payload that have a row.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn row(&mut self, field: &str, count: usize, value: String) {
        let bytes = self.payload.get(self.at..).and_then(|rest| rest.get(..count)).unwrap_or_default();
        let row = Row { offset: self.start + self.at, bytes: digits(bytes), field: field.into(), value };
        self.rows.push(row);
        self.at += count;
    }

    /// Passes over elements that are not shown.
    pub(crate) fn more(&mut self, field: &str, count: usize, bytes: usize) {
        if count > 0 {
            self.row(field, bytes, format!("{count} more"));
        }
    }

    pub(crate) fn print(&self, name: &str, section: &str, out: &mut impl Write) -> io::Result<()> {
        let width = |column: fn(&Row) -> &str| {
            self.rows.iter().map(|row| column(row).chars().count()).max().unwrap_or_default()
        };
        let (bytes, field) = (width(|row| &row.bytes), width(|row| &row.field));
        writeln!(out, "{name}  {section}")?;
        for row in &self.rows {
            let line =
                format!("  {:06x}  {:bytes$}  {:field$}  {}", row.offset, row.bytes, row.field, row.value);
            writeln!(out, "{}", line.trim_end())?;
        }
        writeln!(out)
    }

    /// Each field with its value, or with its bytes if they have no meaning of their own.
    pub(crate) fn fields(&self) -> impl Iterator<Item = String> {
        self.rows.iter().filter(|row| row.field != "tag").map(|row| {
            let value = if row.value.is_empty() { &row.bytes } else { &row.value };
            // A block and its extensions say themselves what they are.
            if row.field.starts_with("extension") { value.clone() } else { format!("{} {value}", row.field) }
        })
    }
}

fn digits(bytes: &[u8]) -> String {
    let shown: Vec<String> = bytes.iter().take(BYTES_SHOWN).map(|byte| format!("{byte:02x}")).collect();
    match bytes.len().checked_sub(BYTES_SHOWN) {
        None | Some(0) => shown.join(" "),
        Some(more) => format!("{} +{more}", shown.join(" ")),
    }
}

/// In quotes, control characters escaped: a peer's text must not reach the terminal as it is.
pub(crate) fn quoted(text: &str) -> String {
    shortened(&format!("{text:?}"))
}

pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(CHARACTERS_SHOWN) {
        None => text.into(),
        Some((end, _)) => format!("{}..", text.get(..end).unwrap_or_default()),
    }
}

impl Sink for Rows<'_> {
    type Error = Infallible;

    fn u8(&mut self, field: &'static str, value: u8) -> Result<(), Infallible> {
        self.row(field, 1, value.to_string());
        Ok(())
    }

    fn u16(&mut self, field: &'static str, value: u16) -> Result<(), Infallible> {
        self.row(field, 2, value.to_string());
        Ok(())
    }

    fn u32(&mut self, field: &'static str, value: u32) -> Result<(), Infallible> {
        self.row(field, 4, value.to_string());
        Ok(())
    }

    fn u64(&mut self, field: &'static str, value: u64) -> Result<(), Infallible> {
        self.row(field, 8, value.to_string());
        Ok(())
    }

    fn pid(&mut self, field: &'static str, value: Pid) -> Result<(), Infallible> {
        self.row(field, Pid::LEN, value.to_string());
        Ok(())
    }

    fn array<const N: usize>(&mut self, field: &'static str, value: &[u8; N]) -> Result<(), Infallible> {
        let shown = match N {
            _ if *value == [0; N] => "all zero".into(),
            0..=BYTES_SHOWN => String::new(),
            _ => hex::encode(value),
        };
        self.row(field, N, shown);
        Ok(())
    }

    fn str16(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Infallible> {
        self.row(field, 2 + value.len(), quoted(value.as_str()));
        Ok(())
    }

    fn str32(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Infallible> {
        self.row(field, 4 + value.len(), quoted(value.as_str()));
        Ok(())
    }

    fn rest(&mut self, field: &'static str, value: &[u8]) -> Result<(), Infallible> {
        let text: String = value.iter().take(CHARACTERS_SHOWN).map(|&byte| printable(byte)).collect();
        self.row(field, value.len(), format!("{} |{text}|", plural(value.len())));
        Ok(())
    }

    fn text(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Infallible> {
        self.row(field, value.len(), quoted(value.as_str()));
        Ok(())
    }

    fn reason(&mut self, field: &'static str, value: &Reason<'_>) -> Result<(), Infallible> {
        let hops = value.hops();
        let hidden = hops.len().saturating_sub(ELEMENTS_SHOWN);
        for hop in hops.take(ELEMENTS_SHOWN) {
            self.row(field, 1 + Pid::LEN, format!("linked {hop}"));
        }
        self.more(field, hidden, hidden * (1 + Pid::LEN));
        let root = Reason::from(value.root);
        self.row(field, root.encoded_len(), shortened(&root.to_string()));
        Ok(())
    }

    fn names(&mut self, field: &'static str, value: &Names<'_>) -> Result<(), Infallible> {
        self.row(field, 2, format!("{} of them", value.count()));
        let mut hidden = value.as_bytes().len();
        for (index, name) in value.iter().enumerate().take(ELEMENTS_SHOWN) {
            self.row(&format!("{field}[{index}]"), 2 + name.len(), quoted(name.as_str()));
            hidden -= 2 + name.len();
        }
        self.more(field, usize::from(value.count()).saturating_sub(ELEMENTS_SHOWN), hidden);
        Ok(())
    }

    fn entries(&mut self, field: &'static str, value: &Entries<'_>) -> Result<(), Infallible> {
        self.row(field, 4, format!("{} of them", value.count()));
        let mut hidden = value.as_bytes().len();
        for (index, entry) in value.iter().enumerate().take(ELEMENTS_SHOWN) {
            let bytes = 2 + entry.name.len() + Pid::LEN + 2 + entry.node.len();
            let value =
                format!("{} = {} on {}", quoted(entry.name.as_str()), entry.pid, quoted(entry.node.as_str()));
            self.row(&format!("{field}[{index}]"), bytes, value);
            hidden -= bytes;
        }
        self.more(field, (value.count() as usize).saturating_sub(ELEMENTS_SHOWN), hidden);
        Ok(())
    }

    fn extension(&mut self, field: &'static str, value: Option<&Extension<'_>>) -> Result<(), Infallible> {
        let Some(extension) = value else { return Ok(()) };
        let head = extension.as_bytes().len() - extension.iter().map(|tlv| tlv.encoded_len()).sum::<usize>();
        self.row(field, head, "extension block".into());
        for tlv in extension.iter() {
            self.row(&format!("{field} {:04x}", tlv.kind()), tlv.encoded_len(), tlv_value(&tlv));
        }
        Ok(())
    }

    fn invalid(&mut self, _: &'static str, _: &'static str) -> Result<(), Infallible> {
        Ok(())
    }
}

fn tlv_value(tlv: &Tlv<'_>) -> String {
    match tlv {
        Tlv::Versions(versions) => format!("versions {versions:?}"),
        Tlv::Capabilities(set) => format!("capabilities {:#b}", set.to_bits()),
        Tlv::Incarnation(number) => format!("incarnation {number:#x}"),
        Tlv::FrameBytesMax(bytes) => format!("frame_bytes_max {bytes}"),
        Tlv::ReassemblyBytesMax(bytes) => format!("reassembly_bytes_max {bytes}"),
        Tlv::FragmentedMessagesMax(count) => format!("fragmented_messages_max {count}"),
        Tlv::NodeTableEntriesMax(count) => format!("node_table_entries_max {count}"),
        Tlv::LinksAndMonitorsMax(count) => format!("links_and_monitors_max {count}"),
        Tlv::Unknown { value, .. } => format!("unknown, {}", plural(value.len())),
        _ => String::new(),
    }
}

fn plural(bytes: usize) -> String {
    format!("{bytes} byte{}", if bytes == 1 { "" } else { "s" })
}

fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '.' }
}
