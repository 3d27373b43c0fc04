//! Settings, held against what documents say of them.

use ordinaut_runtime::settings::database::DatabaseSettings;
use ordinaut_runtime::settings::{ALL, About, read_from};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

#[test]
fn the_example_environment_lists_every_setting_with_its_default() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.env.example")).unwrap();
    let listed: BTreeMap<&str, &str> = text.lines().filter_map(setting).collect();
    let known: BTreeMap<&str, &str> =
        ALL.iter().map(|About { name, default, .. }| (*name, default.unwrap_or_default())).collect();
    assert_eq!(listed, known);
}

/// `NAME=default`, or `# NAME=` where there is no default.
fn setting(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix('#').unwrap_or(line);
    let (name, value) = line.strip_prefix(' ').unwrap_or(line).split_once('=')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    is_name.then_some((name, value.trim()))
}

#[test]
fn kinds_to_encrypt_need_keys_and_bad_keys_are_not_shown() {
    let read = |pairs: &[(&str, &str)]| {
        let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let url = ("DATABASE_URL".to_owned(), "postgres://x@x/x".to_owned());
        DatabaseSettings::read(&read_from([], environment.chain([url])).unwrap())
    };
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let keys = format!("k1:{key}");
    assert!(read(&[("ARGS_KEYS", &keys), ("ARGS_ENCRYPT_KINDS", "charge, pay")]).is_ok());
    let alone = read(&[("ARGS_ENCRYPT_KINDS", "charge")]).unwrap_err().to_string();
    assert!(alone.starts_with("ARGS_ENCRYPT_KINDS is \"charge\"") && alone.contains("ARGS_KEYS"), "{alone}");
    let bad = read(&[("ARGS_KEYS", &keys[..10])]).map(drop).unwrap_err().to_string();
    assert!(bad.starts_with("ARGS_KEYS is \"(secret)\"") && !bad.contains("AAAA"), "{bad}");
}
