//! What came of a command, machine by machine.

use crate::job::JobState;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// A command, and what came of it on each machine.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Command {
    /// Its id, which is that of the batch of its jobs.
    pub id: Uuid,
    /// Its name.
    pub command: String,
    /// The agent that gave it; absent: a program that holds the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub created_by: Option<String>,
    /// When it was given.
    pub created_at: DateTime<Utc>,
    /// When a machine that has not answered has timed out.
    pub deadline: Option<DateTime<Utc>>,
    /// Whether no answer is waited for any more.
    pub ended: bool,
    /// The machines, by name.
    pub nodes: Vec<CommandResult>,
}

/// What came of a command on a machine.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct CommandResult {
    /// The machine.
    pub node: String,
    /// Where it stands there.
    pub state: CommandState,
    /// The job that runs it.
    pub job: Uuid,
    /// Number of seconds that it ran; absent if it has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub took: Option<f64>,
    /// What it returned: `stdout`, `stderr` and `exit_code`, unless it is a ping.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>, nullable = false))]
    pub output: Option<Box<RawValue>>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub error: Option<String>,
}

/// Where a command stands on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CommandState {
    /// No worker has begun it.
    Waiting,
    /// It runs.
    Running,
    /// It has ended well.
    Succeeded,
    /// It has failed.
    Failed,
    /// It had not ended in its time.
    TimedOut,
    /// Somebody called it off.
    Cancelled,
}

impl CommandState {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
        }
    }

    /// Of a job in this state; `is_over`: the time of the command is.
    pub(crate) fn of(state: JobState, is_over: bool) -> Self {
        match state {
            JobState::Succeeded => Self::Succeeded,
            JobState::Dead => Self::Failed,
            _ if is_over => Self::TimedOut,
            JobState::Cancelled => Self::Cancelled,
            JobState::Running => Self::Running,
            _ => Self::Waiting,
        }
    }

    /// Whether nothing more comes of it.
    pub const fn is_end(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_not_ended_in_its_time_has_timed_out() {
        for (job, in_time, after) in [
            (JobState::Waiting, CommandState::Waiting, CommandState::TimedOut),
            (JobState::Parked, CommandState::Waiting, CommandState::TimedOut),
            (JobState::Running, CommandState::Running, CommandState::TimedOut),
            (JobState::Cancelled, CommandState::Cancelled, CommandState::TimedOut),
            (JobState::Succeeded, CommandState::Succeeded, CommandState::Succeeded),
            (JobState::Dead, CommandState::Failed, CommandState::Failed),
        ] {
            assert_eq!((CommandState::of(job, false), CommandState::of(job, true)), (in_time, after), "{job:?}");
        }
    }
}
