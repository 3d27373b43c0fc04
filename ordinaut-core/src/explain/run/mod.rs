//! Looks up what explanations rest on.

pub(crate) mod batch;
pub(crate) mod job;
pub(crate) mod queue;
pub(crate) mod task;
