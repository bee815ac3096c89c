//! Bytes with what they are beside them: a message's fields as a sink, so that no layout stands here.

use std::convert::Infallible;
use std::fmt::Write;

use snow_dist_codec::handshake::Tlv;
use snow_dist_codec::layout::Sink;
use snow_dist_codec::{Entries, Extension, Names, Pid, Reason, Text};

use super::printable;

/// So many bytes on a line, and what they are beside the first of them.
pub(super) fn block(width: usize, bytes: &[u8], what: &str) -> String {
    let mut text = String::new();
    for (index, line) in bytes.chunks(width).enumerate() {
        let hex: Vec<_> = line.iter().map(|byte| format!("{byte:02X}")).collect();
        let beside = if index == 0 { what } else { "" };
        let line = format!("{:columns$}  {beside}", hex.join(" "), columns = 3 * width - 1);
        writeln!(text, "{}", line.trim_end()).unwrap();
    }
    text
}

/// The rows of a payload.
pub(super) struct Rows<'p> {
    width: usize,
    payload: &'p [u8],
    at: usize,
    text: String,
}

impl<'p> Rows<'p> {
    /// With the rows of length and tag.
    pub(super) fn new(width: usize, payload: &'p [u8], name: &str) -> Self {
        let length = payload.len();
        let text = block(width, &(length as u32).to_le_bytes(), &format!("length: {length}"));
        let mut rows = Self { width, payload, at: 0, text };
        rows.row(1, name);
        rows
    }

    pub(super) fn finish(self) -> String {
        assert_eq!(self.at, self.payload.len(), "every byte has its row");
        self.text
    }

    fn row(&mut self, count: usize, what: &str) {
        self.text += &block(self.width, &self.payload[self.at..][..count], what);
        self.at += count;
    }

    fn text(&mut self, prefix: usize, field: &str, text: &str) {
        self.row(prefix, &format!("{field}: {}", plural(text.len())));
        self.row(text.len(), &format!("  {text:?}"));
    }
}

fn plural(bytes: usize) -> String {
    format!("{bytes} byte{}", if bytes == 1 { "" } else { "s" })
}

impl Sink for Rows<'_> {
    type Error = Infallible;

    fn u8(&mut self, field: &'static str, value: u8) -> Result<(), Infallible> {
        self.row(1, &format!("{field}: {value}"));
        Ok(())
    }

    fn u16(&mut self, field: &'static str, value: u16) -> Result<(), Infallible> {
        self.row(2, &format!("{field}: {value}"));
        Ok(())
    }

    fn u32(&mut self, field: &'static str, value: u32) -> Result<(), Infallible> {
        self.row(4, &format!("{field}: {value}"));
        Ok(())
    }

    fn u64(&mut self, field: &'static str, value: u64) -> Result<(), Infallible> {
        self.row(8, &format!("{field}: {value}"));
        Ok(())
    }

    fn pid(&mut self, field: &'static str, value: Pid) -> Result<(), Infallible> {
        self.row(Pid::LEN, &format!("{field}: {value}"));
        Ok(())
    }

    fn array<const N: usize>(&mut self, field: &'static str, value: &[u8; N]) -> Result<(), Infallible> {
        let what = match field {
            "challenge" => "24 random bytes, then the sentinel".to_owned(),
            "digest" if *value == [0; N] => format!("{N} zero bytes"),
            "proof" => "the proof above".to_owned(),
            _ => format!("{N} bytes"),
        };
        self.row(N, &format!("{field}: {what}"));
        Ok(())
    }

    fn str16(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Infallible> {
        self.text(2, field, value.as_str());
        Ok(())
    }

    fn str32(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Infallible> {
        self.text(4, field, value.as_str());
        Ok(())
    }

    fn rest(&mut self, field: &'static str, value: &[u8]) -> Result<(), Infallible> {
        let text =
            if printable(value) { format!(", {:?}", String::from_utf8_lossy(value)) } else { String::new() };
        self.row(value.len(), &format!("{field}: {}{text}", plural(value.len())));
        Ok(())
    }

    fn text(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Infallible> {
        self.row(value.len(), &format!("{field}: {:?}", value.as_str()));
        Ok(())
    }

    fn reason(&mut self, field: &'static str, value: &Reason<'_>) -> Result<(), Infallible> {
        for hop in value.hops() {
            self.row(1, &format!("{field}: Linked"));
            self.row(Pid::LEN, &format!("  hop: {hop}"));
        }
        let root = &value.root;
        let (name, text) = match root {
            snow_dist_codec::Root::Normal => ("Normal", None),
            snow_dist_codec::Root::Error(text) => ("Error", Some(text)),
            snow_dist_codec::Root::Killed => ("Killed", None),
            snow_dist_codec::Root::Shutdown => ("Shutdown", None),
            snow_dist_codec::Root::Custom(text) => ("Custom", Some(text)),
            snow_dist_codec::Root::Noconnection => ("Noconnection", None),
            snow_dist_codec::Root::Unknown(_) => panic!("no example has such a root"),
        };
        self.row(1, &format!("{field}: {name}"));
        if let Some(text) = text {
            self.row(8, &format!("  text: {}", plural(text.len())));
            self.row(text.len(), &format!("  {:?}", text.as_str()));
        }
        Ok(())
    }

    fn names(&mut self, field: &'static str, _: &Names<'_>) -> Result<(), Infallible> {
        panic!("no example has {field}")
    }

    fn entries(&mut self, field: &'static str, _: &Entries<'_>) -> Result<(), Infallible> {
        panic!("no example has {field}")
    }

    fn extension(&mut self, field: &'static str, value: Option<&Extension<'_>>) -> Result<(), Infallible> {
        let Some(extension) = value else { return Ok(()) };
        self.row(8, &format!("{field}: magic"));
        let bytes: usize = extension.iter().map(|tlv| tlv.encoded_len()).sum();
        self.row(2, &format!("  {} of TLVs", plural(bytes)));
        for tlv in extension.iter() {
            self.row(tlv.encoded_len(), &format!("  {:04X} {}", tlv.kind(), tlv_value(&tlv)));
        }
        Ok(())
    }

    fn invalid(&mut self, field: &'static str, _: &'static str) -> Result<(), Infallible> {
        panic!("{field} is as it should be")
    }
}

fn tlv_value(tlv: &Tlv<'_>) -> String {
    match tlv {
        Tlv::Versions(versions) => {
            let versions: Vec<_> = versions.iter().map(|version| version.to_string()).collect();
            format!("versions: {}", versions.join(", "))
        }
        Tlv::Capabilities(set) if set.to_bits() == 0 => "capabilities: none".to_owned(),
        Tlv::Incarnation(number) => format!("incarnation: hexadecimal {number:X}"),
        Tlv::FrameBytesMax(bytes) => format!("frame_bytes_max: {bytes}"),
        Tlv::ReassemblyBytesMax(bytes) => format!("reassembly_bytes_max: {bytes}"),
        Tlv::FragmentedMessagesMax(count) => format!("fragmented_messages_max: {count}"),
        Tlv::NodeTableEntriesMax(count) => format!("node_table_entries_max: {count}"),
        Tlv::LinksAndMonitorsMax(count) => format!("links_and_monitors_max: {count}"),
        other => panic!("no example has {other:?}"),
    }
}
