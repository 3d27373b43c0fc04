//! A change of a job that waits.

use crate::error::InvalidField;
use crate::job::new_job::NewJob;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// What is to be different about a job that waits; what is not said stays as it is.
///
/// ```
/// use ordinaut_core::job::JobChange;
///
/// let change = JobChange::default().queue("urgent").priority(1).max_attempts(Some(3));
/// assert!(change.check().is_ok());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct JobChange {
    /// The queue that it goes to.
    pub queue: Option<String>,
    /// From 1 (most urgent) to 9.
    pub priority: Option<i16>,
    /// Not before this instant; one in the past: now.
    pub run_at: Option<DateTime<Utc>>,
    /// Other arguments, as JSON.
    pub args: Option<Box<RawValue>>,
    /// Other tags.
    pub tags: Option<Vec<String>>,
    /// Attempts that may count against it, with those that did; `Some(None)`: the worker's setting.
    pub max_attempts: Option<Option<i16>>,
}

impl JobChange {
    /// The queue that it goes to.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// From 1 (most urgent) to 9.
    #[must_use]
    pub fn priority(mut self, priority: i16) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Not before this instant; one in the past: now.
    #[must_use]
    pub fn run_at(mut self, instant: DateTime<Utc>) -> Self {
        self.run_at = Some(instant);
        self
    }

    /// Other arguments. A unique job keeps the key that it has.
    ///
    /// # Errors
    ///
    /// If they cannot be written as JSON.
    pub fn args(mut self, args: &impl Serialize) -> Result<Self, serde_json::Error> {
        self.args = Some(to_raw_value(args)?);
        Ok(self)
    }

    /// Other tags.
    #[must_use]
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags = Some(tags.into_iter().map(Into::into).collect());
        self
    }

    /// Attempts that may count against it, with those that did; `None`: the worker's setting.
    #[must_use]
    pub fn max_attempts(mut self, attempts: Option<i16>) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// Whether it says anything at all.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { queue, priority, run_at, args, tags, max_attempts } = self;
        queue.is_none()
            && priority.is_none()
            && run_at.is_none()
            && args.is_none()
            && tags.is_none()
            && max_attempts.is_none()
    }

    /// Checks each field as an enqueue does.
    ///
    /// # Errors
    ///
    /// The first field that cannot be accepted; `change` if nothing is to be different.
    pub fn check(&self) -> Result<(), InvalidField> {
        if self.is_empty() {
            let reason = "must name at least one of queue, priority, run_at, args, tags and max_attempts".to_owned();
            return Err(InvalidField { field: "change", reason });
        }
        self.as_new_job("changed").check()
    }

    /// A new job of a kind with these values, and with the usual ones where it says nothing.
    pub(crate) fn as_new_job(&self, kind: &str) -> NewJob {
        let args = self.args.clone().unwrap_or_else(|| RawValue::NULL.to_owned());
        let mut job = NewJob::of_json(kind, args).tags(self.tags.clone().unwrap_or_default());
        if let Some(queue) = &self.queue {
            job = job.queue(queue);
        }
        if let Some(priority) = self.priority {
            job = job.priority(priority);
        }
        if let Some(instant) = self.run_at {
            job = job.run_at(instant);
        }
        if let Some(attempts) = self.max_attempts.flatten() {
            job = job.max_attempts(attempts);
        }
        job
    }
}
