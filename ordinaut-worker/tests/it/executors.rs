//! What `docs/executors.md` says of arguments and outputs is what the types say.

use ordinaut_worker::{Argument, ExecutorInfo, executors};

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/executors.md");

/// Set, it says that the tables are to be written anew.
const RENEW: &str = "ORDINAUT_RENEW_EXECUTORS";

const END: &str = "<!-- end -->";

#[test]
fn the_tables_of_the_guide_are_those_of_the_types() {
    let guide = std::fs::read_to_string(GUIDE).unwrap();
    let now = executors().iter().fold(guide.clone(), |guide, executor| with_tables(&guide, executor));
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(GUIDE, &now).unwrap();
        return;
    }
    let line = now.lines().zip(guide.lines()).find(|(now, before)| now != before);
    assert!(
        now == guide,
        "docs/executors.md is not what the types say, first at {line:?}. Write it anew: \
         {RENEW}=1 cargo test -p ordinaut-worker --test it executors, and read what git shows"
    );
}

/// The guide with the tables of an executor in their place.
fn with_tables(guide: &str, executor: &ExecutorInfo) -> String {
    let begin = format!("<!-- {}: made from the code -->\n", executor.name);
    let place = guide.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = place.unwrap_or_else(|| panic!("docs/executors.md has no {begin}"));
    format!("{before}{begin}{}{END}{after}", tables(executor))
}

fn tables(executor: &ExecutorInfo) -> String {
    let mut text = format!("{}\n", executor.about);
    let (arguments, results) = (executor.arguments(), executor.results());
    if !arguments.is_empty() {
        text += "\n| argument | takes | default | meaning |\n|---|---|---|---|\n";
        for argument in &arguments {
            let Argument { name, takes, meaning, .. } = argument;
            text += &format!("| `{name}` | {takes} | {} | {meaning} |\n", default(argument));
        }
    }
    if !results.is_empty() {
        text += "\n| output | has | meaning |\n|---|---|---|\n";
        for Argument { name, takes, meaning, .. } in &results {
            text += &format!("| `{name}` | {takes} | {meaning} |\n");
        }
    }
    text
}

fn default(argument: &Argument) -> String {
    match &argument.default {
        _ if argument.required => "must be given".to_owned(),
        Some(default) => format!("`{default}`"),
        None => String::new(),
    }
}
