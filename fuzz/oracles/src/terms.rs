//! Terms, as values and through serde.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use snow_dist_codec::stf::{self, Encoder, ErrorKind, Set, Terms, Value};
use snow_dist_codec::{Pid, Reading};

use crate::judge;

/// Bytes as a term of either kind; those of a depth of 64 come right at the first byte.
pub fn terms(bytes: &[u8]) {
    of_kind(Terms::First, bytes);
    of_kind(Terms::Second, bytes);
    let of_second = Terms::Second.for_each_pid(bytes, Reading::Strict, |_, _| ()).ok();
    assert_eq!(
        Terms::First.decode(bytes, Reading::Strict).is_ok(),
        of_second == Some(Terms::First),
        "what the first kind takes, the second does, and says so"
    );
}

fn of_kind(terms: Terms, bytes: &[u8]) {
    judge(bytes, |bytes, reading| {
        let (value, surplus) = terms.decode(bytes, reading)?;
        let mut written = Vec::new();
        let mut encoder = Encoder::new_in(terms, &mut written);
        value.encode(&mut encoder);
        encoder.finish().unwrap();
        assert_eq!(1 + value.encoded_len(), written.len(), "behind the version");
        let mut budget = 10_000;
        walk(&value, &mut budget);
        Ok((value.to_string(), written, surplus.len()))
    });
    // Whatever is accepted, serde can go over too.
    let ignored = terms.from_slice::<serde::de::IgnoredAny>(bytes);
    assert_eq!(ignored.is_ok(), terms.decode(bytes, Reading::Strict).is_ok());
}

/// Reads everything in a value, up to a budget of values: a container says how many it has.
fn walk(value: &Value<'_>, budget: &mut u32) {
    let Some(left) = budget.checked_sub(1) else { return };
    *budget = left;
    let mut all = |values: stf::Values<'_>| {
        if values.count() < 1_000 {
            assert_eq!(values.iter().count() as u32, values.count());
            values.iter().for_each(|value| walk(&value, budget));
        }
    };
    match value {
        Value::List(values) | Value::Set(values) | Value::Tuple(values) => all(*values),
        Value::Sum(sum) => all(sum.values()),
        Value::Map(map) if map.count() < 1_000 => {
            assert_eq!(map.iter().count() as u32, map.count());
            map.iter().for_each(|(_, value)| walk(&value, budget));
        }
        Value::Struct(fields) if fields.count() < 1_000 => {
            assert_eq!(fields.iter().count() as u32, fields.count());
            fields.iter().for_each(|(_, value)| walk(&value, budget));
        }
        Value::Variant(variant) => walk(&Value::Struct(variant.fields()), budget),
        Value::Some(inner) | Value::Ok(inner) | Value::Err(inner) => walk(&inner.value(), budget),
        _ => {}
    }
}

#[derive(Serialize, Deserialize, Arbitrary, PartialEq, Debug)]
enum Shape {
    Unit,
    Newtype(i64),
    Tuple(u32, String),
    Struct { a: Option<bool>, b: Vec<u8> },
}

#[derive(Serialize, Deserialize, Arbitrary, PartialEq, Debug)]
struct Everything {
    numbers: (i8, u16, i64, u32, Option<i128>),
    float: u32,
    character: char,
    text: String,
    list: Vec<Shape>,
    by_name: BTreeMap<String, i64>,
    by_number: BTreeMap<i64, Shape>,
    results: Vec<Result<i64, String>>,
    unit: (),
}

/// What only terms of the second kind hold, whatever the values are.
#[derive(Serialize, Deserialize, Arbitrary, PartialEq, Debug)]
struct More {
    everything: Everything,
    large: (u64, Option<u128>),
    blob: Blob,
    by_hash: BTreeMap<u64, Shape>,
}

/// Bytes, and not a list of numbers.
#[derive(Arbitrary, PartialEq, Debug)]
struct Blob(Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(|bytes| Self(bytes.to_vec()))
    }
}

/// Types made of bytes go through a term and come back; bytes as a term of some type never do harm.
pub fn terms_serde(bytes: &[u8]) {
    let _any = stf::from_slice::<Everything>(bytes);
    let _any = stf::from_slice::<Vec<(i64, &str)>>(bytes);
    let _any = stf::from_slice::<BTreeMap<String, Vec<Shape>>>(bytes);
    if let Ok(json) = stf::from_slice::<serde_json::Value>(bytes) {
        assert!(stf::decode(bytes, Reading::Strict).is_ok(), "{json}");
    }
    let _any = Terms::Second.from_slice::<More>(bytes);
    more(bytes);
    let mut source = Unstructured::new(bytes);
    let Ok(made) = Everything::arbitrary(&mut source) else { return };
    let large = made.numbers.4.is_some_and(|number| i64::try_from(number).is_err());
    match stf::to_vec(&made) {
        Err(error) => assert!(large, "{error}"),
        Ok(term) => {
            assert!(!large && stf::decode(&term, Reading::Strict).is_ok());
            assert_eq!(stf::from_slice::<Everything>(&term).unwrap(), made);
        }
    }
    let Ok((set, pid)) = <(Vec<i64>, u64)>::arbitrary(&mut source) else { return };
    let pair = (Set(set), Pid::from_bits(pid));
    assert_eq!(stf::from_slice::<(Set<Vec<i64>>, Pid)>(&stf::to_vec(&pair).unwrap()).unwrap(), pair);
}

/// The same with terms of the second kind, which a reader of the first takes for none.
fn more(bytes: &[u8]) {
    let Ok(made) = More::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let int = |number: i128| i64::try_from(number).is_ok() || u64::try_from(number).is_ok();
    let fits = made.everything.numbers.4.is_none_or(int)
        && made.large.1.is_none_or(|number| u64::try_from(number).is_ok());
    match Terms::Second.to_vec(&made) {
        Err(error) => assert!(!fits && error.kind() == ErrorKind::Unsupported, "{error}"),
        Ok(term) => {
            assert!(fits && Terms::Second.decode(&term, Reading::Strict).is_ok());
            assert_eq!(Terms::Second.from_slice::<More>(&term).unwrap(), made);
            assert_eq!(stf::from_slice::<More>(&term).unwrap_err().kind(), ErrorKind::NeedsTerms2);
        }
    }
}
