//! Why a task was not created, changed or told something.

use crate::db::contention::OfPostgres;
use crate::error::Error;
use crate::error::InvalidField;
use crate::json::InvalidJson;
use crate::schedule::occurrences::Exhausted;
use uuid::Uuid;

/// Why a task was not created, or not changed; nothing was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// A field cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// A document cannot be read.
    #[error(transparent)]
    Unreadable(#[from] InvalidJson),
    /// Another task holds the same `dedupe_key`.
    #[error("task {0} holds this dedupe_key")]
    Duplicate(Uuid),
    /// No task has this id.
    #[error("no task has this id")]
    Unknown,
    /// Somebody else changed it first.
    #[error("the task was changed by somebody else: it is at version {0} now")]
    Changed(i64),
    /// It is paused, and this makes a job.
    #[error("the task is paused")]
    Paused,
    /// It is a service, whose job has not ended.
    #[error("the task is a service whose job has not ended")]
    Runs,
    /// Its jobs are unique, and this job holds the key.
    #[error("job {0} holds the unique key")]
    DuplicateJob(Uuid),
    /// Others kept creating and deleting the task that holds this key.
    #[error("could not take the dedupe_key {0:?}: other tasks kept taking and freeing it")]
    Contended(String),
    /// It was cancelled.
    #[error("the task was cancelled")]
    Cancelled,
    /// Its schedule took too long to expand.
    #[error("could not tell when the schedule is due: it takes too long to expand")]
    Exhausted(#[from] Exhausted),
    /// Postgres refused, or was not there.
    #[error(transparent)]
    Database(#[from] Error),
}

impl From<sqlx::Error> for TaskError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl OfPostgres for TaskError {
    fn of_postgres(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { error.of_postgres() } else { None }
    }
}
