//! Which statistics somebody wants.

use crate::error::InvalidField;
use crate::name;
use chrono::{DateTime, Datelike, DurationRound, TimeDelta, Utc};
use std::fmt;
use std::str::FromStr;

/// Lengths of time for each of which there is a line. They begin where UTC's do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    pub(crate) const fn seconds(self) -> f64 {
        self.length().num_seconds() as f64
    }

    const fn length(self) -> TimeDelta {
        match self {
            Self::Minute => TimeDelta::minutes(1),
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::days(1),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|step| step.as_str() == word);
        found.ok_or_else(|| format!("no step is called {word:?}: minute, hour, day"))
    }
}

/// Which attempts to count, and for what there is a line each.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StatFilter {
    /// What ended, or was made, at this instant or later.
    pub since: DateTime<Utc>,
    /// What ended, or was made, before this instant.
    pub until: DateTime<Utc>,
    /// A line for each such length of time; absent: one for all of it.
    pub step: Option<Step>,
    /// A line for each queue.
    pub by_queue: bool,
    /// A line for each kind.
    pub by_kind: bool,
    /// Only jobs of this queue.
    pub queue: Option<String>,
    /// Only jobs of this kind.
    pub kind: Option<String>,
}

impl StatFilter {
    /// All attempts of a time, together.
    pub fn new(since: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self { since, until, step: None, by_queue: false, by_kind: false, queue: None, kind: None }
    }

    /// A line for each such length of time.
    #[must_use]
    pub fn step(self, step: Step) -> Self {
        Self { step: Some(step), ..self }
    }

    /// A line for each queue.
    #[must_use]
    pub fn by_queue(self) -> Self {
        Self { by_queue: true, ..self }
    }

    /// A line for each kind.
    #[must_use]
    pub fn by_kind(self) -> Self {
        Self { by_kind: true, ..self }
    }

    /// Only jobs of this queue.
    #[must_use]
    pub fn queue(self, queue: impl Into<String>) -> Self {
        Self { queue: Some(queue.into()), ..self }
    }

    /// Only jobs of this kind.
    #[must_use]
    pub fn kind(self, kind: impl Into<String>) -> Self {
        Self { kind: Some(kind.into()), ..self }
    }

    /// Since when the jobs were made whose attempts are looked at.
    pub(crate) fn made_since(&self) -> DateTime<Utc> {
        self.since.checked_sub_signed(BEFORE).unwrap_or(self.since)
    }

    /// Until when they were made, by ids from a clock that may be ahead.
    pub(crate) fn made_until(&self) -> DateTime<Utc> {
        self.until.checked_add_signed(CLOCKS_DIFFER).unwrap_or(self.until)
    }

    /// The rows to read: a longer time is read from those of hours.
    pub(crate) fn rows(&self) -> Step {
        match self.step {
            Some(Step::Minute) => Step::Minute,
            None if self.until.signed_duration_since(self.since) <= MINUTES_UP_TO => Step::Minute,
            _ => Step::Hour,
        }
    }

    /// The same of whole minutes, or hours.
    pub(crate) fn of_whole(self, rows: Step) -> Self {
        let floor = |at: DateTime<Utc>| at.duration_trunc(rows.length()).unwrap_or(at);
        let (since, until) = (floor(self.since), floor(self.until));
        let until = if until < self.until { until + rows.length() } else { until };
        Self { since, until, ..self }
    }

    /// Number of lines of a queue and a kind.
    pub(crate) fn steps(&self) -> i64 {
        let all = self.until.signed_duration_since(self.since);
        self.step.map_or(1, |step| all.num_seconds() / step.length().num_seconds())
    }

    /// The seconds that a line is about.
    pub(crate) fn seconds(&self) -> f64 {
        let all = self.until.signed_duration_since(self.since).as_seconds_f64();
        self.step.map_or(all, Step::seconds).min(all)
    }

    pub(crate) fn check(&self) -> Result<(), InvalidField> {
        let fault = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        for (field, at) in [("since", self.since), ("until", self.until)] {
            if !(0..=9999).contains(&at.year()) {
                return fault(field, "must be an instant of the years 0 to 9999");
            }
        }
        if self.since >= self.until {
            return fault("since", "must be before until");
        }
        for (field, word) in [("queue", &self.queue), ("kind", &self.kind)] {
            if let Some(Err(reason)) = word.as_deref().map(name::check) {
                return fault(field, reason);
            }
        }
        Ok(())
    }
}

/// A time of up to this length is read from rows of minutes, if no step is asked for.
const MINUTES_UP_TO: TimeDelta = TimeDelta::hours(6);

/// Jobs that are counted at most, as far as Postgres can tell before.
const MOST_JOBS: i64 = 500_000;

/// Whether this number of jobs may be counted.
pub(crate) fn countable(jobs: i64) -> Result<(), InvalidField> {
    if jobs <= MOST_JOBS {
        return Ok(());
    }
    let reason = format!(
        "is too broad: about {jobs} jobs were made in this time and the day before it, and at most {MOST_JOBS} are \
         counted: narrow it by since and until"
    );
    Err(InvalidField { field: "since", reason })
}

/// Attempts are found by when their jobs were made. Those of jobs that were made longer before the
/// asked time than this are not counted.
const BEFORE: TimeDelta = TimeDelta::days(1);

/// By which the clocks of programs may differ from the database's.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_none_is_refused_by_its_field_and_a_line_is_as_long_as_its_step() {
        let at: DateTime<Utc> = "2027-03-14T12:00:00Z".parse().unwrap();
        let field = |filter: StatFilter| filter.check().map_err(|invalid| invalid.field);
        let hour = || StatFilter::new(at - TimeDelta::hours(1), at);
        assert_eq!(field(hour()), Ok(()));
        assert_eq!(field(StatFilter::new(at, at)), Err("since"));
        assert_eq!(field(StatFilter::new(at, DateTime::<Utc>::MAX_UTC)), Err("until"));
        assert_eq!(field(hour().queue("")), Err("queue"));
        assert_eq!((hour().seconds(), hour().step(Step::Minute).seconds()), (3600.0, 60.0));
        assert_eq!(hour().step(Step::Day).seconds(), 3600.0);
        let odd = StatFilter::new(at - TimeDelta::seconds(5400), at + TimeDelta::seconds(30));
        let whole = odd.clone().of_whole(odd.rows());
        assert_eq!((whole.since, whole.until), (at - TimeDelta::minutes(90), at + TimeDelta::minutes(1)));
        let days = StatFilter::new(at - TimeDelta::days(2), at).step(Step::Day);
        assert_eq!((days.rows(), days.steps(), hour().rows(), hour().steps()), (Step::Hour, 2, Step::Minute, 1));
        assert_eq!(hour().of_whole(Step::Hour).since, at - TimeDelta::hours(1));
        assert_eq!((countable(MOST_JOBS), countable(MOST_JOBS + 1).unwrap_err().field), (Ok(()), "since"));
        for step in Step::ALL {
            assert_eq!(step.to_string().parse(), Ok(step));
        }
    }
}
