//! When jobs of a kind may run.

use crate::error::InvalidField;
use crate::policy::window::Window;
use crate::schedule::calendar::{Calendar, next_open};
use crate::schedule::timezone::{Zone, shift};
use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Maximum number of windows and of calendars.
const MOST: usize = 20;

/// Number of edges of windows that a search looks at: those of a year.
const EDGES: usize = 366 * 2 * MOST;

/// When jobs of a kind may run: only within windows (business hours), or never within them (quiet
/// hours). On a day that a calendar closes they do not run at all.
///
/// ```
/// use ordinaut_core::policy::{AllowedHours, HoursMode};
///
/// let office = AllowedHours::new(HoursMode::Only, ["mon-fri 09:00-17:00".parse()?]).timezone("Europe/Chisinau");
/// # let _ = office;
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AllowedHours {
    /// Whether they run only within the windows, or never.
    pub mode: HoursMode,
    /// Parts of the day: `mon-fri 09:00-17:00`, `22:00-06:00`.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub windows: Vec<Window>,
    /// The IANA name of the zone whose clock they go by; empty: the installation's.
    #[serde(default)]
    pub timezone: String,
    /// Names of calendars: on a day that one closes nothing runs.
    #[serde(default)]
    pub calendars: Vec<String>,
}

/// What the windows of a kind mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HoursMode {
    /// Business hours: its jobs run only then.
    Only,
    /// Quiet hours: its jobs do not run then.
    Never,
}

/// The same, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Hours {
    mode: HoursMode,
    windows: Vec<Window>,
    zone: Zone,
    calendars: Vec<Calendar>,
}

/// What they say of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Jobs may run.
    Now,
    /// They may from this instant on.
    At(DateTime<Utc>),
    /// Not within a year.
    Never,
}

impl AllowedHours {
    /// Windows by the installation's clock.
    pub fn new(mode: HoursMode, windows: impl IntoIterator<Item = Window>) -> Self {
        Self { mode, windows: windows.into_iter().collect(), timezone: String::new(), calendars: Vec::new() }
    }

    /// The zone whose clock they go by.
    #[must_use]
    pub fn timezone(mut self, name: impl Into<String>) -> Self {
        self.timezone = name.into();
        self
    }

    /// Calendars that close days.
    #[must_use]
    pub fn calendars(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.calendars = names.into_iter().map(Into::into).collect();
        self
    }

    /// Ready to be asked; of the calendars, those that it names.
    pub(crate) fn compile(&self, calendars: &[Calendar]) -> Result<Hours, InvalidField> {
        let invalid = |field, reason: String| Err(InvalidField { field, reason });
        if self.windows.len() > MOST || self.windows.is_empty() && self.calendars.is_empty() {
            return invalid("hours.windows", format!("must be 1 to {MOST}, or none if calendars are named"));
        }
        if self.calendars.len() > MOST {
            return invalid("hours.calendars", format!("must be at most {MOST}"));
        }
        let name = if self.timezone.is_empty() { "UTC" } else { &self.timezone };
        let zone =
            Zone::named(name).map_err(|unknown| InvalidField { field: "hours.timezone", reason: unknown.reason })?;
        let named = |calendar: &&Calendar| self.calendars.contains(&calendar.name);
        let calendars = calendars.iter().filter(named).cloned().collect();
        Ok(Hours { mode: self.mode, windows: self.windows.clone(), zone, calendars })
    }
}

impl Hours {
    /// Whether a job may run at an instant, and if not, when it may next.
    pub(crate) fn opening(&self, now: DateTime<Utc>) -> Opening {
        let mut at = now;
        for _ in 0..EDGES {
            if self.allows(self.zone.wall(at)) {
                return if at == now { Opening::Now } else { Opening::At(at) };
            }
            at = match self.next_edge(at) {
                Some(edge) => edge,
                None => return Opening::Never,
            };
            if at - now > TimeDelta::days(366) {
                return Opening::Never;
            }
        }
        Opening::Never
    }

    fn allows(&self, wall: NaiveDateTime) -> bool {
        let within = self.windows.iter().any(|window| window.has(wall));
        let allowed = match self.mode {
            HoursMode::Only => within || self.windows.is_empty(),
            HoursMode::Never => !within,
        };
        allowed && self.is_open(wall)
    }

    fn is_open(&self, wall: NaiveDateTime) -> bool {
        next_open(&self.calendars, wall.date()) == Some(wall.date())
    }

    /// The next instant at which the answer may be another one: an edge of a window, a midnight, or
    /// a change of the clock.
    fn next_edge(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let wall = self.zone.wall(after);
        let dates = [Some(wall.date()), wall.date().checked_add_days(Days::new(1))];
        let open = next_open(&self.calendars, wall.date()).filter(|open| *open > wall.date());
        let edges = self.windows.iter().flat_map(Window::edges).chain([NaiveTime::MIN]);
        let walls = edges.flat_map(|edge| dates.into_iter().flatten().map(move |date| date.and_time(edge)));
        // Closed days are passed over at once.
        let walls = walls.filter(|wall| open.is_none_or(|open| wall.date() >= open));
        let skipped = open.map(|open| open.and_time(NaiveTime::MIN));
        let edges = walls.chain(skipped).map(|wall| self.zone.after_gap(wall)).filter(|edge| *edge > after);
        let change = self.zone.next_change(after).filter(|_| open.is_none());
        // The second of a repeated hour has no edge of its own behind the change.
        edges.chain(change).min().or_else(|| Some(shift(after, TimeDelta::hours(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::calendar::CalendarMode;
    use chrono::NaiveDate;
    use proptest::prelude::*;

    fn hours(mode: HoursMode, windows: &[&str], zone: &str, calendars: &[Calendar]) -> Hours {
        let windows = windows.iter().map(|text| text.parse().unwrap());
        let names: Vec<String> = calendars.iter().map(|calendar| calendar.name.clone()).collect();
        AllowedHours::new(mode, windows).timezone(zone).calendars(names).compile(calendars).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn business_hours_open_in_their_zone_and_quiet_hours_close() {
        let office = hours(HoursMode::Only, &["mon-fri 09:00-17:00"], "Europe/Chisinau", &[]);
        assert_eq!(office.opening(at("2027-01-04T07:00:00Z")), Opening::Now, "Monday at nine");
        assert_eq!(office.opening(at("2027-01-04T06:59:59Z")), Opening::At(at("2027-01-04T07:00:00Z")));
        assert_eq!(office.opening(at("2027-01-08T15:00:00Z")), Opening::At(at("2027-01-11T07:00:00Z")), "a weekend");
        let quiet = hours(HoursMode::Never, &["22:00-06:00"], "UTC", &[]);
        assert_eq!(quiet.opening(at("2027-01-04T21:59:59Z")), Opening::Now);
        assert_eq!(quiet.opening(at("2027-01-04T22:00:00Z")), Opening::At(at("2027-01-05T06:00:00Z")));
        assert_eq!(
            hours(HoursMode::Never, &["00:00-24:00"], "UTC", &[]).opening(at("2027-01-04T00:00:00Z")),
            Opening::Never
        );
    }

    #[test]
    fn a_day_that_a_calendar_closes_has_no_hours() {
        let days = (1..=6).map(|day| NaiveDate::from_ymd_opt(2027, 1, day).unwrap());
        let holidays = [Calendar::new("holidays", CalendarMode::Exclude, days)];
        let office = hours(HoursMode::Only, &["09:00-17:00"], "UTC", &holidays);
        assert_eq!(office.opening(at("2027-01-03T10:00:00Z")), Opening::At(at("2027-01-07T09:00:00Z")));
        let quiet = hours(HoursMode::Never, &["22:00-06:00"], "UTC", &holidays);
        assert_eq!(quiet.opening(at("2027-01-03T10:00:00Z")), Opening::At(at("2027-01-07T06:00:00Z")));
        let days_alone = hours(HoursMode::Only, &[], "UTC", &holidays);
        assert_eq!(days_alone.opening(at("2027-01-03T10:00:00Z")), Opening::At(at("2027-01-07T00:00:00Z")));
    }

    #[test]
    fn a_change_of_the_clock_opens_when_the_clock_is_past_the_edge() {
        let zone = "America/New_York";
        // Half past two does not come on 14 March: three o'clock is past it.
        let morning = hours(HoursMode::Only, &["02:30-12:00"], zone, &[]);
        assert_eq!(morning.opening(at("2027-03-14T06:00:00Z")), Opening::At(at("2027-03-14T07:00:00Z")));
        // Half past one comes twice on 7 November, and is within the window both times.
        let night = hours(HoursMode::Only, &["01:30-01:45"], zone, &[]);
        assert_eq!(night.opening(at("2027-11-07T05:00:00Z")), Opening::At(at("2027-11-07T05:30:00Z")));
        assert_eq!(night.opening(at("2027-11-07T06:30:00Z")), Opening::Now);
    }

    #[test]
    fn each_bad_field_is_named() {
        let field = |hours: AllowedHours| hours.compile(&[]).map_or_else(|invalid| invalid.field, |_| "none");
        let window = || "09:00-17:00".parse::<Window>().unwrap();
        assert_eq!(field(AllowedHours::new(HoursMode::Only, [])), "hours.windows");
        assert_eq!(field(AllowedHours::new(HoursMode::Only, vec![window(); 21])), "hours.windows");
        assert_eq!(field(AllowedHours::new(HoursMode::Only, [window()]).timezone("Mars")), "hours.timezone");
        assert_eq!(field(AllowedHours::new(HoursMode::Only, [window()]).calendars(vec!["c"; 21])), "hours.calendars");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn the_next_opening_is_the_first_minute_that_is_allowed(
            from in 0u32..96, length in 1u32..95, day in 0usize..8, quiet: bool, start in 0i64..20_000, month in 0i64..12,
        ) {
            let time = |quarter: u32| format!("{:02}:{:02}", quarter / 4 % 24, quarter % 4 * 15);
            let day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", ""][day];
            let window = format!("{day} {}-{}", time(from), time(from + length));
            let mode = if quiet { HoursMode::Never } else { HoursMode::Only };
            let hours = hours(mode, &[window.trim()], "America/New_York", &[]);
            let now = at("2027-01-01T00:00:00Z") + TimeDelta::days(30 * month) + TimeDelta::minutes(start);
            let minutes = (0..).map(|minute| now + TimeDelta::minutes(minute)).take(16 * 1440);
            let first = minutes.into_iter().find(|at| hours.allows(hours.zone.wall(*at)));
            let found = match hours.opening(now) {
                Opening::Now => Some(now),
                Opening::At(at) => Some(at),
                Opening::Never => None,
            };
            prop_assert_eq!(found, first, "{}", window);
        }
    }
}
