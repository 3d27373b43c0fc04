//! Scopes: what an agent may do.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One thing that an agent may do. [`Scope::Admin`] is all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
#[non_exhaustive]
pub enum Scope {
    /// Look at jobs, dead letters, queues, limits, targets and workers.
    JobsRead,
    /// Enqueue, change, cancel and requeue jobs.
    JobsWrite,
    /// Approve and reject what jobs wait for.
    JobsApprove,
    /// Look at tasks and calendars.
    TasksRead,
    /// Create, change, pause, run and delete tasks and calendars.
    TasksWrite,
    /// Look at what attempts did: their errors and outputs.
    RunsRead,
    /// Read the log of events.
    EventsRead,
    /// Publish under a topic, and push facts.
    EventsPublish,
    /// Lease jobs and settle them.
    WorkersLease,
    /// Pause, resume and bound queues, set limits, and put and drain targets.
    QueuesAdmin,
    /// Create, change and delete webhooks, which are told of events of the whole installation.
    WebhooksAdmin,
    /// Run named commands on the machines of workers.
    FleetExec,
    /// Read metrics, and nothing else.
    MetricsRead,
    /// Everything, agents and the audit included.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::JobsRead,
        Self::JobsWrite,
        Self::JobsApprove,
        Self::TasksRead,
        Self::TasksWrite,
        Self::RunsRead,
        Self::EventsRead,
        Self::EventsPublish,
        Self::WorkersLease,
        Self::QueuesAdmin,
        Self::WebhooksAdmin,
        Self::FleetExec,
        Self::MetricsRead,
        Self::Admin,
    ];

    /// The word for it, such as `jobs:read`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JobsRead => "jobs:read",
            Self::JobsWrite => "jobs:write",
            Self::JobsApprove => "jobs:approve",
            Self::TasksRead => "tasks:read",
            Self::TasksWrite => "tasks:write",
            Self::RunsRead => "runs:read",
            Self::EventsRead => "events:read",
            Self::EventsPublish => "events:publish",
            Self::WorkersLease => "workers:lease",
            Self::QueuesAdmin => "queues:admin",
            Self::WebhooksAdmin => "webhooks:admin",
            Self::FleetExec => "fleet:exec",
            Self::MetricsRead => "metrics:read",
            Self::Admin => "admin",
        }
    }

    /// All words, with commas, for people.
    pub fn words() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Scope> for &'static str {
    fn from(scope: Scope) -> Self {
        scope.as_str()
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str().eq_ignore_ascii_case(word));
        found.ok_or_else(|| format!("{word:?} is no scope; there are {}", Self::words()))
    }
}

impl TryFrom<String> for Scope {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_is_read_back_from_its_word() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
        assert!("jobs".parse::<Scope>().unwrap_err().contains("jobs:read"));
    }
}
