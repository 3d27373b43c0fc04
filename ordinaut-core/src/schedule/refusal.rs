//! What is said of an expression that cannot be accepted.

use crate::error::InvalidField;

/// A refusal of the expression.
pub(crate) fn refuse<T>(reason: impl Into<String>) -> Result<T, InvalidField> {
    Err(InvalidField { field: "expr", reason: reason.into() })
}
