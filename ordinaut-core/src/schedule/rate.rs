//! The rate at which a schedule is due, and what it costs to find out when.

use crate::error::InvalidField;
use crate::schedule::occurrences::{Exhausted, Occurrences};
use crate::schedule::refusal::refuse;
use crate::schedule::timezone::shift;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

/// The most that a schedule can have: one instant each second.
pub(crate) const MOST_FIRES: u32 = 3600;

/// How far ahead a cost looks.
const SPAN: TimeDelta = TimeDelta::days(30);

/// Number of instants after which a cost is reckoned from what was seen.
const SAMPLE: usize = 1_000;

/// What a schedule costs: the rate at which it makes jobs, and the work of finding out when.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Cost {
    /// Fires a day, over the next 30 days; of one that is due more than 1,000 times in these, over
    /// the first 1,000.
    pub fires_a_day: f64,
    /// Number of times or days that are looked at to find one instant.
    pub work: f64,
    /// Their product: what is looked at in a day.
    pub score: f64,
}

impl Occurrences {
    /// What it costs from `after` on.
    ///
    /// ```
    /// use ordinaut_core::schedule::{Compiled, Schedule};
    ///
    /// let hourly = Schedule::cron("0 * * * *");
    /// let Compiled::Times(occurrences) = hourly.compile(&[])? else { unreachable!() };
    /// assert_eq!(occurrences.cost("2027-01-01T00:00:00Z".parse()?).fires_a_day, 24.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cost(&self, after: DateTime<Utc>) -> Cost {
        let end = shift(after, SPAN);
        let (mut fires, mut work, mut last) = (0_u32, 0_u64, after);
        let days = loop {
            match self.next_after(last) {
                Ok(Some(at)) if at <= end => {
                    work += self.looked_at(last, at);
                    (fires, last) = (fires + 1, at);
                }
                _ => break SPAN.as_seconds_f64() / 86_400.0,
            }
            if fires as usize == SAMPLE {
                break (last - after).as_seconds_f64() / 86_400.0;
            }
        };
        let fires_a_day = f64::from(fires) / days;
        // Thousands, which a float has exactly.
        #[allow(clippy::cast_precision_loss)]
        let work = if fires == 0 { 1.0 } else { work as f64 / f64::from(fires) };
        let round = |number: f64| (number * 1000.0).round() / 1000.0;
        Cost { fires_a_day: round(fires_a_day), work: round(work), score: round(fires_a_day * work) }
    }

    /// Refuses a schedule that is due more than `most` times in the hour that begins with its first
    /// instant after `after`.
    pub(crate) fn check_rate(&self, after: DateTime<Utc>, most: u32) -> Result<Result<(), InvalidField>, Exhausted> {
        if most >= MOST_FIRES {
            return Ok(Ok(()));
        }
        let Some(first) = self.next_after(after)? else { return Ok(Ok(())) };
        let (end, mut last, mut fires) = (shift(first, TimeDelta::hours(1)), first, 1);
        while fires <= most
            && let Some(at) = self.next_after(last)?.filter(|at| *at < end)
        {
            (fires, last) = (fires + 1, at);
        }
        Ok(if fires > most {
            refuse(format!("is due more than {most} times an hour, which TASK_MAX_FIRES_PER_HOUR allows"))
        } else {
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::definition::{Compiled, Schedule};
    use crate::schedule::kind::ScheduleKind;

    fn occurrences(kind: ScheduleKind, expr: &str) -> Occurrences {
        let schedule = Schedule::new(kind, expr).dtstart("2027-01-01T00:00:00".parse().unwrap());
        match schedule.compile(&[]).unwrap() {
            Compiled::Times(occurrences) => occurrences,
            other => panic!("{other:?} has no occurrences"),
        }
    }

    fn now() -> DateTime<Utc> {
        "2027-02-01T00:00:30Z".parse().unwrap()
    }

    #[test]
    fn a_schedule_that_is_due_too_often_is_refused() {
        let allowed = |kind, expr: &str| occurrences(kind, expr).check_rate(now(), 60).unwrap().is_ok();
        assert!(allowed(ScheduleKind::Rrule, "FREQ=MINUTELY"));
        assert!(allowed(ScheduleKind::Cron, "* * * * *"));
        assert!(allowed(ScheduleKind::Every, "1m"));
        assert!(allowed(ScheduleKind::Once, "2027-03-01T00:00:00Z"));
        assert!(!allowed(ScheduleKind::Rrule, "FREQ=SECONDLY;INTERVAL=59"));
        assert!(!allowed(ScheduleKind::Rrule, "FREQ=SECONDLY;BYDAY=SU;BYHOUR=4"));
        assert!(!allowed(ScheduleKind::Cron, "*/30 * 9 1 1 *"));
        assert!(!allowed(ScheduleKind::Every, "59s"));
        assert!(occurrences(ScheduleKind::Every, "1s").check_rate(now(), MOST_FIRES).unwrap().is_ok());
    }

    #[test]
    fn a_cost_is_what_is_due_and_what_is_looked_at() {
        let cost = |kind, expr: &str| occurrences(kind, expr).cost(now());
        assert_eq!(cost(ScheduleKind::Every, "1s"), Cost { fires_a_day: 86_400.0, work: 1.0, score: 86_400.0 });
        let nightly = cost(ScheduleKind::Cron, "30 2 * * *");
        assert!((0.9..=1.1).contains(&nightly.fires_a_day) && nightly.work <= 2.0, "{nightly:?}");
        let rare = cost(ScheduleKind::Rrule, "FREQ=YEARLY");
        assert_eq!((rare.fires_a_day, rare.score), (0.0, 0.0));
        let workdays = cost(ScheduleKind::Rrule, "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1");
        let late = cost(ScheduleKind::Rrule, "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR");
        assert!(workdays.fires_a_day < late.fires_a_day && late.work > 1.0, "{late:?}");
    }
}
