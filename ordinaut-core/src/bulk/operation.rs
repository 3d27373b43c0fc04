//! A bulk operation, and how far it is.

use crate::job::CancelFilter;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::fmt;
use uuid::Uuid;

/// Where a bulk operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BulkState {
    /// It has not begun, or goes on.
    Running,
    /// It has looked at every job.
    Done,
    /// Somebody ended it.
    Cancelled,
}

impl fmt::Display for BulkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        })
    }
}

/// A bulk operation, and how far it is.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct BulkOperation {
    /// Its id.
    pub id: Uuid,
    /// What is done to each job.
    pub verb: String,
    /// Which jobs.
    pub filter: CancelFilter,
    /// Of a move: where the jobs go.
    #[serde(rename = "to_queue", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub queue: Option<String>,
    /// Of a reprioritisation: the new priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub priority: Option<i16>,
    /// Jobs a second at most.
    pub rate: Option<f64>,
    /// Where it stands.
    pub state: BulkState,
    /// Jobs of its queue and kind that it has looked at; more than once those that somebody held.
    pub looked: i64,
    /// Jobs to which it was done.
    pub done: i64,
    /// Jobs to which it could not be done: they run, or hold a key that another job has taken.
    pub skipped: i64,
    /// Why the last batch failed; it is tried again.
    pub last_error: Option<String>,
    /// The agent that started it.
    pub created_by: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When its first batch was done.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}
