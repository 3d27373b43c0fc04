//! The instants that a schedule makes due.

use crate::schedule::calendar::{Calendar, next_open};
use crate::schedule::cron::Cron;
use crate::schedule::interval::Every;
use crate::schedule::rrule::Rrule;
use crate::schedule::timezone::{Zone, shift};
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Utc};

/// Number of times that calendars may send a search on to another day before it gives up.
pub(crate) const MAX_STEPS: usize = 366;

/// The instants at which a schedule of the kinds `every`, `cron`, `rrule` or `once` is due.
///
/// ```
/// use ordinaut_core::schedule::{Compiled, Schedule};
///
/// let schedule = Schedule::cron("30 2 * * *").timezone("America/New_York");
/// let Compiled::Times(occurrences) = schedule.compile(&[])? else { unreachable!() };
/// // Two o'clock in the morning is skipped that day, and three o'clock comes at once.
/// let next = occurrences.next_after("2027-03-14T00:00:00Z".parse()?)?;
/// assert_eq!(next, Some("2027-03-14T07:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Occurrences {
    pub(crate) rule: Rule,
    pub(crate) zone: Zone,
    pub(crate) starts_at: Option<DateTime<Utc>>,
    pub(crate) ends_at: Option<DateTime<Utc>>,
    pub(crate) calendars: Vec<Calendar>,
}

#[derive(Clone, Debug)]
pub(crate) enum Rule {
    Every(Every),
    Cron(Box<Cron>),
    Rrule(Box<Rrule>),
    /// The instant, and what the clock shows then if that is how it was written.
    Once(DateTime<Utc>, Option<NaiveDateTime>),
}

/// The search for the next due instant was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no due instant was found: calendars closed {MAX_STEPS} days on which the schedule would have been due")]
pub struct Exhausted;

impl Occurrences {
    /// The first due instant that is strictly later; `None`: there is none, the schedule has ended.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] if calendars closed too many of the days on which it would be due, so that the
    /// search was given up.
    pub fn next_after(&self, after: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Exhausted> {
        let mut steps = MAX_STEPS;
        self.search(after, &mut steps)
    }

    /// The same after an instant that other zone data made, when the clock showed `wall` by that
    /// data: what names times on the wall is not due again before the clock shows a later one. What
    /// follows real time, such as a cron in steps, may be.
    pub(crate) fn next_since(
        &self,
        after: DateTime<Utc>,
        wall: Option<NaiveDateTime>,
    ) -> Result<Option<DateTime<Utc>>, Exhausted> {
        let goes_by_the_wall = match &self.rule {
            Rule::Cron(cron) => !cron.goes_in_steps(),
            Rule::Rrule(_) => true,
            Rule::Every(_) | Rule::Once(..) => false,
        };
        let shown = wall.filter(|_| goes_by_the_wall).map(|wall| self.zone.meaning(wall).shifted());
        self.next_after(shown.map_or(after, |at| at.max(after)))
    }

    /// The same as `next_after`, with what is left of the steps that several searches share.
    pub(crate) fn search(&self, after: DateTime<Utc>, steps: &mut usize) -> Result<Option<DateTime<Utc>>, Exhausted> {
        let just_before = |at| shift(at, -TimeDelta::nanoseconds(1));
        let mut after = after.max(first()).max(self.starts_at.map_or(first(), just_before));
        loop {
            let at = match self.in_rule(after) {
                Some(at) if at.year() < 9_000 && self.ends_at.is_none_or(|end| at <= end) => at,
                _ => return Ok(None),
            };
            let date = self.zone.wall(at).date();
            let open = match next_open(&self.calendars, date) {
                Some(open) if open == date => return Ok(Some(at)),
                Some(open) => open,
                None => return Ok(None),
            };
            let midnight = self.zone.after_gap(open.and_time(chrono::NaiveTime::MIN));
            // A clock that goes back over midnight shows a day's first minute before the day before
            // ends.
            after = at.max(just_before(midnight));
            *steps = steps.checked_sub(1).ok_or(Exhausted)?;
        }
    }

    /// Number of times or days that the search for the instant `at` looks at, which is the first
    /// one after `after`.
    pub(crate) fn looked_at(&self, after: DateTime<Utc>, at: DateTime<Utc>) -> u64 {
        let (after, at) = (self.zone.wall(after), self.zone.wall(at));
        match &self.rule {
            Rule::Every(_) | Rule::Once(..) => 1,
            Rule::Cron(_) => 1 + (at.date() - after.date()).num_days().unsigned_abs(),
            Rule::Rrule(rule) => rule.looked_at(after, at),
        }
    }

    fn in_rule(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if after.year() >= 9_000 {
            return None;
        }
        match &self.rule {
            Rule::Every(every) => every.next_after(after),
            Rule::Cron(cron) => cron.next_after(after, &self.zone),
            Rule::Rrule(rule) => rule.next_after(after, &self.zone),
            Rule::Once(at, _) => (*at > after).then_some(*at),
        }
    }
}

/// Nothing was due before 1900.
pub(crate) fn first() -> DateTime<Utc> {
    DateTime::from_timestamp(-2_208_988_800, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use crate::schedule::calendar::{Calendar, CalendarMode};
    use crate::schedule::definition::{Compiled, Schedule};
    use crate::schedule::kind::ScheduleKind;
    use chrono::{DateTime, Days, NaiveDate, Utc};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn next(schedule: Schedule, calendars: &[Calendar], after: &str) -> Option<DateTime<Utc>> {
        let Compiled::Times(occurrences) = schedule.compile(calendars).unwrap() else { panic!("no occurrences") };
        occurrences.next_after(at(after)).unwrap()
    }

    #[test]
    fn a_time_on_the_wall_that_other_zone_data_made_due_is_not_due_again() {
        let next = |expr: &str, after: &str, wall: Option<&str>| {
            let schedule = Schedule::new(ScheduleKind::Cron, expr).timezone("Asia/Tokyo");
            let Compiled::Times(occurrences) = schedule.compile(&[]).unwrap() else { panic!("no occurrences") };
            occurrences.next_since(at(after), wall.map(|wall| wall.parse().unwrap())).unwrap().unwrap()
        };
        let (nine, tomorrow) = (at("2027-03-01T00:00:00Z"), at("2027-03-02T00:00:00Z"));
        let (early, late) = ("2027-02-28T23:00:00Z", "2027-03-01T01:00:00Z");
        assert_eq!(next("0 9 * * *", early, Some("2027-03-01T09:00:00")), tomorrow);
        assert_eq!(next("0 9 * * *", late, Some("2027-03-01T09:00:00")), tomorrow);
        assert_eq!(next("0 9 * * *", early, Some("2027-02-28T09:00:00")), nine);
        assert_eq!(next("0 9 * * *", early, None), nine, "nothing was due then");
        assert_eq!(next("0 * * * *", early, Some("2027-03-01T09:00:00")), nine, "it follows real time");
    }

    #[test]
    fn both_bounds_are_inclusive() {
        let daily = || {
            let bounded = Schedule::new(ScheduleKind::Cron, "@daily");
            bounded.starts_at(at("2027-01-02T00:00:00Z")).ends_at(at("2027-01-03T00:00:00Z"))
        };
        assert_eq!(next(daily(), &[], "2026-01-01T00:00:00Z"), Some(at("2027-01-02T00:00:00Z")));
        assert_eq!(next(daily(), &[], "2027-01-02T00:00:00Z"), Some(at("2027-01-03T00:00:00Z")));
        assert_eq!(next(daily(), &[], "2027-01-03T00:00:00Z"), None);
    }

    #[test]
    fn calendars_go_by_the_local_date() {
        let new_year = [NaiveDate::from_ymd_opt(2027, 1, 1).unwrap()];
        let closed = [Calendar::new("holidays", CalendarMode::Exclude, new_year)];
        let daily = || Schedule::new(ScheduleKind::Cron, "@daily").timezone("Asia/Tokyo");
        assert_eq!(next(daily(), &closed, "2026-12-31T14:00:00Z"), Some(at("2027-01-01T15:00:00Z")));
        let open = [Calendar::new("once", CalendarMode::Allow, new_year)];
        assert_eq!(next(daily(), &open, "2020-01-01T00:00:00Z"), Some(at("2026-12-31T15:00:00Z")));
        assert_eq!(next(daily(), &open, "2026-12-31T15:00:00Z"), None);
    }

    #[test]
    fn calendars_that_close_every_day_end_the_search() {
        let monday = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap();
        let mondays = (0..5_000).map(|week| monday + Days::new(7 * week));
        let closed = [Calendar::new("mondays", CalendarMode::Exclude, mondays)];
        let refused = Schedule::new(ScheduleKind::Cron, "0 9 * * MON").compile(&closed).unwrap_err();
        assert!(refused.to_string().starts_with("expr never fires"), "{refused}");
    }
}
