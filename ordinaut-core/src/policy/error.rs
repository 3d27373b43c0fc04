//! Why a policy is refused.

use crate::error::{Error, InvalidField};

/// Why a policy was not put.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A field cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// Postgres refused, or was not there.
    #[error(transparent)]
    Database(#[from] Error),
}
