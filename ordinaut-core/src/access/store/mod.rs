//! The rows of access.

pub(crate) mod agent;
pub(crate) mod audit;
pub(crate) mod browser;
pub(crate) mod idempotency;
