//! Code, registry and text say the same.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::PathBuf;

use snow_dist_codec::frame::Close;
use snow_dist_codec::handshake::{Capabilities, ExtensionBuf, MAGIC, Reject, SENTINEL, proof};
use snow_dist_codec::layout::Sink;
use snow_dist_codec::{
    DEFAULT_PORT, Entries, Extension, Frame, Handshake, Names, Pid, Reading, Reason, Root, Signal, Text,
    UnknownRoot, limits, stf,
};
use snow_dist_tests::requirements::checks;
use snow_dist_tests::vectors::layout::Message;
use snow_dist_tests::vectors::messages;
use toml::{Table, Value};

fn spec(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec").join(file);
    std::fs::read_to_string(path).unwrap()
}

fn registry() -> Table {
    spec("registry.toml").parse().unwrap()
}

fn rows(registry: &Table, name: &str) -> Vec<Table> {
    registry[name].as_array().unwrap().iter().map(|row| row.as_table().unwrap().clone()).collect()
}

fn number(row: &Table, name: &str) -> u64 {
    u64::try_from(row[name].as_integer().unwrap()).unwrap()
}

fn text<'t>(row: &'t Table, name: &str) -> &'t str {
    row[name].as_str().unwrap()
}

fn fields(row: &Table) -> Vec<(String, String)> {
    row["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field.as_table().unwrap())
        .map(|field| (text(field, "name").to_owned(), text(field, "type").to_owned()))
        .collect()
}

/// Writes down names and types of fields.
#[derive(Default)]
struct Recorder(Vec<(String, String)>);

impl Recorder {
    fn add(&mut self, field: &str, kind: &str) -> Result<(), Infallible> {
        self.0.push((field.to_owned(), kind.to_owned()));
        Ok(())
    }
}

impl Sink for Recorder {
    type Error = Infallible;

    fn u8(&mut self, field: &'static str, _: u8) -> Result<(), Infallible> {
        self.add(field, "u8")
    }

    fn u16(&mut self, field: &'static str, _: u16) -> Result<(), Infallible> {
        self.add(field, "u16")
    }

    fn u32(&mut self, field: &'static str, _: u32) -> Result<(), Infallible> {
        self.add(field, "u32")
    }

    fn u64(&mut self, field: &'static str, _: u64) -> Result<(), Infallible> {
        self.add(field, "u64")
    }

    fn pid(&mut self, field: &'static str, _: Pid) -> Result<(), Infallible> {
        self.add(field, "pid")
    }

    fn array<const N: usize>(&mut self, field: &'static str, _: &[u8; N]) -> Result<(), Infallible> {
        self.add(field, &format!("[{N}]"))
    }

    fn str16(&mut self, field: &'static str, _: Text<'_>) -> Result<(), Infallible> {
        self.add(field, "str16")
    }

    fn str32(&mut self, field: &'static str, _: Text<'_>) -> Result<(), Infallible> {
        self.add(field, "str32")
    }

    fn rest(&mut self, field: &'static str, _: &[u8]) -> Result<(), Infallible> {
        self.add(field, "rest")
    }

    fn text(&mut self, field: &'static str, _: Text<'_>) -> Result<(), Infallible> {
        self.add(field, "text")
    }

    fn reason(&mut self, field: &'static str, _: &Reason<'_>) -> Result<(), Infallible> {
        self.add(field, "reason")
    }

    fn names(&mut self, field: &'static str, _: &Names<'_>) -> Result<(), Infallible> {
        self.add(field, "names")
    }

    fn entries(&mut self, field: &'static str, _: &Entries<'_>) -> Result<(), Infallible> {
        self.add(field, "entries")
    }

    fn extension(&mut self, field: &'static str, _: Option<&Extension<'_>>) -> Result<(), Infallible> {
        self.add(field, "extension")
    }

    fn invalid(&mut self, _: &'static str, _: &'static str) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The sample of a message that has the most fields: some are not in every payload.
fn fullest<'m>(samples: &'m [Message], name: &str) -> &'m Message {
    samples.iter().filter(|sample| sample.name == name).max_by_key(|sample| sample.fields.len()).unwrap()
}

/// A section without its heading.
fn section<'m>(markdown: &'m str, heading: &str) -> &'m str {
    let (_, section) = markdown
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("there is no section {heading}"));
    section.split("\n## ").next().unwrap()
}

/// The fields in the table of a section.
fn table(markdown: &str, heading: &str) -> Vec<(String, String)> {
    section(markdown, heading)
        .lines()
        .skip_while(|line| !line.starts_with("| field |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            (cells[1].trim_matches('`').to_owned(), cells[2].to_owned())
        })
        .collect()
}

#[test]
fn frames_are_those_of_the_registry_and_the_text() {
    let (registry, markdown, samples) = (registry(), spec("dist.md"), messages::frames());
    let rows = rows(&registry, "frame");
    let tags: Vec<_> = rows.iter().map(|row| (number(row, "tag"), text(row, "name"))).collect();
    let known: Vec<_> = Frame::TAGS.iter().map(|&(tag, name)| (u64::from(tag), name)).collect();
    assert_eq!(tags, known);
    for row in &rows {
        let name = text(row, "name");
        let bytes = fullest(&samples, name).bytes();
        let mut recorder = Recorder::default();
        let Ok(()) = Frame::decode(&bytes, Reading::Strict).unwrap().write_fields(&mut recorder);
        assert_eq!(recorder.0, fields(row), "{name}: registry");
        assert_eq!(recorder.0, table(&markdown, &format!("## {name}")), "{name}: dist.md");
        let (tag, version, minimum) = (number(row, "tag"), number(row, "version"), number(row, "minimum"));
        let section = section(&markdown, &format!("## {name}"));
        assert!(section.contains(&format!("Tag `{tag:02X}`, version {version}")), "{name}");
        assert!(section.contains(&format!("Minimum payload: {minimum} bytes")), "{name}");
        let link = name.to_lowercase();
        let listed = format!("| `{tag:02X}` | [{name}](#{link}) | {version} | {minimum} |");
        assert!(markdown.contains(&listed), "{listed}");
        let least =
            samples.iter().filter(|sample| sample.name == name).map(|sample| sample.bytes().len()).min();
        assert!(least.unwrap() as u64 >= number(row, "minimum"), "{name}");
    }
}

#[test]
fn handshake_messages_are_those_of_the_registry_and_the_text() {
    let (registry, markdown, samples) = (registry(), spec("handshake.md"), messages::handshake());
    let rows = rows(&registry, "handshake");
    let tags: Vec<_> = rows.iter().map(|row| (number(row, "tag"), text(row, "name"))).collect();
    let known: Vec<_> = Handshake::TAGS.iter().map(|&(tag, name)| (u64::from(tag), name)).collect();
    assert_eq!(tags, known);
    for row in &rows {
        let name = text(row, "name");
        let bytes = fullest(&samples, name).bytes();
        let mut recorder = Recorder::default();
        let Ok(()) = Handshake::decode(&bytes, Reading::Strict).unwrap().write_fields(&mut recorder);
        assert_eq!(recorder.0, fields(row), "{name}: registry");
        assert_eq!(recorder.0, table(&markdown, &format!("## {name}")), "{name}: handshake.md");
    }
}

#[test]
fn signals_are_those_of_the_registry() {
    let (registry, samples) = (registry(), messages::signals());
    let rows = rows(&registry, "signal");
    let tags: Vec<_> = rows.iter().map(|row| (text(row, "type").to_owned(), text(row, "name"))).collect();
    let known: Vec<_> = Signal::TAGS.iter().map(|&(tag, name)| (format!("{tag:016X}"), name)).collect();
    assert_eq!(tags, known);
    for row in &rows {
        let name = text(row, "name");
        let bytes = fullest(&samples, name).bytes();
        let mut recorder = Recorder::default();
        let Ok(()) = Signal::decode(&bytes, Reading::Strict).unwrap().0.write_fields(&mut recorder);
        assert_eq!(recorder.0, fields(row), "{name}");
    }
}

#[test]
fn reasons_and_terms_are_those_of_the_registry() {
    let registry = registry();
    let roots = [
        Root::Normal,
        Root::Error("".into()),
        Root::Killed,
        Root::Shutdown,
        Root::Custom("".into()),
        Root::Noconnection,
    ];
    for row in rows(&registry, "reason") {
        let (tag, name) = (number(&row, "tag"), text(&row, "name").to_lowercase());
        match roots.iter().find(|root| u64::from(root.tag()) == tag) {
            Some(root) => assert_eq!(root.kind(), name),
            None => assert_eq!((tag, &*name), (3, "linked")),
        }
        assert_eq!(UnknownRoot::new(&[tag as u8]), None);
    }
    assert!(UnknownRoot::new(&[7]).is_some());
    let terms: Vec<_> = rows(&registry, "term")
        .iter()
        .map(|row| (number(row, "tag"), text(row, "name").to_lowercase()))
        .collect();
    let known: Vec<_> = stf::TAGS.iter().map(|&(tag, name)| (u64::from(tag), name.to_lowercase())).collect();
    assert_eq!(terms, known);
    for (tag, _) in known {
        assert!(spec("stf.md").contains(&format!("| {tag} |")), "term {tag} stands in stf.md");
    }
}

#[test]
fn extensions_and_capabilities_are_those_of_the_registry() {
    let registry = registry();
    let mut block = ExtensionBuf::default();
    block.push_versions(&[2]).unwrap();
    block.push_capabilities(Capabilities::NONE).unwrap();
    block.push_incarnation(std::num::NonZeroU64::MIN).unwrap();
    block.push_frame_bytes_max(1).unwrap();
    block.push_reassembly_bytes_max(1).unwrap();
    block.push_fragmented_messages_max(1).unwrap();
    block.push_node_table_entries_max(1).unwrap();
    block.push_links_and_monitors_max(1).unwrap();
    let serde_json::Value::Object(shown) = serde_json::to_value(block.as_extension()).unwrap() else {
        panic!()
    };
    let kinds: Vec<_> = block.as_extension().iter().map(|tlv| u64::from(tlv.kind())).collect();
    let known: Vec<_> = kinds.into_iter().zip(shown.keys().map(String::as_str)).collect();
    let rows_of = rows(&registry, "extension");
    let stated: Vec<_> = rows_of.iter().map(|row| (number(row, "type"), text(row, "name"))).collect();
    assert_eq!(known, stated);

    let rows = rows(&registry, "capability");
    let stated: Vec<_> = rows.iter().map(|row| (text(row, "name"), 1 << number(row, "bit"))).collect();
    assert_eq!(Capabilities::NAMED.map(|(set, name)| (name, set.to_bits())), stated[..]);
}

/// A number as the text has it: 16 777 216.
fn grouped(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{} {:03}", grouped(number / 1_000), number % 1_000),
    }
}

#[test]
fn limits_and_constants_are_those_of_the_registry() {
    let registry = registry();
    let limits = registry["limits"].as_table().unwrap();
    for (name, value) in [
        ("handshake_bytes_max", u64::from(limits::HANDSHAKE_BYTES_MAX)),
        ("frame_bytes_max", u64::from(limits::FRAME_BYTES_MAX)),
        ("extension_bytes_max", limits::EXTENSION_BYTES_MAX as u64),
        ("versions_max", limits::VERSIONS_MAX as u64),
        ("node_name_bytes_max", limits::NODE_NAME_BYTES_MAX as u64),
        ("reject_text_bytes_max", limits::REJECT_TEXT_BYTES_MAX as u64),
        ("term_depth_max", limits::TERM_DEPTH_MAX as u64),
        ("term_elements_max", u64::from(limits::TERM_ELEMENTS_MAX)),
        ("term_string_bytes_max", u64::from(limits::TERM_STRING_BYTES_MAX)),
        ("term_bytes_max", u64::from(limits::TERM_BYTES_MAX)),
    ] {
        assert_eq!(number(limits, name), value, "{name}");
        assert!(spec("dist.md").contains(&format!("| `{name}` | {} |", grouped(value))), "{name}: dist.md");
    }
    let constants = registry["constants"].as_table().unwrap();
    let hex = |name: &str| hex::decode(text(constants, name)).unwrap();
    assert_eq!(hex("magic"), MAGIC);
    assert_eq!(hex("sentinel"), SENTINEL);
    assert_eq!(hex("key_info"), proof::KEY_INFO);
    assert_eq!(hex("label_initiator"), proof::LABEL_INITIATOR);
    assert_eq!(hex("label_acceptor"), proof::LABEL_ACCEPTOR);
    assert_eq!(text(constants, "tls_exporter_label").as_bytes(), proof::EXPORTER_LABEL);
    assert_eq!(number(constants, "term_version"), u64::from(stf::VERSION));
    assert_eq!(number(constants, "port_default"), u64::from(DEFAULT_PORT));
    assert_eq!(number(constants, "pid_local_max"), Pid::LOCAL_MAX);
    assert_eq!(number(constants, "pid_node_reader"), u64::from(Pid::NODE_READER));
    assert_eq!(number(constants, "pid_node_unknown"), u64::from(Pid::NODE_UNKNOWN));
    let from = u16::try_from(number(constants, "extension_mandatory_from")).unwrap();
    assert!(ExtensionBuf::default().push(from - 1, &[]).is_ok());
    assert!(ExtensionBuf::default().push(from, &[]).is_err());
}

/// A requirement as it stands in a text.
struct Requirement {
    number: String,
    file: String,
    anchor: String,
    /// Each line that is not blank, from the sentence on.
    lines: Vec<String>,
}

/// The names of all texts.
fn texts() -> Vec<String> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec");
    let mut names: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md"))
        .collect();
    names.sort();
    names
}

/// The lines of a text, and whether each stands in a code fence.
fn lines(markdown: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut fenced = false;
    markdown.lines().map(move |line| {
        let fence = line.starts_with("```");
        fenced ^= fence;
        (fenced || fence, line)
    })
}

/// Every requirement of every text.
fn requirements() -> Vec<Requirement> {
    let mut all = Vec::new();
    for file in texts() {
        // Whatever follows a heading of another kind belongs to no requirement.
        let mut open: Option<Requirement> = None;
        for (fenced, line) in lines(&spec(&file)) {
            if line.starts_with('#') && !fenced {
                all.extend(open.take());
                open = line.strip_prefix("### [").map(|heading| {
                    let (number, title) = heading.split_once(']').unwrap();
                    let (_, anchor) = title.split_once("{#").unwrap_or_else(|| panic!("{number}: anchor"));
                    let (number, anchor) = (number.to_owned(), anchor.trim_end_matches('}').to_owned());
                    Requirement { number, file: file.clone(), anchor, lines: Vec::new() }
                });
            } else if let Some(requirement) = &mut open
                && !line.is_empty()
            {
                requirement.lines.push(line.to_owned());
            }
        }
        all.extend(open);
    }
    all
}

/// How many key words of BCP 14 stand in a text; MUST NOT is one.
fn key_words(text: &str) -> usize {
    const KEY_WORDS: [&str; 7] = ["MUST", "REQUIRED", "SHALL", "SHOULD", "RECOMMENDED", "MAY", "OPTIONAL"];
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
    words.filter(|word| KEY_WORDS.contains(word)).count()
}

/// The file whose requirements have this prefix.
fn file_of(prefix: &str) -> &'static str {
    match prefix {
        "DIST" => "dist.md",
        "HS" => "handshake.md",
        "STF" => "stf.md",
        "SES" => "session.md",
        "CAP" => "capabilities.md",
        "GRP" => "groups.md",
        "CON" => "connection.md",
        "V1" => "version1.md",
        "SEC" => "security.md",
        _ => panic!("{prefix} is the prefix of no file"),
    }
}

/// The numbers in the first column of `retired.md`.
fn retired() -> BTreeSet<String> {
    let markdown = spec("retired.md");
    let cells = markdown.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    cells.filter(|cell| cell.split('-').count() == 3).map(str::to_owned).collect()
}

#[test]
fn requirements_have_their_form() {
    let mut seen = BTreeSet::new();
    let retired = retired();
    for requirement in requirements() {
        let number = &requirement.number;
        assert!(seen.insert(number.clone()), "{number} stands once");
        assert!(!retired.contains(number), "{number} is retired");
        let parts: Vec<_> = number.split('-').collect();
        let [prefix, area, count] = parts[..] else { panic!("{number} has three parts") };
        assert_eq!(file_of(prefix), requirement.file, "{number}");
        assert!(area.len() == 3 && area.bytes().all(|byte| byte.is_ascii_uppercase()), "{number}");
        assert!(count.len() == 3 && count.bytes().all(|byte| byte.is_ascii_digit()), "{number}");
        assert_eq!(requirement.anchor, number.to_lowercase(), "{number}: anchor");
        let sentence = &requirement.lines[0];
        assert_eq!(key_words(sentence), 1, "{number}: its sentence has one key word");
        assert!(sentence.ends_with('.'), "{number}: its sentence is one line");
    }
    let checks = checks();
    for (number, checked_by) in &checks {
        let is_reviewed = checked_by.starts_with("review: ");
        let is_known = ["vector", "peer", "vector, peer"].contains(&checked_by.as_str());
        assert!(is_reviewed || is_known, "{number}: {checked_by}");
    }
    assert_eq!(seen, checks.into_keys().collect(), "each of them has its line in checks.toml");
    for prefix in ["DIST", "HS", "STF", "SES", "CAP", "GRP", "CON", "V1"] {
        let count = seen.iter().filter(|number| number.starts_with(&format!("{prefix}-"))).count();
        assert!(count > 10, "{prefix}: {count}");
    }
}

#[test]
fn key_words_stand_in_requirements_only() {
    let all = requirements();
    for file in texts() {
        let of_file = all.iter().filter(|requirement| requirement.file == file).count();
        assert_eq!(key_words(&spec(&file)), of_file, "{file}: one for each requirement");
    }
}

/// The anchor that a heading without one of its own has.
fn heading_anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim();
    if let Some((_, anchor)) = heading.split_once("{#") {
        return anchor.trim_end_matches('}').to_owned();
    }
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|&c| c.is_alphanumeric() || c == '-' || c == '_').collect()
}

fn anchors(file: &str) -> BTreeSet<String> {
    let markdown = spec(file);
    lines(&markdown)
        .filter(|(fenced, line)| !fenced && line.starts_with('#'))
        .map(|(_, line)| heading_anchor(line))
        .collect()
}

#[test]
fn texts_refer_to_what_exists() {
    let anchors: BTreeMap<_, _> = texts().into_iter().map(|file| (file.clone(), anchors(&file))).collect();
    let numbers: BTreeSet<_> = requirements().into_iter().map(|requirement| requirement.number).collect();
    let retired = retired();
    let mut links = 0;
    for file in texts() {
        let markdown = spec(&file);
        for target in markdown.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let (to, anchor) = target.split_once('#').unwrap_or((target, ""));
            let to = if to.is_empty() { &file } else { to };
            if let Some(anchors) = anchors.get(to) {
                assert!(anchor.is_empty() || anchors.contains(anchor), "{file}: {target}");
                links += 1;
            } else {
                let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec").join(to);
                assert!(path.exists(), "{file}: {target}");
            }
        }
        for word in markdown.split(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
            let parts: Vec<_> = word.split('-').collect();
            if let [prefix, _, count] = parts[..]
                && ["DIST", "HS", "STF", "SES", "CAP", "GRP", "CON", "V1", "SEC"].contains(&prefix)
                && count.len() == 3
                && count.bytes().all(|byte| byte.is_ascii_digit())
            {
                let is_history = ["retired.md", "CHANGES.md"].contains(&&*file) && retired.contains(word);
                assert!(numbers.contains(word) || is_history, "{file}: {word} does not exist");
            }
        }
    }
    assert!(links > 50, "{links} links were looked at");
}

#[test]
fn requirements_and_vectors_name_each_other() {
    let requirements = checks();
    let mut named = BTreeSet::new();
    for (file, content) in snow_dist_tests::vectors::files() {
        for vector in content["vectors"].as_array().unwrap() {
            for requirement in vector["requirements"].as_array().unwrap() {
                let requirement = requirement.as_str().unwrap();
                assert!(requirements.contains_key(requirement), "{file}: {requirement} does not exist");
                named.insert(requirement.to_owned());
            }
        }
    }
    for (requirement, how) in requirements {
        let by_vector = how.split(", ").any(|way| way == "vector");
        assert_eq!(by_vector, named.contains(&requirement), "{requirement} is checked by: {how}");
    }
}

#[test]
fn codes_are_listed_in_the_text() {
    let registry = registry();
    for (table, markdown) in [("reject", "handshake.md"), ("close", "dist.md")] {
        for row in rows(&registry, table) {
            let listed = format!("{} {}", number(&row, "code"), text(&row, "name").replace('_', " "));
            assert!(spec(markdown).contains(&listed), "{markdown}: {listed}");
        }
    }
    for (table, codes) in [("reject", Reject::CODES), ("close", Close::CODES)] {
        let stated = rows(&registry, table);
        let stated: Vec<_> = stated.iter().map(|row| (number(row, "code"), text(row, "name"))).collect();
        let known: Vec<_> = codes.iter().map(|&(code, name)| (u64::from(code), name)).collect();
        assert_eq!(stated, known, "{table}");
    }
    assert!(matches!(registry.get("frame"), Some(Value::Array(_))));
}

#[test]
fn the_limits_of_a_node_are_those_of_the_registry_and_the_text() {
    use snow_dist_runtime::core::limits;
    let (registry, markdown) = (registry(), spec("connection.md"));
    let limits_of = registry["limits"].as_table().unwrap();
    for (name, value) in [
        ("handshake_deadline", limits::HANDSHAKE_DEADLINE.as_secs()),
        ("ack_deadline", limits::ACK_DEADLINE.as_secs()),
        ("handshakes_max", limits::HANDSHAKES_MAX as u64),
        ("handshakes_per_address_max", limits::HANDSHAKES_PER_ADDRESS_MAX as u64),
        ("probe_timeout", limits::PROBE_TIMEOUT.as_secs()),
        ("sessions_max", limits::SESSIONS_MAX as u64),
        ("sessions_per_address_max", limits::SESSIONS_PER_ADDRESS_MAX as u64),
        ("heartbeat_interval", limits::HEARTBEAT_INTERVAL.as_secs()),
        ("heartbeat_timeout", limits::HEARTBEAT_TIMEOUT.as_secs()),
        ("session_queue_bytes_max", limits::SESSION_QUEUE_BYTES_MAX as u64),
        ("session_reserve_bytes_max", limits::SESSION_RESERVE_BYTES_MAX as u64),
        ("signal_delay_bytes_max", limits::SIGNAL_DELAY_BYTES_MAX as u64),
        ("drain_deadline", limits::DRAIN_DEADLINE.as_secs()),
        ("reason_bytes_max", limits::REASON_BYTES_MAX as u64),
        ("mailbox_remote_bytes_max", limits::MAILBOX_REMOTE_BYTES_MAX as u64),
        ("unfinished_bytes_uncounted", limits::UNFINISHED_BYTES_UNCOUNTED as u64),
        ("mailbox_pair_part", limits::MAILBOX_PAIR_PART as u64),
        ("source_share_times", limits::SOURCE_SHARE_TIMES as u64),
        ("signals_beyond_part", limits::SIGNALS_BEYOND_PART as u64),
        ("signals_reserve_part", limits::SIGNALS_RESERVE_PART as u64),
        ("peer_shares_max", limits::PEER_SHARES_MAX as u64),
        ("unlinks_unanswered_max", limits::UNLINKS_UNANSWERED_MAX as u64),
        ("spawns_unanswered_max", limits::SPAWNS_UNANSWERED_MAX as u64),
        ("function_name_bytes_max", limits::FUNCTION_NAME_BYTES_MAX as u64),
        ("monitored_name_bytes_max", limits::MONITORED_NAME_BYTES_MAX as u64),
        ("message_bytes_counted", limits::MESSAGE_BYTES_COUNTED as u64),
        ("allocation_bytes_counted", limits::ALLOCATION_BYTES_COUNTED as u64),
        ("nodes_known_max", limits::NODES_KNOWN_MAX as u64),
        ("nodes_heard_of_max", limits::NODES_HEARD_OF_MAX as u64),
        ("global_name_bytes_max", limits::GLOBAL_NAME_BYTES_MAX as u64),
        ("global_names_bytes_max", limits::GLOBAL_NAMES_BYTES_MAX as u64),
        ("global_names_of_peers_bytes_max", limits::GLOBAL_NAMES_OF_PEERS_BYTES_MAX as u64),
        ("global_name_bytes_counted", limits::GLOBAL_NAME_BYTES_COUNTED as u64),
        ("version_1_cleanup", limits::VERSION_1_CLEANUP.as_secs()),
        ("cookie_bytes_advised", limits::COOKIE_BYTES_ADVISED as u64),
    ] {
        assert_eq!(number(limits_of, name), value, "{name}");
    }
    assert_eq!(number(limits_of, "close_text_bytes_max"), limits::CLOSE_TEXT_BYTES_MAX as u64);
    assert_eq!(number(limits_of, "frame_bytes_bound_min"), u64::from(limits::FRAME_BYTES_BOUND_MIN));
    assert_eq!(number(limits_of, "fragment_bytes_max"), u64::from(limits::FRAGMENT_BYTES_MAX));
    let fragmented = u64::from(limits::FRAGMENTED_FRAME_BYTES_MAX);
    assert_eq!(number(limits_of, "fragmented_frame_bytes_max"), fragmented);
    for (name, value) in [
        ("group_name_bytes_max", limits::GROUP_NAME_BYTES_MAX as u64),
        ("group_memberships_max", limits::GROUP_MEMBERSHIPS_MAX as u64),
        ("groups_message_bytes_max", limits::GROUPS_MESSAGE_BYTES_MAX as u64),
        ("groups_interval_max", limits::GROUPS_INTERVAL_MAX.as_secs()),
    ] {
        assert_eq!(number(limits_of, name), value, "{name}");
        assert!(spec("groups.md").contains(&format!("| `{name}` | {} |", grouped(value))), "{name}");
    }
    assert_eq!(number(limits_of, "reassembly_bytes_max"), limits::REASSEMBLY_BYTES_MAX);
    assert_eq!(number(limits_of, "fragmented_messages_max"), u64::from(limits::FRAGMENTED_MESSAGES_MAX));
    assert_eq!(number(limits_of, "node_table_entries_max"), u64::from(limits::NODE_TABLE_ENTRIES_MAX));
    assert_eq!(number(limits_of, "links_and_monitors_max"), u64::from(limits::LINKS_AND_MONITORS_MAX));
    // Every row of the text is in the registry, and has its value.
    let rows: Vec<_> = section(&markdown, "## Limits")
        .lines()
        .skip_while(|line| !line.starts_with("| name | default |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>())
        .collect();
    assert!(rows.len() > 20, "{}", rows.len());
    for row in rows {
        let name = row[1].trim_matches('`');
        assert_eq!(row[2], grouped(number(limits_of, name)), "{name}");
    }
}
