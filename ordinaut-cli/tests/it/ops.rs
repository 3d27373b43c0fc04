//! What `ops/` says, held against what there is: settings, metrics, migrations.

use crate::dev::client;
use crate::home::shared;
use crate::process::LIMIT;
use ordinaut_core::settings::ALL;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_setting_reaches_its_container() {
    let compose = read("ops/docker-compose.yml");
    let passed: BTreeSet<_> =
        compose.lines().filter_map(|line| line.trim().split_once(':')).map(|(key, _)| key).collect();
    let missing: Vec<_> = ALL
        .iter()
        .map(|about| about.name)
        .filter(|name| !passed.contains(name) && !passed.contains(format!("{name}_FILE").as_str()))
        .collect();
    assert!(missing.is_empty(), "ops/docker-compose.yml does not pass on {missing:?}");
}

/// The words in a text that begin like a metric of ours.
fn metrics_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("ordinaut_"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn every_metric_of_a_rule_or_panel_is_exported() {
    let named: BTreeSet<_> = ["ops/prometheus/rules.yml", "ops/grafana/dashboards/overview.json"]
        .iter()
        .flat_map(|path| metrics_in(&read(path)))
        .collect();
    assert!(named.len() > 5, "{named:?}");
    let home = shared();
    let token = fs::read_to_string(home.path(".ordinaut/api_token")).unwrap();
    // Nothing is told of what never happened: an attempt, which the worker tells when it renews its leases, and a request.
    home.enqueue("echo");
    let begun = Instant::now();
    loop {
        let request = client().get(format!("{}/metrics", home.api)).bearer_auth(token.trim());
        let exported = types_in(&request.send().await.unwrap().text().await.unwrap());
        let missing: Vec<_> = named.difference(&exported).collect();
        if missing.is_empty() {
            break;
        }
        assert!(begun.elapsed() < LIMIT, "nobody exports {missing:?}; there are {exported:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The names of what is exported, as queries know them.
fn types_in(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.to_owned() }).collect()
}

#[test]
fn every_alert_has_an_entry_in_the_runbook() {
    let operations = read("docs/operations.md");
    let headings: BTreeSet<_> = operations
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-"))
        .map(|anchor| anchor.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect::<String>())
        .collect();
    let rules = read("ops/prometheus/rules.yml");
    let anchors: Vec<_> = rules.lines().filter_map(|line| line.split_once("docs/operations.md#")).collect();
    assert_eq!(anchors.len(), rules.matches("- alert:").count(), "every alert names its entry");
    for (_, anchor) in anchors {
        assert!(headings.contains(anchor), "docs/operations.md has no heading #{anchor}");
    }
}

/// What an older binary may not survive.
const CONTRACTS: [&str; 7] =
    ["drop table", "drop column", "drop view", "drop function", "drop type", "rename", "set not null"];

/// Whether each function that is dropped is created anew: with a parameter more it is another one to Postgres.
fn replaces_functions(words: &str, code: &str) -> bool {
    let name = |rest: &str| rest.split('(').next().unwrap_or_default().trim().to_owned();
    words == "drop function"
        && code.split("drop function ").skip(1).all(|rest| code.contains(&format!("create function {}(", name(rest))))
}

#[test]
fn a_migration_that_takes_something_away_raises_the_oldest_binary() {
    let mut files: Vec<_> =
        fs::read_dir(repository("migrations")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    assert!(!files.is_empty());
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let code: String =
            text.lines().map(|line| line.split("--").next().unwrap_or_default().to_lowercase() + "\n").collect();
        // What a function will drop one day is no table that a binary knows: a partition.
        let code = code.split_whitespace().collect::<Vec<_>>().join(" ").replace("execute format('drop table", "");
        let retyped = |statement: &str| statement.contains("alter column") && statement.contains(" type ");
        let retyped = code.split(';').any(retyped).then_some(&"another type of a column");
        let taken = CONTRACTS.iter().filter(|words| code.contains(**words) && !replaces_functions(words, &code));
        let taken: Vec<_> = taken.chain(retyped).collect();
        assert!(
            taken.is_empty() || code.contains("oldest_binary ="),
            "{} says {taken:?}, and an older binary would still start: see migrations/README.md",
            path.display()
        );
    }
}
