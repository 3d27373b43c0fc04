//! Statements as the library sends them: where one names a block (`{{name}}`), the text of
//! `sql/blocks/name.sql` takes its place, without its leading comment. A block may name others that
//! name none.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The blocks of a folder of statements by their names.
pub(crate) fn blocks(sql: &Path) -> BTreeMap<String, String> {
    let named = |file: &PathBuf| file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let texts: BTreeMap<String, String> =
        statements(&sql.join("blocks")).map(|file| (named(&file), block(&read(&file)))).collect();
    texts.iter().map(|(name, text)| (name.clone(), expand(text, &texts, Path::new(name)))).collect()
}

/// Every `.sql` file below a folder.
pub(crate) fn statements(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a folder's entries can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sql") {
                found.push(path);
            }
        }
    }
    found.into_iter()
}

/// The text of a file.
pub(crate) fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A block's text without the comment that it begins with.
fn block(text: &str) -> String {
    let body: Vec<_> = text.lines().skip_while(|line| line.starts_with("--")).collect();
    body.join("\n")
}

/// A statement with the blocks in the places of their names.
pub(crate) fn expand(text: &str, blocks: &BTreeMap<String, String>, file: &Path) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) =
            after.split_once("}}").unwrap_or_else(|| panic!("{}: a block's name has no end", file.display()));
        let block = blocks.get(name).unwrap_or_else(|| panic!("{}: there is no sql/blocks/{name}.sql", file.display()));
        expanded.push_str(before);
        expanded.push_str(block);
        rest = after;
    }
    expanded + rest
}
