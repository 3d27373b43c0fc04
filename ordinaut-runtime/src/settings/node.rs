//! From which figures on a machine is at a level.

use crate::settings::error::SettingError;
use crate::settings::setting::{Setting, seconds};
use crate::settings::source::Source;
use ordinaut_core::node::{NodeThresholds, Threshold};
use std::time::Duration;

const PERCENT: &str = "a number from 1 to 100";

fn percent(text: &str) -> Option<f32> {
    text.parse().ok().filter(|percent| (1.0..=100.0).contains(percent))
}

pub(super) const ORDINAUT_CPU_WARNING: Setting<f32> = Setting::new(
    "ORDINAUT_CPU_WARNING",
    "percent of busy processors of a machine from which on it is a warning, where `ordinaut node thresholds` says nothing else",
    PERCENT,
    percent,
)
.or("80");

pub(super) const ORDINAUT_CPU_CRITICAL: Setting<f32> = Setting::new(
    "ORDINAUT_CPU_CRITICAL",
    "percent of busy processors of a machine from which on it is critical, where `ordinaut node thresholds` says nothing else",
    PERCENT,
    percent,
)
.or("95");

pub(super) const ORDINAUT_MEMORY_WARNING: Setting<f32> = Setting::new(
    "ORDINAUT_MEMORY_WARNING",
    "percent of memory of a machine in use from which on it is a warning, where `ordinaut node thresholds` says nothing else",
    PERCENT,
    percent,
)
.or("85");

pub(super) const ORDINAUT_MEMORY_CRITICAL: Setting<f32> = Setting::new(
    "ORDINAUT_MEMORY_CRITICAL",
    "percent of memory of a machine in use from which on it is critical, where `ordinaut node thresholds` says nothing else",
    PERCENT,
    percent,
)
.or("95");

pub(super) const ORDINAUT_DISK_WARNING: Setting<f32> = Setting::new(
    "ORDINAUT_DISK_WARNING",
    "percent of the disk of a machine that is taken from which on it is a warning, where `ordinaut node thresholds` says nothing else",
    PERCENT,
    percent,
)
.or("80");

pub(super) const ORDINAUT_DISK_CRITICAL: Setting<f32> = Setting::new(
    "ORDINAUT_DISK_CRITICAL",
    "percent of the disk of a machine that is taken from which on it is critical, where `ordinaut node thresholds` says nothing else",
    PERCENT,
    percent,
)
.or("90");

pub(super) const ORDINAUT_HEARTBEAT_TIMEOUT: Setting<Duration> = Setting::new(
    "ORDINAUT_HEARTBEAT_TIMEOUT",
    "time after which a machine of which nobody told is offline, in seconds",
    "a number of seconds from 30 to 86400",
    |text| seconds(text, 30.0..=86_400.0),
)
.or("120");

/// Thresholds where nobody has set them by hand.
pub(super) fn read(source: &Source) -> Result<NodeThresholds, SettingError> {
    let of = |warning: &Setting<f32>, critical: &Setting<f32>| -> Result<_, SettingError> {
        let (from, then) = (source.get(warning)?, source.get(critical)?);
        if from > then {
            let accepts = "a number from 1 to 100, and not above the one from which on it is critical";
            return Err(SettingError::Invalid { name: warning.about.name, value: from.to_string(), accepts });
        }
        Ok(Some(Threshold::new(from, then)))
    };
    let mut thresholds = NodeThresholds::default();
    thresholds.cpu = of(&ORDINAUT_CPU_WARNING, &ORDINAUT_CPU_CRITICAL)?;
    thresholds.memory = of(&ORDINAUT_MEMORY_WARNING, &ORDINAUT_MEMORY_CRITICAL)?;
    thresholds.disk = of(&ORDINAUT_DISK_WARNING, &ORDINAUT_DISK_CRITICAL)?;
    thresholds.offline_after = Some(source.get(&ORDINAUT_HEARTBEAT_TIMEOUT)?.as_secs_f64());
    Ok(thresholds)
}
