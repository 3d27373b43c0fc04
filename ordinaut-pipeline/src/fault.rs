//! What is wrong with a pipeline, and where.

use serde::Serialize;
use std::fmt;

/// What is wrong, and where in the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Such as `steps[2].with.url`.
    pub path: String,
    /// To follow the path in a sentence.
    pub reason: String,
}

impl Fault {
    pub(crate) fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.reason)
    }
}

impl std::error::Error for Fault {}
