//! What happened to jobs, as it is told to others.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// A change that one statement made to one or more jobs of a kind in a queue.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// Grows by one in the order of commits: "greater than the last that I saw" misses nothing.
    pub n: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// `enqueued`, `leased`, `given_back`, `run_now`, `requeued`, or an [`Outcome`](crate::Outcome).
    pub r#type: String,
    /// The queue of the jobs.
    pub queue: String,
    /// The kind of the jobs.
    pub kind: String,
    /// The jobs.
    pub jobs: Vec<JobRef>,
}

/// A job, and the number of the attempt that an event is about.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct JobRef {
    /// The job.
    pub id: Uuid,
    /// The attempt; 0 before the first.
    pub attempt: i32,
}
