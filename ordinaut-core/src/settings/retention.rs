//! How long what has ended is kept.

use crate::settings::source::{SettingError, Source};
use crate::settings::{Setting, within};
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

/// Longer than the longest misfire grace, so that no instant of a task is taken for a new one.
const LEAST_OF_FIRES: u32 = 14;

/// How long what has ended is kept. Work that has not ended is kept until it has, however old it is.
#[derive(Clone, Debug)]
pub struct RetentionSettings {
    /// Jobs that have ended, and their runs.
    pub jobs: Duration,
    /// Dead letters.
    pub dead_letters: Duration,
    /// Events.
    pub events: Duration,
    /// Fires of tasks, and the events that reached them.
    pub fires: Duration,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self::read(&Source::default()).expect("every default is within its range; a test reads them")
    }
}

impl RetentionSettings {
    /// Reads them.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        let days = source.get(&RETENTION_DAYS)?;
        Ok(Self {
            jobs: in_days(days),
            dead_letters: in_days(source.get(&RETENTION_DEAD_DAYS)?),
            events: in_days(source.get(&RETENTION_EVENT_DAYS)?),
            fires: in_days(days.max(LEAST_OF_FIRES)),
        })
    }
}

fn in_days(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * 86_400)
}
