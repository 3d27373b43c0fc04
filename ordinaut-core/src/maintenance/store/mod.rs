//! The statements of retention.

pub(crate) mod retention;
