//! The time for which what has ended is kept.

use crate::settings::error::SettingError;
use crate::settings::setting::{Setting, within};
use crate::settings::source::Source;
use ordinaut_core::maintenance::Retention;
use std::time::Duration;

const DAYS: &str = "a number of days from 1 to 36500";

pub(super) const RETENTION_DAYS: Setting<u32> = Setting::new(
    "RETENTION_DAYS",
    "how long jobs that have ended, their runs, and fires of tasks are kept, in days; fires 14 at least",
    DAYS,
    |text| within(text, 1..=36_500),
)
.or("14");

pub(super) const RETENTION_DEAD_DAYS: Setting<u32> =
    Setting::new("RETENTION_DEAD_DAYS", "how long dead letters are kept, in days", DAYS, |text| {
        within(text, 1..=36_500)
    })
    .or("90");

pub(super) const RETENTION_EVENT_DAYS: Setting<u32> =
    Setting::new("RETENTION_EVENT_DAYS", "how long events are kept, in days", DAYS, |text| within(text, 1..=36_500))
        .or("7");

pub(super) const RETENTION_AUDIT_DAYS: Setting<u32> =
    Setting::new("RETENTION_AUDIT_DAYS", "how long entries of the audit are kept, in days", DAYS, |text| {
        within(text, 1..=36_500)
    })
    .or("90");

/// Time for which what has ended is kept.
pub fn read(source: &Source) -> Result<Retention, SettingError> {
    let days = |setting| source.get(setting).map(|days| Duration::from_secs(u64::from(days) * 86_400));
    let retention = Retention::new(days(&RETENTION_DAYS)?, days(&RETENTION_DEAD_DAYS)?, days(&RETENTION_EVENT_DAYS)?);
    Ok(retention.audit(days(&RETENTION_AUDIT_DAYS)?))
}
