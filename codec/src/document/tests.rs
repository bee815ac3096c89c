//! Documents that are refused, and the parts of messages in human-readable and binary formats.

use super::*;
use crate::handshake::Name;
use crate::layout::Source;
use crate::{ExtensionBuf, Pid, Reason, ReasonBuf, Root};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::ToString;
use serde::Serialize;
use serde::de::value::Error;
use serde::de::{self, Deserializer, IntoDeserializer, Visitor};

fn document(tag: &str, fields: &str) -> Result<Document, serde_json::Error> {
    serde_json::from_str(&format!(r#"{{"tag":"{tag}","fields":{fields}}}"#))
}

/// Returns the problem with the frame, in words.
fn frame_refusal(tag: &str, fields: &str) -> String {
    document(tag, fields).unwrap().frame().unwrap_err().to_string()
}

/// Returns the problem with the fields, in words and without the place.
fn fields_refusal(fields: &str) -> String {
    let error = document("LINK", fields).unwrap_err().to_string();
    error.split(" at line").next().unwrap().to_owned()
}

#[test]
fn a_document_that_is_no_frame_says_why() {
    let pid = r#"{"node":0,"creation":0,"local":1}"#;
    assert_eq!(frame_refusal("LYNK", "{}"), "\"LYNK\" is not the name of a message here");
    assert_eq!(frame_refusal("LINK", &format!(r#"{{"from":{pid}}}"#)), "LINK: field `to` is missing");
    assert_eq!(
        frame_refusal("LINK", &format!(r#"{{"from":{pid},"to":{pid},"ref":1}}"#)),
        "LINK: field `ref` is not a field of this message"
    );
    assert_eq!(
        frame_refusal("PING", r#"{"payload":"0102"}"#),
        "PING: field `payload` has 2 bytes where 8 are needed"
    );
    assert_eq!(
        frame_refusal("CLOSE", r#"{"code":65536,"text":""}"#),
        "CLOSE: field `code` is 65536, which 16 bits cannot hold"
    );
    assert_eq!(
        frame_refusal("UNKNOWN", r#"{"code":19,"payload":""}"#),
        "UNKNOWN: field `code` is the tag of a frame that has a name"
    );
    assert_eq!(
        frame_refusal("FRAGMENT", r#"{"number":1,"flags":4,"payload":""}"#),
        "FRAGMENT: field `flags` is not allowed: only 1 (first) and 2 (last) may be set"
    );
    assert_eq!(frame_refusal("EMPTY", r#"{"code":1}"#), "EMPTY: field `code` is not a field of this message");
    let reject = document("REJECT", r#"{"code":1}"#).unwrap();
    assert_eq!(reject.handshake().unwrap_err().to_string(), "REJECT: field `text` is missing");
    assert!(reject.frame().is_err() && reject.signal().is_err());
}

#[test]
fn fields_that_no_message_has_are_refused() {
    assert_eq!(fields_refusal(r#"{"form":1}"#), "no message has a field `form`");
    assert_eq!(fields_refusal(r#"{"ref":1,"ref":2}"#), "field `ref` stands twice");
    assert_eq!(
        fields_refusal(r#"{"ref":true}"#),
        "field `ref`: invalid type: boolean `true`, expected a number from 0 to 18446744073709551615, or a \
         string of its digits"
    );
    assert!(fields_refusal(r#"{"ref":"1x"}"#).starts_with("field `ref`: invalid value: string \"1x\""));
    assert!(fields_refusal(r#"{"payload":"0g"}"#).starts_with("field `payload`: not hexadecimal"));
    assert_eq!(
        fields_refusal(r#"{"to":{"node":0,"creation":0,"local":1099511627776}}"#),
        "field `to`: local id 1099511627776 is over 1099511627775"
    );
    assert_eq!(fields_refusal("[]"), "invalid type: sequence, expected a message's fields by name");
}

#[test]
fn a_field_of_another_kind_than_asked_for_is_refused() {
    let document = document(
        "LINK",
        r#"{"from":{"node":0,"creation":0,"local":1},"ref":1,"payload":"","name":"","extension":{}}"#,
    )
    .unwrap();
    let refusal = |field: &'static str, ask: fn(&mut fields::FieldSource<'_>, &'static str) -> bool| {
        let refused = document.fields.read(|source| {
            assert!(ask(source, field), "{field}");
            Ok(())
        });
        assert!(refused.is_err(), "the other fields were not asked for");
    };
    refusal("from", |source, field| source.u8(field).is_err());
    refusal("from", |source, field| source.rest(field).is_err());
    refusal("ref", |source, field| source.pid(field).is_err());
    refusal("ref", |source, field| source.str16(field).is_err());
    refusal("name", |source, field| source.reason(field).is_err());
    refusal("name", |source, field| source.names(field).is_err());
    refusal("name", |source, field| source.entries(field).is_err());
    refusal("payload", |source, field| source.extension(field).is_err());
    let number = |source: &mut fields::FieldSource<'_>| {
        assert_eq!(source.at(), 0, "fields by name have no place");
        source.u64("extension")
    };
    let error = document.fields.read(number).unwrap_err();
    assert_eq!(error.to_string(), "field `extension` is not of the kind that this message needs");
}

#[test]
fn a_name_beside_a_block_is_judged_in_documents_too() {
    let control = document("NAME", r#"{"name":"a\u0007","creation":1,"extension":{}}"#).unwrap();
    let error = control.handshake().unwrap_err().to_string();
    assert!(error.starts_with("NAME: field `name` is not allowed: beside an extension block"), "{error}");

    // An existing block is shown as it is, whether allowed or not.
    let block = ExtensionBuf::default();
    let name = Name { name: "a\u{7}".into(), creation: 1, extension: Some(block.as_extension()) };
    let shown = serde_json::to_value(Handshake::from(name)).unwrap();
    assert_eq!(shown["fields"]["name"], "a\u{7}");
}

#[test]
fn extensions_are_judged_in_documents_too() {
    let refused = |json: &str| serde_json::from_str::<ExtensionBuf>(json).unwrap_err().to_string();
    assert!(refused(r#"{"incarnation":0}"#).contains("an incarnation is not 0"));
    assert!(refused(r#"{"versions":[1]}"#).contains("ascending, from 2 on"));
    assert!(refused(r#"{"unknown":{"5":"00"}}"#).contains("this extension has 8 bytes"));
    assert!(refused(r#"{"unknown":{"32768":""}}"#).contains("would be refused"));
}

#[test]
fn reasons_that_are_none_are_refused() {
    let refused = |json: &str| serde_json::from_str::<ReasonBuf>(json).unwrap_err().to_string();
    assert_eq!(
        refused(r#"{"kind":"unknown","code":6,"payload":""}"#),
        "an unknown reason has a code above 6"
    );
    assert!(refused(r#"{"kind":"linked","hops":[],"root":{"kind":"linked"}}"#).contains("linked"));
}

#[test]
fn a_kept_reason_is_shown_like_the_one_it_keeps() {
    let kept = ReasonBuf::linked(Pid::from_bits(3), &Reason::from(Root::Custom("why".into())));
    let shown = serde_json::to_string(&kept).unwrap();
    assert_eq!(shown, serde_json::to_string(&kept.as_reason()).unwrap());
    assert_eq!(
        shown,
        r#"{"kind":"linked","hops":[{"node":0,"creation":0,"local":3}],"root":{"kind":"custom","text":"why"}}"#
    );
    assert_eq!(serde_json::from_str::<ReasonBuf>(&shown).unwrap(), kept);
}

/// A binary format that wraps the values of newtypes.
struct Binary<D>(D);

impl<'de, D: Deserializer<'de, Error = Error>> Deserializer<'de> for Binary<D> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        assert_eq!(name, PID_NEWTYPE);
        visitor.visit_newtype_struct(self.0)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A binary format that ignores newtypes.
struct Plain<D>(D);

impl<'de, D: Deserializer<'de, Error = Error>> Deserializer<'de> for Plain<D> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[test]
fn a_pid_is_one_number_in_binary_formats() {
    fn number(bits: u64) -> de::value::U64Deserializer<Error> {
        bits.into_deserializer()
    }
    assert_eq!(Pid::deserialize(Binary(number(7))), Ok(Pid::from_bits(7)));
    assert_eq!(Pid::deserialize(Plain(number(7))), Ok(Pid::from_bits(7)));
    let truth: de::value::BoolDeserializer<Error> = true.into_deserializer();
    let error = Pid::deserialize(Plain(truth)).unwrap_err();
    assert_eq!(error.to_string(), "invalid type: boolean `true`, expected a pid");
    let shown = Pid::from_bits(1 << 48 | 7).serialize(serde_json::value::Serializer).unwrap();
    assert_eq!(shown, serde_json::json!({"node": 1, "creation": 0, "local": 7}));
}

#[test]
fn offset_and_length_are_taken_and_not_needed() {
    let json = r#"{"offset":4,"length":9,"tag":"EMPTY","trailing":"aabb"}"#;
    let document: Document = serde_json::from_str(json).unwrap();
    assert_eq!((document.offset, document.length), (Some(4), Some(9)));
    assert_eq!(document.frame(), Ok(Frame::Empty));
    assert_eq!(document.trailing, [0xAA, 0xBB]);
}
