//! Cancel: one job or many; the workers that run them are notified.

use crate::client::Jobs;
use crate::error::Error;
use crate::job::store::cancel::{CancelFilter, JOBS_A_STATEMENT};
use crate::job::store::control::Cancelled;
use crate::notify::{CANCELS, notifier};
use serde::Serialize;
use std::time::Instant;
use uuid::Uuid;

/// Maximum number of times that jobs are looked for again that others keep moving.
const LOOKS: usize = 20;

/// Number of jobs that were cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct CancelledJobs {
    /// They waited, and will not run.
    pub removed: i64,
    /// They run, and their handlers were asked to stop; they get no further attempt.
    pub asked: i64,
    /// Whether the time ran out before all were looked at: ask again for the rest.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub remaining: bool,
}

impl Jobs<'_> {
    /// Calls a job off: at once if it waits, else its handler is told at once by a hint, and within
    /// a second without one.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached, or if others
    /// kept moving the job while it was to be cancelled.
    pub async fn cancel(self, job_id: Uuid) -> Result<Cancelled, Error> {
        let cancelled = self.cancel_one(job_id).await?;
        if cancelled == Cancelled::Asked {
            notifier::tell(self.client, [CANCELS]);
        }
        Ok(cancelled)
    }

    /// Calls all jobs off to which the filter applies and that were enqueued before now, in
    /// batches, each in a transaction of its own. Those that had been asked to stop before are not
    /// counted again. After an error what was done stays done.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the filter says nothing at all, or has a name that no job can have;
    /// [`Error::Database`] if Postgres refused a statement or could not be reached: the batches
    /// before it are cancelled.
    pub async fn cancel_where(self, filter: &CancelFilter) -> Result<CancelledJobs, Error> {
        self.cancel_where_until(filter, None).await
    }

    /// The same, which begins no further batch after the deadline; the answer tells that some
    /// [remain](CancelledJobs::remaining).
    ///
    /// # Errors
    ///
    /// Those of [`Jobs::cancel_where`].
    pub async fn cancel_where_until(
        self,
        filter: &CancelFilter,
        deadline: impl Into<Option<Instant>>,
    ) -> Result<CancelledJobs, Error> {
        filter.check()?;
        let deadline = deadline.into();
        let now = self.client.tasks().now(self.client).await?;
        // What is enqueued from now on is not meant, or a busy queue would never be done.
        let created_before = filter.created_before.map_or(now, |instant| instant.min(now));
        let mut cancelled = CancelledJobs::default();
        for _ in 0..LOOKS {
            let (mut after, mut moved) = (Uuid::nil(), 0);
            loop {
                let by_key = self.client.by_key();
                let some = self.cancel_some(filter, created_before, after, JOBS_A_STATEMENT, by_key).await?;
                cancelled.removed += some.removed;
                cancelled.asked += some.asked;
                moved += some.listed - some.removed - some.asked;
                if some.asked > 0 {
                    notifier::tell(self.client, [CANCELS]);
                }
                if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    cancelled.remaining = some.looked == JOBS_A_STATEMENT || moved > 0;
                    return Ok(cancelled);
                }
                match some.last {
                    Some(last) if some.looked == JOBS_A_STATEMENT => after = last,
                    _ => break,
                }
            }
            // Somebody else held these at that moment: a claim, or the end of an attempt.
            if moved == 0 {
                break;
            }
        }
        Ok(cancelled)
    }
}
