//! The statements of steps and waits.

pub(crate) mod answer;
pub(crate) mod look;
pub(crate) mod record;
pub(crate) mod wait;
