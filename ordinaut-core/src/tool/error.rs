//! Why a tool is refused.

use crate::error::{Error, InvalidField};

/// Why a tool was not put.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// A field cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// There are as many as there may be.
    #[error("the catalogue is full: it holds 1000 tools, and 4 MiB of them, at most")]
    Full,
    /// Postgres refused, or was not there.
    #[error(transparent)]
    Database(#[from] Error),
}
