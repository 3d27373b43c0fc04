//! Why a report or thresholds of a machine are refused.

use crate::error::{Error, InvalidField};

/// Why a report or thresholds of a machine were not stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// A field cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// Postgres refused, or was not there.
    #[error(transparent)]
    Database(#[from] Error),
}
