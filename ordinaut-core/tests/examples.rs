//! Each example runs to its end, and prints what its head says. Cargo builds examples when it runs
//! all tests of this package, and not beside `--test`, so this is not one of the tests in `it`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

/// For its tests. Cargo would build an example either to be tested or to be run.
#[allow(dead_code, reason = "the program is run by itself")]
#[path = "../examples/shop.rs"]
mod shop;

use ordinaut_embedded::{Installation, Postgres};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// More than the slowest example needs, on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(60);

/// An example is for reading. Comments and blank lines are not counted.
const MOST_LINES_OF_CODE: usize = 60;

/// Those that are there, with their text.
fn examples() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    files.map(|file| (name(&file), fs::read_to_string(&file).unwrap())).collect()
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// What an example is to print, by its head. Where several jobs run at once, their order is not
/// told.
fn promised(text: &str) -> Vec<&str> {
    let (_, below) = text.split_once("\n//! ```text\n").unwrap();
    let lines = below.split("\n//! ```").next().unwrap().lines().map(|line| line.trim_start_matches("//! "));
    sorted(lines)
}

fn sorted<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut lines: Vec<_> = lines.collect();
    lines.sort_unstable();
    lines
}

fn start(name: &str, url: Option<&str>) -> Child {
    // This test is in target/debug/deps.
    let built: PathBuf = env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples").join(name);
    let mut command = Command::new(&built);
    command.env_remove("DATABASE_URL").stdout(Stdio::piped()).stderr(Stdio::piped());
    command.envs(url.map(|url| ("DATABASE_URL", url)));
    command.spawn().unwrap_or_else(|error| {
        panic!("{}: {error}: `cargo test` builds it, and `cargo test --test examples` does not", built.display())
    })
}

#[track_caller]
fn must_print(name: &str, mut example: Child, promised: &[&str]) {
    let begun = Instant::now();
    while example.try_wait().unwrap().is_none() {
        if begun.elapsed() > LIMIT {
            example.kill().unwrap();
            panic!("{name} did not end within {LIMIT:?}, and printed {:?}", example.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = example.wait_with_output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} failed: {printed}{said}");
    assert_eq!(sorted(printed.lines()), promised, "{name} printed something else: {said}");
    assert_eq!(said, "", "{name} complained");
}

#[test]
fn every_example_prints_what_its_head_says() {
    let server = Postgres::temporary().unwrap();
    let psql = Installation::find().unwrap().bin.join("psql");
    let examples = examples();
    assert!(examples.len() > 8, "{:?}", examples.keys());
    let enabled = |name: &str| name != "encrypted" || cfg!(feature = "encryption");
    let started: Vec<_> = examples
        .iter()
        .filter(|(name, _)| enabled(name))
        .map(|(name, text)| {
            let create = format!("create database example_{name}");
            let created = Command::new(&psql).args([&server.url(), "-Xqc", &create]).status().unwrap();
            assert!(created.success(), "{create}");
            let url = server.url().replace("/postgres?", &format!("/example_{name}?"));
            (name, start(name, Some(&url)), promised(text))
        })
        .collect();
    for (name, example, promised) in started {
        must_print(name, example, &promised);
    }
}

#[test]
fn without_a_database_an_example_starts_one() {
    must_print("hello", start("hello", None), &promised(&examples()["hello"]));
}

#[test]
fn examples_are_short_and_say_how_to_run_them() {
    for (name, text) in examples() {
        let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
        let lines = text.lines().filter(is_code).count();
        assert!(lines <= MOST_LINES_OF_CODE, "{name} has {lines} lines of code, of {MOST_LINES_OF_CODE} at most");
        assert!(text.contains(&format!(" --example {name}`. It prints:\n")), "{name} does not say how to run it");
    }
}
