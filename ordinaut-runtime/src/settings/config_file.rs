//! The file of settings: TOML, with a section for each group of variables.

use crate::settings::error::SettingError;
use crate::settings::setting::{About, Setting};
use crate::settings::unknown::nearest;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) const ORDINAUT_CONFIG: Setting<PathBuf> = Setting::new(
    "ORDINAUT_CONFIG",
    "a TOML file with any of the other settings, by section: [worker] concurrency = 4",
    "the path of a file",
    |text| (!text.is_empty()).then(|| text.into()),
);

/// The values of a file by the names of the environment. A key that is none of the `known` settings
/// is refused.
pub(super) fn read(path: &Path, known: &[About]) -> Result<BTreeMap<String, String>, SettingError> {
    let text = std::fs::read_to_string(path).map_err(|source| SettingError::Unreadable {
        name: ORDINAUT_CONFIG.about.name.to_owned(),
        path: path.into(),
        source,
    })?;
    of(&text, path, known)
}

/// The same of its text.
pub(super) fn of(text: &str, path: &Path, known: &[About]) -> Result<BTreeMap<String, String>, SettingError> {
    let table: toml::Table =
        text.parse().map_err(|source| SettingError::NotToml { path: path.into(), source: Box::new(source) })?;
    let mut keys = BTreeMap::new();
    flatten("", &table, &mut keys);
    let mut values = BTreeMap::new();
    for (key, value) in keys {
        let name = key.replace('.', "_").to_uppercase();
        if name == ORDINAUT_CONFIG.about.name || !known.iter().any(|about| about.is_named(&name)) {
            return Err(SettingError::UnknownKey { path: path.into(), key, nearest: nearest(&name, known) });
        }
        values.insert(name, value);
    }
    Ok(values)
}

fn flatten(prefix: &str, table: &toml::Table, values: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(table) => flatten(&key, table, values),
            toml::Value::Array(items) => {
                let items: Vec<_> = items.iter().map(plain).collect();
                values.insert(key, items.join(","));
            }
            value => {
                values.insert(key, plain(value));
            }
        }
    }
}

fn plain(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
