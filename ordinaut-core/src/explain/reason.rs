//! A reason why something does not happen.

use crate::job::state::JobState;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use uuid::Uuid;

/// Why a job does not run now, and what would change that.
///
/// Its text is for people: a line for each reason, with what it rests on below it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Explanation {
    /// The job.
    pub job_id: Uuid,
    /// Its state.
    pub state: JobState,
    /// The whole in one sentence.
    pub says: String,
    /// What is in its way, first what must go first. Empty: nothing is, or it runs, or has ended.
    pub reasons: Vec<Reason>,
}

/// Something that is in the way of a job.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Reason {
    /// For programs.
    pub reason: ReasonKind,
    /// For people: a sentence without its end.
    pub says: String,
    /// What shows it: numbers, names, ids.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub evidence: Map<String, Value>,
    /// What somebody can do about it, if anything has to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub advice: Option<String>,
    /// What it rests on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(no_recursion))]
    pub because: Vec<Reason>,
}

/// What kind of reason it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReasonKind {
    /// It is due at an instant that has not come: it was asked for, or is the wait after a failure.
    NotDue,
    /// Its handler sleeps.
    Sleeps,
    /// Its handler waits for an event.
    WaitsForEvent,
    /// Its handler waits for the end of another job.
    WaitsForJob,
    /// Its handler waits for an approval.
    WaitsForApproval,
    /// Nobody may claim from its queue.
    QueuePaused,
    /// Nobody may claim anything.
    InstallationPaused,
    /// Its task is paused.
    TaskPaused,
    /// A limit leaves no job of this kind or queue run.
    KindPaused,
    /// A limit leaves no room.
    LimitFull,
    /// A rate leaves no room.
    RateUsedUp,
    /// Under an ordered limit another job goes before it.
    Order,
    /// The job that it follows has not ended.
    RunAgain,
    /// Jobs that it comes after have not ended.
    Dependency,
    /// Its batch has not ended, which calls it then.
    Batch,
    /// No worker is alive.
    NoWorkerAlive,
    /// No living worker serves its queue.
    QueueUnserved,
    /// No living worker of its queue has a handler for its kind.
    KindUnknown,
    /// The workers that could run it are drained.
    WorkersDrained,
    /// The workers that could run it have no free slot.
    SlotsBusy,
    /// It was lost twice, and another such job runs: one at a time does in a process.
    Suspect,
    /// Others go before it.
    InLine,
    /// An old snapshot keeps vacuum from removing what has passed, and claims read over it.
    VacuumHeldUp,
    /// No scheduler is alive, which would let it go.
    NoSchedulerAlive,
}

impl ReasonKind {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::NotDue,
        Self::Sleeps,
        Self::WaitsForEvent,
        Self::WaitsForJob,
        Self::WaitsForApproval,
        Self::QueuePaused,
        Self::InstallationPaused,
        Self::TaskPaused,
        Self::KindPaused,
        Self::LimitFull,
        Self::RateUsedUp,
        Self::Order,
        Self::RunAgain,
        Self::Dependency,
        Self::Batch,
        Self::NoWorkerAlive,
        Self::QueueUnserved,
        Self::KindUnknown,
        Self::WorkersDrained,
        Self::SlotsBusy,
        Self::Suspect,
        Self::InLine,
        Self::VacuumHeldUp,
        Self::NoSchedulerAlive,
    ];
}

impl Reason {
    pub(crate) fn new(reason: ReasonKind, says: impl Into<String>) -> Self {
        Self { reason, says: says.into(), evidence: Map::new(), advice: None, because: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.evidence.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    pub(crate) fn because(mut self, reasons: impl IntoIterator<Item = Self>) -> Self {
        self.because.extend(reasons);
        self
    }

    fn write(&self, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indent = "  ".repeat(depth);
        write!(f, "\n{indent}- {}", self.says)?;
        if let Some(advice) = &self.advice {
            write!(f, "\n{indent}  to do: {advice}")?;
        }
        self.because.iter().try_for_each(|reason| reason.write(depth + 1, f))
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)?;
        self.reasons.iter().try_for_each(|reason| reason.write(0, f))
    }
}
