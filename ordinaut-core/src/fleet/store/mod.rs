//! The statements about workers and schedulers.

pub(crate) mod instance;
pub(crate) mod scheduler;
pub(crate) mod worker;
pub(crate) mod worker_cursor;
