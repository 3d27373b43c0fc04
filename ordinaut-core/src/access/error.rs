//! Why an agent was not made.

use crate::error::{Error, InvalidField};

/// Why an agent was not made or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// A field cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// There is one of this name.
    #[error("there is an agent of this name already")]
    Duplicate,
    /// Postgres refused, or was not there.
    #[error(transparent)]
    Database(#[from] Error),
}

impl From<sqlx::Error> for AgentError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}
