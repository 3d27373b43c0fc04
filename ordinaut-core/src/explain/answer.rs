//! What is told of a task, a queue or a batch.

use crate::batch::batch::BatchState;
use crate::explain::reason::{Reason, written_below};
use crate::task::store::TaskStatus;
use crate::task::store::inspect::FireRecord;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::fmt;
use uuid::Uuid;

/// Why a task does not fire now, when it does next, and what became of its last instants.
///
/// Its text is for people: a line for each reason, with what it rests on below it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct TaskExplanation {
    /// The task.
    pub task_id: Uuid,
    /// Whether it makes jobs.
    pub status: TaskStatus,
    /// When it is due next; null if it is paused, cancelled or over, or does not go by the clock.
    pub next_run_at: Option<DateTime<Utc>>,
    /// The whole in one sentence.
    pub says: String,
    /// Why it does not fire now, first what must go first; then what became of its last instants,
    /// and of its last job.
    pub reasons: Vec<Reason>,
    /// Its last instants, the latest first.
    pub fires: Vec<FireRecord>,
}

/// What holds a queue up.
///
/// Its text is for people: a line for each finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct QueueExplanation {
    /// The queue.
    pub queue: String,
    /// The whole in one sentence.
    pub says: String,
    /// What was found, the worst first. Empty: nothing holds it up.
    pub findings: Vec<Finding>,
}

/// Something that holds a queue up, or soon will.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The part of the installation that it is about.
    pub component: Component,
    /// What it is, with what shows it and what to do.
    #[serde(flatten)]
    pub reason: Reason,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Jobs do not run because of it.
    Critical,
    /// Jobs run later because of it, or fail.
    Warning,
    /// Worth knowing.
    Info,
}

/// A part of the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Component {
    /// The queue and its settings.
    Queue,
    /// The workers that serve it.
    Workers,
    /// Limits.
    Limits,
    /// Targets that jobs call.
    Targets,
    /// The jobs themselves.
    Jobs,
    /// The schedulers.
    Scheduler,
    /// What makes events of changes.
    Relay,
    /// Postgres.
    Database,
}

/// Which members hold a batch up, and why.
///
/// Its text is for people: a line for each reason, with what it rests on below it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct BatchExplanation {
    /// The batch.
    pub batch_id: Uuid,
    /// Where it stands.
    pub state: BatchState,
    /// The whole in one sentence.
    pub says: String,
    /// What it waits for, or what its callbacks wait for. Empty: it has ended, and so have they.
    pub reasons: Vec<Reason>,
}

impl Severity {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for TaskExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)?;
        written_below(&self.reasons, f)
    }
}

impl fmt::Display for BatchExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)?;
        written_below(&self.reasons, f)
    }
}

impl fmt::Display for QueueExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)?;
        for finding in &self.findings {
            let mut reason = finding.reason.clone();
            reason.says = format!("{}: {}", finding.severity.as_str(), reason.says);
            written_below(&[reason], f)?;
        }
        Ok(())
    }
}
