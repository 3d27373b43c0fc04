//! How much a process says.

use crate::settings::error::SettingError;
use crate::settings::setting::Setting;
use crate::settings::source::Source;

pub(super) const LOG_LEVEL: Setting<String> = Setting::new(
    "LOG_LEVEL",
    "how much is logged: a level, or filters such as info,ordinaut_core=debug",
    "error, warn, info, debug or trace, or filters of the form target=level, separated by commas",
    |text| {
        let level = |word: &str| ["error", "warn", "info", "debug", "trace", "off"].contains(&word);
        let filter = |part: &str| level(part.rsplit('=').next().unwrap_or_default().trim());
        text.split(',').all(filter).then(|| text.to_owned())
    },
)
.or("info");

/// How much a process says.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// A level, or filters.
    pub level: String,
}

impl LogSettings {
    /// Reads them.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        Ok(Self { level: source.get(&LOG_LEVEL)? })
    }
}
