//! How the scheduler fires tasks.

use crate::settings::error::SettingError;
use crate::settings::node;
use crate::settings::retention;
use crate::settings::setting::{Setting, seconds, within};
use crate::settings::source::Source;
use crate::settings::system_zone::system_zone;
use ordinaut_core::maintenance::SchedulerOptions;
use std::time::Duration;

pub(super) const TZ: Setting<String> = Setting::new(
    "TZ",
    "the time zone of schedules that name none; the first migration stores it, and `ordinaut config timezone` changes it later",
    "the name of an IANA time zone such as Europe/Chisinau, or :/etc/localtime where that is a link to a zone",
    |text| system_zone(text).is_some().then(|| text.to_owned()),
)
.or("UTC");

pub(super) const TASK_MAX_FIRES_PER_HOUR: Setting<u32> = Setting::new(
    "TASK_MAX_FIRES_PER_HOUR",
    "how often a task may be due in an hour: one that would be more often is refused when it is created or gets another schedule",
    "a number from 1 to 3600, which is each second",
    |text| within(text, 1..=3600),
)
.or("3600");

pub(super) const SCHEDULER_MISFIRE_GRACE_TIME: Setting<Duration> = Setting::new(
    "SCHEDULER_MISFIRE_GRACE_TIME",
    "how late an instant of a task may fire, in seconds, before its misfire policy decides",
    "a number of seconds from 1 to 604800",
    |text| seconds(text, 1.0..=604_800.0),
)
.or("30");

pub(super) const SCHEDULER_MAX_WORKERS: Setting<usize> = Setting::new(
    "SCHEDULER_MAX_WORKERS",
    "maximum number of transactions that fire tasks at once",
    "a number from 1 to 100",
    |text| within(text, 1..=100),
)
.or("10");

/// The zone that a new installation gets; one that exists has its own
/// ([`Client::time_zone`](ordinaut_core::Client::time_zone)).
pub fn default_zone(source: &Source) -> Result<String, SettingError> {
    let text = source.get(&TZ)?;
    Ok(system_zone(&text).map_or(text, |zone| zone.name))
}

/// How the scheduler fires tasks, and for how long it keeps what has ended.
pub fn read(source: &Source) -> Result<SchedulerOptions, SettingError> {
    let mut options = SchedulerOptions::default();
    options.misfire_grace = source.get(&SCHEDULER_MISFIRE_GRACE_TIME)?;
    options.max_workers = source.get(&SCHEDULER_MAX_WORKERS)?;
    options.retention = retention::read(source)?;
    options.node_thresholds = node::read(source)?;
    Ok(options)
}
