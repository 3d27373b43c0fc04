//! Why a rule or a silence is refused.

use crate::error::{Error, InvalidField};

/// Why a rule or a silence was not stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AlertError {
    /// A field cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// Postgres refused, or was not there.
    #[error(transparent)]
    Database(#[from] Error),
}

impl From<sqlx::Error> for AlertError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}
