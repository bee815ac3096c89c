//! Terms of the second kind: their values, refusals, and types that change.

use super::super::*;
use crate::{EncodeErrorKind, ErrorKind as Wrong, Text};
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

fn refusal(terms: Terms, term: &[u8]) -> (Wrong, &'static str, usize) {
    let error = terms.decode(term, Reading::Compatible).unwrap_err();
    (error.kind, error.field.name, error.at)
}

/// One value of each of the new types, and a key.
fn sample() -> Vec<u8> {
    let mut term = Vec::new();
    let mut encoder = Encoder::new_in(Terms::Second, &mut term);
    encoder.tuple(4).unwrap();
    encoder.bytes(&[0xFF, 0, 1]).unwrap();
    encoder.u64(1 << 63).unwrap();
    encoder.variant("Shape".into(), "Circle".into(), 2).unwrap();
    encoder.field("r".into()).unwrap();
    encoder.pid(Pid::from_bits(9));
    encoder.field("r".into()).unwrap();
    encoder.unit();
    encoder.map(KeyType::Int, 2).unwrap();
    encoder.u64(u64::MAX).unwrap();
    encoder.unit();
    encoder.u64(1).unwrap();
    encoder.unit();
    encoder.finish().unwrap();
    term
}

use crate::Pid;

#[test]
fn every_value_is_read_and_written_back() {
    let term = sample();
    let (value, _) = Terms::Second.decode(&term, Reading::Strict).unwrap();
    assert_eq!(
        value.to_string(),
        "(bytes ff0001, 9223372036854775808, Shape::Circle {r: <0.9>, r: unit}, map {18446744073709551615: unit, 1: unit})"
    );
    let mut again = Vec::new();
    let mut encoder = Encoder::new_in(Terms::Second, &mut again);
    value.encode(&mut encoder);
    encoder.finish().unwrap();
    assert_eq!(again, term);
    let Value::Tuple(values) = value else { panic!() };
    let values: Vec<_> = values.iter().collect();
    for value in &values {
        let mut one = Vec::new();
        let mut encoder = Encoder::new_in(Terms::Second, &mut one);
        value.encode(&mut encoder);
        encoder.finish().unwrap();
        assert_eq!(1 + value.encoded_len(), one.len());
        assert_eq!(Terms::Second.decode(&one, Reading::Strict).unwrap().0, *value);
        assert_eq!(values.iter().filter(|other| *other == value).count(), 1);
        // A value that the first kind cannot hold is refused at the end, and the whole term is removed.
        let mut first = Vec::new();
        let mut encoder = Encoder::new(&mut first);
        value.encode(&mut encoder);
        assert!(encoder.finish().is_err() && first.is_empty());
    }
    let Value::Variant(circle) = values[2] else { panic!() };
    assert_eq!((circle.name(), circle.variant()), (Text::from("Shape"), Text::from("Circle")));
    assert_eq!(circle.fields().iter().count(), 2);
    assert_eq!(alloc::format!("{circle:?}"), "Shape::Circle {r: <0.9>, r: unit}");
}

#[test]
fn long_bytes_are_shown_shortened() {
    let mut term = Vec::new();
    let mut encoder = Encoder::new_in(Terms::Second, &mut term);
    encoder.bytes(&[0xAB; 9]).unwrap();
    encoder.finish().unwrap();
    let (value, _) = Terms::Second.decode(&term, Reading::Strict).unwrap();
    assert_eq!(value.to_string(), "bytes abababababababab.. of 9");
}

#[test]
fn a_reader_of_the_first_kind_refuses_each() {
    for (term, tag, at) in [
        (&[1, 7, 0, 0, 0, 0][..], 7, 1),
        (&[1, 8, 0, 0, 0, 0, 0, 0, 0, 0x80], 8, 1),
        (&[1, 22, 0, 0, 0, 0, 0, 0], 22, 1),
        (&[1, 40, 7, 0, 0, 0, 0], 7, 2),
    ] {
        assert_eq!(refusal(Terms::First, term), (Wrong::UnknownTerm(tag), "value", at));
        assert!(Terms::Second.decode(term, Reading::Strict).is_ok());
        assert_eq!(Terms::Second.for_each_pid(term, Reading::Strict, |_, _| ()), Ok(Terms::Second));
        assert!(Terms::First.for_each_pid(term, Reading::Strict, |_, _| ()).is_err());
    }
    let key = [&[1, 11, 0, 1, 0, 0, 0, 8][..], &[0xFF; 8], &[6]].concat();
    assert_eq!(refusal(Terms::First, &key).1, "map.key");
    assert_eq!(Terms::Second.for_each_pid(&[1, 6], Reading::Strict, |_, _| ()), Ok(Terms::First));
}

#[test]
fn what_is_no_term_is_refused_where_it_stands() {
    let promised = |promised, found| Wrong::Overrun { promised, found };
    let above = Wrong::TooLong { max: 16 << 20, actual: (16 << 20) + 1 };
    for (term, kind, field, at) in [
        (&[1, 7, 2, 0, 0, 0, 9][..], promised(2, 1), "bytes", 2),
        (&[1, 7, 1, 0, 0, 1], above, "bytes", 2),
        (&[1, 8, 0], Wrong::Truncated { needed: 8, found: 1 }, "u64", 2),
        (
            &[1, 8, 255, 255, 255, 255, 255, 255, 255, 0x7F],
            Wrong::Invalid("a number below 2^63 is an int"),
            "u64",
            2,
        ),
        (&[1, 22, 1, 0, 0xFF, 0, 0, 0, 0], Wrong::Utf8, "variant.name", 4),
        (&[1, 22, 0, 0, 1, 0, 0xFF, 0, 0], Wrong::Utf8, "variant.variant", 6),
        (&[1, 22, 0, 0, 0, 0, 2, 0, 0, 0, 6], promised(6, 3), "variant", 6),
        (&[1, 22, 0, 0, 0, 0, 1, 0, 1, 0, 0xFF, 6], Wrong::Utf8, "variant.field", 10),
        (
            &[1, 11, 1, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0x80, 6],
            Wrong::Invalid("every key is of the map's key type"),
            "map.key",
            7,
        ),
        (&[1, 9], Wrong::UnknownTerm(9), "value", 1),
    ] {
        assert_eq!(refusal(Terms::Second, term), (kind, field, at), "{term:?}");
    }
    let term = sample();
    for length in 0..term.len() {
        assert!(Terms::Second.decode(&term[..length], Reading::Compatible).is_err(), "cut at {length}");
    }
}

#[test]
fn levels_are_counted_in_a_variant_too() {
    let nested = |levels: usize| [&[1][..], &[22, 0, 0, 0, 0, 1, 0, 0, 0].repeat(levels - 1), &[6]].concat();
    assert!(Terms::Second.decode(&nested(64), Reading::Strict).is_ok());
    assert_eq!(refusal(Terms::Second, &nested(65)).0, Wrong::TooDeep { max: 64 });
    assert!(Terms::Second.decode_at_most(&nested(4), Reading::Strict, 3).is_err());
}

#[test]
fn an_encoder_refuses_what_does_not_fit() {
    let huge = vec![0; (16 << 20) + 1];
    let long = "x".repeat(65_536);
    let mut term = Vec::new();
    let mut encoder = Encoder::new_in(Terms::Second, &mut term);
    encoder.bytes(&huge[1..]).unwrap();
    let fields = [
        encoder.bytes(&huge),
        encoder.variant("s".into(), "v".into(), 65_536),
        encoder.variant(Text::from(&*long), "v".into(), 1),
        encoder.variant("s".into(), Text::from(&*long), 1),
    ]
    .map(|refused| refused.unwrap_err().field.name);
    assert_eq!(fields, ["bytes", "variant", "variant.name", "variant.variant"]);
    let mut first = Vec::new();
    let mut encoder = Encoder::new(&mut first);
    for refused in [encoder.bytes(&[]), encoder.u64(1 << 63), encoder.variant("s".into(), "v".into(), 0)] {
        assert_eq!(refused.unwrap_err().kind, EncodeErrorKind::SecondKind);
    }
    encoder.u64((1 << 63) - 1).unwrap();
    encoder.finish().unwrap();
    assert_eq!(first, [1, 1, 255, 255, 255, 255, 255, 255, 255, 0x7F]);
}

#[cfg(feature = "serde")]
mod with_serde {
    use super::super::super::*;
    use alloc::collections::BTreeMap;
    use alloc::string::{String, ToString};
    use alloc::vec;
    use alloc::vec::Vec;
    use serde::de::IgnoredAny;
    use serde::{Deserialize, Serialize};

    /// A copy of what the crate `serde_bytes` does.
    mod serde_bytes {
        use serde::{Deserialize, Deserializer, Serializer};

        pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(bytes)
        }

        pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de [u8], D::Error> {
            Deserialize::deserialize(deserializer)
        }
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Page<'a> {
        #[serde(borrow, with = "serde_bytes")]
        body: &'a [u8],
        numbers: (u64, u128, i128),
        by_hash: BTreeMap<u64, Shape>,
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    enum Shape {
        Point,
        Circle { r: f64, name: Option<String> },
        Line(i64, i64),
    }

    fn page() -> Page<'static> {
        Page {
            body: &[0xFF, 0, 7],
            numbers: (u64::MAX, 1 << 63, i128::from(u64::MAX)),
            by_hash: BTreeMap::from([
                (3, Shape::Point),
                (1 << 63, Shape::Circle { r: 1.5, name: Some("c".into()) }),
                (u64::MAX, Shape::Line(1, 2)),
            ]),
        }
    }

    #[test]
    fn everything_comes_back_and_bytes_are_borrowed() {
        let term = Terms::Second.to_vec(&page()).unwrap();
        let read: Page<'_> = Terms::Second.from_slice(&term).unwrap();
        assert_eq!(read, page());
        assert!(term.as_ptr_range().contains(&read.body.as_ptr()));
        assert!(Terms::Second.from_slice::<IgnoredAny>(&term).is_ok());
        for length in 0..term.len() {
            assert!(Terms::Second.from_slice::<Page<'_>>(&term[..length]).is_err(), "cut at {length}");
        }
        assert_eq!(from_slice::<Page<'_>>(&term).unwrap_err().kind(), ErrorKind::NeedsTerms2);
        assert_eq!(from_slice::<IgnoredAny>(&term).unwrap_err().kind(), ErrorKind::NeedsTerms2);
        assert_eq!(to_vec(&page()).unwrap_err().kind(), ErrorKind::NeedsTerms2);
    }

    #[test]
    fn the_bytes_are_those_of_the_specification() {
        let circle = Shape::Circle { r: 1.5, name: None };
        let term = Terms::Second.to_vec(&circle).unwrap();
        let expected = b"\x01\x16\x05\0Shape\x06\0Circle\x02\0\x01\0r\x02\0\0\0\0\0\0\xF8\x3F\x04\0name\x29";
        assert_eq!(term, expected);
        let first = to_vec(&circle).unwrap();
        assert_eq!(first, b"\x01\x15\x05\0Shape\x01\x02\0\x02\0\0\0\0\0\0\xF8\x3F\x29");
        // A reader of the second kind reads both forms.
        for term in [&term, &first] {
            assert_eq!(Terms::Second.from_slice::<Shape>(term).unwrap(), circle);
        }
        assert_eq!(Terms::Second.to_vec(&i64::MAX).unwrap(), to_vec(&i64::MAX).unwrap());
    }

    #[test]
    fn bytes_and_lists_of_small_numbers_are_read_as_each_other() {
        let bytes = Terms::Second.to_vec(&Page { by_hash: BTreeMap::new(), ..page() }).unwrap();
        #[derive(Deserialize)]
        #[serde(rename = "Page")]
        struct Listed {
            body: Vec<u8>,
        }
        assert_eq!(Terms::Second.from_slice::<Listed>(&bytes).unwrap().body, [0xFF, 0, 7]);
        let raw = |term: &[u8]| Terms::Second.from_slice::<Vec<u8>>(term).map_err(|error| error.kind());
        assert_eq!(raw(&[1, 7, 2, 0, 0, 0, 8, 9]), Ok(vec![8, 9]));
        assert_eq!(raw(&[1, 7, 3, 0, 0, 0, 8, 9]), Err(ErrorKind::NotATerm));
        assert_eq!(from_slice::<Vec<u8>>(&[1, 7, 0, 0, 0, 0]).unwrap_err().kind(), ErrorKind::NeedsTerms2);
        // An array takes exactly as many elements as it has.
        let error = Terms::Second.from_slice::<&str>(&[1, 7, 1, 0, 0, 0, 0xFF]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongValue, "{error}");
        assert_eq!(error.to_string(), "invalid value: byte array, expected a borrowed string, near byte 7");
    }

    mod newer {
        use super::{Deserialize, Serialize};

        #[derive(Serialize, Deserialize, PartialEq, Debug)]
        pub(super) enum Shape {
            Square { side: i64 },
            Circle { name: Option<u8>, colour: i64, r: f64 },
        }

        #[derive(Deserialize, PartialEq, Debug)]
        #[serde(rename = "Shape")]
        pub(super) enum Careful {
            Circle,
            #[serde(other)]
            Unknown,
        }
    }

    #[test]
    fn a_variant_and_a_field_can_be_added() {
        let term = Terms::Second.to_vec(&newer::Shape::Circle { name: None, colour: 3, r: 2.0 }).unwrap();
        let read: Shape = Terms::Second.from_slice(&term).unwrap();
        assert_eq!(read, Shape::Circle { r: 2.0, name: None }, "another order, and a field more");
        let square = Terms::Second.to_vec(&newer::Shape::Square { side: 1 }).unwrap();
        let error = Terms::Second.from_slice::<Shape>(&square).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::UnknownVariant, None));
        assert!(error.to_string().contains("`Square`"), "{error}");
        assert_eq!(Terms::Second.from_slice::<newer::Careful>(&square).unwrap(), newer::Careful::Unknown);
        assert_eq!(Terms::Second.from_slice::<newer::Careful>(&term).unwrap(), newer::Careful::Circle);
        let old = Terms::Second.to_vec(&Shape::Circle { r: 1.0, name: None }).unwrap();
        let error = Terms::Second.from_slice::<newer::Shape>(&old).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::MissingField, Some("colour")));
    }

    #[test]
    fn other_forms_of_a_variant_are_errors() {
        let circle = Terms::Second.to_vec(&Shape::Circle { r: 1.0, name: None }).unwrap();
        #[derive(Deserialize, Debug)]
        enum Other {
            Circle(#[expect(dead_code, reason = "only read")] f64),
        }
        #[derive(Deserialize, Debug)]
        #[serde(rename = "Shape")]
        enum Tuple {
            Circle(#[expect(dead_code, reason = "only read")] f64),
        }
        let error = Terms::Second.from_slice::<Other>(&circle).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongType, "{error}");
        assert!(error.to_string().contains("names are part of values"), "{error}");
        let error = Terms::Second.from_slice::<Tuple>(&circle).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongType, "{error}");
        assert!(error.to_string().contains("named fields"), "{error}");
    }

    #[derive(Serialize, Deserialize, Debug)]
    struct Order<P> {
        items: Vec<Item<P>>,
        by_name: BTreeMap<String, Option<Result<P, i64>>>,
    }

    #[derive(Serialize, Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Item<P> {
        price: P,
    }

    #[test]
    fn an_error_says_where_in_the_value_it_is() {
        let path = |term: &[u8]| {
            let error = from_slice::<(i64, Order<i64>)>(term).unwrap_err();
            (error.kind(), error.path().unwrap_or_default().to_string())
        };
        let of = |prices: &[&str], by_name: &[(&str, &str)]| {
            let items = prices.iter().map(|price| Item { price: price.to_string() }).collect();
            let by_name =
                by_name.iter().map(|(name, price)| (name.to_string(), Some(Ok(price.to_string())))).collect();
            to_vec(&(1, Order { items, by_name })).unwrap()
        };
        assert_eq!(path(&of(&["x"], &[])), (ErrorKind::WrongType, "[1].items[0].price".into()));
        assert_eq!(path(&of(&[], &[("a b", "x")])), (ErrorKind::WrongType, "[1].by_name[\"a b\"]".into()));
        #[derive(Serialize)]
        #[serde(rename = "Item")]
        struct Odd<'a> {
            size: &'a str,
        }
        #[derive(Serialize)]
        #[serde(rename = "Order")]
        struct OddOrder<'a> {
            items: [Odd<'a>; 1],
        }
        let odd = to_vec(&(1, OddOrder { items: [Odd { size: "" }] })).unwrap();
        assert_eq!(path(&odd), (ErrorKind::UnknownField, "[1].items[0].size".into()));
        let error = from_slice::<(i64, Order<i64>)>(&odd).unwrap_err();
        assert!(
            error.to_string().starts_with("`[1].items[0].size`: the field is unknown, near byte"),
            "{error}"
        );
        assert!(from_slice::<(u8, u8)>(&to_vec(&(1, 300)).unwrap()).unwrap_err().path() == Some("[1]"));
        let twice = b"\x01\x14\x04\0Item\x02\0\x05\0price\x06\x05\0price\x06";
        let error = from_slice::<Item<()>>(twice).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::DuplicateField, Some("price")));
    }

    #[test]
    fn what_a_peer_wrote_makes_no_long_error() {
        let long = "é".repeat(30_000);
        let deep = (0..3).fold(BTreeMap::from([(long.clone(), ())]), |map, _| map);
        let term = to_vec(&BTreeMap::from([(long, deep)])).unwrap();
        let error = from_slice::<BTreeMap<String, BTreeMap<String, bool>>>(&term).unwrap_err();
        assert!(error.to_string().len() < 3_000);
        assert!(error.path().unwrap().starts_with(".."));
        let variant = [&b"\x01\x16\x05\0Shape\xFF\xFF"[..], &[b'x'; 65_535], &[0, 0]].concat();
        let error = Terms::Second.from_slice::<Shape>(&variant).unwrap_err();
        assert!(error.kind() == ErrorKind::UnknownVariant && error.to_string().len() < 1_100);
    }

    #[test]
    fn each_error_has_its_kind() {
        let of = |error: Error| error.kind();
        assert_eq!(of(from_slice::<u8>(&[1, 255]).unwrap_err()), ErrorKind::NotATerm);
        assert_eq!(of(from_slice::<u8>(&to_vec(&300).unwrap()).unwrap_err()), ErrorKind::WrongValue);
        assert_eq!(of(from_slice::<bool>(&[1, 5, 1, 0, 0, 1]).unwrap_err()), ErrorKind::Limit);
        let deep = [&[1][..], &[40; 64], &[41]].concat();
        assert_eq!(of(from_slice::<IgnoredAny>(&deep).unwrap_err()), ErrorKind::TooDeep);
        assert_eq!(of(to_vec(&u128::MAX).unwrap_err()), ErrorKind::Unsupported);
        assert_eq!(of(to_vec(&i128::MIN).unwrap_err()), ErrorKind::Unsupported);
        let mut no_room = &mut [0_u8; 1][..];
        assert_eq!(of(to_writer(&(), &mut no_room).unwrap_err()), ErrorKind::BufferFull);
        assert_eq!(of(serde::de::Error::custom("no")), ErrorKind::Custom);
        assert_eq!(of(from_slice::<[u8; 2]>(&to_vec(&[1][..]).unwrap()).unwrap_err()), ErrorKind::WrongType);
    }
}
