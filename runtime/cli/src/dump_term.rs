//! The annotated dump of a term: a row for each value in it.

use snow_dist_codec::stf::{KeyType, Map, Struct, Sum, Value, Values};

use crate::dump::{ELEMENTS_SHOWN, Rows, quoted, shortened};

/// Rows of a dump from which on a value has one row, whatever is in it.
const ROWS_MAX: usize = 200;

impl Rows<'_> {
    /// The version and the value of a term.
    pub(crate) fn term(&mut self, value: &Value<'_>) {
        self.row("version", 1, "1".into());
        self.value("value", value);
    }

    /// A value, and those in it. A term is at most 64 levels deep, so this recursion is too.
    fn value(&mut self, field: &str, value: &Value<'_>) {
        if self.count() >= ROWS_MAX {
            return self.whole(field, value);
        }
        match value {
            Value::List(values) => self.values(field, "list", *values, value),
            Value::Set(values) => self.values(field, "set", *values, value),
            Value::Tuple(values) => self.values(field, "tuple", *values, value),
            Value::Map(map) => self.map(field, *map, value),
            Value::Struct(fields) => {
                let name = format!("struct {}", quoted(fields.name().as_str()));
                self.named(field, &name, *fields, value);
            }
            Value::Variant(variant) => {
                let [name, which] = [variant.name(), variant.variant()].map(|text| quoted(text.as_str()));
                self.named(field, &format!("variant {name} {which}"), variant.fields(), value);
            }
            Value::Sum(sum) => self.sum(field, *sum, value),
            Value::Some(inner) => self.wrapped(field, "Some", &inner.value()),
            Value::Ok(inner) => self.wrapped(field, "Ok", &inner.value()),
            Value::Err(inner) => self.wrapped(field, "Err", &inner.value()),
            _ => self.whole(field, value),
        }
    }

    /// A value in one row.
    fn whole(&mut self, field: &str, value: &Value<'_>) {
        self.row(field, value.encoded_len(), shortened(&value.to_string()));
    }

    fn wrapped(&mut self, field: &str, name: &str, inner: &Value<'_>) {
        self.row(field, 1, name.into());
        self.value(&format!("{field}.0"), inner);
    }

    /// The head of a container: what is not in the values of `parts`.
    fn head(&mut self, field: &str, what: String, whole: &Value<'_>, parts: usize) -> usize {
        let end = self.at() + whole.encoded_len();
        self.row(field, whole.encoded_len() - parts, what);
        end
    }

    fn values(&mut self, field: &str, name: &str, values: Values<'_>, whole: &Value<'_>) {
        let what = format!("{name} of {}", values.count());
        let end = self.head(field, what, whole, values.encoded_len());
        self.elements(field, values, end);
    }

    fn elements(&mut self, field: &str, values: Values<'_>, end: usize) {
        for (index, value) in values.iter().enumerate().take(ELEMENTS_SHOWN) {
            self.value(&format!("{field}[{index}]"), &value);
        }
        self.rest(field, values.count(), end);
    }

    fn map(&mut self, field: &str, map: Map<'_>, whole: &Value<'_>) {
        let keys = if map.keys() == KeyType::Int { "int" } else { "string" };
        let what = format!("map of {}, {keys} keys", map.count());
        let end = self.head(field, what, whole, map.encoded_len());
        for (index, (key, value)) in map.iter().enumerate().take(ELEMENTS_SHOWN) {
            self.whole(&format!("{field}.key[{index}]"), &key);
            self.value(&format!("{field}[{index}]"), &value);
        }
        self.rest(field, map.count(), end);
    }

    /// The fields of a struct or a variant.
    fn named(&mut self, field: &str, name: &str, fields: Struct<'_>, whole: &Value<'_>) {
        let what = format!("{name} of {}", fields.count());
        let end = self.head(field, what, whole, fields.encoded_len());
        for (index, (name, value)) in fields.iter().enumerate().take(ELEMENTS_SHOWN) {
            self.row(&format!("{field}.name[{index}]"), 2 + name.len(), quoted(name.as_str()));
            self.value(&format!("{field}[{index}]"), &value);
        }
        self.rest(field, fields.count(), end);
    }

    fn sum(&mut self, field: &str, sum: Sum<'_>, whole: &Value<'_>) {
        let values = sum.values();
        let what =
            format!("sum {} variant {} of {}", quoted(sum.name().as_str()), sum.variant(), values.count());
        let end = self.head(field, what, whole, values.encoded_len());
        self.elements(field, values, end);
    }

    /// Passes over the elements that are not shown, up to `end`.
    fn rest(&mut self, field: &str, count: u32, end: usize) {
        self.more(field, (count as usize).saturating_sub(ELEMENTS_SHOWN), end - self.at());
    }
}
