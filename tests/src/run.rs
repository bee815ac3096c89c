//! Vectors as they are read, and the codec's answers in the same form.

use serde_json::{Value, json};
use snow_dist_codec::document::{Document, Shown};
use snow_dist_codec::layout::{Reader, Source};
use snow_dist_codec::stf::{self, KeyType};
use snow_dist_codec::{
    DecodeError, ErrorKind, Field, Frame, Handshake, NodeName, Pid, Reading, Reason, ReasonBuf, Signal,
};

/// The vectors of a file.
pub fn read(file: &str) -> Vec<Value> {
    let path = crate::vectors::folder().join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str::<Value>(&text).unwrap()["vectors"].as_array().unwrap().clone()
}

/// The files whose vectors are messages or pieces.
pub const FILES: [&str; 8] = [
    "frames.json",
    "handshake.json",
    "reasons.json",
    "signals.json",
    "pids.json",
    "names.json",
    "stf.json",
    "captures-v1.json",
];

/// A vector's bytes.
pub fn bytes(vector: &Value) -> Vec<u8> {
    join(&vector["hex"])
}

/// The bytes of segments.
pub fn join(segments: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    for segment in segments.as_array().unwrap() {
        match segment {
            Value::String(text) => bytes.extend(hex::decode(text).unwrap()),
            repeated => {
                let times = usize::try_from(repeated["times"].as_u64().unwrap()).unwrap();
                bytes.extend(hex::decode(repeated["hex"].as_str().unwrap()).unwrap().repeat(times));
            }
        }
    }
    bytes
}

/// What the codec says of bytes, in the form of a vector's `value`.
pub fn decode(kind: &str, bytes: &[u8], reading: Reading) -> Result<Value, DecodeError> {
    let message = |name: &str, fields: Value, surplus: &[u8]| json!({"tag": name, "fields": fields, "trailing": hex::encode(surplus)});
    let piece = |value: Value, surplus: &[u8]| json!({"value": value, "trailing": hex::encode(surplus)});
    Ok(match kind {
        "frame" => {
            let (frame, surplus) = Frame::decode_with_surplus(bytes, reading)?;
            assert_eq!(Frame::decode(bytes, reading), Ok(frame), "both ways of decoding agree");
            message(frame.name(), serde_json::to_value(Shown(&frame)).unwrap(), surplus)
        }
        "handshake" => {
            let (found, surplus) = Handshake::decode_with_surplus(bytes, reading)?;
            message(found.name(), serde_json::to_value(Shown(&found)).unwrap(), surplus)
        }
        "signal" => {
            let (signal, surplus) = Signal::decode(bytes, reading)?;
            message(signal.name(), serde_json::to_value(Shown(&signal)).unwrap(), surplus)
        }
        "reason" => {
            let (reason, surplus) = Reason::decode(bytes, reading)?;
            piece(serde_json::to_value(reason).unwrap(), surplus)
        }
        "pid" => {
            let mut reader = Reader::new(bytes, reading);
            let pid = reader.pid("pid")?;
            piece(serde_json::to_value(pid).unwrap(), reader.finish()?)
        }
        "name" => {
            let name = NodeName::parse(std::str::from_utf8(bytes).unwrap()).map_err(|error| DecodeError {
                kind: ErrorKind::Invalid(error.rule),
                field: Field::new("name"),
                at: error.at,
            })?;
            piece(json!({"name": name.name(), "host": name.host(), "port": name.port()}), &[])
        }
        "term" | "term_2" => {
            let (value, surplus) = terms(kind).decode(bytes, reading)?;
            piece(term(value), surplus)
        }
        other => panic!("no such kind: {other}"),
    })
}

/// The bytes that the codec writes for a vector's `value`, without what trails.
pub fn encode(kind: &str, value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    let document = || serde_json::from_value::<Document>(value.clone()).unwrap();
    match kind {
        "frame" => {
            let document = document();
            let frame = document.frame().unwrap();
            frame.encode(&mut bytes).unwrap();
            assert_eq!(frame.encoded_len(), Ok(bytes.len()));
            let mut framed = Vec::new();
            frame.encode_framed(u32::MAX, &mut framed).unwrap();
            assert_eq!(framed[4..], bytes, "both ways of encoding agree");
            assert_eq!(framed[..4], u32::try_from(bytes.len()).unwrap().to_le_bytes());
        }
        "handshake" => {
            let document = document();
            let message = document.handshake().unwrap();
            message.encode(&mut bytes).unwrap();
            assert_eq!(message.encoded_len(), Ok(bytes.len()));
        }
        "signal" => {
            let document = document();
            let signal = document.signal().unwrap();
            signal.encode(&mut bytes).unwrap();
            assert_eq!(signal.encoded_len(), Ok(bytes.len()));
        }
        "reason" => {
            let reason: ReasonBuf = serde_json::from_value(value["value"].clone()).unwrap();
            snow_dist_codec::layout::append(&mut bytes, |sink| {
                snow_dist_codec::layout::Sink::reason(sink, "reason", &reason.as_reason())
            });
        }
        "pid" => {
            let pid: Pid = serde_json::from_value(value["value"].clone()).unwrap();
            bytes.extend(pid.to_bits().to_le_bytes());
        }
        "name" => {
            let part = |name: &str| value["value"][name].as_str().unwrap();
            let text = format!("{}@{}:{}", part("name"), part("host"), value["value"]["port"]);
            bytes.extend(NodeName::parse(&text).unwrap().completed().bytes());
        }
        other => panic!("{other} is not encoded from its value here"),
    }
    bytes
}

/// Of which kind terms are, by the kind of the vector.
pub fn terms(kind: &str) -> stf::Terms {
    match kind {
        "term" => stf::Terms::First,
        "term_2" => stf::Terms::Second,
        other => panic!("{other} is no kind of terms"),
    }
}

/// A term's value with its type, as the vectors have it.
fn term(value: stf::Value<'_>) -> Value {
    let all = |values: stf::Values<'_>| values.iter().map(term).collect::<Vec<_>>();
    let named = |fields: stf::Struct<'_>| {
        fields.iter().map(|(name, value)| json!([name.as_str(), term(value)])).collect::<Vec<_>>()
    };
    match value {
        stf::Value::Bytes(bytes) => json!({"type": "bytes", "value": hex::encode(bytes)}),
        stf::Value::U64(number) => json!({"type": "u64", "value": number.to_string()}),
        stf::Value::Variant(variant) => json!({
            "type": "variant", "name": variant.name().as_str(), "variant": variant.variant().as_str(),
            "fields": named(variant.fields()),
        }),
        stf::Value::Int(number) => json!({"type": "int", "value": number.to_string()}),
        stf::Value::Float(number) => json!({"type": "float", "bits": format!("{:016x}", number.to_bits())}),
        stf::Value::Bool(truth) => json!({"type": "bool", "value": truth}),
        stf::Value::Str(text) => json!({"type": "string", "value": text.as_str()}),
        stf::Value::Unit => json!({"type": "unit"}),
        stf::Value::List(values) => json!({"type": "list", "values": all(values)}),
        stf::Value::Set(values) => json!({"type": "set", "values": all(values)}),
        stf::Value::Tuple(values) => json!({"type": "tuple", "values": all(values)}),
        stf::Value::Map(map) => {
            let keys = if map.keys() == KeyType::Int { "int" } else { "string" };
            let pairs: Vec<_> = map.iter().map(|(key, value)| json!([term(key), term(value)])).collect();
            json!({"type": "map", "keys": keys, "pairs": pairs})
        }
        stf::Value::Struct(fields) => {
            json!({"type": "struct", "name": fields.name().as_str(), "fields": named(fields)})
        }
        stf::Value::Sum(sum) => json!({
            "type": "sum", "name": sum.name().as_str(), "variant": sum.variant(), "values": all(sum.values()),
        }),
        stf::Value::Pid(pid) => json!({"type": "pid", "value": pid}),
        stf::Value::Some(inner) => json!({"type": "some", "value": term(inner.value())}),
        stf::Value::None => json!({"type": "none"}),
        stf::Value::Ok(inner) => json!({"type": "ok", "value": term(inner.value())}),
        stf::Value::Err(inner) => json!({"type": "err", "value": term(inner.value())}),
    }
}
