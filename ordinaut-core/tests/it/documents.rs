//! The documents say what the code says.

use ordinaut_core::Outcome;
use ordinaut_core::job::JobState;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// One screen less than a reader's patience.
const LONGEST_README: usize = 150;

/// What an embedder reads in one go.
const LONGEST_GUIDE: usize = 220;

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name)).unwrap()
}

/// What stands below a heading of a document, up to the next.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, below) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    below.split("\n## ").next().unwrap()
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
    let shown: Vec<_> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
    assert_eq!(shown, Outcome::ALL.map(Outcome::as_str));
}

#[test]
fn the_readme_is_short() {
    let lines = document("README.md").lines().count();
    assert!(lines <= LONGEST_README, "README.md has {lines} lines, of {LONGEST_README} at most");
}

/// The first word of each row of the table in a section.
fn first_column(section: &str) -> BTreeSet<&str> {
    section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

#[test]
fn the_guide_for_embedders_is_short_and_has_every_feature_and_example() {
    let guide = document("docs/library.md");
    let lines = guide.lines().count();
    assert!(lines <= LONGEST_GUIDE, "docs/library.md has {lines} lines, of {LONGEST_GUIDE} at most");

    let manifest = document("ordinaut-core/Cargo.toml");
    let features = manifest.split("\n[features]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let features: BTreeSet<_> =
        features.lines().filter_map(|line| line.split_once(" = [")).map(|(name, _)| name).collect();
    assert_eq!(first_column(guide.split("\n## ").next().unwrap()), features);

    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap();
    let files = files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>();
    let examples: BTreeSet<_> = files.iter().filter_map(|file| file.strip_suffix(".rs")).collect();
    assert_eq!(first_column(section(&guide, "Examples")), examples);
}

#[test]
fn every_file_that_a_document_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut documents =
        ["ARCHITECTURE.md", "CONTRIBUTING.md", "migrations/README.md", "docs/library.md"].map(str::to_owned).to_vec();
    let decisions = fs::read_dir(root.join("docs/decisions")).unwrap();
    documents.extend(decisions.map(|entry| format!("docs/decisions/{}", entry.unwrap().file_name().to_string_lossy())));
    let homes = ["", "ordinaut-core", "ordinaut-core/src", "ordinaut-core/tests/it", "docs", "migrations", "benches"];
    let (mut named, mut missing) = (0, Vec::new());
    for name in documents {
        let text = document(&name);
        for quoted in text.split('`').skip(1).step_by(2) {
            let is_file = [".rs", ".sql"].iter().any(|end| quoted.ends_with(end));
            // A statement may be known by its name alone, and these are names that many files have.
            let is_one = quoted.contains('/') || (quoted.ends_with(".rs") && !["store.rs", "run.rs"].contains(&quoted));
            if is_file && is_one && !quoted.contains(['*', ' ', '<']) {
                named += 1;
                if !quoted.contains("NAME") && homes.iter().all(|home| !root.join(home).join(quoted).exists()) {
                    missing.push(format!("{name}: {quoted}"));
                }
            }
        }
    }
    assert!(named > 100, "{named} files are named: the documents are not where they were");
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn every_statement_that_a_comment_names_is_there() {
    let mut sources = crate::tidy::files("ordinaut-core/sql", "sql");
    let statements: Vec<_> = ["ordinaut-core/sql", "migrations", "ops"]
        .iter()
        .flat_map(|home| crate::tidy::files(home, "sql"))
        .map(|file| format!("/{}", crate::tidy::relative(&file)))
        .collect();
    sources.extend(crate::tidy::files("ordinaut-core/src", "rs"));
    let (mut named, mut missing) = (0, Vec::new());
    for file in sources {
        let text = fs::read_to_string(&file).unwrap();
        let comments = text.lines().filter(|line| line.trim_start().starts_with(['/', '-']));
        let text = comments.collect::<Vec<_>>().join("\n");
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '*')));
        let names = words.map(|word| word.trim_end_matches('.')).filter(|word| word.ends_with(".sql"));
        for name in names.filter(|name| !name.contains('*') && *name != ".sql") {
            named += 1;
            if !statements.iter().any(|statement| statement.ends_with(&format!("/{name}"))) {
                missing.push(format!("{}: {name}", crate::tidy::relative(&file)));
            }
        }
    }
    assert!(named > 20, "{named} statements are named: the code is not where it was");
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn every_decision_is_in_the_index() {
    let index = document("docs/decisions/README.md");
    let decisions = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/decisions");
    let names = fs::read_dir(decisions).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let missing: Vec<_> = names.filter(|name| name != "README.md" && !index.contains(&format!("]({name})"))).collect();
    assert!(missing.is_empty(), "docs/decisions/README.md lacks {missing:?}");
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut broken = Vec::new();
    // The library's README is that of the repository.
    let in_place = |file: &std::path::PathBuf| !file.is_symlink();
    for file in crate::tidy::files(".", "md").into_iter().filter(in_place) {
        let text = fs::read_to_string(&file).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let local = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
        for target in local {
            let path = target.split('#').next().unwrap();
            if !file.parent().unwrap().join(path).exists() {
                broken.push(format!("{}: {target}", file.strip_prefix(root).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Words that make a reader stop, and what to write instead. Decisions are as they were made.
const RIDDLES: &[(&str, &str)] = &[
    (" for ever ", "forever"),
    ("meanwhile", "at the same time, since then, while …"),
    (" so many ", "the number's name"),
    ("whoever ", "the worker that, the transaction that"),
    ("slip of the pen", "typo"),
    ("stands still", "is stuck"),
    (" so much ", "the number's name"),
    (" as ever ", "as usual, still"),
    ("all the same", "still, anyway"),
    ("called off", "cancelled"),
    ("good-bye", "shutdown"),
];

/// Words of others, or of before, for things that have a name here: what messages, help and
/// documents say instead.
const NOT_OUR_WORDS: &[(&str, &str)] = &[
    ("hint", "notification, notify"),
    ("hints", "notifications"),
    ("hinted", "notified"),
    ("shelf", "prefetch buffer"),
    ("reap", "rescue"),
    ("reaped", "rescued"),
    ("execution", "run, attempt"),
    ("executions", "runs, attempts"),
    ("finalize", "settle"),
    ("discarded", "dead"),
];

/// The remark on a text that has one of those words.
fn not_our_word(text: &str) -> Option<String> {
    let text = text.to_lowercase();
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
    let (word, ours) = words.find_map(|word| NOT_OUR_WORDS.iter().find(|(other, _)| *other == word))?;
    Some(format!("{word:?}: {ours}"))
}

/// The texts between quotes that have a blank in them, which names and keys have not, and the lines
/// in which they begin.
fn messages(source: &str) -> Vec<(usize, String)> {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let (mut found, mut line, mut chars) = (Vec::new(), 1, code.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            '/' if chars.peek() == Some(&'/') => {
                while chars.peek().is_some_and(|c| *c != '\n') {
                    chars.next();
                }
            }
            // A quote as a character.
            '\'' if chars.peek() == Some(&'"') => drop(chars.next()),
            '"' => {
                let (begin, mut text) = (line, String::new());
                while let Some(c) = chars.next().filter(|c| *c != '"') {
                    line += usize::from(c == '\n');
                    let c = if c == '\\' { chars.next().unwrap_or(c) } else { c };
                    text.push(c);
                }
                found.extend(text.contains(' ').then_some((begin, text)));
            }
            _ => {}
        }
    }
    found
}

#[test]
fn messages_and_help_use_our_words() {
    let (mut seen, mut remarks) = (0, Vec::new());
    for name in ["api", "cli", "core", "embedded", "runtime", "scheduler", "worker"] {
        for file in crate::tidy::files(&format!("ordinaut-{name}/src"), "rs") {
            let (place, source) = (crate::tidy::relative(&file), fs::read_to_string(&file).unwrap());
            let help = source.lines().enumerate().filter(|_| place.contains("cli/src/args"));
            let help =
                help.filter(|(_, line)| line.trim_start().starts_with("///")).map(|(n, line)| (n + 1, line.to_owned()));
            for (line, text) in messages(&source).into_iter().chain(help) {
                seen += 1;
                remarks.extend(not_our_word(&text).map(|remark| format!("{place}:{line}: {remark}")));
            }
        }
    }
    assert!(seen > 1000, "{seen} texts: the code is not as it was");
    assert!(remarks.is_empty(), "\n{}", remarks.join("\n"));
}

#[test]
fn a_message_is_found_in_the_code_around_it() {
    let code = "// \"no message\"\nlet a = ['\"', 'b'];\nwarn!(\"could not say \\\"it\\\"\");\n\"key\"\n#[cfg(test)]\n\"a test\"";
    assert_eq!(messages(code), [(3, "could not say \"it\"".to_owned())]);
    assert_eq!(not_our_word("a Hint came").unwrap(), "\"hint\": notification, notify");
    assert!(not_our_word("execution_time").is_none());
}

/// What a comment of the code does not begin with, besides: it leaves the noun to the reader.
const RIDDLING_STARTS: [&str; 9] = [
    "how many ",
    "how long ",
    "how often ",
    "how large ",
    "as many ",
    "as long ",
    "as often ",
    "as large ",
    "for how ",
];

#[test]
fn comments_are_in_plain_english() {
    let homes = ["benches/src", "migrations", "ordinaut-core/sql", "ordinaut-core/examples"];
    let crates = ["api", "cli", "core", "embedded", "runtime", "scheduler", "worker"];
    let sources = crates.map(|name| format!("ordinaut-{name}/src"));
    let mut remarks = Vec::new();
    for home in homes.map(str::to_owned).into_iter().chain(sources) {
        for file in crate::tidy::files(&home, "rs").into_iter().chain(crate::tidy::files(&home, "sql")) {
            let text = fs::read_to_string(&file).unwrap().to_lowercase();
            for (n, line) in text.lines().enumerate() {
                let comment = line.trim_start().trim_start_matches(['/', '!', '-', ' ']);
                let is_comment = comment.len() < line.trim_start().len();
                let start = RIDDLING_STARTS.iter().find(|start| is_comment && comment.starts_with(**start));
                let word = RIDDLES.iter().map(|(riddle, _)| riddle).find(|riddle| line.contains(**riddle));
                let place = crate::tidy::relative(&file);
                remarks.extend(start.or(word).map(|riddle| format!("{place}:{}: {riddle:?}", n + 1)));
            }
        }
    }
    assert!(remarks.is_empty(), "\n{}", remarks.join("\n"));
}

#[test]
fn documents_are_in_plain_english() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut remarks = Vec::new();
    for file in crate::tidy::files(".", "md") {
        let name = file.strip_prefix(root).unwrap().display().to_string();
        if name.starts_with("docs/decisions/") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap().to_lowercase();
        for (n, line) in text.lines().enumerate() {
            let found = RIDDLES.iter().filter(|(riddle, _)| line.contains(riddle));
            let found = found.map(|(riddle, plain)| format!("{riddle:?}: {plain}")).chain(not_our_word(line));
            remarks.extend(found.map(|remark| format!("{name}:{}: {remark}", n + 1)));
        }
    }
    assert!(remarks.is_empty(), "\n{}", remarks.join("\n"));
}
