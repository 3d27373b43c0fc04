//! A service: a task that always has one job, and gets the next one when that has ended.

use crate::error::InvalidField;
use crate::schedule::duration;
use crate::schedule::refusal::refuse;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// What is filled in if nobody says after how long.
pub(crate) const DEFAULT: &str = "5s";

/// When the next job of a service is due: so long after the last one has ended, however it did.
///
/// ```
/// use ordinaut_core::schedule::{Compiled, Schedule, ScheduleKind};
///
/// let Compiled::Service(service) = Schedule::new(ScheduleKind::Service, "5s").compile(&[])? else { unreachable!() };
/// let ended = "2027-01-01T00:00:00Z".parse().unwrap();
/// assert!(service.is_due(None, ended));
/// assert!(!service.is_due(Some(ended), "2027-01-01T00:00:04Z".parse().unwrap()));
/// assert!(service.is_due(Some(ended), "2027-01-01T00:00:05Z".parse().unwrap()));
/// # Ok::<(), ordinaut_core::error::InvalidField>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Service {
    restart_after: TimeDelta,
}

impl Service {
    pub(crate) fn parse(expr: &str) -> Result<Self, InvalidField> {
        match duration::parse(expr) {
            None => refuse("must be a length of time, such as 5s or 2m"),
            Some(restart_after) if !(TimeDelta::seconds(1)..=TimeDelta::hours(1)).contains(&restart_after) => {
                refuse("must be from a second to an hour")
            }
            Some(restart_after) => Ok(Self { restart_after }),
        }
    }

    /// Time after the end of a job at which the next one is due.
    pub fn restart_after(&self) -> Duration {
        self.restart_after.to_std().unwrap_or_default()
    }

    /// Whether a job is due now, of a task that has none; `ended` is when the last one did, and
    /// `None` if there was none.
    pub fn is_due(&self, ended: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        ended.is_none_or(|ended| now - ended >= self.restart_after)
    }

    /// What it will do, for a person.
    pub(crate) fn sentence(&self) -> String {
        let seconds = self.restart_after.num_seconds();
        format!("a job is due at once, and the next one {seconds} s after it has ended, however it did")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_restarted_from_a_second_to_an_hour_after_its_end() {
        for (expr, seconds) in [("1s", 1), ("5s", 5), ("2m", 120), ("PT1H", 3600), (DEFAULT, 5)] {
            assert_eq!(Service::parse(expr).unwrap().restart_after(), Duration::from_secs(seconds), "{expr}");
        }
        for expr in ["0s", "3601s", "2h", "1w", "soon", "-5s", "0.5s"] {
            assert_eq!(Service::parse(expr).unwrap_err().field, "expr", "{expr}");
        }
    }

    #[test]
    fn a_clock_that_went_back_makes_it_wait_and_not_start_twice() {
        let (service, now) = (Service::parse("5s").unwrap(), DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        assert!(!service.is_due(Some(now + TimeDelta::seconds(9)), now));
    }
}
