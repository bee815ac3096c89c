//! A list of 100 tuples of an int and a string: as a term of STF, and in serde's other formats.

use std::fmt;
use std::hint::black_box;
use std::mem::take;

use bincode::config;
use snow_dist_codec::Reading;
use snow_dist_codec::stf::{self, Encoder, Value};

/// The list, with strings that borrow.
pub type List<'a> = Vec<(i64, &'a str)>;

/// The list that is measured.
#[must_use]
pub fn list() -> List<'static> {
    let text = |number: i64| -> &'static str { format!("item-number-{number:04}").leak() };
    (0..100).map(|number| (number * 1_000_003 % 1_000_000, text(number))).collect()
}

/// A way to write and read the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// STF, through serde.
    Stf,
    /// STF, as values: written one by one, and read lazily once they are proven.
    StfValues,
    /// bincode 2 as it comes, through serde: small numbers take fewer bytes.
    Bincode,
    /// bincode 2, with numbers of fixed width.
    BincodeFixed,
    /// postcard.
    Postcard,
    /// rmp-serde.
    Rmp,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Stf => "snow-dist, serde",
            Self::StfValues => "snow-dist, values",
            Self::Bincode => "bincode 2",
            Self::BincodeFixed => "bincode 2, fixed width",
            Self::Postcard => "postcard",
            Self::Rmp => "rmp-serde",
        })
    }
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Stf, Self::StfValues, Self::Bincode, Self::Postcard, Self::Rmp, Self::BincodeFixed];

    /// The list, and a buffer that has held it before.
    #[must_use]
    pub fn encoding(self) -> (List<'static>, Vec<u8>) {
        let list = list();
        let mut buffer = Vec::new();
        self.encode(&list, &mut buffer);
        (list, buffer)
    }

    /// Writes the list into a buffer that is used again.
    #[inline(never)]
    pub fn encode(self, list: &List<'_>, buffer: &mut Vec<u8>) {
        buffer.clear();
        match self {
            Self::Stf => stf::append(list, buffer).unwrap(),
            Self::StfValues => encode_values(list, buffer),
            Self::Bincode => {
                bincode::serde::encode_into_std_write(list, buffer, config::standard()).unwrap();
            }
            Self::BincodeFixed => {
                bincode::serde::encode_into_std_write(list, buffer, config::legacy()).unwrap();
            }
            Self::Postcard => *buffer = postcard::to_extend(list, take(buffer)).unwrap(),
            Self::Rmp => rmp_serde::encode::write(buffer, list).unwrap(),
        }
    }

    /// Reads the list, and drops it.
    #[inline(never)]
    pub fn decode(self, bytes: &[u8]) {
        if self == Self::StfValues {
            walk_values(bytes, |number, text| {
                black_box((number, text));
            });
        } else {
            black_box(&self.read(bytes));
        }
    }

    #[inline(always)]
    fn read(self, bytes: &[u8]) -> List<'_> {
        match self {
            Self::Stf => stf::from_slice(bytes).unwrap(),
            Self::StfValues => {
                let mut list = List::new();
                walk_values(bytes, |number, text| list.push((number, text)));
                list
            }
            Self::Bincode => bincode::serde::borrow_decode_from_slice(bytes, config::standard()).unwrap().0,
            Self::BincodeFixed => {
                bincode::serde::borrow_decode_from_slice(bytes, config::legacy()).unwrap().0
            }
            Self::Postcard => postcard::from_bytes(bytes).unwrap(),
            Self::Rmp => rmp_serde::from_slice(bytes).unwrap(),
        }
    }
}

fn encode_values(list: &List<'_>, buffer: &mut Vec<u8>) {
    let mut term = Encoder::new(buffer);
    term.list(list.len()).unwrap();
    for &(number, text) in list {
        term.tuple(2).unwrap();
        term.int(number);
        term.str(text.into()).unwrap();
    }
    term.finish().unwrap();
}

#[inline(always)]
fn walk_values<'a>(bytes: &'a [u8], mut each: impl FnMut(i64, &'a str)) {
    let (value, _) = stf::decode(bytes, Reading::Strict).unwrap();
    let Value::List(items) = value else { panic!("a list was written") };
    for item in items.iter() {
        let Value::Tuple(item) = item else { panic!("tuples were written") };
        let mut values = item.iter();
        let (Some(Value::Int(number)), Some(Value::Str(text))) = (values.next(), values.next()) else {
            panic!("ints and strings were written")
        };
        each(number, text.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back() {
        for format in Format::ALL {
            let (list, bytes) = format.encoding();
            assert_eq!(format.read(&bytes), list, "{format}");
        }
        assert_eq!(Format::Stf.encoding().1, Format::StfValues.encoding().1);
    }
}
