//! How steps are read: tables of which the first key is the verb.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::step::{Ask, Damage, Expect, Send, Step, first};

/// A step that is a table with one of these keys.
macro_rules! verbs {
    ($($verb:literal => $variant:ident;)*) => {
        const VERBS: &[&str] = &[$($verb),*];

        impl Step {
            fn of(verb: &str, table: Map<String, Value>) -> Result<Self, serde_json::Error> {
                match verb {
                    $($verb => serde_json::from_value(Value::Object(table)).map(Self::$variant),)*
                    _ => Err(serde_json::Error::custom("no such step")),
                }
            }

            /// Its verb.
            #[must_use]
            pub const fn verb(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $verb,)*
                }
            }
        }
    };
}

verbs! {
    "open" => Open;
    "session" => Session;
    "say" => Say;
    "hear" => Hear;
    "refused" => Refused;
    "send" => Send;
    "bytes" => Bytes;
    "expect" => Expect;
    "any_order" => AnyOrder;
    "quiet" => Quiet;
    "closed" => Closed;
    "leave" => Leave;
    "pause" => Pause;
    "ask" => Ask;
    "report" => Report;
    "stuck" => Stuck;
    "flooded" => Flooded;
    "silent" => Silent;
    "undialled" => Undialled;
    "dialled" => Dialled;
    "knock" => Knock;
    "knocking" => Knocking;
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = Map::deserialize(deserializer)?;
        let shown = Value::Object(table.clone()).to_string();
        // A frame can have a field that is also a verb; the verb stands first.
        let verb = table.keys().next().cloned().unwrap_or_default();
        if !VERBS.contains(&verb.as_str()) {
            return Err(D::Error::custom(format_args!("{shown} begins with none of {VERBS:?}")));
        }
        Self::of(&verb, table).map_err(|error| D::Error::custom(format_args!("{shown}: {error}")))
    }
}

/// Takes an entry out of a table, or gives what it is without one.
fn take<T: serde::de::DeserializeOwned, E: serde::de::Error>(
    table: &mut Map<String, Value>,
    key: &str,
    without: T,
) -> Result<T, E> {
    match table.shift_remove(key) {
        Some(value) => {
            serde_json::from_value(value).map_err(|error| E::custom(format_args!("{key}: {error}")))
        }
        None => Ok(without),
    }
}

impl<'de> Deserialize<'de> for Send {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        Ok(Self {
            tag: take(&mut fields, "send", String::new())?,
            on: take(&mut fields, "on", first())?,
            damage: Damage {
                cut: take(&mut fields, "cut", 0)?,
                surplus: take(&mut fields, "surplus", String::new())?,
                flip: take(&mut fields, "flip", None)?,
                pieces: take(&mut fields, "pieces", None)?,
            },
            times: take(&mut fields, "times", 1)?,
            fields,
        })
    }
}

impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        Ok(Self {
            tag: take(&mut fields, "expect", String::new())?,
            on: take(&mut fields, "on", first())?,
            skip: take(&mut fields, "skip", None)?,
            fewer_than: take(&mut fields, "fewer_than", None)?,
            differs: take(&mut fields, "differs", None)?,
            fields,
        })
    }
}

impl<'de> Deserialize<'de> for Ask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut arguments = Map::deserialize(deserializer)?;
        Ok(Self {
            command: take(&mut arguments, "ask", String::new())?,
            name: take(&mut arguments, "as", None)?,
            fails: take(&mut arguments, "fails", false)?,
            answered: take(&mut arguments, "answered", true)?,
            gives: take(&mut arguments, "gives", None)?,
            not: take(&mut arguments, "not", Vec::new())?,
            arguments,
        })
    }
}
