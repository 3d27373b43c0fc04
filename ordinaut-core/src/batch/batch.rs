//! A batch, and how far it is.

use crate::error::InvalidField;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Words of an enum, in the table, in JSON and typed.
macro_rules! words {
    ($name:ident: $noun:literal { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().copied().find(|known| known.as_str() == word);
                found.ok_or_else(|| format!(concat!("no ", $noun, " is called {:?}"), word))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

/// Where a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BatchState {
    /// Members wait or run.
    Running,
    /// All members succeeded.
    Succeeded,
    /// All members have ended, and some are dead or were cancelled.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// Its deadline passed, and what was left of it was cancelled.
    Expired,
}

words!(BatchState: "state of a batch" {
    Running = "running",
    Succeeded = "succeeded",
    Failed = "failed",
    Cancelled = "cancelled",
    Expired = "expired",
});

/// What a dead member means for the other members of its batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnDead {
    /// They go on.
    #[default]
    Continue,
    /// Those that wait are cancelled, and those that run are asked to stop.
    CancelRest,
}

words!(OnDead: "answer to a dead member" { Continue = "continue", CancelRest = "cancel_rest" });

/// A batch, and how far it is.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Batch {
    /// Its id.
    pub id: Uuid,
    /// What people call it; several may share a name.
    pub name: String,
    /// Where it stands.
    pub state: BatchState,
    /// Number of members.
    pub total: i64,
    /// Members that succeeded.
    pub succeeded: i64,
    /// Members that are dead.
    pub dead: i64,
    /// Members that were cancelled.
    pub cancelled: i64,
    /// The part of the members that have ended, from 0 to 1.
    pub progress: f64,
    /// Why its members are being cancelled, and so how it will end; absent: they are not.
    pub stopping: Option<BatchState>,
    /// What a dead member means.
    pub on_dead: OnDead,
    /// The job that runs when all members have succeeded.
    pub on_success: Option<Uuid>,
    /// The job that runs, once, when all members have ended.
    pub on_complete: Option<Uuid>,
    /// When what is left of it is cancelled.
    pub deadline: Option<DateTime<Utc>>,
    /// Whose batch it is.
    pub tenant: Option<String>,
    /// The agent that made it; absent: a program that holds the database.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its last member ended.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Batch {
    /// The part of `total` that `ended` is.
    pub(crate) fn part(ended: i64, total: i64) -> f64 {
        if total == 0 { 1.0 } else { ended as f64 / total as f64 }
    }
}

/// Which batches to list: those to which everything applies that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchFilter {
    /// Only batches in this state.
    pub state: Option<BatchState>,
    /// Only batches of this tenant.
    pub tenant: Option<String>,
    /// Only batches that were made before this one: the last of the page before.
    pub before: Option<Uuid>,
}

impl BatchFilter {
    /// Only batches in this state.
    #[must_use]
    pub fn state(mut self, state: BatchState) -> Self {
        self.state = Some(state);
        self
    }

    /// Only batches of this tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Only batches that were made before this one.
    #[must_use]
    pub fn before(mut self, before: Uuid) -> Self {
        self.before = Some(before);
        self
    }

    pub(crate) fn check(&self) -> Result<(), InvalidField> {
        match self.tenant.as_deref().map(crate::name::check) {
            Some(Err(reason)) => Err(InvalidField { field: "tenant", reason: reason.to_owned() }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for state in BatchState::ALL {
            assert_eq!(state.to_string().parse(), Ok(*state));
        }
        for on_dead in OnDead::ALL {
            assert_eq!(on_dead.to_string().parse(), Ok(*on_dead));
        }
        assert_eq!("done".parse::<BatchState>(), Err("no state of a batch is called \"done\"".to_owned()));
    }

    #[test]
    fn a_batch_without_members_is_done() {
        assert_eq!((Batch::part(0, 0), Batch::part(1, 4)), (1.0, 0.25));
    }
}
