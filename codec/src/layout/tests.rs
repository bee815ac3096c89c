//! Bytes as a sink, compared with counting.

use super::*;
use crate::handshake::Reject;
use crate::{EncodeErrorKind, EntriesBuf, Entry, ExtensionBuf, NamesBuf, Reading, Root};
use alloc::string::String;
use alloc::vec::Vec;

/// Passes a field of every kind to `sink`, with `text` in each field that can hold text.
fn every_field<S: Sink>(sink: &mut S, text: Text<'_>) -> Result<(), S::Error> {
    let mut names = NamesBuf::default();
    names.push("a@h".into()).unwrap();
    let mut entries = EntriesBuf::default();
    entries.push(&Entry { name: "n".into(), pid: Pid::from_bits(7), node: "a@h".into() }).unwrap();
    let mut block = ExtensionBuf::default();
    block.push_versions(&[2]).unwrap();
    sink.u8("u8", 0x11)?;
    sink.u16("u16", 0x2221)?;
    sink.u32("u32", 0x3433_3231)?;
    sink.u64("u64", 0x4847_4645_4443_4241)?;
    sink.pid("pid", Pid::from_bits(5))?;
    sink.array("array", b"abc")?;
    sink.str16("str16", text)?;
    sink.str32("str32", text)?;
    sink.reason("reason", &Root::Error(text).into())?;
    sink.names("names", &names.as_names())?;
    sink.entries("entries", &entries.as_entries())?;
    sink.extension("extension", None)?;
    sink.extension("extension", Some(&block.as_extension()))?;
    sink.rest("rest", b"rest")?;
    sink.text("text", text)
}

const EVERY_FIELD: &[u8] = b"\x11\x21\x22\x31\x32\x33\x34ABCDEFGH\x05\0\0\0\0\0\0\0abc\x02\0xy\x02\0\0\0xy\
    \x01\x02\0\0\0\0\0\0\0xy\x01\0\x03\0a@h\x01\0\0\0\x01\0n\x07\0\0\0\0\0\0\0\x03\0a@h\
    \xD1SNOW2\r\n\x06\0\x01\0\x02\0\x02\0restxy";

#[test]
fn every_kind_of_field_is_written_and_counted() {
    let mut written = Vec::new();
    append(&mut written, |writer| every_field(writer, "xy".into()));
    assert_eq!(written, EVERY_FIELD);
    let mut measure = Measure::default();
    every_field(&mut measure, "xy".into()).unwrap();
    assert_eq!(measure.finish(), Ok(EVERY_FIELD.len()));
}

#[test]
fn every_kind_of_field_is_read() {
    let mut reader = Reader::new(EVERY_FIELD, Reading::Strict);
    assert_eq!(reader.u8(""), Ok(0x11));
    assert_eq!(reader.u16(""), Ok(0x2221));
    assert_eq!(reader.u32(""), Ok(0x3433_3231));
    assert_eq!(reader.u64(""), Ok(0x4847_4645_4443_4241));
    assert_eq!(reader.pid(""), Ok(Pid::from_bits(5)));
    assert_eq!(reader.array(""), Ok(b"abc"));
    assert_eq!(reader.str16(""), Ok("xy".into()));
    assert_eq!(reader.str32(""), Ok("xy".into()));
    assert_eq!(reader.reason(""), Ok(Root::Error("xy".into()).into()));
    assert_eq!(reader.names("").unwrap().iter().collect::<Vec<_>>(), [Text::from("a@h")]);
    let entry = Entry { name: "n".into(), pid: Pid::from_bits(7), node: "a@h".into() };
    assert_eq!(reader.entries("").unwrap().iter().collect::<Vec<_>>(), [entry]);
    let block = reader.extension("").unwrap().unwrap();
    assert_eq!(block.versions().unwrap().iter().collect::<Vec<_>>(), [2]);
    assert_eq!(reader.extension(""), Ok(None), "what follows is no block");
    assert_eq!(reader.at(), EVERY_FIELD.len() - 6);
    assert_eq!(reader.end().unwrap_err().kind, crate::ErrorKind::Surplus { count: 6 });
    let mut whole = reader;
    assert_eq!(whole.rest(""), Ok(&b"restxy"[..]));
    assert_eq!((whole.end(), whole.finish()), (Ok(()), Ok(&[][..])));
    assert_eq!(reader.text(""), Ok("restxy".into()));
}

#[test]
fn small_fields_stay_in_order_when_the_writer_is_full() {
    for before in 0..50 {
        let (mut written, mut expected) = (Vec::new(), Vec::new());
        append(&mut written, |writer| {
            for byte in 0..before {
                writer.u8("", byte)?;
                expected.push(byte);
            }
            writer.u64("", u64::MAX)?;
            writer.u16("", 0xABCD)?;
            writer.rest("", b"rest")?;
            writer.u8("", 0xEE)
        });
        expected.extend(b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xCD\xABrest\xEE");
        assert_eq!(written, expected, "after {before} bytes");
    }
}

#[test]
fn measuring_judges_and_appending_does_not() {
    let long: String = "x".repeat(256);
    let reject = Reject { code: 1, text: Text::from(&*long) };
    let mut measure = Measure::default();
    reject.write(&mut measure).unwrap();
    let error = measure.finish().unwrap_err();
    assert!(matches!(error.kind, EncodeErrorKind::Invalid(_)), "{error}");
    let mut written = Vec::new();
    append(&mut written, |writer| reject.write(writer));
    assert_eq!(written, [&[1, 0, 0, 1][..], long.as_bytes()].concat());

    let longer: String = "x".repeat(65_536);
    let mut measure = Measure::default();
    measure.str16("name", Text::from(&*longer)).unwrap();
    measure.str16("other", Text::from(&*longer)).unwrap();
    measure.u8("last", 0).unwrap();
    let error = measure.finish().unwrap_err();
    assert_eq!(error.kind, EncodeErrorKind::TooLong { max: 65_535, actual: 65_536 });
    assert_eq!(error.field.name, "name", "the first one");
}
