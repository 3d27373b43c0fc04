//! Statements of what running jobs say, and are told.

pub(crate) mod attachment;
pub(crate) mod output;
pub(crate) mod progress;
