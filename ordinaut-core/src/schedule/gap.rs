//! When a time on the wall is due that the clock skips.

use crate::schedule::timezone::{Zone, shift};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// No gap is longer: islands that crossed the date line lost a day.
const LONGEST_GAP: TimeDelta = TimeDelta::hours(25);

/// When a time is due that the clock skips, as half past two on the night when summer time begins.
///
/// ```
/// use ordinaut_core::schedule::{Compiled, GapRule, Schedule};
///
/// let nightly = Schedule::cron("30 2 * * *").timezone("America/New_York").gap(GapRule::Shifted);
/// let Compiled::Times(occurrences) = nightly.compile(&[])? else { unreachable!() };
/// let next = occurrences.next_after("2027-03-14T00:00:00Z".parse()?)?;
/// assert_eq!(next, Some("2027-03-14T07:30:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GapRule {
    /// At the first instant after the gap.
    FirstAfter,
    /// Later by the length of the gap.
    Shifted,
}

impl GapRule {
    /// Both.
    pub const ALL: [Self; 2] = [Self::FirstAfter, Self::Shifted];

    /// The word in a schedule.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstAfter => "first_after",
            Self::Shifted => "shifted",
        }
    }

    /// The first time that the clock shows it, and what stands for it if the clock never does.
    pub(crate) fn instant(self, wall: NaiveDateTime, zone: &Zone) -> DateTime<Utc> {
        match self {
            Self::FirstAfter => zone.after_gap(wall),
            Self::Shifted => zone.meaning(wall).shifted(),
        }
    }

    /// The first instant after `after` that these times become, which are in order and begin at
    /// [`beginning`]. Shifted ones come behind later ones, so the walk goes on until the clock
    /// shows more than the best.
    pub(crate) fn first_after(
        self,
        after: DateTime<Utc>,
        zone: &Zone,
        walls: impl Iterator<Item = NaiveDateTime>,
    ) -> Option<DateTime<Utc>> {
        let mut best: Option<DateTime<Utc>> = None;
        for wall in walls {
            if best.is_some_and(|best| wall >= zone.wall(best)) {
                break;
            }
            let at = self.instant(wall, zone);
            if at > after && best.is_none_or(|best| at < best) {
                best = Some(at);
            }
        }
        best
    }
}

/// No time before this one becomes an instant after `after`. Behind a gap, those in it still may.
pub(crate) fn beginning(after: DateTime<Utc>, zone: &Zone) -> NaiveDateTime {
    let offset = zone.offset(after).min(zone.offset(shift(after, -LONGEST_GAP)));
    shift(after, offset).naive_utc()
}

impl fmt::Display for GapRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for GapRule {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|rule| rule.as_str() == word)
            .ok_or_else(|| format!("no rule for times in a gap is called {word:?}: first_after or shifted"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::definition::{Compiled, Schedule};
    use crate::schedule::kind::ScheduleKind;

    /// Zone, the evening before, a time in the gap, the first instant after the gap, the shifted
    /// one.
    const GAPS: &[(&str, &str, &str, &str, &str)] = &[
        (
            "Europe/Chisinau",
            "2027-03-27T12:00:00Z",
            "2027-03-28T03:15:00",
            "2027-03-28T04:00:00+03:00",
            "2027-03-28T04:15:00+03:00",
        ),
        (
            "America/New_York",
            "2027-03-13T12:00:00Z",
            "2027-03-14T02:30:00",
            "2027-03-14T03:00:00-04:00",
            "2027-03-14T03:30:00-04:00",
        ),
        (
            "America/Santiago",
            "2027-09-04T12:00:00Z",
            "2027-09-05T00:10:00",
            "2027-09-05T01:00:00-03:00",
            "2027-09-05T01:10:00-03:00",
        ),
        (
            "Australia/Lord_Howe",
            "2027-10-02T00:00:00Z",
            "2027-10-03T02:20:00",
            "2027-10-03T02:30:00+11:00",
            "2027-10-03T02:50:00+11:00",
        ),
        (
            "Antarctica/Troll",
            "2027-03-27T12:00:00Z",
            "2027-03-28T01:30:00",
            "2027-03-28T03:00:00+02:00",
            "2027-03-28T03:30:00+02:00",
        ),
        (
            "Pacific/Apia",
            "2011-12-29T12:00:00Z",
            "2011-12-30T09:00:00",
            "2011-12-31T00:00:00+14:00",
            "2011-12-31T09:00:00+14:00",
        ),
    ];

    /// Each way to write the same time of day.
    fn schedules(wall: NaiveDateTime) -> [Schedule; 3] {
        let cron = wall.format("0 %-M %-H %-d %-m *").to_string();
        let once = wall.format("%Y-%m-%dT%H:%M").to_string();
        [
            Schedule::new(ScheduleKind::Cron, cron),
            Schedule::new(ScheduleKind::Rrule, "FREQ=DAILY;COUNT=1").dtstart(wall),
            Schedule::new(ScheduleKind::Once, once),
        ]
    }

    #[test]
    fn a_time_in_a_gap_is_due_as_the_task_says_whatever_its_kind() {
        for (name, before, wall, first_after, shifted) in GAPS {
            let wall: NaiveDateTime = wall.parse().unwrap();
            for schedule in schedules(wall) {
                let kind = schedule.kind;
                let next = |gap: Option<GapRule>| {
                    let schedule = Schedule { gap, ..schedule.clone() }.timezone(*name);
                    let Compiled::Times(occurrences) = schedule.compile(&[]).unwrap() else { panic!("no occurrences") };
                    let at = occurrences.next_after(before.parse().unwrap()).unwrap().unwrap();
                    Zone::named(name).unwrap().rfc3339(at)
                };
                assert_eq!(next(Some(GapRule::FirstAfter)), *first_after, "{name} {kind}");
                assert_eq!(next(Some(GapRule::Shifted)), *shifted, "{name} {kind}");
                let of_kind = if kind == ScheduleKind::Cron { first_after } else { shifted };
                assert_eq!(next(None), **of_kind, "{name} {kind} by its kind");
            }
        }
    }

    #[test]
    fn shifted_times_of_cron_are_in_order_with_those_behind_the_gap() {
        let schedule = Schedule::cron("0,30 2,3 * * *").timezone("America/New_York").gap(GapRule::Shifted);
        let Compiled::Times(occurrences) = schedule.compile(&[]).unwrap() else { panic!("no occurrences") };
        let mut at = "2027-03-14T00:00:00Z".parse().unwrap();
        let due = std::iter::repeat_with(|| {
            at = occurrences.next_after(at).unwrap().unwrap();
            at.format("%dT%H:%M").to_string()
        });
        // Two o'clock and three o'clock become the same instant, which is due once.
        assert_eq!(due.take(3).collect::<Vec<_>>(), ["14T07:00", "14T07:30", "15T06:00"]);
    }

    #[test]
    fn what_follows_real_time_has_no_gap() {
        let refused = |schedule: Schedule| schedule.gap(GapRule::Shifted).compile(&[]).unwrap_err().field;
        assert_eq!(refused(Schedule::cron("*/30 2 * * *")), "gap");
        assert_eq!(refused(Schedule::every("1h").dtstart("2027-01-01T00:00:00".parse().unwrap())), "gap");
        assert_eq!(refused(Schedule::new(ScheduleKind::Service, "5s")), "gap");
    }
}
