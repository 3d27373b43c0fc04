//! The kinds of schedule.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What kind of schedule a task has, which says how its expression is read.
///
/// ```
/// use ordinaut_core::schedule::ScheduleKind;
///
/// assert_eq!("rrule".parse(), Ok(ScheduleKind::Rrule));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScheduleKind {
    /// A fixed interval of real time, counted from the anchor: `5m`, `1h30m`, `PT5M`.
    Every,
    /// A cron expression of five fields, of six with seconds first, or a preset such as
    /// `@business_days 08:30`. If both days of the month and weekdays are named, one is enough;
    /// with `+` before the weekdays, both must match.
    ///
    /// A time that the clock skips is due at the first instant after the gap, one that it shows
    /// twice is due the first time. Hours or minutes with `*` or a step follow real time instead:
    /// due whenever the clock shows them, and `*/30 2 * * *` is not due on a day without two
    /// o'clock.
    Cron,
    /// A recurrence rule of RFC 5545: `FREQ=MONTHLY;BYDAY=-1FR`.
    ///
    /// It goes by the clock on the wall. A time that the clock skips is shifted by the gap's
    /// length, one that it shows twice is due the first time, and so the repeated hour of `HOURLY`,
    /// `MINUTELY` and `SECONDLY` is due once.
    Rrule,
    /// One time: an instant, or a time on the clock, which in a gap is shifted as in a rule.
    Once,
    /// An event whose topic matches a pattern: `orders.*.paid`.
    Event,
    /// A fact that becomes true: `ready_depth(mail) > 100 for 60s`.
    Condition,
    /// Always one job: due at once, and again so long after the last one has ended: `5s`.
    Service,
}

impl ScheduleKind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Every, Self::Cron, Self::Rrule, Self::Once, Self::Event, Self::Condition, Self::Service];

    /// The word in the `task` table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Every => "every",
            Self::Cron => "cron",
            Self::Rrule => "rrule",
            Self::Once => "once",
            Self::Event => "event",
            Self::Condition => "condition",
            Self::Service => "service",
        }
    }

    /// Whether it is due at instants, and not by what happens.
    pub const fn goes_by_the_clock(self) -> bool {
        !matches!(self, Self::Event | Self::Condition | Self::Service)
    }

    /// Whether its instants are counted from a `dtstart`.
    pub const fn is_anchored(self) -> bool {
        matches!(self, Self::Every | Self::Rrule)
    }
}

impl fmt::Display for ScheduleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ScheduleKind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str).join(", ");
            format!("no kind of schedule is called {word:?}: one of {words}")
        })
    }
}

impl TryFrom<String> for ScheduleKind {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}
