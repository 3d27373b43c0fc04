//! What an explanation rests on, as it was looked up.

use crate::batch::batch::Batch;
use crate::db::diagnostics::OldestSnapshot;
use crate::explain::reason::Explanation;
use crate::job::state::JobState;
use crate::job::store::inspect::JobDetails;
use crate::queue::pressure::QueueLevel;
use crate::report::Progress;
use crate::schedule::condition::Condition;
use crate::schedule::condition_state::ConditionState;
use crate::step::record::WaitRecord;
use crate::target::status::TargetStatus;
use crate::task::store::Task;
use crate::task::store::inspect::FireRecord;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What an explanation rests on.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) now: DateTime<Utc>,
    pub(crate) job: JobDetails,
    /// What its handler waits for.
    pub(crate) waits: Vec<WaitRecord>,
    pub(crate) pause: Option<Pause>,
    pub(crate) workers: Vec<Hand>,
    pub(crate) limits: Vec<Room>,
    pub(crate) place: Option<Place>,
    /// How far it has come, while it runs.
    pub(crate) progress: Option<Progress>,
    /// The part of its kind that it belongs to, if a version of workers runs a part.
    pub(crate) part: Option<Part>,
    /// Whether the hours of its kind have put it off.
    pub(crate) put_off: bool,
    /// The batch that it waits for.
    pub(crate) batch: Option<Batch>,
    /// The target that it waits for.
    pub(crate) target: Option<TargetStatus>,
    /// Jobs that it waits for.
    pub(crate) others: Vec<Other>,
    pub(crate) snapshot: Option<OldestSnapshot>,
    pub(crate) schedulers: usize,
}

#[derive(Debug)]
pub(crate) struct Pause {
    pub(crate) name: String,
    pub(crate) paused_at: DateTime<Utc>,
    pub(crate) paused_by: Option<String>,
    pub(crate) paused_reason: Option<String>,
}

/// A worker, as it could serve the job.
#[derive(Debug)]
pub(crate) struct Hand {
    pub(crate) name: String,
    pub(crate) session: i64,
    pub(crate) serves: bool,
    pub(crate) knows: bool,
    pub(crate) running: i32,
    pub(crate) concurrency: i32,
    pub(crate) drained: bool,
}

/// The part of a kind that a rollout gives to a version of workers, or what it leaves to others.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) version: String,
    pub(crate) percent: i16,
    /// Whether it is that of the version.
    pub(crate) own: bool,
    /// Living workers that run this part.
    pub(crate) workers: i64,
}

/// What a limit leaves under a key.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) ordered: bool,
    pub(crate) per_process: bool,
    pub(crate) rate: Option<f64>,
    pub(crate) concurrency: Option<i32>,
    pub(crate) held: i64,
    pub(crate) tokens: Option<f64>,
    pub(crate) holders: Vec<Uuid>,
}

/// Where it stands among those that wait with it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) ahead: i64,
    pub(crate) suspect: bool,
    /// Number of suspects that run.
    pub(crate) suspects: i64,
    /// Attempts of its queue that ended in the last five minutes.
    pub(crate) ended: i64,
}

/// A job that it waits for.
#[derive(Debug)]
pub(crate) struct Other {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) queue: String,
    pub(crate) state: JobState,
    pub(crate) run_at: Option<DateTime<Utc>>,
}

/// What the explanation of a task rests on.
#[derive(Debug)]
pub(crate) struct TaskFacts {
    pub(crate) now: DateTime<Utc>,
    pub(crate) task: Task,
    /// The pause of all queues, and of tasks with them.
    pub(crate) stop: Option<Pause>,
    /// The pause of its queue.
    pub(crate) pause: Option<Pause>,
    pub(crate) schedulers: usize,
    pub(crate) condition: Option<Seen>,
    /// Its last instants, the latest first.
    pub(crate) fires: Vec<FireRecord>,
    /// Its jobs that have not ended, as far as it has to know.
    pub(crate) unfinished: Vec<Uuid>,
    /// Its last job.
    pub(crate) job: Option<Unended>,
}

/// A condition, as it is now and as schedulers saw it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) condition: Condition,
    pub(crate) state: ConditionState,
    pub(crate) value: Option<f64>,
}

/// A job that has not ended, and why.
#[derive(Debug)]
pub(crate) struct Unended {
    pub(crate) id: Uuid,
    pub(crate) explanation: Explanation,
}

/// What the explanation of a queue rests on.
#[derive(Debug)]
pub(crate) struct QueueFacts {
    pub(crate) name: String,
    pub(crate) pause: Option<Pause>,
    pub(crate) schedulers: usize,
    pub(crate) load: Load,
    /// One of its jobs that limits have set aside.
    pub(crate) limited: Option<Explanation>,
    /// One of its jobs that wait for a worker which has what they ask for.
    pub(crate) placed: Option<Explanation>,
    /// One of its jobs that wait for a target.
    pub(crate) unavailable: Option<Explanation>,
    pub(crate) snapshot: Option<OldestSnapshot>,
}

/// What is in a queue, and what becomes of it: `queue.sql` says what each is.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) waiting: i64,
    pub(crate) oldest: Option<f64>,
    pub(crate) unknown_kinds: Vec<String>,
    pub(crate) parked: i64,
    pub(crate) limited: i64,
    pub(crate) limited_job: Option<Uuid>,
    pub(crate) placed: i64,
    pub(crate) placed_job: Option<Uuid>,
    pub(crate) unavailable: i64,
    pub(crate) unavailable_job: Option<Uuid>,
    pub(crate) unversioned: Vec<String>,
    pub(crate) workers: i64,
    pub(crate) serving: i64,
    pub(crate) drained: i64,
    pub(crate) running: i64,
    pub(crate) slots: i64,
    pub(crate) arrived: i64,
    pub(crate) ended: i64,
    pub(crate) failed: i64,
    pub(crate) dead: i64,
    pub(crate) unrelayed: Option<f64>,
    pub(crate) max_waiting: Option<i32>,
    pub(crate) level: QueueLevel,
}

/// What the explanation of a batch rests on.
#[derive(Debug)]
pub(crate) struct BatchFacts {
    pub(crate) batch: Batch,
    pub(crate) places: Vec<Members>,
    /// One job of each place; of a batch that has ended the jobs that it calls.
    pub(crate) examples: Vec<Unended>,
    pub(crate) schedulers: usize,
}

/// Members of a batch that are at the same place.
#[derive(Debug)]
pub(crate) struct Members {
    /// The word for it; `None`: they have ended.
    pub(crate) place: Option<String>,
    pub(crate) members: i64,
    pub(crate) first: Uuid,
}
