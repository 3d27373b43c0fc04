//! Why a job waits.

use crate::job::state::JobState;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// The limit that tasks imply by a concurrency key: one job at a time under each. Its name is that
/// of the field.
pub(crate) const CONCURRENCY_KEY: &str = "concurrency_key";

/// The limit that a task implies which bounds its jobs; its key is the task's id.
pub(crate) const MAX_INSTANCES: &str = "max_instances";

/// Jobs that the sentence about a dependency names.
const NAMED: usize = 3;

/// Why a job that could run does not run yet.
///
/// Its text is a sentence for people; programs match on the variant, in JSON on `reason`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Wait {
    /// Nobody may claim from its queue.
    QueuePaused,
    /// It is set aside until its task is resumed.
    TaskPaused {
        /// The task; absent if the row that says so does not name one.
        task_id: Option<Uuid>,
    },
    /// It is set aside until its limits leave room; those are among them that its task implies.
    Limits {
        /// The limits that concern it; which of them is full changes from moment to moment.
        limits: Vec<LimitKey>,
    },
    /// It is set aside, by its mode `run_again`, until the job before it has ended.
    RunAgain {
        /// The job before it; absent if the row that says so does not name one.
        job_id: Option<Uuid>,
    },
    /// It is set aside until the jobs that it comes after have ended.
    Dependency {
        /// Those of them that have not: twenty at most are named.
        jobs: Vec<Uuid>,
    },
    /// It is set aside until its batch ends, which calls it then.
    Batch {
        /// The batch; absent if the row that says so does not name one.
        batch_id: Option<Uuid>,
    },
    /// It waits for a worker that has what it asks for.
    Placed(Demand),
    /// It is set aside until what it calls takes calls.
    Target {
        /// The target's name.
        target: String,
    },
    /// No worker at all is alive.
    NoWorkerAlive,
    /// No living worker serves its queue.
    QueueUnserved,
    /// No living worker that serves its queue has a handler for its kind.
    KindUnknown,
    /// The workers that could run it are drained.
    WorkersDrained,
    /// The workers that could run it have no free slot, as they last said.
    SlotsBusy,
}

/// A limit, and the key under which it concerns a job.
///
/// The limits that a task implies have the names of its fields: `concurrency_key` with that key,
/// and `max_instances` with the task's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct LimitKey {
    /// The limit's name.
    pub name: String,
    /// The value that has the limit for itself; empty if all jobs share it.
    pub key: String,
}

/// What a job asks of its worker, and the workers that have it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct Demand {
    /// The labels; one that begins with `!` the worker must not have.
    pub labels: Vec<String>,
    /// It only prefers these, until then; absent: it requires them.
    pub until: Option<DateTime<Utc>>,
    /// Number of living workers of its queue and kind that have them.
    pub workers: i64,
    /// Number of living workers that have them, and are drained.
    #[serde(default)]
    pub drained: i64,
    /// Number of jobs that these run at once at most.
    pub slots: i64,
    /// Number of jobs that they ran when they last said it.
    pub running: i64,
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said =
            |label: &String| label.strip_prefix('!').map_or_else(|| label.clone(), |label| format!("not {label}"));
        let labels = self.labels.iter().map(said).collect::<Vec<_>>().join(" and ");
        match self {
            Self { until: Some(until), .. } => {
                let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
                write!(f, "it prefers a worker with {labels}, until {until}")
            }
            Self { labels: none, .. } if none.is_empty() => f.write_str("any worker may take it"),
            Self { workers: 0, drained: 1.., .. } => {
                write!(f, "the workers that have the labels it requires are drained: {labels}")
            }
            Self { workers: 0, .. } => {
                write!(f, "no living worker of its queue and kind has the labels it requires: {labels}")
            }
            Self { slots, running, .. } if running >= slots => {
                write!(f, "the workers that have the labels it requires have no free slot: {labels}")
            }
            _ => write!(f, "it waits for a worker with {labels}"),
        }
    }
}

/// Why a job was set aside, as its row has it.
#[derive(Clone, Debug)]
pub(crate) struct Parked {
    pub(crate) reason: String,
    pub(crate) key: String,
}

/// Number of living workers that could run a job; each number counts some of those of the number
/// before it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Crew {
    pub(crate) alive: i64,
    /// Those that serve its queue.
    pub(crate) serving: i64,
    /// Those that have a handler for its kind.
    pub(crate) able: i64,
    /// Those that are not drained.
    pub(crate) willing: i64,
    /// Those that ran less than they may when they last renewed their leases.
    pub(crate) free: i64,
}

/// Why a job waits; `None`: it does not, or a worker will claim it in a moment.
pub(crate) fn why(state: JobState, parked: Option<&Parked>, queue_paused: bool, crew: Crew) -> Option<Wait> {
    match state {
        JobState::Parked => parked.map(Parked::wait),
        JobState::Waiting if queue_paused => Some(Wait::QueuePaused),
        JobState::Waiting if crew.alive == 0 => Some(Wait::NoWorkerAlive),
        JobState::Waiting if crew.serving == 0 => Some(Wait::QueueUnserved),
        JobState::Waiting if crew.able == 0 => Some(Wait::KindUnknown),
        JobState::Waiting if crew.willing == 0 => Some(Wait::WorkersDrained),
        JobState::Waiting if crew.free == 0 => Some(Wait::SlotsBusy),
        _ => None,
    }
}

/// The key of a job that waits for limits.
#[derive(Deserialize)]
struct Line {
    limits: Vec<(String, String, i64)>,
}

impl Parked {
    fn wait(&self) -> Wait {
        match &*self.reason {
            "task_paused" => Wait::TaskPaused { task_id: self.key.parse().ok() },
            "limit" => {
                let limits = serde_json::from_str(&self.key).map_or_else(|_| Vec::new(), |line: Line| line.limits);
                let limits = limits.into_iter().map(|(name, key, _)| LimitKey { name, key }).collect();
                Wait::Limits { limits }
            }
            "dependency" => Wait::Dependency { jobs: serde_json::from_str(&self.key).unwrap_or_default() },
            "placed" => Wait::Placed(serde_json::from_str(&self.key).unwrap_or_default()),
            "target" => Wait::Target { target: self.key.clone() },
            "batch" => Wait::Batch { batch_id: self.key.parse().ok() },
            _ => Wait::RunAgain { job_id: self.key.parse().ok() },
        }
    }
}

impl fmt::Display for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.name, &*self.key) {
            (CONCURRENCY_KEY, key) => write!(f, "the concurrency key \"{key}\""),
            (MAX_INSTANCES, task_id) => write!(f, "max_instances of its task {task_id}"),
            (name, "") => write!(f, "the limit \"{name}\""),
            (name, key) => write!(f, "the limit \"{name}\" (key \"{key}\")"),
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueuePaused => f.write_str("its queue is paused"),
            Self::TaskPaused { task_id: Some(id) } => write!(f, "its task {id} is paused"),
            Self::TaskPaused { task_id: None } => f.write_str("its task is paused"),
            Self::RunAgain { job_id: Some(id) } => write!(f, "the job {id}, which it follows, has not ended"),
            Self::RunAgain { job_id: None } => f.write_str("the job that it follows has not ended"),
            Self::Limits { limits } => {
                f.write_str("it waits for room under ")?;
                for (index, limit) in limits.iter().enumerate() {
                    let and = if index == 0 { "" } else { " and " };
                    write!(f, "{and}{limit}")?;
                }
                if limits.is_empty() { f.write_str("a limit") } else { Ok(()) }
            }
            Self::Dependency { jobs } => {
                f.write_str("it waits for the end of ")?;
                for (index, job) in jobs.iter().take(NAMED).enumerate() {
                    let and = if index == 0 { "job " } else { " and " };
                    write!(f, "{and}{job}")?;
                }
                match jobs.len().saturating_sub(NAMED) {
                    _ if jobs.is_empty() => f.write_str("others"),
                    0 => Ok(()),
                    _ => f.write_str(" and others"),
                }
            }
            Self::Batch { batch_id: Some(id) } => write!(f, "it waits for the end of its batch {id}"),
            Self::Batch { batch_id: None } => f.write_str("it waits for the end of its batch"),
            Self::Placed(demand) => demand.fmt(f),
            Self::Target { target } => write!(f, "its target {target:?} takes no calls now"),
            Self::NoWorkerAlive => f.write_str("no worker is alive"),
            Self::QueueUnserved => f.write_str("no worker serves its queue"),
            Self::KindUnknown => f.write_str("no worker handles this kind"),
            Self::WorkersDrained => f.write_str("the workers that could run it are drained"),
            Self::SlotsBusy => f.write_str("the workers that could run it have no free slot"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(state: JobState, parked: Option<(&str, &str)>, paused: bool, crew: [i64; 5]) -> Option<String> {
        let parked = parked.map(|(reason, key)| Parked { reason: reason.to_owned(), key: key.to_owned() });
        let [alive, serving, able, willing, free] = crew;
        why(state, parked.as_ref(), paused, Crew { alive, serving, able, willing, free }).map(|wait| wait.to_string())
    }

    #[test]
    fn a_waiting_job_is_told_the_first_thing_that_is_in_its_way() {
        let waiting = |paused, crew| told(JobState::Waiting, None, paused, crew);
        assert_eq!(waiting(true, [0; 5]).as_deref(), Some("its queue is paused"));
        assert_eq!(waiting(false, [0; 5]).as_deref(), Some("no worker is alive"));
        assert_eq!(waiting(false, [3, 0, 0, 0, 0]).as_deref(), Some("no worker serves its queue"));
        assert_eq!(waiting(false, [3, 2, 0, 0, 0]).as_deref(), Some("no worker handles this kind"));
        assert_eq!(waiting(false, [3, 2, 2, 0, 0]).as_deref(), Some("the workers that could run it are drained"));
        assert_eq!(waiting(false, [3, 2, 2, 1, 0]).as_deref(), Some("the workers that could run it have no free slot"));
        assert_eq!(waiting(false, [3, 2, 2, 1, 1]), None);
        assert_eq!(told(JobState::Running, None, true, [0; 5]), None);
        assert_eq!(told(JobState::Scheduled, None, false, [0; 5]), None);
    }

    #[test]
    fn a_parked_job_is_told_by_what_it_is_held() {
        let parked = |reason: &str, key: &str| told(JobState::Parked, Some((reason, key)), false, [0; 5]).unwrap();
        let task = Uuid::nil();
        assert_eq!(parked("task_paused", &task.to_string()), format!("its task {task} is paused"));
        assert_eq!(parked("target", "billing"), "its target \"billing\" takes no calls now");
        assert_eq!(parked("run_again", &task.to_string()), format!("the job {task}, which it follows, has not ended"));
        let line = r#"{"queue": "q", "kind": "k", "suspect": false, "limits": [["a", "", 1], ["b", "ann", 2]]}"#;
        assert_eq!(parked("limit", line), "it waits for room under the limit \"a\" and the limit \"b\" (key \"ann\")");
        assert_eq!(parked("limit", "no JSON"), "it waits for room under a limit");
        let jobs = |number: usize| serde_json::to_string(&vec![task; number]).unwrap();
        assert_eq!(parked("dependency", &jobs(2)), format!("it waits for the end of job {task} and {task}"));
        assert!(parked("dependency", &jobs(4)).ends_with(" and others"));
        assert_eq!(parked("dependency", ""), "it waits for the end of others");
        assert_eq!(parked("batch", &task.to_string()), format!("it waits for the end of its batch {task}"));
        let line = r#"{"limits": [["concurrency_key", "db", 1], ["max_instances", "7", 1]]}"#;
        let implied = "it waits for room under the concurrency key \"db\" and max_instances of its task 7";
        assert_eq!(parked("limit", line), implied);
    }
}
