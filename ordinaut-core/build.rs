//! Writes the statements of `sql/` as the library sends them, with the texts of blocks in the
//! places of their names. So what several statements must do alike is written once, and costs
//! nothing at run time. Functions are put into one list, each behind those that it calls, with a
//! hash of all their text. And cargo looks at the migrations: the macro that embeds them cannot say
//! that it read a folder.

#[path = "build/blocks.rs"]
mod blocks;

use blocks::{blocks, expand, read, statements};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let generated = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let out = generated.join("sql");
    // A statement that was renamed is not to be found under its old name.
    fs::remove_dir_all(&out).ok();
    println!("cargo:rerun-if-changed=sql");
    println!("cargo:rerun-if-changed=migrations");
    let blocks = blocks(Path::new("sql"));
    let mut functions = BTreeMap::new();
    for file in statements(Path::new("sql")) {
        let target = out.join(file.strip_prefix("sql").expect("it was found there"));
        let text = expand(&read(&file), &blocks, &file);
        fs::create_dir_all(target.parent().expect("it has a folder")).expect("OUT_DIR can be written");
        fs::write(target, &text).expect("OUT_DIR can be written");
        if file.starts_with("sql/functions") {
            functions.insert(file.file_stem().unwrap_or_default().to_string_lossy().into_owned(), text);
        }
    }
    fs::write(generated.join("functions.rs"), list(&functions)).expect("OUT_DIR can be written");
}

/// The functions as Rust: their names and texts, and the hash by which a schema's functions are
/// compared with these.
fn list(functions: &BTreeMap<String, String>) -> String {
    let mut ordered = Vec::new();
    for name in functions.keys() {
        behind_those_that_it_calls(name, functions, &mut Vec::new(), &mut ordered);
    }
    let mut entries = String::new();
    let mut hash = FNV_OFFSET;
    for name in ordered {
        let text = &functions[name];
        // Behind each text a byte that no text has, so that text which moves from one file to the
        // next changes the hash.
        for byte in text.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        }
        entries += &format!("    ({name:?}, {text:?}),\n");
    }
    format!(
        "pub(crate) const FUNCTIONS: &[(&str, &str)] = &[\n{entries}];\n\npub(crate) const HASH: &str = \"{hash:016x}\";\n"
    )
}

/// The numbers of FNV-1a with 64 bits: a hash that notices changes, and that no other version of
/// Rust computes differently.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

fn behind_those_that_it_calls<'a>(
    name: &'a str,
    functions: &'a BTreeMap<String, String>,
    callers: &mut Vec<&'a str>,
    ordered: &mut Vec<&'a str>,
) {
    if ordered.contains(&name) {
        return;
    }
    assert!(!callers.contains(&name), "sql/functions: {callers:?} call each other: no order is right for them");
    callers.push(name);
    let code: String = functions[name].lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    for called in functions.keys().filter(|called| *called != name && calls(&code, called)) {
        behind_those_that_it_calls(called, functions, callers, ordered);
    }
    callers.pop();
    ordered.push(name);
}

fn calls(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}("))
        .any(|(at, _)| !code[..at].ends_with(|before: char| before.is_ascii_alphanumeric() || before == '_'))
}
