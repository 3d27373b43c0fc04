//! Which fires a list is about, and where its pages begin.

use crate::error::InvalidField;
use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Which fires to list: those to which everything applies that is said.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FireFilter {
    /// Only fires before this one, the last of the page before.
    pub before: Option<FireCursor>,
    /// Only fires of this task.
    pub task_id: Option<Uuid>,
    /// Only those that became of the instant.
    pub became: Option<Became>,
    /// Only instants from this one on.
    pub since: Option<DateTime<Utc>>,
    /// Only instants before this one.
    pub until: Option<DateTime<Utc>>,
}

impl FireFilter {
    pub(crate) fn check(&self) -> Result<(), InvalidField> {
        for (field, at) in [("since", self.since), ("until", self.until)] {
            if at.is_some_and(|at| !(0..=9999).contains(&at.year())) {
                let reason = "must be an instant of the years 0 to 9999".to_owned();
                return Err(InvalidField { field, reason });
            }
        }
        Ok(())
    }
}

/// What became of a due instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Became {
    /// It made a job.
    Job,
    /// It was left out, because a later one stands for it.
    Coalesced,
    /// It was left out, because it was too late.
    Misfired,
    /// It was left out, because too many jobs of the task ran.
    Overlap,
    /// It was left out, because another job holds its key.
    Duplicate,
    /// It was left out, because the task was snoozed.
    Snoozed,
}

impl Became {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Job, Self::Coalesced, Self::Misfired, Self::Overlap, Self::Duplicate, Self::Snoozed];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Coalesced => "coalesced",
            Self::Misfired => "misfired",
            Self::Overlap => "overlap",
            Self::Duplicate => "duplicate",
            Self::Snoozed => "snoozed",
        }
    }

    /// As a row has it: nothing, if the instant made a job.
    pub(crate) const fn stored(self) -> &'static str {
        match self {
            Self::Job => "",
            skipped => skipped.as_str(),
        }
    }
}

impl FromStr for Became {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|became| became.as_str() == word);
        found.ok_or_else(|| format!("no fire became {word:?}: {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// What a page ended with: a fire, or an event that reached a task. It is passed on as text: the
/// instant, an underscore, the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FireCursor {
    /// The instant.
    pub at: DateTime<Utc>,
    /// The task.
    pub task_id: Uuid,
}

impl fmt::Display for FireCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Microseconds, which is what Postgres keeps.
        write!(f, "{}_{}", self.at.to_rfc3339_opts(SecondsFormat::Micros, true), self.task_id)
    }
}

impl FromStr for FireCursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let read = || {
            let (at, task_id) = text.split_once('_')?;
            let at = DateTime::parse_from_rfc3339(at).ok()?.to_utc();
            Some(Self { at, task_id: task_id.parse().ok()? })
        };
        read().ok_or("not the \"next\" of a page of fires")
    }
}

impl Serialize for FireCursor {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_and_a_word_are_read_as_written_and_an_instant_that_is_none_is_refused() {
        let cursor = FireCursor { at: "2027-03-14T12:00:00.000001Z".parse().unwrap(), task_id: Uuid::nil() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert!("2027-03-14T12:00:00Z".parse::<FireCursor>().is_err());
        let mut filter = FireFilter::default();
        assert_eq!(filter.check(), Ok(()));
        filter.until = Some(DateTime::<Utc>::MAX_UTC);
        assert_eq!(filter.check().unwrap_err().field, "until");
        for became in Became::ALL {
            assert_eq!(became.as_str().parse(), Ok(became));
        }
    }
}
