//! Which attempts a list is about, and where its pages begin.

use crate::error::InvalidField;
use crate::job::outcome::Outcome;
use crate::name;
use chrono::{DateTime, Datelike, Utc};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Which attempts to list: those to which everything applies that is said.
///
/// ```
/// use ordinaut_core::Outcome;
/// use ordinaut_core::job::RunFilter;
///
/// let failures = RunFilter::default().queue("mail").outcome(Outcome::Failed);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RunFilter {
    /// Only attempts after this one, the last of the page before.
    pub after: Option<RunCursor>,
    /// Only attempts of this job.
    pub job_id: Option<Uuid>,
    /// Only attempts that ended so.
    pub outcome: Option<Outcome>,
    /// Only attempts of jobs of this kind.
    pub kind: Option<String>,
    /// Only attempts of jobs of this queue.
    pub queue: Option<String>,
    /// Only attempts of this worker: its name or session.
    pub worker: Option<String>,
    /// Only attempts that started at this instant or later.
    pub started_after: Option<DateTime<Utc>>,
    /// Only attempts that started before this instant.
    pub started_before: Option<DateTime<Utc>>,
    /// Only attempts with this in their error, in upper or lower case.
    pub error: Option<String>,
}

impl RunFilter {
    /// Only attempts of this job.
    #[must_use]
    pub fn job_id(mut self, job_id: Uuid) -> Self {
        self.job_id = Some(job_id);
        self
    }

    /// Only attempts that ended so.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = Some(outcome);
        self
    }

    /// Only attempts of jobs of this kind.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Only attempts of jobs of this queue.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// Only attempts of this worker.
    #[must_use]
    pub fn worker(mut self, worker: impl Into<String>) -> Self {
        self.worker = Some(worker.into());
        self
    }

    /// Only attempts with this in their error.
    #[must_use]
    pub fn error(mut self, error: impl Into<String>) -> Self {
        self.error = Some(error.into());
        self
    }

    /// Whether all of them ended without success.
    pub(crate) fn is_of_failures(&self) -> bool {
        self.error.is_some() || self.outcome.is_some_and(|outcome| outcome != Outcome::Succeeded)
    }

    /// Whether every attempt is one of the list.
    pub(crate) fn takes_all(&self) -> bool {
        *self == Self { after: self.after, job_id: self.job_id, ..Self::default() }
    }

    pub(crate) fn check(&self) -> Result<(), InvalidField> {
        let fault = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        for (field, word) in [("kind", &self.kind), ("queue", &self.queue), ("worker", &self.worker)] {
            if let Some(Err(reason)) = word.as_deref().map(name::check) {
                return fault(field, reason);
            }
        }
        if self.error.as_ref().is_some_and(|text| text.is_empty() || text.len() > 1000 || text.contains('\0')) {
            return fault("error", "must be a text of 1 to 1000 octets without NUL");
        }
        for (field, at) in [("started_after", self.started_after), ("started_before", self.started_before)] {
            if at.is_some_and(|at| !(0..=9999).contains(&at.year())) {
                return fault(field, "must be an instant of the years 0 to 9999");
            }
        }
        Ok(())
    }
}

/// The attempt that a page ended with. It is passed on as text: the job, a dot, the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunCursor {
    /// The job.
    pub job_id: Uuid,
    /// The attempt.
    pub attempt: i32,
}

impl fmt::Display for RunCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.job_id, self.attempt)
    }
}

impl FromStr for RunCursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let read = || {
            let (job_id, attempt) = text.split_once('.')?;
            Some(Self { job_id: job_id.parse().ok()?, attempt: attempt.parse().ok()? })
        };
        read().ok_or("not the \"next\" of a page of attempts")
    }
}

impl Serialize for RunCursor {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_being_text_and_nonsense_is_none() {
        let cursor = RunCursor { job_id: Uuid::max(), attempt: 7 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", ".", "7.7", &Uuid::nil().to_string(), &format!("{}.x", Uuid::nil())] {
            assert!(text.parse::<RunCursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn failures_are_looked_for_where_they_alone_are() {
        assert!(RunFilter::default().error("x").is_of_failures());
        assert!(RunFilter::default().outcome(Outcome::Lost).is_of_failures());
        assert!(!RunFilter::default().outcome(Outcome::Succeeded).is_of_failures());
        assert!(RunFilter::default().job_id(Uuid::nil()).takes_all() && !RunFilter::default().kind("k").takes_all());
        assert_eq!(RunFilter::default().kind("").check().unwrap_err().field, "kind");
    }
}
