//! The documents say what the code says.

use ordinaut_core::{JobState, Outcome};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// One screen less than a reader's patience.
const LONGEST_README: usize = 150;

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name)).unwrap()
}

/// What stands below a heading of a document, up to the next.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, below) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    below.split("\n## ").next().unwrap()
}

/// The words between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn the_diagram_of_states_shows_every_state_and_no_other() {
    let concepts = document("docs/concepts.md");
    let arrows = section(&concepts, "The states of a job").lines().filter_map(|line| line.split_once(" --> "));
    let ends = arrows.flat_map(|(from, to)| [from.trim(), to.split(':').next().unwrap().trim()]);
    let shown: BTreeSet<_> = ends.filter(|end| *end != "[*]").collect();
    assert_eq!(shown, BTreeSet::from(JobState::ALL.map(JobState::as_str)));
}

#[test]
fn the_table_of_outcomes_has_every_outcome_once_and_no_other() {
    let concepts = document("docs/concepts.md");
    let rows = section(&concepts, "The outcomes of an attempt").lines().filter(|line| line.starts_with("| `"));
    let shown: Vec<_> = rows.map(|row| quoted(row).next().unwrap()).collect();
    assert_eq!(shown, Outcome::ALL.map(Outcome::as_str));
}

#[test]
fn the_readme_is_short() {
    let lines = document("README.md").lines().count();
    assert!(lines <= LONGEST_README, "README.md has {lines} lines, of {LONGEST_README} at most");
}

#[test]
fn every_test_that_is_said_to_hold_an_invariant_exists() {
    let architecture = document("ARCHITECTURE.md");
    let rows = section(&architecture, "Invariants").lines().filter(|line| line.starts_with('|'));
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let named: BTreeSet<_> = rows.flat_map(quoted).filter(|word| word.ends_with(".rs")).collect();
    assert!(!named.is_empty(), "the table of invariants is not where it was");
    let missing: Vec<_> = named.iter().filter(|name| !tests.join(name).exists()).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names {missing:?}, which are not in ordinaut-core/tests/it");
}
