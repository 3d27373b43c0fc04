//! Recurrence rules: the crate rrule expands them as times on the wall, as if in UTC, and the zone
//! makes instants of these.
//!
//! A time in a gap is shifted by the gap's length, one that comes twice means the first: so
//! `HOURLY` has the hour behind a gap once, since two that become the same instant are due once,
//! and the repeated hour once. A first week that `dtstart` cuts counts its `BYSETPOS` from the
//! week's beginning, as a month and a year do.

use crate::error::InvalidField;
use crate::schedule::fine_rule::FineRule;
use crate::schedule::gap::{GapRule, beginning};
use crate::schedule::refusal::refuse;
use crate::schedule::rrule_text::{RuleText, Until};
use crate::schedule::timezone::Zone;
use chrono::{DateTime, Datelike, Days, Month, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};
use rrule::{Frequency, NWeekday, RRule, Tz, Unvalidated};
use std::collections::BTreeSet;

/// What lies further ahead is as good as never.
const HORIZON_YEARS: i32 = 100;

/// The crate gives up in the year 10,000 and not before, and the calendar repeats itself every 400
/// years, weekdays included: so its walk begins in one of the 400 years from here, and a rule that
/// never matches ends soon.
const FIRST_YEAR_OF_WALK: i32 = 9_999 - HORIZON_YEARS - 400;

#[derive(Clone, Debug)]
pub(crate) struct Rrule {
    /// Says all that it otherwise would take from the time that its walk begins at. Of a rule by
    /// the minute or the second: the days.
    rule: RRule<Unvalidated>,
    /// Of such a rule: the times of a day.
    fine: Option<FineRule>,
    gap: GapRule,
    dtstart: NaiveDateTime,
    /// The last time of a rule with a count.
    last: Option<NaiveDateTime>,
    until: Option<Until>,
    exdates: BTreeSet<NaiveDateTime>,
    rdates: BTreeSet<NaiveDateTime>,
}

impl Rrule {
    pub(crate) fn parse(
        expr: &str,
        dtstart: NaiveDateTime,
        exdates: &[NaiveDateTime],
        rdates: &[NaiveDateTime],
        gap: Option<GapRule>,
    ) -> Result<Self, InvalidField> {
        let RuleText { rule, days, count, until } = RuleText::parse(expr)?;
        let dtstart = dtstart.with_nanosecond(0).unwrap_or(dtstart);
        let fine = FineRule::of(&rule, dtstart);
        let rule = days.unwrap_or_else(|| explicit(rule, dtstart));
        if let Err(error) = rule.clone().validate(dtstart.and_utc().with_timezone(&Tz::UTC)) {
            return refuse(format!("is not a recurrence rule: {error}"));
        }
        let sorted = |walls: &[NaiveDateTime]| walls.iter().copied().collect::<BTreeSet<_>>();
        let (exdates, rdates) = (sorted(exdates), sorted(rdates));
        let gap = gap.unwrap_or(GapRule::Shifted);
        let mut rule = Self { rule, fine, gap, dtstart, last: None, until, exdates, rdates };
        if let Some(count) = count {
            // Once walked to its end, a rule with a count is as cheap as one without.
            rule.last = rule.walls(dtstart).take(count as usize).last();
        }
        Ok(rule)
    }

    pub(crate) fn months(&self) -> Vec<u32> {
        self.rule.get_by_month().iter().map(|month| u32::from(*month)).collect()
    }

    pub(crate) fn month_days(&self) -> Vec<i32> {
        self.rule.get_by_month_day().iter().map(|day| i32::from(*day)).collect()
    }

    pub(crate) fn next_after(&self, after: DateTime<Utc>, zone: &Zone) -> Option<DateTime<Utc>> {
        let until = self.until.map(|until| until.instant(zone));
        let (beginning, kept) = (beginning(after, zone), |wall: &NaiveDateTime| !self.exdates.contains(wall));
        let from_rule = self.gap.first_after(after, zone, self.walls(beginning).filter(kept));
        let from_rule = from_rule.filter(|at| until.is_none_or(|until| *at <= until));
        let added = self.gap.first_after(after, zone, self.rdates.range(beginning..).copied().filter(kept));
        added.into_iter().chain(from_rule).min()
    }

    /// When a time of it is due.
    pub(crate) fn instant(&self, wall: NaiveDateTime, zone: &Zone) -> DateTime<Utc> {
        self.gap.instant(wall, zone)
    }

    /// Number of times that a walk from the period of `after` to `until` looks at.
    pub(crate) fn looked_at(&self, after: NaiveDateTime, until: NaiveDateTime) -> u64 {
        let begin = match &self.fine {
            Some(_) => Some(after),
            None => period(&self.rule, self.dtstart, after.max(self.dtstart)),
        };
        begin.map_or(1, |begin| self.walls(begin).take_while(|wall| *wall <= until).count().max(1) as u64)
    }

    /// The times of the rule from this one on, in order.
    pub(crate) fn walls(&self, from: NaiveDateTime) -> Box<dyn Iterator<Item = NaiveDateTime> + '_> {
        let from = from.max(self.dtstart);
        let Some(fine) = &self.fine else { return self.walk(self.dtstart, from) };
        let midnight = |wall: NaiveDateTime| wall.date().and_time(NaiveTime::MIN);
        let days = self.walk(midnight(self.dtstart), midnight(from));
        let last = self.last.unwrap_or(NaiveDateTime::MAX);
        Box::new(fine.walls(from, days).take_while(move |wall| *wall <= last))
    }

    /// What the crate finds from this time on, counted from `dtstart`.
    fn walk(&self, dtstart: NaiveDateTime, from: NaiveDateTime) -> Box<dyn Iterator<Item = NaiveDateTime> + '_> {
        let walk = || {
            let start = period(&self.rule, dtstart, from)?;
            let cycles = (FIRST_YEAR_OF_WALK + 399 - start.year()).div_euclid(400);
            let moved = Months::new(u32::try_from(cycles * 4800).ok()?);
            let begin = start.checked_add_months(moved)?.and_utc().with_timezone(&Tz::UTC);
            let set = self.rule.clone().build(begin).ok()?.limit();
            let horizon = from.checked_add_months(Months::new(12 * HORIZON_YEARS.unsigned_abs()))?;
            let end = self.last.map_or(horizon, |last| last.min(horizon));
            let times = set.into_iter().filter_map(move |time| time.naive_utc().checked_sub_months(moved));
            Some(times.skip_while(move |wall| *wall < from).take_while(move |wall| *wall <= end))
        };
        match walk() {
            Some(walls) => Box::new(walls),
            None => Box::new(std::iter::empty()),
        }
    }
}

/// The rule with what it takes from `dtstart` written out, so that its walk may begin elsewhere.
fn explicit(mut rule: RRule<Unvalidated>, dtstart: NaiveDateTime) -> RRule<Unvalidated> {
    let freq = rule.get_freq();
    let names_days = !rule.get_by_month_day().is_empty()
        || !rule.get_by_year_day().is_empty()
        || !rule.get_by_week_no().is_empty()
        || !rule.get_by_weekday().is_empty();
    if !names_days {
        if freq == Frequency::Yearly
            && rule.get_by_month().is_empty()
            && let Ok(month) = Month::try_from(u8::try_from(dtstart.month()).unwrap_or_default())
        {
            rule = rule.by_month(&[month]);
        }
        if matches!(freq, Frequency::Yearly | Frequency::Monthly) {
            rule = rule.by_month_day(i8::try_from(dtstart.day()).into_iter().collect());
        }
        if freq == Frequency::Weekly {
            rule = rule.by_weekday(vec![NWeekday::Every(dtstart.weekday())]);
        }
    }
    let small = |part: u32| u8::try_from(part).into_iter().collect();
    if rule.get_by_hour().is_empty() && freq != Frequency::Hourly {
        rule = rule.by_hour(small(dtstart.hour()));
    }
    if rule.get_by_minute().is_empty() {
        rule = rule.by_minute(small(dtstart.minute()));
    }
    if rule.get_by_second().is_empty() {
        rule = rule.by_second(small(dtstart.second()));
    }
    rule
}

/// The beginning of the last period of the rule, counted from that of `dtstart`, that begins at or
/// before `from`.
fn period(rule: &RRule<Unvalidated>, dtstart: NaiveDateTime, from: NaiveDateTime) -> Option<NaiveDateTime> {
    let interval = i64::from(rule.get_interval());
    let whole = |passed: i64| u64::try_from(passed - passed.rem_euclid(interval)).ok();
    let months = |date: NaiveDate| i64::from(date.year()) * 12 + i64::from(date.month0());
    let (first, now) = (dtstart.date(), from.date());
    match rule.get_freq() {
        Frequency::Yearly => {
            let passed = whole(i64::from(now.year()) - i64::from(first.year()))?;
            NaiveDate::from_ymd_opt(first.year() + i32::try_from(passed).ok()?, 1, 1)?.and_hms_opt(0, 0, 0)
        }
        Frequency::Monthly => {
            let passed = u32::try_from(whole(months(now) - months(first))?).ok()?;
            first.with_day(1)?.checked_add_months(Months::new(passed))?.and_hms_opt(0, 0, 0)
        }
        Frequency::Weekly => {
            let week = first.week(rule.get_week_start()).checked_first_day()?;
            let passed = whole((now - week).num_days() / 7)?;
            week.checked_add_days(Days::new(passed * 7))?.and_hms_opt(0, 0, 0)
        }
        Frequency::Daily => {
            let passed = whole((now - first).num_days())?;
            first.checked_add_days(Days::new(passed))?.and_hms_opt(0, 0, 0)
        }
        Frequency::Hourly | Frequency::Minutely | Frequency::Secondly => {
            let hour = first.and_hms_opt(dtstart.hour(), 0, 0)?;
            let passed = i64::try_from(whole((from - hour).num_hours())?).ok()?;
            hour.checked_add_signed(TimeDelta::try_hours(passed)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    fn rule(expr: &str, dtstart: &str) -> Rrule {
        Rrule::parse(expr, dtstart.parse().unwrap(), &[], &[], None).unwrap()
    }

    fn shown(rule: &Rrule, zone: &str, after: &str, count: usize) -> Vec<String> {
        let zone = Zone::named(zone).unwrap();
        let mut at = after.parse().unwrap();
        let mut next = || {
            at = rule.next_after(at, &zone)?;
            Some(zone.rfc3339(at)[..22].to_owned())
        };
        (0..count).map_while(|_| next()).collect()
    }

    #[test]
    fn a_time_in_a_gap_is_shifted_and_equal_instants_are_due_once() {
        let daily = rule("FREQ=DAILY", "2027-01-01T02:30:00");
        let shown_daily = shown(&daily, "America/New_York", "2027-03-13T12:00:00Z", 2);
        assert_eq!(shown_daily, ["2027-03-14T03:30:00-04", "2027-03-15T02:30:00-04"]);
        let hourly = rule("FREQ=HOURLY;BYMINUTE=0,30", "2027-01-01T00:00:00");
        let shown_hourly = shown(&hourly, "America/New_York", "2027-03-14T06:15:00Z", 4);
        let expected = ["01:30:00-05", "03:00:00-04", "03:30:00-04", "04:00:00-04"];
        assert_eq!(shown_hourly, expected.map(|time| format!("2027-03-14T{time}")));
    }

    #[test]
    fn an_interval_keeps_its_phase_however_late_one_asks() {
        for (expr, dtstart) in [
            ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO", "2015-01-07T09:00:00"),
            ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU", "2015-01-07T09:00:00"),
            ("FREQ=MONTHLY;INTERVAL=5", "2015-01-31T09:00:00"),
            ("FREQ=YEARLY;INTERVAL=4", "2012-02-29T09:00:00"),
            ("FREQ=DAILY;INTERVAL=13;BYDAY=MO,TU,WE,TH,FR", "2015-01-07T09:00:00"),
            ("FREQ=HOURLY;INTERVAL=7;BYMINUTE=5,50", "2015-01-07T09:30:00"),
        ] {
            let rule = rule(expr, dtstart);
            let late: NaiveDateTime = "2027-06-15T12:00:00".parse().unwrap();
            let walked: Vec<_> = rule.walls(rule.dtstart).skip_while(|wall| *wall < late).take(9).collect();
            assert_eq!(rule.walls(late).take(9).collect::<Vec<_>>(), walked, "{expr}");
        }
    }

    /// A rule that may well be refused, or never fire.
    fn rules() -> impl Strategy<Value = String> {
        let list = |name: &'static str, of: &'static [&'static str]| {
            subsequence(of, 0..=3).prop_map(move |some| match some.len() {
                0 => String::new(),
                _ => format!(";{name}={}", some.join(",")),
            })
        };
        let freq = select(&["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"][..]);
        let parts = (
            list("BYMONTH", &["1", "2", "6", "11"]),
            list("BYMONTHDAY", &["-31", "-1", "1", "13", "29", "30", "31"]),
            list("BYDAY", &["MO", "TU", "SU", "1MO", "-1SU", "5FR", "-53SA"]),
            list("BYYEARDAY", &["-366", "-1", "1", "60", "366"]),
            list("BYHOUR", &["0", "2", "23"]),
            list("BYSETPOS", &["-2", "-1", "1", "3"]),
            select(&["", ";WKST=SU", ";WKST=TH"][..]),
        );
        (freq, 1u16..60, parts).prop_map(|(freq, interval, (month, month_day, day, year_day, hour, position, week))| {
            format!("FREQ={freq};INTERVAL={interval}{month}{month_day}{day}{year_day}{hour}{position}{week}")
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn a_walk_that_begins_late_finds_the_same(expr in rules(), start in 0i64..400_000_000, late in 0i64..900_000_000) {
            let dtstart = DateTime::from_timestamp(1_400_000_000 + start, 0).unwrap().naive_utc();
            if let Ok(rule) = Rrule::parse(&expr, dtstart, &[], &[], None) {
                let late = dtstart + TimeDelta::seconds(late);
                let walked: Vec<_> = rule.walls(dtstart).skip_while(|wall| *wall < late).take(3).collect();
                let jumped: Vec<_> = rule.walls(late).take(walked.len()).collect();
                prop_assert_eq!(jumped, walked, "{}", expr);
            }
        }
    }

    #[test]
    fn a_count_counts_from_the_first() {
        let counted = rule("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3", "2027-01-15T09:00:00");
        let all = ["2027-01-31T09:00:00+00", "2027-03-31T09:00:00+00", "2027-05-31T09:00:00+00"];
        assert_eq!(shown(&counted, "UTC", "2020-01-01T00:00:00Z", 9), all);
        assert_eq!(shown(&counted, "UTC", "2027-04-01T00:00:00Z", 9), all[2..]);
    }

    #[test]
    fn dates_are_added_and_taken_away() {
        let wall = |text: &str| text.parse::<NaiveDateTime>().unwrap();
        let (exdates, rdates) = ([wall("2027-01-02T09:00:00")], [wall("2027-01-02T15:00:00")]);
        let rule = Rrule::parse("FREQ=DAILY;COUNT=3", wall("2027-01-01T09:00:00"), &exdates, &rdates, None).unwrap();
        let times = shown(&rule, "UTC", "2020-01-01T00:00:00Z", 9);
        assert_eq!(times, ["2027-01-01T09:00:00+00", "2027-01-02T15:00:00+00", "2027-01-03T09:00:00+00"]);
    }
}
