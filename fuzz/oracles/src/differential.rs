//! The codec beside the naive decoder.

use serde_json::{Value as Json, json};
use snow_dist_codec::document::Shown;
use snow_dist_codec::stf::{KeyType, Struct, Terms, Value, Values};
use snow_dist_codec::{Frame, Handshake, Reading, Reason, Signal};

use crate::naive;

/// The first byte says what the others are. Both must accept the same, and give the same.
pub fn differential(bytes: &[u8]) {
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    for (reading, strict) in [(Reading::Strict, true), (Reading::Compatible, false)] {
        match kind % 6 {
            0 => {
                let found = Frame::decode_with_surplus(bytes, reading).ok();
                let found = found.map(|(frame, surplus)| {
                    (frame.name().to_owned(), serde_json::to_value(Shown(&frame)).unwrap(), surplus.to_vec())
                });
                assert_eq!(found, naive::frame(bytes, strict), "{reading:?}");
            }
            1 => {
                let found = Handshake::decode_with_surplus(bytes, reading).ok();
                let found = found.map(|(message, surplus)| {
                    (
                        message.name().to_owned(),
                        serde_json::to_value(Shown(&message)).unwrap(),
                        surplus.to_vec(),
                    )
                });
                assert_eq!(found, naive::handshake(bytes, strict), "{reading:?}");
            }
            2 => {
                let found = Signal::decode(bytes, reading).ok();
                let found = found.map(|(signal, surplus)| {
                    (
                        signal.name().to_owned(),
                        serde_json::to_value(Shown(&signal)).unwrap(),
                        surplus.to_vec(),
                    )
                });
                assert_eq!(found, naive::signal(bytes, strict), "{reading:?}");
            }
            3 => {
                let found = Reason::decode(bytes, reading).ok();
                let found =
                    found.map(|(reason, surplus)| (serde_json::to_value(reason).unwrap(), surplus.to_vec()));
                assert_eq!(found, naive::bare_reason(bytes, strict), "{reading:?}");
            }
            kind => {
                let terms = if kind == 4 { Terms::First } else { Terms::Second };
                let found = terms.decode(bytes, reading).ok();
                let found = found.map(|(value, surplus)| (term(value), surplus.to_vec()));
                assert_eq!(found, naive::term(bytes, terms == Terms::Second, strict), "{reading:?}");
            }
        }
    }
}

/// A value in the form of the naive decoder.
fn term(value: Value<'_>) -> Json {
    let all = |values: Values<'_>| values.iter().map(term).collect::<Vec<_>>();
    let named = |fields: Struct<'_>| {
        fields.iter().map(|(name, value)| json!([name.as_str(), [term(value)]])).collect::<Vec<_>>()
    };
    match value {
        Value::Int(number) => json!([1, number.cast_unsigned()]),
        Value::Float(number) => json!([2, number.to_bits()]),
        Value::Bool(true) => json!([3]),
        Value::Bool(false) => json!([4]),
        Value::Str(text) => json!([5, text.as_str()]),
        Value::Unit => json!([6]),
        Value::List(values) => json!([10, all(values)]),
        Value::Map(map) => {
            let keys = if map.keys() == KeyType::Int { 1 } else { 5 };
            let pairs: Vec<_> = map.iter().flat_map(|(key, value)| [term(key), term(value)]).collect();
            json!([11, keys, pairs])
        }
        Value::Set(values) => json!([12, all(values)]),
        Value::Tuple(values) => json!([13, all(values)]),
        Value::Bytes(bytes) => json!([7, hex::encode(bytes)]),
        Value::U64(number) => json!([8, number]),
        Value::Struct(fields) => json!([20, [fields.name().as_str()], named(fields)]),
        Value::Variant(variant) => {
            json!([22, [variant.name().as_str(), variant.variant().as_str()], named(variant.fields())])
        }
        Value::Sum(sum) => json!([21, sum.name().as_str(), sum.variant(), all(sum.values())]),
        Value::Pid(pid) => json!([30, pid.to_bits()]),
        Value::Some(inner) => json!([40, [term(inner.value())]]),
        Value::None => json!([41]),
        Value::Ok(inner) => json!([42, [term(inner.value())]]),
        Value::Err(inner) => json!([43, [term(inner.value())]]),
    }
}
