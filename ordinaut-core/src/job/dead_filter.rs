//! Which dead letters a list is about.

use crate::error::InvalidField;
use crate::name;
use chrono::{DateTime, Datelike, Utc};

/// Which dead letters to list: those to which everything applies that is said.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DeadFilter {
    /// Only those of this queue.
    pub queue: Option<String>,
    /// Only those of this kind.
    pub kind: Option<String>,
    /// Only those with this in their error, in upper or lower case.
    pub error: Option<String>,
    /// Only those whose errors have this pattern, as
    /// [`DeadGroup::error_pattern`](crate::job::DeadGroup::error_pattern) says it.
    pub error_pattern: Option<String>,
    /// Only those that died at this instant or later.
    pub died_after: Option<DateTime<Utc>>,
    /// Only those that died before this instant.
    pub died_before: Option<DateTime<Utc>>,
}

pub(crate) const NO_PATTERN: &str = "must be the error_pattern of a group of dead letters";

/// Whether a group of dead letters can have this pattern: a part of a line.
pub(crate) fn is_pattern(text: &str) -> bool {
    !text.is_empty() && text.len() <= 1000 && !text.contains(['\0', '\n'])
}

impl DeadFilter {
    pub(crate) fn check(&self) -> Result<(), InvalidField> {
        let fault = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        for (field, word) in [("queue", &self.queue), ("kind", &self.kind)] {
            if let Some(Err(reason)) = word.as_deref().map(name::check) {
                return fault(field, reason);
            }
        }
        if self.error.as_ref().is_some_and(|text| text.is_empty() || text.len() > 1000 || text.contains('\0')) {
            return fault("error", "must be a text of 1 to 1000 octets without NUL");
        }
        if self.error_pattern.as_deref().is_some_and(|pattern| !is_pattern(pattern)) {
            return fault("error_pattern", NO_PATTERN);
        }
        for (field, at) in [("died_after", self.died_after), ("died_before", self.died_before)] {
            if at.is_some_and(|at| !(0..=9999).contains(&at.year())) {
                return fault(field, "must be an instant of the years 0 to 9999");
            }
        }
        Ok(())
    }
}
