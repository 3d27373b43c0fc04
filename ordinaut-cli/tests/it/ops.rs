//! What `ops/` says, held against what there is: settings, metrics, migrations.

use crate::dev::client;
use crate::home::shared;
use ordinaut_runtime::settings::{ALL, About};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

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

/// The rows of the table in a section of a document.
fn rows<'a>(document: &'a str, heading: &str) -> Vec<&'a str> {
    let (_, below) = document.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = below.split("\n## ").next().unwrap();
    section.lines().filter(|line| line.starts_with("| `")).collect()
}

#[test]
fn the_guide_to_operations_says_of_every_setting_what_the_code_says() {
    let operations = read("docs/operations.md");
    let row = |about: &About| {
        let default = about.default.map(|default| format!("`{default}`")).unwrap_or_default();
        format!("| `{}` | {default} | {} | {} |", about.name, about.help, about.accepts)
    };
    let (documented, wanted) = (rows(&operations, "Settings"), ALL.iter().map(row).collect::<Vec<_>>());
    let missing: Vec<_> = wanted.iter().filter(|row| !documented.contains(&row.as_str())).collect();
    assert!(missing.is_empty(), "docs/operations.md has no row\n{missing:#?}");
    assert_eq!(documented.len(), wanted.len(), "docs/operations.md has a row of no setting");
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
    let exported = exported().await;
    let missing: Vec<_> = named.difference(&exported).collect();
    assert!(missing.is_empty(), "nobody exports {missing:?}; there are {exported:?}");
}

#[tokio::test]
async fn the_guide_to_operations_has_every_metric_that_is_exported_and_no_other() {
    let operations = read("docs/operations.md");
    let documented = metrics_in(&rows(&operations, "Metrics and alerts").join("\n"));
    assert_eq!(documented, exported().await);
    let of_http = metrics_in(&read("docs/http-api.md"));
    assert_eq!(documented, of_http);
}

/// The names of the samples that a running system tells, as queries know them.
async fn exported() -> BTreeSet<String> {
    let home = shared();
    // Without one there is nothing to tell of targets, nor of kinds that should be quick.
    home.run("target put watched --host 127.0.0.1:9").good();
    home.run("policy set watched --sla 3600").good();
    let token = fs::read_to_string(home.path(".ordinaut/api_token")).unwrap();
    let request = client().get(format!("{}/metrics", home.api)).bearer_auth(token.trim());
    let text = request.send().await.unwrap().text().await.unwrap();
    metrics_in(&text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n"))
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

/// Whether each function that is dropped is made anew behind the migrations: with a parameter more
/// it is another one to Postgres.
fn replaces_functions(words: &str, code: &str) -> bool {
    let name = |rest: &str| {
        let name = rest.split('(').next().unwrap_or_default().trim();
        name.strip_prefix("if exists ").unwrap_or(name).to_owned()
    };
    words == "drop function"
        && code
            .split("drop function ")
            .skip(1)
            .all(|rest| repository(&format!("ordinaut-core/sql/functions/{}.sql", name(rest))).exists())
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
        let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
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
