//! How steps are read: tables of which the first key is the verb.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::Damage;
use super::step::{Ask, Expect, Names, Send, Step, first};

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
        let send = Self {
            tag: take(&mut fields, "send", String::new())?,
            on: take(&mut fields, "on", first())?,
            damage: Damage {
                cut: take(&mut fields, "cut", 0)?,
                surplus: take(&mut fields, "surplus", String::new())?,
                flip: take(&mut fields, "flip", None)?,
                pieces: take(&mut fields, "pieces", None)?,
            },
            times: take(&mut fields, "times", 1)?,
            counts: take(&mut fields, "counts", Names::default())?,
            fields,
        };
        can_count(&send).map_err(D::Error::custom)?;
        Ok(send)
    }
}

/// Whether a step's fields can count as the step wants, or why not.
fn can_count(send: &Send) -> Result<(), String> {
    if !send.counts.is_empty() && send.times < 2 {
        return Err("counts: it counts up with `times`, which is not there or less than 2".into());
    }
    for name in send.counts.iter() {
        let Some(value) = send.fields.get(name) else {
            return Err(format!("counts: there is no field {name:?}"));
        };
        let number = number_of(value).ok_or_else(|| {
            format!("counts: {name:?} must be a number or a process such as \"mine 1\", and is {value}")
        })?;
        if number.checked_add(send.times as u64).is_none() {
            return Err(format!("counts: {name:?} is {value}, and cannot become so much more"));
        }
    }
    Ok(())
}

/// The number that counts up: the value itself, or that of a process.
fn number_of(value: &Value) -> Option<u64> {
    let Some(process) = value.as_str() else { return value.as_u64() };
    process.rsplit_once(' ')?.1.parse().ok()
}

impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        Ok(Self {
            tag: take(&mut fields, "expect", String::new())?,
            on: take(&mut fields, "on", first())?,
            skip: take(&mut fields, "skip", Names::default())?,
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

#[cfg(test)]
mod tests {
    use super::Step;

    /// What is said of a step that is no good.
    fn error(step: &str) -> String {
        serde_json::from_str::<Step>(step).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_counts_is_a_number_in_a_field_that_is_there_and_of_a_frame_that_is_sent_often() {
        let cases = [
            (
                r#"{"send": "MONITOR", "ref": 5, "times": 9, "counts": "reference"}"#,
                r#"no field "reference""#,
            ),
            (r#"{"send": "MONITOR", "ref": 5, "counts": "ref"}"#, "with `times`"),
            (r#"{"send": "MONITOR", "ref": 5, "times": 1, "counts": "ref"}"#, "with `times`"),
            (r#"{"send": "MONITOR", "to": "theirs a", "times": 9, "counts": ["to"]}"#, "must be a number"),
            (
                r#"{"send": "EXIT", "reason": {"kind": "normal"}, "times": 9, "counts": "reason"}"#,
                "must be a number",
            ),
            (
                r#"{"send": "MONITOR", "ref": 18446744073709551610, "times": 9, "counts": "ref"}"#,
                "so much more",
            ),
            (
                r#"{"send": "MONITOR", "ref": 5, "times": 9, "counts": 7}"#,
                "counts: expected a name or a list of names",
            ),
        ];
        for (step, why) in cases {
            assert!(error(step).contains(why), "{step}: {}", error(step));
        }
    }
}
