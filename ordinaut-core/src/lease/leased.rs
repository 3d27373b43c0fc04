//! A job that a session may run.

use crate::backoff::Backoff;
use crate::client::Client;
use crate::db::ctid::Ctid;
use crate::job::ciphertext::Envelope;
use crate::job::job_error::JobError;
use crate::job::keyring::open;
use crate::job::trace::Trace;
use crate::lease::settlement::Retries;
use crate::lease::token::Token;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::Duration;

/// A job that a session may run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Lease {
    /// What every write about it carries.
    pub token: Token,
    /// The job's kind.
    pub kind: Arc<str>,
    /// The job's queue.
    pub queue: Arc<str>,
    /// The job's priority, from 1 (most urgent) to 9.
    pub priority: i16,
    /// Number of attempts that have failed.
    pub failures: i16,
    /// The job was lost twice: it may be what ended its workers, so a process runs one such job at
    /// a time.
    pub suspect: bool,
    /// It takes room of limits until it is settled.
    pub limited: bool,
    /// When the job was due.
    pub run_at: DateTime<Utc>,
    pub(crate) place: Ctid,
    /// What its handler needs; or why the job cannot run, such as that its own row is gone: settle
    /// it as failed for good, with that reason.
    pub body: Result<Body, String>,
    /// What its arguments take in Postgres, if they did not come with the claim: they are fetched
    /// before it starts, with [`Leases::fetch_args`](crate::lease::Leases::fetch_args).
    pub left_out: Option<usize>,
}

impl Lease {
    /// Fills in its arguments, or why they cannot be had.
    pub fn complete(&mut self, args: Result<String, String>) {
        self.left_out = None;
        match (args, &mut self.body) {
            (Ok(args), Ok(body)) => body.args = args,
            (Err(why), body) => *body = Err(why),
            (Ok(_), Err(_)) => {}
        }
    }

    /// Its arguments as they were given, decrypted if they are encrypted: for the worker that runs
    /// it, and nobody else. A key that is missing may be deployed later, so that its lack is worth
    /// a retry.
    ///
    /// # Errors
    ///
    /// What to settle the attempt with, if they cannot be had.
    pub fn open_args(&self, client: &Client) -> Result<String, JobError> {
        let body = self.body.as_ref().map_err(|reason| JobError::fatal(reason.clone()))?;
        match Envelope::read(&body.args) {
            None => Ok(body.args.clone()),
            Some(envelope) => Ok(open(client.keyring_or_none(), &envelope, &self.kind, self.token.job_id)?),
        }
    }

    /// Whether its arguments are encrypted, as far as they are here.
    pub fn is_encrypted(&self) -> bool {
        self.body.as_ref().is_ok_and(|body| Envelope::read(&body.args).is_some())
    }

    /// How the job may fail: as it says itself, and else as often and with the waits given here.
    pub fn retries(&self, max_attempts: i16, backoff: Backoff) -> Retries {
        let body = self.body.as_ref().ok();
        let max_attempts = body.and_then(|body| body.max_attempts).unwrap_or(max_attempts);
        Retries::new(self.failures, max_attempts, body.and_then(|body| body.backoff).unwrap_or(backoff))
    }

    /// Says how long an attempt may take, if the job does not.
    pub fn may_take(&mut self, timeout: Option<Duration>) {
        if let Ok(body) = &mut self.body {
            body.timeout_seconds = body.timeout_seconds.or(timeout.map(|timeout| timeout.as_secs_f64()));
        }
    }

    /// Where its row is, if the attempt may be settled there: what it takes of limits is given back
    /// by key.
    pub(crate) fn place_to_settle(&self) -> Option<Ctid> {
        (!self.limited).then_some(self.place)
    }

    /// What its arguments take in memory, or will.
    pub fn bytes(&self) -> usize {
        self.left_out.unwrap_or_else(|| self.body.as_ref().map_or(0, |body| body.args.len()))
    }
}

/// What a lease needs of the job's own row.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Body {
    /// The arguments as they are stored: JSON, and encrypted if the job's kind is. Empty as long as
    /// they are left out.
    pub args: String,
    /// Number of attempts that may fail; `None` leaves it to the worker.
    pub max_attempts: Option<i16>,
    /// Time that one attempt may take; `None` leaves it to the worker.
    pub timeout_seconds: Option<f64>,
    /// The job's tags.
    pub tags: Vec<String>,
    /// The wait between its attempts; `None` leaves it to the worker.
    pub backoff: Option<Backoff>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// The job's tenant.
    pub tenant: Option<String>,
    /// The instant that was asked for; `None`: at once.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// What it was enqueued for, as far as it says so.
    pub trace: Trace,
}
