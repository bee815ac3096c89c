//! The case list against the texts: every requirement that a case is about exists.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use snow_dist_conform::cases::{self, Case, Filter, Level};

/// The requirements of the texts, and how each is checked.
fn requirements() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/checks.toml");
    let checks: BTreeMap<String, BTreeMap<String, String>> =
        toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    checks.into_values().flatten().collect()
}

/// Requirements that a peer can check, and that have no case: how they begin, and why.
const WITHOUT_A_CASE: &[(&str, &str)] = &[
    ("CAP-RXT-007", "a peer sees no difference between a process that waits and one that does not send"),
    ("CAP-NTB-", "the runner speaks for one node at a time to another, and an entry is about a third"),
];

/// A requirement that says that a peer checks it has a case, one that has a case says so, and one that has nothing but
/// its readers says why.
#[test]
fn every_requirement_is_checked_as_it_says() {
    let requirements = requirements();
    let cases = cases::all().unwrap();
    assert!(requirements.len() > 300, "{}", requirements.len());
    let mut cited = BTreeSet::new();
    for case in &cases {
        assert!(!case.requirements.is_empty(), "{} is about nothing", case.slug);
        for requirement in &case.requirements {
            assert!(requirements.contains_key(requirement), "{}: there is no {requirement}", case.slug);
            cited.insert(requirement);
        }
    }
    for (id, checked) in &requirements {
        if let Some(reason) = checked.strip_prefix("review") {
            assert!(reason.len() > ": because".len(), "{id}: why can nobody but a reader check it?");
        }
        let by_peer = checked.split(", ").any(|way| way == "peer");
        let excepted = WITHOUT_A_CASE.iter().any(|(beginning, _)| id.starts_with(beginning));
        if excepted && by_peer && !cited.contains(id) {
            continue;
        }
        assert_eq!(by_peer, cited.contains(id), "{id} says that it is checked by: {checked}");
    }
}

#[test]
fn slugs_are_words_and_titles_are_sentences() {
    for case in cases::all().unwrap() {
        let is_word =
            case.slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c));
        assert!(is_word, "{}", case.slug);
        assert!(case.title.starts_with(|c: char| c.is_uppercase() || c.is_numeric()), "{}", case.title);
        assert!(!case.title.ends_with('.'), "{}", case.title);
    }
}

/// A case can only be as strict as the weakest of its requirements: a recommendation has cases of its own.
#[test]
fn a_case_of_a_recommendation_is_no_must() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec");
    let texts: String = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok())
        .collect();
    let sentence = |id: &str| {
        let at = texts.split(&format!("### [{id}]")).nth(1).unwrap();
        at.split("\n\n").nth(1).unwrap().to_owned()
    };
    let is_weak = |id: &String| [" SHOULD ", " MAY "].iter().any(|word| sentence(id).contains(word));
    for case in cases::all().unwrap() {
        let weak: Vec<_> = case.requirements.iter().filter(|id| is_weak(id)).collect();
        assert_eq!(case.level != Level::Must, !weak.is_empty(), "{}: {weak:?}", case.slug);
    }
}

#[test]
fn filters_take_names_and_beginnings() {
    let cases = cases::all().unwrap();
    let taken = |filter: &Filter| -> Vec<String> {
        let takes = |case: &&Case| filter.takes(case, cases::Role::Acceptor);
        cases.iter().filter(takes).map(|case| case.slug.clone()).collect()
    };
    let by_slug = Filter { slugs: vec!["pong".into()], ..Filter::default() };
    assert_eq!(taken(&by_slug), ["pong"]);
    let beginning = Filter { slugs: vec!["pong*".into()], ..Filter::default() };
    assert_eq!(taken(&beginning), ["pong", "pong-of-the-last", "pong-unasked"]);
    let requirement = Filter { requirements: vec!["CON-HBT-007".into()], ..Filter::default() };
    assert_eq!(taken(&requirement), ["pong-unasked"]);
    let other_role = Filter { role: Some(cases::Role::Initiator), ..Filter::default() };
    assert_eq!(taken(&other_role), Vec::<String>::new());
}
