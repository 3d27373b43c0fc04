//! The right to run a job, and the token that proves it.

use crate::backoff::Backoff;
use crate::db::ctid::Ctid;
use chrono::{DateTime, Utc};
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// What every write about a leased job carries. It never repeats: a later claim of the same job has another
/// attempt, another process another session, and the nonce tells two claims of one session apart even if
/// Postgres lost the first in a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    /// The job.
    pub job_id: Uuid,
    /// The number of the claim of this job; it only grows.
    pub attempt: i32,
    /// One life of a worker process.
    pub session: i64,
    /// The number of the claim within the session.
    pub nonce: i32,
}

/// `job:attempt:session:nonce`, as it is sent to others.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.job_id, self.attempt, self.session, self.nonce)
    }
}

/// A job that this process may run.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) token: Token,
    pub(crate) kind: Arc<str>,
    pub(crate) queue: Arc<str>,
    pub(crate) priority: i16,
    pub(crate) failures: i16,
    pub(crate) suspect: bool,
    /// It takes room of limits.
    pub(crate) limited: bool,
    pub(crate) run_at: DateTime<Utc>,
    pub(crate) place: Ctid,
    /// Or why the job cannot run, such as that its own row is gone: it is buried with that reason.
    pub(crate) body: Result<Body, String>,
    /// What its arguments take in Postgres, if they did not come with the claim: they are fetched before it starts.
    pub(crate) left_out: Option<usize>,
}

impl Lease {
    /// Its arguments, or why they cannot be had.
    pub(crate) fn complete(&mut self, args: Result<String, String>) {
        self.left_out = None;
        match (args, &mut self.body) {
            (Ok(args), Ok(body)) => body.args = args,
            (Err(why), body) => *body = Err(why),
            (Ok(_), Err(_)) => {}
        }
    }

    /// What its arguments take in memory, or will.
    pub(crate) fn bytes(&self) -> usize {
        self.left_out.unwrap_or_else(|| self.body.as_ref().map_or(0, |body| body.args.len()))
    }
}

/// What the lease needs of the job's own row.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    /// Empty as long as they are left out.
    pub(crate) args: String,
    pub(crate) max_attempts: Option<i16>,
    pub(crate) timeout_seconds: Option<f64>,
    pub(crate) tags: Vec<String>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) tenant: Option<String>,
    /// The instant that was asked for; `None`: at once.
    pub(crate) scheduled_for: Option<DateTime<Utc>>,
}
