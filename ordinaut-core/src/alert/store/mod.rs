//! The rows of rules, alerts and silences, and what rules look at.

pub(crate) mod rule;
pub(crate) mod silence;
pub(crate) mod source;
pub(crate) mod state;
