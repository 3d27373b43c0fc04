//! Writes the statements of `sql/` as the library sends them: where one names a block (`{{name}}`), the text of
//! `sql/blocks/name.sql` takes its place, without its leading comment. So what several statements must do alike is
//! written once, and costs nothing at run time. And it makes cargo look at the migrations: the macro that embeds them cannot
//! say that it read a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("sql");
    println!("cargo:rerun-if-changed=sql");
    println!("cargo:rerun-if-changed=migrations");
    let blocks: BTreeMap<String, String> = statements(Path::new("sql/blocks"))
        .map(|file| (file.file_stem().unwrap_or_default().to_string_lossy().into_owned(), block(&read(&file))))
        .collect();
    for file in statements(Path::new("sql")) {
        let target = out.join(file.strip_prefix("sql").expect("it was found there"));
        fs::create_dir_all(target.parent().expect("it has a folder")).expect("OUT_DIR can be written");
        fs::write(target, expand(&read(&file), &blocks, &file)).expect("OUT_DIR can be written");
    }
}

/// Every `.sql` file below a folder.
fn statements(folder: &Path) -> impl Iterator<Item = PathBuf> {
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

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A block's text without the comment that it begins with.
fn block(text: &str) -> String {
    let body: Vec<_> = text.lines().skip_while(|line| line.starts_with("--")).collect();
    body.join("\n")
}

fn expand(text: &str, blocks: &BTreeMap<String, String>, file: &Path) -> String {
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
