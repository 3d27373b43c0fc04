//! How full a queue with a bound is, and which jobs it takes then.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// The pressure of a queue with a bound: how full it is. Work that waits is done at any level, the
/// most urgent first; what a level changes is which new jobs are taken over HTTP.
///
/// ```
/// use ordinaut_core::queue::QueueLevel;
///
/// assert!(QueueLevel::Critical > QueueLevel::Normal);
/// assert_eq!(QueueLevel::Major.least_urgent(), 6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum QueueLevel {
    /// Less than 60 % of what may wait does.
    #[default]
    Normal,
    /// From 60 %. All jobs are taken.
    Minor,
    /// From 80 %. Jobs of priority 7 to 9 are not taken.
    Major,
    /// From 95 %. Only jobs of priority 1 to 3 are taken, and none at 100 %.
    Critical,
}

/// How far below its bound a level ends, in percent of what may wait: a queue at the bound would
/// change it each second.
const BACK: i64 = 5;

impl QueueLevel {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Normal, Self::Minor, Self::Major, Self::Critical];

    /// The word in the table `queue`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }

    /// 0 for normal to 3 for critical, as the metric has it.
    pub const fn number(self) -> i64 {
        self as i64
    }

    /// The priority of the least urgent jobs that are taken (1 is most urgent, 9 least).
    pub const fn least_urgent(self) -> i16 {
        match self {
            Self::Normal | Self::Minor => 9,
            Self::Major => 6,
            Self::Critical => 3,
        }
    }

    /// From how many percent on.
    const fn bound(self) -> i64 {
        match self {
            Self::Normal => 0,
            Self::Minor => 60,
            Self::Major => 80,
            Self::Critical => 95,
        }
    }

    /// The level that follows on this one when `waiting` of `max_waiting` jobs wait; without a
    /// bound it is normal.
    pub(crate) fn next(self, waiting: i64, max_waiting: Option<i32>) -> Self {
        let Some(most) = max_waiting else { return Self::Normal };
        let holds = |level: &Self| {
            let percent = if *level <= self { level.bound() - BACK } else { level.bound() };
            waiting.saturating_mul(100) >= percent * i64::from(most)
        };
        Self::ALL.into_iter().rev().find(holds).unwrap_or_default()
    }
}

impl fmt::Display for QueueLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for QueueLevel {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|level| level.as_str() == word);
        found.ok_or_else(|| format!("no level is called {word:?}"))
    }
}

impl TryFrom<String> for QueueLevel {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::QueueLevel;
    use super::QueueLevel::{Critical, Major, Minor, Normal};

    #[test]
    fn each_level_begins_at_its_bound() {
        for (waiting, level) in [
            (0, Normal),
            (59, Normal),
            (60, Minor),
            (79, Minor),
            (80, Major),
            (94, Major),
            (95, Critical),
            (100, Critical),
            (i64::MAX, Critical),
        ] {
            assert_eq!(Normal.next(waiting, Some(100)), level, "{waiting}");
        }
        assert_eq!(Normal.next(1_288_490_188, Some(i32::MAX)), Normal);
        assert_eq!(Normal.next(1_288_490_189, Some(i32::MAX)), Minor);
        assert_eq!((Normal.next(0, Some(1)), Normal.next(1, Some(1))), (Normal, Critical));
    }

    #[test]
    fn it_ends_five_points_below_and_no_other_is_passed_over() {
        for (before, waiting, after) in [
            (Critical, 90, Critical),
            (Critical, 89, Major),
            (Critical, 75, Major),
            (Critical, 74, Minor),
            (Major, 75, Major),
            (Major, 94, Major),
            (Major, 74, Minor),
            (Minor, 79, Minor),
            (Minor, 55, Minor),
            (Minor, 54, Normal),
            (Critical, 0, Normal),
        ] {
            assert_eq!(before.next(waiting, Some(100)), after, "{before} at {waiting}");
        }
    }

    #[test]
    fn without_a_bound_it_is_normal() {
        for before in QueueLevel::ALL {
            assert_eq!(before.next(i64::MAX, None), Normal);
        }
    }

    #[test]
    fn the_fuller_the_fewer_are_taken() {
        assert_eq!(QueueLevel::ALL.map(QueueLevel::least_urgent), [9, 9, 6, 3]);
        assert_eq!(QueueLevel::ALL.map(QueueLevel::number), [0, 1, 2, 3]);
        assert!(QueueLevel::ALL.into_iter().all(|level| level.as_str().parse() == Ok(level)));
    }
}
