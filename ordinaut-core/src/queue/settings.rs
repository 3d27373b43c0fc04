//! What an operator says about a queue.

use crate::error::InvalidField;
use crate::seconds::YEAR;
use std::time::Duration;

/// What changes about a queue; what is not said stays as it is.
///
/// ```
/// use ordinaut_core::queue::QueueChange;
/// use std::time::Duration;
///
/// // At most ten thousand jobs wait, and they may grow as old as they like again.
/// let change = QueueChange::default().max_waiting(Some(10_000)).max_age(None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueChange {
    pub(crate) max_waiting: Option<Option<i32>>,
    pub(crate) max_age: Option<Option<Duration>>,
    pub(crate) retention: Option<Option<Duration>>,
}

impl QueueChange {
    /// Number of jobs that may wait, 1 or more; `None`: any number. Enqueuing over HTTP looks at
    /// it, and takes only the more urgent from 80 % on ([`QueueLevel`](crate::queue::QueueLevel));
    /// so may a program that calls [`Queues::room`](crate::client::Queues::room). The library's
    /// enqueue does not.
    #[must_use]
    pub fn max_waiting(mut self, jobs: Option<i32>) -> Self {
        self.max_waiting = Some(jobs);
        self
    }

    /// Time for which a job may have been due before it expires, a second or more; `None`: forever.
    /// The scheduler ends it as cancelled, also in a queue that is paused.
    #[must_use]
    pub fn max_age(mut self, age: Option<Duration>) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Time for which jobs that have ended are kept with their runs, a minute or more; `None`, and
    /// what is longer than `RETENTION_DAYS`: as that setting says. The scheduler deletes them each
    /// hour.
    #[must_use]
    pub fn retention(mut self, time: Option<Duration>) -> Self {
        self.retention = Some(time);
        self
    }

    pub(crate) fn check(&self) -> Result<(), InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        if self.max_waiting.flatten().is_some_and(|jobs| jobs < 1) {
            return invalid("max_waiting", "must be at least 1");
        }
        if self.max_age.flatten().is_some_and(|age| !(Duration::from_secs(1)..=YEAR).contains(&age)) {
            return invalid("max_age", "must be from a second to a year");
        }
        if self.retention.flatten().is_some_and(|time| !(Duration::from_secs(60)..=YEAR * 100).contains(&time)) {
            return invalid("retention", "must be from a minute to a hundred years");
        }
        Ok(())
    }
}
