//! The targets of a file, which a scheduler puts when it starts.

use crate::settings::error::SettingError;
use crate::settings::setting::Setting;
use crate::settings::source::Source;
use ordinaut_core::target::Target;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub(super) const TARGETS_FILE: Setting<PathBuf> = Setting::new(
    "TARGETS_FILE",
    "targets, in TOML, that a scheduler puts when it starts; what somebody put under the same name stays as it is",
    "the path of a file",
    |text| (!text.is_empty()).then(|| text.into()),
);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    targets: BTreeMap<String, Target>,
}

/// The targets of the file; `None`: the settings name none.
///
/// # Errors
///
/// If it cannot be read, or a field cannot be accepted.
pub fn read(source: &Source) -> Result<Option<Vec<Target>>, SettingError> {
    let Some(path) = source.read(&TARGETS_FILE)? else { return Ok(None) };
    let name = TARGETS_FILE.about.name;
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(SettingError::Unreadable { name: name.to_owned(), path, source }),
    };
    of(&source.deployment().fill_in(&text)).map(Some).map_err(|reason| SettingError::File { name, path, reason })
}

fn of(text: &str) -> Result<Vec<Target>, String> {
    let file: File = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        format!("line {}: {}", before.matches('\n').count() + 1, error.message())
    })?;
    let read = |(name, mut target): (String, Target)| {
        target.name = name;
        target.check().map_err(|invalid| format!("targets.{}.{invalid}", target.name))?;
        Ok(target)
    };
    file.targets.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_read_and_what_is_wrong_is_named() {
        let targets = of(include_str!("../../../ops/config/targets.example.toml")).unwrap();
        let names: Vec<_> = targets.iter().map(|target| &*target.name).collect();
        assert_eq!(names, ["billing", "billing-archive"]);
        assert_eq!(of("[targets.t]\nhosts = []").unwrap_err(), "targets.t.hosts must be a list of 1 to 100 hosts");
        assert!(of("[targets.t]\nhost = 1").unwrap_err().starts_with("line "));
    }
}
