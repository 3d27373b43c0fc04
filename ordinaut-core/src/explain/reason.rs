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
    /// What is in its way, first what must go first. Empty: nothing is, or it runs and is
    /// not stalled, or has ended.
    pub reasons: Vec<Reason>,
}

/// Something that is in the way of a job, a task, a queue or a batch.
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
    /// Its kind may not run now.
    OutsideHours,
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
    /// It waits for a worker that it prefers.
    PrefersWorker,
    /// No living worker has the labels that it requires.
    LabelsMissing,
    /// What it calls takes no calls.
    TargetUnavailable,
    /// No living worker runs the part of its kind that it belongs to.
    VersionMissing,
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
    /// It runs, and its progress has not changed in time.
    Stalled,
    /// Others go before it.
    InLine,
    /// An old snapshot keeps vacuum from removing what has passed, and claims read over it.
    VacuumHeldUp,
    /// No scheduler is alive, which would let it go.
    NoSchedulerAlive,
    /// The task was cancelled.
    TaskCancelled,
    /// A scheduler paused the task, because it cannot tell when it is due, or it makes no job.
    TaskBroken,
    /// The schedule of the task has no instant any more.
    ScheduleEnded,
    /// The task is due, and no scheduler has fired it yet.
    Overdue,
    /// Instants of the task were left out, because it was snoozed.
    Snoozed,
    /// Instants of the task were left out, because they were too late.
    Misfired,
    /// Instants of the task were left out, because a later one stands for them.
    Coalesced,
    /// Instants of the task were left out, because too many of its jobs had not ended.
    Overlap,
    /// Instants of the task were left out, because another job held its unique key.
    Duplicate,
    /// The condition of the task is false.
    ConditionFalse,
    /// The condition of the task is true, and it has fired for that, or does later.
    ConditionHeld,
    /// The job of the service has not ended.
    ServiceRuns,
    /// The last job of the task has not ended.
    JobUnended,
    /// More jobs come into the queue than end.
    FallsBehind,
    /// The oldest job of the queue has waited for long.
    WaitsLong,
    /// The queue is so full that it takes not all jobs.
    QueueFull,
    /// Many attempts of the queue's jobs fail.
    Failures,
    /// Jobs of the queue died within the hour.
    Deaths,
    /// Changes wait to become events.
    RelayBehind,
    /// Members of the batch run.
    MembersRun,
    /// Members of the batch wait for a worker.
    MembersWait,
    /// Members of the batch are not due.
    MembersScheduled,
    /// Members of the batch were set aside.
    MembersParked,
    /// Members of the batch are dead.
    MembersDead,
    /// What is left of the batch is being cancelled.
    Stopping,
    /// Ends of members were not counted yet.
    FoldBehind,
    /// The batch has ended, and a job that it calls has not.
    CallbackUnended,
}

impl ReasonKind {
    /// All of them.
    pub const ALL: [Self; 57] = [
        Self::NotDue,
        Self::Sleeps,
        Self::WaitsForEvent,
        Self::WaitsForJob,
        Self::WaitsForApproval,
        Self::OutsideHours,
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
        Self::PrefersWorker,
        Self::LabelsMissing,
        Self::TargetUnavailable,
        Self::VersionMissing,
        Self::NoWorkerAlive,
        Self::QueueUnserved,
        Self::KindUnknown,
        Self::WorkersDrained,
        Self::SlotsBusy,
        Self::Suspect,
        Self::Stalled,
        Self::InLine,
        Self::VacuumHeldUp,
        Self::NoSchedulerAlive,
        Self::TaskCancelled,
        Self::TaskBroken,
        Self::ScheduleEnded,
        Self::Overdue,
        Self::Snoozed,
        Self::Misfired,
        Self::Coalesced,
        Self::Overlap,
        Self::Duplicate,
        Self::ConditionFalse,
        Self::ConditionHeld,
        Self::ServiceRuns,
        Self::JobUnended,
        Self::FallsBehind,
        Self::WaitsLong,
        Self::QueueFull,
        Self::Failures,
        Self::Deaths,
        Self::RelayBehind,
        Self::MembersRun,
        Self::MembersWait,
        Self::MembersScheduled,
        Self::MembersParked,
        Self::MembersDead,
        Self::Stopping,
        Self::FoldBehind,
        Self::CallbackUnended,
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
        written_below(&self.reasons, f)
    }
}

/// A line for each reason.
pub(crate) fn written_below(reasons: &[Reason], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    reasons.iter().try_for_each(|reason| reason.write(0, f))
}
