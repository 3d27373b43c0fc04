//! What happened to jobs and queues, as it is told to others.

use crate::queue::pressure::QueueLevel;
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// A change that one statement made to one or more jobs of a kind in a queue, or to the level of a
/// queue.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// Grows by one in the order of commits: "greater than the last that I saw" misses nothing.
    pub n: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// `enqueued`, `leased`, `given_back`, `run_now`, `requeued`, or an
    /// [`Outcome`](crate::Outcome); of a queue `queue_level`.
    pub r#type: String,
    /// The queue of the jobs, or the one whose level it is.
    pub queue: String,
    /// The kind of the jobs; empty if it is about a queue.
    pub kind: String,
    /// The jobs; none if it is about a queue.
    pub jobs: Vec<JobRef>,
    /// Which level the queue has from now on, if that is what changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<QueueLevel>,
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
