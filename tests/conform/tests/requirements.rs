//! The case list against the texts: every requirement that a case is about exists.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use snow_dist_conform::cases::{self, Case, Filter, Level};

/// The requirements of the texts, each with its heading and the word that says how it is checked.
fn requirements() -> BTreeMap<String, (String, String)> {
    let mut found = BTreeMap::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for part in text.split("\n### [").skip(1) {
            let (id, rest) = part.split_once(']').unwrap();
            let title = rest.split('{').next().unwrap().trim().to_owned();
            let checked = rest.split("Checked by: ").nth(1).and_then(|how| how.split(['.', ',']).next());
            found.insert(id.to_owned(), (title, checked.unwrap_or_default().to_owned()));
        }
    }
    found
}

#[test]
fn every_requirement_of_a_case_exists() {
    let requirements = requirements();
    let cases = cases::all().unwrap();
    assert!(requirements.len() > 300, "{}", requirements.len());
    for case in &cases {
        assert!(!case.requirements.is_empty(), "{} is about nothing", case.slug);
        for requirement in &case.requirements {
            assert!(requirements.contains_key(requirement), "{}: there is no {requirement}", case.slug);
        }
    }
    // What only a running node can show, and no case shows yet: to be read with `--nocapture`.
    let cited: BTreeSet<_> = cases.iter().flat_map(|case| &case.requirements).collect();
    let uncited = requirements.iter().filter(|(id, (_, checked))| checked == "peer" && !cited.contains(id));
    let uncited: Vec<_> = uncited.map(|(id, (title, _))| format!("{id} {title}")).collect();
    let peer = requirements.values().filter(|(_, checked)| checked == "peer").count();
    println!(
        "{} cases, {} requirements; of {peer} that are checked by a peer {} have no case:\n{}",
        cases.len(),
        cited.len(),
        uncited.len(),
        uncited.join("\n")
    );
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
