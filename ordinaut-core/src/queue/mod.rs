//! Queues: paused, bounded, and how full they are.

pub(crate) mod pressure;
pub(crate) mod run;
pub(crate) mod settings;
pub(crate) mod store;
