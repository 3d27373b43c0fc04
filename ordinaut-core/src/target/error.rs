//! Why a target was not changed.

use crate::error::{Error, InvalidField};

/// Why a target was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// A field that cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// Postgres refused the statement or could not be reached.
    #[error(transparent)]
    Database(#[from] Error),
}

impl From<sqlx::Error> for TargetError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}
