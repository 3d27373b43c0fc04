//! Tests: what documents and scripts tell people to type is understood by the parser, and every
//! verb that prints data has `--json`.

use crate::command;
use clap::Command;
use clap::error::ErrorKind;
use std::fs;
use std::path::Path;

/// What stands for something that a person fills in.
const PLACEHOLDERS: &[(&str, &str)] = &[
    (" …", " x"),
    ("…", ""),
    ("'*'", "all"),
    ("NAME", "name"),
    ("ID", "0199d3c8-5c1e-7b61-9a55-1f0a6c1f3d10"),
    ("NOUN VERB", "job list"),
    ("SHELL", "bash"),
];

fn documents() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut names = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(str::to_owned).to_vec();
    for (folder, extension) in [("docs", ".md"), ("ops", ".sh")] {
        let files =
            fs::read_dir(root.join(folder)).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        names.extend(files.filter(|name| name.ends_with(extension)).map(|name| format!("{folder}/{name}")));
    }
    names.into_iter().map(|name| (name.clone(), fs::read_to_string(root.join(name)).unwrap())).collect()
}

/// The words of a command as a shell passes them on, up to what it does with the output.
fn words(line: &str) -> Vec<String> {
    let filled = PLACEHOLDERS.iter().fold(line.to_owned(), |line, (word, value)| line.replace(word, value));
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in filled.chars() {
        match (c, quote) {
            ('\'' | '"', None) => (quote, word) = (Some(c), Some(word.unwrap_or_default())),
            (c, Some(open)) if c == open => quote = None,
            ('|' | '>' | '#' | ';' | ')' | '&', None) if word.is_none() => break,
            (' ', None) => words.extend(word.take()),
            // As in `health api|worker`, and at the end of a sentence.
            ('|' | ')' | ';', None) => break,
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// What is wrong with a command. In the middle of a sentence it may be shortened: what it must be
/// given may be missing.
fn fault(line: &str, shortened: bool) -> Option<String> {
    let error = command().try_get_matches_from(words(line)).err()?;
    let fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => shortened,
        _ => false,
    };
    (!fine).then(|| error.to_string())
}

#[test]
fn every_command_that_a_document_names_is_understood() {
    let (mut lines, mut remarks) = (0, Vec::new());
    for (name, text) in documents() {
        let mut remark = |n: usize, line: &str, shortened: bool| {
            lines += 1;
            remarks.extend(fault(line, shortened).map(|fault| format!("{name}: line {n}: {line}\n{fault}")));
        };
        let mut in_shell = false;
        for (n, line) in text.lines().enumerate() {
            in_shell = if line.starts_with("```") { line == "```sh" } else { in_shell };
            // A line of a script names commands in its comments and messages only.
            for quoted in line.split('`').skip(1).step_by(2).filter(|quoted| quoted.starts_with("ordinaut ")) {
                remark(n + 1, quoted, true);
            }
            if in_shell && line.starts_with("ordinaut ") {
                remark(n + 1, line, false);
            }
            if let Some((_, inside)) = line.split_once("exec api ordinaut ").filter(|_| name != "ops/test-compose.sh") {
                remark(n + 1, &format!("ordinaut {}", inside.split('`').next().unwrap_or_default()), false);
            }
        }
    }
    assert!(lines > 50, "{lines} commands are named: the documents are not as they were");
    assert!(remarks.is_empty(), "\n{}", remarks.join("\n"));
}

/// Verbs whose answer is no data: a server, and a script for a shell.
const WITHOUT_JSON: [&str; 2] = ["ordinaut dev", "ordinaut completions"];

#[test]
fn every_verb_that_prints_data_has_json() {
    fn lacking(command: &Command, path: &str, found: &mut Vec<String>) {
        let path = format!("{path} {}", command.get_name()).trim().to_owned();
        let verbs: Vec<_> = command.get_subcommands().filter(|verb| verb.get_name() != "help").collect();
        let has_json = command.get_arguments().any(|arg| arg.get_long() == Some("json"));
        if verbs.is_empty() && !has_json && !WITHOUT_JSON.contains(&&*path) {
            found.push(path.clone());
        }
        verbs.into_iter().for_each(|verb| lacking(verb, &path, found));
    }
    let mut found = Vec::new();
    lacking(&command(), "", &mut found);
    assert!(found.is_empty(), "{found:?} have no --json");
}

#[test]
fn every_verb_and_flag_has_a_text() {
    fn lacking(command: &Command, path: &str, found: &mut Vec<String>) {
        let path = format!("{path} {}", command.get_name()).trim().to_owned();
        if command.get_about().is_none() && !command.is_hide_set() {
            found.push(path.clone());
        }
        let arguments = command.get_arguments().filter(|arg| !arg.is_hide_set() && arg.get_help().is_none());
        if !command.is_hide_set() {
            found.extend(arguments.map(|arg| format!("{path} {}", arg.get_id())));
        }
        command.get_subcommands().for_each(|verb| lacking(verb, &path, found));
    }
    let mut found = Vec::new();
    lacking(&command(), "", &mut found);
    assert!(found.is_empty(), "{found:?} have no text");
}
