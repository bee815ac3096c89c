//! What the servers of groups of two nodes say to each other, as steps have it: a table of the fields of a message.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use snow_dist_codec::Reading;
use snow_dist_codec::stf::{self, Encoder};

use crate::field;
use crate::verdict::Trouble;
use crate::wire::pid_of;

/// The field that makes a table a message: its kind.
pub(super) const KIND: &str = "groups";

/// The fields of a message, in their order. An ask ends with `stream`.
const FIELDS: [&str; 9] = [KIND, "version", "from", "to", "stream", "number", "complete", "joined", "left"];
const FIELDS_OF_ASK: usize = 5;

/// The fields of an entry.
const ENTRY: [&str; 2] = ["group", "pids"];

/// What stands behind the fields that a message or an entry has.
const MORE: &str = "more";

/// Puts the term of a message in the place of the table of its fields, if `message` is one.
///
/// # Errors
/// It has a field that no term holds.
pub(super) fn write(fields: &mut Map<String, Value>) -> Result<(), Trouble> {
    let Some(message) = fields.get_mut("message") else { return Ok(()) };
    let Value::Object(table) = &mut *message else { return Ok(()) };
    table.entry("version").or_insert(json!(1));
    let mut term = Vec::new();
    let mut encoder = Encoder::new(&mut term);
    put_tuple(&mut encoder, table, &FIELDS)
        .and_then(|()| encoder.finish().ok())
        .ok_or_else(|| Trouble::unjudged("the case's message between servers of groups is none"))?;
    *message = json!(hex::encode(term));
    Ok(())
}

/// A tuple of those of these fields that there are, and of what stands behind them.
fn put_tuple(encoder: &mut Encoder<'_>, table: &Map<String, Value>, names: &[&str]) -> Option<()> {
    let fields: Vec<_> = names.iter().chain([&MORE]).filter_map(|name| table.get(*name)).collect();
    encoder.tuple(fields.len()).ok()?;
    fields.into_iter().try_for_each(|field| put(encoder, field))
}

fn put(encoder: &mut Encoder<'_>, value: &Value) -> Option<()> {
    if let Some(pid) = pid_of(value) {
        encoder.pid(pid);
        return Some(());
    }
    match value {
        Value::String(text) => encoder.str(text.as_str().into()).ok()?,
        Value::Bool(truth) => encoder.bool(*truth),
        Value::Number(number) => encoder.int(number.as_i64()?),
        Value::Array(values) => {
            encoder.list(values.len()).ok()?;
            values.iter().try_for_each(|value| put(encoder, value))?;
        }
        Value::Object(entry) => put_tuple(encoder, entry, &ENTRY)?,
        Value::Null => return None,
    }
    Some(())
}

/// The table of a message, from a term in hexadecimal; nothing if that is no message of version 1.
pub(super) fn message_of(term: &str) -> Option<Value> {
    let term = hex::decode(term).ok()?;
    let (stf::Value::Tuple(values), _) = stf::decode(&term, Reading::Strict).ok()? else { return None };
    let values: Vec<_> = values.iter().map(shown).collect::<Option<_>>()?;
    let names = match values.first()?.as_str()? {
        "members" => &FIELDS[..],
        "ask" => FIELDS.get(..FIELDS_OF_ASK)?,
        _ => return None,
    };
    if values.len() != names.len() {
        return None;
    }
    let mut message: Map<_, _> = names.iter().map(|name| (*name).to_owned()).zip(values).collect();
    for (name, value) in &mut message {
        match name.as_str() {
            "version" if *value != json!(1) => return None,
            "joined" | "left" => *value = entries(value)?,
            _ => {}
        }
    }
    Some(Value::Object(message))
}

fn shown(value: stf::Value<'_>) -> Option<Value> {
    Some(match value {
        stf::Value::Str(text) => json!(text.as_str()),
        stf::Value::Int(number) => json!(number),
        stf::Value::Bool(truth) => json!(truth),
        stf::Value::Pid(pid) => serde_json::to_value(pid).ok()?,
        stf::Value::List(values) | stf::Value::Tuple(values) => {
            Value::Array(values.iter().map(shown).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// One table for each group, in order, with its processes in order: how they are divided into entries does not matter.
fn entries(found: &Value) -> Option<Value> {
    let mut groups: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for entry in found.as_array()? {
        let [group, pids] = entry.as_array()?.as_slice() else { return None };
        groups.entry(group.as_str()?).or_default().extend(pids.as_array()?);
    }
    let table = |(group, mut pids): (&str, Vec<&Value>)| {
        pids.sort_by_key(|pid| field(pid, "local").as_u64());
        json!({"group": group, "pids": pids})
    };
    Some(groups.into_iter().map(table).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(message: Value) -> String {
        let mut fields = Map::from_iter([("message".to_owned(), message)]);
        assert!(write(&mut fields).is_ok(), "{fields:?}");
        fields.get("message").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    #[test]
    fn a_message_is_written_and_read() {
        let pid = |local: u64| json!({"node": 0, "creation": 7, "local": local});
        let ask = json!({"groups": "ask", "from": pid(1), "to": pid(2), "stream": 3});
        let term =
            "010d05050300000061736b0101000000000000001e01000000000700001e0200000000070000010300000000000000";
        assert_eq!(written(ask), term);
        let ask = json!({"groups": "ask", "version": 1, "from": pid(1), "to": pid(2), "stream": 3});
        assert_eq!(message_of(term), Some(ask));

        let members = |joined: Value| {
            json!({"groups": "members", "version": 1, "from": pid(1), "to": pid(2), "stream": 3, "number": 0,
                "complete": true, "joined": joined, "left": []})
        };
        let several = json!([
            {"group": "news", "pids": [pid(6), pid(5)]}, {"group": "chat", "pids": [pid(5)]}, {"group": "news", "pids": [pid(4)]},
        ]);
        let sorted = json!([
            {"group": "chat", "pids": [pid(5)]}, {"group": "news", "pids": [pid(4), pid(5), pid(6)]},
        ]);
        assert_eq!(message_of(&written(members(several))), Some(members(sorted)));
    }

    #[test]
    fn what_is_no_message_is_not_read() {
        let ask = |change: (&str, Value)| {
            let mut ask =
                Map::from_iter([("groups".to_owned(), json!("ask")), ("stream".to_owned(), json!(3))]);
            for name in ["from", "to"] {
                ask.insert(name.to_owned(), json!({"node": 0, "creation": 7, "local": 1}));
            }
            ask.insert(change.0.to_owned(), change.1);
            written(Value::Object(ask))
        };
        assert!(message_of(&ask(("stream", json!(4)))).is_some());
        for change in [("version", json!(2)), ("groups", json!("shout")), (MORE, json!(7))] {
            assert_eq!(message_of(&ask(change)), None);
        }
        assert_eq!(message_of("01"), None);
        assert!(write(&mut Map::from_iter([("message".to_owned(), json!({"groups": null}))])).is_err());
    }
}
