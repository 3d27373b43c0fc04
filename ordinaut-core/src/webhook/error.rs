//! Why a webhook was not made.

use crate::error::InvalidField;

/// Why a webhook was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// A field that cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// There is one of this name.
    #[error("there is a webhook of this name")]
    Duplicate,
    /// Postgres refused the statement or could not be reached.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}
