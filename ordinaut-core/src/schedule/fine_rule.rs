//! Recurrence rules by the minute or the second, whose times are counted and not walked.
//!
//! The crate rrule loses the phase of such a rule at each day that its filters leave out, and looks
//! at every second of it. Here the crate says which days match, and arithmetic which of the
//! minutes or seconds of a day do.

use crate::error::InvalidField;
use crate::schedule::refusal::refuse;
use chrono::{DateTime, NaiveDateTime, NaiveTime, SubsecRound, Timelike};
use rrule::{Frequency, RRule, Unvalidated};

/// Number of beats that a search looks at without one that matches before the rule counts as one
/// that has ended: a rule whose interval never meets its lists.
const MAX_MISSES: u32 = 1_000_000;

const DAY: i64 = 86_400;

/// The beats of a rule, in seconds since 1970 on the wall: the anchor and each whole number of
/// intervals behind it, as far as its lists have them.
#[derive(Clone, Debug)]
pub(crate) struct FineRule {
    anchor: i64,
    step: i64,
    hours: Vec<u8>,
    minutes: Vec<u8>,
    /// Of a rule by the second: the seconds that it takes. Of a rule by the minute: the seconds of
    /// each minute.
    seconds: Vec<u8>,
    by_minute: bool,
}

/// Whether a rule is one of these.
pub(crate) fn is_fine(freq: Frequency) -> bool {
    matches!(freq, Frequency::Minutely | Frequency::Secondly)
}

impl FineRule {
    /// Of a rule by the minute or the second; `None` for any other.
    pub(crate) fn of(rule: &RRule<Unvalidated>, dtstart: NaiveDateTime) -> Option<Self> {
        let by_minute = match rule.get_freq() {
            Frequency::Minutely => true,
            Frequency::Secondly => false,
            _ => return None,
        };
        let interval = i64::from(rule.get_interval());
        let sorted = |list: &[u8]| {
            let mut list = list.to_vec();
            list.sort_unstable();
            list.dedup();
            list
        };
        let mut seconds = sorted(rule.get_by_second());
        if by_minute && seconds.is_empty() {
            seconds.extend(u8::try_from(dtstart.second()));
        }
        let unit = if by_minute { 60 } else { 1 };
        Some(Self {
            anchor: floor(dtstart, unit),
            step: interval * unit,
            hours: sorted(rule.get_by_hour()),
            minutes: sorted(rule.get_by_minute()),
            seconds,
            by_minute,
        })
    }

    /// Its times on these days, which are in order, from `from` on.
    pub(crate) fn walls<'a>(
        &'a self,
        from: NaiveDateTime,
        mut days: impl Iterator<Item = NaiveDateTime> + 'a,
    ) -> impl Iterator<Item = NaiveDateTime> + 'a {
        let begin = floor(from, if self.by_minute { 60 } else { 1 });
        let (mut at, mut end, mut misses) = (0, 0, 0);
        let beats = std::iter::from_fn(move || {
            loop {
                while at >= end {
                    let day = days.next()?.date().and_time(NaiveTime::MIN).and_utc().timestamp();
                    (at, end) = (self.beat(day.max(begin)), day + DAY);
                }
                let beat = at;
                at = self.after(beat);
                if self.takes(beat) {
                    misses = 0;
                    return Some(beat);
                }
                misses += 1;
                if misses > MAX_MISSES {
                    return None;
                }
            }
        });
        let own: &[u8] = if self.by_minute { &self.seconds } else { &[0] };
        let times = beats.flat_map(move |beat| own.iter().map(move |second| beat + i64::from(*second)));
        times.filter_map(|at| Some(DateTime::from_timestamp(at, 0)?.naive_utc())).skip_while(move |wall| *wall < from)
    }

    /// The first beat from `at` on.
    fn beat(&self, at: i64) -> i64 {
        at + (self.anchor - at).rem_euclid(self.step)
    }

    /// The next beat that may match: hours and minutes that are not in the lists are passed over
    /// whole.
    fn after(&self, beat: i64) -> i64 {
        let next = beat + self.step;
        let pass = |unit: i64| self.beat(next.max((beat.div_euclid(unit) + 1) * unit));
        match () {
            () if !has(&self.hours, part(beat, 3600, 24)) => pass(3600),
            () if !has(&self.minutes, part(beat, 60, 60)) => pass(60),
            () => next,
        }
    }

    fn takes(&self, beat: i64) -> bool {
        has(&self.hours, part(beat, 3600, 24))
            && has(&self.minutes, part(beat, 60, 60))
            && (self.by_minute || has(&self.seconds, part(beat, 1, 60)))
    }
}

/// A list that names nothing takes everything.
fn has(list: &[u8], value: i64) -> bool {
    list.is_empty() || list.iter().any(|listed| i64::from(*listed) == value)
}

/// What a clock shows of an instant in one of its places.
fn part(at: i64, unit: i64, of: i64) -> i64 {
    at.div_euclid(unit).rem_euclid(of)
}

fn floor(wall: NaiveDateTime, unit: i64) -> i64 {
    let at = wall.trunc_subsecs(0).and_utc().timestamp();
    at - at.rem_euclid(unit)
}

/// What such a rule may not have.
pub(crate) fn check(rule: &RRule<Unvalidated>) -> Result<(), InvalidField> {
    let freq = rule.get_freq();
    if is_fine(freq) && !(rule.get_by_set_pos().is_empty() && rule.get_by_week_no().is_empty()) {
        return refuse(format!("must not have BYSETPOS or BYWEEKNO with FREQ={freq}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::schedule::rrule::Rrule;
    use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Weekday};
    use proptest::prelude::*;

    fn wall(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    fn shown(expr: &str, from: &str, count: usize) -> Vec<String> {
        let rule = Rrule::parse(expr, wall("2027-01-01T09:07:30"), &[], &[], None).unwrap();
        rule.walls(wall(from)).take(count).map(|wall| wall.format("%dT%H:%M:%S").to_string()).collect()
    }

    #[test]
    fn minutes_and_seconds_are_counted_from_the_anchor() {
        let minutes = shown("FREQ=MINUTELY;INTERVAL=25", "2027-01-01T00:00:00", 3);
        assert_eq!(minutes, ["01T09:07:30", "01T09:32:30", "01T09:57:30"]);
        let seconds = shown("FREQ=SECONDLY;INTERVAL=90;BYHOUR=9,11", "2027-01-01T09:59:00", 2);
        assert_eq!(seconds, ["01T11:00:00", "01T11:01:30"]);
        let expanded = shown("FREQ=MINUTELY;INTERVAL=2;BYSECOND=0,30;BYMINUTE=9,10,11", "2027-01-02T00:09:10", 3);
        assert_eq!(expanded, ["02T00:09:30", "02T00:11:00", "02T00:11:30"]);
        let days = shown("FREQ=MINUTELY;INTERVAL=7;BYDAY=MO;COUNT=2", "2027-01-01T00:00:00", 3);
        assert_eq!(days, ["04T00:00:30", "04T00:07:30"]);
    }

    /// Every time that the rule could mean, one by one; `None`: none in two months, which is as
    /// good as never with these intervals.
    fn by_hand(
        unit: i64,
        interval: i64,
        weekday: Option<Weekday>,
        hours: &[u32],
        from: NaiveDateTime,
    ) -> Option<NaiveDateTime> {
        let mut at = wall("2027-01-01T09:07:30");
        while at < from
            || weekday.is_some_and(|weekday| at.weekday() != weekday)
            || !(hours.is_empty() || hours.contains(&at.hour()))
        {
            at += TimeDelta::seconds(unit * interval);
            if at - from > TimeDelta::days(60) {
                return None;
            }
        }
        Some(at)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_next_time_is_what_counting_finds(
            by_minute: bool, interval in 1i64..200, late in 0i64..200_000, monday: bool, night: bool,
        ) {
            let (freq, unit) = if by_minute { ("MINUTELY", 60) } else { ("SECONDLY", 1) };
            let mut expr = format!("FREQ={freq};INTERVAL={interval}");
            expr.push_str(if monday { ";BYDAY=MO" } else { "" });
            expr.push_str(if night { ";BYHOUR=2,3" } else { "" });
            let start = wall("2027-01-01T09:07:30");
            let from = start + TimeDelta::seconds(late);
            let rule = Rrule::parse(&expr, start, &[], &[], None).unwrap();
            let hours: &[u32] = if night { &[2, 3] } else { &[] };
            let expected = by_hand(unit, interval, monday.then_some(Weekday::Mon), hours, from);
            prop_assert_eq!(rule.walls(from).next(), expected, "{} from {}", expr, from);
        }
    }

    #[test]
    fn a_rule_by_the_second_has_its_instants_at_a_change_of_the_clock() {
        let rule = Rrule::parse("FREQ=SECONDLY;INTERVAL=1200", wall("2027-01-01T00:00:00"), &[], &[], None).unwrap();
        let zone = crate::schedule::timezone::Zone::named("America/New_York").unwrap();
        let mut at: DateTime<chrono::Utc> = "2027-03-14T06:30:00Z".parse().unwrap();
        let due = std::iter::repeat_with(|| {
            at = rule.next_after(at, &zone).unwrap();
            at.format("%H:%M").to_string()
        });
        assert_eq!(due.take(4).collect::<Vec<_>>(), ["06:40", "07:00", "07:20", "07:40"]);
    }
}
