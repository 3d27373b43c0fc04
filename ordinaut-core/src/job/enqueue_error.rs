//! Why a job was not enqueued.

use crate::db::contention::OfPostgres;
use crate::error::Error;
use crate::error::InvalidField;
use uuid::Uuid;

/// Why a job was not enqueued; nothing was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnqueueError {
    /// A field cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// The arguments cannot be written as JSON.
    #[error("args could not be written as JSON")]
    Encode(#[from] serde_json::Error),
    /// Another job holds the unique key, and that was to be an error.
    #[error("job {id} holds the unique key")]
    Duplicate {
        /// That job.
        id: Uuid,
    },
    /// Postgres refused, or was not there.
    #[error(transparent)]
    Database(#[from] Error),
}

impl From<sqlx::Error> for EnqueueError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl OfPostgres for EnqueueError {
    fn of_postgres(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { error.of_postgres() } else { None }
    }
}
