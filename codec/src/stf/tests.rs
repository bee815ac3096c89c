//! Terms as values: every type, every refusal, every truncation.

use super::*;
use crate::{ErrorKind, Pid, Text};
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

/// One value of every type.
fn sample() -> Vec<u8> {
    let mut term = Vec::new();
    let mut encoder = Encoder::new(&mut term);
    encoder.tuple(10).unwrap();
    encoder.int(-1);
    encoder.float(1.5);
    encoder.list(2).unwrap();
    encoder.bool(true);
    encoder.bool(false);
    encoder.map(KeyType::Str, 1).unwrap();
    encoder.str("key".into()).unwrap();
    encoder.unit();
    encoder.set(1).unwrap();
    encoder.str("é".into()).unwrap();
    encoder.structure("Point".into(), 2).unwrap();
    encoder.field("x".into()).unwrap();
    encoder.int(1);
    encoder.field("y".into()).unwrap();
    encoder.none();
    encoder.sum("Shape".into(), 3, 1).unwrap();
    encoder.pid(Pid::from_bits(9));
    encoder.some();
    encoder.ok();
    encoder.int(7);
    encoder.err();
    encoder.str("no".into()).unwrap();
    encoder.map(KeyType::Int, 1).unwrap();
    encoder.int(5);
    encoder.int(6);
    encoder.finish().unwrap();
    term
}

fn strict(term: &[u8]) -> Result<Value<'_>, DecodeError> {
    decode(term, Reading::Strict).map(|(value, _)| value)
}

fn refusal(term: &[u8]) -> (ErrorKind, &'static str, usize) {
    let error = decode(term, Reading::Compatible).unwrap_err();
    (error.kind, error.field.name, error.at)
}

#[test]
fn every_kind_of_value_is_read_and_written_back() {
    let term = sample();
    let value = strict(&term).unwrap();
    assert_eq!(
        value.to_string(),
        "(-1, 1.5, [true, false], map {\"key\": unit}, set {\"é\"}, Point {x: 1, y: None}, Shape::3(<0.9>), \
         Some(Ok(7)), ..)"
    );
    let mut again = Vec::new();
    let mut encoder = Encoder::new(&mut again);
    value.encode(&mut encoder);
    encoder.finish().unwrap();
    assert_eq!(again, term);

    let Value::Tuple(values) = value else { panic!() };
    assert_eq!(values.count(), 10);
    let values: Vec<_> = values.iter().collect();
    for (index, value) in values.iter().enumerate() {
        let mut one = Vec::new();
        let mut encoder = Encoder::new(&mut one);
        value.encode(&mut encoder);
        encoder.finish().unwrap();
        assert_eq!(1 + value.encoded_len(), one.len(), "{index}");
        assert_eq!(strict(&one), Ok(*value), "{index}");
        for (other_index, other) in values.iter().enumerate() {
            assert_eq!(value == other, index == other_index, "{value} {other}");
        }
    }
    let [.., Value::Err(no), Value::Map(map)] = values[..] else { panic!() };
    assert_eq!(no.value(), Value::Str("no".into()));
    assert_eq!((map.keys(), map.count()), (KeyType::Int, 1));
    assert_eq!(map.iter().collect::<Vec<_>>(), [(Value::Int(5), Value::Int(6))]);
    assert_eq!(map.encoded_len(), 18);
    let Value::Struct(point) = values[5] else { panic!() };
    assert_eq!((point.name(), point.count()), (Text::from("Point"), 2));
    assert_eq!(point.iter().collect::<Vec<_>>(), [("x".into(), Value::Int(1)), ("y".into(), Value::None)]);
    let Value::Sum(shape) = values[6] else { panic!() };
    assert_eq!((shape.name(), shape.variant(), shape.values().count()), (Text::from("Shape"), 3, 1));
    assert_eq!(
        alloc::format!("{point:?} {shape:?} {map:?} {no:?} {:?}", shape.values()),
        "Point {x: 1, y: None} Shape::3(<0.9>) map {5: 6} \"no\" [<0.9>]"
    );
    assert_eq!(alloc::format!("{:?}", values[5]), values[5].to_string());
}

#[test]
fn bytes_that_are_no_value_are_shown_as_nothing() {
    for bytes in [&[][..], &[99], &[1, 2, 3]] {
        assert_eq!(Term::proven(bytes).value(), Value::Unit);
    }
}

#[test]
fn equality_is_that_of_the_bytes() {
    let nan = Value::Float(f64::NAN);
    assert_eq!(nan, nan);
    assert_ne!(Value::Float(0.0), Value::Float(-0.0));
    assert_ne!(Value::Unit, Value::None);
    assert_ne!(Value::Bool(true), Value::Bool(false));
    assert_eq!(Value::Bool(true), Value::Bool(true));
    assert_eq!(Value::Pid(Pid::from_bits(1)), Value::Pid(Pid::from_bits(1)));
    assert_ne!(Value::Pid(Pid::from_bits(1)), Value::Pid(Pid::from_bits(2)));
    for tag in [40, 42, 43] {
        let (one, other) = ([1, tag, 6], [1, tag, 41]);
        assert_eq!(strict(&one), strict(&one));
        assert_ne!(strict(&one), strict(&other));
    }
}

#[test]
fn every_cut_is_refused() {
    let term = sample();
    for length in 0..term.len() {
        let error = strict(&term[..length]).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Truncated { .. } | ErrorKind::Overrun { .. }), "{error}");
        assert!(error.at <= length, "{error}");
    }
}

#[test]
fn surplus_is_for_the_reading_to_judge() {
    assert_eq!(decode(&[1, 6, 9, 9], Reading::Compatible), Ok((Value::Unit, &[9, 9][..])));
    let error = decode(&[1, 6, 9, 9], Reading::Strict).unwrap_err();
    assert_eq!((error.kind, error.at), (ErrorKind::Surplus { count: 2 }, 2));
}

#[test]
fn what_is_no_term_is_refused_where_it_stands() {
    let promised = |promised, found| ErrorKind::Overrun { promised, found };
    for (term, kind, field, at) in [
        (&[][..], ErrorKind::Truncated { needed: 1, found: 0 }, "version", 0),
        (&[2, 6], ErrorKind::Invalid("a term's version is 01"), "version", 0),
        (&[1], ErrorKind::Truncated { needed: 1, found: 0 }, "value", 1),
        (&[1, 7], ErrorKind::UnknownTerm(7), "value", 1),
        (&[1, 255], ErrorKind::Closure, "value", 1),
        (&[1, 1, 0], ErrorKind::Truncated { needed: 8, found: 1 }, "int", 2),
        (&[1, 2, 0], ErrorKind::Truncated { needed: 8, found: 1 }, "float", 2),
        (&[1, 30, 0], ErrorKind::Truncated { needed: 8, found: 1 }, "pid", 2),
        (&[1, 5, 2, 0, 0, 0, b'a'], promised(2, 1), "string", 2),
        (&[1, 5, 2, 0, 0, 0, b'a', 0xFF], ErrorKind::Utf8, "string", 7),
        (&[1, 5, 1, 0, 0, 1], ErrorKind::TooLong { max: 16 << 20, actual: (16 << 20) + 1 }, "string", 2),
        (&[1, 10, 2, 0, 0, 0, 6], promised(2, 1), "list", 2),
        (&[1, 12, 2, 0, 0, 0, 6], promised(2, 1), "set", 2),
        (&[1, 13, 2, 6], promised(2, 1), "tuple", 2),
        (&[1, 10, 0x41, 0x42, 0x0F, 0], ErrorKind::TooLong { max: 1_000_000, actual: 1_000_001 }, "list", 2),
        (&[1, 12, 255, 255, 255, 255], ErrorKind::TooLong { max: 1_000_000, actual: 0xFFFF_FFFF }, "set", 2),
        (
            &[1, 11, 1, 255, 255, 255, 255],
            ErrorKind::TooLong { max: 1_000_000, actual: 0xFFFF_FFFF },
            "map",
            3,
        ),
        (&[1, 11, 1, 2, 0, 0, 0, 5, 0, 0], promised(4, 3), "map", 3),
        (&[1, 11, 2, 0, 0, 0, 0], ErrorKind::Invalid("keys are ints (0) or strings (1)"), "map.keys", 2),
        (
            &[1, 11, 0, 1, 0, 0, 0, 6, 6],
            ErrorKind::Invalid("every key is of the map's key type"),
            "map.key",
            7,
        ),
        (&[1, 20, 1, 0, 0xFF, 0, 0], ErrorKind::Utf8, "struct.name", 4),
        (&[1, 20, 0, 0, 2, 0, 0, 0, 6], promised(6, 3), "struct", 4),
        (&[1, 20, 0, 0, 1, 0, 1, 0, 0xFF, 6], ErrorKind::Utf8, "struct.field", 8),
        (&[1, 21, 9, 0, 0], promised(9, 1), "sum.name", 2),
        (&[1, 21, 0, 0], ErrorKind::Truncated { needed: 1, found: 0 }, "sum.variant", 4),
        (&[1, 21, 0, 0, 1, 9, 0], promised(9, 0), "sum", 5),
    ] {
        assert_eq!(refusal(term), (kind, field, at), "{term:?}");
    }
}

#[test]
fn a_second_key_of_another_type_is_refused() {
    let mut term = vec![1, 11, 0, 2, 0, 0, 0];
    term.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 6]);
    term.extend([5, 0, 0, 0, 0, 6]);
    assert_eq!(refusal(&term), (ErrorKind::Invalid("every key is of the map's key type"), "map.key", 17));
    // Elements can have different types.
    let term = [1, 11, 1, 1, 0, 0, 0, 5, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    assert!(strict(&term).is_ok());
}

#[test]
fn sixty_four_levels_and_no_more() {
    let nested = |levels: usize| [&[1][..], &vec![40; levels - 1], &[6]].concat();
    assert!(strict(&nested(64)).is_ok());
    assert_eq!(refusal(&nested(65)), (ErrorKind::TooDeep { max: 64 }, "value", 65));
    assert!(decode_at_most(&nested(3), Reading::Strict, 3).is_ok());
    assert!(decode_at_most(&nested(4), Reading::Strict, 3).is_err());
    assert!(decode_at_most(&nested(65), Reading::Strict, 1_000).is_err());
    let error = decode_at_most(&nested(1), Reading::Strict, 0).unwrap_err();
    assert_eq!((error.kind, error.at), (ErrorKind::TooDeep { max: 0 }, 1));
    // An empty container can be at the last level.
    assert!(strict(&[&[1][..], &[40; 63], &[13, 0]].concat()).is_ok());
    assert_eq!(refusal(&nested(1_000_000)).2, 65);
    for container in [&[10, 1, 0, 0, 0][..], &[13, 1], &[12, 1, 0, 0, 0], &[20, 0, 0, 1, 0, 0, 0]] {
        let term = [&[1][..], &container.repeat(100_000), &[6]].concat();
        assert_eq!(refusal(&term).0, ErrorKind::TooDeep { max: 64 });
    }
}

#[test]
fn the_limits_themselves_are_allowed() {
    let longest = "x".repeat(16 << 20);
    let term = [&[1, 5, 0, 0, 0, 1][..], longest.as_bytes()].concat();
    assert_eq!(strict(&term), Ok(Value::Str(Text::from(&*longest))));
    let term = [&[1, 10, 0x40, 0x42, 0x0F, 0][..], &vec![6; 1_000_000]].concat();
    assert!(matches!(strict(&term), Ok(Value::List(values)) if values.count() == 1_000_000));

    let mut term = Vec::new();
    let mut encoder = Encoder::new(&mut term);
    encoder.str(Text::from(&*longest)).unwrap();
    encoder.list(1_000_000).unwrap();
    encoder.set(1_000_000).unwrap();
    encoder.map(KeyType::Int, 1_000_000).unwrap();
    encoder.tuple(255).unwrap();
    encoder.structure(Text::from(&longest[..65_535]), 65_535).unwrap();
    encoder.field(Text::from(&longest[..65_535])).unwrap();
    encoder.sum(Text::from(&longest[..65_535]), 255, 65_535).unwrap();
}

#[test]
fn many_containers_side_by_side_are_not_deep() {
    let term = [&[1, 13, 200][..], &[40, 6].repeat(100), &[13, 0].repeat(100)].concat();
    let Ok(Value::Tuple(values)) = strict(&term) else { panic!() };
    assert_eq!(values.iter().count(), 200);
}

#[test]
fn values_are_shown_shortened() {
    let deep = [&[1][..], &[40; 60], &[6]].concat();
    assert_eq!(strict(&deep).unwrap().to_string(), "Some(Some(Some(Some(..))))");
    let long = [&[1, 10, 200, 0, 0, 0][..], &[6; 200]].concat();
    assert_eq!(strict(&long).unwrap().to_string(), "[unit, unit, unit, unit, unit, unit, unit, unit, ..]");
    let mut map = vec![1, 11, 0, 9, 0, 0, 0];
    for key in 0..9 {
        map.extend([1, key, 0, 0, 0, 0, 0, 0, 0, 43, 41]);
    }
    let shown = strict(&map).unwrap().to_string();
    assert!(matches!(strict(&map), Ok(Value::Map(map)) if map.count() == 9));
    assert!(shown.starts_with("map {0: Err(None), 1: ") && shown.ends_with("7: Err(None), ..}"), "{shown}");
}

#[test]
fn an_encoder_refuses_what_does_not_fit() {
    let long = "x".repeat(65_536);
    let huge = "x".repeat((16 << 20) + 1);
    let mut term = vec![0xAA];
    let mut encoder = Encoder::new(&mut term);
    let fields: Vec<_> = [
        encoder.list(1_000_001),
        encoder.set(1_000_001),
        encoder.map(KeyType::Int, 1_000_001),
        encoder.tuple(256),
        encoder.structure("s".into(), 65_536),
        encoder.structure(Text::from(&*long), 1),
        encoder.field(Text::from(&*long)),
        encoder.sum("s".into(), 0, 65_536),
        encoder.sum(Text::from(&*long), 0, 1),
        encoder.str(Text::from(&*huge)),
    ]
    .into_iter()
    .map(|refused| refused.unwrap_err().field.name)
    .collect();
    assert_eq!(
        fields,
        ["list", "set", "map", "tuple", "struct", "struct.name", "struct.field", "sum", "sum.name", "string"]
    );
    assert_eq!(encoder.finish().unwrap_err().kind, ErrorKind::Truncated { needed: 1, found: 0 });
    assert_eq!(term, [0xAA], "nothing is left of a term that is none");

    let mut encoder = Encoder::new(&mut term);
    encoder.unit();
    encoder.unit();
    assert_eq!(encoder.finish().unwrap_err().kind, ErrorKind::Surplus { count: 1 });
}

mod second;

#[cfg(feature = "serde")]
mod with_serde {
    use super::super::*;
    use crate::{ErrorKind, Pid};
    use alloc::borrow::ToOwned;
    use alloc::boxed::Box;
    use alloc::collections::{BTreeMap, BTreeSet};
    use alloc::string::{String, ToString};
    use alloc::vec;
    use alloc::vec::Vec;
    use core::fmt::Debug;
    use serde::{Deserialize, Serialize};

    fn round_trip<'de, T: Serialize + Deserialize<'de> + PartialEq + Debug>(
        value: &T,
        term: &'de mut Vec<u8>,
    ) {
        *term = to_vec(value).unwrap();
        let mut appended = vec![7];
        append(value, &mut appended).unwrap();
        assert_eq!(appended[1..], **term);
        assert!(decode(term, Reading::Strict).is_ok());
        assert_eq!(from_slice::<T>(term).unwrap(), *value);
        for length in 0..term.len() {
            assert!(from_slice::<T>(&term[..length]).is_err(), "cut at {length}");
        }
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Everything<'a> {
        unit: (),
        truth: bool,
        small: (i8, u8, i16, u16, i32, u32, i64, u64, i128, u128),
        floats: (f32, f64),
        character: char,
        borrowed: &'a str,
        owned: String,
        option: (Option<i64>, Option<bool>),
        result: Vec<Result<i64, String>>,
        list: Vec<Vec<i64>>,
        by_name: BTreeMap<String, i64>,
        by_number: BTreeMap<i64, ()>,
        empty: BTreeMap<String, i64>,
        set: Set<BTreeSet<String>>,
        pid: Pid,
        newtype: Newtype,
        marker: Marker,
        pair: Pair,
        variants: Vec<Variants>,
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Newtype(i64);

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Marker;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Pair(i64, bool);

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    enum Variants {
        Unit,
        Newtype(i64),
        Tuple(i64, String),
        Struct { a: i64, b: Option<Box<Self>> },
    }

    #[test]
    fn everything_that_a_term_can_say_comes_back() {
        let everything = Everything {
            unit: (),
            truth: true,
            small: (-1, 1, -2, 2, -3, 3, i64::MIN, 4, -5, 5),
            floats: (0.5, -0.25),
            character: 'é',
            borrowed: "borrowed",
            owned: "owned".to_owned(),
            option: (Some(1), None),
            result: vec![Ok(1), Err("no".to_owned())],
            list: vec![vec![1, 2], vec![]],
            by_name: BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]),
            by_number: BTreeMap::from([(1, ()), (-2, ())]),
            empty: BTreeMap::new(),
            set: Set(BTreeSet::from(["x".to_owned()])),
            pid: Pid::from_bits(0x0001_0700_0000_002a),
            newtype: Newtype(9),
            marker: Marker,
            pair: Pair(1, false),
            variants: vec![
                Variants::Unit,
                Variants::Newtype(1),
                Variants::Tuple(2, "t".to_owned()),
                Variants::Struct { a: 3, b: Some(Box::new(Variants::Unit)) },
            ],
        };
        round_trip(&everything, &mut Vec::new());
    }

    #[test]
    fn the_bytes_are_those_of_the_specification() {
        let term = |value: &dyn Fn() -> Result<Vec<u8>, Error>| value().unwrap();
        assert_eq!(term(&|| to_vec(&())), [1, 6]);
        assert_eq!(term(&|| to_vec(&Marker)), [1, 6]);
        assert_eq!(term(&|| to_vec(&true)), [1, 3]);
        assert_eq!(term(&|| to_vec("ab")), [1, 5, 2, 0, 0, 0, b'a', b'b']);
        assert_eq!(term(&|| to_vec(&None::<i64>)), [1, 41]);
        assert_eq!(term(&|| to_vec(&Some(()))), [1, 40, 6]);
        assert_eq!(term(&|| to_vec(&Ok::<(), ()>(()))), [1, 42, 6]);
        assert_eq!(term(&|| to_vec(&Err::<(), ()>(()))), [1, 43, 6]);
        assert_eq!(term(&|| to_vec(&[(); 0])), [1, 13, 0]);
        assert_eq!(term(&|| to_vec(&[()][..])), [1, 10, 1, 0, 0, 0, 6]);
        assert_eq!(term(&|| to_vec(&Set(&[()][..]))), [1, 12, 1, 0, 0, 0, 6]);
        #[derive(Serialize)]
        struct Names(Vec<()>);
        assert_eq!(term(&|| to_vec(&Set(Names(vec![])))), [1, 12, 0, 0, 0, 0]);
        assert_eq!(term(&|| to_vec(&Pair(1, true))), [1, 13, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(term(&|| to_vec(&Pid::from_bits(5))), [1, 30, 5, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(term(&|| to_vec(&BTreeMap::<i64, ()>::new())), [1, 11, 1, 0, 0, 0, 0]);
        #[derive(Serialize, Deserialize, PartialEq, Debug)]
        #[serde(rename = "Result")]
        enum Outcome {
            Ok(()),
            Err(i64),
        }
        assert_eq!(term(&|| to_vec(&Outcome::Ok(()))), [1, 42, 6]);
        assert_eq!(from_slice::<Outcome>(&[1, 42, 6]).unwrap(), Outcome::Ok(()));
        assert_eq!(from_slice::<Result<i64, i64>>(&to_vec(&Outcome::Err(3)).unwrap()).unwrap(), Err(3));
        let map = BTreeMap::from([(2_i64, ())]);
        assert_eq!(term(&|| to_vec(&map)), [1, 11, 0, 1, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 6]);
        let variant = Variants::Newtype(0);
        assert_eq!(term(&|| to_vec(&variant))[..16], *b"\x01\x15\x08\0Variants\x01\x01\0\x01");
        assert_eq!(term(&|| to_vec(&Variants::Unit)), *b"\x01\x15\x08\0Variants\0\0\0");
    }

    #[test]
    fn what_a_term_cannot_say_is_an_error() {
        struct Bytes;
        impl Serialize for Bytes {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(b"x")
            }
        }
        let message = |error: Error| error.to_string();
        assert_eq!(
            message(to_vec(&Bytes).unwrap_err()),
            "`bytes` cannot be written: only a term of the second kind (`terms_2`) holds it"
        );
        assert_eq!(
            message(to_vec(&u64::MAX).unwrap_err()),
            "`u64` cannot be written: only a term of the second kind (`terms_2`) holds it"
        );
        assert!(to_vec(&i128::MAX).is_err() && to_vec(&u128::MAX).is_err());
        for error in [to_vec(&Set(5)), to_vec(&Set((1, 2))), to_vec(&Set(Some(vec![1])))] {
            assert_eq!(message(error.unwrap_err()), "a set is made of a list, not of another value");
        }
        assert_eq!(
            message(to_vec(&BTreeMap::from([(true, 1)])).unwrap_err()),
            "the keys of a map are integers or strings"
        );
        #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
        #[serde(untagged)]
        enum Key {
            Int(i64),
            Str(&'static str),
        }
        let mixed = BTreeMap::from([(Key::Int(1), 1), (Key::Str("a"), 2)]);
        assert_eq!(message(to_vec(&mixed).unwrap_err()), "the keys of a map are all integers or all strings");
        let mut dst = vec![7];
        assert!(append(&(1, u64::MAX), &mut dst).is_err());
        assert_eq!(dst, [7], "nothing is left of a term that failed");
        let mut full = &mut [0_u8; 3][..];
        assert_eq!(
            message(to_writer("abc", &mut full).unwrap_err()),
            "`buffer` cannot be written: 9 bytes do not fit the 3 left in the buffer"
        );
        let mut room = &mut [0_u8; 3][..];
        to_writer(&true, &mut room).unwrap();
        assert_eq!(room.len(), 1);
        assert!(to_vec(&vec![(); 1_000_001]).unwrap_err().to_string().contains("over the limit of 1000000"));
    }

    /// A type that serializes as a sequence or map of unknown length.
    struct Unsized(usize);

    impl Serialize for Unsized {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq;
            let mut seq = serializer.serialize_seq(None)?;
            for number in 0..self.0 {
                seq.serialize_element(&(number as u64))?;
            }
            seq.end()
        }
    }

    #[test]
    fn a_sum_type_has_at_most_256_variants() {
        struct Variant(u32);
        impl Serialize for Variant {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_unit_variant("Wide", self.0, "V")
            }
        }
        assert_eq!(to_vec(&Variant(255)).unwrap(), *b"\x01\x15\x04\0Wide\xFF\0\0");
        let error = to_vec(&Variant(256)).unwrap_err();
        assert_eq!(error.to_string(), "variant 256 of `Wide`: a sum type has at most 256");
        assert_eq!((error.at(), error.as_decode_error()), (None, None));
    }

    #[test]
    fn an_error_of_the_program_s_own_is_kept() {
        struct Refuses;
        impl Serialize for Refuses {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("no"))
            }
        }
        assert_eq!(to_vec(&(1, Refuses)).unwrap_err().to_string(), "no");
    }

    /// A map of unknown length, like [`Unsized`].
    struct UnsizedMap(usize);

    impl Serialize for UnsizedMap {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap;
            let mut map = serializer.serialize_map(None)?;
            for number in 0..self.0 {
                map.serialize_entry(&(number as u64), &())?;
            }
            map.end()
        }
    }

    #[test]
    fn counts_that_nobody_said_are_written_at_the_end() {
        let map: BTreeMap<i64, ()> = from_slice(&to_vec(&UnsizedMap(3)).unwrap()).unwrap();
        assert_eq!(map, BTreeMap::from([(0, ()), (1, ()), (2, ())]));
        assert_eq!(from_slice::<Vec<i64>>(&to_vec(&Unsized(3)).unwrap()).unwrap(), [0, 1, 2]);
        let error = to_vec(&Unsized(1_000_001)).unwrap_err();
        assert_eq!(error.to_string(), "`list` cannot be written: 1000001 is over the limit of 1000000");
    }

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Chain(Option<Box<Self>>);

    fn chain(levels: usize) -> Chain {
        (1..levels).fold(Chain(None), |inner, _| Chain(Some(Box::new(inner))))
    }

    #[test]
    fn depth_is_limited_in_both_directions() {
        let term = to_vec(&chain(64)).unwrap();
        assert_eq!(term.len(), 65);
        assert_eq!(from_slice::<Chain>(&term).unwrap(), chain(64));
        assert_eq!(to_vec(&chain(65)).unwrap_err().to_string(), "a term nests at most 64 levels deep");
        let deeper = [&[1][..], &[40; 64], &[41]].concat();
        let error = from_slice::<Chain>(&deeper).unwrap_err();
        assert_eq!(error.as_decode_error().unwrap().kind, ErrorKind::TooDeep { max: 64 });
        assert_eq!(error.at(), Some(65));
        assert!(from_slice::<serde::de::IgnoredAny>(&deeper).is_err());
        assert!(from_slice::<serde::de::IgnoredAny>(&term).is_ok());
        let million = [&[1][..], &vec![40; 1_000_000], &[41]].concat();
        assert!(from_slice::<Chain>(&million).is_err());
    }

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Nest(Vec<Self>);

    fn nest(levels: usize) -> Nest {
        (1..levels).fold(Nest(vec![]), |inner, _| Nest(vec![inner]))
    }

    #[test]
    fn a_container_without_values_may_stand_at_the_last_level() {
        let term = to_vec(&nest(64)).unwrap();
        assert_eq!(from_slice::<Nest>(&term).unwrap(), nest(64));
        assert!(to_vec(&nest(65)).is_err());
        let deeper = [&[1][..], &[10, 1, 0, 0, 0].repeat(64), &[10, 0, 0, 0, 0]].concat();
        let error = from_slice::<Nest>(&deeper).unwrap_err();
        assert_eq!(error.as_decode_error().unwrap().kind, ErrorKind::TooDeep { max: 64 });
    }

    #[test]
    fn many_containers_side_by_side_are_not_deep() {
        let wide = Nest((0..100).map(|_| nest(2)).collect());
        assert_eq!(from_slice::<Nest>(&to_vec(&wide).unwrap()).unwrap(), wide);
    }

    #[test]
    fn what_is_ignored_is_held_to_the_same_depth() {
        let ignored = |term: &[u8]| from_slice::<(i64, serde::de::IgnoredAny)>(term).map(drop);
        let of = |levels| to_vec(&(1, nest(levels))).unwrap();
        ignored(&of(63)).unwrap();
        let mut deeper = of(63);
        // The innermost list gets a value.
        deeper.truncate(deeper.len() - 4);
        deeper.extend([1, 0, 0, 0, 6]);
        let error = ignored(&deeper).unwrap_err();
        assert_eq!(error.as_decode_error().unwrap().kind, ErrorKind::TooDeep { max: 64 });
        assert_eq!(error.at(), Some(deeper.len() - 1));
    }

    #[test]
    fn only_a_result_is_written_as_one() {
        #[derive(Serialize, Deserialize, Debug, PartialEq)]
        enum Answer {
            Ok(i64),
            Err(i64),
        }
        for (answer, variant) in [(Answer::Ok(1), 0), (Answer::Err(2), 1)] {
            let term = to_vec(&answer).unwrap();
            assert_eq!(term[..12], [&b"\x01\x15\x06\0Answer"[..], &[variant, 1]].concat());
            assert_eq!(from_slice::<Answer>(&term).unwrap(), answer);
        }
    }

    #[test]
    fn a_buffer_may_be_filled_to_the_end() {
        let mut room = &mut [0_u8; 8][..];
        to_writer("ab", &mut room).unwrap();
        assert!(room.is_empty());
    }

    /// A map with the length that it announces and the length that it has.
    struct Hinted(Option<usize>, usize);

    impl<'de> Deserialize<'de> for Hinted {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Take;
            impl<'de> serde::de::Visitor<'de> for Take {
                type Value = Hinted;
                fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                    f.write_str("a map")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Hinted, A::Error> {
                    let (hint, mut count) = (map.size_hint(), 0);
                    while map.next_entry::<serde::de::IgnoredAny, i64>()?.is_some() {
                        count += 1;
                    }
                    Ok(Hinted(hint, count))
                }
            }
            deserializer.deserialize_map(Take)
        }
    }

    #[test]
    fn maps_and_structs_say_how_many_they_have() {
        #[derive(Serialize)]
        struct Three {
            a: i64,
            b: i64,
            c: i64,
        }
        let map = BTreeMap::from([("a", 1), ("b", 2), ("c", 3)]);
        for term in [to_vec(&map), to_vec(&Three { a: 1, b: 2, c: 3 })] {
            let Hinted(hint, count) = from_slice(&term.unwrap()).unwrap();
            assert_eq!((hint, count), (Some(3), 3));
        }
    }

    #[test]
    fn other_types_than_asked_for_are_said_with_their_place() {
        let message = |error: Error| error.to_string();
        let int = to_vec(&5).unwrap();
        assert_eq!(
            message(from_slice::<bool>(&int).unwrap_err()),
            "invalid type: integer `5`, expected a boolean, near byte 10"
        );
        assert_eq!(
            message(from_slice::<u8>(&to_vec(&300).unwrap()).unwrap_err()),
            "invalid value: integer `300`, expected u8, near byte 10"
        );
        assert_eq!(
            message(from_slice::<&str>(&int).unwrap_err()),
            "invalid type: integer `5`, expected a borrowed string, near byte 10"
        );
        assert_eq!(
            message(from_slice::<Pid>(&int).unwrap_err()),
            "another value where a pid is expected, near byte 1"
        );
        let pair = to_vec(&(1, 2)).unwrap();
        assert_eq!(
            message(from_slice::<(i64, i64, i64)>(&pair).unwrap_err()),
            "a tuple of 2 where one of 3 is expected, near byte 3"
        );
        #[derive(Deserialize, Debug)]
        struct Other {
            #[serde(rename = "a")]
            _a: i64,
        }
        #[derive(Serialize)]
        struct Named {
            a: i64,
        }
        assert_eq!(
            message(from_slice::<Other>(&to_vec(&Named { a: 1 }).unwrap()).unwrap_err()),
            "the type \"Named\" where \"Other\" is expected, and names are part of values, near byte 9"
        );
        let variant = to_vec(&Variants::Tuple(1, String::new())).unwrap();
        let mut fewer = variant.clone();
        fewer.truncate(fewer.len() - 5);
        fewer[13] = 1;
        assert_eq!(
            message(from_slice::<Variants>(&fewer).unwrap_err()),
            "a variant of 1 values where one of 2 is expected, near byte 15"
        );
        assert_eq!(
            message(from_slice::<Variants>(b"\x01\x15\x08\0Variants\0\x01\0\x06").unwrap_err()),
            "a variant of 1 values where one of 0 is expected, near byte 15"
        );
        assert_eq!(
            message(from_slice::<bool>(&[1, 3, 0]).unwrap_err()),
            "`trailing` at byte 2: surplus of 1 byte where the message must end"
        );
        assert_eq!(from_slice::<&str>(&[1, 5, 2, 0, 0, 0, b'a', 0xFF]).unwrap_err().at(), Some(7));
        assert_eq!(
            message(from_slice::<i64>(&[1, 255]).unwrap_err()),
            "`value` at byte 1: a closure cannot be sent"
        );
        assert_eq!(
            message(from_slice::<i64>(&[1, 99]).unwrap_err()),
            "`value` at byte 1: 99 is not a term tag"
        );
        assert!(from_slice::<BTreeMap<i64, i64>>(&[1, 11, 0, 1, 0, 0, 0, 6, 6]).is_err());
        assert!(alloc::format!("{:?}", from_slice::<bool>(&int).unwrap_err()).starts_with("Error(invalid"));
    }

    #[test]
    fn text_is_borrowed() {
        let term = to_vec(&[(1, "a"), (2, "é")][..]).unwrap();
        let read: Vec<(i64, crate::Text<'_>)> = from_slice(&term).unwrap();
        assert_eq!(read, [(1, "a".into()), (2, "é".into())]);
        assert_eq!(to_vec(&read).unwrap(), term);
        assert!(from_slice::<crate::Text<'_>>(&[1, 6]).is_err());
        assert_eq!(serde_json::from_str::<crate::Text<'_>>("\"x\"").unwrap(), "x");
    }

    #[test]
    fn values_left_over_are_an_error() {
        struct First;
        impl<'de> Deserialize<'de> for First {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Take;
                impl<'de> serde::de::Visitor<'de> for Take {
                    type Value = First;
                    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                        f.write_str("a list")
                    }
                    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<First, A::Error> {
                        assert_eq!(seq.size_hint(), Some(2));
                        seq.next_element::<i64>().map(|_| First)
                    }
                }
                deserializer.deserialize_seq(Take)
            }
        }
        let error = from_slice::<First>(&to_vec(&[1, 2][..]).unwrap()).err().unwrap();
        assert_eq!(error.to_string(), "1 values more than expected, near byte 15");
    }

    #[test]
    fn a_term_describes_itself() {
        #[derive(Deserialize, Debug, PartialEq)]
        #[serde(untagged)]
        enum Any<'a> {
            Int(i64),
            Str(&'a str),
            List(Vec<i64>),
            Map(BTreeMap<String, i64>),
        }
        let map = BTreeMap::from([("a".to_owned(), 1)]);
        assert_eq!(from_slice::<Any<'_>>(&to_vec(&7).unwrap()).unwrap(), Any::Int(7));
        assert_eq!(from_slice::<Any<'_>>(&to_vec("x").unwrap()).unwrap(), Any::Str("x"));
        assert_eq!(from_slice::<Any<'_>>(&to_vec(&[1][..]).unwrap()).unwrap(), Any::List(vec![1]));
        assert_eq!(from_slice::<Any<'_>>(&to_vec(&map).unwrap()).unwrap(), Any::Map(map));
        #[derive(Serialize)]
        struct Point {
            a: i64,
        }
        // To a reader that does not know the type, a struct is a map, and a set or a tuple is a sequence.
        let point: Any<'_> = from_slice(&to_vec(&Point { a: 1 }).unwrap().leak()[..]).unwrap();
        assert_eq!(point, Any::Map(BTreeMap::from([("a".to_owned(), 1)])));
        assert_eq!(from_slice::<Vec<i64>>(&to_vec(&(1, 2)).unwrap()).unwrap(), [1, 2]);
        assert_eq!(from_slice::<Vec<i64>>(&to_vec(&Set(vec![1])).unwrap()).unwrap(), [1]);
        assert_eq!(from_slice::<u64>(&to_vec(&Pid::from_bits(3)).unwrap()).unwrap(), 3);
    }
}
