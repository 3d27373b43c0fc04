//! What happened to jobs and queues, as it is told to others.

use crate::alert::Severity;
use crate::event::event_type::EventType;
use crate::node::NodeLevel;
use crate::queue::pressure::QueueLevel;
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// A change that one statement made to one or more jobs of a kind in a queue, or a change of a
/// task, queue, limit, worker or agent.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Event {
    /// Grows by one in the order of commits: "greater than the last that I saw" misses nothing.
    pub n: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened.
    pub r#type: EventType,
    /// The queue of the jobs, or the one that it is about; empty if it is about none.
    pub queue: String,
    /// The kind of the jobs, or the one that it is about; empty if it is about none.
    pub kind: String,
    /// The jobs; none if it is about something else.
    pub jobs: Vec<JobRef>,
    /// Which level the queue has from now on, if that is what changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub level: Option<QueueLevel>,
    /// Which level the machine has from now on, if that is what changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub node_level: Option<NodeLevel>,
    /// How bad the alert is that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub severity: Option<Severity>,
    /// What it is about that is no job: the id of a task or alert, the name of a queue, limit,
    /// machine or agent, the session of a worker, or the name under which it was drained. Null of
    /// an event about jobs.
    pub subject: Option<String>,
}

/// A job, and the number of the attempt that an event is about.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct JobRef {
    /// The job.
    pub id: Uuid,
    /// The attempt; 0 before the first.
    pub attempt: i32,
}
