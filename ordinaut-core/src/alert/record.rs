//! An alert: a rule that holds of something.

use crate::alert::severity::Severity;
use crate::alert::source::AlertSource;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AlertState {
    /// Its rule holds, not yet for as long as it asks.
    Pending,
    /// Its rule holds.
    Firing,
    /// It is over.
    Resolved,
}

impl AlertState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Firing, Self::Resolved];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

impl fmt::Display for AlertState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AlertState {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| {
            format!("no state of an alert is called {word:?}: {}", Self::ALL.map(Self::as_str).join(", "))
        })
    }
}

/// A rule that holds of something, from when that began to when it was over. There is one for a
/// rule and a subject at a time.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Alert {
    /// Its id.
    pub id: Uuid,
    /// The name of its rule.
    pub rule: String,
    /// What the rule looked at.
    pub source: AlertSource,
    /// What its subject is: node, queue, kind, target, limit, follower or installation.
    pub about: String,
    /// The name of what it is about; `*`: the whole installation.
    pub subject: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub state: AlertState,
    /// The figure, as it was last seen while the rule held.
    pub value: f64,
    /// From which figure on the rule holds.
    pub threshold: f64,
    /// What more is known of it, in words; empty: nothing.
    pub detail: String,
    /// When the rule began to hold.
    pub pending_since: DateTime<Utc>,
    /// When it was last seen to hold.
    pub seen_at: DateTime<Utc>,
    /// When it began to fire.
    pub fired_at: Option<DateTime<Utc>>,
    /// When the jobs were made that tell of it; null: it was not told, because it is pending, or
    /// silenced since it fired.
    pub told_at: Option<DateTime<Utc>>,
    /// When somebody said that they know.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// Who said so.
    pub acknowledged_by: Option<String>,
    /// What they said.
    pub note: Option<String>,
    /// When it was over.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Whether a silence keeps it from being told now.
    pub silenced: bool,
}

impl Alert {
    /// What is wrong, in a sentence.
    pub fn summary(&self) -> String {
        let mut text = self.source.sentence(&self.subject, self.value);
        if !self.detail.is_empty() {
            text.push_str(" (");
            text.push_str(&self.detail);
            text.push(')');
        }
        text
    }
}

/// Which alerts somebody wants: those to which everything applies that is said.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AlertFilter {
    /// Only those that stand there.
    pub state: Option<AlertState>,
    /// Only those of this rule.
    pub rule: Option<String>,
    /// Only those that are as bad.
    pub severity: Option<Severity>,
    /// Only those about this.
    pub subject: Option<String>,
}

impl AlertFilter {
    /// Only those that stand there.
    #[must_use]
    pub fn state(mut self, state: AlertState) -> Self {
        self.state = Some(state);
        self
    }

    /// Only those of this rule.
    #[must_use]
    pub fn rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }
}

/// A number of alerts that are not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlertCount {
    /// How bad they are.
    pub severity: Severity,
    /// Where they stand.
    pub state: AlertState,
    /// Their number.
    pub alerts: i64,
}
