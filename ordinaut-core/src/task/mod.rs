//! Tasks: stored definitions of what to run, and when.

pub(crate) mod definition;
pub(crate) mod error;
pub(crate) mod run;
pub(crate) mod store;
