//! How the scheduler fires tasks.

use crate::db::connect_options::Address;
use crate::settings::database::DATABASE_DIRECT_URL;
use crate::settings::retention::RetentionSettings;
use crate::settings::source::{SettingError, Source};
use crate::settings::system_zone::system_zone;
use crate::settings::{Setting, seconds, within};
use std::time::Duration;

pub(super) const TZ: Setting<String> = Setting::new(
    "TZ",
    "the zone of schedules that name none, which the first migration stores; `ordinaut config timezone` changes it later",
    "the name of an IANA time zone such as Europe/Chisinau, or :/etc/localtime where that is a link to a zone",
    |text| system_zone(text).is_some().then(|| text.to_owned()),
)
.or("UTC");

pub(super) const SCHEDULER_MISFIRE_GRACE_TIME: Setting<Duration> = Setting::new(
    "SCHEDULER_MISFIRE_GRACE_TIME",
    "how late an instant of a task may fire, in seconds, before its misfire policy decides",
    "a number of seconds from 1 to 604800",
    |text| seconds(text, 1.0..=604_800.0),
)
.or("30");

pub(super) const SCHEDULER_MAX_WORKERS: Setting<usize> = Setting::new(
    "SCHEDULER_MAX_WORKERS",
    "how many transactions fire tasks at once, when very many are due",
    "a number from 1 to 100",
    |text| within(text, 1..=100),
)
.or("10");

/// The zone that a new installation gets; one that exists has its own ([`Database::time_zone`](crate::Database::time_zone)).
pub fn default_zone(source: &Source) -> Result<String, SettingError> {
    let text = source.get(&TZ)?;
    Ok(system_zone(&text).map_or(text, |zone| zone.name))
}

/// How the scheduler fires tasks.
#[derive(Clone, Debug)]
pub struct SchedulerSettings {
    /// How late an instant may fire before it is a misfire.
    pub misfire_grace: Duration,
    /// How many transactions fire at once.
    pub max_workers: usize,
    /// How long what has ended is kept.
    pub retention: RetentionSettings,
    /// Where to listen for hints, past any pooler; the database's own address if absent.
    pub listen_on: Option<Address>,
}

impl Default for SchedulerSettings {
    fn default() -> Self {
        Self::read(&Source::default()).expect("every default is within its range; a test reads them")
    }
}

impl SchedulerSettings {
    /// Reads them.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        Ok(Self {
            misfire_grace: source.get(&SCHEDULER_MISFIRE_GRACE_TIME)?,
            max_workers: source.get(&SCHEDULER_MAX_WORKERS)?,
            retention: RetentionSettings::read(source)?,
            listen_on: source.read(&DATABASE_DIRECT_URL)?,
        })
    }
}
