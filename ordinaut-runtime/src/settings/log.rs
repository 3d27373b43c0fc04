//! How much a process says, and in which form.

use crate::settings::error::SettingError;
use crate::settings::setting::Setting;
use crate::settings::source::Source;

pub(super) const LOG_LEVEL: Setting<String> = Setting::new(
    "LOG_LEVEL",
    "what is logged: a level, or filters such as info,ordinaut_core=debug",
    "error, warn, info, debug or trace, or filters of the form target=level, separated by commas",
    |text| text.split(',').map(filter).collect::<Option<Vec<_>>>().map(|filters| filters.join(",")),
)
.or("info");

pub(super) const LOG_FORMAT: Setting<LogFormat> = Setting::new(
    "LOG_FORMAT",
    "the form of the log: text for people, or json; if not set, text in a terminal and json elsewhere",
    "text or json",
    |text| match &*text.to_ascii_lowercase() {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    },
);

/// A level, or one for a target: the level in lower case, the target as it is.
fn filter(text: &str) -> Option<String> {
    let (target, level) = text.trim().rsplit_once('=').map_or((None, text), |(target, level)| (Some(target), level));
    let level = level.trim().to_ascii_lowercase();
    let is_level = ["error", "warn", "info", "debug", "trace", "off"].contains(&&*level);
    is_level.then(|| target.map_or_else(|| level.clone(), |target| format!("{target}={level}")))
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How much a process says, and in which form.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// A level, or filters.
    pub level: String,
    /// `None`: text in a terminal, JSON elsewhere.
    pub format: Option<LogFormat>,
    /// What is to be said of the settings once there is a log.
    pub notices: Vec<String>,
}

impl LogSettings {
    /// Reads them.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        Ok(Self { level: source.get(&LOG_LEVEL)?, format: source.read(&LOG_FORMAT)?, notices: source.notices() })
    }
}
