//! Events: what happened, numbered in the order of the commits.

pub(crate) mod record;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod store;
