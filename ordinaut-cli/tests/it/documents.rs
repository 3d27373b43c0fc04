//! What README and the guides tell people to type: each block of shell is run, in order, or says
//! why it is not.

use crate::home::{Dev, Home};
use ordinaut_embedded::Postgres;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Above a block that no test can run; a reason follows.
const NOT_RUN: &str = "<!-- not run: ";

/// The id in examples of requests; each occurrence is run with that of something that is there.
const EXAMPLE_ID: &str = "0199d3c8-5c1e-7b61-9a55-1f0a6c1f3d10";

/// Each curl of a block tells a file how it was answered, and prints the answer.
const PRELUDE: &str = r#"set -euo pipefail
curl() {
    local answer
    answer=$(mktemp)
    command curl "$@" -o "$answer" -w '%{http_code} %{method} %{url_effective}\n' >> "$CALLS"
    cat "$answer"
    rm "$answer"
}
"#;

/// Between what two blocks print.
const SEPARATOR: &str = "@@@ next block @@@";

struct Document {
    name: String,
    text: String,
}

/// A fenced block.
struct Block<'a> {
    line: usize,
    language: &'a str,
    text: String,
    /// It says that it is not run, and why.
    marked: bool,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn documents() -> Vec<Document> {
    let guides = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let guides = guides.map(|name| format!("docs/{}", name.into_string().unwrap()));
    let names = guides.filter(|name| name.ends_with(".md"));
    let names = ["README.md", "CONTRIBUTING.md"].map(str::to_owned).into_iter().chain(names);
    names.map(|name| Document { text: fs::read_to_string(root().join(&name)).unwrap(), name }).collect()
}

impl Document {
    fn blocks(&self) -> Vec<Block<'_>> {
        let lines: Vec<_> = self.text.lines().collect();
        let mut blocks = Vec::new();
        let mut open: Option<Block<'_>> = None;
        for (n, line) in lines.iter().enumerate() {
            match (line.strip_prefix("```"), open.take()) {
                (Some(""), Some(block)) => blocks.push(block),
                (Some(language), None) => {
                    let marked = n > 0 && lines[n - 1].starts_with(NOT_RUN) && lines[n - 1].ends_with(" -->");
                    open = Some(Block { line: n + 1, language, text: String::new(), marked });
                }
                (None, Some(mut block)) => {
                    block.text += line;
                    block.text += "\n";
                    open = Some(block);
                }
                (_, other) => open = other,
            }
        }
        assert!(open.is_none(), "{}: a fence is not closed", self.name);
        blocks
    }

    /// The blocks that are run, each with the JSON that the document shows right below as its
    /// answer.
    fn shell(&self) -> Vec<(Block<'_>, Option<Value>)> {
        let mut blocks = self.blocks().into_iter().peekable();
        let mut found = Vec::new();
        while let Some(block) = blocks.next() {
            if block.language == "sh" && !block.marked {
                let end = block.line + block.text.lines().count();
                let answer = blocks.peek().filter(|next| next.language == "json" && next.line <= end + 4);
                // What is shortened with … is no JSON.
                let answer = answer.and_then(|answer| answer.text.parse().ok());
                found.push((block, answer));
            }
        }
        found
    }
}

#[test]
fn every_block_of_shell_is_fenced_and_every_fence_says_its_language() {
    let mut remarks = Vec::new();
    for document in documents() {
        for block in document.blocks() {
            if !["sh", "json", "sql", "rust", "rust,no_run", "toml", "mermaid"].contains(&block.language) {
                remarks.push(format!("{}:{}: in which language?", document.name, block.line));
            }
        }
        for (n, line) in document.text.lines().enumerate() {
            let typed = ["    ordinaut ", "    ./ops/", "    curl ", "    api ", "    $ "];
            let in_list = document.text.lines().nth(n.saturating_sub(1)).is_some_and(|above| !above.trim().is_empty());
            if !in_list && typed.iter().any(|begin| line.starts_with(begin)) {
                remarks.push(format!("{}:{}: fence it with ```sh", document.name, n + 1));
            }
        }
    }
    assert!(remarks.is_empty(), "\n{}", remarks.join("\n"));
}

#[test]
fn every_command_of_the_documents_runs_beside_a_dev() {
    let home = Home::new();
    let dev = home.dev("--fault-kinds");
    let mut answers = 0;
    for document in documents().into_iter().filter(|document| document.name != "docs/library.md") {
        answers += run(&document, &home, &[], Some(&dev));
    }
    assert!(answers > 3, "{answers} answers are shown: the documents are not as they were");
}

#[test]
fn the_commands_of_the_guide_for_embedders_run_on_an_empty_database() {
    let (home, postgres) = (Home::new(), Postgres::temporary().unwrap());
    let guide = documents().into_iter().find(|document| document.name == "docs/library.md").unwrap();
    assert!(!guide.shell().is_empty());
    run(&guide, &home, &[("DATABASE_URL", &postgres.url())], None);
}

/// Runs the blocks of a document as one script, compares the answers with those that it shows, and
/// returns their number.
fn run(document: &Document, home: &Home, environment: &[(&str, &str)], dev: Option<&Dev>) -> usize {
    let blocks = document.shell();
    if blocks.is_empty() {
        return 0;
    }
    let task = dev.map(|_| home.run("task create --title t --kind nobody --cron @daily").good().to_owned());
    let mut script = PRELUDE.to_owned();
    for (block, _) in &blocks {
        let text = with_ids(&block.text, home, task.as_deref());
        let text = text.replace("http://127.0.0.1:8080", dev.map_or("http://127.0.0.1:8080", |dev| &dev.api));
        script += &format!("{text}\necho '{SEPARATOR}'\n");
    }
    let calls = home.path("calls");
    fs::write(&calls, "").unwrap();
    let binaries = Path::new(env!("CARGO_BIN_EXE_ordinaut")).parent().unwrap().display().to_string();
    let mut command = Command::new("bash");
    command.args(["-c", &script]).current_dir(home.path("")).envs(environment.iter().copied()).env("CALLS", &calls);
    command.env("PATH", format!("{binaries}:{}", std::env::var("PATH").unwrap()));
    if dev.is_some() {
        let token = fs::read_to_string(home.path(".ordinaut/api_token")).unwrap();
        command.env("API_ADMIN_TOKEN", token.trim()).env_remove("DATABASE_URL");
    }
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {:?}\n{out}\n{err}", document.name, output.status);
    for call in fs::read_to_string(&calls).unwrap().lines() {
        assert!(call.starts_with('2'), "{}: {call}\n{out}", document.name);
    }
    let mut compared = 0;
    for ((block, shown), answer) in blocks.iter().zip(out.split(SEPARATOR)) {
        let Some(shown) = shown else { continue };
        let answer: Value = answer.parse().unwrap_or_else(|error| panic!("{}: {error}: {answer}", document.name));
        let place = format!("{}:{}: the answer is {answer}", document.name, block.line);
        assert_eq!(differences(shown, &answer, ""), [""; 0], "{place}");
        // It goes by no clock but the one in the request.
        if block.text.contains("/schedules/preview") {
            assert_eq!(*shown, answer, "{place}");
        }
        compared += 1;
    }
    compared
}

/// The text with the ids of jobs and of a task that are there: each job is another one, in the
/// state that the request needs.
fn with_ids(text: &str, home: &Home, task: Option<&str>) -> String {
    let mut parts = text.split(EXAMPLE_ID);
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for rest in parts {
        let id = match task {
            Some(task) if filled.ends_with("/tasks/") => task.to_owned(),
            _ if filled.ends_with("/dead/") => {
                let id = home.enqueue(r#"fail --args {"how":"fatal"}"#);
                home.job_in("dead", &id);
                id
            }
            _ if rest.starts_with("/run-now")
                || rest.starts_with("/cancel")
                || filled.contains("-X PATCH $url/jobs/") =>
            {
                home.enqueue("nobody --delay 3600")
            }
            _ => home.enqueue("echo"),
        };
        filled += &id;
        filled += rest;
    }
    filled
}

/// The paths at which two documents have different fields. What a job was given or has made is its
/// own affair, and a list may be empty.
fn differences(shown: &Value, answer: &Value, path: &str) -> Vec<String> {
    match (shown, answer) {
        (Value::Object(shown), Value::Object(answer)) => {
            let names = |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<BTreeSet<_>>();
            let (ours, theirs) = (names(shown), names(answer));
            let here = ours.symmetric_difference(&theirs).map(|name| format!("{path}.{name}"));
            let both = ours.intersection(&theirs).filter(|name| !["args", "output"].contains(&&***name));
            let below = both.flat_map(|name| differences(&shown[name], &answer[name], &format!("{path}.{name}")));
            here.chain(below).collect()
        }
        (Value::Array(shown), Value::Array(answer)) => match (shown.first(), answer.first()) {
            (Some(shown), Some(answer)) => differences(shown, answer, path),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// What a script says of itself.
fn usage(script: &str) -> Option<String> {
    let path = root().join("ops").join(script);
    path.exists().then(|| String::from_utf8(Command::new(path).arg("--help").output().unwrap().stdout).unwrap())
}

#[test]
fn every_script_and_option_that_a_document_names_is_there() {
    let mut remarks = Vec::new();
    let mut named = 0;
    for document in documents() {
        for (n, line) in document.text.lines().enumerate() {
            for rest in line.split("ops/").skip(1) {
                let command = rest.split(['`', '#', '|', '(', ')', ';']).next().unwrap_or_default();
                let mut words = command.split_whitespace();
                let Some(script) = words.next().filter(|word| word.ends_with(".sh")) else { continue };
                named += 1;
                let place = format!("{}:{}: ops/{script}", document.name, n + 1);
                let Some(usage) = usage(script) else {
                    remarks.push(format!("{place} is not there"));
                    continue;
                };
                // What comes behind its environment is for docker compose.
                let options = words.map(|word| word.trim_matches(['[', ']', ',', '.', ':']));
                let options =
                    options.filter(|word| word.starts_with("--") && *word != "--help" && script != "compose.sh");
                remarks
                    .extend(options.filter(|option| !usage.contains(option)).map(|option| format!("{place} {option}")));
            }
        }
    }
    assert!(named > 30, "{named} scripts are named: the documents are not as they were");
    assert!(remarks.is_empty(), "\n{}", remarks.join("\n"));
}
