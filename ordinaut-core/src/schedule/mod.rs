//! When a task is due: what people write, checked once, and the instants that follow from it.

pub(crate) mod calendar;
pub(crate) mod clock;
pub(crate) mod condition;
pub(crate) mod condition_state;
pub(crate) mod cron;
pub(crate) mod cron_fields;
pub(crate) mod definition;
pub(crate) mod duration;
#[cfg(test)]
pub(crate) mod fuzz_tests;
pub(crate) mod interval;
pub(crate) mod jitter;
pub(crate) mod kind;
pub(crate) mod misfire;
pub(crate) mod month_days;
pub(crate) mod occurrences;
pub(crate) mod once;
pub(crate) mod plan;
pub(crate) mod preset;
pub(crate) mod preview;
pub(crate) mod rrule;
pub(crate) mod rrule_text;
pub(crate) mod service;
pub(crate) mod store;
pub(crate) mod timezone;
pub(crate) mod topic_pattern;

use crate::error::InvalidField;

/// A refusal of the expression.
fn refuse<T>(reason: impl Into<String>) -> Result<T, InvalidField> {
    Err(InvalidField { field: "expr", reason: reason.into() })
}
