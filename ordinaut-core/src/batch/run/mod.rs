//! What happens to batches and dependencies.

pub(crate) mod control;
pub(crate) mod fold;
pub(crate) mod new_batch;
