//! The tables of the dissector for Wireshark say what the registry says, and its requirements are in the texts.
//!
//! Each row of a table is one line, and but for its last comma a value of TOML too.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use toml::{Table, Value};

fn spec(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn registry() -> Table {
    spec("registry.toml").parse().unwrap()
}

/// The lines of a table of the dissector, without the commas behind them.
fn lines(table: &str) -> Vec<String> {
    let dissector = spec("wireshark/snow_dist.lua");
    let (_, rest) = dissector.split_once(&format!("\nlocal {table} = {{\n")).unwrap();
    let (lines, _) = rest.split_once("\n}\n").unwrap();
    lines.lines().map(|line| line.trim().strip_suffix(',').unwrap().to_owned()).collect()
}

fn rows(table: &str) -> Vec<Table> {
    let rows = lines(table).into_iter().map(|line| {
        let row: Table = format!("row = {line}").parse().unwrap();
        row["row"].as_table().unwrap().clone()
    });
    rows.collect()
}

fn values(table: &str) -> Table {
    lines(table).join("\n").parse().unwrap()
}

fn text<'t>(row: &'t Table, key: &str) -> &'t str {
    row[key].as_str().unwrap()
}

/// Rows of the registry as the dissector has them: fields are `name:type`, and no section.
fn registered(name: &str) -> Vec<Table> {
    let registry = registry();
    let rows = registry[name].as_array().unwrap().iter().map(|row| {
        let mut row = row.as_table().unwrap().clone();
        row.remove("section");
        if let Some(fields) = row.remove("fields") {
            row.insert("fields".to_owned(), Value::String(fields_in_words(&fields)));
        }
        row
    });
    rows.collect()
}

fn fields_in_words(fields: &Value) -> String {
    let fields = fields.as_array().unwrap().iter().map(|field| field.as_table().unwrap());
    let words: Vec<_> =
        fields.map(|field| format!("{}:{}", text(field, "name"), text(field, "type"))).collect();
    words.join(" ")
}

#[test]
fn its_tables_are_those_of_the_registry() {
    for (table, name) in [
        ("FRAMES", "frame"),
        ("HANDSHAKE", "handshake"),
        ("REASONS", "reason"),
        ("TERMS", "term"),
        ("SIGNALS", "signal"),
        ("EXTENSIONS", "extension"),
        ("CAPABILITIES", "capability"),
        ("REJECT_CODES", "reject"),
        ("CLOSE_CODES", "close"),
        ("RESERVED", "reserved"),
    ] {
        assert_eq!(rows(table), registered(name), "{table}");
    }
}

#[test]
fn its_limits_and_constants_are_those_of_the_registry() {
    let registry = registry();
    for (table, name) in [("LIMITS", "limits"), ("CONSTANTS", "constants")] {
        let values = values(table);
        assert!(!values.is_empty());
        for (key, value) in values {
            assert_eq!(Some(&value), registry[name].get(&key), "{table}.{key}");
        }
    }
}

/// A capability that lets a frame be sent stands in the line under the frame's heading.
#[test]
fn its_frames_need_the_capabilities_of_the_text() {
    let dist = spec("dist.md");
    let needs = rows("NEEDS")
        .into_iter()
        .map(|row| (text(&row, "name").to_owned(), text(&row, "capability").to_owned()));
    let in_text = registered("frame").into_iter().filter_map(|frame| {
        let name = text(&frame, "name").to_owned();
        let (_, section) = dist.split_once(&format!("\n## {name}\n")).unwrap();
        let (_, capability) = section.trim_start().lines().next().unwrap().split_once("capability `")?;
        Some((name, capability.split_once('`').unwrap().0.to_owned()))
    });
    assert_eq!(needs.collect::<Vec<_>>(), in_text.collect::<Vec<_>>());
}

#[test]
fn its_marks_name_requirements_of_the_texts() {
    let texts = ["capabilities.md", "dist.md", "handshake.md", "stf.md"].map(spec).concat();
    let rules = rows("RULES");
    let ids: BTreeSet<_> = rules.iter().map(|rule| text(rule, "id")).collect();
    assert_eq!(ids.len(), rules.len(), "no requirement stands twice");
    for id in ids {
        assert!(texts.contains(&format!("\n### [{id}] ")), "{id} is no requirement");
    }
}

/// What the code of the dissector marks is in its table, and the other way round.
#[test]
fn its_marks_are_used() {
    let dissector = spec("wireshark/snow_dist.lua");
    let (_, code) = dissector.split_once("Tables by key").unwrap();
    for rule in rows("RULES") {
        let id = text(&rule, "id");
        assert!(code.contains(&format!("\"{id}\"")), "{id} is never marked");
    }
    let table: BTreeSet<_> = rows("RULES").iter().map(|rule| text(rule, "id").to_owned()).collect();
    for quoted in code.split('"').filter(|word| is_requirement(word)) {
        assert!(table.contains(quoted), "{quoted} is not in the table");
    }
}

fn is_requirement(word: &str) -> bool {
    let mut parts = word.split('-');
    let (first, second, third) = (parts.next(), parts.next(), parts.next());
    matches!(first, Some("CAP" | "DIST" | "HS" | "STF"))
        && second.is_some_and(|area| area.len() == 3)
        && third.is_some_and(|number| number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()))
        && parts.next().is_none()
}
