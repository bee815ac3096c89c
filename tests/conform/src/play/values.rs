//! Values of steps: symbols of pids, text as bytes, numbers that are found out while a case is played.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use snow_dist_codec::Pid;

use super::groups;
use crate::verdict::Trouble;
use crate::wire::pid_of;

/// What names stand for in one case.
#[derive(Debug, Default)]
pub(crate) struct Values {
    /// Processes of the subject by name, and numbers that were found out.
    pub(crate) named: HashMap<String, Value>,
}

/// Whose pids stand in frames of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Creations {
    pub(crate) mine: u8,
    pub(crate) theirs: u8,
}

impl Creations {
    /// Another start of the subject: the next creation. 0 is none, 1 can be any in version 1, and with the runner's own it
    /// would be a process of the runner.
    fn stale(self) -> u8 {
        let next = |creation: u8| (creation % 255 + 1).max(2);
        let stale = next(self.theirs);
        if stale == self.mine { next(stale) } else { stale }
    }
}

impl Values {
    /// A step's value as it stands on the wire.
    pub(crate) fn resolve(&self, value: &Value, creations: Creations) -> Result<Value, Trouble> {
        match value {
            Value::String(text) => self.resolve_text(text, creations),
            Value::Array(values) => {
                let resolved: Result<Vec<_>, Trouble> =
                    values.iter().map(|value| self.resolve_entry(value, creations)).collect();
                resolved.map(|entries| Value::Array(entries.concat()))
            }
            Value::Object(fields) if is_many(fields) => {
                self.resolve_entry(value, creations).map(Value::Array)
            }
            Value::Object(fields) => self.resolve_fields(fields, creations).map(Value::Object),
            other => Ok(other.clone()),
        }
    }

    /// What stands in a list: a value, one that is repeated, or a text with numbers behind it.
    fn resolve_entry(&self, value: &Value, creations: Creations) -> Result<Vec<Value>, Trouble> {
        let Value::Object(fields) = value else { return Ok(vec![self.resolve(value, creations)?]) };
        if !is_many(fields) {
            return Ok(vec![self.resolve(value, creations)?]);
        }
        let count = |name: &str| fields.get(name).and_then(Value::as_u64);
        let of = fields.get("of").unwrap_or(&Value::Null);
        match (count("repeat"), count("series")) {
            (Some(count), _) => {
                let count = usize::try_from(count).unwrap_or_default();
                Ok(vec![self.resolve(of, creations)?; count])
            }
            (_, count) => (0..count.unwrap_or_default())
                .map(|number| self.resolve(&json!(format!("{}{number}", as_text(of))), creations))
                .collect(),
        }
    }

    pub(crate) fn resolve_fields(
        &self,
        fields: &Map<String, Value>,
        creations: Creations,
    ) -> Result<Map<String, Value>, Trouble> {
        fields.iter().map(|(name, value)| Ok((name.clone(), self.resolve(value, creations)?))).collect()
    }

    fn resolve_text(&self, text: &str, creations: Creations) -> Result<Value, Trouble> {
        if let Some(text) = text.strip_prefix("utf8:") {
            return Ok(json!(hex::encode(text)));
        }
        if let Some((count, of)) = text.strip_prefix("repeat:").and_then(|rest| rest.split_once(':')) {
            let count = count.parse().map_err(|_| Trouble::unjudged(format!("no count: {text}")))?;
            return Ok(json!(of.repeat(count)));
        }
        if let Some(pids) = text.strip_prefix("pids:") {
            return self.tuple_of_pids(pids, creations);
        }
        if let Some(name) = text.strip_prefix('$') {
            return Ok(self.named.get(name).cloned().unwrap_or_else(|| json!(text)));
        }
        if let Some(name) = text.strip_prefix("here:") {
            let peer = self.named.get("peer").map(as_text).unwrap_or_default();
            let address = peer.split_once('@').map(|(_, address)| address);
            return Ok(json!(format!("{name}@{}", address.unwrap_or_default())));
        }
        let (whose, process) = text.split_once(' ').unwrap_or_default();
        let (node, creation) = match whose {
            "mine" => (0, creations.mine),
            "theirs" => (0, creations.theirs),
            "stale" => (0, creations.stale()),
            "elsewhere" => (1, creations.theirs),
            // As a version 1 node writes its own processes, and those of others in answers.
            "plain" => (0, 0),
            // As a version 1 node that knows the subject as its third peer writes the subject's.
            "k" => (3, creations.theirs),
            // As the runner writes a process of the subject where a pid has no owner.
            "own" => (0xFFFE, creations.theirs),
            // As the subject writes a process of the runner where a pid has no owner.
            "reader" => (0xFFFE, creations.mine),
            _ => return Ok(json!(text)),
        };
        let local = self.local(process)?;
        let pid =
            Pid::new(node, creation, local).ok_or_else(|| Trouble::unjudged(format!("no pid: {text}")))?;
        serde_json::to_value(pid).map_err(|error| Trouble::unjudged(error.to_string()))
    }

    /// A term: a tuple of pids, which are separated by commas; `bytes` stands for a value of the second kind.
    fn tuple_of_pids(&self, pids: &str, creations: Creations) -> Result<Value, Trouble> {
        let pids: Vec<_> = pids.split(',').map(str::trim).filter(|pid| !pid.is_empty()).collect();
        let arity = u8::try_from(pids.len())
            .map_err(|_| Trouble::unjudged(format!("too many pids: {}", pids.len())))?;
        let mut term = vec![1, 0x0D, arity];
        for text in pids {
            if text == "bytes" {
                // A value that only terms of the second kind have: one byte.
                term.extend([0x07, 1, 0, 0, 0, 0xFF]);
                continue;
            }
            let pid = pid_of(&self.resolve_text(text, creations)?);
            let pid = pid.ok_or_else(|| Trouble::unjudged(format!("no pid: {text}")))?;
            term.push(0x1E);
            term.extend(pid.to_bits().to_le_bytes());
        }
        Ok(json!(hex::encode(term)))
    }

    /// The number of a process: a number, a name that a step gave it, or nobody's.
    pub(crate) fn local(&self, process: &str) -> Result<u64, Trouble> {
        let named = self.named.get(process).and_then(|value| as_text(value).parse().ok());
        match process {
            "nobody" => Some(Pid::LOCAL_MAX),
            _ => named.or_else(|| process.parse().ok()),
        }
        .ok_or_else(|| Trouble::unjudged(format!("the case names no process {process:?}")))
    }

    /// Whether a value is as a resolved step wants it. What the step does not mention does not matter. A name that
    /// begins with `$` and is new stands for what is there.
    pub(crate) fn matches(&mut self, wanted: &Value, found: &Value) -> bool {
        match (wanted, found) {
            (Value::String(name), _) if name.starts_with('$') => {
                let name = name.trim_start_matches('$').to_owned();
                let known = self.named.entry(name).or_insert_with(|| found.clone());
                as_text(known) == as_text(found)
            }
            (Value::Object(choice), _) if choice.contains_key("one_of") => {
                let choices = choice.get("one_of").and_then(Value::as_array);
                choices.is_some_and(|choices| choices.iter().any(|wanted| self.matches(wanted, found)))
            }
            (Value::Object(bound), _) if bound.contains_key("above") => self.is_above(bound, found),
            (Value::Object(message), Value::String(bytes)) if message.contains_key(groups::KIND) => {
                groups::message_of(bytes).is_some_and(|found| self.matches(wanted, &found))
            }
            (Value::Object(wanted), Value::Object(found)) => wanted
                .iter()
                .all(|(name, wanted)| found.get(name).is_some_and(|found| self.matches(wanted, found))),
            (Value::Array(wanted), Value::Array(found)) => {
                wanted.len() == found.len()
                    && wanted.iter().zip(found).all(|(wanted, found)| self.matches(wanted, found))
            }
            // 64-bit numbers are strings in documents, and numbers in steps.
            _ => as_text(wanted) == as_text(found),
        }
    }

    /// Whether a number is larger than another one. It has a name from then on, if the step gives one.
    fn is_above(&mut self, bound: &Map<String, Value>, found: &Value) -> bool {
        let number = |value: Option<&Value>| value.map(as_text)?.parse::<u64>().ok();
        let is_above =
            number(Some(found)).zip(number(bound.get("above"))).is_some_and(|(is, than)| is > than);
        if let Some(name) = bound.get("as").filter(|_| is_above) {
            self.named.insert(as_text(name), found.clone());
        }
        is_above
    }
}

fn is_many(fields: &Map<String, Value>) -> bool {
    fields.contains_key("repeat") || fields.contains_key("series")
}

pub(crate) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value for people: pids in their text form.
pub(crate) fn shown(value: &Value) -> String {
    if let Some(pid) = pid_of(value) {
        return pid.to_string();
    }
    match value {
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{name}={}", shown(value))).collect();
            format!("({})", fields.join(" "))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(shown).collect::<Vec<_>>().join(", ")),
        other => as_text(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_start_of_the_subject_is_never_taken_for_the_runner() {
        for (mine, theirs) in (1..=255).flat_map(|mine| (1..=255).map(move |theirs| (mine, theirs))) {
            let stale = Creations { mine, theirs }.stale();
            assert!(stale > 1 && stale != mine && stale != theirs, "{stale} beside {mine} and {theirs}");
        }
    }
}
