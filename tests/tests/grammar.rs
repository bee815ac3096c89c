//! The grammar in `spec/kaitai/` says what registry and text say, and the codec judges its cases as it does. That it
//! reads the vectors is checked by `spec/kaitai/check.sh`, which needs its compiler.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use snow_dist_codec::Reading;
use snow_dist_tests::run;
use toml::Table;

/// A file of the grammar, or a type in one.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Type {
    doc: Option<String>,
    doc_ref: Option<String>,
    #[serde(default)]
    params: Vec<Attribute>,
    #[serde(default)]
    seq: Vec<Attribute>,
    #[serde(default)]
    instances: BTreeMap<String, Attribute>,
    #[serde(default)]
    types: BTreeMap<String, Self>,
    #[serde(default)]
    enums: BTreeMap<String, BTreeMap<u64, Name>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Attribute {
    id: Option<String>,
    #[serde(rename = "-orig-id")]
    orig_id: Option<String>,
    doc: Option<String>,
    r#type: Option<serde_json::Value>,
    size: Option<serde_json::Value>,
    value: Option<serde_json::Value>,
    valid: Option<serde_json::Value>,
}

/// The name of a value of an enum: where a language has another use for it, the text's name stands beside it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Same(String),
    Other {
        #[serde(rename = "-orig-id")]
        orig_id: String,
    },
}

impl Name {
    fn of_text(&self) -> &str {
        match self {
            Self::Same(name) | Self::Other { orig_id: name } => name,
        }
    }
}

fn spec(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of the grammar by name.
fn grammar() -> BTreeMap<String, Type> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec/kaitai");
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: BTreeMap<_, _> = names
        .filter(|name| name.ends_with(".ksy"))
        .map(|name| {
            let file = serde_saphyr::from_str(&spec(&format!("kaitai/{name}")));
            (name.replace(".ksy", ""), file.unwrap_or_else(|error| panic!("{name}: {error}")))
        })
        .collect();
    assert!(!files.is_empty());
    files
}

fn registry() -> Table {
    spec("registry.toml").parse().unwrap()
}

fn rows(registry: &Table, name: &str) -> Vec<Table> {
    registry[name].as_array().unwrap().iter().map(|row| row.as_table().unwrap().clone()).collect()
}

/// The names of the registry by number, in small letters.
fn numbered(registry: &Table, rows_of: &str, number: &str) -> BTreeMap<u64, String> {
    rows(registry, rows_of)
        .iter()
        .map(|row| {
            // A signal's type differs from the others in its least significant byte alone.
            let number = row[number].as_integer().map_or_else(
                || {
                    u64::from_str_radix(
                        row[number].as_str().unwrap().strip_prefix("FFFFFFFFFFFFFF").unwrap(),
                        16,
                    )
                },
                |number| Ok(u64::try_from(number).unwrap()),
            );
            (number.unwrap(), row["name"].as_str().unwrap().to_lowercase())
        })
        .collect()
}

#[test]
fn enums_are_those_of_the_registry() {
    let (registry, grammar) = (registry(), grammar());
    let mut expected = BTreeMap::from([
        (("snow_dist_frame", "tag"), numbered(&registry, "frame", "tag")),
        (("snow_dist_frame", "close_code"), numbered(&registry, "close", "code")),
        (("snow_dist_handshake", "tag"), numbered(&registry, "handshake", "tag")),
        (("snow_dist_handshake", "reject_code"), numbered(&registry, "reject", "code")),
        (("snow_dist_extension", "extension_type"), numbered(&registry, "extension", "type")),
        (("snow_dist_extension", "capability"), numbered(&registry, "capability", "bit")),
        (("snow_dist_reason", "tag"), numbered(&registry, "reason", "tag")),
        (("snow_dist_signal", "tag"), numbered(&registry, "signal", "type")),
        (("snow_dist_term", "tag"), numbered(&registry, "term", "tag")),
        // These two stand in the text alone.
        (("snow_dist_term", "key_type"), BTreeMap::from([(0, "int".to_owned()), (1, "string".to_owned())])),
    ]);
    for (file, it) in &grammar {
        for (name, values) in &it.enums {
            let found: BTreeMap<_, _> =
                values.iter().map(|(&number, name)| (number, name.of_text().to_owned())).collect();
            let expected = expected.remove(&(file.as_str(), name.as_str()));
            assert_eq!(Some(found), expected, "{file}: enum {name}");
            // Some languages have one room for both.
            assert!(!it.types.contains_key(name), "{file}: {name} is a type and an enum");
        }
    }
    assert!(expected.is_empty(), "{expected:?}");
}

#[test]
fn fields_are_those_of_the_registry() {
    let (registry, grammar) = (registry(), grammar());
    for (rows_of, file) in
        [("frame", "snow_dist_frame"), ("handshake", "snow_dist_handshake"), ("signal", "snow_dist_signal")]
    {
        for row in rows(&registry, rows_of) {
            let name = row["name"].as_str().unwrap().to_lowercase();
            let expected: Vec<_> = row["fields"]
                .as_array()
                .unwrap()
                .iter()
                .map(|field| (field["name"].as_str().unwrap(), field["type"].as_str().unwrap().to_owned()))
                .collect();
            let found = match name.as_str() {
                "nodedown" | "nodeup" => "node",
                other => other,
            };
            let found = &grammar[file].types[found];
            assert_eq!(fields(found), expected, "{file}: {name}");
        }
    }
    for (list, element) in [("names", "str16"), ("entries", "entry")] {
        let list = &grammar["snow_dist_frame"].types[list];
        assert_eq!(list.seq[1].r#type.as_ref().unwrap().as_str().unwrap().rsplit(':').next(), Some(element));
    }
    let entry =
        [("name", "str16"), ("pid", "pid"), ("node", "str16")].map(|(name, of)| (name, of.to_owned()));
    assert_eq!(fields(&grammar["snow_dist_frame"].types["entry"]), entry);
}

/// The fields of a type as a table has them: without what holds a rule and no byte, and without surplus.
fn fields(it: &Type) -> Vec<(&str, String)> {
    it.seq
        .iter()
        .map(|field| (field.orig_id.as_ref().or(field.id.as_ref()).unwrap().as_str(), table_type(field)))
        .filter(|(name, _)| !["trailing", "beside_block"].contains(name))
        .collect()
}

/// The type of a field in the words of the tables.
fn table_type(field: &Attribute) -> String {
    let Some(of) = &field.r#type else {
        return field.size.as_ref().map_or_else(|| "rest".to_owned(), |size| format!("[{size}]"));
    };
    let of = of.as_str().unwrap().split('(').next().unwrap();
    match of.strip_prefix("snow_dist_field::").or_else(|| of.strip_prefix("snow_dist_")).unwrap_or(of) {
        "u1" => "u8",
        "u2" => "u16",
        "u4" => "u32",
        "u8" => "u64",
        "str" => "text",
        other => other,
    }
    .to_owned()
}

/// Constants are instances with a number for a value.
fn constants(it: &Type, found: &mut BTreeMap<String, u64>) {
    for (name, instance) in &it.instances {
        let literal = instance.value.as_ref().and_then(serde_json::Value::as_u64);
        if let Some(number) = literal {
            assert_eq!(*found.entry(name.clone()).or_insert(number), number, "{name}");
        }
    }
    it.types.values().for_each(|it| constants(it, found));
}

#[test]
fn limits_and_constants_are_those_of_the_registry() {
    let (registry, grammar) = (registry(), grammar());
    let mut found = BTreeMap::new();
    grammar.values().for_each(|it| constants(it, &mut found));
    for limit in [
        "handshake_bytes_max",
        "frame_bytes_max",
        "extension_bytes_max",
        "versions_max",
        "node_name_bytes_max",
        "reject_text_bytes_max",
        "term_depth_max",
        "term_elements_max",
        "term_string_bytes_max",
        "term_bytes_max",
        "extension_mandatory_from",
        "port_default",
    ] {
        let number = found.remove(limit).unwrap_or_else(|| panic!("{limit}"));
        let stated = registry["limits"].get(limit).or_else(|| registry["constants"].get(limit)).unwrap();
        assert_eq!(u64::try_from(stated.as_integer().unwrap()), Ok(number), "{limit}");
    }
    assert!(found.is_empty(), "the registry does not know {found:?}");

    let magic = hex::decode(registry["constants"]["magic"].as_str().unwrap()).unwrap();
    let begins = |bytes: &[u8]| {
        let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:#04x}")).collect();
        format!("ahead == [{}]", bytes.join(", "))
    };
    let extension = &grammar["snow_dist_extension"].instances;
    assert_eq!(extension["is_present"].value.as_ref().unwrap(), &begins(&magic));
    let cut: Vec<_> = (1..magic.len()).map(|length| begins(&magic[..length])).collect();
    assert_eq!(extension["is_cut"].value.as_ref().unwrap(), &cut.join(" or "));
    let version = &grammar["snow_dist_term"].seq[0];
    assert_eq!(version.valid.as_ref().unwrap().as_i64(), registry["constants"]["term_version"].as_integer());
}

/// Visits a file and all types in it.
fn visit(name: &str, it: &Type, look: &mut impl FnMut(&str, &Type)) {
    look(name, it);
    for (inner, of) in &it.types {
        visit(&format!("{name}::{inner}"), of, look);
    }
}

#[test]
fn all_is_documented_and_refers_to_what_exists() {
    let texts = ["dist.md", "handshake.md", "stf.md"].map(|file| (file, spec(file)));
    let places: BTreeSet<_> = texts.iter().flat_map(|(file, text)| headings(file, text)).collect();
    let named = |text: &str| texts.iter().any(|(_, markdown)| markdown.contains(&format!("\n### [{text}] ")));
    let mut requirements = 0;
    for (file, it) in grammar() {
        visit(&file, &it, &mut |name, it| {
            let place = it.doc_ref.as_ref().unwrap_or_else(|| panic!("{name} has a doc-ref"));
            assert!(places.contains(place), "{name}: there is no {place}");
            let attributes = it.seq.iter().chain(&it.params).map(|it| (it.id.as_deref(), it));
            let instances = it.instances.iter().map(|(name, it)| (Some(name.as_str()), it));
            let docs = attributes.chain(instances).map(|(id, it)| (id.unwrap(), &it.doc));
            for (id, doc) in docs.chain([("type", &it.doc)]) {
                let doc = doc.as_ref().unwrap_or_else(|| panic!("{name}: {id} has a doc"));
                for requirement in identifiers(doc) {
                    requirements += 1;
                    assert!(named(requirement), "{name}: {id}: there is no {requirement}");
                }
            }
        });
    }
    assert!(requirements > 50, "{requirements}");
}

/// The links to the headings of a text, as `dist.md#frames`.
fn headings(file: &str, text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_lowercase())
        .map(|title| title.chars().filter(|c| c.is_alphanumeric() || " _-".contains(*c)).collect::<String>())
        .map(|title| format!("{file}#{}", title.replace(' ', "-")))
        .collect()
}

/// What looks like the number of a requirement.
fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|word| ["DIST-", "HS-", "STF-"].iter().any(|prefix| word.starts_with(prefix)))
}

#[test]
fn the_codec_judges_the_cases_as_the_grammar_does() {
    let schema = serde_json::from_str(&spec("vectors/schema/vectors.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let file = serde_json::from_str(&spec("kaitai/cases.json")).unwrap();
    let errors: Vec<_> = validator.iter_errors(&file).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for case in run::read("../kaitai/cases.json") {
        let id = &case["id"];
        for (reading, name) in [(Reading::Strict, "strict"), (Reading::Compatible, "compatible")] {
            match run::decode(case["kind"].as_str().unwrap(), &run::bytes(&case), reading) {
                Ok(value) => assert_eq!((&case[name], &case["value"]), (&"valid".into(), &value), "{id}"),
                Err(error) => {
                    let found = (error.kind.name(), error.field.to_string(), error.at);
                    let expected = &case[name];
                    assert_eq!(expected["kind"], found.0, "{id}: {error}");
                    assert_eq!(expected["field"], found.1, "{id}: {error}");
                    assert_eq!(expected["at"], found.2, "{id}: {error}");
                }
            }
        }
    }
}
