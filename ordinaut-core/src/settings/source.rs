//! Where settings are read from.

use crate::settings::{About, Setting};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

pub(super) const ORDINAUT_CONFIG: Setting<PathBuf> = Setting::new(
    "ORDINAUT_CONFIG",
    "a TOML file with any of the other settings, by section: [worker] concurrency = 4",
    "the path of a file",
    |text| (!text.is_empty()).then(|| text.into()),
);

/// Where settings are read from: flags, the environment, a file. Read once, at the start.
#[derive(Clone, Debug, Default)]
pub struct Source {
    flags: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
}

/// Where a setting's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Origin {
    /// A flag of the command line.
    Flag,
    /// The environment.
    Environment,
    /// The file that a variable named `…_FILE` names.
    SecretFile,
    /// The file that `ORDINAUT_CONFIG` names.
    ConfigFile,
    /// Nothing was said about it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::SecretFile => "file of a secret",
            Self::ConfigFile => "ORDINAUT_CONFIG",
            Self::Default => "default",
        })
    }
}

/// A setting as it can be shown to a person.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct ShownSetting {
    /// Its name in the environment.
    pub name: &'static str,
    /// Its value; of a secret only that there is one. `None`: it is not set, and has no default.
    pub value: Option<String>,
    /// Where the value comes from.
    pub from: Origin,
}

/// A setting that cannot be used. It names the variable, what it is, and what it must be; never a secret's value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// The value is not accepted.
    #[error("{name} is {value:?}, and must be {accepts}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// Its value, unless it is secret.
        value: String,
        /// What it must be.
        accepts: &'static str,
    },
    /// There is no value, and no default.
    #[error("{name} is not set: it must be {accepts}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it must be.
        accepts: &'static str,
    },
    /// The file names something that is no setting.
    #[error("{path}: there is no setting {key:?}")]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The key, with its section.
        key: String,
    },
    /// A secret is given twice.
    #[error("{name} and {name}_FILE are both set: which of them is meant cannot be told")]
    Twice {
        /// The variable.
        name: &'static str,
    },
    /// A file cannot be read.
    #[error("{name}: could not read {path}")]
    Unreadable {
        /// The variable that names it.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{path} is not TOML")]
    NotToml {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
}

impl Source {
    /// The process' environment, and `flags` by the names of the environment, which win. Reads the file that
    /// `ORDINAUT_CONFIG` names, and refuses keys in it that are no settings.
    pub fn new(flags: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingError> {
        Self::from_parts(flags, std::env::vars())
    }

    /// The same with an environment of the caller's.
    pub fn from_parts(
        flags: impl IntoIterator<Item = (String, String)>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingError> {
        let mut source = Self {
            flags: flags.into_iter().collect(),
            environment: environment.into_iter().collect(),
            ..Self::default()
        };
        if let Some(path) = source.read(&ORDINAUT_CONFIG)? {
            source.file = read_file(&path)?;
        }
        Ok(source)
    }

    /// The same with other defaults: values for what neither flag, environment nor file says anything about.
    #[must_use]
    pub fn with_defaults(&self, values: impl IntoIterator<Item = (&'static str, Option<String>)>) -> Self {
        let mut source = self.clone();
        for (name, value) in values {
            if let Some(value) = value.filter(|_| !self.says(name)) {
                // The file is what everything else wins over.
                source.file.insert(name.to_owned(), value);
            }
        }
        source
    }

    /// Whether anybody has said something about a setting.
    pub fn says(&self, name: &str) -> bool {
        self.text(name).is_some() || self.environment.contains_key(&format!("{name}_FILE"))
    }

    /// A setting that has a default, or must be given.
    pub(super) fn get<T>(&self, setting: &Setting<T>) -> Result<T, SettingError> {
        let About { name, accepts, .. } = setting.about;
        self.read(setting)?.ok_or(SettingError::Missing { name, accepts })
    }

    /// A setting that may be absent. An empty value, or file, is an absent one: compose files pass those.
    pub(super) fn read<T>(&self, setting: &Setting<T>) -> Result<Option<T>, SettingError> {
        let About { name, default, accepts, secret, .. } = setting.about;
        let from_file = if secret { self.secret_file(name)? } else { None };
        let from_file = from_file.filter(|text| !text.is_empty());
        let Some(text) = from_file.as_deref().or_else(|| self.text(name)).or(default) else {
            return Ok(None);
        };
        let value = || if secret { "(secret)".to_owned() } else { text.to_owned() };
        (setting.parse)(text).map(Some).ok_or_else(|| SettingError::Invalid { name, value: value(), accepts })
    }

    /// Every setting, with its value and where that comes from.
    pub fn shown(&self) -> Vec<ShownSetting> {
        crate::settings::ALL.iter().map(|about| self.shown_one(about)).collect()
    }

    fn shown_one(&self, about: &About) -> ShownSetting {
        let About { name, default, secret, .. } = *about;
        let places =
            [(&self.flags, Origin::Flag), (&self.environment, Origin::Environment), (&self.file, Origin::ConfigFile)];
        let said = |place: &BTreeMap<String, String>| place.get(name).map(|text| text.trim().to_owned());
        let found = places.iter().find_map(|(place, from)| Some((said(place).filter(|text| !text.is_empty())?, *from)));
        let in_file = secret.then(|| self.text(&format!("{name}_FILE"))).flatten();
        let (value, from) = match (found, in_file) {
            (Some((value, from)), _) => (Some(value), from),
            (None, Some(path)) => (Some(path.to_owned()), Origin::SecretFile),
            (None, None) => (default.map(str::to_owned), Origin::Default),
        };
        let masked = |value: String| if secret && from != Origin::Default { "(secret)".to_owned() } else { value };
        ShownSetting { name, value: value.map(masked), from }
    }

    fn text<'a>(&'a self, name: &str) -> Option<&'a str> {
        let said = |place: &'a BTreeMap<String, String>| {
            place.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
        };
        [&self.flags, &self.environment, &self.file].into_iter().find_map(said)
    }

    fn secret_file(&self, name: &'static str) -> Result<Option<String>, SettingError> {
        let variable = format!("{name}_FILE");
        let Some(path) = self.text(&variable) else { return Ok(None) };
        if self.text(name).is_some() {
            return Err(SettingError::Twice { name });
        }
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(source) => Err(SettingError::Unreadable { name: variable, path: path.into(), source }),
        }
    }
}

fn read_file(path: &Path) -> Result<BTreeMap<String, String>, SettingError> {
    let text = std::fs::read_to_string(path).map_err(|source| SettingError::Unreadable {
        name: ORDINAUT_CONFIG.about.name.to_owned(),
        path: path.into(),
        source,
    })?;
    let table: toml::Table =
        text.parse().map_err(|source| SettingError::NotToml { path: path.into(), source: Box::new(source) })?;
    let mut values = BTreeMap::new();
    flatten("", &table, &mut values);
    for key in values.keys() {
        let name = key.replace('.', "_").to_uppercase();
        let plain = name.strip_suffix("_FILE").unwrap_or(&name);
        let known = |about: &&About| about.name == name || (about.secret && about.name == plain);
        if name == ORDINAUT_CONFIG.about.name || !crate::settings::ALL.iter().any(|about| known(&about)) {
            return Err(SettingError::Unknown { path: path.into(), key: key.clone() });
        }
    }
    Ok(values.into_iter().map(|(key, value)| (key.replace('.', "_").to_uppercase(), value)).collect())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::worker::{WORKER_CONCURRENCY, WORKER_QUEUES, WorkerSettings};

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn file(text: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("ordinaut-{}.toml", uuid::Uuid::new_v4()));
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_file() {
        let path = file("[worker]\nconcurrency = 3\nqueues = [\"a\", \"b\"]");
        let config = ("ORDINAUT_CONFIG", path.to_str().unwrap());
        let concurrency = |flags: &[(&str, &str)], environment: &[(&str, &str)]| {
            let environment = [&[config], environment].concat();
            Source::from_parts(pairs(flags), pairs(&environment)).unwrap().get(&WORKER_CONCURRENCY).unwrap()
        };
        assert_eq!(concurrency(&[("WORKER_CONCURRENCY", "1")], &[("WORKER_CONCURRENCY", "2")]), 1);
        assert_eq!(concurrency(&[], &[("WORKER_CONCURRENCY", "2")]), 2);
        assert_eq!(concurrency(&[], &[("WORKER_CONCURRENCY", "")]), 3);
        let source = Source::from_parts([], pairs(&[config])).unwrap();
        assert_eq!(queues(&source), [("a".to_owned(), 1), ("b".to_owned(), 1)]);
        std::fs::remove_file(path).unwrap();
    }

    fn queues(source: &Source) -> Vec<(String, u16)> {
        let served = source.get(&WORKER_QUEUES).unwrap();
        served.into_iter().map(|served| (served.queue, served.weight)).collect()
    }

    #[test]
    fn a_weight_that_is_none_is_refused_with_its_range() {
        let source = Source::from_parts([], pairs(&[("WORKER_QUEUES", "mail=1.5")])).unwrap();
        let error = WorkerSettings::read(&source).unwrap_err().to_string();
        assert!(error.starts_with("WORKER_QUEUES is \"mail=1.5\", and must be"), "{error}");
        assert!(error.contains("a whole number from 1 to 1000"), "{error}");
    }

    #[test]
    fn a_bad_value_is_refused_with_its_name_and_its_range() {
        let source = Source::from_parts([], pairs(&[("WORKER_CONCURRENCY", "0")])).unwrap();
        let error = WorkerSettings::read(&source).unwrap_err().to_string();
        assert_eq!(error, "WORKER_CONCURRENCY is \"0\", and must be a number from 1 to 10000");
    }

    #[test]
    fn an_unknown_key_of_a_file_is_refused_by_name() {
        let path = file("[worker]\nconcurency = 3");
        let error = Source::from_parts([], pairs(&[("ORDINAUT_CONFIG", path.to_str().unwrap())])).unwrap_err();
        assert!(error.to_string().ends_with("there is no setting \"worker.concurency\""), "{error}");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_secret_can_be_a_file_but_not_both() {
        let path = file("s3cret-s3cret-s3cret\n");
        let path = path.to_str().unwrap();
        let token = |environment: &[(&str, &str)]| {
            Source::from_parts([], pairs(environment)).unwrap().read(&crate::settings::api::API_ADMIN_TOKEN)
        };
        assert_eq!(token(&[("API_ADMIN_TOKEN_FILE", path)]).unwrap().as_deref(), Some("s3cret-s3cret-s3cret"));
        let twice = token(&[("API_ADMIN_TOKEN_FILE", path), ("API_ADMIN_TOKEN", "x")]).unwrap_err();
        assert!(matches!(twice, SettingError::Twice { name: "API_ADMIN_TOKEN" }));
        let empty = file("\n");
        assert_eq!(token(&[("API_ADMIN_TOKEN_FILE", empty.to_str().unwrap())]).unwrap(), None);
        std::fs::remove_file(empty).unwrap();
        let short = token(&[("API_ADMIN_TOKEN", "short")]).unwrap_err().to_string();
        assert!(!short.contains("short"), "{short}");
        std::fs::remove_file(path).unwrap();
    }
}
