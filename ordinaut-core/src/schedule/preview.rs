//! What a schedule will do, and what about it may surprise.

use crate::schedule::occurrences::{MAX_STEPS, Occurrences, Rule};
use crate::schedule::rate::Cost;
use crate::schedule::timezone::{Meaning, shift};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::Serialize;

/// How far ahead clock changes are looked for: every zone that has any has all of them in a year.
const LOOK_AHEAD: TimeDelta = TimeDelta::days(366);

/// How far ahead instants are looked for: each of a rule that is due once in a generation costs a
/// walk as long.
const HORIZON: TimeDelta = TimeDelta::days(36_525);

const BEYOND: &str = "nothing more is due within a hundred years";

/// The next due instants of a schedule, and what about them may surprise.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Preview {
    /// The instants, in order.
    pub next: Vec<Moment>,
    /// Sentences for a person.
    pub warnings: Vec<String>,
    /// What it costs; absent if it does not go by the clock.
    pub cost: Option<Cost>,
}

/// A due instant, twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Moment {
    /// In UTC.
    pub utc: DateTime<Utc>,
    /// As the clock in the zone shows it, with its offset: RFC 3339.
    pub local: String,
}

impl Occurrences {
    /// The next instants, of which there may be 1 to 100 at a time, and what about the schedule may
    /// surprise.
    ///
    /// ```
    /// use ordinaut_core::schedule::{Compiled, Schedule};
    ///
    /// let monthly = Schedule::cron("0 9 31 * *").timezone("Europe/Chisinau");
    /// let Compiled::Times(occurrences) = monthly.compile(&[])? else { unreachable!() };
    /// let preview = occurrences.preview("2027-01-01T00:00:00Z".parse()?, 2);
    /// assert_eq!(preview.next[1].local, "2027-03-31T09:00:00+03:00");
    /// assert_eq!(preview.warnings, ["some months have no day 31: nothing is due in them"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn preview(&self, after: DateTime<Utc>, count: usize) -> Preview {
        let (mut next, mut last, count) = (Vec::new(), after, count.clamp(1, 100));
        let horizon = shift(after, HORIZON);
        let mut steps = MAX_STEPS;
        let end = loop {
            if next.len() == count {
                break None;
            }
            match self.search(last, &mut steps) {
                Ok(Some(at)) if at > horizon => break Some(BEYOND.to_owned()),
                Ok(Some(at)) => {
                    next.push(Moment { utc: at, local: self.zone.rfc3339(at) });
                    last = at;
                }
                Ok(None) if next.is_empty() => break Some("never fires again: it has ended".to_owned()),
                Ok(None) => break Some(format!("ends at {}", self.zone.rfc3339(last))),
                Err(exhausted) => break Some(exhausted.to_string()),
            }
        };
        let mut warnings = Vec::from_iter(end);
        warnings.extend(self.missing_day());
        warnings.extend(self.odd_times(after));
        Preview { next, warnings, cost: Some(self.cost(after)) }
    }

    fn missing_day(&self) -> Option<String> {
        let (months, days) = match &self.rule {
            Rule::Cron(cron) => (cron.months(), cron.month_days()),
            Rule::Rrule(rule) => (rule.months(), rule.month_days()),
            Rule::Every(_) | Rule::Once(..) => return None,
        };
        let day = crate::schedule::month_days::missing_day(&months, &days)?;
        Some(format!("some months have no day {day}: nothing is due in them"))
    }

    /// Times of the rule that the clock skips, or shows twice.
    fn odd_times(&self, after: DateTime<Utc>) -> Vec<String> {
        if let Rule::Once(_, wall) = self.rule {
            return wall.and_then(|wall| self.odd_time(wall)).into_iter().collect();
        }
        let mut warnings = Vec::new();
        let mut at = after;
        while let Some(change) = self.zone.next_change(at).filter(|change| *change <= shift(after, LOOK_AHEAD)) {
            at = change;
            let (old, new) = (self.zone.offset(shift(change, TimeDelta::seconds(-1))), self.zone.offset(change));
            let clock = |offset| shift(change, offset).naive_utc();
            let (from, to) = (clock(old.min(new)), clock(old.max(new)));
            let first = match &self.rule {
                Rule::Cron(cron) => cron.next_wall(from),
                Rule::Rrule(rule) => rule.walls(from).next(),
                Rule::Every(_) | Rule::Once(..) => None,
            };
            warnings.extend(first.filter(|wall| *wall < to).and_then(|wall| self.odd_time(wall)));
        }
        warnings
    }

    fn odd_time(&self, wall: NaiveDateTime) -> Option<String> {
        let shown = wall.format("%Y-%m-%d %H:%M");
        let (in_steps, every_hour) = match &self.rule {
            Rule::Cron(cron) => (cron.goes_in_steps(), cron.takes_every_hour()),
            _ => (false, false),
        };
        match self.zone.meaning(wall) {
            Meaning::Clear(_) => None,
            _ if in_steps && every_hour => None,
            Meaning::Skipped(_) if in_steps => Some(format!("the clock skips {shown}: not due then")),
            Meaning::Twice(_) if in_steps => Some(format!("the clock shows {shown} twice: due both times")),
            Meaning::Twice(_) => Some(format!("the clock shows {shown} twice: due the first time")),
            Meaning::Skipped(shifted) => {
                let at = match &self.rule {
                    Rule::Cron(cron) => cron.instant(wall, &self.zone),
                    Rule::Rrule(rule) => rule.instant(wall, &self.zone),
                    Rule::Once(at, _) => *at,
                    Rule::Every(_) => shifted,
                };
                Some(format!("the clock skips {shown}: due at {} instead", self.zone.rfc3339(at)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::schedule::definition::{Compiled, Schedule};
    use crate::schedule::kind::ScheduleKind;

    fn warnings(kind: ScheduleKind, expr: &str) -> Vec<String> {
        let schedule = Schedule::new(kind, expr).timezone("America/New_York");
        let schedule = schedule.dtstart("2027-01-01T02:30:00".parse().unwrap());
        match schedule.compile(&[]).unwrap() {
            Compiled::Times(occurrences) => occurrences.preview("2027-01-02T00:00:00Z".parse().unwrap(), 2).warnings,
            other => panic!("{other:?} has no occurrences"),
        }
    }

    #[test]
    fn what_the_clock_skips_or_shows_twice_is_told() {
        let skipped = |rest| vec![format!("the clock skips 2027-03-14 02:30: {rest}")];
        assert_eq!(warnings(ScheduleKind::Cron, "30 2 * * *"), skipped("due at 2027-03-14T03:00:00-04:00 instead"));
        assert_eq!(warnings(ScheduleKind::Rrule, "FREQ=DAILY"), skipped("due at 2027-03-14T03:30:00-04:00 instead"));
        let once = warnings(ScheduleKind::Once, "2027-03-14T02:30");
        assert_eq!(once[1..], skipped("due at 2027-03-14T03:30:00-04:00 instead"));
        assert_eq!(warnings(ScheduleKind::Cron, "30/30 2 * * *".replace("30/", "*/").as_str()).len(), 1);
        let twice = "the clock shows 2027-11-07 01:30 twice: due the first time";
        assert_eq!(warnings(ScheduleKind::Cron, "30 1 * * *"), [twice]);
        assert!(warnings(ScheduleKind::Cron, "*/5 * * * *").is_empty());
        assert!(warnings(ScheduleKind::Every, "1h").is_empty());
    }

    #[test]
    fn an_end_is_told() {
        assert_eq!(warnings(ScheduleKind::Rrule, "FREQ=DAILY;COUNT=2"), ["ends at 2027-01-02T02:30:00-05:00"]);
        assert_eq!(warnings(ScheduleKind::Once, "2020-01-01T00:00:00Z"), ["never fires again: it has ended"]);
    }
}
