//! The requirements of the specification, as they stand in the texts, and what is cited of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use serde_json::Value;

/// The texts that hold requirements.
pub const TEXTS: [&str; 8] = [
    "dist.md",
    "handshake.md",
    "stf.md",
    "session.md",
    "capabilities.md",
    "groups.md",
    "connection.md",
    "version1.md",
];

/// A numbered requirement.
pub struct Requirement {
    /// The file it stands in.
    pub text: &'static str,
    /// Its number.
    pub id: String,
    /// What stands behind the number in its heading.
    pub title: String,
    /// The sentence with the key word.
    pub sentence: String,
    /// How it is checked: vector, peer, review.
    pub checked_by: String,
}

impl Requirement {
    /// The name of its section.
    #[must_use]
    pub fn anchor(&self) -> String {
        self.id.to_lowercase()
    }
}

fn spec() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec")
}

/// How each requirement is checked, by its number: `spec/checks.toml`.
#[must_use]
pub fn checks() -> BTreeMap<String, String> {
    let checks = std::fs::read_to_string(spec().join("checks.toml")).unwrap();
    let checks: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(&checks).unwrap();
    checks.into_values().flatten().collect()
}

/// All requirements, in the order in which they stand.
#[must_use]
pub fn all() -> Vec<Requirement> {
    TEXTS.iter().flat_map(|text| of(text)).collect()
}

fn of(text: &'static str) -> Vec<Requirement> {
    let (markdown, checks) = (std::fs::read_to_string(spec().join(text)).unwrap(), checks());
    markdown
        .split("\n### [")
        .skip(1)
        .map(|section| {
            let (heading, body) = section.split_once('\n').unwrap();
            let (id, title) = heading.split_once("] ").unwrap();
            let (title, anchor) = title.split_once(" {#").unwrap();
            assert_eq!(anchor.trim_end_matches('}'), id.to_lowercase(), "{id} is its own anchor");
            let mut lines = body.lines().filter(|line| !line.is_empty());
            Requirement {
                text,
                id: id.to_owned(),
                title: title.to_owned(),
                sentence: lines.next().unwrap().to_owned(),
                checked_by: checks[id].clone(),
            }
        })
        .collect()
}

/// The names of the files of a folder of `spec/` that end in this way.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(spec().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(ending)).collect()
}

/// Where a requirement is named by what a program runs: the files, by its number.
type Named = BTreeMap<String, BTreeSet<String>>;

fn add(named: &mut Named, ids: &[Value], file: &str) {
    for id in ids {
        named.entry(id.as_str().unwrap().to_owned()).or_default().insert(file.to_owned());
    }
}

fn named_by_vectors() -> Named {
    let mut named = Named::new();
    for file in files("vectors", ".json") {
        for vector in crate::run::read(&file) {
            add(&mut named, vector["requirements"].as_array().unwrap(), &format!("vectors/{file}"));
        }
    }
    named
}

fn named_by_cases() -> Named {
    let mut named = Named::new();
    for file in files("conformance", ".toml") {
        let text = std::fs::read_to_string(spec().join("conformance").join(&file)).unwrap();
        let cases: Value = toml::from_str(&text).unwrap();
        for case in cases["case"].as_array().unwrap() {
            add(&mut named, case["requirements"].as_array().unwrap(), &format!("conformance/{file}"));
        }
    }
    named
}

/// Citations, as tests have them, of the requirements that vectors check and of those that cases of the conformance
/// run are about. Tests run every vector, and the run against the node of this repository; what they are about stands
/// in them, so that nobody needs to say it again.
#[must_use]
pub fn cited_by_data() -> String {
    let (vectors, cases) = (named_by_vectors(), named_by_cases());
    let mut citations = String::new();
    for Requirement { text, id, sentence, checked_by, .. } in all() {
        let vectors = vectors.get(&id).filter(|_| checked_by.split(", ").any(|way| way == "vector"));
        let files: Vec<_> = vectors.into_iter().chain(cases.get(&id)).flatten().map(String::as_str).collect();
        if !files.is_empty() {
            let (anchor, files) = (id.to_lowercase(), files.join(" "));
            writeln!(citations, "//= spec/{text}#{anchor}\n//= reason={files}\n//# {sentence}\n").unwrap();
        }
    }
    citations
}

/// What is cited of one requirement.
#[derive(Default)]
struct Cited {
    implemented: BTreeSet<String>,
    /// Why no test shows it, though it is implemented.
    reviewed: BTreeSet<String>,
    tests: BTreeSet<String>,
    /// Files of vectors and of cases.
    data: BTreeSet<String>,
    /// Why it is not implemented.
    exception: Option<String>,
}

/// The page of all requirements, made of a report of duvet.
#[must_use]
pub fn page(report: &Value) -> String {
    let cited = cited(report);
    let (mut counts, mut tables) = (String::new(), String::new());
    for text in TEXTS {
        let requirements = of(text);
        let cited: Vec<_> = requirements.iter().map(|requirement| &cited[&requirement.anchor()]).collect();
        let count = |is: &dyn Fn(&Cited) -> bool| cited.iter().filter(|cited| is(cited)).count();
        let (all, not) = (cited.len(), count(&|cited| cited.exception.is_some()));
        let (shown, reviewed) = (count(&Cited::is_shown), count(&|cited| !cited.reviewed.is_empty()));
        assert_eq!(shown + reviewed + not, all, "{text}: each is one of the three");
        writeln!(counts, "| [{text}](#{}) | {all} | {shown} | {reviewed} | {not} |", text.replace('.', ""))
            .unwrap();
        write!(
            tables,
            "\n## {text}\n\n| requirement | implemented in | checked by | shown by |\n|---|---|---|---|\n"
        )
        .unwrap();
        for (requirement, cited) in requirements.iter().zip(cited) {
            writeln!(tables, "{}", row(requirement, cited)).unwrap();
        }
    }
    HEAD.replace("COUNTS\n", &counts) + &tables
}

const HEAD: &str = "\
# Coverage

Where each requirement is implemented in this project, and what shows that it is. This page is made by
[`.duvet/check.sh`](../.duvet/check.sh) of citations in the code and of the numbers that vectors and cases name; its
check fails when the page is not what is made.

*Tested* requirements are implemented and shown by vectors, cases or tests. *Reviewed* ones are implemented, and the reason
stands here why no test can show it. *Not implemented* ones bind parts that this project does not have, with the
reason. *Checked by* says what can show a requirement of any node: a vector, a running peer, or a reader of its code alone,
and then why ([checks.toml](checks.toml)).

| text | requirements | tested | reviewed | not implemented |
|---|---|---|---|---|
COUNTS
";

impl Cited {
    fn is_shown(&self) -> bool {
        self.reviewed.is_empty()
            && self.exception.is_none()
            && !(self.tests.is_empty() && self.data.is_empty())
    }
}

fn cited(report: &Value) -> BTreeMap<String, Cited> {
    let mut all: BTreeMap<_, Cited> = BTreeMap::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for annotation in report["annotations"].as_array().unwrap() {
        let cited = all.entry(text(&annotation["target_section"])).or_default();
        let (source, comment) = (text(&annotation["source"]), text(&annotation["comment"]));
        match annotation["type"].as_str() {
            Some("TEST") if source.starts_with("target/") => {
                cited.data.extend(comment.split(' ').map(str::to_owned));
            }
            Some("TEST") => drop(cited.tests.insert(source)),
            Some("EXCEPTION") => cited.exception = Some(comment.trim().to_owned()),
            Some("IMPLICATION") => {
                cited.implemented.insert(source);
                cited.reviewed.insert(comment);
            }
            Some(_) => {}
            None => drop(cited.implemented.insert(source)),
        }
    }
    all
}

fn row(requirement: &Requirement, cited: &Cited) -> String {
    let Requirement { text, id, title, checked_by, .. } = requirement;
    let files = |paths: &BTreeSet<String>| {
        paths.iter().map(|path| format!("[{path}](../{path})")).collect::<Vec<_>>()
    };
    let mut shown = Vec::new();
    for (what, folder) in [("vectors", "vectors/"), ("cases", "conformance/")] {
        let files = cited.data.iter().filter_map(|path| Some((path, path.strip_prefix(folder)?)));
        let links: Vec<_> = files.map(|(path, file)| format!("[{file}]({path})")).collect();
        if !links.is_empty() {
            shown.push(format!("{what}: {}", links.join(", ")));
        }
    }
    shown.extend(files(&cited.tests));
    shown.extend(cited.reviewed.iter().map(|reason| format!("review: {reason}")));
    shown.extend(cited.exception.iter().map(|reason| format!("not implemented: {reason}")));
    let (implemented, shown) = (files(&cited.implemented).join("<br>"), shown.join("<br>"));
    format!("| [{id}]({text}#{}) {title} | {implemented} | {checked_by} | {shown} |", requirement.anchor())
}
