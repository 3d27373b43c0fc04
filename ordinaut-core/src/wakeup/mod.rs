//! Wakeups: hints that there is work. Polling is the truth; a hint only shortens it, and losing one costs a poll interval.

pub(crate) mod hinter;
pub(crate) mod listener;
