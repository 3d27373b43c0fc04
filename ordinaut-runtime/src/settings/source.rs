//! Where settings are read from.

use crate::settings::aliases::Alias;
use crate::settings::error::SettingError;
use crate::settings::mode::{ADDRESSES, Deployment};
use crate::settings::setting::{About, Setting};
use std::collections::BTreeMap;
use std::fmt;

/// Where settings are read from: flags, the environment, a file, what `ordinaut dev` chose, and the
/// file of the mode. Read once, at the start.
#[derive(Clone, Debug, Default)]
pub struct Source {
    flags: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
    dev: BTreeMap<String, String>,
    /// What the file of the mode says.
    mode: BTreeMap<String, String>,
    deployment: Deployment,
    /// Which of the environment's values were said under a name of an earlier system.
    aliases: Vec<Alias>,
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
    /// The environment, under the name that an earlier system had for it.
    Alias,
    /// The file that a variable named `…_FILE` names.
    SecretFile,
    /// The file that `ORDINAUT_CONFIG` names.
    ConfigFile,
    /// The `ordinaut dev` that runs in the current directory.
    Dev,
    /// The file of the mode: `ops/config/MODE.toml`, as it was when the binary was built.
    Mode,
    /// The process found it out.
    Found,
    /// Nothing was said about it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::Alias => "environment (an earlier name)",
            Self::SecretFile => "file of a secret",
            Self::ConfigFile => "ORDINAUT_CONFIG",
            Self::Dev => "ordinaut dev",
            Self::Mode => "file of the mode",
            Self::Found => "found",
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
    /// How it was found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl Source {
    /// Flags by the names of the environment, and an environment.
    pub(super) fn new(
        flags: impl IntoIterator<Item = (String, String)>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let (flags, environment) = (flags.into_iter().collect(), environment.into_iter().collect());
        Self { flags, environment, ..Self::default() }
    }

    /// The same with the values of a file.
    pub(super) fn with_file(self, file: BTreeMap<String, String>) -> Self {
        Self { file, ..self }
    }

    /// The same in a mode, with the values of its file and the addresses of its services.
    pub(super) fn at(mut self, deployment: Deployment, mode: BTreeMap<String, String>) -> Self {
        (self.deployment, self.mode) = (deployment, mode);
        for place in [&mut self.flags, &mut self.environment, &mut self.file, &mut self.mode] {
            for (_, value) in place.iter_mut().filter(|(name, _)| ADDRESSES.contains(&name.as_str())) {
                *value = self.deployment.fill_in(value);
            }
        }
        self
    }

    /// The mode, and why it is that.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    pub(super) fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    pub(super) fn with_aliases(self, aliases: Vec<Alias>) -> Self {
        Self { aliases, ..self }
    }

    /// What to tell of settings that have their values from names of earlier systems.
    pub(super) fn notices(&self) -> Vec<String> {
        let notice = |alias: &Alias| format!("{} takes its value from {}", alias.name, alias.said_as);
        self.aliases.iter().map(notice).collect()
    }

    /// The same with values that `ordinaut dev` chose for settings about which neither flag,
    /// environment nor file says anything.
    #[must_use]
    pub fn with_choices_of_dev(&self, values: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut source = self.clone();
        source.dev.extend(values.into_iter().filter(|(name, _)| !self.says(name)));
        source
    }

    /// What `ordinaut dev` chose.
    pub fn choices_of_dev(&self) -> &BTreeMap<String, String> {
        &self.dev
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

    /// A setting that may be absent. An empty value, or file, is an absent one: compose files pass
    /// those.
    pub(super) fn read<T>(&self, setting: &Setting<T>) -> Result<Option<T>, SettingError> {
        let About { name, default, accepts, secret, .. } = setting.about;
        let from_file = if secret { self.secret_file(name)? } else { None };
        let is_address = ADDRESSES.contains(&name);
        let from_file = from_file.map(|text| if is_address { self.deployment.fill_in(&text) } else { text });
        let from_file = from_file.filter(|text| !text.is_empty());
        let Some(text) = from_file.as_deref().or_else(|| self.text(name)).or(default) else {
            return Ok(None);
        };
        let value = || if secret { "(secret)".to_owned() } else { text.to_owned() };
        (setting.parse)(text).map(Some).ok_or_else(|| SettingError::Invalid { name, value: value(), accepts })
    }

    /// A setting as it can be shown to a person.
    pub(super) fn show(&self, about: &About) -> ShownSetting {
        let About { name, default, secret, .. } = *about;
        let places = [
            (&self.flags, Origin::Flag),
            (&self.environment, Origin::Environment),
            (&self.file, Origin::ConfigFile),
            (&self.dev, Origin::Dev),
            (&self.mode, Origin::Mode),
        ];
        let said = |place: &BTreeMap<String, String>| place.get(name).map(|text| text.trim().to_owned());
        let found = places.iter().find_map(|(place, from)| Some((said(place).filter(|text| !text.is_empty())?, *from)));
        let in_file = secret.then(|| self.text(&format!("{name}_FILE"))).flatten();
        let (value, from) = match (found, in_file) {
            (Some((value, from)), _) => (Some(value), from),
            (None, Some(path)) => (Some(path.to_owned()), Origin::SecretFile),
            (None, None) => (default.map(str::to_owned), Origin::Default),
        };
        let is_alias = from == Origin::Environment && self.aliases.iter().any(|alias| alias.name == name);
        let from = if is_alias { Origin::Alias } else { from };
        let found = match name {
            "ORDINAUT_MODE" => Some(self.deployment.mode.to_string()),
            "ORDINAUT_DOMAIN" => self.deployment.domain.clone(),
            _ => None,
        };
        if let (Origin::Default, Some(found)) = (from, found) {
            let because = Some(self.deployment.because.clone());
            return ShownSetting { name, value: Some(found), from: Origin::Found, because };
        }
        let masked = |value: String| if secret && from != Origin::Default { "(secret)".to_owned() } else { value };
        ShownSetting { name, value: value.map(masked), from, because: None }
    }

    fn text<'a>(&'a self, name: &str) -> Option<&'a str> {
        let said = |place: &'a BTreeMap<String, String>| {
            place.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
        };
        [&self.flags, &self.environment, &self.file, &self.dev, &self.mode].into_iter().find_map(said)
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
