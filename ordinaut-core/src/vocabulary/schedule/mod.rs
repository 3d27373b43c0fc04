//! When a task is due: what people write, checked once, and the instants that follow from it.

pub(crate) mod calendar;
pub(crate) mod clock;
mod cron;
mod cron_fields;
mod days;
pub(crate) mod definition;
mod every;
pub(crate) mod jitter;
pub(crate) mod kind;
pub(crate) mod misfire;
mod once;
pub(crate) mod plan;
pub(crate) mod predicate;
pub(crate) mod preset;
pub(crate) mod preview;
mod rrule;
mod rrule_text;
pub(crate) mod service;
mod span;
pub(crate) mod timetable;
pub(crate) mod topic;
pub(crate) mod watch;
pub(crate) mod zone;

#[cfg(test)]
mod hostile;

use super::new_job::InvalidField;

/// A refusal of the expression.
fn refuse<T>(reason: impl Into<String>) -> Result<T, InvalidField> {
    Err(InvalidField { field: "expr", reason: reason.into() })
}
