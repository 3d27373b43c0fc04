//! The text of a recurrence rule, checked, and read by the crate rrule.
//!
//! The crate takes what RFC 5545 forbids, and then answers with wrong dates or not at all: such
//! rules are refused here. `UNTIL` and `COUNT` never reach it: it would read the one in the
//! server's zone, and count the other from wherever the walk begins.

use crate::error::InvalidField;
use crate::schedule::fine_rule;
use crate::schedule::month_days::some_day_exists;
use crate::schedule::refusal::refuse;
use crate::schedule::timezone::{Zone, shift};
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use rrule::{Frequency, NWeekday, RRule, Unvalidated};

const MAX_BYTES: usize = 512;

/// A walk to the end of a count happens whenever a task is read.
const MAX_COUNT: u32 = 100_000;

pub(crate) struct RuleText {
    pub(crate) rule: RRule<Unvalidated>,
    /// The midnights of its days, if it goes by the minute or the second.
    pub(crate) days: Option<RRule<Unvalidated>>,
    pub(crate) count: Option<u32>,
    pub(crate) until: Option<Until>,
}

/// The end of a rule, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    At(DateTime<Utc>),
    Wall(NaiveDateTime),
}

impl Until {
    pub(crate) fn instant(self, zone: &Zone) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Wall(wall) => zone.meaning(wall).shifted(),
        }
    }
}

impl RuleText {
    pub(crate) fn parse(expr: &str) -> Result<Self, InvalidField> {
        let text = expr.trim().to_ascii_uppercase();
        let text = text.strip_prefix("RRULE:").unwrap_or(&text);
        if text.len() > MAX_BYTES {
            return refuse(format!("must not be longer than {MAX_BYTES} bytes"));
        }
        if let Some(other) = text.chars().find(|char| !char.is_ascii_alphanumeric() && !"=;,+-".contains(*char)) {
            return refuse(format!("must be the rule alone, FREQ=…;…, without {other:?}"));
        }
        let (mut rest, mut count, mut until) = (Vec::new(), None, None);
        for part in text.split(';') {
            match part.split_once('=') {
                Some(("COUNT", number)) if count.is_none() => count = Some(self::count(number)?),
                Some(("UNTIL", time)) if until.is_none() => until = Some(self::until(time)?),
                Some(("COUNT" | "UNTIL", _)) => return refuse("has COUNT or UNTIL twice"),
                Some((name, "")) => return refuse(format!("has nothing behind {name}=")),
                Some(("BYDAY" | "BYWEEKDAY", days)) if !days.split(',').all(is_day) => {
                    return refuse("must have days such as MO, 2TU or -1FR in BYDAY");
                }
                _ => rest.push(part),
            }
        }
        if count.is_some() && until.is_some() {
            return refuse("must not have both COUNT and UNTIL");
        }
        let rule = match rest.join(";").parse::<RRule<Unvalidated>>() {
            Ok(rule) => rule,
            Err(error) => return refuse(format!("is not a recurrence rule: {error}")),
        };
        check(&rule)?;
        let days = if fine_rule::is_fine(rule.get_freq()) { Some(days(&rest)?) } else { None };
        Ok(Self { rule, days, count, until })
    }
}

/// A rule that has the midnight of each day that these parts name.
fn days(parts: &[&str]) -> Result<RRule<Unvalidated>, InvalidField> {
    let of_days = |part: &&&str| {
        let name = part.split('=').next().unwrap_or_default();
        !["FREQ", "INTERVAL", "BYHOUR", "BYMINUTE", "BYSECOND"].contains(&name)
    };
    let mut rule = vec!["FREQ=HOURLY", "BYHOUR=0", "BYMINUTE=0", "BYSECOND=0"];
    rule.extend(parts.iter().filter(of_days));
    rule.join(";").parse().or_else(|error| refuse(format!("is not a recurrence rule: {error}")))
}

fn check(rule: &RRule<Unvalidated>) -> Result<(), InvalidField> {
    let freq = rule.get_freq();
    if rule.get_interval() == 0 {
        return refuse("must have an INTERVAL of at least 1");
    }
    fine_rule::check(rule)?;
    let days = rule.get_by_weekday();
    let ordinal = |day: &NWeekday| matches!(day, NWeekday::Nth(..));
    if days.iter().any(ordinal) && !matches!(freq, Frequency::Monthly | Frequency::Yearly) {
        return refuse("may number the days of BYDAY only if FREQ is MONTHLY or YEARLY");
    }
    if days.iter().any(ordinal) && !days.iter().all(ordinal) {
        return refuse("must number either all days of BYDAY or none");
    }
    if days.iter().any(ordinal) && !rule.get_by_week_no().is_empty() {
        return refuse("must not number the days of BYDAY if it has BYWEEKNO");
    }
    if rule.get_by_month_day().contains(&0) {
        return refuse("must not have a BYMONTHDAY of 0");
    }
    let size = |count: usize| count.max(1);
    let times = size(rule.get_by_hour().len()) * size(rule.get_by_minute().len()) * size(rule.get_by_second().len());
    let most = if matches!(freq, Frequency::Monthly | Frequency::Yearly) { 24 } else { 1440 };
    if times > most {
        return refuse(format!("names {times} times of day, and FREQ={freq} may have {most}"));
    }
    let months: Vec<u32> = rule.get_by_month().iter().map(|month| u32::from(*month)).collect();
    let month_days: Vec<i32> = rule.get_by_month_day().iter().map(|day| i32::from(*day)).collect();
    if !some_day_exists(&months, &month_days) {
        return refuse("never fires: none of its months has such a day");
    }
    Ok(())
}

fn count(number: &str) -> Result<u32, InvalidField> {
    match number.parse() {
        Ok(count) if (1..=MAX_COUNT).contains(&count) => Ok(count),
        _ => refuse(format!("must have a COUNT from 1 to {MAX_COUNT}")),
    }
}

/// A day alone means the whole of it.
fn until(time: &str) -> Result<Until, InvalidField> {
    let wall = |text| NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").ok();
    let time_of_day = match time.strip_suffix('Z') {
        Some(utc) => wall(utc).map(|wall| Until::At(wall.and_utc())),
        None => wall(time).map(Until::Wall),
    };
    let day = || {
        let date = NaiveDate::parse_from_str(time, "%Y%m%d").ok()?;
        let last = shift(date.and_hms_opt(0, 0, 0)?.and_utc(), TimeDelta::seconds(86_399));
        Some(Until::Wall(last.naive_utc()))
    };
    match time_of_day.or_else(day) {
        Some(until) => Ok(until),
        None => refuse("must have an UNTIL such as 20271231T235959, 20271231T215959Z or 20271231"),
    }
}

fn is_day(text: &str) -> bool {
    let Some((number, day)) = text.len().checked_sub(2).and_then(|at| text.split_at_checked(at)) else { return false };
    let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
    let ordinal = digits.parse::<u8>().is_ok_and(|ordinal| (1..=53).contains(&ordinal));
    ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].contains(&day) && (number.is_empty() || ordinal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_an_instant_or_a_time_on_the_wall() {
        let until = |text: &str| RuleText::parse(&format!("FREQ=DAILY;UNTIL={text}")).unwrap().until.unwrap();
        let zone = Zone::named("America/New_York").unwrap();
        let instant = |text| until(text).instant(&zone).to_rfc3339();
        assert_eq!(instant("20270701T000000Z"), "2027-07-01T00:00:00+00:00");
        assert_eq!(instant("20270701T000000"), "2027-07-01T04:00:00+00:00");
        assert_eq!(instant("20270701"), "2027-07-02T03:59:59+00:00");
    }

    #[test]
    fn what_the_crate_would_take_and_get_wrong_is_refused() {
        let refused = [
            "FREQ=WEEKLY;BYDAY=-1MO",
            "FREQ=MONTHLY;BYMONTHDAY=0",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;COUNT=0",
            "FREQ=MONTHLY;BYDAY=XXMO",
            "FREQ=MONTHLY;BYDAY=0MO",
            "FREQ=MONTHLY;BYDAY=MO,1TU",
            "FREQ=DAILY;BYHOUR=",
            "FREQ=DAILY;COUNT=2;UNTIL=20270101",
            "FREQ=DAILY\nEXRULE:FREQ=DAILY",
        ];
        for text in refused {
            assert!(RuleText::parse(text).is_err(), "{text}");
        }
    }
}
