//! Why a rollout is refused.

use crate::error::{Error, InvalidField};

/// Why a rollout was not put.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RolloutError {
    /// A field cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// Postgres refused, or was not there.
    #[error(transparent)]
    Database(#[from] Error),
}
