//! Settings that cannot be used.

use std::path::PathBuf;

/// A setting that cannot be used. It names the variable, what it is, and what it must be; never a
/// secret's value.
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
    #[error("{path}: there is no setting {key:?}; the nearest is {nearest}")]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key, with its section.
        key: String,
        /// The setting whose name is most like it.
        nearest: &'static str,
    },
    /// The environment has a variable that begins as ours do, and is none.
    #[error(
        "there is no setting {name}; the nearest is {nearest}. Variables with this prefix are for Ordinaut: correct it, or unset it"
    )]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The setting whose name is most like it.
        nearest: &'static str,
    },
    /// A secret is given twice.
    #[error("{name} and {name}_FILE are both set: unset one of them")]
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
    /// A file that a setting names holds what cannot be used.
    #[error("{name}: {path}: {reason}")]
    File {
        /// The variable that names it.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
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
