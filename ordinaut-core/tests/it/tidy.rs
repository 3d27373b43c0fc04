//! Taste, as far as a machine can check it: the storeys of the house, sizes, first lines, nothing left over.

use ordinaut_core::settings::{ALL, About};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Who, what it must not name, and why.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "ordinaut-core/src/vocabulary",
        &["tokio", "sqlx", "fred", "Utc::now", "Instant", "rand::", "std::fs", "std::env"],
        "the vocabulary is pure: now and jitter are arguments",
    ),
    ("ordinaut-core/src/store", &["tokio::spawn", "fred", "axum"], "Postgres decides, Redis tells"),
    ("ordinaut-core/src/stream", &["store::", "sqlx"], "Redis decides nothing, so it asks Postgres nothing"),
    ("ordinaut-core/src/worker", SQL, "statements live in the store"),
    ("ordinaut-core/src/scheduler", SQL, "statements live in the store"),
    ("ordinaut-core/src/task", SQL, "statements live in the store"),
    ("ordinaut-api/src", DOORS, "doors use the library's public face"),
    ("ordinaut-scheduler/src", DOORS, "doors use the library's public face"),
    ("ordinaut-worker/src", DOORS, "doors use the library's public face"),
    ("ordinaut-cli/src", DOORS, "doors use the library's public face"),
];

const DOORS: &[&str] = &["sqlx::query", "fred"];

/// A statement, or a table that nobody but the store may name.
const SQL: &[&str] = &[
    "sqlx::query",
    "sql!(",
    "\"select ",
    "\"insert ",
    "\"update ",
    "\"delete ",
    "due_work",
    "dead_letter",
    "job_state",
    "outbox",
    "event_head",
    "outcome_count",
];

const LEFT_OVER: &[&str] = &["todo!", "dbg!", "unimplemented!", "TODO", "FIXME", "XXX"];

const MAX_LINES_OF_RUST: usize = 400;

const MAX_LINES_OF_SQL: usize = 60;

const MAX_LINES_OF_A_FUNCTION: usize = 150;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The path as a person in the repository would type it.
pub(crate) fn relative(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().display().to_string()
}

/// All files below a directory of the repository; none if it is not there.
pub(crate) fn files(directory: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![root().join(directory)];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            let left_out = path.is_symlink() || path.file_name().is_some_and(|name| name == "target" || name == ".git");
            if path.is_dir() && !left_out {
                directories.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Fails with every remark at once.
fn check(remarks: Vec<String>) {
    assert!(remarks.is_empty(), "\n{}", remarks.join("\n"));
}

/// A remark for each file below a directory that `look` finds fault with.
fn look_at(directory: &str, extension: &str, look: impl Fn(&str, &str) -> Vec<String>) -> Vec<String> {
    let files = files(directory, extension);
    files.iter().flat_map(|file| look(&relative(file), &fs::read_to_string(file).unwrap())).collect()
}

#[test]
fn arrows_only_point_down() {
    assert!(!files("ordinaut-core/src/vocabulary", "rs").is_empty(), "the house is not where it was");
    let remarks = FORBIDDEN.iter().flat_map(|(storey, words, why)| {
        look_at(storey, "rs", |name, text| {
            let named = words.iter().filter(|word| text.contains(**word));
            named.map(|word| format!("{name} names {word}: {why}")).collect()
        })
    });
    check(remarks.collect());
}

#[test]
fn every_file_says_what_it_is_for_and_fits_in_one_head() {
    check(look_at(".", "rs", |name, text| {
        let mut remarks = Vec::new();
        let crate_doc = text.starts_with("#![doc = include_str!(");
        if !text.starts_with("//!") && !crate_doc {
            remarks.push(format!("{name} must begin with //! and say what it is for"));
        }
        let lines = text.lines().count();
        if lines > MAX_LINES_OF_RUST && !name.contains("/tests/") {
            remarks.push(format!("{name} has {lines} lines, of {MAX_LINES_OF_RUST} at most"));
        }
        remarks
    }));
}

#[test]
fn no_setting_and_no_stored_length_of_time_is_added_to_an_instant() {
    // It panics where the sum cannot be told: compare what has elapsed, or use checked_add.
    const SUM: &str = "Instant::now() + ";
    let look = |name: &str, text: &str| -> Vec<String> {
        let is_constant = |sum: &&str| sum.starts_with(|c: char| c.is_ascii_uppercase());
        let sums = text.split(SUM).skip(1).filter(|sum| !is_constant(sum));
        sums.map(|sum| format!("{name} adds {} to an instant", sum.lines().next().unwrap_or_default())).collect()
    };
    check(look_at("ordinaut-core/src", "rs", look));
}

#[test]
fn one_file_says_what_a_failure_of_postgres_means() {
    const JUDGEMENTS: [&str; 4] = ["as_database_error", "sqlx::Error::Database", "PoolTimedOut", ".code()"];
    let judge = |name: &str, text: &str| -> Vec<String> {
        // What a process' exit code is has the same name.
        let is_judge = name.contains("/tests/") || name.ends_with("store/failure.rs");
        let words = JUDGEMENTS.iter().filter(|word| !is_judge && text.contains(**word));
        words.map(|word| format!("{name} names {word}: ask FailureKind in store/failure.rs")).collect()
    };
    let homes =
        ["ordinaut-core/src", "ordinaut-api/src", "ordinaut-cli/src", "ordinaut-scheduler/src", "ordinaut-worker/src"];
    check(homes.iter().flat_map(|home| look_at(home, "rs", judge)).collect());
}

#[test]
fn nothing_is_left_over() {
    let this_file = Path::new(file!()).file_name().unwrap().to_str().unwrap();
    let look = |name: &str, text: &str| -> Vec<String> {
        let words = LEFT_OVER.iter().filter(|word| !name.ends_with(this_file) && text.contains(**word));
        words.map(|word| format!("{name} has a {word} left")).collect()
    };
    let mut remarks = look_at(".", "rs", look);
    remarks.extend(look_at(".", "sql", look));
    check(remarks);
}

#[test]
fn every_statement_says_why_it_is_there_and_is_short() {
    check(look_at("ordinaut-core/sql", "sql", |name, text| {
        let mut remarks = Vec::new();
        if !text.starts_with("-- ") {
            remarks.push(format!("{name} must begin with a comment"));
        }
        let lines = text.lines().count();
        let most = if name.contains("/functions/") { MAX_LINES_OF_A_FUNCTION } else { MAX_LINES_OF_SQL };
        if lines > most {
            remarks.push(format!("{name} has {lines} lines, of {most} at most"));
        }
        remarks
    }));
}

#[test]
fn a_migration_is_ascii_and_says_what_its_tables_are() {
    check(look_at("migrations", "sql", |name, text| {
        let mut remarks = Vec::new();
        if !text.is_ascii() {
            remarks.push(format!("{name} must be ASCII, to be read in any encoding"));
        }
        let text = &format!("\n{text}");
        for kind in ["table", "view"] {
            let create = format!("\ncreate {kind} ");
            let made = text.split(&create).skip(1).filter_map(|rest| rest.split(' ').next());
            for new in made.filter(|new| !new.ends_with("_default")) {
                if !text.contains(&format!("comment on {kind} {new} is")) {
                    remarks.push(format!("{name} makes {new} without a comment"));
                }
            }
        }
        if text.contains("create function") || text.contains("create or replace function") {
            remarks.push(format!("{name} makes a function: its place is ordinaut-core/sql/functions"));
        }
        let number: u32 = name.trim_start_matches("migrations/")[..4].parse().unwrap();
        let last = format!("\nupdate schema_version set version = {number};\n");
        if number > 1 && !text.ends_with(&last) {
            remarks.push(format!("{name} must end with{last}"));
        }
        remarks
    }));
}

#[test]
fn nothing_becomes_free_in_place() {
    let look = |name: &str, text: &str| -> Vec<String> {
        let words: Vec<_> = text.split_whitespace().collect();
        let freed = words.join(" ").replace("session=", "session =").contains("session = null");
        freed.then(|| format!("{name} frees a lease in place: workers' floors have passed it")).into_iter().collect()
    };
    let mut remarks = look_at("ordinaut-core/sql", "sql", look);
    remarks.extend(look_at("migrations", "sql", look));
    check(remarks);
}

#[test]
fn the_example_environment_lists_every_setting_with_its_default() {
    let text = fs::read_to_string(root().join(".env.example")).unwrap();
    let listed: BTreeMap<&str, &str> = text.lines().filter_map(setting).collect();
    let known: BTreeMap<&str, &str> =
        ALL.iter().map(|About { name, default, .. }| (*name, default.unwrap_or_default())).collect();
    assert_eq!(listed, known);
}

/// `NAME=default`, or `# NAME=` where there is no default.
fn setting(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix('#').unwrap_or(line);
    let (name, value) = line.strip_prefix(' ').unwrap_or(line).split_once('=')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    is_name.then_some((name, value.trim()))
}
