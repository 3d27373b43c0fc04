//! What an explanation rests on, as it was looked up.

use crate::batch::batch::Batch;
use crate::db::diagnostics::OldestSnapshot;
use crate::job::state::JobState;
use crate::job::store::inspect::JobDetails;
use crate::step::record::WaitRecord;
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
    /// The batch that it waits for.
    pub(crate) batch: Option<Batch>,
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
