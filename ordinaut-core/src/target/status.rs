//! A target, and how it is.

use crate::target::breaker::BreakerState;
use crate::target::definition::Target;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A target, and how its hosts are.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct TargetStatus {
    /// The target.
    #[serde(flatten)]
    pub target: Target,
    /// Who may change it by itself.
    pub source: TargetSource,
    /// Counts the changes of the definition, from 1.
    pub version: i32,
    /// When it was put first.
    pub created_at: DateTime<Utc>,
    /// When its definition was last changed.
    pub updated_at: DateTime<Utc>,
    /// Whether any of its hosts takes calls.
    pub available: bool,
    /// Number of jobs that wait for it, counted up to 100,000.
    pub waiting: i64,
    /// Number of calls of all workers that are under way; absent: the target has no `concurrency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub under_way: Option<i64>,
    /// How its hosts are, in their order.
    pub health: Vec<HostStatus>,
}

/// Where a target comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TargetSource {
    /// Somebody put it: no file changes it.
    Api,
    /// A scheduler read it in `TARGETS_FILE`.
    File,
}

/// How a host is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = TargetHostStatus))]
#[non_exhaustive]
pub struct HostStatus {
    /// Name or address, and port.
    pub host: String,
    /// Its part of the calls, where the strategy goes by weight.
    pub weight: i32,
    /// Whether it is called.
    pub state: BreakerState,
    /// Since when it gets no calls, because somebody said so; absent: it gets them.
    pub drained_at: Option<DateTime<Utc>>,
    /// Calls that have failed since the last that succeeded.
    pub failures: i32,
    /// Since when it is not called; absent: it is.
    pub opened_at: Option<DateTime<Utc>>,
    /// The worker whose call opened its breaker last.
    pub opened_by: Option<String>,
    /// How that call failed.
    pub reason: Option<String>,
    /// When one call may try it.
    pub retry_at: Option<DateTime<Utc>>,
    /// Number of times that its breaker opened since it was closed.
    pub opened: i32,
    /// When another call may try it, if the one that does has not ended.
    pub trial_until: Option<DateTime<Utc>>,
    /// Calls that ended; workers add theirs every ten seconds.
    pub calls: i64,
    /// Calls of these that failed.
    pub failed: i64,
    /// Seconds that those that succeeded took, together.
    pub seconds: f64,
    /// Seconds that one that succeeds takes, the newest counting most.
    pub recent_seconds: Option<f64>,
    /// When a call last succeeded, to ten seconds.
    pub last_success_at: Option<DateTime<Utc>>,
}

impl HostStatus {
    /// Whether it is called now.
    pub fn is_called(&self) -> bool {
        self.state == BreakerState::Closed && self.drained_at.is_none()
    }
}

impl TargetSource {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::File => "file",
        }
    }
}

impl fmt::Display for TargetSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for TargetSource {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "api" => Ok(Self::Api),
            "file" => Ok(Self::File),
            _ => Err(format!("no source of targets is called {word:?}")),
        }
    }
}
