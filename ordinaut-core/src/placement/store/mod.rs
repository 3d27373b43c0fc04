//! The statements of placement.

pub(crate) mod rollout;
pub(crate) mod upkeep;
