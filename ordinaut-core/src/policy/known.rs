//! The policies that there are, as a process keeps them for some seconds.

use crate::policy::definition::KindPolicy;
use crate::policy::hours::{Hours, Opening};
use crate::policy::outputs::OutputPolicy;
use crate::schedule::calendar::Calendar;
use crate::schedule::timezone::shift;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A job that no hours of the coming year allow is looked at again after this.
const LOOK_AGAIN: TimeDelta = TimeDelta::days(1);

/// The policies of all kinds at an instant of the database's clock. What is asked of them says how
/// long ago that was, so that the clock of the process does not count.
#[derive(Debug, Default)]
pub struct KnownPolicies {
    of: HashMap<Box<str>, Known>,
    read_at: DateTime<Utc>,
}

#[derive(Debug)]
struct Known {
    hours: Option<Hours>,
    timeout: Option<Duration>,
    output: OutputPolicy,
    /// From when to when they do not allow it, as it was found last: a search looks at each edge of
    /// the windows, and thousands of jobs may ask.
    closed: Mutex<Option<(DateTime<Utc>, DateTime<Utc>)>>,
}

impl KnownPolicies {
    /// Those that were read at an instant. Of one that cannot be used any more, its hours do not
    /// count.
    pub(crate) fn new(
        policies: impl IntoIterator<Item = (String, KindPolicy)>,
        calendars: &[Calendar],
        read_at: DateTime<Utc>,
    ) -> Self {
        let of = policies.into_iter().map(|(kind, policy)| {
            let hours = policy.hours.and_then(|hours| hours.compile(calendars).ok());
            let timeout = policy.timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            let output = policy.output.unwrap_or_default();
            (kind.into(), Known { hours, timeout, output, closed: Mutex::default() })
        });
        Self { of: of.collect(), read_at }
    }

    /// If a job of the kind must not run now, `passed` after they were read: the time until it may,
    /// and when that is.
    pub fn put_off(&self, kind: &str, passed: Duration) -> Option<(Duration, DateTime<Utc>)> {
        let known = self.of.get(kind)?;
        let hours = known.hours.as_ref()?;
        let now = shift(self.read_at, TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX));
        let mut closed = known.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match closed.filter(|(from, until)| (*from..*until).contains(&now)) {
            Some((_, until)) => until,
            None => {
                let until = match hours.opening(now) {
                    Opening::Now => return None,
                    Opening::At(at) => at,
                    Opening::Never => shift(now, LOOK_AGAIN),
                };
                *closed = Some((now, until));
                until
            }
        };
        Some(((at - now).to_std().unwrap_or_default(), at))
    }

    /// Time that an attempt of the kind may take if its job does not say.
    pub fn timeout(&self, kind: &str) -> Option<Duration> {
        self.of.get(kind)?.timeout
    }

    /// What is kept of what handlers of the kind return.
    pub fn output(&self, kind: &str) -> OutputPolicy {
        self.of.get(kind).map(|known| known.output).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::hours::{AllowedHours, HoursMode};

    #[test]
    fn a_job_is_put_off_by_the_clock_of_the_database() {
        let quiet = AllowedHours::new(HoursMode::Never, ["22:00-06:00".parse().unwrap()]);
        let never = AllowedHours::new(HoursMode::Never, ["00:00-24:00".parse().unwrap()]);
        let of = |hours| KindPolicy::default().hours(hours).timeout(Duration::from_secs(3));
        let read_at = "2027-01-01T21:00:00Z".parse().unwrap();
        let policies = [("mail".to_owned(), of(quiet)), ("old".to_owned(), of(never))];
        let known = KnownPolicies::new(policies, &[], read_at);
        let hour = Duration::from_secs(3600);
        assert_eq!(known.put_off("mail", hour / 2), None);
        let morning = "2027-01-02T06:00:00Z".parse().unwrap();
        assert_eq!(known.put_off("mail", 2 * hour), Some((7 * hour, morning)));
        let morning_again = known.put_off("mail", 3 * hour);
        assert_eq!((morning_again, known.put_off("mail", 9 * hour)), (Some((6 * hour, morning)), None));
        assert_eq!(known.put_off("old", hour).map(|(wait, _)| wait), Some(24 * hour));
        assert_eq!((known.put_off("other", hour), known.timeout("mail")), (None, Some(Duration::from_secs(3))));
    }
}
