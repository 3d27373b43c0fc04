//! The statements of rescue and retention.

pub(crate) mod rescue;
pub(crate) mod retention;
