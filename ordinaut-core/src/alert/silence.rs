//! Silences: times in which nobody is told of alerts.

use crate::error::InvalidField;
use crate::name;
use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest reason, in characters.
const LONGEST_REASON: usize = 1000;

/// A time in which nobody is told of some alerts.
///
/// ```
/// use chrono::{TimeDelta, Utc};
/// use ordinaut_core::alert::NewSilence;
///
/// let until = Utc::now() + TimeDelta::hours(2);
/// assert!(NewSilence::new(until, "the disk is being changed").rule("disk-full").subject("web-1").check().is_ok());
/// ```
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewSilence {
    /// Only alerts of this rule; absent: of all.
    #[serde(default)]
    pub rule: Option<String>,
    /// Only alerts about the node, queue … of this name; absent: about all.
    #[serde(default)]
    pub subject: Option<String>,
    /// When it begins; absent: now.
    #[serde(default)]
    pub begins_at: Option<DateTime<Utc>>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}

impl NewSilence {
    /// Of all alerts, from now on.
    pub fn new(ends_at: DateTime<Utc>, reason: impl Into<String>) -> Self {
        Self { rule: None, subject: None, begins_at: None, ends_at, reason: reason.into() }
    }

    /// Only of this rule.
    #[must_use]
    pub fn rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// Only about this.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Not before then.
    #[must_use]
    pub fn begins_at(mut self, instant: DateTime<Utc>) -> Self {
        self.begins_at = Some(instant);
        self
    }

    /// Whether it can be accepted, the present apart.
    ///
    /// # Errors
    ///
    /// The first field that cannot be accepted, by name.
    pub fn check(&self) -> Result<(), InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        for (field, named) in [("rule", &self.rule), ("subject", &self.subject)] {
            named.as_deref().map_or(Ok(()), name::check).or_else(|reason| invalid(field, reason))?;
        }
        for (field, at) in [("begins_at", self.begins_at), ("ends_at", Some(self.ends_at))] {
            if at.is_some_and(|at| !(0..=9999).contains(&at.year())) {
                return invalid(field, "must be between the years 0 and 9999");
            }
        }
        if self.begins_at.is_some_and(|begins_at| begins_at >= self.ends_at) {
            return invalid("ends_at", "must be after begins_at");
        }
        if !(1..=LONGEST_REASON).contains(&self.reason.chars().count()) || self.reason.contains('\0') {
            return invalid("reason", "must be of 1 to 1000 characters, without NUL");
        }
        Ok(())
    }
}

/// A silence as it is kept.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Silence {
    /// Its id.
    pub id: Uuid,
    /// Only alerts of this rule; null: of all.
    pub rule: Option<String>,
    /// Only alerts about this; null: about all.
    pub subject: Option<String>,
    /// When it begins.
    pub begins_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Whether it holds now.
    pub active: bool,
}
