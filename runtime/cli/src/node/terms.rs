//! Terms as they are typed, and messages as they are shown.

use serde_json::{Map, Value, json};
use snow_dist_codec::document::TermDocument;
use snow_dist_codec::stf::replace_pid;
use snow_dist_codec::{Pid as WirePid, Reading};
use snow_dist_runtime::core::{Term, TermPids};
use snow_dist_runtime::{Message, Pid};

use super::words::Failure;

/// Characters of a message that are shown.
const CHARACTERS_SHOWN: usize = 400;
/// Bytes of a message that is neither text nor a term that are shown.
const BYTES_SHOWN: usize = 24;

/// The term that JSON says. Numbers, strings, truth values and lists are themselves, null is unit, and an object is a map with
/// strings for keys. One with a `type` is what `snow-dist decode --as term --json` prints, and its parts may be short as well.
/// The value of a pid is a process as the prompt names it.
pub(super) fn term(text: &str, named: impl FnMut(&str) -> Result<Pid, Failure>) -> Result<Term, Failure> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        Failure::new(format_args!("a term is JSON, with strings in double quotes: {error}"))
    })?;
    let mut typing = Typing { named, pids: Vec::new() };
    let document: TermDocument = serde_json::from_value(typing.typed(value)?)
        .map_err(|error| Failure::new(format_args!("this JSON is no term: {error}")))?;
    Ok(Term::new(document.to_vec()?, &typing.pids)?)
}

/// Gives each value its type, and each pid its number among those of the term, in the order in which they are written.
struct Typing<N> {
    named: N,
    pids: Vec<Pid>,
}

impl<N: FnMut(&str) -> Result<Pid, Failure>> Typing<N> {
    /// JSON is read to a bounded depth, so this recursion is bounded too.
    fn typed(&mut self, value: Value) -> Result<Value, Failure> {
        Ok(match value {
            Value::Null => json!({"type": "unit"}),
            Value::Bool(value) => json!({"type": "bool", "value": value}),
            Value::String(value) => json!({"type": "string", "value": value}),
            Value::Number(number) if number.is_i64() => json!({"type": "int", "value": number.to_string()}),
            Value::Number(number) if number.is_u64() => json!({"type": "u64", "value": number.to_string()}),
            Value::Number(number) => {
                let bits = number.as_f64().unwrap_or(f64::NAN).to_bits();
                json!({"type": "float", "bits": format!("{bits:016x}")})
            }
            Value::Array(values) => json!({"type": "list", "values": self.all(values)?}),
            Value::Object(fields) if fields.contains_key("type") => self.object(fields)?,
            Value::Object(fields) => {
                let pairs: Vec<Value> = fields
                    .into_iter()
                    .map(|(key, value)| Ok(json!([{"type": "string", "value": key}, self.typed(value)?])))
                    .collect::<Result<_, Failure>>()?;
                json!({"type": "map", "keys": "string", "pairs": pairs})
            }
        })
    }

    /// An object that says its type.
    fn object(&mut self, mut fields: Map<String, Value>) -> Result<Value, Failure> {
        let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        for (key, value) in &mut fields {
            let part = value.take();
            *value = match (kind.as_str(), key.as_str(), part) {
                ("pid", "value", Value::String(name)) => self.pid(&name)?,
                ("some" | "ok" | "err", "value", part) => self.typed(part)?,
                (_, "values", Value::Array(values)) => self.all(values)?,
                (_, "fields", Value::Array(pairs)) => self.pairs(pairs, false)?,
                (_, "pairs", Value::Array(pairs)) => self.pairs(pairs, true)?,
                (_, _, part) => part,
            };
        }
        Ok(Value::Object(fields))
    }

    fn pid(&mut self, name: &str) -> Result<Value, Failure> {
        let number = self.pids.len() as u64;
        self.pids.push((self.named)(name)?);
        Ok(serde_json::to_value(WirePid::from_bits(number))?)
    }

    fn all(&mut self, values: Vec<Value>) -> Result<Value, Failure> {
        values.into_iter().map(|value| self.typed(value)).collect::<Result<Vec<_>, _>>().map(Value::Array)
    }

    /// Pairs, of which the first is a value as well, or the name of a field.
    fn pairs(&mut self, pairs: Vec<Value>, with_keys: bool) -> Result<Value, Failure> {
        let mut typed = Vec::with_capacity(pairs.len());
        for pair in pairs {
            typed.push(match pair {
                Value::Array(parts) => Value::Array(
                    parts
                        .into_iter()
                        .enumerate()
                        .map(|(at, part)| if at == 0 && !with_keys { Ok(part) } else { self.typed(part) })
                        .collect::<Result<_, Failure>>()?,
                ),
                other => other,
            });
        }
        Ok(Value::Array(typed))
    }
}

/// What a message says: text, a term, or its first bytes.
pub(super) fn shown(message: &Message) -> String {
    let bytes = message.as_bytes();
    if message.is_term() {
        return shown_term(bytes, &message.term_pids()).unwrap_or_else(|| shown_bytes(bytes));
    }
    match str::from_utf8(bytes) {
        Ok(text) if !text.contains(|character: char| character.is_control() && character != '\n') => {
            shortened(&format!("{text:?}"))
        }
        _ => match shown_term(bytes, &TermPids::default()) {
            Some(term) => format!("{term}, not marked as a term"),
            None => shown_bytes(bytes),
        },
    }
}

/// A term, whose pids are shown as those of this node.
fn shown_term(bytes: &[u8], pids: &TermPids) -> Option<String> {
    let (mut bytes, mut places) = (bytes.to_vec(), Vec::new());
    pids.terms().for_each_pid(&bytes, Reading::Strict, |at, pid| places.push((at, pid))).ok()?;
    for (at, wire) in places {
        let pid = pids.pid(wire);
        let node = u16::try_from(pid.node().get()).unwrap_or(WirePid::NODE_UNKNOWN);
        let here = WirePid::new(node, pid.creation(), pid.local())?;
        let _ = replace_pid(&mut bytes, at, here);
    }
    let (value, _) = pids.terms().decode(&bytes, Reading::Strict).ok()?;
    Some(shortened(&value.to_string()))
}

fn shown_bytes(bytes: &[u8]) -> String {
    let more = if bytes.len() > BYTES_SHOWN { " .." } else { "" };
    let digits: Vec<_> = bytes.iter().take(BYTES_SHOWN).map(|byte| format!("{byte:02x}")).collect();
    format!("{} bytes: {}{more}", bytes.len(), digits.join(" "))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(CHARACTERS_SHOWN) {
        None => text.into(),
        Some((end, _)) => {
            format!("{}.. ({} bytes more)", text.get(..end).unwrap_or_default(), text.len() - end)
        }
    }
}

/// A message that is a term, to be sent again.
pub(super) fn again(message: &Message) -> Result<Term, Failure> {
    let (mut bytes, pids) = (message.as_bytes().to_vec(), message.term_pids());
    let (mut places, mut named) = (Vec::new(), Vec::new());
    pids.terms().for_each_pid(&bytes, Reading::Strict, |at, pid| places.push((at, pid)))?;
    for (number, (at, wire)) in places.into_iter().enumerate() {
        named.push(pids.pid(wire));
        let _ = replace_pid(&mut bytes, at, WirePid::from_bits(number as u64));
    }
    Ok(Term::new(bytes, &named)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use snow_dist_runtime::NodeNumber;

    use super::*;

    fn pid(name: &str) -> Result<Pid, Failure> {
        let number = name.strip_prefix('$').and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| Failure::new("no process"))?;
        Ok(Pid::new(NodeNumber::other(3).unwrap(), 7, number))
    }

    fn read(text: &str) -> Result<String, String> {
        let term = term(text, pid).map_err(|failure| failure.to_string())?;
        let (bytes, pids) = term.into_local();
        Ok(shown_term(&bytes, &pids).unwrap())
    }

    #[test]
    fn json_is_a_term_and_says_types_only_where_it_must() {
        for (text, shown) in [
            ("7", "7"),
            ("18446744073709551615", "18446744073709551615"),
            ("0.5", "0.5"),
            ("null", "unit"),
            (r#"["get", true, [1]]"#, r#"["get", true, [1]]"#),
            (r#"{"type":"tuple","values":["get",7]}"#, r#"("get", 7)"#),
            (r#"{"type":"some","value":[1]}"#, "Some([1])"),
            (r#"{"type":"pid","value":"$5"}"#, "<3.5.7>"),
            (
                r#"{"type":"struct","name":"S","fields":[["a",1],["b",{"type":"pid","value":"$1"}],["c",{"type":"pid","value":"$2"}]]}"#,
                "S {a: 1, b: <3.1.7>, c: <3.2.7>}",
            ),
            (r#"{"a":1}"#, "map {\"a\": 1}"),
            (r#"{"type":"map","keys":"int","pairs":[[1,"x"]]}"#, "map {1: \"x\"}"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(shown), "{text}");
        }
    }

    #[test]
    fn what_is_no_term_is_refused_with_the_reason() {
        for (text, why) in [
            ("get", "strings in double quotes"),
            (r#"{"type":"nonsense"}"#, "unknown variant `nonsense`"),
            (r#"{"type":"pid","value":"you"}"#, "no process"),
            (r#"{"type":"int","value":"x"}"#, "no int of 64 bits"),
            (r#"{"type":"some"}"#, "missing field `value`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(read(&deep).is_err());
    }
}
