//! Cron expressions: croner reads them and knows which days match; the search and the clock changes
//! are ours.
//!
//! croner's own search runs to the year 5000 and walks gaps second by second; it also takes a list
//! of hours for steps. Here a time in a gap is due at the first instant after it, one that comes
//! twice is due the first time, and hours or minutes written with `*` or a step follow real time:
//! what the clock jumps over is not due, what it repeats is due again. So `*/30 2 * * *` is not due
//! on the day without two o'clock.

use crate::error::InvalidField;
use crate::schedule::cron_fields::Fields;
use crate::schedule::gap::{GapRule, beginning};
use crate::schedule::month_days::some_day_exists;
use crate::schedule::refusal::refuse;
use crate::schedule::timezone::Zone;
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};
use croner::parser::{CronParser, Seconds, Year};
use croner::{CronPattern, Weekday};

/// The rarest day that cron can name is a 29 February on a given weekday: at most forty years
/// apart.
const HORIZON: Months = Months::new(12 * 41);

#[derive(Clone, Debug)]
pub(crate) struct Cron {
    pattern: CronPattern,
    hours: Vec<u32>,
    minutes: Vec<u32>,
    seconds: Vec<u32>,
    gap: GapRule,
    in_steps: bool,
    every_hour: bool,
}

impl Cron {
    pub(crate) fn parse(expr: &str) -> Result<Self, InvalidField> {
        let fields = Fields::split(expr)?;
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let pattern = match parser.parse(&fields.join()) {
            Ok(cron) => cron.pattern,
            Err(error) => return refuse(format!("is not a cron expression: {error}")),
        };
        let numbers = |values: Vec<u16>| values.into_iter().map(u32::from).collect::<Vec<_>>();
        let cron = Self {
            hours: numbers(pattern.hours.values()),
            minutes: numbers(pattern.minutes.values()),
            seconds: numbers(pattern.seconds.values()),
            gap: GapRule::FirstAfter,
            in_steps: fields.go_in_steps(),
            every_hour: fields.every_hour(),
            pattern,
        };
        if fields.number_decides()
            && !cron.pattern.days.has_modifiers()
            && !some_day_exists(&cron.months(), &cron.month_days())
        {
            return refuse("never fires: none of its months has such a day");
        }
        Ok(cron)
    }

    /// The same with another rule for times in a gap.
    pub(crate) fn with_gap(self, gap: GapRule) -> Self {
        Self { gap, ..self }
    }

    /// When a time of it is due.
    pub(crate) fn instant(&self, wall: NaiveDateTime, zone: &Zone) -> DateTime<Utc> {
        self.gap.instant(wall, zone)
    }

    pub(crate) fn months(&self) -> Vec<u32> {
        self.pattern.months.values().into_iter().map(u32::from).collect()
    }

    /// The days of the month that are named by number.
    pub(crate) fn month_days(&self) -> Vec<i32> {
        if self.pattern.is_dom_wildcard() {
            return Vec::new();
        }
        self.pattern.days.values().into_iter().map(i32::from).collect()
    }

    pub(crate) fn takes_every_hour(&self) -> bool {
        self.every_hour
    }

    pub(crate) fn goes_in_steps(&self) -> bool {
        self.in_steps
    }

    pub(crate) fn next_after(&self, after: DateTime<Utc>, zone: &Zone) -> Option<DateTime<Utc>> {
        let from = after.with_nanosecond(0)?.checked_add_signed(TimeDelta::seconds(1))?;
        match self.gap {
            _ if self.in_steps => self.next_in_steps(from, zone),
            GapRule::FirstAfter => self.next_on_the_wall(from, zone),
            GapRule::Shifted => {
                let walls = std::iter::successors(self.next_wall(beginning(after, zone)), |wall| {
                    self.next_wall(*wall + TimeDelta::seconds(1))
                });
                self.gap.first_after(after, zone, walls)
            }
        }
    }

    fn next_on_the_wall(&self, from: DateTime<Utc>, zone: &Zone) -> Option<DateTime<Utc>> {
        let mut wall = self.next_wall(zone.wall(from))?;
        loop {
            let at = zone.after_gap(wall);
            if at >= from {
                return Some(at);
            }
            // Between the two times that the clock shows it: at most the repeated hour is walked.
            wall = self.next_wall(wall + TimeDelta::seconds(1))?;
        }
    }

    /// As far as the offset stays the same, then on with the new one.
    fn next_in_steps(&self, mut from: DateTime<Utc>, zone: &Zone) -> Option<DateTime<Utc>> {
        loop {
            let offset = zone.offset(from);
            let wall = self.next_wall((from + offset).naive_utc())?;
            let at = wall.and_utc() - offset;
            match zone.next_change(from) {
                Some(change) if change <= at => from = change,
                _ => return Some(at),
            }
        }
    }

    /// The first matching time on the wall, `from` included.
    pub(crate) fn next_wall(&self, from: NaiveDateTime) -> Option<NaiveDateTime> {
        if self.is_on(from.date())
            && let Some(time) = self.next_time(from.time())
        {
            return Some(from.date().and_time(time));
        }
        let midnight = self.next_time(NaiveTime::MIN)?;
        let horizon = from.date().checked_add_months(HORIZON)?;
        let mut date = from.date().checked_add_days(Days::new(1))?;
        while date <= horizon {
            if self.is_on(date) {
                return Some(date.and_time(midnight));
            }
            let month_matches = self.pattern.month_match(date.month()).unwrap_or(false);
            date =
                if month_matches { date.succ_opt()? } else { date.with_day(1)?.checked_add_months(Months::new(1))? };
        }
        None
    }

    fn is_on(&self, date: NaiveDate) -> bool {
        let weekday = Weekday::from_days_from_sunday(date.weekday().num_days_from_sunday());
        let matches = |pattern: &CronPattern| {
            Ok::<_, croner::errors::CronError>(
                pattern.month_match(date.month())?
                    && pattern.day_match(date.year(), date.month(), date.day(), weekday)?,
            )
        };
        matches(&self.pattern).unwrap_or(false)
    }

    /// The first matching time of a day, `from` included.
    fn next_time(&self, from: NaiveTime) -> Option<NaiveTime> {
        let first = |values: &[u32], least: u32| values.iter().copied().find(|value| *value >= least);
        let (second, minute) = (self.seconds.first()?, self.minutes.first()?);
        let (hour, minute, second) = match first(&self.hours, from.hour())? {
            hour if hour > from.hour() => (hour, *minute, *second),
            hour => match (first(&self.minutes, from.minute()), first(&self.seconds, from.second())) {
                (Some(minute), Some(second)) if minute == from.minute() => (hour, minute, second),
                (Some(minute), _) if minute > from.minute() => (hour, minute, *second),
                _ => match first(&self.minutes, from.minute() + 1) {
                    Some(minute) => (hour, minute, *second),
                    None => (first(&self.hours, hour + 1)?, *minute, *second),
                },
            },
        };
        NaiveTime::from_hms_opt(hour, minute, second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The instants from `after` on, as New York's clock shows them.
    fn shown(expr: &str, after: &str, count: usize) -> Vec<String> {
        let zone = Zone::named("America/New_York").unwrap();
        let cron = Cron::parse(expr).unwrap();
        let mut at = after.parse().unwrap();
        let mut next = || {
            at = cron.next_after(at, &zone).unwrap();
            zone.rfc3339(at)[8..22].to_owned()
        };
        (0..count).map(|_| next()).collect()
    }

    const SPRING: &str = "2027-03-14T04:30:00Z";
    const AUTUMN: &str = "2027-11-07T03:30:00Z";

    #[test]
    fn a_time_in_a_gap_is_due_at_the_first_instant_after_it() {
        assert_eq!(shown("30 2 * * *", SPRING, 2), ["14T03:00:00-04", "15T02:30:00-04"]);
        assert_eq!(shown("0 1,2,3 * * *", SPRING, 3), ["14T01:00:00-05", "14T03:00:00-04", "15T01:00:00-04"]);
        assert_eq!(shown("0 0 2-3 * * *", SPRING, 2), ["14T03:00:00-04", "15T02:00:00-04"]);
    }

    #[test]
    fn a_time_that_comes_twice_is_due_the_first_time() {
        assert_eq!(shown("30 1 * * *", AUTUMN, 2), ["07T01:30:00-04", "08T01:30:00-05"]);
        assert_eq!(shown("15,45 1 * * *", AUTUMN, 3), ["07T01:15:00-04", "07T01:45:00-04", "08T01:15:00-05"]);
    }

    #[test]
    fn steps_follow_real_time() {
        assert_eq!(shown("*/30 2 * * *", SPRING, 1), ["15T02:00:00-04"]);
        assert_eq!(shown("0 * * * *", "2027-03-14T06:30:00Z", 2), ["14T03:00:00-04", "14T04:00:00-04"]);
        let twice = ["07T01:00:00-04", "07T01:30:00-04", "07T01:00:00-05", "07T01:30:00-05", "08T01:00:00-05"];
        assert_eq!(shown("*/30 1 * * *", AUTUMN, 5), twice);
    }

    #[test]
    fn the_rarest_day_is_found() {
        assert_eq!(shown("0 0 29 2 +MON", "2044-03-01T00:00:00Z", 1), ["29T00:00:00-05"]);
        let cron = Cron::parse("0 0 29 2 +MON").unwrap();
        let zone = Zone::named("UTC").unwrap();
        let next = cron.next_after("2072-03-01T00:00:00Z".parse().unwrap(), &zone).unwrap();
        assert_eq!(next.year(), 2112);
    }
}
